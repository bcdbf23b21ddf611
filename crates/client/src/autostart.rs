//! The start at sign-in to the computer, by the Desktop Application Autostart Specification: one entry in the person's own
//! folder, over that of the computer.
//!
//! The entry is compared with where the program is now, and mended. What the person switched off in the desktop's own list
//! stays off. Nothing is started here.

mod entry;
mod run;

use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::installation;
use crate::session_file::replace;

use entry::Entry;
use run::Run;

/// The argument of a start without a window.
pub const HIDDEN: &str = "--hidden";

/// Where entries lie, and what is to be started.
#[derive(Debug, Clone)]
pub struct Autostart {
    /// The person's own folder of entries; none without a home.
    own: Option<PathBuf>,
    /// Those of the computer, the first of which counts.
    shared: Vec<PathBuf>,
    file: String,
    name: String,
    command: Vec<Vec<u8>>,
    program: PathBuf,
    /// The data directory, where another than the usual one was chosen.
    chosen: Option<PathBuf>,
    desktops: Vec<String>,
}

/// Whether the program is started at sign-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    pub is_on: bool,
    /// Why not, where it was wanted.
    pub why_not: Option<String>,
}

/// Who wants it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// The settings, at a start: what was switched off elsewhere stays off.
    AtStart,
    /// The person, now.
    ByPerson,
}

/// What there is in a folder.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    Nothing,
    /// It starts this program.
    Ours,
    /// It starts nothing, or something that is not this program where it is.
    Elsewhere,
    /// Somebody switched it off.
    Off,
}

impl Autostart {
    /// That of this program and this data directory, as the environment says where things are.
    pub fn here(data_dir: &Path) -> io::Result<Autostart> {
        let variable = |name: &str| std::env::var_os(name);
        let absolute = |name: &str| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let home = directories::BaseDirs::new().map(|dirs| dirs.home_dir().to_owned());
        let own = absolute("XDG_CONFIG_HOME").or_else(|| home.map(|home| home.join(".config")));
        let shared =
            variable("XDG_CONFIG_DIRS").filter(|dirs| !dirs.is_empty()).unwrap_or_else(|| "/etc/xdg".into());
        let desktops = variable("XDG_CURRENT_DESKTOP").unwrap_or_default();
        let desktops = desktops.to_string_lossy().split(':').map(str::to_owned).collect();
        let program = program(std::env::current_exe()?, absolute("APPIMAGE"), absolute("APPDIR"));
        let chosen = (!installation::is_usual(data_dir)).then_some(data_dir);
        let shared = std::env::split_paths(&shared).filter(|path| path.is_absolute()).collect();
        Ok(Autostart::new(own, shared, program, chosen, desktops))
    }

    /// Another data directory than the usual one is an installation of its own, with an entry of its own.
    fn new(
        own: Option<PathBuf>,
        shared: Vec<PathBuf>,
        program: PathBuf,
        chosen: Option<&Path>,
        desktops: Vec<String>,
    ) -> Autostart {
        let bytes = |path: &Path| path.as_os_str().as_bytes().to_vec();
        let mut command = vec![bytes(&program), HIDDEN.as_bytes().to_vec()];
        let (mut file, mut name) = ("VisionGuard.desktop".to_owned(), "VisionGuard".to_owned());
        if let Some(data_dir) = chosen {
            let variable = [b"VISIONGUARD_DATA_DIR=", &*bytes(data_dir)].concat();
            command.splice(0..0, [b"env".to_vec(), variable]);
            file = format!("VisionGuard-{}.desktop", installation::identity(data_dir));
            name = format!("VisionGuard ({})", data_dir.display());
        }
        let command = entry::startable(command);
        let folder = |path: PathBuf| path.join("autostart");
        let shared = shared.into_iter().map(folder).collect();
        let chosen = chosen.map(Path::to_owned);
        Autostart { own: own.map(folder), shared, file, name, command, program, chosen, desktops }
    }

    /// Whether it is started, as things are.
    pub fn look(&self) -> State {
        let found = match self.own_entry().map(|path| self.found(&path)) {
            Some(Found::Nothing) | None => self.found_shared(),
            Some(found) => found,
        };
        State { is_on: found == Found::Ours, why_not: None }
    }

    /// Makes it so, and says what is true then.
    pub fn make(&self, wanted: bool, asked: Asked) -> State {
        let done = if wanted { self.switch_on(asked) } else { self.switch_off() };
        match done {
            Ok(()) => self.look(),
            Err(why) => State { why_not: wanted.then_some(why), ..self.look() },
        }
    }

    fn switch_on(&self, asked: Asked) -> Result<(), String> {
        let path = self.own_entry().ok_or("this account has no home directory")?;
        match self.found(&path) {
            Found::Ours => Ok(()),
            Found::Off if asked == Asked::AtStart => Ok(()),
            Found::Nothing if self.found_shared() == Found::Ours => Ok(()),
            Found::Elsewhere => {
                let before = fs::read(&path).unwrap_or_default();
                self.write(&path, |command| entry::mended(&before, &self.name, command))
            }
            Found::Off | Found::Nothing => self.write(&path, |command| entry::new(&self.name, command)),
        }
    }

    fn switch_off(&self) -> Result<(), String> {
        let Some(path) = self.own_entry() else { return Ok(()) };
        // That of the computer can only be covered.
        if matches!(self.found_shared(), Found::Ours | Found::Elsewhere) {
            return self.write(&path, |_| entry::hidden(&self.name));
        }
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(&path, &error)),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    fn write(&self, path: &Path, content: impl FnOnce(&str) -> Vec<u8>) -> Result<(), String> {
        let command = entry::command(&self.command).ok_or_else(|| {
            format!("the path {} is not text that such an entry can hold", self.program.display())
        })?;
        let folder = path.parent().unwrap_or(path);
        let written = fs::create_dir_all(folder).and_then(|()| replace(path, &content(&command)));
        written.map_err(|error| failed(path, &error))?;
        tracing::info!(path = %path.display(), "the start at sign-in is written down");
        Ok(())
    }

    fn own_entry(&self) -> Option<PathBuf> {
        self.own.as_ref().map(|folder| folder.join(&self.file))
    }

    fn found_shared(&self) -> Found {
        let found = self.shared.iter().map(|folder| self.found(&folder.join(&self.file)));
        found.into_iter().find(|found| *found != Found::Nothing).unwrap_or(Found::Nothing)
    }

    fn found(&self, path: &Path) -> Found {
        let Ok(content) = fs::read(path) else { return Found::Nothing };
        let entry = Entry::read(&content);
        if entry.is_off(&self.desktops) {
            return Found::Off;
        }
        let is_there = entry.needs.as_deref().is_none_or(|program| run::program(program).is_some());
        if entry.is_whole && is_there && self.is_started_by(&entry.command) {
            Found::Ours
        } else {
            Found::Elsewhere
        }
    }

    /// Whether this command starts this program, on this data directory.
    fn is_started_by(&self, command: &[Vec<u8>]) -> bool {
        if command == self.command {
            return true;
        }
        let Some(run) = Run::of(command) else { return false };
        let is_its_place = match (run.variable("VISIONGUARD_DATA_DIR"), &self.chosen) {
            (Some(place), Some(chosen)) => place == *chosen,
            (Some(place), None) => installation::is_usual(&place),
            (None, chosen) => chosen.is_none(),
        };
        is_its_place && (run.is_of(&self.program) || run.hands_on(&self.program))
    }
}

fn failed(path: &Path, error: &io::Error) -> String {
    format!("{} cannot be written ({error})", path.display())
}

/// Where the program is for who starts it: an AppImage is a file, and what runs lies in a folder that is gone with it.
fn program(running: PathBuf, image: Option<PathBuf>, image_dir: Option<PathBuf>) -> PathBuf {
    // The variables are inherited by whatever an AppImage starts.
    match (image, image_dir) {
        (Some(image), Some(dir)) if running.starts_with(&dir) => image,
        _ => exchanged(running),
    }
}

/// The kernel marks a program whose file was exchanged while it runs, as an update does.
fn exchanged(running: PathBuf) -> PathBuf {
    let name = running.as_os_str().as_bytes();
    match name.strip_suffix(b" (deleted)") {
        Some(name) if !running.exists() => PathBuf::from(std::ffi::OsStr::from_bytes(name)),
        _ => running,
    }
}

#[cfg(test)]
mod tests;
