//! The table of faults: `tests/faults/matrix.toml` says which there are, the tests say how they went, and this makes
//! `docs/reliability.md` of both.
//!
//! A row needs a test here, a test elsewhere that is really there, or a reason why not.

mod source;
mod table;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::project::{root, say, target};

/// Which tests were run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Run {
    /// Those that end within a minute or so.
    Short,
    /// All of them.
    Long,
}

/// Forgets what earlier runs told, so that the next table speaks of one run.
pub fn forget() -> Result<()> {
    let folder = results_folder();
    match fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot empty {}", folder.display()))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Writes the table of the last run: below the target folder, and after a long one into the documents.
pub fn report(run: Run) -> Result<()> {
    let matrix = Matrix::read()?;
    let table = table::document(&matrix);
    let file = match run {
        Run::Short => results_folder().join("table.md"),
        Run::Long => root().join("docs/reliability.md"),
    };
    fs::create_dir_all(results_folder())?;
    fs::write(&file, table).with_context(|| format!("cannot write {}", file.display()))?;
    say(format!("The table of faults: {}", file.display()));

    let complaints = matrix.complaints(run);
    if !complaints.is_empty() {
        bail!("{}", complaints.join("\n"));
    }
    Ok(())
}

/// The rows with all that is known of them.
#[derive(Debug)]
struct Matrix {
    rows: Vec<Row>,
    told: Vec<Told>,
    /// The names of the tests under `tests/faults` and `tests/desktop`.
    tests: BTreeSet<String>,
}

/// A fault as `matrix.toml` has it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    number: u8,
    fault: String,
    /// How the tests elsewhere make it.
    #[serde(default)]
    injected: String,
    /// `package path::of::the_test`.
    #[serde(default)]
    proved_by: Names,
    not_tested: Option<String>,
}

/// One name or several.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Names {
    One(String),
    Several(Vec<String>),
}

impl Default for Names {
    fn default() -> Names {
        Names::Several(Vec::new())
    }
}

impl Names {
    fn all(&self) -> &[String] {
        match self {
            Names::One(name) => std::slice::from_ref(name),
            Names::Several(names) => names,
        }
    }
}

/// What a test told.
#[derive(Debug, Deserialize)]
struct Told {
    row: u8,
    test: String,
    injected: String,
    times: u32,
    invariants: Vec<String>,
    measured: Vec<(String, String)>,
    spreads: Vec<Spread>,
    result: Outcome,
    why: Option<String>,
    at: String,
}

#[derive(Debug, Deserialize)]
struct Spread {
    what: String,
    count: u32,
    median_ms: Option<u64>,
    p95_ms: Option<u64>,
    longest_ms: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Outcome {
    Held,
    Failed,
    #[serde(rename = "not possible")]
    NotPossible,
}

impl Matrix {
    fn read() -> Result<Matrix> {
        let file = root().join("tests/faults/matrix.toml");
        let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let rows = rows(&text).with_context(|| format!("{} is no matrix", file.display()))?;
        Ok(Matrix { rows, told: told()?, tests: source::fault_tests()? })
    }

    fn told_of(&self, number: u8) -> impl Iterator<Item = &Told> {
        self.told.iter().filter(move |told| told.row == number)
    }

    fn has_test_here(&self, number: u8) -> bool {
        let beginning = format!("fault_{number:02}_");
        self.tests.iter().any(|test| test.starts_with(&beginning))
    }

    /// What is wrong with the table, a sentence each.
    fn complaints(&self, run: Run) -> Vec<String> {
        let mut complaints = Vec::new();
        for row in &self.rows {
            let number = row.number;
            for name in row.proved_by.all() {
                if !source::has_test(name) {
                    complaints
                        .push(format!("row {number} is said to be proved by {name}, which is not there"));
                }
            }
            let is_told = self.told_of(number).next().is_some();
            let is_excused = row.not_tested.is_some() || !row.proved_by.all().is_empty();
            match run {
                Run::Short if is_told || is_excused || self.has_test_here(number) => {}
                Run::Long if is_told || (is_excused && !self.has_test_here(number)) => {}
                Run::Short | Run::Long => {
                    complaints.push(format!("row {number} has neither a result nor a reason: {}", row.fault));
                }
            }
        }
        let failed = self.told.iter().filter(|told| told.result == Outcome::Failed);
        complaints.extend(failed.map(|told| format!("row {} failed in {}", told.row, told.test)));
        complaints
    }
}

fn rows(text: &str) -> Result<Vec<Row>> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct File {
        row: Vec<Row>,
    }
    let rows = toml::from_str::<File>(text)?.row;
    let numbers: Vec<usize> = rows.iter().map(|row| usize::from(row.number)).collect();
    if numbers != (1..=rows.len()).collect::<Vec<_>>() {
        bail!("the rows are not numbered one after the other: {numbers:?}");
    }
    Ok(rows)
}

/// What the tests of the last run told, by row and name.
fn told() -> Result<Vec<Told>> {
    let mut told = Vec::new();
    let Ok(files) = fs::read_dir(results_folder()) else { return Ok(told) };
    for file in files {
        let path = file?.path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let text = fs::read_to_string(&path)?;
        told.push(
            serde_json::from_str::<Told>(&text)
                .with_context(|| format!("{} is no result", path.display()))?,
        );
    }
    told.sort_by(|one, other| (one.row, &one.test).cmp(&(other.row, &other.test)));
    Ok(told)
}

fn results_folder() -> PathBuf {
    target().join("reliability")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_has_a_row_and_every_row_a_test_or_a_reason() {
        let mut matrix = Matrix::read().unwrap();
        matrix.told.clear();

        assert_eq!(matrix.rows.len(), 52);
        assert_eq!(matrix.complaints(Run::Short), Vec::<String>::new());
    }

    #[test]
    fn a_row_without_result_or_reason_and_one_that_failed_are_complained_of() {
        let text = r#"
            [[row]]
            number = 1
            fault = "proved elsewhere"
            proved_by = "visionguard-proto a_test_that_is_nowhere"
            [[row]]
            number = 2
            fault = "failed"
            [[row]]
            number = 3
            fault = "forgotten"
            [[row]]
            number = 4
            fault = "excused"
            not_tested = "no such machine"
        "#;
        let matrix = Matrix { rows: rows(text).unwrap(), told: vec![failure(2)], tests: BTreeSet::new() };

        let complaints = matrix.complaints(Run::Long);

        assert_eq!(complaints.len(), 3, "{complaints:?}");
        assert!(complaints[0].contains("a_test_that_is_nowhere"), "{complaints:?}");
        assert!(complaints[1].contains("row 3 has neither"), "{complaints:?}");
        assert!(complaints[2].contains("row 2 failed"), "{complaints:?}");
    }

    #[test]
    fn a_test_of_the_long_run_may_be_missing_from_a_short_one_only() {
        let rows = rows("[[row]]\nnumber = 1\nfault = \"slow\"").unwrap();
        let matrix = Matrix { rows, told: Vec::new(), tests: BTreeSet::from(["fault_01_slow".to_owned()]) };

        assert_eq!(matrix.complaints(Run::Short), Vec::<String>::new());
        assert_eq!(matrix.complaints(Run::Long).len(), 1);
    }

    #[test]
    fn rows_that_are_not_in_order_are_refused() {
        assert!(rows("[[row]]\nnumber = 2\nfault = \"late\"").is_err());
    }

    fn failure(row: u8) -> Told {
        Told {
            row,
            test: "network::fault".to_owned(),
            injected: "signals".to_owned(),
            times: 1,
            invariants: Vec::new(),
            measured: Vec::new(),
            spreads: Vec::new(),
            result: Outcome::Failed,
            why: None,
            at: "2026-01-01T00:00:00Z".to_owned(),
        }
    }
}
