//! What became of an account of a detection.

use super::{AlertId, Entry, IncidentId};

/// What became of one account of a detection. Whichever it is, the account is on disk: acknowledge it.
#[derive(Debug, Clone, PartialEq)]
pub enum Recorded {
    /// A detection that was not known.
    New {
        entry: Box<Entry>,
        /// It opened its incident.
        first_of_incident: bool,
        repaired: Repaired,
    },
    /// A further account of a known detection, which told something new.
    Joined { entry: Box<Entry>, changed: Changed, repaired: Repaired },
    /// Nothing new.
    Repeat { entry: Box<Entry> },
}

impl Recorded {
    /// An alert that had been taken for part of this one; it is to be told of like a new one.
    pub fn split_off(&self) -> Option<&Entry> {
        match self {
            Recorded::New { repaired, .. } | Recorded::Joined { repaired, .. } => {
                repaired.split_off.as_deref()
            }
            Recorded::Repeat { .. } => None,
        }
    }

    /// The alert and its incident as they are now.
    pub fn entry(&self) -> &Entry {
        match self {
            Recorded::New { entry, .. } | Recorded::Joined { entry, .. } | Recorded::Repeat { entry } => {
                entry
            }
        }
    }
}

/// What a further account told that was not known before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Changed {
    /// The record's id.
    pub anomaly_id: bool,
    /// The picture, or why there is none.
    pub picture: bool,
    /// Shop, place, words, score or time.
    pub facts: bool,
}

impl Changed {
    /// Whether anything is new.
    pub fn any(self) -> bool {
        self.anomaly_id || self.picture || self.facts
    }
}

/// What else changed because an earlier guess turned out wrong. Rare: mostly nothing.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Repaired {
    /// Another alert gave up or swapped its anomaly id.
    pub corrected: Option<Box<Entry>>,
    /// An alert that had been taken for part of another one, now on its own: treat it as new.
    pub split_off: Option<Box<Entry>>,
    /// An alert that turned out to be this one; its number is no longer known.
    pub absorbed: Option<AlertId>,
    /// The incident that held nothing but the absorbed alert, and is gone with it.
    pub removed_incident: Option<IncidentId>,
}

impl Repaired {
    /// Whether no other alert changed.
    pub fn is_empty(&self) -> bool {
        *self == Repaired::default()
    }
}
