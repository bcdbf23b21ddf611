//! What is shown, derived from state and handed to the desktop only when it changed.

pub(super) mod handover;
pub(super) mod page;
pub(super) mod remarks;
pub(super) mod requests;

use std::collections::BTreeMap;

use jiff::Timestamp;
use visionguard_proto::Moment;
use visionguard_proto::link::State;

use super::Controller;
use super::ticks::{Tick, milliseconds};
use crate::journal::JournalError;
use crate::model::IncidentRow;
use crate::status::{self, Facts, Verdict};
use crate::tray::tray;
use crate::view::{Counts, Event, NoticeView, PopupsView, SessionView, Status, StatusView, Tray};
use crate::words::text;

/// Cameras that the tray offers to snooze.
const TRAY_CAMERAS: u32 = 5;

/// Remarks about what happened, by code.
const CLOSABLE: [&str; 2] = ["journal_set_aside", "not_snoozed"];

/// What was shown last.
#[derive(Debug)]
pub(super) struct Shown {
    pub(super) status: StatusView,
    pub(super) session: Option<SessionView>,
    pub(super) counts: Counts,
    /// What notifications can do, once that is known.
    pub(super) popups: Option<PopupsView>,
    tray: Option<Tray>,
    /// The newest incident of each of the newest cameras.
    pub(super) newest: Vec<IncidentRow>,
    /// Standing remarks by code.
    notices: BTreeMap<&'static str, String>,
    notices_changed: bool,
    since: (Status, Timestamp),
    heard: Steady,
    next_attempt: Steady,
    /// When the status must be looked at again.
    until: Option<Moment>,
    counting: bool,
    count_again: bool,
}

/// A moment on the wall clock, computed once: two readings of two clocks never agree to the millisecond.
#[derive(Debug, Default)]
struct Steady {
    moment: Option<Moment>,
    at: Option<i64>,
}

impl Shown {
    pub(super) fn new(now: Timestamp) -> Shown {
        Shown {
            status: StatusView {
                status: Status::Offline,
                reason: "starting".to_owned(),
                sentence: text("status.starting", &[]),
                since: milliseconds(now),
                heard_at: None,
                next_attempt_at: None,
                record_every: None,
                remedy: None,
            },
            session: None,
            counts: Counts::default(),
            popups: None,
            tray: None,
            newest: Vec::new(),
            notices: BTreeMap::new(),
            notices_changed: false,
            since: (Status::Offline, now),
            heard: Steady::default(),
            next_attempt: Steady::default(),
            until: None,
            counting: false,
            count_again: false,
        }
    }

    pub(super) fn due(&self) -> Option<Moment> {
        self.until
    }

    /// A standing remark, by the key of its words.
    pub(super) fn notice(&mut self, code: &'static str, key: &'static str) {
        self.say(code, text(key, &[]));
    }

    /// A standing remark in these words.
    pub(super) fn say(&mut self, code: &'static str, sentence: String) {
        if self.notices.get(code) != Some(&sentence) {
            tracing::info!(code, "notice");
            self.notices.insert(code, sentence);
            self.notices_changed = true;
        }
    }

    /// Takes a remark back.
    pub(super) fn withdraw(&mut self, code: &str) {
        if self.notices.remove(code).is_some() {
            self.notices_changed = true;
        }
    }

    /// The person has read a remark about what happened.
    pub(super) fn close(&mut self, code: &str) {
        if CLOSABLE.contains(&code) {
            self.withdraw(code);
        }
    }

    /// Whether this remark stands.
    pub(super) fn stands(&self, code: &str) -> bool {
        self.notices.contains_key(code)
    }

    /// When anything was last heard on the socket.
    pub(super) fn heard_at(&self) -> Option<Moment> {
        self.heard.moment
    }

    pub(super) fn notices(&self) -> Vec<NoticeView> {
        self.notices
            .iter()
            .map(|(code, sentence)| NoticeView {
                code: (*code).to_owned(),
                sentence: sentence.clone(),
                closable: CLOSABLE.contains(code),
            })
            .collect()
    }
}

impl Controller {
    /// Shows what changed; called after every tick.
    pub(super) fn show(&mut self) {
        self.say_again();
        self.show_status();
        self.show_tray();
        self.show_session();
        if std::mem::take(&mut self.shown.notices_changed) {
            let notices = self.shown.notices();
            self.shell.notices(&notices);
            self.emit(&Event::Notices { notices });
        }
    }

    fn facts(&self) -> Facts {
        Facts {
            account: self.who.account,
            link: self.connection.state(),
            registration: self.watch.registration,
            record: self.watch.record,
            undelivered: self.watch.delivery.undelivered(),
            by_record: self.by_record(),
            fetched: self.watch.offline.fetched(),
            drill: self.drills.failure(),
        }
    }

    /// The status as it is at this moment.
    pub(super) fn verdict(&self) -> Verdict {
        status::assess(&self.facts(), &self.pace.limits, self.now())
    }

    fn show_status(&mut self) {
        let facts = self.facts();
        let verdict = status::assess(&facts, &self.pace.limits, self.now());
        self.shown.until = verdict.until;

        if self.shown.since.0 != verdict.status {
            self.shown.since = (verdict.status, self.wall());
        }
        let heard_at = match facts.link {
            State::Online { heard_at, .. } => Some(heard_at),
            State::Offline | State::Connecting { .. } | State::Waiting { .. } | State::Rejected { .. } => {
                None
            }
        };
        let next_attempt = match facts.link {
            State::Waiting { until, .. } if verdict.status != Status::SignedOut => Some(until),
            State::Waiting { .. }
            | State::Offline
            | State::Connecting { .. }
            | State::Online { .. }
            | State::Rejected { .. } => None,
        };
        let view = StatusView {
            status: verdict.status,
            reason: verdict.reason.to_owned(),
            sentence: status::sentence(&verdict),
            since: milliseconds(self.shown.since.1),
            heard_at: self.last_heard(heard_at),
            next_attempt_at: self.next_attempt(next_attempt),
            record_every: verdict.record_every.map(status::whole_seconds),
            remedy: verdict.remedy,
        };
        if view == self.shown.status {
            return;
        }
        let quiet = StatusView { heard_at: self.shown.status.heard_at, ..view.clone() };
        if quiet == self.shown.status {
            self.shown.status = view;
            self.page.heard_changed();
            return;
        }
        tracing::info!(status = ?view.status, reason = view.reason, "status");
        self.shell.status(&view);
        self.shown.status = view;
        self.page.status_changed();
        self.flush_page();
    }

    /// Also while offline: when anything was last heard.
    fn last_heard(&mut self, heard_at: Option<Moment>) -> Option<i64> {
        if heard_at.is_some() && heard_at != self.shown.heard.moment {
            let at = heard_at.map(|moment| milliseconds(self.wall_at(moment)));
            self.shown.heard = Steady { moment: heard_at, at };
        }
        self.shown.heard.at
    }

    fn next_attempt(&mut self, moment: Option<Moment>) -> Option<i64> {
        if moment != self.shown.next_attempt.moment {
            let at = moment.map(|moment| milliseconds(self.wall_at(moment)));
            self.shown.next_attempt = Steady { moment, at };
        }
        self.shown.next_attempt.at
    }

    fn show_tray(&mut self) {
        let signed_in = self.account.session().is_some();
        let cameras = self.tray_cameras();
        let tray = tray(&self.shown.status, self.shown.counts, cameras, signed_in, &self.zone);
        if self.shown.tray.as_ref() != Some(&tray) {
            self.shell.show_tray(&tray);
            self.shown.tray = Some(tray);
        }
    }

    fn show_session(&mut self) {
        let session = self.account.session();
        if session != self.shown.session {
            self.shown.session.clone_from(&session);
            self.emit(&Event::Session { session });
        }
    }

    // ---- the counters ----

    /// Counts anew; one count at a time.
    pub(super) fn count(&mut self) {
        if self.shown.counting {
            self.shown.count_again = true;
            return;
        }
        self.shown.counting = true;
        self.page.counting();
        let journal = self.journal.clone();
        let midnight = self.midnight();
        self.spawn(async move {
            let counts = journal.counts(midnight).await;
            // The tray does without, where they cannot be read.
            Tick::Counted(counts, journal.latest_of_cameras(TRAY_CAMERAS).await.unwrap_or_default())
        });
    }

    pub(super) fn counted(&mut self, result: Result<Counts, JournalError>, newest: Vec<IncidentRow>) {
        self.shown.counting = false;
        self.shown.newest = newest;
        match result {
            Ok(counts) => self.shown.counts = counts,
            Err(error) => tracing::warn!(%error, "the journal cannot be counted"),
        }
        self.page.counted();
        self.flush_page();
        if std::mem::take(&mut self.shown.count_again) {
            self.count();
        }
    }
}
