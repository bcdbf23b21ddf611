//! `custody.csv`: who did what and when, as RFC 4180 has it, and safe to open in a spreadsheet.

use crate::case::Case;
use crate::story::{self, Kept, words};
use crate::times;

/// The file's text, oldest first; the last row is the making of the package.
pub(crate) fn to_csv(case: &Case, kept: &[Kept]) -> String {
    let several = case.incidents.len() > 1;
    let mut rows = Vec::new();
    for (index, incident) in case.incidents.iter().enumerate() {
        for row in story::rows(case, incident, index, kept) {
            let mut what = if several { format!("Incident {}: {}", index + 1, row.what) } else { row.what };
            if let Some(note) = row.note {
                what = format!("{what}; note: {note}");
            }
            rows.push((row.at, row.who, what));
        }
    }
    rows.sort_by_key(|(at, ..)| *at);
    let who = case.made_by.as_deref().map_or_else(|| "Somebody at this computer".to_owned(), words);
    rows.push((case.made_at, who, "Saved this package".to_owned()));

    let mut text = "time_utc,who,what\r\n".to_owned();
    for (at, who, what) in rows {
        text.push_str(&format!("{},{},{}\r\n", cell(&times::for_program(at)), cell(&who), cell(&what)));
    }
    text
}

/// A cell that no spreadsheet takes for a formula: one that begins like one begins with an apostrophe.
fn cell(text: &str) -> String {
    let text: String = text.chars().filter(|char| !matches!(char, '\u{2068}' | '\u{2069}')).collect();
    let begins = text.trim_start_matches(|char: char| char.is_whitespace() || char.is_control());
    let guard = if begins.starts_with(['=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}']) {
        "'"
    } else {
        ""
    };
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::{Event, Timed, What, Who};
    use crate::testing;

    #[test]
    fn a_cell_is_never_a_formula_nor_two_cells() {
        assert_eq!(cell("=1+1"), "\"'=1+1\"");
        assert_eq!(cell(" \t@SUM(A1)"), "\"' \t@SUM(A1)\"");
        assert_eq!(cell("-1"), "\"'-1\"");
        assert_eq!(cell("a \"b\", c"), "\"a \"\"b\"\", c\"");
    }

    #[test]
    fn it_begins_with_its_names_and_ends_with_who_saved_it() {
        let mut case = testing::case();
        let at = Timed::Computer("2026-11-28T13:30:00Z".parse().unwrap());
        let what = What::Noted { note: "=cmd|' /C calc'!A0".into() };
        case.incidents[0].events.push(Event { at, who: Who::Person("=HYPERLINK(\"x\")".into()), what });

        let csv = to_csv(&case, &[]);

        assert!(csv.starts_with("time_utc,who,what\r\n"));
        assert!(csv.ends_with("\"2026-11-28T18:20:00Z\",\"manager\",\"Saved this package\"\r\n"), "{csv}");
        assert!(csv.contains(",\"'=HYPERLINK(\"\"x\"\")\",\"Wrote a note; note: =cmd|"), "{csv}");
    }
}
