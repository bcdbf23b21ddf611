//! The settings: `settings.toml`, over it `VISIONGUARD_*`, under both the defaults. Documented in `docs/settings.md`.
//!
//! A bad value never stops the program: the default is used and a [`Complaint`] names file and key.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::view::SettingsView;

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
#[error("{place}: {key}: {what}")]
pub struct Complaint {
    /// The file, or the environment.
    pub place: String,
    /// The setting's key, or the variable's name.
    pub key: String,
    /// What is wrong, and what is used instead.
    pub what: String,
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
        source: std::io::Error,
    },
}

impl Default for Settings {
    fn default() -> Settings {
        todo!()
    }
}

/// The directory of the journal, the settings and the logs: `VISIONGUARD_DATA_DIR`, else the platform's. It is created,
/// for its owner alone.
pub fn data_dir() -> std::io::Result<PathBuf> {
    todo!()
}

/// Reads the settings of a data directory, with the process's environment over them.
pub fn load(data_dir: &Path) -> (Settings, Vec<Complaint>) {
    let _ = data_dir;
    todo!()
}

/// Stores what a person changed on the page, whole or not at all; other keys and comments of the file stay.
pub fn save(data_dir: &Path, view: &SettingsView) -> Result<(), SettingsError> {
    let _ = (data_dir, view);
    todo!()
}
