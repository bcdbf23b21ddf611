//! From the text of an alert to a picture that is known to be one. `cargo xtask bench --only P5` has it beside others.
//!
//! ```text
//! cargo bench -p visionguard-proto
//! ```

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use visionguard_proto::{Jpeg, ServerMessage};

/// Of the usual message, in bytes.
const MESSAGE: usize = 150_000;
/// The longest comment that the format has.
const COMMENT: usize = 65_533;

const FIXTURE: &str = include_str!("../../../tests/fixtures/ws_anomaly_detected.json");
const PICTURE: &[u8] = include_bytes!("../../../tests/desktop/quarters.jpg");

fn main() {
    divan::main();
}

/// The whole message: read, the picture out of base64, its outline checked.
#[divan::bench]
fn alert_of_150_kb(bencher: Bencher<'_, '_>) {
    let message = message();
    bencher
        .counter(BytesCount::of_str(&message))
        .bench(|| ServerMessage::read(black_box(&message)).expect("it is an alert"));
}

/// The picture of it alone.
#[divan::bench]
fn picture_of_base64(bencher: Bencher<'_, '_>) {
    let text = STANDARD.encode(picture());
    bencher
        .counter(BytesCount::of_str(&text))
        .bench(|| Jpeg::from_base64(black_box(&text)).expect("it is a JPEG"));
}

/// The outline of the picture alone.
#[divan::bench]
fn outline(bencher: Bencher<'_, '_>) {
    let picture = Bytes::from(picture());
    bencher
        .with_inputs(|| picture.clone())
        .bench_values(|picture| Jpeg::from_bytes(black_box(picture)).expect("it is a JPEG"));
}

fn message() -> String {
    with_picture(&STANDARD.encode(picture()))
}

fn with_picture(picture: &str) -> String {
    let mut message: serde_json::Value = serde_json::from_str(FIXTURE).expect("the fixture is JSON");
    message["annotated_frame"] = picture.into();
    message.to_string()
}

/// A picture that makes a message of that length: with comments, which the format allows.
fn picture() -> Vec<u8> {
    let wanted = (MESSAGE - with_picture("").len()) / 4 * 3;
    let mut picture = PICTURE[..2].to_vec();
    let mut left = wanted - PICTURE.len();
    while left > 4 {
        let comment = (left - 4).min(COMMENT);
        picture.extend([0xFF, 0xFE]);
        picture.extend(u16::try_from(comment + 2).expect("as long as the format has").to_be_bytes());
        picture.extend(std::iter::repeat_n(b'0', comment));
        left -= comment + 4;
    }
    picture.extend(&PICTURE[2..]);
    picture
}
