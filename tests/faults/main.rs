//! Every fault that the alert path must survive: see `matrix.toml`. Each test is named after the row that it proves and
//! reports through [`support::matrix`].
#![allow(clippy::unwrap_used, reason = "a test's helpers are tests too")]

mod bad_frames;
mod bad_handshakes;
mod bad_input;
mod crowd;
mod desk;
mod disk;
mod journal_file;
mod killed;
mod namespace;
mod network;
mod notice;
mod power;
mod process;
mod read_only;
mod record;
mod refusals;
mod resources;
mod server;
mod slow_line;
mod slow_reader;
mod time;
mod tokens;
mod two_clients;
mod world;
