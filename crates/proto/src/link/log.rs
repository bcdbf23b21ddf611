//! Where the client stands in the server's log (protocol 2): what to ask for at the next connection, and whether the
//! server's head is ahead of what arrived.
//!
//! Cursors are the server's own texts: only whether two are equal means anything.

use std::collections::VecDeque;
use std::time::Duration;

use crate::id::Cursor;
use crate::message::Welcome;
use crate::moment::Moment;

/// For how long the server's head may be ahead of what arrived while nothing arrives.
const BEHIND_FOR: Duration = Duration::from_secs(5);
/// The same after a reconnect that brought nothing, doubled with each further one.
const BEHIND_AGAIN: Duration = Duration::from_secs(30);
/// The longest of these.
const BEHIND_AT_MOST: Duration = Duration::from_secs(600);
/// Cursors of the connection that are remembered: a head may be told that is a little older than what arrived.
const REMEMBERED: usize = 64;

/// The client's place in the log, from connection to connection.
#[derive(Debug, Default)]
pub(super) struct Log {
    /// Where the next connection goes on; none before there ever was one.
    cursor: Option<Cursor>,
    /// With what the connection under way was asked for.
    asked: Option<Cursor>,
    connection: Connection,
    /// Reconnects in a row for a head that was ahead, after which nothing arrived.
    in_vain: u32,
}

/// What the connection under way has to do with the log.
#[derive(Debug, Default)]
enum Connection {
    /// There is none, or it was opened as protocol 1.
    #[default]
    Apart,
    /// It was opened as protocol 2, and the server did not say its welcome.
    Unwelcome,
    /// The server's first message must be its welcome, by then.
    Expecting { by: Moment },
    /// It follows the log.
    Following(Following),
}

#[derive(Debug)]
struct Following {
    /// The last places that arrived, the newest at the end; never empty.
    arrived: VecDeque<Cursor>,
    /// The head that is ahead, and since when nothing has arrived.
    behind: Option<(Cursor, Moment)>,
}

/// What to do with an alert.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// It is in order.
    InOrder,
    /// Its place has nothing to do with where this connection stands.
    WithoutPlace,
    /// It arrived before on this connection.
    Again,
}

impl Log {
    pub(super) fn cursor(&self) -> Option<&Cursor> {
        self.cursor.as_ref()
    }

    /// Begins anew, at another place.
    pub(super) fn resume_from(&mut self, cursor: Option<Cursor>) {
        self.cursor = cursor;
        self.in_vain = 0;
    }

    /// A connection is asked for.
    pub(super) fn asked(&mut self) {
        self.asked.clone_from(&self.cursor);
        self.connection = Connection::Apart;
    }

    /// It is open.
    pub(super) fn opened(&mut self, by: Moment) {
        self.connection = Connection::Expecting { by };
    }

    /// It is over.
    pub(super) fn left(&mut self) {
        self.connection = Connection::Apart;
    }

    /// Something came before the welcome.
    pub(super) fn unwelcome(&mut self) {
        self.connection = Connection::Unwelcome;
    }

    pub(super) fn expects_welcome(&self) -> bool {
        matches!(self.connection, Connection::Expecting { .. })
    }

    /// Whether pictures may come as they are.
    pub(super) fn takes_binary(&self) -> bool {
        !matches!(self.connection, Connection::Apart)
    }

    /// Whether the log could not go on where it was asked to.
    pub(super) fn welcomed(&mut self, welcome: &Welcome, now: Moment) -> bool {
        let resumed = self.asked.clone().filter(|_| welcome.recovered);
        let arrived = VecDeque::from([resumed.unwrap_or_else(|| welcome.head.clone())]);
        self.connection = Connection::Following(Following { arrived, behind: None });
        self.head(&welcome.head, now);
        self.asked.is_some() && !welcome.recovered
    }

    /// An alert of this place arrived.
    pub(super) fn arrived(&mut self, place: &Cursor, now: Moment) -> Arrival {
        let Connection::Following(following) = &mut self.connection else { return Arrival::WithoutPlace };
        if following.arrived.contains(place) {
            return Arrival::Again;
        }
        following.arrived.push_back(place.clone());
        if following.arrived.len() > REMEMBERED {
            following.arrived.pop_front();
        }
        match &mut following.behind {
            Some((head, _)) if head == place => following.behind = None,
            Some((_, since)) => *since = now,
            None => {}
        }
        self.cursor = Some(place.clone());
        self.in_vain = 0;
        Arrival::InOrder
    }

    /// The server says where its log ends.
    pub(super) fn head(&mut self, head: &Cursor, now: Moment) {
        let Connection::Following(following) = &mut self.connection else { return };
        if following.arrived.contains(head) {
            following.behind = None;
            self.in_vain = 0;
            return;
        }
        match &mut following.behind {
            Some((ahead, _)) => ahead.clone_from(head),
            None => following.behind = Some((head.clone(), now)),
        }
    }

    /// Part of a message arrived: on a slow line a picture takes its time.
    pub(super) fn bytes(&mut self, now: Moment) {
        if let Connection::Following(Following { behind: Some((_, since)), .. }) = &mut self.connection {
            *since = now;
        }
    }

    /// Whatever the log holds up to here is known: the next connection goes on from here.
    pub(super) fn compared(&mut self) {
        if let Connection::Following(following) = &self.connection {
            self.cursor = following.arrived.back().cloned();
        }
    }

    /// When the welcome is overdue, or the head has been ahead for too long.
    pub(super) fn due(&self) -> Option<Moment> {
        match &self.connection {
            Connection::Apart | Connection::Unwelcome => None,
            Connection::Expecting { by } => Some(*by),
            Connection::Following(following) => {
                following.behind.as_ref().map(|(_, since)| *since + self.patience())
            }
        }
    }

    /// The time that passed was slept through: what was to arrive in it may lie unread.
    pub(super) fn overslept(&mut self, now: Moment) {
        match &mut self.connection {
            Connection::Apart | Connection::Unwelcome => {}
            Connection::Expecting { by } => *by = now + BEHIND_FOR,
            Connection::Following(following) => {
                if let Some((_, since)) = &mut following.behind {
                    *since = now;
                }
            }
        }
    }

    /// The connection is left because the head was ahead for too long.
    pub(super) fn left_behind(&mut self) {
        self.in_vain += 1;
        self.left();
    }

    fn patience(&self) -> Duration {
        match self.in_vain {
            0 => BEHIND_FOR,
            more => BEHIND_AGAIN.saturating_mul(1 << (more - 1).min(8)).min(BEHIND_AT_MOST),
        }
    }
}
