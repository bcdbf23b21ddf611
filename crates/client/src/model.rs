//! What an alert, an incident and a decision are: the ground floor of this crate. It knows the protocol and no other
//! module here, so that whoever stores, judges, shows or sends them speaks of the same things without knowing each other.

mod alert;
mod decision;
mod disposition;
mod id;
mod incident;
mod outage;
mod recorded;

pub(crate) use alert::{PRUNED, REMARK, late_by};
pub use alert::{Source, Stored, StoredPicture};
pub use decision::{
    Decided, Decision, Delivery, Dispatch, DueNote, Handling, How, Judgement, Outgoing, RowTold, There,
    UNDO_WITHIN,
};
pub use disposition::Disposition;
pub use id::{AlertId, IncidentId, NotAnId, OutgoingId};
pub use incident::{Entry, IncidentRow, Late, Severity};
pub use outage::{GapRow, OutageRow, Why};
pub use recorded::{Changed, Recorded, Repaired};
