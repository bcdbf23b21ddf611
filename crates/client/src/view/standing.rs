//! How the running program stands, for another program of this computer.

use serde::{Deserialize, Serialize};

use super::{Counts, NoticeView, SnoozeView, StatusView};
use crate::lock::Owner;

/// How the running program stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Standing {
    /// The status as it is shown.
    pub status: StatusView,
    /// Where somebody is signed in, and who; none if nobody is. A server without anybody is one that the program goes on
    /// trying to sign in to.
    pub server: Option<String>,
    pub user_id: Option<String>,
    pub email: Option<String>,
    pub counts: Counts,
    /// What stands that a person should know.
    pub notices: Vec<NoticeView>,
    /// Who says so.
    #[serde(default)]
    pub program: Option<Owner>,
    /// Its alerts are in its memory and nowhere else.
    #[serde(default)]
    pub in_memory: bool,
    /// The silence after which something on the way to the server cuts a connection, in milliseconds; none where none was
    /// noticed.
    #[serde(default)]
    pub idle_limit_ms: Option<u64>,
    /// Cameras that are not to interrupt for now.
    #[serde(default)]
    pub snoozes: Vec<SnoozeView>,
}
