//! The window: made when the person asks for it, gone with its webview when it is closed.

use std::path::PathBuf;

use tauri::webview::{NewWindowResponse, PermissionResponse};
use tauri::{AppHandle, Manager, Url, WebviewUrl, WebviewWindow, WebviewWindowBuilder};
use visionguard_client::installation::{self, DataDir};

/// The label of the only window.
pub(crate) const LABEL: &str = "main";

/// Its size where there is room, without the frame around it.
const SIZE: (f64, f64) = (1180.0, 760.0);
/// The least size in which everything can still be reached.
const LEAST: (f64, f64) = (320.0, 240.0);
/// What the frame around it takes, and a panel that the system does not tell of.
const FRAME: (f64, f64) = (16.0, 72.0);

/// A page is no document: what a browser's menu offers (reload, save the picture) is not for it. Fields keep theirs.
const NO_BROWSER_MENU: &str = r#"
addEventListener("contextmenu", (event) => {
  if (!event.target.closest?.("input, textarea")) event.preventDefault();
});
"#;

/// Shows the window, made anew if there is none. On the main thread.
pub(crate) fn show(app: &AppHandle) {
    let shown = match app.get_webview_window(LABEL) {
        Some(window) => bring_to_front(&window),
        None => create(app).and_then(|window| bring_to_front(&window)),
    };
    if let Err(error) = shown {
        tracing::error!(%error, "cannot show the window");
        crate::stopped::no_window(&error.to_string());
    }
}

/// Puts the window into the task bar.
pub(crate) fn minimise(app: &AppHandle) {
    if let Some(window) = app.get_webview_window(LABEL)
        && let Err(error) = window.minimize()
    {
        tracing::warn!(%error, "cannot minimise the window");
    }
}

/// Closes the window without asking; the program goes on.
pub(crate) fn close(app: &AppHandle) {
    if let Some(window) = app.get_webview_window(LABEL)
        && let Err(error) = window.destroy()
    {
        tracing::warn!(%error, "cannot close the window");
    }
}

fn bring_to_front(window: &WebviewWindow) -> tauri::Result<()> {
    window.unminimize()?;
    window.show()?;
    window.set_focus()
}

fn create(app: &AppHandle) -> tauri::Result<WebviewWindow> {
    let mut window = WebviewWindowBuilder::new(app, LABEL, WebviewUrl::default());
    if let Some(folder) = folder(app) {
        window = window.data_directory(folder);
    }
    let (width, height) = fitting(&screens(app));
    let window = window
        .title("VisionGuard")
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
    crate::web_process::follow(&window)?;
    Ok(window)
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
fn folder(app: &AppHandle) -> Option<PathBuf> {
    let usual = app.path().app_local_data_dir().ok()?;
    let data_dir = &app.try_state::<DataDir>()?.path;
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
