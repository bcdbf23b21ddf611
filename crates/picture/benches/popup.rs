//! What the picture of a popup takes where a frame is too large to go as it is: decoded, scaled and written as a JPEG that
//! every viewer shows alike. The program does so in a worker, a process of its own.
//!
//! ```text
//! cargo bench -p visionguard-picture
//! ```

mod frame;

use std::process::ExitCode;

use bytes::Bytes;
use divan::{Bencher, black_box};
use visionguard_picture::{Fit, Studio, decode};

/// As a notification's picture is encoded.
const QUALITY: u8 = 85;
/// Larger than a popup's picture.
const SIZE: (u16, u16) = (1280, 720);

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

fn frame() -> Bytes {
    Bytes::from(frame::frame(SIZE, QUALITY))
}
