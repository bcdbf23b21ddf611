//! Moves what is committed from the write-ahead log into the database file, beside the writer.
//!
//! By itself SQLite does this inside a commit, and everybody who waits for that commit waits for it too.

use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use rusqlite::Connection;

/// Pages that make it worth while: 4 MiB.
const PAGES: i64 = 1_000;

/// Ends with the writer.
#[derive(Debug)]
pub(super) struct Checkpoints {
    committed: SyncSender<()>,
    thread: JoinHandle<()>,
}

impl Checkpoints {
    pub(super) fn spawn(path: &Path) -> rusqlite::Result<Checkpoints> {
        let connection = Connection::open(path)?;
        let (committed, commits) = sync_channel(1);
        let thread = std::thread::spawn(move || run(&connection, &commits));
        Ok(Checkpoints { committed, thread })
    }

    /// Something was committed.
    pub(super) fn committed(&self) {
        // Full: it will look anyway.
        let _ = self.committed.try_send(());
    }

    pub(super) fn close(self) {
        drop(self.committed);
        // It ends by itself, and has nothing to tell.
        let _ = self.thread.join();
    }
}

fn run(connection: &Connection, commits: &Receiver<()>) {
    while commits.recv().is_ok() {
        let done = pages_to_move(connection).and_then(|pages| {
            if pages < PAGES {
                return Ok(());
            }
            connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))
        });
        if let Err(error) = done {
            // The writer does it once there is much more.
            tracing::debug!(%error, "no checkpoint was made");
        }
    }
}

fn pages_to_move(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA wal_checkpoint(NOOP)", [], |row| {
        let (logged, moved): (i64, i64) = (row.get(1)?, row.get(2)?);
        Ok(logged - moved)
    })
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn what_is_committed_moves_into_the_database_while_the_writer_writes_on() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("db");
        let writer = Connection::open(&path).unwrap();
        writer.execute_batch("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0").unwrap();
        writer.execute_batch("CREATE TABLE blobs (blob BLOB)").unwrap();
        let checkpoints = Checkpoints::spawn(&path).unwrap();
        let patience = Instant::now() + Duration::from_secs(60);

        let mut written = 0;
        while std::fs::metadata(&path).unwrap().len() < 8 * 1024 * 1024 {
            writer.execute("INSERT INTO blobs VALUES (zeroblob(500000))", []).unwrap();
            checkpoints.committed();
            written += 1;
            assert!(Instant::now() < patience, "nothing moved after {written} commits");
        }
        checkpoints.close();

        let count: i64 = writer.query_row("SELECT count(*) FROM blobs", [], |row| row.get(0)).unwrap();
        assert_eq!(count, written);
    }
}
