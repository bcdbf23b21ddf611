//! P4 and P8: processor time, and how often the processor is woken for nothing.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::backend::{Backend, Detection, Picture, detected, frame};
use super::figures::{Figure, Goal};
use super::record::Outcome;
use super::stage::{Running, SETTLE, Stage};
use super::{Bench, MESSAGE};
use crate::desktop::Parts;

const MINUTE: Duration = Duration::from_secs(60);
/// Alerts of one repetition, and the pause between two of them.
const BLOCK: usize = 200;
const PAUSE: Duration = Duration::from_millis(20);
/// Alerts of one person.
pub(super) const EACH: usize = 10;
/// How long what follows an alert may take: it counts as well.
pub(super) const AFTER: Duration = Duration::from_secs(2);

/// P4: nothing happens but the server's pings. Both are watched at the same time.
pub(super) fn idle(bench: &Bench) -> Result<Outcome> {
    let stage = Stage::set(bench, Parts::default())?;
    let (ours, theirs) = (stage.backend(MESSAGE)?, stage.backend(MESSAGE)?);
    let program = stage.sign_in(&bench.ours, "ours", &ours)?.start(&ours)?;
    let chromium = stage.chromium(&theirs)?;
    // Whatever follows a start is over by then.
    thread::sleep(MINUTE);

    let (mut of_ours, mut of_chromium) = (Vec::new(), Vec::new());
    for _ in 0..bench.idle {
        let before = (program.tree().spent(), chromium.tree().spent());
        thread::sleep(MINUTE);
        of_ours.push(program.tree().spent() - before.0);
        of_chromium.push(chromium.tree().spent() - before.1);
    }
    let cpu = Figure::alone(
        "processor time",
        "ms a minute",
        of_ours.iter().map(|spent| spent.cpu * 1_000.0).collect(),
    )
    .against("Chromium app window", of_chromium.iter().map(|spent| spent.cpu * 1_000.0).collect());
    let a_second = MINUTE.as_secs_f64();
    let wakeups =
        Figure::alone("wake-ups", "a second", of_ours.iter().map(|spent| spent.wakeups / a_second).collect())
            .against(
                "Chromium app window",
                of_chromium.iter().map(|spent| spent.wakeups / a_second).collect(),
            );
    Ok(vec![cpu.goal(Goal::Ratio(0.05)), wakeups.goal(Goal::AtMost(0.5))].into())
}

/// P8: with the window closed, and with it open.
pub(super) fn alerts(bench: &Bench) -> Result<Outcome> {
    let stage = Stage::set(bench, Parts::default())?;
    let (ours, theirs) = (stage.backend(MESSAGE)?, stage.backend(MESSAGE)?);
    let picture = stage.picture(MESSAGE)?;
    let client = stage.sign_in(&bench.ours, "ours", &ours)?;
    let program = client.start(&ours)?;
    let chromium = stage.chromium(&theirs)?;
    thread::sleep(SETTLE);

    let mut sent = 0;
    let mut both = |what: &str, goal: f64| -> Result<Figure> {
        let (mut of_ours, mut of_chromium) = (Vec::new(), Vec::new());
        for _ in 0..bench.repetitions {
            of_ours.push(cost(&program, &ours, &picture, sent)?);
            of_chromium.push(cost(&chromium, &theirs, &picture, sent)?);
            sent += BLOCK;
        }
        let figure = Figure::alone(what, "s", of_ours).against("Chromium app window", of_chromium);
        Ok(figure.goal(Goal::Ratio(goal)))
    };
    let closed = both("window closed", 0.1)?;
    client.open_window()?;
    thread::sleep(SETTLE);
    let open = both("window open", 0.5)?;
    Ok(vec![closed, open].into())
}

/// Seconds of processor time that a thousand alerts take, drawn from a block of them.
fn cost(program: &Running, backend: &Backend, picture: &Picture, first: usize) -> Result<f64> {
    let acked = backend.acks();
    let before = program.tree().spent();
    for number in first..first + BLOCK {
        let detection = Detection { camera: number / EACH % 10, person: number / EACH, frame: number % EACH };
        let messages = detected(picture, detection).map(|message| frame(&message));
        let due = Instant::now() + PAUSE;
        for message in &messages {
            backend.send(message)?;
        }
        thread::sleep(due.saturating_duration_since(Instant::now()));
    }
    backend.until_acked(acked + BLOCK)?;
    thread::sleep(AFTER);
    Ok((program.tree().spent() - before).cpu * 1_000.0 / BLOCK as f64)
}
