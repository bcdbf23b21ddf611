//! The one thread that writes: takes what is waiting, runs it in one transaction, commits, answers.

use std::fmt;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::StoreError;
use super::checkpoint::Checkpoints;

/// Writes that may wait; more writers than this wait for their turn.
const WAITING: usize = 1024;

/// What was done, to be told after the commit or after its failure.
type Answer = Box<dyn FnOnce(Result<(), StoreError>) + Send>;
/// Is given no connection where no transaction could be begun.
type Work = Box<dyn FnOnce(Option<&Connection>) -> Answer + Send>;

enum Job {
    Work(Work),
    Close(oneshot::Sender<()>),
}

/// The writer's end for everybody else.
#[derive(Clone)]
pub(super) struct Writer {
    jobs: mpsc::Sender<Job>,
}

impl Writer {
    /// `together`: most writes of one transaction.
    pub(super) fn spawn(connection: Connection, checkpoints: Checkpoints, together: usize) -> Writer {
        let (jobs, waiting) = mpsc::channel(WAITING);
        std::thread::spawn(move || run(connection, waiting, checkpoints, together));
        Writer { jobs }
    }

    pub(super) async fn write<T, U, W, N>(&self, work: W, then: N) -> Result<U, StoreError>
    where
        T: Send + 'static,
        U: Send + 'static,
        W: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
        N: FnOnce(T) -> U + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let work: Work = Box::new(move |db| {
            let done = db.map(|db| in_savepoint(db, work));
            Box::new(move |committed| {
                let done = done.map_or(Err(StoreError::Closed), |done| done.map_err(StoreError::from));
                let outcome = committed.and(done).map(then);
                // Nobody waits any more: the work is done all the same.
                let _ = answer.send(outcome);
            })
        });
        self.jobs.send(Job::Work(work)).await.map_err(|_| StoreError::Closed)?;
        answered.await.map_err(|_| StoreError::Closed)?
    }

    pub(super) async fn close(&self) {
        let (closed, done) = oneshot::channel();
        if self.jobs.send(Job::Close(closed)).await.is_ok() {
            let _ = done.await;
        }
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Writer")
    }
}

fn run(connection: Connection, mut waiting: mpsc::Receiver<Job>, checkpoints: Checkpoints, together: usize) {
    let mut closing = None;
    while closing.is_none() {
        let Some(first) = waiting.blocking_recv() else { break };
        let mut group = Vec::new();
        let mut next = Some(first);
        while let Some(job) = next {
            match job {
                Job::Work(work) => group.push(work),
                Job::Close(closed) => {
                    closing = Some(closed);
                    break;
                }
            }
            if group.len() >= together {
                break;
            }
            next = waiting.try_recv().ok();
        }
        commit(&connection, group);
        checkpoints.committed();
    }
    drop(waiting);
    checkpoints.close();
    if let Err((_, error)) = connection.close() {
        tracing::warn!(%error, "the database was not closed cleanly");
    }
    if let Some(closed) = closing {
        let _ = closed.send(());
    }
}

fn commit(connection: &Connection, group: Vec<Work>) {
    if group.is_empty() {
        return;
    }
    let begun = connection.execute_batch("BEGIN IMMEDIATE");
    let transaction = begun.is_ok().then_some(connection);
    let answers: Vec<Answer> = group.into_iter().map(|work| work(transaction)).collect();
    let committed = begun.and_then(|()| connection.execute_batch("COMMIT"));
    if let Err(error) = &committed {
        tracing::error!(%error, "nothing could be written to the database");
        let _ = connection.execute_batch("ROLLBACK");
    }
    let failure = committed.err().map(|error| error.to_string());
    for answer in answers {
        answer(failure.clone().map_or(Ok(()), |reason| Err(StoreError::NotCommitted(reason))));
    }
}

fn in_savepoint<T>(
    db: &Connection,
    work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    db.execute_batch("SAVEPOINT work")?;
    let done = work(db);
    db.execute_batch(if done.is_ok() { "RELEASE work" } else { "ROLLBACK TO work; RELEASE work" })?;
    done
}
