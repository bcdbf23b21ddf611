//! P13: how large the programs are that a user gets.

use std::fs;

use anyhow::{Context, Result};

use super::Bench;
use super::figures::{Figure, Goal};
use super::programs::Programs;
use super::record::Outcome;

/// The programs of a user's computer, and what they are called here.
const PROGRAMS: [(&str, &str); 2] =
    [("visionguard-desktop", "the desktop program"), ("visionguard", "the command line")];

/// Ours and today's, as they are delivered: without symbols.
pub(super) fn binaries(bench: &Bench) -> Result<Outcome> {
    let mut figures = Vec::new();
    for (program, what) in PROGRAMS {
        let size = |programs: &Programs| -> Result<f64> {
            let path = programs.path(program);
            let metadata = fs::metadata(&path).with_context(|| format!("cannot find {}", path.display()))?;
            Ok(metadata.len() as f64 / 1e6)
        };
        let figure = Figure::alone(what, "MB", vec![size(&bench.ours)?]);
        figures.push(figure.against("today", vec![size(&bench.today)?]).goal(Goal::Ratio(0.6)));
    }
    Ok(figures.into())
}
