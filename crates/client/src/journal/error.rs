//! What can go wrong with the journal, and the questions its callers ask about it.

use std::path::PathBuf;

use rusqlite::ErrorCode;

/// Why the journal did not do what was asked. Nothing was stored, and nothing may be acknowledged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JournalError {
    /// The disk, or the room allowed to the program, is used up.
    #[error("cannot write the journal: the disk is full")]
    Full,
    /// The file or its directory may not be written, or this journal was opened for reading.
    #[error("cannot write the journal: it is read-only")]
    Unwritable,
    /// The file is not what was written.
    #[error("the journal is damaged")]
    Damaged,
    /// Another program holds the file for longer than it should.
    #[error("the journal is in use by another program")]
    Busy,
    /// The disk knows no locks, so that nobody may use the file beside the program that owns it.
    #[error("only the running VisionGuard can read the journal: its disk knows no locks")]
    Unshared,
    /// There is no journal yet.
    #[error("there is no journal at {0}")]
    Missing(PathBuf),
    /// Written by a newer version of the program.
    #[error(
        "the journal was written by a newer version of VisionGuard (format {found}, this one knows {known})"
    )]
    Newer {
        /// The file's format.
        found: i64,
        /// The newest that this program knows.
        known: i64,
    },
    /// A feed cursor that no page handed out.
    #[error("this is not a place in the feed")]
    BadCursor,
    /// The journal was closed.
    #[error("the journal is closed")]
    Closed,
    /// Anything else the file system or SQLite said.
    #[error("the journal failed: {0}")]
    Storage(String),
}

impl JournalError {
    /// Whether room on the disk is what is missing.
    pub fn is_full(&self) -> bool {
        *self == JournalError::Full
    }

    /// Whether the file itself is at fault, so that a restart sets it aside.
    pub fn is_damaged(&self) -> bool {
        *self == JournalError::Damaged
    }

    /// Whether the same request may succeed later without anybody's doing.
    pub fn can_retry(&self) -> bool {
        match self {
            JournalError::Full | JournalError::Unwritable | JournalError::Busy | JournalError::Storage(_) => {
                true
            }
            JournalError::Damaged
            | JournalError::Missing(_)
            | JournalError::Newer { .. }
            | JournalError::BadCursor
            | JournalError::Unshared
            | JournalError::Closed => false,
        }
    }
}

impl From<rusqlite::Error> for JournalError {
    fn from(error: rusqlite::Error) -> JournalError {
        let Some(code) = error.sqlite_error_code() else {
            let misshapen = matches!(
                error,
                rusqlite::Error::FromSqlConversionFailure(..)
                    | rusqlite::Error::InvalidColumnType(..)
                    | rusqlite::Error::IntegralValueOutOfRange(..)
            );
            return if misshapen { JournalError::Damaged } else { JournalError::Storage(error.to_string()) };
        };
        if code == ErrorCode::DiskFull {
            JournalError::Full
        } else if matches!(code, ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) {
            JournalError::Unwritable
        } else if matches!(code, ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) {
            JournalError::Damaged
        } else if matches!(code, ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) {
            JournalError::Busy
        } else {
            JournalError::Storage(error.to_string())
        }
    }
}

impl From<std::io::Error> for JournalError {
    fn from(error: std::io::Error) -> JournalError {
        use std::io::ErrorKind;
        let kind = error.kind();
        if kind == ErrorKind::StorageFull || kind == ErrorKind::QuotaExceeded {
            JournalError::Full
        } else if kind == ErrorKind::PermissionDenied || kind == ErrorKind::ReadOnlyFilesystem {
            JournalError::Unwritable
        } else {
            JournalError::Storage(error.to_string())
        }
    }
}
