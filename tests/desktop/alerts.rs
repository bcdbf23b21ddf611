//! One alert, from the server to the person and back.

use anyhow::{Context, Result};
use serde_json::json;
use visionguard_proto::AnomalyId;
use visionguard_server::Note;
use visionguard_server::note::Via;
use xtask::desktop::{Parts, Picture, Window};

use crate::webdriver::{Browser, Element};
use crate::world::{COLOURS, World};

#[test]
fn an_alert_pops_up_with_its_picture_in_words_a_person_understands() -> Result<()> {
    let mut world = World::start()?;
    let _browser = world.open_signed_in()?;

    let alert = world.publish("Aisle 3")?;

    world.eventually("a notification is raised", || Ok(!world.notifications.all().is_empty()))?;
    let raised = world.notifications.all().remove(0);
    let words = format!("{} {}", raised.title, raised.body);
    assert!(words.contains("Theft"), "{words}");
    assert!(words.contains("Aisle 3"), "{words}");
    assert!(raised.has_picture);
    assert!(raised.actions.iter().any(|label| label == "Acknowledge"), "{:?}", raised.actions);
    assert!(raised.actions.iter().any(|label| label == "View"), "{:?}", raised.actions);
    let popup = world.popup()?;
    world.eventually("the picture is in the popup", || {
        let screen = world.desktop.look()?;
        Ok(COLOURS.iter().all(|colour| part(&screen, &popup, *colour) > 40))
    })?;
    world.until_noted("the program says that it has the alert", |note| {
        is_acknowledged(note, &alert, Via::Socket)
    })
}

#[test]
fn what_is_read_in_the_window_has_no_popup_and_gets_none_while_it_is_looked_at() -> Result<()> {
    let mut world = World::start()?;
    let browser = world.open_signed_in()?;
    world.publish("Aisle 3")?;
    world.popup()?;

    browser.find("article.row:not([data-kind=outage])")?.click()?;

    world.eventually("its popup is gone", || Ok(world.desktop.window("xfce4-notifyd")?.is_none()))?;
    let raised = world.notifications.all().len();
    let again = world.publish_again("Aisle 3")?;
    world.until_noted("the program says that it has the alert", |note| {
        is_acknowledged(note, &again, Via::Socket)
    })?;
    browser.wait_for_words("2 pictures")?;
    assert_eq!(world.notifications.all().len(), raised, "nothing pops up");
    Ok(())
}

#[test]
fn an_alert_s_picture_is_painted_in_the_window() -> Result<()> {
    let mut world = World::start()?;
    let browser = world.open_signed_in()?;
    world.publish("Aisle 3")?;

    browser.find("article.row:not([data-kind=outage])")?.click()?;

    let frame = browser.find("img[data-part=frame]")?;
    browser.wait_for("the picture is loaded", || {
        let loaded = browser.run(
            "const img = document.querySelector('img[data-part=frame]'); return img.complete && img.naturalWidth === 640",
            serde_json::json!([]),
        )?;
        Ok(loaded.as_bool().filter(|loaded| *loaded))
    })?;
    let window = world.window()?;
    world.desktop.place(&window, 0, 0)?;
    world.eventually("the four quarters are on the display", || {
        browser.painted()?;
        let window = world.window()?;
        let screen = world.desktop.look()?;
        quarters_are_painted(&screen, &window, &frame)
    })?;
    assert!(browser.text()?.contains("Aisle 3"));
    Ok(())
}

#[test]
fn the_popup_s_acknowledge_button_reaches_the_server_and_the_page() -> Result<()> {
    let mut world = World::start()?;
    let browser = world.open_signed_in()?;
    let alert = world.publish("Till 1")?;
    let popup = world.popup()?;

    world.press(&popup, 0)?;

    world.until_noted("the record holds the decision", |note| is_acknowledged(note, &alert, Via::Record))?;
    browser.wait_for("the row says so", || {
        // WebKit's driver takes words that would be cut off at their end for hidden.
        let script = "const words = document.querySelector('article.row [data-part=handling-words]'); \
             return words && words.getClientRects().length > 0 && words.textContent === 'You have it'";
        let says = browser.run(script, json!([]))?;
        Ok((says == json!(true)).then_some(()))
    })?;
    Ok(())
}

#[test]
fn the_popup_s_view_button_opens_the_window_at_that_alert() -> Result<()> {
    let mut world = World::start()?;
    world.sign_in_without_a_window()?;
    world.launch()?;
    world.close_window()?;
    world.publish("Back door")?;
    let popup = world.popup()?;

    world.press(&popup, 1)?;

    let window = world.window()?;
    world.desktop.place(&window, 0, 0)?;
    world.eventually("the alert's picture is painted large", || {
        let screen = world.desktop.look()?.part(&world.window()?);
        Ok(COLOURS.iter().all(|colour| screen.count(*colour, 16) > 10_000))
    })
}

#[test]
fn a_notification_daemon_that_comes_late_is_used() -> Result<()> {
    let mut world = World::start_with(Parts { notifications: false, ..Parts::default() })?;
    let browser = world.open_signed_in()?;
    world.publish("Aisle 3")?;
    browser.wait_for("the page says that no notification can be shown", || {
        let shown = browser.find("[data-part=notices]")?.text()?;
        Ok((!shown.is_empty()).then_some(()))
    })?;

    world.desktop.start_notifications()?;
    world.publish("Till 1")?;

    world.eventually("the next alert pops up", || {
        Ok(world.notifications.all().iter().any(|raised| raised.title.contains("Till 1")))
    })
}

#[test]
fn acknowledging_on_the_page_reaches_the_server() -> Result<()> {
    let mut world = World::start()?;
    let browser = world.open_signed_in()?;
    let alert = world.publish("Till 1")?;
    browser.find("article.row:not([data-kind=outage])")?.click()?;

    acknowledge(&browser)?;

    counts(&browser, "unhandled", "0")?;
    world.until_noted("the record holds the decision", |note| is_acknowledged(note, &alert, Via::Record))
}

#[test]
fn a_decision_is_undone_on_the_page_and_what_is_handled_goes_and_comes_back() -> Result<()> {
    let mut world = World::start()?;
    let browser = world.open_signed_in()?;
    let alert = world.publish("Till 1")?;
    browser.find("article.row:not([data-kind=outage])")?.click()?;
    acknowledge(&browser)?;

    browser.find("[data-part=undo-button]")?.click()?;

    counts(&browser, "unhandled", "1")?;
    let _open = browser.find("[data-part=acknowledge]:not([aria-disabled])")?;
    let has_decision = |note: &Note| is_acknowledged(note, &alert, Via::Record);
    assert!(!world.noted().iter().any(has_decision), "it was sent before its time was over");

    acknowledge(&browser)?;
    world.until_noted("the record holds the decision", has_decision)?;
    browser.button("Clear handled")?.click()?;
    counts(&browser, "cleared", "1")?;
    browser.find("[data-part=undo-button]")?.click()?;
    counts(&browser, "total", "1")
}

#[test]
fn evidence_that_is_saved_on_the_page_is_in_the_downloads_and_verifies() -> Result<()> {
    let mut world = World::start()?;
    let downloads = world.desktop.dir().join("home/Downloads");
    std::fs::create_dir_all(&downloads)?;
    let browser = world.open_signed_in()?;
    world.publish("Till 1")?;
    browser.find("article.row:not([data-kind=outage])")?.click()?;

    browser.find("[data-part=save-evidence]:not([aria-disabled])")?.click()?;
    browser.find("[data-part=evidence][data-phase=saved]")?;

    let saved: Vec<_> = std::fs::read_dir(&downloads)?.collect::<Result<_, _>>()?;
    assert_eq!(saved.len(), 1, "{saved:?}");
    let verified = world.command_line()?.arg("verify").arg(saved[0].path()).output()?;
    let told = String::from_utf8_lossy(&verified.stdout);
    assert!(verified.status.success(), "{told}");
    Ok(())
}

#[test]
fn a_camera_that_is_snoozed_on_the_page_pops_up_once_that_is_over() -> Result<()> {
    let mut world = World::start()?;
    let browser = world.open_signed_in()?;
    world.publish("Till 1")?;
    world.popup()?;
    browser.find("article.row:not([data-kind=outage])")?.click()?;
    browser.find("[data-part=snooze-toggle]:not([aria-disabled])")?.click()?;
    browser.find("[data-minutes='5']")?.click()?;
    browser.find("[data-part=snoozes] li")?;

    let meanwhile = world.publish("Till 1")?;
    world.until_noted("it is acknowledged", |note| is_acknowledged(note, &meanwhile, Via::Socket))?;
    counts(&browser, "total", "2")?;
    let popups = world.notifications.all().len();
    browser.find("[data-part=snoozes] [data-part=end]")?.click()?;

    world.eventually("it pops up", || Ok(world.notifications.all().len() == popups + 1))?;
    assert_eq!(popups, 1);
    Ok(())
}

#[test]
fn a_second_alert_of_the_same_person_updates_the_popup_in_place() -> Result<()> {
    let mut world = World::start()?;
    let _browser = world.open_signed_in()?;
    world.publish("Aisle 3")?;
    world.eventually("the first popup", || Ok(world.notifications.all().len() == 1))?;

    world.publish_again("Aisle 3")?;

    world.eventually("the second notification", || Ok(world.notifications.all().len() >= 2))?;
    let raised = world.notifications.all();
    assert_eq!(Some(raised[1].replaces), raised[0].id);
    Ok(())
}

/// Waits until the tab counts so many.
fn counts(browser: &Browser, tab: &str, number: &str) -> Result<()> {
    browser.wait_for(&format!("{number} in {tab}"), || {
        Ok((browser.find(&format!("[data-part={tab}]"))?.text()? == number).then_some(()))
    })
}

fn acknowledge(browser: &Browser) -> Result<()> {
    browser.wait_for("the Acknowledge button", || {
        let button = browser.find("[data-part=acknowledge]:not([aria-disabled])")?;
        button.click()?;
        Ok(Some(()))
    })
}

fn is_acknowledged(note: &Note, alert: &AnomalyId, how: Via) -> bool {
    match note {
        Note::Acknowledged { anomaly_id, via, .. } => anomaly_id == alert && *via == how,
        Note::Published { .. } => false,
    }
}

/// How many points of a colour a window shows.
fn part(screen: &Picture, window: &Window, colour: [u8; 3]) -> usize {
    screen.part(window).count(colour, 24)
}

/// Whether the middle of each quarter of the picture has its colour on the display.
fn quarters_are_painted(screen: &Picture, window: &Window, picture: &Element<'_>) -> Result<bool> {
    let [left, top, width, height] = picture.area()?;
    // The picture keeps its shape inside its element.
    let scale = (width / 640.0).min(height / 480.0);
    let (wide, high) = (640.0 * scale, 480.0 * scale);
    let left = f64::from(window.x) + left + (width - wide) / 2.0;
    let top = f64::from(window.y) + top + (height - high) / 2.0;
    let middles = [(0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75)];
    for (colour, (across, down)) in COLOURS.into_iter().zip(middles) {
        let point = ((left + wide * across) as u32, (top + high * down) as u32);
        let seen = screen.at(point.0, point.1);
        let near = seen.iter().zip(colour).all(|(seen, wanted)| seen.abs_diff(wanted) <= 16);
        if !near {
            return Err(anyhow::anyhow!("{point:?} shows {seen:?} and not {colour:?}"))
                .context("the picture");
        }
    }
    Ok(true)
}
