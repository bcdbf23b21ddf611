//! A Wayland compositor in a window that fills the virtual display, for what draws nowhere else. It refuses to run as
//! root, and then is an ordinary user's.

use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::process::{Child, Command};

use anyhow::{Context, Result};

use super::wait::{SOON, eventually};
use crate::desktop::VirtualDesktop;
use crate::project::output;

const CONFIG: &str = "output * bg #3f5368 solid_color\ndefault_border none\nbar {\n  mode invisible\n}\n";

#[derive(Debug)]
pub(super) struct Sway {
    folder: PathBuf,
    socket: PathBuf,
    process: Child,
}

impl Sway {
    pub(super) fn start(desktop: &VirtualDesktop) -> Result<Self> {
        let (width, height) = desktop.size();
        let name = desktop.dir().file_name().context("no name")?.to_string_lossy().into_owned();
        // Not below the desktop's own folder, where another user may not go.
        let folder = std::env::temp_dir().join(format!("{name}-sway"));
        fs::DirBuilder::new().mode(0o700).create(&folder)?;
        fs::write(folder.join("config"), format!("{CONFIG}output X11-1 mode {width}x{height}\n"))?;
        let is_root = output(Command::new("id").arg("-u"))?.trim() == "0";
        let mut command = if is_root {
            output(Command::new("chown").args(["-R", "nobody:nogroup"]).arg(&folder))?;
            let mut command = desktop.command("setpriv");
            command.args(["--reuid=nobody", "--regid=nogroup", "--clear-groups", "sway"]);
            command
        } else {
            desktop.command("sway")
        };
        command.arg("--config").arg(folder.join("config"));
        command.env("HOME", &folder).env("XDG_RUNTIME_DIR", &folder).env_remove("DBUS_SESSION_BUS_ADDRESS");
        for folder in ["XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"] {
            command.env_remove(folder);
        }
        command.envs([("WLR_BACKENDS", "x11"), ("WLR_RENDERER", "pixman"), ("WLR_X11_OUTPUTS", "1")]);
        let process = desktop.spawn("sway", &mut command)?;
        let mut sway = Self { socket: PathBuf::new(), folder, process };
        eventually("sway is ready", SOON, || {
            let entries = fs::read_dir(&sway.folder)?.flatten();
            let socket = entries.map(|entry| entry.path()).find(|path| {
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                name.starts_with("wayland-") && !name.ends_with(".lock")
            });
            sway.socket = socket.unwrap_or_default();
            // Its title is one that xdotool does not find.
            let drawn = output(desktop.command("xwininfo").args(["-root", "-tree"]))?.contains("wlroots");
            Ok(drawn && !sway.socket.as_os_str().is_empty())
        })
        .with_context(|| desktop.log("sway"))?;
        Ok(sway)
    }

    /// Lets a program draw on it.
    pub(super) fn draw_here(&self, command: &mut Command) {
        command.env("WAYLAND_DISPLAY", &self.socket).env("GDK_BACKEND", "wayland");
        command.env("XDG_SESSION_TYPE", "wayland").env("XDG_CURRENT_DESKTOP", "sway");
    }
}

impl Drop for Sway {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}
