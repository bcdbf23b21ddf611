//! Colors as a camera sees them, and chance that repeats.

/// Red, green, blue, each 0 to 1 when it reaches the picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Color {
    pub(super) r: f32,
    pub(super) g: f32,
    pub(super) b: f32,
}

/// The color written `0xRRGGBB`.
pub(super) const fn rgb(hex: u32) -> Color {
    Color {
        r: ((hex >> 16) & 0xff) as f32 / 255.0,
        g: ((hex >> 8) & 0xff) as f32 / 255.0,
        b: (hex & 0xff) as f32 / 255.0,
    }
}

impl Color {
    pub(super) fn times(self, factor: f32) -> Color {
        Color { r: self.r * factor, g: self.g * factor, b: self.b * factor }
    }

    pub(super) fn plus(self, other: Color) -> Color {
        Color { r: self.r + other.r, g: self.g + other.g, b: self.b + other.b }
    }

    /// As light of the other color shows it.
    pub(super) fn under(self, light: Color) -> Color {
        Color { r: self.r * light.r, g: self.g * light.g, b: self.b * light.b }
    }

    /// This much of the other color over it.
    pub(super) fn mixed(self, other: Color, share: f32) -> Color {
        self.times(1.0 - share).plus(other.times(share))
    }

    /// Brighter or darker; what is very bright turns white.
    pub(super) fn lit(self, light: f32) -> Color {
        let over = (light - 1.0).max(0.0) * 0.35;
        self.times(light).plus(Color { r: over, g: over, b: over })
    }

    pub(super) fn brightness(self) -> f32 {
        self.r * 0.299 + self.g * 0.587 + self.b * 0.114
    }

    pub(super) fn to_bytes(self) -> [u8; 3] {
        [self.r, self.g, self.b].map(|part| (part.clamp(0.0, 1.0) * 255.0 + 0.5) as u8)
    }
}

/// Chance from a seed: the same scene looks the same at every start.
#[derive(Debug, Clone)]
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn new(seed: u64) -> Chance {
        Chance(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// 0 to 1.
    pub(super) fn share(&mut self) -> f32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 40) as f32 / (1u64 << 24) as f32
    }

    pub(super) fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.share()
    }

    pub(super) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        let index = (self.share() * from.len() as f32) as usize;
        from[index.min(from.len() - 1)]
    }
}

/// A number from -1 to 1 that belongs to this place and seed, as grain does.
pub(super) fn grain(x: usize, y: usize, seed: u32) -> f32 {
    let mut n = (x as u32).wrapping_mul(0x9e37_79b1) ^ (y as u32).wrapping_mul(0x85eb_ca77) ^ seed;
    n = (n ^ (n >> 15)).wrapping_mul(0x2c1b_3c6d);
    n = (n ^ (n >> 12)).wrapping_mul(0x297a_2d39);
    n ^= n >> 15;
    n as f32 / u32::MAX as f32 * 2.0 - 1.0
}
