//! A camera frame: a JPEG that was looked at before anything keeps or shows it.

use bytes::Bytes;

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
    /// Wrong magic, or a format other than JPEG.
    #[error("the picture is not a JPEG")]
    NotJpeg,
    /// Headers that cannot be read, or cut short.
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
        let _ = text;
        todo!()
    }

    /// Checks bytes that should be a JPEG: magic, dimensions, size, scans, an end.
    pub fn from_bytes(bytes: Bytes) -> Result<Jpeg, FrameError> {
        let _ = bytes;
        todo!()
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
