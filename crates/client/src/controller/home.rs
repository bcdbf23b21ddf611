//! The data directory under the running program: it may come late (a share that is mounted after the sign-in), be moved,
//! deleted or mounted over, and be another program's by the time that it is there.
//!
//! It is looked at every few seconds, on the side. What is found there counts as at a start: its lock, its settings, who is
//! signed in.

pub(super) mod settling;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use tokio::sync::watch;
use visionguard_proto::Moment;

use super::Controller;
use super::ticks::{Due, Tick};
use crate::installation::{self, DataDir, FileId, Trouble};
use crate::journal::{Hands, JournalError};
use crate::lock::{DataLock, LockError, Owner};
use crate::settings::{self, Complaint, Settings};
use crate::status;
use crate::words::text;

/// What is known of the directory.
#[derive(Debug)]
pub(super) struct Home {
    program: String,
    /// Whether it is looked at on a thread: not in a simulation, whose runs are to be the same each time.
    on_a_thread: bool,
    lock: Arc<Mutex<DataLock>>,
    /// The one that was there at the last look.
    seen: Option<FileId>,
    /// The one whose settings are in force; none while they could not be read.
    read: Option<FileId>,
    /// The one that this program made, which does not tell what was chosen before.
    made: Option<FileId>,
    /// The one that takes no lock.
    lockless: Option<FileId>,
    is_others: bool,
    look: Due,
    /// A look is under way; a share that is gone may hold it up for minutes.
    is_looking: bool,
    /// The journal is to be tried on the disk after it.
    settles: bool,
    taken: watch::Sender<u32>,
}

impl Home {
    /// The directory as it is at the start, and whether its settings could be read.
    pub(super) fn new(
        program: String,
        lock: DataLock,
        directory: Option<FileId>,
        were_read: bool,
        hands: &Hands,
    ) -> (Home, watch::Receiver<u32>) {
        let (taken, watching) = watch::channel(0);
        let home = Home {
            program,
            on_a_thread: matches!(hands, Hands::Threads),
            lockless: directory.filter(|_| !lock.is_on_disk()),
            lock: Arc::new(Mutex::new(lock)),
            seen: directory,
            read: directory.filter(|_| were_read),
            made: None,
            is_others: false,
            look: Due::default(),
            is_looking: false,
            settles: false,
            taken,
        };
        (home, watching)
    }

    /// It was made by this program, as there was none.
    pub(super) fn was_made(&mut self, directory: Option<FileId>) {
        self.made = directory;
    }

    /// The person chose the settings that are in force.
    pub(super) fn was_chosen(&mut self) {
        self.read = self.seen.or(self.read);
    }

    pub(super) fn program(&self) -> &str {
        &self.program
    }

    pub(super) fn due(&self) -> Option<Moment> {
        self.look.at()
    }

    /// Whether another program has the directory, so that nothing is written there.
    pub(super) fn is_others(&self) -> bool {
        self.is_others
    }

    pub(super) fn look_at(&mut self, at: Moment) {
        self.look.by(at);
    }

    /// The journal is tried on the disk again, in a directory that is ours.
    pub(super) fn settle(&mut self, now: Moment) {
        self.settles = true;
        self.look.by(now);
    }

    /// Another program may have it. A look that does not come back keeps it until the end of the process.
    pub(super) fn let_go(self) {
        if let Ok(mut lock) = self.lock.try_lock() {
            *lock = DataLock::default();
        }
    }
}

/// What a look found.
#[derive(Debug)]
pub(super) struct Look {
    directory: Option<FileId>,
    made: Option<FileId>,
    found: Found,
    /// Those of this directory, where they are not in force yet and could be read.
    settings: Option<(Settings, Vec<Complaint>)>,
}

#[derive(Debug)]
enum Found {
    /// As it was.
    Same,
    /// Ours from now on; whether it takes a lock.
    Taken { locks: bool },
    /// Nothing can be kept there.
    Trouble(Trouble),
    /// Another program was faster.
    Held(Option<Owner>),
}

impl Controller {
    pub(super) fn home_time(&mut self, now: Moment) {
        if !self.home.look.take(now) {
            return;
        }
        self.home.look.set(now + self.pace.look_every);
        if std::mem::replace(&mut self.home.is_looking, true) {
            return;
        }
        let (path, program, now) = (self.data_dir.clone(), self.home.program.clone(), self.wall());
        let Home { read, made, lockless, on_a_thread, .. } = self.home;
        let lock = Arc::clone(&self.home.lock);
        self.spawn(async move {
            let look = move || {
                let before = installation::file_id(&path);
                let found = find(&path, &mut locked(&lock), lockless, &program, now);
                let directory = installation::file_id(&path);
                let made = if before.is_none() { directory } else { made };
                let is_unread = directory.is_some() && directory != read;
                // Those of before hold where a directory was emptied, and where it is one of our own.
                let tells = settings::has_file(&path) || read.is_none() && directory != made;
                let counts = is_unread && tells;
                let settings = counts.then(|| settings::load(&path));
                let settings = settings.filter(|(_, complaints)| settings::were_read(complaints));
                Look { directory, made, found, settings }
            };
            if !on_a_thread {
                return Tick::Looked(Box::new(look()));
            }
            let look = tokio::task::spawn_blocking(look).await;
            look.map_or(Tick::Time, |look| Tick::Looked(Box::new(look)))
        });
    }

    pub(super) fn looked(&mut self, look: Look) {
        self.home.is_looking = false;
        let settles = std::mem::take(&mut self.home.settles);
        let is_new = look.directory.is_some() && look.directory != self.home.seen;
        self.home.seen = look.directory;
        self.home.made = look.made;
        let is_taken = matches!(look.found, Found::Taken { .. });
        let is_news = is_new || is_taken || look.settings.is_some();
        if let Some((settings, complaints)) = look.settings {
            self.home.read = look.directory;
            self.read_late(settings, &complaints);
        }
        match look.found {
            Found::Held(owner) => return self.left_to(owner.as_ref()),
            Found::Trouble(trouble) => self.say_trouble(&trouble),
            Found::Taken { locks } => {
                self.home.lockless = look.directory.filter(|_| !locks);
                self.taken();
            }
            Found::Same if settles => self.settle(),
            Found::Same => {}
        }
        let is_nobody = matches!(self.who.account, status::Account::Starting | status::Account::Never);
        if is_news && is_nobody {
            self.restore();
        }
    }

    /// As if the person had chosen them on the page.
    fn read_late(&mut self, settings: Settings, complaints: &[Complaint]) {
        tracing::info!("the settings of the data directory are read");
        self.say_complaints(complaints);
        if let Some(trust) = &self.trust {
            trust.choose(settings.extra_ca_file.as_deref());
        }
        let view = self.use_settings(settings);
        self.shell.settings(&view);
    }

    fn say_trouble(&mut self, trouble: &Trouble) {
        if self.home.is_others || !self.shown.stands("data_dir") {
            self.not_others();
            let path = self.data_dir.display().to_string();
            let values = [("path", &*path), ("why", &*trouble.to_string())];
            self.shown.say("data_dir", text("notice.data_dir", &values));
        }
    }

    /// The directory that is there now is ours: all that makes it so is put into it.
    fn taken(&mut self) {
        tracing::info!("the data directory was taken anew");
        self.not_others();
        self.home.taken.send_modify(|times| *times += 1);
        if self.journal.is_durable() {
            self.shown.withdraw("data_dir");
        } else {
            self.settle();
        }
        let account = self.account.clone();
        self.tasks.spawn(async move { account.write_down().await });
        if self.home.read.is_some() {
            self.write_settings();
        }
    }

    /// What was chosen holds over a restart, too.
    fn write_settings(&self) {
        let (path, view) = (self.data_dir.clone(), self.settings.view.clone());
        self.tasks.spawn_blocking(move || {
            if settings::has_file(&path) {
                return;
            }
            if let Err(error) = settings::save(&path, &view) {
                tracing::warn!(%error, "the settings are not in the new directory");
            }
        });
    }

    /// Another program has the directory that is there now: this one goes on as if there was none.
    fn left_to(&mut self, owner: Option<&Owner>) {
        let path = self.data_dir.display().to_string();
        let program = owner.map_or("VisionGuard", |owner| &owner.program);
        let values = [("path", &*path), ("program", program)];
        self.shown.say("data_dir", text("notice.data_dir_taken", &values));
        if std::mem::replace(&mut self.home.is_others, true) {
            return;
        }
        tracing::warn!(program, "another program has the data directory");
        self.account.directory_is_others(true);
        let journal = self.journal.clone();
        self.spawn(async move { Tick::JournalLeft(journal.leave().await) });
    }

    fn not_others(&mut self) {
        if std::mem::take(&mut self.home.is_others) {
            self.account.directory_is_others(false);
        }
    }

    pub(super) fn journal_left(&mut self, left: Result<bool, JournalError>) {
        match left {
            Ok(false) => {}
            Ok(true) => {
                self.feed_changed();
                self.count();
                // What the file holds is not known here any more.
                self.watch.record = None;
                self.reconcile_soon();
            }
            Err(error) => self.journal_failed(&error),
        }
    }
}

fn find(path: &Path, lock: &mut DataLock, lockless: Option<FileId>, program: &str, now: Timestamp) -> Found {
    let is_lockless = lockless.is_some() && lockless == installation::file_id(path);
    if lock.stands(path) || is_lockless {
        return Found::Same;
    }
    // It is made where it is not there.
    let trouble = DataDir::at(path.to_owned()).trouble;
    if let Some(trouble) = trouble.clone().filter(|_| lock.is_beside()) {
        return Found::Trouble(trouble);
    }
    match (lock.renew(path, program, now), trouble) {
        (Err(LockError::Held(owner)), _) => Found::Held(owner),
        (Ok(()), Some(trouble)) => Found::Trouble(trouble),
        (Ok(()), None) => Found::Taken { locks: lock.is_on_disk() },
    }
}

fn locked(lock: &Mutex<DataLock>) -> MutexGuard<'_, DataLock> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}
