//! What the report and the sheet say: one story, so that the two never say different things.
//!
//! Texts of others stand in it between marks that keep their direction to themselves, without characters that would turn
//! the text around them, and cut where they are very long; `incident.json` has them as they came.

use jiff::{SignedDuration, Timestamp};

use crate::case::{Alert, Case, Event, Frame, Incident, Timed, What, Who};
use crate::key::PublicKey;
use crate::{names, times};

/// A picture that went into the zip, or did not.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    /// Which incident, from 0.
    pub(crate) incident: usize,
    /// Which of its alerts, from 0.
    pub(crate) alert: usize,
    /// Its name in the zip, and its SHA-256; none where the bytes are gone.
    pub(crate) file: Option<(String, String)>,
}

/// Which of them is this alert's. They are in the order of the alerts.
pub(crate) fn position(kept: &[Kept], incident: usize, alert: usize) -> Option<usize> {
    kept.binary_search_by_key(&(incident, alert), |kept| (kept.incident, kept.alert)).ok()
}

/// The name and the SHA-256 of an alert's picture.
pub(crate) fn file(kept: &[Kept], incident: usize, alert: usize) -> Option<&(String, String)> {
    kept.get(position(kept, incident, alert)?)?.file.as_ref()
}

/// All that is said.
#[derive(Debug)]
pub(crate) struct Story {
    pub(crate) title: String,
    pub(crate) subtitle: String,
    pub(crate) facts: Vec<Fact>,
    pub(crate) asks: Vec<Ask>,
    pub(crate) parts: Vec<Part>,
    pub(crate) clock: String,
    pub(crate) steps: Vec<Step>,
    pub(crate) key: PublicKey,
}

/// A thing that is known, under its name.
#[derive(Debug, PartialEq)]
pub(crate) struct Fact {
    pub(crate) label: &'static str,
    pub(crate) value: String,
}

/// What to ask a recorder for.
#[derive(Debug, PartialEq)]
pub(crate) struct Ask {
    pub(crate) camera: String,
    pub(crate) local: String,
    pub(crate) utc: String,
}

/// One incident.
#[derive(Debug)]
pub(crate) struct Part {
    /// None where it is the only one: what is said of all is said of it.
    pub(crate) heading: Option<String>,
    pub(crate) facts: Vec<Fact>,
    pub(crate) rows: Vec<Row>,
    pub(crate) pictures: Vec<Picture>,
}

/// One thing that happened.
#[derive(Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) at: Timestamp,
    pub(crate) local: String,
    pub(crate) utc: String,
    pub(crate) who: String,
    pub(crate) what: String,
    pub(crate) note: Option<String>,
    /// It is the coming of an alert, of which there may be very many.
    pub(crate) is_alert: bool,
}

/// One detection's picture.
#[derive(Debug)]
pub(crate) struct Picture {
    /// Which of the pictures that were asked for, from 0; none where the alert has none.
    pub(crate) index: Option<usize>,
    pub(crate) file: Option<(String, String)>,
    pub(crate) frame: Option<Frame>,
    pub(crate) title: String,
    pub(crate) lines: Vec<String>,
}

/// One step of verifying.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) words: &'static str,
    pub(crate) commands: Vec<String>,
}

pub(crate) const HEADING: &str = "Evidence from a shop's camera alarm";
pub(crate) const DETECTOR: &str = "The pictures in this package are those of the shop's detector. They are not the recording. The \
    detector looks at a camera, picks single pictures, and may make them smaller before it sends them. The recording is \
    with the shop's video recorder, and only for as long as that keeps it: secure it soon.";
pub(crate) const ASK: &str = "Ask the recorder for";
pub(crate) const ASK_HINT: &str = "A recorder's clock is often wrong. When the recording is copied, write down what the \
    recorder's clock shows and what the time is.";
pub(crate) const TIMES: &str = "Times";
pub(crate) const VERIFY: &str = "How to check that nothing was changed";
pub(crate) const VERIFY_HINT: &str = "Each file has a sum in SHA256SUMS, and SHA256SUMS is signed with the key of the computer that saved \
    this. Nothing of ours is needed to check either; nothing is sent anywhere.";
pub(crate) const KEY_HINT: &str = "Compare the key with the one that the shop's computer shows, and ask for that on another way than the one \
    on which this package came: a key that comes with a package vouches for nothing by itself.";
pub(crate) const PROVES: &str = "What a good check shows, and what it does not";
pub(crate) const PROVED: [&str; 2] = [
    "It shows that no file was changed, added or taken away since the holder of this key saved the package.",
    "With the key compared, it shows that the shop's computer saved it.",
];
pub(crate) const NOT_PROVED: [&str; 4] = [
    "It does not show that a picture means what the alarm says: a detector can be wrong. People decide; who decided what is listed.",
    "It does not show that a time is right: times are those of the clocks named under \u{201c}Times\u{201d}.",
    "It does not show what a picture was before it reached this computer: it holds the bytes as they were received.",
    "It does not show that this is all there was: other alerts and the recording may tell more.",
];
pub(crate) const MARKED: &str =
    "The frame drawn over a picture shows what the detector marked. It is not in the file.";
pub(crate) const HAPPENED: &str = "Who saw and decided what";
pub(crate) const PICTURES: &str = "Pictures";
pub(crate) const FILES: &str = "What is in this package";
/// The other files, and what each is.
pub(crate) const OTHERS: [(&str, &str); 6] = [
    (names::HTML, "all of this with every picture, for any web browser; unpack the package first"),
    ("frames/", "the pictures, byte for byte as they were received"),
    (names::JSON, "the same facts for a program, with all ids and texts as they came"),
    (names::CUSTODY, "who did what and when, for a spreadsheet"),
    (names::SUMS, "the sum of every file, signed by SHA256SUMS.minisig"),
    (names::KEY, "the public key of the computer that saved this"),
];

/// What is asked of a recorder before and after what is known.
const MARGIN: SignedDuration = SignedDuration::from_secs(120);
/// A text is cut after so many characters.
const LONGEST: usize = 1_000;

impl Story {
    pub(crate) fn new(case: &Case, kept: &[Kept], key: PublicKey) -> Story {
        let parts: Vec<Part> = case
            .incidents
            .iter()
            .enumerate()
            .map(|(index, incident)| part(case, incident, index, kept))
            .collect();
        Story {
            title: title(case),
            subtitle: subtitle(case),
            facts: facts(case, kept),
            asks: asks(case),
            parts,
            clock: clock(case),
            steps: steps(key),
            key,
        }
    }
}

fn title(case: &Case) -> String {
    match case.incidents.as_slice() {
        [only] => words(&only.kind),
        incidents => format!("{} incidents", incidents.len()),
    }
}

fn subtitle(case: &Case) -> String {
    let mut places: Vec<String> = case.incidents.iter().map(place).collect();
    places.dedup();
    match places.as_slice() {
        [only] => only.clone(),
        [first, rest @ ..] if rest.len() < 3 => {
            rest.iter().fold(first.clone(), |all, place| format!("{all}, {place}"))
        }
        [first, rest @ ..] => format!("{first} and {} more", rest.len()),
        [] => String::new(),
    }
}

/// The store and the camera, as far as they are known.
fn place(incident: &Incident) -> String {
    match store(incident) {
        Some(store) => format!("{store} \u{b7} {}", camera(incident)),
        None => camera(incident),
    }
}

fn store(incident: &Incident) -> Option<String> {
    let by_id = || incident.store_id.as_deref().map(|id| format!("store {}", words(id)));
    incident.store.as_deref().map(words).or_else(by_id)
}

fn camera(incident: &Incident) -> String {
    let by_id = || incident.camera_id.as_deref().map(|id| format!("camera {}", words(id)));
    incident
        .camera
        .as_deref()
        .map(words)
        .or_else(by_id)
        .unwrap_or_else(|| "a camera of unknown name".to_owned())
}

fn facts(case: &Case, kept: &[Kept]) -> Vec<Fact> {
    let there = kept.iter().filter(|kept| kept.file.is_some()).count();
    let mut facts = Vec::new();
    if let Some(reference) = &case.reference {
        facts.push(Fact { label: "Reference", value: words(reference) });
    }
    let span = case.incidents.iter().filter_map(|incident| span(case, incident));
    let all = span.reduce(|(from, to), (first, last)| (from.min(first), to.max(last)));
    if let Some((from, to)) = all {
        facts.push(Fact { label: "First alert", value: both(case, from) });
        facts.push(Fact { label: "Last alert", value: both(case, to) });
    }
    let alerts: usize = case.incidents.iter().map(|incident| incident.alerts.len()).sum();
    facts.push(Fact { label: "Alerts", value: format!("{alerts}, with {}", count(there, "picture")) });
    if let [only] = case.incidents.as_slice() {
        facts.extend(kind(only));
    }
    let saved = match &case.made_by {
        Some(person) => format!("{} by {}", times::local(case.made_at, &case.zone), words(person)),
        None => times::local(case.made_at, &case.zone),
    };
    facts.push(Fact { label: "Saved", value: saved });
    let with = match &case.computer {
        Some(computer) => format!("{} on the computer {}", words(&case.program), words(computer)),
        None => words(&case.program),
    };
    facts.push(Fact { label: "Saved with", value: with });
    if let Some(server) = &case.server {
        facts.push(Fact { label: "Alerts from", value: words(server) });
    }
    facts
}

fn both(case: &Case, at: Timestamp) -> String {
    format!("{}\n{}", times::local(at, &case.zone), times::utc(at))
}

/// When it happened, as near to the server's clock as is known.
fn span(case: &Case, incident: &Incident) -> Option<(Timestamp, Timestamp)> {
    let times = incident.alerts.iter().map(|alert| happened(case, alert));
    times.map(|at| (at, at)).reduce(|(from, to), (first, last)| (from.min(first), to.max(last)))
}

/// By the server's clock where it said when; else when it came, put onto the server's clock where the difference is known.
fn happened(case: &Case, alert: &Alert) -> Timestamp {
    let ahead = case.clock.map_or(SignedDuration::ZERO, |clock| clock.server_ahead);
    let came = || alert.received_at.saturating_add(ahead).unwrap_or(alert.received_at);
    alert.detected_at.unwrap_or_else(came)
}

/// What to ask the recorder for: one row for each camera and stretch of time.
fn asks(case: &Case) -> Vec<Ask> {
    let uncertain = case.clock.and_then(|clock| clock.uncertainty).unwrap_or_default().abs();
    let margin = MARGIN.saturating_add(uncertain);
    let mut wanted: Vec<(String, Timestamp, Timestamp)> = Vec::new();
    for incident in &case.incidents {
        let Some((first, last)) = span(case, incident) else { continue };
        let (from, to) = times::minutes_around(first, last, margin);
        wanted.push((place(incident), from, to));
    }
    wanted.sort();
    let mut joined: Vec<(String, Timestamp, Timestamp)> = Vec::new();
    for (camera, from, to) in wanted {
        match joined.last_mut() {
            Some((last, _, until)) if *last == camera && from <= *until => *until = (*until).max(to),
            _ => joined.push((camera, from, to)),
        }
    }
    joined.into_iter().map(|(camera, from, to)| ask(case, camera, from, to)).collect()
}

fn ask(case: &Case, camera: String, from: Timestamp, to: Timestamp) -> Ask {
    let stretch = |zone: &jiff::tz::TimeZone| {
        let (from, to) = (from.to_zoned_datetime(zone.clone()), to.to_zoned_datetime(zone.clone()));
        let end = if from.date() == to.date() && from.offset() == to.offset() {
            to.strftime("%H:%M").to_string()
        } else {
            format!("{} ({})", times::local_minute(&to), times::offset(to.offset()))
        };
        format!("{} ({}) to {end}", times::local_minute(&from), times::offset(from.offset()))
    };
    let utc = |at: Timestamp| at.strftime("%Y-%m-%d %H:%M").to_string();
    Ask { camera, local: stretch(&case.zone), utc: format!("{} to {} UTC", utc(from), utc(to)) }
}

fn clock(case: &Case) -> String {
    let zone = times::zone_name(&case.zone, case.made_at);
    let compared = match case.clock {
        None => "The two clocks could not be compared.".to_owned(),
        Some(clock) => {
            let ahead = clock.server_ahead;
            let by = if ahead.is_negative() { "behind" } else { "ahead of" };
            let surely = match clock.uncertainty {
                Some(by) => format!("give or take {}", times::seconds(by)),
                None => "to about a second".to_owned(),
            };
            format!(
                "Compared on {}, the server's clock was {} {by} this computer's, {surely}.",
                times::local(clock.compared_at, &case.zone),
                times::seconds(ahead)
            )
        }
    };
    format!(
        "The shop's time is that of {zone}; UTC is given beside it. When something was detected is by the server's clock; when it came, \
         was seen and was decided on is by this computer's. {compared} Neither is known to be right."
    )
}

fn steps(key: PublicKey) -> Vec<Step> {
    vec![
        Step { words: "Unpack the package and open a command line in its folder.", commands: Vec::new() },
        Step {
            words: "Check the sums. Every line must end with OK. On macOS it is \u{201c}shasum -a 256\u{201d}; on Windows, \
                    \u{201c}certutil -hashfile FILE SHA256\u{201d} shows one file's sum.",
            commands: vec!["sha256sum -c SHA256SUMS".to_owned()],
        },
        Step {
            words: "Check the signature with minisign, a free program for Linux, Windows and macOS.",
            commands: vec![format!("minisign -Vm SHA256SUMS -P {key}")],
        },
        Step {
            words: "Or let VisionGuard do both, on the package as it is. It names each file that is not as it was.",
            commands: vec![format!("visionguard verify PACKAGE.zip --key {key}")],
        },
    ]
}

fn part(case: &Case, incident: &Incident, index: usize, kept: &[Kept]) -> Part {
    let (rows, pictures) = (rows(case, incident, index, kept), pictures(case, incident, index, kept));
    if case.incidents.len() == 1 {
        return Part { heading: None, facts: Vec::new(), rows, pictures };
    }
    let mut facts = vec![Fact { label: "Camera", value: camera(incident) }];
    facts.extend(store(incident).map(|value| Fact { label: "Store", value }));
    if let Some((from, to)) = span(case, incident) {
        facts.push(Fact { label: "First alert", value: both(case, from) });
        facts.push(Fact { label: "Last alert", value: both(case, to) });
    }
    facts.extend(kind(incident));
    let heading = format!("{}. {} \u{b7} {}", index + 1, words(&incident.kind), camera(incident));
    Part { heading: Some(heading), facts, rows, pictures }
}

/// How serious it was taken to be, and by which numbers it is known.
fn kind(incident: &Incident) -> Vec<Fact> {
    let severity = incident.severity.as_deref().map(|value| Fact { label: "Taken as", value: words(value) });
    let ids = [("store", &incident.store_id), ("camera", &incident.camera_id)];
    let ids = ids.iter().filter_map(|(name, id)| Some(format!("{name} {}", words(id.as_deref()?))));
    let ids: Vec<String> = ids.chain([format!("incident {} on this computer", incident.number)]).collect();
    severity.into_iter().chain([Fact { label: "Ids", value: ids.join(", ") }]).collect()
}

/// What happened to it, oldest first.
pub(crate) fn rows(case: &Case, incident: &Incident, index: usize, kept: &[Kept]) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for (number, alert) in incident.alerts.iter().enumerate() {
        let with = match file(kept, index, number) {
            Some((name, _)) => format!("with {name}"),
            None => "without a picture".to_owned(),
        };
        let what = format!("Alert {} came from the server {with}", alert.number);
        let row = row(case, Timed::Computer(alert.received_at), &Who::Program, what, None);
        rows.push(Row { is_alert: true, ..row });
    }
    for event in &incident.events {
        let (what, note) = what(event);
        rows.push(row(case, event.at, &event.who, what, note));
    }
    rows.sort_by_key(|row| row.at);
    rows
}

fn row(case: &Case, at: Timed, who: &Who, what: String, note: Option<String>) -> Row {
    let what = match at {
        Timed::Computer(_) => what,
        Timed::Server(_) => format!("{what} (by the server's clock)"),
    };
    let said = at.said();
    let who = match who {
        Who::Person(name) => words(name),
        Who::SomebodyHere => "Somebody at this computer".to_owned(),
        Who::SomebodyElsewhere => "Somebody elsewhere".to_owned(),
        Who::Program => "This computer".to_owned(),
        Who::Server => "The server".to_owned(),
    };
    Row {
        at: said,
        local: times::local(said, &case.zone),
        utc: times::utc(said),
        who,
        what,
        note,
        is_alert: false,
    }
}

fn what(event: &Event) -> (String, Option<String>) {
    match &event.what {
        What::Notified => ("Showed a notification on the screen".to_owned(), None),
        What::Seen => ("Looked at it".to_owned(), None),
        What::Dismissed => ("Took it out of view".to_owned(), None),
        What::Decided { decision, outcome, unopened, note } => {
            let outcome = outcome.as_deref().map(|outcome| format!(" ({})", words(outcome)));
            let unopened = if *unopened { ", without having been opened" } else { "" };
            let decided = format!("Decided: {decision}{}{unopened}", outcome.unwrap_or_default());
            (decided, note.as_deref().map(words))
        }
        What::Noted { note } => ("Wrote a note".to_owned(), Some(words(note))),
        What::Recorded { decision } => (format!("Recorded the decision: {decision}"), None),
        What::Refused { decision, reason } => {
            (format!("Did not take the decision: {decision}"), Some(words(reason)))
        }
    }
}

fn pictures(case: &Case, incident: &Incident, index: usize, kept: &[Kept]) -> Vec<Picture> {
    let of = |(number, alert): (usize, &Alert)| {
        let found = position(kept, index, number);
        picture(case, alert, found.map(|at| (at, &kept[at])))
    };
    incident.alerts.iter().enumerate().map(of).collect()
}

fn picture(case: &Case, alert: &Alert, kept: Option<(usize, &Kept)>) -> Picture {
    let mut lines = Vec::new();
    let by = if alert.detected_at.is_some() { "detected" } else { "came" };
    let at = alert.detected_at.unwrap_or(alert.received_at);
    lines.push(format!("{by} {}", times::local(at, &case.zone)));
    lines.push(times::utc(at));
    lines.extend(alert.text.as_deref().map(words).filter(|text| !text.is_empty()));
    let mut known = vec![format!("alert {}", alert.number)];
    known.extend(alert.record_id.as_deref().map(|id| format!("record {}", words(id))));
    known.extend(alert.person.map(|person| format!("person no. {person}")));
    known.extend(alert.score.filter(|score| score.is_finite()).map(|score| format!("score {score:.2}")));
    known.extend(alert.frame_number.map(|frame| format!("frame {frame}")));
    lines.push(known.join(", "));
    lines.extend(alert.remark.as_deref().map(words));
    let file = kept.and_then(|(_, kept)| kept.file.clone());
    let title = match &file {
        Some((name, _)) => name.clone(),
        None => "No picture".to_owned(),
    };
    Picture { index: kept.map(|(at, _)| at), file, frame: alert.frame, title, lines }
}

/// `1 picture`, `2 pictures`.
pub(crate) fn count(number: usize, of: &str) -> String {
    if number == 1 { format!("1 {of}") } else { format!("{number} {of}s") }
}

/// A text of somebody else: on one line, without characters that turn what stands around it, and its direction its own.
pub(crate) fn words(text: &str) -> String {
    let plain = text.chars().filter(|char| !names::is_bidi_control(*char));
    let plain = plain.map(|char| if char.is_control() || is_line(char) { ' ' } else { char });
    let plain: String = plain.take(LONGEST + 1).collect();
    let mut plain = plain.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    if let Some((end, _)) = plain.char_indices().nth(LONGEST) {
        plain.truncate(end);
        plain.push_str("\u{2026} (cut; incident.json has all of it)");
    }
    if plain.is_ascii() { plain } else { format!("\u{2068}{plain}\u{2069}") }
}

fn is_line(char: char) -> bool {
    matches!(char, '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn a_text_of_others_cannot_turn_or_break_what_stands_around_it() {
        assert_eq!(words("Till 2"), "Till 2");
        assert_eq!(words("a\u{202e}b\nc\u{2029}d"), "ab c d");
        assert_eq!(words("caf\u{e9}"), "\u{2068}caf\u{e9}\u{2069}");
        assert!(words(&"x".repeat(5_000)).len() < 1_100);
    }

    #[test]
    fn the_recorder_is_asked_once_for_what_overlaps_on_one_camera() {
        let mut case = testing::case();
        let second = case.incidents[0].clone();
        case.incidents.push(second);

        let asks = Story::new(&case, &[], testing::signer().public_key()).asks;

        assert_eq!(asks.len(), 1, "{asks:?}");
        assert_eq!(asks[0].camera, "Harbour Market \u{b7} Till 2");
        assert_eq!(asks[0].local, "Sat 28 Nov 2026, 14:01 (UTC+01:00) to 14:06");
        assert_eq!(asks[0].utc, "2026-11-28 13:01 to 2026-11-28 13:06 UTC");
    }

    #[test]
    fn the_clock_s_offset_and_its_uncertainty_are_said() {
        let story = Story::new(&testing::case(), &[], testing::signer().public_key());

        assert!(story.clock.contains(
            "the server's clock was 1.250\u{a0}s ahead of this computer's, give or take 0.620\u{a0}s"
        ));
    }

    #[test]
    fn what_happened_is_told_in_order_with_who_and_note() {
        let story = Story::new(&testing::case(), &[], testing::signer().public_key());

        let rows: Vec<&str> = story.parts[0].rows.iter().map(|row| row.what.as_str()).collect();

        assert!(story.parts[0].rows.is_sorted_by_key(|row| row.at));
        assert!(rows.contains(&"Decided: resolved"), "{rows:?}");
        let decided = story.parts[0].rows.iter().find(|row| row.what == "Decided: resolved").unwrap();
        assert_eq!(
            (decided.who.as_str(), decided.note.as_deref()),
            ("manager", Some("Police called, 2 bottles"))
        );
    }

    #[test]
    fn what_came_of_it_and_that_nobody_had_opened_it_is_told_with_the_decision() {
        let mut case = testing::case();
        for event in &mut case.incidents[0].events {
            if let What::Decided { outcome, unopened, .. } = &mut event.what {
                (*outcome, *unopened) = (Some("Police called".into()), true);
            }
        }

        let story = Story::new(&case, &[], testing::signer().public_key());

        let rows: Vec<&str> = story.parts[0].rows.iter().map(|row| row.what.as_str()).collect();
        let told = "Decided: resolved (Police called), without having been opened";
        assert!(rows.contains(&told), "{rows:?}");
    }
}
