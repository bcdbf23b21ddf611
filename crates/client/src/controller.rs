//! One task owns all state; this is how the rest of the program speaks to it.

use bytes::Bytes;
use secrecy::SecretString;

use crate::shell::Outcome;
use crate::view::{
    Decision, FeedPage, FeedQuery, IncidentDetail, Problem, SessionView, SettingsView, Snapshot,
};

/// The running client. Cheap to clone; the task ends after [`Client::quit`].
#[derive(Debug, Clone)]
pub struct Client {}

#[allow(clippy::unused_async, reason = "signatures first")]
impl Client {
    /// Everything the page needs to start.
    pub async fn snapshot(&self) -> Snapshot {
        todo!()
    }

    /// Older incidents, or those that match.
    pub async fn feed(&self, query: FeedQuery) -> Result<FeedPage, Problem> {
        let _ = query;
        todo!()
    }

    /// One incident with its alerts.
    pub async fn incident(&self, id: &str) -> Result<IncidentDetail, Problem> {
        let _ = id;
        todo!()
    }

    /// A checked JPEG; none if the alert has none or is not known.
    pub async fn frame(&self, alert: &str) -> Option<Bytes> {
        let _ = alert;
        todo!()
    }

    /// Signs in and connects; a session that was there is replaced only if this one is accepted.
    pub async fn sign_in(&self, server: &str, email: &str, password: SecretString) -> Result<SessionView, Problem> {
        let _ = (server, email, password);
        todo!()
    }

    /// Closes the socket, empties the keychain and, if `erase`, the journal.
    pub async fn sign_out(&self, erase: bool) -> Result<(), Problem> {
        let _ = erase;
        todo!()
    }

    /// Attempts to connect now.
    pub fn retry_now(&self) {
        todo!()
    }

    /// Records a decision about an incident: durable here when this returns, on the server as soon as it can be.
    pub async fn decide(&self, incident: &str, decision: Decision, note: Option<String>) -> Result<(), Problem> {
        let _ = (incident, decision, note);
        todo!()
    }

    /// Marks an incident as looked at.
    pub fn seen(&self, incident: &str) {
        let _ = incident;
        todo!()
    }

    /// Takes one incident out of view; the journal keeps it.
    pub async fn dismiss(&self, incident: &str) -> Result<(), Problem> {
        let _ = incident;
        todo!()
    }

    /// Takes all incidents out of view; the journal keeps them.
    pub async fn clear_all(&self) -> Result<(), Problem> {
        todo!()
    }

    /// Changes the settings; unknown or impossible values are refused whole.
    pub async fn change_settings(&self, settings: SettingsView) -> Result<SettingsView, Problem> {
        let _ = settings;
        todo!()
    }

    /// The window opened (events are wanted) or closed.
    pub fn window(&self, open: bool) {
        let _ = open;
        todo!()
    }

    /// Shows the window: the tray's Open, a second start.
    pub fn open(&self) {
        todo!()
    }

    /// What became of a notification.
    pub fn notification(&self, outcome: Outcome) {
        let _ = outcome;
        todo!()
    }

    /// Ends: closes the socket, finishes writes, calls [`crate::shell::Shell::quit`].
    pub fn quit(&self) {
        todo!()
    }
}
