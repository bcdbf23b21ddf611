//! The numbers by which alerts, incidents and decisions are known on this computer.

use std::fmt;
use std::str::FromStr;

macro_rules! row_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub(crate) i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        /// Only the plain decimal form, at most 18 digits: `1`, not `+1` or `01`.
        impl FromStr for $name {
            type Err = NotAnId;

            fn from_str(text: &str) -> Result<Self, NotAnId> {
                let plain = (1..=18).contains(&text.len())
                    && text.bytes().all(|byte| byte.is_ascii_digit())
                    && !text.starts_with('0');
                if !plain {
                    return Err(NotAnId);
                }
                text.parse().map(Self).map_err(|_| NotAnId)
            }
        }
    };
}

row_id!(
    /// An alert's number in this journal; in decimal also its `frame://` id.
    AlertId
);
impl AlertId {
    /// As a number; later alerts have higher ones.
    pub fn number(self) -> i64 {
        self.0
    }
}

row_id!(
    /// An incident's number in this journal.
    IncidentId
);
impl IncidentId {
    /// As a number; later incidents have higher ones.
    pub fn number(self) -> i64 {
        self.0
    }
}

row_id!(
    /// A decision's place in the outbox; deciding again gives a new one.
    OutgoingId
);

/// A text that is no row's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not an id of the journal")]
pub struct NotAnId;
