//! Who is connected: every connection has a registration of its own, and its end removes that one alone.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::{Notify, mpsc};
use visionguard_proto::session::Text;
use visionguard_proto::{AnomalyId, StreamId, UserId};

use crate::config::Sockets;
use crate::time;

/// Close code for a client that reads too slowly.
pub(crate) const TOO_SLOW: u16 = 4003;
/// Close code for a client that sends too much.
pub(crate) const FLOOD: u16 = 4008;
/// Close code for a client whose session is over.
pub(crate) const SIGNED_OUT: u16 = 1008;

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
    pub(crate) user: UserId,
    pub(crate) session: String,
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

    /// Gives a connection its place. From now on alerts are queued for it.
    pub(crate) fn admit(self: &Arc<Self>, user: UserId, session: String) -> Result<Registration, Refused> {
        let (sender, queue) = mpsc::channel(self.limits.queue_messages);
        let connection = Arc::new(Connection {
            number: self.next.fetch_add(1, Ordering::Relaxed),
            user: user.clone(),
            session,
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
        users.values().flatten().map(|connection| connection.session.clone()).collect()
    }

    /// Closes the connections of this session.
    pub(crate) fn close_session(&self, session: &str, code: u16) {
        let users = self.users();
        for connection in users.values().flatten().filter(|connection| connection.session == session) {
            connection.close(code);
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
        let Some(places) = users.get_mut(&connection.user) else { return };
        places.retain(|other| other.number != connection.number);
        if places.is_empty() {
            users.remove(&connection.user);
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

    /// Queues the delivery, or has the connection closed if its client does not keep up.
    fn offer(&self, delivery: &Arc<Delivery>, most: usize) -> bool {
        let length = delivery.len();
        let queued = self.queued_bytes.fetch_add(length, Ordering::Relaxed);
        // One message is always taken, however large: only what waits behind others is bounded.
        let fits = queued == 0 || queued + length <= most;
        if fits && self.queue.try_send(Arc::clone(delivery)).is_ok() {
            return true;
        }
        self.queued_bytes.fetch_sub(length, Ordering::Relaxed);
        self.close(TOO_SLOW);
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
        user_id: oldest.user.clone(),
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
        let old = roster.admit(user(), "s".into()).unwrap();
        let mut new = roster.admit(user(), "s".into()).unwrap();

        drop(old);

        assert_eq!(roster.presence(&user()).unwrap().connections, 1);
        assert_eq!(roster.deliver(&[user()], notice("hello")), 1);
        assert!(new.queue.try_recv().is_ok());
    }

    #[test]
    fn an_alert_reaches_every_connection_of_its_people_and_nobody_else() {
        let roster = roster(Sockets::default());
        let other = UserId::new("other").unwrap();
        let _a = roster.admit(user(), "s".into()).unwrap();
        let _b = roster.admit(user(), "t".into()).unwrap();
        let mut c = roster.admit(other, "u".into()).unwrap();

        assert_eq!(roster.deliver(&[user()], notice("hello")), 2);
        assert!(c.queue.try_recv().is_err());
    }

    #[tokio::test]
    async fn a_full_queue_closes_the_connection_and_does_not_wait() {
        let roster = roster(Sockets { queue_messages: 2, ..Sockets::default() });
        let slow = roster.admit(user(), "s".into()).unwrap();

        for _ in 0..2 {
            assert_eq!(roster.deliver(&[user()], notice("x")), 1);
        }

        assert_eq!(roster.deliver(&[user()], notice("x")), 0);
        assert_eq!(slow.connection.closing().await, TOO_SLOW);
    }

    #[tokio::test]
    async fn what_waits_is_bounded_in_bytes_but_one_large_message_passes() {
        let roster = roster(Sockets { queue_bytes: 10, ..Sockets::default() });
        let mut reader = roster.admit(user(), "s".into()).unwrap();

        assert_eq!(roster.deliver(&[user()], notice("more than ten bytes")), 1);
        let taken = reader.queue.recv().await.unwrap();
        reader.connection.taken(&taken);
        assert_eq!(roster.deliver(&[user()], notice("again more than ten")), 1);

        assert_eq!(roster.deliver(&[user()], notice("x")), 0);
        assert_eq!(reader.connection.closing().await, TOO_SLOW);
    }

    #[test]
    fn a_user_has_so_many_places_and_a_stopped_roster_has_none() {
        let roster = roster(Sockets { per_user: 1, ..Sockets::default() });
        let first = roster.admit(user(), "s".into()).unwrap();

        assert_eq!(roster.admit(user(), "s".into()).unwrap_err(), Refused::TooMany);
        drop(first);
        assert!(roster.admit(user(), "s".into()).is_ok());
        roster.close(1012);
        assert_eq!(roster.admit(user(), "s".into()).unwrap_err(), Refused::Stopping);
        assert_eq!(roster.len(), 0);
    }

    fn roster(limits: Sockets) -> Arc<Roster> {
        Arc::new(Roster::new(limits))
    }

    fn user() -> UserId {
        UserId::new("u").unwrap()
    }

    fn notice(text: &str) -> Delivery {
        Delivery::Notice(Text::from(text.to_owned()))
    }
}
