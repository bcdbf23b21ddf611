//! P1, P2 and P3: what the program, its window and everything that belongs to them hold in memory, as proportional set
//! size: pages that several processes share are counted once.

use std::thread;

use anyhow::{Result, ensure};

use super::backend::Backend;
use super::figures::{Figure, Goal};
use super::record::Outcome;
use super::stage::{Client, SETTLE, Stage, WINDOW};
use super::{Bench, MESSAGE};
use crate::desktop::Parts;

/// How many incidents are in the list of P3.
const INCIDENTS: usize = 2_000;

/// P1: connected, without a window so far.
pub(super) fn never_opened(bench: &Bench) -> Result<Outcome> {
    let stage = Stage::set(bench, Parts::default())?;
    let backend = stage.backend(MESSAGE)?;
    let (ours, today) =
        (stage.sign_in(&bench.ours, "ours", &backend)?, stage.sign_in(&bench.today, "today", &backend)?);
    let closed = |client: &Client<'_>| {
        let program = client.start(&backend)?;
        settled(|| program.tree().memory())
    };
    let script = |name, command| {
        let peer = stage.peer(name, &command, &backend)?;
        settled(|| peer.tree().memory())
    };
    let mut of_ours = Vec::new();
    let mut others: [Vec<f64>; 4] = Default::default();
    for _ in 0..bench.repetitions {
        of_ours.push(closed(&ours)?);
        others[0].push(in_chromium(&stage, &backend)?);
        others[1].push(closed(&today)?);
        others[2].push(script("node", bench.peers.node("receive.js"))?);
        others[3].push(script("python", bench.peers.python_script("receive.py"))?);
    }
    let figure = |name, values| Figure::alone("never opened", "MiB", of_ours.clone()).against(name, values);
    let [chromium, today, node, python] = others;
    Ok(vec![
        figure("Chromium app window", chromium).goal(Goal::Ratio(0.06)),
        figure("today", today).goal(Goal::Ratio(0.4)),
        figure("Node.js, which stores nothing", node),
        figure("Python, which stores nothing", python),
    ]
    .into())
}

/// How long the spare of P2 waits, in seconds, in place of ten minutes: until it was measured, and a while more.
const SPARE: u32 = 25;

/// P2: the window was opened and closed; ours then has a spare for a while, and later none.
pub(super) fn after_open_and_close(bench: &Bench) -> Result<Outcome> {
    let stage = Stage::set(bench, Parts::default())?;
    let backend = stage.backend(MESSAGE)?;
    let opened_and_closed = |client: &Client<'_>| -> Result<_> {
        let program = client.start_with_spare(&backend, SPARE)?;
        client.open_window()?;
        thread::sleep(SETTLE);
        stage.close_window()?;
        Ok(program)
    };
    let (ours, today) =
        (stage.sign_in(&bench.ours, "ours", &backend)?, stage.sign_in(&bench.today, "today", &backend)?);
    let (mut with_spare, mut later, mut of_today) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..bench.repetitions {
        let program = opened_and_closed(&ours)?;
        stage.until_spare(true)?;
        with_spare.push(settled(|| program.tree().memory())?);
        ensure!(!stage.desktop.processes(WINDOW).is_empty(), "the spare ended before it was measured");
        stage.until_spare(false)?;
        later.push(settled(|| program.tree().memory())?);
        drop(program);

        // It knows of no spare.
        let program = opened_and_closed(&today)?;
        of_today.push(settled(|| program.tree().memory())?);
    }
    let figure = |name, values| Figure::alone(name, "MiB", values).against("today", of_today.clone());
    Ok(vec![
        figure("opened and closed, with the spare", with_spare),
        figure("ten minutes later", later).goal(Goal::Ratio(0.2)),
    ]
    .into())
}

/// P3: the window is open and its list long.
pub(super) fn open(bench: &Bench) -> Result<Outcome> {
    let stage = Stage::set(bench, Parts::default())?;
    let prepared = |programs, name| -> Result<(Client<'_>, Backend)> {
        let backend = stage.backend(MESSAGE)?;
        super::start::fill(programs, &stage.desktop.dir().join(name), &backend, INCIDENTS, INCIDENTS)?;
        Ok((stage.sign_in(programs, name, &backend)?, backend))
    };
    let opened = |(client, backend): &(Client<'_>, Backend)| {
        let program = client.start(backend)?;
        client.open_window()?;
        settled(|| program.tree().memory())
    };
    let (ours, today) = (prepared(&bench.ours, "ours")?, prepared(&bench.today, "today")?);
    let (mut of_ours, mut of_today, mut of_chromium) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..bench.repetitions {
        of_ours.push(opened(&ours)?);
        of_today.push(opened(&today)?);
        of_chromium.push(in_chromium(&stage, &ours.1)?);
    }
    let what = "open, 2,000 incidents";
    let chromium = Figure::alone(what, "MiB", of_ours.clone()).against("Chromium app window", of_chromium);
    let today = Figure::alone(what, "MiB", of_ours).against("today", of_today);
    Ok(vec![chromium.goal(Goal::Ratio(0.5)), today].into())
}

fn in_chromium(stage: &Stage<'_>, backend: &Backend) -> Result<f64> {
    let chromium = stage.chromium(backend)?;
    settled(|| chromium.tree().memory())
}

/// A value after a while in which nothing was asked of anybody.
fn settled(value: impl Fn() -> Result<f64>) -> Result<f64> {
    thread::sleep(SETTLE);
    value()
}
