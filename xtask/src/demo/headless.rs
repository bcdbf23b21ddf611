//! The demonstration on a virtual desktop: it watches, takes pictures and judges.

use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

use super::stage::Stage;
use super::{Options, Place};
use crate::desktop::VirtualDesktop;
use crate::project::{built, say};

/// The titles and classes of what is photographed on its own.
pub(super) const WINDOW: &str = "^VisionGuard$";
const POPUP: &str = "xfce4-notifyd";

pub(super) fn run(options: &Options) -> Result<()> {
    let mut stage = Stage::set(built, options.alerts, options.interval.unwrap_or(2))?;
    stage.raise_the_curtain(&[])?;

    let mut popup_seen = false;
    let watched = stage.watch(|stage| {
        popup_seen = popup_seen || photograph_popup(&stage.desktop, &stage.place)?;
        Ok(popup_seen)
    });
    let photographed = watched.and_then(|()| photograph_window(&stage.desktop, &stage.place));
    stage.desktop.screenshot(&stage.place.pictures.join("desktop.png"))?;
    stage.end_the_program();

    stage.say_report();
    say(format!("pictures: {}", stage.place.pictures.display()));
    stage.explained(photographed)
}

/// Takes a picture of the first popup, if one is on the display.
fn photograph_popup(desktop: &VirtualDesktop, place: &Place) -> Result<bool> {
    if desktop.window(POPUP)?.is_none() {
        return Ok(false);
    }
    // It fades in, and grows to fit its words.
    thread::sleep(Duration::from_millis(700));
    let Some(popup) = desktop.window(POPUP)? else { return Ok(false) };
    desktop.screenshot_of(&popup, &place.pictures.join("notification.png"))?;
    Ok(true)
}

/// Takes a picture of the window, moved to where no popup is.
fn photograph_window(desktop: &VirtualDesktop, place: &Place) -> Result<()> {
    let found = desktop.window(WINDOW)?.context("no window was seen on the display")?;
    desktop.place(&found, 24, 40)?;
    // The page paints the newest alert.
    thread::sleep(Duration::from_millis(700));
    let window = desktop.window(WINDOW)?.context("the window went away")?;
    desktop.screenshot_of(&window, &place.pictures.join("window.png"))
}
