//! What stands in the notes of a row of the record: pure rules.
//!
//! The backend keeps one text a row and lets the last writer win. So what a program of ours writes is one line of it, which
//! ends with who wrote it; the lines of others stay as they are. What came of an incident stands at the beginning of its line, in
//! plain words that are recognised when they come back from another computer.

use crate::model::{Decision, Disposition};
use crate::words::{self, text};

/// The most that a row's notes may hold: they are read no further.
const MOST: usize = 2_000;
/// The longest that is written of one note.
const LONGEST: usize = 500;

/// What somebody signs for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signature {
    Handled,
    OpenedAgain,
    Noted,
}

/// One line of a row's notes, taken apart. Hostile text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What stands before the signature, with what came of it.
    pub text: String,
    pub signed: Option<(Signature, String)>,
}

/// The words for what came of it.
pub fn outcome(outcome: Disposition) -> String {
    text(
        match outcome {
            Disposition::PoliceCalled => "outcome.police_called",
            Disposition::GoodsRecovered => "outcome.goods_recovered",
            Disposition::SentAway => "outcome.sent_away",
            Disposition::StaffSawToIt => "outcome.staff_saw_to_it",
            Disposition::NothingFound => "outcome.nothing_found",
            Disposition::StaffMember => "outcome.staff_member",
            Disposition::OwnGoods => "outcome.own_goods",
            Disposition::CameraOrLight => "outcome.camera_or_light",
            Disposition::NobodyThere => "outcome.nobody_there",
            Disposition::Other => "outcome.other",
        },
        &[],
    )
}

/// What this program writes: what came of it, the note, and who.
pub fn line(signature: Signature, name: &str, came_of_it: Option<Disposition>, note: Option<&str>) -> String {
    let came_of_it = came_of_it.map(|came| format!("{}.", outcome(came)));
    let note = note.map(one_line).filter(|note| !note.is_empty());
    let said: Vec<String> = [came_of_it, note].into_iter().flatten().collect();
    let name = words::plain_name(name);
    match (said.is_empty(), name.is_empty()) {
        (true, true) => String::new(),
        (true, false) => signed(signature, &name),
        (false, true) => said.join(" "),
        (false, false) => format!("{} ({})", said.join(" "), signed(signature, &name)),
    }
}

/// The notes with this line in the place of the one that this program wrote before, or after all others; none where it is there
/// already, or where it would not fit and others' words would be lost.
pub fn with(notes: Option<&str>, ours: Option<&str>, line: &str) -> Option<String> {
    let notes = notes.unwrap_or_default();
    let is_cut = notes.chars().count() >= MOST;
    let mut lines: Vec<&str> = notes.lines().filter(|line| !line.trim().is_empty()).collect();
    if line.is_empty() || is_cut || lines.contains(&line) {
        return None;
    }
    match ours.and_then(|ours| lines.iter().position(|line| *line == ours)) {
        Some(place) => lines[place] = line,
        None => lines.push(line),
    }
    Some(lines.join("\n")).filter(|notes| notes.chars().count() < MOST)
}

/// The lines of a row's notes.
pub fn lines(notes: &str) -> impl Iterator<Item = Line> {
    notes.lines().map(str::trim).filter(|line| !line.is_empty()).map(read)
}

/// Who decided last, as far as the notes tell it; who opened it again, where that is asked.
pub fn who(notes: &str, decision: Option<Decision>) -> Option<String> {
    let wanted = if decision.is_some() { Signature::Handled } else { Signature::OpenedAgain };
    let signed = lines(notes).filter_map(|line| line.signed);
    signed.filter(|(signature, _)| *signature == wanted).last().map(|(_, name)| name)
}

/// What came of it, as far as the notes tell it: what somebody said last that fits the decision.
pub fn came_of_it(notes: &str, decision: Decision) -> Option<Disposition> {
    lines(notes).filter_map(|line| begins(&line.text)).filter(|came| came.of() == decision).last()
}

/// What a line says besides what came of it.
pub fn rest(line: &str) -> &str {
    let Some(came) = begins(line) else { return line };
    let rest = line.get(outcome(came).len()..).unwrap_or_default();
    rest.strip_prefix('.').unwrap_or(rest).trim_start()
}

fn begins(line: &str) -> Option<Disposition> {
    Disposition::ALL.into_iter().find(|came| {
        let rest = line.strip_prefix(&outcome(*came));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    })
}

fn signed(signature: Signature, name: &str) -> String {
    match signature {
        Signature::Handled => text("notification.handled_by", &[("name", name)]),
        Signature::OpenedAgain => text("outcome.opened_again_by", &[("name", name)]),
        Signature::Noted => text("outcome.noted_by", &[("name", name)]),
    }
}

fn read(line: &str) -> Line {
    for signature in [Signature::Handled, Signature::OpenedAgain, Signature::Noted] {
        let pattern = signed(signature, "\0");
        let (before, after) = pattern.split_once('\0').unwrap_or((&pattern, ""));
        let bare = line.strip_prefix(before).and_then(|rest| rest.strip_suffix(after)).map(|name| ("", name));
        let closed = line.strip_suffix(')').and_then(|line| line.strip_suffix(after));
        let found = bare.or_else(|| closed?.rsplit_once(&format!(" ({before}")));
        let name = found.map(|(_, name)| words::plain_name(name)).filter(|name| !name.is_empty());
        if let (Some((said, _)), Some(name)) = (found, name) {
            return Line { text: said.trim().to_owned(), signed: Some((signature, name)) };
        }
    }
    Line { text: line.to_owned(), signed: None }
}

fn one_line(note: &str) -> String {
    let spaced: String = note.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST).collect();
    spaced.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        for came in Disposition::ALL {
            let written =
                line(Signature::Handled, "Maria Keller", Some(came), Some("He left (by the back door)"));

            let read = lines(&written).next().expect("a line");

            assert_eq!(read.signed, Some((Signature::Handled, "Maria Keller".to_owned())), "{written}");
            assert_eq!(
                (came_of_it(&written, came.of()), rest(&read.text)),
                (Some(came), "He left (by the back door)")
            );
        }
    }

    #[test]
    fn the_words_stand_at_the_beginning_and_the_name_at_the_end() {
        let written =
            line(Signature::Handled, "Maria Keller", Some(Disposition::PoliceCalled), Some("two\nboys "));

        assert_eq!(written, "Police called. two boys (Handled by Maria Keller)");
        assert_eq!(line(Signature::Handled, "Maria Keller", None, None), "Handled by Maria Keller");
        assert_eq!(line(Signature::Noted, "", None, Some("a regular")), "a regular");
    }

    #[test]
    fn what_others_wrote_stays_and_what_we_wrote_is_replaced() {
        let theirs = "Looks odd to me\nGoods recovered. (Handled by Ana)";
        let first = with(Some(theirs), None, "seen (Note by Maria)").expect("a change");
        let second =
            with(Some(&first), Some("seen (Note by Maria)"), "seen twice (Note by Maria)").expect("a change");

        assert_eq!(first, format!("{theirs}\nseen (Note by Maria)"));
        assert_eq!(second, format!("{theirs}\nseen twice (Note by Maria)"));
        assert_eq!(with(Some(&second), None, "seen twice (Note by Maria)"), None, "it is there");
    }

    #[test]
    fn what_somebody_of_the_same_name_wrote_is_not_replaced() {
        let notes = with(Some("mine (Note by Maria)"), None, "also mine (Note by Maria)");

        assert_eq!(notes.as_deref(), Some("mine (Note by Maria)\nalso mine (Note by Maria)"));
    }

    #[test]
    fn notes_that_were_cut_when_they_were_read_are_never_written_back() {
        let long = "x".repeat(MOST);

        assert_eq!(with(Some(&long), None, "a (Note by Maria)"), None);
        assert_eq!(with(Some(&long[..MOST - 5]), None, "a (Note by Maria)"), None, "nor beyond what is read");
    }

    #[test]
    fn the_last_who_decided_counts_and_an_outcome_only_of_that_decision() {
        let notes =
            "Camera or light. (Handled by Ana)\nPolice called. (Handled by Ben)\nnumber 4711 (Note by Cleo)";

        assert_eq!(who(notes, Some(Decision::Resolved)).as_deref(), Some("Ben"));
        assert_eq!(came_of_it(notes, Decision::Resolved), Some(Disposition::PoliceCalled));
        assert_eq!(came_of_it(notes, Decision::FalseAlarm), Some(Disposition::CameraOrLight));
        assert_eq!(came_of_it(notes, Decision::Acknowledged), None);
        assert_eq!(came_of_it("Police called me names", Decision::Resolved), None);
    }

    #[test]
    fn words_in_brackets_are_nobody_s_name() {
        let read = lines("He left (see camera 2)").next().expect("a line");

        assert_eq!((read.text.as_str(), read.signed), ("He left (see camera 2)", None));
    }
}
