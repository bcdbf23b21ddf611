//! One life of the client: the real program on a runtime of its own, from its start to its end or its death.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::runtime::{Builder, Runtime};
use visionguard_client::api::Http;
use visionguard_client::controller::{Client, Pace, Parts};
use visionguard_client::journal::{FILE_NAME, Hands};
use visionguard_client::keychain::Keychain;
use visionguard_client::settings;
use visionguard_client::tls;
use visionguard_proto::link;

use crate::desktop::SimulatedShell;
use crate::disk::SimulatedDisk;
use crate::net::SimulatedDial;
use crate::person::fulfil;
use crate::server::SimulatedExchange;
use crate::world::{Death, Shared, SimulatedClock, lock};

/// How long the client may take to end in order.
const ENDS_WITHIN: Duration = Duration::from_secs(20);

/// Runs the client in this directory until it ends or dies; what a kill leaves on the disk is what stands there then.
pub fn live(shared: &Shared, directory: &Path, keychain: &Arc<dyn Keychain>) -> Result<Death> {
    let life = lock(shared).life + 1;
    let seed = lock(shared).plan.seed ^ (u64::from(life) << 48);
    let runtime = runtime(seed)?;
    let after = directory.with_extension("after");
    let death = runtime.block_on(async {
        lock(shared).live();
        let client = start(shared, directory, keychain, seed)?;
        lock(shared).client = Some(client.clone());
        drive(shared, &client).await;
        let death = lock(shared).death.unwrap_or(Death::Quit);
        match death {
            Death::Kill { .. } => keep(directory, &after).context("cannot keep what a kill leaves")?,
            Death::Quit => end(shared, &client).await,
        }
        lock(shared).die();
        anyhow::Ok(death)
    });
    lock(shared).die();
    drop(runtime);
    let death = death?;
    if let Death::Kill { .. } = death {
        fs::remove_dir_all(directory)?;
        fs::rename(&after, directory)?;
    }
    Ok(death)
}

fn runtime(seed: u64) -> Result<Runtime> {
    let mut builder = Builder::new_current_thread();
    builder.enable_time().start_paused(true);
    #[cfg(tokio_unstable)]
    builder.rng_seed(tokio::runtime::RngSeed::from_bytes(&seed.to_le_bytes()));
    #[cfg(not(tokio_unstable))]
    let _ = seed;
    builder.build().context("cannot make a runtime")
}

fn start(shared: &Shared, directory: &Path, keychain: &Arc<dyn Keychain>, seed: u64) -> Result<Client> {
    let (settings, complaints) = settings::load_with(directory, |_| None);
    lock(shared).settings_are_read(&settings.view, complaints.len());
    let parts = Parts {
        settings,
        data_dir: directory.to_owned(),
        program: "simulation".to_owned(),
        clock: Arc::new(SimulatedClock(shared.clone())),
        dial: Arc::new(SimulatedDial(shared.clone())),
        http: http()?.through(Arc::new(SimulatedExchange(shared.clone()))),
        keychain: Arc::clone(keychain),
        link: link::Config::default(),
        // Its data directory stays where it is: it is looked at as the journal asks for it, and not besides.
        pace: Pace {
            look_every: Duration::from_secs(30 * 24 * 3_600),
            ..lock(shared).plan.scene.as_ref().map_or_else(Pace::default, |scene| scene.pace.clone())
        },
        journal: Hands::Tasks(Arc::new(SimulatedDisk(shared.clone()))),
        seed,
    };
    let shell = SimulatedShell::new(shared.clone());
    Client::start(parts, shell).context("the client does not start")
}

/// One for all runs: it is only a maker of requests here.
fn http() -> Result<Http> {
    static HTTP: OnceLock<Http> = OnceLock::new();
    if let Some(http) = HTTP.get() {
        return Ok(http.clone());
    }
    let http = Http::new(&tls::client_config(None)?)?;
    Ok(HTTP.get_or_init(|| http).clone())
}

/// Lets the world and the client go on together until this life is over.
async fn drive(shared: &Shared, client: &Client) {
    let changed = lock(shared).changed();
    loop {
        let (next, wishes, life) = {
            let mut world = lock(shared);
            world.look_at_the_clock();
            world.run_due();
            if world.death.is_some() || world.failure.is_some() {
                return;
            }
            let next = world.next_at().and_then(|at| world.instant(at));
            (next, std::mem::take(&mut world.wishes), world.life)
        };
        for wish in wishes {
            tokio::spawn(fulfil(shared.clone(), client.clone(), wish, life));
        }
        let Some(next) = next else { return };
        tokio::select! {
            biased;
            () = tokio::time::sleep_until(next) => {}
            () = changed.notified() => {}
        }
    }
}

/// Asks the client to end, and waits for it.
async fn end(shared: &Shared, client: &Client) {
    if lock(shared).failure.is_some() {
        return;
    }
    {
        let mut world = lock(shared);
        world.ending = true;
        world.desktop.ended = false;
        world.death = None;
    }
    client.quit();
    let ended = async {
        let changed = lock(shared).changed();
        loop {
            let next = {
                let mut world = lock(shared);
                world.look_at_the_clock();
                world.run_due();
                if world.desktop.ended || world.failure.is_some() {
                    return;
                }
                world.next_at().and_then(|at| world.instant(at))
            };
            let soon = tokio::time::Instant::now() + Duration::from_millis(50);
            tokio::select! {
                biased;
                () = tokio::time::sleep_until(next.unwrap_or(soon).min(soon)) => {}
                () = changed.notified() => {}
            }
        }
    };
    if tokio::time::timeout(ENDS_WITHIN, ended).await.is_err() {
        lock(shared).fail("I11", "the client did not end in order");
    }
}

/// What is on the disk at this moment: a commit is there with its write-ahead log, and nothing that only memory knows.
fn keep(from: &Path, to: &Path) -> io::Result<()> {
    if to.exists() {
        fs::remove_dir_all(to)?;
    }
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name();
        let is_index = name.to_string_lossy() == format!("{FILE_NAME}-shm");
        if entry.file_type()?.is_dir() {
            fs::create_dir(to.join(name))?;
        } else if !is_index {
            fs::copy(entry.path(), to.join(name))?;
        }
    }
    Ok(())
}
