//! The server's record and its log: when they are read, and what comes of it.

pub(super) mod history;
pub(super) mod log;
pub(super) mod offline;
pub(super) mod polling;
