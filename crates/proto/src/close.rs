//! The close codes of the alert socket that mean something to it, beside the standard's own.

/// An end that the closing side wants.
pub const NORMAL: u16 = 1000;
/// The session behind the connection is over (protocol 1).
pub const POLICY: u16 = 1008;
/// The server restarts: the client returns within a second or two.
pub const RESTART: u16 = 1012;
/// The token holds no longer: refresh it, then come back (protocol 2).
pub const TOKEN_EXPIRED: u16 = 4001;
/// The client does not keep up with what waits for it.
pub const TOO_SLOW: u16 = 4003;
/// The client acknowledges nothing of what is in flight, or sends without measure.
pub const FLOW: u16 = 4008;
/// Nothing was heard from the client for as long as a connection may be silent.
pub const NO_HEARTBEAT: u16 = 4010;
/// A newer connection of the same device took this one's place.
pub const REPLACED: u16 = 4409;
