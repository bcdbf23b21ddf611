//! Everything that needs neither WebKit nor a screen, in under a minute when warm.

use std::path::Path;
use std::process::Stdio;
use std::thread;

use anyhow::{Result, bail};

use crate::node::npm;
use crate::project::{cargo, has, quietly, root, run, say};
use crate::setup::{self, Purpose};
use crate::steps::{Step, Steps};

/// The packages that compile without WebKit.
const WITHOUT_WEBKIT: [&str; 3] = ["--workspace", "--exclude", "visionguard-desktop"];

/// Runs all checks and prints the table.
pub fn check() -> Result<()> {
    let mut steps = Steps::default();
    steps.take("set-up", || setup::ensure(&[Purpose::Compile, Purpose::Services, Purpose::Page]));
    add(&mut steps, &Extent { linted: &WITHOUT_WEBKIT, features: &[], page: "unit" });
    steps.finish()
}

/// How much is checked.
#[derive(Debug)]
pub struct Extent<'a> {
    /// Cargo's words for the packages that the lints look at: all of them in one go take less than twice some.
    pub linted: &'a [&'a str],
    /// Cargo's words for what is tested besides.
    pub features: &'a [&'a str],
    /// The script of the page's tests.
    pub page: &'static str,
}

/// Adds all checks to a longer list. The page's run beside the crates': they use other tools.
pub fn add(steps: &mut Steps, extent: &Extent<'_>) {
    let script = extent.page;
    let page = thread::spawn(move || page_steps(script));

    steps.take("format", || run(cargo(["fmt", "--all", "--check"]).stdin(Stdio::null())));
    steps.take("lints", || {
        run(cargo(["clippy", "--quiet"]).args(extent.linted).args([
            "--all-targets",
            "--",
            "--deny",
            "warnings",
        ]))
    });
    steps.take("tests", || {
        run(cargo(["test", "--quiet", "--no-fail-fast"]).args(WITHOUT_WEBKIT).args(extent.features))
    });

    match page.join() {
        Ok(done) => {
            for step in done {
                steps.add(step);
            }
        }
        Err(_) => steps.skip("the page", "its thread ended early"),
    }
}

fn page_steps(script: &str) -> Vec<Step> {
    if !root().join("package.json").is_file() {
        return vec![Step::take("the page", || bail!("there is no package.json"))];
    }
    let mut steps = vec![Step::take("page: packages", packages)];
    steps.push(Step::take("page: types", || quietly(&mut npm(["run", "--silent", "typecheck"]))));
    steps.push(Step::take("page: tests", || quietly(&mut npm(["run", "--silent", script]))));
    steps
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
    run(cargo(["test", "--quiet", "--package", "visionguard-client", "types"]).env("VISIONGUARD_BLESS", "1"))
}

/// Looks for advisories, licences and duplicates, where cargo-deny is installed.
pub fn deny() -> Result<()> {
    if !has("cargo-deny") {
        say("cargo-deny is not installed: `cargo install cargo-deny --locked`.");
        bail!("cannot check the dependencies");
    }
    run(&mut cargo(["deny", "check"]))
}
