//! A shop for the tests of faults: the double of the original or our server, a bad network, a computer.

use std::collections::HashSet;
use std::time::Duration;

use bytes::Bytes;
use support::backend::{Backend, Detection, Pace, Person};
use support::chaos::Chaos;
use support::desk::{Desk, quick_link, quick_pace};
pub use support::ours::{EMAIL, Ours, PASSWORD, STREAM};
use support::{picture, wait};
use visionguard_client::view::{FeedItem, FeedQuery, Status};
use visionguard_server::{Config, Running};

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
        let person = i64::from(person);
        match self {
            Server::Original { backend, user, shop } => {
                let detection = Detection::new(user, shop, STREAM).person(person).frame_number(30 * person);
                backend.detect(detection.picture(picture))
            }
            Server::Ours(ours) => ours.publish_theft(ours.theft(person, 30 * person, picture)).await,
        }
    }

    /// Ends it as `kill -9` does.
    pub async fn kill(&mut self) {
        match self {
            Server::Original { backend, .. } => backend.kill().await,
            Server::Ours(ours) => ours.kill(),
        }
    }

    /// Ends it politely.
    pub async fn stop(&mut self) {
        match self {
            Server::Original { backend, .. } => backend.stop().await,
            Server::Ours(ours) => ours.stop().await,
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
        let page = desk.feed(query.clone()).await;
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
