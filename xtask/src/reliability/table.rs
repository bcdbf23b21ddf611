//! The document that is made of the matrix.

use std::fmt::Write;
use std::fs;
use std::thread;

use super::{Matrix, Outcome, Row, Spread, Told};

const INTRODUCTION: &str = "\
# What the alert path survives

<!-- Written by `cargo xtask test --long`; what is changed by hand here is gone after the next run. -->

Every fault that we know how to make, what made it, and whether the promises held. The faults are listed in
`tests/faults/matrix.toml`; each test is named after its row (`fault_10_...`), so that
`cargo test -p visionguard-tests --features long --test faults fault_10` runs that row alone. Row 43 needs the real window:
`cargo xtask test --only fault_43`.

The promises, by the numbers in the table:

| | |
| --- | --- |
| I1 | every alert that the server recorded is in the journal exactly once, soon after the fault ends |
| I2 | at most one notification for an alert |
| I3 | what was acknowledged is there after a restart |
| I4 | the order is kept; no gap while the server says that there is none |
| I5 | memory and queues stay under their limits |
| I6 | a dead connection is found within 61 s, within 6 s after a wake |
| I7 | attempts keep to the backoff |
| I8 | signed out, the server is left alone |
| I9 | no secret in logs, arguments, events or files |
| I10 | the status shown is true within a second of the evidence |
| I11 | nothing panics, the program lives on |
| I12 | the server's list of connections is that of its open sockets |

One exception: killed in the few milliseconds between a popup and the mark that it was shown, an alert may pop up twice.
Never not at all.
";

/// The whole document.
pub(super) fn document(matrix: &Matrix) -> String {
    let mut text = INTRODUCTION.to_owned();
    let when = matrix.told.iter().map(|told| told.at.as_str()).max().and_then(|at| at.get(..10));
    let _ = writeln!(text, "\nLast run: {}, {}.\n", when.unwrap_or("never"), machine());

    text += "| # | fault | injected how | times | promises | measured | result |\n";
    text += "| --- | --- | --- | --- | --- | --- | --- |\n";
    for row in &matrix.rows {
        for line in lines(matrix, row) {
            text += &line;
        }
    }
    text += &spreads(matrix);
    text += &not_tested(matrix);
    text
}

/// The lines of one row: one for each test, the fault's own words in the first.
fn lines(matrix: &Matrix, row: &Row) -> Vec<String> {
    let mut lines: Vec<Line> = matrix.told_of(row.number).map(Line::told).collect();
    lines.extend(row.proved_by.all().iter().map(|test| Line::elsewhere(row, test)));
    if lines.is_empty() {
        let result = match &row.not_tested {
            Some(_) => "not tested, see below",
            None => "not run",
        };
        lines.push(Line { result: result.to_owned(), ..Line::default() });
    }
    let mut fault = row.fault.as_str();
    lines
        .into_iter()
        .map(|line| {
            let fault = std::mem::take(&mut fault);
            let Line { injected, times, promises, measured, result } = line;
            format!(
                "| {} | {} | {} | {times} | {promises} | {} | {} |\n",
                row.number,
                cell(fault),
                cell(&injected),
                cell(&measured),
                cell(&result)
            )
        })
        .collect()
}

#[derive(Debug, Default)]
struct Line {
    injected: String,
    times: String,
    promises: String,
    measured: String,
    result: String,
}

impl Line {
    fn told(told: &Told) -> Line {
        let result = match told.result {
            Outcome::Held => "held".to_owned(),
            Outcome::Failed => "**failed**".to_owned(),
            Outcome::NotPossible => {
                format!("not possible on this machine: {}", told.why.as_deref().unwrap_or("no reason given"))
            }
        };
        let name = told.test.rsplit("::").next().unwrap_or(&told.test);
        let measured: Vec<String> =
            told.measured.iter().map(|(what, figure)| format!("{what} {figure}")).collect();
        Line {
            injected: format!("{} (`{name}`)", told.injected),
            times: if told.result == Outcome::NotPossible { String::new() } else { told.times.to_string() },
            promises: told.invariants.join(" "),
            measured: measured.join("; "),
            result,
        }
    }

    fn elsewhere(row: &Row, test: &str) -> Line {
        let (package, path) = test.split_once(' ').unwrap_or(("", test));
        let injected = match row.injected.as_str() {
            "" => format!("`{path}` of {package}"),
            how => format!("{how} (`{path}` of {package})"),
        };
        Line { injected, result: "held, with that package's tests".to_owned(), ..Line::default() }
    }
}

fn spreads(matrix: &Matrix) -> String {
    let mut text = String::new();
    let spreads =
        matrix.told.iter().flat_map(|told| told.spreads.iter().map(move |spread| (told.row, spread)));
    for (number, spread) in spreads {
        if text.is_empty() {
            text += "\n## Times\n\n| # | what | times | median | 95 % | longest |\n| --- | --- | --- | --- | --- | --- |\n";
        }
        let Spread { what, count, median_ms, p95_ms, longest_ms } = spread;
        let [median, p95, longest] = [median_ms, p95_ms, longest_ms].map(|time| duration(*time));
        let _ = writeln!(text, "| {number} | {} | {count} | {median} | {p95} | {longest} |", cell(what));
    }
    text
}

fn not_tested(matrix: &Matrix) -> String {
    let mut text = String::new();
    for row in &matrix.rows {
        let Some(reason) = &row.not_tested else { continue };
        if text.is_empty() {
            text += "\n## Not tested\n\n";
        }
        let _ = writeln!(text, "- {}, {}: {reason}", row.number, row.fault);
    }
    text
}

fn duration(milliseconds: Option<u64>) -> String {
    match milliseconds {
        None => String::new(),
        Some(short) if short < 1_000 => format!("{short} ms"),
        Some(long) => format!("{:.1} s", long as f64 / 1_000.0),
    }
}

/// Text that cannot break the table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

/// What kind of machine this is, without a name.
fn machine() -> String {
    let processors = thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let memory = fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
        line.trim().strip_suffix(" kB")?.parse::<f64>().ok()
    });
    let memory =
        memory.map_or(String::new(), |kilobytes| format!(", {:.0} GiB", kilobytes / 1024.0 / 1024.0));
    format!("{processors} processors{memory}, {} {}", std::env::consts::OS, std::env::consts::ARCH)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::{Names, Row};
    use super::*;

    #[test]
    fn each_test_is_a_line_and_the_fault_is_said_once() {
        let text = document(&matrix());

        let line = "| 1 | A | B line | by signals (`fault_01_x`) | 20 | I1 I6 | peak 3 a second | held |"
            .replace("A | B", "A \\| B");
        assert!(text.contains(&line), "{text}");
        assert!(text.contains("| 1 |  | `tests::y` of visionguard-proto |"), "{text}");
        assert!(text.contains("Last run: 2026-01-02, "), "{text}");
    }

    #[test]
    fn times_and_what_was_not_tested_have_their_own_tables() {
        let text = document(&matrix());

        assert!(text.contains("| 1 | to notice | 20 | 3 ms | 61.0 s | 61.2 s |"), "{text}");
        assert!(text.contains("- 2, Away: no such machine"), "{text}");
    }

    fn matrix() -> Matrix {
        let row = |number, fault: &str| Row {
            number,
            fault: fault.to_owned(),
            injected: String::new(),
            proved_by: Names::default(),
            not_tested: None,
        };
        let told = Told {
            row: 1,
            test: "network::fault_01_x".to_owned(),
            injected: "by signals".to_owned(),
            times: 20,
            invariants: vec!["I1".to_owned(), "I6".to_owned()],
            measured: vec![("peak".to_owned(), "3 a second".to_owned())],
            spreads: vec![Spread {
                what: "to notice".to_owned(),
                count: 20,
                median_ms: Some(3),
                p95_ms: Some(61_000),
                longest_ms: Some(61_200),
            }],
            result: Outcome::Held,
            why: None,
            at: "2026-01-02T03:04:05Z".to_owned(),
        };
        let mut proved = row(1, "A | B\nline");
        proved.proved_by = Names::One("visionguard-proto tests::y".to_owned());
        let mut away = row(2, "Away");
        away.not_tested = Some("no such machine".to_owned());
        Matrix { rows: vec![proved, away], told: vec![told], tests: BTreeSet::new() }
    }
}
