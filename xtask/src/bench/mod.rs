//! What the program costs and how fast it is, each figure beside that of what a user would pick instead, measured in the
//! same run with programs built for release: `docs/performance.md`.
//!
//! Nothing here is a test, and no test is timed: a figure is only ever measured when a person asks for it.

mod backend;
mod catching_up;
mod click;
mod cpu;
mod figures;
mod growth;
mod heap;
mod latency;
mod memory;
mod parse;
mod peers;
mod plot;
mod processes;
mod programs;
mod record;
mod sizes;
mod stage;
mod start;
mod storm;
mod table;

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;

use crate::pace::Planned;
use crate::project::{say, target};
use crate::setup::{self, Purpose};
use crate::steps::Steps;
use peers::Peers;
use programs::Programs;
use record::{Measured, Outcome, Record};

/// How long the usual message of an alert is, in bytes.
const MESSAGE: usize = 150_000;

/// What is measured, and how.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Only this row of docs/performance.md, such as P5; may be said more than once. The others keep their figures.
    #[arg(long, value_name = "ROW")]
    only: Vec<String>,
    /// Also what takes hours.
    #[arg(long)]
    long: bool,
    /// Compare with the figures of this file, such as a copy of target/bench/figures.json.
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
    /// What ours is compared with as "today": a commit, or a folder with its released programs.
    #[arg(long, value_name = "COMMIT", default_value = programs::TODAY)]
    today: String,
    /// How often each short measurement is taken, in turn with the others'.
    #[arg(long, value_name = "TIMES", default_value_t = REPETITIONS, value_parser = clap::value_parser!(u32).range(1..))]
    repetitions: u32,
    /// For how many minutes the idle program is watched.
    #[arg(long, value_name = "MINUTES", default_value_t = MINUTES, value_parser = clap::value_parser!(u32).range(1..))]
    idle: u32,
}

impl Options {
    /// What is asked for beyond the rows, as it is written on a command line.
    fn asked(&self) -> String {
        let said =
            |name, asked, usual| if asked == usual { String::new() } else { format!(" --{name} {asked}") };
        said("repetitions", self.repetitions, REPETITIONS) + &said("idle", self.idle, MINUTES)
    }
}

/// What every row needs.
#[derive(Debug)]
struct Bench {
    ours: Programs,
    today: Programs,
    peers: Peers,
    repetitions: u32,
    /// Minutes of P4, each a repetition of its own.
    idle: u32,
}

impl Bench {
    /// The picture of messages of about so many bytes.
    fn picture(&self, message: usize) -> Result<backend::Picture> {
        backend::Picture::read(&drawn(), picture_of(message))
    }
}

/// A row of docs/performance.md.
#[derive(Debug)]
struct Row {
    number: &'static str,
    what: &'static str,
    /// Takes hours.
    long: bool,
    step: Planned,
    measure: fn(&Bench) -> Result<Outcome>,
}

/// Every row, in the order of the document; each with its time in seconds.
const ROWS: [Row; 18] = [
    row("P1", "Memory, connected, no window so far", Planned::steady("P1", 600), memory::never_opened),
    row(
        "P2",
        "Memory after the window was opened and closed",
        Planned::steady("P2", 800),
        memory::after_open_and_close,
    ),
    row("P3", "Memory with the window open", Planned::steady("P3", 500), memory::open),
    row("P4", "Idle, connected, no window", Planned::steady("P4", 640), cpu::idle),
    row("P5", "Parse, decode and check one alert", Planned::steady("P5", 60), parse::one_alert),
    row(
        "P6",
        "From the last byte of an alert to its notification",
        Planned::steady("P6", 420),
        latency::to_notification,
    ),
    row(
        "P7",
        "From the last byte of an alert to its picture on the display",
        Planned::steady("P7", 150),
        latency::to_paint,
    ),
    row("P8", "Processor time for 1,000 alerts of 150 kB", Planned::steady("P8", 320), cpu::alerts),
    row("P9", "A storm: 1,000 alerts of 200 kB in ten seconds", Planned::steady("P9", 420), storm::storm),
    Row {
        long: true,
        ..row(
            "P10",
            "Over hours: 50,000 alerts and 500 reconnects",
            Planned::steady("P10", 3_900),
            growth::over_hours,
        )
    },
    row(
        "P11",
        "From the start to the first byte of the socket",
        Planned::steady("P11", 200),
        start::first_byte,
    ),
    row("P12", "Catching up", Planned::steady("P12", 120), catching_up::ten_thousand),
    row("P13", "Size of the programs, without symbols", Planned::steady("P13", 1), sizes::binaries),
    row(
        "P14",
        "From the click on the tray to the painted status",
        Planned::steady("P14", 340),
        click::to_status,
    ),
    row("G1", "Catching up, by how much was missed", Planned::steady("G1", 120), growth::catching_up),
    row("G2", "Starting, by how much is in the journal", Planned::steady("G2", 150), growth::starting),
    row("G3", "Alerts one by one, by how many came", Planned::steady("G3", 330), growth::live),
    row("H1", "Heap over 10,000 alerts", Planned::new("H1", 800, 280), heap::over_alerts),
];

const fn row(
    number: &'static str,
    what: &'static str,
    step: Planned,
    measure: fn(&Bench) -> Result<Outcome>,
) -> Row {
    Row { number, what, long: false, step, measure }
}

/// How often each short measurement is taken, and how many minutes the idle program is watched, where nothing is said.
const REPETITIONS: u32 = 10;
const MINUTES: u32 = 10;

/// The steps before the rows, with their times in seconds at first and later.
const BEFORE: [Planned; 3] = [
    Planned::new("set-up", 90, 2),
    Planned::new("build for release", 700, 5),
    Planned::new("build today's", 700, 5),
];

/// Builds, measures, prints the table and writes the document.
pub fn bench(options: &Options) -> Result<()> {
    let rows = chosen(options)?;
    let earlier = options.against.as_deref().map(Record::read).transpose()?;
    let plan: Vec<Planned> = BEFORE.into_iter().chain(rows.iter().map(|row| row.step)).collect();
    let mut steps = Steps::of("bench", &plan);
    let (mut peers, mut ours, mut today) = (None, None, None);
    let commit = record::commit()?;
    let asked = options.asked();
    steps.need("set-up", || {
        setup::ensure(&[Purpose::Compile, Purpose::Desktop, Purpose::VirtualDesktop, Purpose::Bench])?;
        peers::draw(&drawn(), "#d02878")?;
        peers = Some(Peers::install()?);
        Ok(())
    })?;
    steps.need("build for release", || {
        ours = Some(Programs::ours()?);
        Ok(())
    })?;
    steps.need("build today's", || {
        today = Some(Programs::today(&options.today)?);
        Ok(())
    })?;
    let (Some(peers), Some(ours), Some(today)) = (peers, ours, today) else {
        bail!("something to measure is missing");
    };
    let bench = Bench { ours, today, peers, repetitions: options.repetitions, idle: options.idle };

    let file = target().join("bench/figures.json");
    let numbers: Vec<&str> = rows.iter().map(|row| row.number).collect();
    for row in rows {
        steps.take(row.number, || {
            let outcome = (row.measure)(&bench)?;
            let measured = Measured::of(row.what, &commit, &asked, &bench.peers, outcome);
            // Whatever becomes of the next rows.
            Record::keep(&file, row.number, measured)
        });
    }
    // Another run may have measured as well.
    let record = Record::so_far(&file)?;
    say(format!("\n{}", table::printed(&record, &numbers)));
    if let (Some(file), Some(earlier)) = (&options.against, &earlier) {
        let changes = table::compared(&record, earlier, &numbers);
        say(format!(
            "Since {} (the smaller, the better; as before: the middle halves meet):\n{changes}",
            file.display()
        ));
    }
    table::write(&record)?;
    say(format!("The figures are in {}, and in docs/performance.md.", file.display()));
    steps.finish()
}

/// The rows that were asked for.
fn chosen(options: &Options) -> Result<Vec<&'static Row>> {
    for wanted in &options.only {
        if !ROWS.iter().any(|row| row.number.eq_ignore_ascii_case(wanted)) {
            let known: Vec<&str> = ROWS.iter().map(|row| row.number).collect();
            bail!("there is no row {wanted}; there are {}", known.join(", "));
        }
    }
    let is_wanted = |row: &Row| options.only.iter().any(|wanted| row.number.eq_ignore_ascii_case(wanted));
    Ok(ROWS
        .iter()
        .filter(|row| is_wanted(row) || options.only.is_empty() && (!row.long || options.long))
        .collect())
}

/// How long a picture is in a message of this length: the people in it are described in 30 kB, and base64 makes four bytes
/// of three.
fn picture_of(message: usize) -> usize {
    message.saturating_sub(30_000) / 4 * 3
}

/// Where the drawn picture is.
fn drawn() -> PathBuf {
    target().join("bench/picture.jpg")
}
