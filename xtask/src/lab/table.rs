//! What was seen, and the document that is made of it.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

/// How one thing went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Verdict {
    /// As it should be.
    Works,
    /// This desktop does not offer it; the words say what a person does otherwise.
    Otherwise,
    /// Not as it should be.
    Fails,
    /// It could not be tried on this computer.
    NotTried,
}

/// One thing that was tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Outcome {
    pub(super) check: String,
    pub(super) verdict: Verdict,
    pub(super) words: String,
}

/// Everything that was tried with one program of other people's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Row {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) outcomes: Vec<Outcome>,
}

impl Row {
    pub(super) fn new(name: &str, version: &str) -> Self {
        Self { name: name.to_owned(), version: version.to_owned(), outcomes: Vec::new() }
    }

    /// Tries something. What it returns is said beside the verdict; an error is a failure. Whether
    /// it was none.
    pub(super) fn check(&mut self, check: &str, work: impl FnOnce() -> Result<Found>) -> bool {
        let (verdict, words) = match work() {
            Ok(Found::Works(words)) => (Verdict::Works, words),
            Ok(Found::Otherwise(words)) => (Verdict::Otherwise, words),
            Err(error) => (Verdict::Fails, format!("{error:#}")),
        };
        self.outcomes.push(Outcome { check: check.to_owned(), verdict, words });
        verdict != Verdict::Fails
    }

    /// Notes that nothing could be tried.
    pub(super) fn not_tried(&mut self, why: &str) {
        let words = why.to_owned();
        self.outcomes.push(Outcome { check: START.to_owned(), verdict: Verdict::NotTried, words });
    }

    pub(super) fn failures(&self) -> impl Iterator<Item = &Outcome> {
        self.outcomes.iter().filter(|outcome| outcome.verdict == Verdict::Fails)
    }
}

/// The check that comes before all others, and is a line below the table where it fails.
pub(super) const START: &str = "start";

/// What a check found, where it did not fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    Works(String),
    Otherwise(String),
}

impl Found {
    pub(super) fn works() -> Self {
        Self::Works(String::new())
    }
}

/// The table of the rows: a column for each check, footnotes for what has to be said.
pub(super) fn table(kind: &str, rows: &[&Row]) -> String {
    let mut checks: Vec<&str> = Vec::new();
    for outcome in rows.iter().flat_map(|row| &row.outcomes) {
        if outcome.check != START && !checks.contains(&outcome.check.as_str()) {
            checks.push(&outcome.check);
        }
    }
    let mut text = format!("| {kind} | {} |\n|{}\n", checks.join(" | "), " --- |".repeat(checks.len() + 1));
    let mut notes = String::new();
    for row in rows {
        let _ = write!(text, "| {} {} |", row.name, row.version);
        for check in &checks {
            let found = row.outcomes.iter().find(|outcome| outcome.check == *check);
            let word = match found {
                Some(outcome) if outcome.verdict == Verdict::Works && outcome.words.is_empty() => {
                    "yes".to_owned()
                }
                Some(outcome) if outcome.verdict == Verdict::Works => cell(&outcome.words),
                Some(outcome) if outcome.verdict == Verdict::Otherwise => cell(&outcome.words),
                Some(_) => "**no**".to_owned(),
                None => "not tried".to_owned(),
            };
            let _ = write!(text, " {word} |");
        }
        text.push('\n');
        for outcome in &row.outcomes {
            let word = match outcome.verdict {
                Verdict::Fails => "no",
                Verdict::NotTried => "not tried",
                Verdict::Works | Verdict::Otherwise => continue,
            };
            let first = outcome.words.lines().next().unwrap_or_default();
            let _ = writeln!(notes, "- {}, {}: {word}: {first}", row.name, outcome.check);
        }
    }
    if !notes.is_empty() {
        text += "\n";
        text += &notes;
    }
    text
}

/// Puts a table into a document between the marks of that name.
pub(super) fn put(document: &Path, mark: &str, table: &str) -> Result<()> {
    let text = fs::read_to_string(document).with_context(|| format!("cannot read {}", document.display()))?;
    let text = replaced(&text, mark, table)
        .with_context(|| format!("{} has no place for `{mark}`", document.display()))?;
    fs::write(document, text).with_context(|| format!("cannot write {}", document.display()))
}

fn replaced(text: &str, mark: &str, table: &str) -> Option<String> {
    let (begin, end) = (format!("<!-- lab: {mark} -->\n"), format!("<!-- /lab: {mark} -->"));
    let (before, rest) = text.split_once(&begin)?;
    let (_, after) = rest.split_once(&end)?;
    Some(format!("{before}{begin}{table}{end}{after}"))
}

/// Text that cannot break the table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_a_word_in_the_table_and_a_line_below() {
        let mut row = Row::new("dunst", "1.9");
        row.check("alert", || Ok(Found::works()));
        row.check("buttons", || Ok(Found::Otherwise("middle click".to_owned())));
        row.check("update", || anyhow::bail!("a second popup\nand more"));
        let mut away = Row::new("mako", "1.7");
        away.not_tried("sway is not installed");

        let text = table("daemon", &[&row, &away]);

        assert!(
            text.starts_with("| daemon | alert | buttons | update |\n| --- | --- | --- | --- |\n"),
            "{text}"
        );
        assert!(text.contains("| dunst 1.9 | yes | middle click | **no** |"), "{text}");
        assert!(text.contains("- dunst, update: no: a second popup\n"), "{text}");
        assert!(text.contains("- mako, start: not tried: sway is not installed\n"), "{text}");
    }

    #[test]
    fn only_what_is_between_the_marks_is_replaced() {
        let text = "a\n<!-- lab: x -->\nold\n<!-- /lab: x -->\nb\n";

        assert_eq!(
            replaced(text, "x", "new\n").as_deref(),
            Some("a\n<!-- lab: x -->\nnew\n<!-- /lab: x -->\nb\n")
        );
        assert_eq!(replaced(text, "y", "new\n"), None);
    }
}
