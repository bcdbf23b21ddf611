//! A camera frame: a JPEG whose outline was read before anything keeps or shows it.
//!
//! Its markers are walked as libjpeg-turbo walks them, over what is damaged between them, and its pixels are not
//! decoded: what has a frame header and the beginning of a scan is kept as it came, to the last byte, and the decoder
//! that shows it later has the last word. [`Jpeg::is_plain`] tells what every viewer shows alike; all else is shown by
//! way of our own decoder, upright and of a bounded size.

mod outline;

use std::sync::OnceLock;

use base64::Engine;
use base64::engine::Simd;
use base64::engine::general_purpose::PAD_INDIFFERENT;
use bytes::Bytes;

use outline::Outline;

pub use outline::Orientation;

/// Largest encoded picture, in bytes.
pub const MAX_BYTES: usize = 16 * 1024 * 1024;
/// Most pixels that are ever decoded. Bounded by area, not by side: a panorama is wide and low.
pub const MAX_PIXELS: u64 = 128 * 1024 * 1024;
/// Most pixels that are shown; what has more is shown smaller.
pub const SHOWN_PIXELS: u64 = 16_000_000;
/// Longest side that is shown; drawing libraries end at 32,767.
pub const SHOWN_SIDE: u32 = 16_384;
/// Most scans that viewers are asked to read.
const PLAIN_SCANS: usize = 64;
/// Longest reason of a server, in characters.
const MAX_REASON: usize = 200;

/// A JPEG with a frame header and a scan, within [`MAX_BYTES`] and [`MAX_PIXELS`].
#[derive(Clone, PartialEq, Eq)]
pub struct Jpeg {
    bytes: Bytes,
    outline: Outline,
    remark: Option<String>,
}

/// Why a picture is not kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The text is not base64.
    #[error("the picture is not valid base64")]
    NotBase64,
    /// Wrong magic.
    #[error("the picture is not a JPEG")]
    NotJpeg,
    /// A JPEG of a kind that no viewer shows: lossless, hierarchical, or with more than 8 bits a colour.
    #[error("the picture is a JPEG of a kind that cannot be shown")]
    Unsupported,
    /// No frame header, or no scan.
    #[error("the picture is damaged")]
    Damaged,
    /// Over [`MAX_BYTES`].
    #[error("the picture is over 16 MiB")]
    TooLarge,
    /// Over [`MAX_PIXELS`], or 0 pixels.
    #[error("the picture measures {width} x {height} pixels")]
    BadDimensions {
        /// Pixels across.
        width: u32,
        /// Pixels down.
        height: u32,
    },
    /// The server left it out, for this reason; hostile text.
    #[error("{0}")]
    LeftOut(String),
}

impl Jpeg {
    /// Decodes standard base64 (with padding; a `data:` prefix, missing padding and line breaks are tolerated) and
    /// checks it.
    pub fn from_base64(text: &str) -> Result<Jpeg, FrameError> {
        let text = without_data_prefix(text);
        if text.len() > MAX_BYTES.div_ceil(3) * 4 {
            return Err(FrameError::TooLarge);
        }
        let bytes = engine().decode(text).or_else(|error| {
            let whole: Vec<u8> = text.bytes().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
            if whole.len() == text.len() { Err(error) } else { engine().decode(whole) }
        });
        Jpeg::from_bytes(Bytes::from(bytes.map_err(|_| FrameError::NotBase64)?))
    }

    /// Checks bytes that should be a JPEG: magic, size, kind, dimensions, a scan.
    pub fn from_bytes(bytes: Bytes) -> Result<Jpeg, FrameError> {
        if bytes.len() > MAX_BYTES {
            return Err(FrameError::TooLarge);
        }
        Jpeg::of_any_length(bytes)
    }

    /// The same for bytes that are not to be kept as they are, however many.
    pub fn of_any_length(bytes: Bytes) -> Result<Jpeg, FrameError> {
        let outline = Outline::walk(&bytes)?;
        Ok(Jpeg { bytes, outline, remark: None })
    }

    /// The encoded picture, as it came.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The encoded picture without what follows its end.
    pub fn shown_bytes(&self) -> Bytes {
        self.bytes.slice(..self.outline.end)
    }

    /// Pixels across, the right way up.
    pub fn width(&self) -> u32 {
        self.outline.upright().0
    }

    /// Pixels down, the right way up.
    pub fn height(&self) -> u32 {
        self.outline.upright().1
    }

    /// How the encoded pixels must be turned to be the right way up.
    pub fn orientation(&self) -> Orientation {
        self.outline.orientation
    }

    /// Whether every viewer shows these bytes alike: an ordinary, undamaged outline, upright, of a size to be shown.
    pub fn is_plain(&self) -> bool {
        let (width, height) = self.outline.upright();
        self.outline.is_plain
            && width.max(height) <= SHOWN_SIDE
            && u64::from(width) * u64::from(height) <= SHOWN_PIXELS
    }

    /// Whether its end marker is there; without one the lower part may be missing.
    pub fn has_end(&self) -> bool {
        self.outline.has_end
    }

    /// What the server did to it on the way, where it says so; hostile text.
    pub fn remark(&self) -> Option<&str> {
        self.remark.as_deref()
    }

    /// The same picture with what the server says it did to it, cut to a sentence.
    #[must_use]
    pub fn with_remark(self, remark: &str) -> Jpeg {
        Jpeg { remark: Some(remark.chars().take(MAX_REASON).collect()), ..self }
    }
}

impl FrameError {
    /// The server's reason, cut to a sentence.
    pub fn left_out(reason: &str) -> FrameError {
        FrameError::LeftOut(reason.chars().take(MAX_REASON).collect())
    }
}

impl std::fmt::Debug for Jpeg {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Jpeg({} x {}, {} bytes)", self.width(), self.height(), self.bytes.len())
    }
}

fn without_data_prefix(text: &str) -> &str {
    match text.strip_prefix("data:").and_then(|rest| rest.get(..rest.len().min(64))) {
        Some(head) => match head.find("base64,") {
            Some(at) => &text["data:".len() + at + "base64,".len()..],
            None => text,
        },
        None => text,
    }
}

/// Finds the fastest instructions of this machine once.
fn engine() -> &'static Simd {
    static ENGINE: OnceLock<Simd> = OnceLock::new();
    ENGINE.get_or_init(|| Simd::standard(PAD_INDIFFERENT))
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_picture_of_the_backend_is_taken() {
        let jpeg = Jpeg::from_base64(picture_text()).unwrap();

        assert_eq!((jpeg.width(), jpeg.height()), (64, 48));
        assert!(jpeg.bytes().ends_with(&[0xFF, 0xD9]));
        assert!(jpeg.is_plain() && jpeg.has_end());
    }

    #[test]
    fn a_data_prefix_and_missing_padding_are_tolerated() {
        let whole = Jpeg::from_base64(picture_text()).unwrap();

        assert_eq!(Jpeg::from_base64(picture_text().trim_end_matches('=')).unwrap(), whole);
        let prefixed = format!("data:image/jpeg;base64,{}", picture_text());
        assert_eq!(Jpeg::from_base64(&prefixed).unwrap(), whole);
    }

    #[test]
    fn what_is_not_standard_base64_is_refused() {
        assert_eq!(Jpeg::from_base64("no picture"), Err(FrameError::NotBase64));
        assert_eq!(Jpeg::from_base64("data:image/jpeg;base64,<svg>"), Err(FrameError::NotBase64));
        assert_eq!(Jpeg::from_base64(&format!("{}é", "A".repeat(70))), Err(FrameError::NotBase64));
        let url_safe = URL_SAFE.encode([0xFF, 0xD8, 0xFF, 0xFB, 0xEF]);
        assert_eq!(Jpeg::from_base64(&url_safe), Err(FrameError::NotBase64));
    }

    #[test]
    fn other_formats_are_refused_by_their_magic() {
        for bytes in [&b"\x89PNG\r\n\x1a\n"[..], b"GIF89a", b"<svg xmlns=''/>", b"<html>", b"", b"\xFF"] {
            assert_eq!(check(bytes), Err(FrameError::NotJpeg), "{bytes:?}");
        }
        assert_eq!(check(b"\xFF\xD8"), Err(FrameError::Damaged));
    }

    #[test]
    fn base64_in_lines_is_read() {
        let lines: Vec<&str> =
            picture_text().as_bytes().chunks(76).map(|line| str::from_utf8(line).unwrap()).collect();

        assert_eq!(Jpeg::from_base64(&lines.join("\r\n")).unwrap(), check(&picture()).unwrap());
    }

    #[test]
    fn what_follows_the_end_is_kept_and_not_shown() {
        let polyglot = [picture(), b"<script>alert(1)</script>".to_vec()].concat();

        let jpeg = check(&polyglot).unwrap();

        assert_eq!(jpeg.bytes(), &polyglot);
        assert_eq!(jpeg.shown_bytes(), picture());
        assert!(jpeg.is_plain());
    }

    #[test]
    fn case_39_a_picture_cut_in_its_pixels_is_kept_and_not_plain() {
        let whole = picture();
        let scan = scan(&whole);
        for length in 0..whole.len() {
            match check(&whole[..length]) {
                Ok(jpeg) => {
                    assert!(length >= scan && !jpeg.is_plain() && !jpeg.has_end(), "{length}");
                    assert_eq!((jpeg.bytes().len(), jpeg.shown_bytes().len()), (length, length));
                }
                Err(error) if length < 2 => assert_eq!(error, FrameError::NotJpeg, "{length}"),
                Err(error) => assert!(length < scan + 2 && error == FrameError::Damaged, "{length}: {error}"),
            }
        }
    }

    #[test]
    fn case_39_what_stands_between_segments_is_passed_over() {
        let whole = picture();
        let at = frame_header(&whole);
        for between in [&b"\0"[..], b"\0\0\0\0", b"\r\n", b"\x37", b"\xFF\x00", b"\xFF\xD3"] {
            let jpeg = check(&[&whole[..at], between, &whole[at..]].concat()).unwrap();

            assert_eq!((jpeg.width(), jpeg.height(), jpeg.is_plain()), (64, 48, false), "{between:?}");
        }
        assert!(check(&[&whole[..at], b"\xFF\xFF", &whole[at..]].concat()).unwrap().is_plain(), "fill bytes");
    }

    #[test]
    fn case_39_an_orientation_swaps_the_sides_and_is_not_plain() {
        for (value, size) in [(1_u8, (64, 48)), (3, (64, 48)), (6, (48, 64)), (8, (48, 64)), (9, (64, 48))] {
            for order in [
                &b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0"[..],
                b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0",
            ] {
                let exif = [b"\xFF\xE1\0\x22Exif\0\0", order, &[value], &[0; 8]].concat();
                let exif = [&exif[..], &[0; 8][..]].concat();
                let jpeg = check(&[&b"\xFF\xD8"[..], &exif[..36], &picture()[2..]].concat()).unwrap();

                assert_eq!((jpeg.width(), jpeg.height()), size, "{value}");
                assert_eq!(jpeg.is_plain(), !(2..=8).contains(&value), "{value}");
            }
        }
    }

    #[test]
    fn case_20_dimensions_are_bounded_by_area_and_not_by_side() {
        for (width, height) in [(0, 0), (0, 48), (64, 0), (65500, 65500), (20_000, 20_000)] {
            let expected = FrameError::BadDimensions { width: width.into(), height: height.into() };
            assert_eq!(check(&measuring(width, height)), Err(expected));
        }
        for (width, height, plain) in [
            (4608, 1728, true),
            (5120, 1440, true),
            (7680, 2160, false),
            (65500, 16, false),
            (16, 65500, false),
            (8192, 8192, false),
            (12_000, 9_000, false),
        ] {
            let jpeg = check(&measuring(width, height)).unwrap();
            assert_eq!((jpeg.width(), jpeg.height()), (width.into(), height.into()));
            assert_eq!(jpeg.is_plain(), plain, "{width} x {height}");
        }
    }

    #[test]
    fn kinds_that_no_viewer_shows_are_refused_and_arithmetic_ones_kept() {
        for marker in [0xC3, 0xC5, 0xCB, 0xCF] {
            let mut bytes = picture();
            let at = frame_header(&bytes);
            bytes[at + 1] = marker;
            assert_eq!(check(&bytes), Err(FrameError::Unsupported), "{marker:x}");
        }
        for marker in [0xC9, 0xCA] {
            let mut bytes = picture();
            let at = frame_header(&bytes);
            bytes[at + 1] = marker;
            assert!(!check(&bytes).unwrap().is_plain(), "{marker:x}");
        }

        let mut twelve_bits = picture();
        let at = frame_header(&twelve_bits);
        twelve_bits[at + 4] = 12;
        assert_eq!(check(&twelve_bits), Err(FrameError::Unsupported));
    }

    #[test]
    fn many_scans_are_kept_and_not_left_to_viewers() {
        assert!(check(&with_scans(1)).unwrap().is_plain());
        assert!(!check(&with_scans(PLAIN_SCANS + 1)).unwrap().is_plain());
        assert_eq!(check(&with_scans(0)), Err(FrameError::Damaged));
    }

    #[test]
    fn size_is_bounded_before_decoding() {
        assert_eq!(Jpeg::from_base64(&"A".repeat(30_000_000)), Err(FrameError::TooLarge));
        assert_eq!(check(&[picture(), vec![0; MAX_BYTES]].concat()), Err(FrameError::TooLarge));
        assert!(Jpeg::of_any_length([picture(), vec![0; MAX_BYTES]].concat().into()).is_ok());
    }

    proptest! {
        #[test]
        fn a_changed_picture_never_panics(changes in changes(), cut in 0_usize..1000) {
            let mut bytes = picture();
            for (at, value) in changes {
                let at = at.index(bytes.len());
                bytes[at] = value;
            }
            let length = bytes.len() - cut.min(bytes.len());
            if let Ok(jpeg) = check(&bytes[..length]) {
                prop_assert!(u64::from(jpeg.width()) * u64::from(jpeg.height()) <= MAX_PIXELS);
                prop_assert!(jpeg.width() > 0 && jpeg.height() > 0);
                prop_assert_eq!(jpeg.bytes().len(), length);
                prop_assert!(jpeg.shown_bytes().len() <= length);
            }
        }

        #[test]
        fn changed_base64_never_panics(changes in changes()) {
            let mut bytes = picture_text().as_bytes().to_vec();
            for (at, value) in changes {
                let at = at.index(bytes.len());
                bytes[at] = value;
            }
            let _ = Jpeg::from_base64(&String::from_utf8_lossy(&bytes));
        }

        #[test]
        fn any_bytes_behind_the_magic_never_panic(rest in proptest::collection::vec(any::<u8>(), 0..2000)) {
            let _ = check(&[&[0xFF, 0xD8, 0xFF][..], &rest].concat());
        }
    }

    fn changes() -> impl Strategy<Value = Vec<(proptest::sample::Index, u8)>> {
        proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 0..8)
    }

    fn check(bytes: &[u8]) -> Result<Jpeg, FrameError> {
        Jpeg::from_bytes(Bytes::copy_from_slice(bytes))
    }

    /// The picture of the golden owl-eye message.
    fn picture_text() -> &'static str {
        let message = include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../tests/fixtures/ws_c2s_owl_eye_detection.json"
        ));
        let start = message.find("base64,").unwrap() + "base64,".len();
        message[start..].split('"').next().unwrap()
    }

    fn picture() -> Vec<u8> {
        STANDARD.decode(picture_text()).unwrap()
    }

    fn frame_header(bytes: &[u8]) -> usize {
        bytes.windows(2).position(|pair| pair == [0xFF, 0xC0]).unwrap()
    }

    fn measuring(width: u16, height: u16) -> Vec<u8> {
        let mut bytes = picture();
        let at = frame_header(&bytes);
        bytes[at + 5..at + 7].copy_from_slice(&height.to_be_bytes());
        bytes[at + 7..at + 9].copy_from_slice(&width.to_be_bytes());
        bytes
    }

    fn with_scans(count: usize) -> Vec<u8> {
        let bytes = picture();
        let start = scan(&bytes);
        let scan = &bytes[start..bytes.len() - 2];
        [&bytes[..start], &scan.repeat(count), &[0xFF, 0xD9]].concat()
    }

    fn scan(bytes: &[u8]) -> usize {
        bytes.windows(2).position(|pair| pair == [0xFF, 0xDA]).unwrap()
    }
}
