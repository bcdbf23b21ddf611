//! What is known of the device, and what is logged of it: one line when it changes.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::Unheard;

/// Longer than any sound takes on a device that works.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Now {
    /// It played, or would have.
    Ready,
    /// There is none, or it failed.
    Silent,
    /// It was asked, and nothing more was heard of it.
    Hanging,
}

#[derive(Debug, Default)]
pub(crate) struct State {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// None until it was first looked at.
    is_ready: Option<bool>,
    /// Since when it is asked or played on.
    busy_since: Option<Instant>,
}

impl State {
    pub(crate) fn now(&self, now: Instant) -> Now {
        let known = self.lock();
        let hangs = known.busy_since.is_some_and(|since| now.saturating_duration_since(since) > PATIENCE);
        match known.is_ready {
            _ if hangs => Now::Hanging,
            Some(true) => Now::Ready,
            Some(false) | None => Now::Silent,
        }
    }

    pub(crate) fn begin(&self, now: Instant) {
        self.lock().busy_since = Some(now);
    }

    pub(crate) fn end(&self, outcome: Result<(), Unheard>) {
        let mut known = self.lock();
        known.busy_since = None;
        let was = known.is_ready.replace(outcome.is_ok());
        match outcome {
            Err(why) if was != Some(false) => {
                tracing::warn!(%why, "alerts make no sound of their own; the desktop is asked for one");
            }
            Ok(()) if was == Some(false) => tracing::info!("alerts make their own sound again"),
            Ok(()) | Err(_) => {}
        }
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_promised_before_it_was_looked_at_and_after_a_failure() {
        let state = State::default();
        let now = Instant::now();
        assert_eq!(state.now(now), Now::Silent);

        state.end(Ok(()));
        assert_eq!(state.now(now), Now::Ready);
        state.end(Err(Unheard::Device("gone".into())));
        assert_eq!(state.now(now), Now::Silent);
    }

    #[test]
    fn a_device_that_does_not_go_on_is_no_longer_counted_on_until_it_does() {
        let state = State::default();
        let start = Instant::now();
        state.end(Ok(()));

        state.begin(start);
        assert_eq!(state.now(start + PATIENCE), Now::Ready, "a sound takes its time");
        assert_eq!(state.now(start + PATIENCE * 2), Now::Hanging);
        state.end(Ok(()));
        assert_eq!(state.now(start + PATIENCE * 2), Now::Ready);
    }
}
