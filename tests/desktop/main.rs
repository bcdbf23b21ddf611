//! The real program in a real WebKitGTK window, on a desktop of its own with a real keychain, notification daemon and
//! tray, against our server. `cargo xtask test` runs these; they need what it installs and builds.

mod alerts;
mod bus;
mod drill;
mod outage;
mod page;
mod sign_in;
mod spare;
mod standstill;
mod start;
mod views;
mod virtual_desktop;
mod web_process;
mod webdriver;
mod window;
mod world;
