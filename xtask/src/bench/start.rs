//! P11: from the start of the program to the first byte of its socket, with little and with much in the journal.

use std::path::Path;
use std::time::Instant;

use anyhow::Result;

use super::backend::{Backend, EMAIL, PASSWORD};
use super::figures::{Figure, Goal};
use super::programs::Programs;
use super::record::Outcome;
use super::stage::{Client, Stage, Watch};
use super::{Bench, MESSAGE};
use crate::desktop::Parts;
use crate::project::output;

const FEW: usize = 100;
const MANY: usize = 200_000;
/// As many are received; the others are copies of them.
const RECEIVED: usize = 1_000;
/// Whom the record is of, and from where.
const PEOPLE: usize = 500;
const CAMERAS: usize = 10;

/// The same program with two journals.
pub(super) fn first_byte(bench: &Bench) -> Result<Outcome> {
    let stage = Stage::set(bench, Parts::default())?;
    let (few, many) = (stage.backend(MESSAGE)?, stage.backend(MESSAGE)?);
    let with_few = prepared(&stage, "few", &few, FEW)?;
    let with_many = prepared(&stage, "many", &many, MANY)?;
    let (mut of_many, mut of_few) = (Vec::new(), Vec::new());
    for _ in 0..bench.repetitions {
        of_many.push(started(&with_many, &many)?);
        of_few.push(started(&with_few, &few)?);
    }
    let figure = Figure::alone("a journal of 200,000 alerts", "ms", of_many);
    Ok(vec![figure.against("a journal of 100", of_few).goal(Goal::Ratio(1.2))].into())
}

/// A client of this backend whose journal has so many alerts. Only the first thousand were received: storing all of them so
/// would take longer than the rest of the figures.
pub(super) fn prepared<'a>(
    stage: &'a Stage<'a>,
    name: &str,
    backend: &Backend,
    alerts: usize,
) -> Result<Client<'a>> {
    let (programs, data) = (&stage.bench.ours, stage.desktop.dir().join(name));
    fill(programs, &data, backend, alerts.min(RECEIVED), PEOPLE)?;
    if alerts > RECEIVED {
        let mut grow = stage.bench.peers.python_script("grow.py");
        output(grow.arg(data.join("journal.sqlite3")).arg(alerts.to_string()))?;
    }
    stage.sign_in(programs, name, backend)
}

/// Fills a new journal from the backend's record, which is empty at first: what is in it when somebody signs in for the
/// first time would be no news.
pub(super) fn fill(
    programs: &Programs,
    data: &Path,
    backend: &Backend,
    alerts: usize,
    people: usize,
) -> Result<()> {
    let watch = || Watch::start(programs, data, &backend.url(), EMAIL, PASSWORD);
    let before = watch()?;
    before.until_protected()?;
    before.running.end()?;
    backend.record(alerts, people, CAMERAS);
    let after = watch()?;
    after.until_told(alerts)?;
    after.running.end()
}

/// Milliseconds from the start of the program to the first byte of its handshake.
pub(super) fn started(client: &Client<'_>, backend: &Backend) -> Result<f64> {
    let earlier = backend.handshakes();
    let began = Instant::now();
    let program = client.launch()?;
    let came = backend.until_handshake(earlier + 1)?;
    program.end()?;
    Ok(came.saturating_duration_since(began).as_secs_f64() * 1_000.0)
}
