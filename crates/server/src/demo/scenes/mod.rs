//! The four scenes: what stands in each, who moves in it, and how its camera sees.

mod aisle;
mod back_door;
mod checkout;
mod entrance;
mod furniture;

use super::camera::Bounds;
use super::palette::{Color, grain, rgb};
use super::raster::{Canvas, HEIGHT, WIDTH};
use super::{font, world};
use crate::publish::Kind;

/// A camera's scene.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scene {
    Aisle,
    Checkout,
    BackDoor,
    Entrance,
}

/// One picture's moment.
#[derive(Debug, Clone)]
pub(super) struct Moment {
    /// The tracker's number of the suspect.
    pub(super) person: i64,
    /// How far the event has come; a storm has many steps.
    pub(super) step: u64,
    /// What the camera writes into the picture.
    pub(super) clock: String,
}

impl Scene {
    pub(super) const ALL: [Scene; 4] = [Scene::Aisle, Scene::Checkout, Scene::BackDoor, Scene::Entrance];

    /// The camera's name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Scene::Aisle => "Aisle 3",
            Scene::Checkout => "Self-checkout",
            Scene::BackDoor => "Back door",
            Scene::Entrance => "Entrance",
        }
    }

    /// Which of the two shops it hangs in.
    pub(super) fn shop(self) -> usize {
        match self {
            Scene::Aisle | Scene::Entrance => 0,
            Scene::Checkout | Scene::BackDoor => 1,
        }
    }

    pub(super) fn kind(self) -> Kind {
        match self {
            Scene::Aisle | Scene::Checkout | Scene::Entrance => Kind::Theft,
            Scene::BackDoor => Kind::Intrusion,
        }
    }
}

/// What never moves.
pub(super) fn backdrop(scene: Scene) -> Canvas {
    let mut canvas = room(scene).render();
    canvas.darken_crevices(0.9);
    canvas
}

/// Draws the people; returns where the suspect is.
pub(super) fn people(scene: Scene, canvas: &mut Canvas, moment: &Moment) -> Bounds {
    match scene {
        Scene::Aisle => aisle::people(canvas, moment),
        Scene::Checkout => checkout::people(canvas, moment),
        Scene::BackDoor => back_door::people(canvas, moment),
        Scene::Entrance => entrance::people(canvas, moment),
    }
}

/// What the camera and the analysis add: the lens, the sensor, the writing, the box around the suspect.
pub(super) fn finish(scene: Scene, canvas: &mut Canvas, suspect: Bounds, moment: &Moment) {
    let night = scene == Scene::BackDoor;
    canvas.soften(if night { 0.55 } else { 0.4 });
    let seed = (moment.step as u32).wrapping_mul(747_796_405).wrapping_add(moment.person as u32);
    canvas.map(|x, y, color| {
        let (dx, dy) = (x as f32 / WIDTH as f32 - 0.5, y as f32 / HEIGHT as f32 - 0.5);
        let far = dx * dx + dy * dy;
        let noise = grain(x, y, seed) * 0.6 + grain(x / 2, y / 2, seed ^ 0x5a5a) * 0.4;
        if night { infrared(color, far, noise) } else { daylight(color, far, noise) }
    });
    let (box_color, label) = match scene.kind() {
        Kind::Theft => (rgb(0xff5a45), format!("PERSON {}", moment.person)),
        Kind::Intrusion => (rgb(0xffc23d), "PERSON 91%".to_owned()),
    };
    frame(canvas, suspect, box_color, &label);
    font::write(canvas, 18, 16, 2, &moment.clock);
    font::write(canvas, 18, HEIGHT as i32 - 30, 2, scene.name());
    let camera = match scene {
        Scene::Aisle => "CAM 03",
        Scene::Checkout => "CAM 07",
        Scene::BackDoor => "CAM 09 IR",
        Scene::Entrance => "CAM 01",
    };
    font::write(canvas, WIDTH as i32 - 18 - font::width(camera, 2), 16, 2, camera);
}

fn room(scene: Scene) -> world::Room {
    match scene {
        Scene::Aisle => aisle::room(),
        Scene::Checkout => checkout::room(),
        Scene::BackDoor => back_door::room(),
        Scene::Entrance => entrance::room(),
    }
}

/// A cheap sensor by shop light: flat colors, soft highlights, darker corners.
fn daylight(color: Color, far: f32, noise: f32) -> Color {
    let grey = color.brightness();
    let color = color.mixed(Color { r: grey, g: grey, b: grey }, 0.16);
    let shoulder = |part: f32| {
        let part = part.max(0.0);
        if part < 0.75 { part } else { 0.75 + (part - 0.75) / (1.0 + (part - 0.75) * 2.2) }
    };
    let corner = 1.0 - far * 0.62;
    let tone = |part: f32, lift: f32| shoulder(part * corner) * 0.965 + lift + noise * 0.017;
    Color { r: tone(color.r, 0.012), g: tone(color.g, 0.018), b: tone(color.b, 0.022) }
}

/// The same sensor by its own infrared light: no colors, a bright middle, much grain.
fn infrared(color: Color, far: f32, noise: f32) -> Color {
    let lit = color.brightness() * (1.10 - far * 2.2).max(0.07);
    let level = (lit * lit / (lit * lit + 0.16) * 1.12 + lit * 0.08 + 0.015 + noise * 0.034).clamp(0.0, 1.0);
    Color { r: level * 0.80, g: level * 0.98 + 0.012, b: level * 0.84 + 0.008 }
}

/// The corners of a box with a thin line between them, and a label on top.
fn frame(canvas: &mut Canvas, bounds: Bounds, color: Color, label: &str) {
    let Bounds { x, y, width, height } = bounds;
    let (right, below) = (x + width, y + height);
    for (left, top, across, down) in
        [(x, y, width, 1), (x, below - 1, width, 1), (x, y, 1, height), (right - 1, y, 1, height)]
    {
        canvas.rectangle(left, top, across, down, color, 0.65);
    }
    let arm = (width.min(height) / 4).clamp(8, 26);
    for (left, top, across, down) in [
        (x - 1, y - 1, arm, 3),
        (x - 1, y - 1, 3, arm),
        (right - arm + 1, y - 1, arm, 3),
        (right - 2, y - 1, 3, arm),
        (x - 1, below - 2, arm, 3),
        (x - 1, below - arm + 1, 3, arm),
        (right - arm + 1, below - 2, arm, 3),
        (right - 2, below - arm + 1, 3, arm),
    ] {
        canvas.rectangle(left, top, across, down, color, 1.0);
    }
    let (across, down) = (font::width(label, 2) + 12, font::DOWN * 2 + 10);
    let left = x.clamp(1, WIDTH as i32 - across - 1) - 1;
    let top = if y > down + 4 { y - down - 3 } else { y + 6 };
    canvas.rectangle(left, top, across, down, color, 0.92);
    font::letters(canvas, left + 6, top + 5, 2, label, rgb(0x141010), 1.0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scene_is_a_picture_that_a_client_accepts_with_its_suspect_inside() {
        for scene in Scene::ALL {
            let backdrop = backdrop(scene);
            for step in [0, 5, 11] {
                let moment = Moment { person: 4, step, clock: "2026-11-21 21:04:31".to_owned() };

                let (picture, bounds) = super::super::camera::draw(scene, &backdrop, &moment).unwrap();
                if let Some(directory) = std::env::var_os("VISIONGUARD_SCENES") {
                    let name = format!("{}-{step}.jpg", scene.name().replace(' ', "-"));
                    std::fs::write(std::path::Path::new(&directory).join(name), picture.bytes()).unwrap();
                }

                assert_eq!((picture.width() as usize, picture.height() as usize), (WIDTH, HEIGHT));
                assert!(picture.bytes().len() < 250_000, "{scene:?} has {} bytes", picture.bytes().len());
                assert!(
                    bounds.x > 0 && bounds.y > 0 && bounds.width > 20 && bounds.height > 60,
                    "{bounds:?}"
                );
                assert!(bounds.x + bounds.width < WIDTH as i32 && bounds.y + bounds.height < HEIGHT as i32);
            }
        }
    }
}
