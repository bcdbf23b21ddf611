//! What the page and the command line ask for, and what a person does with the feed and the settings.

use bytes::Bytes;
use jiff::Timestamp;
use tokio::sync::mpsc::UnboundedSender;
use visionguard_picture::{Fit, Studio};
use visionguard_proto::{Jpeg, Picture};

use crate::controller::Controller;
use crate::controller::alerts::decisions::{not_stored, unknown_incident};
use crate::controller::session::problem;
use crate::controller::ticks::{Reply, Tick, milliseconds};
use crate::journal::{Journal, JournalError};
use crate::model::{AlertId, IncidentId, IncidentRow, Stored};
use crate::policy;
use crate::settings::{self, Complaint, Settings, SettingsError};
use crate::view::{
    BringBack, Cleared, Counts, Event, FeedPage, FeedQuery, IncidentDetail, PopupsView, Problem, Report,
    ReportQuery, SettingsView, Snapshot, Standing, Status,
};
use crate::words::text;

/// Incidents that left the view are named up to so many; beyond, the page asks for what is left.
const MOST_NAMED: usize = 200;

impl Controller {
    // ---- what the page asks for ----

    pub(crate) fn snapshot(&self, reply: Reply<Snapshot>) {
        let journal = self.journal.clone();
        let names = self.settings.view.camera_names.clone();
        let midnight = self.midnight();
        self.spawn(async move {
            let feed = journal.feed(FeedQuery::default(), &names).await.unwrap_or_else(|error| {
                tracing::error!(%error, "the feed cannot be read");
                FeedPage::default()
            });
            Tick::SnapshotRead(feed, journal.counts(midnight).await.ok(), reply)
        });
    }

    /// All but the feed is of the moment at which it is told: a notice that came meanwhile is in it.
    pub(crate) fn snapshot_read(&self, feed: FeedPage, counts: Option<Counts>, reply: Reply<Snapshot>) {
        let _ = reply.send(Snapshot {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            now: milliseconds(self.wall()),
            status: self.shown.status.clone(),
            session: self.account.session(),
            counts: counts.unwrap_or(self.shown.counts),
            feed: self.after_hours().say_all(feed),
            settings: self.settings.view.clone(),
            notices: self.shown.notices(),
            drill: self.drills.view(),
            popups: self.shown.popups.clone(),
            snoozes: self.snoozes(),
            hours: self.hours(),
        });
    }

    /// What another program of this computer may know.
    pub(crate) fn standing(&mut self, reply: Reply<Standing>) {
        self.show();
        let session = self.account.session();
        let tries = self.who.tries.as_ref().filter(|_| self.shown.status.status == Status::SignedOut);
        let server = session.as_ref().map(|session| session.server.clone());
        let idle_limit = self.watch.idle_limit.map(|limit| limit.as_millis());
        let _ = reply.send(Standing {
            status: tries.map_or(&self.shown.status, |tries| &tries.status).clone(),
            server: tries.map(|tries| tries.server.clone()).or(server),
            user_id: session.as_ref().map(|session| session.user_id.clone()),
            email: session.map(|session| session.email),
            counts: self.shown.counts,
            notices: self.shown.notices(),
            program: Some(self.owner()),
            in_memory: !self.journal.is_durable(),
            idle_limit_ms: idle_limit.and_then(|limit| u64::try_from(limit).ok()),
            snoozes: self.snoozes(),
        });
    }

    pub(crate) fn feed(&self, query: FeedQuery, reply: Reply<Result<FeedPage, Problem>>) {
        let journal = self.journal.clone();
        let (names, after_hours) = (self.settings.view.camera_names.clone(), self.after_hours());
        self.tasks.spawn(async move {
            let page = journal.feed(query, &names).await.map_err(|error| not_read(&error));
            let _ = reply.send(page.map(|page| after_hours.say_all(page)));
        });
    }

    pub(crate) fn incident(&self, id: &str, reply: Reply<Result<IncidentDetail, Problem>>) {
        let Ok(id) = id.parse::<IncidentId>() else {
            let _ = reply.send(Err(unknown_incident()));
            return;
        };
        let journal = self.journal.clone();
        let (names, after_hours) = (self.settings.view.camera_names.clone(), self.after_hours());
        self.tasks.spawn(async move {
            let detail = match journal.incident_detail(id, &names).await {
                Ok(Some(detail)) => {
                    Ok(IncidentDetail { incident: after_hours.say(detail.incident), ..detail })
                }
                Ok(None) => Err(unknown_incident()),
                Err(error) => Err(not_read(&error)),
            };
            let _ = reply.send(detail);
        });
    }

    pub(crate) fn report(&self, query: ReportQuery, reply: Reply<Result<Report, Problem>>) {
        let journal = self.journal.clone();
        let names = self.settings.view.camera_names.clone();
        let now = self.wall();
        self.tasks.spawn(async move {
            let report = journal.report(query, now, &names).await.map_err(|error| not_read(&error));
            let _ = reply.send(report);
        });
    }

    /// A picture that is not here is fetched from the record when it is looked at.
    pub(crate) fn frame(&self, alert: AlertId, reply: Reply<Option<Bytes>>) {
        let journal = self.journal.clone();
        let api = self.account.api();
        let ticks = self.ticks.clone();
        let studio = self.studio.clone();
        self.tasks.spawn(async move {
            let Ok(Some(entry)) = journal.alert(alert).await else { return };
            let (Some(api), Some(path)) = (api, entry.alert.picture_path.clone()) else {
                // It may have come from the record since it was looked for.
                let kept = journal.frame(alert).await.ok().flatten();
                let shown = match kept {
                    Some(kept) => shown(&studio, kept, &entry.alert, &journal, &ticks).await,
                    None => None,
                };
                let _ = reply.send(shown);
                return;
            };
            let Ok(jpeg) = api
                .frame(&path)
                .await
                .map_err(|_| ())
                .and_then(|bytes| Jpeg::from_bytes(bytes).map_err(|_| ()))
            else {
                return;
            };
            let bytes = jpeg.bytes().clone();
            if let Ok(Some(entry)) = journal.attach_picture(alert, Picture::Jpeg(jpeg)).await {
                let _ = ticks.send(Tick::Changed(Box::new(entry.incident)));
            }
            let _ = reply.send(shown(&studio, bytes, &entry.alert, &journal, &ticks).await);
        });
    }

    // ---- what the person does with the feed ----

    pub(crate) fn open_incident(&mut self, id: &str) {
        if id.parse::<IncidentId>().is_err() {
            self.shell.show_window(None);
            return;
        }
        self.shell.show_window(Some(id));
        self.emit(&Event::Open { incident: id.to_owned() });
        self.seen(id);
    }

    pub(crate) fn seen(&mut self, incident: &str) {
        let Ok(incident) = incident.parse::<IncidentId>() else { return };
        self.is_read(incident);
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

    pub(crate) fn dismiss(&self, incident: &str, reply: Reply<Result<(), Problem>>) {
        let Ok(incident) = incident.parse::<IncidentId>() else {
            let _ = reply.send(Err(unknown_incident()));
            return;
        };
        let journal = self.journal.clone();
        let at = self.wall();
        self.spawn(async move { Tick::Dismissed(journal.dismiss(incident, at).await, reply) });
    }

    pub(crate) fn dismissed(
        &mut self,
        result: Result<Option<IncidentRow>, JournalError>,
        reply: Reply<Result<(), Problem>>,
    ) {
        let answer = match self.written(result) {
            Ok(Some(incident)) if incident.dismissed_at.is_some() => {
                self.cleared_from_view(&[incident.id]);
                Ok(())
            }
            Ok(Some(_)) => Err(problem("not_handled", text("problem.not_handled", &[]))),
            Ok(None) => Err(unknown_incident()),
            Err(problem) => Err(problem),
        };
        let _ = reply.send(answer);
    }

    pub(crate) fn clear(&self, query: FeedQuery, reply: Reply<Result<Cleared, Problem>>) {
        let journal = self.journal.clone();
        let names = self.settings.view.camera_names.clone();
        let at = self.wall();
        self.spawn(
            async move { Tick::WasCleared { at, result: journal.clear(query, names, at).await, reply } },
        );
    }

    pub(crate) fn was_cleared(
        &mut self,
        at: Timestamp,
        result: Result<Vec<IncidentId>, JournalError>,
        reply: Reply<Result<Cleared, Problem>>,
    ) {
        let answer = match self.written(result) {
            Ok(incidents) => {
                self.cleared_from_view(&incidents);
                self.look_for_gap();
                let incidents = u32::try_from(incidents.len()).unwrap_or(u32::MAX);
                Ok(Cleared { incidents, at: milliseconds(at) })
            }
            Err(problem) => Err(problem),
        };
        let _ = reply.send(answer);
    }

    fn cleared_from_view(&mut self, incidents: &[IncidentId]) {
        if incidents.is_empty() || incidents.len() > MOST_NAMED {
            self.feed_changed();
        } else {
            self.incidents_removed(incidents.iter().map(ToString::to_string).collect());
        }
    }

    pub(crate) fn bring_back(&self, what: BringBack, reply: Reply<Result<(), Problem>>) {
        let journal = self.journal.clone();
        let names = self.settings.view.camera_names.clone();
        self.spawn(async move { Tick::BroughtBack(journal.bring_back(what, names).await, reply) });
    }

    pub(crate) fn brought_back(
        &mut self,
        result: Result<usize, JournalError>,
        reply: Reply<Result<(), Problem>>,
    ) {
        let answer = self.written(result).map(drop);
        if answer.is_ok() {
            self.feed_changed();
        }
        let _ = reply.send(answer);
    }

    /// What came of a change of the journal, for who asked for it.
    pub(crate) fn written<T>(&mut self, result: Result<T, JournalError>) -> Result<T, Problem> {
        result.map_err(|error| {
            self.journal_failed(&error);
            not_stored()
        })
    }

    // ---- settings ----

    pub(crate) fn change_settings(&self, view: SettingsView, reply: Reply<Result<SettingsView, Problem>>) {
        let data_dir = self.data_dir.clone();
        let is_others = self.home.is_others();
        self.spawn(async move {
            let saved = tokio::task::spawn_blocking(move || {
                let result = match is_others {
                    false => settings::save(&data_dir, &view).map(|()| settings::load(&data_dir)),
                    true => settings::others(&data_dir),
                };
                Saved { wanted: view, result }
            });
            match saved.await {
                Ok(saved) => Tick::SettingsSaved(saved, reply),
                Err(_) => Tick::Time,
            }
        });
    }

    pub(crate) fn settings_saved(&mut self, saved: Saved, reply: Reply<Result<SettingsView, Problem>>) {
        let answer = match saved.result {
            Ok((settings, complaints)) => {
                self.home.was_chosen();
                self.shown.withdraw("settings_unwritten");
                self.say_complaints(&complaints);
                Ok(self.use_settings(settings))
            }
            Err(SettingsError::OutOfBounds { key, what }) => Err(Problem {
                field: Some(key.to_owned()),
                ..problem("invalid", text("problem.setting", &[("what", what)]))
            }),
            // A choice that the disk does not take holds all the same, as long as it can.
            Err(SettingsError::Unwritable { path, source }) => {
                tracing::error!(error = %source, "settings not stored");
                let path = path.display().to_string();
                self.shown.say("settings_unwritten", text("notice.settings_unwritten", &[("path", &path)]));
                Ok(self.use_settings(Settings { view: saved.wanted, ..self.settings.clone() }))
            }
        };
        let _ = reply.send(answer);
    }

    pub(crate) fn use_settings(&mut self, settings: Settings) -> SettingsView {
        if settings.view.drill_at != self.settings.view.drill_at {
            self.drill_rescheduled();
        }
        let hides = policy::shows_pictures(&self.settings.view) && !policy::shows_pictures(&settings.view);
        let renamed = settings.view.camera_names != self.settings.view.camera_names;
        let other_hours = settings.view.opening_hours != self.settings.view.opening_hours;
        let reminds = |view: &SettingsView| (view.acknowledgement_timeout_minutes, view.repeat_minutes);
        let other_times = reminds(&settings.view) != reminds(&self.settings.view);
        self.settings = settings;
        if other_times {
            self.look_for_unfinished();
        }
        if other_hours {
            self.hours_chosen();
        }
        if hides {
            self.hide_popups();
        }
        self.emit(&Event::Settings { settings: self.settings.view.clone() });
        if renamed || other_hours {
            self.feed_changed();
            self.tell_snoozes();
        }
        self.settings.view.clone()
    }

    /// What notifications can do is for the settings to say.
    pub(crate) fn popups(&mut self, popups: PopupsView) {
        if self.shown.popups.as_ref() != Some(&popups) {
            self.shown.popups = Some(popups.clone());
            self.emit(&Event::Popups { popups });
        }
    }

    /// What is true of the start at sign-in is what the settings show.
    pub(crate) fn starts_at_sign_in(&mut self, is: bool, why_not: Option<String>) {
        match why_not {
            Some(why) => self.shown.say("sign_in_start", text("notice.sign_in_start_off", &[("why", &why)])),
            None => self.shown.withdraw("sign_in_start"),
        }
        if self.settings.view.start_at_sign_in != is {
            self.settings.view.start_at_sign_in = is;
            self.emit(&Event::Settings { settings: self.settings.view.clone() });
        }
    }
}

/// What became of storing the settings.
#[derive(Debug)]
pub(crate) struct Saved {
    /// As the person wants them.
    pub(crate) wanted: SettingsView,
    pub(crate) result: Result<(Settings, Vec<Complaint>), SettingsError>,
}

/// The picture as every viewer shows it; none where it cannot be shown, which the journal then says.
async fn shown(
    studio: &Studio,
    kept: Bytes,
    alert: &Stored,
    journal: &Journal,
    ticks: &UnboundedSender<Tick>,
) -> Option<Bytes> {
    let (shown, why) = match studio.show(kept, Fit::PAGE).await {
        Ok(shown) => (Some(shown.jpeg), None),
        Err(why) => {
            tracing::warn!(alert = alert.id.0, %why, "a picture cannot be shown");
            (None, Some(why.to_string()))
        }
    };
    if (why.is_some() || alert.is_noted_as_unshown())
        && let Ok(Some(entry)) = journal.note_unshown(alert.id, why).await
    {
        let _ = ticks.send(Tick::Changed(Box::new(entry.incident)));
    }
    shown
}

pub(crate) fn not_read(error: &JournalError) -> Problem {
    tracing::error!(%error, "the journal cannot be read");
    if matches!(error, JournalError::BadCursor) {
        return problem("invalid", text("problem.bad_cursor", &[]));
    }
    problem("journal_unreadable", text("problem.not_read", &[]))
}
