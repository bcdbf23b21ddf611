//! The real program in a real WebKitGTK window, on a desktop of its own with a real keychain, notification daemon and
//! tray, against our server. `cargo xtask test` runs these; they need what it installs and builds.

mod bus;
mod virtual_desktop;
mod webdriver;
mod world;
