//! Files that a person saves: new ones, theirs alone, whole or not at all.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::iter;
use std::path::{Path, PathBuf};

/// Why there is no new file.
#[derive(Debug, thiserror::Error)]
pub enum NewFileError {
    /// Nothing is overwritten.
    #[error("{} is there already", .0.display())]
    Exists(PathBuf),
    #[error("cannot write {}", .path.display())]
    Unwritable {
        path: PathBuf,
        #[source]
        error: io::Error,
    },
}

impl NewFileError {
    pub(crate) fn of(path: &Path, error: io::Error) -> NewFileError {
        if error.kind() == io::ErrorKind::AlreadyExists {
            return NewFileError::Exists(path.to_owned());
        }
        NewFileError::Unwritable { path: path.to_owned(), error }
    }
}

/// A name in this folder that nothing has: this one, or it with a number.
pub fn free(folder: &Path, name: &str, extension: &str) -> PathBuf {
    let again = (2..).map(|again| format!("{name}-{again}.{extension}"));
    let first = format!("{name}.{extension}");
    let mut paths = iter::once(first.clone()).chain(again).map(|name| folder.join(name));
    paths.find(|path| !path.exists()).unwrap_or_else(|| folder.join(first))
}

/// Writes a new file whole, for its owner alone, or takes it away again.
pub(crate) fn write_new<T, E: From<NewFileError>>(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> Result<T, E>,
) -> Result<T, E> {
    let mut file = BufWriter::new(new_file(path).map_err(|error| NewFileError::of(path, error))?);
    let written = write(&mut file).and_then(|written| {
        let synced = file.flush().and_then(|()| file.get_ref().sync_all());
        synced.map(|()| written).map_err(|error| NewFileError::of(path, error).into())
    });
    if written.is_err() {
        let _ = std::fs::remove_file(path);
    }
    written
}

#[cfg(unix)]
fn new_file(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    File::options().write(true).create_new(true).mode(0o600).open(path)
}

#[cfg(not(unix))]
fn new_file(path: &Path) -> io::Result<File> {
    File::create_new(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_overwritten_and_what_failed_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let path = free(folder.path(), "report", "csv");

        let failed = write_new::<(), NewFileError>(&path, |file| {
            file.write_all(b"half").map_err(|error| NewFileError::of(&path, error))?;
            Err(NewFileError::of(&path, io::Error::other("the disk is full")))
        });
        assert!(matches!(failed, Err(NewFileError::Unwritable { .. })) && !path.exists());

        write_new(&path, |file| file.write_all(b"whole").map_err(|error| NewFileError::of(&path, error)))
            .unwrap();
        let again = write_new::<(), NewFileError>(&path, |_| Ok(()));

        assert!(matches!(again, Err(NewFileError::Exists(_))));
        assert_eq!(std::fs::read(&path).unwrap(), b"whole");
        assert_eq!(free(folder.path(), "report", "csv"), folder.path().join("report-2.csv"));
    }
}
