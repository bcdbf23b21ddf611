//! One task owns all state; this is how the rest of the program speaks to it.
//!
//! Everything that can wake the task is one [`ticks::Tick`], and there is one handler for each. A handler never waits
//! for the disk, the keychain or the network: such work is spawned and comes back as a tick. What is shown is derived
//! from state by pure functions (`status`, `tray`) and handed to the [`Shell`] only when it changed.

mod alerts;
mod home;
mod link;
mod record;
mod session;
mod shown;
mod task;
mod ticks;

#[cfg(test)]
mod tests;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use secrecy::SecretString;
use tokio::sync::{mpsc, oneshot};
use visionguard_proto::Jpeg;

use crate::api::Http;
use crate::clock::{Clock, SystemClock};
use crate::dial::{Dial, SystemDial};
use crate::journal::{Hands, Journal};
use crate::keychain::{self, Keychain};
use crate::lock::{self, LockError};
use crate::model::{Decided, Decision, Dispatch, Disposition, How, Judgement};
use crate::outbox;
use crate::policy::SnoozeFor;
use crate::settings::Settings;
use crate::shell::{Outcome, Shell};
use crate::status;
use crate::tls::{self, Trust};
use crate::view::{
    BringBack, Cleared, DrillResult, FeedPage, FeedQuery, Handover, Incident, IncidentDetail, PopupsView,
    Problem, Report, ReportQuery, SessionView, SettingsView, Snapshot, SnoozeView, Standing, Status,
    StatusView,
};
use crate::words::text;

use alerts::snooze::{AskedSnooze, SnoozeOf};
use session::Trying;
pub use shown::remarks::Remarks;
use task::Controller;
use ticks::{Credentials, Reply, Tick};

/// Between two looks at whether a decision can still go out.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// The running client. Cheap to clone; the task ends after [`Client::quit`].
#[derive(Clone)]
pub struct Client {
    ticks: mpsc::UnboundedSender<Tick>,
    journal: Journal,
    taken: tokio::sync::watch::Receiver<u32>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

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
    pub link: visionguard_proto::link::Config,
    /// How often things are looked at.
    pub pace: Pace,
    /// Who works on the journal.
    pub journal: Hands,
    /// Draws the jitter of the waits.
    pub seed: u64,
}

/// How often things are looked at, and how old evidence may grow.
#[derive(Debug, Clone)]
pub struct Pace {
    /// Between two comparisons with the server's record.
    pub reconcile_every: Duration,
    /// The same where alerts come by the record, or may for all that is known.
    pub record_every: Duration,
    /// The same while alerts do not come on the socket.
    pub poll_every: Duration,
    /// The same for a while after one was found in the record instead.
    pub poll_lively: Duration,
    /// The same while the server is slow or fails.
    pub poll_slowest: Duration,
    /// From the loss of the connection, or a wake, to the first look at the record without one. A restart of the server or a
    /// change of the network is over by then, and what it made the link miss comes with the next connection.
    pub read_after: Duration,
    /// From a connect to the first look at the server's list of connections.
    pub register_after: Duration,
    /// After a connect, or a change of what the list says, it is looked at after each of these times, in their order.
    pub register_early: Vec<Duration>,
    /// Between two looks at it.
    pub register_every: Duration,
    /// How many missing rows of one shop's record are held at a time; the others are read again afterwards.
    pub rows_held: usize,
    /// The list of shops is asked for at the first comparison with the record after so long, and whenever one failed.
    pub shops_every: Duration,
    /// How long the message of an alert may come after its row was found in the record.
    pub message_within: Duration,
    /// Between a polite close and the next attempt, when the slot is claimed anew.
    pub reclaim_pause: Duration,
    /// Between two questions to a keychain that did not answer.
    pub keychain_every: Duration,
    /// Between two attempts to store what could not be stored, to send what could not be sent, or to look at what the
    /// server would not tell.
    pub retry_every: Duration,
    /// Between two looks at the data directory.
    pub look_every: Duration,
    /// Between two looks at what is due rarely: pictures to prune, a token to refresh, the day's count.
    pub upkeep_every: Duration,
    /// How long the message of a test of the alert path may take to come back.
    pub drill_within: Duration,
    /// From a connect to a test that begins by itself.
    pub drill_after_connect: Duration,
    /// Between two attempts at a test that begins by itself.
    pub drill_again: Duration,
    /// Alerts older than this when they arrive go into a summary.
    pub fresh_within: Duration,
    /// How old evidence may grow.
    pub limits: status::Limits,
}

impl Default for Pace {
    fn default() -> Pace {
        Pace {
            reconcile_every: Duration::from_secs(50),
            record_every: Duration::from_millis(14_500),
            poll_every: Duration::from_secs(15),
            poll_lively: Duration::from_secs(5),
            poll_slowest: Duration::from_secs(60),
            read_after: Duration::from_secs(30),
            register_after: Duration::from_secs(1),
            register_early: [3, 7, 13, 20, 28, 37, 46, 55].map(Duration::from_secs).to_vec(),
            register_every: Duration::from_millis(14_500),
            rows_held: 50_000,
            shops_every: Duration::from_secs(90),
            message_within: Duration::from_secs(10),
            reclaim_pause: Duration::from_millis(250),
            keychain_every: Duration::from_secs(3),
            retry_every: Duration::from_secs(5),
            look_every: Duration::from_secs(5),
            upkeep_every: Duration::from_secs(60),
            drill_within: Duration::from_secs(20),
            drill_after_connect: Duration::from_secs(5),
            drill_again: Duration::from_secs(300),
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
    /// The real parts, with these settings and this trust: the computer's clock, network and keychain.
    pub fn system(data_dir: PathBuf, settings: Settings, trust: &Trust) -> Result<Parts, StartError> {
        let tls = trust.config()?;
        Ok(Parts {
            data_dir,
            program: lock::DESKTOP.to_owned(),
            clock: Arc::new(SystemClock),
            dial: Arc::new(SystemDial::new(Arc::clone(&tls))),
            http: Http::new(&tls)?,
            keychain: keychain::choose(),
            link: visionguard_proto::link::Config::default(),
            pace: Pace::default(),
            journal: Hands::Threads,
            seed: rand::random(),
            settings,
        })
    }
}

impl Client {
    /// Takes the data directory, opens the journal and starts the task; needs a tokio runtime around it. Waits for nothing
    /// that takes the longer the more the journal holds.
    pub fn start(parts: Parts, shell: impl Shell) -> Result<Client, StartError> {
        Client::start_with(parts, Remarks::default(), shell)
    }

    /// The same, with remarks about what was found at the start.
    pub fn start_with(parts: Parts, remarks: Remarks, shell: impl Shell) -> Result<Client, StartError> {
        task::start(parts, remarks, Box::new(shell))
    }

    /// Everything the page needs to start.
    pub async fn snapshot(&self) -> Snapshot {
        match self.ask(Tick::Snapshot).await {
            Some(snapshot) => snapshot,
            None => shown::page::nothing(),
        }
    }

    /// Older incidents, or those that match.
    pub async fn feed(&self, query: FeedQuery) -> Result<FeedPage, Problem> {
        self.ask(|reply| Tick::Feed(query, reply)).await.unwrap_or_else(|| Err(stopped()))
    }

    /// One incident with its alerts.
    pub async fn incident(&self, id: &str) -> Result<IncidentDetail, Problem> {
        self.ask(|reply| Tick::Incident(id.to_owned(), reply)).await.unwrap_or_else(|| Err(stopped()))
    }

    /// What became of every alert of this time.
    pub async fn report(&self, query: ReportQuery) -> Result<Report, Problem> {
        self.ask(|reply| Tick::Report(query, reply)).await.unwrap_or_else(|| Err(stopped()))
    }

    /// Somebody came to the page: what happened since they last were there, if that is worth telling.
    pub async fn handover(&self) -> Result<Option<Handover>, Problem> {
        self.ask(Tick::Handover).await.ok_or_else(stopped)
    }

    /// Somebody is at the page still.
    pub fn stays(&self) {
        self.tell(Tick::Stays);
    }

    /// A JPEG that every viewer shows alike; none if the alert has none that can be shown, or is not known. One that only
    /// the server has is fetched.
    pub async fn frame(&self, alert: &str) -> Option<Bytes> {
        let alert = alert.parse().ok()?;
        match self.journal.frame(alert).await {
            Ok(Some(kept)) => match Jpeg::of_any_length(kept) {
                Ok(jpeg) if jpeg.is_plain() => Some(jpeg.shown_bytes()),
                // It is made ready first, or the journal is told why it cannot be.
                Ok(_) | Err(_) => self.ask(|reply| Tick::Frame(alert, reply)).await.flatten(),
            },
            Ok(None) => self.ask(|reply| Tick::Frame(alert, reply)).await.flatten(),
            Err(error) => {
                tracing::warn!(%error, "a picture cannot be read");
                None
            }
        }
    }

    /// Signs in and connects; a session that was there is replaced only if this one is accepted. With `keep_password` the
    /// keychain keeps the password too, and the client signs in again by itself where the server cannot renew the token.
    pub async fn sign_in(
        &self,
        server: &str,
        email: &str,
        password: SecretString,
        keep_password: bool,
    ) -> Result<SessionView, Problem> {
        let (server, email) = (server.to_owned(), email.to_owned());
        let credentials = Credentials::Password { server, email, password, keep_password };
        self.ask(|reply| Tick::SignIn(credentials, reply)).await.unwrap_or_else(|| Err(stopped()))
    }

    /// Signs in with a token that was obtained elsewhere.
    pub async fn sign_in_with_token(
        &self,
        server: &str,
        user_id: &str,
        token: SecretString,
    ) -> Result<SessionView, Problem> {
        let credentials =
            Credentials::Token { server: server.to_owned(), user_id: user_id.to_owned(), token };
        self.ask(|reply| Tick::SignIn(credentials, reply)).await.unwrap_or_else(|| Err(stopped()))
    }

    /// Somebody is being signed in to this server, and is again until that succeeds; this stands in the way so far. Other
    /// programs of this computer are told so as long as nobody is signed in.
    pub fn tries_to_sign_in(&self, server: &str, status: StatusView) {
        self.tell(Tick::TriesToSignIn(Box::new(Trying { server: server.to_owned(), status })));
    }

    /// Closes the socket, empties the keychain and, if `erase`, the journal.
    pub async fn sign_out(&self, erase: bool) -> Result<(), Problem> {
        self.ask(|reply| Tick::SignOut { erase, reply }).await.unwrap_or_else(|| Err(stopped()))
    }

    /// Tests the alert path: a message to oneself through the server, and back through socket, journal and notification.
    /// Returns when it came back or its time is over; a problem is why it could not begin.
    pub async fn drill(&self) -> Result<DrillResult, Problem> {
        self.ask(Tick::Drill).await.unwrap_or_else(|| Err(stopped()))
    }

    /// Attempts to connect now.
    pub fn retry_now(&self) {
        self.tell(Tick::RetryNow);
    }

    /// Records a decision about an incident: durable here when this returns, on the server as soon as it can be.
    pub async fn decide(
        &self,
        incident: &str,
        decision: Decision,
        note: Option<String>,
    ) -> Result<(), Problem> {
        self.decide_and_follow(incident, decision, None, note).await.map(drop)
    }

    /// The same, but it can be [taken back](Client::undo) for [`UNDO_WITHIN`](crate::model::UNDO_WITHIN), and is not sent
    /// before.
    pub async fn decide_for_now(
        &self,
        incident: &str,
        decision: Decision,
        outcome: Option<Disposition>,
        note: Option<String>,
    ) -> Result<(), Problem> {
        self.keep_decision(incident, decision, outcome, note, Dispatch::Held).await.map(drop)
    }

    /// Decides so on many incidents as one act: on those that it says anything new about, which are returned as they are then.
    /// What nobody had opened is marked so.
    pub async fn decide_each_for_now(
        &self,
        incidents: Vec<String>,
        decision: Decision,
    ) -> Result<Vec<Incident>, Problem> {
        let judgement = Judgement { decision, outcome: None, note: None, by: None, dispatch: Dispatch::Held };
        self.ask(|reply| Tick::DecideEach(incidents, judgement, reply))
            .await
            .unwrap_or_else(|| Err(stopped()))
    }

    /// Writes about an incident, and says what came of it, whatever was decided, which stays as it is.
    pub async fn note(
        &self,
        incident: &str,
        note: Option<String>,
        outcome: Option<Disposition>,
    ) -> Result<(), Problem> {
        let incident = incident.to_owned();
        let noted = self.ask(|reply| Tick::Note { incident, note, outcome, reply }).await;
        noted.unwrap_or_else(|| Err(stopped()))
    }

    /// Takes decisions back that were made for now, those whose time is not over; these as they are then.
    pub async fn undo_each(&self, incidents: Vec<String>) -> Result<Vec<Incident>, Problem> {
        self.ask(|reply| Tick::UndoEach(incidents, reply)).await.unwrap_or_else(|| Err(stopped()))
    }

    /// Takes a decision back that was made [for now](Client::decide_for_now): the incident is what it was before.
    pub async fn undo(&self, incident: &str) -> Result<(), Problem> {
        self.ask(|reply| Tick::Undo(incident.to_owned(), reply)).await.unwrap_or_else(|| Err(stopped()))
    }

    /// The same; what becomes of the decision is told as soon as it is known.
    pub async fn decide_and_follow(
        &self,
        incident: &str,
        decision: Decision,
        outcome: Option<Disposition>,
        note: Option<String>,
    ) -> Result<Following, Problem> {
        let told = self.keep_decision(incident, decision, outcome, note, Dispatch::AtOnce).await?;
        Ok(Following { told, client: self.clone() })
    }

    async fn keep_decision(
        &self,
        incident: &str,
        decision: Decision,
        outcome: Option<Disposition>,
        note: Option<String>,
        dispatch: Dispatch,
    ) -> alerts::decisions::DecisionKept {
        let incident = incident.to_owned();
        let judgement = Judgement { decision, outcome, note, by: None, dispatch };
        let kept = self.ask(|reply| Tick::Decide { incident, judgement, reply: Some(reply) }).await;
        kept.unwrap_or_else(|| Err(stopped()))
    }

    /// The camera of this incident interrupts nobody for so long; what it sees is stored and listed, and told afterwards as
    /// what was missed is. A person may say what for.
    pub async fn snooze(
        &self,
        incident: &str,
        length: impl Into<SnoozeFor>,
        why: Option<String>,
    ) -> Result<SnoozeView, Problem> {
        self.snooze_of(SnoozeOf::Incident(incident.to_owned()), length.into(), why).await
    }

    /// The same of a camera by its id or its name, or how one of these begins.
    pub async fn snooze_camera(
        &self,
        camera: &str,
        length: impl Into<SnoozeFor>,
        why: Option<String>,
    ) -> Result<SnoozeView, Problem> {
        self.snooze_of(SnoozeOf::Camera(camera.to_owned()), length.into(), why).await
    }

    async fn snooze_of(
        &self,
        of: SnoozeOf,
        length: SnoozeFor,
        why: Option<String>,
    ) -> Result<SnoozeView, Problem> {
        self.ask(|reply| Tick::Snooze(AskedSnooze { of, length, why, reply: Some(reply) }))
            .await
            .unwrap_or_else(|| Err(stopped()))
    }

    /// The same from where no answer can be shown: a remark says why it was not done.
    pub fn snooze_from_tray(&self, camera: &str) {
        let of = SnoozeOf::Camera(camera.to_owned());
        let length = alerts::snooze::FROM_A_POPUP.into();
        self.tell(Tick::Snooze(AskedSnooze { of, length, why: None, reply: None }));
    }

    /// A camera that is snoozed, by the id of its stream, stays so for longer.
    pub async fn extend_snooze(&self, camera: &str, by: Duration) -> Result<(), Problem> {
        self.ask(|reply| Tick::ExtendSnooze(camera.to_owned(), by, reply))
            .await
            .unwrap_or_else(|| Err(stopped()))
    }

    /// A camera that is snoozed, by its id or its name, interrupts again.
    pub async fn end_snooze(&self, camera: &str) -> Result<(), Problem> {
        self.ask(|reply| Tick::EndSnooze(Some(camera.to_owned()), Some(reply)))
            .await
            .unwrap_or_else(|| Err(stopped()))
    }

    /// The same of all cameras, for whoever waits for the answer.
    pub async fn end_all_snoozes(&self) -> Result<(), Problem> {
        self.ask(|reply| Tick::EndSnooze(None, Some(reply))).await.unwrap_or_else(|| Err(stopped()))
    }

    /// All cameras interrupt again.
    pub fn end_snoozes(&self) {
        self.tell(Tick::EndSnooze(None, None));
    }

    /// How it stands, for another program of this computer; none after the end.
    pub async fn standing(&self) -> Option<Standing> {
        self.ask(Tick::Standing).await
    }

    /// What is stored here, for a reader of its alerts.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Marks an incident as looked at.
    pub fn seen(&self, incident: &str) {
        self.tell(Tick::Seen(incident.to_owned()));
    }

    /// Tells which incident the person is looking at from now on, in a window in front: nothing pops up about it.
    pub fn looks(&self, incident: Option<&str>) {
        self.tell(Tick::Looks(incident.map(str::to_owned)));
    }

    /// Takes one handled incident out of view; the journal keeps it.
    pub async fn dismiss(&self, incident: &str) -> Result<(), Problem> {
        self.ask(|reply| Tick::Dismiss(incident.to_owned(), reply)).await.unwrap_or_else(|| Err(stopped()))
    }

    /// Takes the handled incidents out of view that a query lists; the journal keeps them.
    pub async fn clear(&self, query: FeedQuery) -> Result<Cleared, Problem> {
        self.ask(|reply| Tick::Clear(query, reply)).await.unwrap_or_else(|| Err(stopped()))
    }

    /// Brings incidents back into view.
    pub async fn bring_back(&self, what: BringBack) -> Result<(), Problem> {
        self.ask(|reply| Tick::BringBack(what, reply)).await.unwrap_or_else(|| Err(stopped()))
    }

    /// Closes a remark that tells what happened; one that says how things stand is left.
    pub fn close_notice(&self, code: &str) {
        self.tell(Tick::CloseNotice(code.to_owned()));
    }

    /// Changes the settings; unknown or impossible values are refused whole.
    pub async fn change_settings(&self, settings: SettingsView) -> Result<SettingsView, Problem> {
        self.ask(|reply| Tick::ChangeSettings(settings, reply)).await.unwrap_or_else(|| Err(stopped()))
    }

    /// Whether the program is really started at sign-in to the computer, and why not, where the settings want it.
    pub fn starts_at_sign_in(&self, is: bool, why_not: Option<String>) {
        self.tell(Tick::StartsAtSignIn(is, why_not));
    }

    /// What notifications can do on this desktop now.
    pub fn popups(&self, popups: PopupsView) {
        self.tell(Tick::Popups(popups));
    }

    /// The window opened (events are wanted) or closed.
    pub fn window(&self, open: bool) {
        self.tell(Tick::Window(open));
    }

    /// Shows the window: the tray's Open, a second start.
    pub fn open(&self) {
        self.tell(Tick::Open);
    }

    /// The computer is about to sleep: returns once the socket is closed.
    pub async fn rest(&self) {
        if let Some(resting) = self.ask(Tick::Rest).await {
            let _ = resting.await;
        }
    }

    /// The computer woke: connects again.
    pub fn wake(&self) {
        self.tell(Tick::Wake);
    }

    /// The network is there again, or is another: no wait goes on.
    pub fn network_changed(&self) {
        self.tell(Tick::Network);
    }

    /// Counts how often the data directory was taken anew: it came late, or was moved or deleted under the program.
    pub(crate) fn directory_taken(&self) -> tokio::sync::watch::Receiver<u32> {
        self.taken.clone()
    }

    /// Returns when the client has ended.
    pub async fn ended(&self) {
        self.ticks.closed().await;
    }

    /// What became of a notification.
    pub fn notification(&self, outcome: Outcome) {
        self.tell(Tick::Notification(outcome));
    }

    /// Ends: closes the socket, finishes writes, calls [`crate::shell::Shell::quit`].
    pub fn quit(&self) {
        self.tell(Tick::Quit);
    }

    fn tell(&self, tick: Tick) {
        if self.ticks.send(tick).is_err() {
            tracing::debug!("asked for something after the end");
        }
    }

    async fn ask<T>(&self, question: impl FnOnce(Reply<T>) -> Tick) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        self.tell(question(reply));
        answer.await.ok()
    }
}

/// A decision that is stored here and on its way to the server.
#[derive(Debug)]
pub struct Following {
    told: oneshot::Receiver<Decided>,
    client: Client,
}

impl Following {
    /// What became of it; after this long, or once somebody has to sign in first, why it is still on its way.
    pub async fn outcome(mut self, within: Duration) -> Decided {
        let give_up_at = tokio::time::Instant::now() + within;
        loop {
            let look_at = tokio::time::Instant::now() + LOOK_EVERY;
            match tokio::time::timeout_at(look_at.min(give_up_at), &mut self.told).await {
                Ok(Ok(decided)) => return decided,
                Ok(Err(_)) => return outbox::waits(How::Waiting, &stopped().sentence),
                Err(_) => {}
            }
            let Some(standing) = self.client.standing().await else {
                return outbox::waits(How::Waiting, &stopped().sentence);
            };
            if standing.status.status == Status::SignedOut {
                return outbox::waits(How::SignedOut, &standing.status.sentence);
            }
            if tokio::time::Instant::now() >= give_up_at {
                let all_is_well = standing.status.status == Status::Protected;
                let unanswered = all_is_well.then(|| text("problem.decision_unanswered", &[]));
                return outbox::waits(How::Waiting, &unanswered.unwrap_or(standing.status.sentence));
            }
        }
    }
}

fn stopped() -> Problem {
    session::problem("stopped", text("problem.stopped", &[]))
}
