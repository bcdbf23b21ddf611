//! Sign-in, refresh, sign-out, and every token that must not be taken for one of ours.

use std::time::Duration;

use crate::world::{PASSWORD, World, handshake, secret, text, until};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

#[tokio::test]
async fn a_wrong_password_and_an_unknown_user_are_refused_alike() {
    let world = World::new().await;
    let wrong = json!({ "email": world.owner.email, "password": "not this one" });
    let unknown = json!({ "email": "nobody@shop.example", "password": "not this one" });

    for body in [wrong, unknown] {
        let answer = world.post("/auth/login", "", &body).await;

        assert_eq!(answer.status, 401);
        assert_eq!(answer.json(), json!({ "detail": "Invalid credentials" }));
        assert_eq!(answer.headers["www-authenticate"], "Bearer");
    }
}

#[tokio::test]
async fn a_refused_body_is_never_echoed() {
    let world = World::new().await;

    for body in [
        json!({ "email": "nope", "password": "hunter22" }),
        json!({ "email": ["hunter22"] }),
        json!({ "password": "hunter22", "email": 1 }),
        json!("hunter22"),
    ] {
        let answer = world.post("/auth/login", "", &body).await;

        assert_eq!(answer.status, 422, "{body}");
        assert!(!String::from_utf8_lossy(&answer.bytes).contains("hunter22"), "{answer:?}");
    }
}

#[tokio::test]
async fn guessing_is_slowed_down_and_says_for_how_long() {
    let world = World::with(|config| config.limits.sign_in_burst = 3).await;
    let body = json!({ "email": world.owner.email, "password": "a guess" });

    for _ in 0..3 {
        assert_eq!(world.post("/auth/login", "", &body).await.status, 401);
    }
    let answer = world.post("/auth/login", "", &body).await;

    assert_eq!(answer.status, 429);
    let wait: u64 = answer.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=12).contains(&wait), "{wait}");
    assert!(!world.token(&world.manager).await.is_empty(), "others are not held up");
}

#[tokio::test]
async fn a_refresh_retires_the_old_token_once_the_new_one_is_used() {
    let world = World::new().await;
    let first = text(&world.sign_in(&world.owner).await["refresh_token"]);

    let second = refreshed(&world, &first).await.unwrap();
    // The answer may have been lost: the first still holds until the second is used.
    let second_again = refreshed(&world, &first).await.unwrap();
    assert_ne!(second, second_again);
    let third = refreshed(&world, &second_again).await.unwrap();

    assert_eq!(refreshed(&world, &first).await, None, "a retired token was taken");
    assert_eq!(refreshed(&world, &third).await, None, "its thief could go on");
}

#[tokio::test]
async fn a_stolen_refresh_token_ends_the_session_and_its_socket() {
    let world = World::new().await;
    let tokens = world.sign_in(&world.owner).await;
    let (access, first) = (text(&tokens["access_token"]), text(&tokens["refresh_token"]));
    let mut socket = crate::world::connect(world.server.address, &world.owner.id, &access).await;
    let second = refreshed(&world, &first).await.unwrap();
    refreshed(&world, &second).await.unwrap();

    assert_eq!(refreshed(&world, &first).await, None);

    assert_eq!(u16::from(socket.closed().await.unwrap().code), 1008);
    assert_eq!(world.get("/auth/me", &access).await.status, 401);
}

#[tokio::test]
async fn signing_out_revokes_both_tokens_and_closes_the_socket_of_that_session_alone() {
    let world = World::new().await;
    let tokens = world.sign_in(&world.owner).await;
    let access = text(&tokens["access_token"]);
    let other = world.token(&world.owner).await;
    let mut socket = crate::world::connect(world.server.address, &world.owner.id, &access).await;
    let mut other_socket = crate::world::connect(world.server.address, &world.owner.id, &other).await;

    let answer = world.post("/auth/logout", &access, &Value::Null).await;

    assert_eq!(answer.json(), json!({ "message": "Successfully logged out" }));
    assert_eq!(u16::from(socket.closed().await.unwrap().code), 1008);
    assert_eq!(world.get("/auth/me", &access).await.status, 401);
    assert_eq!(refreshed(&world, &text(&tokens["refresh_token"])).await, None);
    assert_eq!(world.get("/auth/me", &other).await.status, 200);
    other_socket.send(json!({ "type": "ping" })).await;
    other_socket.message("pong").await;
}

#[tokio::test]
async fn a_barred_user_is_out_everywhere() {
    let world = World::with(|config| config.sockets.recheck_every = Duration::from_millis(50)).await;
    let tokens = world.sign_in(&world.manager).await;
    let access = text(&tokens["access_token"]);
    let mut socket = crate::world::connect(world.server.address, &world.manager.id, &access).await;

    world.server.users().set_disabled(&world.manager.id, true).await.unwrap();

    assert_eq!(u16::from(socket.closed().await.unwrap().code), 1008);
    assert_eq!(world.get("/auth/me", &access).await.status, 401);
    assert_eq!(refreshed(&world, &text(&tokens["refresh_token"])).await, None);
    let again = json!({ "email": world.manager.email, "password": PASSWORD });
    assert_eq!(world.post("/auth/login", "", &again).await.status, 401);
}

#[tokio::test]
async fn a_socket_outlives_its_token_and_a_new_one_needs_a_new_token() {
    let world = World::new().await;
    let fresh = world.token(&world.owner).await;
    // Expired, and for a few seconds more forgiven as a difference of clocks.
    let expired_at = jiff::Timestamp::now().as_second() - 26;
    let token = forged(&world, &fresh, |claims| claims["exp"] = json!(expired_at));
    let mut socket = crate::world::connect(world.server.address, &world.owner.id, &token).await;

    until("the token is dead", async || world.get("/auth/me", &token).await.status == 401).await;

    world.publish(world.theft(1)).await;
    socket.message("anomaly_detected").await;
    let path = format!("/ws/alerts/{}?token={token}", world.owner.id);
    assert_eq!(handshake(world.server.address, &path, &[]).await.err().unwrap().status(), 401);
}

#[tokio::test]
async fn no_abused_token_opens_anything() {
    let world = World::with(|config| config.secret = Some(secret())).await;
    let tokens = world.sign_in(&world.owner).await;
    let good = text(&tokens["access_token"]);
    let parts: Vec<&str> = good.split('.').collect();
    let change = |claim: &str, value: Value| forged(&world, &good, |claims| claims[claim] = value);
    let without = |claim: &str| {
        forged(&world, &good, |claims| {
            claims.as_object_mut().unwrap().remove(claim);
        })
    };
    let owner = world.owner.id.to_string();
    let abused = [
        ("no token", String::new()),
        ("garbage", "garbage".to_owned()),
        ("alg none", format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{}.", parts[1])),
        ("no signature", format!("{}.{}.", parts[0], parts[1])),
        ("five parts", format!("{good}.a.b")),
        ("another secret", signed(&claims_of(&good), b"another secret of thirty-two bytes")),
        ("HS512", signed_with(&claims_of(&good), Algorithm::HS512)),
        ("refresh as access", text(&tokens["refresh_token"])),
        ("service as access", world.service.clone()),
        ("no exp", without("exp")),
        ("no sub", without("sub")),
        ("no jti", without("jti")),
        ("no typ", without("typ")),
        ("no iat", without("iat")),
        ("expired", change("exp", json!(1_700_000_000))),
        ("nbf ahead", change("nbf", json!(9_999_999_999_u64))),
        ("exp is a text", change("exp", json!("9999999999"))),
        ("deleted user", change("sub", json!("7f0c5a0e-0000-4000-8000-000000000000"))),
        ("sub in capitals", change("sub", json!(owner.to_uppercase()))),
        ("sub without hyphens", change("sub", json!(owner.replace('-', "")))),
        ("sub as urn", change("sub", json!(format!("urn:uuid:{owner}")))),
        ("unknown session", change("sid", json!("7f0c5a0e-0000-4000-8000-000000000000"))),
        ("foreign audience", change("aud", json!("somebody else"))),
        ("60 kB", "a".repeat(60_000)),
    ];

    for (what, token) in &abused {
        // Headers of 60 kB are refused before anybody looks at the token.
        let refused = [401, 431];
        let path = format!("/ws/alerts/{owner}");
        let opened = handshake(world.server.address, &format!("{path}?token={token}"), &[]).await;
        let status = opened.err().unwrap_or_else(|| panic!("{what} opened a socket")).status();
        assert!(refused.contains(&status.as_u16()) || status == 414, "{what}: {status}");
        let status = world.get("/auth/me", token).await.status;
        assert!(refused.contains(&status.as_u16()), "{what}: {status}");
        let status = world.get("/shops", token).await.status;
        assert!(refused.contains(&status.as_u16()), "{what}: {status}");
    }
    assert_eq!(world.get("/auth/me", &good).await.status, 200);
}

#[tokio::test]
async fn two_tokens_that_differ_are_refused() {
    let world = World::new().await;
    let mine = world.token(&world.owner).await;
    let other = world.token(&world.owner).await;
    let path = format!("/ws/alerts/{}", world.owner.id);
    let both = |query: &str, header: &str| {
        let (path, header) = (format!("{path}?token={query}"), format!("Bearer {header}"));
        let address = world.server.address;
        async move { handshake(address, &path, &[("authorization", &header)]).await.map(|_| ()) }
    };

    assert_eq!(both(&mine, &other).await.unwrap_err().status(), 401);
    assert!(both(&mine, &mine).await.is_ok());
    let twice = format!("{path}?token={mine}&token={other}");
    assert_eq!(handshake(world.server.address, &twice, &[]).await.err().unwrap().status(), 401);
}

#[tokio::test]
async fn the_token_in_the_address_can_be_forbidden() {
    let world = World::with(|config| config.token_in_query = false).await;
    let token = world.token(&world.owner).await;
    let path = format!("/ws/alerts/{}", world.owner.id);

    let in_query = handshake(world.server.address, &format!("{path}?token={token}"), &[]).await;
    let header = format!("Bearer {token}");
    let in_header = handshake(world.server.address, &path, &[("authorization", &header)]).await;

    assert_eq!(in_query.err().unwrap().status(), 401);
    assert!(in_header.is_ok());
}

#[tokio::test]
async fn a_service_token_publishes_and_does_nothing_else() {
    let world = World::new().await;
    let user = world.token(&world.owner).await;
    let alert = json!({ "shop_id": world.shop, "stream_id": "s", "result": {} });

    let by_user = crate::world::post_alert(world.server.address, &user, &alert, None, None).await;
    let by_service = crate::world::post_alert(world.server.address, &world.service, &alert, None, None).await;

    assert_eq!(by_user.status, 401);
    assert_eq!(by_service.status, 202);
    assert_eq!(world.get("/api/anomalies", &world.service).await.status, 401);
}

async fn refreshed(world: &World, token: &str) -> Option<String> {
    let answer = world.post("/auth/refresh", "", &json!({ "refresh_token": token })).await;
    match answer.status.as_u16() {
        200 => Some(text(&answer.json()["refresh_token"])),
        401 => None,
        other => panic!("{other}: {answer:?}"),
    }
}

/// The token with changed claims, signed with the server's own secret.
fn forged(world: &World, token: &str, change: impl FnOnce(&mut Value)) -> String {
    let kept = std::fs::read_to_string(world.directory.path().join("secret"));
    let secret = kept.unwrap_or_else(|_| secret().expose_secret().to_owned());
    let mut claims = claims_of(token);
    change(&mut claims);
    signed(&claims, secret.as_bytes())
}

fn signed(claims: &Value, secret: &[u8]) -> String {
    encode(&Header::new(Algorithm::HS256), claims, &EncodingKey::from_secret(secret).unwrap()).unwrap()
}

fn signed_with(claims: &Value, algorithm: Algorithm) -> String {
    let key = EncodingKey::from_secret(secret().expose_secret().as_bytes()).unwrap();
    encode(&Header::new(algorithm), claims, &key).unwrap()
}

fn claims_of(token: &str) -> Value {
    jsonwebtoken::dangerous::insecure_decode_claims(token).unwrap()
}
