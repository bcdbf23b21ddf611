//! Everything that needs neither WebKit nor a screen, in under a minute when warm.

use std::path::Path;
use std::thread::{self, JoinHandle};

use anyhow::{Result, bail};

use crate::node::npm;
use crate::pace::Planned;
use crate::project::{cargo, has, quietly, root, run, say};
use crate::setup::{self, Purpose};
use crate::steps::{Step, Steps};
use crate::suites;

/// How many test programs run side by side.
const AT_ONCE: usize = 4;

/// The packages that compile without WebKit.
const WITHOUT_WEBKIT: [&str; 3] = ["--workspace", "--exclude", "visionguard-desktop"];

/// The steps, with their times in seconds at first and later.
const PLAN: [Planned; 8] = [
    Planned::new("set-up", 60, 1),
    Planned::new("format", 2, 2),
    Planned::new("lints", 75, 5),
    Planned::new("tests", 150, 30),
    Planned::new("examples in the documents", 20, 5),
    Planned::new("page: packages", 10, 1),
    Planned::steady("page: types", 5),
    Planned::steady("page: tests", 5),
];

/// Runs all checks and prints the table.
pub fn check() -> Result<()> {
    let mut steps = Steps::of("check", &PLAN);
    steps.take("set-up", || setup::ensure(&[Purpose::Compile, Purpose::Services, Purpose::Page]));
    let page = Page::check("unit");
    format(&mut steps);
    lint(&mut steps, &WITHOUT_WEBKIT);
    steps.take("tests", || {
        let mut words = WITHOUT_WEBKIT.to_vec();
        if cfg!(windows) {
            // A running program's file cannot be replaced there.
            words.extend(["--exclude", "xtask"]);
        }
        suites::run(&words, AT_ONCE, &[])
    });
    steps.take("examples in the documents", || {
        run(cargo(["test", "--doc"]).args(WITHOUT_WEBKIT).args(["--", "--quiet"]))
    });
    page.report(&mut steps);
    steps.finish()
}

/// Looks at the layout of all Rust files.
pub(crate) fn format(steps: &mut Steps) {
    steps.take("format", || run(&mut cargo(["fmt", "--all", "--check"])));
}

/// Looks for what clippy and the compiler warn of, in the packages that these words of cargo's name.
pub(crate) fn lint(steps: &mut Steps, packages: &[&str]) {
    steps.take("lints", || {
        let mut clippy = cargo(["clippy", "--all-targets"]);
        run(clippy.args(packages).args(["--", "--deny", "warnings"]))
    });
}

/// The page's checks, which run beside the crates' because they use other tools.
#[derive(Debug)]
pub(crate) struct Page {
    steps: JoinHandle<Vec<Step>>,
}

impl Page {
    /// Starts checking; `tests` is the script of the tests.
    pub(crate) fn check(tests: &'static str) -> Self {
        let steps = thread::spawn(move || {
            let mut steps = vec![Step::take("page: packages", packages)];
            steps.push(Step::take("page: types", || quietly(&mut npm(["run", "--silent", "typecheck"]))));
            steps.push(Step::take("page: tests", || quietly(&mut npm(["run", "--silent", tests]))));
            steps
        });
        Self { steps }
    }

    /// Waits for the end and adds what was done.
    pub(crate) fn report(self, steps: &mut Steps) {
        match self.steps.join() {
            Ok(done) => {
                for step in done {
                    steps.add(step);
                }
            }
            Err(_) => steps.skip("the page", "its thread ended early"),
        }
    }
}

/// Fetches the page's development tools, where they are not there or are of another day.
fn packages() -> Result<()> {
    let wanted = root().join("package-lock.json");
    let have = root().join("node_modules/.package-lock.json");
    if changed_at(&have)? >= changed_at(&wanted)? {
        return Ok(());
    }
    quietly(&mut npm(["ci", "--no-audit", "--no-fund", "--loglevel=error"]))
}

fn changed_at(file: &Path) -> Result<Option<std::time::SystemTime>> {
    match file.metadata() {
        Ok(metadata) => Ok(Some(metadata.modified()?)),
        Err(_) => Ok(None),
    }
}

/// Writes the page's types anew from the Rust ones.
pub fn types() -> Result<()> {
    let mut types = cargo(["test", "--package", "visionguard-client", "types", "--", "--quiet"]);
    run(types.env("VISIONGUARD_BLESS", "1"))
}

/// Looks for advisories, licences and duplicates, where cargo-deny is installed.
pub fn deny() -> Result<()> {
    if !has("cargo-deny") {
        say("cargo-deny is not installed: `cargo install cargo-deny --locked`.");
        bail!("cannot check the dependencies");
    }
    run(&mut cargo(["deny", "check"]))
}
