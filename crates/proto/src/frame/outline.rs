//! The markers of a JPEG, read as libjpeg-turbo reads them: whatever stands between two segments is passed over, and a
//! picture that breaks off in its pixels is one whose lower part is missing.

use memchr::memchr;

use super::{FrameError, MAX_PIXELS, PLAIN_SCANS};

const START: u8 = 0xD8;
const END: u8 = 0xD9;
const SCAN: u8 = 0xDA;
const QUANTISATION: u8 = 0xDB;
const HUFFMAN: u8 = 0xC4;
const HEIGHT: u8 = 0xDC;
const JFIF: u8 = 0xE0;
const EXIF: u8 = 0xE1;
const ADOBE: u8 = 0xEE;

/// How the encoded pixels are turned: the eight values of EXIF.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Orientation {
    /// As they are.
    #[default]
    Upright = 1,
    /// Left and right are exchanged.
    Mirrored = 2,
    /// Upside down.
    UpsideDown = 3,
    /// Top and bottom are exchanged.
    Flipped = 4,
    /// Rows and columns are exchanged.
    Transposed = 5,
    /// Must be turned a quarter clockwise.
    QuarterTurn = 6,
    /// Rows and columns are exchanged, over the other diagonal.
    Transversed = 7,
    /// Must be turned three quarters clockwise.
    ThreeQuarters = 8,
}

impl Orientation {
    /// Reads the value of EXIF; `None` for any that it does not define.
    pub fn read(value: u16) -> Option<Orientation> {
        use Orientation::{
            Flipped, Mirrored, QuarterTurn, ThreeQuarters, Transposed, Transversed, Upright, UpsideDown,
        };
        let all =
            [Upright, Mirrored, UpsideDown, Flipped, Transposed, QuarterTurn, Transversed, ThreeQuarters];
        all.into_iter().find(|orientation| *orientation as u16 == value)
    }

    /// Whether width and height change places.
    pub fn swaps_sides(self) -> bool {
        self as u16 >= Orientation::Transposed as u16
    }
}

/// What the markers of a picture say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Outline {
    /// As encoded, before it is turned.
    width: u32,
    height: u32,
    pub(super) orientation: Orientation,
    /// Nothing in it that any viewer is known to show otherwise, size apart.
    pub(super) is_plain: bool,
    pub(super) has_end: bool,
    /// Just behind the end marker, or behind everything.
    pub(super) end: usize,
}

impl Outline {
    /// Width and height, the right way up.
    pub(super) fn upright(&self) -> (u32, u32) {
        if self.orientation.swaps_sides() { (self.height, self.width) } else { (self.width, self.height) }
    }

    /// Walks from marker to marker, over the compressed pixels too, up to the end marker or the end of the bytes.
    pub(super) fn walk(bytes: &[u8]) -> Result<Outline, FrameError> {
        if !bytes.starts_with(&[0xFF, START]) {
            return Err(FrameError::NotJpeg);
        }
        let mut found = Found { is_clean: true, ..Found::default() };
        let mut at = 2;
        while let Some(marker) = next_marker(bytes, at) {
            found.is_clean &= marker.follows_at_once;
            at = marker.end;
            match marker.code {
                END => return found.outline(at, true),
                // Markers without a segment: TEM and stray restarts.
                0x01 | 0xD0..=0xD7 => found.is_clean = false,
                START if found.scans == 0 => return Err(FrameError::Damaged),
                START => found.is_clean = false,
                code => {
                    let segment = segment(bytes, at);
                    found.is_clean &= segment.is_whole;
                    at = segment.end;
                    found.read(code, segment.body)?;
                    if code == SCAN {
                        at = scan_end(bytes, at);
                    }
                }
            }
        }
        found.outline(bytes.len(), false)
    }
}

/// What was found so far.
#[derive(Default)]
struct Found {
    frame: Option<Frame>,
    orientation: Option<Orientation>,
    adobe: Option<u8>,
    scans: usize,
    /// Components in the first scan.
    first_scan: u8,
    has_quantisation: bool,
    has_huffman: bool,
    has_jfif: bool,
    is_clean: bool,
}

impl Found {
    fn read(&mut self, code: u8, body: &[u8]) -> Result<(), FrameError> {
        match code {
            0xC0..=0xC2 | 0xC9 | 0xCA if self.frame.is_none() => {
                self.frame = Some(Frame::read(code, body)?);
            }
            0xC0..=0xC2 | 0xC9 | 0xCA if self.scans == 0 => return Err(FrameError::Damaged),
            0xC0..=0xC2 | 0xC9 | 0xCA => self.is_clean = false,
            // Lossless and hierarchical; C4 and CC are tables.
            0xC3 | 0xC5..=0xC7 | 0xC8 | 0xCB | 0xCD..=0xCF => return Err(FrameError::Unsupported),
            SCAN => {
                if self.frame.is_none() {
                    return Err(FrameError::Damaged);
                }
                if self.scans == 0 {
                    self.first_scan = body.first().copied().unwrap_or_default();
                }
                self.scans += 1;
            }
            QUANTISATION => self.has_quantisation = true,
            HUFFMAN => self.has_huffman = true,
            HEIGHT => self.is_clean = false,
            JFIF => self.has_jfif |= body.starts_with(b"JFIF\0"),
            EXIF => self.orientation = self.orientation.or_else(|| orientation(body)),
            ADOBE => self.adobe = self.adobe.or_else(|| adobe(body)),
            // The decoder refuses what is reserved or of another process; it has the last word.
            0x02..=0xBF | 0xDE | 0xDF | 0xF0..=0xFD => self.is_clean = false,
            _ => {}
        }
        Ok(())
    }

    fn outline(self, end: usize, has_end: bool) -> Result<Outline, FrameError> {
        let frame = self.frame.filter(|_| self.scans > 0).ok_or(FrameError::Damaged)?;
        let orientation = self.orientation.unwrap_or_default();
        let is_plain = self.is_clean
            && has_end
            && orientation == Orientation::Upright
            && self.has_quantisation
            && self.has_huffman
            && self.adobe.is_none_or(|transform| transform == 1)
            && frame.is_ordinary
            && (frame.counts_from_1 || self.has_jfif)
            && (frame.is_progressive || self.first_scan == frame.components && self.scans == 1)
            && self.scans <= PLAIN_SCANS;
        let Frame { width, height, .. } = frame;
        Ok(Outline { width, height, orientation, is_plain, has_end, end })
    }
}

struct Frame {
    width: u32,
    height: u32,
    components: u8,
    is_progressive: bool,
    /// Huffman coded, grey or with the usual three components and samplings.
    is_ordinary: bool,
    /// Its components are numbered as JFIF has it; otherwise only JFIF's marker says what they are.
    counts_from_1: bool,
}

impl Frame {
    fn read(code: u8, body: &[u8]) -> Result<Frame, FrameError> {
        let &[bits, height_high, height_low, width_high, width_low, components, ref rest @ ..] = body else {
            return Err(FrameError::Damaged);
        };
        if bits != 8 {
            return Err(FrameError::Unsupported);
        }
        let height = u32::from(u16::from_be_bytes([height_high, height_low]));
        let width = u32::from(u16::from_be_bytes([width_high, width_low]));
        if width == 0 || height == 0 || u64::from(width) * u64::from(height) > MAX_PIXELS {
            return Err(FrameError::BadDimensions { width, height });
        }
        let parts: Vec<(u8, u8)> = rest.chunks_exact(3).map(|part| (part[0], part[1])).collect();
        let sampling = match parts[..] {
            [(_, 0x11)] => components == 1,
            // Other names are colours to some.
            [(first @ 0..=1, luma), (second, 0x11), (third, 0x11)] => {
                components == 3
                    && (second, third) == (first + 1, first + 2)
                    && matches!(luma, 0x11 | 0x12 | 0x21 | 0x22)
            }
            _ => false,
        };
        let is_progressive = code == 0xC2;
        let counts_from_1 = parts.first().is_some_and(|part| part.0 == 1);
        let is_ordinary = sampling && code <= 0xC2;
        Ok(Frame { width, height, components, is_progressive, is_ordinary, counts_from_1 })
    }
}

struct Marker {
    code: u8,
    end: usize,
    /// Nothing stands between it and what came before, fill bytes apart.
    follows_at_once: bool,
}

/// The next marker at or behind `at`, whatever stands in between.
fn next_marker(bytes: &[u8], from: usize) -> Option<Marker> {
    let mut at = from;
    let mut follows_at_once = true;
    loop {
        let skipped = memchr(0xFF, bytes.get(at..)?)?;
        follows_at_once &= skipped == 0;
        at += skipped;
        while bytes.get(at) == Some(&0xFF) {
            at += 1;
        }
        match bytes.get(at) {
            Some(0) => {
                follows_at_once = false;
                at += 1;
            }
            Some(&code) => return Some(Marker { code, end: at + 1, follows_at_once }),
            None => return None,
        }
    }
}

struct Segment<'a> {
    body: &'a [u8],
    end: usize,
    is_whole: bool,
}

/// The segment whose length stands at `at`; a length that cannot be is that of an empty one.
fn segment(bytes: &[u8], at: usize) -> Segment<'_> {
    let length = match bytes.get(at..at + 2) {
        Some(&[high, low]) => usize::from(u16::from_be_bytes([high, low])),
        Some(_) | None => return Segment { body: &[], end: bytes.len(), is_whole: false },
    };
    let end = at + length.max(2);
    let body = bytes.get(at + 2..end.min(bytes.len())).unwrap_or_default();
    Segment { body, end: end.min(bytes.len()), is_whole: length >= 2 && end <= bytes.len() }
}

/// Where the compressed pixels that begin at `at` end: at the next marker that is no restart, or with the bytes.
fn scan_end(bytes: &[u8], mut at: usize) -> usize {
    while let Some(skipped) = bytes.get(at..).and_then(|rest| memchr(0xFF, rest)) {
        at += skipped;
        match bytes.get(at + 1) {
            Some(0x00 | 0xD0..=0xD7) => at += 2,
            Some(0xFF) => at += 1,
            Some(_) => return at,
            None => break,
        }
    }
    bytes.len()
}

/// The colour transform that an Adobe segment names.
fn adobe(body: &[u8]) -> Option<u8> {
    body.strip_prefix(b"Adobe")?.get(6).copied()
}

/// The orientation in the first directory of an EXIF segment.
fn orientation(body: &[u8]) -> Option<Orientation> {
    const TAG: u16 = 0x0112;
    const SHORT: u16 = 3;
    const ENTRY: usize = 12;
    let tiff = body.strip_prefix(b"Exif\0\0")?;
    let big_endian = match tiff.get(..4)? {
        b"MM\0*" => true,
        b"II*\0" => false,
        _ => return None,
    };
    let short = |at: usize| {
        let bytes = [*tiff.get(at)?, *tiff.get(at + 1)?];
        Some(if big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    };
    let long = |at: usize| {
        let (first, second) = (u32::from(short(at)?), u32::from(short(at + 2)?));
        Some(if big_endian { first << 16 | second } else { second << 16 | first })
    };
    let directory = usize::try_from(long(4)?).ok()?;
    let first = directory.checked_add(2)?;
    (0..usize::from(short(directory)?))
        .map_while(|entry| first.checked_add(entry * ENTRY))
        .find(|at| short(*at) == Some(TAG) && short(at + 2) == Some(SHORT) && long(at + 4) == Some(1))
        .and_then(|at| Orientation::read(short(at + 8)?))
}
