//! `incident.json`: the facts for a program, with every text as it came. `docs/evidence.md` has each field.

use jiff::tz::TimeZone;
use serde::Serialize;
use serde_json::Number;

use crate::case::{Case, Decision, Event, Incident, Orientation, Timed, What, Who};
use crate::key::PublicKey;
use crate::story::{self, Kept};
use crate::times;

/// What the file says it is.
pub const FORMAT: &str = "visionguard-evidence";
/// The version of its form: a program that knows this one reads it. Fields are added without a new one; what changes or goes makes a new one.
pub const VERSION: u32 = 1;

#[derive(Serialize)]
struct Document<'a> {
    format: &'static str,
    version: u32,
    made_at: String,
    made_by: Option<&'a str>,
    program: &'a str,
    computer: Option<&'a str>,
    server: Option<&'a str>,
    reference: Option<&'a str>,
    zone: String,
    clock: Option<Clock>,
    key: Key,
    pictures_are: &'static str,
    incidents: Vec<IncidentOf<'a>>,
}

#[derive(Serialize)]
struct Clock {
    server_ahead_seconds: Option<Number>,
    uncertainty_seconds: Option<Number>,
    compared_at: String,
}

#[derive(Serialize)]
struct Key {
    id: String,
    public: String,
}

#[derive(Serialize)]
struct IncidentOf<'a> {
    number: i64,
    kind: &'a str,
    severity: Option<&'a str>,
    store: Named<'a>,
    camera: Named<'a>,
    alerts: Vec<AlertOf<'a>>,
    events: Vec<EventOf<'a>>,
}

#[derive(Serialize)]
struct Named<'a> {
    name: Option<&'a str>,
    id: Option<&'a str>,
}

#[derive(Serialize)]
struct AlertOf<'a> {
    number: i64,
    record_id: Option<&'a str>,
    text: Option<&'a str>,
    score: Option<Number>,
    person: Option<i64>,
    frame_number: Option<i64>,
    detected_at: Option<String>,
    received_at: String,
    received_at_shop: String,
    picture: Option<PictureOf<'a>>,
    remark: Option<&'a str>,
}

#[derive(Serialize)]
struct PictureOf<'a> {
    file: Option<&'a str>,
    sha256: Option<&'a str>,
    width: u32,
    height: u32,
    orientation: &'static str,
    area: Option<[Option<Number>; 4]>,
}

#[derive(Serialize)]
struct EventOf<'a> {
    at: String,
    clock: &'static str,
    who: WhoOf<'a>,
    what: &'static str,
    decision: Option<&'static str>,
    outcome: Option<&'a str>,
    unopened: bool,
    note: Option<&'a str>,
    reason: Option<&'a str>,
}

#[derive(Serialize)]
struct WhoOf<'a> {
    role: &'static str,
    name: Option<&'a str>,
}

/// The file's text.
pub(crate) fn to_json(case: &Case, kept: &[Kept], key: PublicKey) -> serde_json::Result<String> {
    let document = Document {
        format: FORMAT,
        version: VERSION,
        made_at: times::for_program(case.made_at),
        made_by: case.made_by.as_deref(),
        program: &case.program,
        computer: case.computer.as_deref(),
        server: case.server.as_deref(),
        reference: case.reference.as_deref(),
        zone: times::zone_name(&case.zone, case.made_at),
        clock: case.clock.map(|clock| Clock {
            server_ahead_seconds: Number::from_f64(clock.server_ahead.as_secs_f64()),
            uncertainty_seconds: clock.uncertainty.and_then(|by| Number::from_f64(by.as_secs_f64())),
            compared_at: times::for_program(clock.compared_at),
        }),
        key: Key { id: key.id(), public: key.to_string() },
        pictures_are: "the detector's, byte for byte as they were received; not the recorder's",
        incidents: case
            .incidents
            .iter()
            .enumerate()
            .map(|(index, one)| incident(one, index, kept, &case.zone))
            .collect(),
    };
    Ok(serde_json::to_string_pretty(&document)? + "\n")
}

fn incident<'a>(incident: &'a Incident, index: usize, kept: &'a [Kept], zone: &TimeZone) -> IncidentOf<'a> {
    let alerts = incident.alerts.iter().enumerate().map(|(number, alert)| {
        let file = story::file(kept, index, number);
        AlertOf {
            number: alert.number,
            record_id: alert.record_id.as_deref(),
            text: alert.text.as_deref(),
            score: alert.score.and_then(Number::from_f64),
            person: alert.person,
            frame_number: alert.frame_number,
            detected_at: alert.detected_at.map(times::for_program),
            received_at: times::for_program(alert.received_at),
            received_at_shop: times::local(alert.received_at, zone),
            picture: alert.frame.map(|frame| PictureOf {
                file: file.map(|(name, _)| name.as_str()),
                sha256: file.map(|(_, digest)| digest.as_str()),
                width: frame.width,
                height: frame.height,
                orientation: match frame.orientation {
                    Orientation::Upright => "upright",
                    Orientation::Half => "half",
                    Orientation::Right => "right",
                    Orientation::Left => "left",
                    Orientation::Other => "other",
                },
                area: frame
                    .area
                    .map(|area| [area.left, area.top, area.right, area.bottom].map(Number::from_f64)),
            }),
            remark: alert.remark.as_deref(),
        }
    });
    IncidentOf {
        number: incident.number,
        kind: &incident.kind,
        severity: incident.severity.as_deref(),
        store: Named { name: incident.store.as_deref(), id: incident.store_id.as_deref() },
        camera: Named { name: incident.camera.as_deref(), id: incident.camera_id.as_deref() },
        alerts: alerts.collect(),
        events: incident.events.iter().map(event).collect(),
    }
}

fn event(event: &Event) -> EventOf<'_> {
    let (what, decision, note, reason) = match &event.what {
        What::Notified => ("notified", None, None, None),
        What::Seen => ("seen", None, None, None),
        What::Dismissed => ("dismissed", None, None, None),
        What::Decided { decision, note, .. } => ("decided", Some(decision), note.as_deref(), None),
        What::Noted { note } => ("noted", None, Some(note.as_str()), None),
        What::Recorded { decision } => ("recorded", Some(decision), None, None),
        What::Refused { decision, reason } => ("refused", Some(decision), None, Some(reason.as_str())),
    };
    let (outcome, unopened) = match &event.what {
        What::Decided { outcome, unopened, .. } => (outcome.as_deref(), *unopened),
        What::Notified
        | What::Seen
        | What::Dismissed
        | What::Noted { .. }
        | What::Recorded { .. }
        | What::Refused { .. } => (None, false),
    };
    EventOf {
        at: times::for_program(event.at.said()),
        clock: match event.at {
            Timed::Computer(_) => "computer",
            Timed::Server(_) => "server",
        },
        who: match &event.who {
            Who::Person(name) => WhoOf { role: "person", name: Some(name) },
            Who::SomebodyHere => WhoOf { role: "somebody_here", name: None },
            Who::SomebodyElsewhere => WhoOf { role: "somebody_elsewhere", name: None },
            Who::Program => WhoOf { role: "program", name: None },
            Who::Server => WhoOf { role: "server", name: None },
        },
        what,
        decision: decision.map(|decision| match decision {
            Decision::Acknowledged => "acknowledged",
            Decision::Resolved => "resolved",
            Decision::FalseAlarm => "false_alarm",
            Decision::Reopened => "reopened",
        }),
        outcome,
        unopened,
        note,
        reason,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::testing;

    #[test]
    fn it_says_what_it_is_and_keeps_texts_as_they_came() {
        let mut case = testing::case();
        case.incidents[0].camera = Some("Till\u{202e} 2\n<b>".into());

        let json: Value =
            serde_json::from_str(&to_json(&case, &[], testing::signer().public_key()).unwrap()).unwrap();

        assert_eq!((json["format"].as_str(), json["version"].as_u64()), (Some(FORMAT), Some(1)));
        assert_eq!(json["incidents"][0]["camera"]["name"], "Till\u{202e} 2\n<b>");
        assert_eq!(json["clock"]["server_ahead_seconds"], 1.25);
        assert_eq!(json["zone"], "Europe/Berlin");
    }

    #[test]
    fn every_field_is_explained() {
        let explained = include_str!("../../../docs/evidence.md");
        let case = testing::case();

        let json: Value =
            serde_json::from_str(&to_json(&case, &[], testing::signer().public_key()).unwrap()).unwrap();

        let mut names = Vec::new();
        fields(&json, &mut names);
        let missing: Vec<_> = names.iter().filter(|name| !explained.contains(&format!("`{name}`"))).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }

    fn fields(value: &Value, names: &mut Vec<String>) {
        if let Some(object) = value.as_object() {
            for (name, value) in object {
                names.push(name.clone());
                fields(value, names);
            }
        }
        for value in value.as_array().into_iter().flatten() {
            fields(value, names);
        }
    }
}
