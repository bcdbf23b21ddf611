//! Everything VisionGuard Desktop does except draw: the socket, the journal, the account, the notifications.
//!
//! One task, the [`controller`], owns all state. A desktop is anything that implements [`shell::Shell`]: the Tauri
//! program, the command line, a recording double in tests.

pub mod account;
pub mod api;
#[cfg(test)]
mod arrows;
#[cfg(target_os = "linux")]
pub mod autostart;
pub mod clock;
pub mod connection;
pub mod controller;
pub mod deaths;
pub mod dial;
pub mod doctor;
pub mod drill;
pub mod evidence;
pub mod installation;
pub mod journal;
pub mod keychain;
mod ledger;
pub mod local;
pub mod lock;
pub mod logging;
mod login;
pub mod model;
pub mod network;
pub mod notes;
pub mod notifier;
mod obstacle;
pub mod outbox;
mod password;
pub mod pipe;
pub mod policy;
pub mod power;
pub mod reconcile;
pub mod saving;
pub mod server_clock;
pub mod session_file;
pub mod settings;
pub mod shell;
pub mod spreadsheet;
pub mod status;
#[cfg(test)]
mod testing;
pub mod tls;
pub mod token;
pub mod tray;
pub mod view;
pub mod words;

/// To be called first in the `main` of every program: it may have been started as the worker that decodes pictures.
pub use visionguard_picture::serve_if_asked as serve_pictures_if_asked;
pub use visionguard_proto::{backoff, text};
