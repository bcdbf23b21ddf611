//! The lane on which alerts go into the journal, one after the other, so that their order is kept.

use bytes::Bytes;
use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;
use visionguard_proto::message::ClientMessage;
use visionguard_proto::{Alert, Picture};

use super::ticks::Tick;
use crate::journal::{Journal, JournalError, Recorded};
use crate::view::Source;

/// How many alerts may wait for the disk; while they do, the socket is not asked for more.
pub(super) const LANE: usize = 32;

/// An alert on its way into the journal.
#[derive(Debug, Clone)]
pub(super) struct Arrival {
    pub(super) alert: Alert,
    pub(super) received_at: Timestamp,
    /// What to tell the server once it is stored.
    pub(super) ack: Option<ClientMessage>,
    /// It could not be stored before, and its notification was raised all the same.
    pub(super) notified: bool,
}

impl Arrival {
    /// The picture that came with it.
    pub(super) fn picture(&self) -> Option<Bytes> {
        match &self.alert.picture {
            Picture::Jpeg(jpeg) => Some(jpeg.bytes().clone()),
            Picture::At(_) | Picture::Absent | Picture::Refused(_) => None,
        }
    }
}

/// What became of storing one.
#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) arrival: Arrival,
    pub(super) result: Result<Recorded, JournalError>,
}

/// Starts the lane; it ends when the sender is dropped.
pub(super) fn start(
    tasks: &TaskTracker,
    journal: Journal,
    ticks: mpsc::UnboundedSender<Tick>,
) -> mpsc::Sender<Arrival> {
    let (lane, mut arrivals) = mpsc::channel::<Arrival>(LANE);
    tasks.spawn(async move {
        while let Some(arrival) = arrivals.recv().await {
            let result = journal.record(arrival.alert.clone(), arrival.received_at, Source::Live).await;
            if ticks.send(Tick::Attempted(Box::new(Attempt { arrival, result }))).is_err() {
                return;
            }
        }
    });
    lane
}
