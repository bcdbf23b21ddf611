//! When an alert may interrupt, and what then is raised.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use jiff::tz::TimeZone;
use visionguard_proto::{AnomalyId, Moment};

use super::budget::{COUNTER, Card, Tally};
use super::reminder::WAITING;
use super::severity::{Assessment, assess_at};
use super::{Hours, words};
use crate::model::{AlertId, Entry, IncidentId, IncidentRow, Severity};
use crate::shell::{Buttons, Notification};
use crate::view::SettingsView;

/// The pause between two updates of one notification.
pub const UPDATE_PAUSE: Duration = Duration::from_secs(10);

/// How long an incident's popup stands after its newest alert: the minute without one that ends an incident, the pause
/// between two updates, and what an alert may take to get here.
pub const STANDS: Duration = Duration::from_secs(90);

/// How long a notification stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// As long as the desktop has it.
    AsUsual,
    /// Until this time has gone by without an update: then it is taken back.
    For(Duration),
    /// Until it is taken back, or dismissed.
    UntilClosed,
}

/// How long this notification stands.
pub fn standing(notification: &Notification) -> Standing {
    match notification.buttons {
        Buttons::Incident | Buttons::Open if notification.critical => Standing::UntilClosed,
        Buttons::Incident => Standing::For(STANDS),
        Buttons::Open if [COUNTER, WAITING].contains(&notification.id.as_str()) => Standing::UntilClosed,
        Buttons::Open => Standing::AsUsual,
    }
}

/// Incidents remembered as shown; more than can be on a screen.
const REMEMBERED: usize = 500;

/// When each incident was last shown, and with which alert, as far as it matters.
#[derive(Debug, Clone, Default)]
pub struct Recent {
    shown: HashMap<IncidentId, Shown>,
    /// The server's names of the alerts that were, which outlive a journal that is lost and its numbers.
    heard: HashMap<AnomalyId, IncidentId>,
}

#[derive(Debug, Clone, Copy)]
struct Shown {
    at: Moment,
    alert: AlertId,
    /// The same of the one before, which stands where this one is not taken.
    before: Option<(Moment, AlertId)>,
}

impl Recent {
    /// Notes that a notification about this incident, as of this alert, was handed to the desktop.
    pub fn note(&mut self, entry: &Entry, now: Moment) {
        if self.shown.len() >= REMEMBERED {
            self.shown.retain(|_, shown| now.since(shown.at) < UPDATE_PAUSE);
        }
        if self.heard.len() >= REMEMBERED {
            self.heard.clear();
        }
        if let Some(name) = &entry.alert.anomaly_id {
            self.heard.insert(name.clone(), entry.incident.id);
        }
        let before = self.shown.get(&entry.incident.id).map(|shown| (shown.at, shown.alert));
        self.shown.insert(entry.incident.id, Shown { at: now, alert: entry.alert.id, before });
    }

    /// Whether a notification spoke for this alert already: the journal may not have it yet, where the disk is slow.
    pub fn covers(&self, entry: &Entry) -> bool {
        self.shown.get(&entry.incident.id).is_some_and(|shown| entry.alert.id <= shown.alert)
    }

    /// Notes that the last one was not shown after all: nobody heard its sound, and the next one need not wait. What was
    /// shown before it was.
    pub fn forget(&mut self, incident: IncidentId) {
        if let Some(Shown { before: Some((at, alert)), .. }) = self.shown.remove(&incident) {
            self.shown.insert(incident, Shown { at, alert, before: None });
        } else {
            self.heard.retain(|_, of| *of != incident);
        }
    }

    /// Whether this alert or another of its incident was shown, also from a journal that is lost since.
    fn knows(&self, entry: &Entry) -> bool {
        let was_heard = entry.alert.anomaly_id.as_ref().is_some_and(|name| self.heard.contains_key(name));
        was_heard || self.shown.contains_key(&entry.incident.id)
    }

    /// When the incident may be shown again, if it was shown lately.
    fn not_before(&self, incident: IncidentId, now: Moment) -> Option<Moment> {
        let at = self.shown.get(&incident)?.at + UPDATE_PAUSE;
        (at > now).then_some(at)
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
    let incident = &entry.incident;
    if !settings.notifications || !incident.is_open() || recent.covers(entry) {
        return Verdict::Silent;
    }
    if let Some(at) = recent.not_before(incident.id, now) {
        return Verdict::NotBefore(at);
    }
    let assessment = weigh(incident, settings);
    let first = is_first(entry, recent);
    let body = words::body(entry, &assessment, &TimeZone::system());
    let says_why = shows_pictures(settings) && picture.is_none();
    Verdict::Notify(Box::new(Notification {
        id: incident.id.to_string(),
        alert: Some(entry.alert.id.to_string()),
        title: words::title(incident, settings),
        body: match words::picture_trouble(&entry.alert).filter(|_| says_why) {
            Some(why) => format!("{body} {why}"),
            None => body,
        },
        picture: picture.filter(|_| shows_pictures(settings)),
        sound: settings.sound && first,
        critical: assessment.interrupts_as() == Severity::High,
        buttons: Buttons::Incident,
        in_place_of: None,
    }))
}

/// What an incident is worth, and whether it was after hours.
pub(super) fn weigh(incident: &IncidentRow, settings: &SettingsView) -> Assessment {
    assess_at(incident, Hours::of(settings).as_ref(), &TimeZone::system())
}

/// Whether a notification may have a picture: a screen on which they are blurred shows none.
pub fn shows_pictures(settings: &SettingsView) -> bool {
    settings.picture_in_notification && !settings.blur
}

/// Whether nobody has heard of its incident yet.
pub fn is_first(entry: &Entry, recent: &Recent) -> bool {
    entry.incident.notified_at.is_none() && !recent.knows(entry)
}

/// What the budget of popups is to know of an incident, as of this alert.
pub fn card(entry: &Entry, settings: &SettingsView) -> Card {
    let incident = &entry.incident;
    let assessment = weigh(incident, settings);
    Card {
        id: incident.id.to_string(),
        incident: Some(incident.id),
        alert: Some(entry.alert.id),
        camera: incident.stream_id.as_ref().map(|stream| stream.as_str().to_owned()),
        store: incident.shop_id.as_ref().map(|shop| shop.as_str().to_owned()),
        severity: assessment.interrupts_as(),
        sounds_each_time: settings.sound && assessment.after_hours,
        title: words::title(incident, settings),
        at: incident.last_at,
    }
}

/// The one that counts the incidents without a popup of their own. Its id is [`COUNTER`].
pub fn counter(tally: &Tally, settings: &SettingsView) -> Notification {
    Notification {
        id: COUNTER.to_owned(),
        alert: None,
        title: words::unhandled(tally.incidents, tally.stores),
        body: words::latest(&tally.newest.0, tally.newest.1, &TimeZone::system()),
        picture: None,
        sound: settings.sound && tally.sound,
        critical: false,
        buttons: Buttons::Open,
        in_place_of: None,
    }
}
