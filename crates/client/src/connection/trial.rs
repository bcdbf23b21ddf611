//! A socket that is opened to see whether it can be.

use std::sync::Arc;
use std::time::Duration;

use visionguard_proto::Cause;

use super::discovery::Protocol;
use super::handshake::Request;
use super::socket::Socket;
use super::{Target, discovery, handshake};
use crate::clock::Clock;
use crate::dial::Dial;

const WITHIN: Duration = Duration::from_secs(20);

/// Which protocol the server speaks now. [`Cause::Downgraded`] where it must speak more.
pub(crate) async fn ask_protocol(
    dial: &dyn Dial,
    clock: &dyn Clock,
    target: &Target,
) -> Result<Protocol, Cause> {
    let asked = tokio::time::timeout(WITHIN, discovery::ask(dial, target, clock.wall())).await;
    asked.unwrap_or(Err(Cause::TimedOut))
}

/// An open socket that nobody reads; to be closed within seconds.
pub(crate) struct Trial {
    socket: Socket,
    /// What is spoken on it.
    pub(crate) protocol: Protocol,
}

impl Trial {
    pub(crate) async fn open(
        dial: Arc<dyn Dial>,
        clock: &dyn Clock,
        target: &Target,
    ) -> Result<Trial, Cause> {
        let request = Request { target, spoken: None, cursor: None };
        let opened = handshake::open(&*dial, clock, request, WITHIN).await?;
        Ok(Trial { protocol: opened.protocol, socket: Socket::new(opened.socket, opened.heard) })
    }

    /// Says goodbye.
    pub(crate) async fn close(self) {
        self.socket.farewell(1000).await;
    }
}
