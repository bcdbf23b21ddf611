//! Everything, in one go: what continuous integration runs.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::check;
use crate::demo;
#[cfg(target_os = "linux")]
use crate::lab;
use crate::pace::Planned;
use crate::project::{built, built_for_release, cargo, run};
use crate::reliability::{self, Run};
use crate::setup::{self, Purpose};
use crate::simulate;
use crate::space;
use crate::steps::Steps;
use crate::suites;

/// How many test programs run side by side.
const AT_ONCE: usize = 2;

/// Everything there is. Always the same words, because cargo compiles the dependencies anew for another choice.
const EVERYTHING: [&str; 3] =
    ["--workspace", "--features", "visionguard-tests/desktop,visionguard-tests/slow"];

/// The same with the tests that take many minutes.
const EVERYTHING_LONG: [&str; 3] =
    ["--workspace", "--features", "visionguard-tests/desktop,visionguard-tests/long"];

/// The steps, with their times in seconds at first and later.
const PLAN: [Planned; 14] = [
    Planned::new("set-up", 90, 1),
    Planned::steady("format", 2),
    Planned::new("lints", 150, 5),
    Planned::new("build", 300, 20),
    Planned::new("page: packages", 10, 1),
    Planned::steady("page: types", 5),
    Planned::steady("page: tests", 60),
    Planned::steady("tests", 90),
    Planned::steady("faults", 150),
    Planned::steady("tests: in a window", 120),
    Planned::steady("faults: the table", 1),
    Planned::new("lab", 270, 240),
    Planned::new("simulation", 240, 60),
    Planned::steady("demonstration", 15),
];

/// The steps of those tests alone that a person named.
const ONLY: [Planned; 3] = [
    Planned::new("set-up", 90, 1),
    Planned::new("build", 300, 20),
    Planned::steady("tests: in a window", 20),
];

/// The steps of taking pictures.
const PHOTOGRAPHS: [Planned; 3] =
    [Planned::new("set-up", 90, 1), Planned::new("build", 300, 20), Planned::steady("pictures", 40)];

/// Sets up, checks, builds the desktop program, drives it, injects faults, and runs the demonstration.
pub fn test(faults: Run) -> Result<()> {
    let mut steps = Steps::of("test", &PLAN);
    if !steps.take("set-up", || space::for_the_whole_run().and_then(|()| setup::everything())) {
        return steps.finish();
    }

    check::format(&mut steps);
    check::lint(&mut steps, &EVERYTHING);
    let is_built = steps.take("build", || run(cargo(["build", "--all-targets"]).args(EVERYTHING)));
    // After the compiler, which leaves no time for a browser's timers.
    check::Page::check("test").report(&mut steps);
    if is_built {
        steps.take("tests", tests_without_a_window);
        inject_faults(&mut steps, faults);
        steps.take("tests: in a window", || {
            run(window_tests(faults).args(["--", "--quiet", "--test-threads", "2"]))
        });
        // Some faults are injected into the window.
        steps.take("faults: the table", || reliability::report(faults));
        #[cfg(target_os = "linux")]
        steps.take("lab", lab::in_short);
        steps.take("simulation", simulate::range);
        steps.take("demonstration", || {
            demo::run_built(&demo::Options { alerts: 5, interval: None, headless: true })
        });
    } else {
        for step in ["tests", "faults", "tests: in a window", "lab", "simulation", "demonstration"] {
            steps.skip(step, "not everything compiles");
        }
    }
    steps.finish()
}

/// Runs only those tests of the real program whose names hold these words.
pub fn only(words: &str) -> Result<()> {
    let mut steps = Steps::of("test --only", &ONLY);
    prepare(&mut steps)?;
    steps.take("tests: in a window", || run(window_tests(Run::Short).args(["--", words])));
    steps.finish()
}

/// Photographs every view of the real program into a folder.
pub(crate) fn photograph(folder: &Path) -> Result<()> {
    let mut steps = Steps::of("screenshots", &PHOTOGRAPHS);
    prepare(&mut steps)?;
    steps.take("pictures", || {
        run(window_tests(Run::Short).env("VISIONGUARD_SCREENSHOTS", folder).args(["--", "every_view"]))
    });
    steps.finish()
}

fn prepare(steps: &mut Steps) -> Result<()> {
    steps.need("set-up", || {
        setup::ensure(&[Purpose::Compile, Purpose::Desktop, Purpose::VirtualDesktop, Purpose::DesktopTests])
    })?;
    steps.need("build", || run(cargo(["build", "--all-targets"]).args(EVERYTHING)))
}

/// All tests of the crates but those that drive the program in its window or break what it stands on.
fn tests_without_a_window() -> Result<()> {
    let crates = suites::run(&EVERYTHING, AT_ONCE, &[WINDOW_TESTS, FAULT_TESTS]);
    run(cargo(["test", "--doc"]).args(EVERYTHING).args(["--", "--quiet"]))?;
    crates
}

const WINDOW_TESTS: &str = "desktop";
const FAULT_TESTS: &str = "faults";
const LONG_TESTS: &str = "catching_up";

/// Every fault that needs no window.
fn inject_faults(steps: &mut Steps, which: Run) {
    steps.take("faults", || {
        reliability::forget()?;
        if which == Run::Long {
            // As it is released: the program that these tests kill five hundred times has to start soon.
            run(&mut cargo(["build", "--release", "--package", "visionguard-cli"]))?;
        }
        run(&mut fault_tests(which))
    });
}

/// The programs that they start must be built.
fn fault_tests(which: Run) -> Command {
    let mut tests = cargo(["test", "--no-fail-fast"]);
    if which == Run::Long {
        tests.args(["--test", LONG_TESTS]);
    }
    tests.args(everything(which)).args(["--test", FAULT_TESTS]).env("VISIONGUARD_CLI_BIN", program(which));
    tests.env("VISIONGUARD_SERVER_BIN", built("visionguard-server"));
    // They wait most of the time.
    tests.args(["--", "--quiet", "--test-threads", "4"]);
    tests
}

fn program(which: Run) -> PathBuf {
    match which {
        Run::Short => built("visionguard"),
        Run::Long => built_for_release("visionguard"),
    }
}

/// The real program in a real window. It must be built.
fn window_tests(which: Run) -> Command {
    let mut tests = cargo(["test"]);
    tests
        .args(everything(which))
        .args(["--test", WINDOW_TESTS])
        .env("RUST_LIB_BACKTRACE", "0")
        .env("VISIONGUARD_DESKTOP_BIN", built("visionguard-desktop"))
        .env("VISIONGUARD_CLI_BIN", built("visionguard"));
    tests
}

fn everything(which: Run) -> [&'static str; 3] {
    match which {
        Run::Short => EVERYTHING,
        Run::Long => EVERYTHING_LONG,
    }
}
