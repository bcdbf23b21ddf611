//! What a failure on the way to the server means for the next attempt. Total: every error has an answer.

use std::error::Error;
use std::io;
use std::time::Duration;

use http::HeaderMap;
use http::header::{CONTENT_TYPE, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE};
use jiff::Timestamp;
use rustls::AlertDescription;
use url::Url;
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
        if error.is::<CertificateWanted>() {
            return Some(Cause::CertificateWanted);
        }
        if let Some(error) = error.downcast_ref::<rustls::Error>() {
            return Some(of_tls(error));
        }
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return Some(of_io(error));
        }
        next = error.source();
    }
    None
}

/// The peer asked for a certificate of this computer, got none, and hung up.
#[derive(Debug, thiserror::Error)]
#[error("a certificate of this computer is wanted")]
pub(super) struct CertificateWanted;

#[allow(clippy::wildcard_enum_match_arm, reason = "the library's list grows")]
fn of_tls(error: &rustls::Error) -> Cause {
    match error {
        rustls::Error::AlertReceived(
            AlertDescription::CertificateRequired | AlertDescription::NoCertificate,
        ) => Cause::CertificateWanted,
        // What came was no TLS at all.
        rustls::Error::InvalidMessage(_) => Cause::NoTls,
        _ => Cause::Tls,
    }
}

/// Whether the peer ended TLS by an alert, rather than we.
pub fn is_alert(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        let tls = error.downcast_ref::<rustls::Error>().or_else(|| inner?.downcast_ref());
        if matches!(tls, Some(rustls::Error::AlertReceived(_))) {
            return true;
        }
        next = error.source();
    }
    false
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

/// An answer by HTTP, and what is known of the question.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// What was asked for.
    pub url: &'a Url,
    /// How long the token was that the question bore; 0 for none.
    pub token: usize,
    pub status: u16,
    pub headers: &'a HeaderMap,
    /// As much of the body as came.
    pub body: &'a [u8],
}

/// A token of this length is longer than some proxies allow an address or a header to be.
const LONG_TOKEN: usize = 3_000;

/// What an HTTP answer means where the upgrade to a WebSocket was asked for.
pub fn of_answer(answer: &Answer<'_>, now: Timestamp) -> Cause {
    if let Some(cause) = on_the_way(answer, now) {
        return cause;
    }
    Cause::Http { status: answer.status, retry_after: retry_after(answer.headers, now) }
}

/// What something between here and the server says by this answer; none where it may be the server's own.
///
/// The server never redirects, never answers with a web page, asks for no sign-in but its own, and gives a reason with each
/// refusal of a request.
pub fn on_the_way(answer: &Answer<'_>, now: Timestamp) -> Option<Cause> {
    let Answer { url, token, status, headers, body } = *answer;
    let secure = matches!(url.scheme(), "https" | "wss");
    let retry_after = retry_after(headers, now);
    match status {
        300..=399 if !secure && leads_to_tls(headers, url) => Some(Cause::TlsWanted),
        300..=399 | 407 | 511 => Some(Cause::Intercepted),
        200..=299 if is_web_page(headers) => Some(Cause::Intercepted),
        401 if wants_a_password(headers) => Some(Cause::PasswordWanted),
        495 | 496 => Some(Cause::CertificateWanted),
        497 => Some(Cause::TlsWanted),
        414 | 431 | 494 => Some(Cause::TooLong),
        400 | 413 if is_ours(headers, body) => None,
        400 if secure && says(body, &["required ssl certificate", "ssl certificate error"]) => {
            Some(Cause::CertificateWanted)
        }
        400 | 403 if !secure && says(body, &WANTS_TLS) => Some(Cause::TlsWanted),
        400 | 413 if token >= LONG_TOKEN => Some(Cause::TooLong),
        400 | 403 | 451 if is_web_page(headers) => Some(Cause::TurnedAway(status)),
        502 | 504 | 520..=527 | 530 => Some(Cause::Gateway { status, retry_after }),
        503 if retry_after.is_none() && !is_ours(headers, body) => {
            Some(Cause::Gateway { status, retry_after })
        }
        _ => None,
    }
}

/// How nginx, Apache, Go's servers (Caddy, Traefik) and Tomcat answer plain HTTP on a port for TLS.
const WANTS_TLS: [&str; 4] =
    ["to https port", "an ssl-enabled server port", "to an https server", "requires tls"];

/// The same place by https: on the same host, or by the same path on another.
fn leads_to_tls(headers: &HeaderMap, url: &Url) -> bool {
    let Some(location) = headers.get(LOCATION).and_then(|value| value.to_str().ok()) else { return false };
    let Ok(location) = Url::parse(location) else { return false };
    location.scheme() == "https" && (location.host() == url.host() || location.path() == url.path())
}

/// A challenge of another kind than the server's own, or the page of something that signs people in.
fn wants_a_password(headers: &HeaderMap) -> bool {
    let mut challenges =
        headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok()).peekable();
    if challenges.peek().is_none() {
        return is_web_page(headers);
    }
    !challenges.any(|challenge| challenge.to_ascii_lowercase().contains("bearer"))
}

/// A body as each refusal of the server has it: JSON with a `detail` or a `message`.
pub fn is_ours(headers: &HeaderMap, body: &[u8]) -> bool {
    let is_json = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|content| content.starts_with("application/json"));
    let said: Option<serde_json::Map<String, serde_json::Value>> =
        if is_json { serde_json::from_slice(body).ok() } else { None };
    said.is_some_and(|said| said.contains_key("detail") || said.contains_key("message"))
}

fn says(body: &[u8], any: &[&str]) -> bool {
    let text = String::from_utf8_lossy(body).to_ascii_lowercase();
    any.iter().any(|phrase| text.contains(phrase))
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
        for status in [400, 403, 451] {
            assert_eq!(answer(status, "text/html"), Cause::TurnedAway(status));
        }
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
        said(status, &headers, "")
    }

    fn said(status: u16, headers: &HeaderMap, body: &str) -> Cause {
        let url = Url::parse("http://shop.example:8000/ws/capabilities").unwrap();
        of_answer(
            &Answer { url: &url, token: 0, status, headers, body: body.as_bytes() },
            Timestamp::UNIX_EPOCH,
        )
    }
}
