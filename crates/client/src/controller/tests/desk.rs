//! A desktop that remembers what it was told, and a client on it.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{self, BoxFuture};
use jiff::Timestamp;
use secrecy::SecretString;
use tempfile::TempDir;
use tokio::sync::watch;
use visionguard_proto::link;

use super::server::Server;
use crate::api::Http;
use crate::clock::SystemClock;
use crate::controller::{Client, Pace, Parts, Remarks, StartError};
use crate::dial::SystemDial;
use crate::journal::Hands;
use crate::keychain::{Keychain, KeychainError, MemoryKeychain};
use crate::model::AlertId;
use crate::settings::{self, Complaint, Settings};
use crate::shell::{Notification, Outcome, Shell};
use crate::tls;
use crate::view::{Event, Keeping, Status, StatusView, Tray};

/// What a desktop was told, oldest first.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) notifications: Vec<Notification>,
    pub(super) withdrawn: Vec<String>,
    pub(super) statuses: Vec<StatusView>,
    pub(super) trays: Vec<Tray>,
    pub(super) events: Vec<Event>,
    pub(super) acked: Vec<AlertId>,
    pub(super) windows: Vec<Option<String>>,
    pub(super) ended: bool,
}

/// The place where a client runs, which outlives it.
#[derive(Debug)]
pub(super) struct Desk {
    folder: TempDir,
    data_dir: PathBuf,
    complaints: Vec<Complaint>,
    pub(super) keychain: Arc<LateKeychain>,
    pub(super) settings: Settings,
    pub(super) pace: Pace,
}

/// A client that runs.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) client: Client,
    told: Arc<Mutex<Told>>,
    changed: watch::Receiver<u64>,
}

impl Desk {
    pub(super) fn new() -> Desk {
        let folder = tempfile::tempdir().expect("a folder");
        Desk {
            data_dir: folder.path().to_owned(),
            folder,
            complaints: Vec::new(),
            keychain: Arc::default(),
            settings: Settings::default(),
            pace: Pace {
                reconcile_every: Duration::from_millis(300),
                record_every: Duration::from_millis(200),
                poll_every: Duration::from_millis(200),
                register_after: Duration::ZERO,
                register_every: Duration::from_millis(200),
                keychain_every: Duration::from_millis(100),
                retry_every: Duration::from_millis(100),
                look_every: Duration::from_millis(100),
                ..Pace::default()
            },
        }
    }

    /// At most so many missing rows of the record are held at a time.
    pub(super) fn holds_rows(&mut self, most: usize) {
        self.pace.rows_held = most;
    }

    /// The record is read at a connect and when something calls for it.
    pub(super) fn reads_the_record_seldom(&mut self) {
        let hour = Duration::from_secs(3_600);
        (self.pace.reconcile_every, self.pace.record_every) = (hour, hour);
    }

    pub(super) fn path(&self) -> &Path {
        &self.data_dir
    }

    /// The session that is kept is of a sign-in at this time.
    pub(super) fn signed_in_at(&self, at: Timestamp) {
        let file = self.path().join("session.json");
        let text = std::fs::read_to_string(&file).expect("a session");
        let mut session: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert!(session["signed_in_at"].is_string(), "{session}");
        session["signed_in_at"] = at.to_string().into();
        std::fs::write(&file, session.to_string()).expect("written");
    }

    /// The data directory is deeper, so that what it lies in can come and go.
    pub(super) fn lives_in(&mut self, below: &str) {
        self.data_dir = self.folder.path().join(below);
    }

    /// Beside the data directory, or above it.
    pub(super) fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Reads the settings as the program does before it starts.
    pub(super) fn read_settings(&mut self) {
        (self.settings, self.complaints) = settings::load(&self.data_dir);
    }

    /// Starts a client whose notifications are shown at once.
    pub(super) fn start(&self) -> Running {
        self.start_with(true)
    }

    /// Starts a client; `shows` says whether its notification service reports what it showed.
    pub(super) fn start_with(&self, shows: bool) -> Running {
        self.begin(shows).expect("the client starts")
    }

    /// Starts a client where that may be refused.
    pub(super) fn try_start(&self) -> Result<Running, StartError> {
        self.begin(true)
    }

    fn begin(&self, shows: bool) -> Result<Running, StartError> {
        let tls = tls::client_config(None).expect("TLS");
        let parts = Parts {
            settings: self.settings.clone(),
            data_dir: PathBuf::from(self.path()),
            program: "test".to_owned(),
            clock: Arc::new(SystemClock),
            dial: Arc::new(SystemDial::new(Arc::clone(&tls))),
            http: Http::new(&tls).expect("HTTP"),
            keychain: Arc::clone(&self.keychain) as Arc<dyn Keychain>,
            link: link::Config::default(),
            pace: self.pace.clone(),
            journal: Hands::Threads,
            seed: 1,
        };
        let (changed, watching) = watch::channel(0);
        let told = Arc::new(Mutex::new(Told::default()));
        let client = Arc::new(Mutex::new(None));
        let shell = Recording { told: Arc::clone(&told), changed, shows, client: Arc::clone(&client) };
        let remarks = Remarks { complaints: self.complaints.clone(), ..Remarks::default() };
        let started = Client::start_with(parts, remarks, shell)?;
        *client.lock().expect("the client") = Some(started.clone());
        Ok(Running { client: started, told, changed: watching })
    }

    /// Starts a client and signs in, without waiting for more.
    pub(super) async fn signed_in(&self, server: &Server) -> Running {
        let running = self.start();
        running.sign_in(server).await;
        running
    }
}

impl Running {
    pub(super) async fn sign_in(&self, server: &Server) {
        self.client
            .sign_in(&server.url(), "owner@example.com", SecretString::from("right"), false)
            .await
            .expect("the sign-in is accepted");
    }

    pub(super) fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().expect("what was told")
    }

    /// Waits until the desktop was told so; far longer than it should take.
    pub(super) async fn until<T>(&self, what: &str, mut look: impl FnMut(&Told) -> Option<T>) -> T {
        let mut changed = self.changed.clone();
        let waiting = async {
            loop {
                changed.borrow_and_update();
                if let Some(found) = look(&self.told()) {
                    return found;
                }
                if changed.changed().await.is_err() {
                    future::pending::<()>().await;
                }
            }
        };
        let found = tokio::time::timeout(Duration::from_secs(60), waiting).await;
        found.unwrap_or_else(|_| panic!("waited in vain until {what}: {:?}", self.told()))
    }

    /// Waits until the status is this word, for this reason.
    pub(super) async fn status(&self, status: Status, reason: &str) -> StatusView {
        self.until(&format!("{status:?} ({reason})"), |told| {
            told.statuses.last().filter(|view| view.status == status && view.reason == reason).cloned()
        })
        .await
    }

    pub(super) async fn notification(&self, nth: usize) -> Notification {
        self.until("a notification", |told| told.notifications.get(nth).cloned()).await
    }

    /// Waits until this holds of the world outside; far longer than it should take.
    pub(super) async fn until_true(&self, what: &str, holds: impl Fn() -> bool) {
        let give_up_at = tokio::time::Instant::now() + Duration::from_secs(60);
        while !holds() {
            assert!(
                tokio::time::Instant::now() < give_up_at,
                "waited in vain until {what}: {:?}",
                self.told()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Ends the client and waits for it.
    pub(super) async fn quit(self) -> Told {
        self.client.quit();
        self.until("the end", |told| told.ended.then_some(())).await;
        std::mem::take(&mut *self.told())
    }
}

#[derive(Debug)]
struct Recording {
    told: Arc<Mutex<Told>>,
    changed: watch::Sender<u64>,
    shows: bool,
    client: Arc<Mutex<Option<Client>>>,
}

impl Recording {
    fn note(&self, change: impl FnOnce(&mut Told)) {
        change(&mut self.told.lock().expect("what was told"));
        self.changed.send_modify(|n| *n += 1);
    }
}

impl Shell for Recording {
    fn notify(&mut self, notification: Notification) {
        let (id, alert) = (notification.id.clone(), notification.alert.clone());
        self.note(|told| told.notifications.push(notification));
        let client = self.client.lock().expect("the client").clone();
        if let Some(client) = client.filter(|_| self.shows) {
            client.notification(Outcome::Shown { id, alert });
        }
    }

    fn withdraw(&mut self, incident: &str) {
        self.note(|told| told.withdrawn.push(incident.to_owned()));
    }

    fn show_tray(&mut self, tray: &Tray) {
        self.note(|told| told.trays.push(tray.clone()));
    }

    fn emit(&mut self, event: &Event) {
        self.note(|told| told.events.push(event.clone()));
    }

    fn show_window(&mut self, incident: Option<&str>) {
        self.note(|told| told.windows.push(incident.map(str::to_owned)));
    }

    fn quit(&mut self) {
        self.note(|told| told.ended = true);
    }

    fn acked(&mut self, alert: AlertId) {
        self.note(|told| told.acked.push(alert));
    }

    fn status(&mut self, status: &StatusView) {
        self.note(|told| told.statuses.push(status.clone()));
    }
}

/// A keychain that can be locked, and that outlives the client.
#[derive(Debug, Default)]
pub(super) struct LateKeychain {
    inner: MemoryKeychain,
    locked: AtomicBool,
    fails: AtomicU32,
}

impl LateKeychain {
    pub(super) fn lock(&self, locked: bool) {
        self.locked.store(locked, Ordering::SeqCst);
    }

    /// The next reads fail for no reason that is known.
    pub(super) fn fail_times(&self, times: u32) {
        self.fails.store(times, Ordering::SeqCst);
    }

    fn is_locked(&self) -> bool {
        self.locked.load(Ordering::SeqCst)
    }
}

impl Keychain for LateKeychain {
    fn get<'a>(&'a self, entry: &'a str) -> BoxFuture<'a, Result<Option<SecretString>, KeychainError>> {
        if self.is_locked() {
            return future::ready(Err(KeychainError::Locked)).boxed();
        }
        let fewer = |times: u32| times.checked_sub(1);
        if self.fails.fetch_update(Ordering::SeqCst, Ordering::SeqCst, fewer).is_ok() {
            return future::ready(Err(KeychainError::Other("not yet".into()))).boxed();
        }
        self.inner.get(entry)
    }

    fn set<'a>(
        &'a self,
        entry: &'a str,
        secret: &'a SecretString,
    ) -> BoxFuture<'a, Result<(), KeychainError>> {
        if self.is_locked() {
            return future::ready(Err(KeychainError::Locked)).boxed();
        }
        self.inner.set(entry, secret)
    }

    fn delete<'a>(&'a self, entry: &'a str) -> BoxFuture<'a, Result<(), KeychainError>> {
        self.inner.delete(entry)
    }

    fn keeping(&self) -> Keeping {
        Keeping::Keychain
    }
}
