//! The project's chores: what `cargo xtask` does, and the virtual desktop that tests and the demonstration run on.
//!
//! Nothing here needs WebKit or the network to build, so that it is ready in seconds on a fresh machine.

#[cfg(target_os = "linux")]
pub mod bench;
pub mod check;
pub mod demo;
#[cfg(target_os = "linux")]
pub mod desktop;
#[cfg(target_os = "linux")]
pub mod lab;
mod node;
mod pace;
pub mod project;
pub mod reliability;
pub mod screenshots;
pub mod setup;
pub mod simulate;
mod space;
mod steps;
mod suites;
pub mod test;
mod unpacked;
