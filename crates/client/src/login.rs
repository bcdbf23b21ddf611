//! The login session that a program was started in: its bus and its screen. A program may outlive both, and then is of no use
//! to who logs in next.

use std::env;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// A bus that takes no connection within this time is none.
#[cfg(target_os = "linux")]
const ANSWERS_WITHIN: std::time::Duration = std::time::Duration::from_secs(2);

/// Where a program's popups, tray and window are.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Login {
    bus: Option<String>,
    display: Option<String>,
    wayland: Option<String>,
}

impl Login {
    /// The one of this process.
    pub fn here() -> Login {
        let named = |name| env::var(name).ok().filter(|value| !value.is_empty());
        Login {
            bus: named("DBUS_SESSION_BUS_ADDRESS"),
            display: named("DISPLAY"),
            wayland: named("WAYLAND_DISPLAY"),
        }
    }

    /// Whether it has ended, as far as can be told.
    pub async fn is_over(&self) -> bool {
        !self.has_bus().await || !self.has_screen()
    }

    #[cfg(target_os = "linux")]
    async fn has_bus(&self) -> bool {
        let Some(address) = &self.bus else { return true };
        let Ok(builder) = zbus::connection::Builder::address(address.as_str()) else { return true };
        tokio::time::timeout(ANSWERS_WITHIN, builder.build()).await.is_ok_and(|connection| connection.is_ok())
    }

    /// There is none that could end before the system does.
    #[cfg(not(target_os = "linux"))]
    #[allow(clippy::unused_async, reason = "the other platform asks the bus")]
    async fn has_bus(&self) -> bool {
        true
    }

    fn has_screen(&self) -> bool {
        let sockets = [self.wayland.as_deref().and_then(of_wayland), self.display.as_deref().and_then(of_x)];
        let mut known = sockets.into_iter().flatten().peekable();
        known.peek().is_none() || known.any(|socket| listens(&socket))
    }
}

/// The compositor's socket, which may be named by its whole path.
fn of_wayland(display: &str) -> Option<PathBuf> {
    if Path::new(display).is_absolute() {
        return Some(PathBuf::from(display));
    }
    Some(PathBuf::from(env::var_os("XDG_RUNTIME_DIR")?).join(display))
}

/// The X server's socket; none for one on another computer, of which nothing is known.
fn of_x(display: &str) -> Option<PathBuf> {
    let number = display.strip_prefix(':').or_else(|| display.strip_prefix("unix:"))?;
    let number = number.split('.').next()?;
    Some(Path::new("/tmp/.X11-unix").join(format!("X{number}")))
}

#[cfg(unix)]
fn listens(socket: &Path) -> bool {
    std::os::unix::net::UnixStream::connect(socket).is_ok()
}

#[cfg(not(unix))]
fn listens(_socket: &Path) -> bool {
    true
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn a_screen_is_where_its_socket_listens() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("wayland-7");
        let login = Login { wayland: Some(socket.display().to_string()), ..Login::default() };

        let before = login.has_screen();
        let compositor = UnixListener::bind(&socket).unwrap();
        let during = login.has_screen();
        drop(compositor);

        assert_eq!((before, during, login.has_screen()), (false, true, false));
    }

    #[test]
    fn of_a_screen_elsewhere_or_none_nothing_is_known() {
        let elsewhere = Login { display: Some("till-2:0.0".to_owned()), ..Login::default() };

        assert!(elsewhere.has_screen() && Login::default().has_screen());
        assert_eq!(of_x(":3.0"), Some(PathBuf::from("/tmp/.X11-unix/X3")));
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_bus_whose_socket_is_gone_is_over() {
        let gone = "unix:path=/nonexistent/bus".to_owned();

        assert!(Login { bus: Some(gone), ..Login::default() }.is_over().await);
        assert!(!Login::default().is_over().await);
    }
}
