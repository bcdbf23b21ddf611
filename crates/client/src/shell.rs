//! What a desktop must be able to do for the controller, and nothing more.

use bytes::Bytes;

use crate::model::{AlertId, Recorded};
use crate::view;

/// A desktop: draws what it is told, decides nothing. None of these may block.
pub trait Shell: Send + 'static {
    /// Raises a native notification, or updates the one of the same incident in place; its outcome comes back as
    /// [`crate::controller::Client::notification`].
    fn notify(&mut self, notification: Notification);

    /// Takes an incident's notification back: it was handled elsewhere.
    fn withdraw(&mut self, incident: &str);

    /// Whether notifications stand on a screen, where there is room for few, or follow each other as lines.
    fn is_screen(&self) -> bool {
        true
    }

    /// Shows this tray; called only when it differs from the last.
    fn show_tray(&mut self, tray: &view::Tray);

    /// Hands an event to the page; a desktop without an open window drops it.
    fn emit(&mut self, event: &view::Event);

    /// Shows the window, at this incident if one is named. Only ever after the person asked for it.
    fn show_window(&mut self, incident: Option<&str>);

    /// Ends the program; the controller has finished.
    fn quit(&mut self);

    /// Told of each account of a detection as it was stored, window or not: for a desktop that is a stream of lines.
    fn recorded(&mut self, recorded: &Recorded) {
        let _ = recorded;
    }

    /// Told of each alert of which the server was told that it is stored.
    fn acked(&mut self, alert: AlertId) {
        let _ = alert;
    }

    /// Told of each change of the status, window or not.
    fn status(&mut self, status: &view::StatusView) {
        let _ = status;
    }

    /// Told of the settings where they could be read only after the start.
    fn settings(&mut self, settings: &view::SettingsView) {
        let _ = settings;
    }

    /// Told of all standing remarks whenever one comes, changes or goes, window or not.
    fn notices(&mut self, notices: &[view::NoticeView]) {
        let _ = notices;
    }
}

/// One native notification, in words that are final but not yet escaped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// The incident (or `status:…`, `notice:…`, `summary:…`) it speaks of; a later one of the same id replaces it.
    pub id: String,
    /// The alert whose showing this proves; empty for a notification about no alert.
    pub alert: Option<String>,
    /// First line.
    pub title: String,
    /// The rest, plain text.
    pub body: String,
    /// A JPEG to show, already checked.
    pub picture: Option<Bytes>,
    /// Whether to make a sound: the first of an incident, not its updates.
    pub sound: bool,
    /// Whether it stays until it is dismissed.
    pub critical: bool,
    /// Which buttons it carries.
    pub buttons: Buttons,
    /// The id of the notification whose place on the screen it takes, where that stands; both are never seen together.
    pub in_place_of: Option<String>,
}

/// The buttons of a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Buttons {
    /// Acknowledge, View and Snooze.
    Incident,
    /// Open.
    Open,
}

/// What became of a notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The notification daemon took it.
    Shown {
        /// [`Notification::id`]
        id: String,
        /// [`Notification::alert`]
        alert: Option<String>,
    },
    /// It was not taken: absent, too late, refused. The sentence is for `doctor` and the page.
    Failed {
        /// [`Notification::id`]
        id: String,
        /// [`Notification::alert`]
        alert: Option<String>,
        /// What happened, without jargon.
        why: String,
    },
    /// The person clicked it, or its View button.
    Opened {
        /// [`Notification::id`]
        id: String,
    },
    /// The person pressed Acknowledge.
    Acknowledged {
        /// [`Notification::id`]
        id: String,
    },
    /// The person pressed Snooze: its camera is not to interrupt for a while.
    Snoozed {
        /// [`Notification::id`]
        id: String,
    },
    /// Somebody else than this program closed it: the person has seen it.
    Closed {
        /// [`Notification::id`]
        id: String,
    },
    /// Its time was over, and it was taken back.
    Over {
        /// [`Notification::id`]
        id: String,
    },
    /// The program that showed notifications ended, and all that stood went with it.
    Lost {
        /// [`Notification::id`] of those that it closed as it ended: nobody has seen them.
        unseen: Vec<String>,
    },
}
