//! Camera pictures as libjpeg-turbo shows them, for the page, the popup and whatever else shows one.
//!
//! The decoder is libjpeg-turbo's, which is C and is fed by strangers: it runs in a process of its own, the same program
//! started again as a worker ([`serve_if_asked`]), that can open nothing, has bounds of memory and time, and is
//! ended when a picture takes too long. What viewers show alike anyway ([`visionguard_proto::Jpeg::is_plain`]) never
//! goes there. Nothing here keeps a picture or changes one that is kept: what it makes is for looking at.

mod decode;
mod fit;
mod job;
mod pixels;
mod studio;
mod worker;

pub use decode::decode;
pub use fit::Fit;
pub use job::Unshown;
pub use pixels::Pixels;
pub use studio::{Shown, Studio};
pub use worker::serve_if_asked;
