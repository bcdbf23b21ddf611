mod log;

use proptest::prelude::*;

use super::*;

#[test]
fn a_client_is_pinged_every_thirty_seconds_while_it_answers() {
    let mut bench = Bench::open();
    let mut pings = 0;
    for _ in 0..10 {
        bench.pass(30);
        pings += bench.sent().iter().filter(|text| *text == r#"{"type":"ping"}"#).count();
        bench.session.handle_text(r#"{"type":"pong","timestamp":"2026-11-21T20:39:03"}"#, bench.now);
    }

    assert_eq!((pings, bench.closed), (10, None));
}

#[test]
fn a_client_that_is_silent_for_sixty_seconds_is_closed_with_4010() {
    let mut bench = Bench::open();
    bench.pass(20);
    bench.session.handle_bytes(bench.now);

    bench.pass(59);
    assert_eq!(bench.closed, None);
    bench.pass(1);

    assert_eq!(bench.closed, Some(NO_HEARTBEAT));
    assert_eq!(bench.session.poll_timeout(), None);
}

#[test]
fn a_ping_of_the_client_is_answered() {
    let mut bench = Bench::open();

    bench.session.handle_text(r#"{"type":"ping"}"#, bench.now);

    assert_eq!(bench.sent(), [r#"{"type":"pong"}"#]);
}

#[test]
fn an_ack_with_an_id_acknowledges_that_alert_once() {
    let mut bench = Bench::open();
    bench.alert("a", "door");
    bench.alert("b", "door");

    bench.session.handle_text(r#"{"type":"ack","stream_id":"door","alert_id":"b"}"#, bench.now);
    bench.session.handle_text(r#"{"type":"ack","stream_id":"door","alert_id":"b"}"#, bench.now);

    assert_eq!(bench.acknowledged(), ["b"]);
    assert_eq!(bench.session.unacknowledged(), 1);
}

#[test]
fn an_ack_in_the_original_form_acknowledges_the_oldest_of_that_stream() {
    let mut bench = Bench::open();
    for (id, stream) in [("a", "door"), ("b", "till"), ("c", "till")] {
        bench.alert(id, stream);
    }

    for stream in ["till", "till", "till", "door"] {
        bench.session.handle_text(&format!(r#"{{"type":"ack","stream_id":"{stream}"}}"#), bench.now);
    }

    assert_eq!(bench.acknowledged(), ["b", "c", "a"]);
}

#[test]
fn a_foreign_or_empty_ack_does_nothing() {
    let mut bench = Bench::open();
    bench.alert("a", "door");

    bench.session.handle_text(r#"{"type":"ack","stream_id":"door","alert_id":"z"}"#, bench.now);
    bench.session.handle_text(r#"{"type":"ack","stream_id":"garden"}"#, bench.now);
    bench.session.handle_text(r#"{"type":"ack"}"#, bench.now);

    assert_eq!(bench.acknowledged(), [""; 0]);
    assert_eq!(bench.session.unacknowledged(), 1);
}

#[test]
fn a_client_that_never_acknowledges_costs_bounded_memory() {
    let mut bench = Bench::open();
    for number in 0..10_000 {
        bench.alert(&number.to_string(), "door");
        bench.sent();
    }

    assert_eq!(bench.session.unacknowledged(), Config::default().remember);
}

#[test]
fn what_cannot_be_read_is_told_and_the_connection_stays() {
    let mut bench = Bench::open();
    for text in ["", "[]", "5", "hello", r#"{"type":"dance"}"#, "{}"] {
        bench.session.handle_text(text, bench.now);
        assert!(matches!(bench.session.poll_event(), Some(Event::Ignored(_))), "{text}");
    }

    assert_eq!(bench.closed, None);
}

#[test]
fn after_closing_nothing_is_sent_or_taken() {
    let mut bench = Bench::open();

    bench.session.close(RESTART);
    bench.session.close(1000);
    bench.alert("a", "door");
    bench.session.handle_text(r#"{"type":"ping"}"#, bench.now);

    assert_eq!(bench.sent(), [""; 0]);
    assert_eq!((bench.closed, bench.session.unacknowledged()), (Some(RESTART), 0));
}

#[test]
fn a_server_that_stood_still_gives_its_clients_five_seconds_before_it_judges() {
    let mut bench = Bench::open();
    bench.now = bench.now + Duration::from_secs(90);

    bench.session.handle_timeout(bench.now);
    assert_eq!(bench.sent(), [r#"{"type":"ping"}"#]);
    bench.pass(4);
    assert_eq!(bench.closed, None);
    bench.pass(1);

    assert_eq!(bench.closed, Some(NO_HEARTBEAT));
}

proptest! {
    #[test]
    fn any_text_is_survived(texts in proptest::collection::vec(any::<String>(), 0..10)) {
        let mut bench = Bench::open();
        for text in texts {
            bench.session.handle_text(&text, bench.now);
        }
        bench.drain();
        prop_assert_eq!(bench.closed, None);
    }
}

/// A session and a clock.
struct Bench {
    session: Session,
    now: Moment,
    sent: Vec<String>,
    closed: Option<u16>,
}

impl Bench {
    fn open() -> Bench {
        let session = Session::open(Config::default(), Moment::START);
        Bench { session, now: Moment::START, sent: Vec::new(), closed: None }
    }

    fn alert(&mut self, id: &str, stream: &str) {
        let text = Text::from(format!(r#"{{"type":"anomaly_detected","alert_id":"{id}"}}"#));
        self.session.send_alert(AnomalyId::new(id).unwrap(), StreamId::new(stream).unwrap(), text);
    }

    /// Lets time pass, with every timer in it on time.
    fn pass(&mut self, seconds: u64) {
        let end = self.now + Duration::from_secs(seconds);
        while let Some(next) = self.session.poll_timeout().filter(|next| *next <= end) {
            self.now = next;
            self.session.handle_timeout(self.now);
        }
        self.now = end;
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(action) = self.session.poll_action() {
            match action {
                Action::Send(text) => {
                    assert_eq!(self.closed, None, "sent after the close");
                    self.sent.push(text.as_str().to_owned());
                }
                Action::SendBinary(_) | Action::FindHead { .. } => panic!("unexpected: {action:?}"),
                Action::Close { code } => self.closed = Some(code),
            }
        }
    }

    fn sent(&mut self) -> Vec<String> {
        self.drain();
        std::mem::take(&mut self.sent)
    }

    fn acknowledged(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.session.poll_event())
            .filter_map(|event| match event {
                Event::Acknowledged(id) => Some(id.as_str().to_owned()),
                Event::Ignored(_) => None,
            })
            .collect()
    }
}
