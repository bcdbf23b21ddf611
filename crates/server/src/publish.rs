//! From a detection to the screens: committed to the record first, then handed to the shop's people who are connected.

use jiff::Timestamp;
use visionguard_proto::{AnomalyId, Jpeg, ShopId, StreamId, UserId};

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
    /// The model's result: `person_id`, `score`, `frame_number` and so on (docs/protocol.md), as a JSON object.
    pub result: serde_json::Map<String, serde_json::Value>,
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
    /// Nothing was committed.
    #[error(transparent)]
    Store(#[from] crate::store::StoreError),
}
