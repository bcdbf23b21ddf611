//! The backend's names for things: users, shops, camera streams, anomalies, places in the log.
//!
//! They are UUIDs as a rule, but the backend compares them as text and accepts others (a stream of an owl-eye
//! client may be called anything), so they are kept exactly as they were spelled, within bounds.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Longest id accepted, in bytes.
pub const MAX_ID_BYTES: usize = 128;
/// Longest cursor accepted, in bytes.
pub const MAX_CURSOR_BYTES: usize = 200;

/// Why a text is not an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Nothing, or only blanks.
    #[error("the id is empty")]
    Empty,
    /// Over [`MAX_ID_BYTES`] or [`MAX_CURSOR_BYTES`].
    #[error("the id is longer than {0} bytes")]
    TooLong(usize),
    /// A character below U+0020, or U+007F.
    #[error("the id holds a control character")]
    ControlCharacter,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $longest:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Box<str>);

        impl $name {
            /// Takes the text as it is, without changing its case.
            pub fn new(text: &str) -> Result<Self, IdError> {
                if text.trim().is_empty() {
                    return Err(IdError::Empty);
                }
                if text.len() > $longest {
                    return Err(IdError::TooLong($longest));
                }
                if text.chars().any(char::is_control) {
                    return Err(IdError::ControlCharacter);
                }
                Ok(Self(text.into()))
            }

            /// The id as the backend spelled it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;

            fn try_from(text: String) -> Result<Self, IdError> {
                Self::new(&text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0.into()
            }
        }
    };
}

id!(
    /// A person with an account; part of the socket's path, compared as text by the backend.
    UserId, MAX_ID_BYTES
);
id!(
    /// A shop, as listed by `GET /shops`.
    ShopId, MAX_ID_BYTES
);
id!(
    /// One run of one camera; the original backend makes a new one at every start of the stream.
    StreamId, MAX_ID_BYTES
);
id!(
    /// A row of the backend's record; absent from the original's `anomaly_detected`.
    AnomalyId, MAX_ID_BYTES
);
id!(
    /// A place in a user's log of alerts, in the server's own spelling; a client keeps it and gives it back as it is.
    Cursor, MAX_CURSOR_BYTES
);
