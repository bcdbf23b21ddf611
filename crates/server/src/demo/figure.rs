//! People: joints of a body in the room, drawn as shaded limbs.

use super::camera::Bounds;
use super::palette::{Color, rgb};
use super::raster::{Canvas, HEIGHT, Limb, Point, WIDTH};
use super::world::{Place, View, at};

/// What somebody wears and carries.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look {
    pub(super) skin: Color,
    pub(super) hair: Color,
    pub(super) top: Color,
    pub(super) legs: Color,
    pub(super) shoes: Color,
    pub(super) hood: bool,
    pub(super) backpack: Option<Color>,
    /// In the right hand.
    pub(super) carries: Carried,
}

/// What is in a hand.
#[derive(Debug, Clone, Copy)]
pub(super) enum Carried {
    Nothing,
    Item(Color),
    Bag(Color),
    Basket(Color),
    Torch,
}

/// What the arms do; 0 hangs, 1 is all the way.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Pose {
    /// Where in a stride, in radians; the legs stand still at `stride` 0.
    pub(super) phase: f32,
    /// Half a stride, in metres.
    pub(super) stride: f32,
    /// The right hand reaches forward and up.
    pub(super) reach: f32,
    /// The right hand goes to the chest, as when something is put under a jacket.
    pub(super) hide: f32,
    /// The left arm bends forward.
    pub(super) left: f32,
    /// Bends forward.
    pub(super) lean: f32,
    /// Looks to the side, in radians.
    pub(super) glance: f32,
}

/// Somebody in the room.
#[derive(Debug, Clone, Copy)]
pub(super) struct Figure {
    /// Where the feet are.
    pub(super) feet: Place,
    /// The way they face: 0 away from the camera's home direction, in radians to the right.
    pub(super) facing: f32,
    /// In metres.
    pub(super) tall: f32,
    pub(super) look: Look,
    pub(super) pose: Pose,
}

struct Part {
    limb: Limb,
    depth: f32,
    color: Color,
}

impl Figure {
    /// Draws the figure with its shadow; returns where it is in the picture.
    pub(super) fn draw(&self, canvas: &mut Canvas, view: &View, light: Color) -> Bounds {
        self.shadow(canvas, view);
        let mut parts = self.parts(view);
        // Painted from far to near, so that the nearer arm lies over the body.
        parts.sort_by(|one, other| other.depth.total_cmp(&one.depth));
        let (_, depth, _) = view.project(self.joint(0.0, 1.0, 0.0));
        for part in &parts {
            canvas.limb(part.limb, depth - 0.25, part.color.under(light));
        }
        self.head(canvas, view, depth - 0.25, light);
        bounds(&parts, self.top_of_head(view))
    }

    /// The place of a point of the body: to the right, up, and forward of the feet, for somebody of 1.75 m.
    fn joint(&self, right: f32, up: f32, forward: f32) -> Place {
        let size = self.tall / 1.75;
        let bent = if up > 0.95 { (up - 0.95) * self.pose.lean } else { 0.0 };
        let forward = forward + bent;
        let (sin, cos) = self.facing.sin_cos();
        let (right, forward) = (right * size, forward * size);
        self.feet.plus(at(
            right * cos + forward * sin,
            (up - bent * 0.25) * size,
            forward * cos - right * sin,
        ))
    }

    fn parts(&self, view: &View) -> Vec<Part> {
        let look = &self.look;
        let pose = &self.pose;
        let swing = pose.phase.sin() * pose.stride;
        let lift = |side: f32| (pose.phase.cos() * side).max(0.0) * pose.stride * 0.35;
        let mut parts = Vec::new();
        let mut limb =
            |from: (f32, f32, f32), to: (f32, f32, f32), radii: (f32, f32), color: Color, nearer: f32| {
                let (start, start_depth, start_scale) = view.project(self.joint(from.0, from.1, from.2));
                let (end, end_depth, end_scale) = view.project(self.joint(to.0, to.1, to.2));
                let size = self.tall / 1.75;
                parts.push(Part {
                    limb: Limb {
                        from: start,
                        to: end,
                        from_radius: radii.0 * start_scale * size,
                        to_radius: radii.1 * end_scale * size,
                    },
                    depth: (start_depth + end_depth) / 2.0 - nearer,
                    color,
                });
            };

        for side in [-1.0_f32, 1.0] {
            let step = swing * side;
            let raised = lift(side);
            let hip = (0.09 * side, 0.92, 0.0);
            let knee = (0.10 * side, 0.50 + raised * 0.5, step * 0.62 + 0.03 + raised * 0.3);
            let ankle = (0.10 * side, 0.09 + raised, step);
            let toe = (0.11 * side, 0.045 + raised * 0.6, step + 0.17);
            limb(ankle, toe, (0.052, 0.045), look.shoes, 0.0);
            limb(knee, ankle, (0.072, 0.052), look.legs, 0.0);
            limb(hip, knee, (0.105, 0.076), look.legs, 0.0);
        }
        limb((0.0, 0.93, 0.0), (0.0, 1.05, 0.0), (0.150, 0.150), look.legs.mixed(look.top, 0.55), 0.0);
        limb((0.0, 1.02, 0.0), (0.0, 1.34, 0.0), (0.165, 0.178), look.top, 0.02);
        limb((-0.13, 1.38, 0.0), (0.13, 1.38, 0.0), (0.095, 0.095), look.top, 0.02);
        limb((0.0, 1.42, 0.0), (0.0, 1.52, 0.015), (0.058, 0.052), look.skin.times(0.86), 0.0);
        if let Some(pack) = look.backpack {
            limb((0.0, 1.06, -0.19), (0.0, 1.34, -0.19), (0.135, 0.125), pack, 0.0);
            limb((0.0, 1.04, -0.24), (0.0, 1.16, -0.25), (0.095, 0.085), pack.times(0.8), 0.0);
        }
        self.arms(&mut limb, swing);
        parts
    }

    fn arms(
        &self,
        limb: &mut impl FnMut((f32, f32, f32), (f32, f32, f32), (f32, f32), Color, f32),
        swing: f32,
    ) {
        let (look, pose) = (&self.look, &self.pose);
        let sleeve = look.top.times(0.94);
        let mix = |from: (f32, f32, f32), to: (f32, f32, f32), share: f32| {
            (
                from.0 + (to.0 - from.0) * share,
                from.1 + (to.1 - from.1) * share,
                from.2 + (to.2 - from.2) * share,
            )
        };
        for side in [-1.0_f32, 1.0] {
            let back = -swing * side * 0.55;
            let shoulder = (0.20 * side, 1.39, 0.0);
            let mut elbow = (0.25 * side, 1.12, back * 0.6 - 0.03);
            let mut wrist = (0.25 * side, 0.87, back + 0.05);
            if side > 0.0 {
                elbow = mix(elbow, (0.27, 1.24, 0.26), pose.reach);
                wrist = mix(wrist, (0.20, 1.36, 0.55), pose.reach);
                elbow = mix(elbow, (0.31, 1.14, 0.06), pose.hide);
                wrist = mix(wrist, (0.05, 1.19, 0.21), pose.hide);
            } else {
                elbow = mix(elbow, (-0.28, 1.13, 0.12), pose.left);
                wrist = mix(wrist, (-0.12, 1.12, 0.36), pose.left);
            }
            limb(shoulder, elbow, (0.068, 0.054), sleeve, 0.06);
            limb(elbow, wrist, (0.055, 0.042), sleeve, 0.07);
            let hand = mix(elbow, wrist, 1.22);
            limb(wrist, hand, (0.040, 0.043), look.skin, 0.08);
            if side > 0.0 {
                carried(limb, look.carries, hand);
            }
        }
    }

    fn head(&self, canvas: &mut Canvas, view: &View, depth: f32, light: Color) {
        let look = &self.look;
        let size = self.tall / 1.75;
        let (sin, cos) = self.pose.glance.sin_cos();
        let middle = |right: f32, up: f32, forward: f32| {
            let (right, forward) = (right * cos + forward * sin, forward * cos - right * sin);
            view.project(self.joint(right, up, 0.02 + forward))
        };
        let mut ball = |place: (Point, f32, f32), wide: f32, high: f32, color: Color| {
            let (center, _, scale) = place;
            canvas.ball(center, wide * scale * size, high * scale * size, depth, color.under(light));
        };
        let toward = view.eye.minus(self.feet);
        let face = (self.facing + self.pose.glance).sin() * toward.x
            + (self.facing + self.pose.glance).cos() * toward.z;
        let seen = face / toward.dot(toward).sqrt();
        if look.hood {
            ball(middle(0.0, 1.62, -0.02), 0.125, 0.150, look.top.times(0.85));
            if seen > -0.2 {
                ball(middle(0.0, 1.61, 0.07), 0.082, 0.108, look.skin.times(0.42));
            }
            return;
        }
        ball(middle(0.0, 1.65, -0.025), 0.108, 0.128, look.hair);
        if seen > -0.55 {
            ball(middle(0.0, 1.615, 0.035), 0.088, 0.115, look.skin);
            ball(middle(0.0, 1.705, 0.0), 0.100, 0.070, look.hair);
        }
        for side in [-1.0, 1.0] {
            if seen > -0.4 {
                ball(middle(0.035 * side, 1.63, 0.115), 0.012, 0.010, rgb(0x2a2220));
            }
        }
    }

    fn top_of_head(&self, view: &View) -> Point {
        view.project(self.joint(0.0, 1.80, 0.0)).0
    }

    fn shadow(&self, canvas: &mut Canvas, view: &View) {
        let (center, _, scale) = view.project(self.feet);
        let (ahead, _, _) = view.project(self.feet.plus(at(0.0, 0.0, 0.5)));
        let flat = ((center.y - ahead.y).abs() / (scale * 0.5)).clamp(0.15, 1.0);
        let black = Color { r: 0.02, g: 0.02, b: 0.03 };
        canvas.glow(center, 0.52 * scale, 0.52 * scale * flat, black, 0.55);
        canvas.glow(center, 0.26 * scale, 0.26 * scale * flat, black, 0.55);
    }
}

fn carried(
    limb: &mut impl FnMut((f32, f32, f32), (f32, f32, f32), (f32, f32), Color, f32),
    what: Carried,
    (right, up, forward): (f32, f32, f32),
) {
    match what {
        Carried::Nothing => {}
        Carried::Item(color) => {
            limb(
                (right, up - 0.05, forward + 0.02),
                (right, up + 0.09, forward + 0.03),
                (0.042, 0.042),
                color,
                0.10,
            );
        }
        Carried::Bag(color) => {
            let handle = color.times(0.7);
            limb((right, up, forward), (right, up - 0.14, forward - 0.07), (0.010, 0.010), handle, 0.05);
            limb((right, up, forward), (right, up - 0.14, forward + 0.07), (0.010, 0.010), handle, 0.05);
            for (down, half, shade) in
                [(0.20, 0.10, 1.0), (0.28, 0.115, 0.97), (0.36, 0.12, 0.92), (0.43, 0.115, 0.84)]
            {
                let (back, front) = ((right, up - down, forward - half), (right, up - down, forward + half));
                limb(back, front, (0.072, 0.072), color.times(shade), 0.10 + down * 0.1);
            }
        }
        Carried::Basket(color) => {
            limb((right, up, forward), (right, up - 0.14, forward), (0.010, 0.010), color.times(0.6), 0.05);
            limb(
                (right, up - 0.20, forward - 0.16),
                (right, up - 0.20, forward + 0.16),
                (0.085, 0.085),
                color,
                0.10,
            );
            limb(
                (right, up - 0.14, forward - 0.10),
                (right, up - 0.12, forward + 0.02),
                (0.05, 0.05),
                rgb(0xd8c452),
                0.11,
            );
        }
        Carried::Torch => {
            limb((right, up, forward), (right, up, forward + 0.16), (0.022, 0.026), rgb(0x303438), 0.10);
        }
    }
}

fn bounds(parts: &[Part], top: Point) -> Bounds {
    let (mut left, mut right, mut above, mut below) = (top.x, top.x, top.y, top.y);
    for Part { limb, .. } in parts {
        for (point, radius) in [(limb.from, limb.from_radius), (limb.to, limb.to_radius)] {
            left = left.min(point.x - radius);
            right = right.max(point.x + radius);
            above = above.min(point.y - radius);
            below = below.max(point.y + radius);
        }
    }
    let margin = (below - above) * 0.03 + 3.0;
    let left = (left - margin).clamp(2.0, WIDTH as f32 - 4.0) as i32;
    let right = (right + margin).clamp(2.0, WIDTH as f32 - 2.0) as i32;
    let above = (above - margin).clamp(2.0, HEIGHT as f32 - 4.0) as i32;
    let below = (below + margin).clamp(2.0, HEIGHT as f32 - 2.0) as i32;
    Bounds { x: left, y: above, width: right - left, height: below - above }
}
