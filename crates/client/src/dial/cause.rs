//! What a failure on the way to the server means for the next attempt. Total: every error has an answer.

use std::error::Error;
use std::io;
use std::time::Duration;

use http::HeaderMap;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use jiff::Timestamp;
use visionguard_proto::Cause;
use visionguard_proto::cause::MAX_RETRY_AFTER;

use super::names::NameUnknown;

/// The first thing in the chain of causes that says what happened; [`Cause::Lost`] if nothing does.
pub fn of_error(error: &(dyn Error + 'static)) -> Cause {
    known(error).unwrap_or(Cause::Lost)
}

/// The same, or none where nothing in the chain is known.
pub fn known(error: &(dyn Error + 'static)) -> Option<Cause> {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.is::<NameUnknown>() {
            return Some(Cause::NameUnknown);
        }
        if error.is::<rustls::Error>() {
            return Some(Cause::Tls);
        }
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return Some(of_io(error));
        }
        next = error.source();
    }
    None
}

/// What an IO error means, whichever layer it comes from.
pub fn of_io(error: &io::Error) -> Cause {
    if let Some(inner) = error.get_ref()
        && let Some(cause) = known(inner)
    {
        return cause;
    }
    of_kind(error.kind())
}

#[allow(clippy::wildcard_enum_match_arm, reason = "the standard library's list grows")]
fn of_kind(kind: io::ErrorKind) -> Cause {
    use io::ErrorKind as Kind;
    match kind {
        Kind::ConnectionRefused => Cause::Refused,
        Kind::TimedOut => Cause::TimedOut,
        // A firewall on this machine that forbids the way is reported as a lack of permission.
        Kind::HostUnreachable
        | Kind::NetworkUnreachable
        | Kind::NetworkDown
        | Kind::AddrNotAvailable
        | Kind::PermissionDenied => Cause::NoRoute,
        Kind::InvalidData => Cause::Garbled,
        _ => Cause::Lost,
    }
}

/// What an HTTP answer means where the upgrade to a WebSocket was asked for.
pub fn of_answer(status: u16, headers: &HeaderMap, now: Timestamp) -> Cause {
    if is_interception(status, headers) {
        return Cause::Intercepted;
    }
    Cause::Http { status, retry_after: retry_after(headers, now) }
}

/// Whether an answer comes from a captive portal or a proxy in place of the server, which never redirects and never
/// answers with a web page.
pub fn is_interception(status: u16, headers: &HeaderMap) -> bool {
    match status {
        300..=399 | 407 | 511 => true,
        200..=299 => is_web_page(headers),
        _ => false,
    }
}

fn is_web_page(headers: &HeaderMap) -> bool {
    let Some(content) = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()) else { return false };
    let content = content.trim_start().to_ascii_lowercase();
    content.starts_with("text/html") || content.starts_with("application/xhtml")
}

/// The `Retry-After` header: seconds or an HTTP date, at most ten minutes; anything else is as good as none.
pub fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if text.bytes().all(|byte| byte.is_ascii_digit()) && !text.is_empty() {
        // More digits than fit are still a number of seconds, and over the cap.
        let seconds = text.parse().unwrap_or(u64::MAX);
        return Some(Duration::from_secs(seconds).min(MAX_RETRY_AFTER));
    }
    let at = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    let wait = Duration::try_from(at.duration_since(now)).ok()?;
    Some(wait.min(MAX_RETRY_AFTER))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_read_as_seconds_or_as_a_date() {
        assert_eq!(asked("7"), Some(Duration::from_secs(7)));
        assert_eq!(asked(" 0 "), Some(Duration::ZERO));
        assert_eq!(asked("Sat, 21 Nov 2026 20:01:30 GMT"), Some(Duration::from_secs(90)));
    }

    #[test]
    fn an_absurd_retry_after_is_capped() {
        let cap = Some(Duration::from_secs(600));

        assert_eq!(asked("1000000000"), cap);
        assert_eq!(asked("99999999999999999999999999"), cap);
        assert_eq!(asked("Sat, 21 Nov 2099 20:01:30 GMT"), cap);
    }

    #[test]
    fn garbage_in_retry_after_is_as_good_as_none() {
        for garbage in ["", "-1", "soon", "1.5", "1e9", "Sat, 21 Nov 2020 20:01:30 GMT", "7, 8"] {
            assert_eq!(asked(garbage), None, "{garbage:?}");
        }
    }

    #[test]
    fn redirects_web_pages_and_proxies_are_interceptions() {
        for status in [301, 302, 303, 307, 308, 407, 511] {
            assert_eq!(answer(status, "text/plain"), Cause::Intercepted, "{status}");
        }
        assert_eq!(answer(200, "Text/HTML; charset=utf-8"), Cause::Intercepted);
        assert_eq!(answer(200, "application/json"), Cause::Http { status: 200, retry_after: None });
        assert_eq!(answer(404, "text/html"), Cause::Http { status: 404, retry_after: None });
    }

    #[test]
    fn an_io_error_of_a_verifier_is_tls_and_an_unnamed_one_is_a_loss() {
        let verdict = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);

        assert_eq!(of_io(&io::Error::new(io::ErrorKind::InvalidData, verdict)), Cause::Tls);
        assert_eq!(of_io(&io::Error::other("something")), Cause::Lost);
        assert_eq!(of_error(&std::fmt::Error), Cause::Lost);
    }

    #[test]
    fn the_ways_in_which_a_network_fails_are_told_apart() {
        use io::ErrorKind as Kind;
        for (kind, cause) in [
            (Kind::ConnectionRefused, Cause::Refused),
            (Kind::HostUnreachable, Cause::NoRoute),
            (Kind::NetworkUnreachable, Cause::NoRoute),
            (Kind::NetworkDown, Cause::NoRoute),
            (Kind::TimedOut, Cause::TimedOut),
            (Kind::ConnectionReset, Cause::Lost),
            (Kind::UnexpectedEof, Cause::Lost),
            (Kind::BrokenPipe, Cause::Lost),
        ] {
            assert_eq!(of_io(&io::Error::from(kind)), cause, "{kind:?}");
        }
    }

    fn asked(value: &str) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, value.parse().unwrap());
        retry_after(&headers, "2026-11-21T20:00:00Z".parse().unwrap())
    }

    fn answer(status: u16, content: &str) -> Cause {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, content.parse().unwrap());
        of_answer(status, &headers, Timestamp::UNIX_EPOCH)
    }
}
