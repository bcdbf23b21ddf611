//! Settings that somebody wrote by another name or in another place than theirs: which of them was meant.

use toml::Value;

use super::Settings;
use super::read::{self, Given, KEYS, PRIVATE, TEXTS};
use super::text::CAMERAS;

/// Whether a key can be guessed from one that is none.
const TYPING_ERRORS: usize = 2;

/// What every variable's name begins with, as [`plain`] has it.
const VARIABLE: &str = "visionguard";

/// The setting that this was meant to be, most likely. In the file a variable's name means its setting.
pub(super) fn meant(key: &str) -> Option<&'static str> {
    let key: String = plain(key).chars().take(60).collect();
    let key = key.strip_prefix(VARIABLE).unwrap_or(&key);
    let (length, most) = (key.chars().count(), TYPING_ERRORS.min(key.len() / 3));
    KEYS.iter().map(|(known, _)| *known).find(|known| {
        let known = plain(known);
        // Most keys of a long file differ from it in nothing so much as in their length.
        known.len().abs_diff(length) <= most && distance(&known, key) <= most
    })
}

/// The setting that this was meant to be, in a table where none is looked for. The table of cameras may be anywhere.
pub(super) fn out_of_place(key: &str) -> Option<&'static str> {
    meant(key).filter(|meant| *meant != CAMERAS)
}

/// Whether what stands behind a key goes on with another setting.
pub(super) fn goes_on(value: &str) -> bool {
    value.split('=').rev().skip(1).any(ends_in_one)
}

/// Whether the last word is a setting's name.
pub(super) fn ends_in_one(text: &str) -> bool {
    let mut words =
        text.trim_end().rsplit(|letter: char| !letter.is_alphanumeric() && !"_-".contains(letter));
    words.next().is_some_and(|word| !word.is_empty() && meant(word).is_some())
}

/// Whether it is spelled as a variable of the environment.
pub(super) fn is_variable(key: &str) -> bool {
    meant(key).is_some() && plain(key).starts_with(VARIABLE)
}

/// The setting that a line under `[camera_names]` was meant to be, if it was not meant for a camera: one whose name it
/// has and whose value it could be, or something that is no name at all.
pub(super) fn among_cameras(stream: &str, name: &Value) -> Option<&'static str> {
    let meant = out_of_place(stream)?;
    // More than was chosen is never shown for the sake of a camera of that name.
    let Some(text) = name.as_str().filter(|_| !PRIVATE.contains(&meant)) else { return Some(meant) };
    let fits = |text: &str| read::apply(&mut Settings::default(), meant, Given::Text(text)).is_ok();
    let fits = fits(text) || fits(&text.to_lowercase());
    // Almost every name could be an address or a path.
    let is_its_name = !TEXTS.contains(&meant) || stream == meant || is_variable(stream);
    (fits && is_its_name).then_some(meant)
}

fn plain(key: &str) -> String {
    key.to_lowercase().replace(['-', ' ', '_'], "")
}

/// How many letters have to be put in, left out or changed to come from one word to the other.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, letter) in one.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, target) in other.iter().enumerate() {
            let changed = diagonal + usize::from(letter != *target);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}
