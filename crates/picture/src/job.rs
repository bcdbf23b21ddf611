//! What the worker is asked and what it answers: a few numbers and a JPEG each way, over its standard input and output.

use std::io::{self, Read, Write};

use bytes::Bytes;
use visionguard_proto::FrameError;

use crate::decode::decode;
use crate::fit::Fit;
use crate::pixels::Pixels;

/// For looking at: the colours as fine as the light, and nearly nothing lost.
const QUALITY: u8 = 95;
/// Largest picture that a worker takes, in bytes.
const MOST: u32 = 256 * 1024 * 1024;

/// Why a picture is not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unshown {
    /// Not a JPEG.
    #[error("the picture is not a JPEG")]
    NotJpeg,
    /// Lossless, hierarchical, 12 bits, or colours that nobody knows.
    #[error("the picture is a JPEG of a kind that cannot be shown")]
    Unsupported,
    /// Nothing of it can be shown.
    #[error("the picture is damaged")]
    Damaged,
    /// More pixels than are decoded, or than there is memory for.
    #[error("the picture has too many pixels")]
    TooLarge,
    /// The decoder did not come to an end in time.
    #[error("the picture takes too long to decode")]
    Late,
    /// The decoder came to a bad end.
    #[error("the picture cannot be decoded")]
    Failed,
    /// The worker cannot be started.
    #[error("the program's picture worker cannot be started")]
    NoWorker,
}

impl Unshown {
    /// Whether it says something about the picture, and not about this computer at this moment.
    pub fn is_the_pictures(self) -> bool {
        match self {
            Unshown::NotJpeg | Unshown::Unsupported | Unshown::Damaged | Unshown::TooLarge => true,
            Unshown::Late | Unshown::Failed | Unshown::NoWorker => false,
        }
    }

    const ALL: [Unshown; 7] = [
        Unshown::NotJpeg,
        Unshown::Unsupported,
        Unshown::Damaged,
        Unshown::TooLarge,
        Unshown::Late,
        Unshown::Failed,
        Unshown::NoWorker,
    ];
}

impl From<FrameError> for Unshown {
    fn from(error: FrameError) -> Unshown {
        match error {
            FrameError::NotBase64 | FrameError::NotJpeg => Unshown::NotJpeg,
            FrameError::Unsupported => Unshown::Unsupported,
            FrameError::Damaged | FrameError::LeftOut(_) => Unshown::Damaged,
            FrameError::TooLarge => Unshown::TooLarge,
            FrameError::BadDimensions { width, height } if width == 0 || height == 0 => Unshown::Damaged,
            FrameError::BadDimensions { .. } => Unshown::TooLarge,
        }
    }
}

/// What is to be done with a picture.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    pub(crate) picture: Bytes,
    pub(crate) fit: Fit,
    /// Most bytes of the answer; 0: none is wanted.
    pub(crate) most: u32,
}

/// What came of it: empty where no picture was wanted.
pub(crate) type Answer = Result<Bytes, Unshown>;

impl Job {
    /// Does it, here.
    pub(crate) fn carry_out(self) -> Answer {
        let pixels = decode(self.picture, self.fit)?;
        if self.most == 0 {
            return Ok(Bytes::new());
        }
        encode(pixels, self.most as usize).map(Bytes::from)
    }

    pub(crate) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let length = u32::try_from(self.picture.len()).unwrap_or(u32::MAX);
        out.write_all(&self.fit.side.to_be_bytes())?;
        out.write_all(&self.fit.pixels.to_be_bytes())?;
        out.write_all(&self.most.to_be_bytes())?;
        out.write_all(&length.to_be_bytes())?;
        out.write_all(&self.picture)?;
        out.flush()
    }

    /// The next one; none when the other side has closed.
    pub(crate) fn read(input: &mut impl Read) -> io::Result<Option<Job>> {
        let mut side = [0; 4];
        match input.read_exact(&mut side) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            read => read?,
        }
        let mut pixels = [0; 8];
        input.read_exact(&mut pixels)?;
        let fit = Fit { side: u32::from_be_bytes(side), pixels: u64::from_be_bytes(pixels) };
        let most = number(input)?;
        let picture = bytes(input)?;
        Ok(Some(Job { picture, fit, most }))
    }
}

pub(crate) fn write_answer(answer: &Answer, out: &mut impl Write) -> io::Result<()> {
    let (code, picture) = match answer {
        Ok(picture) => (0, &picture[..]),
        Err(why) => (1 + Unshown::ALL.iter().position(|other| other == why).unwrap_or(0) as u8, &[][..]),
    };
    out.write_all(&[code])?;
    out.write_all(&u32::try_from(picture.len()).unwrap_or(u32::MAX).to_be_bytes())?;
    out.write_all(picture)?;
    out.flush()
}

pub(crate) fn read_answer(input: &mut impl Read) -> io::Result<Answer> {
    let mut code = [0];
    input.read_exact(&mut code)?;
    let picture = bytes(input)?;
    match usize::from(code[0]).checked_sub(1) {
        None => Ok(Ok(picture)),
        Some(at) => Ok(Err(Unshown::ALL.get(at).copied().unwrap_or(Unshown::Failed))),
    }
}

/// Encoded within so many bytes: coarser, and then smaller, until it is.
fn encode(mut pixels: Pixels, most: usize) -> Result<Vec<u8>, Unshown> {
    let failed = |_| Unshown::Failed;
    loop {
        for quality in [QUALITY, 85, 70, 50] {
            let jpeg = pixels.encoded(quality).map_err(failed)?;
            if jpeg.len() <= most {
                return Ok(jpeg);
            }
        }
        if pixels.width.max(pixels.height) <= 64 {
            return Err(Unshown::TooLarge);
        }
        let half = |side: u32| (side / 2).max(1);
        let (width, height) = (half(pixels.width), half(pixels.height));
        pixels = pixels.shrunk(width, height);
    }
}

fn number(input: &mut impl Read) -> io::Result<u32> {
    let mut number = [0; 4];
    input.read_exact(&mut number)?;
    Ok(u32::from_be_bytes(number))
}

/// What its length precedes.
fn bytes(input: &mut impl Read) -> io::Result<Bytes> {
    let length = number(input)?;
    if length > MOST {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "more bytes than any picture has"));
    }
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(length as usize).map_err(|_| io::ErrorKind::OutOfMemory)?;
    bytes.resize(length as usize, 0);
    input.read_exact(&mut bytes)?;
    Ok(Bytes::from(bytes))
}
