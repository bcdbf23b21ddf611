//! What every request and socket of one server shares.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::mpsc::UnboundedSender;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use visionguard_picture::Studio;
use visionguard_proto::Moment;

use crate::config::{Limits, Sockets};
use crate::log::Log;
use crate::note::Note;
use crate::passwords::Passwords;
use crate::roster::Roster;
use crate::store::Store;
use crate::throttle::Throttle;
use crate::token::Keys;

#[derive(Debug)]
pub(crate) struct App {
    pub(crate) store: Store,
    pub(crate) roster: Arc<Roster>,
    pub(crate) log: Arc<dyn Log>,
    pub(crate) keys: Keys,
    pub(crate) passwords: Passwords,
    pub(crate) throttle: Throttle,
    pub(crate) studio: Studio,
    pub(crate) notes: Notes,
    pub(crate) sockets: Sockets,
    pub(crate) limits: Limits,
    pub(crate) token_in_query: bool,
    pub(crate) access_lives: std::time::Duration,
    pub(crate) refresh_lives: std::time::Duration,
    /// The start of the clock that sessions are told the time of.
    pub(crate) started: Instant,
    /// The sockets' tasks, waited for when the server stops.
    pub(crate) tasks: TaskTracker,
    /// Everything ends now, without a word.
    pub(crate) killed: CancellationToken,
}

/// Whoever wants to know what happens.
#[derive(Debug, Clone)]
pub(crate) struct Notes(pub(crate) Option<UnboundedSender<Note>>);

impl App {
    /// Now, on the sessions' clock.
    pub(crate) fn now(&self) -> Moment {
        Moment::from_start(self.started.elapsed())
    }
}

impl Notes {
    pub(crate) fn tell(&self, note: Note) {
        if let Some(listener) = &self.0 {
            // Nobody listens any more: nothing depends on it.
            let _ = listener.send(note);
        }
    }
}
