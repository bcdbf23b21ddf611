//! Opens the alert socket: dials, asks for the upgrade, and says in one [`Cause`] why it did not come about.

use std::time::Duration;

use http::header::{AUTHORIZATION, HeaderValue, USER_AGENT};
use secrecy::ExposeSecret;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::error::{Error, ProtocolError};
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use visionguard_proto::Cause;

use super::Target;
use super::heard::{Heard, HeardIo};
use super::portal;
use crate::clock::Clock;
use crate::dial::{Dial, Io, cause};

/// Longest message, as the original server itself has it. A picture over the limit of its own is refused with the alert
/// kept; a message over this one ends the connection.
const MAX_MESSAGE_BYTES: usize = 16 * 1024 * 1024;

/// Our messages are small; a peer that does not take this much is not reading.
const MAX_UNSENT_BYTES: usize = 256 * 1024;

/// An open alert socket.
pub(super) type WebSocket = WebSocketStream<HeardIo<Box<dyn Io>>>;

/// Opens the socket within `limit`, from the first name lookup to the end of the handshake.
///
/// The token goes both into the query, which the original server reads, and into the `Authorization` header.
pub(super) async fn open(
    dial: &dyn Dial,
    clock: &dyn Clock,
    target: &Target,
    limit: Duration,
) -> Result<(WebSocket, Heard), Cause> {
    match timeout(limit, attempt(dial, clock, target)).await {
        Ok(outcome) => outcome,
        Err(_) => Err(Cause::TimedOut),
    }
}

async fn attempt(dial: &dyn Dial, clock: &dyn Clock, target: &Target) -> Result<(WebSocket, Heard), Cause> {
    let request = request(target)?;
    if !target.endpoint.is_private() {
        portal::look(dial, &target.endpoint).await?;
    }
    let stream = dial.dial(target.endpoint.base()).await?;

    let heard = Heard::default();
    let stream = HeardIo::new(stream, heard.clone());
    match tokio_tungstenite::client_async_with_config(request, stream, Some(limits())).await {
        Ok((socket, _)) => Ok((socket, heard)),
        Err(Error::Http(answer)) => {
            Err(cause::of_answer(answer.status().as_u16(), answer.headers(), clock.wall()))
        }
        Err(error) => Err(of_socket(&error)),
    }
}

fn request(target: &Target) -> Result<Request, Cause> {
    let token = target.token.expose_secret();
    let url = target.endpoint.alerts(&target.user, token);
    // An address that is no request at all is one that no retry repairs.
    let mut request = url.expose().as_str().into_client_request().map_err(|_| Cause::AddressRejected)?;

    let headers = request.headers_mut();
    headers.insert(USER_AGENT, HeaderValue::from_static(crate::api::USER_AGENT));
    if let Ok(mut value) = HeaderValue::from_str(&format!("Bearer {token}")) {
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    Ok(request)
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
