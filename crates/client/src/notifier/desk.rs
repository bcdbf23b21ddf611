//! Notifications over D-Bus, on one connection whose signals are read in their order.
//!
//! A notification's number is worth something only as long as the program that gave it runs: the next one gives the same
//! numbers to others. So all is sent to that program's own name on the bus, which never returns; only what comes from that
//! name is heard; and when the name of the notification service changes hands, all numbers are forgotten.
//!
//! An incident is one popup while it goes on. Once it was closed by anybody but us it was seen, and its updates do not bring
//! it back unless it has become worse.

mod compose;
mod kept;
mod popup;
mod quiet;
mod service;

use std::path::Path;
use std::sync::Arc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};
use zbus::names::OwnedUniqueName;

use crate::policy::{self, Standing};
use crate::shell::{Notification, Outcome};

use super::pending::Item;
use super::picture::{Picture, Pictures};
use super::{DEADLINE, Report, Sounds, Voice, report_failed, report_shown};

pub use service::{ask, follow};

use compose::{ACKNOWLEDGE, DEFAULT, SNOOZE, VIEW, Words, compose};
use kept::{Kept, Numbers};
use popup::{Popup, Popups};
use service::{Bus, Found, Heard, NAME, PATH, Trouble};

/// Signals of a service that may be remembered until it has said which notification they are about.
const EARLY_LIMIT: usize = 64;
/// How often a notification follows the service's name to another program.
const OWNERS_TRIED: usize = 3;

/// All notifications that stand.
pub(super) struct Desk {
    bus: Bus,
    pictures: Option<Pictures>,
    report: Report,
    sounds: Option<Arc<dyn Sounds>>,
    kept: Kept,
    /// The service that gave the numbers.
    owner: Option<OwnedUniqueName>,
    bus_id: String,
    popups: Popups,
    answers: JoinSet<Answer>,
    serial: u64,
    /// What was heard of numbers that we do not know yet.
    early: Vec<Heard>,
    /// Closings under way.
    closing: JoinSet<()>,
}

/// What the service said to one `Notify`.
struct Answer {
    serial: u64,
    by: OwnedUniqueName,
    outcome: Result<u32, Trouble>,
}

/// What happens to the desk without an order.
pub(super) struct Event(Happened);

enum Happened {
    Heard(Heard),
    Answered(Answer),
    Over,
}

impl Desk {
    pub(super) fn new(
        pictures: Option<Pictures>,
        directory: &Path,
        report: Report,
        sounds: Option<Arc<dyn Sounds>>,
    ) -> Self {
        Self {
            bus: Bus::default(),
            pictures,
            report,
            sounds,
            kept: Kept::in_directory(directory),
            owner: None,
            bus_id: String::new(),
            popups: Popups::default(),
            answers: JoinSet::new(),
            serial: 0,
            early: Vec::new(),
            closing: JoinSet::new(),
        }
    }

    /// Takes back what an earlier run left, where the service that gave the numbers still runs.
    pub(super) async fn begin(&mut self) {
        let Some(left) = self.kept.left() else { return };
        let now = timeout(DEADLINE, self.bus.now()).await;
        if let Ok(Ok((connection, bus, Some(owner)))) = now
            && (bus.as_str(), owner.as_str()) == (left.bus.as_str(), left.owner.as_str())
        {
            tracing::info!(count = left.numbers.len(), "taking back what an earlier run left standing");
            for number in left.numbers {
                self.closing.spawn(close(connection.clone(), owner.clone(), number));
            }
        }
        self.kept.clear();
    }

    /// What happens next without an order. Can be given up and asked again.
    pub(super) async fn next(&mut self) -> Event {
        let over_at = self.popups.next_over();
        loop {
            tokio::select! {
                biased;
                Some(Ok(answer)) = self.answers.join_next() => return Event(Happened::Answered(answer)),
                heard = self.bus.heard() => return Event(Happened::Heard(heard)),
                () = until(over_at) => return Event(Happened::Over),
                Some(_) = self.closing.join_next() => {}
            }
        }
    }

    /// Does what it calls for.
    pub(super) fn handle(&mut self, event: Event) {
        match event.0 {
            Happened::Answered(answer) => {
                let _ = self.answered(answer);
            }
            Happened::Heard(heard) => self.heard(heard),
            Happened::Over => {
                for popup in self.popups.take_over(Instant::now()) {
                    tracing::debug!(id = popup.id, "the incident is over");
                    (self.report)(Outcome::Over { id: popup.id.clone() });
                    self.close(popup);
                }
            }
        }
        self.keep();
    }

    pub(super) async fn raise(&mut self, item: Item) {
        self.catch_up();
        if self.popups.was_seen(&item.notification, Instant::now()) {
            report_shown(&self.report, &item);
            return;
        }
        let (notification, picture) = match &mut self.pictures {
            Some(pictures) => pictures.prepare(&item.notification).await,
            None => (item.notification.clone(), None),
        };
        let picture = picture.map(Arc::new);
        let voice = Voice::of(&notification, self.sounds.as_ref());
        let raised =
            timeout(DEADLINE, self.show(&notification, picture, voice)).await.unwrap_or(Err(Trouble::Late));
        self.keep();
        match raised {
            Ok(found) => {
                report_shown(&self.report, &item);
                self.sound(&item.notification, voice, found);
            }
            Err(trouble) => {
                self.bus.doubt();
                report_failed(&self.report, &item, &trouble.sentence());
            }
        }
    }

    #[allow(clippy::unused_async, reason = "the same signature on every system")]
    pub(super) async fn withdraw(&mut self, id: &str) {
        self.catch_up();
        if let Some(popup) = self.popups.take(id) {
            self.close(popup);
        }
        self.keep();
    }

    /// Withdraws everything: answers would reach nobody.
    pub(super) async fn leave(&mut self) {
        self.catch_up();
        while let Some(popup) = self.popups.take_oldest() {
            self.close(popup);
        }
        let closed = timeout(DEADLINE, async { while self.closing.join_next().await.is_some() {} }).await;
        if closed.is_ok() {
            self.kept.clear();
        }
    }

    async fn show(
        &mut self,
        notification: &Notification,
        picture: Option<Arc<Picture>>,
        voice: Voice,
    ) -> Result<Found, Trouble> {
        let mut last = Trouble::Absent;
        for _ in 0..OWNERS_TRIED {
            let found = match self.bus.service().await {
                Ok(found) => found,
                Err(gone @ Trouble::Gone) => {
                    self.bus.forget();
                    last = gone;
                    continue;
                }
                Err(trouble) => return Err(trouble),
            };
            self.meet(&found).await?;
            let serial = self.send(notification, picture.clone(), voice, &found);
            match self.answer_to(serial).await {
                Ok(()) => return Ok(found),
                // It ended in between; its successor may have the name already.
                Err(gone @ (Trouble::Gone | Trouble::Absent)) => {
                    self.bus.forget();
                    last = gone;
                }
                Err(trouble) => return Err(trouble),
            }
        }
        Err(last)
    }

    /// From now on numbers are this service's.
    async fn meet(&mut self, found: &Found) -> Result<(), Trouble> {
        if self.owner.as_ref() != Some(&found.owner) {
            self.forget();
            self.bus_id = service::id(&found.connection).await?;
            self.owner = Some(found.owner.clone());
        }
        Ok(())
    }

    fn send(
        &mut self,
        notification: &Notification,
        picture: Option<Arc<Picture>>,
        voice: Voice,
        found: &Found,
    ) -> u64 {
        for popup in self.popups.make_room(notification) {
            self.close(popup);
        }
        self.serial += 1;
        let popup = self.popups.entry(notification);
        let replaces = popup.number.unwrap_or(0);
        let words = compose(notification, &found.service, picture.as_deref(), replaces, voice);
        popup.asked(self.serial, notification, picture, &found.service.manners);
        self.answers.spawn(notify(self.serial, found.connection.clone(), found.owner.clone(), words));
        self.serial
    }

    /// Waits for one answer; given up on, the answer still counts when it comes.
    async fn answer_to(&mut self, serial: u64) -> Result<(), Trouble> {
        loop {
            match self.next().await.0 {
                Happened::Answered(answer) => {
                    let awaited = answer.serial == serial;
                    let outcome = self.answered(answer);
                    if awaited {
                        return outcome;
                    }
                }
                happened @ (Happened::Heard(_) | Happened::Over) => self.handle(Event(happened)),
            }
        }
    }

    fn answered(&mut self, answer: Answer) -> Result<(), Trouble> {
        let Answer { serial, by, outcome } = answer;
        if self.owner.as_ref() != Some(&by) {
            // Its number is nobody's now.
            return Err(Trouble::Gone);
        }
        let number = match outcome {
            Ok(number) => number,
            Err(trouble) => {
                self.popups.refused(serial);
                return Err(trouble);
            }
        };
        if let Some(popup) = self.popups.numbered(serial, number) {
            self.close(popup);
        }
        for heard in std::mem::take(&mut self.early) {
            self.heard(heard);
        }
        Ok(())
    }

    fn heard(&mut self, heard: Heard) {
        match heard {
            Heard::Owner(now) => {
                if self.owner.is_some() && now != self.owner {
                    tracing::info!("another program shows notifications");
                    self.forget();
                }
                if self.bus.known().map(|known| &known.owner) != now.as_ref() {
                    self.bus.forget();
                }
            }
            Heard::Lost => {
                self.forget();
                self.bus.lost();
            }
            Heard::Closed { ref by, number } => {
                if self.owner.as_ref() != Some(by) {
                    return;
                }
                match self.popups.closed(number) {
                    Some(Some(id)) => (self.report)(Outcome::Closed { id }),
                    Some(None) => {}
                    None => self.remember_early(heard),
                }
            }
            Heard::Chosen { ref by, number, ref action } => {
                if self.owner.as_ref() != Some(by) {
                    return;
                }
                let answered = match action.as_str() {
                    SNOOZE => self.popups.put_off(number),
                    _ => self.popups.chosen(number),
                };
                match answered {
                    Some((id, popup)) => {
                        answer(&id, action, &self.report);
                        popup.into_iter().for_each(|popup| self.close(popup));
                    }
                    None => self.remember_early(heard),
                }
            }
        }
    }

    /// It may be about a notification whose number has not been read yet.
    fn remember_early(&mut self, heard: Heard) {
        if self.popups.are_asked_for() && self.early.len() < EARLY_LIMIT {
            self.early.push(heard);
        }
    }

    fn catch_up(&mut self) {
        while let Some(Ok(answer)) = self.answers.try_join_next() {
            let _ = self.answered(answer);
        }
        while let Some(heard) = self.bus.heard_already() {
            self.heard(heard);
        }
    }

    /// The service that gave the numbers is gone, and what it showed with it.
    fn forget(&mut self) {
        let unseen = self.popups.forget();
        if self.owner.take().is_some() {
            (self.report)(Outcome::Lost { unseen });
        }
        self.early.clear();
        self.kept.clear();
    }

    /// Takes one back, or sees to it that it goes once its number is known.
    fn close(&mut self, mut popup: Popup) {
        let Some(known) = self.bus.known().filter(|known| Some(&known.owner) == self.owner.as_ref()) else {
            return;
        };
        if popup.is_asked_for() {
            popup.withdrawn = true;
            self.popups.put_back(popup);
            return;
        }
        // One that closes nothing would hide what comes later behind it.
        let closes = known.service.manners.closes;
        if let Some(number) = popup.number.filter(|_| closes) {
            self.closing.spawn(close(known.connection.clone(), known.owner.clone(), number));
        }
    }

    fn keep(&mut self) {
        if let Some(owner) = &self.owner {
            let numbers = self.popups.numbers();
            self.kept.keep(Numbers { bus: self.bus_id.clone(), owner: owner.to_string(), numbers });
        }
    }

    /// Plays our own sound, unless the person does not want to be disturbed.
    fn sound(&mut self, notification: &Notification, voice: Voice, found: Found) {
        let Some(sounds) = self.sounds.clone().filter(|_| voice == Voice::Ours) else { return };
        let critical = notification.critical;
        self.closing.spawn(async move {
            if quiet::is_quiet(&found).await {
                tracing::debug!("no sound: do not disturb");
            } else {
                sounds.play(critical);
            }
        });
    }
}

async fn notify(serial: u64, connection: zbus::Connection, by: OwnedUniqueName, words: Words) -> Answer {
    let reply = connection.call_method(Some(by.as_str()), PATH, Some(NAME), "Notify", &words).await;
    let outcome = match reply {
        Ok(reply) => reply.body().deserialize::<u32>().map_err(Trouble::from),
        Err(error) => Err(error.into()),
    };
    Answer { serial, by, outcome }
}

async fn close(connection: zbus::Connection, owner: OwnedUniqueName, number: u32) {
    let call = connection.call_method(Some(owner.as_str()), PATH, Some(NAME), "CloseNotification", &number);
    match timeout(DEADLINE, call).await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => tracing::debug!(%error, "not closed: it is gone already"),
        Err(_) => tracing::debug!("the notification service did not answer a closing in time"),
    }
}

async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

fn answer(id: &str, action: &str, report: &Report) {
    let id = id.to_owned();
    match action {
        ACKNOWLEDGE => report(Outcome::Acknowledged { id }),
        VIEW | DEFAULT => report(Outcome::Opened { id }),
        SNOOZE => report(Outcome::Snoozed { id }),
        other => tracing::debug!(id, other, "an action that it does not have"),
    }
}

/// How long it stands without an update.
fn stands_until(notification: &Notification) -> Option<Instant> {
    match policy::standing(notification) {
        Standing::For(time) => Some(Instant::now() + time),
        Standing::AsUsual | Standing::UntilClosed => None,
    }
}
