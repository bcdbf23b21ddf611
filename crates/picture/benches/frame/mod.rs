//! The frame of which benches of more than one crate make use.

use jpeg_encoder::{ColorType, Encoder};

/// A frame of this size, as a JPEG of this quality: slopes with a little noise. Of 640 x 480 it has about 90 kB.
pub fn frame((width, height): (u16, u16), quality: u8) -> Vec<u8> {
    let mut state = 7_u32;
    let mut pixels = Vec::new();
    for y in 0..u32::from(height) {
        for x in 0..u32::from(width) {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let noise = state >> 27;
            pixels.extend(
                [x / 4 + noise, y / 3 + noise, (x + y) / 8 + noise].map(|light| light.min(255) as u8),
            );
        }
    }
    let mut jpeg = Vec::new();
    Encoder::new(&mut jpeg, quality)
        .encode(&pixels, width, height, ColorType::Rgb)
        .expect("it can be encoded");
    jpeg
}
