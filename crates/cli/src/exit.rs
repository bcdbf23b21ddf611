//! How a command ends.

use std::process::ExitCode;

use visionguard_client::controller::StartError;
use visionguard_client::journal::JournalError;
use visionguard_client::lock::LockError;
use visionguard_client::saving::NewFileError;
use visionguard_client::view::Problem;

/// The exit status; documented in `--help` and `docs/cli.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    Done = 0,
    Failed = 1,
    Usage = 2,
    SignedOut = 3,
    Unreachable = 4,
    InUse = 5,
    Wrong = 6,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

/// Why a command did not do what it was asked, in a sentence for the person.
#[derive(Debug)]
pub struct Failure {
    pub exit: Exit,
    pub sentence: String,
}

impl Failure {
    pub fn new(exit: Exit, sentence: impl Into<String>) -> Failure {
        Failure { exit, sentence: sentence.into() }
    }

    /// An error that has no status of its own, with all its causes.
    pub fn of(error: &dyn std::error::Error) -> Failure {
        failed(error)
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Failure {
        Failure { exit: exit_of(&problem), sentence: problem.sentence }
    }
}

fn exit_of(problem: &Problem) -> Exit {
    match problem.code.as_str() {
        "wrong_password" | "token_refused" | "other_user" | "forbidden" | "signed_out"
        | "sign_in_expired" => Exit::SignedOut,
        "unreachable" | "not_connected" | "wrong_address" | "portal" | "proxy" | "tls" | "server_error"
        | "busy" => Exit::Unreachable,
        "invalid" => Exit::Usage,
        "unknown_incident" | "unknown_camera" | "not_snoozed" => Exit::Wrong,
        _ => Exit::Failed,
    }
}

impl From<LockError> for Failure {
    fn from(error: LockError) -> Failure {
        match error {
            LockError::Held(_) => Failure::new(Exit::InUse, sentence(&error)),
        }
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Failure {
        match error {
            StartError::Lock(error) => error.into(),
            StartError::Tls(_) | StartError::Http(_) | StartError::Journal(_) => failed(&error),
        }
    }
}

impl From<NewFileError> for Failure {
    fn from(error: NewFileError) -> Failure {
        match error {
            NewFileError::Exists(path) => Failure::new(
                Exit::Usage,
                format!("{} is there already; nothing is overwritten.", path.display()),
            ),
            NewFileError::Unwritable { .. } => failed(&error),
        }
    }
}

impl From<JournalError> for Failure {
    fn from(error: JournalError) -> Failure {
        failed(&error)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Failure {
        failed(&error)
    }
}

/// With all its causes.
fn failed(error: &dyn std::error::Error) -> Failure {
    let mut said = sentence(error);
    let mut cause = error.source();
    while let Some(error) = cause {
        said.pop();
        said = format!("{said}: {error}.");
        cause = error.source();
    }
    Failure::new(Exit::Failed, said)
}

/// An error's words as a sentence.
fn sentence(error: &dyn std::error::Error) -> String {
    let words = error.to_string();
    let mut letters = words.chars();
    let Some(first) = letters.next() else { return "It failed.".to_owned() };
    format!("{}{}.", first.to_uppercase(), letters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_told_as_a_sentence_with_its_causes() {
        let error = StartError::Journal(JournalError::Storage("no such place".to_owned()));

        let failure = Failure::from(error);

        assert_eq!(failure.exit, Exit::Failed);
        assert_eq!(failure.sentence, "Cannot open a journal: the journal failed: no such place.");
    }

    #[test]
    fn a_directory_in_use_has_its_own_status() {
        let failure = Failure::from(StartError::Lock(LockError::Held(None)));

        assert_eq!(failure.exit, Exit::InUse);
        assert_eq!(failure.sentence, "The data directory is in use.");
    }

    #[test]
    fn a_refused_sign_in_and_a_server_that_is_away_differ() {
        let of = |code: &str| {
            Failure::from(Problem { code: code.to_owned(), sentence: String::new(), field: None }).exit
        };

        assert_eq!(of("wrong_password"), Exit::SignedOut);
        assert_eq!(of("unreachable"), Exit::Unreachable);
        assert_eq!(of("not_stored"), Exit::Failed);
    }
}
