//! A list of steps: each announced with its number and about how long it takes, each timed, and the table at the end.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::pace::{Pace, Planned, about};
use crate::project::say;

/// The steps of a chore and how those taken so far went.
#[derive(Debug)]
pub struct Steps {
    plan: Vec<Planned>,
    pace: Pace,
    started: Instant,
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
    /// Announces a chore with these steps.
    pub fn of(chore: &'static str, plan: &[Planned]) -> Self {
        let steps =
            Self { plan: plan.to_vec(), pace: Pace::of(chore), started: Instant::now(), taken: Vec::new() };
        say(format!("{} steps, {} in all.", plan.len(), about(steps.to_go(plan))));
        steps
    }

    /// Takes a step, says how it went, and goes on whatever happened.
    pub fn take(&mut self, name: &str, work: impl FnOnce() -> Result<()>) -> bool {
        say(format!("\n=== {}", self.announcement(name)));
        self.add(Step::take(name, work))
    }

    /// Takes a step that the next ones cannot do without.
    pub fn need(&mut self, name: &str, work: impl FnOnce() -> Result<()>) -> Result<()> {
        if self.take(name, work) {
            return Ok(());
        }
        bail!("failed: {name}");
    }

    /// A step's number, its name, about how long it takes, and how far the chore has come.
    fn announcement(&self, name: &str) -> String {
        let Some(place) = self.plan.iter().position(|step| step.name == name) else { return name.to_owned() };
        let (number, all) = (place + 1, self.plan.len());
        let mut words = format!("{number} of {all}: {name}, {}", self.pace.words(&self.plan[place]));
        if place > 0 {
            words += &format!(" ({} so far", seconds(self.started.elapsed()));
            if number < all {
                words += &format!(", {} to go", about(self.to_go(&self.plan[place..])));
            }
            words.push(')');
        }
        words
    }

    fn to_go(&self, steps: &[Planned]) -> Duration {
        steps.iter().map(|step| self.pace.likely(step)).sum()
    }

    /// Adds a step that was taken elsewhere, such as beside others.
    pub fn add(&mut self, step: Step) -> bool {
        match &step.failure {
            None => say(format!("--- {}: ok, {}", step.name, seconds(step.took))),
            Some(failure) => say(format!("--- {}: FAILED, {}\n{failure}", step.name, seconds(step.took))),
        }
        let succeeded = step.failure.is_none();
        if succeeded {
            self.pace.remember(&step.name, step.took);
        }
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
