//! The database: one writer with group commit, several readers.

/// Why the database did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// SQLite refused.
    #[error("the database refused: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// The store is closed.
    #[error("the database is closed")]
    Closed,
}
