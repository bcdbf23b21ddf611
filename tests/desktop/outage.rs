//! The server goes away and comes back.

use anyhow::Result;

use crate::sign_in::wait_for_word;
use crate::world::World;

#[test]
fn the_server_is_killed_and_comes_back_and_nobody_touches_anything() -> Result<()> {
    let mut world = World::start()?;
    let browser = world.open_signed_in()?;
    let tray = world.tray()?;
    world.eventually("the tray says so", || Ok(world.wait(tray.tooltip())?.contains("Protected")))?;
    let protected = world.wait(tray.icon())?;

    world.kill_server();

    wait_for_word(&browser, "Offline")?;
    world.eventually("the tray says so", || Ok(world.wait(tray.tooltip())?.contains("Offline")))?;
    assert_ne!(world.wait(tray.icon())?, protected, "another icon");

    world.restart_server()?;

    wait_for_word(&browser, "Protected")?;
    world.eventually("the tray says so", || Ok(world.wait(tray.tooltip())?.contains("Protected")))?;
    let before = world.notifications.all().len();
    world.publish("Aisle 3")?;
    world.eventually("the next alert pops up", || {
        let all = world.notifications.all();
        Ok(all
            .iter()
            .skip(before)
            .any(|raised| raised.title.contains("Aisle 3") || raised.body.contains("Aisle 3")))
    })
}

#[test]
fn what_was_detected_during_an_outage_is_there_afterwards() -> Result<()> {
    let mut world = World::start()?;
    let browser = world.open_signed_in()?;
    world.kill_server();
    wait_for_word(&browser, "Offline")?;

    // It is detected while the program waits for its next attempt.
    world.restart_server()?;
    world.publish("Back door")?;

    browser.wait_for_words("Back door")?;
    wait_for_word(&browser, "Protected")
}
