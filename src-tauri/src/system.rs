//! What the program needs of the window system: on Linux nothing, for tray, popups and keychain are on the session bus;
//! elsewhere the tray is the window system's, and Tauri runs it.

/// A handle of the window system.
#[derive(Debug, Clone)]
pub(crate) struct System {
    #[cfg(not(target_os = "linux"))]
    pub(crate) app: tauri::AppHandle,
}

/// Whether the session has a screen, as far as it says. One that is named and not there is found out by the window alone.
#[cfg(target_os = "linux")]
pub(crate) fn has_screen() -> bool {
    ["DISPLAY", "WAYLAND_DISPLAY", "WAYLAND_SOCKET"]
        .iter()
        .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn has_screen() -> bool {
    true
}
