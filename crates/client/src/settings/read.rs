//! Reading: every key once, from TOML or from a variable, with its bounds.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::Value;
use visionguard_proto::Endpoint;

use super::{Complaint, LogFormat, LogLevel, Settings};
use crate::drill;
use crate::view::Theme;

/// Every key, and the variable that goes over it.
const KEYS: [(&str, &str); 15] = [
    ("server", "VISIONGUARD_SERVER"),
    ("extra_ca_file", "VISIONGUARD_EXTRA_CA_FILE"),
    ("start_at_sign_in", "VISIONGUARD_START_AT_SIGN_IN"),
    ("notifications", "VISIONGUARD_NOTIFICATIONS"),
    ("picture_in_notification", "VISIONGUARD_PICTURE_IN_NOTIFICATION"),
    ("sound", "VISIONGUARD_SOUND"),
    ("blur", "VISIONGUARD_BLUR"),
    ("theme", "VISIONGUARD_THEME"),
    ("keep_days", "VISIONGUARD_KEEP_DAYS"),
    ("keep_megabytes", "VISIONGUARD_KEEP_MEGABYTES"),
    ("drill_at", "VISIONGUARD_DRILL_AT"),
    ("offline_grace_seconds", "VISIONGUARD_OFFLINE_GRACE_SECONDS"),
    ("log_level", "VISIONGUARD_LOG_LEVEL"),
    ("log_format", "VISIONGUARD_LOG_FORMAT"),
    ("camera_names", ""),
];

pub(super) const KEEP_DAYS: RangeInclusive<u32> = 1..=365;
const KEEP_MEGABYTES: RangeInclusive<u32> = 64..=1_000_000;
const OFFLINE_GRACE: RangeInclusive<u32> = 0..=3600;

pub(super) const DRILL_AT: &str = "must be a time of day such as \"09:00\", or \"\" for never";
pub(super) const CAMERA_NAMES: &str =
    "must be a table of camera streams and their names, of at most 100 characters each";

/// Puts the file over the defaults.
pub(super) fn file(path: &Path, settings: &mut Settings, complaints: &mut Vec<Complaint>) {
    let place = path.display().to_string();
    let mut complain = |key: &str, what: String| {
        complaints.push(Complaint { place: place.clone(), key: key.to_owned(), what });
    };
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return,
        Err(error) => {
            return complain("the whole file", format!("cannot be read ({error}); the defaults are used"));
        }
    };
    let table: toml::Table = match toml::from_str(&text) {
        Ok(table) => table,
        Err(error) => {
            let line = error.span().map_or(1, |span| text[..span.start].lines().count().max(1));
            let what = format!("is not TOML ({}); the defaults are used", error.message());
            return complain(&format!("line {line}"), what);
        }
    };

    for (key, value) in &table {
        if !KEYS.iter().any(|(known, _)| known == key) {
            complain(key, "is not a setting; it is ignored".to_owned());
            continue;
        }
        if let Err(expected) = apply(settings, key, Given::Toml(value)) {
            complain(key, format!("{expected}; {} is used", shown(settings, key)));
        }
    }
    if let Some(ca_file) = &settings.extra_ca_file
        && let Some(data_dir) = path.parent()
    {
        settings.extra_ca_file = Some(data_dir.join(ca_file));
    }
}

/// Puts the variables over the file.
pub(super) fn environment(
    variable: impl Fn(&str) -> Option<String>,
    settings: &mut Settings,
    complaints: &mut Vec<Complaint>,
) {
    for (key, name) in KEYS {
        let Some(text) = variable(name).filter(|text| !name.is_empty() && !text.is_empty()) else { continue };
        if let Err(expected) = apply(settings, key, Given::Text(&text)) {
            let what = format!("{expected}; {} is used", shown(settings, key));
            complaints.push(Complaint { place: "environment".to_owned(), key: name.to_owned(), what });
        }
    }
}

/// A value as it was given.
#[derive(Clone, Copy)]
enum Given<'a> {
    Toml(&'a Value),
    Text(&'a str),
}

/// What a value should have been.
type Expected = String;

fn apply(settings: &mut Settings, key: &str, given: Given) -> Result<(), Expected> {
    let view = &mut settings.view;
    match key {
        "server" => settings.server = Some(server(given)?),
        "extra_ca_file" => settings.extra_ca_file = Some(PathBuf::from(text(given)?)),
        "start_at_sign_in" => view.start_at_sign_in = boolean(given)?,
        "notifications" => view.notifications = boolean(given)?,
        "picture_in_notification" => view.picture_in_notification = boolean(given)?,
        "sound" => view.sound = boolean(given)?,
        "blur" => view.blur = boolean(given)?,
        "theme" => view.theme = word(given, &THEMES)?,
        "keep_days" => view.keep_days = number(given, KEEP_DAYS)?,
        "keep_megabytes" => settings.keep_megabytes = number(given, KEEP_MEGABYTES)?,
        "offline_grace_seconds" => {
            settings.offline_grace = Duration::from_secs(u64::from(number(given, OFFLINE_GRACE)?));
        }
        "drill_at" => view.drill_at = time_of_day(given)?,
        "log_level" => settings.log_level = word(given, &LOG_LEVELS)?,
        "log_format" => settings.log_format = word(given, &LOG_FORMATS)?,
        "camera_names" => view.camera_names = camera_names(given)?,
        _ => return Err("is not a setting".to_owned()),
    }
    Ok(())
}

/// What is in force for a key, in the form in which it is written.
fn shown(settings: &Settings, key: &str) -> String {
    let view = &settings.view;
    match key {
        "server" => settings.server.clone().unwrap_or_else(|| "none".to_owned()),
        "extra_ca_file" => settings
            .extra_ca_file
            .as_ref()
            .map_or_else(|| "none".to_owned(), |file| file.display().to_string()),
        "start_at_sign_in" => view.start_at_sign_in.to_string(),
        "notifications" => view.notifications.to_string(),
        "picture_in_notification" => view.picture_in_notification.to_string(),
        "sound" => view.sound.to_string(),
        "blur" => view.blur.to_string(),
        "theme" => name_of(view.theme, &THEMES),
        "keep_days" => view.keep_days.to_string(),
        "keep_megabytes" => settings.keep_megabytes.to_string(),
        "offline_grace_seconds" => settings.offline_grace.as_secs().to_string(),
        "drill_at" => view.drill_at.clone().unwrap_or_else(|| "none".to_owned()),
        "log_level" => name_of(settings.log_level, &LOG_LEVELS),
        "log_format" => name_of(settings.log_format, &LOG_FORMATS),
        _ => "none".to_owned(),
    }
}

pub(super) const THEMES: [(&str, Theme); 3] =
    [("system", Theme::System), ("light", Theme::Light), ("dark", Theme::Dark)];

const LOG_LEVELS: [(&str, LogLevel); 5] = [
    ("error", LogLevel::Error),
    ("warn", LogLevel::Warn),
    ("info", LogLevel::Info),
    ("debug", LogLevel::Debug),
    ("trace", LogLevel::Trace),
];

const LOG_FORMATS: [(&str, LogFormat); 2] = [("text", LogFormat::Text), ("json", LogFormat::Json)];

fn boolean(given: Given) -> Result<bool, Expected> {
    match given {
        Given::Toml(Value::Boolean(value)) => Ok(*value),
        Given::Text("true" | "1" | "yes" | "on") => Ok(true),
        Given::Text("false" | "0" | "no" | "off") => Ok(false),
        Given::Toml(_) | Given::Text(_) => Err("must be true or false".to_owned()),
    }
}

fn number(given: Given, bounds: RangeInclusive<u32>) -> Result<u32, Expected> {
    let value = match given {
        Given::Toml(value) => value.as_integer().and_then(|value| u32::try_from(value).ok()),
        Given::Text(text) => text.trim().parse().ok(),
    };
    value
        .filter(|value| bounds.contains(value))
        .ok_or_else(|| format!("must be a whole number from {} to {}", bounds.start(), bounds.end()))
}

fn word<T: Copy>(given: Given, words: &[(&str, T)]) -> Result<T, Expected> {
    let text = text(given).unwrap_or_default();
    let known = words.iter().find(|(word, _)| text.eq_ignore_ascii_case(word));
    known.map(|(_, value)| *value).ok_or_else(|| {
        let words: Vec<_> = words.iter().map(|(word, _)| *word).collect();
        format!("must be one of {}", words.join(", "))
    })
}

pub(super) fn name_of<T: PartialEq>(value: T, words: &[(&str, T)]) -> String {
    words.iter().find(|(_, known)| *known == value).map_or_else(String::new, |(word, _)| (*word).to_owned())
}

fn text(given: Given) -> Result<String, Expected> {
    let text = match given {
        Given::Toml(value) => value.as_str(),
        Given::Text(text) => Some(text),
    };
    text.map(str::to_owned).ok_or_else(|| "must be a text in quotation marks".to_owned())
}

/// None for an empty text.
fn time_of_day(given: Given) -> Result<Option<String>, Expected> {
    let text = text(given).map_err(|_| DRILL_AT.to_owned())?;
    match text.trim() {
        "" | "never" => Ok(None),
        text if drill::time_of_day(text).is_some() => Ok(Some(text.to_owned())),
        _ => Err(DRILL_AT.to_owned()),
    }
}

fn server(given: Given) -> Result<String, Expected> {
    let text = text(given)?;
    Endpoint::parse(&text).map(|endpoint| endpoint.to_string()).map_err(|error| error.to_string())
}

fn camera_names(given: Given) -> Result<BTreeMap<String, String>, Expected> {
    let Given::Toml(Value::Table(table)) = given else { return Err(CAMERA_NAMES.to_owned()) };
    let names: Option<BTreeMap<String, String>> =
        table.iter().map(|(stream, name)| Some((stream.clone(), name.as_str()?.to_owned()))).collect();
    names.filter(super::write::are_camera_names).ok_or_else(|| CAMERA_NAMES.to_owned())
}
