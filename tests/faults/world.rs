//! A shop for the tests of faults: the double of the original or our server, a bad network, a computer.

use std::collections::HashSet;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use secrecy::SecretString;
use serde_json::json;
use support::backend::{Backend, Detection, Pace, Person};
use support::chaos::Chaos;
use support::desk::{Desk, quick_link, quick_pace};
use support::{picture, wait};
use tempfile::TempDir;
use visionguard_client::view::{FeedItem, FeedQuery, Status};
use visionguard_proto::{Jpeg, ShopId, StreamId};
use visionguard_server::publish::Kind;
use visionguard_server::{Config, NewUser, Role, Running};

/// The stream of every detection.
pub const STREAM: &str = "748e3bf7-47bf-4ce7-b2ae-bfdc7c81c983";
pub const EMAIL: &str = "owner@shop.example";
pub const PASSWORD: &str = "correct horse battery";

/// Which server it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    Original,
    Ours,
}

pub const BOTH: [Which; 2] = [Which::Original, Which::Ours];

/// A server with one owner and one shop, and a computer behind a proxy.
#[derive(Debug)]
pub struct World {
    pub server: Server,
    pub chaos: Chaos,
    pub desk: Desk,
}

#[derive(Debug)]
pub enum Server {
    Original { backend: Box<Backend>, user: Person, shop: String },
    Ours(Box<Ours>),
}

/// Our server inside this process; its data outlives restarts.
#[derive(Debug)]
pub struct Ours {
    pub running: Option<Running>,
    config: Config,
    pub shop: ShopId,
    pub folder: TempDir,
}

impl World {
    /// A computer in a hurry that is protected.
    pub async fn protected(which: Which) -> World {
        World::with(which, Desk::with_link(quick_pace(), quick_link())).await
    }

    /// This computer, protected.
    pub async fn with(which: Which, desk: Desk) -> World {
        let server = match which {
            Which::Original => Server::original(Pace::default()),
            Which::Ours => Server::ours(|_| {}).await,
        };
        World::of(server, desk).await
    }

    pub async fn of(server: Server, desk: Desk) -> World {
        let chaos = Chaos::start(server.address()).await;
        let world = World { server, chaos, desk };
        world.sign_in().await;
        world
    }

    /// Signs in through the proxy and waits until the computer is protected.
    pub async fn sign_in(&self) {
        self.desk.sign_in(&self.chaos.url(), EMAIL, PASSWORD).await.unwrap();
        self.desk.until_status(Status::Protected).await;
    }

    /// Ends the wait for the next attempt and waits until the computer is protected.
    pub async fn back(&self) {
        self.desk.client.retry_now();
        self.desk.until_status(Status::Protected).await;
    }

    /// Waits until this many alerts are in the journal and the computer is protected, without waiting out the backoff.
    pub async fn until_alerts(&self, count: u16) {
        let deadline = tokio::time::Instant::now() + wait::PATIENCE;
        while known(&self.desk).await.len() < usize::from(count) {
            assert!(
                tokio::time::Instant::now() < deadline,
                "never {count} alerts: {:?}",
                self.desk.status().await
            );
            self.desk.client.retry_now();
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        self.back().await;
    }

    /// Waits until the client has read the record twice more: whatever that brings has arrived by then.
    pub async fn reconciled(&self) {
        let before = self.chaos.requests("/api/anomalies");
        wait::until("two more looks at the record", || {
            (self.chaos.requests("/api/anomalies") >= before + 2).then_some(())
        })
        .await;
    }

    /// Waits until exactly these alerts, by their ids in the record, are in the journal, each once, and stay so; no
    /// alert made a sound twice.
    pub async fn until_exactly(&self, ids: &[String]) {
        exactly(&self.desk, ids).await;
        self.reconciled().await;
        exactly(&self.desk, ids).await;
        notified_once(&self.desk);
    }
}

impl Server {
    pub fn original(pace: Pace) -> Server {
        let backend = Box::new(Backend::start_with(pace));
        let user = backend.add_user(EMAIL);
        assert_eq!(user.password, PASSWORD);
        let shop = backend.add_shop(&user, "Downtown");
        Server::Original { backend, user, shop }
    }

    pub async fn ours(change: impl FnOnce(&mut Config)) -> Server {
        Server::Ours(Box::new(Ours::start(change).await))
    }

    pub fn address(&self) -> std::net::SocketAddr {
        match self {
            Server::Original { backend, .. } => backend.address(),
            Server::Ours(ours) => ours.config.listen,
        }
    }

    /// A theft by this person; its id. Each person is an incident of its own.
    pub async fn publish(&self, person: u16) -> String {
        self.publish_picture(person, picture::jpeg((person % 250) as u8)).await
    }

    /// The same with this picture.
    pub async fn publish_picture(&self, person: u16, picture: Bytes) -> String {
        match self {
            Server::Original { backend, user, shop } => {
                let person = i64::from(person);
                let detection = Detection::new(user, shop, STREAM).person(person).frame_number(30 * person);
                backend.detect(detection.picture(picture))
            }
            Server::Ours(ours) => {
                let mut theft = ours.theft(person);
                theft.picture = Some(Jpeg::from_bytes(picture).unwrap());
                ours.running.as_ref().unwrap().publish(theft).await.unwrap().id.to_string()
            }
        }
    }

    /// Ends it as `kill -9` does.
    pub async fn kill(&mut self) {
        match self {
            Server::Original { backend, .. } => backend.kill().await,
            Server::Ours(ours) => ours.running.take().unwrap().kill(),
        }
    }

    /// Ends it politely.
    pub async fn stop(&mut self) {
        match self {
            Server::Original { backend, .. } => backend.stop().await,
            Server::Ours(ours) => ours.running.take().unwrap().stop().await,
        }
    }

    /// Starts it again where it was.
    pub async fn resume(&mut self) {
        match self {
            Server::Original { backend, .. } => backend.resume(),
            Server::Ours(ours) => ours.resume().await,
        }
    }

    /// Live connections that the server would deliver to.
    pub fn registered(&self) -> usize {
        match self {
            Server::Original { backend, user, .. } => usize::from(backend.is_registered(user)),
            Server::Ours(ours) => ours.running.as_ref().map_or(0, Running::connections),
        }
    }
}

impl Ours {
    pub async fn start(change: impl FnOnce(&mut Config)) -> Ours {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::new(folder.path());
        change(&mut config);
        let running = visionguard_server::Server::start(config.clone()).await.unwrap();
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
        Ours { running: Some(running), config, shop, folder }
    }

    pub async fn resume(&mut self) {
        // The port of a killed server may be busy for a moment.
        let deadline = tokio::time::Instant::now() + wait::PATIENCE;
        loop {
            match visionguard_server::Server::start(self.config.clone()).await {
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
        let running = visionguard_server::Server::start(config.clone()).await.unwrap();
        config.listen = running.address;
        Ours { running: Some(running), config, shop: self.shop.clone(), folder }
    }

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

    pub fn theft(&self, person: u16) -> visionguard_server::Detection {
        let number = 30 * u32::from(person);
        let result =
            json!({"person_id": person, "score": -3.5, "frame_number": number, "start_frame": number});
        visionguard_server::Detection {
            shop_id: self.shop.clone(),
            user_id: None,
            stream_id: StreamId::new(STREAM).unwrap(),
            kind: Kind::Theft,
            severity: None,
            location: Some("Aisle 3".to_owned()),
            description: None,
            result: result.as_object().unwrap().clone(),
            picture: None,
            idempotency_key: None,
        }
    }
}

fn copy_files(from: &Path, to: &Path) {
    for file in std::fs::read_dir(from).unwrap() {
        let path = file.unwrap().path();
        std::fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
    }
}

/// Waits until exactly these alerts, by their ids in the record, are in the journal, each once.
pub async fn exactly(desk: &Desk, ids: &[String]) {
    let mut wanted: Vec<Option<String>> = ids.iter().cloned().map(Some).collect();
    wanted.sort();
    let deadline = tokio::time::Instant::now() + wait::PATIENCE;
    loop {
        let mut found = known(desk).await;
        found.sort();
        if found == wanted {
            return;
        }
        let surplus: Vec<_> = found.iter().filter(|id| !wanted.contains(id)).collect();
        let missing: Vec<_> = wanted.iter().filter(|id| !found.contains(id)).collect();
        assert!(
            tokio::time::Instant::now() < deadline,
            "{} wanted, {} found; missing {missing:?}; too many {surplus:?}",
            wanted.len(),
            found.len()
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// All alerts in the journal by their ids in the record, where these are known yet.
pub async fn known(desk: &Desk) -> Vec<Option<String>> {
    let mut known = Vec::new();
    let mut query = FeedQuery::default();
    loop {
        let page = desk.client.feed(query.clone()).await.unwrap();
        for item in page.items {
            if let FeedItem::Incident(incident) = item {
                let alerts = desk.detail(&incident).await.alerts;
                known.extend(alerts.into_iter().map(|alert| alert.anomaly_id));
            }
        }
        match page.next {
            Some(next) => query.before = Some(next),
            None => return known,
        }
    }
}

/// No alert made a sound twice.
pub fn notified_once(desk: &Desk) {
    let mut heard = HashSet::new();
    for raised in desk.record().alert_notifications().into_iter().filter(|raised| raised.sound) {
        assert!(heard.insert(raised.alert.clone()), "{raised:?} was heard twice");
    }
}
