//! A question to the server without a token, on the way that the socket will take: the same name, proxy and TLS.

use http::header::{CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use url::{Position, Url};
use visionguard_proto::Cause;

use crate::dial::{Dial, Io, cause};

/// Longest answer, head and body.
const MAX_BYTES: usize = 32 * 1024;
/// Most headers of an answer.
const MAX_HEADERS: usize = 64;

/// An answer, whole or as much of it as came.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

/// Asks by `GET`; [`Cause::Intercepted`] if something else answers in the server's place.
pub(super) async fn ask(dial: &dyn Dial, url: &Url) -> Result<Answer, Cause> {
    let mut stream = dial.dial(url).await?;
    let question = format!(
        "GET {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: {}\r\nAccept: application/json\r\nConnection: close\r\n\r\n",
        &url[Position::BeforePath..Position::AfterQuery],
        &url[Position::BeforeHost..Position::AfterPort],
        crate::api::USER_AGENT,
    );
    stream.write_all(question.as_bytes()).await.map_err(|error| cause::of_io(&error))?;

    let answer = read(stream).await?;
    if cause::is_interception(answer.status, &answer.headers) { Err(Cause::Intercepted) } else { Ok(answer) }
}

async fn read(mut stream: Box<dyn Io>) -> Result<Answer, Cause> {
    let mut bytes = Vec::with_capacity(1024);
    let mut head = None;
    loop {
        let read = stream.read_buf(&mut bytes).await;
        // What broke off after its head is judged by its head.
        let ended = match (&read, &head) {
            (Ok(read), _) => *read == 0,
            (Err(_), Some(_)) => true,
            (Err(error), None) => return Err(cause::of_io(error)),
        };
        if head.is_none() {
            head = parse(&bytes)?;
        }
        match &head {
            None if ended => return Err(Cause::Lost),
            None if bytes.len() > MAX_BYTES => return Err(Cause::Garbled),
            None => {}
            Some(head) => {
                let rest = bytes.get(head.length..).unwrap_or_default();
                if let Some(body) = head.body(rest, ended || bytes.len() > MAX_BYTES) {
                    return Ok(Answer { status: head.status, headers: head.headers.clone(), body });
                }
            }
        }
    }
}

struct Head {
    status: u16,
    headers: HeaderMap,
    length: usize,
}

/// The head, if it is there as a whole.
fn parse(bytes: &[u8]) -> Result<Option<Head>, Cause> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut answer = httparse::Response::new(&mut headers);
    match answer.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => {
            Ok(Some(Head { status: answer.code.unwrap_or(0), headers: known(answer.headers), length }))
        }
        Ok(httparse::Status::Partial) => Ok(None),
        Err(_) => Err(Cause::Garbled),
    }
}

impl Head {
    /// The body, once it is there as a whole or nothing more comes.
    fn body(&self, rest: &[u8], ended: bool) -> Option<Vec<u8>> {
        if self.header(TRANSFER_ENCODING).is_some_and(|coding| coding.eq_ignore_ascii_case("chunked")) {
            return joined(rest).or_else(|| ended.then(Vec::new));
        }
        match self.header(CONTENT_LENGTH).and_then(|length| length.parse().ok()) {
            Some(length) if rest.len() >= length => rest.get(..length).map(<[u8]>::to_vec),
            Some(_) | None => ended.then(|| rest.to_vec()),
        }
    }

    fn header(&self, name: HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// The chunks of a body together, if the last is there.
fn joined(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let Ok(httparse::Status::Complete((start, length))) = httparse::parse_chunk_size(rest) else {
            return None;
        };
        if length == 0 {
            return Some(body);
        }
        let end = start.checked_add(usize::try_from(length).ok()?)?;
        body.extend_from_slice(rest.get(start..end)?);
        rest = rest.get(end..)?.strip_prefix(b"\r\n")?;
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
