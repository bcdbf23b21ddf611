//! The table of figures, for the terminal and for `docs/performance.md`.

use std::fmt::Write as _;
use std::fs;

use anyhow::{Context, Result};

use super::figures::{Figure, Goal, Spread, spread};
use super::record::{Measured, Place, Record};
use crate::project::root;

const HEAD: &str = "\
# Performance

What the program costs and how fast it is, each figure beside that of what a user would pick instead. Written by `cargo xtask bench`; nothing here is
a test, and the figures are of the machine that is named below.

Each measurement was taken as often as *times* says, in turn with the other's, in one run. A value is the median, with the middle half of all
behind it; the ratio is that of the two medians, with the middle half of the repetitions' own ratios behind it. *Today* is the program before any of
this was asked for, built in the same run. The peers are in [bench/](../bench/README.md).

| # | what | ours | against | theirs | ratio | goal | | times |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
";

/// Writes the document and its plots.
pub(super) fn write(record: &Record) -> Result<()> {
    let folder = root().join("docs/performance");
    for plot in record.rows.values().flat_map(|row| &row.plots) {
        fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        let file = folder.join(format!("{}.svg", plot.name));
        fs::write(&file, plot.svg()).with_context(|| format!("cannot write {}", file.display()))?;
    }
    let file = root().join("docs/performance.md");
    let written = fs::read_to_string(&file).unwrap_or_default();
    fs::write(&file, document(record, notes(&written)))
        .with_context(|| format!("cannot write {}", file.display()))
}

/// For the terminal: each figure a line, beside what it was earlier.
pub(super) fn printed(record: &Record, earlier: Option<&Record>) -> String {
    let mut text = String::new();
    for (number, row) in &record.rows {
        let _ = writeln!(text, "{number}: {}", row.what);
        for figure in &row.figures {
            let Line { ours, against, theirs, ratio, goal, met, .. } = Line::of(figure);
            let _ = write!(text, "    {}: {ours}", figure.what);
            if figure.peer.is_some() {
                let _ = write!(text, "; {against}: {theirs}; ratio {ratio}");
            }
            if figure.goal.is_some() {
                let _ = write!(text, "; goal {goal}: {met}");
            }
            let before = earlier.and_then(|record| same(record.rows.get(number)?, figure));
            if let (Some(before), Some(now)) =
                (before.and_then(|figure| spread(&figure.ours)), spread(&figure.ours))
            {
                let _ = write!(
                    text,
                    "; earlier {} {}, {:+.1} %",
                    value(before.median),
                    figure.unit,
                    change(before, now)
                );
            }
            text.push('\n');
        }
    }
    text
}

fn change(before: Spread, now: Spread) -> f64 {
    (now.median / before.median - 1.0) * 100.0
}

/// The figure of an earlier row that says the same.
fn same<'a>(row: &'a Measured, figure: &Figure) -> Option<&'a Figure> {
    let name = |figure: &Figure| figure.peer.as_ref().map(|peer| peer.name.clone());
    row.figures.iter().find(|other| other.what == figure.what && name(other) == name(figure))
}

/// A figure in words.
struct Line {
    ours: String,
    against: String,
    theirs: String,
    ratio: String,
    goal: String,
    met: &'static str,
    times: usize,
}

impl Line {
    fn of(figure: &Figure) -> Self {
        let with_unit =
            |values: &[f64]| spread(values).map_or(String::new(), |it| spread_words(it, &figure.unit));
        let peer = figure.peer.as_ref();
        Self {
            ours: with_unit(&figure.ours),
            against: peer.map_or(String::new(), |peer| peer.name.clone()),
            theirs: peer.map_or(String::new(), |peer| with_unit(&peer.values)),
            ratio: figure.ratio().map_or(String::new(), |ratio| spread_words(ratio, "x")),
            goal: match figure.goal {
                None => String::new(),
                Some(Goal::Ratio(most)) => format!("{most} x"),
                Some(Goal::AtMost(most)) => format!("{most} {}", figure.unit),
            },
            met: match figure.is_met() {
                None => "",
                Some(true) => "met",
                Some(false) => "**missed**",
            },
            times: figure.ours.len(),
        }
    }
}

fn spread_words(Spread { median, low, high }: Spread, unit: &str) -> String {
    let [median, low, high] = [median, low, high].map(value);
    if low == high {
        return format!("{median} {unit}");
    }
    format!("{median} {unit} ({low} to {high})")
}

/// Three digits are as many as anything here is worth.
fn value(value: f64) -> String {
    let digits = match value.abs() {
        0.0..0.995 => 3,
        0.995..9.95 => 2,
        9.95..99.5 => 1,
        _ => 0,
    };
    format!("{value:.digits$}")
}

fn document(record: &Record, notes: &str) -> String {
    let mut text = HEAD.to_owned();
    for (number, row) in &record.rows {
        for (place, figure) in row.figures.iter().enumerate() {
            let Line { ours, against, theirs, ratio, goal, met, times } = Line::of(figure);
            let number = if place == 0 { number.to_string() } else { String::new() };
            let what =
                if place == 0 { format!("{}: {}", row.what, figure.what) } else { figure.what.clone() };
            let _ = writeln!(
                text,
                "| {number} | {} | {ours} | {against} | {theirs} | {ratio} | {goal} | {met} | {times} |",
                what.replace('|', "\\|")
            );
        }
    }
    text += "\nA row alone: `cargo xtask bench --only P5`. What takes hours: `cargo xtask bench --long`.\n";
    text += &plots(record);
    text += &places(record);
    text + "\n" + notes
}

fn plots(record: &Record) -> String {
    let mut text = String::new();
    for plot in record.rows.values().flat_map(|row| &row.plots) {
        if text.is_empty() {
            text += "\n## How cost grows\n";
        }
        let _ = writeln!(text, "\n![{}](performance/{}.svg)", plot.title, plot.name);
    }
    text
}

/// Where the figures come from; a sentence for the rows that were measured together.
fn places(record: &Record) -> String {
    let mut text = String::from("\n## Where\n\n");
    let mut told: Vec<(&Place, &str, &str, Vec<String>)> = Vec::new();
    for (number, row) in &record.rows {
        let known = told.iter_mut().find(|(place, commit, at, _)| {
            (*place, *commit, *at) == (&row.place, row.commit.as_str(), row.at.as_str())
        });
        match known {
            Some((.., numbers)) => numbers.push(number.to_string()),
            None => told.push((&row.place, &row.commit, &row.at, vec![number.to_string()])),
        }
    }
    for (place, commit, at, numbers) in told {
        let versions: Vec<String> =
            place.versions.iter().map(|(name, version)| format!("{name} {version}")).collect();
        let _ = writeln!(
            text,
            "- {}: `cargo xtask bench --only {}`, commit {commit}, {at}, on {}; {}",
            numbers.join(", "),
            numbers.join(" --only "),
            place.machine,
            versions.join(", ")
        );
    }
    text
}

/// What people wrote at the end of the document; it stays.
fn notes(written: &str) -> &str {
    const NOTES: &str = "## Notes\n";
    written.find(&format!("\n{NOTES}")).map_or("", |place| &written[place + 1..])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::record::Number;
    use super::*;

    #[test]
    fn a_figure_is_a_line_with_ratio_goal_and_verdict() {
        let text = document(&record(1.0), "");

        let line =
            "| P5 | Parse: one alert | 1.00 µs | Node.js | 4.00 µs | 0.250 x | 0.2 x | **missed** | 3 |";
        assert!(text.contains(line), "{text}");
        assert!(
            text.contains(
                "- P5: `cargo xtask bench --only P5`, commit abc, 2026-01-02, on a machine; rustc 1.90\n"
            ),
            "{text}"
        );
    }

    #[test]
    fn what_people_noted_outlives_the_next_run() {
        let noted = document(&record(1.0), "## Notes\n\nP5 waits for the disk.\n");

        let again = document(&record(0.5), notes(&noted));

        assert!(again.contains("## Notes\n\nP5 waits for the disk.\n"), "{again}");
        assert_eq!(again.matches("## Notes").count(), 1);
    }

    #[test]
    fn an_earlier_figure_stands_beside_the_new_one() {
        let text = printed(&record(1.0), Some(&record(2.0)));

        assert!(text.contains("earlier 2.00 µs, -50.0 %"), "{text}");
    }

    fn record(ours: f64) -> Record {
        let figure = Figure::alone("one alert", "µs", vec![ours; 3])
            .against("Node.js", vec![4.0; 3])
            .goal(Goal::Ratio(0.2));
        let measured = Measured {
            what: "Parse".to_owned(),
            at: "2026-01-02".to_owned(),
            commit: "abc".to_owned(),
            place: Place {
                machine: "a machine".to_owned(),
                versions: vec![("rustc".to_owned(), "1.90".to_owned())],
            },
            figures: vec![figure],
            plots: Vec::new(),
        };
        Record { rows: BTreeMap::from([(Number::try_from("P5".to_owned()).unwrap(), measured)]) }
    }
}
