//! The sentences a person reads, from `ui/locales/en.json`, which the page uses too.
//!
//! Keys are written out in the sources, never put together, so that a test can hold both sides against each other:
//! every key used exists, and every key that belongs to Rust is used.

use std::collections::BTreeMap;
use std::sync::LazyLock;

/// Longest name of a person in a sentence, in characters.
const LONGEST_NAME: usize = 60;

static ENGLISH: LazyLock<BTreeMap<String, String>> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../../ui/locales/en.json")).unwrap_or_default());

/// The sentence of this key with each `{name}` replaced by its value; the key itself where it is not known.
pub fn text(key: &str, values: &[(&str, &str)]) -> String {
    let Some(sentence) = ENGLISH.get(key) else { return key.to_owned() };
    fill(sentence, values)
}

/// Replaces in one pass, so that a value which looks like a placeholder stays what it is. A value that ends a sentence by
/// itself, as those of a system or of a server may, is not ended once more.
fn fill(sentence: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(sentence.len());
    let mut rest = sentence;
    while let Some(start) = rest.find('{') {
        let Some(length) = rest[start..].find('}') else { break };
        let name = &rest[start + 1..start + length];
        filled.push_str(&rest[..start]);
        match values.iter().find(|(known, _)| *known == name) {
            Some((_, value)) => filled.push_str(value),
            None => filled.push_str(&rest[start..=start + length]),
        }
        rest = &rest[start + length + 1..];
        if let Some(after) = rest.strip_prefix('.')
            && filled.ends_with(['.', '?', '!'])
        {
            rest = after;
        }
    }
    filled.push_str(rest);
    filled
}

/// A stranger's name, fit for a sentence.
pub(crate) fn plain_name(name: &str) -> String {
    let kept: String = name.chars().filter(|c| !c.is_control()).take(LONGEST_NAME).collect();
    kept.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    const OURS: [&str; 9] = [
        "status.",
        "notification.",
        "tray.",
        "problem.",
        "notice.",
        "doctor.",
        "drill.",
        "table.",
        "outcome.",
    ];

    #[test]
    fn a_value_takes_the_place_of_its_name() {
        let filled = fill("Try {n} of {of}, {unknown}", &[("n", "{of}"), ("of", "3")]);

        assert_eq!(filled, "Try {of} of 3, {unknown}");
    }

    #[test]
    fn a_value_that_ends_a_sentence_is_not_ended_once_more() {
        let said = |why: &str| fill("It failed: {why}. Try again.", &[("why", why)]);

        assert_eq!(said("the disk is full"), "It failed: the disk is full. Try again.");
        assert_eq!(said("No space left."), "It failed: No space left. Try again.");
        assert_eq!(said("who are you?"), "It failed: who are you? Try again.");
    }

    #[test]
    fn the_words_are_readable_json() {
        assert!(!ENGLISH.is_empty());
    }

    #[test]
    fn every_key_used_in_rust_exists() {
        let missing: Vec<String> =
            keys_used().into_iter().filter(|key| !ENGLISH.contains_key(key.as_str())).collect();

        assert!(missing.is_empty(), "not in ui/locales/en.json: {missing:?}");
    }

    #[test]
    fn every_key_of_rust_is_used() {
        let used = keys_used();

        let unused: Vec<&String> = ENGLISH
            .keys()
            .filter(|key| OURS.iter().any(|prefix| key.starts_with(prefix)) && !used.contains(*key))
            .collect();

        assert!(unused.is_empty(), "in ui/locales/en.json for nothing: {unused:?}");
    }

    /// Every string literal in the sources that has the shape of a key of ours.
    fn keys_used() -> BTreeSet<String> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let mut keys = BTreeSet::new();
        for folder in ["crates/client/src", "crates/cli/src", "src-tauri/src"] {
            collect(&root.join(folder), &mut keys);
        }
        keys
    }

    fn collect(folder: &Path, keys: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).expect("a source folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                collect(&path, keys);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let source = std::fs::read_to_string(&path).expect("a source file");
                keys.extend(source.split('"').filter(|literal| is_key(literal)).map(str::to_owned));
            }
        }
    }

    fn is_key(literal: &str) -> bool {
        OURS.iter().any(|prefix| literal.len() > prefix.len() && literal.starts_with(prefix))
            && literal.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '.')
    }
}
