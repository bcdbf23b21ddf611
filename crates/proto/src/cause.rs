//! How an attempt or a connection ended, and what that means for the next one. One table, total.

use std::time::Duration;

use crate::close;
use crate::place::Place;

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
    /// The handshake was answered as by a captive portal: a redirect, a web page.
    Intercepted,
    /// The server's certificate does not verify, or TLS failed otherwise.
    Tls,
    /// The address says http, and what listens there wants TLS.
    TlsWanted,
    /// The address says https, and what listens there speaks no TLS.
    NoTls,
    /// Whoever answers wants a certificate of this computer.
    CertificateWanted,
    /// Something in front of the server wants a sign-in of its own.
    PasswordWanted,
    /// Something in front of the server refuses the request with this status, and does not say what it wants.
    TurnedAway(u16),
    /// A proxy in front of the server answers (502, 503, 504 and their kin), the server behind it does not.
    Gateway {
        /// The status code.
        status: u16,
        /// The `Retry-After` header, capped at 10 minutes.
        retry_after: Option<Duration>,
    },
    /// The sign-in is too long for something on the way, which refuses addresses or headers of its length.
    TooLong,
    /// Over an open network: the question what the server speaks is never answered, so that no token is shown.
    Unanswered,
    /// The proxy that this computer is set up to use cannot be reached.
    ProxyUnreachable(Place),
    /// That proxy answers and does not lead to the server.
    ProxyRefused {
        /// Where it is.
        proxy: Place,
        /// Its answer to CONNECT; a SOCKS proxy gives none.
        status: Option<u16>,
    },
    /// Handshake 403, and `GET /auth/me` said that the token is dead: sign in again.
    TokenRejected,
    /// Handshake 403, and `GET /auth/me` accepted the token: the address or the user id is wrong.
    AddressRejected,
    /// The server's log went on without us: its head was ahead of what arrived, and nothing came (protocol 2).
    Behind,
    /// The server spoke protocol 2 here before and does not any more: the token is not put into a URL for it.
    Downgraded,
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

/// Longest `Retry-After` that is obeyed.
pub const MAX_RETRY_AFTER: Duration = Duration::from_secs(600);

/// The pace at which a wrong address or an intercepted connection is tried again.
const STEADY: Duration = Duration::from_secs(60);

impl Cause {
    /// The table of `docs/protocol.md`; every cause has exactly one answer.
    pub fn next(self) -> Next {
        match self {
            Cause::Silent
            | Cause::TimedOut
            | Cause::Refused
            | Cause::NameUnknown
            | Cause::NoRoute
            | Cause::Lost
            | Cause::Stalled
            | Cause::Garbled
            | Cause::TooLarge
            | Cause::Unanswered
            | Cause::ProxyUnreachable(_)
            | Cause::ProxyRefused { status: None, .. } => Next::Retry,
            Cause::Closed(code) => after_close(code),
            Cause::Http { status, retry_after } => after_status(status, retry_after),
            Cause::Gateway { retry_after, .. } => after_asking(retry_after),
            Cause::ProxyRefused { status: Some(status), .. } => after_proxy(status),
            Cause::Behind => Next::RetrySoon,
            Cause::Intercepted
            | Cause::Tls
            | Cause::TlsWanted
            | Cause::NoTls
            | Cause::CertificateWanted
            | Cause::PasswordWanted
            | Cause::TurnedAway(_)
            | Cause::TooLong
            | Cause::AddressRejected
            | Cause::Downgraded => Next::RetryEvery(STEADY),
            Cause::TokenRejected => Next::SignedOut,
            Cause::Asked => Next::Stop,
        }
    }
}

fn after_close(code: u16) -> Next {
    match code {
        1001 | close::RESTART => Next::RetrySoon,
        close::POLICY | close::TOKEN_EXPIRED => Next::Refresh,
        // Whoever took the place goes by our name: returning at once would take it back, and back again for ever. At a
        // steady pace neither starves, and what was missed is read from the log.
        close::REPLACED => Next::RetryEvery(STEADY),
        _ => Next::Retry,
    }
}

fn after_status(status: u16, retry_after: Option<Duration>) -> Next {
    match status {
        401 => Next::Refresh,
        403 => Next::AskWho,
        407 | 511 => Next::RetryEvery(STEADY),
        408 | 425 | 429 | 500..=599 => after_asking(retry_after),
        // A page or a redirect where a socket should be is a portal; any other refusal is a wrong address. Neither
        // gets better by hurrying.
        200..=499 => Next::RetryEvery(STEADY),
        _ => Next::Retry,
    }
}

fn after_asking(retry_after: Option<Duration>) -> Next {
    Next::RetryAfter(retry_after.unwrap_or_default().min(MAX_RETRY_AFTER))
}

/// A proxy that could not reach the server may soon; one that does not want to lead there stays so until somebody acts.
fn after_proxy(status: u16) -> Next {
    match status {
        408 | 425 | 429 | 500..=510 | 512..=599 => Next::Retry,
        _ => Next::RetryEvery(STEADY),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_network_failure_is_retried_and_never_taken_for_a_rejected_token() {
        for cause in [
            Cause::Silent,
            Cause::TimedOut,
            Cause::Refused,
            Cause::NameUnknown,
            Cause::NoRoute,
            Cause::Lost,
            Cause::Stalled,
            Cause::Garbled,
            Cause::TooLarge,
            Cause::Unanswered,
            Cause::ProxyUnreachable(proxy()),
            Cause::ProxyRefused { proxy: proxy(), status: None },
        ] {
            assert_eq!(cause.next(), Next::Retry, "{cause:?}");
        }
    }

    #[test]
    fn case_25_what_a_proxy_wants_is_never_a_matter_of_the_token_and_tried_at_a_steady_pace() {
        for cause in [
            Cause::TlsWanted,
            Cause::NoTls,
            Cause::CertificateWanted,
            Cause::PasswordWanted,
            Cause::TurnedAway(403),
            Cause::TooLong,
        ] {
            assert_eq!(cause.next(), Next::RetryEvery(STEADY), "{cause:?}");
        }
    }

    #[test]
    fn case_33_a_server_that_is_down_behind_its_proxy_is_retried_with_the_ordinary_backoff() {
        let asked = Some(Duration::from_secs(7));

        assert_eq!(
            Cause::Gateway { status: 502, retry_after: None }.next(),
            Next::RetryAfter(Duration::ZERO)
        );
        assert_eq!(
            Cause::Gateway { status: 504, retry_after: asked }.next(),
            Next::RetryAfter(Duration::from_secs(7))
        );
    }

    #[test]
    fn close_codes_follow_the_table() {
        for code in [1000, 1002, 1003, 1005, 1006, 1007, 1009, 1011, 1013, 1014, 4003, 4008, 4010] {
            assert_eq!(Cause::Closed(code).next(), Next::Retry, "{code}");
        }
        assert_eq!(Cause::Closed(1001).next(), Next::RetrySoon);
        assert_eq!(Cause::Closed(1012).next(), Next::RetrySoon);
        assert_eq!(Cause::Closed(1008).next(), Next::Refresh);
        assert_eq!(Cause::Closed(4001).next(), Next::Refresh);
        assert_eq!(Cause::Closed(4409).next(), Next::RetryEvery(STEADY));
    }

    #[test]
    fn statuses_follow_the_table() {
        assert_eq!(http(401).next(), Next::Refresh);
        assert_eq!(http(403).next(), Next::AskWho);
        for status in [200, 301, 302, 307, 400, 404, 405, 407, 426, 511] {
            assert_eq!(http(status).next(), Next::RetryEvery(STEADY), "{status}");
        }
        for status in [408, 425, 429, 500, 502, 503, 504] {
            assert_eq!(http(status).next(), Next::RetryAfter(Duration::ZERO), "{status}");
        }
    }

    #[test]
    fn an_absurd_retry_after_is_capped_at_ten_minutes() {
        let cause = Cause::Http { status: 503, retry_after: Some(Duration::from_secs(1_000_000_000)) };

        assert_eq!(cause.next(), Next::RetryAfter(Duration::from_secs(600)));
    }

    proptest! {
        #[test]
        fn every_close_code_and_status_has_an_answer_and_only_1008_4001_and_401_touch_the_token(
            code: u16,
            status: u16,
        ) {
            let refreshes = Cause::Closed(code).next() == Next::Refresh;
            prop_assert_eq!(refreshes, code == 1008 || code == 4001);

            let refreshes = http(status).next() == Next::Refresh;
            prop_assert_eq!(refreshes, status == 401);
            prop_assert_ne!(http(status).next(), Next::SignedOut);
        }

        #[test]
        fn whatever_a_proxy_answers_the_token_is_left_alone(status: u16) {
            let refused = Cause::ProxyRefused { proxy: proxy(), status: Some(status) };
            let gateway = Cause::Gateway { status, retry_after: None };
            for cause in [refused, gateway, Cause::TurnedAway(status)] {
                prop_assert!(
                    matches!(cause.next(), Next::Retry | Next::RetryEvery(_) | Next::RetryAfter(_)),
                    "{:?}", cause
                );
            }
        }
    }

    fn proxy() -> Place {
        Place::new("proxy.example:3128")
    }

    fn http(status: u16) -> Cause {
        Cause::Http { status, retry_after: None }
    }
}
