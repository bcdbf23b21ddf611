//! Acks that were sent are noted in the journal; those of a moment share a commit. Nothing hangs on the note but what the page
//! says of an alert, so it may be late, and the disk has the alerts themselves to write.

use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};
use tokio_util::task::TaskTracker;

use crate::controller::ticks::Tick;
use crate::journal::Journal;
use crate::model::AlertId;

/// How long the first of a moment waits for others.
const MOMENT: Duration = Duration::from_millis(250);

/// An alert, and when its ack was sent.
pub(in crate::controller) type Sent = (AlertId, Timestamp);

/// Starts noting them; it ends when all senders are dropped, and what was sent by then is noted first.
pub(in crate::controller) fn start(
    tasks: &TaskTracker,
    journal: Journal,
    ticks: mpsc::UnboundedSender<Tick>,
) -> mpsc::UnboundedSender<Sent> {
    let (acks, mut sent) = mpsc::unbounded_channel();
    tasks.spawn(async move {
        while let Some(first) = sent.recv().await {
            let mut together = vec![first];
            let until = Instant::now() + MOMENT;
            while let Ok(Some(next)) = timeout_at(until, sent.recv()).await {
                together.push(next);
            }
            let alerts = together.iter().map(|(alert, _)| *alert).collect();
            let tick = match journal.mark_acked(together).await {
                Ok(()) => Tick::Acked(alerts),
                Err(error) => Tick::WriteFailed(error),
            };
            if ticks.send(tick).is_err() {
                return;
            }
        }
    });
    acks
}
