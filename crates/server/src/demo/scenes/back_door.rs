//! The back door at night: a yard by the camera's own infrared light.

use super::super::camera::Bounds;
use super::super::figure::{Carried, Figure, Look, Pose};
use super::super::palette::{Color, rgb};
use super::super::raster::{Canvas, Point};
use super::super::world::{Room, Surface, View, at};
use super::{Moment, furniture};

const VIEW: View = View { eye: at(-1.3, 2.7, 0.4), yaw: 0.24, pitch: 0.31, focal: 0.98 };

pub(super) fn room() -> Room {
    let mut room = Room::new(VIEW, rgb(0x101010), rgb(0x0a0a0a));
    furniture::floor(&mut room, (-6.0, 8.0), (-1.5, 6.2), rgb(0x6e6e6e), 1.1, 0.15);
    let bricks = Surface::Bricks { color: rgb(0x868686), joint: rgb(0x5a5a5a), width: 0.24, height: 0.09 };
    furniture::wall(&mut room, (-6.0, 8.0), (0.0, 4.2), 6.2, bricks);
    furniture::solid(&mut room, (-6.0, 8.0), (0.0, 0.28), (6.14, 6.2), Surface::Matte(rgb(0x585858)));
    door(&mut room);
    shutter(&mut room);
    pallets(&mut room);
    bins(&mut room);
    furniture::solid(&mut room, (-3.8, -3.7), (0.0, 4.2), (6.04, 6.14), Surface::Matte(rgb(0x9a9a9a)));
    // The camera's own light, and the emergency lamp over the door.
    room.lamp(at(-1.3, 2.6, 0.6), rgb(0xffffff), 15.0);
    room.lamp(at(0.75, 2.75, 5.7), rgb(0xffffff), 0.9);
    room
}

fn door(room: &mut Room) {
    let leaf = Surface::Matte(rgb(0xa0a0a0));
    furniture::solid(room, (0.12, 1.38), (0.0, 2.28), (6.08, 6.2), Surface::Matte(rgb(0x484848)));
    furniture::solid(room, (0.22, 1.28), (0.02, 2.18), (6.04, 6.1), leaf);
    furniture::solid(room, (0.30, 1.20), (0.98, 1.06), (5.96, 6.04), Surface::Matte(rgb(0xd0d0d0)));
    furniture::wall(room, (0.34, 1.16), (0.06, 0.32), 6.03, Surface::Matte(rgb(0x707070)));
    furniture::wall(
        room,
        (0.5, 1.0),
        (1.45, 1.75),
        6.03,
        Surface::Package { color: rgb(0xe0e0e0), band: rgb(0xb0b0b0), seed: 8 },
    );
    furniture::solid(room, (0.5, 1.0), (2.42, 2.6), (6.02, 6.2), Surface::Shining(rgb(0xd0d0d0)));
    furniture::solid(room, (0.0, 1.5), (0.0, 0.10), (5.3, 6.2), Surface::Matte(rgb(0x848484)));
}

fn shutter(room: &mut Room) {
    furniture::solid(room, (2.9, 6.1), (0.0, 3.1), (6.1, 6.2), Surface::Matte(rgb(0x505050)));
    for slat in 0..22 {
        let low = slat as f32 * 0.135;
        let shade = if slat % 2 == 0 { 0x929292 } else { 0x7c7c7c };
        furniture::solid(room, (3.0, 6.0), (low, low + 0.125), (6.05, 6.12), Surface::Matte(rgb(shade)));
    }
}

fn pallets(room: &mut Room) {
    for pallet in 0..4 {
        let low = pallet as f32 * 0.15;
        for plank in 0..6 {
            let x = -3.3 + plank as f32 * 0.2;
            furniture::solid(
                room,
                (x, x + 0.15),
                (low + 0.11, low + 0.14),
                (4.4, 5.4),
                Surface::Matte(rgb(0xa8a8a8)),
            );
        }
        for block in 0..3 {
            let x = -3.3 + block as f32 * 0.5;
            furniture::solid(
                room,
                (x, x + 0.14),
                (low, low + 0.11),
                (4.4, 5.4),
                Surface::Matte(rgb(0x747474)),
            );
        }
    }
    let carton = |seed| Surface::Package { color: rgb(0xb8b8b8), band: rgb(0xa6a6a6), seed };
    furniture::solid(room, (-3.2, -2.6), (0.6, 1.05), (4.5, 5.1), carton(3));
    furniture::solid(room, (-2.55, -2.1), (0.6, 0.92), (4.6, 5.0), carton(6));
    furniture::solid(room, (-3.0, -2.5), (1.05, 1.38), (4.6, 5.0), carton(11));
}

fn bins(room: &mut Room) {
    for x in [2.0_f32, 2.75] {
        furniture::solid(
            room,
            (x, x + 0.6),
            (0.1, 1.0),
            (5.1, 5.75),
            Surface::Ribbed { color: rgb(0x5c5c5c), ribs: 0.2 },
        );
        furniture::solid(room, (x - 0.03, x + 0.63), (1.0, 1.08), (5.05, 5.8), Surface::Matte(rgb(0x787878)));
    }
}

pub(super) fn people(canvas: &mut Canvas, moment: &Moment) -> Bounds {
    let at_door = moment.person % 2 == 0;
    let step = moment.step as f32;
    let (feet, facing) =
        if at_door { (at(0.55, 0.0, 4.75), 0.25) } else { (at(-0.55 + step * 0.1, 0.0, 3.9), 0.85) };
    let intruder = Figure {
        feet,
        facing,
        tall: 1.82,
        look: Look {
            skin: rgb(0xd8d8d8),
            hair: rgb(0x303030),
            top: rgb(0x707070),
            legs: rgb(0x444444),
            shoes: rgb(0xa8a8a8),
            hood: true,
            backpack: Some(rgb(0x3c3c3c)),
            carries: Carried::Torch,
        },
        pose: Pose {
            phase: 0.9 + step,
            stride: if at_door { 0.08 } else { 0.28 },
            reach: if at_door { 0.55 } else { 0.35 },
            left: if at_door { 0.9 } else { 0.2 },
            lean: 0.16,
            glance: if at_door { 0.0 } else { -0.9 },
            ..Pose::default()
        },
    };
    torchlight(canvas, at_door);
    shadow_on_wall(canvas, feet.x, at_door);
    intruder.draw(canvas, &VIEW, rgb(0xa8a8a8))
}

/// The camera's light is close to its lens: the shadow falls on the wall, a little to the right.
fn shadow_on_wall(canvas: &mut Canvas, x: f32, near: bool) {
    let (center, _, scale) = VIEW.project(at(x + if near { 0.55 } else { 1.5 }, 0.75, 6.1));
    canvas.glow(center, scale * 0.42, scale * 0.95, Color { r: 0.0, g: 0.0, b: 0.0 }, 0.7);
}

fn torchlight(canvas: &mut Canvas, at_door: bool) {
    let white = Color { r: 1.6, g: 1.6, b: 1.6 };
    let (spot, _, scale) = VIEW.project(if at_door { at(1.22, 1.05, 6.0) } else { at(1.9, 0.6, 6.0) });
    canvas.glow(spot, scale * 0.62, scale * 0.52, white, 0.22);
    canvas.glow(Point { x: spot.x - 2.0, y: spot.y }, scale * 0.24, scale * 0.2, white, 0.5);
}
