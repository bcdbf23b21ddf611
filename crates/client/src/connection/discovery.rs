//! Which protocol a server speaks, found out before a token is shown to it.
//!
//! Over plain HTTP the question also finds the captive portal that stands in the server's place: with TLS a portal cannot
//! pose as the server, and on this computer there is none.

use jiff::Timestamp;
use serde::Deserialize;
use url::Url;
use visionguard_proto::Cause;

use super::question::Answer;
use super::{Target, question};
use crate::dial::Dial;

/// What is spoken on a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// The original: the token is part of the address, and what is missed is in the record alone.
    One,
    /// A log with a cursor; the token goes into a header.
    Two {
        /// Pictures come as they are.
        binary: bool,
    },
}

/// What the server of this target speaks, by `GET /ws/capabilities`, and is trusted to speak.
///
/// A question that is heard and never answered is the work of a filter that swallows unknown paths. Where nobody on the way
/// can pose as the server, it is taken for the original; elsewhere no token is shown to it.
pub(super) async fn ask(dial: &dyn Dial, target: &Target, now: Timestamp) -> Result<Protocol, Cause> {
    let url = target.endpoint.http("/ws/capabilities");
    let protocol = match question::ask(dial, &url).await {
        Ok(answer) => spoken(&answer, &url, now)?,
        Err(Cause::Unanswered) if target.endpoint.is_private() && !target.spoke_two => Protocol::One,
        Err(cause) => return Err(cause),
    };
    match protocol {
        Protocol::One if target.spoke_two => Err(Cause::Downgraded),
        protocol @ (Protocol::One | Protocol::Two { .. }) => Ok(protocol),
    }
}

/// Only a server that says so itself, or that has no such thing, speaks protocol 1. Whatever else is answered comes from
/// something in front of it and says nothing about what it speaks.
fn spoken(answer: &Answer, url: &Url, now: Timestamp) -> Result<Protocol, Cause> {
    if let Some(cause) = answer.on_the_way(url, now) {
        return Err(cause);
    }
    match answer.status {
        200 => read(&answer.body).ok_or(Cause::Intercepted),
        404 | 405 | 501 => Ok(Protocol::One),
        408 | 425 | 429 | 500..=599 => Err(answer.cause(url, 0, now)),
        401 => Err(Cause::PasswordWanted),
        status => Err(Cause::TurnedAway(status)),
    }
}

/// What a server says of itself; none where that is no such answer.
fn read(body: &[u8]) -> Option<Protocol> {
    #[derive(Deserialize)]
    struct Capabilities {
        protocol: u32,
        #[serde(default)]
        auth: Vec<String>,
        #[serde(default)]
        frames: Vec<String>,
    }
    let has = |list: &[String], word: &str| list.iter().any(|known| known == word);
    // A list would be taken for the fields in their order.
    let fields = serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(body).ok()?;
    let can = serde_json::from_value::<Capabilities>(fields.into()).ok()?;
    Some(match can.protocol >= 2 && has(&can.auth, "bearer") {
        true => Protocol::Two { binary: has(&can.frames, "binary") },
        false => Protocol::One,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_server_that_takes_the_token_in_a_header_speaks_protocol_2() {
        let two = |binary| Protocol::Two { binary };
        for (body, spoken) in [
            (
                r#"{"protocol":2,"auth":["bearer"],"frames":["base64","binary"],"ping_seconds":30}"#,
                Some(two(true)),
            ),
            (r#"{"protocol":2,"auth":["bearer"],"frames":["base64"]}"#, Some(two(false))),
            (r#"{"protocol":3,"auth":["bearer","cookie"]}"#, Some(two(false))),
            (r#"{"protocol":2,"auth":["query"],"frames":["binary"]}"#, Some(Protocol::One)),
            (r#"{"protocol":1,"auth":["bearer"]}"#, Some(Protocol::One)),
            (r#"{"detail":"Not Found"}"#, None),
            ("", None),
            ("[2]", None),
        ] {
            assert_eq!(read(body.as_bytes()), spoken, "{body}");
        }
    }

    #[test]
    fn case_24_only_404_405_and_501_mean_the_original() {
        for status in 200..=599_u16 {
            let outcome = said(status, &[], "");

            assert_eq!(
                outcome == Ok(Protocol::One),
                matches!(status, 404 | 405 | 501),
                "{status}: {outcome:?}"
            );
        }
    }

    #[test]
    fn case_24_a_proxy_s_refusal_is_no_protocol_and_never_a_matter_of_the_token() {
        let html = ("content-type", "text/html");
        for (status, headers, cause) in [
            (401, vec![("www-authenticate", "Basic realm=\"shop\""), html], Cause::PasswordWanted),
            (401, vec![], Cause::PasswordWanted),
            (403, vec![html], Cause::TurnedAway(403)),
            (403, vec![("content-type", "application/json")], Cause::TurnedAway(403)),
            (407, vec![], Cause::Intercepted),
            (302, vec![("location", "http://portal/")], Cause::Intercepted),
            (200, vec![html], Cause::Intercepted),
            (200, vec![("content-type", "application/json")], Cause::Intercepted),
            (502, vec![html], Cause::Gateway { status: 502, retry_after: None }),
            (500, vec![html], Cause::Http { status: 500, retry_after: None }),
        ] {
            assert_eq!(said(status, &headers, "{}"), Err(cause), "{status} {headers:?}");
        }
    }

    fn said(status: u16, headers: &[(&'static str, &str)], body: &str) -> Result<Protocol, Cause> {
        let headers = headers.iter().map(|(name, value)| {
            (http::HeaderName::from_static(name), http::HeaderValue::from_str(value).unwrap())
        });
        let answer =
            Answer { status, is_current: true, headers: headers.collect(), body: body.as_bytes().to_vec() };
        let url = Url::parse("https://shop.example/ws/capabilities").unwrap();
        super::spoken(&answer, &url, Timestamp::UNIX_EPOCH)
    }
}
