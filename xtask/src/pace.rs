//! About how long a step takes: what it took the last time on this machine, and before the first time what it took
//! elsewhere.
//!
//! The times are kept in the build directory, so that they are forgotten together with what was compiled.

use std::collections::BTreeMap;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::project::{root, target};

/// A step that is about to be taken, and how long it took on two processors: with nothing compiled or installed yet, and
/// with all of that done.
#[derive(Debug, Clone, Copy)]
pub struct Planned {
    pub name: &'static str,
    cold: Duration,
    warm: Duration,
}

impl Planned {
    /// A step with its times in seconds.
    pub const fn new(name: &'static str, cold: u64, warm: u64) -> Self {
        Self { name, cold: Duration::from_secs(cold), warm: Duration::from_secs(warm) }
    }

    /// A step that takes as long the first time as later.
    pub const fn steady(name: &'static str, seconds: u64) -> Self {
        Self::new(name, seconds, seconds)
    }
}

/// What one chore's steps took on this machine.
#[derive(Debug, Default)]
pub struct Pace {
    chore: &'static str,
    /// Which dependencies there are: with others, what was compiled is of no use.
    dependencies: u64,
    times: Times,
}

type Times = BTreeMap<String, Taken>;

/// How a step went the last time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Taken {
    seconds: f64,
    dependencies: u64,
    /// Whether it was the first time with these dependencies.
    first: bool,
}

impl Pace {
    /// What is remembered of a chore.
    pub fn of(chore: &'static str) -> Self {
        let lock = fs::read(root().join("Cargo.lock")).unwrap_or_default();
        let mut hasher = DefaultHasher::new();
        lock.hash(&mut hasher);
        Self { chore, dependencies: hasher.finish(), times: remembered() }
    }

    /// About how long a step will take.
    pub fn likely(&self, step: &Planned) -> Duration {
        match self.last(step.name) {
            None => step.cold,
            Some(taken) if taken.first => step.warm,
            Some(taken) => Duration::try_from_secs_f64(taken.seconds).unwrap_or(step.warm),
        }
    }

    /// The same in words.
    pub fn words(&self, step: &Planned) -> String {
        match self.last(step.name) {
            None if step.cold != step.warm => {
                format!("{} the first time, {} later", about(step.cold), about(step.warm))
            }
            Some(taken) if !taken.first => format!("{}, as the last time", about(self.likely(step))),
            None | Some(_) => about(self.likely(step)),
        }
    }

    /// Keeps how long a step took. A file that cannot be written only costs the next estimate.
    pub fn remember(&mut self, step: &str, took: Duration) {
        let first = self.last(step).is_none();
        let taken = Taken { seconds: took.as_secs_f64(), dependencies: self.dependencies, first };
        let key = self.key(step);
        // Another chore may have written meanwhile.
        self.times = remembered();
        self.times.insert(key, taken);
        let file = file();
        if let (Some(folder), Ok(text)) = (file.parent(), serde_json::to_string_pretty(&self.times)) {
            let _ = fs::create_dir_all(folder).and_then(|()| fs::write(&file, text));
        }
    }

    fn last(&self, step: &str) -> Option<Taken> {
        self.times.get(&self.key(step)).copied().filter(|taken| taken.dependencies == self.dependencies)
    }

    fn key(&self, step: &str) -> String {
        format!("{}: {step}", self.chore)
    }
}

/// A time that nobody should take to the second.
pub fn about(time: Duration) -> String {
    match time.as_secs() {
        0..=9 => "a few seconds".to_owned(),
        seconds @ 10..=89 => format!("about {} s", (seconds + 5) / 10 * 10),
        seconds => format!("about {} min", (seconds + 30) / 60),
    }
}

fn remembered() -> Times {
    let text = fs::read_to_string(file()).unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}

fn file() -> PathBuf {
    target().join("xtask/times.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUILD: Planned = Planned::new("build", 300, 12);

    #[test]
    fn before_the_first_time_both_figures_are_said() {
        let pace = Pace::default();

        assert_eq!(pace.words(&BUILD), "about 5 min the first time, about 10 s later");
        assert_eq!(pace.words(&Planned::steady("tests", 45)), "about 50 s");
        assert_eq!(pace.likely(&BUILD), Duration::from_secs(300));
    }

    #[test]
    fn after_the_first_time_a_step_is_expected_to_be_warm() {
        let pace = remembering(Taken { seconds: 280.0, dependencies: 0, first: true });

        assert_eq!(pace.words(&BUILD), "about 10 s");
    }

    #[test]
    fn later_the_last_time_is_the_best_guess() {
        let pace = remembering(Taken { seconds: 31.0, dependencies: 0, first: false });

        assert_eq!(pace.words(&BUILD), "about 30 s, as the last time");
        assert_eq!(pace.likely(&BUILD), Duration::from_secs(31));
    }

    #[test]
    fn with_other_dependencies_it_is_as_the_first_time() {
        let pace = remembering(Taken { seconds: 31.0, dependencies: 7, first: false });

        assert_eq!(pace.likely(&BUILD), Duration::from_secs(300));
    }

    #[test]
    fn another_chore_s_step_of_the_same_name_says_nothing() {
        let mut pace = remembering(Taken { seconds: 31.0, dependencies: 0, first: false });
        pace.chore = "bench";

        assert_eq!(pace.likely(&BUILD), Duration::from_secs(300));
    }

    fn remembering(taken: Taken) -> Pace {
        let mut pace = Pace { chore: "demo", ..Pace::default() };
        pace.times.insert(pace.key("build"), taken);
        pace
    }
}
