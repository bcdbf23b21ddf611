//! Which installation this is: the data directory, what is wrong with it, and the name by which others know it.
//!
//! Two data directories are two installations, in one session or in two. One that cannot be used ends nothing: the
//! program then works from memory and says so.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// Where everything is kept, and whether it can be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataDir {
    /// The directory, whether it is there or not.
    pub path: PathBuf,
    /// Why nothing can be kept there, if so.
    pub trouble: Option<Trouble>,
}

/// Why nothing can be kept in a data directory, in words that end a sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// The account has no home, and none was chosen.
    #[error("this account has no home directory; set VISIONGUARD_DATA_DIR to a folder that it may write to")]
    NoHome,
    /// It is something else.
    #[error("it is not a folder")]
    NotAFolder,
    /// Nothing can be written there, in the system's words.
    #[error("{0}")]
    Unwritable(String),
}

impl DataDir {
    /// `VISIONGUARD_DATA_DIR`, else the platform's. It is made if it is not there, for its owner alone.
    pub fn find() -> DataDir {
        let chosen = std::env::var_os("VISIONGUARD_DATA_DIR").filter(|chosen| !chosen.is_empty());
        let path = match chosen {
            Some(chosen) => std::path::absolute(&chosen).unwrap_or_else(|_| PathBuf::from(chosen)),
            None => match platform_dir() {
                Some(path) => path,
                None => {
                    return DataDir { path: PathBuf::from(NOWHERE), trouble: Some(Trouble::NoHome) };
                }
            },
        };
        DataDir::at(path)
    }

    /// The directory at this path, made if it is not there.
    pub fn at(path: PathBuf) -> DataDir {
        let trouble =
            create_private(&path).and_then(|()| try_out(&path)).err().map(|error| why(&path, &error));
        DataDir { path, trouble }
    }
}

/// The name of an installation: the same however its directory is spelled, and whether or not it is there.
pub fn identity(data_dir: &Path) -> String {
    let path = really(data_dir);
    let hash = Sha256::digest(path.as_os_str().as_encoded_bytes());
    hash.iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

/// Whether this is the directory that is used where none is chosen.
pub fn is_usual(data_dir: &Path) -> bool {
    platform_dir().is_some_and(|usual| really(&usual) == really(data_dir))
}

/// A folder of this installation that is gone with the session, where there is such a place.
pub fn runtime_dir(data_dir: &Path) -> Option<PathBuf> {
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from)?;
    runtime.is_absolute().then(|| runtime.join("visionguard").join(identity(data_dir)))
}

/// Folders of this installation for what its own directory does not take: of the session, and of the user, which is there
/// without a session, too.
pub fn folders_beside(data_dir: &Path) -> Vec<PathBuf> {
    let of_user = user_folder().map(|folder| folder.join(identity(data_dir)));
    runtime_dir(data_dir).into_iter().chain(of_user).collect()
}

/// A folder of this user alone that needs no session, there or not.
#[cfg(unix)]
pub(crate) fn user_folder() -> Option<PathBuf> {
    Some(PathBuf::from(format!("/tmp/visionguard-{}", rustix::process::getuid().as_raw())))
}

#[cfg(not(unix))]
pub(crate) fn user_folder() -> Option<PathBuf> {
    None
}

/// Whether nobody else can have made this folder, nor the one that it is in, which may lie where everybody writes.
#[cfg(unix)]
pub(crate) fn is_own(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt;
    for part in folder.ancestors().take(2) {
        let found = std::fs::symlink_metadata(part)?;
        if !found.is_dir() || found.uid() != rustix::process::getuid().as_raw() || found.mode() & 0o022 != 0 {
            return Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                "the folder is not this user's alone",
            ));
        }
    }
    Ok(())
}

#[cfg(not(unix))]
pub(crate) fn is_own(_folder: &Path) -> io::Result<()> {
    Ok(())
}

/// Where a person looks for what they saved: their downloads, else their documents, else their home.
pub fn downloads() -> Option<PathBuf> {
    let dirs = directories::UserDirs::new()?;
    // A desktop without xdg-user-dirs names none.
    let usual = dirs.home_dir().join("Downloads");
    let folders = [dirs.download_dir(), Some(&usual), dirs.document_dir(), Some(dirs.home_dir())];
    folders.into_iter().flatten().find(|folder| folder.is_dir()).map(Path::to_owned)
}

/// A folder that nobody else can have made, gone with the computer's next start.
pub fn private_folder() -> io::Result<PathBuf> {
    #[cfg(unix)]
    let folder = {
        let mut folder = std::fs::DirBuilder::new();
        std::os::unix::fs::DirBuilderExt::mode(&mut folder, 0o700);
        folder
    };
    #[cfg(not(unix))]
    let folder = std::fs::DirBuilder::new();
    let name = |again: u32| std::env::temp_dir().join(format!("visionguard-{}-{again}", std::process::id()));
    let mut last = io::Error::from(io::ErrorKind::AlreadyExists);
    for path in (0..100).map(name) {
        match folder.create(&path) {
            Ok(()) => return Ok(path),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Device and inode: which file or directory it is, whatever its name.
pub(crate) type FileId = (u64, u64);

/// Which one is there now; none where there is none, or where the system does not tell.
pub(crate) fn file_id(path: &Path) -> Option<FileId> {
    std::fs::metadata(path).ok().as_ref().map(id_of)
}

/// The same of an open file.
pub(crate) fn open_file_id(file: &File) -> Option<FileId> {
    file.metadata().ok().as_ref().map(id_of)
}

#[cfg(unix)]
fn id_of(found: &std::fs::Metadata) -> FileId {
    use std::os::unix::fs::MetadataExt;
    (found.dev(), found.ino())
}

/// Elsewhere what is open cannot be moved or deleted, and it is known only whether it is there.
#[cfg(not(unix))]
fn id_of(_found: &std::fs::Metadata) -> FileId {
    (0, 0)
}

/// Where nothing is and nothing can be made: the conventional home of who has none.
const NOWHERE: &str = "/nonexistent/visionguard";

/// Not the roaming profile of Windows: pictures stay on this computer.
fn platform_dir() -> Option<PathBuf> {
    directories::ProjectDirs::from("", "", "VisionGuard").map(|dirs| dirs.data_local_dir().to_owned())
}

/// The path without its links, as far as it exists.
fn really(path: &Path) -> PathBuf {
    for there in path.ancestors() {
        if let (Ok(real), Ok(rest)) = (there.canonicalize(), path.strip_prefix(there)) {
            // Joining nothing would add a separator.
            return if rest.as_os_str().is_empty() { real } else { real.join(rest) };
        }
    }
    path.to_owned()
}

#[cfg(unix)]
fn create_private(dir: &Path) -> io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    let mode = std::fs::metadata(dir)?.permissions().mode();
    if mode & 0o077 != 0
        && let Err(error) = std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o700))
    {
        // Network and Windows disks have permissions of their own.
        eprintln!("VisionGuard: others may be able to read {}: {error}", dir.display());
    }
    Ok(())
}

/// Elsewhere the directory lies in the person's own profile, which is private already.
#[cfg(not(unix))]
fn create_private(dir: &Path) -> io::Result<()> {
    std::fs::create_dir_all(dir)
}

/// Permissions tell little: of a disk that is mounted read-only, or of the administrator's, nothing.
fn try_out(dir: &Path) -> io::Result<()> {
    match write_and_remove(dir, &[]) {
        // Room may be made while the program runs, and nothing is wrong with the place.
        Err(error) if is_full(&error) => Ok(()),
        tried => tried,
    }
}

/// About what an alert with its picture takes.
const ROOM: usize = 256 * 1024;

/// Whether there is room for another alert, which only a write that takes it can tell: [`is_full`] of the error if not.
pub(crate) fn try_room(dir: &Path) -> io::Result<()> {
    let mut content = vec![0; ROOM];
    // Some disks keep no zeros.
    rand::fill(&mut content[..]);
    write_and_remove(dir, &content)
}

fn write_and_remove(dir: &Path, content: &[u8]) -> io::Result<()> {
    let path = dir.join(format!(".tried-{}", std::process::id()));
    let tried = File::create(&path).and_then(|mut file| {
        file.write_all(content)?;
        // Some disks say only then that they had no room.
        if content.is_empty() { Ok(()) } else { file.sync_all() }
    });
    let _ = std::fs::remove_file(&path);
    tried
}

/// Whether a disk, or what this person may take of it, is full.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

fn why(path: &Path, error: &io::Error) -> Trouble {
    let is_other = path.ancestors().any(|part| part.exists() && !part.is_dir());
    if is_other { Trouble::NotAFolder } else { Trouble::Unwritable(error.to_string()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_22_a_data_directory_that_is_a_file_is_named_and_ends_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("data");
        std::fs::write(&file, "a file").unwrap();

        for path in [file.clone(), file.join("deeper")] {
            let found = DataDir::at(path.clone());

            assert_eq!(found, DataDir { path, trouble: Some(Trouble::NotAFolder) });
        }
        assert_eq!(std::fs::read_to_string(file).unwrap(), "a file");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn case_22_a_place_where_nobody_can_write_is_found_out_also_by_the_administrator() {
        let found = DataDir::at(PathBuf::from("/sys/visionguard"));

        assert_eq!(found.path, PathBuf::from("/sys/visionguard"));
        assert!(matches!(found.trouble, Some(Trouble::Unwritable(_))), "{found:?}");
        assert!(matches!(DataDir::at(PathBuf::from("/sys")).trouble, Some(Trouble::Unwritable(_))));
    }

    #[test]
    fn a_directory_that_works_is_left_as_it_was() {
        let folder = tempfile::tempdir().unwrap();

        let found = DataDir::at(folder.path().join("data"));

        assert_eq!(found.trouble, None);
        assert_eq!(std::fs::read_dir(&found.path).unwrap().count(), 0);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn only_a_write_that_takes_room_tells_that_a_disk_is_full() {
        crate::testing::on_a_small_disk(
            "installation::tests::only_a_write_that_takes_room_tells_that_a_disk_is_full",
            1024 * 1024,
            |disk| {
                assert_eq!(try_room(disk).map_err(|error| error.kind()), Ok(()));
                crate::testing::fill(disk);

                let error = try_room(disk).unwrap_err();

                assert!(is_full(&error), "{error}");
                assert_eq!(
                    DataDir::at(disk.to_owned()).trouble,
                    None,
                    "room may be made while the program runs"
                );
                assert_eq!(std::fs::read_dir(disk).unwrap().count(), 1, "what was tried is still there");
            },
        );
    }

    #[test]
    fn case_29_an_installation_has_one_name_however_its_directory_is_spelled() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (folder.path().join("one"), folder.path().join("other"));
        let before = identity(&one.join("deep"));
        std::fs::create_dir_all(one.join("deep")).unwrap();

        assert_eq!(identity(&one.join("deep")), before, "the name changes once it is there");
        assert_eq!(identity(&folder.path().join("one/../one/deep/")), before);
        assert_ne!(identity(&one), identity(&other));
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(&one, &other).unwrap();
            assert_eq!(identity(&other), identity(&one));
        }
    }
}
