//! How large a picture may be shown.

use visionguard_proto::frame;

/// Bounds of a picture for looking at. It is made smaller until it fits, and never larger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fit {
    /// Longest side, in pixels.
    pub side: u32,
    /// Most pixels.
    pub pixels: u64,
}

impl Fit {
    /// For the page.
    pub const PAGE: Fit = Fit { side: frame::SHOWN_SIDE, pixels: frame::SHOWN_PIXELS };
    /// For a notification, which shows it a few centimetres wide: a usual camera's picture goes as it is.
    pub const POPUP: Fit = Fit { side: 640, pixels: 640 * 480 };

    /// Whether a picture of this size needs not be made smaller.
    pub fn holds(self, width: u32, height: u32) -> bool {
        width.max(height) <= self.side && u64::from(width) * u64::from(height) <= self.pixels
    }

    /// The largest of the sizes that come for nothing while decoding, in eighths, that fits; 1 where none does.
    pub(crate) fn eighths(self, width: u32, height: u32) -> u8 {
        let scaled = |side: u32, eighths: u8| (u64::from(side) * u64::from(eighths)).div_ceil(8) as u32;
        (1..=8_u8).rev().find(|&n| self.holds(scaled(width, n), scaled(height, n))).unwrap_or(1)
    }

    /// The size that a picture of `width` x `height` is shown in.
    pub(crate) fn size(self, width: u32, height: u32) -> (u32, u32) {
        let (across, down) = (f64::from(width), f64::from(height));
        let by_side = f64::from(self.side) / across.max(down);
        let by_area = (self.pixels as f64 / (across * down)).sqrt();
        let factor = by_side.min(by_area).min(1.0);
        let side = |side: f64| ((side * factor).floor() as u32).max(1);
        (side(across), side(down))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_made_no_smaller_than_need_be() {
        assert_eq!(Fit::PAGE.eighths(4096, 3906), 8);
        assert_eq!(Fit::PAGE.eighths(7680, 2160), 7);
        assert_eq!(Fit::PAGE.eighths(8192, 8192), 3);
        assert_eq!(Fit::PAGE.eighths(65_500, 16), 2);
        assert_eq!(Fit::POPUP.eighths(65_500, 16), 1);
        assert_eq!(Fit::POPUP.eighths(640, 480), 8);
    }

    #[test]
    fn what_is_still_too_large_is_brought_to_size() {
        assert_eq!(Fit::POPUP.size(8188, 2), (640, 1));
        assert_eq!(Fit::POPUP.size(1280, 720), (640, 360));
        assert_eq!(Fit { side: 100, pixels: 400 }.size(100, 100), (20, 20));
    }
}
