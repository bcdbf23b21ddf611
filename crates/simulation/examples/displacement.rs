//! How soon a connection that lost its place is said to have lost it, and an alert of another account's camera pops up;
//! and how many requests that costs. The client of now against the same with the pace of before, in one run.
//!
//! `cargo run --release --package visionguard-simulation --example displacement`
#![allow(clippy::print_stdout)] // It is what it is for.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use simulation::{Plan, Scene, What, place, run};
use visionguard_client::controller::Pace;

/// How many of each.
const EACH: u64 = 100;
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

fn main() -> Result<()> {
    println!("{:<48} {:>22} {:>22} {:>9}", "", "now", "the pace of before", "now/then");
    for (label, age) in [("a minute old", MINUTE), ("an hour old", HOUR)] {
        let now = delays(&Pace::default(), age, displacement)?;
        let then = delays(&before(), age, displacement)?;
        row(&format!("displaced, {label}: not said to be protected"), &now, &then);
    }
    let first = |seed| (What::SeenElsewhere, Duration::from_millis(seed * 7_919 % 60_000));
    row(
        "another account's camera, the first minute",
        &delays(&Pace::default(), Duration::from_secs(20), first)?,
        &delays(&before(), Duration::from_secs(20), first)?,
    );
    for (label, delivers) in [("alerts come on the socket", true), ("no alert came yet", false)] {
        let now = requests(&Pace::default(), delivers)?;
        let then = requests(&before(), delivers)?;
        let ratio = now as f64 / then as f64;
        println!("{:<48} {now:>22} {then:>22} {ratio:>8.2}x", format!("requests an hour, {label}"));
    }
    let _ = std::fs::remove_dir_all(place());
    Ok(())
}

/// The pace of the versions that said "Protected" for up to half a minute too long.
fn before() -> Pace {
    let mut pace = Pace {
        reconcile_every: Duration::from_secs(45),
        record_every: Duration::from_secs(45),
        register_early: Vec::new(),
        register_every: Duration::from_secs(30),
        shops_every: Duration::ZERO,
        ..Pace::default()
    };
    pace.limits.registration = MINUTE;
    pace
}

/// One of the ways in which a place is lost, at any moment of a minute.
fn displacement(seed: u64) -> (What, Duration) {
    let what = match seed % 3 {
        0 => What::Taken,
        1 => What::TakenAndLost(Duration::from_millis(400 + seed * 131 % 3_000)),
        _ => What::Forgotten,
    };
    (what, Duration::from_millis(seed * 7_919 % 60_000))
}

/// How long it takes until it is noticed, shortest first.
fn delays(pace: &Pace, age: Duration, drawn: impl Fn(u64) -> (What, Duration)) -> Result<Vec<Duration>> {
    let mut delays = Vec::new();
    for seed in 0..EACH {
        let (what, more) = drawn(seed);
        let at = age + more;
        let delivers = what != What::SeenElsewhere;
        let outcome =
            run(Plan::quiet(seed, Scene { pace: pace.clone(), delivers, what, at }), &place(), false)?;
        if let Some(failure) = outcome.failure {
            ensure!(false, "seed {seed}, {what:?}: {} does not hold: {}", failure.invariant, failure.text);
        }
        let noticed = if delivers { outcome.noticed.said } else { outcome.noticed.popped_up };
        delays
            .push(noticed.with_context(|| format!("seed {seed}, {what:?} at {at:?} is never noticed"))? - at);
    }
    delays.sort();
    Ok(delays)
}

/// How many requests the second hour of a quiet day takes.
fn requests(pace: &Pace, delivers: bool) -> Result<u64> {
    let until = |at| -> Result<u64> {
        let scene = Scene { pace: pace.clone(), delivers, what: What::Nothing, at };
        Ok(run(Plan::quiet(1, scene), &place(), false)?.counts.requests)
    };
    Ok(until(2 * HOUR)? - until(HOUR)?)
}

fn row(label: &str, now: &[Duration], then: &[Duration]) {
    let median = |delays: &[Duration]| delays[delays.len() / 2].as_secs_f64();
    let longest = |delays: &[Duration]| delays.last().map_or(0.0, Duration::as_secs_f64);
    let words = |delays: &[Duration]| format!("{:.1} s, most {:.1} s", median(delays), longest(delays));
    let ratio = longest(now) / longest(then);
    println!("{label:<48} {:>22} {:>22} {ratio:>8.2}x", words(now), words(then));
}
