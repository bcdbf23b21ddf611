//! Protocol 2: the welcome, the place in the log, the head.

use std::collections::VecDeque;

use super::*;
use crate::alert::Picture;

#[test]
fn the_welcome_comes_first_and_is_told() {
    let mut bench = Bench::opened(None);

    bench.hear(&welcome("e.3", true));

    let events = bench.events();
    assert!(matches!(&events[..], [Event::Welcome(welcome)] if welcome.head == place("e.3")), "{events:?}");
    assert_eq!(bench.link.cursor(), None);
}

#[test]
fn without_a_welcome_the_connection_is_given_up_when_an_attempt_would_be() {
    let mut bench = Bench::opened(None);

    bench.pass(19.9);
    assert!(bench.is_online());
    bench.pass(0.1);

    assert_eq!(bench.waits_for(), Some(Cause::TimedOut));
    assert_eq!(bench.actions(), [Action::Close { code: 1000 }]);
}

#[test]
fn after_a_slow_handshake_the_welcome_still_has_five_seconds() {
    let mut bench = Bench::new();
    bench.link.connect(bench.now);
    bench.pass(19.5);
    bench.link.handle_open_v2(bench.now);

    bench.pass(4.9);
    assert!(bench.is_online());
    bench.hear(&welcome("e.1", true));
    bench.pass(10.0);

    assert!(bench.is_online());
}

#[test]
fn what_comes_before_the_welcome_is_life_and_no_protocol_2() {
    for first in [PING, ALERT, "not json", r#"{"type":"welcome","protocol":1,"epoch":"e","head":"e.1"}"#] {
        let mut bench = Bench::opened(Some("e.1"));

        bench.hear(first);
        bench.hear(&alert("e.2"));
        bench.hear(&welcome("e.3", true));
        bench.pass(25.0);

        let events = bench.events();
        assert_eq!(events[0], Event::NoWelcome, "{first}");
        let cursors: Vec<_> = alerts(&events).into_iter().map(|alert| alert.cursor.clone()).collect();
        assert!(cursors.iter().all(Option::is_none), "{first}: {cursors:?}");
        assert!(!events.iter().any(|event| matches!(event, Event::Welcome(_))), "{first}");
        assert!(bench.is_online(), "{first}");
        assert_eq!(bench.link.cursor(), Some(&place("e.1")), "{first}");
    }
}

#[test]
fn a_connection_of_protocol_1_has_no_place_in_the_log() {
    let mut bench = Bench::online();

    bench.hear(&welcome("e.3", true));
    bench.hear(&alert("e.4"));
    bench.hear(r#"{"type":"ping","head":"e.9"}"#);
    bench.link.handle_binary(&binary("e.5"), bench.now);
    bench.pass(20.0);

    let events = bench.events();
    assert!(
        matches!(&events[..], [Event::Unreadable(_), Event::Alert(alert)] if alert.cursor.is_none()),
        "{events:?}"
    );
    assert_eq!((bench.link.cursor(), bench.is_online()), (None, true));
}

#[test]
fn the_last_alert_that_was_handed_over_is_where_the_next_connection_goes_on() {
    let mut bench = Bench::welcomed(Some("e.1"), "e.3");

    bench.hear(&alert("e.2"));
    bench.link.handle_binary(&binary("e.3"), bench.now);

    let events = bench.events();
    let pictures: Vec<_> = alerts(&events).into_iter().map(|alert| &alert.picture).collect();
    assert!(matches!(&pictures[..], [Picture::Absent, Picture::Refused(_)]), "{pictures:?}");
    assert_eq!(bench.link.cursor(), Some(&place("e.3")));
}

#[test]
fn one_place_is_handed_over_once_on_a_connection_and_again_when_the_next_one_asks_for_it() {
    let mut bench = Bench::welcomed(Some("e.1"), "e.2");
    bench.hear(&alert("e.2"));
    bench.hear(&alert("e.2"));
    assert_eq!(alerts(&bench.events()).len(), 1);

    bench.link.handle_close(Cause::Lost, bench.now);
    bench.link.resume_from(Some(place("e.1")));
    bench.open();
    bench.hear(&welcome("e.2", true));
    bench.hear(&alert("e.2"));

    assert_eq!(alerts(&bench.events()).len(), 1);
}

#[test]
fn without_a_cursor_the_log_begins_at_its_head_once_the_record_is_compared() {
    let mut bench = Bench::welcomed(None, "e.7");
    assert_eq!(bench.link.cursor(), None);

    bench.link.compared();

    assert_eq!(bench.link.cursor(), Some(&place("e.7")));
    assert!(!bench.events().contains(&Event::Gap));
}

#[test]
fn a_log_that_cannot_go_on_is_a_gap_until_the_record_is_compared() {
    let mut bench = Bench::opened(Some("old.5"));
    bench.hear(&welcome("new.2", false));
    assert!(matches!(&bench.events()[..], [Event::Welcome(_), Event::Gap]));

    bench.link.handle_close(Cause::Lost, bench.now);
    assert_eq!(bench.link.cursor(), Some(&place("old.5")));
    bench.open();
    bench.hear(&welcome("new.2", false));
    assert!(bench.events().contains(&Event::Gap));
    bench.link.compared();

    assert_eq!(bench.link.cursor(), Some(&place("new.2")));
}

#[test]
fn a_comparison_on_another_connection_moves_nothing() {
    let mut bench = Bench::welcomed(Some("e.1"), "e.3");
    bench.link.handle_close(Cause::Lost, bench.now);

    bench.link.compared();

    assert_eq!(bench.link.cursor(), Some(&place("e.1")));
}

#[test]
fn a_server_may_ask_for_a_livelier_link_and_never_for_a_slower_one() {
    for (asked, pings_at, dead_at) in [
        (r#""ping_seconds":10,"dead_seconds":20"#, 10.0, 20.0),
        (r#""ping_seconds":600,"dead_seconds":86400"#, 30.0, 60.0),
        (r#""ping_seconds":0,"dead_seconds":0"#, 1.0, 10.0),
        (r#""ping_seconds":30,"dead_seconds":30"#, 15.0, 30.0),
        (r#""ping_seconds":-5,"dead_seconds":"x""#, 30.0, 60.0),
    ] {
        let mut bench = Bench::opened(None);
        bench.hear(&format!(
            r#"{{"type":"welcome","protocol":2,"epoch":"e","head":"e.1","recovered":true,{asked}}}"#
        ));

        bench.pass(pings_at - 0.1);
        assert_eq!(bench.actions(), [], "{asked}");
        bench.pass(0.1);
        assert_eq!(bench.actions(), [Action::Send(ClientMessage::Ping)], "{asked}");
        bench.pass(dead_at - pings_at);
        assert_eq!(bench.waits_for(), Some(Cause::Silent), "{asked}");
    }
}

#[test]
fn the_pace_of_one_server_is_not_kept_with_the_next() {
    let mut bench = Bench::opened(None);
    bench.hear(
        r#"{"type":"welcome","protocol":2,"epoch":"e","head":"e.1","ping_seconds":1,"dead_seconds":10}"#,
    );
    bench.link.handle_close(Cause::Lost, bench.now);
    bench.link.connect(bench.now);
    bench.link.handle_open(bench.now);
    bench.actions();

    bench.pass(29.9);

    assert_eq!(bench.actions(), []);
}

#[test]
fn a_head_ahead_for_five_seconds_with_nothing_coming_is_a_reason_to_connect_again() {
    let mut bench = Bench::welcomed(Some("e.1"), "e.1");
    bench.pass(10.0);

    bench.hear(r#"{"type":"ping","head":"e.2"}"#);
    bench.pass(4.9);
    assert!(bench.is_online());
    bench.pass(0.1);

    assert_eq!(bench.waits_for(), Some(Cause::Behind));
    assert!(bench.wait_out() <= Duration::from_millis(1_250));
    assert_eq!(bench.link.cursor(), Some(&place("e.1")));
}

#[test]
fn what_still_arrives_is_waited_for() {
    let mut bench = Bench::welcomed(Some("e.1"), "e.9");
    for number in 2..9 {
        bench.pass(4.0);
        bench.link.handle_bytes(bench.now);
        bench.pass(4.0);
        bench.hear(&alert(&format!("e.{number}")));
    }
    assert!(bench.is_online());

    bench.hear(&alert("e.9"));
    bench.pass(29.0);

    assert!(bench.is_online());
}

#[test]
fn pings_alone_are_no_progress() {
    let mut bench = Bench::welcomed(Some("e.1"), "e.2");

    for _ in 0..3 {
        bench.pass(1.5);
        bench.hear(r#"{"type":"ping","head":"e.2"}"#);
        bench.hear(PONG);
    }
    bench.pass(0.5);

    assert_eq!(bench.waits_for(), Some(Cause::Behind));
}

#[test]
fn a_head_that_is_older_than_what_arrived_is_not_ahead() {
    let mut bench = Bench::welcomed(Some("e.1"), "e.1");
    for number in 2..20 {
        bench.hear(&alert(&format!("e.{number}")));
    }

    bench.hear(r#"{"type":"ping","head":"e.12"}"#);
    bench.pass(20.0);

    assert!(bench.is_online());
}

#[test]
fn reconnects_that_bring_nothing_become_rare() {
    let mut bench = Bench::welcomed(Some("e.1"), "e.2");
    let mut connected = Vec::new();
    for _ in 0..8 {
        let since = bench.now;
        while bench.waits_for().is_none() {
            bench.pass(1.0);
            bench.hear(r#"{"type":"ping","head":"e.2"}"#);
        }
        connected.push(bench.now.since(since).as_secs());
        bench.wait_out();
        bench.link.handle_open_v2(bench.now);
        bench.hear(&welcome("e.2", true));
    }

    assert_eq!(connected, [5, 30, 60, 120, 240, 480, 600, 600]);
    bench.hear(&alert("e.2"));
    bench.hear(r#"{"type":"ping","head":"e.3"}"#);
    bench.pass(5.0);
    assert_eq!(bench.waits_for(), Some(Cause::Behind));
}

#[test]
fn who_slept_gives_the_log_another_five_seconds() {
    let mut bench = Bench::welcomed(Some("e.1"), "e.2");

    bench.now = bench.now + Duration::from_secs(40);
    bench.link.handle_timeout(bench.now);
    assert!(bench.is_online());
    bench.hear(&alert("e.2"));
    bench.pass(10.0);

    assert!(bench.is_online());
}

/// A server's log of one user, as simple as it can be.
#[derive(Debug, Default)]
struct Server {
    epoch: u32,
    /// How many alerts were raised in this epoch, and which of them the log still holds.
    raised: usize,
    oldest: usize,
}

#[derive(Debug, Clone)]
enum Step {
    Raise,
    /// The connection hands over this many.
    Deliver(usize),
    Duplicate,
    Ping,
    Cut,
    Wipe,
    Trim,
    Pass(u8),
    Compare,
}

proptest! {
    /// The application's view: what it was handed, and whether it was told of a gap since the last comparison.
    #[test]
    fn nothing_is_missing_without_a_gap_and_nothing_comes_twice(
        seed: u64,
        steps in proptest::collection::vec(steps(), 1..120),
    ) {
        let mut server = Server::default();
        let mut bench = Bench { link: Link::new(Config::default(), seed), now: Moment::START };
        let mut queue = VecDeque::new();
        let mut missing: std::collections::BTreeSet<String> = Default::default();
        let mut handed: Vec<String> = Vec::new();
        let mut may_miss = true;
        bench.link.connect(bench.now);
        for step in steps {
            let online = bench.is_online();
            match step {
                Step::Raise => {
                    server.raised += 1;
                    let name = server.name(server.raised);
                    missing.insert(name.clone());
                    if online { queue.push_back(name) }
                }
                Step::Deliver(count) if online => {
                    for name in queue.drain(..count.min(queue.len())).collect::<Vec<_>>() {
                        bench.hear(&alert(&name));
                    }
                }
                Step::Duplicate if online => {
                    if let Some(name) = handed.last().cloned() { bench.hear(&alert(&name)) }
                }
                Step::Ping if online => {
                    let head = server.name(server.raised);
                    bench.hear(&format!(r#"{{"type":"ping","head":"{head}"}}"#));
                }
                Step::Cut => bench.link.handle_close(Cause::Lost, bench.now),
                Step::Wipe => {
                    bench.link.handle_close(Cause::Lost, bench.now);
                    server = Server { epoch: server.epoch + 1, ..Server::default() };
                }
                Step::Trim => server.oldest = server.raised,
                Step::Pass(seconds) => bench.pass_to_the_next_timer(f64::from(seconds)),
                Step::Compare if online => {
                    bench.link.compared();
                    // The record has everything up to here; what is on its way still comes.
                    missing.retain(|name| queue.contains(name));
                    may_miss = false;
                }
                Step::Deliver(_) | Step::Duplicate | Step::Ping | Step::Compare => {}
            }
            for action in bench.actions() {
                if action == Action::Open {
                    let asked = bench.link.cursor().cloned();
                    bench.link.handle_open_v2(bench.now);
                    let (recovered, rest) = server.after(asked.as_ref());
                    queue = rest;
                    if asked.is_none() { may_miss = true }
                    handed.clear();
                    bench.hear(&welcome(&server.name(server.raised), recovered));
                }
            }
            for event in bench.events() {
                match &event {
                    Event::Gap => may_miss = true,
                    Event::Alert(alert) => {
                        let name = alert.cursor.as_ref().unwrap().as_str().to_owned();
                        prop_assert!(!handed.contains(&name), "{name} came twice on one connection");
                        missing.remove(&name);
                        handed.push(name);
                    }
                    Event::Changed | Event::Welcome(_) | Event::IdleLimit(_) => {}
                    Event::NoWelcome
                    | Event::Notice(_)
                    | Event::Unreadable(_)
                    | Event::Repaired
                    | Event::Question(_) => prop_assert!(false, "{event:?}"),
                }
            }
            if bench.is_online() && !may_miss {
                let left: Vec<_> = missing.iter().filter(|name| !queue.contains(name)).collect();
                prop_assert!(left.is_empty(), "missing without a gap: {left:?}");
            }
        }
    }
}

impl Server {
    fn name(&self, number: usize) -> String {
        format!("{}.{number}", self.epoch)
    }

    /// Whether it can go on there, and what follows.
    fn after(&self, cursor: Option<&Cursor>) -> (bool, VecDeque<String>) {
        let Some(cursor) = cursor else { return (true, VecDeque::new()) };
        let known = (self.oldest..=self.raised).find(|number| self.name(*number) == cursor.as_str());
        match known {
            Some(number) => (true, (number + 1..=self.raised).map(|number| self.name(number)).collect()),
            None => (false, VecDeque::new()),
        }
    }
}

fn steps() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => Just(Step::Raise),
        6 => (0_usize..5).prop_map(Step::Deliver),
        1 => Just(Step::Duplicate),
        2 => Just(Step::Ping),
        2 => Just(Step::Cut),
        1 => Just(Step::Wipe),
        1 => Just(Step::Trim),
        4 => (0_u8..40).prop_map(Step::Pass),
        3 => Just(Step::Compare),
    ]
}

fn place(cursor: &str) -> Cursor {
    Cursor::new(cursor).unwrap()
}

fn welcome(head: &str, recovered: bool) -> String {
    format!(r#"{{"type":"welcome","protocol":2,"epoch":"e","head":"{head}","recovered":{recovered}}}"#)
}

fn alert(cursor: &str) -> String {
    format!(
        r#"{{"type":"anomaly_detected","stream_id":"s","cursor":"{}","result":{{"person_id":1}}}}"#,
        cursor
    )
}

fn binary(cursor: &str) -> Vec<u8> {
    crate::message::binary(&alert(cursor), b"no picture").to_vec()
}

fn alerts(events: &[Event]) -> Vec<&Alert> {
    events
        .iter()
        .filter_map(|event| if let Event::Alert(alert) = event { Some(&**alert) } else { None })
        .collect()
}

impl Bench {
    /// A link that asked for the log from here and is open; no welcome came yet.
    fn opened(cursor: Option<&str>) -> Bench {
        let mut bench = Bench::new();
        bench.link.resume_from(cursor.map(place));
        bench.open();
        bench
    }

    fn open(&mut self) {
        self.link.connect(self.now);
        self.link.handle_open_v2(self.now);
        self.actions();
        self.events();
    }

    fn welcomed(cursor: Option<&str>, head: &str) -> Bench {
        let mut bench = Bench::opened(cursor);
        bench.hear(&welcome(head, true));
        bench.events();
        bench
    }

    /// Lets this much time pass, or less, with at most one timer in it.
    fn pass_to_the_next_timer(&mut self, seconds: f64) {
        let left = self.link.poll_timeout().map(|at| at.since(self.now).as_secs_f64());
        self.pass(left.map_or(seconds, |left| left.min(seconds)));
    }

    fn hear(&mut self, text: &str) {
        self.link.handle_text(text, self.now);
    }
}
