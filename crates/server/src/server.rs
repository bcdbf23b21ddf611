//! Starting and stopping one server.

use std::net::SocketAddr;

use crate::config::Config;
use crate::demo;
use crate::people::People;
use crate::publish::{Detection, PublishError, Published};

/// Starts servers.
#[derive(Debug)]
pub struct Server;

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address is taken or not ours.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// The system's reason.
        source: std::io::Error,
    },
}

/// A server that runs until it is stopped, killed or dropped.
#[derive(Debug)]
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
}

impl Server {
    /// Opens the database, listens, and returns once requests are accepted.
    pub async fn start(config: Config) -> Result<Running, StartError> {
        let _ = config;
        std::future::ready(()).await;
        todo!()
    }
}

impl Running {
    /// `http://` and the address.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Stops politely: every socket is closed with 1012, requests under way are answered, the database is closed.
    pub async fn stop(self) {
        std::future::ready(()).await;
        todo!()
    }

    /// Ends at once, as a crash would: no close frames, connections just end. What was committed stays.
    pub fn kill(self) {
        todo!()
    }

    /// Publishes a detection, as `POST /api/alerts` does.
    pub async fn publish(&self, detection: Detection) -> Result<Published, PublishError> {
        let _ = detection;
        std::future::ready(()).await;
        todo!()
    }

    /// Users and shops.
    pub fn users(&self) -> People {
        todo!()
    }

    /// Live connections, all users together.
    pub fn connections(&self) -> usize {
        todo!()
    }

    /// The demonstration's user, if [`Config::demo`] was set.
    pub fn demo(&self) -> Option<&demo::Ready> {
        todo!()
    }
}
