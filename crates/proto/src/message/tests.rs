use proptest::prelude::*;

use super::*;
use crate::alert::{Kind, Picture, Via};
use crate::frame::FrameError;

macro_rules! fixture {
    ($name:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/", $name))
    };
}

#[test]
fn the_golden_detection_is_read_whole() {
    let alert = alert(fixture!("ws_anomaly_detected.json"));

    assert_eq!((alert.via, alert.kind), (Via::Detection, Kind::Theft));
    assert_eq!(alert.stream_id.unwrap().as_str(), "748e3bf7-47bf-4ce7-b2ae-bfdc7c81c983");
    assert_eq!((alert.person_id, alert.start_frame, alert.frame_number), (Some(1), Some(1), Some(30)));
    assert_eq!(alert.score, Some(3.5));
    assert_eq!((alert.anomaly_id, alert.shop_id, alert.detected_at), (None, None, None));
    assert_eq!(alert.bounding_box, None);
    assert!(matches!(alert.picture, Picture::Jpeg(_)));
}

#[test]
fn a_detection_with_a_box_keeps_it() {
    let alert = alert(fixture!("ws_anomaly_detected_with_bbox.json"));

    let rectangle = alert.bounding_box.unwrap();
    assert!(rectangle.width > 0.0 && rectangle.height > 0.0);
}

#[test]
fn a_detection_whose_score_is_nan_is_not_lost() {
    let read = ServerMessage::read(fixture!("ws_anomaly_detected_nan_score.txt")).unwrap();

    let ServerMessage::Alert(alert) = read.message else { panic!("not an alert") };
    assert!(read.repaired);
    assert_eq!((alert.score, alert.person_id), (None, Some(1)));
    assert_eq!(alert.picture, Picture::Absent);
}

#[test]
fn the_notification_of_a_detection_brings_its_id_and_shop() {
    let alert = alert(fixture!("ws_notification_pipeline.json"));

    assert_eq!((alert.via, alert.kind), (Via::Notification, Kind::Theft));
    assert_eq!(alert.anomaly_id.unwrap().as_str(), "c738dd76-6dd0-4261-896d-856f95f838c6");
    assert_eq!(alert.shop_id.unwrap().as_str(), "48ec0888-5ce9-4367-84e7-0a893534e000");
    assert_eq!(alert.stream_id.unwrap().as_str(), "748e3bf7-47bf-4ce7-b2ae-bfdc7c81c983");
    assert_eq!(alert.person_id, Some(1));
    assert_eq!(alert.detected_at.unwrap().to_string(), "2026-11-21T20:39:03.525539Z");
    assert_eq!(alert.picture, Picture::Absent);
}

#[test]
fn an_owl_eye_notification_is_an_intrusion_without_a_picture() {
    let alert = alert(fixture!("ws_notification_owl_eye.json"));

    assert_eq!((alert.via, alert.kind), (Via::Notification, Kind::Intrusion));
    assert_eq!(alert.stream_id.unwrap().as_str(), "stream-1");
    assert_eq!(alert.claimed_severity.as_deref(), Some("high"));
    assert!(alert.anomaly_id.is_some());
    assert_eq!(alert.picture, Picture::Absent);
}

#[test]
fn a_notification_of_a_person_is_a_notice() {
    let notice = notice(fixture!("ws_notification_rest.json"));

    assert_eq!(notice.id, "notif_4ddb247e5ad7");
    assert_eq!(notice.title, "Suspicious Activity");
    assert_eq!(notice.priority.as_deref(), Some("high"));
}

#[test]
fn a_notice_may_lack_its_metadata() {
    assert_eq!(notice(fixture!("ws_notification_nulls.json")).message, "M");
}

#[test]
fn heartbeats_are_read() {
    assert_eq!(message(fixture!("ws_ping.json")), ServerMessage::Ping { head: None });
    assert_eq!(message(fixture!("ws_pong.json")), ServerMessage::Pong);
}

#[test]
fn the_fields_that_our_server_adds_are_read() {
    let alert = alert(
        r#"{"type":"anomaly_detected","stream_id":"s","result":{},"alert_id":"a","shop_id":"h",
            "at":"2026-11-21T20:39:03Z","severity":"high"}"#,
    );

    assert_eq!(alert.anomaly_id.unwrap().as_str(), "a");
    assert_eq!(alert.shop_id.unwrap().as_str(), "h");
    assert_eq!(alert.detected_at.unwrap().to_string(), "2026-11-21T20:39:03Z");
    assert_eq!(alert.claimed_severity.as_deref(), Some("high"));
}

#[test]
fn the_golden_welcome_is_read() {
    let recovered = welcome(fixture!("ws_v2_welcome.json"));

    assert_eq!((recovered.protocol, recovered.epoch.as_str()), (2, "4f1c2a9be07d4c3a"));
    assert_eq!((recovered.head.as_str(), recovered.recovered), ("4f1c2a9be07d4c3a.41", true));
    assert_eq!((recovered.ping_seconds, recovered.dead_seconds), (Some(30), Some(60)));
    assert_eq!(recovered.to_text(), fixture!("ws_v2_welcome.json"));
    assert!(!welcome(fixture!("ws_v2_welcome_gap.json")).recovered);
}

#[test]
fn a_welcome_that_does_not_say_that_it_recovered_did_not() {
    let read = welcome(r#"{"type":"welcome","protocol":2,"epoch":"e","head":"e.0","ping_seconds":-1}"#);

    assert!(!read.recovered);
    assert_eq!((read.ping_seconds, read.dead_seconds), (None, None));
}

#[test]
fn a_welcome_without_protocol_epoch_or_head_is_incomplete() {
    let long = "x".repeat(201);
    for (text, field) in [
        (r#"{"type":"welcome","epoch":"e","head":"e.0"}"#.to_owned(), "protocol"),
        (r#"{"type":"welcome","protocol":2,"head":"e.0"}"#.to_owned(), "epoch"),
        (r#"{"type":"welcome","protocol":2,"epoch":"e"}"#.to_owned(), "head"),
        (format!(r#"{{"type":"welcome","protocol":2,"epoch":"e","head":"{long}"}}"#), "head"),
    ] {
        assert_eq!(ServerMessage::read(&text), Err(ReadError::Incomplete { kind: "welcome", field }));
    }
}

#[test]
fn a_ping_may_tell_the_head_of_the_log() {
    let head = Cursor::new("4f1c2a9be07d4c3a.41").ok();

    assert_eq!(message(fixture!("ws_v2_ping.json")), ServerMessage::Ping { head: head.clone() });
    assert_eq!(message(&ServerMessage::ping(head.as_ref())), ServerMessage::Ping { head });
    assert_eq!(ServerMessage::ping(None), r#"{"type":"ping"}"#);
}

#[test]
fn an_alert_of_the_log_is_the_same_as_text_and_as_binary() {
    let text = alert(fixture!("ws_v2_alert.json"));
    let binary = binary_alert(golden_binary());

    assert_eq!(text, binary);
    assert_eq!(text.cursor.unwrap().as_str(), "4f1c2a9be07d4c3a.41");
    assert_eq!(text.text.as_deref(), Some("Anomalous behavior detected (Person ID: 1, Confidence: Low)"));
    assert!(text.replayed && matches!(text.picture, Picture::Jpeg(_)));
}

#[test]
fn what_a_server_writes_of_the_log_is_the_golden_message() {
    let message = golden_binary();
    let length = usize::try_from(u32::from_be_bytes(*message.first_chunk().unwrap())).unwrap();
    let (header, picture) = message[4..].split_at(length);
    let header = std::str::from_utf8(header).unwrap();
    let bare = header.replace(r#","cursor":"4f1c2a9be07d4c3a.41","replayed":true"#, "");

    let written = alert_header(&bare, &Cursor::new("4f1c2a9be07d4c3a.41").unwrap(), true);

    assert_eq!(written, header);
    assert_eq!(super::binary(&written, picture), message);
    assert_eq!(alert_text(written, picture), fixture!("ws_v2_alert.json"));
}

#[test]
fn an_intrusion_of_the_log_says_so_and_may_lack_its_picture() {
    let alert = binary_alert(include_bytes!("../../../../tests/fixtures/ws_v2_alert_no_picture.bin"));

    assert_eq!((alert.kind, alert.picture), (Kind::Intrusion, Picture::Absent));
    assert!(!alert.replayed);
}

#[test]
fn a_binary_picture_is_checked_like_any_other() {
    let header = br#"{"type":"anomaly_detected","stream_id":"s"}"#;

    let nonsense = binary_alert(&super::binary(std::str::from_utf8(header).unwrap(), b"no picture"));
    let cut = binary_alert(&golden_binary()[..golden_binary().len() - 20]);

    assert_eq!(nonsense.picture, Picture::Refused(FrameError::NotJpeg));
    assert!(matches!(&cut.picture, Picture::Jpeg(jpeg) if !jpeg.has_end() && !jpeg.is_plain()));
}

#[test]
fn a_binary_message_with_a_wrong_length_is_refused() {
    for (message, header) in [
        (&b""[..], 0),
        (&b"\0\0\0"[..], 0),
        (&b"\0\0\0\x03{}"[..], 3),
        (&b"\xff\xff\xff\xff{}"[..], 0xffff_ffff),
    ] {
        let bytes = message.len();
        assert_eq!(ServerMessage::read_binary(message), Err(ReadError::BadLength { bytes, header }));
    }
}

#[test]
fn a_binary_message_that_is_no_alert_is_refused() {
    let read = |header: &[u8]| {
        let length = u32::try_from(header.len()).unwrap().to_be_bytes();
        ServerMessage::read_binary(&[&length, header].concat())
    };

    assert_eq!(read(br#"{"type":"ping"}"#), Err(ReadError::NotAnAlert { bytes: 19 }));
    assert!(matches!(read(b""), Err(ReadError::NotJson { .. })));
    assert!(matches!(read(b"\xff{}"), Err(ReadError::NotJson { column: 0, .. })));
    assert!(matches!(read(b"[]"), Err(ReadError::NoType { .. })));
    assert!(read(br#"{"type":"anomaly_detected","stream_id":"s","result":{"score":NaN}}"#).unwrap().repaired);
}

#[test]
fn a_person_may_be_a_number_in_any_dress() {
    for (value, person) in [
        ("3", Some(3)),
        ("3.0", Some(3)),
        ("\"3\"", Some(3)),
        ("\" 3.0 \"", Some(3)),
        ("-1", Some(-1)),
        ("null", None),
        ("true", None),
        ("3.5", None),
        ("\"x\"", None),
        ("9223372036854775808", None),
        ("1e400", None),
        ("[3]", None),
        ("{}", None),
    ] {
        let alert = alert(&format!(
            r#"{{"type":"anomaly_detected","stream_id":"s","result":{{"person_id":{value}}}}}"#
        ));
        assert_eq!(alert.person_id, person, "{value}");
    }
}

#[test]
fn confidence_and_every_other_field_may_hold_anything() {
    for value in ["\"High\"", "0.95", "NaN", "{\"a\":[1,{}]}", "null", "[[[]]]", "-Infinity"] {
        let text = format!(
            r#"{{"type":"anomaly_detected","stream_id":"s","result":{{"confidence":{value},"score":{value},"bbox":{value},
                "pose_dict":{value}}},"severity":{value},"at":{value},"shop_id":{value},"annotated_frame":{value}}}"#
        );
        assert_eq!(alert(&text).stream_id.unwrap().as_str(), "s", "{value}");
    }
}

#[test]
fn a_detection_without_a_result_is_still_an_alert() {
    for result in ["", r#","result":null"#, r#","result":5"#, r#","result":[]"#] {
        let text = format!(r#"{{"type":"anomaly_detected","stream_id":"s"{result}}}"#);
        assert_eq!(alert(&text).person_id, None);
    }
}

#[test]
fn a_detection_that_says_nothing_is_incomplete() {
    let error = ServerMessage::read(r#"{"type":"anomaly_detected","stream_id":"","result":{}}"#).unwrap_err();

    assert_eq!(error, ReadError::Incomplete { kind: "anomaly_detected", field: "stream_id" });
}

#[test]
fn a_bad_picture_leaves_the_alert() {
    let alert = alert(
        r#"{"type":"anomaly_detected","stream_id":"s","annotated_frame":"no base64","frame_format":"../x"}"#,
    );

    assert_eq!(alert.picture, Picture::Refused(FrameError::NotBase64));
}

#[test]
fn a_key_given_twice_counts_as_its_last() {
    let alert = alert(r#"{"type":"x","type":"anomaly_detected","stream_id":"a","stream_id":"b"}"#);

    assert_eq!(alert.stream_id.unwrap().as_str(), "b");
}

#[test]
fn unknown_types_are_named_but_not_at_length() {
    let name = "é".repeat(100);

    let ServerMessage::Unknown(kept) = message(&format!(r#"{{"type":"{name}"}}"#)) else { panic!("known") };

    assert_eq!(kept, "é".repeat(40));
    assert_eq!(message(r#"{"type":"__proto__"}"#), ServerMessage::Unknown("__proto__".to_owned()));
}

#[test]
fn what_is_no_object_with_a_type_is_refused() {
    for text in ["[]", "\"x\"", "5", "null", "{}", r#"{"type":5}"#, r#"{"type":null}"#, r#"{"type":{"a":1}}"#]
    {
        assert_eq!(ServerMessage::read(text), Err(ReadError::NoType { bytes: text.len() }), "{text}");
    }
    for text in ["", "hello", "{", r#"{"type":"ping""#, r#"{"type":"ping"}}"#] {
        assert!(matches!(ServerMessage::read(text), Err(ReadError::NotJson { .. })), "{text}");
    }
}

#[test]
fn a_byte_order_mark_is_no_reason_to_lose_a_message() {
    assert_eq!(message("\u{feff}{\"type\":\"ping\"}"), ServerMessage::Ping { head: None });
}

#[test]
fn deep_nesting_is_survived() {
    for depth in [200, 1_000_000] {
        let nest = "[".repeat(depth);
        assert!(ServerMessage::read(&nest).is_err());
        let inside = format!(r#"{{"type":"ping","x":{nest}{}}}"#, "]".repeat(depth));
        let _ = ServerMessage::read(&inside);
        let known = format!(r#"{{"type":"notification","data":{nest}{}}}"#, "]".repeat(depth));
        assert!(ServerMessage::read(&known).is_err());
    }
}

#[test]
fn half_a_surrogate_pair_does_not_lose_an_alert() {
    let alert = alert(
        r#"{"type":"notification","data":{"message":"x\ud83d","type":"owl_eye","metadata":{"anomaly_id":"a"}}}"#,
    );

    assert_eq!(alert.text.as_deref(), Some("x\u{fffd}"));
}

#[test]
fn texts_of_people_are_cut_between_characters() {
    let long = "😀".repeat(3_000);
    let text = format!(
        r#"{{"type":"notification","data":{{"title":"{long}","message":"{long}","priority":"HIGH"}}}}"#
    );

    let notice = notice(&text);

    assert_eq!(notice.title.chars().count(), 200);
    assert_eq!(notice.message.chars().count(), 1_000);
    assert_eq!(notice.priority.as_deref(), Some("high"));
}

#[test]
fn a_notice_keeps_its_nonce_and_only_a_known_priority() {
    let notice = notice(
        r#"{"type":"notification","data":{"title":"t","priority":"<b>","metadata":{"nonce":"n-1"},"notification_id":7}}"#,
    );

    assert_eq!((notice.nonce.as_deref(), notice.priority, notice.id.as_str()), (Some("n-1"), None, "7"));
}

#[test]
fn a_notice_cannot_pass_for_an_alert_by_an_id_alone() {
    let text = r#"{"type":"notification","data":{"title":"t","message":"m","metadata":{"anomaly_id":"a"}}}"#;

    assert!(matches!(message(text), ServerMessage::Notice(_)));
}

#[test]
fn an_error_holds_nothing_of_the_text() {
    let canary = "canary-9f31";
    for text in [
        format!(r#"{{"type":"anomaly_detected","annotated_frame":"{canary}" oops"#),
        format!(r#"{{"{canary}":"{canary}"}}"#),
        format!(r#"{{"type":"anomaly_detected","user_id":"{canary}"}}"#),
        format!(r#"{{"type":"notification","data":"{canary}"}}"#),
        canary.to_owned(),
    ] {
        let error = ServerMessage::read(&text).unwrap_err();
        assert!(!format!("{error} {error:?}").contains(canary), "{error}");
    }
}

#[test]
fn what_a_client_sends_is_what_a_server_reads() {
    let ack = ClientMessage::Ack {
        stream_id: StreamId::new("s").ok(),
        alert_id: AnomalyId::new("a").ok(),
        cursor: Cursor::new("e.7").ok(),
        frame_number: None,
    };

    for sent in [ClientMessage::Ping, ClientMessage::Pong, ack] {
        assert_eq!(ClientMessage::read(&sent.to_text()).unwrap(), Some(sent));
    }
    let golden = ClientMessage::read(fixture!("ws_v2_ack.json")).unwrap().unwrap();
    assert_eq!(golden.to_text(), fixture!("ws_v2_ack.json"));
    assert_eq!(ClientMessage::Ping.to_text(), r#"{"type":"ping"}"#);
}

#[test]
fn the_original_ack_is_read() {
    let read = ClientMessage::read(r#"{"type":"ack","stream_id":"s","person_id":1}"#).unwrap();

    assert_eq!(
        read,
        Some(ClientMessage::Ack {
            stream_id: StreamId::new("s").ok(),
            alert_id: None,
            cursor: None,
            frame_number: None
        })
    );
    assert_eq!(ClientMessage::read(fixture!("ws_c2s_owl_eye_detection.json")), Ok(None));
    assert!(ClientMessage::read("[]").is_err());
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused_but_never_panics(text: String) {
        let _ = ServerMessage::read(&text);
        let _ = ClientMessage::read(&text);
    }

    #[test]
    fn any_bytes_are_read_or_refused_but_never_panic(message: Vec<u8>) {
        let _ = ServerMessage::read_binary(&message);
    }

    #[test]
    fn a_golden_binary_message_changed_or_cut_anywhere_never_panics(
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..6),
        end in any::<proptest::sample::Index>(),
    ) {
        let mut message = golden_binary().to_vec();
        for (at, value) in changes {
            let at = at.index(message.len());
            message[at] = value;
        }
        let _ = ServerMessage::read_binary(&message);
        let _ = ServerMessage::read_binary(&message[..end.index(message.len())]);
    }

    #[test]
    fn a_golden_message_changed_anywhere_never_panics(
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..6),
        which in 0_usize..7,
    ) {
        let golden = [
            fixture!("ws_anomaly_detected.json"),
            fixture!("ws_notification_pipeline.json"),
            fixture!("ws_notification_owl_eye.json"),
            fixture!("ws_notification_rest.json"),
            fixture!("ws_anomaly_detected_nan_score.txt"),
            fixture!("ws_v2_welcome.json"),
            fixture!("ws_v2_alert.json"),
        ];
        let mut bytes = golden[which].as_bytes().to_vec();
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        let _ = ServerMessage::read(&String::from_utf8_lossy(&bytes));
    }
}

fn message(text: &str) -> ServerMessage {
    ServerMessage::read(text).unwrap().message
}

fn alert(text: &str) -> Alert {
    let message = message(text);
    let ServerMessage::Alert(alert) = message else { panic!("not an alert: {message:?}") };
    *alert
}

fn binary_alert(message: &[u8]) -> Alert {
    let message = ServerMessage::read_binary(message).unwrap().message;
    let ServerMessage::Alert(alert) = message else { panic!("not an alert: {message:?}") };
    *alert
}

fn golden_binary() -> &'static [u8] {
    include_bytes!("../../../../tests/fixtures/ws_v2_alert.bin")
}

fn welcome(text: &str) -> Welcome {
    let message = message(text);
    let ServerMessage::Welcome(welcome) = message else { panic!("not a welcome: {message:?}") };
    welcome
}

fn notice(text: &str) -> Notice {
    let message = message(text);
    let ServerMessage::Notice(notice) = message else { panic!("not a notice: {message:?}") };
    notice
}

#[test]
fn case_38_what_became_of_the_picture_on_the_server_is_told_with_the_alert() {
    let message = include_str!("../../../../tests/fixtures/ws_anomaly_detected.json");
    let mut scaled: serde_json::Value = serde_json::from_str(message).unwrap();
    scaled["picture"] = "scaled".into();
    scaled["picture_reason"] = "it was over 8 MiB".into();
    let mut left_out = scaled.clone();
    left_out["picture"] = "left_out".into();
    left_out["annotated_frame"] = serde_json::Value::Null;

    let scaled = alert(&scaled.to_string());
    let left_out = alert(&left_out.to_string());

    assert!(matches!(&scaled.picture, Picture::Jpeg(jpeg) if jpeg.remark() == Some("it was over 8 MiB")));
    assert_eq!(left_out.picture, Picture::Refused(FrameError::left_out("it was over 8 MiB")));
}
