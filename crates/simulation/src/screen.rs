//! What stands on the screen: popups that are raised one after the other, taken back, closed by the person, and go when
//! their time is over.

use std::collections::BTreeMap;
use std::time::Duration;

use visionguard_client::policy::{self, COUNTER, POPUPS, Standing};
use visionguard_client::shell::{Notification, Outcome};

use crate::plan::Bug;
use crate::world::World;

/// A person closes what stands for so long.
const CLOSES_AFTER: Duration = Duration::from_secs(200);

/// The screen, and what is on its way there.
#[derive(Debug, Default)]
pub struct Screen {
    asked: BTreeMap<u64, Asked>,
    standing: Vec<Popup>,
    numbers: u64,
    /// The service is busy until then: one after the other.
    busy_until: Duration,
}

#[derive(Debug)]
struct Asked {
    notification: Notification,
    begins_at: Duration,
    is_withdrawn: bool,
}

#[derive(Debug)]
struct Popup {
    id: String,
    since: Duration,
    standing: Standing,
}

impl Screen {
    /// A notification waits its turn; says its number, and when it is decided about, if that takes so long.
    pub fn asks(&mut self, notification: Notification, now: Duration, takes: Duration) -> (u64, Duration) {
        let begins_at = self.busy_until.max(now);
        self.busy_until = begins_at + takes;
        self.numbers += 1;
        self.asked.insert(self.numbers, Asked { notification, begins_at, is_withdrawn: false });
        (self.numbers, self.busy_until.saturating_sub(now))
    }

    /// The program that showed all this ended, or took it back as it began.
    pub fn is_empty_now(&mut self) {
        self.standing.clear();
    }

    /// What is on its way is of a program that ended.
    pub fn forgets(&mut self) {
        *self = Screen { numbers: self.numbers, ..Screen::default() };
    }

    /// It is taken back. What was not begun is never shown, and nobody hears of it: those.
    fn withdraws(&mut self, id: &str, now: Duration) -> Vec<Notification> {
        self.standing.retain(|popup| popup.id != id);
        for asked in self.asked.values_mut().filter(|asked| asked.notification.id == id) {
            asked.is_withdrawn = true;
        }
        let never = |asked: &Asked| asked.is_withdrawn && asked.begins_at > now;
        let asked = std::mem::take(&mut self.asked).into_iter();
        let (never, still) = asked.partition::<BTreeMap<_, _>, _>(|(_, asked)| never(asked));
        self.asked = still;
        never.into_values().map(|asked| asked.notification).collect()
    }

    /// It was decided about; whether anybody asked for it still. Of those that stand, only what stays.
    fn decides(&mut self, number: u64, is_shown: bool, now: Duration) -> bool {
        let Some(asked) = self.asked.remove(&number) else { return false };
        let Notification { id, in_place_of, .. } = &asked.notification;
        let standing = policy::standing(&asked.notification);
        if !is_shown || asked.is_withdrawn || standing == Standing::AsUsual {
            return true;
        }
        self.standing.retain(|popup| popup.id != *id && Some(&popup.id) != in_place_of.as_ref());
        self.standing.push(Popup { id: id.clone(), since: now, standing });
        true
    }
}

impl World {
    /// The client takes a notification back.
    pub fn popup_is_withdrawn(&mut self, id: &str) {
        if self.plan.bug == Some(Bug::WithdrawsNothing) {
            return;
        }
        let now = self.now;
        for never in self.screen.withdraws(id, now) {
            self.popup_is_dropped(&never.id, never.alert.as_deref());
        }
    }

    /// Whether anybody waits for this outcome.
    pub fn is_on_screen(&mut self, number: u64, is_shown: bool) -> bool {
        let now = self.now;
        let is_awaited = self.screen.decides(number, is_shown, now);
        let counters = self.screen.standing.iter().filter(|popup| popup.id == COUNTER).count();
        if self.screen.standing.len() - counters > POPUPS || counters > 1 {
            let ids: Vec<&str> = self.screen.standing.iter().map(|popup| popup.id.as_str()).collect();
            self.fail("I14", format!("these stand at once: {}", ids.join(", ")));
        }
        is_awaited
    }

    /// Looks whether the time of any is over, and closes what the person had enough of.
    pub fn the_screen_is_looked_at(&mut self) {
        let now = self.now;
        let over = |popup: &Popup| match popup.standing {
            Standing::For(time) => now >= popup.since + time,
            Standing::AsUsual | Standing::UntilClosed => false,
        };
        let Some(client) = self.client.clone() else { return };
        let over = self.screen.standing.extract_if(.., |popup| over(popup)).map(|popup| popup.id);
        let mut outcomes: Vec<Outcome> = over.map(|id| Outcome::Over { id }).collect();
        let closed = self.screen.standing.extract_if(.., |popup| now >= popup.since + CLOSES_AFTER);
        outcomes.extend(closed.map(|popup| Outcome::Closed { id: popup.id }));
        for outcome in outcomes {
            self.line(format!("desktop: {outcome:?}"));
            if let Outcome::Closed { id } = &outcome {
                self.popup_is_closed(id);
            }
            client.notification(outcome);
        }
    }

    /// Nothing may stand that tells of an account that was left.
    pub fn the_screen_is_cleared(&mut self) {
        if let Some(popup) = self.screen.standing.first() {
            let id = popup.id.clone();
            self.fail("I14", format!("{id} stands after a sign-out"));
        }
    }
}
