//! Starts the program; everything is in the library.
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

use std::process::ExitCode;

fn main() -> ExitCode {
    if let Some(code) = visionguard_desktop::serve_pictures_if_asked() {
        return code;
    }
    match visionguard_desktop::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("VisionGuard cannot start: {error:#}");
            ExitCode::FAILURE
        }
    }
}
