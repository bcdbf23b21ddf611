//! Who was signed in, on disk: enough to say "signed in as" at the next start. Never a token.

use std::path::Path;

use serde::{Deserialize, Serialize};
use visionguard_proto::UserId;

/// `session.json` in the data directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedSession {
    /// The server's base address.
    pub server: String,
    /// The user's id, as the server spells it.
    pub user_id: UserId,
    /// The user's name.
    pub name: String,
    /// The user's e-mail address.
    pub email: String,
}

/// Reads it; none if there is none, or if it cannot be read (which is logged).
pub fn load(data_dir: &Path) -> Option<SavedSession> {
    let _ = data_dir;
    todo!()
}

/// Writes it in place of the last one, whole or not at all.
pub fn save(data_dir: &Path, session: &SavedSession) -> std::io::Result<()> {
    let _ = (data_dir, session);
    todo!()
}

/// Removes it.
pub fn remove(data_dir: &Path) -> std::io::Result<()> {
    let _ = data_dir;
    todo!()
}
