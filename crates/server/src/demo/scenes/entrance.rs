//! The entrance: glass doors with daylight behind them, and the gates that goods should not pass unpaid.

use std::f32::consts::PI;

use super::super::camera::Bounds;
use super::super::figure::{Carried, Figure, Look, Pose};
use super::super::palette::{Chance, rgb};
use super::super::raster::Canvas;
use super::super::world::{Room, Surface, View, at};
use super::{Moment, furniture};

const VIEW: View = View { eye: at(2.3, 2.7, -0.5), yaw: -0.40, pitch: 0.33, focal: 0.98 };

pub(super) fn room() -> Room {
    let mut room = Room::new(VIEW, rgb(0x42464a), rgb(0xb8c6d2));
    let mut chance = Chance::new(11);
    furniture::floor(&mut room, (-6.0, 5.0), (-2.0, 6.5), rgb(0xa39f95), 0.6, 1.0);
    outside(&mut room, &mut chance);
    doors(&mut room);
    gates(&mut room);
    baskets(&mut room);
    furniture::solid(&mut room, (-1.3, 1.3), (0.0, 0.012), (4.6, 6.3), Surface::Matte(rgb(0x3c3e42)));
    furniture::side_wall(&mut room, -4.6, (0.0, 3.3), (-2.0, 6.5), Surface::Matte(rgb(0xc4c0b6)));
    furniture::side_wall(&mut room, 4.4, (0.0, 3.3), (-2.0, 6.5), Surface::Matte(rgb(0xb4b2aa)));
    for (x, z) in [(-2.4, 0.4), (0.8, 0.4), (-2.4, 3.4), (0.8, 3.4)] {
        furniture::strip_lamp(&mut room, x, 3.3, z, z + 1.6, 3.6);
    }
    let ceiling = Surface::Matte(rgb(0xc4c6c4));
    room.face([at(-6.0, 3.4, -2.0), at(6.0, 3.4, -2.0), at(6.0, 3.4, 6.5), at(-6.0, 3.4, 6.5)], ceiling);
    // Daylight through the doors.
    room.lamp(at(0.0, 1.8, 7.6), rgb(0xd8e8ff), 7.0);
    room
}

fn outside(room: &mut Room, chance: &mut Chance) {
    furniture::wall(room, (-14.0, 14.0), (0.6, 9.0), 22.0, Surface::Shining(rgb(0xcfddea)));
    let street = Surface::Shining(rgb(0x8e9296));
    room.face(
        [at(-14.0, -0.02, 6.6), at(14.0, -0.02, 6.6), at(14.0, -0.02, 22.0), at(-14.0, -0.02, 22.0)],
        street,
    );
    let mut x = -12.0;
    while x < 12.0 {
        let width = chance.between(2.0, 3.6);
        let shade = chance.between(0.75, 1.0);
        let color = rgb(chance.pick(&[0xb29c88, 0xa4a8ac, 0xc0b4a0, 0x988880])).times(shade);
        furniture::solid(
            room,
            (x, x + width),
            (0.0, chance.between(3.5, 6.0)),
            (19.0, 21.0),
            Surface::Shining(color),
        );
        for window in 0..3 {
            let left = x + 0.3 + window as f32 * width * 0.3;
            furniture::wall(room, (left, left + 0.5), (1.4, 2.4), 18.98, Surface::Shining(color.times(0.62)));
        }
        x += width + 0.05;
    }
    for (x, color) in [(-5.2, 0x8a2e30), (1.8, 0x3c526c)] {
        let paint = Surface::Shining(rgb(color));
        furniture::solid(room, (x, x + 3.6), (0.35, 0.95), (14.0, 15.6), paint);
        furniture::solid(
            room,
            (x + 0.7, x + 2.9),
            (0.95, 1.45),
            (14.1, 15.5),
            Surface::Shining(rgb(0x2c343c)),
        );
        for wheel in [x + 0.5, x + 2.6] {
            furniture::solid(
                room,
                (wheel, wheel + 0.6),
                (0.0, 0.6),
                (13.95, 14.1),
                Surface::Shining(rgb(0x202224)),
            );
        }
    }
}

fn doors(room: &mut Room) {
    let frame = Surface::Matte(rgb(0x5a6066));
    furniture::solid(room, (-6.0, -1.55), (0.0, 3.4), (6.4, 6.6), Surface::Matte(rgb(0xc8c4ba)));
    furniture::solid(room, (1.55, 6.0), (0.0, 3.4), (6.4, 6.6), Surface::Matte(rgb(0xc8c4ba)));
    furniture::solid(room, (-1.6, 1.6), (2.45, 3.4), (6.4, 6.6), Surface::Matte(rgb(0x1f5f8a)));
    furniture::wall(room, (-1.0, 0.7), (2.82, 2.98), 6.38, Surface::Shining(rgb(0xe8eef2)));
    for x in [-1.6, -0.86, 0.80, 1.54] {
        furniture::solid(room, (x, x + 0.06), (0.0, 2.45), (6.42, 6.5), frame);
    }
    for (left, right) in [(-1.55, -0.85), (0.85, 1.55)] {
        furniture::solid(room, (left, right), (0.0, 0.10), (6.42, 6.5), frame);
        furniture::solid(room, (left, right), (1.02, 1.10), (6.42, 6.5), frame);
    }
    // Notices beside the doors.
    let notice = |color: u32, seed| Surface::Package { color: rgb(color), band: rgb(0xe8e4d8), seed };
    furniture::wall(room, (-3.1, -2.3), (1.0, 2.1), 6.39, notice(0x2f6d9e, 4));
    furniture::wall(room, (2.2, 3.0), (1.0, 2.1), 6.39, notice(0xc23b32, 12));
}

/// Two pairs of white posts that ring.
fn gates(room: &mut Room) {
    for x in [-1.25_f32, 0.0, 1.25] {
        let white = Surface::Matte(rgb(0xe4e4e0));
        for z in [3.55_f32, 4.15] {
            furniture::solid(room, (x - 0.035, x + 0.035), (0.0, 1.5), (z, z + 0.07), white);
        }
        for y in [0.35_f32, 0.9, 1.44] {
            furniture::solid(room, (x - 0.03, x + 0.03), (y, y + 0.06), (3.55, 4.22), white);
        }
        furniture::solid(room, (x - 0.16, x + 0.16), (0.0, 0.05), (3.45, 4.3), Surface::Matte(rgb(0x8a8c8e)));
    }
}

fn baskets(room: &mut Room) {
    for basket in 0..7 {
        let low = 0.06 + basket as f32 * 0.085;
        let color = if basket % 2 == 0 { rgb(0x2e6e4a) } else { rgb(0x286242) };
        furniture::solid(room, (-3.6, -3.0), (low, low + 0.07), (2.2, 2.65), Surface::Matte(color));
    }
    furniture::solid(room, (-3.36, -3.24), (0.68, 0.74), (2.2, 2.65), Surface::Matte(rgb(0x303234)));
    // A planter.
    furniture::solid(room, (3.3, 3.9), (0.0, 0.5), (4.9, 5.5), Surface::Matte(rgb(0x6a5a4c)));
    for leaf in 0..9 {
        let turn = leaf as f32 * 0.7;
        let (x, z) = (3.6 + turn.cos() * 0.22, 5.2 + turn.sin() * 0.22);
        let high = 0.8 + (leaf % 3) as f32 * 0.2;
        furniture::solid(
            room,
            (x - 0.09, x + 0.09),
            (0.45, high),
            (z - 0.05, z + 0.05),
            Surface::Matte(rgb(0x3c7242)),
        );
    }
}

pub(super) fn people(canvas: &mut Canvas, moment: &Moment) -> Bounds {
    let step = moment.step as f32;
    let visitor = Figure {
        feet: at(-0.45, 0.0, 7.4),
        facing: PI - 0.1,
        tall: 1.70,
        look: Look {
            skin: rgb(0x9a6a4c),
            hair: rgb(0x221c1a),
            top: rgb(0xb8a060),
            legs: rgb(0x3a4254),
            shoes: rgb(0x50443c),
            hood: false,
            backpack: None,
            carries: Carried::Nothing,
        },
        pose: Pose { phase: 2.2 + step, stride: 0.26, ..Pose::default() },
    };
    visitor.draw(canvas, &VIEW, rgb(0xd0d4da));

    // Leaves between the gates with a full bag.
    let suspect = Figure {
        feet: at(0.62, 0.0, 3.05 + (step * 0.1) % 1.0),
        facing: -0.12,
        tall: 1.77,
        look: Look {
            skin: rgb(0xdcb090),
            hair: rgb(0xa87c44),
            top: rgb(0x4a563c),
            legs: rgb(0x262c3a),
            shoes: rgb(0xd0ccc4),
            hood: false,
            backpack: None,
            carries: Carried::Bag(rgb(0x2c5a9c)),
        },
        pose: Pose {
            phase: 1.1 + step * 1.3,
            stride: 0.30,
            left: 0.15,
            lean: 0.05,
            glance: 1.1,
            ..Pose::default()
        },
    };
    suspect.draw(canvas, &VIEW, rgb(0xfaf8f2))
}
