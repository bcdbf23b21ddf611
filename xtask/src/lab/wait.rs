//! Waiting for what should come, and making sure of what should not.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// How long anything may take that should come soon; generous, because builds and other desktops may run beside it.
pub(super) const SOON: Duration = Duration::from_secs(60);

const PAUSE: Duration = Duration::from_millis(150);

/// Waits until something is so.
pub(super) fn eventually(
    what: &str,
    within: Duration,
    mut is_so: impl FnMut() -> Result<bool>,
) -> Result<()> {
    let give_up_at = Instant::now() + within;
    loop {
        match is_so() {
            Ok(true) => return Ok(()),
            Ok(false) | Err(_) if Instant::now() < give_up_at => thread::sleep(PAUSE),
            Ok(false) => bail!("not within {} s: {what}", within.as_secs()),
            Err(error) => return Err(error.context(format!("not within {} s: {what}", within.as_secs()))),
        }
    }
}

/// Looks for so long whether something stays so.
pub(super) fn stays(what: &str, time: Duration, mut is_so: impl FnMut() -> Result<()>) -> Result<()> {
    let until = Instant::now() + time;
    while Instant::now() < until {
        is_so().map_err(|error| error.context(format!("expected: {what}")))?;
        thread::sleep(PAUSE);
    }
    Ok(())
}
