//! A window's process: started, spoken with, ended. What is said is not for this file.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::Context;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::sync::mpsc;
use visionguard_client::pipe::{self, FromWindow, Place, ToWindow};

use super::spare::Spare;

/// The window's program, beside this one.
const PROGRAM: &str = "visionguard-window";
/// What waits for a window that stands still; ten events come in a second at most. One that takes no more is closed.
const MOST_WAITING: usize = 4096;
/// How long a window may take to close.
const CLOSED_WITHIN: Duration = Duration::from_secs(2);

/// What a program was given to come to the front with when it was started.
const TOKENS: [&str; 2] = ["DESKTOP_STARTUP_ID", "XDG_ACTIVATION_TOKEN"];

/// A window's process.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    /// To the task that writes into its input.
    pub(super) to: mpsc::Sender<ToWindow>,
    /// From the task that reads its output; at an end when that is.
    pub(super) from: mpsc::Receiver<FromWindow>,
    /// It is no window yet.
    pub(super) spare: Option<Spare>,
    /// A page asked for everything and hears what changes.
    pub(super) listens: bool,
    /// It was told to close.
    pub(super) closing: bool,
    /// The person asked for it while it closed.
    pub(super) is_wanted_again: bool,
    /// Why it could not be shown, in its words.
    pub(super) trouble: Option<String>,
}

impl Process {
    pub(super) fn close(&mut self, would_lose_it: bool) {
        if would_lose_it {
            tracing::warn!("the window is minimised instead of closed");
            tell(Some(self), ToWindow::Minimise);
        } else {
            self.closing = true;
            tell(Some(self), ToWindow::Close);
        }
    }

    /// Its status, once it has ended, for which it is not given long.
    pub(super) async fn ended(&mut self) -> Option<ExitStatus> {
        if let Ok(ended) = tokio::time::timeout(CLOSED_WITHIN, self.child.wait()).await {
            return ended.ok();
        }
        let _ = self.child.start_kill();
        self.child.wait().await.ok()
    }
}

/// A window that has been taking nothing for so long is ended as a dead one.
pub(super) fn tell(process: Option<&mut Process>, said: ToWindow) {
    let Some(process) = process else { return };
    if matches!(said, ToWindow::Event(_)) && !process.listens {
        return;
    }
    if let Err(mpsc::error::TrySendError::Full(_)) = process.to.try_send(said) {
        tracing::warn!("the window takes nothing any more");
        let _ = process.child.start_kill();
    }
}

/// Where the window's program is.
pub(crate) fn program() -> std::io::Result<PathBuf> {
    Ok(std::env::current_exe()?.with_file_name(format!("{PROGRAM}{}", std::env::consts::EXE_SUFFIX)))
}

/// Starts one whose window will be there, or a spare.
pub(super) fn start(data_dir: &Path, place: Option<Place>, spare: Option<Spare>) -> anyhow::Result<Process> {
    let program = program()?;
    let mut command = Command::new(&program);
    command.arg("--data-dir").arg(data_dir);
    if let Some(place) = place {
        command.arg("--place").arg(serde_json::to_string(&place)?);
    }
    if spare.is_some() {
        command.arg("--spare");
        // They would be of another time.
        for token in TOKENS {
            command.env_remove(token);
        }
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().with_context(|| format!("{} cannot be started", program.display()))?;
    let (to, waiting) = mpsc::channel(MOST_WAITING);
    // The page asks for pictures in parallel; what it asks for waits here while it is not answered.
    let (said, from) = mpsc::channel(64);
    let (input, output) = (child.stdin.take(), child.stdout.take());
    let (input, output) = input.zip(output).context("there is no way to the window")?;
    tokio::spawn(write(input, waiting));
    tokio::spawn(read(output, said));
    if let Some(errors) = child.stderr.take() {
        tokio::spawn(log(errors));
    }
    Ok(Process {
        child,
        to,
        from,
        spare,
        listens: false,
        closing: false,
        is_wanted_again: false,
        trouble: None,
    })
}

async fn write(mut input: ChildStdin, mut waiting: mpsc::Receiver<ToWindow>) {
    while let Some(said) = waiting.recv().await {
        if let Err(error) = pipe::write(&mut input, &said).await {
            tracing::debug!(%error, "the window cannot be told anything");
            return;
        }
    }
}

async fn read(mut output: ChildStdout, said: mpsc::Sender<FromWindow>) {
    loop {
        match pipe::read(&mut output).await {
            Ok(Some(message)) => {
                if said.send(message).await.is_err() {
                    return;
                }
            }
            Ok(None) => return,
            Err(error) => {
                tracing::warn!(%error, "the window's words are not understood");
                return;
            }
        }
    }
}

/// What the window and its toolkit complain about.
async fn log(errors: ChildStderr) {
    let mut lines = BufReader::new(errors).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        tracing::debug!(target: "visionguard_window", "{line}");
    }
}
