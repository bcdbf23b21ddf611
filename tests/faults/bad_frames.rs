//! Bad input on the socket, put between good alerts by the proxy: what no WebSocket endpoint may send, what is no JSON,
//! what is too large. The good alerts before and after are delivered; what must end the connection ends it.

use std::time::Duration;

use support::matrix;
use visionguard_client::view::Status;

use crate::world::{BOTH, Which, World};

/// Raw bytes, what they are, and whether the client has to end the connection.
type Case = (&'static str, Vec<u8>, bool);

const ENDS: bool = true;
const STAYS: bool = false;

#[tokio::test]
async fn fault_49_frames_that_no_server_may_send() {
    let fault = matrix::row(49, "the proxy puts forbidden frames between the server's");
    let cases: Vec<Case> = vec![
        ("a reserved bit", vec![0xC1, 0], ENDS),
        ("a reserved opcode", vec![0x83, 0], ENDS),
        ("a reserved control opcode", vec![0x8B, 0], ENDS),
        ("a masked frame", vec![0x81, 0x81, 1, 2, 3, 4, b'x' ^ 1], ENDS),
        ("a control frame of 126 bytes", [&[0x89, 126, 0, 126][..], &[0; 126]].concat(), ENDS),
        ("a control frame in fragments", vec![0x09, 0], ENDS),
        ("a continuation of nothing", vec![0x80, 0], ENDS),
        ("a text inside a fragmented text", vec![0x01, 1, b'a', 0x81, 1, b'b'], ENDS),
        ("a text that is not UTF-8", vec![0x81, 1, 0xFF], ENDS),
        ("a text that is not UTF-8 across two fragments", vec![0x01, 2, 0xE2, 0x82, 0x80, 1, 0x28], ENDS),
        ("close code 999", vec![0x88, 2, 0x03, 0xE7], ENDS),
        ("close code 1005", vec![0x88, 2, 0x03, 0xED], ENDS),
        ("close code 5000", vec![0x88, 2, 0x13, 0x88], ENDS),
        ("a close of one byte", vec![0x88, 1, 3], ENDS),
        ("a close whose reason is not UTF-8", vec![0x88, 3, 0x03, 0xE8, 0xFF], ENDS),
        ("a length of 2^63", [&[0x81, 127][..], &(1_u64 << 63).to_be_bytes()].concat(), ENDS),
        ("data after a close", [&[0x88, 2, 0x03, 0xE8][..], &frame(0x81, b"{}")].concat(), ENDS),
        ("a binary message", vec![0x82, 3, 1, 2, 3], STAYS),
        ("two thousand pings", [0x89, 0].repeat(2_000), STAYS),
        ("a text of 8 MiB", frame(0x81, &vec![b'x'; 8 << 20]), STAYS),
        ("a million fragments of one byte", fragments(1_000_000), STAYS),
    ];
    for which in BOTH {
        between_good_alerts(which, &cases).await;
    }
    fault.times(2 * cases.len() as u32);
    fault.held(&["I1", "I2", "I5", "I11"]);
}

#[tokio::test]
async fn fault_49_messages_that_are_no_messages() {
    let fault = matrix::row(49, "the proxy puts bad JSON and unknown messages between the server's");
    let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let alert = |rest: &str| format!(r#"{{"type":"anomaly_detected","stream_id":"s"{rest}}}"#);
    let texts: Vec<String> = vec![
        String::new(),
        "not JSON".to_owned(),
        "[]".to_owned(),
        "null".to_owned(),
        "5".to_owned(),
        "\"text\"".to_owned(),
        "{".to_owned(),
        "{}".to_owned(),
        r#"{"type":5}"#.to_owned(),
        r#"{"type":null}"#.to_owned(),
        r#"{"type":"__proto__"}"#.to_owned(),
        r#"{"type":"something_new","data":{}}"#.to_owned(),
        r#"{"type":"ping","type":"pong"}"#.to_owned(),
        "\u{FEFF}{\"type\":\"pong\"}".to_owned(),
        r#"{"type":"pong","text":"\u0000"}"#.to_owned(),
        r#"{"type":"pong","text":"\ud800"}"#.to_owned(),
        r#"{"type":"pong","number":1e400}"#.to_owned(),
        r#"{"type":"pong","number":NaN}"#.to_owned(),
        format!(r#"{{"type":"pong","deep":{}}}"#, deep(200)),
        format!(r#"{{"type":"pong","deep":{}}}"#, deep(1_000_000)),
        format!(r#"{{"type":"pong","zeros":"{}"}}"#, "0".repeat(10_000_000)),
        r#"{"type":"notification"}"#.to_owned(),
        r#"{"type":"notification","data":5}"#.to_owned(),
        r#"{"type":"welcome","protocol":"two"}"#.to_owned(),
    ];
    let cases: Vec<Case> = texts.iter().map(|text| ("a text", frame(0x81, text.as_bytes()), STAYS)).collect();
    for which in BOTH {
        between_good_alerts(which, &cases).await;
    }

    // These are alerts, if odd ones: they may be stored, the good ones must be.
    let odd = [
        "",
        r#","result":5"#,
        r#","result":{"person_id":1.0}"#,
        r#","result":{"person_id":"3"}"#,
        r#","result":{"person_id":-1}"#,
        r#","result":{"person_id":9223372036854775808}"#,
        r#","result":{"person_id":null}"#,
        r#","result":{"confidence":{},"score":Infinity}"#,
        r#","alert_id":"","result":{}"#,
        r#","alert_id":"../../etc/passwd","result":{}"#,
        r#","result":{},"at":"0000-01-01T00:00:00Z""#,
        r#","result":{},"at":"2016-12-31T23:59:60Z""#,
        r#","result":{},"frame_format":"../../x","annotated_frame":"!!""#,
    ];
    let mut odd: Vec<String> = odd.iter().map(|rest| alert(rest)).collect();
    odd.push(alert(&format!(r#","alert_id":"{}","result":{{}}"#, "x".repeat(10_000))));
    for which in BOTH {
        let world = World::protected(which).await;
        let mut ids = Vec::new();
        for (person, text) in (1..).zip(&odd) {
            ids.push(world.server.publish(person).await);
            world.chaos.inject(&frame(0x81, text.as_bytes()));
        }
        all_there(&world, &ids).await;
        assert_eq!(world.chaos.requests("/ws/alerts/"), 1, "the connection did not stay");
    }
    fault.times(2 * (cases.len() + odd.len()) as u32);
    fault.held(&["I1", "I2", "I11"]);
}

#[tokio::test]
async fn fault_48_a_message_larger_than_anything_allowed() {
    let fault =
        matrix::row(48, "the proxy puts a text of 25 MiB, and the head of one of 4 GiB, between good alerts");
    let cases: Vec<Case> = vec![
        ("25 MiB", frame(0x81, &vec![b'x'; 25 << 20]), ENDS),
        ("a head that says 4 GiB", [&[0x81, 127][..], &(4_u64 << 30).to_be_bytes()].concat(), ENDS),
        ("fragments without end", fragments_of(26, 1 << 20), ENDS),
    ];
    for which in BOTH {
        between_good_alerts(which, &cases).await;
    }
    fault.times(2 * cases.len() as u32);
    fault.held(&["I1", "I2", "I5", "I11"]);
}

/// A good alert, each bad input, and a good alert after each; the connection ends where it must and only there. (The
/// original may forget a hurried successor, which then has a successor of its own.)
async fn between_good_alerts(which: Which, cases: &[Case]) {
    let world = World::protected(which).await;
    let mut ids = vec![world.server.publish(1).await];
    world.until_alerts(1).await;
    for (person, (what, bytes, ends)) in (2..).zip(cases) {
        let sockets = world.chaos.requests("/ws/alerts/");

        world.chaos.inject(bytes);
        if *ends {
            support::wait::until(&format!("{what} to end the connection"), || {
                world.desk.client.retry_now();
                (world.chaos.requests("/ws/alerts/") > sockets).then_some(())
            })
            .await;
            world.desk.until_status(Status::Protected).await;
        }
        ids.push(world.server.publish(person).await);

        all_there(&world, &ids).await;
        if !*ends {
            assert_eq!(
                world.chaos.requests("/ws/alerts/"),
                sockets,
                "{which:?}, {what}: the connection ended"
            );
        }
    }
    world.until_exactly(&ids).await;
}

/// Waits until all these alerts are in the journal, whatever else is.
async fn all_there(world: &World, ids: &[String]) {
    let deadline = tokio::time::Instant::now() + support::wait::PATIENCE;
    loop {
        let known = crate::world::known(&world.desk).await;
        if ids.iter().all(|id| known.iter().flatten().any(|known| known == id)) {
            return;
        }
        assert!(tokio::time::Instant::now() < deadline, "not all of {} are among {known:?}", ids.len());
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
}

fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let length = payload.len();
    let head = match (u8::try_from(length), u16::try_from(length)) {
        (Ok(short @ 0..=125), _) => vec![first, short],
        (_, Ok(length)) => [&[first, 126][..], &length.to_be_bytes()].concat(),
        (_, Err(_)) => [&[first, 127][..], &(length as u64).to_be_bytes()].concat(),
    };
    [head.as_slice(), payload].concat()
}

/// One message in so many frames of one byte.
fn fragments(count: usize) -> Vec<u8> {
    let mut bytes = vec![0x01, 1, b'a'];
    bytes.extend([0x00, 1, b'a'].repeat(count - 2));
    bytes.extend([0x80, 1, b'a']);
    bytes
}

/// The same without an end, in frames of `size` bytes.
fn fragments_of(count: usize, size: usize) -> Vec<u8> {
    let mut bytes = frame(0x01, &vec![b'a'; size]);
    for _ in 1..count {
        bytes.extend(frame(0x00, &vec![b'a'; size]));
    }
    bytes
}
