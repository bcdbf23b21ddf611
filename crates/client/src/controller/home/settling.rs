//! A journal that could not be opened at the start is kept in memory and tried again, until all of it is on the disk.

use visionguard_proto::message::ClientMessage;

use crate::controller::Controller;
use crate::controller::ticks::Tick;
use crate::journal::{self, Settled};

/// Bytes of pictures kept while the journal is in memory.
pub(crate) const IN_MEMORY: u64 = 64 * 1024 * 1024;

impl Controller {
    /// Tries the disk again.
    pub(crate) fn settle(&self) {
        let journal = self.journal.clone();
        let directory = self.data_dir.clone();
        let ticks = self.ticks.clone();
        self.tasks.spawn(async move {
            match journal.settle(&directory).await {
                Ok(Some(settled)) => {
                    let _ = ticks.send(Tick::Settled(settled));
                }
                Ok(None) => {}
                Err(error) => tracing::debug!(%error, "the journal stays in memory"),
            }
        });
    }

    pub(crate) fn settled(&mut self, settled: Settled) {
        tracing::info!(alerts = settled.unacked.len(), "the journal is on the disk again");
        self.journal_works();
        self.shown.withdraw("data_dir");
        if let Some(aside) = settled.set_aside {
            self.shown.notice("journal_set_aside", journal::set_aside_words(&aside));
        }
        for entry in settled.unacked {
            let alert = entry.alert;
            let ack = ClientMessage::Ack {
                frame_number: alert.frame_number.filter(|_| alert.anomaly_id.is_none()),
                stream_id: alert.stream_id,
                alert_id: alert.anomaly_id,
                cursor: None,
            };
            self.acknowledge(&ack, alert.id);
        }
        self.feed_changed();
        self.count();
        // The file may hold some that were stored and not shown before memory took its place.
        self.settle_snoozes();
        self.look_for_unnotified();
        // What memory knew, and the file does not, is no message that the socket lost.
        self.watch.record = None;
        self.reconcile_soon();
    }
}
