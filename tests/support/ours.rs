//! Our server inside this process, with an owner and a shop: stopped, killed and started again on its data.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use secrecy::SecretString;
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use visionguard_proto::{Jpeg, ShopId, StreamId, UserId};
use visionguard_server::publish::Kind;
use visionguard_server::{Config, Detection, NewUser, Role, Running, Server};

use crate::{picture, wait};

/// The owner's address.
pub const EMAIL: &str = "owner@shop.example";
/// The owner's password.
pub const PASSWORD: &str = "correct horse battery";
/// The stream of every detection.
pub const STREAM: &str = "748e3bf7-47bf-4ce7-b2ae-bfdc7c81c983";

/// The server while it runs, and what outlives it.
#[derive(Debug)]
pub struct Ours {
    pub running: Option<Running>,
    pub config: Config,
    pub owner: UserId,
    pub shop: ShopId,
    pub folder: TempDir,
}

impl Ours {
    /// Starts one that is set up differently by `change`.
    pub async fn start(change: impl FnOnce(&mut Config)) -> Ours {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::new(folder.path());
        change(&mut config);
        let running = Server::start(config.clone()).await.unwrap();
        // After a restart it has to be where it was.
        config.listen = running.address;
        let owner = NewUser {
            email: EMAIL.to_owned(),
            name: "Shop Owner".to_owned(),
            role: Role::Owner,
            password: SecretString::from(PASSWORD),
        };
        let owner = running.users().add_user(owner).await.unwrap();
        let shop = running.users().add_shop("Downtown", &owner).await.unwrap();
        Ours { running: Some(running), config, owner, shop, folder }
    }

    /// The server.
    ///
    /// # Panics
    ///
    /// While it does not run.
    pub fn running(&self) -> &Running {
        self.running.as_ref().expect("the server runs")
    }

    /// Where it is, running or not.
    pub fn url(&self) -> String {
        format!("http://{}", self.config.listen)
    }

    /// Publishes a theft by this person, with a picture of theirs; its id in the record.
    pub async fn publish(&self, person: u8) -> String {
        self.publish_theft(self.theft(person.into(), 30, picture::jpeg(person))).await
    }

    /// Publishes this; its id in the record.
    pub async fn publish_theft(&self, theft: Detection) -> String {
        wait::within("an alert to be stored", self.running().publish(theft)).await.unwrap().id.to_string()
    }

    /// A theft by this person, seen in this frame of the stream.
    pub fn theft(&self, person: i64, frame: i64, picture: Bytes) -> Detection {
        Detection {
            shop_id: self.shop.clone(),
            user_id: None,
            stream_id: StreamId::new(STREAM).unwrap(),
            kind: Kind::Theft,
            severity: None,
            location: Some("Aisle 3".to_owned()),
            description: None,
            result: seen(person, frame),
            picture: Some(Jpeg::from_bytes(picture).unwrap()),
            idempotency_key: None,
        }
    }

    /// Ends it politely.
    pub async fn stop(&mut self) {
        wait::within("the server to stop", self.running.take().unwrap().stop()).await;
    }

    /// Ends it as `kill -9` does.
    pub fn kill(&mut self) {
        self.running.take().unwrap().kill();
    }

    /// Starts it again where it was.
    pub async fn resume(&mut self) {
        // The port of a killed server may be busy for a moment.
        let deadline = tokio::time::Instant::now() + wait::PATIENCE;
        loop {
            match Server::start(self.config.clone()).await {
                Ok(running) => return self.running = Some(running),
                Err(error) => assert!(tokio::time::Instant::now() < deadline, "{error}"),
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Another server on a copy of its data, which must not be in use.
    pub async fn copy(&self) -> Ours {
        let folder = self.copy_data();
        let mut config = Config::new(folder.path());
        let running = Server::start(config.clone()).await.unwrap();
        config.listen = running.address;
        Ours { running: Some(running), config, owner: self.owner.clone(), shop: self.shop.clone(), folder }
    }

    /// A copy of its data, which must not be in use.
    pub fn copy_data(&self) -> TempDir {
        let copy = tempfile::tempdir().unwrap();
        copy_files(self.folder.path(), copy.path());
        copy
    }

    /// Sets its data back to a copy; it must not run.
    pub fn restore(&self, copy: &TempDir) {
        for file in std::fs::read_dir(self.folder.path()).unwrap() {
            std::fs::remove_file(file.unwrap().path()).unwrap();
        }
        copy_files(copy.path(), self.folder.path());
    }
}

/// What the analysis of pictures says of this person in this frame.
pub fn seen(person: i64, frame: i64) -> Map<String, Value> {
    let result = json!({"person_id": person, "score": -3.5, "frame_number": frame, "start_frame": 1});
    result.as_object().unwrap().clone()
}

fn copy_files(from: &Path, to: &Path) {
    for file in std::fs::read_dir(from).unwrap() {
        let path = file.unwrap().path();
        std::fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
    }
}
