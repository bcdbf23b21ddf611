//! What stands, on the disk: a program that was killed takes its notifications back at its next start.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::session_file::exchange;

/// The numbers of our notifications at one service, for as long as that service runs.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Numbers {
    /// The bus, by the name that it gave itself at its start.
    pub bus: String,
    /// The service, by its name on the bus, which nobody else gets there.
    pub owner: String,
    pub numbers: Vec<u32>,
}

/// The file that they are kept in.
#[derive(Debug)]
pub(super) struct Kept {
    path: PathBuf,
    last: Numbers,
}

impl Kept {
    /// In the directory of the pictures.
    pub(super) fn in_directory(directory: &Path) -> Self {
        Self { path: directory.join("standing.json"), last: Numbers::default() }
    }

    /// What an earlier run left standing.
    pub(super) fn left(&self) -> Option<Numbers> {
        let text = fs::read(&self.path).ok()?;
        serde_json::from_slice(&text).inspect_err(|error| tracing::debug!(%error, "unreadable")).ok()
    }

    /// Keeps these in the place of the earlier ones.
    pub(super) fn keep(&mut self, now: Numbers) {
        if now == self.last {
            return;
        }
        if let Err(error) = self.write(&now) {
            tracing::debug!(%error, "what stands cannot be kept");
        }
        self.last = now;
    }

    /// Nothing stands any more.
    pub(super) fn clear(&mut self) {
        self.last = Numbers::default();
        let _ = fs::remove_file(&self.path);
    }

    fn write(&self, now: &Numbers) -> io::Result<()> {
        if now.numbers.is_empty() {
            return match fs::remove_file(&self.path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                Ok(()) | Err(_) => Ok(()),
            };
        }
        let new = self.path.with_extension("new");
        let written = fs::write(&new, serde_json::to_vec(now).map_err(io::Error::other)?);
        exchange(&new, &self.path, written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_is_read_back_and_nothing_leaves_no_file() {
        let home = tempfile::tempdir().unwrap();
        let mut kept = Kept::in_directory(home.path());
        let now = Numbers { bus: "b".into(), owner: ":1.7".into(), numbers: vec![3, 4] };

        kept.keep(now.clone());

        assert_eq!(Kept::in_directory(home.path()).left(), Some(now.clone()));
        kept.keep(Numbers { numbers: Vec::new(), ..now });
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_damaged_file_is_as_none() {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("standing.json"), b"{\"bus\":").unwrap();

        assert_eq!(Kept::in_directory(home.path()).left(), None);
    }
}
