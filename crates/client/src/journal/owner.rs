//! The threads that own the file: one writes, in groups, one reads.
//!
//! A caller is answered only after the commit of the group that its work was part of.

use std::fmt;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::JournalError;
use super::file::Place;

/// How much may wait before callers wait too.
const QUEUE: usize = 256;
/// The most that one transaction takes.
const GROUP: usize = 50;

/// Tells the caller, once it is known whether the commit succeeded; whether that is because the file is damaged.
type Answer = Box<dyn FnOnce(Result<(), JournalError>) -> bool + Send>;

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

/// Who works on the file.
#[derive(Debug, Clone, Default)]
pub enum Hands {
    /// A thread for each connection.
    #[default]
    Threads,
    /// Tasks of the runtime, for a simulation: threads would not share its time.
    Tasks(Arc<dyn Disk>),
}

/// A disk as a simulation has it.
pub trait Disk: fmt::Debug + Send + Sync + 'static {
    /// Told before each round of work, with the connection that it is done on, which it may keep from writing.
    fn prepare(&self, connection: &Connection) -> Pauses;
}

/// How slow a simulated disk is.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pauses {
    /// Before the work.
    pub before: Duration,
    /// Between the commit and its being known.
    pub after: Duration,
}

/// The sending end of a thread that owns a connection.
#[derive(Debug, Clone)]
pub(super) struct Owner {
    jobs: mpsc::Sender<Job>,
}

impl Owner {
    /// Starts a thread of this name, or a task; it ends when it is asked to, or when nobody can ask any more.
    pub(super) fn start(
        name: &str,
        connection: Connection,
        place: Option<Place>,
        hands: &Hands,
    ) -> Result<Owner, JournalError> {
        let (jobs, mut queue) = mpsc::channel(QUEUE);
        let worker = Worker { connection: Ok(connection), place };
        match hands {
            Hands::Threads => {
                thread::Builder::new().name(name.to_owned()).spawn(move || worker.on_thread(&mut queue))?;
            }
            Hands::Tasks(disk) => {
                let disk = Arc::clone(disk);
                tokio::spawn(async move { worker.on_task(&mut queue, &*disk).await });
            }
        }
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

    /// Does this outside of any transaction, before whatever is asked later, and tells its outcome on the thread that did it.
    /// Only for who has just started it: nothing waits for room in the queue.
    pub(super) fn first<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, JournalError> + Send + 'static,
        tell: impl FnOnce(Result<T, JournalError>) + Send + 'static,
    ) -> Result<(), JournalError> {
        self.jobs.try_send(Job::Alone(told_to(work, tell))).map_err(|_| JournalError::Closed)
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
        let work = told_to(work, |outcome| drop(tell.send(outcome)));
        self.jobs.send(job(work)).await.map_err(|_| JournalError::Closed)?;
        told.await.map_err(|_| JournalError::Closed)?
    }
}

/// Work whose outcome is told to this.
fn told_to<T: Send + 'static>(
    work: impl FnOnce(&Connection) -> Result<T, JournalError> + Send + 'static,
    tell: impl FnOnce(Result<T, JournalError>) + Send + 'static,
) -> Work {
    Box::new(move |connection| {
        let outcome = connection.and_then(work);
        Box::new(move |committed| {
            let outcome = committed.and(outcome);
            let is_damaged = matches!(outcome, Err(JournalError::Damaged));
            tell(outcome);
            is_damaged
        })
    })
}

/// Whoever works on the file.
struct Worker {
    connection: Result<Connection, JournalError>,
    place: Option<Place>,
}

/// What one round of work came to.
#[derive(Default)]
struct Done {
    answers: Vec<(Answer, Result<(), JournalError>)>,
    closing: Option<oneshot::Sender<()>>,
}

impl Worker {
    fn on_thread(mut self, queue: &mut mpsc::Receiver<Job>) {
        while let Some(first) = queue.blocking_recv() {
            self.find();
            if let Some(closed) = self.work(first, queue).tell(self.place.as_ref()) {
                return self.close(Some(closed));
            }
        }
        self.close(None);
    }

    async fn on_task(mut self, queue: &mut mpsc::Receiver<Job>, disk: &dyn Disk) {
        while let Some(first) = queue.recv().await {
            self.find();
            let pauses =
                self.connection.as_ref().map(|connection| disk.prepare(connection)).unwrap_or_default();
            pause(pauses.before).await;
            let done = self.work(first, queue);
            pause(pauses.after).await;
            if let Some(closed) = done.tell(self.place.as_ref()) {
                return self.close(Some(closed));
            }
        }
        self.close(None);
    }

    /// Makes sure that the file is still there, and whole.
    fn find(&mut self) {
        let Some(place) = &mut self.place else { return };
        let connection = std::mem::replace(&mut self.connection, Err(JournalError::Closed));
        self.connection = still_there(connection, place);
    }

    /// Does this and, in the same transaction, what waits behind it.
    fn work(&self, first: Job, queue: &mut mpsc::Receiver<Job>) -> Done {
        let connection = self.connection.as_ref().map_err(Clone::clone);
        let mut done = Done::default();
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
                    done.answers.extend(commit(connection.clone(), std::mem::take(&mut group)));
                    done.answers.push((work(connection.clone()), Ok(())));
                }
                Job::Close(closed) => done.closing = Some(closed),
            }
        }
        done.answers.extend(commit(connection, group));
        done
    }

    fn close(self, closed: Option<oneshot::Sender<()>>) {
        if let Ok(connection) = self.connection {
            close(connection);
        }
        if let Some(closed) = closed {
            let _ = closed.send(());
        }
    }
}

impl Done {
    /// Answers the callers; who asked for the file to be closed, if somebody did.
    fn tell(self, place: Option<&Place>) -> Option<oneshot::Sender<()>> {
        for (answer, committed) in self.answers {
            let is_damaged = answer(committed);
            if let (true, Some(place)) = (is_damaged, place) {
                place.suspect();
            }
        }
        self.closing
    }
}

async fn pause(time: Duration) {
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
}

/// The same connection, or one to a new file if somebody deleted or damaged the old one.
fn still_there(
    connection: Result<Connection, JournalError>,
    place: &mut Place,
) -> Result<Connection, JournalError> {
    match connection {
        Ok(connection) if !place.is_gone() && !place.is_suspect() => Ok(connection),
        Ok(connection) if !place.is_gone() => {
            tracing::error!("the journal turned out to be damaged while in use");
            close(connection);
            place.reopen()
        }
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

/// One transaction for all of these; what each caller is to be told, now that it is over.
fn commit(
    connection: Result<&Connection, JournalError>,
    group: Vec<Work>,
) -> Vec<(Answer, Result<(), JournalError>)> {
    if group.is_empty() {
        return Vec::new();
    }
    let connection = match connection {
        Ok(connection) => connection,
        Err(error) => return group.into_iter().map(|work| (work(Err(error.clone())), Ok(()))).collect(),
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
    answers.into_iter().map(|answer| (answer, state.clone())).collect()
}

/// Does this; what fails is undone and leaves what was done before in the same transaction alone.
pub(super) fn undone_on_error<T>(
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
