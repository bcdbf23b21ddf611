//! What a server tells the program that embeds it: one small object per thing that happened.

use jiff::Timestamp;
use serde::Serialize;
use visionguard_proto::{AnomalyId, UserId};

/// One thing that happened. As JSON: `{"published":{…}}` or `{"acknowledged":{…}}`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Note {
    /// An alert is committed to the record and handed to the connections.
    Published {
        /// The alert.
        anomaly_id: AnomalyId,
        /// When it was detected.
        at: Timestamp,
        /// The camera, as the publisher named it.
        camera: String,
        /// `suspicious_behavior` or `owl_eye_intrusion`.
        kind: &'static str,
        /// Connections that it was handed to.
        connections: usize,
    },
    /// A client has the alert.
    Acknowledged {
        /// The alert.
        anomaly_id: AnomalyId,
        /// Whose client, or which person.
        user_id: UserId,
        /// When.
        at: Timestamp,
        /// How.
        via: Via,
    },
}

/// How an alert was acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Via {
    /// `ack` on the socket: stored on the client's disk.
    Socket,
    /// `PATCH` with the status `acknowledged`: a person has seen it.
    Record,
}
