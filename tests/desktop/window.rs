//! The window comes and goes; the program stays.

use std::process::Command;

use anyhow::{Context, Result};
use visionguard_server::Note;
use xtask::desktop::{Parts, Window};

use crate::web_process::until_pictures;
use crate::webdriver::Browser;
use crate::world::{PASSWORD, World, sign_in};

/// The program of the window.
pub const WINDOW_PROCESS: &str = "visionguard-window";
/// The program that draws the page.
pub const WEB_PROCESS: &str = "WebKitWebProcess";

#[test]
fn a_closed_window_leaves_no_web_process_and_alerts_still_pop_up() -> Result<()> {
    let mut world = World::start()?;
    world.sign_in_without_a_window()?;
    let mut program = world.launch()?;
    world.eventually("a web process draws the window", || {
        Ok(!world.desktop.processes(WEB_PROCESS).is_empty())
    })?;
    world.eventually("it is connected", || Ok(world.connections() == 1))?;

    world.close_window()?;

    world.eventually("the web process is gone", || Ok(world.desktop.processes(WEB_PROCESS).is_empty()))?;
    assert_eq!(program.try_wait()?, None, "the program goes on");
    assert_eq!(world.connections(), 1);
    world.publish("Aisle 3")?;
    world.eventually("the alert pops up", || Ok(!world.notifications.all().is_empty()))?;
    assert!(world.try_window()?.is_none(), "no window opened by itself");
    Ok(())
}

#[test]
fn the_window_s_process_is_killed_and_comes_back_where_it_was() -> Result<()> {
    let mut world = World::start()?;
    world.sign_in_without_a_window()?;
    let mut program = world.launch()?;
    world.desktop.place(&world.window()?, 60, 40)?;
    let before = settled(&world)?;
    // Once it paints what came after it was moved, it has told where it is.
    world.publish("Till")?;
    until_pictures(&world, 1)?;
    let killed = window_process(&world)?;

    kill(killed)?;

    world.eventually("another window process", || {
        Ok(world.desktop.processes(WINDOW_PROCESS).iter().any(|process| *process != killed))
    })?;
    let after = settled(&world)?;
    assert_eq!((after.x, after.y), (before.x, before.y), "where it was");
    assert_eq!((after.width, after.height), (before.width, before.height), "as large as it was");
    assert_eq!(program.try_wait()?, None, "the program goes on");
    world.publish("Aisle 3")?;
    until_pictures(&world, 2)
}

#[test]
fn a_window_whose_program_was_killed_says_so_and_ends_when_it_is_closed() -> Result<()> {
    let world = World::start()?;
    world.sign_in_without_a_window()?;
    let mut program = world.launch()?;
    world.window()?;

    program.kill()?;
    program.wait()?;

    let mut window = None;
    world.eventually("the window says so", || {
        window = world.desktop.window("^VisionGuard has ended$")?;
        Ok(window.is_some())
    })?;
    world.desktop.close(&window.context("no window")?)?;
    world.eventually("nothing is left of it", || Ok(world.desktop.processes(WINDOW_PROCESS).is_empty()))
}

#[test]
fn the_display_server_is_killed_and_alerts_are_stored_and_acknowledged() -> Result<()> {
    let mut world = World::start()?;
    world.sign_in_without_a_window()?;
    let mut program = world.launch()?;
    world.window()?;
    world.eventually("it is connected", || Ok(world.connections() == 1))?;

    for server in world.desktop.processes("Xvfb") {
        kill(server)?;
    }

    world.eventually("the window is gone", || Ok(world.desktop.processes(WINDOW_PROCESS).is_empty()))?;
    let alert = world.publish("Aisle 3")?;
    world.until_noted(
        "an ack",
        |note| matches!(note, Note::Acknowledged { anomaly_id, .. } if *anomaly_id == alert),
    )?;
    assert_eq!(program.try_wait()?, None, "the program goes on");
    Ok(())
}

/// The window, once it has stopped moving.
pub fn settled(world: &World) -> Result<Window> {
    let mut last = None;
    world.eventually("the window stands", || {
        let before = std::mem::replace(&mut last, world.try_window()?);
        Ok(last.is_some() && last == before)
    })?;
    last.context("no window")
}

pub fn window_process(world: &World) -> Result<u32> {
    let processes = world.desktop.processes(WINDOW_PROCESS);
    let [process] = processes[..] else { anyhow::bail!("the window's processes are {processes:?}") };
    Ok(process)
}

pub fn kill(process: u32) -> Result<()> {
    xtask::project::run(Command::new("kill").args(["-KILL", &process.to_string()]))
}

#[test]
fn without_a_tray_a_closed_window_stays_within_reach() -> Result<()> {
    let world = World::start_with(Parts { panel: false, ..Parts::default() })?;
    world.sign_in_without_a_window()?;
    let mut program = world.launch()?;
    let window = world.window()?;

    world.desktop.close(&window)?;

    world.eventually("it is minimised", || world.desktop.is_minimised(&window))?;
    assert_eq!(program.try_wait()?, None, "the program goes on");
    Ok(())
}

#[test]
fn case_30_a_small_screen_at_twice_the_size_has_room_for_signing_in() -> Result<()> {
    let world = World::start_with(Parts { size: (1366, 768), ..Parts::default() })?;
    let mut program = world.program();
    program.env("GDK_SCALE", "2");
    let browser = Browser::open(&world.desktop, &program)?;
    browser.button("Sign in")?;
    let window = world.window()?;

    assert!(window.x >= 0 && window.x.saturating_add_unsigned(window.width) <= 1366, "{window:?}");
    assert!(window.y >= 0 && window.y.saturating_add_unsigned(window.height) <= 768, "{window:?}");
    sign_in(&browser, &world.url(), PASSWORD)?;
    browser.wait_for_words("Protected")?;
    Ok(())
}

#[test]
fn a_second_start_shows_the_first_one_s_window() -> Result<()> {
    let world = World::start()?;
    world.sign_in_without_a_window()?;
    let mut first = world.launch()?;
    world.close_window()?;

    let mut second = world.launch()?;

    world.window()?;
    world.eventually("the second has ended", || Ok(second.try_wait()?.is_some()))?;
    assert_eq!(first.try_wait()?, None, "the first goes on");
    Ok(())
}

#[test]
fn case_29_two_data_directories_are_two_programs_in_one_session() -> Result<()> {
    let world = World::start()?;
    let mut first = world.launch()?;
    world.window()?;
    let mut program = world.program();
    program.env("VISIONGUARD_DATA_DIR", world.desktop.dir().join("another"));

    let mut second = world.desktop.spawn("another", &mut program)?;

    world.eventually("each has its window", || {
        let windows = world.desktop.windows("^VisionGuard$")?;
        Ok(windows.iter().filter(|window| window.width > 100).count() == 2)
    })?;
    assert_eq!((first.try_wait()?, second.try_wait()?), (None, None), "both go on");
    let mut third = world.desktop.spawn("another once more", &mut program)?;
    world.eventually("the third has ended", || Ok(third.try_wait()?.is_some()))?;
    assert_eq!((first.try_wait()?, second.try_wait()?), (None, None), "both go on");
    Ok(())
}

#[test]
fn case_22_a_place_that_takes_no_writes_is_said_and_stops_nothing() -> Result<()> {
    const NOWHERE: &str = "/proc/visionguard";
    let mut world = World::start()?;
    let mut program = world.program();
    program.env("VISIONGUARD_DATA_DIR", NOWHERE);
    let browser = Browser::open(&world.desktop, &program)?;
    browser.wait_for("the page names the place", || {
        Ok(browser.find("[data-part=notices]")?.text()?.contains(NOWHERE).then_some(()))
    })?;

    sign_in(&browser, &world.url(), PASSWORD)?;

    browser.wait_for_words("Protected")?;
    world.publish("Aisle 3")?;
    world.eventually("the alert pops up", || Ok(!world.notifications.all().is_empty()))
}

#[test]
fn the_tray_s_menu_opens_the_window_and_quits() -> Result<()> {
    let world = World::start()?;
    world.sign_in_without_a_window()?;
    let mut program = world.launch()?;
    world.close_window()?;
    let tray = world.tray()?;

    let menu = world.wait(tray.menu())?;
    let open = menu.iter().find(|entry| entry.label.starts_with("Open")).context("no Open")?;
    world.wait(tray.choose(open))?;
    world.window()?;

    let quit = menu.iter().find(|entry| entry.label.starts_with("Quit")).context("no Quit")?;
    world.wait(tray.choose(quit))?;
    world.eventually("the program has ended", || {
        Ok(program.try_wait()?.is_some_and(|status| status.success()))
    })
}

#[test]
fn a_click_on_the_tray_s_icon_opens_the_window() -> Result<()> {
    let world = World::start()?;
    world.sign_in_without_a_window()?;
    world.launch()?;
    world.close_window()?;

    world.wait(world.tray()?.click())?;

    world.window()?;
    Ok(())
}
