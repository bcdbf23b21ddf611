//! A socket in the file system: in the data directory where its path is short enough and the disk knows sockets, else in a
//! folder of the user's own. Whoever asks looks in the same places.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tokio::net::{UnixListener, UnixStream};

pub(super) use tokio::net::UnixStream as Stream;

/// Waits for whoever asks.
#[derive(Debug)]
pub(super) struct Listener {
    socket: UnixListener,
    user: u32,
}

/// The socket's file, which goes with this value.
#[derive(Debug)]
pub(super) struct Name {
    path: PathBuf,
    file: Option<(u64, u64)>,
}

impl Drop for Name {
    /// Only if it is still ours: the next program may have taken the name.
    fn drop(&mut self) {
        if self.file.is_some() && self.file == file(&self.path) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

impl Listener {
    /// The next one; none if it is of another user.
    pub(super) async fn accept(&mut self) -> io::Result<Option<UnixStream>> {
        let (stream, _) = self.socket.accept().await?;
        Ok((stream.peer_cred()?.uid() == self.user).then_some(stream))
    }
}

/// Takes the name of this directory, over from a program that was killed if need be: the directory is ours.
pub(super) fn listen(data_dir: &Path) -> io::Result<(Listener, Name)> {
    let user = user()?;
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for place in places(data_dir, user) {
        match bind(&place, user) {
            Ok(socket) => {
                let file = file(&place.path);
                return Ok((Listener { socket, user }, Name { path: place.path, file }));
            }
            Err(error) => {
                tracing::debug!(%error, path = %place.path.display(), "no socket can be here");
                last = error;
            }
        }
    }
    Err(last)
}

/// The program of this user that listens for this directory.
pub(super) async fn connect(data_dir: &Path) -> io::Result<UnixStream> {
    let user = user()?;
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for place in places(data_dir, user) {
        match UnixStream::connect(&place.path).await {
            Ok(stream) if stream.peer_cred()?.uid() == user => return Ok(stream),
            Ok(_) => last = io::Error::from(io::ErrorKind::PermissionDenied),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Where a socket may be.
struct Place {
    path: PathBuf,
    /// A folder that is there for the socket alone.
    folder: Option<PathBuf>,
}

fn places(data_dir: &Path, user: u32) -> Vec<Place> {
    let own = |folder: PathBuf| Place {
        path: folder.join(format!("{}.sock", super::short(data_dir))),
        folder: Some(folder),
    };
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|path| path.is_absolute());
    let in_data = Place { path: data_dir.join("local.sock"), folder: None };
    std::iter::once(in_data)
        .chain(runtime.map(|runtime| own(runtime.join("visionguard"))))
        .chain(std::iter::once(own(PathBuf::from(format!("/tmp/visionguard-{user}")))))
        .collect()
}

fn bind(place: &Place, user: u32) -> io::Result<UnixListener> {
    if let Some(folder) = &place.folder {
        match DirBuilder::new().mode(0o700).create(folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let found = fs::symlink_metadata(folder)?;
        if !found.is_dir() || found.uid() != user || found.mode() & 0o077 != 0 {
            return Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                "the folder is not this user's alone",
            ));
        }
    }
    let socket = match UnixListener::bind(&place.path) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            if !fs::symlink_metadata(&place.path)?.file_type().is_socket() {
                return Err(error);
            }
            fs::remove_file(&place.path)?;
            UnixListener::bind(&place.path)?
        }
        outcome => outcome?,
    };
    fs::set_permissions(&place.path, Permissions::from_mode(0o600))?;
    Ok(socket)
}

/// Who we are, as the other end of a socket is told.
fn user() -> io::Result<u32> {
    let (one, _other) = UnixStream::pair()?;
    Ok(one.peer_cred()?.uid())
}

fn file(path: &Path) -> Option<(u64, u64)> {
    let found = fs::symlink_metadata(path).ok()?;
    Some((found.dev(), found.ino()))
}
