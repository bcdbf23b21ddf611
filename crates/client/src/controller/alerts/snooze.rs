//! Cameras that a person told not to interrupt for a while. It holds again after a restart, and ends with the session.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use visionguard_proto::{Moment, StreamId};

use super::decisions::{account_of, unknown_incident};
use crate::controller::Controller;
use crate::controller::session::problem;
use crate::controller::shown::requests::not_read;
use crate::controller::ticks::{Due, Reply, Tick, milliseconds};
use crate::journal::JournalError;
use crate::model::{IncidentId, IncidentRow};
use crate::policy::{self, Camera, Hours, NotSo, Snooze, SnoozeFor, Snoozes, camera_meant};
use crate::tray::Cameras;
use crate::view::{Event, Problem, SessionView, SnoozeView, TrayCamera};
use crate::words::text;

/// Between two looks at whether one is over: the clock may be another by then, and the computer may have slept.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// Among the journal's small values.
const KEPT: &str = "snoozes";

/// From a popup's button, which names no length.
pub(crate) const FROM_A_POPUP: Duration = Duration::from_secs(15 * 60);

/// The newest cameras that can be meant by a name.
const CAMERAS_KNOWN: u32 = 200;
/// Cameras that are named where several could be meant.
const MOST_NAMED: usize = 5;

/// A camera is not to interrupt.
#[derive(Debug)]
pub(crate) struct AskedSnooze {
    pub(crate) of: SnoozeOf,
    pub(crate) length: SnoozeFor,
    /// What for, in the person's words.
    pub(crate) why: Option<String>,
    pub(crate) reply: Option<Reply<Result<SnoozeView, Problem>>>,
}

/// Which camera.
#[derive(Debug)]
pub(crate) enum SnoozeOf {
    /// That of this incident.
    Incident(String),
    /// By its id or its name, or how these begin.
    Camera(String),
}

/// The snoozes, and how far they are read and written down.
#[derive(Debug, Default)]
pub(in crate::controller) struct Snoozing {
    all: Snoozes,
    /// The journal has said which those were.
    recalled: bool,
    /// The person has chosen since.
    chosen: bool,
    /// They are being written down.
    writing: bool,
    /// They are other than what was, or they could not be written.
    unkept: bool,
    /// When to look whether one of them is over.
    look: Due,
}

impl Snoozing {
    pub(super) fn is_recalled(&self) -> bool {
        self.recalled
    }

    pub(super) fn is_unkept(&self) -> bool {
        self.unkept
    }

    pub(super) fn due(&self) -> Option<Moment> {
        self.look.at()
    }
}

impl Controller {
    /// A camera interrupts nobody for so long.
    pub(crate) fn snooze(&self, asked: AskedSnooze) {
        let (journal, epoch) = (self.journal.clone(), self.who.epoch);
        self.spawn(async move {
            let found = match &asked.of {
                SnoozeOf::Incident(id) => match id.parse::<IncidentId>() {
                    Ok(incident) => journal.incident(incident).await.map(|found| found.into_iter().collect()),
                    Err(_) => Ok(Vec::new()),
                },
                SnoozeOf::Camera(_) => journal.latest_of_cameras(CAMERAS_KNOWN).await,
            };
            Tick::ToSnooze { epoch, found, asked }
        });
    }

    pub(crate) fn snooze_found(
        &mut self,
        epoch: u64,
        found: Result<Vec<IncidentRow>, JournalError>,
        asked: AskedSnooze,
    ) {
        let AskedSnooze { of, length, why, reply } = asked;
        let meant = match found {
            Ok(incidents) if epoch == self.who.epoch => self.camera_to_snooze(&of, &incidents),
            Ok(_) => Err(unknown_incident()),
            Err(error) => Err(not_read(&error)),
        };
        let done = meant.and_then(|camera| self.begin_snooze(camera, length, why));
        if let (Err(problem), None) = (&done, &reply) {
            // Its button was pressed, and the popup is gone, or the tray's menu.
            tracing::warn!(code = problem.code, "a camera could not be snoozed");
            self.shown.say("not_snoozed", text("notice.not_snoozed", &[("why", &problem.sentence)]));
        } else if done.is_ok() {
            self.shown.withdraw("not_snoozed");
        }
        answer(reply, done);
    }

    fn camera_to_snooze(&self, of: &SnoozeOf, incidents: &[IncidentRow]) -> Result<Camera, Problem> {
        match of {
            SnoozeOf::Incident(_) => {
                let incident = incidents.first().ok_or_else(unknown_incident)?;
                self.camera_of(incident).ok_or_else(|| problem("no_camera", text("problem.no_camera", &[])))
            }
            SnoozeOf::Camera(typed) => {
                let mut known: Vec<Camera> = incidents.iter().filter_map(|row| self.camera_of(row)).collect();
                for (id, name) in &self.settings.view.camera_names {
                    if known.iter().all(|camera| camera.id != *id) {
                        known.push(Camera { id: id.clone(), name: name.clone() });
                    }
                }
                meant(typed, &known).cloned()
            }
        }
    }

    pub(super) fn camera_of(&self, incident: &IncidentRow) -> Option<Camera> {
        let id = incident.stream_id.as_ref()?.as_str().to_owned();
        Some(Camera { id, name: policy::camera(incident, &self.settings.view.camera_names) })
    }

    fn begin_snooze(
        &mut self,
        Camera { id: camera, name }: Camera,
        length: SnoozeFor,
        why: Option<String>,
    ) -> Result<SnoozeView, Problem> {
        let length = self.length_of(length)?;
        let Some(session) = self.account.session() else {
            return Err(problem("signed_out", text("problem.snooze_signed_out", &[])));
        };
        let why = why.map(|why| policy::plain(&why)).filter(|why| !why.is_empty());
        self.off_screen(|budget| budget.snoozed(&camera));
        let account = account_of(&session);
        if self.alerts.snoozing.all.account() != account {
            self.alerts.snoozing.all = Snoozes::of(account);
        }
        let by = if session.name.is_empty() { session.email } else { session.name };
        tracing::info!(stream = camera, seconds = length.as_secs(), "a camera is snoozed");
        self.alerts.snoozing.all.begin(Snooze::new(camera.clone(), name, by, why, length, self.clocks()));
        self.end_at_closing();
        self.snoozes_changed();
        self.snoozes().into_iter().find(|snooze| snooze.camera == camera).ok_or_else(not_snoozed)
    }

    fn length_of(&self, length: SnoozeFor) -> Result<Duration, Problem> {
        let hours = Hours::of(&self.settings.view);
        length.length(hours.as_ref(), self.wall(), &TimeZone::system()).map_err(|why| {
            problem(
                "invalid",
                match why {
                    NotSo::Length => text("problem.snooze_length", &[]),
                    NotSo::NoHours => text("problem.snooze_no_hours", &[]),
                    NotSo::NotNow if length == SnoozeFor::Opening => text("problem.snooze_open", &[]),
                    NotSo::NotNow => text("problem.snooze_closed", &[]),
                    NotSo::TooFar => text("problem.snooze_too_far", &[]),
                },
            )
        })
    }

    /// A camera that is snoozed stays so for longer.
    pub(crate) fn extend_snooze(&mut self, camera: &str, by: Duration, reply: Reply<Result<(), Problem>>) {
        let done = self.length_of(by.into()).and_then(|by| {
            let clocks = self.clocks();
            if !self.alerts.snoozing.all.extend(camera, by, clocks) {
                return Err(not_snoozed());
            }
            self.end_at_closing();
            self.snoozes_changed();
            Ok(())
        });
        answer(Some(reply), done);
    }

    /// A camera that is snoozed, by its id or its name, interrupts again; all of them, where none is named.
    pub(crate) fn end_snooze(&mut self, camera: Option<&str>, reply: Option<Reply<Result<(), Problem>>>) {
        let done = match camera {
            Some(typed) => {
                let shown = self.snoozes().into_iter();
                let known: Vec<_> = shown.map(|it| Camera { id: it.camera, name: it.name }).collect();
                match camera_meant(typed, &known) {
                    Ok(camera) => Ok(self.alerts.snoozing.all.end(&camera.id)),
                    Err(none) if none.is_empty() => Ok(false),
                    Err(several) => Err(ambiguous(&several)),
                }
            }
            None => Ok(!std::mem::take(&mut self.alerts.snoozing.all).is_empty()),
        };
        if done == Ok(true) {
            self.snoozes_are_over();
        }
        let done = done.and_then(|ended| if ended { Ok(()) } else { Err(not_snoozed()) });
        answer(reply, done);
    }

    /// Whether nothing is to pop up about this incident now. Lines interrupt nobody.
    pub(super) fn is_snoozed(&self, incident: &IncidentRow) -> bool {
        self.is_camera_snoozed(incident.stream_id.as_ref()) && !self.page.looks_at(incident.id)
    }

    pub(super) fn is_camera_snoozed(&self, stream: Option<&StreamId>) -> bool {
        let holds = |stream: &StreamId| self.alerts.snoozing.all.holds(stream.as_str(), self.clocks());
        self.alerts.budget.is_screen() && stream.is_some_and(holds)
    }

    fn clocks(&self) -> (Timestamp, Moment) {
        (self.wall(), self.now())
    }

    pub(super) fn snoozes_time(&mut self, now: Moment) {
        if !self.alerts.snoozing.look.take(now) {
            return;
        }
        let clocks = self.clocks();
        if self.alerts.snoozing.all.expire(clocks) {
            self.snoozes_are_over();
        } else {
            self.plan_snoozes();
        }
        if !self.alerts.snoozing.recalled {
            self.recall_snoozes();
        }
    }

    /// What came meanwhile is told as what was missed.
    fn snoozes_are_over(&mut self) {
        self.look_for_unfinished();
        self.snoozes_changed();
        self.look_for_unnotified();
    }

    fn snoozes_changed(&mut self) {
        self.alerts.snoozing.chosen = true;
        self.plan_snoozes();
        self.tell_snoozes();
        self.keep_snoozes();
    }

    /// The shop closes at other times than was known.
    pub(super) fn cut_snoozes(&mut self) {
        if self.end_at_closing() {
            self.snoozes_changed();
        }
    }

    /// After hours nobody is there to hear: what was asked for before ends with the closing.
    fn end_at_closing(&mut self) -> bool {
        let Some(hours) = Hours::of(&self.settings.view) else { return false };
        let (zone, clocks) = (TimeZone::system(), self.clocks());
        self.alerts.snoozing.all.cut(|asked| hours.next_closing(asked, &zone), clocks)
    }

    fn plan_snoozes(&mut self) {
        match self.alerts.snoozing.all.next_over() {
            Some(over) => self.alerts.snoozing.look.set(over.min(self.now() + LOOK_EVERY)),
            None => self.alerts.snoozing.look.clear(),
        }
    }

    pub(crate) fn tell_snoozes(&mut self) {
        let snoozes = self.snoozes();
        self.emit(&Event::Snoozes { snoozes });
    }

    /// All that are snoozed, as they are shown.
    pub(crate) fn snoozes(&self) -> Vec<SnoozeView> {
        let names = &self.settings.view.camera_names;
        let shown = |snooze: &Snooze| SnoozeView {
            camera: snooze.camera.clone(),
            name: policy::given_name(&snooze.camera, names).unwrap_or_else(|| snooze.name.clone()),
            by: snooze.by.clone(),
            why: snooze.why.clone(),
            until: milliseconds(snooze.until),
        };
        self.alerts.snoozing.all.iter().map(shown).collect()
    }

    /// What the tray can do about cameras.
    pub(crate) fn tray_cameras(&self) -> Cameras {
        let clocks = self.clocks();
        let cameras = self.shown.newest.iter().filter_map(|row| self.camera_of(row));
        let newest = cameras.filter(|camera| !self.alerts.snoozing.all.holds(&camera.id, clocks));
        Cameras {
            snoozed: self.alerts.snoozing.all.len(),
            newest: newest.map(|Camera { id, name }| TrayCamera { id, name }).collect(),
        }
    }

    // ---- over the program's end ----

    /// Asks the journal which cameras are snoozed; only then is told what nobody was told of yet.
    pub(crate) fn recall_snoozes(&mut self) {
        self.alerts.snoozing.recalled = false;
        let journal = self.journal.clone();
        self.spawn(async move { Tick::SnoozesRecalled(journal.value(KEPT).await) });
    }

    pub(crate) fn snoozes_recalled(&mut self, kept: Result<Option<String>, JournalError>) {
        match kept {
            Ok(kept) if !self.alerts.snoozing.chosen => {
                self.alerts.snoozing.all = kept.as_deref().map_or_else(Snoozes::default, read);
                let clocks = self.clocks();
                self.alerts.snoozing.all.go_on(clocks);
                self.end_at_closing();
            }
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(%error, "the journal does not say which cameras are snoozed");
                self.alerts.snoozing.look.by(self.now() + self.pace.retry_every);
                return;
            }
        }
        self.alerts.snoozing.recalled = true;
        self.plan_snoozes();
        if let Some(session) = self.account.session() {
            self.snoozes_of(&session);
        }
        self.tell_snoozes();
        self.look_for_unnotified();
    }

    /// This is who is signed in: what somebody else snoozed is over.
    pub(crate) fn snoozes_of(&mut self, session: &SessionView) {
        self.look_for_unfinished();
        if !self.alerts.snoozing.all.is_empty() && self.alerts.snoozing.all.account() != account_of(session) {
            self.alerts.snoozing.all = Snoozes::default();
            self.snoozes_are_over();
        }
    }

    /// The person signs out.
    pub(crate) fn forget_snoozes(&mut self) {
        self.look_for_unfinished();
        if !std::mem::take(&mut self.alerts.snoozing.all).is_empty() {
            self.snoozes_changed();
        }
    }

    /// The journal was in memory: its file may know of some that were chosen before that.
    pub(crate) fn settle_snoozes(&mut self) {
        if self.alerts.snoozing.chosen {
            self.keep_snoozes();
        } else {
            self.recall_snoozes();
        }
    }

    /// Writes down what is snoozed, one write after the other. What is not written holds all the same, until the program ends.
    pub(super) fn keep_snoozes(&mut self) {
        self.alerts.snoozing.unkept = true;
        if self.alerts.snoozing.writing {
            return;
        }
        let snoozes = &self.alerts.snoozing.all;
        let kept = match serde_json::to_string(snoozes) {
            Ok(text) => (!snoozes.is_empty()).then_some(text),
            Err(error) => {
                tracing::error!(%error, "which cameras are snoozed cannot be written");
                return;
            }
        };
        (self.alerts.snoozing.writing, self.alerts.snoozing.unkept) = (true, false);
        let journal = self.journal.clone();
        self.spawn(async move { Tick::SnoozesKept(journal.set_value(KEPT, kept).await) });
    }

    pub(crate) fn snoozes_kept(&mut self, result: Result<(), JournalError>) {
        self.alerts.snoozing.writing = false;
        match result {
            Ok(()) if self.alerts.snoozing.unkept => self.keep_snoozes(),
            Ok(()) => {}
            Err(error) => {
                self.journal_failed(&error);
                self.alerts.snoozing.unkept = true;
                self.alerts.store_again.by(self.now() + self.pace.retry_every);
            }
        }
    }
}

fn read(kept: &str) -> Snoozes {
    serde_json::from_str(kept).unwrap_or_else(|error| {
        tracing::warn!(%error, "which cameras are snoozed cannot be read: none is");
        Snoozes::default()
    })
}

fn meant<'a>(typed: &str, known: &'a [Camera]) -> Result<&'a Camera, Problem> {
    camera_meant(typed, known).map_err(|several| match several.is_empty() {
        true => {
            problem("unknown_camera", text("problem.unknown_camera", &[("camera", &policy::plain(typed))]))
        }
        false => ambiguous(&several),
    })
}

fn ambiguous(several: &[&Camera]) -> Problem {
    let names: Vec<_> = several.iter().take(MOST_NAMED).map(|camera| camera.name.as_str()).collect();
    problem("unknown_camera", text("problem.several_cameras", &[("cameras", &names.join(", "))]))
}

fn not_snoozed() -> Problem {
    problem("not_snoozed", text("problem.not_snoozed", &[]))
}

fn answer<T>(reply: Option<Reply<Result<T, Problem>>>, done: Result<T, Problem>) {
    if let Some(reply) = reply {
        let _ = reply.send(done);
    }
}
