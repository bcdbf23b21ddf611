//! Compares what nobody has decided on, here and in the record, whatever its age.
//!
//! A pass reads the record back to where the last one ended, so that it misses two things: what was waiting for somebody
//! before this computer first read the record, and what a colleague decides about something older. Both stand in the record's
//! list of what is pending: what is only there is stored as history, what is only here is looked up.

use std::collections::{HashSet, VecDeque};

use jiff::{SignedDuration, Timestamp};
use visionguard_proto::record::{Row, Status};
use visionguard_proto::{AnomalyId, ShopId};

use super::pages::{Pages, Unreadable};
use super::{BATCH, Memory, NEXT_PAGE, Pass, Trouble, Work, is_known, is_touched, take_over_decisions};
use crate::api::Api;

/// How often, where one question tells it all.
const EVERY: SignedDuration = SignedDuration::from_mins(10);
/// The same where it takes several.
const SELDOM: SignedDuration = SignedDuration::from_hours(1);
/// Pending rows of one shop that are compared.
const MOST: usize = 20_000;
/// Rows that are looked up in one pass; the next goes on.
const LOOKED_UP: usize = 100;

/// What is remembered of a shop's list of pending rows.
#[derive(Debug, Default)]
pub(super) struct Undecided {
    compared_at: Option<Timestamp>,
    rows: usize,
    unreadable: Unreadable,
    /// What was looked up since.
    looked_up: HashSet<AnomalyId>,
    /// What the record has no more, or does not show.
    gone: HashSet<AnomalyId>,
}

impl Undecided {
    fn is_due(&self, now: Timestamp) -> bool {
        let every = if self.rows <= NEXT_PAGE as usize { EVERY } else { SELDOM };
        self.compared_at.is_none_or(|at| {
            let age = now.duration_since(at);
            // A clock that was set back makes it younger than it can be.
            age.is_negative() || age >= every
        })
    }
}

/// What the record lists as pending.
#[derive(Debug, Default)]
struct Pending {
    ids: HashSet<AnomalyId>,
    /// Those that are older than what was ever wanted, newest first.
    older: Vec<Row>,
    /// Those that somebody did something with: what was decided may be open again.
    touched: Vec<Row>,
    /// There are no others.
    is_whole: bool,
}

/// Stores what is pending from before `begins`, and takes over what others decided about what is open here, or opened again.
pub(super) async fn compare(
    work: Work<'_>,
    memory: &mut Memory,
    shop: &ShopId,
    begins: Timestamp,
    found: &mut Pass,
) -> Result<(), Trouble> {
    let Work { api, journal, now, .. } = work;
    let undecided = memory.undecided.entry(shop.clone()).or_default();
    if !undecided.is_due(now) {
        return Ok(());
    }
    // Before the list is read, so that what comes meanwhile is not missed in it.
    let open = journal.open_rows(shop).await?;
    let Some(pending) = pending(api, shop, &mut undecided.unreadable, begins).await? else {
        undecided.compared_at = Some(now);
        return Ok(());
    };
    undecided.rows = pending.ids.len();

    store(work, shop, pending.older, found).await?;
    let is_settled = |id: &AnomalyId| {
        pending.is_whole
            && !pending.ids.contains(id)
            && !undecided.looked_up.contains(id)
            && !undecided.gone.contains(id)
    };
    let mut settled: Vec<AnomalyId> = open.into_iter().filter(is_settled).collect();
    let is_all = settled.len() <= LOOKED_UP;
    settled.truncate(LOOKED_UP);
    let mut rows = look_up(api, settled, undecided).await?;
    rows.extend(pending.touched);
    if is_all {
        undecided.compared_at = Some(now);
        undecided.looked_up.clear();
    }
    take_over_decisions(work, memory, rows, found).await
}

async fn look_up(
    api: &Api,
    settled: Vec<AnomalyId>,
    undecided: &mut Undecided,
) -> Result<VecDeque<Row>, Trouble> {
    let mut rows = VecDeque::new();
    for id in settled {
        match api.anomaly(&id).await {
            Ok(row) => {
                rows.push_back(row);
                undecided.looked_up.insert(id);
            }
            Err(error) if error.is_unauthorized() || error.can_retry() && !error.may_be_of_one_row() => {
                return Err(error.into());
            }
            Err(_) => {
                undecided.gone.insert(id);
            }
        }
    }
    Ok(rows)
}

/// Everything that the record lists as pending; none where it has no such list.
async fn pending(
    api: &Api,
    shop: &ShopId,
    unreadable: &mut Unreadable,
    begins: Timestamp,
) -> Result<Option<Pending>, Trouble> {
    let mut pages = Pages::new(api, shop, unreadable).of(Status::Pending);
    let mut pending = Pending::default();
    let mut offset = 0;
    while !pending.is_whole && pending.ids.len() < MOST {
        let part = match pages.read(NEXT_PAGE, offset).await {
            Ok(part) => part,
            Err(error) if error.may_be_of_one_row() => {
                tracing::warn!(%error, "what is pending in the record cannot be listed");
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        if part.rows.iter().any(|row| row.status != Status::Pending) {
            tracing::debug!("the server does not list what is pending alone");
            return Ok(None);
        }
        pending.is_whole = part.may_be_last(offset);
        offset += part.sent;
        for row in part.rows {
            let Some(id) = row.alert.anomaly_id.clone() else { continue };
            if is_touched(&row) {
                pending.touched.push(row.clone());
            }
            let is_older = row.alert.detected_at.is_some_and(|at| at <= begins);
            if pending.ids.insert(id) && is_older {
                pending.older.push(row);
            }
        }
    }
    Ok(Some(pending))
}

/// Stores those that are not here, oldest first.
async fn store(work: Work<'_>, shop: &ShopId, older: Vec<Row>, found: &mut Pass) -> Result<(), Trouble> {
    let Work { journal, now, .. } = work;
    let ids = older.iter().filter_map(|row| row.alert.anomaly_id.clone()).collect();
    let known = journal.known(ids).await?;
    let missing: Vec<Row> = older.into_iter().rev().filter(|row| !is_known(row, &known)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    tracing::info!(rows = missing.len(), "undecided from before the record was first read here");
    journal.rows_listed(shop, missing.len()).await?;
    found.has_history = true;
    for batch in missing.chunks(BATCH) {
        journal.record_history(batch.iter().map(|row| row.alert.clone()).collect(), now).await?;
    }
    Ok(())
}
