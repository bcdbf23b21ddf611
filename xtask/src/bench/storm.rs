//! P9: far more alerts than a shop has, larger than usual, as fast as a whole floor of cameras could send them.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::Bench;
use super::backend::{Detection, detected, frame};
use super::figures::{Figure, Goal};
use super::programs::Programs;
use super::record::Outcome;
use super::stage::{SETTLE, Stage};
use crate::desktop::Parts;

const ALERTS: usize = 1_000;
const MESSAGE: usize = 200_000;
const PAUSE: Duration = Duration::from_millis(10);
const PEOPLE: usize = 100;

/// What a storm did to the program.
#[derive(Debug, Clone, Copy)]
struct Weathered {
    /// The most it had in memory, above what it had before: MiB.
    grown: f64,
    /// Milliseconds from the last byte of the last alert until all of them were stored and acknowledged.
    late: f64,
}

/// Ours and today's, each with an empty journal every time.
pub(super) fn storm(bench: &Bench) -> Result<Outcome> {
    let stage = Stage::set(bench, Parts::default())?;
    let (mut ours, mut today) = (Vec::new(), Vec::new());
    for _ in 0..bench.repetitions {
        ours.push(weathered(&stage, &bench.ours)?);
        today.push(weathered(&stage, &bench.today)?);
    }
    let figure = |what: &str, unit: &str, of: fn(&Weathered) -> f64, goal: f64| {
        let ours = Figure::alone(what, unit, ours.iter().map(of).collect());
        ours.against("today", today.iter().map(of).collect()).goal(Goal::Ratio(goal))
    };
    Ok(vec![
        figure("growth", "MiB", |weathered| weathered.grown, 1.0),
        figure("the last one stored after", "ms", |weathered| weathered.late, 0.5),
    ]
    .into())
}

fn weathered(stage: &Stage<'_>, programs: &Programs) -> Result<Weathered> {
    let backend = stage.backend(MESSAGE)?;
    let picture = stage.picture(MESSAGE)?;
    let data = stage.desktop.dir().join("storm");
    if data.exists() {
        fs::remove_dir_all(&data).with_context(|| format!("cannot remove {}", data.display()))?;
    }
    let program = stage.sign_in(programs, "storm", &backend)?.start(&backend)?;
    thread::sleep(SETTLE);

    let before = program.tree().resident()?;
    let began = Instant::now();
    for number in 0..ALERTS {
        let detection = Detection { camera: number % 10, person: number % PEOPLE, frame: number / PEOPLE };
        let messages = detected(&picture, detection).map(|message| frame(&message));
        let due = began + PAUSE * u32::try_from(number)?;
        thread::sleep(due.saturating_duration_since(Instant::now()));
        for message in &messages {
            backend.send(message)?;
        }
    }
    let sent = Instant::now();
    backend.until_acked(ALERTS)?;
    let late = sent.elapsed().as_secs_f64() * 1_000.0;
    let grown = (program.tree().peak()? - before).max(0.0);
    program.end()?;
    Ok(Weathered { grown, late })
}
