//! A proxy that writes down what clients send, and that can hide from them what the server speaks.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

#[derive(Debug, Clone)]
pub struct Tap {
    address: SocketAddr,
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug)]
struct Inner {
    server: SocketAddr,
    /// What each connection sent so far.
    sent: Vec<Vec<u8>>,
    hides_two: bool,
}

impl Tap {
    pub async fn start(server: SocketAddr) -> Tap {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let inner = Inner { server, sent: Vec::new(), hides_two: false };
        let tap = Tap { address: listener.local_addr().unwrap(), inner: Arc::new(Mutex::new(inner)) };
        let tapped = tap.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(tapped.clone().carry(stream));
            }
        });
        tap
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on the server seems to be the original to new connections.
    pub fn hide_two(&self) {
        self.with(|inner| inner.hides_two = true);
    }

    /// The first line of every request so far.
    pub fn requests(&self) -> Vec<String> {
        let is_first = |line: &&str| line.ends_with(" HTTP/1.1");
        self.with(|inner| {
            let lines = |sent: &Vec<u8>| -> Vec<String> {
                String::from_utf8_lossy(sent).lines().filter(is_first).map(str::to_owned).collect()
            };
            inner.sent.iter().flat_map(lines).collect()
        })
    }

    /// How often the record was read, on however many connections.
    pub fn reads_of_the_record(&self) -> usize {
        let reads = |sent: &Vec<u8>| String::from_utf8_lossy(sent).matches("GET /api/anomalies?").count();
        self.with(|inner| inner.sent.iter().map(reads).sum())
    }

    /// The heads of all handshakes so far, in lower case.
    pub fn handshakes(&self) -> Vec<String> {
        let head = |sent: &Vec<u8>| {
            let text = String::from_utf8_lossy(sent).into_owned();
            text.starts_with("GET /ws/alerts/").then(|| text.split("\r\n\r\n").next().unwrap().to_lowercase())
        };
        self.with(|inner| inner.sent.iter().filter_map(head).collect())
    }

    async fn carry(self, mut client: TcpStream) {
        let (server, number) = self.with(|inner| {
            inner.sent.push(Vec::new());
            (inner.server, inner.sent.len() - 1)
        });
        let mut first = vec![0; 16 * 1024];
        let Ok(length @ 1..) = client.read(&mut first).await else { return };
        self.with(|inner| inner.sent[number].extend_from_slice(&first[..length]));
        if self.with(|inner| inner.hides_two)
            && let Some(status) = as_the_original(&String::from_utf8_lossy(&first[..length]))
        {
            let answer = format!("HTTP/1.1 {status} No\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
            let _ = client.write_all(answer.as_bytes()).await;
            return;
        }
        let Ok(mut server) = TcpStream::connect(server).await else { return };
        if server.write_all(&first[..length]).await.is_err() {
            return;
        }
        let (mut from_client, mut to_client) = client.split();
        let (mut from_server, mut to_server) = server.split();
        let up = async {
            let mut bytes = vec![0; 16 * 1024];
            while let Ok(length @ 1..) = from_client.read(&mut bytes).await {
                self.with(|inner| inner.sent[number].extend_from_slice(&bytes[..length]));
                if to_server.write_all(&bytes[..length]).await.is_err() {
                    return;
                }
            }
            let _ = to_server.shutdown().await;
        };
        let down = async {
            let _ = tokio::io::copy(&mut from_server, &mut to_client).await;
            let _ = to_client.shutdown().await;
        };
        tokio::join!(up, down);
    }

    fn with<T>(&self, look: impl FnOnce(&mut Inner) -> T) -> T {
        look(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// How the original answers what only protocol 2 asks.
fn as_the_original(request: &str) -> Option<u16> {
    let line = request.lines().next()?;
    let bare_handshake = line.starts_with("GET /ws/alerts/") && !line.contains("token=");
    if bare_handshake { Some(403) } else { line.starts_with("GET /ws/capabilities").then_some(404) }
}
