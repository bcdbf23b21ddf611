//! A case for tests, and the zip of it.

use std::io::{self, Cursor};
use std::sync::LazyLock;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use jpeg_encoder::{ColorType, Encoder};

use crate::case::{
    Alert, Area, Case, ClockComparison, Decision, Event, Frame, Incident, Orientation, Timed, What, Who,
};
use crate::{Signer, write};

pub(crate) fn signer() -> Signer {
    Signer::from_secret(&[7; 32]).unwrap()
}

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Three alerts of one camera, decided on by the manager.
pub(crate) fn case() -> Case {
    let event = |when: &str, who, what| Event { at: Timed::Computer(at(when)), who, what };
    let manager = || Who::Person("manager".into());
    Case {
        made_at: at("2026-11-28T18:20:00Z"),
        made_by: Some("manager".into()),
        program: "VisionGuard Desktop 0.1.0".into(),
        computer: Some("till-office".into()),
        server: Some("alerts.example".into()),
        reference: Some("Report 2026/4711".into()),
        zone: TimeZone::get("Europe/Berlin").unwrap(),
        clock: Some(ClockComparison {
            server_ahead: SignedDuration::from_millis(1_250),
            uncertainty: Some(SignedDuration::from_millis(620)),
            compared_at: at("2026-11-28T12:58:00Z"),
        }),
        incidents: vec![Incident {
            number: 41,
            kind: "Theft".into(),
            severity: Some("High".into()),
            store: Some("Harbour Market".into()),
            store_id: Some("7".into()),
            camera: Some("Till 2".into()),
            camera_id: Some("cam-02".into()),
            alerts: (1..=3).map(alert).collect(),
            events: vec![
                event("2026-11-28T13:03:09.1Z", Who::Program, What::Notified),
                event("2026-11-28T13:04:02.7Z", Who::SomebodyHere, What::Seen),
                event(
                    "2026-11-28T13:09:40Z",
                    manager(),
                    What::Decided {
                        decision: Decision::Resolved,
                        outcome: None,
                        unopened: false,
                        note: Some("Police called, 2 bottles".into()),
                    },
                ),
                Event {
                    at: Timed::Server(at("2026-11-28T13:09:43Z")),
                    who: Who::Server,
                    what: What::Recorded { decision: Decision::Resolved },
                },
            ],
        }],
    }
}

fn alert(number: i64) -> Alert {
    let detected =
        at("2026-11-28T13:03:07Z") + SignedDuration::from_secs(11 * (number - 1) + 11 * (number / 3));
    let area = Area { left: 150.0, top: 60.0, right: 250.0, bottom: 220.0 };
    Alert {
        number: 100 + number,
        record_id: Some(format!("{}", 9_000 + number)),
        text: Some("Theft detected at Till 2".into()),
        score: Some(0.7 + 0.05 * number as f64),
        person: Some(3),
        frame_number: Some(1_200 + number),
        detected_at: Some(detected),
        received_at: detected - SignedDuration::from_millis(800),
        frame: Some(Frame { width: 400, height: 240, orientation: Orientation::Upright, area: Some(area) }),
        remark: None,
    }
}

/// A small picture of a till, another one for every alert.
pub(crate) fn picture(alert: i64) -> Vec<u8> {
    let (width, height) = (400_u16, 240_u16);
    let mut pixels = Vec::with_capacity(usize::from(width) * usize::from(height) * 3);
    let shift = u16::try_from(alert % 50).unwrap() * 6;
    for y in 0..height {
        for x in 0..width {
            let wall = 225 - (y / 6) as u8;
            let pixel = if (150..250).contains(&x) && (60..220).contains(&y) {
                if y < 100 { [196, 160, 130] } else { [60, 84, 120] }
            } else if y > 190 {
                [120, 108, 96]
            } else if (x + shift) % 80 < 8 {
                [150, 140, 120]
            } else {
                [wall, wall, wall - 10]
            };
            pixels.extend(pixel);
        }
    }
    let mut jpeg = Vec::new();
    Encoder::new(&mut jpeg, 85).encode(&pixels, width, height, ColorType::Rgb).unwrap();
    jpeg
}

pub(crate) fn pictures(alert: i64) -> io::Result<Option<Vec<u8>>> {
    Ok(Some(picture(alert)))
}

pub(crate) fn zip_of(case: &Case) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    write(case, pictures, &signer(), &mut out).unwrap();
    out.into_inner()
}

/// The zip of [`case`].
pub(crate) fn zip() -> &'static [u8] {
    static ZIP: LazyLock<Vec<u8>> = LazyLock::new(|| zip_of(&case()));
    &ZIP
}
