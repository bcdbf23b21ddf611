//! Whether the disk has room for what is about to be built: a full one is found after minutes and named by nobody.

use std::path::Path;
use std::{env, fs};

use anyhow::{Context, Result, bail};

use crate::project::target;

/// What the whole run leaves in the build directory at the least, measured with a cold one: compiled so that the next time is
/// quick, or not.
const WHOLE_RUN: [Gigabytes; 2] = [Gigabytes(15), Gigabytes(11)];

/// What it compiles, below the build directory. Nothing else there takes its room.
const COMPILED: [&str; 2] = ["debug", "simulate"];

/// Billions of bytes.
#[derive(Debug, Clone, Copy)]
struct Gigabytes(u64);

/// Whether there is room for the whole run.
pub fn for_the_whole_run() -> Result<()> {
    let is_incremental = env::var_os("CARGO_INCREMENTAL").is_none_or(|asked| asked != "0");
    ensure(WHOLE_RUN[usize::from(!is_incremental)])
}

/// What was built before counts as room that is taken already.
fn ensure(needed: Gigabytes) -> Result<()> {
    let target = target();
    fs::create_dir_all(&target).with_context(|| format!("cannot make {}", target.display()))?;
    let free = fs4::available_space(&target)
        .with_context(|| format!("cannot learn how much is free for {}", target.display()))?;
    let missing = missing(needed, free, COMPILED.iter().map(|built| size_of(&target.join(built))).sum());
    if missing > 0 {
        bail!(
            "{} has {:.1} GB free, and what is built there takes at least {:.1} GB more than that: free as much, or let \
             CARGO_TARGET_DIR name a folder on a disk that has it",
            target.display(),
            gigabytes(free),
            gigabytes(missing)
        );
    }
    Ok(())
}

fn missing(needed: Gigabytes, free: u64, built: u64) -> u64 {
    (needed.0 * 1_000_000_000).saturating_sub(free.saturating_add(built))
}

#[allow(clippy::cast_precision_loss, reason = "shown with one decimal")]
fn gigabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e9
}

/// The files below it that can be seen; cargo links many of them twice, which counts them twice: what is built is then
/// taken for more than it is, and no run refused that would go well.
fn size_of(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(found) if found.is_dir() => size_of(&entry.path()),
            Ok(found) => found.len(),
            Err(_) => 0,
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_built_already_needs_no_room() {
        assert_eq!(missing(Gigabytes(16), 20_000_000_000, 0), 0);
        assert_eq!(missing(Gigabytes(16), 4_000_000_000, 12_000_000_000), 0);
        assert_eq!(missing(Gigabytes(16), 4_000_000_000, 2_000_000_000), 10_000_000_000);
    }

    #[test]
    fn more_than_any_disk_has_is_refused_with_what_to_do() {
        let refused = ensure(Gigabytes(1_000_000_000)).unwrap_err().to_string();
        assert!(refused.contains("GB free") && refused.contains("CARGO_TARGET_DIR"), "{refused}");
    }
}
