//! The real worker: this very program, started again. It has no test harness, because its `main` must be asked first.
#![allow(clippy::print_stdout, reason = "it is the harness")]

use std::process::ExitCode;
use std::time::{Duration, Instant};

use bytes::Bytes;
use visionguard_picture::{Fit, Studio, Unshown, decode, serve_if_asked};
use visionguard_proto::Jpeg;

fn main() -> ExitCode {
    if let Some(code) = serve_if_asked() {
        return code;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    runtime.block_on(async {
        a_picture_comes_out_of_the_worker_as_out_of_the_decoder().await;
        a_plain_picture_starts_no_worker().await;
        a_panorama_is_made_smaller_and_a_large_one_too().await;
        what_cannot_be_shown_says_why_and_the_worker_goes_on().await;
        a_worker_that_is_killed_is_replaced().await;
        a_picture_is_squeezed_into_so_many_bytes().await;
        #[cfg(target_os = "linux")]
        the_worker_is_confined().await;
    });
    println!("all of the worker's tests passed");
    ExitCode::SUCCESS
}

async fn a_picture_comes_out_of_the_worker_as_out_of_the_decoder() {
    let studio = Studio::open();

    let shown = studio.show(corpus("arithmetic"), Fit::PAGE).await.expect("shown");

    assert!(shown.is_remade && Jpeg::from_bytes(shown.jpeg.clone()).is_ok_and(|jpeg| jpeg.is_plain()));
    let ours = decode(shown.jpeg, Fit::PAGE).expect("shown");
    let theirs = decode(corpus("arithmetic"), Fit::PAGE).expect("shown");
    let farthest = ours.rgb.iter().zip(&theirs.rgb).map(|(a, b)| a.abs_diff(*b)).max();
    assert!(farthest.is_some_and(|farthest| farthest < 40), "{farthest:?}");
    assert_eq!(children().len(), 1);
    drop(studio);
    until("the worker ends with its studio", || children().is_empty()).await;
}

async fn a_plain_picture_starts_no_worker() {
    let studio = Studio::open();

    let shown = studio.show(corpus("trailing"), Fit::PAGE).await.expect("shown");

    assert!(!shown.is_remade);
    assert_eq!(shown.jpeg, corpus("baseline_420"), "without what follows its end");
    assert!(children().is_empty());
}

/// 4608x1728 and 5120x1440 of cameras with two lenses, 7680x2160 of panoramas, and what no viewer draws unscaled.
async fn a_panorama_is_made_smaller_and_a_large_one_too() {
    let studio = Studio::open();
    for (width, height) in
        [(4608, 1728), (5120, 1440), (7680, 2160), (65_500, 16), (16, 65_500), (8000, 8000)]
    {
        let picture = drawn(width, height);
        for fit in [Fit::PAGE, Fit::POPUP] {
            let shown = studio.show(picture.clone(), fit).await.expect("shown");

            let jpeg = Jpeg::from_bytes(shown.jpeg).expect("a JPEG");
            assert!(fit.holds(jpeg.width(), jpeg.height()), "{width} x {height}: {jpeg:?}");
        }
    }
}

async fn what_cannot_be_shown_says_why_and_the_worker_goes_on() {
    let studio = Studio::open();
    studio.check(corpus("dnl_height_set")).await.expect("shown");
    let worker = children();

    assert_eq!(studio.check(corpus("quantisation_missing")).await, Err(Unshown::Damaged));
    assert_eq!(studio.check(corpus("twelve_bits")).await, Err(Unshown::Unsupported));
    assert_eq!(studio.check(corpus("html")).await, Err(Unshown::NotJpeg));
    studio.check(corpus("dnl_height_set")).await.expect("shown");

    assert_eq!(children(), worker, "the same one");
}

async fn a_worker_that_is_killed_is_replaced() {
    let studio = Studio::open();
    studio.check(corpus("grey_2x2")).await.expect("shown");
    let first = children();
    for worker in &first {
        std::process::Command::new("kill").args(["-9", &worker.to_string()]).status().expect("killed");
    }

    studio.check(corpus("grey_2x2")).await.expect("shown");

    assert_ne!(children(), first);
}

async fn a_picture_is_squeezed_into_so_many_bytes() {
    let studio = Studio::open();
    let picture = drawn(2000, 1500);

    let squeezed = studio.squeeze(picture.clone(), 60_000).await.expect("squeezed");

    assert!(squeezed.len() <= 60_000 && squeezed.len() < picture.len(), "{}", squeezed.len());
    assert!(Jpeg::from_bytes(squeezed).is_ok_and(|jpeg| jpeg.is_plain()));
}

#[cfg(target_os = "linux")]
async fn the_worker_is_confined() {
    let studio = Studio::open();
    studio.check(corpus("grey_2x2")).await.expect("shown");

    let worker = children()[0];
    let limits = std::fs::read_to_string(format!("/proc/{worker}/limits")).expect("limits");
    let limit = |name: &str| {
        let line = limits.lines().find(|line| line.starts_with(name)).expect("a limit");
        line[26..].split_whitespace().next().expect("a number").to_owned()
    };
    assert_eq!(limit("Max open files"), "0");
    assert_eq!(limit("Max processes"), "0");
    assert_eq!(limit("Max file size"), "0");
    assert_eq!(limit("Max cpu time"), "120");
    assert!(limit("Max address space").parse::<u64>().expect("bounded") < 4 << 30);
    let status = std::fs::read_to_string(format!("/proc/{worker}/status")).expect("status");
    let filter =
        status.lines().find_map(|line| line.strip_prefix("Seccomp:")).expect("a kernel with filters");
    assert_eq!(filter.trim(), "2");
    let environment = std::fs::read(format!("/proc/{worker}/environ")).expect("environment");
    assert!(!environment.windows(5).any(|name| name == b"HOME="));
}

/// This process's workers.
fn children() -> Vec<u32> {
    let mine = std::process::id().to_string();
    let done =
        std::process::Command::new("ps").args(["-o", "pid=,comm=", "--ppid", &mine]).output().expect("ps");
    let lines = String::from_utf8(done.stdout).expect("text");
    let worker = |line: &str| {
        let (pid, name) = line.trim().split_once(' ')?;
        (name.trim() != "ps").then(|| pid.parse().ok()).flatten()
    };
    lines.lines().filter_map(worker).collect()
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    let give_up = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < give_up, "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn corpus(name: &str) -> Bytes {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    Bytes::from(std::fs::read(folder.join(format!("{name}.jpg"))).expect("a picture of the corpus"))
}

fn drawn(width: u16, height: u16) -> Bytes {
    let (across, down) = (usize::from(width), usize::from(height));
    let pixels: Vec<u8> = (0..across * down)
        .flat_map(|at| [(at % across * 7) as u8, (at / across * 5) as u8, ((at % 251) ^ (at / 3)) as u8])
        .collect();
    let mut jpeg = Vec::new();
    jpeg_encoder::Encoder::new(&mut jpeg, 80)
        .encode(&pixels, width, height, jpeg_encoder::ColorType::Rgb)
        .expect("encoded");
    Bytes::from(jpeg)
}
