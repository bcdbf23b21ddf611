//! Everything, in one go: what continuous integration runs.

use std::path::Path;
use std::process::Command;

use anyhow::Result;
use serde_json::Value;

use crate::check;
use crate::demo;
use crate::project::{built, cargo, output, run};
use crate::setup::{self, Purpose};
use crate::steps::Steps;

/// Everything there is. Always the same words, because cargo compiles the dependencies anew for another choice.
const EVERYTHING: [&str; 3] =
    ["--workspace", "--features", "visionguard-tests/desktop,visionguard-tests/slow"];

/// Sets up, checks, builds the desktop program, drives it, and runs the demonstration.
pub fn test() -> Result<()> {
    let mut steps = Steps::default();
    if !steps.take("set-up", setup::everything) {
        return steps.finish();
    }

    check::format(&mut steps);
    check::lint(&mut steps, &EVERYTHING);
    let is_built = steps.take("build", || run(cargo(["build", "--quiet", "--all-targets"]).args(EVERYTHING)));
    // After the compiler, which leaves no time for a browser's timers.
    check::Page::check("test").report(&mut steps);
    if is_built {
        steps.take("tests", tests_without_a_window);
        steps.take("tests: in a window", || run(window_tests().args(["--", "--test-threads", "2"])));
        steps.take("demonstration", || {
            demo::run_built(&demo::Options { alerts: 5, interval: None, headless: true })
        });
    } else {
        for step in ["tests", "tests: in a window", "demonstration"] {
            steps.skip(step, "not everything compiles");
        }
    }
    steps.finish()
}

/// Runs only those tests of the real program whose names hold these words.
pub fn only(words: &str) -> Result<()> {
    prepare()?;
    run(window_tests().args(["--", words]))
}

/// Photographs every view of the real program into a folder.
pub(crate) fn photograph(folder: &Path) -> Result<()> {
    prepare()?;
    run(window_tests().env("VISIONGUARD_SCREENSHOTS", folder).args(["--", "every_view"]))
}

fn prepare() -> Result<()> {
    setup::ensure(&[Purpose::Compile, Purpose::Desktop, Purpose::VirtualDesktop, Purpose::DesktopTests])?;
    run(cargo(["build", "--quiet", "--all-targets"]).args(EVERYTHING))
}

/// All tests of the crates but those that drive the program in its window.
fn tests_without_a_window() -> Result<()> {
    let mut tests = cargo(["test", "--quiet", "--no-fail-fast", "--lib", "--bins"]);
    tests.args(EVERYTHING);
    for target in test_targets()?.iter().filter(|target| *target != WINDOW_TESTS) {
        tests.args(["--test", target]);
    }
    let crates = run(&mut tests);
    run(cargo(["test", "--quiet", "--doc"]).args(EVERYTHING))?;
    crates
}

const WINDOW_TESTS: &str = "desktop";

/// The real program in a real window. It must be built.
fn window_tests() -> Command {
    let mut tests = cargo(["test", "--quiet"]);
    tests
        .args(EVERYTHING)
        .args(["--test", WINDOW_TESTS])
        .env("RUST_LIB_BACKTRACE", "0")
        .env("VISIONGUARD_DESKTOP_BIN", built("visionguard-desktop"))
        .env("VISIONGUARD_CLI_BIN", built("visionguard"));
    tests
}

/// The names of all files of integration tests, as cargo knows them.
fn test_targets() -> Result<Vec<String>> {
    let metadata = output(&mut cargo(["metadata", "--no-deps", "--format-version", "1"]))?;
    let metadata: Value = serde_json::from_str(&metadata)?;
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let targets = packages.flat_map(|package| package["targets"].as_array().into_iter().flatten());
    let tests = targets.filter(|target| target["kind"][0] == "test");
    Ok(tests.filter_map(|target| target["name"].as_str().map(str::to_owned)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_s_tests_are_among_all_tests() {
        let targets = test_targets().unwrap();

        assert!(targets.iter().any(|target| target == WINDOW_TESTS), "{targets:?}");
        assert!(targets.len() > 1, "{targets:?}");
    }
}
