//! What servers, proxies and strangers answer to the handshake, over real sockets.

use std::time::Duration;

use futures_util::future::BoxFuture;
use url::Url;
use visionguard_proto::Cause;

use super::super::Target;
use super::super::handshake::{self, Opened, Request};
use super::world::target_at;
use crate::clock::TestClock;
use crate::dial::{Dial, Io, SystemDial};
use crate::testing::{Reply, TinyServer, answer, json, tls};

#[tokio::test]
async fn refusals_arrive_with_their_status() {
    for status in [400, 401, 403, 404, 405, 426, 500, 502] {
        assert_eq!(cause(answer(status, &[], "")).await, Cause::Http { status, retry_after: None });
    }
    let wire = include_bytes!("../../../../../tests/fixtures/ws_handshake_403.raw");
    assert_eq!(cause(Reply::Raw(wire.to_vec())).await, Cause::Http { status: 403, retry_after: None });
}

#[tokio::test]
async fn retry_after_arrives_in_seconds_and_as_a_date() {
    let seconds = answer(503, &[("retry-after", "7")], "");
    let date = answer(429, &[("retry-after", "Thu, 01 Jan 1970 00:01:30 GMT")], "");
    let absurd = answer(503, &[("retry-after", "1000000000")], "");
    let garbage = answer(503, &[("retry-after", "soon")], "");

    assert_eq!(cause(seconds).await, Cause::Http { status: 503, retry_after: Some(Duration::from_secs(7)) });
    let wait = cause(date).await;
    assert!(
        matches!(wait, Cause::Http { status: 429, retry_after: Some(wait) } if wait.as_secs().abs_diff(90) <= 60),
        "{wait:?}"
    );
    assert_eq!(cause(absurd).await, Cause::Http { status: 503, retry_after: Some(Duration::from_secs(600)) });
    assert_eq!(cause(garbage).await, Cause::Http { status: 503, retry_after: None });
}

#[tokio::test]
async fn captive_portals_are_recognised() {
    for reply in [
        answer(301, &[("location", "http://portal/")], ""),
        answer(302, &[("location", "http://portal/")], ""),
        answer(307, &[("location", "http://portal/")], ""),
        answer(200, &[("content-type", "text/html")], "<html>Welcome to the shop's Wi-Fi</html>"),
        answer(407, &[], ""),
        answer(511, &[], ""),
    ] {
        assert_eq!(cause(reply.clone()).await, Cause::Intercepted, "{reply:?}");
    }
}

#[tokio::test]
async fn over_an_open_network_a_portal_gets_no_token() {
    let portal = TinyServer::start(|_| answer(302, &[("location", "http://portal/")], "")).await;
    let clock = TestClock::new(jiff::Timestamp::UNIX_EPOCH);

    let outcome =
        open(&LeadsTo(portal.url()), &clock, &target_at("http://shop.example", "the-token"), LONG).await;

    assert!(matches!(outcome, Err(Cause::Intercepted)));
    let paths: Vec<String> = portal.requests().into_iter().map(|request| request.path).collect();
    assert_eq!(paths, ["/ws/capabilities"]);
}

#[tokio::test]
async fn over_an_open_network_the_server_itself_is_asked_first_and_then_trusted() {
    let server = TinyServer::start(|request| match request.path.as_str() {
        "/ws/capabilities" => json(404, "{}"),
        _ => answer(401, &[], ""),
    })
    .await;
    let clock = TestClock::new(jiff::Timestamp::UNIX_EPOCH);

    let outcome =
        open(&LeadsTo(server.url()), &clock, &target_at("http://shop.example", "the-token"), LONG).await;

    assert!(matches!(outcome, Err(Cause::Http { status: 401, .. })));
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn answers_that_are_no_handshake_are_garbled() {
    let wrong_key =
        "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n";
    let subprotocol =
        "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Protocol: y\r\n\r\n";
    for bytes in [wrong_key, subprotocol, "SSH-2.0-OpenSSH_9\r\n\r\n", "\u{0}\u{1}\u{2}\u{3}\r\n\r\n"] {
        assert_eq!(cause(Reply::Raw(bytes.into())).await, Cause::Garbled, "{bytes:?}");
    }
    assert_eq!(cause(json(200, "{}")).await, Cause::Http { status: 200, retry_after: None });
}

#[tokio::test]
async fn a_header_without_end_is_cut_off() {
    let endless = format!("HTTP/1.1 101 x\r\nX: {}", "x".repeat(1 << 20));

    let cause = cause(Reply::Raw(endless.into_bytes())).await;

    assert!(matches!(cause, Cause::Garbled | Cause::TooLarge | Cause::Lost), "{cause:?}");
}

#[tokio::test]
async fn hanging_up_is_a_loss_and_saying_nothing_is_a_timeout() {
    assert_eq!(cause(Reply::HangUp).await, Cause::Lost);
    assert_eq!(cause(Reply::Hang).await, Cause::TimedOut);
}

const LONG: Duration = Duration::from_secs(60);

/// A network in which every name leads to one address.
#[derive(Debug)]
struct LeadsTo(String);

impl Dial for LeadsTo {
    fn dial<'a>(&'a self, _: &'a Url) -> BoxFuture<'a, Result<Box<dyn Io>, Cause>> {
        Box::pin(async {
            let url = Url::parse(&self.0).unwrap();
            SystemDial::new(tls()).dial(&url).await
        })
    }
}

async fn open(dial: &dyn Dial, clock: &TestClock, target: &Target, limit: Duration) -> Result<Opened, Cause> {
    handshake::open(dial, clock, Request { target, spoken: None, cursor: None }, limit).await
}

/// What becomes of a handshake that is answered so, by a server that speaks protocol 1.
async fn cause(reply: Reply) -> Cause {
    let limit = if matches!(reply, Reply::Hang) { Duration::from_millis(300) } else { LONG };
    let server = TinyServer::start(move |request| match request.path.as_str() {
        "/ws/capabilities" => json(404, "{}"),
        _ => reply.clone(),
    })
    .await;
    let clock = TestClock::new(jiff::Timestamp::UNIX_EPOCH);
    match open(&SystemDial::new(tls()), &clock, &target_at(&server.url(), "the-token"), limit).await {
        Ok(_) => panic!("this was a handshake"),
        Err(cause) => cause,
    }
}
