//! What comes before a request is understood: slow, large and contradictory ones.

use std::time::Duration;

use axum::body::Body;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::world::{PATIENCE, World, bearer, request};

#[tokio::test]
async fn a_connection_that_says_nothing_or_dawdles_is_ended() {
    let world = World::with(|config| config.limits.header_within = Duration::from_millis(300)).await;

    for start in ["", "GET /health HTT", "GET /health HTTP/1.1\r\nHost: x\r\nX-Slow: "] {
        let mut stream = TcpStream::connect(world.server.address).await.unwrap();
        stream.write_all(start.as_bytes()).await.unwrap();

        let mut rest = Vec::new();
        let ended = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut rest)).await;

        assert!(ended.is_ok(), "still open after {start:?}");
        assert!(!rest.starts_with(b"HTTP/1.1 200"), "{start:?}");
    }
}

#[tokio::test]
async fn a_body_that_never_comes_is_given_up_on() {
    let world = World::with(|config| config.limits.answer_within = Duration::from_millis(300)).await;
    let mut stream = TcpStream::connect(world.server.address).await.unwrap();

    stream.write_all(b"POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{").await.unwrap();

    assert!(answer(&mut stream).await.starts_with("HTTP/1.1 408"));
}

#[tokio::test]
async fn requests_that_are_too_large_are_refused() {
    let world = World::new().await;
    let token = world.token(&world.owner).await;
    let large = json!({ "email": "a@shop.example", "password": "x".repeat(100_000) }).to_string();

    let body = request(world.server.address, "POST", "/auth/login", &[], Body::from(large)).await;
    let header = [bearer(&token), ("x-large", "x".repeat(64 * 1024))];
    let head = request(world.server.address, "GET", "/auth/me", &header, Body::empty()).await;

    assert_eq!(body.status, 413);
    assert_eq!(head.status, 431);
}

#[tokio::test]
async fn contradictory_lengths_are_refused() {
    let world = World::new().await;
    let mut stream = TcpStream::connect(world.server.address).await.unwrap();

    let smuggled = "POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n\
                    0\r\n\r\nGET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    stream.write_all(smuggled.as_bytes()).await.unwrap();

    // Either refused at once, or read as chunked and not kept alive as something else: never a second answer of 200
    // to what the length would make a body.
    let first = answer(&mut stream).await;
    assert!(first.starts_with("HTTP/1.1 4"), "{first}");
}

#[tokio::test]
async fn so_many_connections_and_no_more() {
    let world = World::with(|config| config.limits.connections = 2).await;
    let first = TcpStream::connect(world.server.address).await.unwrap();
    let _second = TcpStream::connect(world.server.address).await.unwrap();
    let mut third = TcpStream::connect(world.server.address).await.unwrap();
    third.write_all(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();

    let mut byte = [0];
    let waiting = tokio::time::timeout(Duration::from_millis(300), third.peek(&mut byte)).await;
    assert!(waiting.is_err(), "the third was served beside two others");
    drop(first);

    assert!(answer(&mut third).await.starts_with("HTTP/1.1 200"));
}

async fn answer(stream: &mut TcpStream) -> String {
    let mut head = [0; 512];
    let length = tokio::time::timeout(PATIENCE, stream.read(&mut head)).await.unwrap().unwrap();
    String::from_utf8_lossy(&head[..length]).into_owned()
}
