//! `simulate --seed N` replays one run; `simulate --seeds N --from S` runs a range and ends with one line of counts.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use anyhow::{Result, bail};
use clap::{Parser, ValueEnum};
use simulation::{Counts, Kind, Outcome, Plan, place, run};

#[derive(Debug, Parser)]
#[command(name = "simulate", about = "The client in a simulated world")]
struct Arguments {
    /// Run this seed alone.
    #[arg(long, conflicts_with_all = ["seeds", "from"])]
    seed: Option<u64>,
    /// Run this many seeds.
    #[arg(long, default_value_t = 100)]
    seeds: u64,
    /// Begin with this one.
    #[arg(long, default_value_t = 1)]
    from: u64,
    /// Against this server alone.
    #[arg(long)]
    server: Option<Which>,
    /// Write every line of what happens.
    #[arg(long)]
    trace: bool,
    /// Stop after so many failures.
    #[arg(long, default_value_t = 10)]
    failures: u64,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Which {
    /// The deployed backend.
    Original,
    /// Our own.
    Ours,
}

impl Which {
    fn kind(self) -> Kind {
        match self {
            Which::Original => Kind::Original,
            Which::Ours => Kind::Ours,
        }
    }

    fn word(kind: Kind) -> &'static str {
        match kind {
            Kind::Original => "original",
            Kind::Ours => "ours",
        }
    }
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let kinds = match arguments.server {
        Some(which) => vec![which.kind()],
        None => vec![Kind::Ours, Kind::Original],
    };
    let seeds = match arguments.seed {
        Some(seed) => seed..seed + 1,
        None => arguments.from..arguments.from + arguments.seeds,
    };
    let place = place();
    let began = Instant::now();
    let all = run_all(&arguments, &kinds, seeds, &place);
    let _ = std::fs::remove_dir_all(&place);
    let all = all?;

    writeln!(io::stdout(), "{all}, {:.1} s", began.elapsed().as_secs_f64())?;
    if all.failures > 0 {
        bail!("{} of {} runs failed", all.failures, all.seeds);
    }
    Ok(())
}

fn run_all(
    arguments: &Arguments,
    kinds: &[Kind],
    seeds: std::ops::Range<u64>,
    place: &Path,
) -> Result<Counts> {
    let all = Mutex::new((Counts::default(), None));
    let next = AtomicU64::new(seeds.start);
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::SeqCst);
                    if seed >= seeds.end {
                        return;
                    }
                    for kind in kinds {
                        let outcome = run(Plan::new(seed, *kind), place, arguments.trace);
                        let mut all = all.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                        match outcome {
                            Ok(outcome) => {
                                all.0 += &outcome.counts;
                                if report(&outcome, arguments.seed.is_some()).is_err()
                                    || all.0.failures >= arguments.failures
                                {
                                    next.store(seeds.end, Ordering::SeqCst);
                                }
                            }
                            Err(error) => {
                                next.store(seeds.end, Ordering::SeqCst);
                                all.1 = Some(error);
                            }
                        }
                    }
                }
            });
        }
    });
    let (counts, error) = all.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    match error {
        Some(error) => Err(error),
        None => Ok(counts),
    }
}

/// What is said of a run: nothing unless it failed, or is the only one.
fn report(outcome: &Outcome, alone: bool) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let (seed, kind) = (outcome.plan.seed, Which::word(outcome.plan.kind));
    if alone {
        writeln!(out, "seed {seed} ({kind}): {} lines, trace {:016x}", outcome.lines, outcome.hash)?;
    }
    let Some(failure) = &outcome.failure else { return Ok(()) };
    writeln!(out)?;
    for line in &outcome.last {
        writeln!(out, "{line}")?;
    }
    writeln!(out, "seed {seed} ({kind}): {} does not hold: {}", failure.invariant, failure.text)?;
    writeln!(out, "again: cargo xtask simulate --seed {seed} --server {kind}")
}
