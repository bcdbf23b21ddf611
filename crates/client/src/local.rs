//! How another program of this computer asks the running one: the command line wants to know what is shown, has
//! decisions made by whoever holds the data directory, and a copy of a journal that only that one can read; a second start of
//! the desktop program wants the window of the first.
//!
//! Of the same user only, and from this computer only: a socket that nobody else may open, whose peer is asked for its user
//! besides, or a named pipe. One question a connection, one line of JSON each way (two for a decision: that it is kept, and
//! what became of it), with bounds on their size and on every wait, so that neither side can hold the other. No secret
//! goes over it. A program that was killed leaves at most a name behind, which the next one takes over.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
use unix as system;
#[cfg(windows)]
use windows as system;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use crate::controller::Client;
use crate::login::Login;
use crate::model::{Decided, Decision, Disposition};
use crate::view::{Problem, SnoozeLength, SnoozeView, Standing};
use crate::words::text;

/// Of what is written here; another one is answered with a problem, and the asker helps itself.
const VERSION: u32 = 1;
/// The code of the problem of a program of another version.
pub const UNKNOWN_QUESTION: &str = "unknown_question";
/// The longest line.
const LONGEST: u64 = 256 * 1024;
/// Askers at once; more wait for their turn.
const AT_ONCE: usize = 8;
/// An asker that is gone is seen to be within this time.
const SEEN_TO_BE_GONE: Duration = Duration::from_millis(20);
/// How long a question may take to come, and an answer to be taken.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long the running program may take to answer what it only has to look up or write down.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// The longest that an asker is waited for with the outcome of its decision.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Why there was no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Nobody listens.
    #[error("no program can be asked")]
    Nobody(#[source] io::Error),
    /// A program is there and says nothing, or nothing that can be understood.
    #[error("the running program does not answer")]
    Silent(#[source] io::Error),
    /// It will not do it, and says why.
    #[error(transparent)]
    Refused(#[from] Problem),
}

/// Asks the program that holds this directory how it stands.
pub async fn standing(data_dir: &Path) -> Result<Standing, AskError> {
    let mut asked = Asked::send(data_dir, &Question::Standing).await?;
    match asked.answer(ANSWER_WITHIN).await? {
        Answer::Standing(standing) => Ok(*standing),
        Answer::Problem(problem) => Err(problem.into()),
        Answer::Kept
        | Answer::Decided(_)
        | Answer::Copied
        | Answer::Opened
        | Answer::Leaves
        | Answer::Snoozed(_)
        | Answer::SnoozeEnded => Err(not_understood()),
    }
}

/// What the running program does for a second start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// It shows its window.
    Here,
    /// It was left over by a login that has ended, and makes room.
    Leaves,
}

/// Has the program that holds this directory show its window; [`UNKNOWN_QUESTION`] is the problem of one that has none.
pub async fn open(data_dir: &Path) -> Result<Shown, AskError> {
    let mut asked = Asked::send(data_dir, &Question::Open { login: Login::here() }).await?;
    match asked.answer(ANSWER_WITHIN).await? {
        Answer::Opened => Ok(Shown::Here),
        Answer::Leaves => Ok(Shown::Leaves),
        Answer::Problem(problem) => Err(problem.into()),
        Answer::Standing(_)
        | Answer::Kept
        | Answer::Decided(_)
        | Answer::Copied
        | Answer::Snoozed(_)
        | Answer::SnoozeEnded => Err(not_understood()),
    }
}

/// Has the program that holds this directory write a copy of its journal into a folder of this program's: it may be the
/// only one that can read it.
pub async fn copy_journal(data_dir: &Path, folder: &Path) -> Result<(), AskError> {
    let mut asked = Asked::send(data_dir, &Question::Copy { into: folder.to_owned() }).await?;
    match asked.answer(LONGEST_WAIT).await? {
        Answer::Copied => Ok(()),
        Answer::Problem(problem) => Err(problem.into()),
        Answer::Standing(_)
        | Answer::Kept
        | Answer::Decided(_)
        | Answer::Opened
        | Answer::Leaves
        | Answer::Snoozed(_)
        | Answer::SnoozeEnded => Err(not_understood()),
    }
}

/// Has the program that holds this directory keep a camera quiet, which is named by its id or its name.
pub async fn snooze(
    data_dir: &Path,
    camera: &str,
    length: SnoozeLength,
    why: Option<&str>,
) -> Result<SnoozeView, AskError> {
    let question = Question::Snooze { camera: camera.to_owned(), length, why: why.map(str::to_owned) };
    let mut asked = Asked::send(data_dir, &question).await?;
    match asked.answer(ANSWER_WITHIN).await? {
        Answer::Snoozed(snooze) => Ok(snooze),
        Answer::Problem(problem) => Err(problem.into()),
        Answer::Standing(_)
        | Answer::Kept
        | Answer::Decided(_)
        | Answer::Copied
        | Answer::Opened
        | Answer::Leaves
        | Answer::SnoozeEnded => Err(not_understood()),
    }
}

/// Has it end the snooze of a camera, or of all.
pub async fn end_snooze(data_dir: &Path, camera: Option<&str>) -> Result<(), AskError> {
    let question = Question::EndSnooze { camera: camera.map(str::to_owned) };
    let mut asked = Asked::send(data_dir, &question).await?;
    match asked.answer(ANSWER_WITHIN).await? {
        Answer::SnoozeEnded => Ok(()),
        Answer::Problem(problem) => Err(problem.into()),
        Answer::Standing(_)
        | Answer::Kept
        | Answer::Decided(_)
        | Answer::Copied
        | Answer::Opened
        | Answer::Leaves
        | Answer::Snoozed(_) => Err(not_understood()),
    }
}

/// A decision that the running program has stored, and sends.
#[derive(Debug)]
pub struct Kept {
    asked: Asked,
    wait: Duration,
}

/// Has the program that holds this directory decide; it then tells for at most this long what becomes of it.
pub async fn decide(
    data_dir: &Path,
    incident: &str,
    decision: Decision,
    outcome: Option<Disposition>,
    note: Option<&str>,
    wait: Duration,
) -> Result<Kept, AskError> {
    let wait = wait.min(LONGEST_WAIT);
    let question = Question::Decide {
        incident: incident.to_owned(),
        decision,
        outcome,
        note: note.map(str::to_owned),
        wait_ms: u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
    };
    let mut asked = Asked::send(data_dir, &question).await?;
    asked.kept().await?;
    Ok(Kept { asked, wait })
}

/// Has the program that holds this directory keep a note about an incident, and what came of it; it sends that by itself.
pub async fn note(
    data_dir: &Path,
    incident: &str,
    note: Option<&str>,
    outcome: Option<Disposition>,
) -> Result<(), AskError> {
    let question = Question::Note { incident: incident.to_owned(), note: note.map(str::to_owned), outcome };
    let mut asked = Asked::send(data_dir, &question).await?;
    asked.kept().await
}

impl Kept {
    /// What became of it, or why it is still on its way.
    pub async fn outcome(mut self) -> Result<Decided, AskError> {
        match self.asked.answer(self.wait + ANSWER_WITHIN).await? {
            Answer::Decided(decided) => Ok(decided),
            Answer::Problem(problem) => Err(problem.into()),
            Answer::Standing(_)
            | Answer::Kept
            | Answer::Copied
            | Answer::Opened
            | Answer::Leaves
            | Answer::Snoozed(_)
            | Answer::SnoozeEnded => Err(not_understood()),
        }
    }
}

/// Answers other programs until this is dropped.
#[must_use = "nobody is answered any more when this is dropped"]
pub struct Serving {
    task: JoinHandle<()>,
    _name: Arc<Mutex<system::Name>>,
}

impl fmt::Debug for Serving {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Serving").finish_non_exhaustive()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Whether the program that answers has a window to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Face {
    Window,
    None,
}

/// Answers for the client that holds this directory; needs a tokio runtime around it. Where that cannot be, the program
/// works all the same, and the command line says less.
pub fn serve(data_dir: &Path, client: Client, face: Face) -> Option<Serving> {
    match system::listen(data_dir) {
        Ok((listener, name)) => {
            let name = Arc::new(Mutex::new(name));
            let task =
                tokio::spawn(accept(listener, Arc::downgrade(&name), data_dir.to_owned(), client, face));
            Some(Serving { task, _name: name })
        }
        Err(error) => {
            tracing::warn!(%error, "other programs of this computer cannot ask this one");
            None
        }
    }
}

async fn accept(
    mut listener: system::Listener,
    name: Weak<Mutex<system::Name>>,
    data_dir: PathBuf,
    client: Client,
    face: Face,
) {
    let turns = Arc::new(Semaphore::new(AT_ONCE));
    let mut taken = client.directory_taken();
    loop {
        let Ok(turn) = Arc::clone(&turns).acquire_owned().await else { return };
        let asked = tokio::select! {
            asked = listener.accept() => Some(asked),
            Ok(()) = taken.changed() => None,
        };
        let Some(asked) = asked else {
            // The directory is another than the one that the name was in.
            let Some(name) = name.upgrade() else { return };
            match system::listen(&data_dir) {
                Ok((other, other_name)) => {
                    listener = other;
                    *name.lock().unwrap_or_else(PoisonError::into_inner) = other_name;
                }
                Err(error) => tracing::warn!(%error, "other programs find this one in its old place only"),
            }
            continue;
        };
        let stream = match asked {
            Ok(Some(stream)) => stream,
            Ok(None) => {
                tracing::warn!("another user wanted to ask this program, and is not answered");
                continue;
            }
            Err(error) => {
                tracing::debug!(%error, "cannot take a question");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let client = client.clone();
        tokio::spawn(async move {
            if let Err(error) = answer(stream, &client, face).await {
                tracing::debug!(%error, "a question could not be answered");
            }
            drop(turn);
        });
    }
}

async fn answer(stream: impl AsyncRead + AsyncWrite + Unpin, client: &Client, face: Face) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    let line: Versioned<serde_json::Value> = read(&mut stream, PATIENCE).await?;
    let question = if line.v == VERSION { serde_json::from_value(line.what).ok() } else { None };
    let Some(question) = question else {
        return write(&mut stream, &Answer::Problem(unknown_question())).await;
    };
    match question {
        Question::Open { login } => match face {
            Face::Window => {
                let here = Login::here();
                if login == here || !here.is_over().await {
                    client.open();
                    return write(&mut stream, &Answer::Opened).await;
                }
                tracing::info!("the login that this program was started in is over, and there is another");
                write(&mut stream, &Answer::Leaves).await?;
                client.quit();
                Ok(())
            }
            Face::None => write(&mut stream, &Answer::Problem(unknown_question())).await,
        },
        Question::Standing => match client.standing().await {
            Some(standing) => write(&mut stream, &Answer::Standing(Box::new(standing))).await,
            None => Ok(()),
        },
        Question::Copy { into } => match client.journal().copy_into(&into).await {
            Ok(()) => write(&mut stream, &Answer::Copied).await,
            Err(error) => {
                tracing::warn!(%error, "the journal cannot be copied for another program");
                let sentence = text("problem.not_read", &[]);
                let problem = Problem { code: "journal_unreadable".to_owned(), sentence, field: None };
                write(&mut stream, &Answer::Problem(problem)).await
            }
        },
        Question::Note { incident, note, outcome } => {
            let answer = match client.note(&incident, note, outcome).await {
                Ok(()) => Answer::Kept,
                Err(problem) => Answer::Problem(problem),
            };
            write(&mut stream, &answer).await
        }
        Question::Snooze { camera, length, why } => {
            let answer = match client.snooze_camera(&camera, length, why).await {
                Ok(snooze) => Answer::Snoozed(snooze),
                Err(problem) => Answer::Problem(problem),
            };
            write(&mut stream, &answer).await
        }
        Question::EndSnooze { camera } => {
            let ended = match camera {
                Some(camera) => client.end_snooze(&camera).await,
                None => client.end_all_snoozes().await,
            };
            write(&mut stream, &ended.map_or_else(Answer::Problem, |()| Answer::SnoozeEnded)).await
        }
        Question::Decide { incident, decision, outcome, note, wait_ms } => {
            if has_hung_up(&mut stream).await {
                tracing::info!(incident, "nobody waits for this decision any more; it is not made");
                return Ok(());
            }
            match client.decide_and_follow(&incident, decision, outcome, note).await {
                Ok(following) => {
                    write(&mut stream, &Answer::Kept).await?;
                    let wait = Duration::from_millis(wait_ms).min(LONGEST_WAIT);
                    // An asker that goes away is not waited for.
                    let decided = tokio::select! {
                        decided = following.outcome(wait) => decided,
                        _ = stream.read_u8() => return Ok(()),
                    };
                    write(&mut stream, &Answer::Decided(decided)).await
                }
                Err(problem) => write(&mut stream, &Answer::Problem(problem)).await,
            }
        }
    }
}

/// Whether the asker is gone, as where this program stood still: it was told that nothing was decided.
async fn has_hung_up(stream: &mut (impl AsyncBufReadExt + Unpin)) -> bool {
    let more = tokio::time::timeout(SEEN_TO_BE_GONE, stream.fill_buf()).await;
    matches!(more, Ok(Ok([]) | Err(_)))
}

#[derive(Debug, Serialize, Deserialize)]
struct Versioned<T> {
    v: u32,
    #[serde(flatten)]
    what: T,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
enum Question {
    Standing,
    Open {
        login: Login,
    },
    Decide {
        incident: String,
        decision: Decision,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        outcome: Option<Disposition>,
        note: Option<String>,
        wait_ms: u64,
    },
    Note {
        incident: String,
        note: Option<String>,
        outcome: Option<Disposition>,
    },
    Copy {
        into: PathBuf,
    },
    Snooze {
        camera: String,
        length: SnoozeLength,
        why: Option<String>,
    },
    EndSnooze {
        camera: Option<String>,
    },
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "answer", content = "with", rename_all = "snake_case")]
enum Answer {
    Standing(Box<Standing>),
    /// The decision is stored.
    Kept,
    /// The window is on its way.
    Opened,
    /// There will be room for another program.
    Leaves,
    Decided(Decided),
    /// The journal is where it was wanted.
    Copied,
    Snoozed(SnoozeView),
    SnoozeEnded,
    Problem(Problem),
}

/// A question that was asked.
#[derive(Debug)]
struct Asked {
    stream: BufReader<system::Stream>,
}

impl Asked {
    /// Waits until the program says that it has kept it.
    async fn kept(&mut self) -> Result<(), AskError> {
        match self.answer(ANSWER_WITHIN).await? {
            Answer::Kept => Ok(()),
            Answer::Problem(problem) => Err(problem.into()),
            Answer::Standing(_)
            | Answer::Decided(_)
            | Answer::Copied
            | Answer::Opened
            | Answer::Leaves
            | Answer::Snoozed(_)
            | Answer::SnoozeEnded => Err(not_understood()),
        }
    }

    async fn send(data_dir: &Path, question: &Question) -> Result<Asked, AskError> {
        let connected = tokio::time::timeout(PATIENCE, system::connect(data_dir)).await;
        let stream = connected.unwrap_or_else(|_| Err(late())).map_err(AskError::Nobody)?;
        let mut stream = BufReader::new(stream);
        write(&mut stream, question).await.map_err(AskError::Silent)?;
        Ok(Asked { stream })
    }

    async fn answer(&mut self, within: Duration) -> Result<Answer, AskError> {
        let line: Versioned<Answer> = read(&mut self.stream, within).await.map_err(AskError::Silent)?;
        Ok(line.what)
    }
}

/// One line, which is no longer than it may be.
async fn read<T: for<'de> Deserialize<'de>>(
    stream: &mut (impl AsyncBufReadExt + Unpin),
    within: Duration,
) -> io::Result<Versioned<T>> {
    let mut line = Vec::new();
    let mut bounded = stream.take(LONGEST);
    let reading = bounded.read_until(b'\n', &mut line);
    tokio::time::timeout(within, reading).await.map_err(|_| late())??;
    if line.pop() != Some(b'\n') {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "no whole line came"));
    }
    serde_json::from_slice(&line).map_err(io::Error::from)
}

async fn write(stream: &mut (impl AsyncWrite + Unpin), what: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(&Versioned { v: VERSION, what })?;
    line.push(b'\n');
    let writing = async {
        stream.write_all(&line).await?;
        stream.flush().await
    };
    tokio::time::timeout(PATIENCE, writing).await.map_err(|_| late())?
}

/// The directory in a few letters: the same for every way to write its path.
fn short(data_dir: &Path) -> String {
    let whole = data_dir.canonicalize().unwrap_or_else(|_| data_dir.to_owned());
    let hash = Sha256::digest(whole.as_os_str().as_encoded_bytes());
    hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

fn late() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "it took too long")
}

fn not_understood() -> AskError {
    AskError::Silent(io::Error::new(io::ErrorKind::InvalidData, "the answer is of another question"))
}

fn unknown_question() -> Problem {
    Problem {
        code: UNKNOWN_QUESTION.to_owned(),
        sentence: text("problem.unknown_question", &[]),
        field: None,
    }
}

#[cfg(all(test, unix))]
mod tests;
