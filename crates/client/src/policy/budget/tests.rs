use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;
use crate::shell::Buttons;

#[test]
fn after_hours_each_update_sounds_until_somebody_has_seen_it() {
    let mut budget = Budget::new(true);
    let loud = || Card { sounds_each_time: true, ..card(1, Some("a"), Severity::High) };
    let raise = |budget: &mut Budget, sound| {
        let steps = budget.raise(loud(), notification("1", Some(AlertId(1)), sound));
        steps.into_iter().find_map(|step| match step {
            Step::Raise(raised) => Some(raised.sound),
            Step::Withdraw(_) | Step::Told(..) => None,
        })
    };

    let sounds = [raise(&mut budget, true), raise(&mut budget, false), raise(&mut budget, false)];
    budget.shown("1");
    budget.shown("1");
    budget.shown("1");
    budget.closed("1");

    assert_eq!(sounds, [Some(true); 3]);
    assert_eq!(raise(&mut budget, false), None, "the person knows of it");
}

#[test]
fn two_stand_and_the_third_takes_the_place_of_the_older_which_is_counted() {
    let mut desk = Desk::default();

    desk.comes(1, "a", Severity::Medium);
    desk.comes(2, "b", Severity::Medium);
    desk.comes(3, "c", Severity::Medium);
    desk.all();

    assert_eq!(desk.standing, ["2", "3", COUNTER]);
    assert_eq!(desk.counted, Some((1, 1)));
}

#[test]
fn the_worse_stand_and_one_that_finds_no_place_is_heard_all_the_same() {
    let mut desk = Desk::default();
    desk.comes(1, "a", Severity::High);
    desk.comes(2, "b", Severity::High);
    desk.all();
    let sounds = desk.sounds;

    desk.comes(3, "c", Severity::Medium);
    desk.all();
    let with_sound = desk.sounds;
    desk.updates(3);
    desk.all();

    assert_eq!(desk.standing, ["1", "2", COUNTER]);
    assert_eq!((with_sound - sounds, desk.sounds - with_sound), (1, 0));
    assert_eq!(desk.untold(), [0; 0]);
}

#[test]
fn of_one_camera_there_is_one_popup_in_which_the_newest_is_shown() {
    let mut desk = Desk::default();
    desk.comes(1, "a", Severity::Medium);
    desk.all();

    desk.comes(2, "a", Severity::Medium);
    let orders: Vec<_> = desk.orders.iter().cloned().collect();
    desk.all();
    desk.updates(1);
    desk.all();

    let Some(Order::Raise(raised)) = orders.first() else { panic!("{orders:?}") };
    assert_eq!(raised.in_place_of.as_deref(), Some("1"));
    assert_eq!(desk.standing, ["2", COUNTER], "the older one's updates do not take it back");
    assert_eq!(desk.untold(), [0; 0]);
}

#[test]
fn a_milder_one_of_the_same_camera_does_not_hide_a_high_one() {
    let mut desk = Desk::default();
    desk.comes(1, "a", Severity::High);

    desk.comes(2, "a", Severity::Medium);
    desk.all();

    assert_eq!(desk.standing, ["1", COUNTER]);
}

#[test]
fn the_counter_goes_when_nothing_is_left_to_count() {
    let mut desk = Desk::default();
    for (incident, camera) in [(1, "a"), (2, "b"), (3, "c"), (4, "d")] {
        desk.comes(incident, camera, Severity::Medium);
    }
    desk.all();
    let sounds = desk.sounds;

    desk.does(|budget| budget.handled(IncidentId(1)));
    desk.all();
    let then = desk.counted;
    desk.does(|budget| budget.read(IncidentId(2)));
    desk.all();

    assert_eq!(then, Some((1, 1)));
    assert_eq!(desk.standing, ["3", "4"]);
    assert_eq!(desk.sounds, sounds, "it is silent");
}

#[test]
fn stores_are_told_apart() {
    let mut desk = Desk::default();
    for (incident, store) in [(1, "x"), (2, "y"), (3, "x"), (4, "x")] {
        let card = Card { store: Some(store.to_owned()), ..card(incident, None, Severity::Medium) };
        desk.does(|budget| budget.count_missed(card, true));
    }
    desk.all();

    assert_eq!(desk.counted, Some((4, 2)));
}

#[test]
fn one_whose_time_is_over_is_counted_and_one_that_was_closed_is_not() {
    let mut desk = Desk::default();
    desk.comes(1, "a", Severity::Medium);
    desk.comes(2, "b", Severity::Medium);
    desk.all();

    desk.goes("1");
    desk.closes("2");
    desk.updates(2);
    desk.all();

    assert_eq!(desk.standing, [COUNTER]);
    assert_eq!(desk.counted, Some((1, 1)));
    assert_eq!(desk.untold(), [0; 0]);
}

#[test]
fn what_was_closed_comes_back_when_it_is_high() {
    let mut desk = Desk::default();
    desk.comes(1, "a", Severity::Medium);
    desk.all();
    desk.closes("1");

    desk.becomes(1, Severity::High);
    desk.all();

    assert_eq!(desk.standing, ["1"]);
}

#[test]
fn a_closed_counter_comes_back_with_what_is_new_alone() {
    let mut desk = Desk::default();
    for (incident, camera) in [(1, "a"), (2, "b"), (3, "c"), (4, "d")] {
        desk.comes(incident, camera, Severity::Medium);
    }
    desk.all();

    desk.closes(COUNTER);
    desk.does(|budget| budget.handled(IncidentId(1)));
    desk.all();
    let closed = desk.standing.clone();
    desk.comes(5, "e", Severity::Medium);
    desk.all();

    assert_eq!(closed, ["3", "4"]);
    assert_eq!(
        (desk.standing.as_slice(), desk.counted),
        (&["4".into(), "5".into(), COUNTER.into()][..], Some((1, 1)))
    );
}

#[test]
fn one_that_failed_is_asked_for_again_and_not_counted() {
    let mut desk = Desk::default();
    desk.comes(1, "a", Severity::Medium);
    desk.fails();
    let untold = desk.untold();

    desk.again();
    desk.all();

    assert_eq!(untold, [1]);
    assert_eq!((desk.standing.as_slice(), desk.sounds), (&["1".to_owned()][..], 1));
}

#[test]
fn a_counter_that_failed_is_not_tried_again_at_once_and_tells_of_all_later() {
    let mut desk = Desk::default();
    desk.does(|budget| budget.count_missed(card(1, Some("a"), Severity::Medium), true));
    desk.fails();
    let waits = desk.orders.iter().filter(|order| matches!(order, Order::Raise(_))).count();

    desk.does(|budget| budget.count_missed(card(1, Some("a"), Severity::Medium), true));
    desk.all();

    assert_eq!(waits, 0);
    assert_eq!((desk.standing.as_slice(), desk.sounds), (&[COUNTER.to_owned()][..], 1));
}

#[test]
fn what_a_service_took_with_it_is_counted_with_what_comes_next() {
    let mut desk = Desk::default();
    desk.comes(1, "a", Severity::Medium);
    desk.comes(2, "b", Severity::High);
    desk.all();
    desk.closes("1");

    desk.restarts(&["1"]);
    let none = desk.orders.len();
    desk.updates(2);
    desk.updates(1);
    desk.all();

    assert_eq!(none, 0);
    assert_eq!(desk.standing, ["2", "1"]);
}

#[test]
fn what_could_not_be_stored_is_the_incident_s_once_it_is() {
    let mut desk = Desk::default();
    let unstored = Card {
        id: "unstored:a:7".to_owned(),
        incident: None,
        alert: None,
        ..card(0, Some("a"), Severity::High)
    };
    let notification = notification("unstored:a:7", None, true);
    desk.does(|budget| budget.raise(unstored, notification));
    desk.all();

    desk.budget.is_stored("unstored:a:7", IncidentId(1));
    desk.comes(1, "a", Severity::Medium);
    desk.all();
    let one = desk.standing.clone();
    desk.does(|budget| budget.handled(IncidentId(1)));
    desk.all();

    assert_eq!(one, ["1"]);
    assert_eq!(desk.standing, [""; 0]);
}

#[test]
fn what_is_looked_at_is_told_without_a_popup() {
    let mut desk = Desk::default();
    desk.comes(1, "a", Severity::High);
    desk.all();
    let looked_at = Card { alert: Some(AlertId(9)), ..card(1, Some("a"), Severity::High) };

    let steps = desk.budget.is_looked_at(looked_at);

    assert_eq!(steps, [Step::Withdraw("1".into()), Step::Told(IncidentId(1), AlertId(9))]);
}

#[test]
fn a_sign_out_takes_all_back_and_names_what_nobody_was_told_of() {
    let mut desk = Desk::default();
    for (incident, camera) in [(1, "a"), (2, "b"), (3, "c")] {
        desk.comes(incident, camera, Severity::Medium);
    }
    desk.all();
    desk.comes(4, "d", Severity::Medium);

    let (steps, untold) = desk.budget.clear();
    desk.carry_out(steps);
    desk.all();

    assert_eq!(untold, [IncidentId(4)]);
    assert_eq!(desk.standing, [""; 0]);
}

#[test]
fn nothing_of_a_snoozed_camera_stands_or_is_counted_and_what_nobody_was_told_of_is_named() {
    let mut desk = Desk::default();
    for (incident, camera) in [(1, "a"), (2, "b"), (3, "c")] {
        desk.comes(incident, camera, Severity::Medium);
    }
    desk.all();
    desk.comes(4, "b", Severity::Medium);
    let mut untold = Vec::new();

    desk.does(|budget| {
        let (steps, of) = budget.snoozed("b");
        untold.extend(of);
        steps
    });
    desk.all();
    desk.does(|budget| budget.snoozed("a").0);
    desk.all();

    assert_eq!(desk.standing, ["3"]);
    assert_eq!(untold, [IncidentId(4)]);
    assert_eq!(desk.budget.snoozed("c").1, [], "it was told");
}

#[test]
fn as_lines_all_are_told_and_only_what_was_missed_is_counted() {
    let mut desk = Desk { budget: Budget::new(false), ..Desk::default() };
    for (incident, camera) in [(1, "a"), (2, "a"), (3, "b"), (4, "c")] {
        desk.comes(incident, camera, Severity::Medium);
    }
    desk.does(|budget| budget.count_missed(card(5, Some("d"), Severity::Medium), true));
    desk.all();
    let first = desk.counted;
    desk.does(|budget| budget.count_missed(card(6, Some("d"), Severity::Medium), true));
    desk.all();

    assert_eq!(desk.standing, ["1", "2", "3", "4", COUNTER]);
    assert_eq!((first, desk.counted), (Some((1, 1)), Some((1, 1))));
}

#[derive(Debug, Clone, Copy)]
enum Move {
    Comes(u8),
    Updates(u8, bool),
    Misses(u8),
    Draws,
    Fails,
    Again,
    Handled(u8),
    Read(u8),
    Looks(u8),
    Closes(u8),
    Over(u8),
    Restarts,
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![
        6 => any::<u8>().prop_map(Move::Comes),
        4 => any::<(u8, bool)>().prop_map(|(which, worse)| Move::Updates(which, worse)),
        2 => any::<u8>().prop_map(Move::Misses),
        10 => Just(Move::Draws),
        2 => Just(Move::Fails),
        2 => Just(Move::Again),
        1 => any::<u8>().prop_map(Move::Handled),
        1 => any::<u8>().prop_map(Move::Read),
        1 => any::<u8>().prop_map(Move::Looks),
        1 => any::<u8>().prop_map(Move::Closes),
        1 => any::<u8>().prop_map(Move::Over),
        1 => Just(Move::Restarts),
    ];
    proptest::collection::vec(one, 0..120)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// The desk itself looks after each move that no more than two and the counter stand, and that nothing pops up twice.
    #[test]
    fn whatever_comes_two_and_the_counter_stand_at_most_and_all_are_told_once(moves in moves()) {
        let mut desk = Desk::default();
        for what in moves {
            desk.moves(what);
        }
        for _ in 0..3 {
            desk.again();
            desk.all();
        }

        prop_assert_eq!(desk.untold(), Vec::<i64>::new());
        let incidents = desk.standing.iter().filter(|id| *id != COUNTER).count();
        prop_assert_eq!(incidents, desk.budget.places.len());
        let counts = desk.standing.iter().any(|id| id == COUNTER);
        prop_assert_eq!(counts, desk.budget.counter.stands);
        if counts {
            prop_assert_eq!(desk.counted.map(|(incidents, _)| incidents), Some(desk.budget.rest.len()));
            prop_assert!(!desk.budget.rest.is_empty());
        }
        for held in desk.budget.rest.values() {
            prop_assert!(!desk.standing.contains(&held.card.id), "{} stands and is counted", held.card.id);
        }
    }
}

#[derive(Debug, Clone)]
enum Order {
    Raise(Box<Raised>),
    Withdraw(String),
}

/// A notification on its way, and all that it speaks of.
#[derive(Debug, Clone)]
struct Raised {
    id: String,
    in_place_of: Option<String>,
    alerts: Vec<Option<i64>>,
    sound: bool,
    counted: Option<(usize, usize)>,
}

/// A desktop that does as `notifier` does, and a journal.
struct Desk {
    budget: Budget,
    orders: VecDeque<Order>,
    standing: Vec<String>,
    counted: Option<(usize, usize)>,
    sounds: usize,
    incidents: BTreeMap<i64, Known>,
    alerts: i64,
}

#[derive(Debug, Clone)]
struct Known {
    camera: String,
    severity: Severity,
    newest: i64,
    marked: i64,
    /// Up to which alert the desktop was asked.
    asked: i64,
    was_heard: bool,
    is_open: bool,
}

impl Default for Desk {
    fn default() -> Desk {
        Desk {
            budget: Budget::new(true),
            orders: VecDeque::new(),
            standing: Vec::new(),
            counted: None,
            sounds: 0,
            incidents: BTreeMap::new(),
            alerts: 0,
        }
    }
}

impl Desk {
    fn comes(&mut self, incident: i64, camera: &str, severity: Severity) {
        self.alerts += 1;
        let known = Known {
            camera: camera.to_owned(),
            severity,
            newest: self.alerts,
            marked: 0,
            asked: 0,
            was_heard: false,
            is_open: true,
        };
        self.incidents.insert(incident, known);
        self.pops_up(incident);
    }

    fn updates(&mut self, incident: i64) {
        let severity = self.incidents[&incident].severity;
        self.becomes(incident, severity);
    }

    fn becomes(&mut self, incident: i64, severity: Severity) {
        self.alerts += 1;
        let newest = self.alerts;
        if let Some(known) = self.incidents.get_mut(&incident).filter(|known| known.is_open) {
            (known.newest, known.severity) = (newest, known.severity.max(severity));
            self.pops_up(incident);
        }
    }

    fn card(&mut self, incident: i64) -> (Card, bool) {
        let known = self.incidents.get_mut(&incident).expect("it is known");
        assert!(known.newest > known.marked, "alert {} of {incident} pops up twice", known.newest);
        known.asked = known.newest;
        let sound = !std::mem::replace(&mut known.was_heard, true);
        let card = Card {
            alert: Some(AlertId(known.newest)),
            ..card(incident, Some(&known.camera), known.severity)
        };
        (card, sound)
    }

    fn pops_up(&mut self, incident: i64) {
        let (card, sound) = self.card(incident);
        let notification = notification(&card.id, card.alert, sound);
        self.does(|budget| budget.raise(card, notification));
    }

    fn does(&mut self, change: impl FnOnce(&mut Budget) -> Vec<Step>) {
        let steps = change(&mut self.budget);
        self.carry_out(steps);
        self.count();
    }

    fn carry_out(&mut self, steps: Vec<Step>) {
        for step in steps {
            match step {
                Step::Raise(notification) => self.raise(*notification, None),
                Step::Withdraw(id) => {
                    self.orders.retain(|order| !matches!(order, Order::Raise(raised) if raised.id == id));
                    let waits = |order: &Order| matches!(order, Order::Withdraw(other) if *other == id);
                    if !self.orders.iter().any(waits) {
                        self.orders.push_back(Order::Withdraw(id));
                    }
                }
                Step::Told(incident, alert) => self.marks(incident.0, alert.0),
            }
        }
    }

    fn count(&mut self) {
        match self.budget.count(true) {
            Some(Count::Tell(tally)) => {
                let counted = Some((tally.incidents, tally.stores));
                self.raise(notification(COUNTER, None, tally.sound), counted);
            }
            Some(Count::Withdraw) => self.carry_out(vec![Step::Withdraw(COUNTER.to_owned())]),
            None => {}
        }
    }

    fn raise(&mut self, notification: Notification, counted: Option<(usize, usize)>) {
        let Notification { id, alert, sound, in_place_of, .. } = notification;
        let alerts = vec![alert.and_then(|alert| alert.parse().ok())];
        let raised = Raised { id, in_place_of, alerts, sound, counted };
        let waiting = |orders: &VecDeque<Order>, id: &str| {
            orders.iter().position(|order| matches!(order, Order::Raise(raised) if raised.id == id))
        };
        if let Some(at) = waiting(&self.orders, &raised.id)
            && let Some(Order::Raise(older)) = self.orders.get_mut(at)
        {
            older.alerts.extend(raised.alerts);
            older.sound |= raised.sound;
            (older.counted, older.in_place_of) = (counted, raised.in_place_of.or(older.in_place_of.take()));
        } else if let Some(before) = raised.in_place_of.clone()
            && let Some(at) = waiting(&self.orders, &before)
            && let Some(Order::Raise(older)) = self.orders.get_mut(at)
        {
            let in_place_of = older.in_place_of.take().or(raised.in_place_of);
            **older = Raised { in_place_of, ..raised };
        } else {
            self.orders.push_back(Order::Raise(Box::new(raised)));
        }
    }

    fn all(&mut self) {
        for _ in 0..1_000 {
            self.draws(true);
            if self.orders.is_empty() {
                return;
            }
        }
        panic!("it never ends: {:?}", self.orders);
    }

    fn fails(&mut self) {
        self.draws(false);
    }

    /// The next order is carried out, or the desktop does not take it.
    fn draws(&mut self, takes: bool) {
        match self.orders.pop_front() {
            None => {}
            Some(Order::Withdraw(id)) => self.standing.retain(|standing| *standing != id),
            Some(Order::Raise(raised)) if takes => self.takes(*raised),
            Some(Order::Raise(raised)) => self.refuses(*raised),
        }
        self.looks();
    }

    fn takes(&mut self, raised: Raised) {
        let place = raised.in_place_of.unwrap_or_else(|| raised.id.clone());
        match self.standing.iter_mut().find(|standing| **standing == raised.id || **standing == place) {
            Some(standing) => standing.clone_from(&raised.id),
            None => self.standing.push(raised.id.clone()),
        }
        self.sounds += usize::from(raised.sound);
        self.counted = raised.counted.or(self.counted);
        for alert in raised.alerts {
            if raised.id == COUNTER {
                for (incident, alert) in self.budget.counter_shown() {
                    self.marks(incident.0, alert.0);
                }
            } else if let (Ok(incident), Some(alert)) = (raised.id.parse(), alert) {
                self.marks(incident, alert);
            }
            let id = raised.id.clone();
            self.does(|budget| {
                budget.shown(&id);
                Vec::new()
            });
        }
    }

    fn refuses(&mut self, raised: Raised) {
        for _ in raised.alerts {
            if raised.id == COUNTER {
                for card in self.budget.counter_failed() {
                    self.is_forgotten(card.incident.map(|incident| incident.0));
                }
            }
            self.is_forgotten(raised.id.parse().ok());
            let id = raised.id.clone();
            self.does(|budget| budget.failed(&id));
        }
    }

    fn is_forgotten(&mut self, incident: Option<i64>) {
        if let Some(known) = incident.and_then(|incident| self.incidents.get_mut(&incident)) {
            known.asked = known.marked;
            known.was_heard = known.marked > 0;
        }
    }

    fn marks(&mut self, incident: i64, alert: i64) {
        if let Some(known) = self.incidents.get_mut(&incident) {
            known.marked = known.marked.max(alert);
        }
    }

    /// Those that no notification covered are looked for.
    fn again(&mut self) {
        for incident in self.untold() {
            if self.incidents[&incident].asked < self.incidents[&incident].newest {
                self.pops_up(incident);
            }
        }
        self.does(|budget| {
            budget.try_again();
            Vec::new()
        });
    }

    fn untold(&self) -> Vec<i64> {
        let untold = self.incidents.iter().filter(|(_, known)| known.is_open && known.marked < known.newest);
        untold.map(|(incident, _)| *incident).collect()
    }

    fn closes(&mut self, id: &str) {
        self.standing.retain(|standing| standing != id);
        self.does(|budget| budget.closed(id));
    }

    fn goes(&mut self, id: &str) {
        self.standing.retain(|standing| standing != id);
        self.does(|budget| {
            budget.over(id);
            Vec::new()
        });
    }

    fn restarts(&mut self, unseen: &[&str]) {
        self.standing.clear();
        let unseen: Vec<String> = unseen.iter().map(|id| (*id).to_owned()).collect();
        self.does(|budget| {
            budget.lost(&unseen);
            Vec::new()
        });
    }

    fn moves(&mut self, what: Move) {
        let which = |which: u8| i64::from(which % 12);
        let known = |desk: &Desk, number: u8| {
            let incident = which(number);
            desk.incidents.get(&incident).is_some_and(|known| known.is_open).then_some(incident)
        };
        match what {
            Move::Comes(number) => {
                let incident = self.incidents.len() as i64;
                let severity = if number % 3 == 0 { Severity::High } else { Severity::Medium };
                if incident < 12 {
                    self.comes(incident, &format!("camera {}", number % 5), severity);
                }
            }
            Move::Updates(number, worse) => {
                if let Some(incident) = known(self, number) {
                    self.becomes(incident, if worse { Severity::High } else { Severity::Low });
                }
            }
            Move::Misses(number) => {
                if let Some(incident) = known(self, number) {
                    self.alerts += 1;
                    if let Some(known) = self.incidents.get_mut(&incident) {
                        known.newest = self.alerts;
                    }
                    if self.budget.has_popup(IncidentId(incident)) {
                        self.pops_up(incident);
                    } else {
                        let (card, sound) = self.card(incident);
                        self.does(|budget| budget.count_missed(card, sound));
                    }
                }
            }
            Move::Draws => self.draws(true),
            Move::Fails => self.fails(),
            Move::Again => self.again(),
            Move::Handled(number) => {
                if let Some(incident) = known(self, number) {
                    if let Some(known) = self.incidents.get_mut(&incident) {
                        known.is_open = false;
                    }
                    self.does(|budget| budget.handled(IncidentId(incident)));
                }
            }
            Move::Read(number) => {
                if let Some(incident) = known(self, number) {
                    // The journal has it as seen: it needs no telling any more.
                    let newest = self.incidents[&incident].newest;
                    self.marks(incident, newest);
                    self.does(|budget| budget.read(IncidentId(incident)));
                }
            }
            Move::Looks(number) => {
                if let Some(incident) = known(self, number) {
                    self.alerts += 1;
                    if let Some(known) = self.incidents.get_mut(&incident) {
                        known.newest = self.alerts;
                    }
                    let (card, _) = self.card(incident);
                    self.does(|budget| budget.is_looked_at(card));
                }
            }
            Move::Closes(number) => {
                let standing = self.standing.get(usize::from(number) % self.standing.len().max(1)).cloned();
                standing.iter().for_each(|id| self.closes(id));
            }
            Move::Over(number) => {
                let standing = self.standing.get(usize::from(number) % self.standing.len().max(1)).cloned();
                standing.iter().filter(|id| *id != COUNTER).for_each(|id| self.goes(id));
            }
            Move::Restarts => self.restarts(&[]),
        }
        self.looks();
    }

    fn looks(&self) {
        let incidents = self.standing.iter().filter(|id| *id != COUNTER).count();
        if self.budget.is_screen {
            assert!(incidents <= POPUPS && self.standing.len() <= POPUPS + 1, "{:?}", self.standing);
        }
    }
}

fn card(incident: i64, camera: Option<&str>, severity: Severity) -> Card {
    Card {
        id: incident.to_string(),
        incident: Some(IncidentId(incident)),
        alert: Some(AlertId(incident)),
        camera: camera.map(str::to_owned),
        store: Some("store".to_owned()),
        severity,
        sounds_each_time: false,
        title: format!("Theft pattern: {incident}"),
        at: Timestamp::UNIX_EPOCH,
    }
}

fn notification(id: &str, alert: Option<AlertId>, sound: bool) -> Notification {
    Notification {
        id: id.to_owned(),
        alert: alert.map(|alert| alert.to_string()),
        title: String::new(),
        body: String::new(),
        picture: None,
        sound,
        critical: false,
        buttons: Buttons::Incident,
        in_place_of: None,
    }
}
