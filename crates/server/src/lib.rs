//! The alert half of the VisionGuard backend: sign-in, the record of detections, and the sockets that carry alerts.
//!
//! The server keeps what the original backend promises (its messages and bodies) and repairs what it does not:
//! several connections of one user are all live, a silent connection is closed, tenancy is enforced, refused
//! handshakes say why. It does no video analysis; a pipeline publishes detections to `POST /api/alerts`.
//!
//! [`Server::start`] runs one inside any program; the `visionguard-server` binary is a thin shell around it.

mod accept;
mod app;
pub mod config;
pub mod demo;
mod log;
pub mod note;
mod passwords;
pub mod people;
pub mod picture;
pub mod publish;
mod roster;
mod routes;
mod secret;
mod server;
mod socket;
mod store;
mod throttle;
mod time;
mod token;
mod upkeep;
mod wire;

pub use config::Config;
pub use note::Note;
pub use people::{NewUser, People, PeopleError, Role};
pub use publish::{Detection, PublishError, Published};
pub use secret::SecretError;
pub use server::{Running, Server, StartError};
pub use store::StoreError;
