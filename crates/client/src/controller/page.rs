//! What the page is told: small events, few a second, none while the window is closed.

use std::time::Duration;

use visionguard_proto::Moment;

use super::Controller;
use super::show::Shown;
use super::ticks::Due;
use crate::journal::{self, Entry, IncidentRow};
use crate::settings::Settings;
use crate::view::{AlertView, Counts, DrillView, Event, FeedPage, Incident, Snapshot};

/// Events a second at most.
const MOST_EVENTS: u32 = 10;
const SECOND: Duration = Duration::from_secs(1);
/// Changes kept while they wait; beyond, the page is told to ask for everything.
const MOST_CHANGES: usize = 40;
/// How often "last heard" is refreshed while somebody looks.
const HEARD_EVERY: Duration = Duration::from_secs(5);

/// The page, as far as it is there.
#[derive(Debug, Default)]
pub(super) struct Page {
    open: bool,
    changes: Vec<Change>,
    status_changed: bool,
    /// When the second began in which events are counted, and how many there were.
    second: Option<Moment>,
    told: u32,
    later: Due,
    look: Due,
}

/// A change of the feed that the page has not been told.
#[derive(Debug)]
enum Change {
    Added(Box<Incident>, Box<AlertView>),
    Changed(Box<Incident>),
    Removed(Vec<String>),
    Much,
}

impl Page {
    pub(super) fn due(&self) -> Option<Moment> {
        [self.later.at(), self.look.at()].into_iter().flatten().min()
    }

    pub(super) fn status_changed(&mut self) {
        self.status_changed = true;
    }

    fn push(&mut self, change: Change) {
        if !self.open {
            return;
        }
        if self.changes.len() >= MOST_CHANGES {
            self.changes.clear();
            self.changes.push(Change::Much);
            return;
        }
        self.changes.push(change);
    }

    /// How many events may be told now.
    fn allowance(&mut self, now: Moment) -> u32 {
        if self.second.is_none_or(|second| now.since(second) >= SECOND) {
            self.second = Some(now);
            self.told = 0;
        }
        MOST_EVENTS.saturating_sub(self.told)
    }
}

impl Controller {
    pub(super) fn window(&mut self, open: bool) {
        self.page = Page { open, ..Page::default() };
        if open {
            self.page.look.set(self.now() + HEARD_EVERY);
        }
    }

    pub(super) fn page_time(&mut self, now: Moment) {
        if self.page.look.take(now) {
            self.page.look.set(now + HEARD_EVERY);
        }
        if self.page.later.take(now) {
            self.flush_page();
        }
    }

    /// Told at once: rare things.
    pub(super) fn emit(&mut self, event: &Event) {
        if self.page.open {
            self.shell.emit(event);
        }
    }

    pub(super) fn alert_added(&mut self, entry: &Entry) {
        if self.page.open {
            let incident = journal::view::incident(&entry.incident, &self.settings.view.camera_names);
            let alert = journal::view::alert(&entry.alert);
            self.page.push(Change::Added(Box::new(incident), Box::new(alert)));
        }
        self.count();
    }

    pub(super) fn incident_changed(&mut self, incident: &IncidentRow) {
        self.tell_decided(incident);
        if self.page.open {
            let incident = journal::view::incident(incident, &self.settings.view.camera_names);
            self.page.push(Change::Changed(Box::new(incident)));
        }
        self.count();
    }

    pub(super) fn changed(&mut self, incident: &IncidentRow) {
        self.incident_changed(incident);
    }

    pub(super) fn incidents_removed(&mut self, ids: Vec<String>) {
        self.page.push(Change::Removed(ids));
        self.count();
    }

    pub(super) fn feed_changed(&mut self) {
        self.page.push(Change::Much);
        self.count();
    }

    /// Tells what waits, as far as a page may be told in a second; called when the counters are fresh.
    pub(super) fn flush_page(&mut self) {
        if !self.page.open {
            return;
        }
        let now = self.now();
        let allowance = self.page.allowance(now);
        if allowance == 0 {
            self.page.later.by(self.page.second.unwrap_or(now) + SECOND);
            return;
        }
        let mut events = Vec::new();
        if std::mem::take(&mut self.page.status_changed) {
            events.push(Event::Status { status: self.shown.status.clone() });
        }
        let changes = merged(std::mem::take(&mut self.page.changes));
        let room = (allowance as usize).saturating_sub(events.len());
        let counts = self.shown.counts;
        if changes.len() > room.max(1) || changes.iter().any(|change| matches!(change, Change::Much)) {
            events.push(Event::FeedChanged { counts });
        } else {
            events.extend(changes.into_iter().map(|change| match change {
                Change::Added(incident, alert) => {
                    Event::AlertAdded { incident: *incident, alert: *alert, counts }
                }
                Change::Changed(incident) => Event::IncidentChanged { incident: *incident, counts },
                Change::Removed(ids) => Event::IncidentsRemoved { ids, counts },
                Change::Much => Event::FeedChanged { counts },
            }));
        }
        self.page.told += u32::try_from(events.len()).unwrap_or(u32::MAX);
        for event in &events {
            self.shell.emit(event);
        }
    }
}

/// What there is to show after the end.
pub(super) fn nothing() -> Snapshot {
    Snapshot {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        now: 0,
        status: Shown::new(jiff::Timestamp::UNIX_EPOCH).status,
        session: None,
        counts: Counts::default(),
        feed: FeedPage::default(),
        settings: Settings::default().view,
        notices: Vec::new(),
        drill: DrillView::default(),
        popups: None,
    }
}

/// One change an incident, in the order of the last; a removed one needs no other.
fn merged(changes: Vec<Change>) -> Vec<Change> {
    let mut merged: Vec<Change> = Vec::with_capacity(changes.len());
    for change in changes {
        match change {
            Change::Changed(incident) => {
                let known = merged.iter_mut().rev().find_map(|earlier| match earlier {
                    Change::Added(known, _) | Change::Changed(known) if known.id == incident.id => {
                        Some(known)
                    }
                    Change::Added(..) | Change::Changed(_) | Change::Removed(_) | Change::Much => None,
                });
                match known {
                    Some(known) => **known = *incident,
                    None => merged.push(Change::Changed(incident)),
                }
            }
            Change::Added(..) | Change::Removed(_) | Change::Much => merged.push(change),
        }
    }
    merged
}
