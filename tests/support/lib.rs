//! What the whole-system tests stand on: a double of the original backend with its quirks, a proxy that does what bad
//! networks do, a captive portal, a desktop that only records, pictures.
//!
//! Everything listens on ports of its own that the system picks, so that tests run side by side.
#![allow(
    clippy::unwrap_used,
    reason = "everything here is part of a test, which should fail where this fails"
)]

pub mod backend;
pub mod bus;
pub mod chaos;
pub mod desk;
pub mod dice;
pub mod http;
pub mod matrix;
pub mod mount;
pub mod ours;
mod overdue;
pub mod picture;
pub mod portal;
pub mod process;
pub mod recording;
pub mod shop;
pub mod wait;
