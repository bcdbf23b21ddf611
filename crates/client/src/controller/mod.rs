//! One task owns all state; this is how the rest of the program speaks to it.
//!
//! Everything that can wake the task is one [`ticks::Tick`], and there is one handler for each. A handler never waits
//! for the disk, the keychain or the network: such work is spawned and comes back as a tick. What is shown is derived
//! from state by pure functions (`derive`) and handed to the [`Shell`] only when it changed.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use secrecy::SecretString;
use visionguard_proto::link;

use crate::api::Http;
use crate::clock::{Clock, SystemClock};
use crate::dial::{Dial, SystemDial};
use crate::keychain::{self, Keychain};
use crate::lock::LockError;
use crate::settings::{self, Settings};
use crate::shell::{Outcome, Shell};
use crate::status;
use crate::tls;
use crate::view::{
    Decision, FeedPage, FeedQuery, IncidentDetail, Problem, SessionView, SettingsView, Snapshot,
};

/// The running client. Cheap to clone; the task ends after [`Client::quit`].
#[derive(Debug, Clone)]
pub struct Client {}

/// What a client is made of; [`Parts::system`] has the real ones, a test replaces what it wants to hold in its hands.
#[derive(Debug)]
pub struct Parts {
    /// The settings as read at the start.
    pub settings: Settings,
    /// Where the journal, the settings and the session are.
    pub data_dir: PathBuf,
    /// This program's name, for whoever finds the data directory taken.
    pub program: String,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// How the server is reached for the socket.
    pub dial: Arc<dyn Dial>,
    /// How it is reached for everything else.
    pub http: Http,
    /// Where the tokens live.
    pub keychain: Arc<dyn Keychain>,
    /// The protocol's times.
    pub link: link::Config,
    /// How often things are looked at.
    pub pace: Pace,
}

/// How often things are looked at, and how old evidence may grow.
#[derive(Debug, Clone)]
pub struct Pace {
    /// Between two comparisons with the server's record.
    pub reconcile_every: Duration,
    /// The same while alerts do not come on the socket.
    pub poll_every: Duration,
    /// From a connect to the first look at the server's list of connections.
    pub register_after: Duration,
    /// Between two looks at it.
    pub register_every: Duration,
    /// Between a polite close and the next attempt, when the slot is claimed anew.
    pub reclaim_pause: Duration,
    /// Between two questions to a keychain that did not answer.
    pub keychain_every: Duration,
    /// Between two attempts to store what could not be stored, or to send what could not be sent.
    pub retry_every: Duration,
    /// Between two looks at what is due rarely: pictures to prune, a token to refresh, the day's count.
    pub upkeep_every: Duration,
    /// Between two deliveries of events to the page.
    pub page_every: Duration,
    /// Alerts older than this when they arrive go into a summary.
    pub fresh_within: Duration,
    /// How old evidence may grow.
    pub limits: status::Limits,
}

impl Default for Pace {
    fn default() -> Pace {
        Pace {
            reconcile_every: Duration::from_secs(60),
            poll_every: Duration::from_secs(15),
            register_after: Duration::from_secs(2),
            register_every: Duration::from_secs(30),
            reclaim_pause: Duration::from_millis(250),
            keychain_every: Duration::from_secs(10),
            retry_every: Duration::from_secs(5),
            upkeep_every: Duration::from_secs(60),
            page_every: Duration::from_millis(100),
            fresh_within: Duration::from_secs(180),
            limits: status::Limits::default(),
        }
    }
}

/// Why the client did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Another program uses the data directory; it says which.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// There is no data directory.
    #[error("cannot use the data directory")]
    DataDir(#[source] std::io::Error),
    /// TLS cannot be set up.
    #[error(transparent)]
    Tls(#[from] tls::TlsError),
    /// The HTTP client cannot be made.
    #[error("cannot set up HTTP")]
    Http(#[from] crate::api::ApiError),
    /// Neither on disk nor in memory is there a journal.
    #[error("cannot open a journal")]
    Journal(#[source] crate::journal::JournalError),
}

impl Parts {
    /// The real parts, with these settings: the computer's clock, network and keychain, the default data directory.
    pub fn system(settings: Settings) -> Result<Parts, StartError> {
        let tls = tls::client_config(settings.extra_ca_file.as_deref())?;
        Ok(Parts {
            data_dir: settings::data_dir().map_err(StartError::DataDir)?,
            program: "VisionGuard".to_owned(),
            clock: Arc::new(SystemClock),
            dial: Arc::new(SystemDial::new(Arc::clone(&tls))),
            http: Http::new(&tls)?,
            keychain: keychain::choose(),
            link: link::Config::default(),
            pace: Pace::default(),
            settings,
        })
    }
}

#[allow(clippy::unused_async, reason = "signatures first")]
impl Client {
    /// Takes the data directory, opens the journal and starts the task; needs a tokio runtime around it. Blocks for as
    /// long as the check of the journal takes.
    pub fn start(parts: Parts, shell: impl Shell) -> Result<Client, StartError> {
        let _ = (parts, shell);
        todo!()
    }

    /// Everything the page needs to start.
    pub async fn snapshot(&self) -> Snapshot {
        todo!()
    }

    /// Older incidents, or those that match.
    pub async fn feed(&self, query: FeedQuery) -> Result<FeedPage, Problem> {
        let _ = query;
        todo!()
    }

    /// One incident with its alerts.
    pub async fn incident(&self, id: &str) -> Result<IncidentDetail, Problem> {
        let _ = id;
        todo!()
    }

    /// A checked JPEG; none if the alert has none or is not known.
    pub async fn frame(&self, alert: &str) -> Option<Bytes> {
        let _ = alert;
        todo!()
    }

    /// Signs in and connects; a session that was there is replaced only if this one is accepted.
    pub async fn sign_in(
        &self,
        server: &str,
        email: &str,
        password: SecretString,
    ) -> Result<SessionView, Problem> {
        let _ = (server, email, password);
        todo!()
    }

    /// Signs in with a token that was obtained elsewhere.
    pub async fn sign_in_with_token(
        &self,
        server: &str,
        user_id: &str,
        token: SecretString,
    ) -> Result<SessionView, Problem> {
        let _ = (server, user_id, token);
        todo!()
    }

    /// Closes the socket, empties the keychain and, if `erase`, the journal.
    pub async fn sign_out(&self, erase: bool) -> Result<(), Problem> {
        let _ = erase;
        todo!()
    }

    /// Attempts to connect now.
    pub fn retry_now(&self) {
        todo!()
    }

    /// Records a decision about an incident: durable here when this returns, on the server as soon as it can be.
    pub async fn decide(
        &self,
        incident: &str,
        decision: Decision,
        note: Option<String>,
    ) -> Result<(), Problem> {
        let _ = (incident, decision, note);
        todo!()
    }

    /// Marks an incident as looked at.
    pub fn seen(&self, incident: &str) {
        let _ = incident;
        todo!()
    }

    /// Takes one incident out of view; the journal keeps it.
    pub async fn dismiss(&self, incident: &str) -> Result<(), Problem> {
        let _ = incident;
        todo!()
    }

    /// Takes all incidents out of view; the journal keeps them.
    pub async fn clear_all(&self) -> Result<(), Problem> {
        todo!()
    }

    /// Changes the settings; unknown or impossible values are refused whole.
    pub async fn change_settings(&self, settings: SettingsView) -> Result<SettingsView, Problem> {
        let _ = settings;
        todo!()
    }

    /// The window opened (events are wanted) or closed.
    pub fn window(&self, open: bool) {
        let _ = open;
        todo!()
    }

    /// Shows the window: the tray's Open, a second start.
    pub fn open(&self) {
        todo!()
    }

    /// What became of a notification.
    pub fn notification(&self, outcome: Outcome) {
        let _ = outcome;
        todo!()
    }

    /// Ends: closes the socket, finishes writes, calls [`crate::shell::Shell::quit`].
    pub fn quit(&self) {
        todo!()
    }
}
