//! Reads one alert and checks its picture, again and again; `cargo xtask bench` compares it with what others take.
//!
//! Prints the median, in nanoseconds. The message is in the file that is named.

#![allow(clippy::disallowed_methods, reason = "it times, which the protocol itself never does")]

use std::hint::black_box;
use std::time::Instant;

use visionguard_proto::{Picture, ServerMessage};

const WARM_UP: usize = 300;
const ROUNDS: usize = 1_000;

#[allow(clippy::print_stdout, reason = "its figure is all that it is for")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = std::env::args().nth(1).ok_or("which file holds the message?")?;
    let message = std::fs::read(file)?;
    let mut times = Vec::with_capacity(ROUNDS);
    for round in 0..WARM_UP + ROUNDS {
        let began = Instant::now();
        let read = ServerMessage::read(std::str::from_utf8(black_box(&message))?)?;
        let took = began.elapsed();
        let ServerMessage::Alert(alert) = &black_box(read).message else {
            return Err("this is no alert".into());
        };
        if !matches!(alert.picture, Picture::Jpeg(_)) {
            return Err("the picture was not taken".into());
        }
        if round >= WARM_UP {
            times.push(took.as_nanos());
        }
    }
    times.sort_unstable();
    println!("{}", times[ROUNDS / 2]);
    Ok(())
}
