//! Aisle 3: shelves on both sides, seen from above its near end.

use std::f32::consts::PI;

use super::super::camera::Bounds;
use super::super::figure::{Carried, Figure, Look, Pose};
use super::super::palette::{Chance, rgb};
use super::super::raster::Canvas;
use super::super::world::{Room, Surface, View, at};
use super::{Moment, furniture};

const VIEW: View = View { eye: at(0.32, 2.42, -0.2), yaw: -0.10, pitch: 0.33, focal: 1.02 };

pub(super) fn room() -> Room {
    let mut room = Room::new(VIEW, rgb(0x42464a), rgb(0x303336));
    let mut chance = Chance::new(303);
    furniture::floor(&mut room, (-1.3, 1.3), (-1.0, 12.0), rgb(0xb2ada2), 0.45, 0.9);
    furniture::floor(&mut room, (-6.0, 6.0), (12.0, 16.0), rgb(0xaca79c), 0.45, 0.5);
    furniture::shelves(&mut room, -1.15, 1.0, 0.2, 11.0, &mut chance);
    furniture::shelves(&mut room, 1.15, -1.0, 0.2, 11.0, &mut chance);
    // The next aisles, of which little more than the top is seen.
    for (front, inside) in [(-3.9, 1.0), (3.9, -1.0)] {
        furniture::shelves(&mut room, front, inside, 0.2, 11.0, &mut chance);
    }
    furniture::side_wall(&mut room, -6.0, (0.0, 3.4), (-1.0, 15.0), Surface::Matte(rgb(0xc8c4ba)));
    furniture::side_wall(&mut room, 6.0, (0.0, 3.4), (-1.0, 15.0), Surface::Matte(rgb(0xc8c4ba)));
    furniture::wall(&mut room, (-6.0, 6.0), (0.0, 3.4), 15.0, Surface::Matte(rgb(0xd5d2c8)));
    cooler(&mut room, &mut chance);
    for z in [0.5, 3.7, 6.9, 10.1] {
        furniture::strip_lamp(&mut room, 0.0, 3.3, z, z + 1.8, 4.2);
    }
    let ceiling = Surface::Matte(rgb(0xcfd0cd));
    room.face([at(-6.0, 3.4, -1.0), at(6.0, 3.4, -1.0), at(6.0, 3.4, 15.0), at(-6.0, 3.4, 15.0)], ceiling);
    // The sign over the aisle.
    furniture::solid(&mut room, (-0.6, 0.6), (2.45, 2.85), (9.4, 9.45), Surface::Matte(rgb(0x1f5f8a)));
    furniture::wall(&mut room, (-0.5, 0.3), (2.68, 2.76), 9.39, Surface::Shining(rgb(0xe8eef2)));
    furniture::wall(&mut room, (-0.5, 0.1), (2.53, 2.59), 9.39, Surface::Shining(rgb(0xc8d4dc)));
    room
}

/// Lit drinks at the end of the aisle.
fn cooler(room: &mut Room, chance: &mut Chance) {
    furniture::solid(room, (-2.6, 2.6), (0.0, 2.2), (14.3, 15.0), Surface::Matte(rgb(0x2b3035)));
    for shelf in 0..5 {
        let low = 0.25 + shelf as f32 * 0.38;
        let mut x = -2.45;
        while x < 2.4 {
            let color = rgb(chance.pick(&[0xb8302a, 0xe0a030, 0x3a7ac0, 0x4aa058, 0xe8e4d8, 0x202428]));
            furniture::wall(
                room,
                (x, x + 0.1),
                (low, low + 0.28),
                14.27,
                Surface::Shining(color.times(0.95)),
            );
            x += 0.12;
        }
    }
    furniture::wall(room, (-2.6, 2.6), (2.2, 2.42), 14.25, Surface::Shining(rgb(0xd8f0ff)));
}

pub(super) fn people(canvas: &mut Canvas, moment: &Moment) -> Bounds {
    let step = moment.step as f32 + (moment.person % 5) as f32 * 0.6;
    let shopper = Figure {
        feet: at(0.45, 0.0, 9.0 - (step * 0.35) % 2.0),
        facing: PI + 0.2,
        tall: 1.66,
        look: Look {
            skin: rgb(0xc99576),
            hair: rgb(0x6a462c),
            top: rgb(0x9c3f4a),
            legs: rgb(0x353c4e),
            shoes: rgb(0xd8d8d4),
            hood: false,
            backpack: None,
            carries: Carried::Basket(rgb(0x2e6e4a)),
        },
        pose: Pose { phase: step * 1.9, stride: 0.24, ..Pose::default() },
    };
    shopper.draw(canvas, &VIEW, rgb(0xf0eee8));

    // Takes something from the shelf on the left and puts it under the jacket.
    let hides = (moment.person + moment.step as i64) % 2 == 0;
    let suspect = Figure {
        feet: at(-0.42, 0.0, 3.65),
        facing: if hides { PI - 0.75 } else { -1.25 },
        tall: 1.80,
        look: Look {
            skin: rgb(0xd8a886),
            hair: rgb(0x2b221e),
            top: rgb(0x2f415c),
            legs: rgb(0x5e584e),
            shoes: rgb(0x2a2a2c),
            hood: false,
            backpack: Some(rgb(0x7a5a34)),
            carries: Carried::Item(rgb(0xd03a32)),
        },
        pose: Pose {
            phase: 0.6,
            stride: 0.10,
            reach: if hides { 0.0 } else { 0.95 },
            hide: if hides { 1.0 } else { 0.0 },
            left: if hides { 0.8 } else { 0.1 },
            lean: 0.10,
            glance: 0.5,
        },
    };
    suspect.draw(canvas, &VIEW, rgb(0xfffdf8))
}
