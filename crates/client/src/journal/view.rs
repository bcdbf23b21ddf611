//! From rows to what the page, the tray and the command line show.

use std::collections::BTreeMap;

use jiff::Timestamp;
use visionguard_proto::Kind;

use crate::model::{IncidentRow, Stored};
use crate::policy;
use crate::view::{AlertView, FrameView, Incident, IncidentKind, Late, ShopView};

/// An incident as the page shows it.
pub fn incident(row: &IncidentRow, camera_names: &BTreeMap<String, String>) -> Incident {
    let assessment = policy::assess(row.kind, row.top_score, row.nth);
    Incident {
        id: row.id.to_string(),
        kind: kind(row.kind),
        severity: assessment.severity,
        why: assessment.why,
        camera: policy::camera(row, camera_names),
        stream_id: row.stream_id.as_ref().map(ToString::to_string),
        shop: row.shop.as_deref().map(policy::plain).filter(|name| !name.is_empty()),
        person: row.person_id.map(|person| person.to_string()),
        first_at: row.first_at.as_millisecond(),
        last_at: row.last_at.as_millisecond(),
        alerts: row.alerts,
        cover: row.cover.map(|cover| cover.to_string()),
        source: row.source,
        handling: row.handling.clone(),
        outcome: row.outcome,
        by: row.by.as_deref().map(policy::plain).filter(|name| !name.is_empty()),
        unopened: row.unopened && row.handling.decision().is_some(),
        seen: row.seen_at.is_some(),
        cleared: row.dismissed_at.is_some(),
        late: row.late.map(|late| Late {
            from: late.from.as_millisecond(),
            to: late.to.as_millisecond(),
            sentence: policy::came_late(late.by),
        }),
    }
}

/// An alert as the page shows it.
pub fn alert(row: &Stored) -> AlertView {
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
        frame_problem: row.picture_problem.as_deref().map(policy::picture_problem),
    }
}

/// A shop to narrow the feed to; none if nothing is left of its name.
pub(super) fn shop(id: String, name: &str) -> Option<ShopView> {
    let name = policy::plain(name);
    (!name.is_empty()).then_some(ShopView { id, name })
}

fn kind(kind: Kind) -> IncidentKind {
    match kind {
        Kind::Theft => IncidentKind::Theft,
        Kind::Intrusion => IncidentKind::Intrusion,
        Kind::Other => IncidentKind::Other,
    }
}

/// The kind that the page means.
pub(super) fn kind_of(kind: IncidentKind) -> Kind {
    match kind {
        IncidentKind::Theft => Kind::Theft,
        IncidentKind::Intrusion => Kind::Intrusion,
        IncidentKind::Other => Kind::Other,
    }
}
