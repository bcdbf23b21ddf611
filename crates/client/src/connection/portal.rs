//! Looks whether the server answers, or a captive portal in its place, before a token is sent over an open network.
//!
//! With TLS a portal cannot pose as the server, and on this computer there is none; over plain HTTP only its answer to
//! a question without a token tells.

use http::header::{HeaderMap, HeaderName, HeaderValue};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use url::Position;
use visionguard_proto::{Cause, Endpoint};

use crate::dial::{Dial, Io, cause};

/// Longest head of an answer.
const MAX_HEAD_BYTES: usize = 16 * 1024;
/// Most headers of an answer.
const MAX_HEADERS: usize = 64;

/// [`Cause::Intercepted`] if a portal answers `GET /health`; whatever else the server says is no reason to stay away.
pub(super) async fn look(dial: &dyn Dial, endpoint: &Endpoint) -> Result<(), Cause> {
    let url = endpoint.http("/health");
    let mut stream = dial.dial(&url).await?;
    let question = format!(
        "GET {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: {}\r\nAccept: application/json\r\nConnection: close\r\n\r\n",
        &url[Position::BeforePath..Position::AfterQuery],
        &url[Position::BeforeHost..Position::AfterPort],
        crate::api::USER_AGENT,
    );
    stream.write_all(question.as_bytes()).await.map_err(|error| cause::of_io(&error))?;

    let (status, headers) = read_head(stream).await?;
    if cause::is_interception(status, &headers) { Err(Cause::Intercepted) } else { Ok(()) }
}

async fn read_head(mut stream: Box<dyn Io>) -> Result<(u16, HeaderMap), Cause> {
    let mut head = Vec::with_capacity(1024);
    loop {
        let read = stream.read_buf(&mut head).await.map_err(|error| cause::of_io(&error))?;
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut answer = httparse::Response::new(&mut headers);
        match answer.parse(&head) {
            Ok(httparse::Status::Complete(_)) => {
                return Ok((answer.code.unwrap_or(0), known(answer.headers)));
            }
            Ok(httparse::Status::Partial) if read == 0 => return Err(Cause::Lost),
            Ok(httparse::Status::Partial) if head.len() > MAX_HEAD_BYTES => return Err(Cause::Garbled),
            Ok(httparse::Status::Partial) => {}
            Err(_) => return Err(Cause::Garbled),
        }
    }
}

/// The headers that can be read; an odd one says nothing about who answers.
fn known(headers: &[httparse::Header<'_>]) -> HeaderMap {
    headers
        .iter()
        .filter_map(|header| {
            let name = HeaderName::from_bytes(header.name.as_bytes()).ok()?;
            Some((name, HeaderValue::from_bytes(header.value).ok()?))
        })
        .collect()
}
