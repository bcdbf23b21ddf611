//! Everything that was measured so far, and where: a JSON file, from which the document is written.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::figures::Figure;
use super::peers::Peers;
use super::plot::Plot;
use crate::project::{output, tool};

/// The figures of every row, each as it was measured last.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) rows: BTreeMap<Number, Measured>,
}

/// A row's place in the document: by its letter, then by its number.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(super) struct Number(String, u32);

/// A row as it was measured.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Measured {
    pub(super) what: String,
    /// The day, in UTC.
    pub(super) at: String,
    /// The commit of ours as it was built, and whether anything was changed since.
    pub(super) commit: String,
    /// What was asked for, beyond the row.
    #[serde(default)]
    pub(super) asked: String,
    pub(super) place: Place,
    pub(super) figures: Vec<Figure>,
    #[serde(default)]
    pub(super) plots: Vec<Plot>,
}

/// On what it was measured, and with which versions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    pub(super) machine: String,
    pub(super) versions: Vec<(String, String)>,
}

impl From<Number> for String {
    fn from(number: Number) -> String {
        number.to_string()
    }
}

impl TryFrom<String> for Number {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let digits = text.find(|letter: char| letter.is_ascii_digit()).unwrap_or(text.len());
        let number = text[digits..].parse().map_err(|_| format!("{text} is no row"))?;
        Ok(Self(text[..digits].to_owned(), number))
    }
}

impl std::fmt::Display for Number {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}{}", self.0, self.1)
    }
}

impl Record {
    /// Reads what was measured earlier.
    pub(super) fn read(file: &Path) -> Result<Self> {
        let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        serde_json::from_str(&text).with_context(|| format!("{} holds no figures", file.display()))
    }

    /// What was measured so far; nothing if there is no file yet.
    pub(super) fn so_far(file: &Path) -> Result<Self> {
        if file.is_file() { Self::read(file) } else { Ok(Self::default()) }
    }

    /// Puts a row in the place of its earlier figures. Runs that do so at the same time wait for each other, and whoever reads
    /// meanwhile finds the whole of it.
    pub(super) fn keep(file: &Path, number: &str, measured: Measured) -> Result<()> {
        let number = Number::try_from(number.to_owned()).map_err(anyhow::Error::msg)?;
        let lock = file.with_extension("lock");
        let lock = fs::File::create(&lock).with_context(|| format!("cannot create {}", lock.display()))?;
        lock.lock().context("cannot wait for another run")?;

        let mut record = Self::so_far(file)?;
        record.rows.insert(number, measured);
        let (fresh, text) = (file.with_extension("new"), serde_json::to_string_pretty(&record)?);
        fs::write(&fresh, text + "\n").with_context(|| format!("cannot write {}", fresh.display()))?;
        fs::rename(&fresh, file).with_context(|| format!("cannot write {}", file.display()))
    }
}

impl Measured {
    /// What was measured here and now, of that commit.
    pub(super) fn of(what: &str, commit: &str, asked: &str, peers: &Peers, outcome: Outcome) -> Self {
        let said = |command: &mut Command| output(command).unwrap_or_default().trim().to_owned();
        Self {
            what: what.to_owned(),
            at: said(tool("date", ["-u", "+%Y-%m-%d"]).env("LC_ALL", "C")),
            commit: commit.to_owned(),
            asked: asked.to_owned(),
            place: Place { machine: machine(), versions: versions(peers) },
            figures: outcome.figures,
            plots: outcome.plots,
        }
    }
}

/// The commit that is built now.
pub(super) fn commit() -> Result<String> {
    let commit = output(&mut tool("git", ["rev-parse", "--short=7", "HEAD"]))?;
    let changes = output(&mut tool("git", ["status", "--porcelain", "--untracked-files=no"]))?;
    let suffix = if changes.trim().is_empty() { "" } else { " with changes" };
    Ok(format!("{}{suffix}", commit.trim()))
}

/// What measuring a row brings.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) figures: Vec<Figure>,
    pub(super) plots: Vec<Plot>,
}

impl From<Vec<Figure>> for Outcome {
    fn from(figures: Vec<Figure>) -> Self {
        Self { figures, plots: Vec::new() }
    }
}

/// What kind of machine this is, without a name.
fn machine() -> String {
    let value = |file: &str, name: &str| {
        let text = fs::read_to_string(file).unwrap_or_default();
        let value = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.trim().strip_prefix(':').map(str::to_owned));
        value.unwrap_or_default().trim().to_owned()
    };
    let model = value("/proc/cpuinfo", "model name");
    let kilobytes: f64 = value("/proc/meminfo", "MemTotal").trim_end_matches(" kB").parse().unwrap_or(0.0);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!(
        "{model}, {} processors, {:.0} GiB, Linux {}",
        thread::available_parallelism().map_or(0, std::num::NonZero::get),
        kilobytes / 1024.0 / 1024.0,
        kernel.trim()
    )
}

fn versions(peers: &Peers) -> Vec<(String, String)> {
    let rustc = output(tool("rustc", ["--version"]).env("LC_ALL", "C")).unwrap_or_default();
    let rustc = rustc.split_whitespace().nth(1).unwrap_or_default().to_owned();
    let webkit = output(&mut tool("pkg-config", ["--modversion", "webkit2gtk-4.1"])).unwrap_or_default();
    let mut versions = vec![("rustc".to_owned(), rustc), ("WebKitGTK".to_owned(), webkit.trim().to_owned())];
    versions.extend(peers.versions());
    versions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_are_measured_at_the_same_time_are_all_kept() {
        let folder = std::env::temp_dir().join(format!("visionguard-figures-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let file = folder.join("figures.json");
        let measured = || Measured {
            what: "Parse".to_owned(),
            at: "2026-01-02".to_owned(),
            commit: "abc".to_owned(),
            asked: String::new(),
            place: Place { machine: "a machine".to_owned(), versions: Vec::new() },
            figures: Vec::new(),
            plots: Vec::new(),
        };

        thread::scope(|scope| {
            for number in 1..=8 {
                let file = &file;
                scope.spawn(move || Record::keep(file, &format!("P{number}"), measured()).unwrap());
            }
        });

        assert_eq!(Record::so_far(&file).unwrap().rows.len(), 8);
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn rows_come_in_the_order_of_their_numbers() {
        let mut numbers = ["P10", "G1", "P9", "P1"].map(|text| Number::try_from(text.to_owned()).unwrap());

        numbers.sort();

        assert_eq!(numbers.map(|number| number.to_string()), ["G1", "P1", "P9", "P10"]);
        assert!(Number::try_from("P".to_owned()).is_err());
    }
}
