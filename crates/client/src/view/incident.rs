//! Incidents, their alerts, and the feed of them.

use serde::{Deserialize, Serialize};
#[cfg(test)]
use ts_rs::TS;

use crate::model::{Decision, Disposition, Handling, Severity, Source};

/// One incident: the alerts of one camera and person whose pauses stay under a minute.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(TS))]
pub struct Incident {
    pub id: String,
    pub kind: IncidentKind,
    pub severity: Severity,
    /// Why the severity is what it is: "score 3.5, third time in 5 minutes".
    pub why: String,
    /// The camera's name as the person gave it, or a short form of the stream's id.
    pub camera: String,
    /// The camera stream as the backend names it.
    pub stream_id: Option<String>,
    pub shop: Option<String>,
    pub person: Option<String>,
    #[cfg_attr(test, ts(type = "number"))]
    pub first_at: i64,
    #[cfg_attr(test, ts(type = "number"))]
    pub last_at: i64,
    /// How many alerts it holds.
    pub alerts: u32,
    /// The newest alert with a picture; its `frame://` id.
    pub cover: Option<String>,
    pub source: Source,
    pub handling: Handling,
    /// What came of it, if anybody said.
    pub outcome: Option<Disposition>,
    /// Whose the decision is, by name; none where it is that of who is signed in here, or nobody knows.
    pub by: Option<String>,
    /// It was decided on with others, and nobody had opened it.
    pub unopened: bool,
    pub seen: bool,
    /// Taken out of view: listed among [`FeedFilter::Cleared`] alone.
    pub cleared: bool,
    /// When it happened, where it came live but late: `first_at` and `last_at` are when it came.
    pub late: Option<Late>,
}

/// When that happened which came late, by this computer's clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(TS))]
pub struct Late {
    #[cfg_attr(test, ts(type = "number"))]
    pub from: i64,
    #[cfg_attr(test, ts(type = "number"))]
    pub to: i64,
    /// "Came late, 1 min 10 s."
    pub sentence: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(TS))]
#[serde(rename_all = "snake_case")]
pub enum IncidentKind {
    Theft,
    Intrusion,
    Other,
}

/// One alert of an incident, for its strip of frames and its details.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(TS))]
pub struct AlertView {
    /// Our own id; also the `frame://` id.
    pub id: String,
    /// The record's id, once known.
    pub anomaly_id: Option<String>,
    /// By the server's clock.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub detected_at: Option<i64>,
    /// The same by this computer's clock, where the difference of the two is known.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub detected_here: Option<i64>,
    #[cfg_attr(test, ts(type = "number"))]
    pub received_at: i64,
    #[cfg_attr(test, ts(type = "number | null"))]
    pub notified_at: Option<i64>,
    /// When its ack was sent to the server.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub acked_at: Option<i64>,
    pub source: Source,
    pub score: Option<f64>,
    pub frame: Option<FrameView>,
    /// Why there is no picture, or why it cannot be shown; else what there is to say about it.
    pub frame_problem: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[cfg_attr(test, derive(TS))]
pub struct FrameView {
    pub width: u32,
    pub height: u32,
    pub bytes: u32,
    /// Where the person is, in the picture's pixels: x, y, width, height.
    pub bounding_box: Option<[f64; 4]>,
}

/// One incident with its alerts, oldest first (the newest 200 of them).
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(TS))]
pub struct IncidentDetail {
    pub incident: Incident,
    pub alerts: Vec<AlertView>,
    /// What was written about it on this computer.
    pub note: Option<String>,
    /// Of that, or of what came of it, the server is not told all yet.
    pub note_waits: bool,
    /// What others wrote about it.
    pub notes: Vec<NoteView>,
    /// The backend's own words, hostile text.
    pub text: Option<String>,
}

/// What somebody wrote about an incident, as the server's record has it: hostile text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(TS))]
pub struct NoteView {
    pub text: String,
    /// Who, by name, where that is told.
    pub by: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(TS))]
#[serde(rename_all = "snake_case")]
pub enum FeedFilter {
    #[default]
    All,
    /// Not decided on, or no decision was taken.
    Unhandled,
    /// Handled, and taken out of view.
    Cleared,
}

/// What comes back into view.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(TS))]
#[serde(tag = "which", rename_all = "snake_case")]
pub enum BringBack {
    One {
        incident: String,
    },
    /// What was cleared at that moment: [`Cleared::at`].
    ClearedAt {
        #[cfg_attr(test, ts(type = "number"))]
        at: i64,
    },
    /// Of what is out of view, everything that this query lists; its filter counts for nothing.
    Listed {
        query: FeedQuery,
    },
}

/// What was taken out of view.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(TS))]
pub struct Cleared {
    pub incidents: u32,
    /// When, to have it back.
    #[cfg_attr(test, ts(type = "number"))]
    pub at: i64,
}

/// Which part of the feed: newest first.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(TS))]
pub struct FeedQuery {
    #[serde(default)]
    pub filter: FeedFilter,
    /// Words to look for in camera, shop, kind, note and the server's text, and a time as people write it; empty for all.
    #[serde(default)]
    pub search: String,
    /// Only incidents of this severity.
    #[serde(default)]
    pub severity: Option<Severity>,
    /// Only incidents of this shop, by its id in [`FeedPage::shops`].
    #[serde(default)]
    pub shop: Option<String>,
    /// Only incidents of this camera, by the id of its stream.
    #[serde(default)]
    pub camera: Option<String>,
    #[serde(default)]
    pub kind: Option<IncidentKind>,
    /// Only what was decided like this, here or elsewhere, and what is being sent.
    #[serde(default)]
    pub decision: Option<Decision>,
    /// Only what these decided on.
    #[serde(default)]
    pub who: Option<Who>,
    /// Only what began at this moment or later, and the outages that went on until then.
    #[serde(default)]
    #[cfg_attr(test, ts(type = "number | null"))]
    pub since: Option<i64>,
    /// Only what began before this moment.
    #[serde(default)]
    #[cfg_attr(test, ts(type = "number | null"))]
    pub until: Option<i64>,
    /// Older ones than this: the cursor of the page before, or the id of a row.
    #[serde(default)]
    pub before: Option<String>,
    /// Newer ones than this, the nearest of them.
    #[serde(default)]
    pub after: Option<String>,
    /// From where the list was at this moment.
    #[serde(default)]
    #[cfg_attr(test, ts(type = "number | null"))]
    pub at: Option<i64>,
}

/// At most 50 incidents.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[cfg_attr(test, derive(TS))]
pub struct FeedPage {
    pub items: Vec<FeedItem>,
    /// Hand this back as `before` for older ones; none at the end.
    pub next: Option<String>,
    /// Hand this back as `after` for newer ones; none at the top, and where older ones were asked for.
    pub previous: Option<String>,
    /// How many rows are above the first, where [`FeedQuery::at`] was asked for and that can be told.
    pub above: Option<u32>,
    /// The shops that the whole feed holds incidents of, by name.
    pub shops: Vec<ShopView>,
    /// The cameras of the incidents that are here, by name; told with the first page.
    pub cameras: Vec<CameraView>,
    /// Where the search means a time: which.
    pub understood: Option<Understood>,
}

/// A camera to narrow the feed to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(TS))]
pub struct CameraView {
    /// The id of its stream.
    pub id: String,
    pub name: String,
}

/// Who decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(TS))]
#[serde(rename_all = "snake_case")]
pub enum Who {
    /// Who uses this computer.
    Me,
    /// Whoever decided elsewhere.
    Others,
}

/// A search that means a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(TS))]
pub struct Understood {
    /// What else it looks for.
    pub words: String,
    #[cfg_attr(test, ts(type = "number"))]
    pub from: i64,
    /// Before this moment.
    #[cfg_attr(test, ts(type = "number"))]
    pub to: i64,
}

/// A shop to narrow the feed to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(TS))]
pub struct ShopView {
    pub id: String,
    pub name: String,
}

/// A row of the feed.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(TS))]
#[serde(tag = "type", rename_all = "snake_case")]
#[allow(clippy::large_enum_variant, reason = "fifty on a page, and nearly all of them incidents")]
pub enum FeedItem {
    Incident(Incident),
    /// A time without a connection, and what was caught up after it.
    Outage {
        id: String,
        #[cfg_attr(test, ts(type = "number"))]
        from: i64,
        #[cfg_attr(test, ts(type = "number | null"))]
        to: Option<i64>,
        caught_up: u32,
        sentence: String,
    },
}
