//! A double of the original backend, quirks included, on a real socket.
//!
//! It does what was seen on the wire, not what is documented: one slot per user, overwritten by a second connection
//! and deleted by the exit of any; nothing queued; every refused handshake a 403 without a body; no refresh; times
//! without a zone, in two zones; `NaN` in JSON; a socket that goes deaf when it is sent what it does not expect.

mod anomalies;
mod listener;
mod messages;
mod notifications;
mod routes;
mod socket;
mod state;
mod token;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::Value;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub use state::{Acked, Patched, Requested};
use state::{Shared, Shop, User};

use crate::ours::PASSWORD;
use crate::wait;

/// How fast the double is.
#[derive(Debug, Clone)]
pub struct Pace {
    /// Between two of its `ping` messages.
    pub ping_every: Duration,
    /// Between two protocol pings, and how long their answer may take.
    pub keepalive: Duration,
    /// How long the answer to a close frame is waited for.
    pub close_within: Duration,
    /// From a connection's end to the deletion of its user's slot: a reconnect within it goes deaf.
    pub exit_takes: Duration,
    /// How long a token lasts.
    pub token_lasts: Duration,
}

impl Default for Pace {
    fn default() -> Pace {
        Pace {
            ping_every: Duration::from_secs(30),
            keepalive: Duration::from_secs(20),
            close_within: Duration::from_secs(10),
            exit_takes: Duration::from_millis(3),
            token_lasts: Duration::from_secs(3600),
        }
    }
}

/// The running double; its data outlives restarts, and ends with it.
#[derive(Debug)]
pub struct Backend {
    address: SocketAddr,
    shared: Arc<Shared>,
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    /// No more connections are taken.
    closing: CancellationToken,
    /// Connections are reset.
    killed: CancellationToken,
    task: JoinHandle<()>,
}

/// Somebody with an account on the double.
#[derive(Debug, Clone)]
pub struct Person {
    /// The user id.
    pub id: String,
    /// The e-mail address.
    pub email: String,
    /// The password.
    pub password: String,
}

/// One detection for [`Backend::detect`].
#[derive(Debug, Clone)]
pub struct Detection {
    user: String,
    shop: String,
    stream: String,
    person: i64,
    frame_number: i64,
    score: String,
    picture: Option<Bytes>,
    bounding_box: Option<[i64; 4]>,
    halves: Halves,
    late: Duration,
    clock_behind: Duration,
}

/// Which messages of a detection the double sends; the record gets its row either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Halves {
    /// `anomaly_detected`, then `notification`.
    Both,
    /// The second half is missing.
    DetectionAlone,
    /// The first half is missing.
    NotificationAlone,
    /// Neither, as for a user who did not open the stream.
    Neither,
}

impl Backend {
    /// Starts on a free port with the original's times; needs a tokio runtime around it.
    pub fn start() -> Backend {
        Backend::start_with(Pace::default())
    }

    /// Starts on a free port.
    pub fn start_with(pace: Pace) -> Backend {
        let shared = Arc::new(Shared::new(pace));
        let any_port = SocketAddr::from(([127, 0, 0, 1], 0));
        let (address, running) = run(any_port, &shared);
        Backend { address, shared, running: Some(running) }
    }

    /// `http://` and where it listens.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens, also while it is stopped.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Adds an owner with a password that meets the rules.
    pub fn add_user(&self, email: &str) -> Person {
        let person = Person {
            id: uuid::Uuid::new_v4().to_string(),
            email: email.to_owned(),
            password: PASSWORD.to_owned(),
        };
        self.shared.lock().users.push(User {
            id: person.id.clone(),
            name: "Shop Owner".to_owned(),
            email: person.email.clone(),
            password: person.password.clone(),
        });
        person
    }

    /// Adds a shop of this owner; its id.
    pub fn add_shop(&self, owner: &Person, name: &str) -> String {
        let id = uuid::Uuid::new_v4().to_string();
        let shop = Shop { id: id.clone(), owner: owner.id.clone(), name: name.to_owned() };
        self.shared.lock().shops.push(shop);
        id
    }

    /// Stores a detection in the record and sends what is to be sent; the row's id.
    pub fn detect(&self, detection: Detection) -> String {
        let halves = detection.halves;
        let mut state = self.shared.lock();
        let row = state.record(&detection);
        let (id, user) = (row.id.clone(), detection.user.clone());
        if matches!(halves, Halves::Both | Halves::DetectionAlone) {
            state.deliver(&user, messages::anomaly_detected(&detection));
        }
        if matches!(halves, Halves::Both | Halves::NotificationAlone) {
            let row = state.row(&id).cloned();
            if let Some(row) = row {
                state.deliver(&user, messages::notification(&detection, &row));
            }
        }
        id
    }

    /// Stores an intrusion of the owl-eye mode and sends its notification; the row's id.
    pub fn intrude(&self, user: &Person, shop: &str, stream: &str) -> String {
        let mut state = self.shared.lock();
        let row = state.record_intrusion(shop, stream).clone();
        state.deliver(&user.id, messages::owl_eye(&row, stream));
        row.id
    }

    /// Sends this text to whoever holds the user's slot.
    pub fn send_text(&self, user: &Person, text: &str) {
        self.shared.lock().deliver(&user.id, text.to_owned());
    }

    /// Takes the user's slot away and leaves the socket open, as a failed send does: it is deaf from now on.
    pub fn make_deaf(&self, user: &Person) {
        self.shared.lock().slots.remove(&user.id);
    }

    /// Gives the user's slot to another socket, as a web page of the same user does by connecting. It stays until
    /// [`Backend::leave_slot`].
    pub fn steal_slot(&self, user: &Person) {
        self.shared.lock().steal(&user.id);
    }

    /// Ends the socket of [`Backend::steal_slot`], which takes whatever slot the user has by then with it.
    pub fn leave_slot(&self, user: &Person) {
        self.make_deaf(user);
    }

    /// No token issued so far is taken any more; open sockets live on.
    pub fn expire_tokens(&self) {
        self.shared.lock().tokens.clear();
    }

    /// A token for this user, as signing in would bring.
    pub fn token(&self, user: &Person) -> String {
        token::issue(&self.shared, &user.id, false)
    }

    /// Answers requests whose path starts with `path` with this status and `Retry-After`, until [`Backend::recover`].
    pub fn fail(&self, path: &str, status: u16, retry_after: Option<&str>) {
        let failure =
            state::Failure { path: path.to_owned(), status, retry_after: retry_after.map(str::to_owned) };
        self.shared.lock().failures.push(failure);
    }

    /// Accepts every handshake from now on and ends the connection at once, until [`Backend::recover`].
    pub fn drop_sockets(&self) {
        self.shared.lock().drops_sockets = true;
    }

    /// Shows only so many rows of the record, the first written, as one restored from an older backup, until
    /// [`Backend::recover`].
    pub fn show_rows(&self, most: usize) {
        self.shared.lock().shown = Some(most);
    }

    /// Ends all failures asked for.
    pub fn recover(&self) {
        let mut state = self.shared.lock();
        state.failures.clear();
        state.drops_sockets = false;
        state.shown = None;
    }

    /// Sends the messages of a detection whose row is `id` once more.
    pub fn repeat(&self, detection: &Detection, id: &str) {
        let mut state = self.shared.lock();
        let Some(row) = state.row(id).cloned() else { return };
        if matches!(detection.halves, Halves::Both | Halves::DetectionAlone) {
            state.deliver(&detection.user, messages::anomaly_detected(detection));
        }
        if matches!(detection.halves, Halves::Both | Halves::NotificationAlone) {
            state.deliver(&detection.user, messages::notification(detection, &row));
        }
    }

    /// Acks received, oldest first.
    pub fn acks(&self) -> Vec<Acked> {
        self.shared.lock().acks.clone()
    }

    /// Decisions received, oldest first.
    pub fn patches(&self) -> Vec<Patched> {
        self.shared.lock().patches.clone()
    }

    /// Requests received, oldest first; handshakes among them.
    pub fn requests(&self) -> Vec<Requested> {
        self.shared.lock().requests.clone()
    }

    /// How many sockets are open, of all users and deaf ones included.
    pub fn sockets_open(&self) -> usize {
        self.shared.lock().sockets.len()
    }

    /// How many handshakes succeeded so far.
    pub fn sockets_ever(&self) -> u64 {
        self.shared.lock().next_socket
    }

    /// Whether an alert for this user would be delivered somewhere.
    pub fn is_registered(&self, user: &Person) -> bool {
        self.shared.lock().slots.contains_key(&user.id)
    }

    /// A row of the record as the API shows it.
    pub fn row(&self, id: &str) -> Option<Value> {
        self.shared.lock().row(id).map(anomalies::json)
    }

    /// Changes a row's status behind everybody's back, as the web page does.
    pub fn set_status(&self, id: &str, status: &str) {
        if let Some(row) = self.shared.lock().row_mut(id) {
            row.status = status.to_owned();
            row.updated_at = Timestamp::now();
        }
    }

    /// Somebody takes back what was decided, and says so in the notes.
    pub fn open_again(&self, id: &str, by: &str) {
        self.set_status(id, "pending");
        if let Some(row) = self.shared.lock().row_mut(id) {
            row.notes = Some(format!("Opened again by {by}"));
        }
    }

    /// Waits until the user holds a slot.
    pub async fn until_registered(&self, user: &Person) {
        wait::until("the client to be registered", || self.is_registered(user).then_some(())).await;
    }

    /// Waits until this many acks came; all of them.
    pub async fn until_acked(&self, count: usize) -> Vec<Acked> {
        wait::until(&format!("{count} acks"), || Some(self.acks()).filter(|acks| acks.len() >= count)).await
    }

    /// Says 1012 to every socket and stops listening, as for a restart; refuses connections until
    /// [`Backend::resume`].
    pub async fn stop(&mut self) {
        let Some(running) = self.running.take() else { return };
        running.closing.cancel();
        self.shared.lock().close_all(1012);
        let _ = wait::within("the double's last answers", running.task).await;
        running.killed.cancel();
        wait::until("all sockets to be closed", || (self.sockets_open() == 0).then_some(())).await;
    }

    /// Ends as by `kill -9`: every connection is reset, nothing is said; refuses connections until
    /// [`Backend::resume`].
    pub async fn kill(&mut self) {
        let Some(running) = self.running.take() else { return };
        running.killed.cancel();
        running.closing.cancel();
        running.task.abort();
        let _ = running.task.await;
        self.shared.lock().forget_connections();
    }

    /// Listens again on the same port.
    pub fn resume(&mut self) {
        if self.running.is_none() {
            let (_, running) = run(self.address, &self.shared);
            self.running = Some(running);
        }
    }

    /// Stops and resumes at once.
    pub async fn restart(&mut self) {
        self.stop().await;
        self.resume();
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            running.killed.cancel();
            running.closing.cancel();
            running.task.abort();
        }
    }
}

impl Detection {
    /// A theft by person 1 on a stream of this user, with a picture.
    pub fn new(user: &Person, shop: &str, stream: &str) -> Detection {
        Detection {
            user: user.id.clone(),
            shop: shop.to_owned(),
            stream: stream.to_owned(),
            person: 1,
            frame_number: 30,
            score: "-3.5".to_owned(),
            picture: Some(crate::picture::jpeg(1)),
            bounding_box: None,
            halves: Halves::Both,
            late: Duration::ZERO,
            clock_behind: Duration::ZERO,
        }
    }

    /// By this person.
    pub fn person(mut self, person: i64) -> Detection {
        self.person = person;
        self
    }

    /// At this frame; with stream and person it names the detection.
    pub fn frame_number(mut self, frame_number: i64) -> Detection {
        self.frame_number = frame_number;
        self
    }

    /// With this score, written into the JSON as it is: `-2.5`, `NaN`, `-Infinity`.
    pub fn score(mut self, score: &str) -> Detection {
        score.clone_into(&mut self.score);
        self
    }

    /// With this picture, which need not be one.
    pub fn picture(mut self, picture: impl Into<Bytes>) -> Detection {
        self.picture = Some(picture.into());
        self
    }

    /// With this box around the person: x, y, width, height.
    pub fn bounding_box(mut self, rectangle: [i64; 4]) -> Detection {
        self.bounding_box = Some(rectangle);
        self
    }

    /// Its row is written so long after the time that it bears.
    pub fn late(mut self, late: Duration) -> Detection {
        self.late = late;
        self
    }

    /// Its row bears the times of a clock that was set back by so much.
    pub fn clock_behind(mut self, clock_behind: Duration) -> Detection {
        self.clock_behind = clock_behind;
        self
    }

    /// With only these messages sent.
    pub fn halves(mut self, halves: Halves) -> Detection {
        self.halves = halves;
        self
    }
}

fn run(address: SocketAddr, shared: &Arc<Shared>) -> (SocketAddr, Running) {
    let (closing, killed) = (CancellationToken::new(), CancellationToken::new());
    let listener = listener::Listener::bind(address, killed.clone());
    let address = listener.address();
    let app = routes::app(Arc::clone(shared));
    let closed = closing.clone();
    let serve = axum::serve(listener, app).with_graceful_shutdown(async move { closed.cancelled().await });
    let task = tokio::spawn(async move { drop(serve.await) });
    (address, Running { closing, killed, task })
}

#[cfg(test)]
mod tests;
