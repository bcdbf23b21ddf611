//! P5: from the bytes of one alert to a picture that is known to be one.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result};

use super::backend::{Detection, detected};
use super::figures::{Figure, Goal};
use super::record::Outcome;
use super::{Bench, MESSAGE};
use crate::project::{output, target};

/// Each in a process of its own, which says its median.
pub(super) fn one_alert(bench: &Bench) -> Result<Outcome> {
    let message = target().join("bench/alert.json");
    let [seen, _] = detected(&bench.picture(MESSAGE)?, Detection { camera: 1, person: 1, frame: 30 });
    fs::write(&message, seen).with_context(|| format!("cannot write {}", message.display()))?;
    let took = |mut command: Command| -> Result<f64> {
        let nanoseconds = output(command.arg(&message))?;
        Ok(nanoseconds.trim().parse::<f64>().context("no figure")? / 1_000.0)
    };
    let (mut ours, mut today, mut node, mut python) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..bench.repetitions {
        ours.push(took(Command::new(bench.ours.path("examples/parse")))?);
        node.push(took(bench.peers.node("parse.js"))?);
        today.push(took(Command::new(bench.today.path("examples/parse")))?);
        python.push(took(bench.peers.python_script("parse.py"))?);
    }
    let figure =
        |name, values| Figure::alone("one alert of 150 kB", "µs", ours.clone()).against(name, values);
    Ok(vec![figure("Node.js", node).goal(Goal::Ratio(0.2)), figure("today", today), figure("Python", python)]
        .into())
}
