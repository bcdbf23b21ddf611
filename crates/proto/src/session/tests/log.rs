//! Following the log, in virtual time.

use proptest::prelude::*;

use super::super::*;
use crate::message::{ServerMessage, Welcome};

#[test]
fn a_follower_is_welcomed_before_anything_else() {
    let mut world = World::follow(3, 1);

    let sent = world.sent();

    let Some(ServerMessage::Welcome(welcome)) = sent.first() else { panic!("{sent:?}") };
    let head = cursor(3);
    let epoch = "e".to_owned();
    let (ping_seconds, dead_seconds) = (Some(30), Some(60));
    assert_eq!(*welcome, Welcome { protocol: 2, epoch, head, recovered: true, ping_seconds, dead_seconds });
    assert_eq!(world.alerts, [(2, true), (3, true)]);
}

#[test]
fn after_what_is_replayed_comes_what_is_live() {
    let mut world = World::follow(2, 0);
    world.publish(10);

    world.publish(10);

    assert_eq!(world.alerts, [(1, true), (2, true), (3, false), (4, false)]);
}

#[test]
fn what_is_published_between_the_welcome_and_the_first_read_is_not_missed() {
    let mut world = World::new(1);
    world.log.push(10);
    world.log.push(10);

    world.settle();

    assert_eq!(world.alerts, [(2, false), (3, false)]);
}

#[test]
fn a_head_that_vanished_does_not_make_live_alerts_replayed_ones() {
    let mut world = World::new(2);
    world.session = Session::follow(Config::default(), start(7, 2), world.now);
    world.settle();

    world.publish(10);

    assert_eq!(world.alerts, [(3, false)]);
}

#[test]
fn thirty_two_alerts_are_in_flight_and_each_ack_lets_one_more_go() {
    let mut world = World::follow(100, 0);
    assert_eq!(world.alerts.len(), 32);

    world.acknowledge(5);
    assert_eq!(world.alerts.len(), 33);
    world.acknowledge(5);
    world.text(r#"{"type":"ack","alert_id":"a99"}"#);
    world.text(r#"{"type":"ack","alert_id":"zebra"}"#);

    assert_eq!(world.alerts.len(), 33);
    assert_eq!(world.session.unacknowledged(), 32);
}

#[test]
fn eight_mebibytes_are_in_flight_and_one_alert_may_always_be() {
    let mut world = World::new(0);
    for _ in 0..5 {
        world.log.push(3 << 20);
    }
    world.log.push(20 << 20);
    world.settle();
    assert_eq!(world.alerts.len(), 2);

    for number in 1..=4 {
        world.acknowledge(number);
        assert!(world.session.unacknowledged_bytes() <= 8 << 20);
    }
    assert_eq!(world.alerts.len(), 5);
    world.acknowledge(5);

    assert_eq!(world.alerts.len(), 6);
    assert!(world.session.unacknowledged_bytes() >= 20 << 20);
}

#[test]
fn an_ack_may_name_the_alert_or_its_place_or_only_the_stream() {
    let mut world = World::follow(3, 0);

    world.text(r#"{"type":"ack","stream_id":"door","alert_id":"a2","cursor":"e.1"}"#);
    world.text(r#"{"type":"ack","stream_id":"door","cursor":"e.3"}"#);
    world.text(r#"{"type":"ack","stream_id":"door"}"#);
    world.text(r#"{"type":"ack","stream_id":"door"}"#);

    assert_eq!(world.acknowledged, ["a2", "a3", "a1"]);
    assert_eq!((world.session.unacknowledged(), world.session.unacknowledged_bytes()), (0, 0));
}

#[test]
fn who_holds_alerts_back_for_sixty_seconds_without_an_ack_is_closed_with_4008() {
    let mut world = World::follow(33, 0);

    world.pass(59);
    assert_eq!(world.closed, None);
    world.pass(1);

    assert_eq!((world.closed, world.alerts.len()), (Some(FLOW), 32));
}

#[test]
fn with_every_ack_the_sixty_seconds_begin_anew() {
    let mut world = World::follow(40, 0);

    for number in 1..=7 {
        world.pass(59);
        world.acknowledge(number);
    }
    world.pass(59);

    assert_eq!(world.closed, None);
    assert_eq!(world.alerts.len(), 39);
}

#[test]
fn a_client_for_which_nothing_waits_may_take_its_time_to_acknowledge() {
    let mut world = World::follow(32, 0);
    world.pass(600);
    assert_eq!(world.closed, None);

    world.publish(10);
    world.pass(60);

    assert_eq!(world.closed, Some(FLOW));
}

#[test]
fn a_server_that_stood_still_reads_the_acks_that_lie_there_before_it_judges() {
    let mut world = World::follow(33, 0);
    world.now = world.now + Duration::from_secs(3_600);

    world.session.handle_timeout(world.now);
    world.settle();
    assert_eq!(world.closed, None);
    world.acknowledge(1);

    assert_eq!((world.closed, world.alerts.len()), (None, 33));
}

#[test]
fn a_log_that_cannot_be_read_is_tried_again_after_a_second() {
    let mut world = World::follow(1, 0);
    world.log.broken = true;
    world.publish(10);
    assert_eq!(world.alerts.len(), 1);
    assert_eq!(world.session.poll_read(), None);

    world.log.broken = false;
    world.pass(1);

    assert_eq!(world.alerts.len(), 2);
}

#[test]
fn a_ping_tells_the_head_once_it_is_known() {
    let mut world = World::follow(2, 0);
    world.sent();

    world.pass(30);

    assert_eq!(world.sent(), [ServerMessage::Ping { head: Some(cursor(2)) }]);
}

#[test]
fn a_ping_goes_out_also_where_the_head_cannot_be_found_or_never_is() {
    let mut world = World::follow(2, 0);
    world.sent();
    world.log.broken = true;
    world.pass(30);
    assert_eq!(world.sent(), [ServerMessage::Ping { head: None }]);

    world.log.silent = true;
    world.pass(60);

    assert_eq!(world.sent(), [ServerMessage::Ping { head: None }]);
}

#[test]
fn to_a_client_that_holds_its_alerts_back_no_head_is_told() {
    let mut world = World::follow(40, 0);
    world.sent();

    world.pass(30);

    assert_eq!(world.sent(), [ServerMessage::Ping { head: None }]);
}

#[test]
fn a_head_that_nobody_rang_for_makes_the_log_be_read() {
    let mut world = World::follow(2, 0);
    world.log.push(10);

    world.pass(30);

    assert_eq!(world.alerts.last(), Some(&(3, false)));
}

#[test]
fn after_the_close_nothing_is_read_or_sent() {
    let mut world = World::follow(40, 0);
    world.session.close(RESTART);
    world.settle();

    world.acknowledge(1);
    world.publish(10);

    assert_eq!((world.closed, world.alerts.len()), (Some(RESTART), 32));
    assert_eq!((world.session.poll_read(), world.session.poll_timeout()), (None, None));
}

#[test]
fn pictures_travel_as_the_client_wants_them() {
    for (frames, is_binary) in [(Frames::Base64, false), (Frames::Binary, true)] {
        let mut world = World::new(0);
        world.session = Session::follow(Config::default(), Start { frames, ..start(0, 0) }, world.now);
        world.publish(10);
        assert_eq!(world.binary > 0, is_binary);
        assert_eq!(world.alerts, [(1, false)]);
    }
}

/// What may happen to a connection.
#[derive(Debug, Clone)]
enum Step {
    Publish(usize),
    PublishUnheard(usize),
    Acknowledge(usize),
    Nonsense,
    Pass(u64),
    Break(bool),
    /// Pages come late: what was asked for before this is answered now.
    Answer,
}

proptest! {
    #[test]
    fn what_is_sent_is_the_log_without_a_gap_or_a_repeat_and_within_bounds(
        before in 0_usize..50,
        after in 0_usize..50,
        late in any::<bool>(),
        steps in proptest::collection::vec(step(), 0..150),
    ) {
        let after = after.min(before);
        let mut world = World::new(before);
        world.session = Session::follow(Config::default(), start(before, after), world.now);
        world.late = late;
        world.settle();
        for step in steps {
            match step {
                Step::Publish(bytes) => world.publish(bytes),
                Step::PublishUnheard(bytes) => world.log.push(bytes),
                Step::Acknowledge(back) => {
                    if let Some((number, _)) = world.alerts.iter().rev().nth(back) {
                        world.acknowledge(*number);
                    }
                }
                Step::Nonsense => world.text(r#"{"type":"ack","alert_id":"zebra","cursor":"x"}"#),
                Step::Pass(seconds) => world.pass(seconds),
                Step::Break(broken) => world.log.broken = broken,
                Step::Answer => world.answer(),
            }
            let in_flight = world.session.unacknowledged();
            prop_assert!(in_flight <= 32);
            prop_assert!(in_flight <= 1 || world.session.unacknowledged_bytes() <= 8 << 20);
        }

        let numbers: Vec<usize> = world.alerts.iter().map(|(number, _)| *number).collect();
        prop_assert_eq!(&numbers, &(after + 1..=after + numbers.len()).collect::<Vec<_>>());
        for (number, replayed) in &world.alerts {
            prop_assert_eq!(*replayed, *number <= before, "{}", number);
        }

        if world.closed.is_none() {
            world.log.broken = false;
            for _ in 0..400 {
                world.answer();
                for number in world.in_flight() {
                    world.acknowledge(number);
                }
                world.pass(1);
            }
            world.pass(31);
            world.answer();
            prop_assert_eq!(after + world.alerts.len(), world.log.sizes.len());
        }
    }
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1_usize..200_000).prop_map(Step::Publish),
        1 => ((1_usize << 20)..(4 << 20)).prop_map(Step::Publish),
        1 => (1_usize..1_000).prop_map(Step::PublishUnheard),
        6 => (0_usize..40).prop_map(Step::Acknowledge),
        1 => Just(Step::Nonsense),
        3 => (0_u64..25).prop_map(Step::Pass),
        1 => any::<bool>().prop_map(Step::Break),
        4 => Just(Step::Answer),
    ]
}

/// A log whose places are `e.1`, `e.2` and so on; it only knows how large its alerts are.
#[derive(Default)]
struct ModelLog {
    sizes: Vec<usize>,
    /// Reading it fails.
    broken: bool,
    /// Asking it for the head is never answered.
    silent: bool,
}

impl ModelLog {
    fn push(&mut self, bytes: usize) {
        self.sizes.push(bytes);
    }

    fn page(&self, read: &Read) -> Page {
        let mut page = Page::default();
        let mut bytes = 0;
        for number in number(&read.after) + 1..=self.sizes.len() {
            let size = self.sizes[number - 1];
            bytes += size;
            if page.entries.len() == read.alerts || (bytes > read.bytes && !page.entries.is_empty()) {
                page.more = true;
                break;
            }
            let header =
                format!(r#"{{"type":"anomaly_detected","stream_id":"door","alert_id":"a{number}"}}"#);
            page.entries.push(Entry {
                cursor: cursor(number),
                id: AnomalyId::new(&format!("a{number}")).unwrap(),
                stream: StreamId::new("door").unwrap(),
                picture: vec![0; size.saturating_sub(header.len())].into(),
                header,
            });
        }
        page
    }
}

struct World {
    session: Session,
    log: ModelLog,
    now: Moment,
    /// Number of each alert that was sent, and whether as a replayed one.
    alerts: Vec<(usize, bool)>,
    others: Vec<ServerMessage>,
    acknowledged: Vec<String>,
    closed: Option<u16>,
    binary: usize,
    /// Pages are not answered at once.
    late: bool,
    asked: Option<Read>,
}

impl World {
    /// A log of so many alerts, and a client that has them all.
    fn new(before: usize) -> World {
        let log = ModelLog { sizes: vec![100; before], ..ModelLog::default() };
        let now = Moment::START;
        World {
            session: Session::follow(Config::default(), start(before, before), now),
            log,
            now,
            alerts: Vec::new(),
            others: Vec::new(),
            acknowledged: Vec::new(),
            closed: None,
            binary: 0,
            late: false,
            asked: None,
        }
    }

    /// A log of so many alerts, and a client that has the first `after`.
    fn follow(before: usize, after: usize) -> World {
        let mut world = World::new(before);
        world.session = Session::follow(Config::default(), start(before, after), world.now);
        world.settle();
        world
    }

    fn publish(&mut self, bytes: usize) {
        self.log.push(bytes);
        self.session.ring(self.now);
        self.settle();
    }

    fn acknowledge(&mut self, number: usize) {
        self.text(&format!(r#"{{"type":"ack","stream_id":"door","alert_id":"a{number}"}}"#));
    }

    fn text(&mut self, text: &str) {
        self.session.handle_text(text, self.now);
        self.settle();
    }

    /// Lets time pass, with every timer in it on time and a client that is not silent.
    fn pass(&mut self, seconds: u64) {
        let end = self.now + Duration::from_secs(seconds);
        self.session.handle_bytes(self.now);
        while let Some(next) = self.session.poll_timeout().filter(|next| *next <= end) {
            self.now = next;
            self.session.handle_bytes(self.now);
            self.session.handle_timeout(self.now);
            self.settle();
        }
        self.now = end;
    }

    fn answer(&mut self) {
        if let Some(read) = self.asked.take() {
            if self.log.broken {
                self.session.handle_unreadable(self.now);
            } else {
                self.session.handle_page(self.log.page(&read), self.now);
            }
        }
        self.settle();
    }

    fn settle(&mut self) {
        loop {
            self.carry_out();
            if self.asked.is_some() {
                return;
            }
            self.asked = self.session.poll_read();
            if self.asked.is_none() || self.late {
                return;
            }
            let read = self.asked.take().unwrap();
            if self.log.broken {
                self.session.handle_unreadable(self.now);
            } else {
                self.session.handle_page(self.log.page(&read), self.now);
            }
        }
    }

    fn carry_out(&mut self) {
        while let Some(event) = self.session.poll_event() {
            match event {
                Event::Acknowledged(id) => self.acknowledged.push(id.as_str().to_owned()),
                Event::Ignored(why) => panic!("ignored: {why}"),
            }
        }
        while let Some(action) = self.session.poll_action() {
            assert_eq!(self.closed, None, "{action:?} after the close");
            match action {
                Action::Send(text) => self.receive(ServerMessage::read(text.as_str()).unwrap().message),
                Action::SendBinary(bytes) => {
                    self.binary += 1;
                    self.receive(ServerMessage::read_binary(&bytes).unwrap().message);
                }
                Action::FindHead { since } if !self.log.silent => {
                    let newest = cursor(self.log.sizes.len().max(number(&since)));
                    let head = (!self.log.broken).then_some(newest);
                    self.session.handle_head(head.as_ref(), self.now);
                }
                Action::FindHead { .. } => {}
                Action::Close { code } => self.closed = Some(code),
            }
        }
    }

    fn receive(&mut self, message: ServerMessage) {
        match message {
            ServerMessage::Alert(alert) => {
                self.alerts.push((number(&alert.cursor.unwrap()), alert.replayed));
            }
            ServerMessage::Welcome(_)
            | ServerMessage::Ping { .. }
            | ServerMessage::Pong
            | ServerMessage::Notice(_)
            | ServerMessage::Unknown(_) => self.others.push(message),
        }
    }

    /// What was sent beside alerts.
    fn sent(&mut self) -> Vec<ServerMessage> {
        std::mem::take(&mut self.others)
    }

    fn in_flight(&self) -> Vec<usize> {
        let done = |number: &usize| self.acknowledged.contains(&format!("a{number}"));
        self.alerts.iter().map(|(number, _)| *number).filter(|number| !done(number)).collect()
    }
}

fn start(head: usize, after: usize) -> Start {
    Start {
        epoch: "e".to_owned(),
        head: cursor(head),
        after: cursor(after),
        recovered: true,
        frames: Frames::Binary,
    }
}

fn cursor(number: usize) -> Cursor {
    Cursor::new(&format!("e.{number}")).unwrap()
}

fn number(cursor: &Cursor) -> usize {
    cursor.as_str().strip_prefix("e.").unwrap().parse().unwrap()
}
