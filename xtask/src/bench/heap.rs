//! H1: whether the heap grows with the alerts, counted to the byte: the program's core under dhat, on a desktop with a
//! notification service. It is asked between alerts, when all that it was sent is stored and shown.

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde::Deserialize;

use super::backend::{Detection, EMAIL, PASSWORD, detected, frame};
use super::cpu::EACH;
use super::figures::{Figure, Goal, quantile};
use super::latency::start_service;
use super::plot::{Line, Plot, Scale};
use super::programs::Programs;
use super::record::Outcome;
use super::stage::{SETTLE, Stage};
use super::{Bench, MESSAGE};
use crate::desktop::Parts;

const ALERTS: usize = 10_000;
/// Between two questions.
const STEP: usize = 500;
/// A program that counts each piece of memory takes longer for an alert than one that does not.
const PAUSE: Duration = Duration::from_millis(15);
/// By then, what follows an alert is over.
const AFTER: Duration = Duration::from_secs(3);
/// What 5,000 alerts may leave behind, in KiB: less than the picture of one of them.
const GROWTH: f64 = 64.0;

/// What the program has on the heap, in bytes.
#[derive(Debug, Clone, Copy, Deserialize)]
struct Heap {
    live: u64,
    peak: u64,
    /// Ever asked for.
    total: u64,
}

/// Alerts of a thousand people, and what is there after each part of them.
pub(super) fn over_alerts(bench: &Bench) -> Result<Outcome> {
    let program = Programs::heap()?;
    let stage = Stage::set(bench, Parts { notifications: false, ..Parts::default() })?;
    start_service(&stage.desktop)?;
    let backend = stage.backend(MESSAGE)?;
    let picture = stage.picture(MESSAGE)?;
    let mut command = stage.desktop.command(program);
    command.args([&backend.url(), EMAIL, PASSWORD]).arg(stage.desktop.dir().join("heap"));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().context("cannot start the program that counts")?;
    let mut input = child.stdin.take().context("no input")?;
    let mut output = BufReader::new(child.stdout.take().context("no output")?);
    let mut heap = || -> Result<Heap> {
        let mut line = String::new();
        input.write_all(b"\n")?;
        output.read_line(&mut line)?;
        serde_json::from_str(&line).context("it does not say what it has")
    };
    backend.until_connected()?;
    thread::sleep(SETTLE);

    let mut heaps = vec![(0, heap()?)];
    for number in 0..ALERTS {
        let due = Instant::now() + PAUSE;
        let detection = Detection { camera: number / EACH % 10, person: number / EACH, frame: number % EACH };
        for message in detected(&picture, detection) {
            backend.send(&frame(&message))?;
        }
        thread::sleep(due.saturating_duration_since(Instant::now()));
        if (number + 1).is_multiple_of(STEP) {
            backend.until_acked(number + 1)?;
            thread::sleep(AFTER);
            heaps.push((number + 1, heap()?));
        }
    }
    drop(input);
    child.wait()?;
    Ok(outcome(&heaps))
}

fn outcome(heaps: &[(usize, Heap)]) -> Outcome {
    let kib = |bytes: u64| bytes as f64 / 1024.0;
    let mut figures = Vec::new();
    for (alerts, what) in
        [(2_500, "in use after 2,500"), (5_000, "in use after 5,000"), (10_000, "in use after 10,000")]
    {
        let then = heaps.iter().find(|(other, _)| *other == alerts);
        figures.extend(then.map(|(_, heap)| Figure::alone(what, "KiB", vec![kib(heap.live)])));
    }
    // One answer may find a message on its way; at first it fills what it keeps anyway.
    let usual = |quarter: usize| {
        let alerts = ALERTS / 4 * (quarter - 1) + 1..=ALERTS / 4 * quarter;
        let live = heaps.iter().filter(|(other, _)| alerts.contains(other)).map(|(_, heap)| kib(heap.live));
        quantile(&live.collect::<Vec<_>>(), 0.5)
    };
    if let (Some(early), Some(late)) = (usual(2), usual(4)) {
        let growth = Figure::alone("growth, second quarter to last", "KiB", vec![late - early]);
        figures.push(growth.goal(Goal::AtMost(GROWTH)));
    }
    if let (Some((_, start)), Some((_, end))) = (heaps.first(), heaps.last()) {
        let each = (kib(end.total) - kib(start.total)) / ALERTS as f64;
        figures.extend([
            Figure::alone("in use at most", "KiB", vec![kib(end.peak)]),
            Figure::alone("asked for and given back, for each alert", "KiB", vec![each]),
        ]);
    }
    let points = heaps.iter().map(|(alerts, heap)| (*alerts as f64, kib(heap.live))).collect();
    let plot = Plot {
        name: "heap".to_owned(),
        title: "Heap of the program's core over 10,000 alerts".to_owned(),
        across: "alerts".to_owned(),
        up: "KiB".to_owned(),
        scale: Scale::Even,
        lines: vec![Line { name: "ours".to_owned(), points }],
    };
    Outcome { figures, plots: vec![plot] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_what_the_later_alerts_left_behind() {
        let heap = |live: u64| Heap { live: live * 1024, peak: 4 * 1024 * 1024, total: live * 1024 * 10_000 };
        let heaps = [(0, heap(1)), (2_500, heap(2)), (5_000, heap(3)), (9_500, heap(5)), (10_000, heap(4))];

        let Outcome { figures, plots } = outcome(&heaps);

        let value =
            |what: &str| figures.iter().find(|figure| figure.what == what).map(|figure| figure.ours[0]);
        assert_eq!(value("growth, second quarter to last"), Some(1.5));
        assert_eq!(value("in use after 5,000"), Some(3.0));
        assert_eq!(value("asked for and given back, for each alert"), Some(3.0));
        assert_eq!(plots[0].lines[0].points.len(), 5);
    }
}
