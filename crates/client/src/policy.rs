//! What an alert is worth, and when it interrupts: pure rules, told everything they need.
//!
//! **Severity** is ours, because the backend calls every theft "low" (contract: severity and confidence are
//! constants there). See [`assess`]. **Interrupting**: the first alert of an incident is shown at once and with a
//! sound; further ones update the same notification, silently and at most every [`UPDATE_PAUSE`]. A new person or
//! camera is a new incident and so breaks through at once. What was caught up on is told in one summary.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use visionguard_proto::{Kind, Moment};

use crate::journal::{Entry, IncidentId};
use crate::shell::Notification;
use crate::view::{SettingsView, Severity};

/// A score from here on is [`Severity::High`] by itself: five times as far below the model's threshold (0) as
/// a typical walk past a shelf lies above it.
pub const HIGH_SCORE: f64 = 5.0;

/// From this incident of one camera within five minutes on, it is [`Severity::High`].
pub const REPEATED: u32 = 3;

/// The pause between two updates of one notification.
pub const UPDATE_PAUSE: Duration = Duration::from_secs(10);

/// A severity and its reason, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assessment {
    pub severity: Severity,
    /// "Score 3.5, third time in 5 minutes"; never empty.
    pub why: String,
}

/// Judges an incident by its kind, its highest score, and which one of its camera it is within five minutes (1 for
/// the first).
pub fn assess(kind: Kind, top_score: Option<f64>, nth: u32) -> Assessment {
    let _ = (kind, top_score, nth);
    todo!()
}

/// When each incident was last shown, as far as it matters.
#[derive(Debug, Clone, Default)]
pub struct Recent {
    shown: HashMap<IncidentId, Moment>,
}

impl Recent {
    /// Notes that a notification about this incident was handed to the desktop.
    pub fn note(&mut self, incident: IncidentId, now: Moment) {
        let _ = (incident, now, &self.shown);
        todo!()
    }
}

/// What to do about an alert.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// Show this now, and [`Recent::note`] it.
    Notify(Box<Notification>),
    /// Ask again at this moment, with the incident's newest alert: too soon for an update.
    NotBefore(Moment),
    /// Nothing.
    Silent,
}

/// Decides about a live alert that was just recorded as new (or split off), with the incident it belongs to.
///
/// `picture` is the alert's, or that of the incident's cover.
pub fn consider(
    entry: &Entry,
    picture: Option<Bytes>,
    settings: &SettingsView,
    recent: &Recent,
    now: Moment,
) -> Verdict {
    let _ = (entry, picture, settings, recent, now);
    todo!()
}

/// The one notification about everything that was caught up on: alerts of [`crate::view::Source::History`], one entry
/// an incident. Its id is `summary:history`.
pub fn summarise(missed: &[Entry], settings: &SettingsView) -> Option<Notification> {
    let _ = (missed, settings);
    todo!()
}
