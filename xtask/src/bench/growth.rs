//! How cost grows with the work: G1, G2 and G3 in minutes, P10 over hours.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::backend::{Detection, detected, frame};
use super::catching_up::{Caught, caught_up};
use super::cpu::{AFTER, EACH};
use super::figures::{Figure, Goal, spread};
use super::plot::{Line, Plot, Scale};
use super::record::Outcome;
use super::stage::{SETTLE, Stage};
use super::start::{prepared, started};
use super::{Bench, MESSAGE};
use crate::desktop::Parts;

/// The most only of the usual number of cameras.
const MISSED: [usize; 5] = [100, 1_000, 10_000, 40_000, 100_000];
const CAMERAS: [usize; 3] = [1, 10, 50];
const USUAL_CAMERAS: usize = 10;
const MOST_MISSED: usize = 10_000;
/// G3: after how many alerts the cost is looked at, and the pause between two.
const LIVE: [usize; 3] = [100, 1_000, 10_000];
const LIVE_PAUSE: Duration = Duration::from_millis(8);
const STORED: [usize; 4] = [100, 1_000, 10_000, 100_000];
/// P10: alerts, one connection's alerts, and the pause between two.
const HOURS_OF_ALERTS: usize = 50_000;
const CONNECTION: usize = 100;
const PAUSE: Duration = Duration::from_millis(60);

/// G1: time and memory of catching up, for one, ten and fifty cameras. What was never told of has no time and no place in the
/// plots; how much that is stands in the table.
pub(super) fn catching_up(bench: &Bench) -> Result<Outcome> {
    let mut all = Vec::new();
    let mut untold = 0;
    for cameras in CAMERAS {
        let most = |missed: &usize| *missed <= MOST_MISSED || cameras == USUAL_CAMERAS;
        for missed in MISSED.into_iter().filter(most) {
            let caught = caught_up(bench, &bench.ours, missed, cameras)?;
            untold = untold.max(caught.untold);
            if caught.untold == 0 {
                all.push((cameras, missed, caught));
            }
        }
    }
    let lines = |of: fn(&Caught) -> f64| by_cameras(&all, of);
    let figure = Figure::alone("never told, of up to 100,000", "alerts", vec![untold as f64]);
    Ok(Outcome {
        figures: vec![figure.goal(Goal::AtMost(0.0))],
        plots: vec![
            Plot {
                name: "catching-up-time".to_owned(),
                title: "Time to catch up".to_owned(),
                across: "alerts missed".to_owned(),
                up: "seconds".to_owned(),
                scale: Scale::Powers,
                lines: lines(|caught| caught.stored),
            },
            Plot {
                name: "catching-up-memory".to_owned(),
                title: "Memory to catch up, above that of an idle program".to_owned(),
                across: "alerts missed".to_owned(),
                up: "MiB".to_owned(),
                scale: Scale::Powers,
                lines: lines(|caught| caught.grown),
            },
        ],
    })
}

/// A line for each number of cameras, of what was measured at each amount of work.
fn by_cameras<T>(all: &[(usize, usize, T)], of: fn(&T) -> f64) -> Vec<Line> {
    let line = |cameras: usize| Line {
        name: format!("{cameras} {}", if cameras == 1 { "camera" } else { "cameras" }),
        points: all
            .iter()
            .filter(|(of, ..)| *of == cameras)
            .map(|(_, work, cost)| (*work as f64, of(cost)))
            .collect(),
    };
    CAMERAS.into_iter().map(line).collect()
}

/// G3: what alerts cost that come one by one, no window open, for one, ten and fifty cameras.
pub(super) fn live(bench: &Bench) -> Result<Outcome> {
    let stage = Stage::set(bench, Parts::default())?;
    let mut all = Vec::new();
    for cameras in CAMERAS {
        for (alerts, cost) in received(&stage, cameras)? {
            all.push((cameras, alerts, cost));
        }
    }
    let plot = |name: &str, title: &str, up: &str, of| Plot {
        name: name.to_owned(),
        title: title.to_owned(),
        across: "alerts".to_owned(),
        up: up.to_owned(),
        scale: Scale::Powers,
        lines: by_cameras(&all, of),
    };
    let plots = vec![
        plot(
            "live-time",
            "Processor time for each of so many alerts, window closed",
            "milliseconds",
            |cost| cost.each,
        ),
        plot("live-memory", "Memory after so many alerts, window closed", "MiB", |cost: &Cost| cost.memory),
    ];
    Ok(Outcome { figures: Vec::new(), plots })
}

/// What some alerts have cost.
#[derive(Debug, Clone, Copy)]
struct Cost {
    /// Milliseconds of processor time for each.
    each: f64,
    /// What the program has in memory after them: MiB.
    memory: f64,
}

/// A program with an empty journal gets alerts; what they cost after each of the numbers.
fn received(stage: &Stage<'_>, cameras: usize) -> Result<Vec<(usize, Cost)>> {
    let backend = stage.backend(MESSAGE)?;
    let picture = stage.picture(MESSAGE)?;
    let client = stage.sign_in(&stage.bench.ours, &format!("live-{cameras}"), &backend)?;
    let program = client.start(&backend)?;
    thread::sleep(SETTLE);

    let mut costs = Vec::new();
    let (mut sent, mut spent) = (0, 0.0);
    for alerts in LIVE {
        let before = program.tree().spent();
        while sent < alerts {
            let due = Instant::now() + LIVE_PAUSE;
            let person = sent / EACH;
            let detection = Detection { camera: person % cameras, person, frame: sent % EACH };
            for message in detected(&picture, detection) {
                backend.send(&frame(&message))?;
            }
            thread::sleep(due.saturating_duration_since(Instant::now()));
            sent += 1;
        }
        backend.until_acked(sent)?;
        thread::sleep(AFTER);
        spent += (program.tree().spent() - before).cpu;
        let each = spent * 1_000.0 / sent as f64;
        costs.push((sent, Cost { each, memory: program.tree().memory()? }));
    }
    program.end()?;
    Ok(costs)
}

/// G2: time from the start to the first byte.
pub(super) fn starting(bench: &Bench) -> Result<Outcome> {
    let stage = Stage::set(bench, Parts::default())?;
    let mut points = Vec::new();
    for stored in STORED {
        let backend = stage.backend(MESSAGE)?;
        let client = prepared(&stage, &format!("stored-{stored}"), &backend, stored)?;
        let mut times = Vec::new();
        for _ in 0..bench.repetitions {
            times.push(started(&client, &backend)?);
        }
        points.extend(spread(&times).map(|times| (stored as f64, times.median)));
    }
    let plot = Plot {
        name: "starting".to_owned(),
        title: "From the start to the first byte of the socket".to_owned(),
        across: "alerts in the journal".to_owned(),
        up: "milliseconds".to_owned(),
        scale: Scale::Powers,
        lines: vec![Line { name: "ours".to_owned(), points }],
    };
    Ok(Outcome { figures: Vec::new(), plots: vec![plot] })
}

/// P10: alerts for more than an hour, and after every hundredth the server says that it restarts. One that went without a word
/// would be waited for longer each time, half a minute in the end, since no connection lasts that long here.
pub(super) fn over_hours(bench: &Bench) -> Result<Outcome> {
    let stage = Stage::set(bench, Parts::default())?;
    let backend = stage.backend(MESSAGE)?;
    let picture = stage.picture(MESSAGE)?;
    let program = stage.sign_in(&bench.ours, "ours", &backend)?.start(&backend)?;
    let mut points = Vec::new();
    for number in 0..HOURS_OF_ALERTS {
        let due = Instant::now() + PAUSE;
        let detection = Detection { camera: number % 10, person: number / 10, frame: number % 10 };
        for message in detected(&picture, detection) {
            backend.send(&frame(&message))?;
        }
        thread::sleep(due.saturating_duration_since(Instant::now()));
        if (number + 1) % CONNECTION == 0 {
            backend.until_acked(number + 1)?;
            points.push(((number + 1) as f64, program.tree().memory()?));
            let handshakes = backend.handshakes();
            backend.restart()?;
            backend.until_handshake(handshakes + 1)?;
        }
    }
    // At first it fills what it keeps anyway; what counts is whether it goes on.
    let later = &points[points.len() / 2..];
    let growth = slope(later) * 10_000.0;
    let figure =
        Figure::alone("growth per 10,000 alerts, second half", "MiB", vec![growth]).goal(Goal::AtMost(1.0));
    let plot = Plot {
        name: "over-hours".to_owned(),
        title: "Memory over 50,000 alerts and 500 reconnects".to_owned(),
        across: "alerts".to_owned(),
        up: "MiB".to_owned(),
        scale: Scale::Even,
        lines: vec![Line { name: "ours".to_owned(), points }],
    };
    Ok(Outcome { figures: vec![figure], plots: vec![plot] })
}

/// How steep the straight line through these points is that fits them best.
fn slope(points: &[(f64, f64)]) -> f64 {
    let count = points.len() as f64;
    let (x, y) =
        points.iter().fold((0.0, 0.0), |sum, point| (sum.0 + point.0 / count, sum.1 + point.1 / count));
    let products: f64 = points.iter().map(|point| (point.0 - x) * (point.1 - y)).sum();
    let squares: f64 = points.iter().map(|point| (point.0 - x).powi(2)).sum();
    products / squares
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slope_is_that_of_the_best_line() {
        assert!((slope(&[(0.0, 1.0), (1.0, 3.0), (2.0, 5.0)]) - 2.0).abs() < 1e-9);
        assert!(slope(&[(0.0, 1.0), (1.0, 2.0), (2.0, 1.0)]).abs() < 1e-9);
    }
}
