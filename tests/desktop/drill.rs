//! "Test the alert path", pressed in the tray's menu and on the page: it is popped up by the real notification daemon, and
//! the page tells how it ended and when.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::bus::Tray;
use crate::sign_in::wait_for_word;
use crate::webdriver::Browser;
use crate::world::World;

/// The minutes from a moment until now, as the page writes them: 14:02.
const MINUTES_SINCE: &str = "
    const minutes = [];
    for (let at = arguments[0]; at <= Date.now() + 60_000; at += 60_000) {
        minutes.push(new Date(at).toTimeString().slice(0, 5));
    }
    return minutes";

#[test]
fn a_test_of_the_alert_path_from_the_tray_s_menu_pops_up_and_is_told_on_the_page() -> Result<()> {
    let world = World::start()?;
    let browser = world.open_signed_in()?;
    let tray = world.tray()?;
    let began = browser.run("return Date.now()", json!([]))?;

    test_from(&world, &tray)?;

    browser.wait_for_words("Drill")?;
    until_popped_up(&world)?;
    browser.find("[data-part=settings]")?.click()?;
    passed_since(&browser, &began)?;
    wait_for_word(&browser, "Protected")?;
    assert!(world.wait(tray.tooltip())?.contains("Protected"));
    Ok(())
}

#[test]
fn a_test_of_the_alert_path_from_the_page_pops_up_and_is_told_there() -> Result<()> {
    let world = World::start()?;
    let browser = world.open_signed_in()?;
    browser.find("[data-part=settings]")?.click()?;
    let began = browser.run("return Date.now()", json!([]))?;

    browser.find(".settings [data-part=drill-button]")?.click()?;

    until_popped_up(&world)?;
    passed_since(&browser, &began)?;
    wait_for_word(&browser, "Protected")?;
    assert!(world.wait(world.tray()?.tooltip())?.contains("Protected"));
    Ok(())
}

#[test]
fn a_test_of_the_alert_path_needs_no_window() -> Result<()> {
    let world = World::start()?;
    world.sign_in_without_a_window()?;
    world.launch()?;
    world.close_window()?;

    test_from(&world, &world.tray()?)?;

    until_popped_up(&world)?;
    assert!(world.try_window()?.is_none(), "no window opened by itself");
    Ok(())
}

/// Chooses the test in the tray's menu, as soon as there is something to test.
fn test_from(world: &World, tray: &Tray) -> Result<()> {
    let mut entry = None;
    world.eventually("the menu offers the test", || {
        let menu = world.wait(tray.menu())?;
        entry = menu.into_iter().find(|entry| entry.label == "Test the alert path" && entry.enabled);
        Ok(entry.is_some())
    })?;
    world.wait(tray.choose(&entry.context("no entry")?))
}

/// The daemon took the test's one notification, which nobody can take for an alert.
fn until_popped_up(world: &World) -> Result<()> {
    world.eventually("the test pops up", || Ok(!world.notifications.all().is_empty()))?;
    let raised = world.notifications.all();
    assert_eq!(raised.len(), 1, "{raised:?}");
    assert_eq!(raised[0].title, "Test of the alert path");
    assert!(raised[0].body.contains("not an alert"), "{}", raised[0].body);
    assert!(!raised[0].has_picture);
    Ok(())
}

/// The settings page says that a test passed, and that this was after a moment.
fn passed_since(browser: &Browser, moment: &Value) -> Result<()> {
    let told = browser.find(".settings .drill[data-drill=passed] [data-part=drill-words]")?.text()?;
    let minutes = browser.run(MINUTES_SINCE, json!([moment]))?;
    let mut minutes = minutes.as_array().into_iter().flatten().filter_map(Value::as_str);
    assert!(minutes.any(|minute| told.starts_with(&format!("Passed {minute}"))), "{told}");
    Ok(())
}
