//! What the picture of a popup takes: a camera's frame, decoded, scaled and written as a JPEG that every viewer shows alike.
//! The program does so in a worker, a process of its own.
//!
//! ```text
//! cargo bench -p visionguard-picture
//! ```

use std::process::ExitCode;

use bytes::Bytes;
use divan::{Bencher, black_box};
use jpeg_encoder::{ColorType, Encoder};
use visionguard_picture::{Fit, Studio, decode};

/// As a notification's picture is encoded.
const QUALITY: u8 = 85;

fn main() -> ExitCode {
    if let Some(code) = visionguard_picture::serve_if_asked() {
        return code;
    }
    divan::main();
    ExitCode::SUCCESS
}

/// As the program does it, worker and all.
#[divan::bench]
fn in_the_worker(bencher: Bencher<'_, '_>) {
    let (frame, studio) = (frame(), Studio::open());
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    // The worker is started by the first.
    let shown = runtime.block_on(studio.show(frame.clone(), Fit::POPUP)).expect("it can be shown");
    assert!(shown.is_remade, "the frame is larger than a popup's picture");
    bencher.bench_local(|| {
        let shown = runtime.block_on(studio.show(black_box(frame.clone()), Fit::POPUP));
        shown.expect("it can be shown")
    });
}

#[divan::bench]
fn decoded_and_scaled(bencher: Bencher<'_, '_>) {
    let frame = frame();
    bencher.bench_local(|| decode(black_box(frame.clone()), Fit::POPUP).expect("it can be decoded"));
}

#[divan::bench]
fn encoded(bencher: Bencher<'_, '_>) {
    let pixels = decode(frame(), Fit::POPUP).expect("it can be decoded");
    bencher.bench_local(|| black_box(&pixels).encoded(QUALITY).expect("it can be encoded"));
}

/// A frame of 640 x 480 of about 90 kB: slopes with a little noise.
fn frame() -> Bytes {
    let mut state = 7_u32;
    let mut pixels = Vec::with_capacity(640 * 480 * 3);
    for y in 0..480_u32 {
        for x in 0..640_u32 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let noise = state >> 27;
            pixels.extend(
                [x / 4 + noise, y / 3 + noise, (x + y) / 8 + noise].map(|light| light.min(255) as u8),
            );
        }
    }
    let mut jpeg = Vec::new();
    Encoder::new(&mut jpeg, QUALITY).encode(&pixels, 640, 480, ColorType::Rgb).expect("it can be encoded");
    Bytes::from(jpeg)
}
