//! The table of figures, for the terminal and for `docs/performance.md`.

use std::fmt::{self, Write as _};
use std::fs;

use anyhow::{Context, Result};

use super::figures::{Figure, Goal, Spread, spread};
use super::record::{Measured, Number, Record};
use crate::project::root;

const HEAD: &str = "\
# Performance

What the program costs and how fast it is, each figure beside that of what a user would pick instead. Written by `cargo xtask bench`; nothing here is
a test, and the figures are of the machine that is named below.

Each measurement was taken as often as *times* says, alternating with the peer's, in one run. A value is the median, with the middle half of all
behind it; the ratio is that of the two medians, with the middle half of the repetitions' own ratios behind it, which need not hold it. *Today* is
commit 8cb5e46, the last before any of this was asked for, built in the same run. The peers are in [bench/](../bench/README.md); Chromium's page is a
plain one with the same alerts.

Memory is the proportional share (PSS) of all the processes of one side, P9's growth and P12's and G1's memory the highest resident set (RSS) above
that of the idle program. Processor time is that of the kernel's counters, in steps of ten milliseconds; a wake-up is a voluntary context switch. Binaries are in MB
of a million bytes, memory in MiB.

| # | what | ours | against | theirs | ratio | goal | met? | times |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
";

const TAIL: &str = "
A row alone: `cargo xtask bench --only P5`. What takes an hour: `cargo xtask bench --only P10`. What changed since an earlier run: `cargo xtask bench --only P5
--against FILE`, where FILE is a copy of `target/bench/figures.json` from before.

Single steps by themselves, by [divan](https://docs.rs/divan): `cargo bench -p visionguard-proto` for reading an alert, `cargo bench -p visionguard-picture`
for the popup's picture, `cargo bench -p visionguard-client` for the journal: an alert stored, the feed of 2,000 incidents, a decision. A part of a name
behind `--` picks some: `cargo bench -p visionguard-client --bench journal -- feed`.
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

/// For the terminal: the figures of these rows, each a line.
pub(super) fn printed(record: &Record, rows: &[&str]) -> String {
    let mut text = String::new();
    for (number, row) in of(record, rows) {
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
            text.push('\n');
        }
    }
    text
}

/// For the terminal: what became of the figures of these rows since an earlier record was written. What is called better or
/// worse has left the middle half of the earlier repetitions with its own: less is what the same program does from one run to
/// the next.
pub(super) fn compared(record: &Record, earlier: &Record, rows: &[&str]) -> String {
    let mut text = String::new();
    for (number, row) in of(record, rows) {
        let Some(before) = earlier.rows.get(number) else {
            let _ = writeln!(text, "{number}: was not measured earlier");
            continue;
        };
        let _ = writeln!(
            text,
            "{number}: {} ({} of {} -> {} of {})",
            row.what, before.commit, before.at, row.commit, row.at
        );
        if before.place != row.place {
            text += "    measured elsewhere, or with other versions: only the ratios say something\n";
        }
        let mut told = "";
        for figure in &row.figures {
            let Some(old) = same(before, figure) else {
                let _ = writeln!(text, "    {}: was not measured earlier", named(figure));
                continue;
            };
            // Ours is the same beside each peer.
            if told != figure.what {
                let change =
                    Change { before: spread(&old.ours), now: spread(&figure.ours), unit: &figure.unit };
                let _ = writeln!(text, "    {}: {change}", figure.what);
                told = &figure.what;
            }
            if let Some(peer) = &figure.peer {
                let change = Change { before: old.ratio(), now: figure.ratio(), unit: "x" };
                let _ = writeln!(text, "        beside {}: {change}", peer.name);
            }
        }
        text += &lines(before, row);
        for gone in before.figures.iter().filter(|old| same(row, old).is_none()) {
            let _ = writeln!(text, "    {}: is not measured any more", named(gone));
        }
    }
    text
}

/// The record's rows of these numbers, in its order.
fn of<'a>(record: &'a Record, rows: &[&str]) -> impl Iterator<Item = (&'a Number, &'a Measured)> {
    record.rows.iter().filter(move |(number, _)| rows.contains(&number.to_string().as_str()))
}

fn named(figure: &Figure) -> String {
    let peer = figure.peer.as_ref().map(|peer| format!(" beside {}", peer.name));
    figure.what.clone() + &peer.unwrap_or_default()
}

/// A value then and now; the smaller, the better.
struct Change<'a> {
    before: Option<Spread>,
    now: Option<Spread>,
    unit: &'a str,
}

impl fmt::Display for Change<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Some(before), Some(now)) = (self.before, self.now) else { return out.write_str("nothing") };
        let verdict = if now.low > before.high {
            "worse"
        } else if now.high < before.low {
            "better"
        } else {
            "as before"
        };
        write!(out, "{} -> {}", spread_words(before, self.unit), spread_words(now, self.unit))?;
        write!(out, "{}, {verdict}", percent(before.median, now.median))
    }
}

/// By how much the value is another; nothing where that cannot be said.
fn percent(before: f64, now: f64) -> String {
    if before == 0.0 {
        return String::new();
    }
    let tenths = ((now / before - 1.0) * 1_000.0).round();
    // Not "-0.0".
    format!(", {:+.1} %", tenths / 10.0 + 0.0)
}

/// Of each line in a plot, the last point that both have: the most work.
fn lines(before: &Measured, now: &Measured) -> String {
    let mut text = String::new();
    for plot in &now.plots {
        let Some(old) = before.plots.iter().find(|old| old.name == plot.name) else { continue };
        for line in &plot.lines {
            let points = old.lines.iter().filter(|old| old.name == line.name).flat_map(|old| &old.points);
            let points: Vec<&(f64, f64)> = points.collect();
            let common = line.points.iter().rev().find_map(|(work, now)| {
                points.iter().find(|(other, _)| other == work).map(|(_, before)| (work, *before, *now))
            });
            let Some((work, before, now)) = common else { continue };
            let _ = writeln!(
                text,
                "    {}, {}, {work} {}: {} -> {} {}{}",
                plot.title,
                line.name,
                plot.across,
                value(before),
                value(now),
                plot.up,
                percent(before, now)
            );
        }
    }
    text
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
    text += TAIL;
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
    let mut told: Vec<(&Measured, Vec<String>)> = Vec::new();
    for (number, row) in &record.rows {
        let is_same = |other: &Measured| {
            (&other.place, &other.commit, &other.at, &other.asked)
                == (&row.place, &row.commit, &row.at, &row.asked)
        };
        match told.iter_mut().find(|(other, _)| is_same(other)) {
            Some((_, numbers)) => numbers.push(number.to_string()),
            None => told.push((row, vec![number.to_string()])),
        }
    }
    for (Measured { place, commit, at, asked, .. }, numbers) in told {
        let versions: Vec<String> =
            place.versions.iter().map(|(name, version)| format!("{name} {version}")).collect();
        let _ = writeln!(
            text,
            "- {}: `cargo xtask bench --only {}{asked}`, commit {commit}, {at}, on {}; {}",
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

    use super::super::plot::{self, Plot, Scale};
    use super::super::record::Place;
    use super::*;

    #[test]
    fn a_figure_is_a_line_with_ratio_goal_and_verdict() {
        let text = document(&record(1.0), "");

        let line =
            "| P5 | Parse: one alert | 1.00 µs | Node.js | 4.00 µs | 0.250 x | 0.2 x | **missed** | 3 |";
        assert!(text.contains(line), "{text}");
        assert!(
            text.contains(
                "- P5: `cargo xtask bench --only P5 --repetitions 3`, commit abc, 2026-01-02, on a machine; rustc 1.90\n"
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
    fn an_earlier_figure_stands_before_the_new_one() {
        let text = compared(&record(1.0), &record(2.0), &["P5"]);

        assert!(text.contains("P5: Parse (abc of 2026-01-02 -> abc of 2026-01-02)\n"), "{text}");
        assert!(text.contains("    one alert: 2.00 µs -> 1.00 µs, -50.0 %, better\n"), "{text}");
        assert!(text.contains("        beside Node.js: 0.500 x -> 0.250 x, -50.0 %, better\n"), "{text}");
    }

    #[test]
    fn a_value_within_the_earlier_ones_is_no_change() {
        let mut earlier = record(1.0);
        for row in earlier.rows.values_mut() {
            row.figures[0].ours = vec![0.9, 1.2, 1.3];
        }

        let text = compared(&record(1.1), &earlier, &["P5"]);

        assert!(text.contains("1.20 µs (1.05 to 1.25) -> 1.10 µs, -8.3 %, as before\n"), "{text}");
    }

    #[test]
    fn what_was_not_measured_on_both_sides_is_said() {
        let (mut earlier, mut now) = (record(1.0), record(1.0));
        for row in now.rows.values_mut() {
            row.figures[0].what = "two alerts".to_owned();
        }

        let text = compared(&now, &earlier, &["P5"]);
        earlier.rows.clear();
        let without = compared(&now, &earlier, &["P5"]);

        assert!(text.contains("two alerts beside Node.js: was not measured earlier\n"), "{text}");
        assert!(text.contains("one alert beside Node.js: is not measured any more\n"), "{text}");
        assert_eq!(without, "P5: was not measured earlier\n");
        assert_eq!(compared(&now, &earlier, &["P6"]), "");
    }

    #[test]
    fn of_a_line_the_most_work_that_both_have_is_compared() {
        let (mut earlier, mut now) = (record(1.0), record(1.0));
        let plot = |points| Plot {
            name: "time".to_owned(),
            title: "Time".to_owned(),
            across: "alerts".to_owned(),
            up: "seconds".to_owned(),
            scale: Scale::Powers,
            lines: vec![plot::Line { name: "ours".to_owned(), points }],
        };
        for (record, points) in [
            (&mut earlier, vec![(100.0, 1.0), (1_000.0, 2.0)]),
            (&mut now, vec![(100.0, 1.0), (1_000.0, 1.0), (10_000.0, 3.0)]),
        ] {
            record.rows.values_mut().for_each(|row| row.plots = vec![plot(points.clone())]);
        }

        let text = compared(&now, &earlier, &["P5"]);

        assert!(text.contains("    Time, ours, 1000 alerts: 2.00 -> 1.00 seconds, -50.0 %\n"), "{text}");
    }

    fn record(ours: f64) -> Record {
        let figure = Figure::alone("one alert", "µs", vec![ours; 3])
            .against("Node.js", vec![4.0; 3])
            .goal(Goal::Ratio(0.2));
        let measured = Measured {
            what: "Parse".to_owned(),
            at: "2026-01-02".to_owned(),
            commit: "abc".to_owned(),
            asked: " --repetitions 3".to_owned(),
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
