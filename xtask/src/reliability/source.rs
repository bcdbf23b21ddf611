//! Which tests there are, by reading the source.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use anyhow::Result;

use crate::project::root;

/// The names of the tests of faults: those without a window and those of the window.
pub(super) fn fault_tests() -> Result<BTreeSet<String>> {
    let mut tests = BTreeSet::new();
    for folder in ["tests/faults", "tests/desktop"] {
        for text in sources(&root().join(folder))? {
            tests.extend(tests_in(&text).filter(|test| test.starts_with("fault_")).map(str::to_owned));
        }
    }
    Ok(tests)
}

/// Whether there is a test of this name: `package path::of::the_test`.
pub(super) fn has_test(name: &str) -> bool {
    let Some((package, path)) = name.split_once(' ') else { return false };
    let test = path.rsplit("::").next().unwrap_or(path);
    let folder = match package.strip_prefix("visionguard-") {
        Some("tests") => root().join("tests"),
        Some("desktop") => root().join("src-tauri"),
        Some(other) => root().join("crates").join(other),
        None => root().join(package),
    };
    let Ok(sources) = sources(&folder) else { return false };
    sources.iter().any(|text| tests_in(text).any(|found| found == test))
}

/// The texts of all Rust files below a folder.
fn sources(folder: &Path) -> Result<Vec<String>> {
    let mut texts = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            texts.extend(sources(&path)?);
        } else if path.extension() == Some(OsStr::new("rs")) {
            texts.push(fs::read_to_string(&path)?);
        }
    }
    Ok(texts)
}

/// The names of the functions right under an attribute that makes them a test.
fn tests_in(text: &str) -> impl Iterator<Item = &str> {
    let mut is_test = false;
    text.lines().map(str::trim).filter_map(move |line| {
        if line.starts_with("#[") {
            is_test |= line.starts_with("#[test]") || line.contains("::test");
            return None;
        }
        let name = line
            .trim_start_matches("pub ")
            .trim_start_matches("async ")
            .strip_prefix("fn ")
            .and_then(|rest| rest.split_once('('))
            .map(|(name, _)| name.trim());
        // An attribute may go over several lines; what ends it is the function.
        let found = name.filter(|_| is_test);
        is_test &= name.is_none() && !line.is_empty();
        found
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_are_told_from_other_functions() {
        let text = "
            #[test]
            fn one() {}
            fn helper() {}
            #[cfg(unix)]
            #[tokio::test(flavor = \"multi_thread\")]
            async fn two() {}
            #[derive(Debug)]
            struct World;
            fn three() {}
        ";

        assert_eq!(tests_in(text).collect::<Vec<_>>(), ["one", "two"]);
    }

    #[test]
    fn a_test_is_found_by_its_package_and_name() {
        assert!(has_test("xtask reliability::source::tests::tests_are_told_from_other_functions"));
        assert!(!has_test("xtask reliability::source::tests_in"));
        assert!(!has_test("visionguard-nothing anything"));
        assert!(!has_test("no package"));
    }
}
