//! Where pictures are made ready to be shown: one worker, kept warm, replaced when it fails or was used for long.

use std::io;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::oneshot;
use visionguard_proto::Jpeg;

use crate::fit::Fit;
use crate::job::{Answer, Job, Unshown, read_answer};
use crate::worker;

/// How long one picture may take.
const DEADLINE: Duration = Duration::from_secs(20);
/// How long a worker without work is kept.
const IDLE: Duration = Duration::from_secs(30);
/// After how many pictures a worker is replaced.
const WORN: u32 = 256;

/// Makes pictures ready to be shown. Clones share one worker, which ends with the last of them.
#[derive(Clone, Debug)]
pub struct Studio {
    orders: Sender<Order>,
}

/// A picture ready to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// A JPEG that every viewer shows alike.
    pub jpeg: Bytes,
    /// It is not the picture's own bytes.
    pub is_remade: bool,
}

#[derive(Debug)]
struct Order {
    job: Job,
    reply: oneshot::Sender<Answer>,
}

impl Studio {
    /// Opens one; a worker is started when the first picture needs it.
    pub fn open() -> Studio {
        let (orders, taken) = mpsc::channel();
        if let Err(error) = thread::Builder::new().name("pictures".into()).spawn(move || serve(&taken)) {
            // The other end is gone, so every order is answered with that.
            tracing::error!(%error, "pictures that are not plain will not be shown");
        }
        Studio { orders }
    }

    /// The picture as all viewers show it, upright and no larger than `fit`: its own bytes where they are plain.
    pub async fn show(&self, picture: Bytes, fit: Fit) -> Result<Shown, Unshown> {
        let jpeg = Jpeg::of_any_length(picture.clone())?;
        if jpeg.is_plain() && fit.holds(jpeg.width(), jpeg.height()) {
            return Ok(Shown { jpeg: jpeg.shown_bytes(), is_remade: false });
        }
        let jpeg = self.order(Job { picture, fit, most: u32::MAX }).await?;
        Ok(Shown { jpeg, is_remade: true })
    }

    /// Whether anything of the picture can be shown.
    pub async fn check(&self, picture: Bytes) -> Result<(), Unshown> {
        self.order(Job { picture, fit: Fit::POPUP, most: 0 }).await.map(drop)
    }

    /// The same, decoded to its last pixel: for measuring.
    #[doc(hidden)]
    pub async fn check_whole(&self, picture: Bytes) -> Result<(), Unshown> {
        self.order(Job { picture, fit: Fit::PAGE, most: 0 }).await.map(drop)
    }

    /// The picture in at most so many bytes: coarser, and then smaller, until it is.
    pub async fn squeeze(&self, picture: Bytes, most: usize) -> Result<Bytes, Unshown> {
        let most = u32::try_from(most).unwrap_or(u32::MAX);
        self.order(Job { picture, fit: Fit::PAGE, most }).await
    }

    async fn order(&self, job: Job) -> Answer {
        let (reply, answer) = oneshot::channel();
        self.orders.send(Order { job, reply }).map_err(|_| Unshown::NoWorker)?;
        answer.await.unwrap_or(Err(Unshown::NoWorker))
    }
}

impl Default for Studio {
    fn default() -> Studio {
        Studio::open()
    }
}

fn serve(orders: &Receiver<Order>) {
    let mut worker: Option<Worker> = None;
    loop {
        let order = match orders.recv_timeout(IDLE) {
            Ok(order) => order,
            Err(RecvTimeoutError::Timeout) => {
                worker = None;
                match orders.recv() {
                    Ok(order) => order,
                    Err(_) => return,
                }
            }
            Err(RecvTimeoutError::Disconnected) => return,
        };
        if order.reply.is_closed() {
            continue;
        }
        let answer =
            if worker::is_there() { carry_out(&mut worker, &order.job) } else { order.job.carry_out() };
        let _ = order.reply.send(answer);
    }
}

/// In the worker that there is, or a new one. One that had worked before may have died of something else.
fn carry_out(worker: &mut Option<Worker>, job: &Job) -> Answer {
    loop {
        let mut at_work = match worker.take().filter(|worker| worker.done < WORN) {
            Some(worker) => worker,
            None => Worker::start().map_err(|error| {
                tracing::error!(%error, "the picture worker cannot be started");
                Unshown::NoWorker
            })?,
        };
        let had_worked = at_work.done > 0;
        match at_work.carry_out(job.clone()) {
            Ok(answer) => {
                *worker = Some(at_work);
                return answer;
            }
            Err(Unshown::Failed) if had_worked => {}
            Err(why) => {
                tracing::warn!(%why, bytes = job.picture.len(), "a picture ended its worker");
                return Err(why);
            }
        }
    }
}

/// The other process, and the thread that talks to it.
struct Worker {
    child: Child,
    jobs: Sender<Job>,
    answers: Receiver<io::Result<Answer>>,
    done: u32,
}

impl Worker {
    fn start() -> io::Result<Worker> {
        let mut child = command()?.spawn()?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::Error::other("a worker without its pipes"));
        };
        let (jobs, taken) = mpsc::channel();
        let (given, answers) = mpsc::channel();
        thread::Builder::new()
            .name("picture-pipe".into())
            .spawn(move || talk(input, output, &taken, &given))?;
        Ok(Worker { child, jobs, answers, done: 0 })
    }

    /// The answer; an error where the worker is of no more use.
    fn carry_out(&mut self, job: Job) -> Result<Answer, Unshown> {
        self.done += 1;
        self.jobs.send(job).map_err(|_| Unshown::Failed)?;
        match self.answers.recv_timeout(DEADLINE) {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) | Err(RecvTimeoutError::Disconnected) => Err(Unshown::Failed),
            Err(RecvTimeoutError::Timeout) => Err(Unshown::Late),
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Ends the talk as well; one that has ended already is only taken leave of.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn talk(
    mut input: ChildStdin,
    mut output: ChildStdout,
    jobs: &Receiver<Job>,
    answers: &Sender<io::Result<Answer>>,
) {
    while let Ok(job) = jobs.recv() {
        let answer = job.write(&mut input).and_then(|()| read_answer(&mut output));
        let ends = answer.is_err();
        if answers.send(answer).is_err() || ends {
            return;
        }
    }
}

/// This program again: on Linux the very file that runs, also after an update has put another in its place.
fn command() -> io::Result<Command> {
    #[cfg(target_os = "linux")]
    let program = std::path::PathBuf::from("/proc/self/exe");
    #[cfg(not(target_os = "linux"))]
    let program = std::env::current_exe()?;
    let mut command = Command::new(program);
    command.arg(worker::ARGUMENT).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    #[cfg(unix)]
    {
        // Nothing of the environment but what the program is linked by.
        command.env_clear().envs(std::env::var_os("LD_LIBRARY_PATH").map(|path| ("LD_LIBRARY_PATH", path)));
        command.current_dir("/");
    }
    #[cfg(windows)]
    {
        use std::os::windows::process::CommandExt;
        const NO_WINDOW: u32 = 0x0800_0000;
        command.creation_flags(NO_WINDOW);
    }
    Ok(command)
}
