//! Reading: every key once, from TOML or from a variable, with its bounds.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::{Table, Value};
use visionguard_proto::Endpoint;

use super::stray;
use super::text::{self, CAMERAS, Line, Said};
use super::{Complaint, ENVIRONMENT, LogFormat, LogLevel, Settings};
use crate::drill;
use crate::policy::{Hours, WRITTEN_AS};
use crate::view::{SettingsView, Theme};

/// Every key, and the variable that goes over it.
pub(super) const KEYS: [(&str, &str); 20] = [
    ("server", "VISIONGUARD_SERVER"),
    ("extra_ca_file", "VISIONGUARD_EXTRA_CA_FILE"),
    ("start_at_sign_in", "VISIONGUARD_START_AT_SIGN_IN"),
    ("notifications", "VISIONGUARD_NOTIFICATIONS"),
    ("picture_in_notification", "VISIONGUARD_PICTURE_IN_NOTIFICATION"),
    ("sound", "VISIONGUARD_SOUND"),
    ("sound_volume", "VISIONGUARD_SOUND_VOLUME"),
    ("blur", "VISIONGUARD_BLUR"),
    ("theme", "VISIONGUARD_THEME"),
    ("keep_days", "VISIONGUARD_KEEP_DAYS"),
    ("keep_megabytes", "VISIONGUARD_KEEP_MEGABYTES"),
    ("drill_at", "VISIONGUARD_DRILL_AT"),
    ("opening_hours", "VISIONGUARD_OPENING_HOURS"),
    ("cooldown_minutes", "VISIONGUARD_COOLDOWN_MINUTES"),
    ("repeat_minutes", "VISIONGUARD_REPEAT_MINUTES"),
    ("acknowledgement_timeout_minutes", "VISIONGUARD_ACKNOWLEDGEMENT_TIMEOUT_MINUTES"),
    ("offline_grace_seconds", "VISIONGUARD_OFFLINE_GRACE_SECONDS"),
    ("log_level", "VISIONGUARD_LOG_LEVEL"),
    ("log_format", "VISIONGUARD_LOG_FORMAT"),
    ("camera_names", ""),
];

pub(super) const SOUND_VOLUME: RangeInclusive<u32> = 0..=100;
pub(super) const KEEP_DAYS: RangeInclusive<u32> = 1..=365;
pub(super) const COOLDOWN_MINUTES: RangeInclusive<u32> = 0..=120;
pub(super) const REPEAT_MINUTES: RangeInclusive<u32> = 0..=60;
pub(super) const ACKNOWLEDGEMENT_TIMEOUT_MINUTES: RangeInclusive<u32> = 0..=1440;
const KEEP_MEGABYTES: RangeInclusive<u32> = 64..=1_000_000;
pub(super) const MAX_CAMERAS: usize = 1000;
const OFFLINE_GRACE: RangeInclusive<u32> = 0..=3600;

pub(super) const DRILL_AT: &str = "must be a time of day such as \"09:00\", or \"\" for never";
pub(super) const CAMERA_NAMES: &str =
    "must be a table of camera streams and their names, of at most 100 characters each";
const CAMERA_NAME: &str = "must be a camera's name in quotation marks, of at most 100 characters";

/// More than anybody mends; the rest is counted.
const COMPLAINTS: usize = 20;
/// Lines about which it is guessed what they were meant to say.
const MOST_GUESSES: usize = 1000;

/// Puts the file over the defaults. One that is no TOML is read line by line, and each line that can be read counts.
pub(super) fn file(path: &Path, settings: &mut Settings, complaints: &mut Vec<Complaint>) {
    let place = path.display().to_string();
    let why = match text::read(path) {
        Ok(Some(read)) => return take(read, path, place, settings, complaints),
        Ok(None) if path.parent().is_some_and(Path::is_dir) => return,
        // It may be on a disk that comes later.
        Ok(None) => "its folder is not there".to_owned(),
        Err(error) => error.to_string(),
    };
    PRIVATE.iter().for_each(|key| be_discreet(settings, key));
    let what = format!("cannot be read ({why}); the defaults are used, and pictures are not shown openly");
    complaints.push(Complaint { unread: true, ..Complaint::new(place, WHOLE, what) });
}

fn take(
    read: text::Text,
    path: &Path,
    place: String,
    settings: &mut Settings,
    complaints: &mut Vec<Complaint>,
) {
    let mut reading = Reading {
        settings,
        complaints: Vec::new(),
        place,
        text: &read.text,
        given: Vec::new(),
        meant: Vec::new(),
        unsure: read.is_unsure,
    };
    if let Some(oddity) = read.oddity {
        reading.complain(None, WHOLE, oddity.to_owned());
    }
    match toml::from_str::<toml::Table>(&read.text) {
        Ok(table) => {
            reading.unsure = false;
            reading.whole(&table);
        }
        Err(_) => reading.lines(),
    }
    reading.end();
    let said = reading.complaints;
    let more = said.len().saturating_sub(COMPLAINTS);
    let place = reading.place;
    complaints.extend(said.into_iter().take(COMPLAINTS));
    if more > 0 {
        let what = format!("has {more} more lines that are not understood");
        complaints.push(Complaint::new(place, WHOLE, what));
    }
    if let Some(ca_file) = &settings.extra_ca_file
        && let Some(data_dir) = path.parent()
    {
        settings.extra_ca_file = Some(data_dir.join(ca_file));
    }
}

const WHOLE: &str = "the whole file";

/// What concerns the privacy of who is in the pictures: where it cannot be told what was chosen, less is shown.
pub(super) const PRIVATE: [&str; 2] = ["picture_in_notification", "blur"];

fn be_discreet(settings: &mut Settings, key: &str) {
    match key {
        "picture_in_notification" => settings.view.picture_in_notification = false,
        "blur" => settings.view.blur = true,
        _ => {}
    }
}

/// A file while it is read.
struct Reading<'a> {
    settings: &'a mut Settings,
    complaints: Vec<Complaint>,
    place: String,
    text: &'a str,
    /// Keys that had a value.
    given: Vec<String>,
    /// Keys that were meant by another name or in another place.
    meant: Vec<String>,
    /// A line says something that cannot be made out.
    unsure: bool,
}

impl Reading<'_> {
    fn complain(&mut self, line: Option<usize>, key: &str, what: String) {
        self.complaints.push(Complaint { line, ..Complaint::new(self.place.clone(), key, what) });
    }

    /// A file of TOML. What stands at its place counts before what does not.
    fn whole(&mut self, table: &Table) {
        let is_known = |key: &str| KEYS.iter().any(|(known, _)| *known == key);
        let (known, other): (Vec<_>, Vec<_>) = table.iter().partition(|(key, _)| is_known(key));
        for (key, value) in known.into_iter().chain(other) {
            let line = self.line_of("", key);
            self.take(line, key, Given::Toml(value));
        }
        self.complaints.sort_by_key(|complaint| complaint.line);
    }

    fn take(&mut self, line: Option<usize>, key: &str, given: Given) {
        if let (CAMERAS, Given::Toml(Value::Table(names))) = (key, given) {
            for (stream, name) in names {
                self.camera(self.line_of(CAMERAS, stream).or(line), stream, name);
            }
            return;
        }
        let strays = match given {
            Given::Toml(value) => self.strays(line, key, value),
            Given::Text(_) => 0,
        };
        if !KEYS.iter().any(|(known, _)| *known == key) {
            if strays == 0 {
                self.unknown(line, key);
            }
            return;
        }
        let before = self.settings.clone();
        if let Err(expected) = apply(self.settings, key, given) {
            be_discreet(self.settings, key);
            let used = shown(self.settings, key);
            let again = if self.is_given(key) { "is there more than once and " } else { "" };
            return self.complain(line, key, format!("{again}{expected}; {used} is used"));
        }
        if self.is_given(key) {
            if is_more_discreet(&before, key) {
                be_discreet(self.settings, key);
            }
            let used = shown(self.settings, key);
            self.complain(line, key, format!("is there more than once; {used} is used"));
        }
        self.given.push(key.to_owned());
    }

    /// None where it would not be said any more.
    fn line_of(&self, section: &str, key: &str) -> Option<usize> {
        if self.complaints.len() > COMPLAINTS { None } else { text::line_of(self.text, section, key) }
    }

    fn is_given(&self, key: &str) -> bool {
        self.given.iter().any(|given| given == key)
    }

    fn unknown(&mut self, line: Option<usize>, key: &str) {
        let Some(meant) = stray::meant(key) else {
            return self.complain(line, &short(key), "is not a setting; it is ignored".to_owned());
        };
        let used = self.used_for(meant);
        let what = if stray::is_variable(key) {
            format!("is the name of a variable, which is {meant} in this file; write that; {used} is used")
        } else if PRIVATE.contains(&meant) {
            format!("is not a setting ({meant} is one); it is ignored, and {used} is used for {meant}")
        } else {
            format!("is not a setting ({meant} is one); it is ignored")
        };
        self.complain(line, key, what);
    }

    /// What is used for a setting that was meant in a place, or by a name, that is not its own.
    fn used_for(&mut self, meant: &str) -> String {
        if !self.is_given(meant) {
            be_discreet(self.settings, meant);
            self.meant.push(meant.to_owned());
        }
        shown(self.settings, meant)
    }

    /// Complains of every setting inside a table in which none is read, and says how many there are.
    fn strays(&mut self, line: Option<usize>, section: &str, value: &Value) -> usize {
        if let Value::Array(values) = value {
            return values.iter().map(|value| self.strays(line, section, value)).sum();
        }
        let Value::Table(table) = value else { return 0 };
        let mut found = 0;
        for (key, value) in table {
            let line = self.line_of(section, key).or(line);
            if let Some(meant) = stray::out_of_place(key) {
                self.misplaced(line, section, key, meant);
                found += 1;
            } else {
                found += self.strays(line, &format!("{section}.{key}"), value);
            }
        }
        found
    }

    fn misplaced(&mut self, line: Option<usize>, section: &str, key: &str, meant: &str) {
        let used = self.used_for(meant);
        let section = short(section);
        let what = format!(
            "is inside [{section}], where no setting is looked for; \
             write {meant} above the first line in brackets; {used} is used"
        );
        self.complain(line, key, what);
    }

    /// A line under `[camera_names]`, where somebody who adds a setting at the end of the file puts it, too.
    fn camera(&mut self, line: Option<usize>, stream: &str, name: &Value) {
        if let Some(meant) = stray::among_cameras(stream, name) {
            return self.misplaced(line, CAMERAS, stream, meant);
        }
        if self.strays(line, &format!("{CAMERAS}.{stream}"), name) > 0 {
            return;
        }
        let Some(name) = name.as_str().filter(|name| super::write::is_camera_name(stream, name)) else {
            return self.complain(line, &short(stream), format!("{CAMERA_NAME}; this one is ignored"));
        };
        let names = &mut self.settings.view.camera_names;
        if names.len() == MAX_CAMERAS && !names.contains_key(stream) {
            let what =
                format!("is one camera more than the {MAX_CAMERAS} that can have names; it is ignored");
            return self.complain(line, stream, what);
        }
        names.insert(stream.to_owned(), name.to_owned());
    }

    /// Each line for itself.
    fn lines(&mut self) {
        for Line { number, section, key, said } in text::lines(self.text) {
            let number = Some(number);
            if section == CAMERAS {
                match said {
                    Said::Value(name) => self.camera(number, &key, &name),
                    Said::AsWritten(name)
                        if stray::goes_on(&name)
                            || (key.contains(char::is_whitespace) && stray::ends_in_one(&key)) =>
                    {
                        self.not_understood(number, &key);
                        self.unsure = true;
                    }
                    Said::AsWritten(name) => match stray::out_of_place(&key) {
                        Some(meant) => self.misplaced(number, CAMERAS, &key, meant),
                        None => self.camera(number, &key, &Value::String(name)),
                    },
                    Said::Nothing => self.not_understood(number, &key),
                }
                continue;
            }
            if !section.is_empty() {
                if let Some(meant) = stray::out_of_place(&key) {
                    self.misplaced(number, &section, &key, meant);
                }
                continue;
            }
            match said {
                Said::Value(value) => self.take(number, &key, Given::Toml(&value)),
                Said::AsWritten(value) if TEXTS.contains(&key.as_str()) && !stray::goes_on(&value) => {
                    let what =
                        "is not written as TOML; it is read as it stands there. Put it between single quotes";
                    self.complain(number, &key, what.to_owned());
                    self.take(number, &key, Given::Text(&value));
                }
                Said::AsWritten(value) if stray::goes_on(&value) => {
                    // What the others say is not known.
                    self.not_understood(number, &key);
                    self.unsure = true;
                }
                Said::AsWritten(_) if stray::is_variable(&key) => self.unknown(number, &key),
                Said::AsWritten(_) | Said::Nothing => self.not_understood(number, &key),
            }
        }
    }

    fn not_understood(&mut self, line: Option<usize>, key: &str) {
        if self.complaints.len() > MOST_GUESSES {
            // Nobody wrote so many settings: whatever it is, it may have been about anything.
            self.unsure = true;
            return;
        }
        let known =
            KEYS.iter().map(|(known, _)| *known).find(|known| *known == key).or_else(|| stray::meant(key));
        match known {
            Some(known) => {
                let used = self.used_for(known);
                self.complain(line, known, format!("is not understood; {used} is used"));
            }
            None => {
                self.unsure = true;
                self.complain(line, &short(key), "is not understood; it is ignored".to_owned());
            }
        }
    }

    /// What was not given may have been what could not be read.
    fn end(&mut self) {
        if !self.unsure {
            return;
        }
        for key in PRIVATE {
            if self.is_given(key) || self.meant.iter().any(|meant| meant == key) {
                continue;
            }
            be_discreet(self.settings, key);
            let used = shown(self.settings, key);
            self.complain(None, key, format!("may have been in what cannot be read; {used} is used"));
        }
    }
}

/// Settings whose value is a text that has no other meaning than itself.
pub(super) const TEXTS: [&str; 2] = ["server", "extra_ca_file"];

fn is_more_discreet(settings: &Settings, key: &str) -> bool {
    match key {
        "picture_in_notification" => !settings.view.picture_in_notification,
        "blur" => settings.view.blur,
        _ => false,
    }
}

/// As much of a key as a sentence bears.
fn short(key: &str) -> String {
    key.chars().take(40).collect()
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
            be_discreet(settings, key);
            let what = format!("{expected}; {} is used", shown(settings, key));
            complaints.push(Complaint::new(ENVIRONMENT.to_owned(), name, what));
        }
    }
}

/// Complains of variables that are none, and were meant to be.
pub(super) fn misspelt(
    names: impl Iterator<Item = String>,
    settings: &mut Settings,
    complaints: &mut Vec<Complaint>,
) {
    // Windows tells no capitals from small letters.
    let is_one = |name: &str, variable: &str| {
        if cfg!(windows) { name.eq_ignore_ascii_case(variable) } else { name == variable }
    };
    let is_none = |name: &String| !KEYS.iter().any(|(_, variable)| is_one(name, variable));
    for name in names.filter(|name| is_none(name) && stray::is_variable(name)) {
        let meant = KEYS.iter().find(|(key, _)| stray::meant(&name) == Some(key));
        let Some((key, variable)) = meant.filter(|(_, variable)| !variable.is_empty()) else { continue };
        be_discreet(settings, key);
        let what = format!("is not a variable ({variable} is one); {} is used", shown(settings, key));
        complaints.push(Complaint::new(ENVIRONMENT.to_owned(), &name, what));
    }
}

/// A value as it was given.
#[derive(Clone, Copy)]
pub(super) enum Given<'a> {
    Toml(&'a Value),
    Text(&'a str),
}

/// What a value should have been.
pub(super) type Expected = String;

pub(super) fn apply(settings: &mut Settings, key: &str, given: Given) -> Result<(), Expected> {
    let view = &mut settings.view;
    match key {
        "server" => settings.server = Some(server(given)?),
        "extra_ca_file" => settings.extra_ca_file = Some(path(given)?),
        "start_at_sign_in" => view.start_at_sign_in = boolean(given)?,
        "notifications" => view.notifications = boolean(given)?,
        "picture_in_notification" => view.picture_in_notification = boolean(given)?,
        "sound" => view.sound = boolean(given)?,
        "sound_volume" => view.sound_volume = number(given, SOUND_VOLUME)?,
        "blur" => view.blur = boolean(given)?,
        "theme" => view.theme = word(given, &THEMES)?,
        "keep_days" => view.keep_days = number(given, KEEP_DAYS)?,
        "keep_megabytes" => settings.keep_megabytes = number(given, KEEP_MEGABYTES)?,
        "offline_grace_seconds" => {
            settings.offline_grace = Duration::from_secs(u64::from(number(given, OFFLINE_GRACE)?));
        }
        "drill_at" => view.drill_at = time_of_day(given)?,
        "cooldown_minutes" => view.cooldown_minutes = number(given, COOLDOWN_MINUTES)?,
        "repeat_minutes" => view.repeat_minutes = number(given, REPEAT_MINUTES)?,
        "acknowledgement_timeout_minutes" => {
            view.acknowledgement_timeout_minutes = number(given, ACKNOWLEDGEMENT_TIMEOUT_MINUTES)?
        }
        "opening_hours" => view.opening_hours = opening_hours(given)?,
        "log_level" => settings.log_level = word(given, &LOG_LEVELS)?,
        "log_format" => settings.log_format = word(given, &LOG_FORMATS)?,
        // A table of them is taken name by name.
        CAMERAS => return Err(CAMERA_NAMES.to_owned()),
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
        "sound_volume" => view.sound_volume.to_string(),
        "blur" => view.blur.to_string(),
        "theme" => name_of(view.theme, &THEMES),
        "keep_days" => view.keep_days.to_string(),
        "keep_megabytes" => settings.keep_megabytes.to_string(),
        "offline_grace_seconds" => settings.offline_grace.as_secs().to_string(),
        "drill_at" => view.drill_at.clone().unwrap_or_else(|| "none".to_owned()),
        "cooldown_minutes" => view.cooldown_minutes.to_string(),
        "repeat_minutes" => view.repeat_minutes.to_string(),
        "acknowledgement_timeout_minutes" => view.acknowledgement_timeout_minutes.to_string(),
        "opening_hours" => written(view).unwrap_or_else(|| "none".to_owned()),
        "log_level" => name_of(settings.log_level, &LOG_LEVELS),
        "log_format" => name_of(settings.log_format, &LOG_FORMATS),
        _ => "none".to_owned(),
    }
}

pub(super) const THEMES: [(&str, Theme); 3] =
    [("system", Theme::System), ("light", Theme::Light), ("dark", Theme::Dark)];

pub(super) const LOG_LEVELS: [(&str, LogLevel); 5] = [
    ("error", LogLevel::Error),
    ("warn", LogLevel::Warn),
    ("info", LogLevel::Info),
    ("debug", LogLevel::Debug),
    ("trace", LogLevel::Trace),
];

pub(super) const LOG_FORMATS: [(&str, LogFormat); 2] = [("text", LogFormat::Text), ("json", LogFormat::Json)];

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
    let text = text_in(given).unwrap_or_default();
    let known = words.iter().find(|(word, _)| text.eq_ignore_ascii_case(word));
    known.map(|(_, value)| *value).ok_or_else(|| {
        let words: Vec<_> = words.iter().map(|(word, _)| *word).collect();
        format!("must be one of {}", words.join(", "))
    })
}

pub(super) fn name_of<T: PartialEq>(value: T, words: &[(&str, T)]) -> String {
    words.iter().find(|(_, known)| *known == value).map_or_else(String::new, |(word, _)| (*word).to_owned())
}

fn text_in(given: Given) -> Result<String, Expected> {
    let text = match given {
        Given::Toml(value) => value.as_str(),
        Given::Text(text) => Some(text),
    };
    text.map(str::to_owned).ok_or_else(|| "must be a text in quotation marks".to_owned())
}

/// `"C:\temp\new"` is a text of TOML with a tab and a line's end in it, and never the path that was meant.
fn path(given: Given) -> Result<PathBuf, Expected> {
    let path = text_in(given)?;
    if path.is_empty() || path.chars().any(char::is_control) {
        return Err("must be a path; put it between single quotes".to_owned());
    }
    Ok(PathBuf::from(path))
}

/// None for an empty text.
fn time_of_day(given: Given) -> Result<Option<String>, Expected> {
    let text = text_in(given).map_err(|_| DRILL_AT.to_owned())?;
    match text.trim() {
        "" | "never" => Ok(None),
        text if drill::time_of_day(text).is_some() => Ok(Some(text.to_owned())),
        _ => Err(DRILL_AT.to_owned()),
    }
}

/// Each day's spans, Monday first; none for an empty text.
fn opening_hours(given: Given) -> Result<Option<Vec<String>>, Expected> {
    let text = text_in(given).map_err(|_| WRITTEN_AS.to_owned())?;
    match text.trim() {
        "" => Ok(None),
        text => Hours::read(text).map(|hours| Some(hours.days())).ok_or_else(|| WRITTEN_AS.to_owned()),
    }
}

/// The opening hours as the file has them.
pub(super) fn written(view: &SettingsView) -> Option<String> {
    Hours::of(view).map(|hours| hours.to_string())
}

fn server(given: Given) -> Result<String, Expected> {
    let text = text_in(given)?;
    Endpoint::parse(&text).map(|endpoint| endpoint.to_string()).map_err(|error| error.to_string())
}
