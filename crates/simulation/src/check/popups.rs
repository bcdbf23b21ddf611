//! At most one popup an alert, and none that is left out.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use visionguard_client::policy::COUNTER;
use visionguard_client::shell::Outcome;

use super::read;
use crate::world::World;

/// The marker of a popup that was taken must be on the disk after this.
const MARKED_WITHIN: Duration = Duration::from_secs(3);

/// What popped up.
#[derive(Debug, Default)]
pub struct Popups {
    /// Alerts whose popup was taken, by incident: when, and whether in the present life.
    taken: BTreeMap<i64, Vec<Taken>>,
    pending: BTreeSet<(i64, i64)>,
    /// Incidents whose popup the person closed.
    closed: BTreeSet<i64>,
    /// When the one that counts, and popups of alerts that could not be stored, were taken.
    pub others: Vec<(String, Duration)>,
}

#[derive(Debug, Clone, Copy)]
struct Taken {
    alert: i64,
    at: Duration,
}

impl World {
    /// A popup is asked for: none of this alert may have been taken before.
    pub fn checks_a_popup(&mut self, id: &str, alert: Option<&str>) {
        let (Ok(incident), Some(Ok(alert))) = (id.parse::<i64>(), alert.map(str::parse::<i64>)) else {
            return;
        };
        if !self.checks.popups.pending.insert((incident, alert)) {
            self.fail("I2", format!("alert {alert} of incident {incident} pops up while it pops up"));
        }
        let taken = self.checks.popups.taken.get(&incident).into_iter().flatten();
        let covers = taken.clone().filter(|taken| taken.alert >= alert).max_by_key(|taken| taken.at).copied();
        if let Some(taken) = covers
            && (taken.alert == alert || self.is_marked(alert))
        {
            let text = format!("alert {alert} of incident {incident} pops up again: {taken:?}");
            self.fail("I2", text);
        }
    }

    /// Whether the journal says that this alert was shown: a newer one that covered it may belong to another incident since.
    fn is_marked(&self, alert: i64) -> bool {
        let lines = read(&self.journal_place()).unwrap_or_default();
        lines.iter().any(|line| line.id == alert && line.notified)
    }

    /// The notification service has decided about a popup.
    pub fn popup_is_decided(&mut self, outcome: &Outcome) {
        let (id, alert, shown) = match outcome {
            Outcome::Shown { id, alert } => (id, alert, true),
            Outcome::Failed { id, alert, .. } => (id, alert, false),
            Outcome::Opened { .. }
            | Outcome::Acknowledged { .. }
            | Outcome::Snoozed { .. }
            | Outcome::Closed { .. }
            | Outcome::Over { .. }
            | Outcome::Lost { .. } => return,
        };
        if shown {
            self.counts.popups += 1;
        }
        let parsed = (id.parse::<i64>(), alert.as_ref().map(|alert| alert.parse::<i64>()));
        let at = self.now;
        let (Ok(incident), Some(Ok(alert))) = parsed else {
            if shown {
                self.checks.popups.others.push((id.clone(), at));
            }
            return;
        };
        self.checks.popups.pending.remove(&(incident, alert));
        if shown {
            self.checks.popups.taken.entry(incident).or_default().push(Taken { alert, at });
        }
    }

    /// It was taken back before its turn came.
    pub fn popup_is_dropped(&mut self, id: &str, alert: Option<&str>) {
        if let (Ok(incident), Some(Ok(alert))) = (id.parse::<i64>(), alert.map(str::parse::<i64>)) {
            self.checks.popups.pending.remove(&(incident, alert));
        }
    }

    /// The person closed it: what comes of its incident later may be known to them without another.
    pub fn popup_is_closed(&mut self, id: &str) {
        self.checks.popups.closed.extend(id.parse::<i64>());
    }

    /// After a kill: what was taken and not marked may pop up once more, if there was no time to mark it.
    pub fn popups_after_death(&mut self, unmarked: &BTreeSet<i64>) {
        let now = self.now;
        let troubled = self.disk_trouble_within(MARKED_WITHIN * 5) || self.disk.slow;
        self.checks.popups.pending.clear();
        let mut late = None;
        for taken in self.checks.popups.taken.values_mut() {
            taken.retain(|taken| {
                let may_return = unmarked.contains(&taken.alert);
                if may_return && now > taken.at + MARKED_WITHIN && !troubled {
                    late = Some(*taken);
                }
                !may_return
            });
        }
        if let Some(taken) = late {
            self.fail("I2", format!("taken and not marked on the disk: {taken:?}"));
        }
    }

    /// Whether a popup was taken that covers this alert, or the one that counts, since the first alert of its incident was
    /// stored then.
    pub fn popup_covers(&self, incident: i64, alert: i64, stored_at: Duration) -> bool {
        let popups = &self.checks.popups;
        let taken = popups.taken.get(&incident).into_iter().flatten();
        taken.clone().any(|taken| taken.alert >= alert)
            || popups.closed.contains(&incident)
            || popups.others.iter().any(|(id, at)| match id.as_str() {
                COUNTER => *at >= stored_at,
                id => id.starts_with("unstored:"),
            })
    }
}
