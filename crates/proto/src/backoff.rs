//! How long to wait before the next attempt.

use std::time::Duration;

/// Waits of min(30 s, 1 s x 1.5^n), shortened by jitter to between half and the whole.
#[derive(Debug, Clone)]
pub struct Backoff {
    attempt: u32,
    seed: u64,
}

impl Backoff {
    /// Starts with the first wait; `seed` draws the jitter.
    pub fn new(seed: u64) -> Backoff {
        Backoff { attempt: 0, seed }
    }

    /// The next wait, jitter included.
    pub fn next_wait(&mut self) -> Duration {
        let _ = (self.attempt, self.seed);
        todo!()
    }

    /// Starts over: the connection has proved itself.
    pub fn reset(&mut self) {
        self.attempt = 0;
    }
}
