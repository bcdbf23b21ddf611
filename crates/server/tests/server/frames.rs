//! Bytes that no WebSocket client may send: they end their own connection and nobody else's.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::world::{PATIENCE, World, until};

const MASK: [u8; 4] = [1, 2, 3, 4];

#[tokio::test]
async fn frames_that_no_client_may_send_end_their_connection_alone() {
    let world = World::new().await;
    let mut bystander = world.connect(&world.manager).await;
    let token = world.token(&world.owner).await;
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("a reserved bit", masked(0xC1, b"{}")),
        ("a reserved opcode", masked(0x83, b"")),
        ("a reserved control opcode", masked(0x8B, b"")),
        ("a frame without a mask", vec![0x81, 2, b'{', b'}']),
        ("a control frame of 126 bytes", [&[0x89, 0xFE, 0, 126][..], &MASK, &[0; 126]].concat()),
        ("a control frame in fragments", masked(0x09, b"")),
        ("a continuation of nothing", masked(0x80, b"x")),
        ("a text inside a fragmented text", [masked(0x01, b"a"), masked(0x81, b"b")].concat()),
        ("a text that is not UTF-8", masked(0x81, &[0xFF])),
        ("the same across two fragments", [masked(0x01, &[0xE2, 0x82]), masked(0x80, &[0x28])].concat()),
        ("close code 999", masked(0x88, &999_u16.to_be_bytes())),
        ("close code 1005", masked(0x88, &1005_u16.to_be_bytes())),
        ("close code 5000", masked(0x88, &5000_u16.to_be_bytes())),
        ("a close of one byte", masked(0x88, &[3])),
        ("a close whose reason is not UTF-8", masked(0x88, &[3, 0xE8, 0xFF])),
        ("data after a close", [masked(0x88, &1000_u16.to_be_bytes()), masked(0x81, b"{}")].concat()),
        ("a length of 2^63", [&[0x81, 0xFF][..], &(1_u64 << 63).to_be_bytes(), &MASK].concat()),
        ("8 MiB", [&[0x81, 0xFF][..], &(8_u64 << 20).to_be_bytes(), &MASK, &vec![0; 1 << 20]].concat()),
        ("fragments without end", masked_fragments(1_000_000)),
        ("a flood of pings", masked(0x89, b"").repeat(100_000)),
    ];
    for (person, (what, bytes)) in (1..).zip(cases) {
        let mut raw = raw_socket(&world, &token).await;
        until("it is there", async || world.server.connections() == 2).await;

        // The server may hang up before everything is written.
        let _ = tokio::time::timeout(PATIENCE, raw.write_all(&bytes)).await.expect(what);
        let mut rest = Vec::new();
        let _ = tokio::time::timeout(PATIENCE, raw.read_to_end(&mut rest)).await.expect(what);

        until(what, async || world.server.connections() == 1).await;
        let id = world.publish(world.theft(person)).await;
        assert_eq!(bystander.message("anomaly_detected").await["alert_id"], id, "after {what}");
    }
}

#[tokio::test]
async fn harmless_oddities_change_nothing() {
    let world = World::new().await;
    let token = world.token(&world.owner).await;
    let mut raw = raw_socket(&world, &token).await;
    let oddities = [
        masked(0x82, &[0, 159, 146, 150]),
        [masked(0x01, br#"{"type""#), masked(0x89, b"between"), masked(0x80, br#":"pong"}"#)].concat(),
        masked(0x89, b"").repeat(100),
        masked(0x8A, b"nobody asked"),
    ];

    for bytes in oddities {
        raw.write_all(&bytes).await.unwrap();
    }
    let id = world.publish(world.theft(1)).await;

    let mut heard = Vec::new();
    while !String::from_utf8_lossy(&heard).contains(&id) {
        let read = tokio::time::timeout(PATIENCE, raw.read_buf(&mut heard)).await.unwrap().unwrap();
        assert!(read > 0, "the server hung up");
    }
    assert_eq!(world.server.connections(), 1);
}

/// The owner's socket, past its handshake.
async fn raw_socket(world: &World, token: &str) -> TcpStream {
    let address = world.server.address;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "GET /ws/alerts/{}?token={token} HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        world.owner.id
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    assert!(head.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&head));
    stream
}

fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    assert!(payload.len() < 126);
    let mut frame = vec![first, 0x80 | payload.len() as u8];
    frame.extend(MASK);
    frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

/// One message in frames of one byte that never ends.
fn masked_fragments(count: usize) -> Vec<u8> {
    let mut bytes = masked(0x01, b"a");
    bytes.extend(masked(0x00, b"a").repeat(count - 1));
    bytes
}
