//! Programs and windows that stand still, or are gone.

use std::process::Command;
use std::thread;
use std::time::Duration;

use anyhow::Result;

use crate::web_process::until_pictures;
use crate::window::{WINDOW_PROCESS, kill, window_process};
use crate::world::World;

#[test]
fn a_window_of_a_program_that_ended_leaves_once_there_is_another() -> Result<()> {
    let world = World::start()?;
    world.sign_in_without_a_window()?;
    let mut program = world.launch()?;
    world.window()?;
    let left = window_process(&world)?;
    program.kill()?;
    program.wait()?;
    world.eventually("the window says so", || {
        Ok(world.desktop.window("^VisionGuard has ended$")?.is_some())
    })?;

    world.launch()?;

    world.window()?;
    world.eventually("the one of before is gone", || {
        Ok(!world.desktop.processes(WINDOW_PROCESS).contains(&left))
    })
}

#[test]
fn a_program_that_stands_still_is_not_vouched_for() -> Result<()> {
    let world = World::start()?;
    world.sign_in_without_a_window()?;
    let browser = world.open()?;
    browser.wait_for_words("Protected")?;
    let [program] = world.desktop.processes("visionguard-desktop")[..] else {
        anyhow::bail!("not one program")
    };

    stop(program)?;
    browser.wait_for_words("VisionGuard does not answer its window")?;
    let said = browser.find("[data-part=status]")?.text()?;
    go_on(program)?;
    browser.wait_for_words("Alerts reach this computer")?;

    assert!(!said.contains("Protected"), "{said}");
    Ok(())
}

#[test]
fn a_window_that_stands_still_as_it_closes_can_be_opened_again() -> Result<()> {
    let mut world = World::start()?;
    world.sign_in_without_a_window()?;
    let program = world.launch()?;
    shows_an_alert(&mut world)?;
    world.tray()?;
    let window = window_process(&world)?;
    // It asks the program before it closes, and stands still before it hears the answer.
    stop(program.id())?;
    world.desktop.close(&world.window()?)?;
    thread::sleep(Duration::from_secs(1));
    stop(window)?;
    go_on(program.id())?;

    world.eventually("it is ended", || Ok(!world.desktop.processes(WINDOW_PROCESS).contains(&window)))?;
    world.wait(world.tray()?.click())?;

    until_pictures(&world, 1)
}

#[test]
fn a_window_that_does_not_come_to_the_front_makes_room_for_another() -> Result<()> {
    let mut world = World::start()?;
    world.sign_in_without_a_window()?;
    world.launch()?;
    shows_an_alert(&mut world)?;
    let window = window_process(&world)?;

    stop(window)?;
    world.wait(world.tray()?.click())?;

    world.eventually("another one", || {
        let processes = world.desktop.processes(WINDOW_PROCESS);
        Ok(processes.len() == 1 && processes != [window])
    })?;
    until_pictures(&world, 1)
}

#[test]
fn a_window_that_died_unlooked_at_takes_the_keyboard_from_nobody() -> Result<()> {
    let mut world = World::start()?;
    world.sign_in_without_a_window()?;
    world.launch()?;
    shows_an_alert(&mut world)?;
    let mut till = world.desktop.command("xmessage");
    let _till = world.desktop.spawn("till", till.args(["-title", "Till software", "A receipt"]))?;
    let has_keyboard =
        |name: &str| Ok(world.desktop.xdotool(&["getactivewindow", "getwindowname"])?.trim() == name);
    world.eventually("somebody else has the keyboard", || has_keyboard("Till software"))?;
    let behind = window_process(&world)?;

    kill(behind)?;
    world.eventually("it is back", || {
        let processes = world.desktop.processes(WINDOW_PROCESS);
        Ok(processes.len() == 1 && processes != [behind])
    })?;
    until_pictures(&world, 1)?;
    assert_eq!(world.desktop.xdotool(&["getactivewindow", "getwindowname"])?.trim(), "Till software");

    let shown = world.window()?;
    let minimised = window_process(&world)?;
    world.desktop.xdotool(&["windowminimize", "--sync", &shown.id])?;
    world.eventually("it is minimised", || world.desktop.is_minimised(&shown))?;
    kill(minimised)?;
    world.eventually("it is gone", || Ok(!world.desktop.processes(WINDOW_PROCESS).contains(&minimised)))?;
    // A spare may come, which nobody sees.
    thread::sleep(Duration::from_secs(7));
    assert!(world.try_window()?.is_none(), "nobody missed it");
    assert!(has_keyboard("Till software")?, "it took the keyboard");
    world.wait(world.tray()?.click())?;
    until_pictures(&world, 1)
}

/// The window is there and shows an alert that came over the connection.
fn shows_an_alert(world: &mut World) -> Result<()> {
    // Not below the popups.
    world.desktop.place(&world.window()?, 60, 40)?;
    world.eventually("it is connected", || Ok(world.connections() == 1))?;
    world.publish("Till")?;
    until_pictures(world, 1)
}

fn stop(process: u32) -> Result<()> {
    signal(process, "-STOP")
}

fn go_on(process: u32) -> Result<()> {
    signal(process, "-CONT")
}

fn signal(process: u32, name: &str) -> Result<()> {
    xtask::project::run(Command::new("kill").args([name, &process.to_string()]))
}
