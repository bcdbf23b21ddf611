//! The crates' test programs, run side by side: most of their time is waiting for deadlines, sockets and processes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::project::{cargo, say, shown};
use crate::steps::seconds;

/// One test program that cargo built.
#[derive(Debug)]
struct Suite {
    /// The package's folder and the target's name: `crates/client (lib)`.
    name: String,
    target: String,
    program: PathBuf,
    /// Where cargo would run it.
    folder: PathBuf,
}

/// Builds the test programs that these words of cargo's name and runs them, at most this many at once and without those
/// of these names. The output of those that failed is shown whole.
pub(crate) fn run(words: &[&str], at_once: usize, without: &[&str]) -> Result<()> {
    let mut suites = build(words)?;
    suites.retain(|suite| !without.contains(&suite.target.as_str()));
    let queue = Mutex::new(suites);
    let failed = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..at_once {
            scope.spawn(|| {
                // The lock is held for the taking alone.
                while let Some(suite) = taken(&queue) {
                    if !passes(&suite) {
                        failed.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(suite.name);
                    }
                }
            });
        }
    });

    let failed = failed.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    if !failed.is_empty() {
        bail!("tests failed in {}", failed.join(", "));
    }
    Ok(())
}

fn taken(queue: &Mutex<Vec<Suite>>) -> Option<Suite> {
    queue.lock().unwrap_or_else(std::sync::PoisonError::into_inner).pop()
}

/// The test programs, smallest first: the big ones, which take longest, are popped first.
fn build(words: &[&str]) -> Result<Vec<Suite>> {
    let mut command = cargo(["test", "--no-run", "--message-format", "json-render-diagnostics"]);
    command.args(words).stderr(Stdio::inherit());
    let output = command.output().with_context(|| format!("cannot start `{}`", shown(&command)))?;
    if !output.status.success() {
        bail!("`{}` ended with {}", shown(&command), output.status);
    }

    let mut suites: Vec<Suite> = String::from_utf8_lossy(&output.stdout).lines().filter_map(suite).collect();
    suites.sort_by_key(|suite| fs::metadata(&suite.program).map_or(0, |metadata| metadata.len()));
    Ok(suites)
}

/// The test program that a line of cargo's tells of, if it does.
fn suite(line: &str) -> Option<Suite> {
    let message: Value = serde_json::from_str(line).ok()?;
    let program = PathBuf::from(message["executable"].as_str()?);
    if message["profile"]["test"] != true {
        return None;
    }
    let folder = Path::new(message["manifest_path"].as_str()?).parent()?.to_owned();
    let package = folder.file_name().map_or("", |name| name.to_str().unwrap_or_default());
    let target = message["target"]["name"].as_str()?.to_owned();
    Some(Suite { name: format!("{package} ({target})"), target, program, folder })
}

fn passes(suite: &Suite) -> bool {
    let started = Instant::now();
    let output = Command::new(&suite.program)
        .arg("--quiet")
        .current_dir(&suite.folder)
        .env("CARGO_MANIFEST_DIR", &suite.folder)
        .stdin(Stdio::null())
        .output();
    let took = seconds(started.elapsed());
    match output {
        Ok(output) if output.status.success() => {
            say(format!("    {}: ok, {took}", suite.name));
            true
        }
        Ok(output) => {
            let (said, errors) = (output.stdout, output.stderr);
            let said = format!("{}{}", String::from_utf8_lossy(&said), String::from_utf8_lossy(&errors));
            say(format!("    {}: FAILED, {took}, {}\n{said}", suite.name, output.status));
            false
        }
        Err(error) => {
            say(format!("    {}: cannot be started: {error}", suite.name));
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_program_is_told_from_what_else_cargo_builds() {
        let line = |test: bool, executable: &str| {
            format!(
                r#"{{"reason":"compiler-artifact","manifest_path":"/a/crates/proto/Cargo.toml","target":{{"name":"both_ends"}},
                "profile":{{"test":{test}}},"executable":{executable}}}"#
            )
        };

        let found = suite(&line(true, r#""/a/target/debug/deps/both_ends-1""#)).unwrap();

        assert_eq!(found.name, "proto (both_ends)");
        assert_eq!(found.folder, Path::new("/a/crates/proto"));
        assert!(suite(&line(false, r#""/a/target/debug/server""#)).is_none());
        assert!(suite(&line(true, "null")).is_none());
        assert!(suite("not JSON").is_none());
    }
}
