//! Bad answers to the handshake, from a server that is given the server's place for a while.

use std::net::SocketAddr;
use std::time::Duration;

use support::matrix;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use visionguard_client::view::Status;

use crate::world::{Which, World};

#[tokio::test]
async fn fault_49_handshakes_that_are_none() {
    let fault = matrix::row(49, "a raw server in the server's place answers every request with nonsense");
    let upgrade = "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
    let answers: Vec<(&str, String)> = vec![
        ("a wrong Accept", format!("{upgrade}Sec-WebSocket-Accept: x\r\n\r\n")),
        ("no Accept", format!("{upgrade}\r\n")),
        ("a subprotocol nobody asked for", format!("{upgrade}ACCEPTSec-WebSocket-Protocol: x\r\n\r\n")),
        ("an extension nobody offered", {
            let compressed = "\u{c1}\u{0}";
            format!("{upgrade}ACCEPTSec-WebSocket-Extensions: permessage-deflate\r\n\r\n{compressed}")
        }),
        ("64 KiB of headers", format!("{upgrade}ACCEPTX: {}\r\n\r\n", "x".repeat(64 * 1024))),
        ("HTTP/1.0", "HTTP/1.0 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nACCEPT\r\n".to_owned()),
        ("chunked garbage", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n".to_owned()),
        ("half an answer", "HTTP/1.1 101 Swi".to_owned()),
        ("another protocol", "SSH-2.0-OpenSSH_9.2\r\n".to_owned()),
        ("nothing at all", String::new()),
    ];
    let world = World::protected(Which::Ours).await;
    let mut ids = vec![world.server.publish(1).await];
    world.until_alerts(1).await;
    for (person, (what, answer)) in (2..).zip(&answers) {
        let nonsense = Nonsense::start(answer, Duration::ZERO).await;
        world.chaos.set_upstream(nonsense.address);
        world.chaos.reset();
        world.desk.until_status(Status::Offline).await;
        ids.push(world.server.publish(person).await);
        world.desk.client.retry_now();
        nonsense.until_asked().await;
        assert_ne!(world.desk.status().await.status, Status::Protected, "{what}");

        world.chaos.set_upstream(world.server.address());
        world.until_alerts(person).await;
    }
    world.until_exactly(&ids).await;
    fault.times(answers.len() as u32);
    fault.held(&["I1", "I2", "I10", "I11"]);
}

#[tokio::test]
async fn fault_49_a_handshake_of_one_byte_a_second_is_given_up() {
    let fault =
        matrix::row(49, "a raw server answers the handshake with one byte a second; the deadline cut to 5 s");
    let world = World::protected(Which::Ours).await;
    let slow = Nonsense::start("HTTP/1.1 101 Switching Protocols\r\nX: y\r\n", Duration::from_secs(1)).await;

    world.chaos.set_upstream(slow.address);
    world.chaos.reset();
    world.desk.until_reason(Status::Offline, "timed_out").await;
    let missed = world.server.publish(1).await;
    world.chaos.set_upstream(world.server.address());
    world.back().await;

    world.until_exactly(&[missed]).await;
    fault.held(&["I1", "I10"]);
}

/// Answers every connection's first bytes with the same text.
struct Nonsense {
    address: SocketAddr,
    asked: tokio::sync::watch::Receiver<usize>,
    _task: JoinSet<()>,
}

impl Nonsense {
    async fn start(answer: &str, pause: Duration) -> Nonsense {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (tell, asked) = tokio::sync::watch::channel(0);
        // Latin-1, so that any byte can be written as a character.
        let answer: Vec<u8> = answer.chars().map(|letter| u32::from(letter) as u8).collect();
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                let (answer, tell) = (answer.clone(), tell.clone());
                connections.spawn(async move {
                    let mut head = vec![0; 8 * 1024];
                    let Ok(length) = stream.read(&mut head).await else { return };
                    let answer = with_accept(&answer, &head[..length]);
                    for byte in answer.chunks(if pause.is_zero() { answer.len().max(1) } else { 1 }) {
                        if stream.write_all(byte).await.is_err() {
                            return;
                        }
                        tokio::time::sleep(pause).await;
                    }
                    tell.send_modify(|asked| *asked += 1);
                    let _ = stream.shutdown().await;
                    while stream.read(&mut head).await.is_ok_and(|length| length > 0) {}
                });
            }
        });
        Nonsense { address, asked, _task: task }
    }

    async fn until_asked(&self) {
        let mut asked = self.asked.clone();
        tokio::time::timeout(support::wait::PATIENCE, asked.wait_for(|asked| *asked > 0))
            .await
            .unwrap()
            .unwrap();
    }
}

/// Puts the right `Sec-WebSocket-Accept` where the answer wants it.
fn with_accept(answer: &[u8], request: &[u8]) -> Vec<u8> {
    use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
    let request = String::from_utf8_lossy(request);
    let key = request.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("sec-websocket-key").then(|| value.trim().to_owned())
    });
    let accept = derive_accept_key(key.unwrap_or_default().as_bytes());
    let Some(at) = answer.windows(6).position(|word| word == b"ACCEPT") else { return answer.to_owned() };
    let line = format!("Sec-WebSocket-Accept: {accept}\r\n");
    [&answer[..at], line.as_bytes(), &answer[at + 6..]].concat()
}
