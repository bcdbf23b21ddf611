//! The connection under watch: whether alerts come on it, which way they come, whose the slot is, and the times without it.

mod delivery;
pub(super) mod outage;
mod slot;
pub(super) mod watch;
mod way;
