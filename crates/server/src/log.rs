//! A user's log: every alert that they may see, in one order, to be read from any place on.
//!
//! [`Log`] is what a connection of protocol 2 needs of it, and nothing of how it is kept: places are opaque, several
//! servers may append to it, and a doorbell says that it grew. [`RecordLog`] reads it from the record of this server.

use std::collections::HashMap;
use std::fmt;
use std::sync::Mutex;

use futures_util::future::BoxFuture;
use tokio::sync::watch;
use visionguard_proto::session::{Entry, Page, Read};
use visionguard_proto::{AnomalyId, Cursor, StreamId, UserId};

use crate::config;
use crate::store::{Store, StoreError, log};
use crate::time;

/// Rung when a user's log has grown. A ring between two looks is not lost.
pub(crate) type Doorbell = watch::Receiver<()>;
pub(crate) type Answer<T> = BoxFuture<'static, Result<T, StoreError>>;

/// The logs of all users.
pub(crate) trait Log: fmt::Debug + Send + Sync {
    /// Where a client with this cursor, if it has one, begins. The text comes from the client and may be anything.
    fn place(&self, user: &UserId, cursor: Option<&str>) -> Answer<Place>;

    /// What follows a place. Below a place that was read nothing may appear later.
    fn page(&self, user: &UserId, read: Read) -> Answer<Page>;

    /// The newest place, or `since` where nothing is newer.
    fn head(&self, user: &UserId, since: Cursor) -> Answer<Cursor>;

    /// Listen before looking up a place: then nothing is missed.
    fn doorbell(&self, user: &UserId) -> Doorbell;

    /// The logs of these users have grown, durably.
    fn ring(&self, users: &[UserId]);
}

/// Where a client begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// Names the log.
    pub(crate) epoch: String,
    /// The newest place.
    pub(crate) head: Cursor,
    /// The client's own place, or the head.
    pub(crate) after: Cursor,
    /// Whether the log can go on where the client's cursor stands.
    pub(crate) recovered: bool,
}

/// The log that is the record of this server: a place is `{epoch}.{sequence}`.
#[derive(Debug)]
pub(crate) struct RecordLog {
    store: Store,
    epoch: String,
    bounds: config::Log,
    bells: Mutex<HashMap<UserId, watch::Sender<()>>>,
}

impl RecordLog {
    pub(crate) async fn open(store: Store, bounds: config::Log) -> Result<RecordLog, StoreError> {
        let epoch = store.read(log::epoch).await?;
        Ok(RecordLog { store, epoch, bounds, bells: Mutex::default() })
    }

    /// The sequence that a cursor of this log stands for; none for any other text.
    fn sequence(&self, cursor: &str) -> Option<i64> {
        let (epoch, digits) = cursor.split_once('.')?;
        let plain = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
        digits.parse().ok().filter(|_| plain && epoch == self.epoch)
    }

    fn bells(&self) -> std::sync::MutexGuard<'_, HashMap<UserId, watch::Sender<()>>> {
        self.bells.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Log for RecordLog {
    fn place(&self, user: &UserId, cursor: Option<&str>) -> Answer<Place> {
        let (store, user, epoch) = (self.store.clone(), user.clone(), self.epoch.clone());
        let oldest = time::now().checked_sub(self.bounds.keep).unwrap_or(jiff::Timestamp::MIN);
        let most = self.bounds.alerts;
        let asked = cursor.map(|cursor| self.sequence(cursor));
        Box::pin(async move {
            let look_up = move |db: &rusqlite::Connection| {
                let known = match asked.flatten() {
                    Some(since) if log::reaches_back(db, &user, since, oldest, most)? => Some(since),
                    Some(_) | None => None,
                };
                let head = log::head(db, &user, known.unwrap_or(0))?.or(known).unwrap_or(0);
                Ok((known.unwrap_or(head), head, asked.is_none() || known.is_some()))
            };
            let (after, head, recovered) = store.read(look_up).await?;
            Ok(Place { head: cursor_of(&epoch, head)?, after: cursor_of(&epoch, after)?, recovered, epoch })
        })
    }

    fn page(&self, user: &UserId, read: Read) -> Answer<Page> {
        let (store, user, epoch) = (self.store.clone(), user.clone(), self.epoch.clone());
        let since = self.sequence(read.after.as_str());
        Box::pin(async move {
            let since = since.ok_or(StoreError::Unreadable)?;
            let read = move |db: &rusqlite::Connection| log::page(db, &user, since, read.alerts, read.bytes);
            let (rows, more) = store.read(read).await?;
            let entries = rows.into_iter().map(|row| entry(&epoch, row)).collect::<Result<_, _>>()?;
            Ok(Page { entries, more })
        })
    }

    fn head(&self, user: &UserId, since: Cursor) -> Answer<Cursor> {
        let (store, user, epoch) = (self.store.clone(), user.clone(), self.epoch.clone());
        let sequence = self.sequence(since.as_str());
        Box::pin(async move {
            let sequence = sequence.ok_or(StoreError::Unreadable)?;
            let newest = store.read(move |db| log::head(db, &user, sequence)).await?;
            newest.map_or(Ok(since), |newest| cursor_of(&epoch, newest))
        })
    }

    fn doorbell(&self, user: &UserId) -> Doorbell {
        self.bells().entry(user.clone()).or_default().subscribe()
    }

    fn ring(&self, users: &[UserId]) {
        let mut bells = self.bells();
        for user in users {
            let Some(bell) = bells.get(user) else { continue };
            if bell.send(()).is_err() {
                // Nobody listens any more.
                bells.remove(user);
            }
        }
    }
}

fn cursor_of(epoch: &str, sequence: i64) -> Result<Cursor, StoreError> {
    Cursor::new(&format!("{epoch}.{sequence}")).map_err(|_| StoreError::Unreadable)
}

fn entry(epoch: &str, row: log::Logged) -> Result<Entry, StoreError> {
    Ok(Entry {
        cursor: cursor_of(epoch, row.sequence)?,
        id: AnomalyId::new(&row.id).map_err(|_| StoreError::Unreadable)?,
        stream: StreamId::new(&row.stream).map_err(|_| StoreError::Unreadable)?,
        header: row.header,
        picture: row.picture.into(),
    })
}
