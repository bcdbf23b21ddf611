//! A question to the server without a token, on the way that the socket will take: the same name, proxy and TLS. And how
//! any answer by HTTP is read there, in whatever version of it.

use std::time::Duration;

use http::header::{CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING};
use jiff::Timestamp;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use url::{Position, Url};
use visionguard_proto::Cause;

use crate::dial::{Dial, Io, cause};

/// Longest answer, head and body.
const MAX_BYTES: usize = 32 * 1024;
/// Most headers of an answer.
const MAX_HEADERS: usize = 124;

/// How long an answer may take once there is a connection, and how often it is asked for.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
const TRIES: usize = 2;
/// How long the body of a refusal is waited for, which says no more than why.
const BODY_WITHIN: Duration = Duration::from_secs(2);

/// An answer, whole or as much of it as came.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// HTTP/1.1, and not 1.0.
    pub(super) is_current: bool,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Answer {
    /// What it means, as the answer to a request for `url` with a token of this length.
    pub(super) fn cause(&self, url: &Url, token: usize, now: Timestamp) -> Cause {
        cause::of_answer(&self.about(url, token), now)
    }

    /// What something on the way says by it, if it is not the server's own.
    pub(super) fn on_the_way(&self, url: &Url, now: Timestamp) -> Option<Cause> {
        cause::on_the_way(&self.about(url, 0), now)
    }

    fn about<'a>(&'a self, url: &'a Url, token: usize) -> cause::Answer<'a> {
        cause::Answer { url, token, status: self.status, headers: &self.headers, body: &self.body }
    }
}

/// Asks by `GET`; [`Cause::Unanswered`] if that is heard and never answered.
pub(super) async fn ask(dial: &dyn Dial, url: &Url) -> Result<Answer, Cause> {
    for _ in 0..TRIES {
        let stream = dial.dial(url).await?;
        if let Ok(outcome) = timeout(ANSWER_WITHIN, ask_on(stream, url)).await {
            return outcome;
        }
    }
    Err(Cause::Unanswered)
}

async fn ask_on(mut stream: Box<dyn Io>, url: &Url) -> Result<Answer, Cause> {
    let question = format!(
        "GET {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: {}\r\nAccept: application/json\r\nConnection: close\r\n\r\n",
        &url[Position::BeforePath..Position::AfterQuery],
        &url[Position::BeforeHost..Position::AfterPort],
        crate::api::USER_AGENT,
    );
    let written = stream.write_all(question.as_bytes()).await;
    read_after(&mut stream, written).await
}

/// Reads what is answered to a request, also where that could not be written to its end: who refuses a long one may hang up
/// before.
pub(super) async fn read_after<S: AsyncRead + Unpin>(
    stream: &mut S,
    written: std::io::Result<()>,
) -> Result<Answer, Cause> {
    match (read(stream).await, written) {
        (Ok(answer), _) => Ok(answer),
        (Err(_), Err(error)) => Err(cause::of_io(&error)),
        (Err(cause), Ok(())) => Err(cause),
    }
}

/// Reads an answer. Of one that switches protocols, the body is the beginning of what comes after.
async fn read<S: AsyncRead + Unpin>(stream: &mut S) -> Result<Answer, Cause> {
    let mut bytes = Vec::with_capacity(1024);
    let head = loop {
        let read = stream.read_buf(&mut bytes).await.map_err(|error| cause::of_io(&error))?;
        match parse(&bytes)? {
            Some(head) => break head,
            None if read == 0 => return Err(Cause::Lost),
            None if bytes.len() > MAX_BYTES => return Err(Cause::Garbled),
            None => {}
        }
    };
    let mut rest = bytes.split_off(head.length);
    if head.status == 101 {
        return Ok(head.with(rest));
    }
    // What breaks off after its head, or never ends, is judged by what came.
    let _ = timeout(BODY_WITHIN, async {
        while !head.has_all(&rest) && rest.len() <= MAX_BYTES {
            if !matches!(stream.read_buf(&mut rest).await, Ok(1..)) {
                break;
            }
        }
    })
    .await;
    let body = head.body(rest);
    Ok(head.with(body))
}

struct Head {
    status: u16,
    is_current: bool,
    headers: HeaderMap,
    length: usize,
}

/// The head, if it is there as a whole.
fn parse(bytes: &[u8]) -> Result<Option<Head>, Cause> {
    // The first bytes of a TLS alert: whoever sent it understands nothing else.
    if bytes.starts_with(&[0x15, 0x03]) {
        return Err(Cause::TlsWanted);
    }
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut answer = httparse::Response::new(&mut headers);
    match answer.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => Ok(Some(Head {
            status: answer.code.unwrap_or(0),
            is_current: answer.version == Some(1),
            headers: known(answer.headers),
            length,
        })),
        Ok(httparse::Status::Partial) => Ok(None),
        Err(_) => Err(Cause::Garbled),
    }
}

impl Head {
    fn with(self, body: Vec<u8>) -> Answer {
        Answer { status: self.status, is_current: self.is_current, headers: self.headers, body }
    }

    /// Whether the body is there as a whole; without a length it ends with the connection.
    fn has_all(&self, rest: &[u8]) -> bool {
        match (self.is_chunked(), self.content_length()) {
            (true, _) => joined(rest).is_some(),
            (false, Some(length)) => rest.len() >= length,
            (false, None) => matches!(self.status, 204 | 304),
        }
    }

    fn body(&self, mut rest: Vec<u8>) -> Vec<u8> {
        match (self.is_chunked(), self.content_length()) {
            (true, _) => joined(&rest).unwrap_or_default(),
            (false, length) => {
                rest.truncate(length.unwrap_or(usize::MAX));
                rest
            }
        }
    }

    fn is_chunked(&self) -> bool {
        self.header(TRANSFER_ENCODING).is_some_and(|coding| coding.eq_ignore_ascii_case("chunked"))
    }

    fn content_length(&self) -> Option<usize> {
        self.header(CONTENT_LENGTH)?.parse().ok()
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
