//! The database: one writer that commits what is waiting in one transaction, and several readers beside it.
//!
//! A write is answered only after its transaction is on disk (`synchronous=FULL`): what was answered survives a
//! crash of the program and of the machine. Sixty writers at once cost about as many fsyncs as one.

mod checkpoint;
pub(crate) mod log;
pub(crate) mod people;
pub(crate) mod record;
mod schema;
pub(crate) mod sessions;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use rusqlite::{Connection, OpenFlags};
use tokio::sync::Semaphore;

use self::checkpoint::Checkpoints;
use self::writer::Writer;

/// Readers at once; each keeps its own page cache.
const READERS: usize = 4;

/// Why the database did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// SQLite refused.
    #[error("the database refused: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// The transaction that this write was part of could not be committed.
    #[error("the database could not commit: {0}")]
    NotCommitted(String),
    /// The store is closed.
    #[error("the database is closed")]
    Closed,
    /// A row that this program cannot have written.
    #[error("the database holds what cannot be read")]
    Unreadable,
    /// Made by a newer version of this program.
    #[error("the database was made by a newer version (schema {0})")]
    TooNew(i64),
}

/// A handle on the database; clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    writer: Writer,
    readers: Arc<Readers>,
}

#[derive(Debug)]
struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
    slots: Semaphore,
}

impl Store {
    /// Opens or makes the database at this path; at most `together` writes share one commit.
    pub(crate) fn open(path: &Path, together: usize) -> Result<Store, StoreError> {
        let mut connection = Connection::open(path)?;
        schema::prepare(&mut connection)?;
        let writer = Writer::spawn(connection, Checkpoints::spawn(path)?, together);
        let readers = Readers {
            path: path.to_owned(),
            idle: Mutex::new(Vec::with_capacity(READERS)),
            slots: Semaphore::new(READERS),
        };
        Ok(Store { writer, readers: Arc::new(readers) })
    }

    /// Runs `work` inside the next transaction and answers once it is committed. An error undoes this work alone.
    pub(crate) async fn write<T, W>(&self, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        self.writer.write(work, |done| done).await
    }

    /// As [`Store::write`], and runs `then` after the commit, in the order of the commits. `then` must not block.
    pub(crate) async fn write_then<T, U, W, N>(&self, work: W, then: N) -> Result<U, StoreError>
    where
        T: Send + 'static,
        U: Send + 'static,
        W: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
        N: FnOnce(T) -> U + Send + 'static,
    {
        self.writer.write(work, then).await
    }

    /// Runs `work` on a connection that sees everything committed so far.
    pub(crate) async fn read<T, W>(&self, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let readers = Arc::clone(&self.readers);
        let _slot = self.readers.slots.acquire().await.map_err(|_| StoreError::Closed)?;
        tokio::task::spawn_blocking(move || readers.run(work)).await.map_err(|_| StoreError::Closed)?
    }

    /// Commits what is waiting and ends the writer; later writes are refused.
    pub(crate) async fn close(&self) {
        self.writer.close().await;
    }
}

impl Readers {
    fn run<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        let idle = self.idle().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => self.open()?,
        };
        let done = work(&connection)?;
        self.idle().push(connection);
        Ok(done)
    }

    fn open(&self) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags)?;
        schema::tune_reader(&connection)?;
        Ok(connection)
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn a_failed_write_undoes_itself_and_not_its_neighbours() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("db"), 256).unwrap();

        let good = store.write(|db| put(db, "a"));
        let bad = store.write(|db| {
            put(db, "b")?;
            put(db, "a")
        });
        let (good, bad) = tokio::join!(good, bad);

        assert!(good.is_ok());
        assert!(matches!(bad, Err(StoreError::Sqlite(_))));
        assert_eq!(keys(&store).await, ["a"]);
    }

    #[tokio::test]
    async fn what_follows_a_commit_runs_in_the_order_of_the_commits() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("db"), 256).unwrap();
        let turn = Arc::new(AtomicUsize::new(0));

        let all = (0..200).map(|n| {
            let turn = Arc::clone(&turn);
            store.write_then(
                move |db| put(db, &n.to_string()).map(|()| db.last_insert_rowid()),
                move |row| (row, turn.fetch_add(1, Ordering::SeqCst)),
            )
        });
        let mut done = Vec::new();
        for one in futures_util::future::join_all(all).await {
            done.push(one.unwrap());
        }

        done.sort();
        assert!(done.windows(2).all(|pair| pair[0].1 < pair[1].1));
    }

    #[tokio::test]
    async fn a_closed_store_refuses_writes() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("db"), 256).unwrap();
        store.write(|db| put(db, "a")).await.unwrap();

        store.close().await;

        assert!(matches!(store.write(|db| put(db, "b")).await, Err(StoreError::Closed)));
        assert_eq!(keys(&store).await, ["a"]);
    }

    fn put(db: &Connection, key: &str) -> rusqlite::Result<()> {
        db.execute(
            "INSERT INTO publishes (scope, key, digest, anomaly_id, at) VALUES ('test', ?1, x'00', 'id', 0)",
            [key],
        )?;
        Ok(())
    }

    async fn keys(store: &Store) -> Vec<String> {
        let read = |db: &Connection| {
            db.prepare("SELECT key FROM publishes ORDER BY key")?.query_map([], |row| row.get(0))?.collect()
        };
        store.read(read).await.unwrap()
    }
}
