//! P12: what came while the program was off.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use super::backend::{Backend, EMAIL, PASSWORD};
use super::figures::{Figure, Goal};
use super::programs::Programs;
use super::record::Outcome;
use super::stage::Watch;
use super::{Bench, MESSAGE};
use crate::project::target;

const MISSED: usize = 10_000;
const PEOPLE: usize = 500;
const CAMERAS: usize = 10;

/// What catching up took.
#[derive(Debug, Clone, Copy)]
pub(super) struct Caught {
    /// Seconds from the start of the program until all of it is stored.
    pub(super) stored: f64,
    /// Seconds until it says that all is well.
    protected: f64,
    /// What it had in memory at most, above what it has when nothing was missed: MiB.
    pub(super) grown: f64,
}

/// Ten thousand out of the original's record.
pub(super) fn ten_thousand(bench: &Bench) -> Result<Outcome> {
    let (mut ours, mut today) = (Vec::new(), Vec::new());
    for _ in 0..bench.repetitions {
        ours.push(caught_up(bench, &bench.ours, MISSED, CAMERAS)?);
        today.push(caught_up(bench, &bench.today, MISSED, CAMERAS)?);
    }
    let figure = |what: &str, unit: &str, of: fn(&Caught) -> f64| {
        let what = format!("10,000 of the original's record, {what}");
        let ours = Figure::alone(&what, unit, ours.iter().map(of).collect());
        ours.against("today", today.iter().map(of).collect())
    };
    Ok(vec![
        figure("until stored", "s", |caught| caught.stored).goal(Goal::Ratio(0.5)),
        figure("until protected", "s", |caught| caught.protected),
        figure("memory", "MiB", |caught| caught.grown).goal(Goal::Ratio(0.5)),
    ]
    .into())
}

/// A computer that was protected once, was switched off, and missed so many.
pub(super) fn caught_up(bench: &Bench, programs: &Programs, missed: usize, cameras: usize) -> Result<Caught> {
    let backend = Backend::start(bench.picture(MESSAGE)?)?;
    let data = fresh()?;
    let watch = || Watch::start(programs, &data, &backend.url(), EMAIL, PASSWORD);

    let before = watch()?;
    before.until_protected()?;
    let idle = before.running.tree().peak()?;
    before.running.end()?;
    backend.record(missed, PEOPLE, cameras);
    let after = watch()?;
    let stored = after.until_told(missed)?.as_secs_f64();
    let protected = after.until_protected()?.as_secs_f64();
    let grown = after.running.tree().peak()? - idle;
    after.running.end()?;
    Ok(Caught { stored, protected, grown: grown.max(0.0) })
}

/// An empty data directory.
fn fresh() -> Result<PathBuf> {
    let data = target().join("bench/data");
    if data.exists() {
        fs::remove_dir_all(&data).with_context(|| format!("cannot remove {}", data.display()))?;
    }
    fs::create_dir_all(&data).with_context(|| format!("cannot create {}", data.display()))?;
    Ok(data)
}
