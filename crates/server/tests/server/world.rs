//! A server with people in it, and clients that speak to it over real sockets.

use std::net::SocketAddr;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{self, Message};
use visionguard_proto::{Jpeg, ShopId, StreamId, UserId};
use visionguard_server::publish::Kind;
use visionguard_server::{Config, Detection, NewUser, Note, Role, Running, Server};

/// Generous: the machine may be busy.
pub const PATIENCE: Duration = Duration::from_secs(60);
pub const PASSWORD: &str = "correct horse battery";

/// One server: an owner and a manager of one shop, and a stranger who owns another.
pub struct World {
    pub server: Running,
    pub directory: TempDir,
    pub notes: UnboundedReceiver<Note>,
    pub owner: Person,
    pub manager: Person,
    pub stranger: Person,
    pub shop: ShopId,
    pub other_shop: ShopId,
    pub service: String,
}

/// Somebody with an account.
#[derive(Clone)]
pub struct Person {
    pub id: UserId,
    pub email: String,
}

/// What a request was answered.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub bytes: Bytes,
}

impl World {
    pub async fn new() -> World {
        World::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut Config)) -> World {
        let directory = tempfile::tempdir().unwrap();
        let (sender, notes) = mpsc::unbounded_channel();
        let mut config = Config::new(directory.path());
        config.notes = Some(sender);
        change(&mut config);
        let server = Server::start(config).await.unwrap();
        let users = server.users();
        let add = async |name: &str, role| {
            let email = format!("{name}@shop.example");
            let new =
                NewUser { email: email.clone(), name: name.to_owned(), role, password: PASSWORD.into() };
            Person { id: users.add_user(new).await.unwrap(), email }
        };
        let owner = add("owner", Role::Owner).await;
        let manager = add("manager", Role::Manager).await;
        let stranger = add("stranger", Role::Owner).await;
        let shop = users.add_shop("Main Street", &owner.id).await.unwrap();
        let other_shop = users.add_shop("Elsewhere", &stranger.id).await.unwrap();
        users.assign(&shop, &manager.id).await.unwrap();
        let service = users.service_token("test").await.unwrap().expose_secret().to_owned();
        World { server, directory, notes, owner, manager, stranger, shop, other_shop, service }
    }

    pub async fn get(&self, path: &str, token: &str) -> Answer {
        request(self.server.address, "GET", path, &[bearer(token)], Body::empty()).await
    }

    pub async fn post(&self, path: &str, token: &str, body: &Value) -> Answer {
        request(self.server.address, "POST", path, &[bearer(token)], Body::from(body.to_string())).await
    }

    pub async fn patch(&self, path: &str, token: &str, body: &Value) -> Answer {
        request(self.server.address, "PATCH", path, &[bearer(token)], Body::from(body.to_string())).await
    }

    /// The body of a sign-in.
    pub async fn sign_in(&self, person: &Person) -> Value {
        let body = json!({ "email": person.email, "password": PASSWORD });
        let answer = self.post("/auth/login", "", &body).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }

    pub async fn token(&self, person: &Person) -> String {
        text(&self.sign_in(person).await["access_token"])
    }

    pub async fn connect(&self, person: &Person) -> Socket {
        let token = self.token(person).await;
        connect(self.server.address, &person.id, &token).await
    }

    /// Publishes through the library.
    pub async fn publish(&self, detection: Detection) -> String {
        self.server.publish(detection).await.unwrap().id.to_string()
    }

    pub fn theft(&self, person: i64) -> Detection {
        theft(&self.shop, person)
    }

    /// The next thing that happened and is one of these.
    pub async fn note(&mut self, wanted: impl Fn(&Note) -> bool) -> Note {
        let next = async {
            loop {
                let note = self.notes.recv().await.unwrap();
                if wanted(&note) {
                    return note;
                }
            }
        };
        tokio::time::timeout(PATIENCE, next).await.expect("it never happened")
    }
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }
}

/// A connected alert socket.
pub struct Socket(pub WebSocketStream<TcpStream>);

impl Socket {
    /// The next JSON message of this type.
    pub async fn message(&mut self, kind: &str) -> Value {
        loop {
            match self.next().await {
                Some(Ok(Message::Text(text))) => {
                    let message: Value = serde_json::from_str(&text).unwrap();
                    if message["type"] == kind {
                        return message;
                    }
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                other => panic!("waited for {kind}, got {other:?}"),
            }
        }
    }

    pub async fn send(&mut self, message: Value) {
        self.0.send(Message::text(message.to_string())).await.unwrap();
    }

    /// How the server closed the connection; none: without a close frame.
    pub async fn closed(&mut self) -> Option<CloseFrame> {
        loop {
            match self.next().await {
                Some(Ok(Message::Close(frame))) => return frame,
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return None,
            }
        }
    }

    pub async fn next(&mut self) -> Option<tungstenite::Result<Message>> {
        tokio::time::timeout(PATIENCE, self.0.next()).await.expect("the server said nothing")
    }
}

pub async fn connect(address: SocketAddr, user: &UserId, token: &str) -> Socket {
    handshake(address, &format!("/ws/alerts/{user}?token={token}"), &[])
        .await
        .expect("the handshake was refused")
}

/// A handshake; refused: the answer.
pub async fn handshake(
    address: SocketAddr,
    path: &str,
    headers: &[(&str, &str)],
) -> Result<Socket, Box<http::Response<Option<Vec<u8>>>>> {
    let stream = TcpStream::connect(address).await.unwrap();
    let mut request = format!("ws://{address}{path}").into_client_request().unwrap();
    for (name, value) in headers {
        let name = http::HeaderName::from_bytes(name.as_bytes()).unwrap();
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    match tokio_tungstenite::client_async(request, stream).await {
        Ok((socket, _)) => Ok(Socket(socket)),
        Err(tungstenite::Error::Http(response)) => Err(response),
        Err(other) => panic!("{other}"),
    }
}

pub async fn request(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&'static str, String)],
    body: Body,
) -> Answer {
    let client: Client<_, Body> = Client::builder(TokioExecutor::new()).build_http();
    let mut request = Request::builder().method(method).uri(format!("http://{address}{path}"));
    for (name, value) in headers.iter().filter(|(_, value)| value != "Bearer ") {
        request = request.header(*name, value);
    }
    let response = tokio::time::timeout(PATIENCE, client.request(request.body(body).unwrap()));
    let (parts, body) = response.await.unwrap().unwrap().into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    Answer { status: parts.status, headers: parts.headers, bytes }
}

/// `POST /api/alerts` as a pipeline does it.
pub async fn post_alert(
    address: SocketAddr,
    service: &str,
    alert: &impl std::fmt::Display,
    picture: Option<&[u8]>,
    key: Option<&str>,
) -> Answer {
    const BOUNDARY: &str = "a-boundary";
    let mut body = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"alert\"\r\n\
         Content-Type: application/json\r\n\r\n{alert}\r\n"
    )
    .into_bytes();
    if let Some(picture) = picture {
        let head =
            "Content-Disposition: form-data; name=\"frame\"; filename=\"f.jpg\"\r\nContent-Type: image/jpeg";
        body.extend(format!("--{BOUNDARY}\r\n{head}\r\n\r\n").bytes());
        body.extend(picture);
        body.extend(b"\r\n");
    }
    body.extend(format!("--{BOUNDARY}--\r\n").bytes());
    let mut headers =
        vec![bearer(service), ("content-type", format!("multipart/form-data; boundary={BOUNDARY}"))];
    headers.extend(key.map(|key| ("idempotency-key", key.to_owned())));
    request(address, "POST", "/api/alerts", &headers, Body::from(body)).await
}

pub fn theft(shop: &ShopId, person: i64) -> Detection {
    let Value::Object(result) = result_of(person) else { unreachable!() };
    Detection {
        shop_id: shop.clone(),
        user_id: None,
        stream_id: StreamId::new("stream-1").unwrap(),
        kind: Kind::Theft,
        severity: None,
        location: Some("Aisle 3".to_owned()),
        description: None,
        result,
        picture: Some(Jpeg::from_bytes(jpeg(64, 48)).unwrap()),
        idempotency_key: None,
    }
}

pub fn result_of(person: i64) -> Value {
    json!({ "person_id": person, "start_frame": 1, "end_frame": 12, "frame_number": 30, "score": -3.5 })
}

/// A real JPEG of noise, so that it does not compress to nothing.
pub fn jpeg(width: u16, height: u16) -> Bytes {
    let mut seed = 1_u32;
    let pixels: Vec<u8> = std::iter::repeat_with(|| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 24) as u8
    })
    .take(usize::from(width) * usize::from(height) * 3)
    .collect();
    let mut encoded = Vec::new();
    jpeg_encoder::Encoder::new(&mut encoded, 85)
        .encode(&pixels, width, height, jpeg_encoder::ColorType::Rgb)
        .unwrap();
    Bytes::from(encoded)
}

pub fn bearer(token: &str) -> (&'static str, String) {
    ("authorization", format!("Bearer {token}"))
}

pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("not a text: {value}")).to_owned()
}

/// Waits until the condition holds.
pub async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let patience = tokio::time::Instant::now() + PATIENCE;
    while !holds().await {
        assert!(tokio::time::Instant::now() < patience, "{what} never came true");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

pub fn secret() -> SecretString {
    "0f2c9a51d7e84b36a1c05f7e92d3b864".into()
}
