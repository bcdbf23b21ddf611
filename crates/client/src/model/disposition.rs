//! What came of an incident that is decided on: the words of the shop's own statistics.

use serde::{Deserialize, Serialize};
#[cfg(test)]
use ts_rs::TS;

use super::Decision;

/// What came of what was resolved, or why there was a false alarm. Nobody has to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(TS))]
#[serde(rename_all = "snake_case")]
pub enum Disposition {
    PoliceCalled,
    GoodsRecovered,
    SentAway,
    /// The shop's own people saw to it.
    StaffSawToIt,
    NothingFound,
    StaffMember,
    /// A customer with what was theirs.
    OwnGoods,
    CameraOrLight,
    NobodyThere,
    Other,
}

impl Disposition {
    /// In the order in which they are offered.
    pub const ALL: [Disposition; 10] = [
        Disposition::PoliceCalled,
        Disposition::GoodsRecovered,
        Disposition::SentAway,
        Disposition::StaffSawToIt,
        Disposition::NothingFound,
        Disposition::StaffMember,
        Disposition::OwnGoods,
        Disposition::CameraOrLight,
        Disposition::NobodyThere,
        Disposition::Other,
    ];

    /// The decision that it belongs to.
    pub fn of(self) -> Decision {
        match self {
            Disposition::PoliceCalled
            | Disposition::GoodsRecovered
            | Disposition::SentAway
            | Disposition::StaffSawToIt
            | Disposition::NothingFound => Decision::Resolved,
            Disposition::StaffMember
            | Disposition::OwnGoods
            | Disposition::CameraOrLight
            | Disposition::NobodyThere
            | Disposition::Other => Decision::FalseAlarm,
        }
    }
}
