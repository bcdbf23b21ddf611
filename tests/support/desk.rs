//! A computer with the client on it: real network, real journal in a folder of its own, a desktop that only records.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use tempfile::TempDir;
use visionguard_client::api::{Exchange, Http};
use visionguard_client::clock::{Clock, SystemClock};
use visionguard_client::controller::{Client, Pace, Parts, Remarks};
use visionguard_client::dial::SystemDial;
use visionguard_client::journal::Hands;
use visionguard_client::keychain::{Keychain, MemoryKeychain};
use visionguard_client::settings;
use visionguard_client::status::Limits;
use visionguard_client::tls;
use visionguard_client::view::{
    FeedItem, FeedPage, FeedQuery, Incident, IncidentDetail, Problem, SessionView, Status, StatusView,
};
use visionguard_proto::link;

use crate::recording::{Record, Recording};
use crate::wait;

/// One computer. Its folder and its keychain outlive the client, so that this can be started again.
#[derive(Debug)]
pub struct Desk {
    pub client: Client,
    pub recording: Recording,
    make: Make,
}

/// What a computer is made of; the default is an ordinary one in a hurry.
#[derive(Debug)]
pub struct Make {
    pub pace: Pace,
    pub link: link::Config,
    pub clock: Arc<dyn Clock>,
    pub keychain: Arc<dyn Keychain>,
    /// Carries requests in place of the network.
    pub exchange: Option<Arc<dyn Exchange>>,
    /// Holds the client's data.
    pub folder: TempDir,
}

impl Default for Make {
    fn default() -> Make {
        Make {
            pace: quick_pace(),
            link: link::Config::default(),
            clock: Arc::new(SystemClock),
            keychain: Arc::new(MemoryKeychain::default()),
            exchange: None,
            folder: tempfile::tempdir().unwrap(),
        }
    }
}

/// The client's own rhythm, at which its whole day is a matter of minutes: for tests that take what it takes.
pub fn real_pace() -> Pace {
    Pace::default()
}

/// The protocol's times, ten times as fast: silence is found after six seconds.
pub fn quick_link() -> link::Config {
    link::Config {
        ping_every: Duration::from_secs(3),
        dead_after: Duration::from_secs(6),
        connect_within: Duration::from_secs(5),
        probe_within: Duration::from_secs(2),
        proven_after: Duration::from_secs(3),
    }
}

/// A hurried rhythm, so that what happens once a minute happens within a second.
pub fn quick_pace() -> Pace {
    Pace {
        reconcile_every: Duration::from_millis(500),
        record_every: Duration::from_millis(300),
        poll_every: Duration::from_millis(300),
        register_after: Duration::from_millis(100),
        register_every: Duration::from_millis(200),
        retry_every: Duration::from_millis(200),
        look_every: Duration::from_millis(200),
        limits: Limits::default(),
        ..Pace::default()
    }
}

impl Desk {
    /// A new computer in a hurry.
    pub fn new() -> Desk {
        Desk::with(quick_pace())
    }

    /// A new computer with this rhythm.
    pub fn with(pace: Pace) -> Desk {
        Desk::with_link(pace, link::Config::default())
    }

    /// A new computer with this rhythm and these times of the protocol.
    pub fn with_link(pace: Pace, link: link::Config) -> Desk {
        Desk::made_of(Make { pace, link, ..Make::default() })
    }

    /// A new computer, made of this.
    pub fn made_of(make: Make) -> Desk {
        let recording = Recording::new();
        let client = start(&make, &recording);
        Desk { client, recording, make }
    }

    /// Ends the client and starts it again on the same folder and keychain; what the new one is told is recorded anew.
    pub async fn restart(self) -> Desk {
        Desk::made_of(self.end().await)
    }

    /// Ends the client; what the computer was made of, to start it on again.
    pub async fn end(self) -> Make {
        let Desk { client, recording, make } = self;
        client.quit();
        recording.until("the end", |record| record.quit.then_some(())).await;
        make
    }

    /// Where the client keeps its data.
    pub fn data_dir(&self) -> &Path {
        self.make.folder.path()
    }

    /// Signs in.
    pub async fn sign_in(&self, server: &str, email: &str, password: &str) -> Result<SessionView, Problem> {
        let signed_in = self.client.sign_in(server, email, SecretString::from(password), false);
        wait::within("the sign-in to be answered", signed_in).await
    }

    /// Why signing in was refused.
    ///
    /// # Panics
    ///
    /// If it was not.
    pub async fn refusal(&self, server: &str, email: &str, password: &str) -> Problem {
        self.sign_in(server, email, password).await.expect_err("signed in")
    }

    /// The status with its reason, as it is now.
    pub async fn status(&self) -> StatusView {
        wait::within("the status", self.client.snapshot()).await.status
    }

    /// Waits for this status.
    pub async fn until_status(&self, status: Status) -> StatusView {
        self.recording.until_status(status).await;
        self.status().await
    }

    /// Waits for this status with this reason.
    pub async fn until_reason(&self, status: Status, reason: &str) -> StatusView {
        let deadline = tokio::time::Instant::now() + wait::PATIENCE;
        loop {
            let view = self.status().await;
            if view.status == status && view.reason == reason {
                return view;
            }
            assert!(tokio::time::Instant::now() < deadline, "not {status:?} ({reason}) but {view:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// A page of the feed.
    pub async fn feed(&self, query: FeedQuery) -> FeedPage {
        wait::within("the feed", self.client.feed(query)).await.unwrap()
    }

    /// The incidents in view, newest first.
    pub async fn incidents(&self) -> Vec<Incident> {
        let page = self.feed(FeedQuery::default()).await;
        page.items
            .into_iter()
            .filter_map(|item| match item {
                FeedItem::Incident(incident) => Some(incident),
                FeedItem::Outage { .. } => None,
            })
            .collect()
    }

    /// One incident with its alerts.
    pub async fn detail(&self, incident: &Incident) -> IncidentDetail {
        wait::within("an incident", self.client.incident(&incident.id)).await.unwrap()
    }

    /// Waits until the incidents in view are as the test wants them.
    pub async fn until_incidents<T>(&self, what: &str, wanted: impl Fn(&[Incident]) -> Option<T>) -> T {
        let deadline = tokio::time::Instant::now() + wait::PATIENCE;
        loop {
            let incidents = self.incidents().await;
            if let Some(found) = wanted(&incidents) {
                return found;
            }
            assert!(tokio::time::Instant::now() < deadline, "waited in vain for {what}: {incidents:#?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until there are so many incidents, and so many of them that nobody has decided on.
    pub async fn until_counted(&self, total: u32, unhandled: u32) {
        let deadline = tokio::time::Instant::now() + wait::PATIENCE;
        loop {
            let counts = self.client.snapshot().await.counts;
            if (counts.total, counts.unhandled) == (total, unhandled) {
                return;
            }
            assert!(tokio::time::Instant::now() < deadline, "never {unhandled} of {total}: {counts:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until this many alerts are in the journal's view, all incidents together.
    pub async fn until_alerts(&self, count: u32) -> Vec<Incident> {
        self.until_incidents(&format!("{count} alerts"), |incidents| {
            let alerts: u32 = incidents.iter().map(|incident| incident.alerts).sum();
            (alerts >= count).then(|| incidents.to_vec())
        })
        .await
    }

    /// The same with a patience of its own.
    pub async fn until_alerts_within(&self, count: u32, patience: Duration) {
        let deadline = tokio::time::Instant::now() + patience;
        loop {
            let incidents = self.incidents().await;
            if incidents.iter().map(|incident| incident.alerts).sum::<u32>() >= count {
                return;
            }
            assert!(tokio::time::Instant::now() < deadline, "never {count} alerts: {incidents:#?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Everything the desktop was told.
    pub fn record(&self) -> Record {
        self.recording.record()
    }
}

impl Default for Desk {
    fn default() -> Desk {
        Desk::new()
    }
}

fn start(make: &Make, recording: &Recording) -> Client {
    let tls = tls::client_config(None).unwrap();
    let http = Http::new(&tls).unwrap();
    let http = match &make.exchange {
        Some(exchange) => http.through(Arc::clone(exchange)),
        None => http,
    };
    let (settings, complaints) = settings::load_with(make.folder.path(), |_| None);
    let parts = Parts {
        settings,
        data_dir: make.folder.path().to_owned(),
        program: "a test".to_owned(),
        clock: Arc::clone(&make.clock),
        dial: Arc::new(SystemDial::new(Arc::clone(&tls))),
        http,
        keychain: Arc::clone(&make.keychain),
        link: make.link.clone(),
        pace: make.pace.clone(),
        journal: Hands::Threads,
        seed: 1,
    };
    let remarks = Remarks { complaints, ..Remarks::default() };
    let client = Client::start_with(parts, remarks, recording.shell()).unwrap();
    recording.attach(&client);
    client
}
