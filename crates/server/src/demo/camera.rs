//! One simulated camera: its stream, its frame counter, and a picture when one is asked for.

use std::sync::Arc;

use bytes::Bytes;
use jiff::ZonedDateTime;
use jpeg_encoder::{ColorType, Encoder};
use visionguard_proto::{Jpeg, ShopId, StreamId};

use super::raster::{Canvas, HEIGHT, WIDTH};
use super::scenes::{self, Moment, Scene};

const QUALITY: u8 = 80;
/// Frames a second, as the stream counts them.
const RATE: u64 = 30;

/// A rectangle in the picture's pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bounds {
    pub(super) x: i32,
    pub(super) y: i32,
    pub(super) width: i32,
    pub(super) height: i32,
}

/// A picture, and where the suspect is in it.
#[derive(Debug)]
pub(super) struct Shot {
    pub(super) picture: Jpeg,
    pub(super) bounds: Bounds,
    pub(super) frame_number: i64,
}

#[derive(Debug)]
pub(super) struct Camera {
    pub(super) scene: Scene,
    pub(super) shop: ShopId,
    pub(super) stream: StreamId,
    frames: u64,
    /// What never moves, drawn once.
    backdrop: Option<Arc<Canvas>>,
}

impl Camera {
    pub(super) fn new(scene: Scene, shop: ShopId) -> Camera {
        let stream = uuid::Uuid::new_v4().to_string();
        Camera {
            scene,
            shop,
            stream: StreamId::new(&stream).unwrap_or_else(|_| unreachable!("a UUID is a stream's id")),
            frames: 0,
            backdrop: None,
        }
    }

    /// Takes the picture of this step of what this person does.
    pub(super) async fn shoot(&mut self, person: i64, step: u64, now: ZonedDateTime) -> Option<Shot> {
        self.frames += RATE;
        let scene = self.scene;
        let backdrop = self.backdrop.clone();
        let moment = Moment { person, step, clock: now.strftime("%Y-%m-%d %H:%M:%S").to_string() };
        let draw = move || {
            let backdrop = backdrop.unwrap_or_else(|| Arc::new(scenes::backdrop(scene)));
            let (picture, bounds) = draw(scene, &backdrop, &moment)?;
            Some((backdrop, picture, bounds))
        };
        let (backdrop, picture, bounds) = tokio::task::spawn_blocking(draw).await.ok()??;
        self.backdrop = Some(backdrop);
        let frame_number = i64::try_from(self.frames).unwrap_or(i64::MAX);
        Some(Shot { picture, bounds, frame_number })
    }
}

pub(super) fn draw(scene: Scene, backdrop: &Canvas, moment: &Moment) -> Option<(Jpeg, Bounds)> {
    let mut canvas = backdrop.clone();
    let bounds = scenes::people(scene, &mut canvas, moment);
    scenes::finish(scene, &mut canvas, bounds, moment);
    let mut encoded = Vec::with_capacity(128 * 1024);
    Encoder::new(&mut encoded, QUALITY)
        .encode(&canvas.to_bytes(), WIDTH as u16, HEIGHT as u16, ColorType::Rgb)
        .ok()?;
    Some((Jpeg::from_bytes(Bytes::from(encoded)).ok()?, bounds))
}
