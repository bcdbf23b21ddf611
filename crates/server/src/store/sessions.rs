//! Rows of sessions: who is signed in, which tokens still hold.
//!
//! Refresh tokens are kept as hashes. Exchanging one makes a child. The old one may be exchanged again as long as no
//! child of it has been: the answer with the child may have been lost. Any later use of it ends the whole session.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use visionguard_proto::UserId;

use crate::time;

/// SHA-256 of a refresh token.
pub(crate) type Hash = [u8; 32];

/// What presenting a refresh token led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exchange {
    /// The child is stored.
    Done,
    /// Unknown, or its session is over.
    Refused,
    /// It had been exchanged and its child used: somebody has a copy. The session is over now.
    Stolen,
}

/// Starts a user's session with its first refresh token.
pub(crate) fn start(
    db: &Connection,
    id: &str,
    user: &UserId,
    expires_at: Timestamp,
    hash: &Hash,
) -> rusqlite::Result<()> {
    db.execute(
        "INSERT INTO sessions (id, user_id, created_at, expires_at) VALUES (?1, ?2, ?3, ?4)",
        params![id, user.as_str(), time::now().as_microsecond(), expires_at.as_microsecond()],
    )?;
    db.execute("INSERT INTO refresh_tokens (hash, session_id) VALUES (?1, ?2)", params![hash, id])?;
    Ok(())
}

/// Starts a pipeline's session.
pub(crate) fn start_service(
    db: &Connection,
    id: &str,
    name: &str,
    expires_at: Timestamp,
) -> rusqlite::Result<()> {
    db.execute(
        "INSERT INTO sessions (id, service, created_at, expires_at) VALUES (?1, ?2, ?3, ?4)",
        params![id, name, time::now().as_microsecond(), expires_at.as_microsecond()],
    )?;
    Ok(())
}

/// Whether the session is neither over nor revoked, and its user, if it has one, not barred.
pub(crate) fn is_live(db: &Connection, id: &str) -> rusqlite::Result<bool> {
    db.prepare_cached(
        "SELECT 1 FROM sessions s LEFT JOIN users u ON u.id = s.user_id
         WHERE s.id = ?1 AND s.revoked_at IS NULL AND s.expires_at > ?2 AND coalesce(u.disabled, 0) = 0",
    )?
    .exists(params![id, time::now().as_microsecond()])
}

/// Exchanges a refresh token of this session for its child.
pub(crate) fn exchange(
    db: &Connection,
    session: &str,
    presented: &Hash,
    child: &Hash,
    expires_at: Timestamp,
) -> rusqlite::Result<Exchange> {
    if !is_live(db, session)? {
        return Ok(Exchange::Refused);
    }
    let token: Option<(Option<Vec<u8>>, bool)> = db
        .prepare_cached("SELECT parent, dead FROM refresh_tokens WHERE hash = ?1 AND session_id = ?2")?
        .query_row(params![presented, session], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((parent, dead)) = token else { return Ok(Exchange::Refused) };
    let child_used = db
        .prepare_cached("SELECT 1 FROM refresh_tokens WHERE parent = ?1 AND exchanged_at IS NOT NULL")?
        .exists([presented])?;
    if dead || child_used {
        revoke(db, session)?;
        return Ok(Exchange::Stolen);
    }
    let now = time::now().as_microsecond();
    db.execute("UPDATE refresh_tokens SET exchanged_at = ?2 WHERE hash = ?1", params![presented, now])?;
    // Its siblings were in answers that got lost.
    db.execute(
        "UPDATE refresh_tokens SET dead = 1 WHERE parent = ?1 AND hash <> ?2",
        params![parent, presented],
    )?;
    db.execute(
        "INSERT INTO refresh_tokens (hash, session_id, parent) VALUES (?1, ?2, ?3)",
        params![child, session, presented],
    )?;
    db.execute(
        "UPDATE sessions SET expires_at = ?2 WHERE id = ?1",
        params![session, expires_at.as_microsecond()],
    )?;
    Ok(Exchange::Done)
}

/// Ends the session; its access and refresh tokens are dead from now on.
pub(crate) fn revoke(db: &Connection, id: &str) -> rusqlite::Result<()> {
    db.execute(
        "UPDATE sessions SET revoked_at = ?2 WHERE id = ?1 AND revoked_at IS NULL",
        params![id, time::now().as_microsecond()],
    )?;
    Ok(())
}

/// Removes sessions that ended more than a day ago, with their tokens.
pub(crate) fn forget_ended(db: &Connection) -> rusqlite::Result<usize> {
    let day_ago = time::now().as_microsecond() - 24 * 60 * 60 * 1_000_000;
    db.execute("DELETE FROM sessions WHERE expires_at < ?1 OR revoked_at < ?1", [day_ago])
}
