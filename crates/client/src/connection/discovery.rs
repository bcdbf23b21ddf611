//! Which protocol a server speaks, found out before a token is shown to it.
//!
//! Over plain HTTP the question also finds the captive portal that stands in the server's place: with TLS a portal cannot
//! pose as the server, and on this computer there is none.

use http::StatusCode;
use jiff::Timestamp;
use serde::Deserialize;
use visionguard_proto::{Cause, Endpoint};

use super::question;
use crate::dial::{Dial, cause};

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

/// `GET /ws/capabilities`. A server that has no such thing speaks protocol 1; one that cannot be asked now says nothing
/// about what it speaks.
pub(super) async fn ask(dial: &dyn Dial, endpoint: &Endpoint, now: Timestamp) -> Result<Protocol, Cause> {
    let answer = question::ask(dial, &endpoint.http("/ws/capabilities")).await?;
    match StatusCode::from_u16(answer.status) {
        Ok(StatusCode::OK) => Ok(read(&answer.body)),
        Ok(StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS) => {
            Err(cause::of_answer(answer.status, &answer.headers, now))
        }
        Ok(status) if status.is_server_error() => Err(cause::of_answer(answer.status, &answer.headers, now)),
        Ok(_) | Err(_) => Ok(Protocol::One),
    }
}

fn read(body: &[u8]) -> Protocol {
    #[derive(Deserialize)]
    struct Capabilities {
        protocol: u32,
        #[serde(default)]
        auth: Vec<String>,
        #[serde(default)]
        frames: Vec<String>,
    }
    let has = |list: &[String], word: &str| list.iter().any(|known| known == word);
    match serde_json::from_slice::<Capabilities>(body) {
        Ok(can) if can.protocol >= 2 && has(&can.auth, "bearer") => {
            Protocol::Two { binary: has(&can.frames, "binary") }
        }
        Ok(_) | Err(_) => Protocol::One,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_server_that_takes_the_token_in_a_header_speaks_protocol_2() {
        let two = |binary| Protocol::Two { binary };
        for (body, spoken) in [
            (r#"{"protocol":2,"auth":["bearer"],"frames":["base64","binary"],"ping_seconds":30}"#, two(true)),
            (r#"{"protocol":2,"auth":["bearer"],"frames":["base64"]}"#, two(false)),
            (r#"{"protocol":3,"auth":["bearer","cookie"]}"#, two(false)),
            (r#"{"protocol":2,"auth":["query"],"frames":["binary"]}"#, Protocol::One),
            (r#"{"protocol":1,"auth":["bearer"]}"#, Protocol::One),
            (r#"{"detail":"Not Found"}"#, Protocol::One),
            ("", Protocol::One),
            ("[2]", Protocol::One),
        ] {
            assert_eq!(read(body.as_bytes()), spoken, "{body}");
        }
    }
}
