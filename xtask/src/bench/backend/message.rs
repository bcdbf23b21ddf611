//! The original's messages, with pictures that are all different and cost nothing to make.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use serde_json::json;

use super::record::utc;
use super::{SHOP, USER};

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
/// Before the number in a picture: the start of the image, and the head of a comment.
const HEAD: usize = 6;
/// How many digits the number has: whole groups of base64.
const DIGITS: usize = 12;
/// The longest comment that the format has.
const LONGEST_COMMENT: usize = 65_533;

/// A JPEG with a number in a comment, so that no two of them are the same.
#[derive(Debug, Clone)]
pub(in super::super) struct Picture {
    bytes: Vec<u8>,
    encoded: String,
}

/// Whom a camera saw, and in which frame.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Detection {
    pub(in super::super) camera: usize,
    pub(in super::super) person: usize,
    pub(in super::super) frame: usize,
}

impl Picture {
    /// Reads a picture; with a comment it becomes this long, unless it is longer already.
    pub(in super::super) fn read(path: &Path, length: usize) -> Result<Self> {
        let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::of(&bytes, length)
    }

    fn of(jpeg: &[u8], length: usize) -> Result<Self> {
        ensure!(jpeg.starts_with(&[0xFF, 0xD8]), "this is no JPEG");
        let comment = length.saturating_sub(jpeg.len() + 4).clamp(DIGITS, LONGEST_COMMENT);
        let mut bytes = vec![0xFF, 0xD8, 0xFF, 0xFE];
        bytes.extend(u16::try_from(comment + 2)?.to_be_bytes());
        bytes.extend(std::iter::repeat_n(b'0', comment));
        bytes.extend(&jpeg[2..]);
        Ok(Self { encoded: base64(&bytes), bytes })
    }

    /// The picture with this number.
    pub(super) fn numbered(&self, number: usize) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        bytes[HEAD..HEAD + DIGITS].copy_from_slice(digits(number).as_bytes());
        bytes
    }

    /// The same in base64.
    pub(in super::super) fn in_base64(&self, number: usize) -> String {
        let (start, end) = (HEAD / 3 * 4, (HEAD + DIGITS) / 3 * 4);
        [&self.encoded[..start], &base64(digits(number).as_bytes()), &self.encoded[end..]].concat()
    }
}

/// Both messages of a detection: what was seen with its picture, and the notification that brings its number in the record.
pub(in super::super) fn detected(picture: &Picture, detection: Detection) -> [String; 2] {
    let Detection { camera, person, frame } = detection;
    let (stream, number) = (stream(camera), person * 1_000 + frame);
    let seen = format!(
        "{{\"type\":\"anomaly_detected\",\"user_id\":\"{USER}\",\"stream_id\":\"{stream}\",\"result\":{{\"sequence_id\":0,\
         \"person_id\":{person},\"start_frame\":1,\"end_frame\":12,\"score\":-3.5,\"is_abnormal\":true,\
         \"classification\":\"Abnormal\",\"confidence\":\"Low\",\"scene_id\":\"live\",\"clip_id\":\"{stream}\",\
         \"frame_number\":{frame},\"stream_id\":\"{stream}\",\"user_id\":\"{USER}\",\"pose_dict\":{{\"{person}\":{}}}}},\
         \"annotated_frame\":\"{}\",\"frame_format\":\"jpeg\"}}",
        *POSES,
        picture.in_base64(number)
    );
    let id = format!("a86735e7-fe46-4f8a-abf3-{number:012x}");
    let told = json!({"type": "notification", "data": {
        "notification_id": id, "title": "Alert",
        "message": format!("Anomalous behavior detected (Person ID: {person}, Confidence: Low) at Stream {}", &stream[..8]),
        "priority": "low", "type": "alert", "timestamp": utc(now()),
        "metadata": {"anomaly_id": id, "shop_id": SHOP, "stream_id": stream, "person_id": person},
        "action_url": format!("/suspicious-activity?anomaly_id={id}"),
    }});
    [seen, told.to_string()]
}

/// A token that lasts for days; nobody checks its signature.
pub(super) fn token() -> String {
    let now = now().as_secs();
    let claims =
        json!({"sub": USER, "email": super::EMAIL, "role": "OWNER", "exp": now + 604_800, "iat": now});
    let part = |text: &str| base64(text.as_bytes()).trim_end_matches('=').replace('+', "-").replace('/', "_");
    format!("{}.{}.{}", part(r#"{"alg":"HS256","typ":"JWT"}"#), part(&claims.to_string()), part("signature"))
}

pub(super) fn ping() -> String {
    format!("{{\"type\":\"ping\",\"timestamp\":\"{}\"}}", utc(now()))
}

pub(super) fn pong() -> String {
    format!("{{\"type\":\"pong\",\"timestamp\":\"{}\"}}", utc(now()))
}

/// A camera's stream.
pub(super) fn stream(camera: usize) -> String {
    format!("{camera:08x}-72c1-4037-b4e8-d8fe8731a157")
}

/// Time since 1970.
pub(super) fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// RFC 4648, with padding.
pub(super) fn base64(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let mut bits = 0_u32;
        for place in 0..3 {
            bits = bits << 8 | u32::from(group.get(place).copied().unwrap_or(0));
        }
        for place in 0..4 {
            let letter = ALPHABET[(bits >> (18 - 6 * place) & 63) as usize];
            text.push(if place <= group.len() { char::from(letter) } else { '=' });
        }
    }
    text
}

fn digits(number: usize) -> String {
    format!("{number:0width$}", width = DIGITS)
}

/// One person's thirty frames: about 29 kB.
static POSES: LazyLock<String> = LazyLock::new(poses);

fn poses() -> String {
    let keypoints: Vec<String> =
        (0..51).map(|point| (327.565_839_808_164_3 + f64::from(point)).to_string()).collect();
    let keypoints = keypoints.join(",");
    let mut frames = String::from("{");
    for frame in 1..=30 {
        let comma = if frame > 1 { "," } else { "" };
        let _ = write!(frames, "{comma}\"{frame:04}\":{{\"keypoints\":[{keypoints}],\"score\":0.9}}");
    }
    frames + "}"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_the_rfc() {
        let all = ["", "f", "fo", "foo", "foob", "fooba", "foobar"].map(|text| base64(text.as_bytes()));

        assert_eq!(all, ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"]);
    }

    #[test]
    fn a_picture_has_its_length_and_its_number_in_both_forms() {
        let picture = Picture::of(&[0xFF, 0xD8, 0xFF, 0xD9], 100).unwrap();

        let numbered = picture.numbered(42);

        assert_eq!(numbered.len(), 100);
        assert_eq!(&numbered[6..18], b"000000000042");
        assert_eq!(picture.in_base64(42), base64(&numbered));
    }

    #[test]
    fn a_detection_s_messages_are_json_of_the_size_that_is_usual() {
        let picture = Picture::of(&[0xFF, 0xD8, 0xFF, 0xD9], 60_000).unwrap();

        let [seen, told] = detected(&picture, Detection { camera: 1, person: 2, frame: 3 });

        let seen: serde_json::Value = serde_json::from_str(&seen).unwrap();
        assert_eq!((&seen["result"]["person_id"], &seen["result"]["frame_number"]), (&2.into(), &3.into()));
        let poses = seen["result"]["pose_dict"].to_string().len();
        assert!((25_000..33_000).contains(&poses), "{poses}");
        assert!(told.contains("a86735e7-fe46-4f8a-abf3-0000000007d3"), "{told}");
    }
}
