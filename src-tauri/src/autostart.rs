//! The start at sign-in, as the settings want it and as it is.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use visionguard_client::controller::Client;

use crate::system::System;

#[cfg(target_os = "linux")]
pub(crate) use visionguard_client::autostart::{Asked, State};

#[cfg(not(target_os = "linux"))]
pub(crate) use other::{Asked, State};

/// Says so on a developer's build, which is tried out and not installed: it leaves the computer's list alone otherwise.
const VARIABLE: &str = "VISIONGUARD_START_AT_SIGN_IN";

/// The computer's list of programs to start, as far as it is about this installation.
#[derive(Debug, Clone)]
pub(crate) struct Autostart {
    system: System,
    data_dir: PathBuf,
    client: Arc<OnceLock<Client>>,
}

impl Autostart {
    pub(crate) fn new(system: &System, data_dir: &Path) -> Self {
        Self { system: system.clone(), data_dir: data_dir.to_owned(), client: Arc::default() }
    }

    /// Who is told what is true, from now on.
    pub(crate) fn serve(&self, client: Client) {
        let _ = self.client.set(client);
    }

    /// Makes the list agree with the settings, and the settings say what is true.
    pub(crate) fn make(&self, wanted: bool, asked: Asked) {
        if is_left_alone() {
            return;
        }
        let state = make_here(&self.system, &self.data_dir, wanted, asked);
        if let Some(why) = &state.why_not {
            tracing::warn!(%why, wanted, "cannot change whether the program starts at sign-in");
        }
        self.tell(state);
    }

    /// Looks again, as somebody may have changed the list meanwhile.
    pub(crate) fn look(&self) {
        if !is_left_alone() {
            self.tell(State { why_not: None, ..look_here(&self.system, &self.data_dir) });
        }
    }

    fn tell(&self, state: State) {
        if let Some(client) = self.client.get() {
            client.starts_at_sign_in(state.is_on, state.why_not);
        }
    }
}

fn is_left_alone() -> bool {
    cfg!(debug_assertions) && std::env::var_os(VARIABLE).is_none()
}

#[cfg(target_os = "linux")]
fn make_here(_system: &System, data_dir: &Path, wanted: bool, asked: Asked) -> State {
    match visionguard_client::autostart::Autostart::here(data_dir) {
        Ok(autostart) => autostart.make(wanted, asked),
        Err(error) => State { is_on: false, why_not: wanted.then(|| error.to_string()) },
    }
}

#[cfg(target_os = "linux")]
fn look_here(_system: &System, data_dir: &Path) -> State {
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
    use visionguard_client::installation;

    use crate::start::HIDDEN;
    use crate::system::System;

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

    pub(super) fn make_here(system: &System, data_dir: &Path, wanted: bool, _asked: Asked) -> State {
        let done = entry(system, data_dir).and_then(|entry| {
            let done = if wanted { entry.enable() } else { gone(&entry) };
            done.and_then(|()| entry.is_enabled()).map_err(|error| error.to_string())
        });
        match done {
            Ok(is_on) => State { is_on, why_not: None },
            Err(why) => State { is_on: false, why_not: wanted.then_some(why) },
        }
    }

    pub(super) fn look_here(system: &System, data_dir: &Path) -> State {
        let is_on = entry(system, data_dir).is_ok_and(|entry| entry.is_enabled().unwrap_or(false));
        State { is_on, why_not: None }
    }

    /// What is not there need not go.
    fn gone(entry: &AutoLaunch) -> auto_launch::Result<()> {
        if entry.is_enabled()? { entry.disable() } else { Ok(()) }
    }

    fn entry(system: &System, data_dir: &Path) -> Result<AutoLaunch, String> {
        let program = std::env::current_exe().map_err(|error| error.to_string())?;
        let mut name = system.app.package_info().name.clone();
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
