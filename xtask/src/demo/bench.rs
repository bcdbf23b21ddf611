//! What the program costs, and how fast it is: measured on a virtual desktop with a release build.

use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

use super::building;
use super::headless::WINDOW;
use super::stage::Stage;
use crate::desktop::{VirtualDesktop, wait_until};
use crate::pace::Planned;
use crate::project::{built_for_release, run, say};
use crate::setup::{self, Purpose};
use crate::steps::Steps;

/// The processes of the program: itself, and what the web view brings with it.
const PROCESSES: [&str; 3] = ["visionguard-desktop", "WebKitWebProcess", "WebKitNetworkProcess"];
/// How long each state is left alone before it is measured.
const SETTLE: Duration = Duration::from_secs(12);

/// The steps, with their times in seconds at first and later.
const PLAN: [Planned; 3] = [
    Planned::new("set-up", 60, 1),
    Planned::new("build for release", 400, 120),
    Planned::steady("measure", 110),
];

/// Builds for release and measures.
pub fn bench(alerts: u32) -> Result<()> {
    let mut steps = Steps::of("bench", &PLAN);
    steps.need("set-up", || setup::ensure(&[Purpose::Compile, Purpose::Desktop, Purpose::VirtualDesktop]))?;
    steps.need("build for release", || {
        run(building().args(["--release", "--features", "visionguard-desktop/custom-protocol"]))
    })?;
    steps.need("measure", || measured(alerts))
}

fn measured(alerts: u32) -> Result<()> {
    let mut stage = Stage::set(built_for_release, alerts, 2)?;
    let measured = measure(&mut stage);
    stage.end_the_program();
    stage.explained(measured)
}

fn measure(stage: &mut Stage) -> Result<()> {
    stage.raise_the_curtain(&["--hidden"])?;
    stage.watch(|_| Ok(true))?;
    thread::sleep(SETTLE);
    let never_opened = memory(&stage.desktop)?;

    stage.raise_the_curtain(&[])?;
    let desktop = &stage.desktop;
    wait_until("the window", || desktop.window(WINDOW).is_ok_and(|window| window.is_some()))?;
    thread::sleep(SETTLE);
    let open = memory(desktop)?;

    desktop.close(&desktop.window(WINDOW)?.context("the window went away")?)?;
    thread::sleep(SETTLE);
    let closed = memory(&stage.desktop)?;

    stage.say_report();
    say(format!("memory, window never opened:       {never_opened} MiB"));
    say(format!("memory, window open:               {open} MiB"));
    say(format!("memory, window closed again:       {closed} MiB"));
    say("(proportional set size of the program and its web processes)");
    Ok(())
}

/// What the program's processes use together, each sharing shared pages with whoever else has them: MiB.
fn memory(desktop: &VirtualDesktop) -> Result<u64> {
    let mut kilobytes = 0;
    for process in PROCESSES.iter().flat_map(|program| desktop.processes(program)) {
        let rollup = std::fs::read_to_string(format!("/proc/{process}/smaps_rollup"))
            .with_context(|| format!("cannot read the memory of process {process}"))?;
        let size = rollup.lines().find_map(|line| line.strip_prefix("Pss:")?.trim().strip_suffix("kB"));
        kilobytes += size.and_then(|size| size.trim().parse::<u64>().ok()).context("no size")?;
    }
    Ok(kilobytes / 1024)
}
