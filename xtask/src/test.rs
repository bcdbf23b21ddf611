//! Everything, in one go: what continuous integration runs.

use anyhow::Result;

use crate::check;
use crate::demo;
use crate::project::{built, cargo, run};
use crate::setup;
use crate::steps::Steps;

/// Sets up, checks, builds the desktop program, drives it, and runs the demonstration.
pub fn test() -> Result<()> {
    let mut steps = Steps::default();
    let ready = steps.take("set-up", setup::everything);
    if !ready {
        return steps.finish();
    }

    check::add(&mut steps);
    steps.take("desktop: lints", || {
        run(&mut cargo([
            "clippy",
            "--quiet",
            "--package",
            "visionguard-desktop",
            "--package",
            "visionguard-tests",
            "--features",
            "visionguard-tests/desktop",
            "--all-targets",
            "--",
            "--deny",
            "warnings",
        ]))
    });
    let built = steps.take("desktop: build", demo::build);
    steps.take("desktop: unit tests", || {
        run(&mut cargo(["test", "--quiet", "--package", "visionguard-desktop"]))
    });
    if built {
        steps.take("desktop: in its window", desktop_tests);
        steps.take("desktop: demonstration", || {
            demo::run_built(&demo::Options { alerts: 5, interval: None, headless: true })
        });
    } else {
        steps.skip("desktop: in its window", "the program was not built");
        steps.skip("desktop: demonstration", "the program was not built");
    }
    steps.finish()
}

/// Drives the real program in a real window. It must be built.
fn desktop_tests() -> Result<()> {
    run(cargo([
        "test",
        "--quiet",
        "--package",
        "visionguard-tests",
        "--features",
        "desktop",
        "--test",
        "desktop",
    ])
    .env("VISIONGUARD_DESKTOP_BIN", built("visionguard-desktop"))
    .args(["--", "--test-threads", "2"]))
}
