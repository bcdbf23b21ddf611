//! Pixels: a canvas with depth, shapes with soft edges, and what a camera's optics do to a picture.

use super::palette::Color;

/// Pixels across.
pub(super) const WIDTH: usize = 960;
/// Pixels down.
pub(super) const HEIGHT: usize = 540;

/// A point in the picture, in pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Point {
    pub(super) x: f32,
    pub(super) y: f32,
}

/// A picture, and for each pixel how far away what it shows is.
#[derive(Debug, Clone)]
pub(super) struct Canvas {
    pixels: Vec<Color>,
    depths: Vec<f32>,
}

/// A limb: a line with a thickness that may change along it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limb {
    pub(super) from: Point,
    pub(super) to: Point,
    pub(super) from_radius: f32,
    pub(super) to_radius: f32,
}

impl Canvas {
    pub(super) fn new(pixels: Vec<Color>, depths: Vec<f32>) -> Canvas {
        debug_assert!(pixels.len() == WIDTH * HEIGHT && depths.len() == WIDTH * HEIGHT);
        Canvas { pixels, depths }
    }

    /// Rows of RGB bytes.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        self.pixels.iter().flat_map(|color| color.to_bytes()).collect()
    }

    /// Draws a limb at this depth, shaded as the round thing it is, behind whatever is nearer.
    pub(super) fn limb(&mut self, limb: Limb, depth: f32, color: Color) {
        let Limb { from, to, from_radius, to_radius } = limb;
        let most = from_radius.max(to_radius) + 1.0;
        let low = Point { x: from.x.min(to.x) - most, y: from.y.min(to.y) - most };
        let high = Point { x: from.x.max(to.x) + most, y: from.y.max(to.y) + most };
        let (along_x, along_y) = (to.x - from.x, to.y - from.y);
        let length = (along_x * along_x + along_y * along_y).max(1e-6);
        let bend = (length.sqrt() / most).clamp(0.0, 1.0);
        self.each(low, high, depth, |x, y| {
            let t = (((x - from.x) * along_x + (y - from.y) * along_y) / length).clamp(0.0, 1.0);
            let radius = from_radius + (to_radius - from_radius) * t;
            let (dx, dy) = (x - from.x - along_x * t, y - from.y - along_y * t);
            let distance = (dx * dx + dy * dy).sqrt();
            let alpha = (radius - distance + 0.5).clamp(0.0, 1.0);
            // Round across, straight along: so that thigh and shin are one leg and not two balls at the knee.
            let across = (dx * -along_y + dy * along_x) / length;
            let (nx, ny) =
                (across * -along_y * bend + dx * (1.0 - bend), across * along_x * bend + dy * (1.0 - bend));
            (alpha > 0.0).then(|| (color.lit(roundness(nx / radius, ny / radius)), alpha))
        });
    }

    /// Draws an ellipse, shaded as a ball.
    pub(super) fn ball(&mut self, center: Point, radius_x: f32, radius_y: f32, depth: f32, color: Color) {
        let low = Point { x: center.x - radius_x - 1.0, y: center.y - radius_y - 1.0 };
        let high = Point { x: center.x + radius_x + 1.0, y: center.y + radius_y + 1.0 };
        self.each(low, high, depth, |x, y| {
            let (dx, dy) = ((x - center.x) / radius_x, (y - center.y) / radius_y);
            let alpha = ((1.0 - (dx * dx + dy * dy).sqrt()) * radius_x.min(radius_y) + 0.5).clamp(0.0, 1.0);
            (alpha > 0.0).then(|| (color.lit(roundness(dx, dy)), alpha))
        });
    }

    /// Darkens (or lightens) softly around a point, most in the middle.
    pub(super) fn glow(&mut self, center: Point, radius_x: f32, radius_y: f32, color: Color, strength: f32) {
        let low = Point { x: center.x - radius_x, y: center.y - radius_y };
        let high = Point { x: center.x + radius_x, y: center.y + radius_y };
        self.each(low, high, 0.0, |x, y| {
            let (dx, dy) = ((x - center.x) / radius_x, (y - center.y) / radius_y);
            let left = (1.0 - dx * dx - dy * dy).max(0.0);
            Some((color, strength * left * left))
        });
    }

    /// Lays a flat rectangle over everything.
    pub(super) fn rectangle(&mut self, x: i32, y: i32, width: i32, height: i32, color: Color, alpha: f32) {
        for row in y.max(0)..(y + height).min(HEIGHT as i32) {
            for column in x.max(0)..(x + width).min(WIDTH as i32) {
                let pixel = &mut self.pixels[row as usize * WIDTH + column as usize];
                *pixel = pixel.mixed(color, alpha);
            }
        }
    }

    /// Runs every pixel through a function of its place.
    pub(super) fn map(&mut self, change: impl Fn(usize, usize, Color) -> Color) {
        for (index, pixel) in self.pixels.iter_mut().enumerate() {
            *pixel = change(index % WIDTH, index / WIDTH, *pixel);
        }
    }

    /// Darkens corners and crevices, where less light gets to: places that lie behind the mean of their surroundings.
    ///
    /// In the inverse of the depth a flat face is a plane, so that floors and walls are not taken for crevices.
    pub(super) fn darken_crevices(&mut self, strength: f32) {
        const WAYS: [(i32, i32); 4] = [(1, 0), (0, 1), (1, 1), (1, -1)];
        const REACHES: [i32; 4] = [3, 8, 17, 34];
        let nearness: Vec<f32> = self.depths.iter().map(|depth| 1.0 / depth).collect();
        let near = |x: i32, y: i32| {
            let (x, y) = (x.clamp(0, WIDTH as i32 - 1), y.clamp(0, HEIGHT as i32 - 1));
            nearness[y as usize * WIDTH + x as usize]
        };
        for (index, pixel) in self.pixels.iter_mut().enumerate() {
            let (x, y) = ((index % WIDTH) as i32, (index / WIDTH) as i32);
            let here = nearness[index].max(1e-3);
            let mut hidden = 0.0;
            for reach in REACHES {
                for (dx, dy) in WAYS {
                    let one = near(x + dx * reach, y + dy * reach);
                    let other = near(x - dx * reach, y - dy * reach);
                    // Something far in front of this place takes no light from it.
                    let apart = one.max(other) / here > 1.22;
                    let behind = if apart { 0.0 } else { ((one + other) / 2.0 - here) / here };
                    hidden += (behind * 11.0).clamp(0.0, 1.0);
                }
            }
            let share = hidden / (REACHES.len() * WAYS.len()) as f32;
            *pixel = pixel.times(1.0 - share.min(0.75) * strength);
        }
    }

    /// The softness of a small lens: each pixel takes a little of its neighbours.
    pub(super) fn soften(&mut self, amount: f32) {
        let sharp = self.pixels.clone();
        for y in 1..HEIGHT - 1 {
            for x in 1..WIDTH - 1 {
                let at = y * WIDTH + x;
                let around =
                    sharp[at - 1].plus(sharp[at + 1]).plus(sharp[at - WIDTH]).plus(sharp[at + WIDTH]);
                self.pixels[at] = sharp[at].mixed(around.times(0.25), amount);
            }
        }
    }

    /// Paints what `paint` says (a color, and how much of it) where nothing nearer than `depth` is.
    fn each(
        &mut self,
        low: Point,
        high: Point,
        depth: f32,
        paint: impl Fn(f32, f32) -> Option<(Color, f32)>,
    ) {
        let columns = clipped(low.x, high.x, WIDTH);
        let rows = clipped(low.y, high.y, HEIGHT);
        for y in rows {
            for x in columns.clone() {
                let at = y * WIDTH + x;
                if self.depths[at] < depth {
                    continue;
                }
                if let Some((color, alpha)) = paint(x as f32 + 0.5, y as f32 + 0.5) {
                    self.pixels[at] = self.pixels[at].mixed(color, alpha);
                }
            }
        }
    }
}

/// How bright the surface of a ball is at this place of its disc, lit from above and a little from the left.
fn roundness(x: f32, y: f32) -> f32 {
    let z = (1.0 - x * x - y * y).max(0.0).sqrt();
    0.62 + 0.46 * (-0.30 * x - 0.62 * y + 0.55 * z).max(-0.35)
}

fn clipped(low: f32, high: f32, size: usize) -> std::ops::Range<usize> {
    let start = low.floor().clamp(0.0, size as f32) as usize;
    let end = (high.ceil() + 1.0).clamp(0.0, size as f32) as usize;
    start..end.max(start)
}
