//! A shop with our own server and one owner, for programs that run as processes of their own.

use std::collections::HashSet;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use secrecy::SecretString;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use visionguard_proto::{Jpeg, ShopId, StreamId};
use visionguard_server::note::Via;
use visionguard_server::publish::Kind;
use visionguard_server::{Config, Detection, NewUser, Note, Role, Running, Server};

use crate::process::{Credentials, Watch};
use crate::{http, picture};

/// The owner's address.
pub const EMAIL: &str = "owner@shop.example";
/// The owner's password.
pub const PASSWORD: &str = "correct horse battery";

/// The server, and what was published and acknowledged so far.
#[derive(Debug)]
pub struct Shop {
    counter: Arc<Counter>,
    notes: Mutex<UnboundedReceiver<Note>>,
    acked: Mutex<HashSet<String>>,
    credentials: Credentials,
    _folder: TempDir,
}

/// Where detections are handed in.
#[derive(Debug)]
struct Counter {
    server: Running,
    shop: ShopId,
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
        let folder = tempfile::tempdir().unwrap();
        let (sender, notes) = unbounded_channel();
        let mut config = Config::new(folder.path());
        config.notes = Some(sender);
        set_up(&mut config);
        let server = Server::start(config).await.unwrap();
        let owner = NewUser {
            email: EMAIL.to_owned(),
            name: "Shop Owner".to_owned(),
            role: Role::Owner,
            password: SecretString::from(PASSWORD),
        };
        let owner = server.users().add_user(owner).await.unwrap();
        let shop = server.users().add_shop("Downtown", &owner).await.unwrap();

        let body = json!({"email": EMAIL, "password": PASSWORD});
        let answer = http::client().post(format!("{}/auth/login", server.url())).json(&body).send().await;
        let answer: Value = answer.unwrap().json().await.unwrap();
        let credentials = Credentials {
            server: server.url(),
            user_id: owner.to_string(),
            token: answer["access_token"].as_str().unwrap().to_owned(),
        };
        let counter = Counter { server, shop, published: Mutex::default(), number: Mutex::default() };
        Shop {
            counter: Arc::new(counter),
            notes: Mutex::new(notes),
            acked: Mutex::default(),
            credentials,
            _folder: folder,
        }
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
        self.counter.server.connections()
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
        let person = person.unwrap_or(number);
        let result =
            json!({"person_id": person, "score": -3.5, "frame_number": 30 * number, "start_frame": 1});
        let detection = Detection {
            shop_id: self.shop.clone(),
            user_id: None,
            stream_id: StreamId::new("748e3bf7-47bf-4ce7-b2ae-bfdc7c81c983").unwrap(),
            kind: Kind::Theft,
            severity: None,
            location: Some("Aisle 3".to_owned()),
            description: None,
            result: result.as_object().unwrap().clone(),
            picture: Some(Jpeg::from_bytes(picture).unwrap()),
            idempotency_key: None,
        };
        let id = self.server.publish(detection).await.unwrap().id.to_string();
        lock(&self.published).push(id.clone());
        id
    }
}

fn lock<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}
