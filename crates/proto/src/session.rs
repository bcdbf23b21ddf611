//! The server's end of the alert socket: a state machine without IO.

/// The server's end of one connection.
#[derive(Debug)]
pub struct Session {}
