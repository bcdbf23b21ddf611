//! The settings: `settings.toml`, over it `VISIONGUARD_*`, under both the defaults. Documented in `docs/settings.md`.
//!
//! A bad value never stops the program: the default is used and a [`Complaint`] names file, line and key. A bad line takes no
//! other with it, and what concerns privacy is then as discreet as it can be.

mod read;
mod stray;
mod text;
mod write;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::view::{SettingsView, Theme};

/// Everything that can be set.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// What a person may change on the page.
    pub view: SettingsView,
    /// The address offered at sign-in.
    pub server: Option<String>,
    /// A file of PEM certificates to trust besides the system's.
    pub extra_ca_file: Option<PathBuf>,
    /// What goes to the log.
    pub log_level: LogLevel,
    /// How it is written.
    pub log_format: LogFormat,
    /// How long a connection may be lost before the person is told.
    pub offline_grace: Duration,
    /// The most that stored pictures may take, in MiB.
    pub keep_megabytes: u32,
}

/// The least urgent messages that go to the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogLevel {
    Error,
    Warn,
    #[default]
    Info,
    Debug,
    Trace,
}

/// How a line of the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    #[default]
    Text,
    Json,
}

/// A setting that could not be used, and what is used instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}{}: {key}: {what}", self.line.map(|line| format!(", line {line}")).unwrap_or_default())]
pub struct Complaint {
    /// The file, or the environment.
    pub place: String,
    /// The line of the file, where it is about one.
    pub line: Option<usize>,
    /// The setting's key, or the variable's name.
    pub key: String,
    /// What is wrong, and what is used instead.
    pub what: String,
    /// The file may be there and cannot be read at all, so that it is not known what it says.
    pub unread: bool,
}

impl Complaint {
    fn new(place: String, key: &str, what: String) -> Complaint {
        Complaint { place, line: None, key: key.to_owned(), what, unread: false }
    }
}

/// The place of what is no file's.
const ENVIRONMENT: &str = "the environment";

impl Complaint {
    /// The variable that it is about, where it is not about the file.
    pub fn variable(&self) -> Option<&str> {
        (self.place == ENVIRONMENT).then_some(&self.key)
    }
}

/// Why settings were not stored.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// A value is out of its bounds.
    #[error("{key}: {what}")]
    OutOfBounds {
        /// The setting's key.
        key: &'static str,
        /// Its bounds.
        what: &'static str,
    },
    /// The file could not be written.
    #[error("cannot write {path}")]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            view: SettingsView {
                start_at_sign_in: true,
                notifications: true,
                picture_in_notification: true,
                sound: true,
                sound_volume: 70,
                blur: false,
                theme: Theme::System,
                keep_days: 30,
                drill_at: None,
                opening_hours: None,
                acknowledgement_timeout_minutes: 0,
                repeat_minutes: 0,
                cooldown_minutes: 0,
                camera_names: std::collections::BTreeMap::new(),
            },
            server: None,
            extra_ca_file: None,
            log_level: LogLevel::default(),
            log_format: LogFormat::default(),
            offline_grace: Duration::from_secs(60),
            keep_megabytes: 2048,
        }
    }
}

/// Whether the file could be read, or is known not to be there, as far as these complaints tell.
pub fn were_read(complaints: &[Complaint]) -> bool {
    !complaints.iter().any(|complaint| complaint.unread)
}

/// Whether a data directory has a file of settings.
pub fn has_file(data_dir: &Path) -> bool {
    path(data_dir).exists()
}

/// Reads the settings of a data directory, with the process's environment over them.
pub fn load(data_dir: &Path) -> (Settings, Vec<Complaint>) {
    // What is no text is no value of any, and is said to be none.
    let variable = |name: &str| Some(std::env::var_os(name)?.to_string_lossy().into_owned());
    let (mut settings, mut complaints) = load_with(data_dir, variable);
    let names = std::env::vars_os().map(|(name, _)| name.to_string_lossy().into_owned());
    read::misspelt(names, &mut settings, &mut complaints);
    (settings, complaints)
}

/// The same with another environment.
pub fn load_with(data_dir: &Path, variable: impl Fn(&str) -> Option<String>) -> (Settings, Vec<Complaint>) {
    let mut complaints = Vec::new();
    let mut settings = Settings::default();
    read::file(&path(data_dir), &mut settings, &mut complaints);
    read::environment(variable, &mut settings, &mut complaints);
    (settings, complaints)
}

/// Stores what a person changed on the page, whole or not at all; what was not changed, other keys and comments of the
/// file stay as they are.
pub fn save(data_dir: &Path, view: &SettingsView) -> Result<(), SettingsError> {
    write::check(view)?;
    let (current, _) = load(data_dir);
    let (in_file, _) = load_with(data_dir, |_| None);
    let path = path(data_dir);
    write::change(&path, &in_file, &current.view, view)
        .map_err(|source| SettingsError::Unwritable { path, source })
}

/// The same where the directory is another program's: nothing is stored.
pub(crate) fn others<T>(data_dir: &Path) -> Result<T, SettingsError> {
    let source = io::Error::other("another program has the data directory");
    Err(SettingsError::Unwritable { path: path(data_dir), source })
}

fn path(data_dir: &Path) -> PathBuf {
    data_dir.join("settings.toml")
}

#[cfg(test)]
mod tests;
