//! The real client in a simulated world, on virtual time: hours in milliseconds, every fault drawn from a seed.
//!
//! What is real, what is simulated and what is checked: `docs/simulation.md`. The same seed is the same run, line by
//! line, where the runtime is built with `--cfg tokio_unstable`, as `cargo xtask simulate` does.

mod attempts;
mod check;
mod counts;
mod desktop;
mod dice;
mod disk;
mod drill;
mod fault;
mod keychain;
mod life;
mod logs;
mod net;
mod panics;
mod person;
mod plan;
mod scene;
mod screen;
mod server;
mod trace;
mod wanted;
mod world;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result};
use tracing_subscriber::layer::SubscriberExt;
use visionguard_client::keychain::Keychain;

pub use check::Failure;
pub use counts::Counts;
pub use plan::{Bug, Plan};
pub use scene::{Noticed, Scene, What};
pub use server::Kind;

use keychain::LastingKeychain;
use world::{Death, Fate, Shared, World, lock};

/// What became of a run.
#[derive(Debug)]
pub struct Outcome {
    /// What was drawn.
    pub plan: Plan,
    /// The first thing that did not hold.
    pub failure: Option<Failure>,
    /// How much of what happened.
    pub counts: Counts,
    /// When what a scene waits for came.
    pub noticed: Noticed,
    /// Of all lines of the trace.
    pub hash: u64,
    /// How many they were.
    pub lines: u64,
    /// The last of them.
    pub last: Vec<String>,
}

/// Runs a plan in a directory of its own below `place`; `print` writes the trace to the standard error.
pub fn run(plan: Plan, place: &Path, print: bool) -> Result<Outcome> {
    let directory = place.join(format!("{:?}-{}", plan.kind, plan.seed));
    if directory.exists() {
        fs::remove_dir_all(&directory)?;
    }
    fs::create_dir_all(&directory).with_context(|| format!("cannot make {}", directory.display()))?;
    let world: Shared = Arc::new(Mutex::new(World::new(plan, directory.clone(), print)));

    let log = tracing_subscriber::registry().with(logs::Overheard(world.clone()));
    let lived = tracing::subscriber::with_default(log, || {
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| lives(&world, &directory)))
    });
    let panicked = panics::taken();

    let mut world = lock(&world);
    if let Some(text) = panicked {
        // Whatever else did not hold came of it.
        world.failure = None;
        world.fail("I11", format!("a panic: {text}"));
    }
    if let Ok(Err(error)) = lived {
        world.fail("I11", format!("{error:#}"));
    }
    fs::remove_dir_all(&directory)?;
    let _ = fs::remove_dir_all(directory.with_extension("hidden"));
    world.counts.seeds = 1;
    world.counts.failures = u64::from(world.failure.is_some());
    world.counts.virtual_time = world.now;
    Ok(Outcome {
        plan: world.plan.clone(),
        failure: world.failure.clone(),
        counts: world.counts.clone(),
        noticed: world.noticed,
        hash: world.trace.hash(),
        lines: world.trace.count(),
        last: world.trace.last(40),
    })
}

/// Where runs have their files: in memory, where the system has such a place.
pub fn place() -> PathBuf {
    let memory = Path::new("/dev/shm");
    let parent = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
    parent.join(format!("visionguard-simulation-{}", std::process::id()))
}

/// One life after the other, until the world's day is over.
fn lives(world: &Shared, directory: &Path) -> Result<()> {
    panics::watch();
    let keychain: Arc<dyn Keychain> = Arc::new(LastingKeychain::default());
    loop {
        let death = life::live(world, directory, &keychain)?;
        if lock(world).failure.is_some() {
            return Ok(());
        }
        match death {
            Death::Quit => {
                let mut world = lock(world);
                // A scene ends in the middle of things.
                if world.plan.scene.is_none() {
                    world.check_at_the_end(directory);
                }
                return Ok(());
            }
            Death::Kill { away, file } => killed(world, directory, away, file)?,
        }
    }
}

/// The client was killed: what it left behind is looked at, and the world goes on without it for a while.
fn killed(world: &Shared, directory: &Path, away: Duration, file: Fate) -> Result<()> {
    let mut world = lock(world);
    world.line(format!("the client is killed; it starts again after {away:?}"));
    if file == Fate::Unsynced {
        let place = world.journal_place();
        world.loses_power(&place)?;
    }
    let copy = directory.with_extension("copy");
    let place = world.journal_place();
    copy_files(directory, &copy)?;
    copy_files(&place, &copy)?;
    world.check_after_death(&copy);
    fs::remove_dir_all(&copy)?;
    match file {
        Fate::Stays | Fate::Unsynced => {}
        Fate::Damaged => world.damage_the_journal(&place)?,
        Fate::Hidden => world.hides_the_journal(directory)?,
    }
    world.person_starts_over();
    world.desktop.status = None;
    world.excuse("a new life");
    let until = world.now + away;
    world.run_until(until);
    world.line("the client is started");
    Ok(())
}

fn copy_files(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            fs::copy(entry.path(), to.join(entry.file_name()))?;
        }
    }
    Ok(())
}
