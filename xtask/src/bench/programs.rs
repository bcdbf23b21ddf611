//! The programs that are measured: ours of this checkout, and "today's": those of the commit before issue 8.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::project::{cargo, output, root, run, target, tool};

/// The commit whose programs ours are compared with.
pub(super) const TODAY: &str = "8cb5e46";

/// The example that times the reading of one alert.
const PARSE: &str = "crates/proto/examples/parse.rs";

/// Programs as `cargo build --release` leaves them.
#[derive(Debug, Clone)]
pub(super) struct Programs {
    folder: PathBuf,
}

impl Programs {
    /// Where one of them is.
    pub(super) fn path(&self, program: &str) -> PathBuf {
        self.folder.join(program)
    }

    /// Builds those of this checkout.
    pub(super) fn ours() -> Result<Self> {
        build(&root().join("Cargo.toml"), &target())?;
        Ok(Self { folder: target().join("release") })
    }

    /// Builds the client that counts what is on its heap; where it is.
    pub(super) fn heap() -> Result<PathBuf> {
        build_example("visionguard-client", "heap", &root().join("Cargo.toml"), &target())?;
        Ok(target().join("release/examples/heap"))
    }

    /// Those of a folder, or of another commit, which is built.
    pub(super) fn today(from: &str) -> Result<Self> {
        let folder = root().join(from);
        if folder.join("visionguard-desktop").is_file() {
            return Ok(Self { folder });
        }
        Self::of(from)
    }

    /// Builds those of another commit, in a checkout of its own below the build directory; once built, they stay.
    fn of(revision: &str) -> Result<Self> {
        let commit = output(tool("git", ["rev-parse", "--short=12"]).arg(format!("{revision}^{{commit}}")))?;
        let place = target().join("bench/today").join(commit.trim());
        let (checkout, built) = (place.join("checkout"), place.join("target"));
        if !checkout.join("Cargo.toml").is_file() {
            fs::create_dir_all(&place).with_context(|| format!("cannot create {}", place.display()))?;
            output(tool("git", ["worktree", "prune"]).current_dir(root()))?;
            output(tool("git", ["worktree", "add", "--detach"]).arg(&checkout).arg(commit.trim()))?;
        }
        // It is younger than that commit, and measures it all the same.
        let example = checkout.join(PARSE);
        if !example.is_file() {
            fs::create_dir_all(example.parent().context("no folder")?)?;
            fs::copy(root().join(PARSE), &example)
                .with_context(|| format!("cannot write {}", example.display()))?;
        }
        build(&checkout.join("Cargo.toml"), &built)?;
        Ok(Self { folder: built.join("release") })
    }
}

/// The programs, as they are delivered, and then the example: what an example takes beside would have a say in them.
fn build(manifest: &Path, into: &Path) -> Result<()> {
    let mut programs = cargo(["build", "--release", "--features", "visionguard-desktop/custom-protocol"]);
    for package in ["visionguard-desktop", "visionguard-server", "visionguard-cli"] {
        programs.args(["--package", package]);
    }
    build_with(&mut programs, manifest, into)?;
    build_example("visionguard-proto", "parse", manifest, into)
}

fn build_example(package: &str, example: &str, manifest: &Path, into: &Path) -> Result<()> {
    let mut build = cargo(["build", "--release", "--package", package, "--example", example]);
    build_with(&mut build, manifest, into)
}

fn build_with(build: &mut Command, manifest: &Path, into: &Path) -> Result<()> {
    // What cargo tells this program about itself would have some crates built anew after each build by hand.
    for (name, _) in env::vars_os() {
        if ["CARGO_MANIFEST_", "CARGO_PKG_"].iter().any(|start| name.to_string_lossy().starts_with(start)) {
            build.env_remove(name);
        }
    }
    run(build.arg("--manifest-path").arg(manifest).arg("--target-dir").arg(into))
}
