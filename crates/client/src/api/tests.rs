use std::sync::Arc;

use visionguard_proto::Cause;

use super::*;
use crate::testing::{Authority, Reply, Request, TinyServer, answer, closed_port, json, tls};

const LOGIN: &str = include_str!("../../../../tests/fixtures/login_200.json");

#[tokio::test]
async fn signing_in_brings_tokens_and_who_it_is() {
    let server =
        TinyServer::start(|_| answer(200, &[("content-type", "application/json"), DATE], LOGIN)).await;

    let signed_in = api(&server).sign_in("Obs.User-1@example.com", &"pass word".into()).await.unwrap();

    assert!(signed_in.access.expose_secret().starts_with("eyJ"));
    assert!(signed_in.refresh.unwrap().expose_secret().starts_with("eyJ"));
    assert_eq!(signed_in.user.unwrap().id.as_str(), "18d746d8-79c5-452f-90e7-eccaee509f3b");
    assert_eq!(signed_in.date.unwrap().date.to_string(), "2026-11-21T20:00:00Z");
    let request = &server.requests()[0];
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/auth/login"));
    assert_eq!(
        request.json(),
        serde_json::json!({"email": "Obs.User-1@example.com", "password": "pass word"})
    );
}

#[tokio::test]
async fn a_wrong_password_a_strange_status_and_a_server_error_each_have_their_code() {
    for (status, body, code) in [
        (401, r#"{"detail":"Invalid credentials"}"#, "wrong_password"),
        (422, r#"{"message":"Request validation failed","body_received":{"password":"pw"}}"#, "invalid"),
        (404, r#"{"message":"The requested endpoint does not exist"}"#, "wrong_address"),
        (500, r#"{"error":"Internal Server Error"}"#, "server_error"),
        (503, "<html>", "server_error"),
        (502, "<html>", "server_error"),
        (429, "", "busy"),
        (418, "", "wrong_address"),
    ] {
        let server = TinyServer::start(move |_| json(status, body)).await;

        let error = api(&server).sign_in("a@example.com", &"pw".into()).await.unwrap_err();

        assert_eq!(error.code(), code, "{status}");
        assert_eq!(error.problem().code, code);
    }
}

#[tokio::test]
async fn what_the_server_says_is_read_from_detail_or_message_but_never_from_a_422() {
    for (status, body, expected) in [
        (401, r#"{"detail":"Invalid or expired token"}"#, Some("Invalid or expired token")),
        (
            404,
            r#"{"error":"Not Found","message":"The requested endpoint does not exist"}"#,
            Some("The requested endpoint does not exist"),
        ),
        (400, r#"{"detail":[{"msg":"x"}],"message":"m\u0007"}"#, Some("m")),
        (422, r#"{"message":"Request validation failed","body_received":{"password":"pw"}}"#, None),
        (500, "Internal Server Error", None),
    ] {
        let server = TinyServer::start(move |_| json(status, body)).await;

        let error = api(&server).me().await.unwrap_err();

        let ApiError::Refused { said, .. } = error else { panic!("{error:?}") };
        assert_eq!(said.as_deref(), expected);
    }
}

#[tokio::test]
async fn a_captive_portal_is_recognised_and_its_redirect_not_followed() {
    for reply in [
        answer(302, &[("location", "http://127.0.0.1:9/login")], ""),
        answer(200, &[("content-type", "text/html; charset=utf-8")], "<html>Welcome</html>"),
        answer(407, &[], ""),
        answer(511, &[], ""),
    ] {
        let server = TinyServer::start(move |_| reply.clone()).await;

        let error = api(&server).me().await.unwrap_err();

        assert_eq!(error.code(), "portal", "{error:?}");
        assert!(error.can_retry());
    }
}

#[tokio::test]
async fn the_ways_in_which_a_server_cannot_be_reached_are_told_apart() {
    let nobody =
        Api::new(&http(), Endpoint::parse(&format!("http://127.0.0.1:{}", closed_port().await)).unwrap());
    let unknown = Api::new(&http(), Endpoint::parse("http://shop.invalid").unwrap());
    let authority = Authority::new();
    let stranger = TinyServer::start_tls(authority.server("localhost"), |_| json(200, "{}")).await;
    let stranger =
        Api::new(&http(), Endpoint::parse(&format!("https://localhost:{}", stranger.port)).unwrap());
    let rude = TinyServer::start(|_| Reply::HangUp).await;

    assert_eq!(nobody.me().await, Err(ApiError::Unreachable(Cause::Refused)));
    assert_eq!(unknown.me().await, Err(ApiError::Unreachable(Cause::NameUnknown)));
    assert_eq!(stranger.me().await, Err(ApiError::Unreachable(Cause::Tls)));
    assert_eq!(api(&rude).me().await, Err(ApiError::Unreachable(Cause::Lost)));
}

#[tokio::test]
async fn a_server_that_says_nothing_times_out() {
    let server = TinyServer::start(|_| Reply::Hang).await;
    let brief = Duration::from_millis(300);
    let http = Http::with_limits(&tls(), brief, brief).unwrap();

    let error = Api::new(&http, Endpoint::parse(&server.url()).unwrap()).me().await.unwrap_err();

    assert_eq!(error, ApiError::Unreachable(Cause::TimedOut));
}

#[tokio::test]
async fn the_extra_authority_is_trusted_here_too() {
    let authority = Authority::new();
    let server = TinyServer::start_tls(authority.server("localhost"), |_| json(200, ME)).await;
    let http = Http::new(&authority.client()).unwrap();

    let me =
        Api::new(&http, Endpoint::parse(&format!("https://localhost:{}", server.port)).unwrap()).me().await;

    assert_eq!(me.unwrap().id.as_str(), "u1");
}

#[tokio::test]
async fn the_token_is_in_the_header_and_nowhere_else() {
    let server = TinyServer::start(|_| json(200, "[]")).await;

    api(&server).with_token("the-token".into()).shops().await.unwrap();

    let request = &server.requests()[0];
    assert_eq!(request.header("authorization"), Some("Bearer the-token"));
    assert_eq!(request.path, "/shops");
}

#[tokio::test]
async fn shops_are_read_and_their_names_kept_short() {
    let server =
        TinyServer::start(|_| json(200, include_str!("../../../../tests/fixtures/shops_200.json"))).await;

    let shops = api(&server).shops().await.unwrap();

    assert!(!shops.is_empty());
    assert!(shops.iter().all(|shop| !shop.name.is_empty() && shop.name.len() <= 255));
}

#[tokio::test]
async fn a_page_of_the_record_is_asked_for_by_shop_and_read() {
    let server =
        TinyServer::start(|_| json(200, include_str!("../../../../tests/fixtures/anomalies_list_200.json")))
            .await;

    let page = api(&server)
        .anomalies(&ShopId::new("a shop&x=1").unwrap(), Some(Status::Pending), 50, 100)
        .await
        .unwrap();

    assert!(!page.rows.is_empty());
    assert_eq!(
        server.requests()[0].path,
        "/api/anomalies?shop_id=a+shop%26x%3D1&limit=50&offset=100&status=pending"
    );
}

#[tokio::test]
async fn a_decision_is_sent_and_the_row_that_comes_back_is_read() {
    let body = include_str!("../../../../tests/fixtures/anomaly_patch_ack_200.json");
    let server = TinyServer::start(move |_| json(200, body)).await;
    let id = AnomalyId::new("ae917a2c-baac-45a0-932d-ed514d2b54e9").unwrap();

    let row = api(&server).patch(&id, Status::Acknowledged, None).await.unwrap();
    api(&server).patch(&id, Status::FalsePositive, Some("a hat")).await.unwrap();

    assert_eq!(row.status, Status::Acknowledged);
    let requests = server.requests();
    assert_eq!(
        (requests[0].method.as_str(), requests[0].path.as_str()),
        ("PATCH", "/api/anomalies/ae917a2c-baac-45a0-932d-ed514d2b54e9")
    );
    assert_eq!(requests[0].json(), serde_json::json!({"status": "acknowledged"}));
    assert_eq!(requests[1].json(), serde_json::json!({"status": "false_positive", "notes": "a hat"}));
}

#[tokio::test]
async fn a_picture_is_fetched_only_below_the_servers_own_address() {
    let server = TinyServer::start(|_| answer(200, &[("content-type", "image/jpeg")], "JPEG")).await;
    let endpoint = Endpoint::parse(&format!("{}/vg", server.url())).unwrap();
    let api = Api::new(&http(), endpoint).with_token("the-token".into());

    assert_eq!(api.frame("/api/anomalies/frames/s/1.jpg").await.unwrap(), "JPEG");
    assert_eq!(api.frame(r"/api\anomalies\frames/s\2.jpg").await.unwrap(), "JPEG");
    for elsewhere in [
        "http://127.0.0.1:9/x",
        "//127.0.0.1:9/x",
        "/../auth/me",
        "/%2e%2e/x",
        "/a/../../x",
        r"\\127.0.0.1\x",
        "x",
        "",
    ] {
        let error = api.frame(elsewhere).await.unwrap_err();

        assert_eq!(error, ApiError::Impossible("the picture is not on this server"), "{elsewhere}");
    }
    let paths: Vec<String> = server.requests().into_iter().map(|request| request.path).collect();
    assert_eq!(paths, ["/vg/api/anomalies/frames/s/1.jpg", "/vg/api/anomalies/frames/s/2.jpg"]);
}

#[tokio::test]
async fn an_endless_body_is_cut_off() {
    let server =
        TinyServer::start(|_| answer(200, &[("content-type", "image/jpeg")], &"x".repeat(17 << 20))).await;

    assert_eq!(api(&server).frame("/x.jpg").await, Err(ApiError::TooLarge));
}

#[tokio::test]
async fn registered_not_registered_and_unknown_are_three_answers() {
    let stats = include_str!("../../../../tests/fixtures/ws_connections_user_200.json");
    let gone = include_str!("../../../../tests/fixtures/ws_connections_user_404.json");
    for (reply, expected) in [
        (json(200, stats), None),
        (json(404, gone), Some(Registration::NotRegistered)),
        (json(200, r#"{"connected":false,"uptime_seconds":0}"#), Some(Registration::NotRegistered)),
        (answer(404, &[("content-type", "text/html")], "nginx"), Some(Registration::Unknown)),
        (
            json(200, r#"{"uptime_seconds":-1}"#),
            Some(Registration::Registered { uptime: Duration::ZERO, connected_at: None }),
        ),
        (json(200, "{}"), Some(Registration::Unknown)),
        (json(401, "{}"), Some(Registration::Unknown)),
        (json(500, "{}"), Some(Registration::Unknown)),
        (Reply::HangUp, Some(Registration::Unknown)),
    ] {
        let told = reply.clone();
        let server = TinyServer::start(move |_| told.clone()).await;

        let registration = api(&server).registration(&UserId::new("u/1").unwrap()).await;

        match expected {
            Some(expected) => assert_eq!(registration, expected, "{reply:?}"),
            None => assert!(
                matches!(registration, Registration::Registered { uptime, .. } if uptime > Duration::ZERO)
            ),
        }
        assert_eq!(server.requests()[0].path, "/ws/connections/u%2F1");
    }
}

#[tokio::test]
async fn a_drill_carries_its_nonce() {
    let body = include_str!("../../../../tests/fixtures/notification_send_offline_200.json");
    let server = TinyServer::start(move |_| json(200, body)).await;

    let delivered = api(&server)
        .send_test_notification(&UserId::new("u1").unwrap(), "Test", "A test", "n-1")
        .await
        .unwrap();

    assert!(!delivered);
    assert_eq!(server.requests()[0].json()["metadata"]["nonce"], "n-1");
}

#[tokio::test]
async fn a_success_that_is_something_else_is_a_wrong_address() {
    for body in ["", "hello", "[]", r#"{"id":""}"#, r#"{"id":5}"#] {
        let server = TinyServer::start(move |_| json(200, body)).await;

        assert_eq!(api(&server).me().await.unwrap_err().code(), "wrong_address", "{body}");
    }
}

#[tokio::test]
async fn no_text_of_an_error_holds_the_token_the_password_or_an_address() {
    let echo = |request: &Request| {
        json(422, &format!(r#"{{"message":"x","body_received":{}}}"#, String::from_utf8_lossy(&request.body)))
    };
    let echoing = TinyServer::start(echo).await;
    let rude = TinyServer::start(|_| Reply::HangUp).await;
    let nobody = format!("http://127.0.0.1:{}", closed_port().await);

    for url in [echoing.url(), rude.url(), nobody] {
        let api = Api::new(&http(), Endpoint::parse(&url).unwrap()).with_token("CANARY-token".into());
        let errors = [
            api.sign_in("a@example.com", &"CANARY-password".into()).await.unwrap_err(),
            api.refresh(&"CANARY-refresh".into()).await.unwrap_err(),
            api.me().await.unwrap_err(),
            api.anomalies(&ShopId::new("CANARY-shop").unwrap(), None, 1, 0).await.unwrap_err(),
        ];
        for error in errors {
            let said = format!("{error} {error:?} {:?}", error.problem());
            assert!(!said.contains("CANARY") && !said.contains("127.0.0.1"), "{said}");
        }
        assert!(!format!("{api:?}").contains("CANARY"));
    }
}

const DATE: (&str, &str) = ("date", "Sat, 21 Nov 2026 20:00:00 GMT");
const ROW: &str = include_str!("../../../../tests/fixtures/anomaly_patch_ack_200.json");

const ME: &str = r#"{"id":"u1","name":"N","email":"e@example.com","role":"OWNER","created_at":"x"}"#;

fn api(server: &TinyServer) -> Api {
    Api::new(&http(), Endpoint::parse(&server.url()).unwrap())
}

fn http() -> Http {
    let tls: Arc<rustls::ClientConfig> = tls();
    Http::new(&tls).unwrap()
}

#[tokio::test]
async fn case_25_what_a_proxy_wants_has_its_own_sentence_at_sign_in() {
    let html = ("content-type", "text/html");
    for (reply, code, word) in [
        (
            answer(401, &[("www-authenticate", "Basic realm=x"), html], "<html>"),
            "proxy",
            "basic authentication",
        ),
        (
            answer(400, &[html], "<center>The plain HTTP request was sent to HTTPS port</center>"),
            "wrong_address",
            "https://",
        ),
        (
            answer(400, &[html], "Client sent an HTTP request to an HTTPS server."),
            "wrong_address",
            "https://",
        ),
        (answer(308, &[("location", "https://127.0.0.1/auth/login")], ""), "wrong_address", "https://"),
        (answer(502, &[html], "<html>"), "server_error", "proxy in front of the server"),
        (answer(504, &[html], "<html>"), "server_error", "proxy in front of the server"),
    ] {
        let server = TinyServer::start(move |_| reply.clone()).await;

        let problem = api(&server).sign_in("a@example.com", &"pw".into()).await.unwrap_err().problem();

        assert_eq!(problem.code, code, "{}", problem.sentence);
        assert!(problem.sentence.contains(word), "{}", problem.sentence);
    }
}

#[tokio::test]
async fn case_25_https_where_http_is_and_http_where_https_is_are_said_at_sign_in() {
    let plain = answers_at_the_first_byte().await;
    let authority = Authority::new();
    let secure = TinyServer::start_tls(authority.server("localhost"), |_| json(200, LOGIN)).await;
    let sign_in = async |address: String| {
        let api = Api::new(&http(), Endpoint::parse(&address).unwrap());
        api.sign_in("a@example.com", &"pw".into()).await.unwrap_err()
    };

    let no_tls = sign_in(format!("https://127.0.0.1:{plain}")).await;
    let tls_wanted = sign_in(format!("http://127.0.0.1:{}", secure.port)).await;

    assert_eq!(no_tls, ApiError::Unreachable(Cause::NoTls));
    assert_eq!(tls_wanted, ApiError::Unreachable(Cause::TlsWanted));
}

#[tokio::test]
async fn case_36_a_long_token_refused_on_the_way_is_said_to_be_too_long() {
    for status in [400, 414, 431] {
        let server =
            TinyServer::start(move |_| answer(status, &[("content-type", "text/html")], "<html>")).await;

        let error = api(&server).with_token("t".repeat(20_000).into()).me().await.unwrap_err();

        assert_eq!(error, ApiError::Unreachable(Cause::TooLong), "{status}");
        assert!(error.problem().sentence.contains("too long"));
    }
}

/// A server without TLS that sees at once that this is no HTTP, as nginx does.
async fn answers_at_the_first_byte() -> u16 {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut bytes = [0; 1024];
            if stream.read(&mut bytes).await.is_ok() {
                let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n").await;
            }
        }
    });
    port
}

/// A proxy that keeps a connection after its first answer, and ends it when a second request comes: what it was asked.
async fn closing() -> (u16, Arc<std::sync::Mutex<Vec<String>>>) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked = Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let seen = Arc::clone(&seen);
            tokio::spawn(async move {
                let mut bytes = vec![0; 4096];
                for nth in 0..2 {
                    let read = stream.read(&mut bytes).await.unwrap_or(0);
                    let said = String::from_utf8_lossy(&bytes[..read]).into_owned();
                    let Some(line) = said.lines().next().filter(|_| nth == 0) else { return };
                    seen.lock().unwrap().push(line.to_owned());
                    let body = if line.contains("/api/anomalies") { ROW } else { ME };
                    let body = if line.contains("/auth/refresh") { LOGIN } else { body };
                    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
                    let answer = format!("{head}content-length: {}\r\n\r\n{body}", body.len());
                    let _ = stream.write_all(answer.as_bytes()).await;
                }
            });
        }
    });
    (port, asked)
}

#[tokio::test]
async fn case_32_what_finds_its_kept_connection_dead_is_said_once_more_and_a_renewal_never_twice() {
    let (port, asked) = closing().await;
    let api = Api::new(&http(), Endpoint::parse(&format!("http://127.0.0.1:{port}")).unwrap())
        .with_token("t".into());

    for _ in 0..5 {
        api.me().await.unwrap();
        api.patch(&AnomalyId::new("a1").unwrap(), Status::Acknowledged, None).await.unwrap();
        api.refresh(&"r".into()).await.unwrap();
    }

    let asked = asked.lock().unwrap();
    let count = |line: &str| asked.iter().filter(|asked| asked.starts_with(line)).count();
    assert_eq!((count("GET /auth/me"), count("PATCH"), count("POST /auth/refresh")), (5, 5, 5), "{asked:?}");
}
