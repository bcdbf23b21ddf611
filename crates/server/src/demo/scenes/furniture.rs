//! What stands in shops: shelves with goods, lamps on the ceiling, boxes.

use super::super::palette::{Chance, Color, rgb};
use super::super::world::{Place, Room, Surface, at};

const GOODS: [u32; 18] = [
    0xc23b32, 0xd98a2b, 0xe2c14a, 0x4c8c4a, 0x2f6d9e, 0x7a4b8f, 0xd9d4c7, 0xa85a3a, 0x368f8b, 0xc95f7f,
    0x5a6fc0, 0xe6e2d6, 0x8fb03e, 0x3d455c, 0xb8334a, 0xf0b43c, 0x6f9fc8, 0xdf7a4a,
];

/// Shelves along z from `near` to `far`, open towards `inside` (+1: to the right, -1: to the left).
pub(super) fn shelves(room: &mut Room, front: f32, inside: f32, near: f32, far: f32, chance: &mut Chance) {
    const LEVELS: [f32; 6] = [0.12, 0.50, 0.86, 1.20, 1.54, 1.88];
    let depth = 0.45;
    let back = front - inside * depth;
    let steel = Surface::Matte(rgb(0xb9bcbd));
    let dark = Surface::Matte(rgb(0x4a4d50));
    solid(room, (back, back - inside * 0.04), (0.0, 2.05), (near, far), Surface::Matte(rgb(0x8a8d8e)));
    solid(room, (front, back), (0.0, 0.12), (near, far), dark);
    for level in LEVELS {
        solid(room, (front, back), (level - 0.03, level), (near, far), steel);
        price_strip(room, front + inside * 0.012, level, (near, far), chance);
    }
    for (index, level) in LEVELS.iter().enumerate().take(LEVELS.len() - 1) {
        let room_above = LEVELS[index + 1] - level - 0.06;
        row_of_goods(room, front, inside, *level, room_above, (near, far), chance);
    }
    let mut upright = near;
    while upright <= far {
        solid(room, (front + inside * 0.005, back), (0.0, 2.05), (upright - 0.02, upright + 0.02), dark);
        upright += 1.25;
    }
}

fn price_strip(room: &mut Room, x: f32, level: f32, (near, far): (f32, f32), chance: &mut Chance) {
    let (low, high) = (level - 0.045, level - 0.002);
    let face = |near: f32, far: f32, x: f32| {
        [at(x, low, near), at(x, low, far), at(x, high, far), at(x, high, near)]
    };
    room.face(face(near, far, x), Surface::Matte(rgb(0xe9e6dc)));
    let inward = if x > 0.0 { -0.004 } else { 0.004 };
    let mut z = near + chance.between(0.1, 0.3);
    while z < far - 0.1 {
        let color = if chance.share() > 0.82 { rgb(0xd8b424) } else { rgb(0xb93830) };
        room.face(face(z, z + 0.07, x + inward), Surface::Matte(color));
        z += chance.between(0.22, 0.5);
    }
}

fn row_of_goods(
    room: &mut Room,
    front: f32,
    inside: f32,
    level: f32,
    room_above: f32,
    (near, far): (f32, f32),
    chance: &mut Chance,
) {
    let mut z = near + 0.04;
    while z < far - 0.1 {
        let color = rgb(chance.pick(&GOODS));
        let band = rgb(chance.pick(&GOODS));
        let width = chance.between(0.09, 0.2);
        let height = room_above * chance.between(0.55, 0.95);
        let facings = 1 + (chance.share() * 4.0) as u32;
        let seed = (chance.share() * 1e6) as u32;
        for _ in 0..facings {
            if z + width > far - 0.05 {
                return;
            }
            // Now and then somebody has taken one.
            let gap = chance.share() < 0.05;
            let pushed = chance.between(0.02, 0.06) + if gap { 0.16 } else { 0.0 };
            let own = chance.between(0.92, 1.06);
            let surface = Surface::Package { color: color.times(own), band: band.times(own), seed };
            let from = front - inside * pushed;
            goods(
                room,
                (from, from - inside * 0.25),
                (level, level + height),
                (z, z + width - 0.012),
                surface,
            );
            z += width;
        }
        z += chance.between(0.0, 0.03);
    }
}

/// Only the sides that can be seen from the aisle.
fn goods(room: &mut Room, x: (f32, f32), y: (f32, f32), z: (f32, f32), surface: Surface) {
    let (front, back) = x;
    let (low, high) = y;
    let (near, far) = z;
    room.face(
        [at(front, low, far), at(front, low, near), at(front, high, near), at(front, high, far)],
        surface,
    );
    room.face(
        [at(back, low, near), at(front, low, near), at(front, high, near), at(back, high, near)],
        surface,
    );
    room.face(
        [at(back, high, near), at(front, high, near), at(front, high, far), at(back, high, far)],
        surface,
    );
}

/// Strip lamps on the ceiling along z.
pub(super) fn strip_lamp(room: &mut Room, x: f32, y: f32, near: f32, far: f32, power: f32) {
    let white = rgb(0xfffdf4);
    solid(room, (x - 0.11, x + 0.11), (y - 0.03, y + 0.05), (near, far), Surface::Shining(white));
    let pieces = 2;
    for piece in 0..pieces {
        let z = near + (far - near) * (piece as f32 + 0.5) / pieces as f32;
        room.lamp(at(x, y - 0.1, z), white, power / pieces as f32);
    }
}

/// The floor, from left to right and near to far.
pub(super) fn floor(room: &mut Room, x: (f32, f32), z: (f32, f32), color: Color, size: f32, gloss: f32) {
    let surface = Surface::Tiles { color, size, gloss };
    room.face([at(x.0, 0.0, z.0), at(x.1, 0.0, z.0), at(x.1, 0.0, z.1), at(x.0, 0.0, z.1)], surface);
}

/// A wall across, at this z.
pub(super) fn wall(room: &mut Room, x: (f32, f32), y: (f32, f32), z: f32, surface: Surface) {
    room.face([at(x.0, y.0, z), at(x.1, y.0, z), at(x.1, y.1, z), at(x.0, y.1, z)], surface);
}

/// A wall along z, at this x.
pub(super) fn side_wall(room: &mut Room, x: f32, y: (f32, f32), z: (f32, f32), surface: Surface) {
    room.face([at(x, y.0, z.0), at(x, y.0, z.1), at(x, y.1, z.1), at(x, y.1, z.0)], surface);
}

/// A box, its corners in any order.
pub(super) fn solid(room: &mut Room, x: (f32, f32), y: (f32, f32), z: (f32, f32), surface: Surface) {
    let low = Place { x: x.0.min(x.1), y: y.0.min(y.1), z: z.0.min(z.1) };
    let high = Place { x: x.0.max(x.1), y: y.0.max(y.1), z: z.0.max(z.1) };
    room.solid(low, high, surface);
}
