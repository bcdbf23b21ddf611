//! What may stand on the screen at once: the popups of two incidents, one a camera, and one that counts the rest.
//!
//! Of more than two, those stand that are of the highest severity, and of these the newest. One that has to make room, or
//! whose time is over, is counted. What was counted gets a popup again only when something new comes of it. An incident
//! leaves the screen altogether once it was handled, read in the window, or closed by the person.
//!
//! Where there is no screen but a stream of lines, nothing has to make room, and only what was missed is counted.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jiff::Timestamp;

use crate::model::{AlertId, IncidentId, Severity};
use crate::shell::Notification;

/// The [`Notification::id`] of the one that counts.
pub const COUNTER: &str = "summary:unhandled";

/// Incidents whose popups may stand at once.
pub const POPUPS: usize = 2;

/// Ids remembered as seen.
const SEEN_LIMIT: usize = 500;
/// Incidents that are counted; of more, those counted longest are left out.
const MOST_COUNTED: usize = 10_000;

/// What is to be known of an incident whose popup is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// [`Notification::id`]
    pub id: String,
    /// None while it could not be stored.
    pub incident: Option<IncidentId>,
    /// The newest alert that its popup proves.
    pub alert: Option<AlertId>,
    /// Where it was seen; two incidents of one camera share a popup.
    pub camera: Option<String>,
    pub store: Option<String>,
    /// How much it may interrupt.
    pub severity: Severity,
    /// Its updates sound, too, until the person has seen it.
    pub sounds_each_time: bool,
    /// Its first line.
    pub title: String,
    pub at: Timestamp,
}

/// What the desktop, or the journal, is to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    Raise(Box<Notification>),
    Withdraw(String),
    /// The person knows of this alert already.
    Told(IncidentId, AlertId),
}

/// What is to become of the one that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Count {
    /// Show this, in the place of what it says now.
    Tell(Tally),
    /// There is nothing left to count.
    Withdraw,
}

/// What the one that counts says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    pub incidents: usize,
    /// Of how many stores, as far as that is known.
    pub stores: usize,
    /// The newest one's first line, and when it was.
    pub newest: (String, Timestamp),
    /// Nobody has heard of some of them yet.
    pub sound: bool,
}

/// What stands, what is counted, and what was seen.
#[derive(Debug)]
pub struct Budget {
    is_screen: bool,
    places: Vec<Place>,
    rest: BTreeMap<String, Held>,
    seen: VecDeque<Held>,
    turns: u64,
    counter: Counter,
}

#[derive(Debug, Default)]
struct Counter {
    stands: bool,
    /// The desktop was asked for it, so that it stands or still may.
    may_stand: bool,
    /// What it says is no longer so.
    is_stale: bool,
    /// It is to be shown though it does not stand.
    has_news: bool,
    /// What the one on its way tells of, as it was when it was asked for.
    telling: Option<BTreeMap<String, Card>>,
}

/// A popup of an incident.
#[derive(Debug)]
struct Place {
    held: Held,
    /// The ids by which the desktop may still know it: those whose place was taken, until that is known to be done.
    before: Vec<String>,
}

#[derive(Debug, Clone)]
struct Held {
    card: Card,
    /// Counts up with each incident that comes.
    turn: u64,
    /// Its sound was not heard yet.
    owes_sound: bool,
    /// The desktop took a notification that tells of it: its own, where it has a place.
    told: bool,
    /// Notifications of it whose outcome is not known.
    asked: u32,
}

impl Held {
    fn rank(&self) -> (Severity, u64) {
        (self.card.severity, self.turn)
    }

    fn is_of(&self, incident: IncidentId) -> bool {
        self.card.incident == Some(incident)
    }

    fn is_critical(&self) -> bool {
        self.card.severity == Severity::High
    }
}

impl Budget {
    /// For a screen, or for a stream of lines.
    pub fn new(is_screen: bool) -> Budget {
        Budget {
            is_screen,
            places: Vec::new(),
            rest: BTreeMap::new(),
            seen: VecDeque::new(),
            turns: 0,
            counter: Counter::default(),
        }
    }

    // ---- what comes ----

    /// An incident, or what is new of it, is to pop up as this notification.
    pub fn raise(&mut self, card: Card, mut notification: Notification) -> Vec<Step> {
        if !self.is_screen {
            return vec![Step::Raise(Box::new(notification))];
        }
        if self.was_seen(&card, notification.sound) {
            return told(&card).into_iter().collect();
        }
        notification.sound |= card.sounds_each_time;
        if let Some(place) = self.places.iter_mut().find(|place| place.held.card.id == card.id) {
            place.held.asked += 1;
            place.held.owes_sound |= notification.sound;
            place.held.card = card;
            return vec![Step::Raise(Box::new(notification))];
        }
        let counted = self.rest.len();
        let mut held = self.known(card, notification.sound);
        let was_counted = self.rest.len() < counted;
        let mut steps = Vec::new();
        let mut before = Vec::new();
        if let Some(at) = self.shared_with(&held) {
            let is_the_same = held.card.incident.is_some_and(|it| self.places[at].held.is_of(it));
            if !is_the_same && held.rank() < self.places[at].held.rank() {
                return self.count_in(held);
            }
            let place = self.places.remove(at);
            notification.in_place_of = Some(place.held.card.id.clone());
            // Both are heard at this moment.
            notification.sound |= place.held.owes_sound;
            before.clone_from(&place.before);
            before.push(place.held.card.id.clone());
            if !is_the_same {
                self.rests(Held { owes_sound: false, ..place.held });
            }
        } else if self.places.len() >= POPUPS {
            let lowest = (0..self.places.len()).min_by_key(|at| self.places[*at].held.rank());
            let Some(at) = lowest.filter(|at| self.places[*at].held.rank() < held.rank()) else {
                return self.count_in(held);
            };
            let place = self.places.remove(at);
            notification.sound |= place.held.owes_sound;
            steps.extend(place.withdrawn());
            self.rests(Held { owes_sound: false, ..place.held });
        }
        self.counter.is_stale |= was_counted;
        (held.told, held.asked) = (false, 1);
        held.owes_sound |= notification.sound;
        self.places.push(Place { held, before });
        steps.push(Step::Raise(Box::new(notification)));
        steps
    }

    /// What was missed is counted, without a popup of its own.
    pub fn count_missed(&mut self, card: Card, sound: bool) -> Vec<Step> {
        if self.was_seen(&card, sound) {
            return told(&card).into_iter().collect();
        }
        let held = self.known(card, sound);
        self.count_in(held)
    }

    /// Whether popups stand on a screen, or lines follow each other.
    pub fn is_screen(&self) -> bool {
        self.is_screen
    }

    /// Whether a popup of this incident stands, or is on its way.
    pub fn has_popup(&self, incident: IncidentId) -> bool {
        self.places.iter().any(|place| place.held.is_of(incident))
    }

    /// What could not be stored is an incident now.
    pub fn is_stored(&mut self, id: &str, incident: IncidentId) {
        let places = self.places.iter_mut().map(|place| &mut place.held);
        for held in places.chain(self.rest.values_mut()).chain(&mut self.seen) {
            if held.card.id == id {
                held.card.incident = Some(incident);
            }
        }
    }

    // ---- what the desktop says ----

    /// It took a notification of this id.
    pub fn shown(&mut self, id: &str) {
        for place in &mut self.places {
            if place.held.card.id == id {
                place.before.clear();
                place.held.is_told();
            } else if let Some(at) = place.before.iter().position(|before| before == id) {
                place.before.drain(..at);
            }
        }
    }

    /// It did not take it. What was never shown is not on the screen, nor counted: it is asked for again.
    pub fn failed(&mut self, id: &str) -> Vec<Step> {
        let Some(at) = self.places.iter().position(|place| place.held.card.id == id) else {
            return Vec::new();
        };
        let held = &mut self.places[at].held;
        held.asked = held.asked.saturating_sub(1);
        if held.told || held.asked > 0 {
            return Vec::new();
        }
        // One that is only late is not to stand either.
        self.places.remove(at).withdrawn().collect()
    }

    /// Somebody else than this program closed it, or the person answered it.
    pub fn closed(&mut self, id: &str) -> Vec<Step> {
        if id == COUNTER {
            (self.counter.stands, self.counter.may_stand) = (false, self.counter.telling.is_some());
            self.counter.is_stale = true;
            let told: Vec<String> =
                self.rest.values().filter(|held| held.told).map(|held| held.card.id.clone()).collect();
            for id in told {
                if let Some(held) = self.rest.remove(&id) {
                    self.is_seen(held);
                }
            }
            return Vec::new();
        }
        if let Some(at) = self.places.iter().position(|place| place.held.card.id == id) {
            let place = self.places.remove(at);
            // Its update was on the way.
            let late =
                (place.held.asked > 0).then(|| place.withdrawn().chain(told(&place.held.card)).collect());
            self.is_seen(place.held);
            return late.unwrap_or_default();
        }
        for place in &mut self.places {
            place.before.retain(|before| before != id);
        }
        if let Some(held) = self.rest.remove(id) {
            self.counter.is_stale = true;
            let late = told(&held.card).filter(|_| !held.told);
            self.is_seen(held);
            return late.into_iter().collect();
        }
        Vec::new()
    }

    /// Its time on the screen is over: it is counted.
    pub fn over(&mut self, id: &str) {
        let is_over = |place: &Place| place.held.card.id == id && place.held.asked == 0;
        if let Some(at) = self.places.iter().position(is_over) {
            let place = self.places.remove(at);
            self.rests(place.held);
        }
    }

    /// The program that showed them ended, and nothing stands that is not on its way. These were closed by its end, and by
    /// nobody else.
    pub fn lost(&mut self, unseen: &[String]) {
        for place in std::mem::take(&mut self.places) {
            if place.held.asked > 0 {
                let held = Held { told: false, ..place.held };
                self.places.push(Place { held, before: Vec::new() });
            } else {
                self.rest.insert(place.held.card.id.clone(), place.held);
            }
        }
        let (unseen, seen): (VecDeque<Held>, VecDeque<Held>) =
            std::mem::take(&mut self.seen).into_iter().partition(|held| unseen.contains(&held.card.id));
        self.seen = seen;
        self.rest.extend(unseen.into_iter().map(|held| (held.card.id.clone(), held)));
        (self.counter.stands, self.counter.may_stand) = (false, self.counter.telling.is_some());
        self.counter.is_stale = true;
    }

    // ---- what the person does ----

    /// It was handled: nothing more is to be said of it.
    pub fn handled(&mut self, incident: IncidentId) -> Vec<Step> {
        self.seen.retain(|held| !held.is_of(incident));
        self.take_away(incident).1
    }

    /// It was read in the window, or is being read.
    pub fn read(&mut self, incident: IncidentId) -> Vec<Step> {
        let (held, steps) = self.take_away(incident);
        for held in held {
            self.is_seen(held);
        }
        steps
    }

    /// This camera is not to interrupt: nothing of it stands, nor is counted. Says of which incidents nobody was told yet.
    pub fn snoozed(&mut self, camera: &str) -> (Vec<Step>, Vec<IncidentId>) {
        let is_its = |held: &Held| held.card.camera.as_deref() == Some(camera);
        let (gone, places): (Vec<Place>, Vec<Place>) =
            std::mem::take(&mut self.places).into_iter().partition(|place| is_its(&place.held));
        self.places = places;
        let (counted, rest): (BTreeMap<String, Held>, BTreeMap<String, Held>) =
            std::mem::take(&mut self.rest).into_iter().partition(|(_, held)| is_its(held));
        self.rest = rest;
        self.counter.is_stale |= !counted.is_empty();
        let steps = gone.iter().flat_map(Place::withdrawn).collect();
        (steps, untold(gone.iter().map(|place| &place.held).chain(counted.values())))
    }

    /// The person looks at it as this alert comes: it is known.
    pub fn is_looked_at(&mut self, card: Card) -> Vec<Step> {
        let mut steps = card.incident.map(|incident| self.read(incident)).unwrap_or_default();
        steps.extend(told(&card));
        let held = self.known(card, false);
        self.is_seen(held);
        steps
    }

    /// No popup is to stand any more: all are counted.
    pub fn hide(&mut self) -> Vec<Step> {
        let places = std::mem::take(&mut self.places);
        let steps = places.iter().flat_map(Place::withdrawn).collect();
        for place in places {
            self.rests(place.held);
        }
        steps
    }

    /// Nothing is to stand any more. Says of which incidents nobody was told yet.
    pub fn clear(&mut self) -> (Vec<Step>, Vec<IncidentId>) {
        let places = std::mem::take(&mut self.places);
        let rest = std::mem::take(&mut self.rest);
        let counter = self.counter.may_stand.then(|| Step::Withdraw(COUNTER.to_owned()));
        let steps = places.iter().flat_map(Place::withdrawn).chain(counter).collect();
        let untold = untold(places.iter().map(|place| &place.held).chain(rest.values()));
        self.seen.clear();
        self.counter = Counter::default();
        (steps, untold)
    }

    // ---- the one that counts ----

    /// What is to become of the one that counts, as it is now. One at a time is on its way. Where nothing `may_tell`, what is
    /// counted waits.
    pub fn count(&mut self, may_tell: bool) -> Option<Count> {
        let waits = self.counter.telling.is_some() || (!may_tell && !self.rest.is_empty());
        if waits || !std::mem::take(&mut self.counter.is_stale) {
            return None;
        }
        let Some(newest) = self.rest.values().max_by_key(|held| held.turn) else {
            (self.counter.stands, self.counter.has_news) = (false, false);
            return std::mem::take(&mut self.counter.may_stand).then_some(Count::Withdraw);
        };
        if !self.counter.stands && !self.counter.has_news {
            return None;
        }
        let untold = self.rest.values().filter(|held| !held.told);
        let stores: BTreeSet<&str> =
            self.rest.values().filter_map(|held| held.card.store.as_deref()).collect();
        let tally = Tally {
            incidents: self.rest.len(),
            stores: stores.len(),
            newest: (newest.card.title.clone(), newest.card.at),
            sound: untold.clone().any(|held| held.owes_sound),
        };
        let telling = untold.map(|held| (held.card.id.clone(), held.card.clone()));
        self.counter.telling = Some(telling.collect());
        (self.counter.may_stand, self.counter.has_news) = (true, false);
        Some(Count::Tell(tally))
    }

    /// The desktop took the one that counts: these are told of.
    pub fn counter_shown(&mut self) -> Vec<(IncidentId, AlertId)> {
        let Some(telling) = self.counter.telling.take() else { return Vec::new() };
        self.counter.stands = true;
        for (id, card) in &telling {
            let Some(held) = self.rest.get_mut(id) else { continue };
            held.owes_sound = false;
            held.told |= held.card.alert <= card.alert;
        }
        if !self.is_screen {
            // The next line counts anew.
            self.rest.retain(|_, held| !held.told);
            (self.counter.stands, self.counter.may_stand) = (false, false);
        }
        telling.into_values().filter_map(|card| Some((card.incident?, card.alert?))).collect()
    }

    /// It did not take it. Those that nobody was told of are counted no more: they are asked for again.
    pub fn counter_failed(&mut self) -> Vec<Card> {
        let telling = self.counter.telling.take().unwrap_or_default();
        let untold = telling.into_keys().filter(|id| self.rest.get(id).is_some_and(|held| !held.told));
        let untold: Vec<String> = untold.collect();
        let cards = untold.iter().filter_map(|id| self.rest.remove(id)).map(|held| held.card).collect();
        // What is left is told with whatever changes next or when it is tried again, and not at once.
        (self.counter.is_stale, self.counter.has_news) = (self.rest.is_empty(), true);
        cards
    }

    /// Some time went by since the desktop did not take something.
    pub fn try_again(&mut self) {
        self.counter.is_stale |= self.counter.has_news;
    }

    // ---- inside ----

    /// The popup in whose place it comes: that of its camera, or the one that was raised about itself before it was stored.
    fn shared_with(&self, held: &Held) -> Option<usize> {
        let camera = held.card.camera.as_ref();
        self.places.iter().position(|place| {
            let is_the_same = held.card.incident.is_some_and(|incident| place.held.is_of(incident));
            is_the_same || camera.is_some_and(|camera| place.held.card.camera.as_ref() == Some(camera))
        })
    }

    /// It as it was known, with what is new of it.
    fn known(&mut self, card: Card, sound: bool) -> Held {
        let mut known = self.rest.remove(&card.id);
        if let Some(incident) = card.incident {
            let other = self.rest.values().find(|held| held.is_of(incident)).map(|held| held.card.id.clone());
            known = known.or(other.and_then(|id| self.rest.remove(&id)));
        }
        match known {
            Some(known) => Held { card, owes_sound: known.owes_sound || sound, asked: 0, ..known },
            None => {
                self.turns += 1;
                Held { card, turn: self.turns, owes_sound: sound, told: false, asked: 0 }
            }
        }
    }

    /// There is no place for it. One that is counted already says no more with a further alert.
    fn count_in(&mut self, mut held: Held) -> Vec<Step> {
        if held.told && self.counter.stands && held.card.incident.is_some() {
            let steps = told(&held.card).into_iter().collect();
            self.rest.insert(held.card.id.clone(), held);
            return steps;
        }
        held.told = false;
        self.rests(held);
        Vec::new()
    }

    /// From now on it is counted. Of what was on its way nobody knows whether it was shown: it is told of.
    fn rests(&mut self, held: Held) {
        let told = held.told && held.asked == 0;
        self.rest.insert(held.card.id.clone(), Held { asked: 0, told, ..held });
        (self.counter.is_stale, self.counter.has_news) = (true, true);
        while self.rest.len() > MOST_COUNTED {
            let oldest = self.rest.values().filter(|held| held.told).min_by_key(|held| held.turn);
            let Some(id) = oldest.map(|held| held.card.id.clone()) else { break };
            self.rest.remove(&id);
        }
    }

    fn take_away(&mut self, incident: IncidentId) -> (Vec<Held>, Vec<Step>) {
        let (mut gone, mut steps) = (Vec::new(), Vec::new());
        while let Some(at) = self.places.iter().position(|place| place.held.is_of(incident)) {
            let place = self.places.remove(at);
            steps.extend(place.withdrawn());
            gone.push(place.held);
        }
        let counted: Vec<String> =
            self.rest.values().filter(|held| held.is_of(incident)).map(|held| held.card.id.clone()).collect();
        for id in counted {
            self.counter.is_stale = true;
            gone.extend(self.rest.remove(&id));
        }
        (gone, steps)
    }

    fn is_seen(&mut self, held: Held) {
        self.seen.retain(|seen| seen.card.id != held.card.id);
        self.seen.push_back(held);
        if self.seen.len() > SEEN_LIMIT {
            self.seen.pop_front();
        }
    }

    /// Whether it says nothing that the person has not seen: they know the incident, and it has not become high since.
    fn was_seen(&mut self, card: &Card, sound: bool) -> bool {
        let seen = self.seen.iter().position(|seen| seen.card.id == card.id);
        let Some(seen) = seen.and_then(|at| self.seen.remove(at)) else { return false };
        // What could not be stored is known by its camera alone: it is another each time.
        if card.incident.is_none() {
            return false;
        }
        let says_no_more = !sound && (seen.is_critical() || card.severity != Severity::High);
        if says_no_more {
            self.seen.push_back(seen);
        }
        says_no_more
    }
}

impl Place {
    fn withdrawn(&self) -> impl Iterator<Item = Step> {
        let ids: Vec<String> = self.before.iter().chain([&self.held.card.id]).cloned().collect();
        ids.into_iter().map(Step::Withdraw)
    }
}

impl Held {
    fn is_told(&mut self) {
        self.asked = self.asked.saturating_sub(1);
        self.told = true;
        self.owes_sound = false;
    }
}

/// The incidents of these that nobody is known to have been told of.
fn untold<'a>(held: impl Iterator<Item = &'a Held>) -> Vec<IncidentId> {
    held.filter(|held| !held.told || held.asked > 0).filter_map(|held| held.card.incident).collect()
}

fn told(card: &Card) -> Option<Step> {
    Some(Step::Told(card.incident?, card.alert?))
}

#[cfg(test)]
mod tests;
