use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};
use visionguard_proto::{RecordPage, ServerMessage, Via};

use super::*;
use crate::{http, picture};

const SHORT: Duration = Duration::from_millis(50);

type Socket = WebSocketStream<TcpStream>;

#[tokio::test]
async fn a_detection_is_two_messages_and_one_row() {
    let world = World::new();
    let mut socket = world.connect().await;

    let id = world.backend.detect(world.detection());

    let (first, second) = (read(&mut socket).await, read(&mut socket).await);
    let ServerMessage::Alert(first) = first else { panic!("{first:?}") };
    let ServerMessage::Alert(second) = second else { panic!("{second:?}") };
    assert_eq!((first.via, second.via), (Via::Detection, Via::Notification));
    assert_eq!((first.anomaly_id, first.detected_at), (None, None));
    assert!(matches!(first.picture, visionguard_proto::Picture::Jpeg(_)));
    assert_eq!(second.anomaly_id.unwrap().as_str(), id);
    let page = RecordPage::read(&world.get("/api/anomalies").await.1).unwrap();
    assert_eq!(page.rows[0].alert.anomaly_id.as_ref().unwrap().as_str(), id);
    assert_eq!(page.rows[0].alert.frame_number, Some(30));
}

#[tokio::test]
async fn a_score_that_is_no_number_makes_invalid_json() {
    let world = World::new();
    let mut socket = world.connect().await;

    world.backend.detect(world.detection().score("NaN"));

    let text = read_text(&mut socket).await;
    assert!(serde_json::from_str::<Value>(&text).is_err());
    assert!(text.contains(r#""score":NaN"#));
    assert!(ServerMessage::read(&text).unwrap().repaired);
}

#[tokio::test]
async fn every_refused_handshake_is_a_403_without_a_body() {
    let world = World::new();
    let id = &world.user.id;
    let good = world.backend.token(&world.user);

    for path in [
        format!("/ws/alerts/{id}"),
        format!("/ws/alerts/{id}?token="),
        format!("/ws/alerts/{id}?token=garbage"),
        format!("/ws/alerts/{}?token={good}", id.to_uppercase()),
        format!("/ws/alerts/somebody-else?token={good}"),
        format!("/ws/alerts/{id}/?token={good}"),
        format!("/ws/nothing?token={good}"),
    ] {
        let error = world.handshake(&path).await.unwrap_err();
        let Error::Http(response) = error else { panic!("{path}: {error}") };
        assert_eq!(response.status(), 403, "{path}");
        assert!(response.body().as_ref().is_none_or(Vec::is_empty), "{path}");
    }
}

#[tokio::test]
async fn an_expired_token_is_refused_but_an_open_socket_lives_on() {
    let world = World::new();
    let mut socket = world.connect().await;

    world.backend.expire_tokens();
    world.backend.detect(world.detection());

    assert!(matches!(read(&mut socket).await, ServerMessage::Alert(_)));
    assert_eq!(world.get("/auth/me").await.0, 401);
}

#[tokio::test]
async fn a_second_connection_takes_the_slot_and_the_first_ones_end_takes_it_away() {
    let world = World::new();
    let mut first = world.connect().await;
    let mut second = world.connect().await;

    world.backend.detect(world.detection());
    assert!(matches!(read(&mut second).await, ServerMessage::Alert(_)));
    assert!(matches!(read(&mut second).await, ServerMessage::Alert(_)));
    first.close(None).await.unwrap();
    wait::until("the slot to be gone", || (!world.backend.is_registered(&world.user)).then_some(())).await;

    second.send(Message::text(r#"{"type":"ping"}"#)).await.unwrap();
    assert_eq!(read(&mut second).await, ServerMessage::Pong);
    assert_eq!(world.get(&format!("/ws/connections/{}", world.user.id)).await.0, 404);
}

#[tokio::test]
async fn the_list_of_connections_asks_for_no_token() {
    let world = World::new();
    let _socket = world.connect().await;

    let url = format!("{}/ws/connections/{}", world.backend.url(), world.user.id);
    let answer = http::client().get(url).send().await.unwrap();

    let stats: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
    assert!(stats["uptime_seconds"].as_f64().unwrap() < 60.0);
}

#[tokio::test]
async fn a_binary_frame_makes_a_zombie() {
    let world = World::new();
    let mut socket = world.connect().await;

    socket.send(Message::binary(vec![1])).await.unwrap();
    wait::until("the slot to be gone", || (!world.backend.is_registered(&world.user)).then_some(())).await;

    assert_eq!(world.backend.sockets_open(), 1);
}

#[tokio::test]
async fn there_is_no_refresh_and_a_missing_row_looks_like_a_missing_route() {
    let world = World::new();

    let answer = http::client().post(format!("{}/auth/refresh", world.backend.url())).send().await.unwrap();
    assert_eq!(answer.status(), 404);
    let (status, body) = world.get(&format!("/api/anomalies/{}", uuid::Uuid::new_v4())).await;

    assert_eq!(status, 404);
    assert!(String::from_utf8(body).unwrap().contains("The requested endpoint does not exist"));
}

#[tokio::test]
async fn signing_in_is_case_sensitive_before_the_at_sign_and_echoes_what_it_cannot_read() {
    let world = World::new();

    assert_eq!(world.sign_in("Owner@SHOP.example", "correct horse battery").await.0, 200);
    assert_eq!(world.sign_in("owner@shop.example", "correct horse battery").await.0, 401);
    assert_eq!(world.sign_in("Owner@shop.example", "wrong").await.0, 401);
    let (status, body) = world.sign_in("owner", "canary").await;

    assert_eq!(status, 422);
    assert_eq!(body["body_received"]["password"], "canary");
}

#[tokio::test]
async fn a_decision_is_kept_and_the_original_words_its_refusals() {
    let world = World::new();
    let id = world.backend.detect(world.detection());

    assert_eq!(world.patch(&id, "{\"status\":\"ACKNOWLEDGED\",\"notes\":\"seen\"}").await, 200);
    assert_eq!(world.patch(&id, "{\"status\":\"done\"}").await, 400);
    assert_eq!(world.patch(&id, "{}").await, 422);
    assert_eq!(world.patch(&id, "").await, 500);

    let row = world.backend.row(&id).unwrap();
    assert_eq!((&row["status"], &row["notes"]), (&json!("acknowledged"), &json!("seen")));
    assert_eq!(row["resolved_by"], Value::Null);
    assert_eq!(world.backend.patches().len(), 1);
}

#[tokio::test]
async fn a_picture_needs_the_header() {
    let world = World::new();
    let id = world.backend.detect(world.detection());
    let path = world.backend.row(&id).unwrap()["image_url"].as_str().unwrap().to_owned();

    let without = http::client().get(format!("{}{path}", world.backend.url())).send().await.unwrap();
    assert_eq!(without.status(), 403);

    assert_eq!(world.get(&path).await, (200, picture::jpeg(1).to_vec()));
}

#[tokio::test]
async fn a_restart_says_1012_and_keeps_the_port_and_the_record() {
    let mut world = World::new();
    let mut socket = world.connect().await;
    let id = world.backend.detect(world.detection());
    read(&mut socket).await;
    read(&mut socket).await;

    let closing = tokio::spawn(async move {
        let Some(Ok(Message::Close(Some(frame)))) = socket.next().await else { panic!("no close frame") };
        while let Some(Ok(_)) = socket.next().await {}
        u16::from(frame.code)
    });
    world.backend.stop().await;
    assert_eq!(closing.await.unwrap(), 1012);
    assert!(TcpStream::connect(world.backend.address()).await.is_err());
    world.backend.resume();

    assert!(world.backend.row(&id).is_some());
    world.connect().await;
}

#[tokio::test]
async fn a_kill_says_nothing() {
    let mut world = World::new();
    let mut socket = world.connect().await;

    world.backend.kill().await;

    let end = socket.next().await;
    assert!(matches!(end, Some(Err(_)) | None), "{end:?}");
    world.backend.resume();
    assert!(!world.backend.is_registered(&world.user));
    world.connect().await;
}

#[tokio::test]
async fn a_peer_that_answers_no_keepalive_is_closed_with_1011() {
    let pace = Pace { keepalive: SHORT, close_within: SHORT, ..Pace::default() };
    let world = World::with(Backend::start_with(pace));
    let socket = world.connect().await;

    // Not polled, it answers nothing.
    wait::until("the socket to be given up", || (!world.backend.is_registered(&world.user)).then_some(()))
        .await;
    drop(socket);
}

#[tokio::test]
async fn failures_last_until_they_are_ended() {
    let world = World::new();

    world.backend.fail("/auth/me", 503, Some("7"));
    assert_eq!(world.get("/auth/me").await.0, 503);
    world.backend.recover();

    assert_eq!(world.get("/auth/me").await.0, 200);
}

/// A double with one owner and one shop.
struct World {
    backend: Backend,
    user: Person,
    shop: String,
    token: String,
}

impl World {
    fn new() -> World {
        World::with(Backend::start())
    }

    fn with(backend: Backend) -> World {
        let user = backend.add_user("Owner@shop.example");
        let shop = backend.add_shop(&user, "Downtown");
        let token = backend.token(&user);
        World { backend, user, shop, token }
    }

    fn detection(&self) -> Detection {
        Detection::new(&self.user, &self.shop, "748e3bf7-47bf-4ce7-b2ae-bfdc7c81c983")
    }

    async fn connect(&self) -> Socket {
        let before = self.backend.sockets_ever();
        let path = format!("/ws/alerts/{}?token={}", self.user.id, self.token);
        let socket = self.handshake(&path).await.unwrap();
        wait::until("the socket", || (self.backend.sockets_ever() > before).then_some(())).await;
        socket
    }

    async fn handshake(&self, path: &str) -> Result<Socket, Error> {
        let stream = TcpStream::connect(self.backend.address()).await.unwrap();
        let url = format!("ws://{}{path}", self.backend.address());
        Ok(client_async(url, stream).await?.0)
    }

    async fn get(&self, path: &str) -> (u16, Vec<u8>) {
        let url = format!("{}{path}", self.backend.url());
        let answer = http::client().get(url).bearer_auth(&self.token).send().await.unwrap();
        (answer.status().as_u16(), answer.bytes().await.unwrap().to_vec())
    }

    async fn patch(&self, id: &str, body: &'static str) -> u16 {
        let url = format!("{}/api/anomalies/{id}", self.backend.url());
        let request = http::client().patch(url).bearer_auth(self.backend.token(&self.user));
        request.header("content-type", "application/json").body(body).send().await.unwrap().status().as_u16()
    }

    async fn sign_in(&self, email: &str, password: &str) -> (u16, Value) {
        let url = format!("{}/auth/login", self.backend.url());
        let body = json!({"email": email, "password": password});
        let answer = http::client().post(url).json(&body).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }
}

async fn read(socket: &mut Socket) -> ServerMessage {
    ServerMessage::read(&read_text(socket).await).unwrap().message
}

async fn read_text(socket: &mut Socket) -> String {
    loop {
        match socket.next().await.unwrap().unwrap() {
            Message::Text(text) => return text.to_string(),
            Message::Ping(_) | Message::Pong(_) => {}
            other @ (Message::Binary(_) | Message::Close(_) | Message::Frame(_)) => panic!("{other:?}"),
        }
    }
}
