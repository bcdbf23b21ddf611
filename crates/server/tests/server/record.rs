//! The record and who sees it; bodies of the shape that the original has.

use crate::world::{World, bearer, jpeg, post_alert, request, result_of, text};
use serde_json::{Value, json};

#[tokio::test]
async fn everybody_sees_the_shops_that_are_theirs_and_no_others() {
    let world = World::new().await;
    let anomaly = world.publish(world.theft(1)).await;
    let foreign = world.publish(crate::world::theft(&world.other_shop, 2)).await;

    for (person, own, others, shop, other_shop) in [
        (&world.owner, &anomaly, &foreign, &world.shop, &world.other_shop),
        (&world.manager, &anomaly, &foreign, &world.shop, &world.other_shop),
        (&world.stranger, &foreign, &anomaly, &world.other_shop, &world.shop),
    ] {
        let token = world.token(person).await;

        let list = world.get("/api/anomalies", &token).await.json();
        assert_eq!(list["total"], 1);
        assert_eq!(list["anomalies"][0]["id"], **own);
        let shops = world.get("/shops", &token).await.json();
        assert_eq!(shops.as_array().unwrap().len(), 1);
        assert_eq!(shops[0]["id"], shop.as_str());
        assert_eq!(world.get("/api/anomalies/stats/summary", &token).await.json()["total"], 1);

        let by_shop = |shop: &str| format!("/api/anomalies?shop_id={shop}");
        assert_eq!(world.get(&by_shop(shop.as_str()), &token).await.json()["total"], 1);
        assert_eq!(world.get(&by_shop(other_shop.as_str()), &token).await.status, 403);
        assert_eq!(world.get(&by_shop("nowhere"), &token).await.status, 403);
        let stats = format!("/api/anomalies/stats/summary?shop_id={other_shop}");
        assert_eq!(world.get(&stats, &token).await.status, 403);

        assert_eq!(world.get(&format!("/api/anomalies/{own}"), &token).await.status, 200);
        let path = format!("/api/anomalies/{others}");
        assert_eq!(world.get(&path, &token).await.status, 404);
        assert_eq!(world.patch(&path, &token, &json!({ "status": "resolved" })).await.status, 404);
    }
    let stranger = world.token(&world.stranger).await;
    let untouched = world.get(&format!("/api/anomalies/{foreign}"), &stranger).await.json();
    assert_eq!(untouched["status"], "pending");
}

#[tokio::test]
async fn a_picture_is_served_to_its_shop_alone_and_never_by_path() {
    let world = World::new().await;
    let alert = json!({ "shop_id": world.shop, "stream_id": "s", "result": result_of(1) });
    let picture = jpeg(320, 200);
    post_alert(world.server.address, &world.service, &alert, Some(&picture), None).await;
    let token = world.token(&world.manager).await;
    let url = text(&world.get("/api/anomalies", &token).await.json()["anomalies"][0]["image_url"]);

    let served = world.get(&url, &token).await;
    assert_eq!(served.status, 200);
    assert_eq!(served.headers["content-type"], "image/jpeg");
    assert_eq!(served.bytes, picture);
    let tag = served.headers["etag"].to_str().unwrap().to_owned();
    let known = [bearer(&token), ("if-none-match", tag)];
    let again = request(world.server.address, "GET", &url, &known, axum::body::Body::empty()).await;
    assert_eq!((again.status.as_u16(), again.bytes.len()), (304, 0));

    assert_eq!(world.get(&url, "").await.status, 401);
    assert_eq!(world.get(&format!("{url}?token={token}"), "").await.status, 401);
    assert_eq!(world.get(&url, &world.token(&world.stranger).await).await.status, 404);
    for path in ["../secret", "..%2fsecret", "%252e%252e%252fsecret", "server.sqlite3"] {
        let path = format!("/api/anomalies/frames/{}/{path}", world.shop);
        assert_eq!(world.get(&path, &token).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn the_list_is_newest_first_filtered_and_in_pages() {
    let world = World::new().await;
    let token = world.token(&world.owner).await;
    let mut ids = Vec::new();
    for person in 0..5 {
        ids.push(world.publish(world.theft(person)).await);
    }
    world.patch(&format!("/api/anomalies/{}", ids[2]), &token, &json!({ "status": "RESOLVED" })).await;
    let page = async |query: &str| {
        let body = world.get(&format!("/api/anomalies?{query}"), &token).await.json();
        let ids: Vec<String> =
            body["anomalies"].as_array().unwrap().iter().map(|row| text(&row["id"])).collect();
        (body["total"].as_u64().unwrap(), ids)
    };

    assert_eq!(page("limit=2").await, (5, vec![ids[4].clone(), ids[3].clone()]));
    assert_eq!(page("limit=2&offset=4").await, (5, vec![ids[0].clone()]));
    assert_eq!(page("limit=2&offset=9").await, (5, vec![]));
    assert_eq!(page("status=resolved").await, (1, vec![ids[2].clone()]));
    assert_eq!(page("status=pending&severity=low").await.0, 4);
    assert_eq!(page("severity=high").await.0, 0);

    for (query, status) in [
        ("limit=0", 422),
        ("limit=501", 422),
        ("limit=many", 422),
        ("offset=-1", 422),
        ("status=nope", 400),
        ("severity=nope", 400),
    ] {
        assert_eq!(world.get(&format!("/api/anomalies?{query}"), &token).await.status, status, "{query}");
    }
}

#[tokio::test]
async fn a_decision_is_recorded_with_who_made_it() {
    let world = World::new().await;
    let token = world.token(&world.manager).await;
    let path = format!("/api/anomalies/{}", world.publish(world.theft(1)).await);

    let acknowledged =
        world.patch(&path, &token, &json!({ "status": "acknowledged", "notes": "seen" })).await.json();
    assert_eq!(acknowledged["status"], "acknowledged");
    assert_eq!(acknowledged["notes"], "seen");
    assert_eq!(acknowledged["acknowledged_by"], world.manager.id.as_str());
    assert!(text(&acknowledged["acknowledged_at"]).ends_with('Z'));
    assert_eq!((&acknowledged["resolved_by"], &acknowledged["resolved_at"]), (&Value::Null, &Value::Null));

    let owner = world.token(&world.owner).await;
    let resolved = world.patch(&path, &owner, &json!({ "status": "resolved" })).await.json();
    assert_eq!(resolved["resolved_by"], world.owner.id.as_str());
    assert_eq!(resolved["acknowledged_by"], world.manager.id.as_str());
    assert_eq!(resolved["notes"], "seen");

    for (body, status) in [
        (json!({ "status": "nope" }), 400),
        (json!({}), 422),
        (json!([]), 422),
        (Value::String(String::new()), 422),
    ] {
        assert_eq!(world.patch(&path, &token, &body).await.status, status, "{body}");
    }
    let odd = "/api/anomalies/not-a-uuid";
    assert_eq!(world.get(odd, &token).await.status, 422);
}

#[tokio::test]
async fn a_repeated_publish_is_one_alert_and_a_reused_key_is_refused() {
    let world = World::new().await;
    let alert = |person| json!({ "shop_id": world.shop, "stream_id": "s", "result": result_of(person) });
    let publish = async |person: i64, key: &str| {
        post_alert(world.server.address, &world.service, &alert(person), Some(&jpeg(32, 32)), Some(key)).await
    };

    let first = publish(1, "key-1").await;
    let again = publish(1, "key-1").await;
    let other = publish(2, "key-1").await;
    let another = publish(2, "key-2").await;

    assert_eq!((first.status.as_u16(), again.status.as_u16()), (202, 202));
    assert_eq!(first.json()["alert_id"], again.json()["alert_id"]);
    assert_eq!((&first.json()["repeated"], &again.json()["repeated"]), (&json!(false), &json!(true)));
    assert_eq!(first.json()["at"], again.json()["at"]);
    assert_eq!(other.status, 422);
    assert_eq!(another.status, 202);
    let token = world.token(&world.owner).await;
    assert_eq!(world.get("/api/anomalies", &token).await.json()["total"], 2);
}

#[tokio::test]
async fn a_score_that_is_no_number_does_not_cost_the_alert() {
    let world = World::new().await;
    let good = json!({ "shop_id": world.shop, "stream_id": "s", "result": { "score": 0, "person_id": 1 } });
    let python = good.to_string().replace("\"score\":0", "\"score\":NaN");

    let answer = post_alert(world.server.address, &world.service, &python, None, None).await;

    assert_eq!(answer.status, 202, "{answer:?}");
    let token = world.token(&world.owner).await;
    let row = &world.get("/api/anomalies", &token).await.json()["anomalies"][0];
    assert_eq!(row["confidence_score"], Value::Null);
    assert_eq!(row["extra_data"]["person_id"], 1);
}

#[tokio::test]
async fn what_a_pipeline_may_not_publish_is_refused_and_leaves_no_trace() {
    let world = World::new().await;
    let good = json!({ "shop_id": world.shop, "stream_id": "s", "result": {} });
    let change = |field: &str, value: Value| {
        let mut alert = good.clone();
        alert[field] = value;
        alert
    };
    let refuse = async |alert: Value, picture: Option<&[u8]>| {
        post_alert(world.server.address, &world.service, &alert, picture, None).await.status.as_u16()
    };

    assert_eq!(refuse(change("shop_id", json!("nowhere")), None).await, 422);
    assert_eq!(refuse(change("anomaly_type", json!("fire")), None).await, 422);
    assert_eq!(refuse(change("severity", json!("huge")), None).await, 422);
    assert_eq!(refuse(change("result", json!("a text")), None).await, 422);
    assert_eq!(refuse(change("location", json!("x".repeat(300))), None).await, 422);
    assert_eq!(refuse(change("stream_id", json!("")), None).await, 422);
    assert_eq!(refuse(good.clone(), Some(&vec![0xff; 65 * 1024 * 1024])).await, 413);

    let token = world.token(&world.owner).await;
    assert_eq!(world.get("/api/anomalies", &token).await.json()["total"], 0);
}

#[tokio::test]
async fn old_pictures_are_forgotten_and_their_rows_stay() {
    let world = World::with(|config| config.keep_pictures = std::time::Duration::from_secs(3600)).await;
    let token = world.token(&world.owner).await;
    let fresh = world.publish(world.theft(1)).await;

    let row = world.get(&format!("/api/anomalies/{fresh}"), &token).await.json();
    assert!(row["image_url"].is_string());
    // A restart with a shorter time forgets at once.
    let World { server, directory, .. } = world;
    server.stop().await;
    let mut config = visionguard_server::Config::new(directory.path());
    config.keep_pictures = std::time::Duration::ZERO;
    let server = visionguard_server::Server::start(config).await.unwrap();

    crate::world::until("the picture is forgotten", async || {
        let path = format!("/api/anomalies/{fresh}");
        let row = request(server.address, "GET", &path, &[bearer(&token)], axum::body::Body::empty()).await;
        row.json()["image_url"].is_null()
    })
    .await;
}
