//! What a server does by itself: ends the sockets of ended sessions, forgets what need not be kept.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::MissedTickBehavior;

use crate::app::App;
use crate::store::{StoreError, record, sessions};
use crate::time;

/// Between two rounds of forgetting.
const FORGET_EVERY: Duration = Duration::from_secs(60 * 60);
/// How long the keys of publishes are remembered.
const KEEP_KEYS: Duration = Duration::from_secs(7 * 24 * 60 * 60);

pub(crate) fn start(app: &Arc<App>, keep_pictures: Duration) {
    let recheck_every = app.sockets.recheck_every;
    repeat(app, recheck_every, |app| async move { recheck(&app).await });
    repeat(app, FORGET_EVERY, move |app| async move { forget(&app, keep_pictures).await });
}

/// Closes the sockets of sessions that were ended, here or by the command line, or whose user is barred.
async fn recheck(app: &App) -> Result<(), StoreError> {
    let open: HashSet<String> = app.roster.sessions().into_iter().collect();
    let ended = move |db: &rusqlite::Connection| {
        let mut ended = Vec::new();
        for session in open {
            if !sessions::is_live(db, &session)? {
                ended.push(session);
            }
        }
        Ok(ended)
    };
    for session in app.store.read(ended).await? {
        app.roster.close_session(&session);
    }
    Ok(())
}

async fn forget(app: &App, keep_pictures: Duration) -> Result<(), StoreError> {
    let before = |age: Duration| time::now().checked_sub(age).unwrap_or(jiff::Timestamp::MIN);
    let (pictures, keys) = (before(keep_pictures), before(KEEP_KEYS));
    let forgotten = app.store.write(move |db| {
        sessions::forget_ended(db)?;
        record::forget_publishes(db, keys)?;
        record::forget_pictures(db, pictures)
    });
    let forgotten = forgotten.await?;
    if forgotten > 0 {
        tracing::info!(forgotten, "old pictures were removed");
    }
    Ok(())
}

fn repeat<W, F>(app: &Arc<App>, every: Duration, work: W)
where
    W: Fn(Arc<App>) -> F + Send + 'static,
    F: Future<Output = Result<(), StoreError>> + Send,
{
    let app = Arc::clone(app);
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = app.killed.cancelled() => return,
                _ = ticks.tick() => {}
            }
            if let Err(error) = work(Arc::clone(&app)).await {
                tracing::warn!(%error, "the server could not tidy up");
            }
        }
    });
}
