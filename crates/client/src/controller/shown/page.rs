//! What the page is told: small events, few a second, none while the window is closed.

use std::time::Duration;

use visionguard_proto::Moment;

use crate::controller::Controller;
use crate::controller::shown::Shown;
use crate::controller::ticks::Due;
use crate::journal;
use crate::model::{Entry, IncidentId, IncidentRow};
use crate::settings::Settings;
use crate::view::{AlertView, Counts, DrillView, Event, FeedPage, Incident, Snapshot};

/// Events a second at most.
const MOST_EVENTS: u32 = 10;
const SECOND: Duration = Duration::from_secs(1);
/// What changes so soon after the page was told something is gathered. The first change goes at once, and the page has the
/// time to draw it.
const GATHERED: Duration = Duration::from_millis(100);
/// Changes kept while they wait; beyond, the page is told to ask for everything.
const MOST_CHANGES: usize = 40;
/// How often "last heard" is refreshed while somebody looks, and the page told that the program is there.
const HEARD_EVERY: Duration = Duration::from_secs(5);

/// The page, as far as it is there.
#[derive(Debug, Default)]
pub(crate) struct Page {
    open: bool,
    changes: Vec<Change>,
    /// So many of them, from the first, the counters know of; and so many they will once the count under way is there.
    counted: usize,
    being_counted: usize,
    status_changed: bool,
    /// Nothing of the status but when the server was last heard.
    heard_changed: bool,
    /// When the second began in which events are counted, and how many there were.
    second: Option<Moment>,
    told: u32,
    told_at: Option<Moment>,
    later: Due,
    look: Due,
    /// The incident that the person is looking at.
    looked_at: Option<IncidentId>,
}

/// A change of the feed that the page has not been told.
#[derive(Debug)]
enum Change {
    Added(Box<Incident>, Box<AlertView>),
    Changed(Box<Incident>),
    Removed(Vec<String>),
    Counters,
    Much,
}

impl Page {
    pub(crate) fn due(&self) -> Option<Moment> {
        [self.later.at(), self.look.at()].into_iter().flatten().min()
    }

    /// Whether the person is looking at this incident.
    pub(crate) fn looks_at(&self, incident: IncidentId) -> bool {
        self.looked_at == Some(incident)
    }

    pub(super) fn status_changed(&mut self) {
        self.status_changed = true;
    }

    /// The server was heard, which each of its messages changes: told with the next look.
    pub(super) fn heard_changed(&mut self) {
        self.heard_changed = true;
    }

    /// A count begins, of all that changed so far.
    pub(super) fn counting(&mut self) {
        self.being_counted = self.changes.len();
    }

    /// The count that began last is there.
    pub(crate) fn counted(&mut self) {
        self.counted = self.being_counted;
    }

    fn push(&mut self, change: Change) {
        if !self.open {
            return;
        }
        if self.changes.len() >= MOST_CHANGES {
            self.changes.clear();
            (self.counted, self.being_counted) = (0, 0);
            self.changes.push(Change::Much);
            return;
        }
        self.changes.push(change);
    }

    /// What the counters know of; the others wait for theirs.
    fn take_counted(&mut self) -> Vec<Change> {
        let counted = std::mem::take(&mut self.counted);
        self.being_counted -= counted;
        self.changes.drain(..counted).collect()
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
    pub(crate) fn window(&mut self, open: bool) {
        self.page = Page { open, ..Page::default() };
        if open {
            self.page.look.set(self.now() + HEARD_EVERY);
        }
    }

    /// The person looks at this incident from now on, or at none.
    pub(crate) fn looks(&mut self, incident: Option<&str>) {
        self.page.looked_at = incident.and_then(|incident| incident.parse().ok()).filter(|_| self.page.open);
        if let Some(incident) = self.page.looked_at {
            self.is_read(incident);
        }
    }

    pub(crate) fn page_time(&mut self, now: Moment) {
        if self.page.look.take(now) {
            self.page.look.set(now + HEARD_EVERY);
            if self.page.heard_changed {
                self.page.status_changed();
                self.flush_page();
            }
            self.emit(&Event::Beat);
        }
        if self.page.later.take(now) {
            self.flush_page();
        }
    }

    /// Told at once: rare things.
    pub(crate) fn emit(&mut self, event: &Event) {
        if self.page.open {
            self.shell.emit(event);
        }
    }

    pub(crate) fn alert_added(&mut self, entry: &Entry) {
        if self.page.open {
            let incident = self.incident_view(&entry.incident);
            let alert = journal::view::alert(&entry.alert);
            self.page.push(Change::Added(Box::new(incident), Box::new(alert)));
        }
        self.count();
    }

    pub(crate) fn incident_changed(&mut self, incident: &IncidentRow) {
        self.changed_in_answer(incident);
        if self.page.open {
            let incident = self.incident_view(incident);
            self.page.push(Change::Changed(Box::new(incident)));
        }
        self.count();
    }

    /// The same for one that the page is told of in an answer.
    pub(crate) fn changed_in_answer(&mut self, incident: &IncidentRow) {
        self.tell_decided(incident);
        if self.alerts.reminding.is_over(incident) {
            self.look_for_unfinished();
        }
        if !incident.is_open() {
            self.is_handled(incident.id);
        }
    }

    /// The page knows what changed, but for the counters.
    pub(crate) fn counters_changed(&mut self) {
        let uncounted = self.page.changes.get(self.page.being_counted..).unwrap_or_default();
        if !uncounted.iter().any(|change| matches!(change, Change::Counters)) {
            self.page.push(Change::Counters);
        }
        self.count();
    }

    pub(crate) fn incident_view(&self, incident: &IncidentRow) -> Incident {
        self.after_hours().say(journal::view::incident(incident, &self.settings.view.camera_names))
    }

    pub(crate) fn changed(&mut self, incident: &IncidentRow) {
        self.incident_changed(incident);
    }

    pub(super) fn incidents_removed(&mut self, ids: Vec<String>) {
        self.page.push(Change::Removed(ids));
        self.count();
    }

    pub(crate) fn feed_changed(&mut self) {
        self.page.push(Change::Much);
        self.count();
    }

    /// Tells what waits and is counted, as far as a page may be told in a second.
    pub(super) fn flush_page(&mut self) {
        if !self.page.open || (self.page.counted == 0 && !self.page.status_changed) {
            return;
        }
        let now = self.now();
        if let Some(told_at) = self.page.told_at
            && now.since(told_at) < GATHERED
        {
            self.page.later.by(told_at + GATHERED);
            return;
        }
        let allowance = self.page.allowance(now);
        if allowance == 0 {
            self.page.later.by(self.page.second.unwrap_or(now) + SECOND);
            return;
        }
        let mut events = Vec::new();
        if std::mem::take(&mut self.page.status_changed) {
            self.page.heard_changed = false;
            events.push(Event::Status { status: self.shown.status.clone() });
        }
        let changes = merged(self.page.take_counted());
        let room = (allowance as usize).saturating_sub(events.len());
        let counts = self.shown.counts;
        let much = changes.len() > room.max(1) || changes.iter().any(|change| matches!(change, Change::Much));
        if much {
            events.push(Event::FeedChanged { counts });
        } else {
            events.extend(changes.into_iter().map(|change| match change {
                Change::Added(incident, alert) => {
                    Event::AlertAdded { incident: *incident, alert: *alert, counts }
                }
                Change::Changed(incident) => Event::IncidentChanged { incident: *incident, counts },
                Change::Removed(ids) => Event::IncidentsRemoved { ids, counts },
                Change::Counters => Event::Counted { counts },
                Change::Much => Event::FeedChanged { counts },
            }));
        }
        if !events.is_empty() {
            self.page.told_at = Some(now);
        }
        // The page asks for everything then: once a second, however long a storm lasts.
        self.page.told += if much { MOST_EVENTS } else { u32::try_from(events.len()).unwrap_or(MOST_EVENTS) };
        for event in &events {
            self.shell.emit(event);
        }
    }
}

/// What there is to show after the end.
pub(crate) fn nothing() -> Snapshot {
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
        snoozes: Vec::new(),
        hours: None,
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
                    Change::Added(..)
                    | Change::Changed(_)
                    | Change::Removed(_)
                    | Change::Counters
                    | Change::Much => None,
                });
                match known {
                    Some(known) => **known = *incident,
                    None => merged.push(Change::Changed(incident)),
                }
            }
            Change::Counters if merged.iter().any(|earlier| matches!(earlier, Change::Counters)) => {}
            Change::Added(..) | Change::Removed(_) | Change::Counters | Change::Much => merged.push(change),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_told_only_with_counters_that_know_of_it() {
        let mut page = Page { open: true, ..Page::default() };
        let mut told = Vec::new();
        let removed = |id: &str| Change::Removed(vec![id.to_owned()]);

        page.push(removed("1"));
        page.counting();
        page.push(removed("2"));
        told.push(page.take_counted().len());
        page.counted();
        // As long as no more may be told in this second, what is counted waits.
        page.counting();
        page.push(removed("3"));
        told.push(page.take_counted().len());
        page.counted();
        told.push(page.take_counted().len());

        assert_eq!((told, page.changes.len()), (vec![0, 1, 1], 1));
    }

    #[test]
    fn what_has_become_too_much_waits_for_a_count_that_began_after_it() {
        let mut page = Page { open: true, ..Page::default() };
        page.push(Change::Removed(Vec::new()));
        page.counting();
        for _ in 0..MOST_CHANGES {
            page.push(Change::Removed(Vec::new()));
        }

        page.counted();
        let before = page.take_counted().len();
        page.counting();
        page.counted();

        assert_eq!(before, 0);
        assert!(matches!(page.take_counted().as_slice(), [Change::Much]));
    }
}
