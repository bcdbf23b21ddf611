//! The tray: an icon that says the status by its shape, a tooltip, a menu. What it shows is `visionguard_client::tray`'s
//! to say.

#[cfg(target_os = "linux")]
#[path = "tray/linux.rs"]
mod platform;
#[cfg(not(target_os = "linux"))]
#[path = "tray/other.rs"]
mod platform;

use tauri::{AppHandle, Manager};
use tokio::sync::watch;
use visionguard_client::controller::Client;
use visionguard_client::tray::Choice;
use visionguard_client::view::Tray;

#[cfg(not(target_os = "linux"))]
pub(crate) use platform::menu_event;
pub(crate) use platform::would_lose_the_window;

/// Starts the tray; it shows what is sent.
pub(crate) fn keep(app: &AppHandle) -> watch::Sender<Option<Tray>> {
    let (models, newest) = watch::channel(None);
    platform::start(app, newest);
    models
}

/// Does what was chosen.
fn choose(app: &AppHandle, choice: Choice) {
    let Some(client) = app.try_state::<Client>() else { return };
    match choice {
        Choice::Open => client.open(),
        Choice::Retry => client.retry_now(),
        Choice::Drill => drill(client.inner().clone()),
        Choice::Quit => client.quit(),
    }
}

/// Its end is told by the status, the page and a notification.
fn drill(client: Client) {
    tauri::async_runtime::spawn(async move {
        if let Err(problem) = client.drill().await {
            tracing::warn!(code = problem.code, "the alert path was not tested");
        }
    });
}
<<<<<<< HEAD

/// The parts that change.
#[derive(Clone)]
struct Parts {
    icon: TrayIcon,
    status: MenuItem<Wry>,
    retry: MenuItem<Wry>,
    drill: MenuItem<Wry>,
}

async fn run(
    app: AppHandle,
    mut models: watch::Receiver<Option<Tray>>,
    mut host: watch::Receiver<bool>,
    shown: watch::Sender<bool>,
) {
    let mut parts: Option<Parts> = None;
    let mut showing: Option<Tray> = None;
    loop {
        let model = models.borrow_and_update().clone();
        let present = *host.borrow_and_update();
        if let Some(model) = model {
            if parts.is_none() && present {
                parts = build(&app, &model).await;
                showing = parts.is_some().then(|| model.clone());
            }
            if let Some(parts) = &parts
                && showing.as_ref() != Some(&model)
            {
                update(&app, parts.clone(), showing.replace(model.clone()), model);
            }
        }
        shown.send_replace(parts.is_some() && present);

        let must_retry = parts.is_none() && present && models.borrow().is_some();
        tokio::select! {
            changed = models.changed() => if changed.is_err() { return },
            changed = host.changed() => if changed.is_err() { return },
            () = tokio::time::sleep(TRY_AGAIN_AFTER), if must_retry => {}
        }
    }
}

async fn build(app: &AppHandle, model: &Tray) -> Option<Parts> {
    let (done, built) = oneshot::channel();
    let (handle, model) = (app.clone(), model.clone());
    let scheduled = app.run_on_main_thread(move || {
        let _ = done.send(build_here(&handle, &model));
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

fn build_here(app: &AppHandle, model: &Tray) -> tauri::Result<Parts> {
    let open = MenuItem::with_id(app, OPEN, words::text("tray.open", &[]), true, None::<&str>)?;
    let status = MenuItem::new(app, &model.status_line, false, None::<&str>)?;
    let retry =
        MenuItem::with_id(app, RETRY, words::text("tray.retry", &[]), can_retry(model), None::<&str>)?;
    let drill =
        MenuItem::with_id(app, DRILL, words::text("tray.drill", &[]), can_drill(model), None::<&str>)?;
    let quit = MenuItem::with_id(app, QUIT, words::text("tray.quit", &[]), true, None::<&str>)?;
    let above = PredefinedMenuItem::separator(app)?;
    let menu = Menu::with_items(app, &[&open, &status, &retry, &drill, &above, &quit])?;

    let icon = TrayIconBuilder::with_id(id(app))
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
                crate::open(icon.app_handle());
            }
        })
        .build(app)?;
    Ok(Parts { icon, status, retry, drill })
}

/// Hosts remember by it which icons the person hid: two installations are two.
fn id(app: &AppHandle) -> String {
    match app.config().identifier.rsplit_once(".i") {
        Some((_, identity)) => format!("visionguard-{identity}"),
        None => "visionguard".to_owned(),
    }
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
    let look = |tray: &Tray| (tray.status, tray.unseen > 0);
    if before.map(look) != Some(look(model)) {
        parts.icon.set_icon(Some(icon(model)))?;
    }
    parts.icon.set_tooltip(Some(&model.tooltip))?;
    parts.status.set_text(&model.status_line)?;
    parts.retry.set_enabled(can_retry(model))?;
    parts.drill.set_enabled(can_drill(model))
}

fn can_retry(model: &Tray) -> bool {
    match model.status {
        Status::Offline | Status::Deaf => model.signed_in,
        Status::Protected | Status::CatchingUp | Status::SignedOut => false,
    }
}

/// Without a connection there is nothing to test.
fn can_drill(model: &Tray) -> bool {
    match model.status {
        Status::Protected | Status::CatchingUp | Status::Deaf => model.signed_in,
        Status::Offline | Status::SignedOut => false,
    }
}

fn icon(model: &Tray) -> Image<'static> {
    match (model.status, model.unseen > 0) {
        (Status::Protected, false) => include_image!("icons/tray/protected.png"),
        (Status::Protected, true) => include_image!("icons/tray/protected-unread.png"),
        (Status::CatchingUp, false) => include_image!("icons/tray/catching-up.png"),
        (Status::CatchingUp, true) => include_image!("icons/tray/catching-up-unread.png"),
        (Status::Deaf, false) => include_image!("icons/tray/deaf.png"),
        (Status::Deaf, true) => include_image!("icons/tray/deaf-unread.png"),
        (Status::Offline, false) => include_image!("icons/tray/offline.png"),
        (Status::Offline, true) => include_image!("icons/tray/offline-unread.png"),
        (Status::SignedOut, false) => include_image!("icons/tray/signed-out.png"),
        (Status::SignedOut, true) => include_image!("icons/tray/signed-out-unread.png"),
    }
}

#[cfg(target_os = "linux")]
fn host() -> watch::Receiver<bool> {
    let (present, host) = watch::channel(false);
    tauri::async_runtime::spawn(crate::host::follow(present));
    host
}

/// Windows and macOS always have one.
#[cfg(not(target_os = "linux"))]
fn host() -> watch::Receiver<bool> {
    let (present, host) = watch::channel(true);
    // Nobody tells anything: the sender must only live.
    std::mem::forget(present);
    host
}
=======
>>>>>>> 5236fbf (tray: draw the item ourselves and ask who shows it)
