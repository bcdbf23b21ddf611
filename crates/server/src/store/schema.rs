//! The tables, and how a database of an older version becomes one of this.

use rusqlite::Connection;

use super::StoreError;

const VERSION: i64 = 2;
/// Most memory of the writer's page cache, in KiB.
const CACHE: i64 = 8 * 1024;
/// How many statements a connection keeps ready: more than there are.
const STATEMENTS: usize = 64;

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
    result TEXT NOT NULL,
    user_id TEXT NOT NULL DEFAULT '',
    stream_id TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX anomalies_by_shop ON anomalies (shop_id, at DESC, sequence DESC);
CREATE INDEX anomalies_by_time ON anomalies (at DESC, sequence DESC);
CREATE INDEX anomalies_by_sequence ON anomalies (shop_id, sequence);

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

CREATE TABLE log (epoch TEXT NOT NULL) STRICT;
";

/// Until then the stream stood in `extra_data` alone, and its user in the result of thefts.
const FROM_1: &str = "
ALTER TABLE anomalies ADD COLUMN user_id TEXT NOT NULL DEFAULT '';
ALTER TABLE anomalies ADD COLUMN stream_id TEXT NOT NULL DEFAULT '';
UPDATE anomalies SET
    user_id = coalesce(result ->> '$.user_id', (SELECT owner_id FROM shops WHERE shops.id = shop_id)),
    stream_id = coalesce(extra_data ->> '$.stream_id', 'unknown');
CREATE INDEX anomalies_by_sequence ON anomalies (shop_id, sequence);
CREATE TABLE log (epoch TEXT NOT NULL) STRICT;
";

/// Sets the writer's connection up and brings the tables to this version.
pub(super) fn prepare(db: &mut Connection) -> Result<(), StoreError> {
    db.set_prepared_statement_cache_capacity(STATEMENTS);
    db.pragma_update(None, "journal_mode", "WAL")?;
    db.pragma_update(None, "synchronous", "FULL")?;
    db.pragma_update(None, "foreign_keys", true)?;
    // Sixty pictures fit, so that none of a group is written twice.
    db.pragma_update(None, "cache_size", -CACHE)?;
    // Of pages: 64 MiB. Until then it is done beside the writer.
    db.pragma_update(None, "wal_autocheckpoint", 16_384)?;
    db.busy_timeout(std::time::Duration::from_secs(10))?;
    let transaction = db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let version: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    match version {
        0 => transaction.execute_batch(TABLES)?,
        1 => transaction.execute_batch(FROM_1)?,
        VERSION => {}
        newer => return Err(StoreError::TooNew(newer)),
    }
    if version != VERSION {
        // A log that is begun anew must not be taken for the one before it.
        transaction.execute("INSERT INTO log (epoch) VALUES (lower(hex(randomblob(8))))", [])?;
        transaction.pragma_update(None, "user_version", VERSION)?;
    }
    transaction.commit()?;
    Ok(())
}

/// Sets a reader's connection up.
pub(super) fn tune_reader(db: &Connection) -> rusqlite::Result<()> {
    db.set_prepared_statement_cache_capacity(STATEMENTS);
    db.busy_timeout(std::time::Duration::from_secs(10))
}
