//! The server's end of a stream: the handshake, then a WebSocket of the real library on bytes that the world carries.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, Read, Write};

use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message, WebSocket};

/// Bytes in memory, both ways.
#[derive(Debug, Default)]
pub struct Wire {
    arrived: VecDeque<u8>,
    ended: bool,
    written: Vec<u8>,
}

impl Read for Wire {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.arrived.is_empty() {
            return if self.ended { Ok(0) } else { Err(io::ErrorKind::WouldBlock.into()) };
        }
        self.arrived.read(buf)
    }
}

impl Write for Wire {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.written.extend_from_slice(buf);
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// An open WebSocket.
pub struct Socket {
    inner: WebSocket<Wire>,
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Socket")
    }
}

impl Socket {
    /// A socket after its handshake, with what came right behind it.
    pub fn new(rest: &[u8]) -> Socket {
        let wire = Wire { arrived: rest.iter().copied().collect(), ended: false, written: Vec::new() };
        Socket { inner: WebSocket::from_raw_socket(wire, Role::Server, Some(WebSocketConfig::default())) }
    }

    /// Takes what arrived; the messages in it, and whether the socket is over.
    pub fn take(&mut self, bytes: &[u8], ended: bool) -> (Vec<Message>, bool) {
        let wire = self.inner.get_mut();
        wire.arrived.extend(bytes);
        wire.ended |= ended;
        let mut messages = Vec::new();
        loop {
            match self.inner.read() {
                Ok(message) => messages.push(message),
                Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                    return (messages, false);
                }
                Err(_) => return (messages, true),
            }
        }
    }

    /// Says something.
    pub fn say(&mut self, message: Message) {
        // Into memory; a socket that is closing takes no more, which is as it should be.
        let _ = self.inner.send(message);
    }

    /// What is to be sent on the stream.
    pub fn written(&mut self) -> Vec<u8> {
        let _ = self.inner.flush();
        std::mem::take(&mut self.inner.get_mut().written)
    }
}

/// What a client asks for first.
#[derive(Debug)]
pub struct Request {
    /// Path and query.
    pub target: String,
    /// What the answer must prove to have read.
    key: String,
    /// The bearer's token, if one is in the headers.
    pub bearer: Option<String>,
    /// Whether it is a WebSocket that is asked for.
    pub upgrade: bool,
    /// The bytes after it.
    pub rest: Vec<u8>,
}

/// Reads a request once it is whole; `Err` if it never will be.
pub fn read_request(bytes: &[u8]) -> Result<Option<Request>, ()> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut request = httparse::Request::new(&mut headers);
    let length = match request.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(_) => return Err(()),
    };
    let header = |name: &str| {
        request
            .headers
            .iter()
            .find(|header| header.name.eq_ignore_ascii_case(name))
            .map(|header| String::from_utf8_lossy(header.value).into_owned())
    };
    Ok(Some(Request {
        target: request.path.unwrap_or_default().to_owned(),
        key: header("sec-websocket-key").unwrap_or_default(),
        bearer: header("authorization").and_then(|value| value.strip_prefix("Bearer ").map(str::to_owned)),
        upgrade: header("upgrade").is_some(),
        rest: bytes[length..].to_vec(),
    }))
}

/// The answer that opens the socket.
pub fn accept(request: &Request) -> Vec<u8> {
    let key = derive_accept_key(request.key.as_bytes());
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {key}\r\n\r\n"
    )
    .into_bytes()
}

/// An answer that refuses it.
pub fn refuse(status: u16, headers: &str, body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 {status} Refused\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}
