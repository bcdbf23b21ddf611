//! A shop with our own server, which counts what is published and acknowledged.

use std::collections::HashSet;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use visionguard_server::note::Via;
use visionguard_server::{Config, Note};

use crate::ours::{EMAIL, Ours, PASSWORD};
use crate::process::{Credentials, Proof, Watch};
use crate::{http, picture};

/// The server, and what was published and acknowledged so far.
#[derive(Debug)]
pub struct Shop {
    counter: Arc<Counter>,
    notes: Mutex<UnboundedReceiver<Note>>,
    acked: Mutex<HashSet<String>>,
    credentials: Credentials,
}

/// Where detections are handed in.
#[derive(Debug)]
struct Counter {
    ours: Ours,
    published: Mutex<Vec<String>>,
    number: Mutex<i64>,
}

impl Shop {
    /// Opens a shop; somebody is signed in and holds a token.
    pub async fn open() -> Shop {
        Shop::open_with(|_| {}).await
    }

    /// The same with a server that is set up differently.
    pub async fn open_with(set_up: impl FnOnce(&mut Config)) -> Shop {
        let (sender, notes) = unbounded_channel();
        let ours = Ours::start(|config| {
            config.notes = Some(sender);
            set_up(config);
        })
        .await;
        let token = http::token(&ours.url(), EMAIL, PASSWORD).await;
        let proof = Proof::Token { user_id: ours.owner.to_string(), token };
        let credentials = Credentials { server: ours.url(), proof };
        let counter = Counter { ours, published: Mutex::default(), number: Mutex::default() };
        Shop { counter: Arc::new(counter), notes: Mutex::new(notes), acked: Mutex::default(), credentials }
    }

    /// Where the server is, and who may ask it.
    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// The program on this data directory, signed in.
    pub fn watch(&self, data: &Path) -> Watch {
        Watch::start(data, &self.credentials)
    }

    /// A theft by somebody new; its id in the record.
    pub async fn publish(&self) -> String {
        self.counter.publish(None, picture::jpeg(1)).await
    }

    /// A theft by this person, with this picture; its id in the record.
    pub async fn publish_of(&self, person: i64, picture: impl Into<bytes::Bytes>) -> String {
        self.counter.publish(Some(person), picture.into()).await
    }

    /// Publishes with this pause in between, until it is told to stop.
    pub fn pour(&self, every: Duration) -> Pouring {
        let (counter, over) = (Arc::clone(&self.counter), CancellationToken::new());
        let stop = over.clone();
        let task = tokio::spawn(async move {
            let mut ticks = tokio::time::interval(every);
            while stop.run_until_cancelled(ticks.tick()).await.is_some() {
                counter.publish(None, picture::jpeg(1)).await;
            }
        });
        Pouring { over, task }
    }

    /// The record: ids of everything published, oldest first.
    pub fn published(&self) -> Vec<String> {
        lock(&self.counter.published).clone()
    }

    /// Ids of all that a client has acknowledged to have stored.
    pub fn acked(&self) -> HashSet<String> {
        let mut acked = lock(&self.acked);
        let mut notes = lock(&self.notes);
        while let Ok(note) = notes.try_recv() {
            if let Note::Acknowledged { anomaly_id, via: Via::Socket, .. } = note {
                acked.insert(anomaly_id.to_string());
            }
        }
        acked.clone()
    }

    /// Live connections.
    pub fn connections(&self) -> usize {
        self.counter.ours.running().connections()
    }
}

/// Alerts that pour in; ends with this value.
#[derive(Debug)]
pub struct Pouring {
    over: CancellationToken,
    task: JoinHandle<()>,
}

impl Pouring {
    /// No more from here on; what was begun is finished.
    pub async fn stop(mut self) {
        self.over.cancel();
        (&mut self.task).await.unwrap();
    }
}

impl Drop for Pouring {
    fn drop(&mut self) {
        self.over.cancel();
    }
}

impl Counter {
    async fn publish(&self, person: Option<i64>, picture: bytes::Bytes) -> String {
        let number = {
            let mut number = lock(&self.number);
            *number += 1;
            *number
        };
        let theft = self.ours.theft(person.unwrap_or(number), 30 * number, picture);
        let id = self.ours.publish_theft(theft).await;
        lock(&self.published).push(id.clone());
        id
    }
}

fn lock<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}
