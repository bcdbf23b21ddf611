//! Who was signed in, on disk: enough to say "signed in as" at the next start. Never a token.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
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
    /// The keychain has the password, to sign in again with.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub password_kept: bool,
    /// The server spoke protocol 2 since the person signed in: it is not shown a token in an address again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub spoke_two: bool,
    /// Since when the person is signed in, by this computer's clock: what is detected later is wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_in_at: Option<Timestamp>,
}

/// Reads it; none if there is none, or if it cannot be read (which is logged).
pub fn load(data_dir: &Path) -> Option<SavedSession> {
    let text = match std::fs::read(path(data_dir)) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(error) => {
            tracing::warn!(%error, "session.json cannot be read");
            return None;
        }
    };
    match serde_json::from_slice(&text) {
        Ok(session) => Some(session),
        Err(error) => {
            tracing::warn!(line = error.line(), column = error.column(), "session.json is damaged");
            None
        }
    }
}

/// Writes it in place of the last one, whole or not at all.
pub fn save(data_dir: &Path, session: &SavedSession) -> io::Result<()> {
    let text = serde_json::to_vec_pretty(session)?;
    replace(&path(data_dir), &text)
}

/// Removes it; it is no error if there is none.
pub fn remove(data_dir: &Path) -> io::Result<()> {
    match std::fs::remove_file(path(data_dir)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn path(data_dir: &Path) -> PathBuf {
    data_dir.join("session.json")
}

/// Replaces a file's content, whole or not at all, also if the power fails in between; for its owner alone.
pub(crate) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(".new");
    let fresh = PathBuf::from(fresh);
    let written = private(&fresh).and_then(|mut file| {
        file.write_all(content)?;
        file.sync_all()
    });
    exchange(&fresh, path, written)
}

/// Puts a file that was written in another's place; one that could not be is not left behind.
pub(crate) fn exchange(fresh: &Path, path: &Path, written: io::Result<()>) -> io::Result<()> {
    let exchanged = written.and_then(|()| std::fs::rename(fresh, path));
    if exchanged.is_err() {
        let _ = std::fs::remove_file(fresh);
    }
    exchanged
}

#[cfg(unix)]
fn private(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    File::options().write(true).create(true).truncate(true).mode(0o600).open(path)
}

/// Elsewhere the data directory lies in the person's own profile, which is private already.
#[cfg(not(unix))]
fn private(path: &Path) -> io::Result<File> {
    File::create(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_found_again_until_it_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(load(folder.path()), None);

        save(folder.path(), &session()).unwrap();
        assert_eq!(load(folder.path()), Some(session()));

        remove(folder.path()).unwrap();
        remove(folder.path()).unwrap();
        assert_eq!(load(folder.path()), None);
    }

    #[test]
    fn a_damaged_file_is_as_good_as_none() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("session.json"), "{\"server\":").unwrap();

        assert_eq!(load(folder.path()), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_keeps_the_last_file_and_no_half_of_the_next() {
        let name = "session_file::tests::a_full_disk_keeps_the_last_file_and_no_half_of_the_next";
        crate::testing::on_a_small_disk(name, 1024 * 1024, |disk| {
            save(disk, &session()).unwrap();
            crate::testing::fill(disk);

            let error = save(disk, &SavedSession { name: "Other".into(), ..session() }).unwrap_err();

            assert_eq!(error.kind(), io::ErrorKind::StorageFull);
            assert_eq!(load(disk), Some(session()));
            let mut left: Vec<_> =
                std::fs::read_dir(disk).unwrap().map(|entry| entry.unwrap().file_name()).collect();
            left.sort();
            assert_eq!(left, ["full", "session.json"]);
        });
    }

    #[test]
    fn what_cannot_be_put_in_its_place_is_not_left_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("session.json")).unwrap();

        assert!(save(folder.path(), &session()).is_err());

        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn the_file_is_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();

        save(folder.path(), &session()).unwrap();

        let mode = std::fs::metadata(folder.path().join("session.json")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    fn session() -> SavedSession {
        SavedSession {
            server: "https://alerts.example.com/".into(),
            user_id: UserId::new("ca3b8a03-d407-412b-9d66-a098e92cf49d").unwrap(),
            name: "Shop".into(),
            email: "Shop@example.com".into(),
            password_kept: true,
            spoke_two: true,
            signed_in_at: Some(Timestamp::UNIX_EPOCH),
        }
    }
}
