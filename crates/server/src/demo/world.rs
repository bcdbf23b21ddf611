//! A room of flat faces seen through a pinhole: perspective, depth, light.

use super::palette::{Color, grain};
use super::raster::{Canvas, HEIGHT, Point, WIDTH};

/// Drawn at this many times the size each way, then averaged: smooth edges.
const FINE: usize = 2;
const NEAR: f32 = 0.15;

/// A place in the room, in metres: x to the right, y up from the floor, z away from the camera.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Place {
    pub(super) x: f32,
    pub(super) y: f32,
    pub(super) z: f32,
}

pub(super) const fn at(x: f32, y: f32, z: f32) -> Place {
    Place { x, y, z }
}

/// Where the camera hangs and looks.
#[derive(Debug, Clone, Copy)]
pub(super) struct View {
    pub(super) eye: Place,
    /// To the right, in radians.
    pub(super) yaw: f32,
    /// Downwards, in radians.
    pub(super) pitch: f32,
    /// Picture heights: about 0.9 for a wide lens.
    pub(super) focal: f32,
}

/// What a face looks like.
#[derive(Debug, Clone, Copy)]
pub(super) enum Surface {
    /// One color.
    Matte(Color),
    /// Floor tiles of this size with joints.
    Tiles { color: Color, size: f32, gloss: f32 },
    /// A printed package: a band, a label, some text.
    Package { color: Color, band: Color, seed: u32 },
    /// Brick or blockwork.
    Bricks { color: Color, joint: Color, width: f32, height: f32 },
    /// Corrugated sheet.
    Ribbed { color: Color, ribs: f32 },
    /// Shines by itself.
    Shining(Color),
    /// A screen: lines of content on a shining ground.
    Screen(Color),
}

/// A flat face with four corners, counter-clockwise as it is seen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Face {
    pub(super) corners: [Place; 4],
    pub(super) surface: Surface,
}

/// A lamp that shines every way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lamp {
    pub(super) place: Place,
    pub(super) color: Color,
    pub(super) power: f32,
}

/// Everything that does not move.
#[derive(Debug)]
pub(super) struct Room {
    pub(super) view: View,
    pub(super) faces: Vec<Face>,
    pub(super) lamps: Vec<Lamp>,
    pub(super) ambient: Color,
    /// What is seen where there is nothing.
    pub(super) beyond: Color,
}

impl Place {
    pub(super) fn plus(self, other: Place) -> Place {
        at(self.x + other.x, self.y + other.y, self.z + other.z)
    }

    pub(super) fn minus(self, other: Place) -> Place {
        at(self.x - other.x, self.y - other.y, self.z - other.z)
    }

    pub(super) fn times(self, factor: f32) -> Place {
        at(self.x * factor, self.y * factor, self.z * factor)
    }

    pub(super) fn dot(self, other: Place) -> f32 {
        self.x * other.x + self.y * other.y + self.z * other.z
    }

    fn cross(self, other: Place) -> Place {
        at(
            self.y * other.z - self.z * other.y,
            self.z * other.x - self.x * other.z,
            self.x * other.y - self.y * other.x,
        )
    }

    fn unit(self) -> Place {
        self.times(1.0 / self.dot(self).sqrt().max(1e-6))
    }
}

impl View {
    /// The place as the camera has it: x right, y up, z straight ahead.
    fn turn(&self, place: Place) -> Place {
        let from_eye = place.minus(self.eye);
        let (sin, cos) = self.yaw.sin_cos();
        let turned = at(from_eye.x * cos - from_eye.z * sin, from_eye.y, from_eye.x * sin + from_eye.z * cos);
        let (sin, cos) = self.pitch.sin_cos();
        at(turned.x, turned.y * cos + turned.z * sin, turned.z * cos - turned.y * sin)
    }

    /// Where the place is in the picture, how far away, and how many pixels a metre has there.
    pub(super) fn project(&self, place: Place) -> (Point, f32, f32) {
        let seen = self.turn(place);
        let depth = seen.z.max(NEAR);
        let scale = self.focal * HEIGHT as f32 / depth;
        let x = WIDTH as f32 / 2.0 + seen.x * scale;
        let y = HEIGHT as f32 / 2.0 - seen.y * scale;
        (Point { x, y }, depth, scale)
    }
}

impl Room {
    pub(super) fn new(view: View, ambient: Color, beyond: Color) -> Room {
        Room { view, faces: Vec::new(), lamps: Vec::new(), ambient, beyond }
    }

    pub(super) fn face(&mut self, corners: [Place; 4], surface: Surface) {
        self.faces.push(Face { corners, surface });
    }

    /// A box from its least to its greatest corner, each side with this surface, the top a little brighter by light.
    pub(super) fn solid(&mut self, low: Place, high: Place, surface: Surface) {
        let corner = |x: bool, y: bool, z: bool| {
            at(if x { high.x } else { low.x }, if y { high.y } else { low.y }, if z { high.z } else { low.z })
        };
        let sides = [
            [
                corner(false, false, false),
                corner(true, false, false),
                corner(true, true, false),
                corner(false, true, false),
            ],
            [
                corner(true, false, true),
                corner(false, false, true),
                corner(false, true, true),
                corner(true, true, true),
            ],
            [
                corner(false, false, true),
                corner(false, false, false),
                corner(false, true, false),
                corner(false, true, true),
            ],
            [
                corner(true, false, false),
                corner(true, false, true),
                corner(true, true, true),
                corner(true, true, false),
            ],
            [
                corner(false, true, false),
                corner(true, true, false),
                corner(true, true, true),
                corner(false, true, true),
            ],
        ];
        for corners in sides {
            self.face(corners, surface);
        }
    }

    pub(super) fn lamp(&mut self, place: Place, color: Color, power: f32) {
        self.lamps.push(Lamp { place, color, power });
    }

    /// The room as the camera sees it.
    pub(super) fn render(&self) -> Canvas {
        let (width, height) = (WIDTH * FINE, HEIGHT * FINE);
        let mut fine =
            Fine { colors: vec![self.beyond; width * height], depths: vec![f32::MAX; width * height] };
        for face in &self.faces {
            self.draw(face, &mut fine);
        }
        fine.averaged()
    }

    fn draw(&self, face: &Face, fine: &mut Fine) {
        let [a, b, c, d] = face.corners;
        let normal = b.minus(a).cross(d.minus(a)).unit();
        // Sides that face away are hidden by those that do not.
        let facing = normal.dot(self.view.eye.minus(a));
        let normal = if facing < 0.0 { normal.times(-1.0) } else { normal };
        let texture = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)];
        let size = (length(b.minus(a)), length(d.minus(a)));
        let corners = [a, b, c, d];
        let vertex = |index: usize| Vertex {
            place: corners[index],
            seen: self.view.turn(corners[index]),
            u: texture[index].0,
            v: texture[index].1,
        };
        let polygon = clip(&[vertex(0), vertex(1), vertex(2), vertex(3)]);
        let shade = |place: Place, u: f32, v: f32| {
            shaded(face.surface, place, (u * size.0, v * size.1), (u, v), |gloss| {
                self.light(place, normal, gloss)
            })
        };
        for index in 1..polygon.len().saturating_sub(1) {
            fine.triangle([polygon[0], polygon[index], polygon[index + 1]], self.view.focal, &shade);
        }
    }

    /// The light that falls on a place, and with gloss, what is mirrored of the lamps.
    fn light(&self, place: Place, normal: Place, gloss: f32) -> (Color, Color) {
        let to_eye = self.view.eye.minus(place).unit();
        let mut light = self.ambient;
        let mut mirrored = Color { r: 0.0, g: 0.0, b: 0.0 };
        for lamp in &self.lamps {
            let to_lamp = lamp.place.minus(place);
            let squared = to_lamp.dot(to_lamp).max(0.05);
            let toward = to_lamp.times(1.0 / squared.sqrt());
            let falling = (normal.dot(toward) * 0.85 + 0.15).max(0.0) * lamp.power / (1.0 + squared);
            light = light.plus(lamp.color.times(falling));
            if gloss > 0.0 {
                let half = toward.plus(to_eye).unit();
                let shine = normal.dot(half).max(0.0).powi(90) * gloss * lamp.power / (1.0 + squared * 0.4);
                mirrored = mirrored.plus(lamp.color.times(shine));
            }
        }
        (light, mirrored)
    }
}

#[derive(Debug, Clone, Copy)]
struct Vertex {
    place: Place,
    seen: Place,
    u: f32,
    v: f32,
}

/// The part of the polygon in front of the camera.
fn clip(polygon: &[Vertex]) -> Vec<Vertex> {
    let mut inside = Vec::with_capacity(polygon.len() + 1);
    for (index, here) in polygon.iter().enumerate() {
        let next = &polygon[(index + 1) % polygon.len()];
        if here.seen.z >= NEAR {
            inside.push(*here);
        }
        if (here.seen.z >= NEAR) != (next.seen.z >= NEAR) {
            let t = (NEAR - here.seen.z) / (next.seen.z - here.seen.z);
            let mix = |from: Place, to: Place| from.plus(to.minus(from).times(t));
            inside.push(Vertex {
                place: mix(here.place, next.place),
                seen: mix(here.seen, next.seen),
                u: here.u + (next.u - here.u) * t,
                v: here.v + (next.v - here.v) * t,
            });
        }
    }
    inside
}

struct Fine {
    colors: Vec<Color>,
    depths: Vec<f32>,
}

impl Fine {
    fn triangle(&mut self, corners: [Vertex; 3], focal: f32, shade: &impl Fn(Place, f32, f32) -> Color) {
        let (width, height) = ((WIDTH * FINE) as f32, (HEIGHT * FINE) as f32);
        let points = corners.map(|corner| {
            let scale = focal * height / corner.seen.z;
            (width / 2.0 + corner.seen.x * scale, height / 2.0 - corner.seen.y * scale)
        });
        let [(ax, ay), (bx, by), (cx, cy)] = points;
        let area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay);
        if area.abs() < 1e-3 {
            return;
        }
        let span = |low: f32, high: f32, size: f32| {
            (low.floor().clamp(0.0, size) as usize)..(high.ceil().clamp(0.0, size) as usize)
        };
        let rows = span(ay.min(by).min(cy), ay.max(by).max(cy), height);
        let columns = span(ax.min(bx).min(cx), ax.max(bx).max(cx), width);
        let inverse = corners.map(|corner| 1.0 / corner.seen.z);
        for row in rows {
            for column in columns.clone() {
                let (x, y) = (column as f32 + 0.5, row as f32 + 0.5);
                let wa = ((bx - x) * (cy - y) - (cx - x) * (by - y)) / area;
                let wb = ((cx - x) * (ay - y) - (ax - x) * (cy - y)) / area;
                let wc = 1.0 - wa - wb;
                if wa < 0.0 || wb < 0.0 || wc < 0.0 {
                    continue;
                }
                let depth = 1.0 / (wa * inverse[0] + wb * inverse[1] + wc * inverse[2]);
                let index = row * WIDTH * FINE + column;
                if depth >= self.depths[index] {
                    continue;
                }
                let weights = [wa * inverse[0] * depth, wb * inverse[1] * depth, wc * inverse[2] * depth];
                let mut place = at(0.0, 0.0, 0.0);
                let (mut u, mut v) = (0.0, 0.0);
                for (corner, weight) in corners.iter().zip(weights) {
                    place = place.plus(corner.place.times(weight));
                    u += corner.u * weight;
                    v += corner.v * weight;
                }
                self.depths[index] = depth;
                self.colors[index] = shade(place, u, v);
            }
        }
    }

    fn averaged(&self) -> Canvas {
        let mut pixels = Vec::with_capacity(WIDTH * HEIGHT);
        let mut depths = Vec::with_capacity(WIDTH * HEIGHT);
        let share = 1.0 / (FINE * FINE) as f32;
        for y in 0..HEIGHT {
            for x in 0..WIDTH {
                let mut color = Color { r: 0.0, g: 0.0, b: 0.0 };
                let mut depth = f32::MAX;
                for (dy, dx) in (0..FINE).flat_map(|dy| (0..FINE).map(move |dx| (dy, dx))) {
                    let index = (y * FINE + dy) * WIDTH * FINE + x * FINE + dx;
                    color = color.plus(self.colors[index].times(share));
                    depth = depth.min(self.depths[index]);
                }
                pixels.push(color);
                depths.push(depth);
            }
        }
        Canvas::new(pixels, depths)
    }
}

/// The color of a surface at `metres` from its first corner, which is the part `part` of its size.
fn shaded(
    surface: Surface,
    place: Place,
    metres: (f32, f32),
    part: (f32, f32),
    light: impl Fn(f32) -> (Color, Color),
) -> Color {
    match surface {
        Surface::Shining(color) => color,
        Surface::Screen(color) => screen(color, part),
        Surface::Matte(color) => color.under(light(0.0).0),
        Surface::Tiles { color, size, gloss } => {
            let (column, row) = ((place.x / size).floor(), (place.z / size).floor());
            let own = 1.0 + 0.05 * grain(column as i32 as usize, row as i32 as usize, 7);
            let edge = joint(place.x / size).min(joint(place.z / size)) * size;
            let color = if edge < 0.008 { color.times(0.72) } else { color.times(own) };
            let (falling, mirrored) = light(gloss);
            color.under(falling).plus(mirrored)
        }
        Surface::Package { color, band, seed } => package(color, band, seed, part).under(light(0.0).0),
        Surface::Bricks { color, joint: mortar, width, height } => {
            let row = (metres.1 / height).floor();
            let shift = if (row as i32) % 2 == 0 { 0.0 } else { 0.5 };
            let column = metres.0 / width + shift;
            let near = (joint(column) * width).min(joint(metres.1 / height) * height);
            let own = 1.0 + 0.16 * grain(column.floor() as i32 as usize, row as i32 as usize, 3);
            let color = if near < 0.009 { mortar } else { color.times(own) };
            color.under(light(0.0).0)
        }
        Surface::Ribbed { color, ribs } => {
            let wave = (metres.0 / ribs * std::f32::consts::TAU).sin();
            color.times(0.9 + 0.1 * wave).under(light(0.0).0)
        }
    }
}

/// How far the number is from the nearest whole one.
fn joint(number: f32) -> f32 {
    (number - number.round()).abs()
}

fn package(color: Color, band: Color, seed: u32, (u, v): (f32, f32)) -> Color {
    let pale = Color { r: 0.93, g: 0.92, b: 0.88 };
    let layout = seed % 4;
    let base = match layout {
        0 if v > 0.62 => band,
        1 if (v - 0.5).abs() < 0.2 => band,
        2 if u + v > 1.1 => band,
        _ => color,
    };
    let (x, y) = (u - 0.5, v - if layout == 0 { 0.35 } else { 0.52 });
    let label = if layout == 3 { x * x / 0.09 + y * y / 0.03 < 1.0 } else { x.abs() < 0.3 && y.abs() < 0.11 };
    if !label {
        return base;
    }
    let line = ((v * 22.0) as u32).is_multiple_of(2) && x.abs() < 0.24 && !(seed >> 3).is_multiple_of(3);
    if line { pale.mixed(color, 0.7) } else { pale }
}

fn screen(color: Color, (u, v): (f32, f32)) -> Color {
    let white = Color { r: 0.92, g: 0.97, b: 1.0 };
    if v > 0.8 {
        return color.times(0.55);
    }
    let row = (v * 9.0) as u32;
    let inside = (v * 9.0).fract();
    if u > 0.08 && u < 0.62 && inside > 0.3 && inside < 0.62 && row > 0 {
        let end = 0.3 + 0.3 * (grain(row as usize, 3, 5) + 1.0) / 2.0;
        return if u < end { white } else { color };
    }
    if u > 0.7 && u < 0.92 && v > 0.08 && v < 0.3 {
        return Color { r: 0.3, g: 0.85, b: 0.5 };
    }
    color
}

fn length(way: Place) -> f32 {
    way.dot(way).sqrt()
}
