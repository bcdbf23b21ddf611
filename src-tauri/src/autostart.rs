//! The start at sign-in, as the settings want it and as it is.

use std::path::Path;

use tauri::AppHandle;
use visionguard_client::controller::Client;

#[cfg(target_os = "linux")]
pub(crate) use visionguard_client::autostart::{Asked, State};

#[cfg(not(target_os = "linux"))]
pub(crate) use other::{Asked, State};

/// Says so on a developer's build, which is tried out and not installed: it leaves the computer's list alone otherwise.
const VARIABLE: &str = "VISIONGUARD_START_AT_SIGN_IN";

/// Makes the computer's list of programs to start agree with the settings, and the settings say what is true.
pub(crate) fn make(app: &AppHandle, client: &Client, data_dir: &Path, wanted: bool, asked: Asked) {
    if is_left_alone() {
        return;
    }
    tell(client, wanted, make_here(app, data_dir, wanted, asked));
}

/// Looks again, as somebody may have changed the list meanwhile.
pub(crate) fn look(app: &AppHandle, client: &Client, data_dir: &Path) {
    if !is_left_alone() {
        client.starts_at_sign_in(look_here(app, data_dir).is_on, None);
    }
}

fn is_left_alone() -> bool {
    cfg!(debug_assertions) && std::env::var_os(VARIABLE).is_none()
}

fn tell(client: &Client, wanted: bool, state: State) {
    if let Some(why) = &state.why_not {
        tracing::warn!(%why, wanted, "cannot change whether the program starts at sign-in");
    }
    client.starts_at_sign_in(state.is_on, state.why_not);
}

#[cfg(target_os = "linux")]
fn make_here(_app: &AppHandle, data_dir: &Path, wanted: bool, asked: Asked) -> State {
    match visionguard_client::autostart::Autostart::here(data_dir) {
        Ok(autostart) => autostart.make(wanted, asked),
        Err(error) => State { is_on: false, why_not: wanted.then(|| error.to_string()) },
    }
}

#[cfg(target_os = "linux")]
fn look_here(_app: &AppHandle, data_dir: &Path) -> State {
    match visionguard_client::autostart::Autostart::here(data_dir) {
        Ok(autostart) => autostart.look(),
        Err(_) => State { is_on: false, why_not: None },
    }
}

#[cfg(not(target_os = "linux"))]
use other::{look_here, make_here};

/// Windows and macOS: a value under the registry's `Run`, a launch agent. Both are written anew at each start where they are
/// wanted, so that they name the place where the program is.
#[cfg(not(target_os = "linux"))]
mod other {
    use std::path::Path;

    use auto_launch::{AutoLaunch, AutoLaunchBuilder};
    use tauri::AppHandle;
    use visionguard_client::installation;

    use crate::start::HIDDEN;

    /// Whether the program is started at sign-in, and why not, where it was wanted.
    pub(crate) struct State {
        pub(crate) is_on: bool,
        pub(crate) why_not: Option<String>,
    }

    /// Who wants it.
    #[derive(Clone, Copy, PartialEq, Eq)]
    pub(crate) enum Asked {
        AtStart,
        ByPerson,
    }

    pub(super) fn make_here(app: &AppHandle, data_dir: &Path, wanted: bool, _asked: Asked) -> State {
        let done = entry(app, data_dir).and_then(|entry| {
            let done = if wanted { entry.enable() } else { gone(&entry) };
            done.and_then(|()| entry.is_enabled()).map_err(|error| error.to_string())
        });
        match done {
            Ok(is_on) => State { is_on, why_not: None },
            Err(why) => State { is_on: false, why_not: wanted.then_some(why) },
        }
    }

    pub(super) fn look_here(app: &AppHandle, data_dir: &Path) -> State {
        let is_on = entry(app, data_dir).is_ok_and(|entry| entry.is_enabled().unwrap_or(false));
        State { is_on, why_not: None }
    }

    /// What is not there need not go.
    fn gone(entry: &AutoLaunch) -> auto_launch::Result<()> {
        if entry.is_enabled()? { entry.disable() } else { Ok(()) }
    }

    fn entry(app: &AppHandle, data_dir: &Path) -> Result<AutoLaunch, String> {
        let program = std::env::current_exe().map_err(|error| error.to_string())?;
        let mut name = app.package_info().name.clone();
        if !installation::is_usual(data_dir) {
            name = format!("{name}-{}", installation::identity(data_dir));
        }
        let mut entry = AutoLaunchBuilder::new();
        entry.set_app_name(&name).set_app_path(&written(&program.display().to_string())).set_args(&[HIDDEN]);
        #[cfg(windows)]
        entry.set_windows_enable_mode(auto_launch::WindowsEnableMode::CurrentUser);
        entry.build().map_err(|error| error.to_string())
    }

    /// The library puts the path into a command line as it is.
    #[cfg(windows)]
    fn written(path: &str) -> String {
        format!("\"{path}\"")
    }

    /// The library puts the path into XML as it is.
    #[cfg(not(windows))]
    fn written(path: &str) -> String {
        path.to_owned()
    }
}
