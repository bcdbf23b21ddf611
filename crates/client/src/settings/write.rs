//! Writing: only what changed, into the file as the person left it.

use std::collections::BTreeMap;
use std::path::Path;
use std::{fs, io};

use toml::Value;
use toml_edit::{DocumentMut, Item, Table, value};

use super::read::{
    ACKNOWLEDGEMENT_TIMEOUT_MINUTES, CAMERA_NAMES, COOLDOWN_MINUTES, DRILL_AT, KEEP_DAYS, LOG_FORMATS,
    LOG_LEVELS, MAX_CAMERAS, PRIVATE, REPEAT_MINUTES, SOUND_VOLUME, THEMES, name_of, written,
};
use super::{Settings, SettingsError, stray, text};
use crate::drill;
use crate::policy::{Hours, WRITTEN_AS};
use crate::session_file::replace;
use crate::view::SettingsView;

const MAX_NAME: usize = 100;

/// Refuses what [`super::load`] would not read back.
pub(super) fn check(view: &SettingsView) -> Result<(), SettingsError> {
    if !KEEP_DAYS.contains(&view.keep_days) {
        return Err(SettingsError::OutOfBounds {
            key: "keep_days",
            what: "must be a whole number from 1 to 365",
        });
    }
    if !SOUND_VOLUME.contains(&view.sound_volume) {
        return Err(SettingsError::OutOfBounds {
            key: "sound_volume",
            what: "must be a whole number from 0 to 100",
        });
    }
    if !COOLDOWN_MINUTES.contains(&view.cooldown_minutes) {
        return Err(SettingsError::OutOfBounds {
            key: "cooldown_minutes",
            what: "must be a whole number from 0 to 120",
        });
    }
    if !REPEAT_MINUTES.contains(&view.repeat_minutes) {
        return Err(SettingsError::OutOfBounds {
            key: "repeat_minutes",
            what: "must be a whole number from 0 to 60",
        });
    }
    if !ACKNOWLEDGEMENT_TIMEOUT_MINUTES.contains(&view.acknowledgement_timeout_minutes) {
        return Err(SettingsError::OutOfBounds {
            key: "acknowledgement_timeout_minutes",
            what: "must be a whole number from 0 to 1440",
        });
    }
    if view.drill_at.as_deref().is_some_and(|at| drill::time_of_day(at).is_none()) {
        return Err(SettingsError::OutOfBounds { key: "drill_at", what: DRILL_AT });
    }
    if view.opening_hours.is_some() && Hours::of(view).is_none() {
        return Err(SettingsError::OutOfBounds { key: "opening_hours", what: WRITTEN_AS });
    }
    let names = &view.camera_names;
    if names.len() > MAX_CAMERAS || !names.iter().all(|(stream, name)| is_camera_name(stream, name)) {
        return Err(SettingsError::OutOfBounds { key: "camera_names", what: CAMERA_NAMES });
    }
    let is_a_setting = |stream: &str, name: &str| stray::among_cameras(stream, &Value::from(name)).is_some();
    if names.iter().any(|(stream, name)| is_a_setting(stream, name)) {
        return Err(SettingsError::OutOfBounds {
            key: "camera_names",
            what: "has a camera called like a setting, and for its name a value of that setting; choose another name",
        });
    }
    Ok(())
}

pub(super) fn is_camera_name(stream: &str, name: &str) -> bool {
    let is_name = |text: &str| {
        !text.trim().is_empty() && text.chars().count() <= MAX_NAME && !text.chars().any(char::is_control)
    };
    is_name(stream) && is_name(name)
}

/// Changes what differs between `old` and `new`. A file that is no TOML is written anew from what could be read of it.
pub(super) fn change(
    path: &Path,
    in_file: &Settings,
    old: &SettingsView,
    new: &SettingsView,
) -> io::Result<()> {
    // A file that somebody keeps elsewhere stays there.
    let path = &path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let mut file = read(path, in_file)?;
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
    set("sound_volume", old.sound_volume != new.sound_volume, value(i64::from(new.sound_volume)));
    set("blur", old.blur != new.blur, value(new.blur));
    set("theme", old.theme != new.theme, value(name_of(new.theme, &THEMES)));
    set("keep_days", old.keep_days != new.keep_days, value(i64::from(new.keep_days)));
    set("drill_at", old.drill_at != new.drill_at, value(new.drill_at.clone().unwrap_or_default()));
    set(
        "cooldown_minutes",
        old.cooldown_minutes != new.cooldown_minutes,
        value(i64::from(new.cooldown_minutes)),
    );
    set("repeat_minutes", old.repeat_minutes != new.repeat_minutes, value(i64::from(new.repeat_minutes)));
    set(
        "acknowledgement_timeout_minutes",
        old.acknowledgement_timeout_minutes != new.acknowledgement_timeout_minutes,
        value(i64::from(new.acknowledgement_timeout_minutes)),
    );
    set("opening_hours", old.opening_hours != new.opening_hours, value(written(new).unwrap_or_default()));
    rename(&mut file, &old.camera_names, &new.camera_names);
    replace(path, file.to_string().as_bytes())
}

/// What is no camera's name stays where somebody wrote it: it may be a setting.
fn rename(file: &mut DocumentMut, old: &BTreeMap<String, String>, new: &BTreeMap<String, String>) {
    if old == new {
        return;
    }
    let Some(names) = file.get_mut("camera_names").and_then(Item::as_table_like_mut) else {
        file["camera_names"] = Item::Table(table(new));
        return;
    };
    for gone in old.keys().filter(|stream| !new.contains_key(*stream)) {
        names.remove(gone);
    }
    for (stream, name) in new.iter().filter(|(stream, name)| old.get(*stream) != Some(*name)) {
        names.insert(stream, value(name));
    }
}

fn table(names: &BTreeMap<String, String>) -> Table {
    names.iter().map(|(stream, name)| (stream.clone(), value(name))).collect()
}

/// The file as it is, or all that could be read of it where it is no TOML; a copy is kept of what will not be written again.
fn read(path: &Path, in_file: &Settings) -> io::Result<DocumentMut> {
    let Some(read) = text::read(path)? else { return Ok(DocumentMut::new()) };
    let parsed = read.text.parse::<DocumentMut>();
    if !read.is_whole || parsed.is_err() {
        keep_copy(path)?;
    }
    Ok(parsed.unwrap_or_else(|_| everything(in_file)))
}

/// Beside the file, under a name that is free or has the very same content.
fn keep_copy(path: &Path) -> io::Result<()> {
    let content = fs::read(path)?;
    let mut copy = path.with_extension("toml.damaged");
    let mut again = 1;
    while copy.exists() && fs::read(&copy).ok().as_deref() != Some(&content[..]) {
        again += 1;
        copy = path.with_extension(format!("toml.damaged-{again}"));
    }
    replace(&copy, &content)
}

/// What is not as it is by default, and what concerns privacy in any case.
fn everything(settings: &Settings) -> DocumentMut {
    let mut file = DocumentMut::new();
    let usual = Settings::default();
    let (view, usual_view) = (&settings.view, &usual.view);
    let mut set = |key: &str, differs: bool, item: Item| {
        if differs || PRIVATE.contains(&key) {
            file[key] = item;
        }
    };
    let path = settings.extra_ca_file.as_ref().map(|path| path.to_string_lossy().into_owned());
    set("server", settings.server.is_some(), value(settings.server.clone().unwrap_or_default()));
    set("extra_ca_file", path.is_some(), value(path.unwrap_or_default()));
    set(
        "start_at_sign_in",
        view.start_at_sign_in != usual_view.start_at_sign_in,
        value(view.start_at_sign_in),
    );
    set("notifications", view.notifications != usual_view.notifications, value(view.notifications));
    set("picture_in_notification", true, value(view.picture_in_notification));
    set("sound", view.sound != usual_view.sound, value(view.sound));
    set("sound_volume", view.sound_volume != usual_view.sound_volume, value(i64::from(view.sound_volume)));
    set("blur", true, value(view.blur));
    set("theme", view.theme != usual_view.theme, value(name_of(view.theme, &THEMES)));
    set("keep_days", view.keep_days != usual_view.keep_days, value(i64::from(view.keep_days)));
    set(
        "keep_megabytes",
        settings.keep_megabytes != usual.keep_megabytes,
        value(i64::from(settings.keep_megabytes)),
    );
    set("drill_at", view.drill_at.is_some(), value(view.drill_at.clone().unwrap_or_default()));
    set(
        "cooldown_minutes",
        view.cooldown_minutes != usual_view.cooldown_minutes,
        value(i64::from(view.cooldown_minutes)),
    );
    set(
        "repeat_minutes",
        view.repeat_minutes != usual_view.repeat_minutes,
        value(i64::from(view.repeat_minutes)),
    );
    set(
        "acknowledgement_timeout_minutes",
        view.acknowledgement_timeout_minutes != usual_view.acknowledgement_timeout_minutes,
        value(i64::from(view.acknowledgement_timeout_minutes)),
    );
    set("opening_hours", view.opening_hours.is_some(), value(written(view).unwrap_or_default()));
    let grace = i64::try_from(settings.offline_grace.as_secs()).unwrap_or_default();
    set("offline_grace_seconds", settings.offline_grace != usual.offline_grace, value(grace));
    set("log_level", settings.log_level != usual.log_level, value(name_of(settings.log_level, &LOG_LEVELS)));
    set(
        "log_format",
        settings.log_format != usual.log_format,
        value(name_of(settings.log_format, &LOG_FORMATS)),
    );
    set("camera_names", !view.camera_names.is_empty(), Item::Table(table(&view.camera_names)));
    file
}
