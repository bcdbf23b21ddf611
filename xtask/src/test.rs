//! Everything, in one go: what continuous integration runs.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::check;
use crate::demo;
use crate::project::{built, cargo, run};
use crate::setup::{self, Purpose};
use crate::steps::Steps;

/// Sets up, checks, builds the desktop program, drives it, and runs the demonstration.
pub fn test() -> Result<()> {
    let mut steps = Steps::default();
    let ready = steps.take("set-up", setup::everything);
    if !ready {
        return steps.finish();
    }

    check::add(
        &mut steps,
        &check::Extent {
            linted: &["--workspace", "--features", "visionguard-tests/desktop,visionguard-tests/slow"],
            features: &["--features", "visionguard-tests/slow"],
            page: "test",
        },
    );
    let built = steps.take("desktop: build", demo::build);
    steps.take("desktop: unit tests", || {
        run(&mut cargo(["test", "--quiet", "--package", "visionguard-desktop"]))
    });
    if built {
        steps.take("desktop: in its window", || desktop_tests(None));
        steps.take("desktop: demonstration", || {
            demo::run_built(&demo::Options { alerts: 5, interval: None, headless: true })
        });
    } else {
        steps.skip("desktop: in its window", "the program was not built");
        steps.skip("desktop: demonstration", "the program was not built");
    }
    steps.finish()
}

/// Runs only those tests of the real program whose names hold these words.
pub fn only(words: &str) -> Result<()> {
    setup::ensure(&[Purpose::Compile, Purpose::Desktop, Purpose::VirtualDesktop, Purpose::DesktopTests])?;
    demo::build()?;
    desktop_tests(Some(words))
}

/// Builds the real program and photographs every view of it into a folder.
pub(crate) fn photograph(folder: &Path) -> Result<()> {
    setup::ensure(&[Purpose::Compile, Purpose::Desktop, Purpose::VirtualDesktop, Purpose::DesktopTests])?;
    demo::build()?;
    run(window_tests().env("VISIONGUARD_SCREENSHOTS", folder).args(["--", "every_view"]))
}

/// Drives the real program in a real window. It must be built.
fn desktop_tests(only: Option<&str>) -> Result<()> {
    run(window_tests().args(["--", "--test-threads", "2"]).args(only))
}

fn window_tests() -> Command {
    let mut tests = cargo(["test", "--quiet", "--package", "visionguard-tests", "--features", "desktop"]);
    tests
        .args(["--test", "desktop"])
        .env("RUST_LIB_BACKTRACE", "0")
        .env("VISIONGUARD_DESKTOP_BIN", built("visionguard-desktop"))
        .env("VISIONGUARD_CLI_BIN", built("visionguard"));
    tests
}
