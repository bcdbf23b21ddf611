//! From a JPEG to its pixels, as libjpeg-turbo shows them.
//!
//! Call it only where C that is fed by strangers may fail: in the worker.

use std::panic::{self, AssertUnwindSafe};

use bytes::Bytes;
use mozjpeg::{ColorSpace, Decompress};
use visionguard_proto::Jpeg;

use crate::fit::Fit;
use crate::job::Unshown;
use crate::pixels::Pixels;

/// Decodes a picture, upright and no larger than `fit`.
///
/// Data that breaks off, or does not decode, leaves that part grey, as in every viewer.
pub fn decode(bytes: Bytes, fit: Fit) -> Result<Pixels, Unshown> {
    let jpeg = Jpeg::of_any_length(bytes)?;
    let (width, height) = (jpeg.width(), jpeg.height());
    // The library's errors unwind; nothing of it is used afterwards.
    let read = panic::catch_unwind(AssertUnwindSafe(|| read(jpeg.bytes(), fit.eighths(width, height))));
    let pixels = match read {
        Ok(pixels) => pixels?,
        Err(thrown) => {
            let message = thrown.downcast_ref::<String>().map_or("", String::as_str);
            return Err(if message.contains("nsufficient memory") {
                Unshown::TooLarge
            } else if message.contains("nsupported") {
                Unshown::Unsupported
            } else {
                Unshown::Damaged
            });
        }
    };
    let pixels = pixels.turned(jpeg.orientation());
    let (width, height) = fit.size(pixels.width, pixels.height);
    Ok(pixels.shrunk(width, height))
}

fn read(bytes: &[u8], eighths: u8) -> Result<Pixels, Unshown> {
    let mut decoder = Decompress::new_mem(bytes).map_err(|_| Unshown::Damaged)?;
    decoder.scale(eighths);
    let four_colours = matches!(decoder.color_space(), ColorSpace::JCS_CMYK | ColorSpace::JCS_YCCK);
    let space = if four_colours { ColorSpace::JCS_CMYK } else { ColorSpace::JCS_RGB };
    let mut started = decoder.to_colorspace(space).map_err(|_| Unshown::Damaged)?;
    let (width, height) = (started.width() as u32, started.height() as u32);
    let samples: Vec<u8> = started.read_scanlines().map_err(|error| {
        if error.kind() == std::io::ErrorKind::OutOfMemory { Unshown::TooLarge } else { Unshown::Damaged }
    })?;
    let rgb = if four_colours { from_four(&samples) } else { samples };
    Ok(Pixels { width, height, rgb })
}

/// Cyan, magenta, yellow and black, which JPEGs hold inverted.
fn from_four(samples: &[u8]) -> Vec<u8> {
    let inked = |colour: u8, black: u8| (f64::from(colour) * f64::from(black) / 255.0 + 0.5) as u8;
    samples
        .chunks_exact(4)
        .flat_map(|pixel| {
            let black = pixel[3];
            [inked(pixel[0], black), inked(pixel[1], black), inked(pixel[2], black)]
        })
        .collect()
}
