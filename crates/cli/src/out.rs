//! Standard output, a line at a time, each one flushed; and standard error.

use std::io::{self, ErrorKind, Write};

use serde::Serialize;
use visionguard_client::view::NoticeView;

use crate::exit::{Exit, Failure};

/// Nobody reads any more, or the line could not be written.
#[derive(Debug)]
pub struct Closed(io::Error);

impl From<Closed> for Failure {
    fn from(closed: Closed) -> Failure {
        let error = closed.0;
        Failure::new(Exit::Failed, format!("Cannot write to standard output: {error}."))
    }
}

impl Closed {
    /// The reader went away, as `head` does: no failure.
    pub fn is_quiet(&self) -> bool {
        self.0.kind() == ErrorKind::BrokenPipe
    }
}

/// Prints a line.
pub fn line(text: &str) -> Result<(), Closed> {
    let mut out = io::stdout().lock();
    // In one piece: a program that is killed leaves no half line behind.
    out.write_all(format!("{text}\n").as_bytes()).and_then(|()| out.flush()).map_err(Closed)
}

/// Prints one object.
pub fn json(object: &impl Serialize) -> Result<(), Closed> {
    let text = serde_json::to_string(object).map_err(|error| Closed(error.into()))?;
    line(&text)
}

/// Ends a listing: a reader that went away is no failure.
pub fn ended(written: Result<(), Closed>) -> Result<Exit, Failure> {
    match written {
        Err(closed) if !closed.is_quiet() => Err(closed.into()),
        Ok(()) | Err(_) => Ok(Exit::Done),
    }
}

/// Says those of a program's notices that have this code.
pub fn complain_of(code: &str, notices: &[NoticeView]) {
    for notice in notices.iter().filter(|notice| notice.code == code) {
        complain(&notice.sentence);
    }
}

/// Says something to the person, beside the output.
pub fn complain(sentence: &str) {
    // Where standard error is closed there is nobody to tell.
    let _ = writeln!(io::stderr().lock(), "visionguard: {sentence}");
}
