//! Who is connected: every connection has a registration of its own, and its end removes that one alone.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::{Notify, mpsc};
use visionguard_proto::session::Text;
use visionguard_proto::{AnomalyId, StreamId, UserId, close};

use crate::config::Sockets;
use crate::time;

/// Notices that may wait for a connection of protocol 2; one more is not delivered.
const NOTICES: usize = 16;

/// Whose a connection is, and how it gets its alerts.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    pub(crate) user: UserId,
    pub(crate) session: String,
    pub(crate) protocol: Protocol,
    /// What the client calls the machine that it runs on; its newest connection replaces the one before.
    pub(crate) device: Option<String>,
}

/// How a connection gets its alerts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// They are queued for it as they happen.
    One,
    /// It follows the log; notices alone are queued.
    Two,
}

/// What waits to be sent on a connection.
#[derive(Debug, Clone)]
pub(crate) enum Delivery {
    /// An alert: the detection, where the original would send one, and the notification that follows it.
    Alert { id: AnomalyId, stream: StreamId, detection: Option<Text>, notification: Text },
    /// A message to the user.
    Notice(Text),
}

/// All live connections.
#[derive(Debug)]
pub(crate) struct Roster {
    limits: Sockets,
    next: AtomicU64,
    closed: AtomicBool,
    users: Mutex<HashMap<UserId, Vec<Arc<Connection>>>>,
}

/// One live connection, as others see it.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) number: u64,
    pub(crate) client: Client,
    opened: Instant,
    connected_at: Timestamp,
    /// Milliseconds from `opened` to when anything was last heard.
    heard: AtomicU64,
    acknowledged: AtomicU64,
    queue: mpsc::Sender<Arc<Delivery>>,
    queued_bytes: AtomicUsize,
    /// The code to close with; 0 while nobody wants that.
    code: AtomicU16,
    closing: Notify,
}

/// A connection's place in the roster; dropping it gives up that place and no other.
#[derive(Debug)]
pub(crate) struct Registration {
    roster: Arc<Roster>,
    pub(crate) connection: Arc<Connection>,
    pub(crate) queue: mpsc::Receiver<Arc<Delivery>>,
}

/// The body of `GET /ws/connections/{user_id}` (contract 2.4), over all connections of the user.
#[derive(Debug, Serialize)]
pub(crate) struct Presence {
    user_id: UserId,
    connected: bool,
    connected_at: String,
    /// Of the oldest connection: never shorter than the age of the connection that asks.
    uptime_seconds: f64,
    last_heartbeat: String,
    seconds_since_heartbeat: f64,
    pub(crate) connections: usize,
    acknowledged: u64,
}

/// Why a connection is not admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The user has as many as one may have.
    TooMany,
    /// The server stops.
    Stopping,
}

impl Roster {
    pub(crate) fn new(limits: Sockets) -> Roster {
        Roster { limits, next: AtomicU64::new(1), closed: AtomicBool::new(false), users: Mutex::default() }
    }

    /// Gives a connection its place. From now on what is delivered is queued for it.
    pub(crate) fn admit(self: &Arc<Self>, client: Client) -> Result<Registration, Refused> {
        let (sender, queue) = mpsc::channel(match client.protocol {
            Protocol::One => self.limits.queue_messages,
            Protocol::Two => NOTICES,
        });
        let (user, device) = (client.user.clone(), client.device.clone());
        let connection = Arc::new(Connection {
            number: self.next.fetch_add(1, Ordering::Relaxed),
            client,
            opened: Instant::now(),
            connected_at: time::now(),
            heard: AtomicU64::new(0),
            acknowledged: AtomicU64::new(0),
            queue: sender,
            queued_bytes: AtomicUsize::new(0),
            code: AtomicU16::new(0),
            closing: Notify::new(),
        });
        let mut users = self.users();
        if self.closed.load(Ordering::Relaxed) {
            return Err(Refused::Stopping);
        }
        let places = users.entry(user).or_default();
        if device.is_some() {
            for former in places.extract_if(.., |place| place.client.device == device) {
                former.close(close::REPLACED);
            }
        }
        if places.len() >= self.limits.per_user {
            return Err(Refused::TooMany);
        }
        places.push(Arc::clone(&connection));
        drop(users);
        Ok(Registration { roster: Arc::clone(self), connection, queue })
    }

    /// Queues this for every connection of these users; never waits. Returns how many took it.
    pub(crate) fn deliver(&self, to: &[UserId], delivery: Delivery) -> usize {
        // Shared, which also keeps an idle connection's queue small.
        let delivery = Arc::new(delivery);
        let users = self.users();
        let connections = to.iter().filter_map(|user| users.get(user)).flatten();
        connections.filter(|connection| connection.offer(&delivery, self.limits.queue_bytes)).count()
    }

    /// How this user is connected, if at all.
    pub(crate) fn presence(&self, user: &UserId) -> Option<Presence> {
        presence(self.users().get(user)?)
    }

    /// How everybody is connected.
    pub(crate) fn everybody(&self) -> Vec<(UserId, Presence)> {
        let users = self.users();
        users.iter().filter_map(|(user, places)| Some((user.clone(), presence(places)?))).collect()
    }

    /// Live connections.
    pub(crate) fn len(&self) -> usize {
        self.users().values().map(Vec::len).sum()
    }

    /// The sessions behind the live connections.
    pub(crate) fn sessions(&self) -> Vec<String> {
        let users = self.users();
        users.values().flatten().map(|connection| connection.client.session.clone()).collect()
    }

    /// Closes the connections of this session, which is over.
    pub(crate) fn close_session(&self, session: &str) {
        let users = self.users();
        for connection in users.values().flatten().filter(|connection| connection.client.session == session) {
            connection.close(match connection.client.protocol {
                Protocol::One => close::POLICY,
                Protocol::Two => close::TOKEN_EXPIRED,
            });
        }
    }

    /// Closes every connection and admits no more.
    pub(crate) fn close(&self, code: u16) {
        let users = self.users();
        self.closed.store(true, Ordering::Relaxed);
        for connection in users.values().flatten() {
            connection.close(code);
        }
    }

    fn leave(&self, connection: &Connection) {
        let mut users = self.users();
        let Some(places) = users.get_mut(&connection.client.user) else { return };
        places.retain(|other| other.number != connection.number);
        if places.is_empty() {
            users.remove(&connection.client.user);
        }
    }

    fn users(&self) -> std::sync::MutexGuard<'_, HashMap<UserId, Vec<Arc<Connection>>>> {
        self.users.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Connection {
    /// Asks the socket's task to close with this code; the first code asked for stands.
    pub(crate) fn close(&self, code: u16) {
        let _ = self.code.compare_exchange(0, code, Ordering::AcqRel, Ordering::Acquire);
        self.closing.notify_one();
    }

    /// Waits until the connection is to be closed, and says with which code.
    pub(crate) async fn closing(&self) -> u16 {
        loop {
            let code = self.code.load(Ordering::Acquire);
            if code != 0 {
                return code;
            }
            self.closing.notified().await;
        }
    }

    /// Something was heard from the client.
    pub(crate) fn heard(&self) {
        let age = u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.heard.store(age, Ordering::Relaxed);
    }

    /// The client has stored an alert.
    pub(crate) fn acknowledged(&self) {
        self.acknowledged.fetch_add(1, Ordering::Relaxed);
    }

    /// This was taken from the queue.
    pub(crate) fn taken(&self, delivery: &Delivery) {
        self.queued_bytes.fetch_sub(delivery.len(), Ordering::Relaxed);
    }

    /// Queues the delivery, or has the connection closed if its client does not keep up. Who follows the log needs
    /// nothing queued: an alert waits there, and a notice that finds no room is not delivered.
    fn offer(&self, delivery: &Arc<Delivery>, most: usize) -> bool {
        let follows = self.client.protocol == Protocol::Two;
        if follows && matches!(**delivery, Delivery::Alert { .. }) {
            return true;
        }
        let length = delivery.len();
        let queued = self.queued_bytes.fetch_add(length, Ordering::Relaxed);
        // One message is always taken, however large: only what waits behind others is bounded.
        let fits = queued == 0 || queued + length <= most;
        if fits && self.queue.try_send(Arc::clone(delivery)).is_ok() {
            return true;
        }
        self.queued_bytes.fetch_sub(length, Ordering::Relaxed);
        if !follows {
            self.close(close::TOO_SLOW);
        }
        false
    }

    fn since_heard(&self) -> Duration {
        self.opened.elapsed().saturating_sub(Duration::from_millis(self.heard.load(Ordering::Relaxed)))
    }
}

impl Delivery {
    fn len(&self) -> usize {
        match self {
            Delivery::Alert { detection, notification, .. } => {
                detection.as_ref().map_or(0, |text| text.as_str().len()) + notification.as_str().len()
            }
            Delivery::Notice(text) => text.as_str().len(),
        }
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.roster.leave(&self.connection);
    }
}

fn presence(places: &[Arc<Connection>]) -> Option<Presence> {
    let oldest = places.iter().max_by_key(|connection| connection.opened.elapsed())?;
    let quiet = places.iter().map(|connection| connection.since_heard()).min()?;
    Some(Presence {
        user_id: oldest.client.user.clone(),
        connected: true,
        connected_at: time::naive(oldest.connected_at),
        uptime_seconds: oldest.opened.elapsed().as_secs_f64(),
        last_heartbeat: time::naive(time::now().checked_sub(quiet).unwrap_or(oldest.connected_at)),
        seconds_since_heartbeat: quiet.as_secs_f64(),
        connections: places.len(),
        acknowledged: places.iter().map(|place| place.acknowledged.load(Ordering::Relaxed)).sum(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_an_old_connection_leaves_the_newer_one_in_place() {
        let roster = roster(Sockets::default());
        let old = roster.admit(client(user(), "s")).unwrap();
        let mut new = roster.admit(client(user(), "s")).unwrap();

        drop(old);

        assert_eq!(roster.presence(&user()).unwrap().connections, 1);
        assert_eq!(roster.deliver(&[user()], notice("hello")), 1);
        assert!(new.queue.try_recv().is_ok());
    }

    #[test]
    fn an_alert_reaches_every_connection_of_its_people_and_nobody_else() {
        let roster = roster(Sockets::default());
        let other = UserId::new("other").unwrap();
        let _a = roster.admit(client(user(), "s")).unwrap();
        let _b = roster.admit(client(user(), "t")).unwrap();
        let mut c = roster.admit(client(other, "u")).unwrap();

        assert_eq!(roster.deliver(&[user()], notice("hello")), 2);
        assert!(c.queue.try_recv().is_err());
    }

    #[tokio::test]
    async fn a_full_queue_closes_the_connection_and_does_not_wait() {
        let roster = roster(Sockets { queue_messages: 2, ..Sockets::default() });
        let slow = roster.admit(client(user(), "s")).unwrap();

        for _ in 0..2 {
            assert_eq!(roster.deliver(&[user()], notice("x")), 1);
        }

        assert_eq!(roster.deliver(&[user()], notice("x")), 0);
        assert_eq!(slow.connection.closing().await, close::TOO_SLOW);
    }

    #[tokio::test]
    async fn what_waits_is_bounded_in_bytes_but_one_large_message_passes() {
        let roster = roster(Sockets { queue_bytes: 10, ..Sockets::default() });
        let mut reader = roster.admit(client(user(), "s")).unwrap();

        assert_eq!(roster.deliver(&[user()], notice("more than ten bytes")), 1);
        let taken = reader.queue.recv().await.unwrap();
        reader.connection.taken(&taken);
        assert_eq!(roster.deliver(&[user()], notice("again more than ten")), 1);

        assert_eq!(roster.deliver(&[user()], notice("x")), 0);
        assert_eq!(reader.connection.closing().await, close::TOO_SLOW);
    }

    #[test]
    fn a_user_has_so_many_places_and_a_stopped_roster_has_none() {
        let roster = roster(Sockets { per_user: 1, ..Sockets::default() });
        let first = roster.admit(client(user(), "s")).unwrap();

        assert_eq!(roster.admit(client(user(), "s")).unwrap_err(), Refused::TooMany);
        drop(first);
        assert!(roster.admit(client(user(), "s")).is_ok());
        roster.close(1012);
        assert_eq!(roster.admit(client(user(), "s")).unwrap_err(), Refused::Stopping);
        assert_eq!(roster.len(), 0);
    }

    #[tokio::test]
    async fn nothing_but_notices_is_queued_for_who_follows_the_log_and_nothing_closes_them() {
        let roster = roster(Sockets::default());
        let mut reader = roster.admit(follower(None)).unwrap();

        for _ in 0..1_000 {
            assert_eq!(roster.deliver(&[user()], alert()), 1);
        }
        assert!(reader.queue.try_recv().is_err());
        for _ in 0..NOTICES {
            assert_eq!(roster.deliver(&[user()], notice("x")), 1);
        }

        assert_eq!(roster.deliver(&[user()], notice("x")), 0);
        assert_eq!(reader.connection.code.load(Ordering::Relaxed), 0);
    }

    #[tokio::test]
    async fn a_device_has_one_place_and_its_newest_connection_takes_it() {
        let roster = roster(Sockets { per_user: 2, ..Sockets::default() });
        let former = roster.admit(follower(Some("till"))).unwrap();
        let other = roster.admit(follower(Some("office"))).unwrap();

        let newer = roster.admit(follower(Some("till"))).unwrap();

        assert_eq!(former.connection.closing().await, close::REPLACED);
        drop(former);
        assert_eq!(roster.presence(&user()).unwrap().connections, 2);
        assert_eq!(newer.connection.code.load(Ordering::Relaxed), 0);
        assert_eq!(other.connection.code.load(Ordering::Relaxed), 0);
    }

    fn roster(limits: Sockets) -> Arc<Roster> {
        Arc::new(Roster::new(limits))
    }

    fn client(user: UserId, session: &str) -> Client {
        Client { user, session: session.to_owned(), protocol: Protocol::One, device: None }
    }

    fn follower(device: Option<&str>) -> Client {
        let device = device.map(str::to_owned);
        Client { protocol: Protocol::Two, device, ..client(user(), "s") }
    }

    fn alert() -> Delivery {
        Delivery::Alert {
            id: AnomalyId::new("a").unwrap(),
            stream: StreamId::new("s").unwrap(),
            detection: None,
            notification: Text::from(String::new()),
        }
    }

    fn user() -> UserId {
        UserId::new("u").unwrap()
    }

    fn notice(text: &str) -> Delivery {
        Delivery::Notice(Text::from(text.to_owned()))
    }
}
