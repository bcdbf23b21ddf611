//! The threads that own the file: one writes, in groups, one reads.
//!
//! A caller is answered only after the commit of the group that its work was part of.

use std::thread;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::JournalError;
use super::file::Place;

/// How much may wait before callers wait too.
const QUEUE: usize = 256;
/// The most that one transaction takes.
const GROUP: usize = 50;

/// Tells the caller, once it is known whether the commit succeeded.
type Answer = Box<dyn FnOnce(Result<(), JournalError>) + Send>;

/// Work on the connection. Told an error instead where there is no transaction to work in.
type Work = Box<dyn FnOnce(Result<&Connection, JournalError>) -> Answer + Send>;

/// What a thread is asked.
pub(super) enum Job {
    /// To be part of a transaction.
    Grouped(Work),
    /// To run on its own, outside of any transaction.
    Alone(Work),
    /// To close the file; what was asked earlier is done first.
    Close(oneshot::Sender<()>),
}

/// The sending end of a thread that owns a connection.
#[derive(Debug, Clone)]
pub(super) struct Owner {
    jobs: mpsc::Sender<Job>,
}

impl Owner {
    /// Starts a thread of this name; it ends when it is asked to, or when nobody can ask any more.
    pub(super) fn start(
        name: &str,
        connection: Connection,
        place: Option<Place>,
    ) -> Result<Owner, JournalError> {
        let (jobs, queue) = mpsc::channel(QUEUE);
        thread::Builder::new().name(name.to_owned()).spawn(move || own(connection, place, queue))?;
        Ok(Owner { jobs })
    }

    /// Does this within a transaction and answers after its commit. What fails is undone and leaves the others alone.
    pub(super) async fn commit<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, JournalError> + Send + 'static,
    ) -> Result<T, JournalError> {
        self.ask(Job::Grouped, move |connection| undone_on_error(connection, work)).await
    }

    /// Does this outside of any transaction.
    pub(super) async fn alone<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, JournalError> + Send + 'static,
    ) -> Result<T, JournalError> {
        self.ask(Job::Alone, work).await
    }

    /// Waits until everything asked before is done and the file is closed.
    pub(super) async fn close(&self) {
        let (closed, wait) = oneshot::channel();
        if self.jobs.send(Job::Close(closed)).await.is_ok() {
            let _ = wait.await;
        }
    }

    async fn ask<T: Send + 'static>(
        &self,
        job: fn(Work) -> Job,
        work: impl FnOnce(&Connection) -> Result<T, JournalError> + Send + 'static,
    ) -> Result<T, JournalError> {
        let (tell, told) = oneshot::channel();
        let work: Work = Box::new(move |connection| {
            let outcome = connection.and_then(work);
            Box::new(move |committed| {
                let _ = tell.send(committed.and(outcome));
            })
        });
        self.jobs.send(job(work)).await.map_err(|_| JournalError::Closed)?;
        told.await.map_err(|_| JournalError::Closed)?
    }
}

fn own(connection: Connection, mut place: Option<Place>, mut queue: mpsc::Receiver<Job>) {
    let mut connection = Ok(connection);
    let mut closing = None;
    while closing.is_none() {
        let Some(first) = queue.blocking_recv() else { break };
        if let Some(place) = &mut place {
            connection = still_there(connection, place);
        }
        let connection = connection.as_ref().map_err(Clone::clone);
        let mut group = Vec::new();
        let mut next = Some(first);
        while let Some(job) = next.take() {
            match job {
                Job::Grouped(work) => {
                    group.push(work);
                    if group.len() < GROUP {
                        next = queue.try_recv().ok();
                    }
                }
                Job::Alone(work) => {
                    commit(connection.clone(), std::mem::take(&mut group));
                    work(connection.clone())(Ok(()));
                }
                Job::Close(closed) => closing = Some(closed),
            }
        }
        commit(connection, group);
    }
    if let Ok(connection) = connection {
        close(connection);
    }
    if let Some(closed) = closing {
        let _ = closed.send(());
    }
}

/// The same connection, or one to a new file if somebody deleted the old one.
fn still_there(
    connection: Result<Connection, JournalError>,
    place: &mut Place,
) -> Result<Connection, JournalError> {
    match connection {
        Ok(connection) if !place.is_gone() => Ok(connection),
        Ok(connection) => {
            tracing::error!("the journal was deleted while in use: what it held is lost");
            close(connection);
            place.reopen()
        }
        Err(_) => place.reopen(),
    }
}

fn close(connection: Connection) {
    if let Err((_, error)) = connection.close() {
        tracing::warn!(%error, "the journal did not close cleanly");
    }
}

/// One transaction for all of these; then, and only then, their answers.
fn commit(connection: Result<&Connection, JournalError>, group: Vec<Work>) {
    if group.is_empty() {
        return;
    }
    let connection = match connection {
        Ok(connection) => connection,
        Err(error) => return group.into_iter().for_each(|work| work(Err(error.clone()))(Ok(()))),
    };
    let mut state = connection.execute_batch("BEGIN IMMEDIATE").map_err(JournalError::from);
    let mut answers = Vec::with_capacity(group.len());
    for work in group {
        answers.push(work(state.clone().map(|()| connection)));
        // A full disk may end the whole transaction, and with it what the others did.
        if state.is_ok() && connection.is_autocommit() {
            state = Err(JournalError::Full);
        }
    }
    if state.is_ok() {
        state = connection.execute_batch("COMMIT").map_err(JournalError::from);
    }
    if let Err(error) = &state {
        tracing::error!(%error, "the journal could not be written");
        if !connection.is_autocommit() {
            let _ = connection.execute_batch("ROLLBACK");
        }
    }
    for answer in answers {
        answer(state.clone());
    }
}

fn undone_on_error<T>(
    connection: &Connection,
    work: impl FnOnce(&Connection) -> Result<T, JournalError>,
) -> Result<T, JournalError> {
    connection.execute_batch("SAVEPOINT work")?;
    let outcome = work(connection);
    let end = if outcome.is_ok() { "RELEASE work" } else { "ROLLBACK TO work; RELEASE work" };
    if !connection.is_autocommit() {
        connection.execute_batch(end)?;
    }
    outcome
}
