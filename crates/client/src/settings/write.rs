//! Writing: only what changed, into the file as the person left it.

use std::collections::BTreeMap;
use std::path::Path;
use std::{fs, io};

use toml_edit::{DocumentMut, Item, Table, value};

use super::SettingsError;
use super::read::{CAMERA_NAMES, DRILL_AT, KEEP_DAYS, THEMES, name_of};
use crate::drill;
use crate::session_file::replace;
use crate::view::SettingsView;

const MAX_CAMERAS: usize = 1000;
const MAX_NAME: usize = 100;

/// Refuses what [`super::load`] would not read back.
pub(super) fn check(view: &SettingsView) -> Result<(), SettingsError> {
    if !KEEP_DAYS.contains(&view.keep_days) {
        return Err(SettingsError::OutOfBounds {
            key: "keep_days",
            what: "must be a whole number from 1 to 365",
        });
    }
    if view.drill_at.as_deref().is_some_and(|at| drill::time_of_day(at).is_none()) {
        return Err(SettingsError::OutOfBounds { key: "drill_at", what: DRILL_AT });
    }
    if !are_camera_names(&view.camera_names) {
        return Err(SettingsError::OutOfBounds { key: "camera_names", what: CAMERA_NAMES });
    }
    Ok(())
}

pub(super) fn are_camera_names(names: &BTreeMap<String, String>) -> bool {
    let is_name = |text: &String| {
        !text.trim().is_empty() && text.chars().count() <= MAX_NAME && !text.chars().any(char::is_control)
    };
    names.len() <= MAX_CAMERAS && names.iter().all(|(stream, name)| is_name(stream) && is_name(name))
}

/// Changes what differs between `old` and `new`.
pub(super) fn change(path: &Path, old: &SettingsView, new: &SettingsView) -> io::Result<()> {
    let mut file = read(path)?;
    let mut set = |key: &str, differs: bool, item: Item| {
        if differs {
            file[key] = item;
        }
    };
    set("start_at_sign_in", old.start_at_sign_in != new.start_at_sign_in, value(new.start_at_sign_in));
    set("notifications", old.notifications != new.notifications, value(new.notifications));
    set(
        "picture_in_notification",
        old.picture_in_notification != new.picture_in_notification,
        value(new.picture_in_notification),
    );
    set("sound", old.sound != new.sound, value(new.sound));
    set("blur", old.blur != new.blur, value(new.blur));
    set("theme", old.theme != new.theme, value(name_of(new.theme, &THEMES)));
    set("keep_days", old.keep_days != new.keep_days, value(i64::from(new.keep_days)));
    set("drill_at", old.drill_at != new.drill_at, value(new.drill_at.clone().unwrap_or_default()));
    set("camera_names", old.camera_names != new.camera_names, Item::Table(table(&new.camera_names)));
    replace(path, file.to_string().as_bytes())
}

fn table(names: &BTreeMap<String, String>) -> Table {
    names.iter().map(|(stream, name)| (stream.clone(), value(name))).collect()
}

/// A file that is not TOML is set aside, not thrown away.
fn read(path: &Path) -> io::Result<DocumentMut> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(DocumentMut::new()),
        Err(error) => return Err(error),
    };
    match text.parse() {
        Ok(file) => Ok(file),
        Err(_) => {
            fs::rename(path, path.with_extension("toml.damaged"))?;
            Ok(DocumentMut::new())
        }
    }
}
