//! From rows to what the page, the tray and the command line show.

use std::collections::BTreeMap;

use jiff::Timestamp;
use visionguard_proto::Kind;

use super::store::{PRUNED, REMARK};
use crate::model::{IncidentRow, Stored};
use crate::policy;
use crate::view::{AlertView, FrameView, Incident, IncidentKind, Late, ShopView};
use crate::words;

/// Longest name of a place that is shown, in characters.
const LONGEST_PLACE: usize = 80;

/// An incident as the page shows it.
pub(crate) fn incident(row: &IncidentRow, camera_names: &BTreeMap<String, String>) -> Incident {
    let assessment = policy::assess(row.kind, row.top_score, row.nth);
    Incident {
        id: row.id.to_string(),
        kind: kind(row.kind),
        severity: assessment.severity,
        why: assessment.why,
        camera: camera(row, camera_names),
        stream_id: row.stream_id.as_ref().map(ToString::to_string),
        shop: row.shop.as_deref().map(plain).filter(|name| !name.is_empty()),
        person: row.person_id.map(|person| person.to_string()),
        first_at: row.first_at.as_millisecond(),
        last_at: row.last_at.as_millisecond(),
        alerts: row.alerts,
        cover: row.cover.map(|cover| cover.to_string()),
        source: row.source,
        handling: row.handling.clone(),
        seen: row.seen_at.is_some(),
        late: row.late.map(|late| Late {
            from: late.from.as_millisecond(),
            to: late.to.as_millisecond(),
            sentence: policy::came_late(late.by),
        }),
    }
}

/// An alert as the page shows it.
pub(crate) fn alert(row: &Stored) -> AlertView {
    AlertView {
        id: row.id.to_string(),
        anomaly_id: row.anomaly_id.as_ref().map(ToString::to_string),
        detected_at: row.detected_at.map(Timestamp::as_millisecond),
        detected_here: row.detected_here.map(Timestamp::as_millisecond),
        received_at: row.received_at.as_millisecond(),
        notified_at: row.notified_at.map(Timestamp::as_millisecond),
        acked_at: row.acked_at.map(Timestamp::as_millisecond),
        source: row.source,
        score: row.score,
        frame: row.picture.map(|picture| FrameView {
            width: picture.width,
            height: picture.height,
            bytes: picture.bytes,
            bounding_box: picture
                .bounding_box
                .map(|bounds| [bounds.x, bounds.y, bounds.width, bounds.height]),
        }),
        frame_problem: row.picture_problem.as_deref().map(problem),
    }
}

/// A shop to narrow the feed to; none if nothing is left of its name.
pub(super) fn shop(id: String, name: &str) -> Option<ShopView> {
    let name = plain(name);
    (!name.is_empty()).then_some(ShopView { id, name })
}

/// The camera's name: as the person gave it, else the place the backend names, else a short form of the stream's id.
pub(crate) fn camera(row: &IncidentRow, camera_names: &BTreeMap<String, String>) -> String {
    let stream = row.stream_id.as_ref().map(|id| id.as_str()).unwrap_or_default();
    let given = camera_names.get(stream).map(|name| plain(name)).filter(|name| !name.is_empty());
    if let Some(name) = given {
        return name;
    }
    let short: String = plain(stream).chars().take(8).collect();
    let place = row.location.as_deref().map(plain).filter(|place| !place.is_empty());
    match place {
        // The original backend names every place after the stream.
        Some(place) if short.is_empty() || place != format!("Stream {short}") => place,
        Some(_) | None if !short.is_empty() => words::text("notification.camera", &[("name", &short)]),
        Some(_) | None => words::text("notification.camera_unknown", &[]),
    }
}

/// Text of a stranger, without what could disturb a line: control characters and those that turn its direction.
fn plain(text: &str) -> String {
    let kept: String = text.chars().filter(|c| !disturbs(*c)).take(LONGEST_PLACE).collect();
    kept.trim().to_owned()
}

fn disturbs(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}')
}

impl Stored {
    /// Why its picture is not there, in words; nothing where it is, or never was, or was deleted.
    pub fn picture_trouble(&self) -> Option<String> {
        let stored = self.picture_problem.as_deref().filter(|_| self.picture.is_none())?;
        (stored != PRUNED).then(|| problem(stored))
    }

    /// Whether it says of a picture that is there that it cannot be shown.
    pub(crate) fn is_noted_as_unshown(&self) -> bool {
        self.picture.is_some()
            && self.picture_problem.as_deref().is_some_and(|stored| !stored.starts_with(REMARK))
    }
}

/// A stranger's words about a picture, as part of a sentence.
fn plain_words(text: &str) -> String {
    let kept: String = text.chars().filter(|c| !disturbs(*c)).collect();
    kept.trim().trim_end_matches('.').to_owned()
}

fn problem(stored: &str) -> String {
    if stored == PRUNED {
        return words::text("notice.picture_pruned", &[]);
    }
    if let Some(remark) = stored.strip_prefix(REMARK) {
        return words::text("notice.picture_remark", &[("what", &plain_words(remark))]);
    }
    words::text("notice.picture_refused", &[("why", &plain_words(stored))])
}

fn kind(kind: Kind) -> IncidentKind {
    match kind {
        Kind::Theft => IncidentKind::Theft,
        Kind::Intrusion => IncidentKind::Intrusion,
        Kind::Other => IncidentKind::Other,
    }
}
