//! A decoded picture: turned the right way up, made smaller, and encoded again for looking at.

use jpeg_encoder::{ColorType, Encoder, EncodingError};
use visionguard_proto::frame::Orientation;

/// Red, green and blue, row by row.
#[derive(Clone, PartialEq, Eq)]
pub struct Pixels {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// Three bytes for each.
    pub rgb: Vec<u8>,
}

impl std::fmt::Debug for Pixels {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Pixels({} x {})", self.width, self.height)
    }
}

impl Pixels {
    /// The right way up.
    #[must_use]
    pub fn turned(self, orientation: Orientation) -> Pixels {
        use Orientation::{
            Flipped, Mirrored, QuarterTurn, ThreeQuarters, Transposed, Transversed, Upright, UpsideDown,
        };
        if orientation == Upright {
            return self;
        }
        let (across, down) = (self.width as usize, self.height as usize);
        let (width, height) = if orientation.swaps_sides() { (down, across) } else { (across, down) };
        let mut rgb = Vec::with_capacity(self.rgb.len());
        for y in 0..height {
            for x in 0..width {
                let (from_x, from_y) = match orientation {
                    Upright => (x, y),
                    Mirrored => (across - 1 - x, y),
                    UpsideDown => (across - 1 - x, down - 1 - y),
                    Flipped => (x, down - 1 - y),
                    Transposed => (y, x),
                    QuarterTurn => (y, down - 1 - x),
                    Transversed => (across - 1 - y, down - 1 - x),
                    ThreeQuarters => (across - 1 - y, x),
                };
                let at = 3 * (from_y * across + from_x);
                rgb.extend_from_slice(&self.rgb[at..at + 3]);
            }
        }
        Pixels { width: width as u32, height: height as u32, rgb }
    }

    /// As a smaller picture, each pixel the mean of those it stands for.
    #[must_use]
    pub fn shrunk(self, width: u32, height: u32) -> Pixels {
        if width >= self.width && height >= self.height {
            return self;
        }
        let span = |of: u32, to: u32, at: u32| {
            let edge = |at: u32| (u64::from(at) * u64::from(of) / u64::from(to)) as usize;
            edge(at)..edge(at + 1).max(edge(at) + 1)
        };
        let mut rgb = Vec::with_capacity(3 * width as usize * height as usize);
        for y in 0..height {
            let rows = span(self.height, height, y);
            for x in 0..width {
                let columns = span(self.width, width, x);
                let mut sums = [0_u64; 3];
                for row in rows.clone() {
                    let start = 3 * (row * self.width as usize + columns.start);
                    for pixel in self.rgb[start..start + 3 * columns.len()].chunks_exact(3) {
                        for (sum, value) in sums.iter_mut().zip(pixel) {
                            *sum += u64::from(*value);
                        }
                    }
                }
                let count = (rows.len() * columns.len()) as u64;
                rgb.extend(sums.map(|sum| ((sum + count / 2) / count) as u8));
            }
        }
        Pixels { width, height, rgb }
    }

    /// As a plain JPEG; above a quality of 90 the colours are kept as fine as the light.
    pub fn encoded(&self, quality: u8) -> Result<Vec<u8>, EncodingError> {
        let side = |side: u32| u16::try_from(side).unwrap_or(u16::MAX);
        let mut jpeg = Vec::new();
        Encoder::new(&mut jpeg, quality).encode(
            &self.rgb,
            side(self.width),
            side(self.height),
            ColorType::Rgb,
        )?;
        Ok(jpeg)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ```text
    /// 1 2 3
    /// 4 5 6
    /// ```
    fn six() -> Pixels {
        Pixels { width: 3, height: 2, rgb: (1..=6).flat_map(|value| [value; 3]).collect() }
    }

    fn turned(value: u16) -> (u32, u32, Vec<u8>) {
        let pixels = six().turned(Orientation::read(value).unwrap());
        (pixels.width, pixels.height, pixels.rgb.iter().copied().step_by(3).collect())
    }

    #[test]
    fn each_of_the_eight_ways_is_turned_upright() {
        assert_eq!(turned(1), (3, 2, vec![1, 2, 3, 4, 5, 6]));
        assert_eq!(turned(2), (3, 2, vec![3, 2, 1, 6, 5, 4]));
        assert_eq!(turned(3), (3, 2, vec![6, 5, 4, 3, 2, 1]));
        assert_eq!(turned(4), (3, 2, vec![4, 5, 6, 1, 2, 3]));
        assert_eq!(turned(5), (2, 3, vec![1, 4, 2, 5, 3, 6]));
        assert_eq!(turned(6), (2, 3, vec![4, 1, 5, 2, 6, 3]));
        assert_eq!(turned(7), (2, 3, vec![6, 3, 5, 2, 4, 1]));
        assert_eq!(turned(8), (2, 3, vec![3, 6, 2, 5, 1, 4]));
    }

    #[test]
    fn a_smaller_pixel_is_the_mean_of_those_it_stands_for() {
        let small = six().shrunk(1, 1);

        assert_eq!((small.width, small.height, &small.rgb[..]), (1, 1, &[4, 4, 4][..]));
        assert_eq!(six().shrunk(3, 2), six());
    }
}
