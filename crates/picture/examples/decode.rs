//! How long a 100 kB frame takes: here, by way of the worker, and with the system's libjpeg-turbo, in turn in one run.
//!
//! ```text
//! cargo run --release -p visionguard-picture --example decode
//! ```
//!
//! The last needs a C compiler and libjpeg's headers (Debian: `libjpeg62-turbo-dev`); without them it is left out.
#![allow(clippy::print_stdout)] // It is what it is for.

use std::hint::black_box;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::Instant;

use bytes::Bytes;
use visionguard_picture::{Fit, Studio, decode};

const ROUNDS: usize = 15;
const EACH: usize = 20;

/// The same calls as ours; prints the milliseconds of each decoding.
const C: &str = r#"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <jpeglib.h>
int main(int argc, char **argv) {
    static unsigned char data[1 << 22];
    FILE *file = fopen(argv[1], "rb");
    size_t length = fread(data, 1, sizeof data, file);
    for (int i = 0; i < atoi(argv[2]); i++) {
        struct timespec a, b;
        clock_gettime(CLOCK_MONOTONIC, &a);
        struct jpeg_decompress_struct d;
        struct jpeg_error_mgr errors;
        d.err = jpeg_std_error(&errors);
        jpeg_create_decompress(&d);
        jpeg_mem_src(&d, data, length);
        jpeg_read_header(&d, 1);
        d.out_color_space = JCS_RGB;
        jpeg_start_decompress(&d);
        size_t row = (size_t)d.output_width * 3;
        unsigned char *pixels = malloc(row * d.output_height);
        while (d.output_scanline < d.output_height) {
            JSAMPROW at = pixels + row * d.output_scanline;
            jpeg_read_scanlines(&d, &at, 1);
        }
        jpeg_finish_decompress(&d);
        jpeg_destroy_decompress(&d);
        free(pixels);
        clock_gettime(CLOCK_MONOTONIC, &b);
        printf("%f\n", (b.tv_sec - a.tv_sec) * 1e3 + (b.tv_nsec - a.tv_nsec) / 1e6);
    }
    return 0;
}
"#;

fn main() -> ExitCode {
    if let Some(code) = visionguard_picture::serve_if_asked() {
        return code;
    }
    match measure() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn measure() -> Result<(), Box<dyn std::error::Error>> {
    let frame = frame()?;
    println!("a frame of 1280 x 720 in {} bytes; {ROUNDS} rounds of {EACH} each, in turn", frame.len());
    let folder = std::env::temp_dir().join(format!("picture-decode-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join("frame.jpg"), &frame)?;
    let theirs = compile(&folder)?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let studio = Studio::open();

    let (mut ours, mut worker, mut library) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        for _ in 0..EACH {
            let began = Instant::now();
            black_box(decode(frame.clone(), Fit::PAGE)?);
            ours.push(began.elapsed().as_secs_f64() * 1e3);
        }
        for _ in 0..EACH {
            let began = Instant::now();
            runtime.block_on(studio.check_whole(frame.clone()))?;
            worker.push(began.elapsed().as_secs_f64() * 1e3);
        }
        if let Some(program) = &theirs {
            let run = Command::new(program).arg(folder.join("frame.jpg")).arg(EACH.to_string()).output()?;
            library
                .extend(String::from_utf8(run.stdout)?.lines().filter_map(|line| line.parse::<f64>().ok()));
        }
    }
    std::fs::remove_dir_all(&folder)?;

    let base = (!library.is_empty()).then(|| median(&mut library));
    for (what, times) in
        [("here", &mut ours), ("in the worker", &mut worker), ("libjpeg-turbo", &mut library)]
    {
        if times.is_empty() {
            println!("{what}: not measured");
            continue;
        }
        let (middle, least) = (median(times), times[0]);
        let times_of = base.map_or(String::new(), |base| format!(", {:.2} x", middle / base));
        println!("{what}: median {middle:.3} ms, least {least:.3} ms{times_of}");
    }
    Ok(())
}

fn compile(folder: &std::path::Path) -> std::io::Result<Option<PathBuf>> {
    let (source, program) = (folder.join("decode.c"), folder.join("decode"));
    std::fs::write(&source, C)?;
    let done = Command::new("cc").args(["-O2", "-o"]).arg(&program).arg(&source).arg("-ljpeg").status();
    Ok(done.is_ok_and(|status| status.success()).then_some(program))
}

/// A camera's frame: slopes with edges and a little noise, at the quality that makes it 100 kB.
fn frame() -> Result<Bytes, jpeg_encoder::EncodingError> {
    let mut state = 7_u32;
    let mut pixels = Vec::with_capacity(1280 * 720 * 3);
    for y in 0..720_u32 {
        for x in 0..1280_u32 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let noise = (state >> 28) as u8;
            let block = if (x / 90 + y / 70) % 3 == 0 { 60 } else { 0 };
            pixels.extend([(x / 6) as u8 / 2 + noise + block, (y / 4) as u8 / 2 + noise, 90 + noise]);
        }
    }
    let mut best = Vec::new();
    for quality in 40..=95 {
        let mut jpeg = Vec::new();
        let mut encoder = jpeg_encoder::Encoder::new(&mut jpeg, quality);
        encoder.set_sampling_factor(jpeg_encoder::SamplingFactor::F_2_2);
        encoder.encode(&pixels, 1280, 720, jpeg_encoder::ColorType::Rgb)?;
        if jpeg.len() > 104_000 && !best.is_empty() {
            break;
        }
        best = jpeg;
    }
    Ok(Bytes::from(best))
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
