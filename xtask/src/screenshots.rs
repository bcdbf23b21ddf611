//! Pictures of every view of the real program, and the page that shows them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::project::{root, say};
use crate::test;

/// The views in the order in which a person meets them, and what is to be seen.
const VIEWS: [(&str, &str); 11] = [
    ("sign-in", "Signing in, once"),
    ("quiet", "Protected, and nothing has happened"),
    ("feed", "Alerts, newest first"),
    ("incident", "One alert"),
    ("report-shop", "The report: what happened in the shop"),
    ("report", "How alerts were delivered: what was lost, how fast, and every alert"),
    ("report-empty-shop", "The report of a time in which nothing happened"),
    ("report-empty", "Its delivery"),
    ("offline", "The server is gone"),
    ("settings", "Settings, and a test of the alert path that passed"),
    ("drill-failed", "Without a connection the alert path cannot be tested"),
];

/// Takes all pictures anew.
pub fn screenshots() -> Result<()> {
    let folder = root().join("docs/screenshots");
    fs::create_dir_all(&folder)?;
    // What is in folders below is the lab's.
    for entry in fs::read_dir(&folder)? {
        let path = entry?.path();
        if path.is_file() {
            fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
    }
    test::photograph(&folder)?;
    fs::write(folder.join("README.md"), index(&taken(&folder)?)?)?;
    say(format!("The pictures are in {}.", folder.display()));
    Ok(())
}

/// The pictures' names without their ending, by view.
fn taken(folder: &Path) -> Result<BTreeMap<String, Vec<String>>> {
    let mut taken: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let Some(name) = name.strip_suffix(".png") else { continue };
        // sign-in-light-360: the view is all but the last two words.
        let Some(view) = name.rsplitn(3, '-').nth(2) else { continue };
        taken.entry(view.to_owned()).or_default().push(name.to_owned());
    }
    Ok(taken)
}

fn index(taken: &BTreeMap<String, Vec<String>>) -> Result<String> {
    let mut page = String::from("# Every view\n\nTaken of the real program by `cargo xtask screenshots`.\n");
    for view in taken.keys() {
        if !VIEWS.iter().any(|(known, _)| known == view) {
            bail!("the view {view} has no place on the page");
        }
    }
    for (view, words) in VIEWS {
        let mut names = taken.get(view).cloned().with_context(|| format!("there is no picture of {view}"))?;
        names.sort_by_key(|name| (name.ends_with("-360"), name.contains("-dark-")));
        write!(page, "\n## {words}\n\n")?;
        for name in names {
            let width = if name.ends_with("-360") { 240 } else { 480 };
            writeln!(page, "<img src=\"{name}.png\" alt=\"{words}\" width=\"{width}\">")?;
        }
    }
    Ok(page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_shows_wide_before_narrow_and_light_before_dark() {
        let names = ["dark-360", "light-1280", "light-360", "dark-1280"];
        let taken = VIEWS
            .iter()
            .map(|(view, _)| {
                ((*view).to_owned(), names.iter().map(|name| format!("{view}-{name}")).collect())
            })
            .collect();

        let page = index(&taken).unwrap();

        let order: Vec<_> = page
            .lines()
            .filter_map(|line| line.strip_prefix("<img src=\"feed-"))
            .map(|line| &line[..9])
            .collect();
        assert_eq!(order, ["light-128", "dark-1280", "light-360", "dark-360."]);
    }

    #[test]
    fn a_view_that_nobody_listed_is_an_error() {
        let taken = BTreeMap::from([("surprise".to_owned(), vec!["surprise-light-360".to_owned()])]);

        assert!(index(&taken).is_err());
    }
}
