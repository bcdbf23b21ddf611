//! A list of steps, each timed, and the table at the end.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::project::say;

/// The steps taken so far.
#[derive(Debug, Default)]
pub struct Steps {
    taken: Vec<Step>,
}

/// One step and how it ended.
#[derive(Debug)]
pub struct Step {
    name: String,
    took: Duration,
    /// Why it failed, if it did.
    failure: Option<String>,
}

impl Step {
    /// Takes a step now.
    pub fn take(name: &str, work: impl FnOnce() -> Result<()>) -> Self {
        let started = Instant::now();
        let failure = work().err().map(|error| format!("{error:#}"));
        Self { name: name.to_owned(), took: started.elapsed(), failure }
    }
}

impl Steps {
    /// Takes a step, says how it went, and goes on whatever happened.
    pub fn take(&mut self, name: &str, work: impl FnOnce() -> Result<()>) -> bool {
        say(format!("\n=== {name}"));
        self.add(Step::take(name, work))
    }

    /// Adds a step that was taken elsewhere, such as beside others.
    pub fn add(&mut self, step: Step) -> bool {
        match &step.failure {
            None => say(format!("--- {}: ok, {}", step.name, seconds(step.took))),
            Some(failure) => say(format!("--- {}: FAILED, {}\n{failure}", step.name, seconds(step.took))),
        }
        let succeeded = step.failure.is_none();
        self.taken.push(step);
        succeeded
    }

    /// Notes a step that could not be taken because of an earlier one.
    pub fn skip(&mut self, name: &str, why: &str) {
        say(format!("\n=== {name}: not run, {why}"));
        self.taken.push(Step {
            name: name.to_owned(),
            took: Duration::ZERO,
            failure: Some(format!("not run: {why}")),
        });
    }

    /// Prints the table; an error if any step failed.
    pub fn finish(self) -> Result<()> {
        let width = self.taken.iter().map(|step| step.name.chars().count()).max().unwrap_or(0);
        say("");
        for step in &self.taken {
            let verdict = match &step.failure {
                None => "ok",
                Some(why) if why.starts_with("not run") => "not run",
                Some(_) => "FAILED",
            };
            say(format!("{:width$}  {:>8}  {verdict}", step.name, seconds(step.took)));
        }
        let total = self.taken.iter().map(|step| step.took).sum();
        say(format!("{:width$}  {:>8}", "all", seconds(total)));

        let failed: Vec<_> =
            self.taken.iter().filter(|step| step.failure.is_some()).map(|step| step.name.as_str()).collect();
        if failed.is_empty() {
            return Ok(());
        }
        bail!("failed: {}", failed.join(", "));
    }
}

/// A time for people to read.
pub(crate) fn seconds(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds < 60.0 {
        return format!("{seconds:.1} s");
    }
    format!("{} m {:02} s", time.as_secs() / 60, time.as_secs() % 60)
}
