//! A client that reads one byte a second.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::desk::{Desk, quick_pace};
use support::{http, matrix, picture};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use visionguard_client::view::Status;

use crate::process::Process;
use crate::world::{self, EMAIL, PASSWORD};

const ALERTS: u16 = 300;

#[tokio::test]
async fn fault_44_a_client_that_reads_one_byte_a_second_costs_the_server_nothing() {
    let fault =
        matrix::row(44, "a raw socket that reads one byte a second while 300 alerts of 160 kB are published");
    let server = Process::start().await;
    let url = format!("http://{}", server.address);
    let desk = Desk::with(quick_pace());
    desk.sign_in(&url, EMAIL, PASSWORD).await.unwrap();
    desk.until_status(Status::Protected).await;
    let mut slow = slow_socket(&url, server.address).await;
    let pipeline = server.pipeline();
    let before = server.program.as_ref().unwrap().memory();

    let mut peak = before;
    let mut ids = Vec::new();
    let picture = picture::noise(620, 460);
    let reading = tokio::spawn(async move {
        let began = Instant::now();
        let mut byte = [0];
        while matches!(slow.read(&mut byte).await, Ok(1)) {
            if began.elapsed() > Duration::from_secs(120) {
                return None;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        Some(began.elapsed())
    });
    for person in 0..ALERTS {
        ids.push(pipeline.publish_picture(person % 100, picture.clone()).await.unwrap());
        peak = peak.max(server.program.as_ref().unwrap().memory());
    }

    world::exactly(&desk, &ids).await;
    let grown = peak.saturating_sub(before);
    assert!(grown < 64 * 1024, "grew by {grown} kB");
    reading.abort();
    fault.times(u32::from(ALERTS));
    fault.measured("server memory", format!("grew by {:.1} MB at most", grown as f64 / 1024.0));
    fault.held(&["I1", "I5"]);
}

/// A socket with a receive buffer as small as the kernel allows, past its handshake.
async fn slow_socket(url: &str, address: std::net::SocketAddr) -> TcpStream {
    let body = json!({"email": EMAIL, "password": PASSWORD});
    let answer = http::client().post(format!("{url}/auth/login")).json(&body).send().await.unwrap();
    let answer: Value = answer.json().await.unwrap();
    let (id, token) = (answer["user"]["id"].as_str().unwrap(), answer["access_token"].as_str().unwrap());
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut stream = socket.connect(address).await.unwrap();
    let request = format!(
        "GET /ws/alerts/{id} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\nUpgrade: websocket\r\n\
         Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    assert!(head.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&head));
    stream
}
