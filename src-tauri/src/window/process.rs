//! A window's process: started, spoken with, ended. What is said is not for this file.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
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
/// How long one may take to come to the front, and one that is not drawn yet. One that does not stands still, and is ended so
/// that there can be another.
const SHOWN_WITHIN: Duration = Duration::from_secs(5);
const DRAWN_WITHIN: Duration = Duration::from_secs(30);
/// The longest line of its errors that is kept whole.
const LINE: u64 = 4096;

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
    /// When it must have done what it was told.
    pub(super) due: Option<Instant>,
    /// The incident that it was to open as it came to the front.
    pub(super) asked: Option<String>,
    /// The person asked for it while it closed, or stood still.
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
            self.due = Some(Instant::now() + CLOSED_WITHIN);
            tell(Some(self), ToWindow::Close);
        }
    }

    /// Brings it to the front, at once or not at all.
    pub(super) fn show(&mut self) {
        let is_drawn = self.listens || self.spare.as_ref().is_some_and(Spare::is_ready);
        let within = if is_drawn { SHOWN_WITHIN } else { DRAWN_WITHIN };
        self.due.get_or_insert(Instant::now() + within);
        tell(Some(self), ToWindow::Show);
    }

    /// It came to the front.
    pub(super) fn shown(&mut self) {
        if !self.closing {
            self.due = None;
            self.asked = None;
        }
    }

    /// It did not do what it was told: it is ended, and what the person asked of it is for the next.
    pub(super) fn stands_still(&mut self) {
        tracing::warn!(closing = self.closing, "the window stands still and is ended");
        self.due = None;
        self.is_wanted_again |= !self.closing;
        let _ = self.child.start_kill();
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

/// How one is started.
#[derive(Debug, Default)]
pub(super) struct Start {
    /// Where it was.
    pub(super) place: Option<Place>,
    /// It is no window yet.
    pub(super) spare: Option<Spare>,
    /// Nobody asked for it: it comes back without taking the keyboard.
    pub(super) unasked: bool,
    /// What this program was given to come to the front with is for it.
    pub(super) first: bool,
}

/// Starts one whose window will be there, or a spare.
pub(super) fn start(data_dir: &Path, start: Start) -> anyhow::Result<Process> {
    let Start { place, spare, unasked, first } = start;
    let program = program()?;
    let mut command = Command::new(&program);
    command.arg("--data-dir").arg(data_dir);
    if let Some(place) = place {
        command.arg("--place").arg(serde_json::to_string(&place)?);
    }
    if spare.is_some() {
        command.arg("--spare");
    }
    if unasked {
        command.arg("--unasked");
    }
    if !first {
        // They are of another time.
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
        due: None,
        asked: None,
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

/// What the window and its toolkit complain about, in whatever bytes: who stops listening may bring down who speaks.
async fn log(errors: ChildStderr) {
    let mut errors = BufReader::new(errors);
    let mut line = Vec::new();
    while let Ok(read) = (&mut errors).take(LINE).read_until(b'\n', &mut line).await
        && read > 0
    {
        tracing::debug!(target: "visionguard_window", "{}", String::from_utf8_lossy(&line).trim_end());
        line.clear();
    }
}
