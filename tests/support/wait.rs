//! Waiting for a condition instead of sleeping.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

/// Long enough for the slowest machine; only a failing test waits it out.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// Waits until `condition` gives something.
///
/// # Panics
///
/// After [`PATIENCE`], naming `what` was waited for.
pub async fn until<T>(what: &str, condition: impl FnMut() -> Option<T>) -> T {
    until_or(condition, || what.to_owned()).await
}

/// Waits for what has an end of its own.
///
/// # Panics
///
/// If it does not come within [`PATIENCE`], naming `what` was waited for.
pub async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    match timeout(PATIENCE, future).await {
        Ok(value) => value,
        Err(_) => panic!("waited in vain for {what}"),
    }
}

/// The same, with words that are found only when it failed.
pub(crate) async fn until_or<T>(
    mut condition: impl FnMut() -> Option<T>,
    what: impl FnOnce() -> String,
) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = condition() {
            return found;
        }
        if Instant::now() > deadline {
            panic!("waited in vain for {}", what());
        }
        sleep(Duration::from_millis(10)).await;
    }
}
