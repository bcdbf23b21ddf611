//! The program: the client, the tray, the notifications, and a window in a process of its own while somebody looks.
//!
//! It draws what the controller tells it and hands back what the person does. Nothing is decided here and nothing is
//! remembered but handles. It holds no web view and, on Linux, no window system: whatever becomes of those, alerts go on.
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

mod asks;
mod autostart;
mod desktop;
mod evidence;
mod program;
mod sound;
mod start;
mod stopped;
mod system;
mod table;
mod told;
mod tray;
mod window;

use std::io::Write;
use std::process::ExitCode;

use visionguard_client::words;

/// What a terminal is answered in the program's place.
fn asked() -> Option<String> {
    let version = concat!("VisionGuard ", env!("CARGO_PKG_VERSION"));
    match std::env::args_os().nth(1)?.to_str()? {
        "--version" | "-V" => Some(version.to_owned()),
        "--help" | "-h" => Some(words::text("desktop.usage", &[("version", version)])),
        _ => None,
    }
}

fn main() -> ExitCode {
    if let Some(code) = visionguard_client::serve_pictures_if_asked() {
        return code;
    }
    if let Some(words) = asked() {
        return match writeln!(std::io::stdout(), "{words}") {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        };
    }
    match program::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("VisionGuard cannot start: {error:#}");
            ExitCode::FAILURE
        }
    }
}
