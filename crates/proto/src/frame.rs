//! A camera frame: a JPEG that was looked at before anything keeps or shows it.
//!
//! Its headers are read and its segments walked to the end, but its pixels are not decoded. A picture that is cut
//! short is refused like any other damage, because half a picture can mislead; the alert it came with stands without
//! it and may get the whole one from the record. What follows a picture's end is cut off.

use std::sync::OnceLock;

use base64::Engine;
use base64::engine::Simd;
use base64::engine::general_purpose::PAD_INDIFFERENT;
use bytes::Bytes;
use memchr::memchr;
use zune_core::bytestream::ZCursor;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;

/// Largest encoded picture, in bytes.
pub const MAX_BYTES: usize = 3 * 1024 * 1024;
/// Largest width and height, in pixels.
pub const MAX_SIDE: u32 = 4096;
/// Most pixels.
pub const MAX_PIXELS: u64 = 16_000_000;
/// Most scans of a progressive picture.
pub const MAX_SCANS: usize = 64;

/// A baseline or progressive JPEG within the bounds above.
#[derive(Clone, PartialEq, Eq)]
pub struct Jpeg {
    bytes: Bytes,
    width: u32,
    height: u32,
}

/// Why a picture is not kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The text is not base64.
    #[error("the picture is not valid base64")]
    NotBase64,
    /// Wrong magic, or a JPEG that is neither baseline nor progressive with 8 bits.
    #[error("the picture is not a JPEG")]
    NotJpeg,
    /// Headers that cannot be read, or an end that never comes.
    #[error("the picture is damaged")]
    Damaged,
    /// Over [`MAX_BYTES`].
    #[error("the picture is over 3 MiB")]
    TooLarge,
    /// Over [`MAX_SIDE`], [`MAX_PIXELS`], or 0 pixels.
    #[error("the picture measures {width} x {height} pixels")]
    BadDimensions {
        /// Pixels across.
        width: u32,
        /// Pixels down.
        height: u32,
    },
    /// Over [`MAX_SCANS`].
    #[error("the picture has more than {MAX_SCANS} scans")]
    TooManyScans,
}

impl Jpeg {
    /// Decodes standard base64 (with padding; a `data:` prefix and missing padding are tolerated) and checks it.
    pub fn from_base64(text: &str) -> Result<Jpeg, FrameError> {
        let text = without_data_prefix(text);
        if text.len() > MAX_BYTES.div_ceil(3) * 4 {
            return Err(FrameError::TooLarge);
        }
        let bytes = engine().decode(text).map_err(|_| FrameError::NotBase64)?;
        Jpeg::from_bytes(Bytes::from(bytes))
    }

    /// Checks bytes that should be a JPEG: magic, dimensions, size, scans, an end.
    pub fn from_bytes(bytes: Bytes) -> Result<Jpeg, FrameError> {
        if bytes.len() > MAX_BYTES {
            return Err(FrameError::TooLarge);
        }
        let outline = Outline::walk(&bytes)?;
        let (width, height) = (outline.width, outline.height);
        if width == 0
            || height == 0
            || width > MAX_SIDE
            || height > MAX_SIDE
            || u64::from(width) * u64::from(height) > MAX_PIXELS
        {
            return Err(FrameError::BadDimensions { width, height });
        }

        let bytes = bytes.slice(..outline.end);
        let options = DecoderOptions::new_safe();
        JpegDecoder::new_with_options(ZCursor::new(&bytes[..]), options)
            .decode_headers()
            .map_err(|_| FrameError::Damaged)?;
        Ok(Jpeg { bytes, width, height })
    }

    /// The encoded picture.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Pixels across.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Pixels down.
    pub fn height(&self) -> u32 {
        self.height
    }
}

impl std::fmt::Debug for Jpeg {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Jpeg({} x {}, {} bytes)", self.width, self.height, self.bytes.len())
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

/// What the markers of a picture say.
struct Outline {
    width: u32,
    height: u32,
    /// Just behind the end marker.
    end: usize,
}

impl Outline {
    /// Walks from marker to marker, over the compressed pixels too, up to the end marker.
    fn walk(bytes: &[u8]) -> Result<Outline, FrameError> {
        if !bytes.starts_with(&[0xFF, 0xD8, 0xFF]) {
            return Err(FrameError::NotJpeg);
        }
        let mut size = None;
        let mut scans = 0;
        let mut at = 2;
        loop {
            let marker;
            (marker, at) = next_marker(bytes, at)?;
            match marker {
                END => {
                    let (width, height) = size.filter(|_| scans > 0).ok_or(FrameError::Damaged)?;
                    return Ok(Outline { width, height, end: at });
                }
                0xC0..=0xC2 => {
                    size.get_or_insert(dimensions(bytes, at)?);
                    at = segment_end(bytes, at)?;
                }
                // Lossless, hierarchical and arithmetic pictures; C4, C8 and CC are no frame headers.
                0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF => return Err(FrameError::NotJpeg),
                SCAN => {
                    scans += 1;
                    if scans > MAX_SCANS {
                        return Err(FrameError::TooManyScans);
                    }
                    at = scan_end(bytes, segment_end(bytes, at)?)?;
                }
                // Markers without a segment: TEM and stray restarts.
                0x01 | 0xD0..=0xD7 => {}
                _ => at = segment_end(bytes, at)?,
            }
        }
    }
}

const END: u8 = 0xD9;
const SCAN: u8 = 0xDA;

/// The marker at `at`, behind any fill bytes, and where it ends.
fn next_marker(bytes: &[u8], mut at: usize) -> Result<(u8, usize), FrameError> {
    if bytes.get(at) != Some(&0xFF) {
        return Err(FrameError::Damaged);
    }
    while bytes.get(at) == Some(&0xFF) {
        at += 1;
    }
    match bytes.get(at) {
        Some(&marker) if marker != 0 => Ok((marker, at + 1)),
        Some(_) | None => Err(FrameError::Damaged),
    }
}

/// Where the segment whose length stands at `at` ends.
fn segment_end(bytes: &[u8], at: usize) -> Result<usize, FrameError> {
    let length = usize::from(number(bytes, at)?);
    let end = at + length;
    if length < 2 || end > bytes.len() {
        return Err(FrameError::Damaged);
    }
    Ok(end)
}

/// Where the compressed pixels that begin at `at` end: at the next marker that is no restart.
fn scan_end(bytes: &[u8], mut at: usize) -> Result<usize, FrameError> {
    loop {
        at += memchr(0xFF, bytes.get(at..).unwrap_or_default()).ok_or(FrameError::Damaged)?;
        match bytes.get(at + 1) {
            Some(0x00 | 0xD0..=0xD7) => at += 2,
            Some(0xFF) => at += 1,
            Some(_) => return Ok(at),
            None => return Err(FrameError::Damaged),
        }
    }
}

/// Width and height from the frame header whose length stands at `at`.
fn dimensions(bytes: &[u8], at: usize) -> Result<(u32, u32), FrameError> {
    match bytes.get(at + 2) {
        Some(8) => Ok((u32::from(number(bytes, at + 5)?), u32::from(number(bytes, at + 3)?))),
        Some(_) => Err(FrameError::NotJpeg),
        None => Err(FrameError::Damaged),
    }
}

fn number(bytes: &[u8], at: usize) -> Result<u16, FrameError> {
    match bytes.get(at..at + 2) {
        Some(&[high, low]) => Ok(u16::from_be_bytes([high, low])),
        Some(_) | None => Err(FrameError::Damaged),
    }
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
        assert!(jpeg.bytes().ends_with(&[0xFF, END]));
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
        for bytes in [&b"\x89PNG\r\n\x1a\n"[..], b"GIF89a", b"<svg xmlns=''/>", b"<html>", b"", b"\xFF\xD8"] {
            assert_eq!(check(bytes), Err(FrameError::NotJpeg), "{bytes:?}");
        }
    }

    #[test]
    fn what_follows_the_end_is_cut_off() {
        let polyglot = [picture(), b"<script>alert(1)</script>".to_vec()].concat();

        assert_eq!(check(&polyglot).unwrap().bytes(), &picture());
    }

    #[test]
    fn a_picture_cut_anywhere_is_refused() {
        let whole = picture();
        for length in 0..whole.len() {
            assert!(check(&whole[..length]).is_err(), "{length} of {} bytes", whole.len());
        }
    }

    #[test]
    fn dimensions_are_bounded() {
        for (width, height) in [(0, 0), (0, 48), (64, 0), (4097, 1), (1, 4097), (4096, 4096), (65500, 65500)]
        {
            let expected = FrameError::BadDimensions { width: width.into(), height: height.into() };
            assert_eq!(check(&measuring(width, height)), Err(expected));
        }
        assert!(check(&measuring(4096, 3906)).is_ok());
    }

    #[test]
    fn encodings_that_pages_do_not_show_are_refused() {
        for marker in [0xC3, 0xC5, 0xC9, 0xCA, 0xCF] {
            let mut bytes = picture();
            let at = frame_header(&bytes);
            bytes[at + 1] = marker;
            assert_eq!(check(&bytes), Err(FrameError::NotJpeg), "{marker:x}");
        }

        let mut twelve_bits = picture();
        let at = frame_header(&twelve_bits);
        twelve_bits[at + 4] = 12;
        assert_eq!(check(&twelve_bits), Err(FrameError::NotJpeg));
    }

    #[test]
    fn scans_are_counted() {
        assert!(check(&with_scans(MAX_SCANS)).is_ok());
        assert_eq!(check(&with_scans(MAX_SCANS + 1)), Err(FrameError::TooManyScans));
        assert_eq!(check(&with_scans(0)), Err(FrameError::Damaged));
    }

    #[test]
    fn size_is_bounded_before_decoding() {
        assert_eq!(Jpeg::from_base64(&"A".repeat(10_000_000)), Err(FrameError::TooLarge));
        assert_eq!(check(&[picture(), vec![0; MAX_BYTES]].concat()), Err(FrameError::TooLarge));
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
                prop_assert!(jpeg.width() <= MAX_SIDE && jpeg.height() <= MAX_SIDE);
                prop_assert!(jpeg.width() > 0 && jpeg.height() > 0);
                prop_assert!(jpeg.bytes().len() <= length);
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
        let start = bytes.windows(2).position(|pair| pair == [0xFF, SCAN]).unwrap();
        let scan = &bytes[start..bytes.len() - 2];
        [&bytes[..start], &scan.repeat(count), &[0xFF, END]].concat()
    }
}
