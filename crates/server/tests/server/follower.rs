//! A client of protocol 2, as bare as it can be.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::SinkExt;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use visionguard_proto::message::Notice;
use visionguard_proto::{Alert, Cursor, ServerMessage, ShopId, Welcome};

use crate::world::{Person, Socket, World, handshake};

/// A connection that was welcomed.
pub struct Follower {
    pub socket: Socket,
}

type Refused = Box<http::Response<Option<Vec<u8>>>>;

impl Follower {
    pub async fn open(world: &World, person: &Person, token: &str, query: &str) -> (Follower, Welcome) {
        Follower::at(world.server.address, person, token, query).await.expect("the handshake was refused")
    }

    pub async fn at(
        address: SocketAddr,
        person: &Person,
        token: &str,
        query: &str,
    ) -> Result<(Follower, Welcome), Refused> {
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", bearer.as_str())];
        let headers = if token.is_empty() { &[][..] } else { &headers[..] };
        let socket = handshake(address, &path(person, query), headers).await?;
        let mut follower = Follower { socket };
        match follower.message().await {
            Some(ServerMessage::Welcome(welcome)) => Ok((follower, welcome)),
            other => panic!("not welcomed: {other:?}"),
        }
    }

    /// A connection with a small window that reads nothing after its handshake.
    pub async fn unread(address: SocketAddr, person: &Person, token: &str) -> TcpStream {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        let mut stream = socket.connect(address).await.unwrap();
        let request = format!(
            "GET {} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Authorization: Bearer {token}\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
            path(person, "")
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 101");
        stream
    }

    /// The next alert.
    pub async fn alert(&mut self) -> Alert {
        self.alert_or_close().await.expect("closed")
    }

    /// The next alert; none: the connection ended.
    pub async fn alert_or_close(&mut self) -> Option<Alert> {
        loop {
            match self.message().await? {
                ServerMessage::Alert(alert) => return Some(*alert),
                ServerMessage::Ping { .. } | ServerMessage::Pong => {}
                other
                @ (ServerMessage::Welcome(_) | ServerMessage::Notice(_) | ServerMessage::Unknown(_)) => {
                    panic!("{other:?}")
                }
            }
        }
    }

    /// What the next ping says of the head.
    pub async fn ping(&mut self) -> Option<Cursor> {
        match self.message().await {
            Some(ServerMessage::Ping { head }) => head,
            other => panic!("{other:?}"),
        }
    }

    pub async fn notice(&mut self) -> Notice {
        match self.message().await {
            Some(ServerMessage::Notice(notice)) => notice,
            other => panic!("{other:?}"),
        }
    }

    pub async fn acknowledge(&mut self, id: &str) {
        self.send(json!({ "type": "ack", "stream_id": "stream-1", "alert_id": id })).await;
    }

    /// As [`Follower::acknowledge`], where the server may be gone already.
    pub async fn try_acknowledge(&mut self, id: &str) {
        let ack = json!({ "type": "ack", "alert_id": id }).to_string();
        let _ = self.socket.0.send(Message::text(ack)).await;
    }

    pub async fn send(&mut self, message: Value) {
        self.socket.send(message).await;
    }

    /// The code that the server closed with.
    pub async fn closed(&mut self) -> Option<u16> {
        self.socket.closed().await.map(|frame| frame.code.into())
    }

    /// What was sent before the answer to a ping is here by then.
    pub async fn expect_nothing_more(&mut self) {
        // The log is read beside the socket: an alert that should not come may come a little after the answer.
        for _ in 0..3 {
            self.send(json!({ "type": "ping" })).await;
            loop {
                match self.message().await {
                    Some(ServerMessage::Pong) => break,
                    Some(ServerMessage::Ping { .. }) => {}
                    other => panic!("{other:?}"),
                }
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The next message; none: the connection ended.
    async fn message(&mut self) -> Option<ServerMessage> {
        loop {
            let read = match self.socket.next().await?.ok()? {
                Message::Text(text) => ServerMessage::read(&text),
                Message::Binary(bytes) => ServerMessage::read_binary(&bytes),
                Message::Close(_) => return None,
                Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => continue,
            };
            return Some(read.unwrap().message);
        }
    }
}

impl World {
    /// The shop's alerts in the order of the record.
    pub fn recorded(&self, shop: &ShopId) -> Vec<String> {
        let sql = "SELECT id FROM anomalies WHERE shop_id = ?1 ORDER BY sequence";
        let database = self.database();
        let mut statement = database.prepare(sql).unwrap();
        statement.query_map([shop.as_str()], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    /// Takes an alert out of the record again.
    pub fn forget(&self, id: &str) {
        let database = self.database();
        let of = "sequence = (SELECT sequence FROM anomalies WHERE id = ?1)";
        database.execute(&format!("DELETE FROM frames WHERE {of}"), [id]).unwrap();
        database.execute(&format!("DELETE FROM anomalies WHERE {of}"), [id]).unwrap();
    }

    fn database(&self) -> rusqlite::Connection {
        let database = rusqlite::Connection::open(self.directory.path().join("server.sqlite3")).unwrap();
        database.busy_timeout(crate::world::PATIENCE).unwrap();
        database
    }
}

pub fn path(person: &Person, query: &str) -> String {
    format!("/ws/alerts/{}?protocol=2{query}", person.id)
}
