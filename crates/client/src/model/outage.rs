//! Times without a connection, and times of which alerts may be missing.

use jiff::Timestamp;

/// A time without a connection, as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutageRow {
    pub id: i64,
    pub from: Timestamp,
    pub to: Option<Timestamp>,
    /// A stable code: the reason with which it began.
    pub cause: String,
    pub caught_up: u32,
    /// The program ended before the outage did; `to` is when it was last known to go on.
    pub cut_short: bool,
    /// A notification said that it lasts.
    pub told: bool,
}

/// A time of which alerts may be missing, or were for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GapRow {
    /// None: not known.
    pub from: Option<Timestamp>,
    pub to: Timestamp,
    /// When the record had told all of it.
    pub filled_at: Option<Timestamp>,
    pub why: Why,
}

/// Why alerts may be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The log could not go on; the record can tell.
    LogBroke,
    /// The record does not reach back that far either: nobody can tell any more.
    ForGood,
    /// The server has a row of its record there and cannot send it.
    RowNotSent,
    /// The server answers, and its record cannot be read.
    RecordUnread,
    /// The record has so many rows fewer than it had: what it lacks cannot be compared.
    FewerRows(u64),
}
