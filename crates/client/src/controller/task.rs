//! The task itself: its state, its loop, its beginning and its end.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;
use visionguard_picture::Studio;
use visionguard_proto::{Moment, link};

use super::alerts::Alerts;
use super::alerts::decisions::Outbox;
use super::alerts::drill::Drills;
use super::alerts::{acks, recorder};
use super::home::Home;
use super::home::settling::IN_MEMORY;
use super::link::watch::Watch;
use super::session::Who;
use super::shown::Shown;
use super::shown::page::Page;
use super::ticks::{Due, Tick};
use super::{Client, Pace, Parts, Remarks, StartError};
use crate::account::{Account, Remembered};
use crate::clock::Clock;
use crate::connection::{Connection, Event};
use crate::dial::Dial;
use crate::installation;
use crate::journal::{self, Journal, JournalError, Keep};
use crate::lock::{DataLock, Owner};
use crate::settings::{self, Settings};
use crate::shell::Shell;
use crate::tls::Trust;
use crate::words::text;

/// The longest sleep; a clock that was set or a machine that slept is noticed by then.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);
/// How long the end waits for writes.
const FINISH_WITHIN: Duration = Duration::from_secs(5);
/// How long incidents are kept without their pictures.
const KEEP_INCIDENTS: Duration = Duration::from_secs(366 * 24 * 3600);
/// How long after a start the server may take to tell the time, before this computer's is believed.
const TOLD_WITHIN: Duration = Duration::from_secs(3_600);
/// A wall clock that was set by more is not trusted.
const DAY: SignedDuration = SignedDuration::from_hours(24);
/// Two clocks that differ by less tell the same time, as far as can be known.
const SAME_TIME: Duration = Duration::from_secs(2);
/// Between two prunings.
const PRUNE_EVERY: Duration = Duration::from_secs(3600);

/// All state of the client. Its handlers are spread over this folder by what they are about.
pub(super) struct Controller {
    pub(super) shell: Box<dyn Shell>,
    pub(super) ticks: mpsc::UnboundedSender<Tick>,
    pub(super) tasks: TaskTracker,
    pub(super) quitting: bool,

    pub(super) clock: Arc<dyn Clock>,
    pub(super) zone: TimeZone,
    pub(super) pace: Pace,
    pub(super) data_dir: PathBuf,
    pub(super) settings: Settings,

    pub(super) account: Account,
    pub(super) connection: Connection,
    events: mpsc::Receiver<Event>,
    link: link::Config,
    dial: Arc<dyn Dial>,
    seed: u64,
    pub(super) journal: Journal,
    /// Makes the page's pictures ready; the notifications have one of their own, which never waits for the page.
    pub(super) studio: Studio,

    pub(super) who: Who,
    pub(super) watch: Watch,
    pub(super) alerts: Alerts,
    pub(super) outbox: Outbox,
    pub(super) drills: Drills,
    pub(super) page: Page,
    pub(super) shown: Shown,
    upkeep: Due,
    prune: Due,
    /// When the program started, by both clocks.
    started: (Timestamp, Moment),
    pub(super) home: Home,
    pub(super) trust: Option<Trust>,
}

/// Makes the task of these parts and starts it.
pub(super) fn start(parts: Parts, remarks: Remarks, shell: Box<dyn Shell>) -> Result<Client, StartError> {
    let directory = installation::file_id(&parts.data_dir);
    let lock = DataLock::take(&parts.data_dir, &parts.program, parts.clock.wall())?;
    let (ticks, inbox) = mpsc::unbounded_channel();
    let (journal, found) = open_journal(&parts, ticks.clone())?;
    let account = Account::new(parts.data_dir.clone(), parts.keychain, parts.http, Arc::clone(&parts.clock));
    let (connection, events) =
        Connection::start(parts.link.clone(), Arc::clone(&parts.dial), Arc::clone(&parts.clock), parts.seed);
    let tasks = TaskTracker::new();
    let lane = recorder::start(&tasks, journal.clone(), ticks.clone());
    let acks = acks::start(&tasks, journal.clone(), ticks.clone());
    let now = parts.clock.monotonic();
    let were_read = settings::were_read(&remarks.complaints);
    let (home, taken) = Home::new(parts.program, lock, directory, were_read, &parts.journal);

    let alerts = Alerts::new(lane, acks, shell.is_screen());
    let mut controller = Controller {
        shell,
        ticks: ticks.clone(),
        tasks,
        quitting: false,
        zone: TimeZone::system(),
        pace: parts.pace,
        data_dir: parts.data_dir,
        settings: parts.settings,
        account,
        connection,
        events,
        link: parts.link,
        dial: parts.dial,
        seed: parts.seed.wrapping_add(1),
        journal: journal.clone(),
        studio: Studio::open(),
        who: Who::default(),
        watch: Watch::default(),
        alerts,
        outbox: Outbox::default(),
        drills: Drills::default(),
        page: Page::default(),
        shown: Shown::new(parts.clock.wall()),
        upkeep: Due::default(),
        prune: Due::default(),
        started: (parts.clock.wall(), now),
        clock: parts.clock,
        home,
        trust: remarks.trust.clone(),
    };
    controller.upkeep.set(now);
    controller.prune.set(now + PRUNE_EVERY);
    if directory.is_none() {
        controller.home.was_made(installation::file_id(&controller.data_dir));
    }
    controller.home.look_at(now + controller.pace.look_every);
    controller.found_journal(found);
    controller.say_remarks(&remarks);
    tokio::spawn(controller.run(inbox));
    Ok(Client { ticks, journal, taken })
}

/// How the journal was found at the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    Well,
    /// Something had to be moved out of the way; the key of the words that say so.
    SetAside(&'static str),
    Unwritable,
}

/// The journal on disk; one in memory where the disk will not have it, so that alerts are shown all the same.
fn open_journal(parts: &Parts, ticks: mpsc::UnboundedSender<Tick>) -> Result<(Journal, Found), StartError> {
    let clock = || Arc::clone(&parts.clock);
    let checked = move |checked| drop(ticks.send(Tick::JournalChecked(checked)));
    match Journal::open_at_once(&parts.data_dir, &parts.journal, clock(), checked) {
        Ok(opened) => {
            let aside = opened.set_aside.as_deref().map(journal::set_aside_words);
            Ok((opened.journal, aside.map_or(Found::Well, Found::SetAside)))
        }
        Err(error) => {
            tracing::error!(%error, "the journal cannot be opened; keeping alerts in memory");
            let known =
                Journal::in_memory_of(&parts.data_dir, &parts.journal, clock()).inspect_err(|error| {
                    tracing::info!(%error, "what the journal knows cannot be read either");
                });
            let journal = known
                .or_else(|_| Journal::in_memory_with(&parts.journal, clock()))
                .map_err(StartError::Journal)?;
            Ok((journal, Found::Unwritable))
        }
    }
}

impl Controller {
    async fn run(mut self, mut inbox: mpsc::UnboundedReceiver<Tick>) {
        self.restore();
        self.cut_outage();
        self.recall_snoozes();
        self.recall_reminders();
        self.hours_chosen();
        self.show();
        while !self.quitting {
            let sleep = self.sleep();
            let tick = tokio::select! {
                Some(tick) = inbox.recv() => tick,
                event = self.events.recv(), if self.alerts.has_room() => event.map_or(Tick::LinkEnded, Tick::Link),
                () = tokio::time::sleep(sleep) => Tick::Time,
            };
            self.handle(tick);
            self.show();
        }
        self.finish(inbox).await;
    }

    /// The connection's task ended without being asked to: another takes its place.
    pub(super) fn reconnect(&mut self) {
        tracing::error!("the connection's task ended; starting another");
        self.seed = self.seed.wrapping_add(1);
        let (connection, events) =
            Connection::start(self.link.clone(), Arc::clone(&self.dial), Arc::clone(&self.clock), self.seed);
        self.connection = connection;
        self.events = events;
        self.connect();
    }

    /// Closes the socket, lets writes finish and answers who still waits.
    async fn finish(mut self, mut inbox: mpsc::UnboundedReceiver<Tick>) {
        self.note_outage();
        self.alerts.close();
        self.tasks.close();
        let ended = async { tokio::join!(self.connection.shut_down(), self.tasks.wait()) };
        if tokio::time::timeout(FINISH_WITHIN, ended).await.is_err() {
            tracing::warn!("the connection or some writes did not finish in time");
        }
        while let Ok(tick) = inbox.try_recv() {
            self.handle(tick);
        }
        if tokio::time::timeout(FINISH_WITHIN, self.journal.clone().close()).await.is_err() {
            tracing::warn!("the journal did not close in time");
        }
        // Who waits for the end may start the next program at once.
        let Controller { mut shell, home, .. } = self;
        home.let_go();
        shell.quit();
    }

    /// Runs slow work on the side; what it comes to is handled like anything else.
    pub(super) fn spawn(&self, work: impl Future<Output = Tick> + Send + 'static) {
        let ticks = self.ticks.clone();
        self.tasks.spawn(async move {
            let tick = work.await;
            // Nobody is there to hear it only after the end.
            let _ = ticks.send(tick);
        });
    }

    /// A write that nobody waits for; its failure is noticed all the same.
    pub(super) fn write<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, JournalError>> + Send + 'static,
    ) {
        let ticks = self.ticks.clone();
        self.tasks.spawn(async move {
            if let Err(error) = work.await {
                let _ = ticks.send(Tick::WriteFailed(error));
            }
        });
    }

    /// This program, as others are to name it.
    pub(super) fn owner(&self) -> Owner {
        let program = self.home.program().to_owned();
        Owner { pid: std::process::id(), program, since: self.started.0 }
    }

    pub(super) fn now(&self) -> Moment {
        self.clock.monotonic()
    }

    pub(super) fn wall(&self) -> Timestamp {
        self.clock.wall()
    }

    /// When this moment, past or to come, is on the wall clock.
    pub(super) fn wall_at(&self, moment: Moment) -> Timestamp {
        let now = self.now();
        let wall = self.wall();
        let ahead = jiff::SignedDuration::try_from(moment.since(now)).unwrap_or_default();
        let behind = jiff::SignedDuration::try_from(now.since(moment)).unwrap_or_default();
        wall.checked_add(ahead).and_then(|at| at.checked_sub(behind)).unwrap_or(wall)
    }

    /// The last local midnight.
    pub(super) fn midnight(&self) -> Timestamp {
        let now = self.wall();
        now.to_zoned_datetime(self.zone.clone()).start_of_day().map_or(now, |day| day.timestamp())
    }

    /// How long until something is due.
    fn sleep(&self) -> Duration {
        let now = self.now();
        let online = self.online_since().is_some();
        // While all is well these looks wait for something else to be due: each wake costs.
        let leisure = if self.journal.is_durable() { self.pace.look_every * 2 } else { Duration::ZERO };
        let due = [
            self.who.due(),
            self.watch.due(online, self.reads_offline_from()),
            self.alerts.due(),
            self.outbox.due(self.is_answered()),
            self.drills.due(),
            self.page.due(),
            self.shown.due(),
            self.upkeep.at(),
            self.home.due().map(|at| at + leisure),
            self.outbox.look_due().map(|at| at + leisure),
        ];
        due.into_iter().flatten().map(|at| at.since(now)).min().unwrap_or(LONGEST_SLEEP).min(LONGEST_SLEEP)
    }

    /// What is due rarely: a token to refresh, pictures to prune, the day's count.
    pub(super) fn upkeep_time(&mut self, now: Moment) {
        if !self.upkeep.take(now) {
            return;
        }
        self.upkeep.set(now + self.pace.upkeep_every);
        self.refresh_token();
        self.store_token();
        self.compare_clocks();
        self.count();
        if !self.journal.is_durable() {
            self.home.settle(now);
            self.prune.set(now);
        }
        self.remember_session();
        self.index();
        if self.prune.take(now) {
            self.prune.set(now + PRUNE_EVERY);
            self.prune();
        }
    }

    /// By how much the server's clock differs from this computer's. What may be the uncertainty alone is no difference.
    pub(super) fn compare_clocks(&self) {
        let Some((server, uncertain)) = self.account.server_time() else { return };
        let is_none = server.duration_since(self.wall()).unsigned_abs() <= SAME_TIME.max(uncertain);
        // The least that it can be: what is placed by it is never taken for older than what came before.
        let least = SignedDuration::try_from(uncertain).unwrap_or(SignedDuration::MAX);
        let ahead = server.duration_since(self.wall()).saturating_sub(least);
        self.journal.server_is_ahead(if is_none { SignedDuration::ZERO } else { ahead });
    }

    /// Who is signed in is written down as soon as the disk takes it.
    fn remember_session(&self) {
        if self.account.remembered() != Remembered::InFile {
            let account = self.account.clone();
            self.tasks.spawn(async move { account.remember_again().await });
        }
    }

    /// Takes into the search index what came. Nobody waits for it, not even the end: what is left is taken in by the next start.
    fn index(&self) {
        let journal = self.journal.clone();
        tokio::spawn(async move {
            match journal.index().await {
                Ok(()) | Err(JournalError::Closed) => {}
                Err(error) => tracing::warn!(%error, "cannot bring the search index up to date"),
            }
        });
    }

    fn prune(&self) {
        let now = (self.wall(), self.now());
        let mut keep = keep(&self.settings, self.started, now, self.journal.server_is_ahead_by());
        if !self.journal.is_durable() {
            keep.picture_bytes = keep.picture_bytes.min(IN_MEMORY);
        }
        let journal = self.journal.clone();
        self.tasks.spawn(async move {
            match journal.prune(keep).await {
                Ok(pruned) => {
                    tracing::debug!(pictures = pruned.pictures, incidents = pruned.incidents, "pruned")
                }
                Err(error) => tracing::warn!(%error, "cannot prune the journal"),
            }
        });
    }

    fn found_journal(&mut self, found: Found) {
        match found {
            Found::Well => {}
            Found::SetAside(words) => self.shown.notice("journal_set_aside", words),
            Found::Unwritable => self.say_unwritable(),
        }
    }

    /// The file was read through.
    pub(super) fn journal_checked(&mut self, checked: Result<(), JournalError>) {
        match checked {
            Ok(()) => {}
            Err(JournalError::Damaged) => {
                self.found_journal(Found::SetAside("notice.journal_set_aside"));
                // What the file held is not known here any more.
                self.watch.record = None;
                self.reconcile_soon();
            }
            Err(error) => self.journal_failed(&error),
        }
    }

    /// A write failed: says so until one succeeds.
    pub(super) fn journal_failed(&mut self, error: &JournalError) {
        tracing::error!(%error, "the journal cannot be written");
        match error {
            JournalError::Full => self.shown.notice("journal_unwritable", "notice.journal_full"),
            JournalError::Damaged => self.shown.notice("journal_unwritable", "notice.journal_damaged"),
            JournalError::Unwritable
            | JournalError::Busy
            | JournalError::Missing(_)
            | JournalError::Newer { .. }
            | JournalError::BadCursor
            | JournalError::Closed
            | JournalError::Unshared
            | JournalError::Storage(_) => self.say_unwritable(),
        }
    }

    fn say_unwritable(&mut self) {
        let path = self.data_dir.display().to_string();
        self.shown.say("journal_unwritable", text("notice.journal_unwritable", &[("path", &path)]));
    }

    /// A write succeeded.
    pub(super) fn journal_works(&mut self) {
        if self.journal.is_durable() {
            self.shown.withdraw("journal_unwritable");
        }
    }
}

/// What to keep of the journal. Nothing goes for its age by a clock that was set by more than a day since the start, or that
/// is as far from the server's: who knows which time is right. The server is given an hour to tell its own.
fn keep(
    settings: &Settings,
    started: (Timestamp, Moment),
    now: (Timestamp, Moment),
    server_ahead: Option<SignedDuration>,
) -> Keep {
    let picture_bytes = u64::from(settings.keep_megabytes) * 1024 * 1024;
    let by_wall = now.0.duration_since(started.0);
    let by_monotonic = SignedDuration::try_from(now.1.since(started.1)).unwrap_or_default();
    let was_set = by_wall.saturating_sub(by_monotonic).abs() > DAY;
    let is_apart = server_ahead.is_some_and(|ahead| ahead.abs() > DAY);
    if was_set || is_apart {
        tracing::warn!(was_set, is_apart, "the clock cannot be right; nothing is deleted for its age");
    }
    let is_untold = server_ahead.is_none() && now.1.since(started.1) < TOLD_WITHIN;
    if was_set || is_apart || is_untold {
        return Keep { pictures_since: Timestamp::MIN, incidents_since: Timestamp::MIN, picture_bytes };
    }
    let days = Duration::from_secs(u64::from(settings.view.keep_days) * 24 * 3600);
    Keep {
        pictures_since: now.0.checked_sub(days).unwrap_or(Timestamp::MIN),
        incidents_since: now.0.checked_sub(KEEP_INCIDENTS).unwrap_or(Timestamp::MIN),
        picture_bytes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_set_deletes_nothing_for_its_age() {
        let settings = Settings::default();
        let wall: Timestamp = "2026-11-21T12:00:00Z".parse().expect("a time");
        let (hour, year) = (Duration::from_secs(3600), Duration::from_secs(366 * 24 * 3600));
        let moment = Moment::from_start;
        let started = (wall, moment(hour));

        let hours = |hours: u32| moment(hour * (hours + 1));
        let told = Some(SignedDuration::from_secs(3));
        let apart = Some(SignedDuration::from_hours(-240));
        for (why, now, server_ahead, goes) in [
            ("as it is", (wall + hour, hours(1)), told, true),
            ("the server never told the time", (wall + hour * 2, hours(2)), None, true),
            ("the server has not told the time yet", (wall, hours(0)), None, false),
            ("set ahead", (wall + year, hours(1)), told, false),
            ("set back", (wall - year, hours(1)), told, false),
            ("ahead of the server's since the start", (wall, hours(0)), apart, false),
        ] {
            let kept = keep(&settings, started, now, server_ahead);

            assert_eq!(kept.pictures_since > Timestamp::MIN, goes, "{why}");
            assert_eq!(kept.incidents_since > Timestamp::MIN, goes, "{why}");
            assert!(kept.picture_bytes > 0);
        }
    }
}
