//! Plays the sounds of alerts on the computer's usual output, on a thread of its own.
//!
//! The device is open only while something sounds. Nothing here holds up the caller: a device that is missing, busy or
//! hanging costs the thread, and [`Player::can_play`] then says no, so that the desktop can be asked for a sound instead. It
//! decides nothing: whether something is to be heard is for the policy.

mod device;
mod state;

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use state::{Now, State};

/// Sounds that may wait while one is played; what comes then is not heard apart anyway.
const WAITING: usize = 2;
/// A sound that comes later than this belongs to nothing.
const FRESH: Duration = Duration::from_secs(2);

/// What is played; `sounds/make.py` made them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sound {
    /// Two notes.
    Alert,
    /// Three notes, twice.
    Urgent,
}

impl Sound {
    pub(crate) fn wav(self) -> &'static [u8] {
        match self {
            Self::Alert => include_bytes!("../sounds/alert.wav"),
            Self::Urgent => include_bytes!("../sounds/urgent.wav"),
        }
    }
}

/// How loud, between silence and as loud as the computer is set.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Volume(f32);

impl Volume {
    /// Of a hundred; more counts as a hundred.
    #[must_use]
    pub fn percent(percent: u32) -> Self {
        // No more than a hundred: exact. Ears hear steps of the square as even.
        #[allow(clippy::cast_precision_loss)]
        let part = percent.min(100) as f32 / 100.0;
        Self(part * part)
    }

    /// Nothing is heard.
    #[must_use]
    pub fn is_silence(self) -> bool {
        self.0 == 0.0
    }

    pub(crate) fn factor(self) -> f32 {
        self.0
    }
}

/// Why nothing was heard.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unheard {
    /// The computer's sound output cannot be opened, or failed meanwhile.
    #[error("the sound output does not work: {0}")]
    Device(String),
    /// It is still at another sound, or does not go on.
    #[error("the sound output is busy or does not answer")]
    Busy,
}

/// Plays sounds; the thread ends with the last clone.
#[derive(Clone)]
pub struct Player {
    orders: SyncSender<Order>,
    state: Arc<State>,
}

enum Order {
    /// See whether the device can be opened.
    Look,
    Play {
        sound: Sound,
        volume: Volume,
        asked_at: Instant,
        tell: Tell,
    },
}

type Tell = Box<dyn FnOnce(Result<(), Unheard>) + Send>;

impl Player {
    /// Starts the thread, which looks at once whether there is anything to play on.
    pub fn start() -> io::Result<Self> {
        let (orders, waiting) = sync_channel(WAITING);
        let state = Arc::new(State::default());
        let player = Self { orders, state: Arc::clone(&state) };
        player.look();
        thread::Builder::new().name("sound".into()).spawn(move || serve(&waiting, &state))?;
        Ok(player)
    }

    /// Whether a sound would be heard, as far as is known. Where not, it is looked again meanwhile: for the next time.
    #[must_use]
    pub fn can_play(&self) -> bool {
        match self.state.now(Instant::now()) {
            Now::Ready => true,
            Now::Silent => {
                self.look();
                false
            }
            Now::Hanging => false,
        }
    }

    /// Plays a sound, some milliseconds from now; while others wait already it is left out.
    pub fn play(&self, sound: Sound, volume: Volume) {
        self.play_and_tell(sound, volume, |_| {});
    }

    /// The same; `tell` is called once with what became of it, on another thread, unless the device never answers.
    pub fn play_and_tell(
        &self,
        sound: Sound,
        volume: Volume,
        tell: impl FnOnce(Result<(), Unheard>) + Send + 'static,
    ) {
        if volume.is_silence() {
            return tell(Ok(()));
        }
        let order = Order::Play { sound, volume, asked_at: Instant::now(), tell: Box::new(tell) };
        if let Err(full) = self.orders.try_send(order) {
            let (std::sync::mpsc::TrySendError::Full(order)
            | std::sync::mpsc::TrySendError::Disconnected(order)) = full;
            order.give_up();
        }
    }

    fn look(&self) {
        // A full list looks by playing.
        let _ = self.orders.try_send(Order::Look);
    }
}

impl Order {
    fn give_up(self) {
        if let Self::Play { sound, tell, .. } = self {
            tracing::debug!(?sound, "a sound is left out: others are played or wait");
            tell(Err(Unheard::Busy));
        }
    }
}

impl fmt::Debug for Player {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Player").field("now", &self.state.now(Instant::now())).finish_non_exhaustive()
    }
}

fn serve(orders: &Receiver<Order>, state: &State) {
    while let Ok(order) = orders.recv() {
        match order {
            Order::Look => {
                state.begin(Instant::now());
                state.end(device::look());
            }
            Order::Play { asked_at, .. } if asked_at.elapsed() > FRESH => order.give_up(),
            Order::Play { sound, volume, tell, .. } => {
                state.begin(Instant::now());
                let played = device::play(sound, volume);
                state.end(played.clone());
                tell(played);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_percent_changes_nothing_and_none_is_silence() {
        assert_eq!(Volume::percent(100).factor(), 1.0);
        assert_eq!(Volume::percent(4_000).factor(), 1.0);
        assert!(Volume::percent(0).is_silence() && !Volume::percent(1).is_silence());
        assert!(Volume::percent(20).factor() < Volume::percent(21).factor());
    }
}
