//! A named pipe. Its rights are the system's for one that names none: only this user, administrators and the system may
//! write to it, and so ask; nobody from another computer.

use std::io;
use std::path::Path;
use std::time::Duration;

use tokio::net::windows::named_pipe::{
    ClientOptions, NamedPipeClient, NamedPipeServer, PipeMode, ServerOptions,
};

pub(super) type Stream = NamedPipeClient;

/// All instances of the pipe are taken for a moment: `ERROR_PIPE_BUSY`.
const BUSY: i32 = 231;

/// Waits for whoever asks.
#[derive(Debug)]
pub(super) struct Listener {
    name: String,
    next: NamedPipeServer,
}

/// The pipe's name, which the system takes back by itself.
#[derive(Debug)]
pub(super) struct Name;

impl Listener {
    /// The next one.
    pub(super) async fn accept(&mut self) -> io::Result<Option<NamedPipeServer>> {
        self.next.connect().await?;
        let next = instance(&self.name, false)?;
        Ok(Some(std::mem::replace(&mut self.next, next)))
    }
}

/// Takes the name of this directory; one that is taken already is not shared.
pub(super) fn listen(data_dir: &Path) -> io::Result<(Listener, Name)> {
    let name = name(data_dir);
    let next = instance(&name, true)?;
    Ok((Listener { name, next }, Name))
}

/// The program that listens for this directory.
pub(super) async fn connect(data_dir: &Path) -> io::Result<NamedPipeClient> {
    let name = name(data_dir);
    loop {
        match ClientOptions::new().open(&name) {
            Err(error) if error.raw_os_error() == Some(BUSY) => {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            outcome => return outcome,
        }
    }
}

fn instance(name: &str, first: bool) -> io::Result<NamedPipeServer> {
    ServerOptions::new()
        .pipe_mode(PipeMode::Byte)
        .first_pipe_instance(first)
        .reject_remote_clients(true)
        .create(name)
}

fn name(data_dir: &Path) -> String {
    format!(r"\\.\pipe\visionguard-{}", super::short(data_dir))
}
