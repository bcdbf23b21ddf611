//! The tables, and how a database of an older version becomes one of this.

use rusqlite::Connection;

use super::StoreError;

const VERSION: i64 = 1;

/// Times are microseconds since 1970 UTC. `anomalies.sequence` only ever grows: it is the log's order.
const TABLES: &str = "
CREATE TABLE users (
    id TEXT PRIMARY KEY,
    email TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('OWNER', 'MANAGER')),
    password TEXT NOT NULL,
    disabled INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE shops (
    id TEXT PRIMARY KEY,
    owner_id TEXT NOT NULL REFERENCES users (id),
    name TEXT NOT NULL,
    address TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX shops_by_owner ON shops (owner_id);

CREATE TABLE cameras (
    shop_id TEXT NOT NULL REFERENCES shops (id),
    name TEXT NOT NULL,
    PRIMARY KEY (shop_id, name)
) STRICT;

CREATE TABLE managers (
    user_id TEXT NOT NULL REFERENCES users (id),
    shop_id TEXT NOT NULL REFERENCES shops (id),
    PRIMARY KEY (user_id, shop_id)
) STRICT;
CREATE INDEX managers_by_shop ON managers (shop_id);

CREATE VIEW visible (user_id, shop_id) AS
    SELECT owner_id, id FROM shops UNION SELECT user_id, shop_id FROM managers;

CREATE TABLE anomalies (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    shop_id TEXT NOT NULL REFERENCES shops (id),
    at INTEGER NOT NULL,
    location TEXT NOT NULL,
    severity TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'pending',
    description TEXT NOT NULL,
    anomaly_type TEXT NOT NULL,
    confidence_score REAL,
    resolved_by TEXT,
    resolved_at INTEGER,
    acknowledged_by TEXT,
    acknowledged_at INTEGER,
    notes TEXT,
    extra_data TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    picture TEXT,
    result TEXT NOT NULL
) STRICT;
CREATE INDEX anomalies_by_shop ON anomalies (shop_id, at DESC, sequence DESC);
CREATE INDEX anomalies_by_time ON anomalies (at DESC, sequence DESC);

CREATE TABLE frames (
    sequence INTEGER PRIMARY KEY REFERENCES anomalies (sequence),
    shop_id TEXT NOT NULL,
    name TEXT NOT NULL,
    at INTEGER NOT NULL,
    jpeg BLOB NOT NULL,
    UNIQUE (shop_id, name)
) STRICT;

CREATE TABLE publishes (
    scope TEXT NOT NULL,
    key TEXT NOT NULL,
    digest BLOB NOT NULL,
    anomaly_id TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT;

CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    user_id TEXT REFERENCES users (id),
    service TEXT,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    revoked_at INTEGER,
    CHECK ((user_id IS NULL) <> (service IS NULL))
) STRICT;

CREATE TABLE refresh_tokens (
    hash BLOB PRIMARY KEY,
    session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    parent BLOB,
    exchanged_at INTEGER,
    dead INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX refresh_tokens_by_parent ON refresh_tokens (parent);
CREATE INDEX refresh_tokens_by_session ON refresh_tokens (session_id);
";

/// Sets the writer's connection up and brings the tables to this version.
pub(super) fn prepare(db: &mut Connection) -> Result<(), StoreError> {
    db.pragma_update(None, "journal_mode", "WAL")?;
    db.pragma_update(None, "synchronous", "FULL")?;
    db.pragma_update(None, "foreign_keys", true)?;
    db.busy_timeout(std::time::Duration::from_secs(10))?;
    let transaction = db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let version: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    match version {
        0 => {
            transaction.execute_batch(TABLES)?;
            transaction.pragma_update(None, "user_version", VERSION)?;
        }
        VERSION => {}
        newer => return Err(StoreError::TooNew(newer)),
    }
    transaction.commit()?;
    Ok(())
}

/// Sets a reader's connection up.
pub(super) fn tune_reader(db: &Connection) -> rusqlite::Result<()> {
    db.busy_timeout(std::time::Duration::from_secs(10))
}
