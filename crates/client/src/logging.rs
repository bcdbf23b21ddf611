//! The log: a rolling file in the data directory, bounded in size and age, and free of secrets.

use std::path::Path;

use crate::settings::{LogFormat, LogLevel};

/// Keeps the log open; dropping it writes what is still in memory.
#[derive(Debug)]
#[must_use = "the log ends when this is dropped"]
pub struct Logging {}

/// Why there is no log.
#[derive(Debug, thiserror::Error)]
pub enum LoggingError {
    /// The folder or file cannot be made.
    #[error("cannot open the log in {folder}")]
    Unwritable {
        /// The folder.
        folder: std::path::PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The process has a log already.
    #[error("logging was started twice")]
    Twice,
}

/// Starts logging of the whole process into `logs/` of the data directory.
pub fn start(data_dir: &Path, level: LogLevel, format: LogFormat) -> Result<Logging, LoggingError> {
    let _ = (data_dir, level, format);
    todo!()
}
