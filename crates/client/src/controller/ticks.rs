//! Everything that can wake the controller, and which handler it goes to.

use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use secrecy::SecretString;
use tokio::sync::oneshot;
use visionguard_proto::{Cursor, Moment};

use super::Controller;
use super::alerts::decisions::{DecisionKept, Sent};
use super::alerts::recorder::Attempt;
use super::alerts::reminders::Unfinished;
use super::alerts::snooze::AskedSnooze;
use super::home::Look;
use super::session::{Refused, Trying};
use super::shown::requests::Saved;
use crate::account::{Answer, Restored};
use crate::api::{ApiError, Registration};
use crate::connection;
use crate::journal::{DrillRow, JournalError, Noted, Settled};
use crate::keychain::KeychainError;
use crate::model::{
    AlertId, Decision, Disposition, Entry, GapRow, IncidentId, IncidentRow, Judgement, OutageRow, Recorded,
};
use crate::reconcile::{Memory, Pass, Trouble};
use crate::server_clock::Told;
use crate::shell::Outcome;
use crate::view::{
    BringBack, Cleared, Counts, DrillResult, FeedPage, FeedQuery, Handover, Incident, IncidentDetail,
    PopupsView, Problem, Report, ReportQuery, SessionView, SettingsView, Snapshot, Standing,
};

/// Where an answer goes; nobody may be waiting for it any more.
pub(super) type Reply<T> = oneshot::Sender<T>;

/// Everything that can wake the controller.
#[derive(Debug)]
pub(super) enum Tick {
    // ---- asked by a person, the desktop or the command line ----
    Snapshot(Reply<Snapshot>),
    Feed(FeedQuery, Reply<Result<FeedPage, Problem>>),
    Incident(String, Reply<Result<IncidentDetail, Problem>>),
    Report(ReportQuery, Reply<Result<Report, Problem>>),
    /// Somebody came to the page: what happened since they last were there.
    Handover(Reply<Option<Handover>>),
    /// They are there still.
    Stays,
    Frame(AlertId, Reply<Option<Bytes>>),
    SignIn(Credentials, Reply<Result<SessionView, Problem>>),
    TriesToSignIn(Box<Trying>),
    SignOut {
        erase: bool,
        reply: Reply<Result<(), Problem>>,
    },
    RetryNow,
    Drill(Reply<Result<DrillResult, Problem>>),
    Decide {
        incident: String,
        judgement: Judgement,
        reply: Option<Reply<DecisionKept>>,
    },
    /// Decides on many as one act.
    DecideEach(Vec<String>, Judgement, Reply<Result<Vec<Incident>, Problem>>),
    /// Writes about an incident, and leaves the decision as it is.
    Note {
        incident: String,
        note: Option<String>,
        outcome: Option<Disposition>,
        reply: Reply<Result<(), Problem>>,
    },
    /// The person has read this remark.
    CloseNotice(String),
    /// A camera is not to interrupt for so long.
    Snooze(AskedSnooze),
    /// A camera that is snoozed stays so for longer.
    ExtendSnooze(String, Duration, Reply<Result<(), Problem>>),
    /// It interrupts again; none: all do.
    EndSnooze(Option<String>, Option<Reply<Result<(), Problem>>>),
    /// Takes a decision back.
    Undo(String, Reply<Result<(), Problem>>),
    UndoEach(Vec<String>, Reply<Result<Vec<Incident>, Problem>>),
    Standing(Reply<Standing>),
    Seen(String),
    /// The person looks at this incident from now on, or at none.
    Looks(Option<String>),
    Dismiss(String, Reply<Result<(), Problem>>),
    Clear(FeedQuery, Reply<Result<Cleared, Problem>>),
    BringBack(BringBack, Reply<Result<(), Problem>>),
    ChangeSettings(SettingsView, Reply<Result<SettingsView, Problem>>),
    Window(bool),
    Open,
    Notification(Outcome),
    Rest(Reply<oneshot::Receiver<()>>),
    Wake,
    Network,
    /// Whether the program is started at sign-in, and why not.
    StartsAtSignIn(bool, Option<String>),
    Popups(PopupsView),
    Quit,

    // ---- told by the connection ----
    Link(connection::Event),
    /// The connection's task ended.
    LinkEnded,

    // ---- come back from work that was spawned ----
    SnapshotRead(FeedPage, Option<Counts>, Reply<Snapshot>),
    Restored(u64, Restored),
    SignedIn(Result<SessionView, Problem>, Reply<Result<SessionView, Problem>>),
    SignedOut {
        result: Result<(), KeychainError>,
        /// None where everything was to be kept.
        erased: Option<Result<(), JournalError>>,
        reply: Reply<Result<(), Problem>>,
    },
    Answered(u64, Refused, Answer),
    Refreshed(u64, Result<Option<connection::Target>, ApiError>),
    /// Whether the keychain took the tokens after all.
    TokenStored(u64, bool),
    /// Whether the server took the message of the test with this nonce, and whether it handed it to a connection.
    DrillSent(String, Result<bool, ApiError>),
    /// Whether the message that came back was written and read.
    DrillStored(String, Result<bool, JournalError>),
    DrillRecalled(u64, Result<Option<DrillRow>, JournalError>),
    /// A notification about a live alert that came at this time was taken.
    LiveAlertShown(Timestamp),
    /// Where the log of this session goes on.
    Placed(u64, Option<Cursor>, Option<Duration>),
    /// Which way alerts come, as the journal has it.
    WayRecalled(u64, Option<String>),
    /// Which cameras are snoozed, as the journal has it.
    SnoozesRecalled(Result<Option<String>, JournalError>),
    /// What was told again, as the journal has it.
    RemindersRecalled(Result<Option<String>, JournalError>),
    /// What there may be to tell again.
    Unfinished(Result<Unfinished, JournalError>),
    /// It pops up again, with its sound or without.
    Repeat(Box<Entry>, Option<Bytes>, bool),
    /// Whether they are written down.
    SnoozesKept(Result<(), JournalError>),
    /// Incidents of cameras that may be meant.
    ToSnooze {
        epoch: u64,
        found: Result<Vec<IncidentRow>, JournalError>,
        asked: AskedSnooze,
    },
    Attempted(Box<Attempt>),
    /// The gap that stands, if one does.
    Gap(Result<Option<GapRow>, JournalError>),
    Acked(Vec<AlertId>),
    NotYetNotified(Vec<Entry>),
    /// An incident whose update was too soon is looked at again.
    Again(Box<Entry>, Option<Bytes>),
    /// Something about this incident changed.
    Changed(Box<IncidentRow>),
    Decided {
        decision: Decision,
        result: Result<Option<IncidentRow>, JournalError>,
        reply: Option<Reply<DecisionKept>>,
    },
    DecidedEach(Result<Vec<IncidentRow>, JournalError>, Reply<Result<Vec<Incident>, Problem>>),
    Noted(Result<Noted, JournalError>, Reply<Result<(), Problem>>),
    /// What was decided about has no row in the record yet; its newest alert came then.
    LookForRows(Timestamp),
    /// What another program decided, if it did.
    DecidedBeside(Result<Vec<IncidentRow>, JournalError>),
    Dismissed(Result<Option<IncidentRow>, JournalError>, Reply<Result<(), Problem>>),
    WasCleared {
        at: Timestamp,
        result: Result<Vec<IncidentId>, JournalError>,
        reply: Reply<Result<Cleared, Problem>>,
    },
    BroughtBack(Result<usize, JournalError>, Reply<Result<(), Problem>>),
    Undone(Result<Option<IncidentRow>, JournalError>, Reply<Result<(), Problem>>),
    UndoneEach(Result<Vec<IncidentRow>, JournalError>, Reply<Result<Vec<Incident>, Problem>>),
    Sent(u64, Sent),
    /// What is listed for the connection that opened at this moment.
    EntryFound {
        epoch: u64,
        since: Moment,
        registration: Registration,
    },
    Listed {
        epoch: u64,
        asked_at: Moment,
        registration: Registration,
        time: Option<Told>,
    },
    /// What a comparison with the record stored, while it goes on.
    Found(u64, Vec<Recorded>),
    Reconciled {
        epoch: u64,
        began_at: Moment,
        pass: Box<Pass>,
        memory: Memory,
    },
    /// A comparison without a connection was not begun: there is one.
    NotAsked(u64, Memory),
    Pictures(u64, Result<Vec<Entry>, Trouble>),
    /// The counters, and the newest incident of each of the newest cameras.
    Counted(Result<Counts, JournalError>, Vec<IncidentRow>),
    /// Whether an outage went on when the program ended.
    OutageCut(Result<Option<OutageRow>, JournalError>),
    /// The journal was in memory and is on the disk now.
    Settled(Settled),
    /// What the check of the journal's file came to.
    JournalChecked(Result<(), JournalError>),
    /// The data directory was looked at.
    Looked(Box<Look>),
    /// The journal is in memory from now on, the directory being another program's.
    JournalLeft(Result<bool, JournalError>),
    SettingsSaved(Saved, Reply<Result<SettingsView, Problem>>),
    /// That this alert was shown could not be written down.
    NotMarked(AlertId, JournalError),
    /// That these were told of then could not be written down.
    NotToldOf(Vec<(IncidentId, AlertId)>, Timestamp, JournalError),
    /// A write failed that nobody waits for.
    WriteFailed(JournalError),

    // ---- a deadline passed ----
    Time,
}

/// What a person signs in with.
#[derive(Debug)]
pub(super) enum Credentials {
    Password { server: String, email: String, password: SecretString, keep_password: bool },
    Token { server: String, user_id: String, token: SecretString },
}

impl Controller {
    /// One handler for each tick; none of them waits.
    pub(super) fn handle(&mut self, tick: Tick) {
        match tick {
            Tick::Snapshot(reply) => self.snapshot(reply),
            Tick::SnapshotRead(feed, counts, reply) => self.snapshot_read(feed, counts, reply),
            Tick::Feed(query, reply) => self.feed(query, reply),
            Tick::Incident(id, reply) => self.incident(&id, reply),
            Tick::Report(query, reply) => self.report(query, reply),
            Tick::Handover(reply) => self.handover(reply),
            Tick::Stays => self.stays(),
            Tick::Frame(alert, reply) => self.frame(alert, reply),
            Tick::SignIn(credentials, reply) => self.sign_in(credentials, reply),
            Tick::SignOut { erase, reply } => self.sign_out(erase, reply),
            Tick::TriesToSignIn(tries) => self.tries_to_sign_in(*tries),
            Tick::RetryNow => self.retry_now(),
            Tick::Drill(reply) => self.drill_now(reply),
            Tick::Decide { incident, judgement, reply } => self.decide(&incident, judgement, reply),
            Tick::DecideEach(incidents, judgement, reply) => self.decide_each(&incidents, judgement, reply),
            Tick::Note { incident, note, outcome, reply } => {
                self.note_about(&incident, note, outcome, reply);
            }
            Tick::Standing(reply) => self.standing(reply),
            Tick::Seen(incident) => self.seen(&incident),
            Tick::Looks(incident) => self.looks(incident.as_deref()),
            Tick::Dismiss(incident, reply) => self.dismiss(&incident, reply),
            Tick::Clear(query, reply) => self.clear(query, reply),
            Tick::BringBack(what, reply) => self.bring_back(what, reply),
            Tick::CloseNotice(code) => self.shown.close(&code),
            Tick::Snooze(asked) => self.snooze(asked),
            Tick::ExtendSnooze(camera, by, reply) => self.extend_snooze(&camera, by, reply),
            Tick::EndSnooze(camera, reply) => self.end_snooze(camera.as_deref(), reply),
            Tick::Undo(incident, reply) => self.undo(&incident, reply),
            Tick::UndoEach(incidents, reply) => self.undo_each(&incidents, reply),
            Tick::ChangeSettings(view, reply) => self.change_settings(view, reply),
            Tick::Window(open) => self.window(open),
            Tick::Open => self.shell.show_window(None),
            Tick::Notification(outcome) => self.notification(outcome),
            Tick::Rest(reply) => self.rest(reply),
            Tick::Wake => self.connection.wake(),
            Tick::Network => self.connection.probe(),
            Tick::StartsAtSignIn(is, why_not) => self.starts_at_sign_in(is, why_not),
            Tick::Popups(popups) => self.popups(popups),
            Tick::Quit => self.quitting = true,

            Tick::Link(event) => self.link(event),
            Tick::LinkEnded => self.reconnect(),

            Tick::Restored(epoch, restored) => self.restored(epoch, restored),
            Tick::SignedIn(result, reply) => self.signed_in(result, reply),
            Tick::SignedOut { result, erased, reply } => self.signed_out(result, erased, reply),
            Tick::Answered(epoch, refused, answer) => self.answered(epoch, refused, answer),
            Tick::Refreshed(epoch, result) => self.refreshed(epoch, result),
            Tick::TokenStored(epoch, stored) => self.token_stored(epoch, stored),
            Tick::WayRecalled(epoch, kept) => self.way_recalled(epoch, kept.as_deref()),
            Tick::Placed(epoch, cursor, idle_limit) => self.placed(epoch, cursor, idle_limit),
            Tick::DrillSent(nonce, result) => self.drill_sent(nonce, result),
            Tick::DrillStored(nonce, stored) => self.drill_stored(&nonce, stored),
            Tick::DrillRecalled(epoch, last) => self.drill_recalled(epoch, last),
            Tick::LiveAlertShown(received_at) => self.live_alert_shown(received_at),
            Tick::SnoozesRecalled(kept) => self.snoozes_recalled(kept),
            Tick::RemindersRecalled(kept) => self.reminders_recalled(kept),
            Tick::Unfinished(found) => self.unfinished(found),
            Tick::Repeat(entry, picture, sounds) => self.repeat_now(&entry, picture, sounds),
            Tick::SnoozesKept(result) => self.snoozes_kept(result),
            Tick::ToSnooze { epoch, found, asked } => self.snooze_found(epoch, found, asked),
            Tick::Attempted(attempt) => self.attempted(*attempt),
            Tick::Gap(standing) => self.gap(standing),
            Tick::Acked(alerts) => alerts.into_iter().for_each(|alert| self.shell.acked(alert)),
            Tick::NotYetNotified(entries) => self.not_yet_notified(entries),
            Tick::Again(entry, picture) => self.consider(&entry, picture),
            Tick::Changed(incident) => self.changed(&incident),
            Tick::Decided { decision, result, reply } => self.decided(decision, result, reply),
            Tick::DecidedEach(result, reply) => self.decided_each(result, reply),
            Tick::Noted(result, reply) => self.noted(result, reply),
            Tick::LookForRows(received_at) => self.look_for_rows(received_at),
            Tick::DecidedBeside(found) => self.decided_beside(found),
            Tick::Dismissed(result, reply) => self.dismissed(result, reply),
            Tick::WasCleared { at, result, reply } => self.was_cleared(at, result, reply),
            Tick::BroughtBack(result, reply) => self.brought_back(result, reply),
            Tick::Undone(result, reply) => self.undone(result, reply),
            Tick::UndoneEach(result, reply) => self.undone_each(result, reply),
            Tick::Sent(epoch, sent) => self.sent(epoch, sent),
            Tick::EntryFound { epoch, since, registration } => self.entry_found(epoch, since, &registration),
            Tick::Listed { epoch, asked_at, registration, time } => {
                self.listed(epoch, asked_at, registration, time)
            }
            Tick::Found(epoch, stored) => self.found(epoch, stored),
            Tick::Reconciled { epoch, began_at, pass, memory } => {
                self.reconciled(epoch, began_at, *pass, memory)
            }
            Tick::NotAsked(epoch, memory) => self.not_asked(epoch, memory),
            Tick::Pictures(epoch, result) => self.pictures(epoch, result),
            Tick::Counted(result, newest) => self.counted(result, newest),
            Tick::OutageCut(result) => self.outage_was_cut(result),
            Tick::Settled(settled) => self.settled(settled),
            Tick::JournalChecked(checked) => self.journal_checked(checked),
            Tick::Looked(look) => self.looked(*look),
            Tick::JournalLeft(result) => self.journal_left(result),
            Tick::SettingsSaved(result, reply) => self.settings_saved(result, reply),
            Tick::NotMarked(alert, error) => self.not_marked(alert, &error),
            Tick::NotToldOf(told, at, error) => self.not_told_of(told, at, &error),
            Tick::WriteFailed(error) => self.journal_failed(&error),

            Tick::Time => self.time(),
        }
    }

    /// Looks through everything that may be due.
    fn time(&mut self) {
        let now = self.now();
        self.account_time(now);
        self.record_time(now);
        self.delivery_time(now);
        self.alerts_time(now);
        self.log_time(now);
        self.decisions_time(now);
        self.drill_time(now);
        self.page_time(now);
        self.home_time(now);
        self.upkeep_time(now);
    }
}

/// A moment by which something is to be done.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Due(Option<Moment>);

impl Due {
    pub(super) fn set(&mut self, at: Moment) {
        self.0 = Some(at);
    }

    /// Not later than this.
    pub(super) fn by(&mut self, at: Moment) {
        self.0 = Some(self.0.map_or(at, |due| due.min(at)));
    }

    pub(super) fn clear(&mut self) {
        self.0 = None;
    }

    pub(super) fn at(self) -> Option<Moment> {
        self.0
    }

    /// Whether it is time; if so, nothing is due any more.
    pub(super) fn take(&mut self, now: Moment) -> bool {
        let due = self.0.is_some_and(|at| at <= now);
        if due {
            self.0 = None;
        }
        due
    }
}

/// The computer's wall clock in the page's milliseconds.
pub(super) fn milliseconds(at: Timestamp) -> i64 {
    at.as_millisecond()
}
