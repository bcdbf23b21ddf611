//! The messages of protocol 2 as a server writes them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Serialize;

use super::{ServerMessage, Welcome};
use crate::id::Cursor;

impl ServerMessage {
    /// A ping, with the newest place in the user's log where there is one.
    pub fn ping(head: Option<&Cursor>) -> String {
        #[derive(Serialize)]
        struct Ping<'a> {
            r#type: &'static str,
            #[serde(skip_serializing_if = "Option::is_none")]
            head: Option<&'a Cursor>,
        }
        // Texts always serialise.
        serde_json::to_string(&Ping { r#type: "ping", head }).unwrap_or_default()
    }
}

impl Welcome {
    /// The text frame to send.
    pub fn to_text(&self) -> String {
        #[derive(Serialize)]
        struct Message<'a> {
            r#type: &'static str,
            #[serde(flatten)]
            welcome: &'a Welcome,
        }
        // Texts and numbers always serialise.
        serde_json::to_string(&Message { r#type: "welcome", welcome: self }).unwrap_or_default()
    }
}

/// Adds to `header`, an `anomaly_detected` without its picture, its place in the log and whether it is replayed.
pub fn alert_header(header: &str, cursor: &Cursor, replayed: bool) -> String {
    let cursor = serde_json::to_string(cursor).unwrap_or_default();
    let open = header.strip_suffix('}').unwrap_or(header);
    format!(r#"{open},"cursor":{cursor},"replayed":{replayed}}}"#)
}

/// The whole message as text: the picture is written straight into it, being nine tenths of it.
pub fn alert_text(mut header: String, picture: &[u8]) -> String {
    if picture.is_empty() {
        return header;
    }
    header.pop();
    header.reserve_exact(picture.len().div_ceil(3) * 4 + 64);
    header.push_str(r#","annotated_frame":""#);
    STANDARD.encode_string(picture, &mut header);
    header.push_str(r#"","frame_format":"jpeg"}"#);
    header
}

/// The whole message as one binary frame: a 32-bit big-endian length, `header` of that length, the picture.
pub fn binary(header: &str, picture: &[u8]) -> Bytes {
    let length = u32::try_from(header.len()).unwrap_or(u32::MAX);
    [&length.to_be_bytes(), header.as_bytes(), picture].concat().into()
}
