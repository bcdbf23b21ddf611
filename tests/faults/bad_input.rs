//! Hostile texts and pictures, each between good alerts: the good ones arrive, the bad ones are seen and counted.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use support::backend::{Backend, Detection, Person};
use support::desk::Desk;
use support::{matrix, picture};
use visionguard_client::view::Status;

const STREAM: &str = "748e3bf7-47bf-4ce7-b2ae-bfdc7c81c983";

#[tokio::test]
async fn fault_49_hostile_texts_between_good_alerts() {
    let fault = matrix::row(49, "the double sends hostile titles, messages and links between good alerts");
    let world = World::protected().await;
    let texts = texts();

    for (person, text) in (1..).zip(&texts) {
        world.good(person);
        world.backend.send_text(&world.user, &notification(text));
        world.backend.send_text(&world.user, &intrusion(person, text));
    }

    let good = u32::try_from(texts.len()).unwrap();
    world.backend.until_acked(texts.len() * 2).await;
    // An intrusion is an alert whatever its words are.
    world.desk.until_alerts(good * 2).await;
    assert_eq!(world.desk.record().status(), Some(Status::Protected));
    assert_eq!(world.backend.sockets_ever(), 1, "the connection did not stay");
    let opened = world.desk.record().windows;
    assert!(opened.is_empty(), "a message opened the window: {opened:?}");
    for raised in world.desk.record().notifications {
        assert!(raised.title.len() < 1_000 && raised.body.len() < 10_000, "{} bytes", raised.body.len());
    }
    fault.times(2 * good);
    fault.held(&["I1", "I2", "I11"]);
}

#[tokio::test]
async fn fault_49_pictures_that_are_none_between_good_alerts() {
    let fault = matrix::row(49, "the double sends alerts whose pictures are none, between good ones");
    let world = World::protected().await;
    let pictures = pictures();

    for (person, (_, picture)) in (1..).zip(&pictures) {
        world.good(person);
        world.backend.send_text(&world.user, &detection(person + 1_000, picture));
    }

    let good = u32::try_from(pictures.len()).unwrap();
    let incidents = world.desk.until_alerts(good * 2).await;
    let mut refused = 0;
    for (number, (what, _)) in (1_001..).zip(&pictures) {
        let person = number.to_string();
        let incident = incidents.iter().find(|incident| incident.person.as_deref() == Some(person.as_str()));
        let incident = incident.unwrap_or_else(|| panic!("{what} is no alert"));
        let alert = world.desk.detail(incident).await.alerts.remove(0);
        let shown = match alert.frame {
            Some(_) => world.desk.client.frame(&alert.id).await,
            None => None,
        };
        assert_eq!(shown, None, "{what} is shown");
        assert!(alert.frame_problem.is_some(), "{what}: nothing is said");
        refused += 1;
    }
    assert_eq!(world.desk.record().status(), Some(Status::Protected));
    assert_eq!(world.backend.sockets_ever(), 1, "the connection did not stay");
    fault.measured("pictures refused, their alerts kept", refused.to_string());
    fault.times(good);
    fault.held(&["I1", "I5", "I11"]);
}

fn texts() -> Vec<String> {
    let mut texts: Vec<String> = [
        "<img src=x onerror=alert(1)>",
        "<script>alert(1)</script>",
        "</title><svg onload=alert(1)>",
        "{{7*7}}",
        "\u{202E}drawkcab",
        "zero\u{200B}\u{200D}\u{FEFF}width",
        "\u{1B}[31mred\u{1B}]0;title\u{7}",
        "two\r\nlines\u{2028}and three",
        r#"<a href="file:///etc/passwd">here</a>"#,
        "lone & and < and \"",
        "\u{0}",
        "",
    ]
    .map(str::to_owned)
    .into();
    texts.push(format!("e{}", "\u{301}".repeat(1_000)));
    texts.push("x".repeat(100_000));
    texts.push(format!("{}\u{1F600}\u{1F468}\u{200D}\u{1F469}\u{200D}\u{1F467}", "y".repeat(199)));
    texts
}

/// What is wrong, and the text in the place of a picture's base64.
fn pictures() -> Vec<(&'static str, String)> {
    let good = picture::jpeg(1);
    let base64 = |bytes: &[u8]| STANDARD.encode(bytes);
    let mut pictures = vec![
        ("no base64", "!!!! not base64".to_owned()),
        ("an SVG", base64(br#"<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>"#)),
        ("a PNG", base64(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x02\0\0\0")),
        (
            "a GIF",
            base64(b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;"),
        ),
        ("a web page", base64(b"<!doctype html><script>alert(1)</script>")),
        ("half of a marker", base64(&good[..3])),
        ("only a start", base64(&good[..2])),
    ];
    // Truncated before each marker of the header.
    let markers = good.windows(2).enumerate().filter(|(_, pair)| pair[0] == 0xFF && pair[1] > 0xBF);
    let ends: Vec<usize> = markers.map(|(at, _)| at).filter(|at| *at > 2).take(6).collect();
    pictures.extend(ends.into_iter().map(|end| ("a truncated picture", base64(&good[..end]))));
    let frame = good.windows(2).position(|pair| pair == [0xFF, 0xC0]).unwrap();
    let mut sized = |what, height: u16, width: u16| {
        let mut changed = good.to_vec();
        changed[frame + 5..frame + 7].copy_from_slice(&height.to_be_bytes());
        changed[frame + 7..frame + 9].copy_from_slice(&width.to_be_bytes());
        pictures.push((what, base64(&changed)));
    };
    sized("a picture of 65,500 by 65,500", 65_500, 65_500);
    sized("a picture of no height", 0, 160);
    sized("a picture of no width", 120, 0);
    pictures
}

/// What is tolerated is not refused: the alphabet of URLs, no padding, a `data:` prefix.
#[tokio::test]
async fn fault_49_pictures_in_other_spellings_are_pictures() {
    let fault = matrix::row(49, "the double sends pictures in base64 for URLs, unpadded, and as a data URL");
    let world = World::protected().await;
    let good = picture::jpeg(1);
    let spellings =
        [URL_SAFE_NO_PAD.encode(&good), format!("data:image/jpeg;base64,{}", STANDARD.encode(&good))];

    for (person, spelling) in (1..).zip(&spellings) {
        world.backend.send_text(&world.user, &detection(person, spelling));
    }

    let incidents = world.desk.until_alerts(2).await;
    for incident in &incidents {
        let alert = world.desk.detail(incident).await.alerts.remove(0);
        let seen = (world.desk.client.frame(&alert.id).await, alert.frame_problem.clone());
        assert!(seen.0 == Some(good.clone()) || seen.1.is_some(), "neither shown nor explained");
    }
    fault.times(2);
    fault.held(&["I1", "I11"]);
}

fn notification(text: &str) -> String {
    json!({"type": "notification", "data": {
        "notification_id": "notif_0123456789ab", "title": text, "message": text, "priority": "medium",
        "type": "info", "timestamp": "2026-11-21T20:21:27.377062", "metadata": null,
        "action_url": format!("javascript:{text}"),
    }})
    .to_string()
}

fn intrusion(person: i64, text: &str) -> String {
    let id = format!("7f0c5a0e-0000-4000-8000-{person:012}");
    json!({"type": "notification", "data": {
        "notification_id": id, "title": text, "message": text, "priority": "high", "type": "owl_eye",
        "timestamp": "2026-11-21T20:21:27.377062",
        "metadata": {"anomaly_id": id, "shop_id": null, "stream_id": format!("gate-{person}"), "num_persons": 1},
        "action_url": "file:///etc/passwd",
    }})
    .to_string()
}

fn detection(person: i64, picture: &str) -> String {
    let result: Value = json!({"person_id": person, "frame_number": person, "start_frame": 1, "score": -3.5});
    json!({
        "type": "anomaly_detected", "user_id": "u", "stream_id": STREAM, "result": result,
        "annotated_frame": picture, "frame_format": "../../x",
    })
    .to_string()
}

/// The double with one owner and one shop, and a computer that is protected.
struct World {
    backend: Backend,
    user: Person,
    shop: String,
    desk: Desk,
}

impl World {
    async fn protected() -> World {
        let (backend, desk) = (Backend::start(), Desk::new());
        let user = backend.add_user("owner@shop.example");
        let shop = backend.add_shop(&user, "Downtown");
        desk.sign_in(&backend.url(), &user.email, &user.password).await.unwrap();
        desk.until_status(Status::Protected).await;
        World { backend, user, shop, desk }
    }

    fn good(&self, person: i64) {
        self.backend
            .detect(Detection::new(&self.user, &self.shop, STREAM).person(person).frame_number(30 * person));
    }
}
