//! The picture of a notification as a file that only its owner can read, there for as long as the notification stands.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The directory of pictures.
#[derive(Debug)]
pub(super) struct Pictures {
    directory: PathBuf,
    next: u64,
}

impl Pictures {
    /// Makes the directory if need be, and removes what an earlier run left in it.
    pub(super) fn open(directory: &Path) -> io::Result<Self> {
        create_private(directory)?;
        for entry in fs::read_dir(directory)?.flatten() {
            if entry.path().extension().is_some_and(|extension| extension == "jpg") {
                // A file that cannot be removed now is tried again at the next start.
                let _ = fs::remove_file(entry.path());
            }
        }
        Ok(Self { directory: directory.to_owned(), next: 0 })
    }

    /// Writes one; each has a new name, because services keep what they loaded under an old one.
    pub(super) fn write(&mut self, jpeg: &[u8]) -> io::Result<Picture> {
        self.next += 1;
        let picture =
            Picture { path: self.directory.join(format!("{}-{}.jpg", std::process::id(), self.next)) };
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(&picture.path)?.write_all(jpeg)?;
        Ok(picture)
    }
}

/// One picture; the file goes with it.
#[derive(Debug)]
pub(super) struct Picture {
    path: PathBuf,
}

impl Picture {
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Picture {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.path)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%error, "cannot remove the picture of a notification");
        }
    }
}

fn create_private(directory: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_there_while_it_is_held_and_gone_afterwards() {
        let home = tempfile::tempdir().unwrap();
        let mut pictures = Pictures::open(&home.path().join("pictures")).unwrap();

        let picture = pictures.write(b"\xff\xd8jpeg").unwrap();
        let path = picture.path().to_owned();

        assert_eq!(fs::read(&path).unwrap(), b"\xff\xd8jpeg");
        drop(picture);
        assert!(!path.exists());
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_can_read_a_picture() {
        use std::os::unix::fs::PermissionsExt;
        let home = tempfile::tempdir().unwrap();
        let directory = home.path().join("pictures");
        let mut pictures = Pictures::open(&directory).unwrap();

        let picture = pictures.write(b"jpeg").unwrap();

        assert_eq!(fs::metadata(picture.path()).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(&directory).unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn what_an_earlier_run_left_is_removed() {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("1-1.jpg"), b"left").unwrap();

        Pictures::open(home.path()).unwrap();

        assert!(!home.path().join("1-1.jpg").exists());
    }
}
