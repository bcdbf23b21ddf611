//! Compares the server's record with the journal and stores what is missing. The record is the truth, the socket the
//! fast path: whatever was raised while nobody listened is found here.
//!
//! One pass reads each shop's record from the newest row back to where the last complete pass ended, then stores the
//! missing rows oldest first, so that a pass which is cut short leaves no gap behind what it stored. It shows nothing and
//! decides nothing.

use std::collections::{HashMap, HashSet};
use std::ops::RangeInclusive;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use visionguard_proto::record::{Row, Status};
use visionguard_proto::{AnomalyId, Jpeg, Picture, ShopId};

use crate::api::{Api, ApiError};
use crate::journal::{Entry, IncidentRow, Journal, JournalError, Recorded};
use crate::outbox;
use crate::view::Source;

/// Rows asked for at first: enough for a quiet minute.
const FIRST_PAGE: u32 = 50;
/// Rows asked for when the first page was not enough.
const NEXT_PAGE: u32 = 500;
/// Rows of one shop read in one pass at most; what is older stays in the record.
const MOST_ROWS: u64 = 50_000;
/// Rows stored in one transaction.
const BATCH: usize = 200;
/// Pictures fetched in one go.
const PICTURES: u32 = 24;

/// How far behind the mark each pass reads: rows are written a little after the time that they bear.
const SLACK: SignedDuration = SignedDuration::from_mins(15);
/// The same for the first pass after a start: the server's clock may have been set by as much as a day.
const DEEP_SLACK: SignedDuration = SignedDuration::from_hours(26);

/// What is younger than this at the first sign-in is no history: its message may be on the socket at this moment.
const RECENT: SignedDuration = SignedDuration::from_secs(10);
/// The same for a journal that took the place of another.
const NOT_HISTORY_YET: SignedDuration = SignedDuration::from_hours(24);
/// Rows of one shop with which such a journal begins.
const MOST_REBUILT: u64 = 1_000;
/// Decisions remembered at most.
const MOST_REMEMBERED: usize = 20_000;

/// What is remembered between passes, so that only changes are written.
#[derive(Debug, Default)]
pub struct Memory {
    decided: HashMap<AnomalyId, Status>,
    /// Shops whose record was read with the wide margin since the start.
    read_deeply: HashSet<ShopId>,
    /// It is about the journal on disk, not about the one in memory.
    durable: bool,
}

/// What one pass found and stored.
#[derive(Debug, Default)]
pub struct Pass {
    /// Detections that were missing, oldest first, without those of a shop that was never read before.
    pub missed: Vec<Recorded>,
    /// The history of shops that were never read before: not worth a notification.
    pub history: Vec<Entry>,
    /// Known alerts about which the record knew more.
    pub joined: Vec<Recorded>,
    /// Incidents that somebody decided on elsewhere.
    pub decided: Vec<IncidentRow>,
    /// Why the pass was cut short, or a shop left out.
    pub trouble: Option<Trouble>,
}

/// Why a pass was cut short, or a shop left out.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Trouble {
    /// The record could not be read.
    #[error("cannot read the record: {0}")]
    Api(#[from] ApiError),
    /// What was read could not be stored.
    #[error("cannot store what the record holds: {0}")]
    Journal(#[from] JournalError),
}

/// One pass over the records of all the user's shops. `now` is the computer's clock, for what is received.
pub async fn pass(api: &Api, journal: &Journal, memory: &mut Memory, now: Timestamp) -> Pass {
    let mut found = Pass::default();
    if memory.durable != journal.is_durable() {
        *memory = Memory { durable: journal.is_durable(), ..Memory::default() };
    }
    if let Err(trouble) = all_shops(api, journal, memory, now, &mut found).await {
        found.trouble = Some(trouble);
    }
    found
}

async fn all_shops(
    api: &Api,
    journal: &Journal,
    memory: &mut Memory,
    now: Timestamp,
    found: &mut Pass,
) -> Result<(), Trouble> {
    let shops = api.shops().await?;
    journal.remember_shops(shops.iter().map(|shop| (shop.id.clone(), shop.name.clone())).collect()).await?;
    for shop in &shops {
        match one_shop(api, journal, memory, &shop.id, now, found).await {
            Ok(()) => {}
            Err(trouble) if trouble.is_of_one_shop() => {
                tracing::warn!(%trouble, "one shop's record is left out");
                found.trouble.get_or_insert(trouble);
            }
            Err(trouble) => return Err(trouble),
        }
    }
    Ok(())
}

impl Trouble {
    /// How long the server asked to be left alone.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Trouble::Api(error) => error.retry_after(),
            Trouble::Journal(_) => None,
        }
    }

    /// Whether the other shops' records may be readable all the same.
    fn is_of_one_shop(&self) -> bool {
        match self {
            Trouble::Api(error) if error.is_unauthorized() => false,
            Trouble::Api(ApiError::Refused { .. } | ApiError::Garbled(_) | ApiError::TooLarge) => true,
            Trouble::Api(
                ApiError::Unreachable(_) | ApiError::Intercepted { .. } | ApiError::Impossible(_),
            )
            | Trouble::Journal(_) => false,
        }
    }
}

async fn one_shop(
    api: &Api,
    journal: &Journal,
    memory: &mut Memory,
    shop: &ShopId,
    now: Timestamp,
    found: &mut Pass,
) -> Result<(), Trouble> {
    let key = format!("record_read:{shop}");
    let mark = journal.value(&key).await?.and_then(|text| serde_json::from_str::<Mark>(&text).ok());

    let rebuilt = mark.is_none() && journal.is_rebuilt().await?;
    let read = match mark {
        None if rebuilt => newest(api, shop, MOST_REBUILT).await?,
        None => newest(api, shop, u64::from(FIRST_PAGE)).await?,
        Some(mark) => {
            let slack = if memory.read_deeply.contains(shop) { SLACK } else { DEEP_SLACK };
            back_to_mark(api, journal, shop, mark, slack).await?
        }
    };
    // What was shown before the journal was lost is not known: better twice in a summary than not at all.
    let history_before = match (mark, rebuilt) {
        (Some(_), _) => Timestamp::MIN,
        (None, true) => now.checked_sub(NOT_HISTORY_YET).unwrap_or(Timestamp::MIN),
        (None, false) => now.checked_sub(RECENT).unwrap_or(Timestamp::MIN),
    };
    store(journal, &read, history_before, now, found).await?;
    if mark.is_some_and(|mark| !read.reaches(mark)) {
        // Said before the mark moves on: the next pass would find nothing wrong.
        tracing::warn!("the record does not reach back to what was known of it");
        journal.gaps_stay().await?;
    }
    journal.count_rows(shop, read.total(), now).await?;
    let new_mark = read.mark(mark);
    take_over_decisions(journal, memory, read.rows, now, found).await?;

    if mark != Some(new_mark) {
        let text = serde_json::to_string(&new_mark).map_err(|_| JournalError::Damaged)?;
        journal.set_value(&key, Some(text)).await?;
    }
    memory.read_deeply.insert(shop.clone());
    Ok(())
}

/// How far a shop's record is known: every row between these times, by the server's clock, is here.
///
/// A known row alone proves nothing about the older ones: after an outage the first live alert is stored before the
/// record is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Mark {
    /// Where the first history began; what is older was never wanted.
    begins: Timestamp,
    /// The newest row when the record was last read to its end.
    read_to: Timestamp,
}

/// Rows of one shop, newest first, and which of them are here already.
struct Read {
    rows: Vec<Row>,
    known: HashSet<AnomalyId>,
    /// The record holds older rows than these.
    has_older: bool,
    /// How many rows the record held as the reading began, and as it ended.
    totals: (u64, u64),
}

impl Read {
    /// How many rows the record held while it was read, at the least and at the most.
    fn total(&self) -> RangeInclusive<u64> {
        let (began, ended) = self.totals;
        began.min(ended)..=began.max(ended)
    }

    /// Whether the rows go back to what was known of the record before, so that nothing can be missing between.
    fn reaches(&self, before: Mark) -> bool {
        let was_empty = before.read_to == Timestamp::MIN;
        let is_before = |row: &Row| row.alert.detected_at.is_some_and(|at| at <= before.read_to);
        was_empty || self.rows.iter().any(|row| is_before(row) && is_known(row, &self.known))
    }

    /// How far the record is known once these rows are stored.
    fn mark(&self, before: Option<Mark>) -> Mark {
        let times = || self.rows.iter().filter_map(|row| row.alert.detected_at);
        let begins = match before {
            Some(mark) => mark.begins,
            None if self.has_older => times().min().unwrap_or(Timestamp::MIN),
            None => Timestamp::MIN,
        };
        let read_to = times().max().or(before.map(|mark| mark.read_to)).unwrap_or(Timestamp::MIN);
        Mark { begins, read_to }
    }
}

/// The first time, the newest rows are all the history that is wanted.
async fn newest(api: &Api, shop: &ShopId, most: u64) -> Result<Read, Trouble> {
    let mut read = Read { rows: Vec::new(), known: HashSet::new(), has_older: true, totals: (0, 0) };
    let mut seen = HashSet::new();
    let mut offset = 0;
    while read.has_older && offset < most {
        let limit = if offset == 0 { FIRST_PAGE } else { NEXT_PAGE };
        let page = api.anomalies(shop, limit, offset).await?;
        let sent = page.len_sent();
        if offset == 0 {
            read.totals.0 = page.total;
        }
        read.totals.1 = page.total;
        offset += sent as u64;
        read.has_older = sent > 0 && page.total > offset;
        let is_new = |row: &Row| row.alert.anomaly_id.as_ref().is_some_and(|id| seen.insert(id.clone()));
        read.rows.extend(page.rows.into_iter().filter(is_new));
    }
    Ok(read)
}

/// Pages until the mark lies well behind and the last row is known. Rows that arrive meanwhile push others onto the
/// next page, where they are seen a second time and left out.
async fn back_to_mark(
    api: &Api,
    journal: &Journal,
    shop: &ShopId,
    mark: Mark,
    slack: SignedDuration,
) -> Result<Read, Trouble> {
    let floor = mark.read_to.checked_sub(slack).unwrap_or(Timestamp::MIN);
    let mut read = Read { rows: Vec::new(), known: HashSet::new(), has_older: false, totals: (0, 0) };
    let mut seen = HashSet::new();
    let mut offset = 0;
    loop {
        let limit = if offset == 0 { FIRST_PAGE } else { NEXT_PAGE };
        let page = api.anomalies(shop, limit, offset).await?;
        let sent = page.len_sent();
        if offset == 0 {
            read.totals.0 = page.total;
        }
        read.totals.1 = page.total;
        let ids = page.rows.iter().filter_map(|row| row.alert.anomaly_id.clone()).collect();
        read.known.extend(journal.known(ids).await?);
        let reached = page.rows.last().is_some_and(|row| {
            let at = row.alert.detected_at.unwrap_or(Timestamp::MAX);
            at < mark.begins || (at < floor && is_known(row, &read.known))
        });

        read.rows.extend(page.rows.into_iter().filter(|row| {
            row.alert.detected_at.is_none_or(|at| at >= mark.begins)
                && row.alert.anomaly_id.as_ref().is_some_and(|id| seen.insert(id.clone()))
        }));
        offset += sent as u64;

        if reached || sent == 0 || offset >= page.total || offset >= MOST_ROWS {
            return Ok(read);
        }
    }
}

async fn store(
    journal: &Journal,
    read: &Read,
    history_before: Timestamp,
    now: Timestamp,
    found: &mut Pass,
) -> Result<(), Trouble> {
    let missing: Vec<&Row> = read.rows.iter().rev().filter(|row| !is_known(row, &read.known)).collect();
    for batch in missing.chunks(BATCH) {
        let alerts = batch.iter().map(|row| row.alert.clone()).collect();
        for recorded in journal.record_all(alerts, now, Source::History).await? {
            match &recorded {
                Recorded::New { entry, .. } if is_before(entry, history_before) => {
                    found.history.push((**entry).clone());
                }
                Recorded::New { .. } => found.missed.push(recorded),
                Recorded::Joined { .. } => found.joined.push(recorded),
                Recorded::Repeat { .. } => {}
            }
        }
    }
    Ok(())
}

fn is_before(entry: &Entry, time: Timestamp) -> bool {
    time > Timestamp::MIN && entry.alert.detected_at.is_none_or(|at| at <= time)
}

fn is_known(row: &Row, known: &HashSet<AnomalyId>) -> bool {
    row.alert.anomaly_id.as_ref().is_some_and(|id| known.contains(id))
}

/// What others decided, as far as it is news.
async fn take_over_decisions(
    journal: &Journal,
    memory: &mut Memory,
    rows: Vec<Row>,
    now: Timestamp,
    found: &mut Pass,
) -> Result<(), Trouble> {
    if memory.decided.len() > MOST_REMEMBERED {
        memory.decided.clear();
    }
    let news: Vec<_> = rows
        .into_iter()
        .filter_map(|row| {
            let id = row.alert.anomaly_id?;
            let decision = outbox::decision(row.status)?;
            let is_news = memory.decided.get(&id) != Some(&row.status);
            is_news.then(|| (id, row.status, decision, row.resolved_at.or(row.updated_at).unwrap_or(now)))
        })
        .collect();
    for batch in news.chunks(BATCH) {
        let decisions = batch.iter().map(|(id, _, decision, at)| (id.clone(), *decision, *at)).collect();
        found.decided.extend(journal.all_handled_elsewhere(decisions, now).await?);
        memory.decided.extend(batch.iter().map(|(id, status, ..)| (id.clone(), *status)));
    }
    Ok(())
}

/// Fetches pictures that the record has and the journal has not, newest first, a few at a time; the alerts that have
/// got one, or that will never have one.
pub async fn pictures(api: &Api, journal: &Journal) -> Result<Vec<Entry>, Trouble> {
    let mut attached = Vec::new();
    for wanted in journal.wanting_pictures(PICTURES).await? {
        let picture = match api.frame(&wanted.path).await {
            Ok(bytes) => Jpeg::from_bytes(bytes).map_or_else(Picture::Refused, Picture::Jpeg),
            Err(error) if error.is_unauthorized() || error.can_retry() => return Err(error.into()),
            Err(_) => Picture::Absent,
        };
        attached.extend(journal.attach_picture(wanted.alert, picture).await?);
    }
    Ok(attached)
}
