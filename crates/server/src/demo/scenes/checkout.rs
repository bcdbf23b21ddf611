//! Self-checkout: a row of tills with screens, seen from the corner.

use std::f32::consts::PI;

use super::super::camera::Bounds;
use super::super::figure::{Carried, Figure, Look, Pose};
use super::super::palette::{Chance, rgb};
use super::super::raster::Canvas;
use super::super::world::{Room, Surface, View, at};
use super::{Moment, furniture};

const VIEW: View = View { eye: at(-2.7, 2.65, 0.9), yaw: 0.86, pitch: 0.36, focal: 0.98 };

pub(super) fn room() -> Room {
    let mut room = Room::new(VIEW, rgb(0x42464a), rgb(0x303336));
    let mut chance = Chance::new(77);
    furniture::floor(&mut room, (-5.0, 10.0), (-1.5, 9.0), rgb(0x9a9c9c), 0.6, 0.9);
    furniture::wall(&mut room, (-5.0, 10.0), (0.0, 3.3), 8.0, Surface::Matte(rgb(0xcdcfcc)));
    furniture::wall(&mut room, (-5.0, 10.0), (0.0, 0.12), 7.98, Surface::Matte(rgb(0x6a7074)));
    furniture::wall(&mut room, (-5.0, 10.0), (2.25, 2.75), 7.97, Surface::Matte(rgb(0x1f7a5c)));
    furniture::side_wall(&mut room, 7.2, (0.0, 3.3), (-1.5, 8.0), Surface::Matte(rgb(0xbfc2c0)));
    let ceiling = Surface::Matte(rgb(0xc4c6c4));
    room.face([at(-5.0, 3.3, -1.5), at(10.0, 3.3, -1.5), at(10.0, 3.3, 8.0), at(-5.0, 3.3, 8.0)], ceiling);
    let poster = Surface::Package { color: rgb(0xe6c04a), band: rgb(0xc03a34), seed: 9 };
    for x in [-2.2, 0.4, 3.0] {
        furniture::wall(&mut room, (x, x + 1.1), (0.7, 2.0), 7.96, poster);
    }
    for till in 0..3 {
        self_till(&mut room, -0.4 + till as f32 * 2.0, 3.9);
    }
    barrier(&mut room);
    impulse_rack(&mut room, &mut chance);
    for (x, z) in [(-1.6, 1.2), (1.4, 1.2), (4.4, 1.2), (-1.6, 5.2), (1.4, 5.2), (4.4, 5.2)] {
        furniture::strip_lamp(&mut room, x, 3.25, z, z + 1.5, 3.9);
    }
    room
}

/// A till: cabinet, scanner, tilted screen, bagging shelf, and a pole with a light.
fn self_till(room: &mut Room, x: f32, z: f32) {
    let body = Surface::Matte(rgb(0x3a4046));
    let steel = Surface::Matte(rgb(0xa8aeb2));
    furniture::solid(room, (x, x + 0.62), (0.0, 0.92), (z, z + 0.55), body);
    furniture::solid(room, (x - 0.02, x + 0.64), (0.92, 0.97), (z - 0.03, z + 0.58), steel);
    furniture::solid(
        room,
        (x + 0.14, x + 0.46),
        (0.972, 0.98),
        (z + 0.05, z + 0.3),
        Surface::Matte(rgb(0x16181c)),
    );
    furniture::solid(
        room,
        (x + 0.05, x + 0.57),
        (1.05, 1.62),
        (z + 0.44, z + 0.52),
        Surface::Matte(rgb(0x22262a)),
    );
    furniture::wall(room, (x + 0.08, x + 0.54), (1.12, 1.57), z + 0.43, Surface::Screen(rgb(0x2a6fb0)));
    furniture::solid(room, (x + 0.16, x + 0.46), (0.98, 1.08), (z + 0.46, z + 0.54), body);
    furniture::solid(room, (x + 0.66, x + 1.28), (0.0, 0.55), (z, z + 0.55), Surface::Matte(rgb(0x4b5258)));
    furniture::solid(room, (x + 0.66, x + 1.28), (0.55, 0.58), (z, z + 0.55), steel);
    // A carrier bag on the shelf.
    furniture::solid(
        room,
        (x + 0.8, x + 1.12),
        (0.58, 0.92),
        (z + 0.14, z + 0.42),
        Surface::Matte(rgb(0xd8d2c2)),
    );
    furniture::solid(room, (x + 0.58, x + 0.61), (0.97, 2.05), (z + 0.5, z + 0.53), steel);
    furniture::solid(
        room,
        (x + 0.55, x + 0.64),
        (2.05, 2.17),
        (z + 0.47, z + 0.56),
        Surface::Shining(rgb(0x46d07a)),
    );
}

/// Posts with a belt between them.
fn barrier(room: &mut Room) {
    for index in 0..4 {
        let x = -0.9 + index as f32 * 1.5;
        furniture::solid(room, (x, x + 0.06), (0.0, 0.95), (1.30, 1.36), Surface::Matte(rgb(0x2c3034)));
        furniture::solid(
            room,
            (x - 0.12, x + 0.18),
            (0.0, 0.03),
            (1.18, 1.48),
            Surface::Matte(rgb(0x24282b)),
        );
        if index > 0 {
            furniture::wall(room, (x - 1.44, x), (0.84, 0.91), 1.33, Surface::Matte(rgb(0x1f7a5c)));
        }
    }
}

fn impulse_rack(room: &mut Room, chance: &mut Chance) {
    furniture::solid(room, (5.7, 6.9), (0.0, 1.45), (2.4, 3.0), Surface::Matte(rgb(0x50565c)));
    for level in 0..4 {
        let low = 0.15 + level as f32 * 0.33;
        let mut x = 5.75;
        while x < 6.8 {
            let color = rgb(chance.pick(&[0xc23b32, 0xe2c14a, 0x4c8c4a, 0x2f6d9e, 0xd98a2b, 0x7a4b8f]));
            let surface =
                Surface::Package { color, band: color.times(0.6), seed: (chance.share() * 100.0) as u32 };
            furniture::wall(room, (x, x + 0.13), (low, low + 0.24), 2.38, surface);
            x += 0.15;
        }
    }
}

pub(super) fn people(canvas: &mut Canvas, moment: &Moment) -> Bounds {
    let step = moment.step as f32;
    let customer = Figure {
        feet: at(3.9, 0.0, 3.35),
        facing: 0.05,
        tall: 1.68,
        look: Look {
            skin: rgb(0x8a5c42),
            hair: rgb(0x1e1816),
            top: rgb(0xc9b082),
            legs: rgb(0x2c3446),
            shoes: rgb(0x44342a),
            hood: false,
            backpack: None,
            carries: Carried::Nothing,
        },
        pose: Pose { reach: 0.45 + 0.35 * (step * 1.3).sin(), left: 0.7, lean: 0.12, ..Pose::default() },
    };
    customer.draw(canvas, &VIEW, rgb(0xf4f2ec));
    let attendant = Figure {
        feet: at(5.2 - (step * 0.12), 0.0, 6.6),
        facing: PI - 0.5,
        tall: 1.72,
        look: Look {
            skin: rgb(0xd2a080),
            hair: rgb(0x8a5a2c),
            top: rgb(0x1f7a5c),
            legs: rgb(0x26282c),
            shoes: rgb(0x202022),
            hood: false,
            backpack: None,
            carries: Carried::Nothing,
        },
        pose: Pose { phase: step * 1.4, stride: 0.12, left: 0.9, ..Pose::default() },
    };
    attendant.draw(canvas, &VIEW, rgb(0xe8e8e2));

    // Scans one, bags two: the hand goes to the jacket and back, again and again.
    let hides = moment.step % 3 == 1;
    let suspect = Figure {
        feet: at(0.05 + 0.04 * (step * 0.9).sin(), 0.0, 3.30),
        facing: if hides { 0.75 } else { 0.15 + 0.12 * (step * 0.7).sin() },
        tall: 1.79,
        look: Look {
            skin: rgb(0xe0b494),
            hair: rgb(0x543c28),
            top: rgb(0x7a2f34),
            legs: rgb(0x303848),
            shoes: rgb(0xe4e2dc),
            hood: false,
            backpack: None,
            carries: Carried::Item(rgb(0x3a7ac0)),
        },
        pose: Pose {
            phase: 0.4,
            stride: 0.06,
            reach: if hides { 0.1 } else { 0.65 + 0.3 * (step * 1.7).sin() },
            hide: if hides { 1.0 } else { 0.0 },
            left: 0.5 + 0.3 * (step * 1.1).cos(),
            lean: 0.10,
            glance: if hides { -1.0 } else { 0.2 },
        },
    };
    suspect.draw(canvas, &VIEW, rgb(0xfffcf6))
}
