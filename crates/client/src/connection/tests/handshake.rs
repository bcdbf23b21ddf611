//! What servers, proxies and strangers answer to the handshake, over real sockets.

use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
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
    for status in [400, 401, 403, 404, 405, 426, 500] {
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
    assert_eq!(cause(garbage).await, Cause::Gateway { status: 503, retry_after: None });
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

#[tokio::test]
async fn case_35_a_refusal_in_http_1_0_is_what_it_would_be_in_1_1() {
    let ten = |status: u16, headers: &str| {
        Reply::Raw(format!("HTTP/1.0 {status} x\r\nServer: lighttpd/1.4.69\r\n{headers}\r\n").into_bytes())
    };
    let retry_after = Some(Duration::from_secs(7));

    assert_eq!(cause(ten(403, "")).await, Cause::Http { status: 403, retry_after: None });
    assert_eq!(cause(ten(403, "Content-Type: text/html\r\n")).await, Cause::TurnedAway(403));
    assert_eq!(cause(ten(431, "Content-Type: text/html\r\n")).await, Cause::TooLong);
    assert_eq!(cause(ten(503, "Retry-After: 7\r\n")).await, Cause::Http { status: 503, retry_after });
    assert_eq!(
        cause(ten(503, "Content-Type: text/html\r\n")).await,
        Cause::Gateway { status: 503, retry_after: None }
    );
    assert_eq!(cause(ten(302, "Location: http://portal/\r\n")).await, Cause::Intercepted);
    assert_eq!(cause(ten(401, "WWW-Authenticate: Basic realm=x\r\n")).await, Cause::PasswordWanted);
    // A switch of protocols does not exist there.
    assert_eq!(cause(ten(101, "Upgrade: websocket\r\nConnection: Upgrade\r\n")).await, Cause::Garbled);
}

#[tokio::test]
async fn case_33_a_proxy_whose_server_is_down_is_a_gateway_and_ours_is_busy() {
    for status in [502, 503, 504] {
        let page = answer(status, &[("content-type", "text/html")], "<html>Bad Gateway</html>");
        assert_eq!(cause(page).await, Cause::Gateway { status, retry_after: None });
    }
    assert_eq!(
        cause(json(503, r#"{"detail":"too many connections"}"#)).await,
        Cause::Http { status: 503, retry_after: None }
    );
}

#[tokio::test]
async fn case_25_what_a_proxy_wants_is_told_from_what_the_server_does_not_accept() {
    let basic = answer(401, &[("www-authenticate", "Basic realm=\"shop\"")], "<html>");
    let both = answer(401, &[("www-authenticate", "Basic realm=\"x\", Bearer")], "");
    let bearer = answer(401, &[("www-authenticate", "Bearer")], "");
    let nginx = "<center>The plain HTTP request was sent to HTTPS port</center>";
    let to_tls = answer(301, &[("location", "https://127.0.0.1/ws/alerts/u1")], "");

    assert_eq!(cause(basic).await, Cause::PasswordWanted);
    assert_eq!(cause(both).await, Cause::Http { status: 401, retry_after: None });
    assert_eq!(cause(bearer).await, Cause::Http { status: 401, retry_after: None });
    assert_eq!(cause(answer(400, &[("content-type", "text/html")], nginx)).await, Cause::TlsWanted);
    assert_eq!(cause(to_tls).await, Cause::TlsWanted);
    assert_eq!(cause(Reply::Raw(vec![0x15, 3, 3, 0, 2, 2, 22])).await, Cause::TlsWanted);
}

#[tokio::test]
async fn case_25_http_where_only_tls_is_heard_is_told_though_nothing_is_said() {
    let authority = crate::testing::Authority::new();
    let server = TinyServer::start_tls(authority.server("localhost"), |_| json(404, "{}")).await;
    let target = target_at(&format!("http://127.0.0.1:{}", server.port), "the-token");
    let clock = TestClock::new(jiff::Timestamp::UNIX_EPOCH);

    let outcome = open(&SystemDial::new(tls()), &clock, &target, LONG).await;

    assert_eq!(outcome.err(), Some(Cause::TlsWanted));
}

#[tokio::test]
async fn case_36_a_long_token_that_something_refuses_is_too_long_and_a_short_one_is_not() {
    for (status, token, expected) in [
        (400, 4_096, Cause::TooLong),
        (413, 40_000, Cause::TooLong),
        (414, 4_096, Cause::TooLong),
        (431, 40_000, Cause::TooLong),
        (400, 300, Cause::TurnedAway(400)),
    ] {
        let page = answer(status, &[("content-type", "text/html")], "<html>");

        assert_eq!(cause_with(page, &"t".repeat(token)).await, expected, "{status} for {token}");
    }
    let ours = json(400, r#"{"detail":"leave the token out of the address"}"#);
    assert_eq!(cause_with(ours, &"t".repeat(9_000)).await, Cause::Http { status: 400, retry_after: None });
}

#[tokio::test(start_paused = true)]
async fn case_13_a_question_that_is_never_answered_means_the_original_where_nobody_can_pose_as_it() {
    for (address, expected) in [
        ("https://shop.example", Cause::Http { status: 404, retry_after: None }),
        ("http://127.0.0.1:8000", Cause::Http { status: 404, retry_after: None }),
        ("http://shop.example", Cause::Unanswered),
    ] {
        let swallowing = Swallowing::default();
        let clock = TestClock::new(jiff::Timestamp::UNIX_EPOCH);
        let begin = tokio::time::Instant::now();

        let outcome =
            open(&swallowing, &clock, &target_at(address, "the-token"), Duration::from_secs(20)).await;

        assert_eq!(outcome.err(), Some(expected), "{address}");
        assert_eq!(begin.elapsed().as_secs(), 10, "two tries of five seconds");
        assert_eq!(swallowing.was_shown("the-token"), expected != Cause::Unanswered, "{address}");
    }
}

#[tokio::test(start_paused = true)]
async fn case_13_a_server_that_spoke_protocol_2_is_not_talked_down_by_silence() {
    let swallowing = Swallowing::default();
    let clock = TestClock::new(jiff::Timestamp::UNIX_EPOCH);
    let target = Target { spoke_two: true, ..target_at("https://shop.example", "the-token") };

    let outcome = open(&swallowing, &clock, &target, Duration::from_secs(20)).await;

    assert_eq!(outcome.err(), Some(Cause::Unanswered));
    assert!(!swallowing.was_shown("the-token"));
}

/// A filter that swallows the question, and answers everything else by 404.
#[derive(Debug, Default)]
struct Swallowing(std::sync::Arc<std::sync::Mutex<String>>);

impl Swallowing {
    fn was_shown(&self, what: &str) -> bool {
        self.0.lock().unwrap().contains(what)
    }
}

impl Dial for Swallowing {
    fn dial<'a>(&'a self, url: &'a Url) -> BoxFuture<'a, Result<Box<dyn Io>, Cause>> {
        let swallows = url.path() == "/ws/capabilities";
        let (ours, mut theirs) = tokio::io::duplex(64 * 1024);
        let seen = std::sync::Arc::clone(&self.0);
        tokio::spawn(async move {
            let mut request = vec![0; 8192];
            let read = theirs.read(&mut request).await.unwrap_or(0);
            seen.lock().unwrap().push_str(&String::from_utf8_lossy(&request[..read]));
            if swallows {
                let _ = theirs.read(&mut request).await;
            } else {
                let _ = theirs.write_all(b"HTTP/1.1 404 x\r\ncontent-length: 0\r\n\r\n").await;
            }
        });
        Box::pin(async { Ok(Box::new(ours) as Box<dyn Io>) })
    }
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
    cause_with(reply, "the-token").await
}

async fn cause_with(reply: Reply, token: &str) -> Cause {
    let limit = if matches!(reply, Reply::Hang) { Duration::from_millis(300) } else { LONG };
    let server = TinyServer::start(move |request| match request.path.as_str() {
        "/ws/capabilities" => json(404, "{}"),
        _ => reply.clone(),
    })
    .await;
    let clock = TestClock::new(jiff::Timestamp::UNIX_EPOCH);
    match open(&SystemDial::new(tls()), &clock, &target_at(&server.url(), token), limit).await {
        Ok(_) => panic!("this was a handshake"),
        Err(cause) => cause,
    }
}
