//! A socket that is opened to see whether it can be.

use std::sync::Arc;
use std::time::Duration;

use visionguard_proto::Cause;

use super::socket::Socket;
use super::{Target, handshake};
use crate::clock::Clock;
use crate::dial::Dial;

const WITHIN: Duration = Duration::from_secs(20);

/// An open socket that nobody reads; to be closed within seconds.
pub(crate) struct Trial(Socket);

impl Trial {
    pub(crate) async fn open(
        dial: Arc<dyn Dial>,
        clock: &dyn Clock,
        target: &Target,
    ) -> Result<Trial, Cause> {
        let (socket, heard) = handshake::open(&*dial, clock, target, WITHIN).await?;
        Ok(Trial(Socket::new(socket, heard)))
    }

    /// Says goodbye.
    pub(crate) async fn close(self) {
        self.0.farewell(1000).await;
    }
}
