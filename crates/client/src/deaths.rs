//! When what dies again and again is given up: a window, a page.

use std::time::{Duration, Instant};

/// Among so many deaths within [`WITHIN`] the last one is the last.
const TOO_MANY: usize = 4;
const WITHIN: Duration = Duration::from_secs(60);

/// What is done about a death.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After {
    Again,
    GiveUp,
}

/// When it died lately.
#[derive(Debug, Default)]
pub struct Deaths(Vec<Instant>);

impl Deaths {
    /// It died now.
    pub fn another(&mut self, now: Instant) -> After {
        self.0.retain(|death| now.duration_since(*death) < WITHIN);
        self.0.push(now);
        if self.0.len() < TOO_MANY { After::Again } else { After::GiveUp }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_dies_now_and_then_is_begun_again() {
        let (mut deaths, mut now) = (Deaths::default(), Instant::now());

        for _ in 0..100 {
            assert_eq!(deaths.another(now), After::Again);
            now += WITHIN / 3;
        }
        assert!(deaths.0.len() < TOO_MANY, "nothing heaps up");
    }

    #[test]
    fn what_dies_at_once_again_and_again_is_given_up() {
        let (mut deaths, now) = (Deaths::default(), Instant::now());

        let answers = [0, 1, 2, 3].map(|second| deaths.another(now + Duration::from_secs(second)));

        assert_eq!(answers, [After::Again, After::Again, After::Again, After::GiveUp]);
    }
}
