//! The VisionGuard alert protocol, both ends, without IO, clock or randomness.
//!
//! Every type here is told what happened and what time it is, and says what to do. Reading sockets, clocks and
//! disks is the work of `visionguard-client` and `visionguard-server`. The rules come from the deployed backend
//! as observed on the wire (see `docs/protocol.md`).
#![warn(missing_docs)]

pub mod alert;
pub mod backoff;
pub mod cause;
pub mod close;
pub mod endpoint;
pub mod frame;
pub mod id;
pub mod link;
pub mod message;
pub mod moment;
pub mod place;
pub mod record;
pub mod session;
pub mod text;
mod time;
mod tolerant;

pub use alert::{Alert, BoundingBox, Kind, Picture, Via};
pub use backoff::Backoff;
pub use cause::{Cause, Next};
pub use endpoint::{Endpoint, EndpointError};
pub use frame::{FrameError, Jpeg};
pub use id::{AnomalyId, Cursor, IdError, ShopId, StreamId, UserId};
pub use link::Link;
pub use message::{ClientMessage, ReadError, ServerMessage, Welcome};
pub use moment::Moment;
pub use place::Place;
pub use record::{RecordPage, Row};
pub use session::Session;
pub use tolerant::repair;
