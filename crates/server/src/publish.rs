//! From a detection to the screens: committed to the record first, then handed to the shop's people who are connected.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use visionguard_proto::{AnomalyId, Jpeg, ShopId, StreamId, UserId};

use crate::app::App;
use crate::note::Note;
use crate::picture::Fate;
use crate::roster::Delivery;
use crate::store::record::{self, NewRow};
use crate::store::{StoreError, people};
use crate::{time, wire};

/// What was detected, as the record names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `suspicious_behavior`.
    Theft,
    /// `owl_eye_intrusion`.
    Intrusion,
}

/// How grave the publisher says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The original's claim for every theft.
    Low,
    /// Between.
    Medium,
    /// The original's claim for every intrusion.
    High,
    /// Above all.
    Critical,
}

/// One detection, to be published.
#[derive(Debug, Clone)]
pub struct Detection {
    /// The shop whose people are told.
    pub shop_id: ShopId,
    /// The user who runs the stream; none: the shop's owner.
    pub user_id: Option<UserId>,
    /// The camera stream.
    pub stream_id: StreamId,
    /// What was detected.
    pub kind: Kind,
    /// How grave; none: low for a theft, high for an intrusion.
    pub severity: Option<Severity>,
    /// The camera's name; none: the stream's short form.
    pub location: Option<String>,
    /// A sentence for people; none: one is made.
    pub description: Option<String>,
    /// The model's result: `person_id`, `score`, `frame_number` and so on (docs/protocol.md).
    pub result: Map<String, Value>,
    /// The picture.
    pub picture: Option<Jpeg>,
    /// Makes repeated publishes of the same detection one alert.
    pub idempotency_key: Option<String>,
}

/// An alert that is committed to the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// Its id.
    pub id: AnomalyId,
    /// When it was detected, by this server's clock.
    pub at: Timestamp,
    /// It had been published before, with the same key; nothing was sent again.
    pub repeated: bool,
    /// Connections that it was handed to.
    pub connections: usize,
}

/// Why a detection is not published.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The shop does not exist.
    #[error("no shop has the id {0}")]
    UnknownShop(ShopId),
    /// The key was used before, for something else.
    #[error("the idempotency key was used for another alert")]
    KeyReused,
    /// The result cannot be written as JSON, or the id is none.
    #[error("the detection cannot be written as JSON")]
    Unwritable,
    /// Nothing was committed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Kind {
    /// The record's word.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Theft => "suspicious_behavior",
            Kind::Intrusion => "owl_eye_intrusion",
        }
    }

    /// Reads the record's word.
    pub fn read(word: &str) -> Option<Kind> {
        [Kind::Theft, Kind::Intrusion].into_iter().find(|kind| kind.word() == word)
    }
}

impl Severity {
    /// All, from the least.
    pub const ALL: [Severity; 4] = [Severity::Low, Severity::Medium, Severity::High, Severity::Critical];

    /// The record's word.
    pub fn word(self) -> &'static str {
        match self {
            Severity::Low => "low",
            Severity::Medium => "medium",
            Severity::High => "high",
            Severity::Critical => "critical",
        }
    }

    /// Reads the record's word in any case.
    pub fn read(word: &str) -> Option<Severity> {
        Severity::ALL.into_iter().find(|severity| severity.word().eq_ignore_ascii_case(word))
    }
}

/// What the transaction found.
enum Committed {
    New(Vec<UserId>),
    Repeat(String, Timestamp),
    Reused,
    NoShop,
}

/// Publishes a detection of this publisher (`scope` keeps the keys of publishers apart), whose picture is as it came.
pub(crate) async fn publish(app: &App, scope: &str, detection: Detection) -> Result<Published, PublishError> {
    let fate = detection.picture.as_ref().map(|_| Fate::Kept);
    publish_with(app, scope, detection, fate).await
}

/// The same where something may have become of its picture.
pub(crate) async fn publish_with(
    app: &App,
    scope: &str,
    detection: Detection,
    fate: Option<Fate>,
) -> Result<Published, PublishError> {
    let owner = match &detection.user_id {
        Some(user) => user.clone(),
        None => owner(app, &detection.shop_id).await?,
    };
    let at = time::now();
    let digest = if detection.idempotency_key.is_some() { digest(&detection) } else { Vec::new() };
    // Messages and rows speak of a picture only where it is not as it came: then they are as the original's.
    let changed = fate.filter(|fate| *fate != Fate::Kept);
    let prepared = Prepared::new(detection, changed.as_ref(), &owner, at)?;
    let (scope, key) = (scope.to_owned(), prepared.key.clone());
    let (row, delivery) = (prepared.row, prepared.delivery);
    let (id, shop, camera) = (row.id.clone(), row.shop_id.clone(), row.location.clone());
    let kind = row.anomaly_type;
    let roster = std::sync::Arc::clone(&app.roster);
    let log = std::sync::Arc::clone(&app.log);
    let notes = app.notes.clone();
    let published_id = id.clone();

    let commit = move |db: &rusqlite::Connection| {
        if let Some(key) = &key
            && let Some((earlier, id, at)) = record::earlier_publish(db, &scope, key)?
        {
            let same = earlier == digest;
            return Ok(if same { Committed::Repeat(id, at) } else { Committed::Reused });
        }
        if !people::shop_exists(db, &row.shop_id)? {
            return Ok(Committed::NoShop);
        }
        record::insert(db, &row)?;
        people::note_camera(db, &row.shop_id, &row.location)?;
        if let Some(key) = &key {
            record::remember_publish(db, &scope, key, &digest, &row.id, at)?;
        }
        Ok(Committed::New(people::of_shop(db, &row.shop_id)?))
    };
    // Handed over by the writer itself, so that connections see alerts in the order of the record.
    let hand_over = move |committed: Committed| match committed {
        Committed::New(people) => {
            let connections = roster.deliver(&people, delivery);
            log.ring(&people);
            notes.tell(Note::Published { anomaly_id: id.clone(), at, camera, kind, connections });
            Ok(Published { id, at, repeated: false, connections })
        }
        Committed::Repeat(id, at) => {
            let id = AnomalyId::new(&id).map_err(|_| PublishError::Unwritable)?;
            Ok(Published { id, at, repeated: true, connections: 0 })
        }
        Committed::Reused => Err(PublishError::KeyReused),
        Committed::NoShop => Err(PublishError::UnknownShop(shop)),
    };
    let published = app.store.write_then(commit, hand_over).await??;
    tracing::debug!(alert = %published_id, connections = published.connections, "an alert was published");
    Ok(published)
}

async fn owner(app: &App, shop: &ShopId) -> Result<UserId, PublishError> {
    let looked_up = shop.clone();
    let owner = app.store.read(move |db| people::owner(db, &looked_up)).await?;
    owner.ok_or_else(|| PublishError::UnknownShop(shop.clone()))
}

/// Tells a repeated publish from another one under the same key.
fn digest(detection: &Detection) -> Vec<u8> {
    let mut hash = Sha256::new();
    let facts = json!([detection.shop_id, detection.stream_id, detection.kind.word(), detection.result]);
    hash.update(facts.to_string());
    if let Some(picture) = &detection.picture {
        hash.update(picture.bytes());
    }
    hash.finalize().to_vec()
}

/// Everything that can be made before the commit, so that the writer only writes.
struct Prepared {
    row: NewRow,
    delivery: Delivery,
    key: Option<String>,
}

impl Prepared {
    fn new(
        detection: Detection,
        fate: Option<&Fate>,
        owner: &UserId,
        at: Timestamp,
    ) -> Result<Prepared, PublishError> {
        let Detection {
            shop_id, stream_id, kind, severity, location, description, mut result, picture, ..
        } = detection;
        let id = AnomalyId::new(&uuid::Uuid::new_v4().to_string()).map_err(|_| PublishError::Unwritable)?;
        let severity = severity.unwrap_or(match kind {
            Kind::Theft => Severity::Low,
            Kind::Intrusion => Severity::High,
        });
        let location = location.unwrap_or_else(|| short_name(&stream_id));
        let description = description.unwrap_or_else(|| describe(kind, &result));
        complete(&mut result, kind, &stream_id, owner);
        let score = result.get("score").or(result.get("confidence")).and_then(Value::as_f64).map(f64::abs);
        let person_id = result.get("person_id").cloned().unwrap_or_default();
        let extra_data = extra_data(&result, &stream_id, fate);
        let detections = match result.get("detections") {
            Some(Value::Array(detections)) => detections.clone(),
            _ => Vec::new(),
        };
        let result = Value::Object(result).to_string();
        let raw = RawValue::from_string(result.clone()).map_err(|_| PublishError::Unwritable)?;

        let detected = wire::Detected {
            user_id: owner.as_str(),
            stream_id: stream_id.as_str(),
            result: &raw,
            alert_id: id.as_str(),
            shop_id: shop_id.as_str(),
            at,
            severity: severity.word(),
            location: &location,
            picture: fate.map(Fate::word),
            picture_reason: fate.and_then(Fate::reason),
        };
        let (message, notification) = match kind {
            Kind::Theft => (
                Some(detected.with_picture(picture.as_ref()).map_err(|_| PublishError::Unwritable)?),
                wire::theft_notification(&detected, &description, &person_id),
            ),
            Kind::Intrusion => (None, wire::intrusion_notification(&detected, &description, &detections)),
        };
        let delivery =
            Delivery::Alert { id: id.clone(), stream: stream_id.clone(), detection: message, notification };
        let picture = picture.map(|picture| (picture_name(at, &id), picture.bytes().clone()));
        let row = NewRow {
            id,
            shop_id,
            user_id: owner.clone(),
            stream_id,
            at,
            location,
            severity: severity.word(),
            description,
            anomaly_type: kind.word(),
            confidence_score: score,
            extra_data,
            result,
            picture,
        };
        Ok(Prepared { row, delivery, key: detection.idempotency_key })
    }
}

/// Adds what every result of the original carries and a publisher may leave out.
fn complete(result: &mut Map<String, Value>, kind: Kind, stream: &StreamId, owner: &UserId) {
    if kind == Kind::Intrusion {
        return;
    }
    let mut absent = |name: &str, value: Value| {
        result.entry(name).or_insert(value);
    };
    absent("sequence_id", 0.into());
    absent("is_abnormal", true.into());
    absent("classification", "Abnormal".into());
    absent("confidence", "Low".into());
    absent("scene_id", "live".into());
    absent("clip_id", stream.as_str().into());
    absent("stream_id", stream.as_str().into());
    absent("user_id", owner.as_str().into());
}

/// The record's `extra_data`: the keys of the original, null where the result has nothing, and what became of the picture.
fn extra_data(result: &Map<String, Value>, stream: &StreamId, fate: Option<&Fate>) -> String {
    let of = |name: &str| result.get(name).cloned().unwrap_or_default();
    let mut extra = json!({
        "bbox": of("bbox"),
        "end_frame": of("end_frame"),
        "person_id": of("person_id"),
        "stream_id": stream,
        "start_frame": of("start_frame"),
        "frame_number": of("frame_number"),
        "classification": of("classification"),
    });
    if let Some(fate) = fate {
        extra["picture"] = fate.word().into();
        extra["picture_reason"] = fate.reason().into();
    }
    extra.to_string()
}

fn describe(kind: Kind, result: &Map<String, Value>) -> String {
    match kind {
        Kind::Theft => {
            let person = result.get("person_id").map_or_else(|| "unknown".to_owned(), Value::to_string);
            format!("Anomalous behavior detected (Person ID: {person}, Confidence: Low)")
        }
        Kind::Intrusion => {
            let persons = result.get("detections").and_then(Value::as_array).map_or(1, Vec::len);
            format!("Owl Eye Alert: {persons} unauthorized person(s) detected in sentry mode")
        }
    }
}

fn short_name(stream: &StreamId) -> String {
    let start: String = stream.as_str().chars().take(8).collect();
    format!("Stream {start}")
}

fn picture_name(at: Timestamp, id: &AnomalyId) -> String {
    let time = at.to_zoned_datetime(TimeZone::UTC).strftime("%Y%m%d_%H%M%S");
    let start: String = id.as_str().chars().take(8).collect();
    format!("{time}_{start}.jpg")
}
