//! The window and what is done with it.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use tauri::webview::{NewWindowResponse, PermissionResponse};
use tauri::{
    AppHandle, Manager, PhysicalPosition, PhysicalSize, Url, WebviewUrl, WebviewWindow, WebviewWindowBuilder,
};
use visionguard_client::installation::{self, DataDir};
use visionguard_client::lock;
use visionguard_client::pipe::{FromWindow, Place};
use visionguard_client::words;

use crate::program::Program;
use crate::{Opening, say};

/// The label of the only window.
pub(crate) const LABEL: &str = "main";

/// Its size where there is room, without the frame around it.
const SIZE: (f64, f64) = (1180.0, 760.0);
/// The least size in which everything can still be reached.
const LEAST: (f64, f64) = (320.0, 240.0);
/// What the frame around it takes, and a panel that the system does not tell of.
const FRAME: (f64, f64) = (16.0, 72.0);

/// How much of a window must be on a screen to take hold of it, in the screen's pixels.
const GRASP: i32 = 64;

/// A page is no document: what a browser's menu offers (reload, save the picture) is not for it. Fields keep theirs.
const NO_BROWSER_MENU: &str = r#"
addEventListener("contextmenu", (event) => {
  if (!event.target.closest?.("input, textarea")) event.preventDefault();
});
"#;

/// The window as long as it was never seen: where it is to be, if it was somewhere.
struct Unseen(Mutex<Option<Option<Place>>>);

/// Where the program's data is, to notice another one there.
struct Home(PathBuf);

/// How often a window whose program ended looks for another one.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Brings the window to the front, and says so once whoever draws it is done.
pub(crate) fn show(app: &AppHandle, program: &Program) {
    let Some(window) = app.get_webview_window(LABEL) else { return };
    if let Err(error) = appear(&window, true) {
        complain!("cannot bring the window to the front: {error}");
    }
    let program = program.clone();
    // A dialog of the toolkit's has a loop of its own, in which Tauri's questions wait.
    #[cfg(target_os = "linux")]
    gtk::glib::MainContext::default().invoke(move || program.tell(FromWindow::Shown));
    #[cfg(not(target_os = "linux"))]
    if let Err(error) = app.run_on_main_thread(move || program.tell(FromWindow::Shown)) {
        complain!("whoever draws the window is gone: {error}");
    }
}

/// Puts the window into the task bar.
pub(crate) fn minimise(app: &AppHandle) {
    if let Some(window) = app.get_webview_window(LABEL)
        && let Err(error) = window.minimize()
    {
        complain!("cannot minimise the window: {error}");
    }
}

/// The program ended without a word: the page says so in its place, until the person closes it.
pub(crate) fn say_that_it_ended(app: &AppHandle) {
    if is_unseen(app) {
        app.exit(0);
        return;
    }
    let (title, why) =
        (words::text("window.program_gone_title", &[]), words::text("window.program_gone", &[]));
    let told = app.get_webview_window(LABEL).context("there is no window").and_then(|window| {
        let page = window.url()?.join(&format!("/{}", say::page(&title, &why)))?;
        window.set_title(&title)?;
        Ok(window.navigate(page)?)
    });
    leave_to_another(app);
    if let Err(error) = told {
        complain!("cannot say that the program ended: {error:#}");
        app.exit(1);
    }
}

/// Ends once another program is there: that no alerts are received is no longer true then, and that one has a tray and a window.
fn leave_to_another(app: &AppHandle) {
    let (app, home) = (app.clone(), app.state::<Home>().0.clone());
    tauri::async_runtime::spawn(async move {
        while lock::holder(&home).is_none_or(|owner| owner.program != lock::DESKTOP) {
            tokio::time::sleep(LOOK_EVERY).await;
        }
        app.exit(0);
    });
}

/// Where it is; none while it is in the task bar or was never seen.
pub(crate) fn place(app: &AppHandle) -> Option<Place> {
    let window = app.get_webview_window(LABEL)?;
    if is_unseen(app) || window.is_minimized().ok()? {
        return None;
    }
    let (position, size) = (window.outer_position().ok()?, window.inner_size().ok()?);
    Some(Place {
        x: position.x,
        y: position.y,
        width: size.width,
        height: size.height,
        maximised: window.is_maximized().ok()?,
    })
}

fn is_unseen(app: &AppHandle) -> bool {
    app.try_state::<Unseen>()
        .is_some_and(|unseen| unseen.0.lock().unwrap_or_else(PoisonError::into_inner).is_some())
}

/// Brings it to the front, where it was asked for; for the first time where it was, if that is still within reach.
fn appear(window: &WebviewWindow, is_asked_for: bool) -> tauri::Result<()> {
    let unseen = window.state::<Unseen>().0.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(place) = unseen.flatten() {
        let screens = window.available_monitors().unwrap_or_default();
        let screens = screens.iter().map(|screen| (*screen.position(), *screen.size()));
        if is_within_reach(place, screens) {
            put(window, place)?;
        }
    }
    if !is_asked_for {
        #[cfg(target_os = "linux")]
        gtk::prelude::GtkWindowExt::set_focus_on_map(&window.gtk_window()?, false);
        return window.show();
    }
    window.unminimize()?;
    window.show()?;
    window.set_focus()
}

fn put(window: &WebviewWindow, place: Place) -> tauri::Result<()> {
    window.set_size(PhysicalSize::new(place.width, place.height))?;
    window.set_position(PhysicalPosition::new(place.x, place.y))?;
    if place.maximised {
        window.maximize()?;
    }
    Ok(())
}

/// Makes the window and shows it, unless it is a spare.
pub(crate) fn create(app: &AppHandle, data_dir: &Path, opening: Opening) -> tauri::Result<()> {
    app.manage(Unseen(Mutex::new(Some(opening.place))));
    app.manage(Home(data_dir.to_owned()));
    let mut window = WebviewWindowBuilder::new(app, LABEL, WebviewUrl::default());
    if let Some(folder) = folder(app, data_dir) {
        window = window.data_directory(folder);
    }
    let (width, height) = fitting(&screens(app));
    let window = window
        .title("VisionGuard")
        // Where it was is said before it is seen.
        .visible(false)
        .focused(!opening.is_unasked)
        .inner_size(width, height)
        .min_inner_size(LEAST.0, LEAST.1)
        .zoom_hotkeys_enabled(true)
        .devtools(cfg!(debug_assertions))
        .initialization_script(NO_BROWSER_MENU)
        .on_navigation(is_ours)
        .on_new_window(|_, _| NewWindowResponse::Deny)
        .on_download(|_, _| false)
        .on_permission_request(|_, _| PermissionResponse::Deny)
        .build()?;
    // On macOS Tauri does the same by itself; WebView2 puts a page of its own there.
    #[cfg(target_os = "linux")]
    {
        crate::web_process::follow(&window)?;
        tell_minimised(&window)?;
    }
    if opening.is_spare { Ok(()) } else { appear(&window, !opening.is_unasked) }
}

/// Tells the program when the window goes into the task bar and comes out of it.
#[cfg(target_os = "linux")]
fn tell_minimised(window: &WebviewWindow) -> tauri::Result<()> {
    use gtk::gdk::WindowState;
    use gtk::prelude::{GtkWindowExt, WidgetExt};
    use visionguard_client::pipe::Stance;

    let program = window.state::<Program>().inner().clone();
    window.gtk_window()?.connect_window_state_event(move |window, event| {
        let minimised = event.new_window_state().contains(WindowState::ICONIFIED);
        program.tell(FromWindow::Stance(Stance { focused: window.is_active(), minimised }));
        gtk::glib::Propagation::Proceed
    });
    Ok(())
}

/// Whether the upper edge, by which a window is moved, is on one of the screens: one may have been taken away meanwhile.
fn is_within_reach(
    place: Place,
    screens: impl IntoIterator<Item = (PhysicalPosition<i32>, PhysicalSize<u32>)>,
) -> bool {
    screens.into_iter().any(|(at, size)| {
        let (right, below) =
            (at.x.saturating_add_unsigned(size.width), at.y.saturating_add_unsigned(size.height));
        let ends = place.x.saturating_add_unsigned(place.width);
        let is_beside = ends < at.x + GRASP || place.x > right - GRASP;
        let is_above_or_below = place.y < at.y - GRASP || place.y > below - GRASP;
        !is_beside && !is_above_or_below
    })
}

/// The room on each screen, in the page's pixels. The one that the window will be on is not known before it is there: Wayland
/// never says, and many an X server has no first screen.
fn screens(app: &AppHandle) -> Vec<(f64, f64)> {
    let monitors = app.available_monitors().unwrap_or_default();
    let rooms = monitors.iter().map(|monitor| {
        let room = monitor.work_area().size.to_logical::<f64>(monitor.scale_factor());
        (room.width, room.height)
    });
    rooms.collect()
}

/// The window's size, no larger than fits on any of the screens with its frame.
fn fitting(screens: &[(f64, f64)]) -> (f64, f64) {
    let least =
        |all: (f64, f64), room: &(f64, f64)| (all.0.min(room.0 - FRAME.0), all.1.min(room.1 - FRAME.1));
    let (width, height) = screens.iter().fold(SIZE, least);
    (width.max(LEAST.0), height.max(LEAST.1))
}

/// Where the web view keeps what it wants to keep, if not where it usually does: without a folder there is no window.
fn folder(app: &AppHandle, data_dir: &Path) -> Option<PathBuf> {
    let usual = app.path().app_local_data_dir().ok()?;
    let is_usable = |folder: &PathBuf| DataDir::at(folder.clone()).trouble.is_none();
    if is_usable(&usual) {
        return None;
    }
    let others = [
        installation::runtime_dir(data_dir).map(|folder| folder.join("page")),
        installation::private_folder().ok(),
    ];
    others.into_iter().flatten().find(is_usable)
}

/// Our own page and nothing else.
fn is_ours(address: &Url) -> bool {
    match (address.scheme(), address.host_str()) {
        ("tauri", Some("localhost")) => true,
        ("http" | "https", Some("tauri.localhost")) => cfg!(windows),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_30_the_window_fits_on_the_smallest_screen() {
        let (full, double) = ((1920.0, 1080.0), (683.0, 384.0));

        assert_eq!(fitting(&[]), SIZE);
        assert_eq!(fitting(&[full]), SIZE);
        assert_eq!(fitting(&[double]), (667.0, 312.0));
        assert_eq!(fitting(&[full, double]), (667.0, 312.0));
        assert_eq!(fitting(&[(200.0, 100.0)]), LEAST);
    }

    #[test]
    fn a_window_is_where_it_was_only_if_it_can_be_taken_hold_of_there() {
        let screen = (PhysicalPosition::new(0, 0), PhysicalSize::new(1920, 1080));
        let second = (PhysicalPosition::new(1920, 0), PhysicalSize::new(1920, 1080));
        let at = |x, y| Place { x, y, width: 1180, height: 760, maximised: false };

        assert!(is_within_reach(at(100, 50), [screen]));
        assert!(is_within_reach(at(-1000, -20), [screen]), "enough of it is there");
        assert!(is_within_reach(at(2500, 50), [screen, second]));
        for gone in [at(2500, 50), at(-1150, 50), at(100, 1060), at(100, -700)] {
            assert!(!is_within_reach(gone, [screen]), "{gone:?}");
        }
        assert!(!is_within_reach(at(100, 50), []));
    }

    #[test]
    fn only_our_own_page_is_navigated_to() {
        assert!(is_ours(&"tauri://localhost/index.html".parse().unwrap()));
        for address in [
            "https://example.org/",
            "tauri://elsewhere/",
            "http://localhost/",
            "file:///etc/passwd",
            "data:text/html,x",
            "about:blank",
            "javascript:alert(1)",
        ] {
            assert!(!is_ours(&address.parse().unwrap()), "{address}");
        }
    }
}
