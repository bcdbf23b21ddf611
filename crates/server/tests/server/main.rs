//! The server over real sockets, from sign-in to shutdown.
#![allow(clippy::unwrap_used)] // Also in the helpers that the tests share.

mod crash;
mod follower;
mod frames;
mod log;
mod pictures;
mod record;
mod shapes;
mod signing_in;
mod sockets;
mod transport;
mod world;
