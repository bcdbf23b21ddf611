//! The program started again to decode pictures, and nothing else.

mod confined;

use std::ffi::OsStr;
use std::io;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::job::{Job, write_answer};

/// The one argument that makes a worker.
pub(crate) const ARGUMENT: &str = "--picture-worker";

/// Whether this program's `main` asks: only then can it be started as a worker.
static ASKS: AtomicBool = AtomicBool::new(false);

/// To be called first in `main`. Where the program was started as a worker it serves until its input ends, and the
/// status to end with comes back; else there is nothing, and pictures are decoded in a worker from now on. In a
/// program that never calls it (a test), they are decoded where they are asked for.
pub fn serve_if_asked() -> Option<ExitCode> {
    if std::env::args_os().nth(1).as_deref() != Some(OsStr::new(ARGUMENT)) {
        ASKS.store(true, Ordering::Relaxed);
        return None;
    }
    Some(match confined::enter().and_then(|()| serve()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    })
}

pub(crate) fn is_there() -> bool {
    ASKS.load(Ordering::Relaxed)
}

fn serve() -> io::Result<()> {
    let (mut input, mut output) = (io::stdin().lock(), io::stdout().lock());
    while let Some(job) = Job::read(&mut input)? {
        write_answer(&job.carry_out(), &mut output)?;
    }
    Ok(())
}
