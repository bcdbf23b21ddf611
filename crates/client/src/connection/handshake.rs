//! Opens the alert socket: finds out what the server speaks, dials, asks for the upgrade, and says in one [`Cause`] why
//! it did not come about.

use std::time::Duration;

use http::header::{
    AUTHORIZATION, CONNECTION, HeaderName, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_PROTOCOL,
    UPGRADE, USER_AGENT,
};
use secrecy::ExposeSecret;
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::error::{Error, ProtocolError};
use tokio_tungstenite::tungstenite::handshake::client::{Request as HttpRequest, generate_request};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use url::Url;
use visionguard_proto::{Cause, Cursor};

use super::Target;
use super::discovery::{self, Protocol};
use super::heard::{Heard, HeardIo};
use super::question::{self, Answer};
use crate::clock::Clock;
use crate::dial::{Dial, Io, cause};

/// Longest message: the largest picture that is taken, in base64, with room for what comes with it. A picture over the
/// limit of its own is refused with the alert kept; a message over this one ends the connection.
const MAX_MESSAGE_BYTES: usize = 24 * 1024 * 1024;

/// Our messages are small; a peer that does not take this much is not reading.
const MAX_UNSENT_BYTES: usize = 256 * 1024;

/// An open alert socket.
pub(super) type WebSocket = WebSocketStream<HeardIo<Box<dyn Io>>>;

/// An open socket and what is spoken on it.
pub(super) struct Opened {
    pub(super) socket: WebSocket,
    pub(super) heard: Heard,
    pub(super) protocol: Protocol,
}

/// What is asked of the server.
#[derive(Debug, Clone)]
pub(super) struct Request<'a> {
    pub(super) target: &'a Target,
    /// What the server speaks, where it was asked before.
    pub(super) spoken: Option<Protocol>,
    /// Where its log is to go on.
    pub(super) cursor: Option<Cursor>,
}

/// Opens the socket within `limit`, from the first name lookup to the end of the handshake.
///
/// With protocol 1 the token goes both into the query, which the original server reads, and into the `Authorization`
/// header; with protocol 2 only there. No subprotocol and no extension is offered: a server that does not choose one
/// would end the handshake.
pub(super) async fn open(
    dial: &dyn Dial,
    clock: &dyn Clock,
    request: Request<'_>,
    limit: Duration,
) -> Result<Opened, Cause> {
    match timeout(limit, attempt(dial, clock, request)).await {
        Ok(outcome) => outcome,
        Err(_) => Err(Cause::TimedOut),
    }
}

async fn attempt(dial: &dyn Dial, clock: &dyn Clock, request: Request<'_>) -> Result<Opened, Cause> {
    let base = request.target.endpoint.base();
    match ask_and_upgrade(dial, clock, request.clone()).await {
        // What listens for TLS alone hangs up on plain HTTP, or says something that is none.
        Err(Cause::Lost | Cause::Garbled) if base.scheme() == "http" && dial.speaks_tls(base).await => {
            Err(Cause::TlsWanted)
        }
        outcome => outcome,
    }
}

async fn ask_and_upgrade(dial: &dyn Dial, clock: &dyn Clock, request: Request<'_>) -> Result<Opened, Cause> {
    let target = request.target;
    // Over an open network a captive portal may have taken the server's place since it was asked.
    let known = request.spoken.filter(|_| target.endpoint.is_private());
    let protocol = match known {
        Some(Protocol::One) if target.spoke_two => return Err(Cause::Downgraded),
        Some(protocol) => protocol,
        None => discovery::ask(dial, target, clock.wall()).await?,
    };
    match upgrade(dial, clock, &request, protocol).await {
        // What was known may hold no longer.
        Err(Cause::Http { status: 400 | 403 | 404 | 405 | 426, .. })
            if known.is_some() && protocol != Protocol::One =>
        {
            match discovery::ask(dial, target, clock.wall()).await? {
                Protocol::One => Err(Cause::Downgraded),
                protocol @ Protocol::Two { .. } => upgrade(dial, clock, &request, protocol).await,
            }
        }
        outcome => outcome,
    }
}

async fn upgrade(
    dial: &dyn Dial,
    clock: &dyn Clock,
    request: &Request<'_>,
    protocol: Protocol,
) -> Result<Opened, Cause> {
    let token = request.target.token.expose_secret().len();
    let url = address(request, protocol);
    let (question, key) =
        generate_request(http_request(request, &url)?).map_err(|_| Cause::AddressRejected)?;

    let stream = dial.dial(request.target.endpoint.base()).await?;
    let heard = Heard::default();
    let mut stream = HeardIo::new(stream, heard.clone());
    let written = stream.write_all(&question).await;
    let answer = question::read_after(&mut stream, written).await?;
    if answer.status != 101 {
        return Err(answer.cause(&url, token, clock.wall()));
    }
    if !is_upgrade(&answer, &key) {
        return Err(Cause::Garbled);
    }
    let socket =
        WebSocketStream::from_partially_read(stream, answer.body, Role::Client, Some(limits())).await;
    Ok(Opened { socket, heard, protocol })
}

/// Whether this is the end of our handshake (RFC 6455, 4.1), with nothing in it that was not offered.
fn is_upgrade(answer: &Answer, key: &str) -> bool {
    let is = |name: HeaderName, wanted: &str| {
        let value = answer.headers.get(name).and_then(|value| value.to_str().ok());
        value.is_some_and(|value| value.split(',').any(|word| word.trim().eq_ignore_ascii_case(wanted)))
    };
    let accepted = answer.headers.get(SEC_WEBSOCKET_ACCEPT).map(HeaderValue::as_bytes);
    answer.is_current
        && is(UPGRADE, "websocket")
        && is(CONNECTION, "upgrade")
        && accepted == Some(derive_accept_key(key.as_bytes()).as_bytes())
        && !answer.headers.contains_key(SEC_WEBSOCKET_PROTOCOL)
}

fn address(request: &Request<'_>, protocol: Protocol) -> Url {
    let target = request.target;
    match protocol {
        Protocol::One => target.endpoint.alerts(&target.user, target.token.expose_secret()).expose().clone(),
        Protocol::Two { binary } => target.endpoint.alert_log(&target.user, request.cursor.as_ref(), binary),
    }
}

fn http_request(request: &Request<'_>, url: &Url) -> Result<HttpRequest, Cause> {
    let token = request.target.token.expose_secret();
    // An address that is no request at all is one that no retry repairs.
    let mut http = url.as_str().into_client_request().map_err(|_| Cause::AddressRejected)?;

    let headers = http.headers_mut();
    headers.insert(USER_AGENT, HeaderValue::from_static(crate::api::USER_AGENT));
    if let Ok(mut value) = HeaderValue::from_str(&format!("Bearer {token}")) {
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    Ok(http)
}

fn limits() -> WebSocketConfig {
    WebSocketConfig::default()
        .max_message_size(Some(MAX_MESSAGE_BYTES))
        .max_frame_size(Some(MAX_MESSAGE_BYTES))
        .max_write_buffer_size(MAX_UNSENT_BYTES)
}

/// What a failure of the handshake or of the open socket means.
pub(super) fn of_socket(error: &Error) -> Cause {
    match error {
        Error::ConnectionClosed | Error::AlreadyClosed => Cause::Lost,
        Error::Io(error) => cause::of_io(error),
        Error::Tls(_) => Cause::Tls,
        Error::Capacity(_) => Cause::TooLarge,
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake | ProtocolError::HandshakeIncomplete) => {
            Cause::Lost
        }
        Error::Protocol(_) | Error::Utf8(_) | Error::AttackAttempt | Error::HttpFormat(_) | Error::Url(_) => {
            Cause::Garbled
        }
        Error::WriteBufferFull(_) => Cause::Stalled,
        Error::Http(answer) => Cause::Http { status: answer.status().as_u16(), retry_after: None },
    }
}
