//! Windows and macOS: the window system's own tray, which is always there.
//!
//! One task holds the newest model; building is tried until it works.

use std::path::Path;
use std::time::Duration;

use tauri::image::Image;
use tauri::menu::{Menu, MenuItem, PredefinedMenuItem, Submenu};
use tauri::tray::{MouseButton, MouseButtonState, TrayIcon, TrayIconBuilder, TrayIconEvent};
use tauri::{AppHandle, Manager, Wry, include_image};
use tokio::sync::{oneshot, watch};
use visionguard_client::tray::{self, Choice, Line};
use visionguard_client::view::Tray;

use super::Chooser;
use crate::system::System;

const TRY_AGAIN_AFTER: Duration = Duration::from_secs(2);

pub(super) fn start(
    system: &System,
    id: String,
    _data_dir: &Path,
    newest: watch::Receiver<Option<Tray>>,
    chooser: Chooser,
) {
    // The menu's events come to the window system.
    system.app.manage(chooser);
    tokio::spawn(run(system.app.clone(), id, newest));
}

/// The icon is always there to bring the window back.
#[allow(clippy::unused_async, reason = "the other platform asks the desktop")]
pub(crate) async fn would_lose_the_window() -> bool {
    false
}

/// An entry of the menu was chosen.
pub(crate) fn menu_event(app: &AppHandle, entry: &str) {
    let Some(chooser) = app.try_state::<Chooser>() else { return };
    let choices = [Choice::Open, Choice::Retry, Choice::Drill, Choice::EndSnoozes, Choice::Quit];
    let camera = entry.strip_prefix(SNOOZE).map(|camera| Choice::Snooze(camera.to_owned()));
    if let Some(choice) = camera.or_else(|| choices.into_iter().find(|choice| key(choice) == entry)) {
        chooser.choose(choice);
    }
}

/// Before the id of a camera.
const SNOOZE: &str = "snooze:";

fn key(choice: &Choice) -> String {
    match choice {
        Choice::Open => "open".to_owned(),
        Choice::Retry => "retry".to_owned(),
        Choice::Drill => "drill".to_owned(),
        Choice::Snooze(camera) => format!("{SNOOZE}{camera}"),
        Choice::EndSnoozes => "end_snoozes".to_owned(),
        Choice::Quit => "quit".to_owned(),
    }
}

/// The parts that change: the icon, and the menu's lines as the model has them.
#[derive(Clone)]
struct Parts {
    icon: TrayIcon,
    lines: Vec<Part>,
}

/// A line of the menu.
#[derive(Clone)]
enum Part {
    Entry(MenuItem<Wry>),
    Menu(Submenu<Wry>),
    Separator,
}

async fn run(app: AppHandle, id: String, mut models: watch::Receiver<Option<Tray>>) {
    let mut parts: Option<Parts> = None;
    let mut showing: Option<Tray> = None;
    loop {
        let model = models.borrow_and_update().clone();
        if let Some(model) = model {
            if parts.is_none() {
                parts = build(&app, &id, &model).await;
                showing = parts.is_some().then(|| model.clone());
            }
            if let Some(parts) = &parts
                && showing.as_ref() != Some(&model)
            {
                update(&app, parts.clone(), showing.replace(model.clone()), model);
            }
        }

        let must_retry = parts.is_none() && models.borrow().is_some();
        tokio::select! {
            changed = models.changed() => if changed.is_err() { return },
            () = tokio::time::sleep(TRY_AGAIN_AFTER), if must_retry => {}
        }
    }
}

async fn build(app: &AppHandle, id: &str, model: &Tray) -> Option<Parts> {
    let (done, built) = oneshot::channel();
    let (handle, id, model) = (app.clone(), id.to_owned(), model.clone());
    let scheduled = app.run_on_main_thread(move || {
        let _ = done.send(build_here(&handle, &id, &model));
    });
    scheduled.ok()?;
    match built.await.ok()? {
        Ok(parts) => {
            tracing::info!("the tray icon is shown");
            Some(parts)
        }
        Err(error) => {
            tracing::debug!(%error, "no tray yet");
            None
        }
    }
}

fn build_here(app: &AppHandle, id: &str, model: &Tray) -> tauri::Result<Parts> {
    let menu = Menu::new(app)?;
    let mut lines = Vec::new();
    for line in tray::menu(model) {
        let item = match line {
            Line::Status(words) => MenuItem::new(app, words, false, None::<&str>)?,
            Line::Choice { choice, label, enabled } => {
                MenuItem::with_id(app, key(&choice), label, enabled, None::<&str>)?
            }
            Line::Menu { label, lines: inner } => {
                let submenu = Submenu::new(app, label, !inner.is_empty())?;
                fill(app, &submenu, inner)?;
                menu.append(&submenu)?;
                lines.push(Part::Menu(submenu));
                continue;
            }
            Line::Separator => {
                menu.append(&PredefinedMenuItem::separator(app)?)?;
                lines.push(Part::Separator);
                continue;
            }
        };
        menu.append(&item)?;
        lines.push(Part::Entry(item));
    }

    let icon = TrayIconBuilder::with_id(id)
        .icon(icon(model))
        .title("VisionGuard")
        .tooltip(&model.tooltip)
        .menu(&menu)
        .show_menu_on_left_click(false)
        .on_tray_icon_event(|icon, event| {
            if let TrayIconEvent::Click {
                button: MouseButton::Left,
                button_state: MouseButtonState::Up,
                ..
            } = event
            {
                if let Some(chooser) = icon.app_handle().try_state::<Chooser>() {
                    chooser.choose(Choice::Open);
                }
            }
        })
        .build(app)?;
    Ok(Parts { icon, lines })
}

/// Puts these entries into a menu of its own.
fn fill(app: &AppHandle, menu: &Submenu<Wry>, lines: Vec<Line>) -> tauri::Result<()> {
    for line in lines {
        if let Line::Choice { choice, label, enabled } = line {
            menu.append(&MenuItem::with_id(app, key(&choice), label, enabled, None::<&str>)?)?;
        }
    }
    Ok(())
}

/// Changes what differs, on the main thread and without waiting for it.
fn update(app: &AppHandle, parts: Parts, before: Option<Tray>, model: Tray) {
    let scheduled = app.run_on_main_thread(move || {
        if let Err(error) = update_here(&parts, before.as_ref(), &model) {
            tracing::warn!(%error, "the tray is out of date");
        }
    });
    if let Err(error) = scheduled {
        tracing::warn!(%error, "the tray is out of date");
    }
}

fn update_here(parts: &Parts, before: Option<&Tray>, model: &Tray) -> tauri::Result<()> {
    if before.map(tray::icon) != Some(tray::icon(model)) {
        parts.icon.set_icon(Some(icon(model)))?;
    }
    parts.icon.set_tooltip(Some(&model.tooltip))?;
    let other_cameras = before.is_none_or(|before| before.cameras != model.cameras);
    for (part, line) in parts.lines.iter().zip(tray::menu(model)) {
        match (part, line) {
            (Part::Entry(item), Line::Status(words)) => item.set_text(words)?,
            (Part::Entry(item), Line::Choice { label, enabled, .. }) => {
                item.set_text(label)?;
                item.set_enabled(enabled)?;
            }
            (Part::Menu(submenu), Line::Menu { lines, .. }) if other_cameras => {
                submenu.set_enabled(!lines.is_empty())?;
                while submenu.remove_at(0)?.is_some() {}
                fill(parts.icon.app_handle(), submenu, lines)?;
            }
            (Part::Entry(_) | Part::Menu(_) | Part::Separator, _) => {}
        }
    }
    Ok(())
}

fn icon(model: &Tray) -> Image<'static> {
    match tray::icon(model) {
        "protected-unread" => include_image!("icons/tray/protected-unread.png"),
        "catching-up" => include_image!("icons/tray/catching-up.png"),
        "catching-up-unread" => include_image!("icons/tray/catching-up-unread.png"),
        "deaf" => include_image!("icons/tray/deaf.png"),
        "deaf-unread" => include_image!("icons/tray/deaf-unread.png"),
        "offline" => include_image!("icons/tray/offline.png"),
        "offline-unread" => include_image!("icons/tray/offline-unread.png"),
        "signed-out" => include_image!("icons/tray/signed-out.png"),
        "signed-out-unread" => include_image!("icons/tray/signed-out-unread.png"),
        _ => include_image!("icons/tray/protected.png"),
    }
}
