//! P13: how large the programs are that a user gets.

use std::fs;

use anyhow::{Context, Result};

use super::Bench;
use super::figures::{Figure, Goal};
use super::programs::Programs;
use super::record::Outcome;

/// What a user gets, and of which programs it consists; today's desktop program had its window in it.
const DELIVERED: [(&str, &[&str]); 2] = [
    ("the desktop program, with that of its window", &["visionguard-desktop", WINDOW]),
    ("the command line", &["visionguard"]),
];
const WINDOW: &str = "visionguard-window";

/// Ours and today's, as they are delivered: without symbols.
pub(super) fn binaries(bench: &Bench) -> Result<Outcome> {
    let mut figures = Vec::new();
    for (what, consists_of) in DELIVERED {
        let size = |programs: &Programs| -> Result<f64> {
            let mut bytes = 0;
            for program in consists_of {
                let path = programs.path(program);
                match fs::metadata(&path) {
                    Ok(metadata) => bytes += metadata.len(),
                    Err(_) if *program == WINDOW => {}
                    Err(error) => {
                        return Err(error).with_context(|| format!("cannot find {}", path.display()));
                    }
                }
            }
            Ok(bytes as f64 / 1e6)
        };
        let figure = Figure::alone(what, "MB", vec![size(&bench.ours)?]);
        figures.push(figure.against("today", vec![size(&bench.today)?]).goal(Goal::Ratio(0.6)));
    }
    let core = fs::metadata(bench.ours.path("visionguard-desktop"))?.len();
    figures.push(Figure::alone("the desktop program without a window", "MB", vec![core as f64 / 1e6]));
    Ok(figures.into())
}
