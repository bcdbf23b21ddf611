//! One running program per data directory.

use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Held for as long as the program uses the directory; released by the operating system whatever happens.
#[derive(Debug)]
pub struct DataLock {}

/// Who holds a data directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// Its process id.
    pub pid: u32,
    /// Its name.
    pub program: String,
    /// Since when.
    pub since: Timestamp,
}

/// Why the directory is not ours.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another program holds it; unknown only in the moment in which it starts.
    #[error("the data directory is in use{}", said(.0))]
    Held(Option<Owner>),
    /// The lock file cannot be made.
    #[error("cannot lock the data directory")]
    Io(#[from] std::io::Error),
}

impl DataLock {
    /// Takes the directory, without waiting.
    pub fn take(data_dir: &Path, program: &str, now: Timestamp) -> Result<DataLock, LockError> {
        let _ = (data_dir, program, now);
        todo!()
    }
}

/// Who holds the directory now, if anybody does.
pub fn holder(data_dir: &Path) -> Option<Owner> {
    let _ = data_dir;
    todo!()
}

fn said(owner: &Option<Owner>) -> String {
    match owner {
        Some(owner) => format!(" by {} (process {}, since {})", owner.program, owner.pid, owner.since),
        None => String::new(),
    }
}
