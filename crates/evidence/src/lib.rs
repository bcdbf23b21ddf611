//! Packs what is known of incidents into one zip that anybody can open and verify without anything of ours, and
//! verifies such a zip.
//!
//! [`write`] makes the zip from a [`Case`], the pictures as they were received, and a [`Signer`]; [`verify`] reads one that came
//! from anywhere and names every file that is not as it was. `docs/evidence.md` has the format, and what a good signature proves and
//! what it does not.
//!
//! It knows no other crate of this project, no network and no clock: times are given. It keeps no key; the caller's keychain does.

mod case;
mod custody;
mod document;
mod html;
mod key;
mod names;
mod pdf;
mod signature;
mod story;
mod sums;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod times;
mod verify;
mod write;

pub use case::{
    Alert, Area, Case, ClockComparison, Decision, Event, Frame, Incident, Orientation, Timed, What, Who,
};
pub use document::{FORMAT, VERSION};
pub use key::{KeyError, PublicKey, SECRET_BYTES, Signer};
pub use verify::{File, Report, Signature, State, VerifyError, verify};
pub use write::{WriteError, Written, write};
