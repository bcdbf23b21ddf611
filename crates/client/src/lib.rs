//! Everything VisionGuard Desktop does except draw: the socket, the journal, the account, the notifications.
//!
//! One task, the [`controller`], owns all state. A desktop is anything that implements [`shell::Shell`]: the Tauri
//! program, the command line, a recording double in tests.

pub mod controller;
pub mod shell;
pub mod view;
