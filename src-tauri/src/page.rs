//! The way to the page: its channel, while there is one.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tauri::ipc::Channel;
use visionguard_client::view::Event;

/// The channel of the open page, or what to open once there is one.
#[derive(Debug, Default)]
pub(crate) struct Page(Mutex<Way>);

#[derive(Default)]
struct Way {
    channel: Option<Channel<Event>>,
    /// The incident to show as soon as a page listens.
    open: Option<String>,
}

impl Page {
    /// From now on events go here; a page that was there before is forgotten.
    pub(crate) fn connect(&self, channel: Channel<Event>) {
        let mut way = self.lock();
        if let Some(incident) = way.open.take() {
            send(&channel, Event::Open { incident });
        }
        way.channel = Some(channel);
    }

    /// The page is gone: what is sent to a destroyed window would be lost without an error.
    pub(crate) fn close(&self) {
        *self.lock() = Way::default();
    }

    /// Hands an event on, or drops it where nobody listens.
    pub(crate) fn send(&self, event: &Event) {
        if let Some(channel) = &self.lock().channel {
            send(channel, event.clone());
        }
    }

    /// Shows an incident now, or when a page listens.
    pub(crate) fn open(&self, incident: &str) {
        let mut way = self.lock();
        let incident = incident.to_owned();
        match &way.channel {
            Some(channel) => send(channel, Event::Open { incident }),
            None => way.open = Some(incident),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Way> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn send(channel: &Channel<Event>, event: Event) {
    if let Err(error) = channel.send(event) {
        tracing::warn!(%error, "an event did not reach the page");
    }
}

impl std::fmt::Debug for Way {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Way")
            .field("connected", &self.channel.is_some())
            .field("open", &self.open)
            .finish()
    }
}
