//! P12: what came while the program was off.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::backend::{Backend, EMAIL, PASSWORD};
use super::figures::{Figure, Goal};
use super::peers::SYSTEM_PYTHON;
use super::programs::Programs;
use super::record::Outcome;
use super::stage::{Served, Watch};
use super::{Bench, MESSAGE};
use crate::project::{output, target};

const MISSED: usize = 10_000;
const PEOPLE: usize = 500;
const CAMERAS: usize = 10;
/// After so long no more is told: twice what lies between two looks at the record.
const SILENCE: Duration = Duration::from_secs(100);
/// Longer than the simulated cameras pause.
const CAMERAS_PAUSE: Duration = Duration::from_secs(10);

/// What catching up took.
#[derive(Debug, Clone, Copy)]
pub(super) struct Caught {
    /// Seconds from the start of the program until all of it is stored.
    pub(super) stored: f64,
    /// Seconds until it says that all is well.
    protected: f64,
    /// What it had in memory at most, above what it has when nothing was missed: MiB.
    pub(super) grown: f64,
    /// How many it never told of.
    pub(super) untold: usize,
}

/// From where, and how a program does it.
type Way<'a> = (&'a str, &'a dyn Fn(&Programs) -> Result<Caught>);

/// Ten thousand out of the original's record, and out of our server's log.
pub(super) fn ten_thousand(bench: &Bench) -> Result<Outcome> {
    let server = Server::with_missed(bench)?;
    let mut figures = Vec::new();
    let ways: [Way<'_>; 2] = [
        ("10,000 of the original's record", &|programs| caught_up(bench, programs, MISSED, CAMERAS)),
        ("10,000 of our server's log", &|programs| server.caught_up(programs)),
    ];
    for (way, catch_up) in ways {
        let (mut ours, mut today) = (Vec::new(), Vec::new());
        for _ in 0..bench.repetitions {
            for (programs, all) in [(&bench.ours, &mut ours), (&bench.today, &mut today)] {
                let caught = catch_up(programs)?;
                ensure!(caught.untold == 0, "{} of {way} were never told", caught.untold);
                all.push(caught);
            }
        }
        let figure = |what: &str, unit: &str, of: fn(&Caught) -> f64| {
            let ours = Figure::alone(&format!("{way}, {what}"), unit, ours.iter().map(of).collect());
            ours.against("today", today.iter().map(of).collect())
        };
        figures.extend([
            figure("until stored", "s", |caught| caught.stored).goal(Goal::Ratio(0.5)),
            figure("until protected", "s", |caught| caught.protected),
            figure("memory", "MiB", |caught| caught.grown).goal(Goal::Ratio(0.5)),
        ]);
    }
    Ok(figures.into())
}

/// A computer that was protected once, was switched off, and missed so many.
pub(super) fn caught_up(bench: &Bench, programs: &Programs, missed: usize, cameras: usize) -> Result<Caught> {
    let backend = Backend::start(bench.picture(MESSAGE)?)?;
    let data = fresh()?;
    let watch = || Watch::start(programs, &data, &backend.url(), EMAIL, PASSWORD);

    let before = watch()?;
    before.until_protected()?;
    let idle = before.running.tree().peak()?;
    before.running.end()?;
    backend.record(missed, PEOPLE, cameras);
    caught(watch()?, missed, idle)
}

/// What it took a program that was just started; `idle` is what it has in memory when nothing was missed.
fn caught(after: Watch, missed: usize, idle: f64) -> Result<Caught> {
    let (told, stored) = after.told(missed, SILENCE);
    let protected = if told == missed { after.until_protected()? } else { stored };
    let grown = after.running.tree().peak()? - idle;
    after.running.end()?;
    Ok(Caught {
        stored: stored.as_secs_f64(),
        protected: protected.as_secs_f64(),
        grown: grown.max(0.0),
        untold: missed - told,
    })
}

/// Our server with what its simulated cameras saw, and the data of a computer that was protected before they did.
#[derive(Debug)]
struct Server {
    running: Served,
    /// The computer's; each program catches up with a copy of it.
    before: PathBuf,
    seen: usize,
}

impl Server {
    /// The same server for all: today's program finds what ours finds.
    fn with_missed(bench: &Bench) -> Result<Self> {
        let (data, before) = (empty("bench/server")?, empty("bench/before")?);
        let quiet = Served::start(&bench.ours, &data, "0")?;
        let watch = quiet.watch(&bench.ours, &before)?;
        watch.until_protected()?;
        watch.running.end()?;
        drop(quiet);
        let running = Served::start(&bench.ours, &data, &MISSED.to_string())?;
        let mut seen = 0;
        // The cameras are done once nothing more comes.
        loop {
            thread::sleep(CAMERAS_PAUSE);
            let now = stored(&data)?;
            if now == seen && now > 0 {
                return Ok(Self { running, before, seen });
            }
            seen = now;
        }
    }

    fn caught_up(&self, programs: &Programs) -> Result<Caught> {
        let data = fresh()?;
        output(Command::new("cp").arg("-a").arg(self.before.join(".")).arg(&data))?;
        // A computer that signs in for the first time has missed nothing.
        let first = self.running.watch(programs, &empty("bench/nobody")?)?;
        first.until_protected()?;
        let idle = first.running.tree().peak()?;
        first.running.end()?;
        caught(self.running.watch(programs, &data)?, self.seen, idle)
    }
}

/// How many alerts our server has.
fn stored(data: &Path) -> Result<usize> {
    let count = "import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute('SELECT count(*) FROM anomalies').fetchone()[0])";
    let mut python = Command::new(SYSTEM_PYTHON);
    let said = output(python.args(["-c", count]).arg(data.join("server.sqlite3")))?;
    said.trim().parse().context("no number of alerts")
}

/// An empty data directory.
fn fresh() -> Result<PathBuf> {
    empty("bench/data")
}

fn empty(name: &str) -> Result<PathBuf> {
    let data = target().join(name);
    if data.exists() {
        fs::remove_dir_all(&data).with_context(|| format!("cannot remove {}", data.display()))?;
    }
    fs::create_dir_all(&data).with_context(|| format!("cannot create {}", data.display()))?;
    Ok(data)
}
