//! How an attempt or a connection ended, and what that means for the next one. One table, total.

use std::time::Duration;

/// How an attempt to connect, or a connection, ended. Carries no text from the peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// Nothing heard for the silence limit, or a probe after a wake unanswered.
    Silent,
    /// The attempt took longer than its deadline.
    TimedOut,
    /// The peer refused the TCP connection.
    Refused,
    /// The name does not resolve.
    NameUnknown,
    /// No route to the host, or the network is down.
    NoRoute,
    /// The connection was reset or ended without a close frame (1006).
    Lost,
    /// Our own side could not write: the bounded queue is full, the peer is not reading.
    Stalled,
    /// The peer sent what no WebSocket endpoint may send, or a message over the limit.
    Garbled,
    /// A message larger than the limit.
    TooLarge,
    /// A close frame with this code (1005 where it carried none).
    Closed(u16),
    /// The handshake was answered with this HTTP status; `retry_after` where the server asked for it.
    Http {
        /// The status code.
        status: u16,
        /// The `Retry-After` header, capped at 10 minutes.
        retry_after: Option<Duration>,
    },
    /// The handshake was answered as by a captive portal or a proxy: a redirect, a web page, a proxy's own refusal.
    Intercepted,
    /// The server's certificate does not verify, or TLS failed otherwise.
    Tls,
    /// Handshake 403, and `GET /auth/me` said that the token is dead: sign in again.
    TokenRejected,
    /// Handshake 403, and `GET /auth/me` accepted the token: the address or the user id is wrong.
    AddressRejected,
    /// The person or the program asked for it.
    Asked,
}

/// What follows from a [`Cause`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Retry after the backoff's next wait.
    Retry,
    /// The server restarts: retry within the first second or two, jittered.
    RetrySoon,
    /// Retry after the longer of this and the backoff's next wait.
    RetryAfter(Duration),
    /// Retry at this steady pace; retrying faster cannot help.
    RetryEvery(Duration),
    /// Refresh the token once; if that is not possible, the person must sign in.
    Refresh,
    /// Ask `GET /auth/me` whether the token or the address is at fault, then report again as
    /// [`Cause::TokenRejected`] or [`Cause::AddressRejected`].
    AskWho,
    /// Wait for the person to sign in.
    SignedOut,
    /// Stay as it is: the end was asked for.
    Stop,
}

impl Cause {
    /// The table of `docs/protocol.md`; every cause has exactly one answer.
    pub fn next(self) -> Next {
        todo!()
    }
}
