mod idle;
mod log;

use proptest::prelude::*;

use super::*;
use crate::alert::Via;
use crate::id::{AnomalyId, StreamId};

const PING: &str = r#"{"type":"ping"}"#;
const PONG: &str = r#"{"type":"pong"}"#;
const ALERT: &str = r#"{"type":"anomaly_detected","stream_id":"s","result":{"person_id":1}}"#;

#[test]
fn asked_to_connect_it_opens_a_socket_and_is_online_once_that_is_open() {
    let mut bench = Bench::new();

    bench.link.connect(bench.now);
    assert_eq!(bench.actions(), [Action::Open]);
    assert_eq!(*bench.link.state(), State::Connecting { give_up_at: at(20.0) });
    bench.pass(0.2);
    bench.link.handle_open(bench.now);

    assert_eq!(bench.events(), [Event::Changed, Event::Changed]);
    assert_eq!(*bench.link.state(), State::Online { since: at(0.2), heard_at: at(0.2), ping_at: at(30.2) });
}

#[test]
fn an_attempt_that_takes_twenty_seconds_is_given_up() {
    let mut bench = Bench::new();
    bench.link.connect(bench.now);
    bench.actions();

    bench.pass(20.0);

    assert_eq!(bench.actions(), [Action::Close { code: 1000 }]);
    assert_eq!(bench.waits_for(), Some(Cause::TimedOut));
}

#[test]
fn a_ping_of_the_server_is_answered_at_once() {
    let mut bench = Bench::online();

    bench.link.handle_text(PING, bench.now);

    assert_eq!(bench.actions(), [Action::Send(ClientMessage::Pong)]);
}

#[test]
fn a_ping_is_sent_every_thirty_seconds() {
    let mut bench = Bench::online();
    let mut pings = Vec::new();
    for _ in 0..200 {
        bench.pass(0.5);
        bench.link.handle_bytes(bench.now);
        if bench.actions() == [Action::Send(ClientMessage::Ping)] {
            pings.push(bench.now);
        }
    }

    assert_eq!(pings, [at(30.0), at(60.0), at(90.0)]);
}

#[test]
fn sixty_seconds_of_silence_are_the_end_and_our_own_pings_do_not_prolong_it() {
    let mut bench = Bench::online();
    bench.pass(10.0);
    bench.link.handle_bytes(bench.now);

    bench.pass(59.9);
    assert!(bench.is_online());
    bench.actions();
    bench.pass(0.1);

    assert_eq!(bench.actions(), [Action::Close { code: 1000 }]);
    assert_eq!(bench.waits_for(), Some(Cause::Silent));
}

#[test]
fn any_byte_is_a_sign_of_life_and_so_is_a_message_that_cannot_be_read() {
    let mut bench = Bench::online();
    for _ in 0..10 {
        bench.pass(50.0);
        bench.link.handle_bytes(bench.now);
        bench.pass(50.0);
        bench.link.handle_text("not json", bench.now);
        bench.pass(50.0);
        bench.link.handle_text(PONG, bench.now);
    }

    assert!(bench.is_online());
}

#[test]
fn an_alert_is_handed_on_and_acknowledged_when_it_is_stored() {
    let mut bench = Bench::online();
    let ack = ClientMessage::Ack {
        stream_id: StreamId::new("s").ok(),
        alert_id: AnomalyId::new("a").ok(),
        cursor: None,
        frame_number: None,
    };

    bench.link.handle_text(ALERT, bench.now);
    assert_eq!(bench.actions(), []);
    let events = bench.events();
    bench.link.acknowledge(ack.clone());

    assert!(matches!(&events[..], [Event::Alert(alert)] if alert.via == Via::Detection), "{events:?}");
    assert_eq!(bench.actions(), [Action::Send(ack)]);
}

#[test]
fn a_repaired_alert_says_so_before_it() {
    let mut bench = Bench::online();

    bench
        .link
        .handle_text(r#"{"type":"anomaly_detected","stream_id":"s","result":{"score":NaN}}"#, bench.now);

    assert!(matches!(&bench.events()[..], [Event::Repaired, Event::Alert(_)]));
}

#[test]
fn unreadable_and_unknown_messages_are_told_and_the_connection_stays() {
    let mut bench = Bench::online();

    bench.link.handle_text("[1,2", bench.now);
    bench.link.handle_text(r#"{"type":"welcome\u001b[2J"}"#, bench.now);

    let [Event::Unreadable(first), Event::Unreadable(second)] = &bench.events()[..] else { panic!() };
    assert!(first.contains("not JSON"), "{first}");
    assert_eq!(second, r#"a message of unknown type "welcome\u{1b}[2J""#);
    assert!(bench.is_online());
}

#[test]
fn what_arrives_after_the_end_is_ignored() {
    let mut bench = Bench::online();
    bench.link.handle_close(Cause::Lost, bench.now);
    bench.events();
    let waiting = *bench.link.state();

    bench.link.handle_text(ALERT, bench.now);
    bench.link.handle_text(PING, bench.now);
    bench.link.handle_bytes(bench.now);
    bench.link.handle_open(bench.now);
    bench.link.handle_close(Cause::Silent, bench.now);
    bench.link.acknowledge(ClientMessage::Pong);

    assert_eq!((bench.actions(), bench.events()), (vec![], vec![]));
    assert_eq!(*bench.link.state(), waiting);
}

#[test]
fn a_flapping_server_does_not_reset_the_backoff() {
    let mut bench = Bench::new();
    bench.link.connect(bench.now);
    let mut waits = Vec::new();
    for _ in 0..12 {
        bench.link.handle_open(bench.now);
        bench.pass(1.0);
        bench.link.handle_close(Cause::Lost, bench.now);
        waits.push(bench.wait_out());
    }

    assert!(waits[11] >= Duration::from_secs(15), "{waits:?}");
}

#[test]
fn a_server_that_accepts_and_then_says_nothing_does_not_reset_the_backoff() {
    let mut bench = Bench::new();
    bench.link.connect(bench.now);
    let mut last = Duration::ZERO;
    for _ in 0..12 {
        bench.link.handle_open(bench.now);
        bench.pass(60.0);
        assert_eq!(bench.waits_for(), Some(Cause::Silent));
        last = bench.wait_out();
    }

    assert!(last >= Duration::from_secs(15), "{last:?}");
}

#[test]
fn a_connection_of_thirty_seconds_starts_the_backoff_over() {
    let mut bench = Bench::new();
    bench.link.connect(bench.now);
    for _ in 0..12 {
        bench.link.handle_close(Cause::Refused, bench.now);
        bench.wait_out();
    }
    bench.link.handle_open(bench.now);
    bench.pass(30.0);
    bench.link.handle_text(PING, bench.now);

    bench.link.handle_close(Cause::Lost, bench.now);

    assert!(bench.wait_out() <= Duration::from_secs(1));
}

#[test]
fn a_restarting_server_is_tried_again_within_a_second_or_two() {
    for code in [1001, 1012] {
        let mut bench = Bench::online();
        bench.pass(10.0);
        bench.link.handle_bytes(bench.now);

        bench.link.handle_close(Cause::Closed(code), bench.now);

        assert!(bench.wait_out() <= Duration::from_millis(1_250));
    }
}

#[test]
fn a_server_that_says_restart_at_every_connection_is_not_hammered() {
    let mut bench = Bench::new();
    bench.link.connect(bench.now);
    let mut last = Duration::ZERO;
    for _ in 0..12 {
        bench.link.handle_open(bench.now);
        bench.link.handle_close(Cause::Closed(1012), bench.now);
        last = bench.wait_out();
    }

    assert!(last >= Duration::from_secs(15), "{last:?}");
}

#[test]
fn retry_after_is_obeyed_when_it_is_longer_than_the_backoff() {
    let mut bench = Bench::new();
    bench.link.connect(bench.now);

    bench
        .link
        .handle_close(Cause::Http { status: 503, retry_after: Some(Duration::from_secs(77)) }, bench.now);

    assert_eq!(bench.wait_out(), Duration::from_secs(77));
}

#[test]
fn a_portal_and_a_wrong_address_are_tried_again_at_a_steady_pace() {
    for cause in [
        Cause::Intercepted,
        Cause::Tls,
        Cause::AddressRejected,
        Cause::Downgraded,
        Cause::Http { status: 404, retry_after: None },
    ] {
        let mut bench = Bench::new();
        bench.link.connect(bench.now);
        for _ in 0..5 {
            bench.link.handle_close(cause, bench.now);
            let wait = bench.wait_out();
            assert!(
                wait >= Duration::from_secs(30) && wait <= Duration::from_secs(60),
                "{cause:?}: {wait:?}"
            );
        }
    }
}

#[test]
fn a_refused_token_is_a_question_before_it_is_anything_else() {
    for (cause, status) in [(http(401), 401), (http(403), 403)] {
        let mut bench = Bench::new();
        bench.link.connect(bench.now);
        bench.events();

        bench.link.handle_close(cause, bench.now);

        assert_eq!(bench.events(), [Event::Changed, Event::Question(cause)], "{status}");
        assert_eq!(bench.waits_for(), Some(cause));
    }
}

#[test]
fn a_dead_token_ends_in_rejection_without_further_attempts() {
    let mut bench = Bench::asked();

    bench.link.handle_close(Cause::TokenRejected, bench.now);

    assert_eq!(*bench.link.state(), State::Rejected { cause: Cause::TokenRejected });
    assert_eq!(bench.link.poll_timeout(), None);
    bench.pass(100_000.0);
    assert_eq!(bench.actions(), []);
}

#[test]
fn a_wrong_address_is_tried_again_each_minute() {
    let mut bench = Bench::asked();

    bench.link.handle_close(Cause::AddressRejected, bench.now);

    assert_eq!(bench.waits_for(), Some(Cause::AddressRejected));
    assert!(bench.wait_out() >= Duration::from_secs(30));
}

#[test]
fn a_new_token_connects_at_once() {
    let mut bench = Bench::asked();

    bench.link.connect(bench.now);

    assert_eq!(bench.actions(), [Action::Open]);
}

#[test]
fn a_question_that_nobody_answers_does_not_stop_the_attempts() {
    let mut bench = Bench::asked();

    assert_eq!(bench.wait_out(), Duration::from_secs(60));
    assert!(matches!(bench.link.state(), State::Connecting { .. }));
}

#[test]
fn signing_in_again_leaves_the_rejected_state() {
    let mut bench = Bench::asked();
    bench.link.handle_close(Cause::TokenRejected, bench.now);

    bench.link.connect(bench.now);

    assert_eq!(bench.actions(), [Action::Open]);
}

#[test]
fn after_a_wake_an_open_link_has_five_seconds_to_prove_itself() {
    let mut bench = Bench::online();
    bench.now = bench.now + Duration::from_secs(8 * 3600);

    bench.link.probe(bench.now);
    assert_eq!(bench.actions(), [Action::Send(ClientMessage::Ping)]);
    bench.pass(5.0);

    assert_eq!(bench.waits_for(), Some(Cause::Silent));
}

#[test]
fn a_link_that_answers_its_probe_lives_on() {
    let mut bench = Bench::online();
    bench.now = bench.now + Duration::from_secs(3600);
    bench.link.probe(bench.now);

    bench.pass(4.0);
    bench.link.handle_text(PONG, bench.now);
    bench.pass(50.0);

    assert!(bench.is_online());
}

#[test]
fn a_second_probe_does_not_prolong_the_first() {
    let mut bench = Bench::online();
    bench.link.probe(bench.now);
    bench.pass(3.0);
    bench.link.probe(bench.now);

    bench.pass(2.0);

    assert_eq!(bench.waits_for(), Some(Cause::Silent));
}

#[test]
fn a_timer_that_comes_hours_late_probes_instead_of_giving_up() {
    let mut bench = Bench::online();
    bench.now = bench.now + Duration::from_secs(3600);

    bench.link.handle_timeout(bench.now);

    assert!(bench.is_online());
    assert_eq!(bench.actions(), [Action::Send(ClientMessage::Ping)]);
    bench.pass(5.0);
    assert_eq!(bench.waits_for(), Some(Cause::Silent));
}

#[test]
fn a_wake_while_waiting_attempts_at_once_and_a_stale_attempt_is_begun_anew() {
    let mut bench = Bench::new();
    bench.link.connect(bench.now);
    bench.link.handle_close(Cause::NoRoute, bench.now);
    bench.actions();

    bench.link.probe(bench.now);
    assert_eq!(bench.actions(), [Action::Open]);
    bench.pass(7.0);
    bench.link.probe(bench.now);

    assert_eq!(bench.actions(), [Action::Close { code: 1000 }, Action::Open]);
    assert_eq!(*bench.link.state(), State::Connecting { give_up_at: bench.now + Duration::from_secs(20) });
}

#[test]
fn reclaiming_closes_and_reconnects_after_at_least_a_quarter_of_a_second() {
    let mut bench = Bench::online();

    bench.link.reclaim(bench.now, Duration::ZERO);

    assert_eq!(bench.actions(), [Action::Close { code: 1000 }]);
    assert_eq!(bench.waits_for(), Some(Cause::Asked));
    bench.pass(0.24);
    assert_eq!(bench.actions(), []);
    bench.pass(0.01);
    assert_eq!(bench.actions(), [Action::Open]);
}

#[test]
fn retry_now_cuts_a_wait_short_but_does_not_start_the_backoff_over() {
    let mut bench = Bench::new();
    bench.link.connect(bench.now);
    for _ in 0..12 {
        bench.link.handle_close(Cause::Refused, bench.now);
        bench.link.connect(bench.now);
        assert!(matches!(bench.link.state(), State::Connecting { .. }));
    }

    bench.link.handle_close(Cause::Refused, bench.now);

    assert!(bench.wait_out() >= Duration::from_secs(15));
}

#[test]
fn disconnecting_closes_and_stays_offline() {
    let mut bench = Bench::online();

    bench.link.disconnect();
    bench.link.handle_close(Cause::Closed(1000), bench.now);

    assert_eq!(bench.actions(), [Action::Close { code: 1000 }]);
    assert_eq!((bench.link.state(), bench.link.poll_timeout()), (&State::Offline, None));
    assert_eq!(bench.events(), [Event::Changed]);
}

#[derive(Debug, Clone)]
enum Input {
    Connect,
    Disconnect,
    Reclaim,
    Probe,
    Open,
    Text,
    Close(Cause),
    Pass(u32),
}

proptest! {
    #[test]
    fn whatever_happens_a_wait_stays_within_its_bounds_and_silence_within_a_minute(
        seed: u64,
        inputs in proptest::collection::vec(inputs(), 1..60),
    ) {
        let mut bench = Bench { link: Link::new(Config::default(), seed), now: Moment::START };
        for input in inputs {
            let now = bench.now;
            match input {
                Input::Connect => bench.link.connect(now),
                Input::Disconnect => bench.link.disconnect(),
                Input::Reclaim => bench.link.reclaim(now, Duration::from_secs(1)),
                Input::Probe => bench.link.probe(now),
                Input::Open => bench.link.handle_open(now),
                Input::Text => bench.link.handle_text(ALERT, now),
                Input::Close(cause) => bench.link.handle_close(cause, now),
                Input::Pass(seconds) => bench.pass(f64::from(seconds)),
            }
            check(&bench)?;
            let opened = bench.actions().iter().filter(|action| **action == Action::Open).count();
            prop_assert!(opened <= 1 || matches!(input, Input::Pass(_)), "{opened} attempts by {input:?}");
        }
    }
}

fn check(bench: &Bench) -> Result<(), TestCaseError> {
    let left = bench.link.poll_timeout().map(|until| until.since(bench.now));
    match *bench.link.state() {
        State::Offline | State::Rejected { .. } => prop_assert_eq!(left, None),
        State::Connecting { .. } => prop_assert!(left.unwrap() <= Duration::from_secs(20)),
        State::Waiting { .. } => prop_assert!(left.unwrap() <= crate::cause::MAX_RETRY_AFTER),
        State::Online { heard_at, .. } => {
            prop_assert!(left.unwrap() <= Duration::from_secs(30));
            prop_assert!(bench.now.since(heard_at) <= Duration::from_secs(61));
        }
    }
    Ok(())
}

fn inputs() -> impl Strategy<Value = Input> {
    prop_oneof![
        1 => Just(Input::Connect),
        1 => Just(Input::Disconnect),
        1 => Just(Input::Reclaim),
        1 => Just(Input::Probe),
        3 => Just(Input::Open),
        2 => Just(Input::Text),
        3 => causes().prop_map(Input::Close),
        5 => (0_u32..200).prop_map(Input::Pass),
    ]
}

fn causes() -> impl Strategy<Value = Cause> {
    prop_oneof![
        Just(Cause::Silent),
        Just(Cause::Refused),
        Just(Cause::Lost),
        Just(Cause::Intercepted),
        Just(Cause::TokenRejected),
        Just(Cause::AddressRejected),
        any::<u16>().prop_map(Cause::Closed),
        (any::<u16>(), any::<Option<u32>>()).prop_map(|(status, seconds)| Cause::Http {
            status,
            retry_after: seconds.map(|seconds| Duration::from_secs(seconds.into())),
        }),
    ]
}

fn http(status: u16) -> Cause {
    Cause::Http { status, retry_after: None }
}

fn at(seconds: f64) -> Moment {
    Moment::from_start(Duration::from_secs_f64(seconds))
}

/// A link and a clock.
struct Bench {
    link: Link,
    now: Moment,
}

impl Bench {
    fn new() -> Bench {
        Bench { link: Link::new(Config::default(), 7), now: Moment::START }
    }

    fn online() -> Bench {
        let mut bench = Bench::new();
        bench.link.connect(bench.now);
        bench.link.handle_open(bench.now);
        bench.actions();
        bench.events();
        bench
    }

    /// A link whose token was refused and whose question is not answered yet.
    fn asked() -> Bench {
        let mut bench = Bench::new();
        bench.link.connect(bench.now);
        bench.link.handle_close(http(403), bench.now);
        bench.actions();
        bench.events();
        bench
    }

    /// Lets time pass, with every timer in it on time.
    fn pass(&mut self, seconds: f64) {
        let end = self.now + Duration::from_secs_f64(seconds);
        while let Some(next) = self.link.poll_timeout().filter(|next| *next <= end) {
            self.now = self.now.max(next);
            self.link.handle_timeout(self.now);
        }
        self.now = end;
    }

    /// Lets the wait that is under way pass; how long it was.
    fn wait_out(&mut self) -> Duration {
        assert!(self.waits_for().is_some(), "{:?}", self.link.state());
        let start = self.now;
        self.now = self.link.poll_timeout().unwrap();
        self.link.handle_timeout(self.now);
        self.now.since(start)
    }

    fn waits_for(&self) -> Option<Cause> {
        match *self.link.state() {
            State::Waiting { cause, .. } => Some(cause),
            State::Offline | State::Connecting { .. } | State::Online { .. } | State::Rejected { .. } => None,
        }
    }

    fn is_online(&self) -> bool {
        matches!(self.link.state(), State::Online { .. })
    }

    fn actions(&mut self) -> Vec<Action> {
        std::iter::from_fn(|| self.link.poll_action()).collect()
    }

    fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.link.poll_event()).collect()
    }
}
