//! The deterministic simulation: `cargo xtask simulate`, see `docs/simulation.md`.

use std::process::Command;

use anyhow::Result;

use crate::project::{cargo, root, run};

/// Runs the simulation with these arguments.
pub fn simulate(arguments: &[String]) -> Result<()> {
    run(with_fixed_dice(&mut cargo(["run", "--package", PACKAGE, "--profile", PROFILE, "--"]))
        .args(arguments))
}

/// A fixed range against every server, and the simulation's own tests.
pub(crate) fn range() -> Result<()> {
    let mut tests = cargo(["test", "--package", PACKAGE, "--profile", PROFILE]);
    run(with_fixed_dice(tests.args(["--features", "fixed-dice", "--", "--quiet"])))?;
    simulate(&["--seeds".to_owned(), RANGE.to_owned(), "--from".to_owned(), "1".to_owned()])
}

const PACKAGE: &str = "visionguard-simulation";
const PROFILE: &str = "simulation";
/// How many seeds every run of the tests takes, for each server.
const RANGE: &str = "250";

/// Only so does the same seed give the same run: tokio draws from its own dice which of two ready branches goes first.
fn with_fixed_dice(command: &mut Command) -> &mut Command {
    command.env("RUSTFLAGS", "--cfg tokio_unstable").env("CARGO_TARGET_DIR", root().join("target/simulate"))
}
