//! Small drawn pictures: real JPEGs, each with a colour of its own.

use bytes::Bytes;
use jpeg_encoder::{ColorType, Encoder};

/// Pixels across.
pub const WIDTH: u16 = 160;
/// Pixels down.
pub const HEIGHT: u16 = 120;

/// A grey room with a block of the colour that belongs to `number`.
pub fn jpeg(number: u8) -> Bytes {
    let mut pixels = Vec::with_capacity(usize::from(WIDTH) * usize::from(HEIGHT) * 3);
    for y in 0..HEIGHT {
        for x in 0..WIDTH {
            let is_block = (40..120).contains(&x) && (30..90).contains(&y);
            pixels.extend(if is_block { colour(number) } else { room(x, y) });
        }
    }
    let mut encoded = Vec::new();
    Encoder::new(&mut encoded, 85).encode(&pixels, WIDTH, HEIGHT, ColorType::Rgb).unwrap();
    Bytes::from(encoded)
}

/// Noise, which no encoder makes small: about 0.8 bytes a pixel.
pub fn noise(width: u16, height: u16) -> Bytes {
    let mut seed = 1_u32;
    let pixels: Vec<u8> = std::iter::repeat_with(|| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 24) as u8
    })
    .take(usize::from(width) * usize::from(height) * 3)
    .collect();
    let mut encoded = Vec::new();
    Encoder::new(&mut encoded, 60).encode(&pixels, width, height, ColorType::Rgb).unwrap();
    Bytes::from(encoded)
}

fn colour(number: u8) -> [u8; 3] {
    let spread = number.wrapping_mul(97);
    [spread, 255 - spread, spread.wrapping_add(128)]
}

fn room(x: u16, y: u16) -> [u8; 3] {
    let shade = (60 + (x + y) / 4) as u8;
    [shade, shade, shade]
}

#[cfg(test)]
mod tests {
    use visionguard_proto::Jpeg;

    use super::*;

    #[test]
    fn a_drawn_picture_is_one_that_the_client_takes() {
        let picture = Jpeg::from_bytes(jpeg(1)).unwrap();

        assert_eq!((picture.width(), picture.height()), (WIDTH.into(), HEIGHT.into()));
        assert_ne!(jpeg(1), jpeg(2));
    }
}
