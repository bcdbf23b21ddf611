//! The spare: for a while after a close a window waits that nobody sees, and the next opening is its.

use std::process::{Child, Command};

use anyhow::{Context, Result, ensure};
use rusqlite::{Connection, OpenFlags};
use visionguard_server::Note;

use crate::web_process::until_pictures;
use crate::window::{WEB_PROCESS, WINDOW_PROCESS, kill, settled, window_process};
use crate::world::World;

/// How long a spare waits, in seconds.
const KEPT: &str = "VISIONGUARD_SPARE_SECONDS";

#[test]
fn after_a_close_a_spare_waits_unseen_and_is_the_next_window() -> Result<()> {
    let mut world = World::start()?;
    world.sign_in_without_a_window()?;
    world.launch()?;
    world.desktop.place(&world.window()?, 60, 40)?;
    let before = settled(&world)?;
    world.publish("Till")?;
    until_pictures(&world, 1)?;
    let first = window_process(&world)?;
    world.close_window()?;
    let spare = spare(&world, first)?;

    let alert = world.publish("Aisle 3")?;

    world.until_noted("an ack", |note| is_acknowledged(note, &alert))?;
    // It takes the place of the popup before it, which is counted then.
    world.eventually("the alert pops up", || Ok(world.notifications.all().len() >= 2))?;
    assert!(world.try_window()?.is_none(), "nothing is shown");
    let entries = xtask::project::output(world.desktop.command("wmctrl").arg("-l"))?;
    assert!(!entries.contains("VisionGuard"), "in the task bar: {entries}");
    assert_eq!(unseen(&world)?, 2, "nobody looked at anything");

    world.wait(world.tray()?.click())?;

    until_pictures(&world, 2)?;
    assert_eq!(window_process(&world)?, spare, "it is the spare");
    let after = settled(&world)?;
    assert_eq!((after.x, after.y), (before.x, before.y), "where the last one was");
    assert_eq!((after.width, after.height), (before.width, before.height), "as large as it was");
    world.eventually("it has the keyboard", || {
        Ok(world.desktop.xdotool(&["getactivewindow", "getwindowname"])?.trim() == "VisionGuard")
    })?;
    assert_eq!(unseen(&world)?, 2, "opening is not looking");

    // It listens from then on, and leaves a spare as any window does.
    world.publish("Exit")?;
    until_pictures(&world, 3)?;
    world.close_window()?;
    self::spare(&world, spare)?;
    Ok(())
}

#[test]
fn a_spare_that_nobody_wants_ends_and_comes_after_the_next_close() -> Result<()> {
    let world = World::start()?;
    world.sign_in_without_a_window()?;
    let _program = launch_keeping(&world, 3)?;
    let first = window_process_soon(&world)?;
    world.close_window()?;
    let spare = spare(&world, first)?;

    world.eventually("the spare is gone", || Ok(world.desktop.processes(WINDOW_PROCESS).is_empty()))?;
    world.eventually("its page, too", || Ok(world.desktop.processes(WEB_PROCESS).is_empty()))?;

    world.wait(world.tray()?.click())?;
    world.window()?;
    let next = window_process(&world)?;
    assert_ne!(next, spare);
    world.close_window()?;
    self::spare(&world, next)?;
    Ok(())
}

#[test]
fn a_spare_can_be_done_without() -> Result<()> {
    let world = World::start()?;
    world.sign_in_without_a_window()?;
    let _program = launch_keeping(&world, 0)?;
    world.close_window()?;
    world.eventually("no process", || Ok(world.desktop.processes(WINDOW_PROCESS).is_empty()))?;

    // Longer than until a spare would be there.
    let until = std::time::Instant::now() + std::time::Duration::from_secs(8);
    world.eventually("some time", || {
        ensure!(world.desktop.processes(WINDOW_PROCESS).is_empty(), "a spare");
        Ok(std::time::Instant::now() > until)
    })?;

    world.wait(world.tray()?.click())?;
    world.window()?;
    Ok(())
}

#[test]
fn a_spare_or_its_page_that_is_killed_is_nobody_s_trouble() -> Result<()> {
    let mut world = World::start()?;
    world.sign_in_without_a_window()?;
    let mut program = world.program();
    let mut program = world.desktop.spawn("app", program.env("VISIONGUARD_LOG_LEVEL", "debug"))?;
    world.publish("Till")?;
    world.desktop.place(&world.window()?, 60, 40)?;
    until_pictures(&world, 1)?;
    let first = window_process(&world)?;
    world.close_window()?;
    let spare = spare(&world, first)?;
    world.eventually("its page is ready", || {
        Ok(!world.files_holding("the spare window's page is ready")?.is_empty())
    })?;
    let [page] = world.desktop.processes(WEB_PROCESS)[..] else { anyhow::bail!("not one page") };

    kill(page)?;

    world.eventually("the page is loaded anew", || {
        let pages = world.desktop.processes(WEB_PROCESS);
        Ok(pages.len() == 1 && pages != [page])
    })?;
    assert!(world.try_window()?.is_none(), "nothing is shown");
    world.wait(world.tray()?.click())?;
    until_pictures(&world, 1)?;
    assert_eq!(window_process(&world)?, spare, "it is the spare");
    world.close_window()?;
    let spare = self::spare(&world, spare)?;

    kill(spare)?;

    world.eventually("it is gone", || Ok(world.desktop.processes(WINDOW_PROCESS).is_empty()))?;
    assert!(world.try_window()?.is_none(), "nothing is shown");
    world.wait(world.tray()?.click())?;
    until_pictures(&world, 1)?;
    assert_eq!(world.notifications.all().len(), 1, "of the alert alone");
    assert_eq!(program.try_wait()?, None, "the program goes on");
    Ok(())
}

#[test]
fn a_spare_ends_with_its_program_however_that_ends() -> Result<()> {
    let world = World::start()?;
    world.sign_in_without_a_window()?;
    let ended = || Ok(world.desktop.processes(WINDOW_PROCESS).is_empty());
    let mut program = world.launch()?;
    let first = window_process_soon(&world)?;
    world.close_window()?;
    spare(&world, first)?;
    let tray = world.tray()?;
    let menu = world.wait(tray.menu())?;
    let quit = menu.iter().find(|entry| entry.label.starts_with("Quit")).context("no Quit")?;

    world.wait(tray.choose(quit))?;

    world.eventually("the program has ended", || {
        Ok(program.try_wait()?.is_some_and(|status| status.success()))
    })?;
    world.eventually("the spare has ended", ended)?;

    let mut program = world.launch()?;
    let first = window_process_soon(&world)?;
    world.close_window()?;
    spare(&world, first)?;

    program.kill()?;
    program.wait()?;

    world.eventually("the spare has ended", ended)?;
    assert!(world.desktop.window("VisionGuard has ended")?.is_none(), "nobody is told of it");
    Ok(())
}

#[test]
fn the_display_of_a_spare_is_gone_and_alerts_are_acknowledged() -> Result<()> {
    let mut world = World::start()?;
    world.sign_in_without_a_window()?;
    let mut program = world.launch()?;
    let first = window_process_soon(&world)?;
    world.close_window()?;
    spare(&world, first)?;

    for server in world.desktop.processes("Xvfb") {
        kill(server)?;
    }

    world.eventually("the spare is gone", || Ok(world.desktop.processes(WINDOW_PROCESS).is_empty()))?;
    let alert = world.publish("Aisle 3")?;
    world.until_noted("an ack", |note| is_acknowledged(note, &alert))?;
    assert_eq!(program.try_wait()?, None, "the program goes on");
    Ok(())
}

/// Starts the program, whose spares wait for so many seconds.
fn launch_keeping(world: &World, seconds: u32) -> Result<Child> {
    let mut program: Command = world.program();
    world.desktop.spawn("app", program.env(KEPT, seconds.to_string()))
}

/// The window's process, once the window is there.
fn window_process_soon(world: &World) -> Result<u32> {
    world.window()?;
    window_process(world)
}

/// The spare that follows a window's process, once it has a page.
fn spare(world: &World, before: u32) -> Result<u32> {
    world.eventually("a spare with its page", || {
        let processes = world.desktop.processes(WINDOW_PROCESS);
        Ok(processes.len() == 1 && processes != [before] && world.desktop.processes(WEB_PROCESS).len() == 1)
    })?;
    window_process(world)
}

/// How many incidents nobody has looked at.
fn unseen(world: &World) -> Result<u32> {
    let journal = world.desktop.dir().join("client/journal.sqlite3");
    let journal = Connection::open_with_flags(journal, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    Ok(journal.query_row("SELECT count(*) FROM incident WHERE seen_at IS NULL", [], |row| row.get(0))?)
}

fn is_acknowledged(note: &Note, alert: &visionguard_proto::AnomalyId) -> bool {
    matches!(note, Note::Acknowledged { anomaly_id, .. } if anomaly_id == alert)
}
