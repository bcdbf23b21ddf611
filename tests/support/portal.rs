//! Servers that are no VisionGuard server: a captive portal, a web site, a server that is busy or says nothing.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// What every request is answered with.
#[derive(Debug, Clone)]
pub enum Answer {
    /// 302 to a sign-in page elsewhere.
    Redirect,
    /// 200 with a web page.
    Page,
    /// A status, with a `Retry-After` where one is given.
    Status(u16, Option<&'static str>),
    /// The connection is taken and nothing is ever said.
    Silence,
    /// Something that is not HTTP.
    Garbage,
    /// The connection is closed at once.
    Hangup,
}

/// One such server; ends when dropped.
#[derive(Debug)]
pub struct Portal {
    address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
    _task: JoinSet<()>,
}

impl Portal {
    /// Starts on a free port.
    pub async fn start(answer: Answer) -> Portal {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let mut task = JoinSet::new();
        task.spawn(serve(listener, answer, Arc::clone(&heads)));
        Portal { address, heads, _task: task }
    }

    /// `http://` and where it listens.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The heads of the requests so far, in order.
    pub fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

async fn serve(listener: TcpListener, answer: Answer, heads: Arc<Mutex<Vec<String>>>) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        connections.spawn(converse(stream, answer.clone(), Arc::clone(&heads)));
    }
}

async fn converse(mut stream: TcpStream, answer: Answer, heads: Arc<Mutex<Vec<String>>>) {
    if matches!(answer, Answer::Hangup) {
        return;
    }
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        let mut part = [0; 4096];
        match stream.read(&mut part).await {
            Ok(0) | Err(_) => return,
            Ok(length) => head.extend_from_slice(&part[..length]),
        }
    }
    heads.lock().unwrap().push(String::from_utf8_lossy(&head).into_owned());

    let page = "<!doctype html><title>Welcome</title><p>Please sign in to the network.";
    let reply = match answer {
        Answer::Redirect => response("302 Found", "Location: http://portal.invalid/login\r\n", ""),
        Answer::Page => response("200 OK", "Content-Type: text/html\r\n", page),
        Answer::Status(status, None) => response(&format!("{status} Status"), "", ""),
        Answer::Status(status, Some(wait)) => {
            response(&format!("{status} Status"), &format!("Retry-After: {wait}\r\n"), "")
        }
        Answer::Garbage => "SSH-2.0-OpenSSH_9.2\r\n".to_owned(),
        Answer::Silence | Answer::Hangup => std::future::pending().await,
    };
    let _ = stream.write_all(reply.as_bytes()).await;
    let _ = stream.shutdown().await;
    // Reads on until the peer is done: closing over unread bytes would reset the answer away.
    while stream.read(&mut [0; 4096]).await.is_ok_and(|length| length > 0) {}
}

fn response(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http;

    #[tokio::test]
    async fn a_portal_redirects_and_remembers_what_it_was_asked() {
        let portal = Portal::start(Answer::Redirect).await;

        let answer = http::client().get(format!("{}/auth/me", portal.url())).send().await.unwrap();

        assert_eq!(answer.status(), 302);
        assert!(portal.heads()[0].starts_with("GET /auth/me HTTP/1.1\r\n"));
    }

    #[tokio::test]
    async fn a_busy_server_says_when_to_come_back() {
        let portal = Portal::start(Answer::Status(429, Some("7"))).await;

        let answer = http::client().get(portal.url()).send().await.unwrap();

        assert_eq!((answer.status().as_u16(), answer.headers()["retry-after"].to_str().unwrap()), (429, "7"));
    }
}
