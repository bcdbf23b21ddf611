//! Looks at everything an alert passes on its way here, and says what was found and what to do.
//!
//! Changes nothing, but for an entry in the keychain and a file that are removed again and a socket that is opened for a moment.

mod desktop;
mod keeping;
mod place;
mod program;
mod server;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use secrecy::SecretString;
use serde::Serialize;
use visionguard_proto::Endpoint;

use crate::account::Account;
use crate::dial::Dial;
use crate::installation::DataDir;
use crate::journal::Journal;
use crate::keychain::Keychain;
use crate::settings::Complaint;
use crate::tls::Trust;
use crate::view::Standing;

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub check: Check,
    pub verdict: Verdict,
    /// What was found, in a sentence.
    pub found: String,
    /// What to do about it, in a sentence.
    pub advice: Option<String>,
}

/// What is looked at, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    Address,
    Tls,
    SignIn,
    Socket,
    Registration,
    Program,
    Data,
    Settings,
    Certificates,
    Keychain,
    Notifications,
    Tray,
}

/// How it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Good,
    Warning,
    Bad,
}

/// What to examine.
#[derive(Debug, Clone)]
pub struct Patient {
    /// The account, restored.
    pub account: Account,
    /// An address to look at in place of the account's.
    pub server: Option<String>,
    pub keychain: Arc<dyn Keychain>,
    pub dial: Arc<dyn Dial>,
    pub tls: Arc<ClientConfig>,
    /// What is kept on this computer, and how it was found.
    pub keeping: Keeping,
    /// The silence after which something on the way cuts a connection, as the running program learnt it.
    pub idle_limit: Option<Duration>,
    /// A token to use in place of the account's, with its user's id.
    pub token: Option<(String, SecretString)>,
    /// What the program says that runs on this data directory, if one does.
    pub running: Running,
}

/// The running program's own word.
#[derive(Debug, Clone, Default)]
pub enum Running {
    /// None runs.
    #[default]
    Nobody,
    /// One runs and does not answer.
    Silent,
    /// It says how it stands.
    Told(Box<Standing>),
}

impl Running {
    /// What it says, if it does.
    pub fn standing(&self) -> Option<&Standing> {
        match self {
            Running::Told(standing) => Some(standing),
            Running::Nobody | Running::Silent => None,
        }
    }
}

/// What a computer keeps.
#[derive(Debug, Clone)]
pub struct Keeping {
    pub data_dir: DataDir,
    /// Settings that cannot be used.
    pub complaints: Vec<Complaint>,
    pub trust: Trust,
}

/// Looks at one thing after the other and tells each finding as it is made.
///
/// A socket is opened only where the server lists none: on the original it would take the slot of a running program.
pub async fn examine(patient: &Patient, mut tell: impl FnMut(Finding) + Send) {
    server::examine(patient, &mut tell).await;
    tell(program::examine(&patient.running));
    tell(place::data(&patient.keeping.data_dir).await);
    if let Some(finding) = place::settings(&patient.keeping.complaints) {
        tell(finding);
    }
    if let Some(finding) = place::certificates(&patient.keeping.trust) {
        tell(finding);
    }
    tell(keeping::examine(&*patient.keychain).await);
    tell(desktop::notifications().await);
    tell(desktop::tray().await);
}

impl Finding {
    fn good(check: Check, found: String) -> Finding {
        Finding { check, verdict: Verdict::Good, found, advice: None }
    }

    fn warning(check: Check, found: String, advice: String) -> Finding {
        Finding { check, verdict: Verdict::Warning, found, advice: Some(advice) }
    }

    fn bad(check: Check, found: String, advice: String) -> Finding {
        Finding { check, verdict: Verdict::Bad, found, advice: Some(advice) }
    }
}

/// What the program that runs, or ran last, learnt of the way to this server.
pub async fn idle_limit(
    data_dir: &Path,
    running: Option<&Standing>,
    server: Option<&str>,
) -> Option<Duration> {
    let server = Endpoint::parse(server?).ok()?;
    let there = |standing: &&Standing| {
        let at = standing.server.as_deref().map(Endpoint::parse);
        at.is_some_and(|at| at.is_ok_and(|at| at == server))
    };
    if let Some(limit) = running.filter(there).and_then(|standing| standing.idle_limit_ms) {
        return Some(Duration::from_millis(limit));
    }
    Journal::open_read_only(data_dir).ok()?.idle_limit(&server.to_string()).await
}

#[cfg(test)]
mod tests;
