//! From what the journal keeps to what evidence says.

use jiff::Timestamp;
use visionguard_evidence::{
    Alert, Area, Case, ClockComparison, Event, Frame, Incident, Orientation, Timed, What, Who,
};
use visionguard_proto::{Jpeg, frame};

use super::Wanted;
use crate::journal::{Journal, JournalError, Whole};
use crate::model::{Decision, Handling, Severity, Stored, StoredPicture};
use crate::notes;
use crate::policy;
use crate::session_file::SavedSession;
use crate::words::text;

pub(super) async fn of(journal: &Journal, wanted: &Wanted, whole: &[Whole]) -> Result<Case, JournalError> {
    let mut incidents = Vec::new();
    for one in whole {
        incidents.push(incident(journal, wanted, one).await?);
    }
    let newest = whole.iter().filter_map(|one| one.clock_ahead).max_by_key(|(_, at)| *at);
    Ok(Case {
        made_at: wanted.made_at,
        made_by: wanted.session.as_ref().map(person),
        program: concat!("VisionGuard Desktop ", env!("CARGO_PKG_VERSION")).to_owned(),
        computer: computer(),
        server: wanted.session.as_ref().map(|session| session.server.clone()),
        reference: wanted.reference.clone(),
        zone: wanted.zone.clone(),
        clock: newest.map(|(server_ahead, compared_at)| ClockComparison {
            server_ahead,
            uncertainty: None,
            compared_at,
        }),
        incidents,
    })
}

fn person(session: &SavedSession) -> String {
    if session.name.trim().is_empty() { session.email.clone() } else { session.name.clone() }
}

/// This computer's name, where the system tells it without being asked on a network.
fn computer() -> Option<String> {
    let told = std::env::var("COMPUTERNAME").ok();
    let name = told.or_else(|| std::fs::read_to_string("/proc/sys/kernel/hostname").ok())?;
    Some(name.trim().to_owned()).filter(|name| !name.is_empty())
}

async fn incident(journal: &Journal, wanted: &Wanted, whole: &Whole) -> Result<Incident, JournalError> {
    let row = &whole.incident;
    let severity = policy::assess(row.kind, row.top_score, row.nth).severity;
    let mut alerts = Vec::new();
    for stored in &whole.alerts {
        alerts.push(alert(journal, stored).await?);
    }
    Ok(Incident {
        number: row.id.number(),
        kind: policy::kind(row.kind),
        severity: Some(match severity {
            Severity::Low => text("notification.low", &[]),
            Severity::Medium => text("notification.medium", &[]),
            Severity::High => text("notification.high", &[]),
        }),
        store: row.shop.clone(),
        store_id: row.shop_id.as_ref().map(ToString::to_string),
        camera: Some(policy::camera(row, &wanted.camera_names)),
        camera_id: row.stream_id.as_ref().map(ToString::to_string),
        alerts,
        events: events(wanted, whole),
    })
}

async fn alert(journal: &Journal, stored: &Stored) -> Result<Alert, JournalError> {
    let frame = match stored.picture {
        Some(picture) => Some(frame_of(journal, stored, picture).await?),
        None => None,
    };
    Ok(Alert {
        number: stored.id.number(),
        record_id: stored.anomaly_id.as_ref().map(ToString::to_string),
        text: stored.text.clone(),
        score: stored.score,
        person: stored.person_id,
        frame_number: stored.frame_number,
        detected_at: stored.detected_at,
        received_at: stored.received_at,
        frame,
        remark: stored.picture_problem.as_deref().map(policy::picture_problem),
    })
}

/// Looks at the picture for how it must be turned, which is kept nowhere else.
async fn frame_of(journal: &Journal, stored: &Stored, picture: StoredPicture) -> Result<Frame, JournalError> {
    let jpeg = journal.frame(stored.id).await?.and_then(|bytes| Jpeg::of_any_length(bytes).ok());
    let orientation = jpeg.map(|jpeg| jpeg.orientation()).unwrap_or_default();
    Ok(Frame {
        width: picture.width,
        height: picture.height,
        orientation: match orientation {
            frame::Orientation::Upright => Orientation::Upright,
            frame::Orientation::UpsideDown => Orientation::Half,
            frame::Orientation::QuarterTurn => Orientation::Right,
            frame::Orientation::ThreeQuarters => Orientation::Left,
            frame::Orientation::Mirrored
            | frame::Orientation::Flipped
            | frame::Orientation::Transposed
            | frame::Orientation::Transversed => Orientation::Other,
        },
        area: picture.bounding_box.map(|bounds| Area {
            left: bounds.x,
            top: bounds.y,
            right: bounds.x + bounds.width,
            bottom: bounds.y + bounds.height,
        }),
    })
}

fn events(wanted: &Wanted, whole: &Whole) -> Vec<Event> {
    let row = &whole.incident;
    let here = |at: Timestamp, who: Who, what: What| Event { at: Timed::Computer(at), who, what };
    let mut events = Vec::new();
    events.extend(row.notified_at.map(|at| here(at, Who::Program, What::Notified)));
    // With a decision it counts as seen, by whomever; only what was seen before is somebody's look.
    let looked = row.seen_at.filter(|at| Some(*at) != whole.decided_at && Some(*at) != row.dismissed_at);
    events.extend(looked.map(|at| here(at, Who::SomebodyHere, What::Seen)));
    events.extend(row.dismissed_at.map(|at| here(at, Who::SomebodyHere, What::Dismissed)));
    events.extend(decided(wanted, whole));
    events
}

fn decided(wanted: &Wanted, whole: &Whole) -> Vec<Event> {
    let row = &whole.incident;
    let decided = |decision: Decision, note: Option<String>| What::Decided {
        decision: decision_of(decision),
        outcome: row.outcome.map(notes::outcome),
        unopened: row.unopened,
        note,
    };
    let decided_here = |decision: Decision| {
        let at = whole.decided_at?;
        let what = decided(decision, whole.note.clone());
        let who = who(wanted, whole.account.as_deref(), row.by.as_deref());
        Some(Event { at: Timed::Computer(at), who, what })
    };
    let elsewhere = || row.by.clone().map_or(Who::SomebodyElsewhere, Who::Person);
    let answered = |what: What| {
        let at = whole.handled_at?;
        Some(Event { at: Timed::Computer(at), who: Who::Server, what })
    };
    let both = match &whole.incident.handling {
        Handling::Open => [None, None],
        Handling::Sending { decision, .. } => [decided_here(*decision), None],
        Handling::Recorded { decision, here: true, .. } => {
            [decided_here(*decision), answered(What::Recorded { decision: decision_of(*decision) })]
        }
        Handling::Recorded { decision, here: false, .. } => {
            let what = decided(*decision, None);
            let at = whole.handled_at.map(Timed::Server).or(whole.decided_at.map(Timed::Computer));
            [at.map(|at| Event { at, who: elsewhere(), what }), None]
        }
        Handling::Reopened { here: true, .. } => [decided_here(Decision::Reopened), None],
        Handling::Reopened { here: false, .. } => {
            let what = decided(Decision::Reopened, None);
            let at = whole.decided_at.map(Timed::Computer);
            [at.map(|at| Event { at, who: elsewhere(), what }), None]
        }
        Handling::Refused { decision, sentence } => {
            let (decision, reason) = (*decision, sentence.clone());
            let refused = What::Refused { decision: decision_of(decision), reason };
            [decided_here(decision), answered(refused)]
        }
    };
    both.into_iter().flatten().collect()
}

/// The person whose decision it is: who is signed in, or whose name was known then; of others only the id is.
fn who(wanted: &Wanted, account: Option<&str>, by: Option<&str>) -> Who {
    let Some(account) = account else { return Who::SomebodyHere };
    let session = wanted.session.as_ref();
    let ours = session.filter(|session| format!("{} at {}", session.user_id, session.server) == account);
    match ours {
        Some(session) => Who::Person(person(session)),
        None => Who::Person(by.unwrap_or(account).to_owned()),
    }
}

fn decision_of(decision: Decision) -> visionguard_evidence::Decision {
    match decision {
        Decision::Acknowledged => visionguard_evidence::Decision::Acknowledged,
        Decision::Resolved => visionguard_evidence::Decision::Resolved,
        Decision::FalseAlarm => visionguard_evidence::Decision::FalseAlarm,
        Decision::Reopened => visionguard_evidence::Decision::Reopened,
    }
}
