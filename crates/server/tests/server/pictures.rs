//! An alert is taken whatever its picture is, and everybody is told what became of it.

use bytes::Bytes;
use serde_json::{Value, json};
use visionguard_proto::Jpeg;

use crate::world::{World, post_alert, text};

#[tokio::test]
async fn case_20_an_alert_is_taken_whatever_its_picture_is() {
    let world = World::new().await;
    let token = world.token(&world.owner).await;
    let whole = corpus("baseline_420");
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("two lenses", drawn(4608, 1728), "kept"),
        ("a panorama", drawn(5120, 1440), "kept"),
        ("a wide panorama", drawn(7680, 2160), "kept"),
        ("as wide as can be", drawn(65_500, 16), "kept"),
        ("without its last two bytes", corpus("end_missing"), "kept"),
        ("with a maker's bytes for an end", corpus("end_maker"), "kept"),
        ("with a zero between segments", corpus("between_00"), "kept"),
        ("with a line's end between segments", corpus("between_crlf"), "kept"),
        ("cut in the middle", corpus("cut_5_tenths"), "kept"),
        ("arithmetic", corpus("arithmetic"), "kept"),
        ("in four colours", corpus("ycck_adobe"), "kept"),
        ("with a line's end in front", corpus("front_crlf"), "left_out"),
        ("with its height at the end alone", corpus("dnl_height_zero"), "left_out"),
        ("of 12 bits", corpus("twelve_bits"), "left_out"),
        ("without its tables", corpus("quantisation_missing"), "left_out"),
        ("far too large", measuring(&whole, 65_500, 65_500), "left_out"),
        ("no picture at all", b"<svg onload=alert(1)>".to_vec(), "left_out"),
        ("empty", Vec::new(), "left_out"),
    ];
    let count = cases.len();
    for (what, picture, word) in cases {
        let alert = json!({ "shop_id": world.shop, "stream_id": "s", "result": { "person_id": 1 } });

        let answer = post_alert(world.server.address, &world.service, &alert, Some(&picture), None).await;

        assert_eq!(answer.status, 202, "{what}: {answer:?}");
        let told = answer.json();
        assert_eq!(told["picture"], word, "{what}");
        assert_eq!(told["picture_reason"].is_string(), word != "kept", "{what}: {told}");
        let row = world.get(&format!("/api/anomalies/{}", text(&told["alert_id"])), &token).await.json();
        let in_row = row["extra_data"]["picture"].as_str();
        assert_eq!(in_row, Some(word).filter(|word| *word != "kept"), "{what}");
        assert_eq!(row["extra_data"]["picture_reason"], told["picture_reason"], "{what}");
        match row["image_url"].as_str() {
            Some(path) => {
                assert_eq!(world.get(path, &token).await.bytes, picture, "{what}: to the last byte")
            }
            None => assert_eq!(word, "left_out", "{what}"),
        }
    }
    assert_eq!(world.get("/api/anomalies", &token).await.json()["total"], count);
}

#[tokio::test]
async fn case_38_a_picture_over_8_mib_is_made_smaller_and_the_alert_says_so() {
    let world = World::new().await;
    let mut socket = world.connect(&world.owner).await;
    let noisy = noise(3840, 2160);
    assert!((8 << 20..64 << 20).contains(&noisy.len()), "{}", noisy.len());
    let alert = json!({ "shop_id": world.shop, "stream_id": "s", "result": { "person_id": 1 } });

    let answer = post_alert(world.server.address, &world.service, &alert, Some(&noisy), None).await;

    let told = answer.json();
    assert_eq!((answer.status.as_u16(), &told["picture"]), (202, &json!("scaled")), "{told}");
    let detected = socket.message("anomaly_detected").await;
    assert_eq!(detected["picture"], "scaled");
    assert_eq!(detected["picture_reason"], told["picture_reason"]);
    let frame = Jpeg::from_base64(&text(&detected["annotated_frame"])).unwrap();
    assert!(frame.bytes().len() <= 8 << 20 && frame.is_plain(), "{frame:?}");
}

#[tokio::test]
async fn case_38_a_4k_frame_of_4_mib_is_kept_as_it_came() {
    let world = World::new().await;
    let mut socket = world.connect(&world.owner).await;
    let frame = [drawn(3840, 2160), vec![0; 4_300_000]].concat();
    let alert = json!({ "shop_id": world.shop, "stream_id": "s", "result": { "person_id": 1 } });

    let answer = post_alert(world.server.address, &world.service, &alert, Some(&frame), None).await;

    assert_eq!(answer.json()["picture"], "kept", "{answer:?}");
    let detected = socket.message("anomaly_detected").await;
    assert_eq!((detected.get("picture"), detected.get("picture_reason")), (None::<&Value>, None));
    let received = Jpeg::from_base64(&text(&detected["annotated_frame"])).unwrap();
    assert_eq!(received.bytes(), &Bytes::from(frame));
}

fn corpus(name: &str) -> Vec<u8> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../picture/tests/corpus");
    std::fs::read(folder.join(format!("{name}.jpg"))).unwrap()
}

fn measuring(jpeg: &[u8], width: u16, height: u16) -> Vec<u8> {
    let mut bytes = jpeg.to_vec();
    let at = bytes.windows(2).position(|pair| pair == [0xFF, 0xC0]).unwrap();
    bytes[at + 5..at + 7].copy_from_slice(&height.to_be_bytes());
    bytes[at + 7..at + 9].copy_from_slice(&width.to_be_bytes());
    bytes
}

fn drawn(width: u16, height: u16) -> Vec<u8> {
    let across = usize::from(width);
    encode(width, height, 60, |at| ((at % across / 32) ^ (at / across / 32)) as u8)
}

/// What no encoder makes small.
fn noise(width: u16, height: u16) -> Vec<u8> {
    let mut state = 1_u32;
    encode(width, height, 100, move |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    })
}

fn encode(width: u16, height: u16, quality: u8, pixel: impl FnMut(usize) -> u8) -> Vec<u8> {
    let pixels: Vec<u8> = (0..usize::from(width) * usize::from(height)).map(pixel).collect();
    let mut jpeg = Vec::new();
    jpeg_encoder::Encoder::new(&mut jpeg, quality)
        .encode(&pixels, width, height, jpeg_encoder::ColorType::Luma)
        .unwrap();
    jpeg
}
