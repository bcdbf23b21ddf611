//! Looks at everything an alert passes on its way here, and says what was found and what to do.

use std::sync::Arc;

use rustls::ClientConfig;
use secrecy::SecretString;
use serde::Serialize;

use crate::account::Account;
use crate::dial::Dial;
use crate::keychain::Keychain;

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
    /// An address to look at where nobody is signed in.
    pub server: Option<String>,
    pub keychain: Arc<dyn Keychain>,
    pub dial: Arc<dyn Dial>,
    pub tls: Arc<ClientConfig>,
    /// A token to use in place of the account's, with its user's id.
    pub token: Option<(String, SecretString)>,
}

/// Looks at one thing after the other and tells each finding as it is made. The socket that it opens takes the slot of
/// a running program on the original server for a moment, so it is not opened where `registered` shows one.
#[allow(clippy::unused_async, reason = "signatures first")]
pub async fn examine(patient: &Patient, tell: impl FnMut(Finding) + Send) {
    let _ = (patient, tell);
    todo!()
}
