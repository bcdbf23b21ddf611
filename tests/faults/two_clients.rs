//! Two clients of one user: our computer, and a web page that behaves as the original's does (contract.md, section 4).

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use secrecy::SecretString;
use serde_json::{Value, json};
use support::desk::{Desk, quick_link, quick_pace};
use support::{http, matrix};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{interval, sleep, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};
use visionguard_client::model::Source;
use visionguard_client::view::Status;

use crate::world::{EMAIL, PASSWORD, Server, Which, World};

const ALERTS: u16 = 20;

#[tokio::test]
async fn fault_51_a_web_page_takes_the_slot_again_and_again_and_all_alerts_arrive() {
    let injected =
        "a web tab of the same user with two sockets and immediate reconnects, against the original";
    beside_a_web_page(Which::Original, injected).await;
}

#[tokio::test]
async fn fault_51_beside_a_web_page_on_our_server_all_alerts_arrive() {
    let injected = "a web tab of the same user with two sockets and immediate reconnects, against our server";
    beside_a_web_page(Which::Ours, injected).await;
}

async fn beside_a_web_page(which: Which, injected: &str) {
    let fault = matrix::row(51, injected);
    let world = World::with(which, Desk::with_link(quick_pace(), quick_link())).await;
    let page = Page::open(&world).await;
    let mut ids = Vec::new();

    for person in 1..=ALERTS {
        ids.push(world.server.publish(person).await);
        if person % 5 == 0 {
            // The person goes to another view: the page connects anew without waiting for its old socket's end.
            page.navigate();
        }
        sleep(Duration::from_millis(400)).await;
    }

    world.until_exactly(&ids).await;
    let status = world.desk.status().await;
    assert!(matches!(status.status, Status::Protected | Status::Deaf | Status::CatchingUp), "{status:?}");
    drop(page);
    world.desk.until_status(Status::Protected).await;
    let after = world.server.publish(ALERTS + 1).await;
    ids.push(after);
    world.until_exactly(&ids).await;
    let live = live(&world.desk).await;
    fault.times(u32::from(ALERTS));
    fault.measured("live, out of the record", format!("{live}, {}", ids.len() - live));
    fault.held(&["I1", "I2", "I10"]);
}

#[tokio::test]
async fn fault_51_a_connection_that_the_server_forgot_is_noticed_and_replaced() {
    let fault = matrix::row(51, "the double forgets the connection and leaves its socket open, ten times");
    let world = World::protected(Which::Original).await;
    let Server::Original { backend, user, .. } = &world.server else { panic!("not the original") };
    let mut ids = Vec::new();
    let mut noticed = Vec::new();

    for person in 1..=10 {
        backend.make_deaf(user);
        let deaf = std::time::Instant::now();
        ids.push(world.server.publish(person).await);
        backend.until_registered(user).await;
        noticed.push(deaf.elapsed());
        world.desk.until_alerts(u32::from(person)).await;
        world.desk.until_status(Status::Protected).await;
        // A slot is claimed anew at growing intervals, unless an alert comes on the socket.
        ids.push(world.server.publish(person + 100).await);
        world.desk.until_alerts(2 * u32::from(person)).await;
    }

    world.until_exactly(&ids).await;
    fault.times(10);
    fault.spread("deaf until registered again, looked at each 0.2 s", &noticed);
    fault.held(&["I1", "I2", "I10"]);
}

#[tokio::test]
async fn fault_50_an_old_client_at_our_server() {
    let fault = matrix::row(
        50,
        "the web page's own protocol, without ids or cursors, at our server beside our client",
    );
    let world = World::protected(Which::Ours).await;
    let mut socket = connect(&world.server, &sign_in(&world.server).await).await;
    let mut ids = Vec::new();

    for person in 1..=ALERTS {
        ids.push(world.server.publish(person).await);
        let detected = next(&mut socket, "anomaly_detected").await;
        assert_eq!(detected["alert_id"], ids[ids.len() - 1]);
        let picture = detected["annotated_frame"].as_str().unwrap();
        assert!(visionguard_proto::Jpeg::from_base64(picture).is_ok());
        let ack = json!({"type": "ack", "stream_id": detected["stream_id"]});
        socket.send(Message::text(ack.to_string())).await.unwrap();
        next(&mut socket, "notification").await;
    }
    socket.send(Message::text(r#"{"type":"ping"}"#)).await.unwrap();
    next(&mut socket, "pong").await;

    world.until_exactly(&ids).await;
    fault.times(u32::from(ALERTS));
    fault.held(&["I1", "I2", "I4"]);
}

#[tokio::test]
async fn fault_50_our_client_at_an_old_and_at_a_new_server() {
    let fault = matrix::row(
        50,
        "our client at the double of the original, at our server, and from the one to the other",
    );
    for which in [Which::Original, Which::Ours] {
        let world = World::protected(which).await;
        let mut ids = Vec::new();
        for person in 1..=ALERTS {
            ids.push(world.server.publish(person).await);
        }
        world.until_exactly(&ids).await;
    }
    fault.times(2 * u32::from(ALERTS));
    fault.held(&["I1", "I2"]);
}

async fn live(desk: &Desk) -> usize {
    let mut live = 0;
    for incident in desk.incidents().await {
        live +=
            desk.detail(&incident).await.alerts.iter().filter(|alert| alert.source == Source::Live).count();
    }
    live
}

/// The page: two sockets, each with the backoff of its own kind, and no thought for the other or for anybody else.
struct Page {
    navigate: tokio::sync::broadcast::Sender<()>,
    _sockets: JoinSet<()>,
}

impl Page {
    async fn open(world: &World) -> Page {
        let url = socket_url(&world.server, &sign_in(&world.server).await);
        let navigate = tokio::sync::broadcast::Sender::new(8);
        let mut sockets = JoinSet::new();
        sockets.spawn(alerts_hook(url.clone(), navigate.subscribe()));
        sockets.spawn(notifications_context(url, navigate.subscribe()));
        Page { navigate, _sockets: sockets }
    }

    fn navigate(&self) {
        let _ = self.navigate.send(());
    }
}

/// Acknowledges every detection at once, pings each 30 s, waits 1 s x 1.5^n, for ever, from the start again once open.
async fn alerts_hook(url: String, mut navigate: tokio::sync::broadcast::Receiver<()>) {
    let mut attempt = 0;
    loop {
        if let Some(mut socket) = open(&url).await {
            attempt = 0;
            let mut pings = interval(Duration::from_secs(30));
            loop {
                tokio::select! {
                    _ = pings.tick() => drop(socket.send(Message::text(r#"{"type":"ping"}"#)).await),
                    _ = navigate.recv() => break,
                    message = socket.next() => match message {
                        Some(Ok(Message::Text(text))) if text.contains("anomaly_detected") => {
                            let ack = json!({"type": "ack", "stream_id": crate::world::STREAM});
                            let _ = socket.send(Message::text(ack.to_string())).await;
                        }
                        Some(Ok(_)) => {}
                        Some(Err(_)) | None => break,
                    },
                }
            }
            let _ = timeout(Duration::from_secs(1), socket.close(None)).await;
        }
        sleep(Duration::from_secs_f64(f64::min(1.5_f64.powi(attempt), 30.0))).await;
        attempt += 1;
    }
}

/// A second socket to the same address: closes the old one and opens the next without waiting, waits 1 s x 2^n, and
/// gives up after five attempts.
async fn notifications_context(url: String, mut navigate: tokio::sync::broadcast::Receiver<()>) {
    let mut attempt = 0;
    while attempt < 5 {
        let Some(mut socket) = open(&url).await else {
            sleep(Duration::from_secs(1 << attempt)).await;
            attempt += 1;
            continue;
        };
        attempt = 0;
        let navigated = loop {
            tokio::select! {
                _ = navigate.recv() => break true,
                message = socket.next() => if !matches!(message, Some(Ok(_))) { break false },
            }
        };
        if navigated {
            // Its close frame and the next handshake race each other.
            tokio::spawn(async move { drop(socket.close(None).await) });
        } else {
            sleep(Duration::from_secs(1)).await;
        }
    }
}

type Socket = WebSocketStream<TcpStream>;

async fn sign_in(server: &Server) -> (String, SecretString) {
    let url = format!("http://{}/auth/login", server.address());
    let body = json!({"email": EMAIL, "password": PASSWORD});
    let answer: Value = http::client().post(url).json(&body).send().await.unwrap().json().await.unwrap();
    let token = SecretString::from(answer["access_token"].as_str().unwrap());
    (answer["user"]["id"].as_str().unwrap().to_owned(), token)
}

fn socket_url(server: &Server, (user, token): &(String, SecretString)) -> String {
    use secrecy::ExposeSecret;
    format!("ws://{}/ws/alerts/{user}?token={}", server.address(), token.expose_secret())
}

async fn connect(server: &Server, who: &(String, SecretString)) -> Socket {
    open(&socket_url(server, who)).await.unwrap()
}

async fn open(url: &str) -> Option<Socket> {
    let address = url.strip_prefix("ws://")?.split('/').next()?;
    let stream = TcpStream::connect(address).await.ok()?;
    client_async(url, stream).await.ok().map(|(socket, _)| socket)
}

/// The next message of this type.
async fn next(socket: &mut Socket, kind: &str) -> Value {
    loop {
        let message = timeout(support::wait::PATIENCE, socket.next()).await.unwrap().unwrap().unwrap();
        if let Message::Text(text) = message {
            let message: Value = serde_json::from_str(&text).unwrap();
            if message["type"] == kind {
                return message;
            }
        }
    }
}
