//! Opens the alert socket: finds out what the server speaks, dials, asks for the upgrade, and says in one [`Cause`] why
//! it did not come about.

use std::time::Duration;

use http::header::{AUTHORIZATION, HeaderValue, USER_AGENT};
use secrecy::ExposeSecret;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::error::{Error, ProtocolError};
use tokio_tungstenite::tungstenite::handshake::client::Request as HttpRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use visionguard_proto::{Cause, Cursor};

use super::Target;
use super::discovery::{self, Protocol};
use super::heard::{Heard, HeardIo};
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
    let target = request.target;
    // Over an open network a captive portal may have taken the server's place since it was asked.
    let known = request.spoken.filter(|_| target.endpoint.is_private());
    let protocol = match known {
        Some(protocol) => protocol,
        None => discovery::ask(dial, &target.endpoint, clock.wall()).await?,
    };
    if protocol == Protocol::One && target.spoke_two {
        return Err(Cause::Downgraded);
    }
    match upgrade(dial, clock, &request, protocol).await {
        // What was known may hold no longer.
        Err(Cause::Http { status: 400 | 403 | 404 | 405 | 426, .. })
            if known.is_some() && protocol != Protocol::One =>
        {
            let protocol = discovery::ask(dial, &target.endpoint, clock.wall()).await?;
            if protocol == Protocol::One {
                return Err(Cause::Downgraded);
            }
            upgrade(dial, clock, &request, protocol).await
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
    let stream = dial.dial(request.target.endpoint.base()).await?;
    let heard = Heard::default();
    let stream = HeardIo::new(stream, heard.clone());
    let request = http_request(request, protocol)?;
    match tokio_tungstenite::client_async_with_config(request, stream, Some(limits())).await {
        Ok((socket, _)) => Ok(Opened { socket, heard, protocol }),
        Err(Error::Http(answer)) => {
            Err(cause::of_answer(answer.status().as_u16(), answer.headers(), clock.wall()))
        }
        Err(error) => Err(of_socket(&error)),
    }
}

fn http_request(request: &Request<'_>, protocol: Protocol) -> Result<HttpRequest, Cause> {
    let target = request.target;
    let token = target.token.expose_secret();
    let url = match protocol {
        Protocol::One => target.endpoint.alerts(&target.user, token).expose().clone(),
        Protocol::Two { binary } => target.endpoint.alert_log(&target.user, request.cursor.as_ref(), binary),
    };
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
