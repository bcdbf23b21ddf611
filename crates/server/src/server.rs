//! Starting and stopping one server.

use std::fs::{File, TryLockError};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use secrecy::{ExposeSecret, SecretString};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use visionguard_picture::Studio;
use visionguard_proto::close::RESTART;

use crate::app::{App, Notes};
use crate::config::Config;
use crate::demo;
use crate::log::RecordLog;
use crate::passwords::Passwords;
use crate::people::{People, PeopleError};
use crate::publish::{self, Detection, PublishError, Published};
use crate::roster::Roster;
use crate::secret::{self, SecretError};
use crate::store::{Store, StoreError};
use crate::throttle::Throttle;
use crate::token::Keys;
use crate::{accept, routes, upkeep};

/// How long a stopping server waits for its sockets and requests.
const FAREWELL: Duration = Duration::from_secs(5);

/// Starts servers.
#[derive(Debug)]
pub struct Server;

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address is taken or not ours.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The data directory cannot be made or used.
    #[error("cannot use the data directory {path}: {source}")]
    DataDir {
        /// The directory.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// Another server runs on this data directory.
    #[error("another server runs on the data directory {0}")]
    InUse(PathBuf),
    /// There is no usable signing secret.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The database cannot be opened.
    #[error("cannot open the database: {0}")]
    Store(#[from] StoreError),
    /// Argon2 does not work here.
    #[error("passwords cannot be hashed on this machine")]
    Passwords,
    /// The demonstration's user and shops cannot be made.
    #[error("cannot prepare the demonstration: {0}")]
    Demo(#[from] PeopleError),
}

/// A server that runs until it is stopped, killed or dropped.
#[derive(Debug)]
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    app: Arc<App>,
    people: People,
    demo: Option<demo::Ready>,
    stopping: CancellationToken,
    serving: JoinHandle<()>,
    /// Unlocked when it is dropped, by the system if need be.
    _lock: File,
}

impl Server {
    /// Opens the database, listens, and returns once requests are accepted.
    pub async fn start(config: Config) -> Result<Running, StartError> {
        let people = open(&config.data_dir, config.secret.as_ref(), config.commit_together)?;
        let lock = lock(&config.data_dir)?;
        let listen = |source| StartError::Listen { address: config.listen, source };
        let listener = TcpListener::bind(config.listen).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;

        let app = Arc::new(App {
            store: people.store.clone(),
            roster: Arc::new(Roster::new(config.sockets.clone())),
            log: Arc::new(RecordLog::open(people.store.clone(), config.log).await?),
            keys: people.keys.clone(),
            passwords: people.passwords.clone(),
            throttle: Throttle::new(config.limits.sign_in_burst, config.limits.sign_in_refill),
            studio: Studio::open(),
            notes: Notes(config.notes),
            sockets: config.sockets,
            limits: config.limits,
            token_in_query: config.token_in_query,
            access_lives: config.access_lives,
            refresh_lives: config.refresh_lives,
            started: Instant::now(),
            tasks: TaskTracker::new(),
            killed: CancellationToken::new(),
        });
        let demo = match config.demo {
            Some(settings) => Some(demo::start(&app, &people, settings).await?),
            None => None,
        };
        upkeep::start(&app, config.keep_pictures);
        let stopping = CancellationToken::new();
        let serving = tokio::spawn(accept::serve(
            listener,
            routes::router(Arc::clone(&app)),
            app.limits.clone(),
            stopping.clone(),
            app.killed.clone(),
        ));
        tracing::info!(%address, "the server listens");
        Ok(Running { address, app, people, demo, stopping, serving, _lock: lock })
    }
}

impl Running {
    /// `http://` and the address.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Stops politely: every socket is closed with 1012, requests under way are answered, the database is closed.
    pub async fn stop(mut self) {
        self.stopping.cancel();
        self.app.roster.close(RESTART);
        self.app.tasks.close();
        let farewell = async {
            self.app.tasks.wait().await;
            // Fails only if the task panicked, and then there is nothing to wait for.
            let _ = (&mut self.serving).await;
        };
        if tokio::time::timeout(FAREWELL, farewell).await.is_err() {
            tracing::warn!("some connections did not end in time");
        }
        self.app.killed.cancel();
        self.app.store.close().await;
        tracing::info!("the server has stopped");
    }

    /// Ends at once, as a crash would: no close frames, connections just end. What was committed stays.
    pub fn kill(self) {
        drop(self);
    }

    /// Publishes a detection, as `POST /api/alerts` does.
    pub async fn publish(&self, detection: Detection) -> Result<Published, PublishError> {
        publish::publish(&self.app, "embedded", detection).await
    }

    /// Users and shops.
    pub fn users(&self) -> People {
        self.people.clone()
    }

    /// Live connections, all users together.
    pub fn connections(&self) -> usize {
        self.app.roster.len()
    }

    /// The demonstration's user, if [`Config::demo`] was set.
    pub fn demo(&self) -> Option<&demo::Ready> {
        self.demo.as_ref()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.app.killed.cancel();
        self.serving.abort();
    }
}

/// Opens a data directory without serving it.
pub(crate) fn open(
    data_dir: &Path,
    secret: Option<&SecretString>,
    commit_together: usize,
) -> Result<People, StartError> {
    let unusable = |source| StartError::DataDir { path: data_dir.to_owned(), source };
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(data_dir).map_err(unusable)?;
    let secret = secret::load(secret, data_dir)?;
    let store = Store::open(&data_dir.join("server.sqlite3"), commit_together)?;
    let passwords = Passwords::new().map_err(|_| StartError::Passwords)?;
    let keys = Keys::new(secret.expose_secret().as_bytes()).map_err(|_| SecretError::TooShort(0))?;
    Ok(People { store, passwords, keys })
}

fn lock(data_dir: &Path) -> Result<File, StartError> {
    let unusable = |source| StartError::DataDir { path: data_dir.to_owned(), source };
    let lock = File::create(data_dir.join("lock")).map_err(unusable)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(StartError::InUse(data_dir.to_owned())),
        Err(TryLockError::Error(source)) => Err(unusable(source)),
    }
}
