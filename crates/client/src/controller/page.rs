//! What the page asks for and is told: small events, few a second, none while the window is closed.

use std::time::Duration;

use bytes::Bytes;
use visionguard_proto::{Jpeg, Moment, Picture};

use super::Controller;
use super::decisions::{not_stored, unknown_incident};
use super::session::problem;
use super::show::Shown;
use super::ticks::{Due, Reply, Tick, milliseconds};
use crate::journal::{self, AlertId, Entry, IncidentId, IncidentRow, JournalError};
use crate::settings::{self, Settings, SettingsError};
use crate::view::{
    AlertView, Counts, Event, FeedPage, FeedQuery, Incident, IncidentDetail, Problem, SettingsView, Snapshot,
};
use crate::words::text;

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
        if self.page.open {
            let incident = journal::view::incident(incident, &self.settings.view.camera_names);
            self.page.push(Change::Changed(Box::new(incident)));
        }
        self.count();
    }

    pub(super) fn changed(&mut self, incident: &IncidentRow) {
        self.incident_changed(incident);
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

    // ---- what the page asks for ----

    pub(super) fn snapshot(&self, reply: Reply<Snapshot>) {
        let journal = self.journal.clone();
        let settings = self.settings.view.clone();
        let midnight = self.midnight();
        let mut snapshot = Snapshot {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            now: milliseconds(self.wall()),
            status: self.shown.status.clone(),
            session: self.account.session(),
            counts: self.shown.counts,
            feed: FeedPage { items: Vec::new(), next: None },
            settings,
            notices: self.shown.notices(),
        };
        self.tasks.spawn(async move {
            match journal.feed(FeedQuery::default(), &snapshot.settings.camera_names).await {
                Ok(feed) => snapshot.feed = feed,
                Err(error) => tracing::error!(%error, "the feed cannot be read"),
            }
            if let Ok(counts) = journal.counts(midnight).await {
                snapshot.counts = counts;
            }
            let _ = reply.send(snapshot);
        });
    }

    pub(super) fn feed(&self, query: FeedQuery, reply: Reply<Result<FeedPage, Problem>>) {
        let journal = self.journal.clone();
        let names = self.settings.view.camera_names.clone();
        self.tasks.spawn(async move {
            let page = journal.feed(query, &names).await.map_err(|error| not_read(&error));
            let _ = reply.send(page);
        });
    }

    pub(super) fn incident(&self, id: &str, reply: Reply<Result<IncidentDetail, Problem>>) {
        let Ok(id) = id.parse::<IncidentId>() else {
            let _ = reply.send(Err(unknown_incident()));
            return;
        };
        let journal = self.journal.clone();
        let names = self.settings.view.camera_names.clone();
        self.tasks.spawn(async move {
            let detail = match journal.incident_detail(id, &names).await {
                Ok(Some(detail)) => Ok(detail),
                Ok(None) => Err(unknown_incident()),
                Err(error) => Err(not_read(&error)),
            };
            let _ = reply.send(detail);
        });
    }

    /// A picture that is not here is fetched from the record when it is looked at.
    pub(super) fn frame(&self, alert: AlertId, reply: Reply<Option<Bytes>>) {
        let journal = self.journal.clone();
        let api = self.account.api();
        let ticks = self.ticks.clone();
        self.tasks.spawn(async move {
            let Ok(Some(entry)) = journal.alert(alert).await else { return };
            let (Some(api), Some(path)) = (api, entry.alert.picture_path) else { return };
            let Ok(jpeg) = api
                .frame(&path)
                .await
                .map_err(|_| ())
                .and_then(|bytes| Jpeg::from_bytes(bytes).map_err(|_| ()))
            else {
                return;
            };
            let _ = reply.send(Some(jpeg.bytes().clone()));
            if let Ok(Some(entry)) = journal.attach_picture(alert, Picture::Jpeg(jpeg)).await {
                let _ = ticks.send(Tick::Changed(Box::new(entry.incident)));
            }
        });
    }

    // ---- what the person does with the feed ----

    pub(super) fn open_incident(&mut self, id: &str) {
        if id.parse::<IncidentId>().is_err() {
            self.shell.show_window(None);
            return;
        }
        self.shell.show_window(Some(id));
        self.emit(&Event::Open { incident: id.to_owned() });
        self.seen(id);
    }

    pub(super) fn seen(&self, incident: &str) {
        let Ok(incident) = incident.parse::<IncidentId>() else { return };
        let journal = self.journal.clone();
        let at = self.wall();
        let ticks = self.ticks.clone();
        self.tasks.spawn(async move {
            let tick = match journal.seen(incident, at).await {
                Ok(Some(incident)) => Tick::Changed(Box::new(incident)),
                Ok(None) => return,
                Err(error) => Tick::WriteFailed(error),
            };
            let _ = ticks.send(tick);
        });
    }

    pub(super) fn dismiss(&self, incident: &str, reply: Reply<Result<(), Problem>>) {
        let Ok(incident) = incident.parse::<IncidentId>() else {
            let _ = reply.send(Err(unknown_incident()));
            return;
        };
        let journal = self.journal.clone();
        let at = self.wall();
        self.spawn(async move {
            let result =
                journal.dismiss(incident, at).await.map(|found| found.iter().map(|row| row.id).collect());
            Tick::Removed { result, reply }
        });
    }

    pub(super) fn clear_all(&self, reply: Reply<Result<(), Problem>>) {
        let journal = self.journal.clone();
        let at = self.wall();
        self.spawn(async move { Tick::Removed { result: journal.clear_all(at).await, reply } });
    }

    pub(super) fn removed(
        &mut self,
        result: Result<Vec<IncidentId>, JournalError>,
        reply: Reply<Result<(), Problem>>,
    ) {
        let answer = match result {
            Ok(incidents) => {
                let ids: Vec<String> = incidents.iter().map(ToString::to_string).collect();
                for id in &ids {
                    self.shell.withdraw(id);
                }
                self.page.push(Change::Removed(ids));
                self.count();
                Ok(())
            }
            Err(error) => {
                self.journal_failed(&error);
                Err(not_stored())
            }
        };
        let _ = reply.send(answer);
    }

    // ---- settings ----

    pub(super) fn change_settings(&self, view: SettingsView, reply: Reply<Result<SettingsView, Problem>>) {
        let data_dir = self.data_dir.clone();
        self.spawn(async move {
            let saved = tokio::task::spawn_blocking(move || {
                settings::save(&data_dir, &view).map(|()| settings::load(&data_dir).0)
            });
            match saved.await {
                Ok(result) => Tick::SettingsSaved(result, reply),
                Err(_) => Tick::Time,
            }
        });
    }

    pub(super) fn settings_saved(
        &mut self,
        result: Result<Settings, SettingsError>,
        reply: Reply<Result<SettingsView, Problem>>,
    ) {
        let answer = match result {
            Ok(settings) => {
                let renamed = settings.view.camera_names != self.settings.view.camera_names;
                self.settings = settings;
                self.emit(&Event::Settings { settings: self.settings.view.clone() });
                if renamed {
                    self.feed_changed();
                }
                Ok(self.settings.view.clone())
            }
            Err(SettingsError::OutOfBounds { key, what }) => Err(Problem {
                field: Some(key.to_owned()),
                ..problem("invalid", text("problem.setting", &[("what", what)]))
            }),
            Err(error @ SettingsError::Unwritable { .. }) => {
                tracing::error!(%error, "settings not stored");
                Err(problem("settings_unwritable", text("problem.settings_not_stored", &[])))
            }
        };
        let _ = reply.send(answer);
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
        feed: FeedPage { items: Vec::new(), next: None },
        settings: Settings::default().view,
        notices: Vec::new(),
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

fn not_read(error: &JournalError) -> Problem {
    tracing::error!(%error, "the journal cannot be read");
    if matches!(error, JournalError::BadCursor) {
        return problem("invalid", text("problem.bad_cursor", &[]));
    }
    problem("journal_unreadable", text("problem.not_read", &[]))
}
