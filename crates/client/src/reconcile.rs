//! Compares the server's record with the journal and stores what is missing. The record is the truth, the socket the
//! fast path: whatever was raised while nobody listened is found here.
//!
//! One pass reads each shop's record from the newest row back to where the last complete pass ended, then stores the
//! missing rows oldest first, so that a pass which is cut short leaves no gap behind what it stored. Where far too many are
//! missing to be held, it stores the oldest of them and reads again, until none is left. Now and then what nobody has decided
//! on is compared whole, whatever its age. It shows nothing and decides nothing.

mod pages;
mod undecided;

use std::collections::{HashMap, HashSet, VecDeque};
use std::ops::RangeInclusive;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use visionguard_proto::record::{Row, Status};
use visionguard_proto::{Alert, AnomalyId, Jpeg, Picture, ShopId};

use crate::api::{Api, ApiError};
use crate::journal::{Journal, JournalError, Unsent};
use crate::model::{Entry, IncidentRow, Recorded, Source};
use crate::notes;
use crate::outbox;

use pages::{Pages, Part, Unreadable};
use undecided::Undecided;

/// Rows asked for at first: enough for a quiet minute.
const FIRST_PAGE: u32 = 50;
/// Rows asked for when the first page was not enough.
const NEXT_PAGE: u32 = 500;
/// Rows stored in one transaction.
const BATCH: usize = 200;
/// Pictures fetched in one go.
const PICTURES: u32 = 24;

/// How far behind the mark each pass reads: rows are written a little after the time that they bear.
const SLACK: SignedDuration = SignedDuration::from_mins(15);
/// The same for the first pass after a start, and where the record grew by more than was found: the server's clock may have
/// been set by as much as a day.
const DEEP_SLACK: SignedDuration = SignedDuration::from_hours(26);

/// What is younger than this at the first sign-in, or when a shop comes later, is no history: its message may be on the
/// socket at this moment.
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
    /// As each was when it was last taken over.
    decided: HashMap<AnomalyId, (Status, Option<Timestamp>)>,
    people: People,
    /// Since when the person is signed in, if that is known.
    pub(crate) signed_in_at: Option<Timestamp>,
    /// When the shops were last asked for.
    listed_at: Option<Timestamp>,
    /// It is written down that the record of each was read.
    all_read: bool,
    /// From when on the detections of a shop that was never read are no history.
    wanted_from: HashMap<ShopId, Timestamp>,
    /// Shops whose record was read with the wide margin since the start.
    read_deeply: HashSet<ShopId>,
    /// The shops as they were then.
    shops: Option<Vec<(ShopId, String)>>,
    /// They are asked for when they are older than this.
    shops_every: Duration,
    /// Rows that the servers could not send.
    unreadable: HashMap<ShopId, Unreadable>,
    /// What was pending, when that was last compared.
    undecided: HashMap<ShopId, Undecided>,
    /// Whether it is written down that the record cannot be read, once that was looked at.
    said_unread: Option<bool>,
    /// It is about the journal on disk, not about the one in memory.
    durable: bool,
    /// How many missing rows of one shop are held at a time.
    rows_held: usize,
}

impl Memory {
    /// From now on the shops are asked for when they are older than this, and after every pass that failed.
    pub fn ask_shops_every(&mut self, every: Duration) {
        self.shops_every = every;
    }

    /// At most so many missing rows of one shop are held at a time.
    pub fn hold_rows(&mut self, most: usize) {
        self.rows_held = most;
    }

    /// The shops, if there are any and they need not be asked for anew.
    fn shops(&self, now: Timestamp) -> Option<Vec<(ShopId, String)>> {
        let age = now.duration_since(self.listed_at?);
        // A clock that was set back makes them younger than they can be.
        let is_fresh = !age.is_negative() && age.unsigned_abs() < self.shops_every;
        self.shops.clone().filter(|shops| is_fresh && !shops.is_empty())
    }
}

/// What one pass found and stored.
#[derive(Debug, Default)]
pub struct Pass {
    /// How many detections were missing, without those of a shop that was never read before.
    pub missed: usize,
    /// The history of shops that were never read before was stored: not worth a notification.
    pub has_history: bool,
    /// There are known alerts about which the record knew more.
    pub has_joined: bool,
    /// Incidents that somebody decided on elsewhere.
    pub decided: Vec<IncidentRow>,
    /// Some of what was missing is no news of this connection: the journal was new to a shop, or it was read further back.
    pub reached_back: bool,
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

/// What a pass works on.
#[derive(Clone, Copy)]
struct Work<'a> {
    api: &'a Api,
    journal: &'a Journal,
    /// The computer's clock as the pass began.
    now: Timestamp,
    told: &'a (dyn Fn(Vec<Recorded>) + Sync),
}

/// One pass over the records of all the user's shops. `now` is the computer's clock, for what is received. What was missing
/// and what was joined is `told` as soon as it is stored, oldest first: there may be far too much of it to be kept.
pub async fn pass(
    api: &Api,
    journal: &Journal,
    memory: &mut Memory,
    now: Timestamp,
    told: &(dyn Fn(Vec<Recorded>) + Sync),
) -> Pass {
    let work = Work { api, journal, now, told };
    let mut found = Pass::default();
    if memory.durable != journal.is_durable() {
        let Memory { signed_in_at, shops_every, rows_held, .. } = *memory;
        let durable = journal.is_durable();
        *memory = Memory { durable, signed_in_at, shops_every, rows_held, ..Memory::default() };
    }
    if let Err(trouble) = all_shops(work, memory, &mut found).await {
        found.trouble = Some(trouble);
    }
    if found.trouble.is_some() {
        memory.shops = None;
    }
    let unread = found.trouble.as_ref().is_some_and(Trouble::is_the_records);
    if let Err(trouble) = note_unread(work, memory, unread).await {
        found.trouble.get_or_insert(trouble);
    }
    found
}

/// While the server answers and its record cannot be read, the report must not say that nothing is missing.
async fn note_unread(work: Work<'_>, memory: &mut Memory, unread: bool) -> Result<(), Trouble> {
    if memory.said_unread != Some(unread) {
        work.journal.record_is_unread(unread.then_some(work.now)).await?;
        memory.said_unread = Some(unread);
    }
    Ok(())
}

async fn all_shops(work: Work<'_>, memory: &mut Memory, found: &mut Pass) -> Result<(), Trouble> {
    let Work { api, journal, now, .. } = work;
    let shops = match memory.shops(now) {
        Some(shops) => shops,
        None => {
            let since = wanted_since(work, memory).await?;
            let shops: Vec<_> = api.shops().await?.into_iter().map(|shop| (shop.id, shop.name)).collect();
            journal.remember_shops(shops.clone()).await?;
            note_wanted(memory, &shops, since, now);
            memory.shops = Some(shops.clone());
            shops
        }
    };
    for (shop, _) in &shops {
        match one_shop(work, memory, shop, found).await {
            Ok(()) => {}
            Err(trouble) if trouble.is_of_one_shop() => {
                tracing::warn!(%trouble, "one shop's record is left out");
                found.trouble.get_or_insert(trouble);
            }
            Err(trouble) => return Err(trouble),
        }
    }
    if found.trouble.is_none() && !memory.all_read {
        journal.set_value(ALL_READ, Some(String::new())).await?;
        memory.all_read = true;
    }
    Ok(())
}

/// From when on the detections of shops that are new are no history. The first shops are wanted from the first sign-in on,
/// though their record may be read much later, where no socket opens, and after another sign-in; one that comes later from
/// when the list was still without it.
async fn wanted_since(work: Work<'_>, memory: &Memory) -> Result<Timestamp, JournalError> {
    let Work { journal, now, .. } = work;
    if let Some(before) = memory.listed_at {
        return Ok(before);
    }
    if journal.value(ALL_READ).await?.is_some() {
        return Ok(now);
    }
    signed_in(journal, memory.signed_in_at.unwrap_or(now).min(now)).await
}

/// Notes that somebody signed in, who wants what is detected from then on; since when it is wanted that was never read.
pub async fn signed_in(journal: &Journal, at: Timestamp) -> Result<Timestamp, JournalError> {
    let known = journal.value(WANTED_SINCE).await?.and_then(|text| text.parse::<Timestamp>().ok());
    match known.filter(|known| *known <= at) {
        Some(known) => Ok(known),
        None => {
            journal.set_value(WANTED_SINCE, Some(at.to_string())).await?;
            Ok(at)
        }
    }
}

fn note_wanted(memory: &mut Memory, shops: &[(ShopId, String)], since: Timestamp, now: Timestamp) {
    for (shop, _) in shops {
        memory.wanted_from.entry(shop.clone()).or_insert(since);
    }
    memory.listed_at = Some(now);
}

/// What was detected since somebody signed in, and was never read, is wanted no more once that person signed out.
pub async fn signed_out(journal: &Journal) -> Result<(), JournalError> {
    match journal.value(WANTED_SINCE).await? {
        Some(_) => journal.set_value(WANTED_SINCE, None).await,
        None => Ok(()),
    }
}

/// There once the record of each shop was read.
const ALL_READ: &str = "shops_read";
/// Until then, when the first person signed in.
const WANTED_SINCE: &str = "wanted_since";

impl Trouble {
    /// How long the server asked to be left alone.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Trouble::Api(error) => error.retry_after(),
            Trouble::Journal(_) => None,
        }
    }

    /// The server answers, and what it answers is not the record.
    fn is_the_records(&self) -> bool {
        match self {
            Trouble::Api(error) => error.may_be_of_one_row(),
            Trouble::Journal(_) => false,
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
    work: Work<'_>,
    memory: &mut Memory,
    shop: &ShopId,
    found: &mut Pass,
) -> Result<(), Trouble> {
    while part_of_shop(work, memory, shop, found).await? {
        tracing::info!(missed = found.missed, "more is missing than is held at a time; going on");
    }
    Ok(())
}

/// Stores what is missing, or the oldest of it where that is too much; whether there is more.
async fn part_of_shop(
    work: Work<'_>,
    memory: &mut Memory,
    shop: &ShopId,
    found: &mut Pass,
) -> Result<bool, Trouble> {
    let Work { api, journal, now, .. } = work;
    let missed = found.missed;
    let key = format!("record_read:{shop}");
    let mark = journal.value(&key).await?.and_then(|text| serde_json::from_str::<Mark>(&text).ok());

    let rebuilt = mark.is_none() && journal.is_rebuilt().await?;
    let slack = if memory.read_deeply.contains(shop) { SLACK } else { DEEP_SLACK };
    // What was shown before the journal was lost is not known: better twice in a summary than not at all.
    let history_before = match (mark, rebuilt) {
        (Some(_), _) => Timestamp::MIN,
        (None, true) => before(now, NOT_HISTORY_YET),
        (None, false) => before(memory.wanted_from.get(shop).copied().unwrap_or(now), RECENT),
    };
    let most = memory.rows_held;
    let pages = Pages::new(api, shop, memory.unreadable.entry(shop.clone()).or_default());
    let read = match mark {
        None => {
            let history = if rebuilt { MOST_REBUILT } else { u64::from(FIRST_PAGE) };
            let is_history = |row: &Row| is_before(journal, row.alert.detected_at, history_before);
            first(pages, history, most, is_history).await?
        }
        Some(mark) => back_to(pages, journal, mark, Reach::behind(mark, slack), most).await?,
    };
    found.reached_back |= mark.is_none();
    store(work, &read, history_before, found).await?;
    if mark.is_some_and(|mark| !read.reaches(mark)) {
        // Said before the mark moves on: the next pass would find nothing wrong.
        tracing::warn!("the record does not reach back to what was known of it");
        journal.gaps_stay().await?;
    }
    let unsent = journal.rows_not_sent(shop, read.covers(now), read.unsent(now)).await?;
    let read = match (mark, read.total()) {
        (Some(mark), Some(total)) if journal.is_short(shop, total.clone(), unsent).await? => {
            found.reached_back = true;
            look_deeper(work, memory, shop, mark, unsent, found).await?.unwrap_or(read)
        }
        (Some(_) | None, _) => read,
    };
    if !read.has_newer {
        undecided::compare(work, memory, shop, read.mark(mark).begins, found).await?;
    }
    if let Some(total) = read.total() {
        journal.count_rows(shop, total, now).await?;
    }
    let (new_mark, has_newer) = (read.mark(mark), read.has_newer);
    take_over_decisions(work, memory, read.rows, found).await?;

    if mark != Some(new_mark) {
        let text = serde_json::to_string(&new_mark).map_err(|_| JournalError::Damaged)?;
        journal.set_value(&key, Some(text)).await?;
    }
    if !has_newer {
        memory.read_deeply.insert(shop.clone());
    }
    // Where nothing was gained, nothing more would be.
    Ok(has_newer && (mark != Some(new_mark) || found.missed > missed))
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
    rows: VecDeque<Row>,
    known: HashSet<AnomalyId>,
    /// The record holds older rows than these.
    has_older: bool,
    /// It holds newer ones that are missing here, which were too many to be held.
    has_newer: bool,
    /// How many of these are missing here, as far as it is known.
    missing: usize,
    /// How many rows the record held as the reading began, and as it ended.
    totals: (u64, u64),
    /// How many of them were sent, or would not be.
    sent: u64,
    /// After how many rows there is one that the server cannot send.
    unsent: Vec<usize>,
    seen: HashSet<AnomalyId>,
}

impl Read {
    fn new(has_older: bool) -> Read {
        Read {
            rows: VecDeque::new(),
            known: HashSet::new(),
            has_older,
            has_newer: false,
            missing: 0,
            totals: (0, 0),
            sent: 0,
            unsent: Vec::new(),
            seen: HashSet::new(),
        }
    }

    /// Takes the next part over, but for rows that are not wanted or that came before: those that arrive meanwhile push
    /// others onto the next page.
    fn take(&mut self, part: Part, offset: u64, is_wanted: impl Fn(&Row, &HashSet<AnomalyId>) -> bool) {
        if offset == 0 {
            self.totals.0 = part.total;
        }
        self.totals.1 = part.total;
        self.sent = offset + part.sent;
        if part.is_unreadable {
            self.unsent.push(self.rows.len());
        }
        for row in part.rows {
            if is_wanted(&row, &self.known)
                && row.alert.anomaly_id.as_ref().is_some_and(|id| self.seen.insert(id.clone()))
            {
                self.missing += usize::from(!is_known(&row, &self.known));
                self.rows.push_back(row);
            }
        }
    }

    /// Of the missing rows at most so many are held: the oldest, for what is stored first leaves no gap behind it.
    fn hold(&mut self, most: usize) {
        let held = self.rows.len();
        while self.missing > most
            && let Some(row) = self.rows.pop_front()
        {
            self.has_newer = true;
            let was_known = is_known(&row, &self.known);
            self.missing -= usize::from(!was_known);
            if let Some(id) = &row.alert.anomaly_id {
                self.seen.remove(id);
                self.known.remove(id);
            }
        }
        let gone = held - self.rows.len();
        if gone > 0 {
            self.unsent.retain(|newer| *newer > gone);
            self.unsent.iter_mut().for_each(|newer| *newer -= gone);
        }
    }

    /// From when to when the rows were read.
    fn covers(&self, now: Timestamp) -> (Timestamp, Timestamp) {
        let oldest = if self.has_older { self.time(self.rows.len().saturating_sub(1)) } else { None };
        let newest = if self.has_newer { self.time(0) } else { None };
        (oldest.unwrap_or(Timestamp::MIN), newest.unwrap_or(now))
    }

    /// The rows that the server cannot send, each by the times between which it lies. One behind the last that was read,
    /// with older ones behind it, lies outside of what was read.
    fn unsent(&self, now: Timestamp) -> Vec<Unsent> {
        let between = |newer: usize| Unsent {
            from: self.time(newer),
            cleared: false,
            to: newer.checked_sub(1).and_then(|before| self.time(before)).unwrap_or(now),
        };
        let is_within = |newer: &&usize| **newer < self.rows.len() || !self.has_older;
        self.unsent.iter().filter(is_within).map(|newer| between(*newer)).collect()
    }

    fn time(&self, row: usize) -> Option<Timestamp> {
        self.rows.get(row).and_then(|row| row.alert.detected_at)
    }

    /// How many rows the record held while it was read, at the least and at the most. None where it says no more than were
    /// sent and there may be more: that is the size of a page, or nothing at all; and none while the newest are not here.
    fn total(&self) -> Option<RangeInclusive<u64>> {
        if self.has_newer {
            return None;
        }
        let (began, ended) = self.totals;
        let (least, most) = (began.min(ended), began.max(ended));
        let is_all = most == self.sent && !self.has_older;
        (most > self.sent || is_all).then_some(least..=most)
    }

    /// How many of the rows that are not here yet are older than what was ever wanted.
    fn unwanted(&self, mark: Mark) -> usize {
        let is_old = |row: &&Row| {
            row.alert.detected_at.is_some_and(|at| at <= mark.begins)
                && row.created_at.is_none_or(|at| at <= mark.begins)
                && !is_known(row, &self.known)
        };
        self.rows.iter().filter(is_old).count()
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

/// The first time, so many of the newest rows are all the history that is wanted; what is none is wanted however much it is.
async fn first(
    mut pages: Pages<'_>,
    history: u64,
    most: usize,
    is_history: impl Fn(&Row) -> bool,
) -> Result<Read, Trouble> {
    let mut read = Read::new(true);
    let mut offset = 0;
    let mut reached = false;
    while read.has_older && !(reached && offset >= history) {
        let limit = match u32::try_from(history.saturating_sub(offset)) {
            _ if offset == 0 => FIRST_PAGE,
            Ok(left) if reached => left.min(NEXT_PAGE),
            Ok(_) | Err(_) => NEXT_PAGE,
        };
        let part = pages.read(limit, offset).await?;
        let (sent, may_be_last) = (part.sent, part.may_be_last(offset));
        reached = part.rows.last().is_some_and(&is_history);
        read.take(part, offset, |_, _| true);
        read.hold(most);
        offset += sent;
        read.has_older = !may_be_last;
    }
    Ok(read)
}

/// How far back a record is read.
#[derive(Debug, Clone, Copy)]
struct Reach {
    /// What is known and older than this ends it.
    floor: Timestamp,
    /// What is older than this was never wanted.
    begins: Timestamp,
}

impl Reach {
    fn behind(mark: Mark, slack: SignedDuration) -> Reach {
        Reach { floor: before(mark.read_to, slack), begins: mark.begins }
    }

    /// Also what bears a time before the history began: the server's clock may have been set back.
    fn deep(mark: Mark) -> Reach {
        let Reach { floor, begins } = Reach::behind(mark, DEEP_SLACK);
        if begins == Timestamp::MIN {
            return Reach { floor, begins };
        }
        let begins = before(begins, DEEP_SLACK);
        Reach { floor: floor.min(begins), begins }
    }

    /// The same, and looks at every row for what was written after the history began, whatever time it bears.
    fn all(mark: Mark) -> Reach {
        Reach { floor: Timestamp::MIN, ..Reach::deep(mark) }
    }

    /// Whether nothing behind this row is wanted.
    fn ends_at(self, row: &Row, known: &HashSet<AnomalyId>) -> bool {
        let at = row.alert.detected_at.unwrap_or(Timestamp::MAX);
        (self.floor > Timestamp::MIN && at < self.begins) || (at < self.floor && is_known(row, known))
    }

    fn wants(self, row: &Row, mark: Mark, known: &HashSet<AnomalyId>) -> bool {
        // Of rows with the very time at which the history begins, the first page may have had some and not others.
        row.alert.detected_at.is_none_or(|at| at > self.begins)
            || row.created_at.is_some_and(|at| at > mark.begins && self.begins < mark.begins)
            || is_known(row, known)
    }
}

fn before(time: Timestamp, by: SignedDuration) -> Timestamp {
    time.checked_sub(by).unwrap_or(Timestamp::MIN)
}

/// Where the record grew by more rows than were found, they bear times that are long past. None where the server cannot
/// send that much of it: what is short is counted then.
async fn look_deeper(
    work: Work<'_>,
    memory: &mut Memory,
    shop: &ShopId,
    mark: Mark,
    mut unsent: i64,
    found: &mut Pass,
) -> Result<Option<Read>, Trouble> {
    let Work { api, journal, now, .. } = work;
    let mut deepest = None;
    for reach in [Reach::deep(mark), Reach::all(mark)] {
        tracing::info!(?reach, "the record grew by more rows than were found; reading further back");
        let pages = Pages::new(api, shop, memory.unreadable.entry(shop.clone()).or_default());
        let read = match back_to(pages, journal, mark, reach, memory.rows_held).await {
            Err(Trouble::Api(error)) if error.may_be_of_one_row() => {
                tracing::warn!(%error, "the server does not send what lies further back");
                break;
            }
            read => read?,
        };
        let listed = read.unwanted(mark);
        if listed > 0 {
            journal.rows_listed(shop, listed).await?;
        }
        store(work, &read, Timestamp::MIN, found).await?;
        unsent += journal.rows_not_sent(shop, read.covers(now), read.unsent(now)).await?;
        let is_short = match read.total() {
            Some(total) => journal.is_short(shop, total, unsent).await?,
            None => false,
        };
        deepest = Some(read);
        if !is_short {
            break;
        }
    }
    Ok(deepest)
}

/// Pages until the mark lies well behind and the last row is known, or as many rows in a row are not missing as may be held.
async fn back_to(
    mut pages: Pages<'_>,
    journal: &Journal,
    mark: Mark,
    reach: Reach,
    most: usize,
) -> Result<Read, Trouble> {
    let mut read = Read::new(false);
    let mut offset = 0;
    // How many rows were read since the last that is missing.
    let mut known_since = 0;
    loop {
        let limit = if offset < u64::from(FIRST_PAGE) { FIRST_PAGE } else { NEXT_PAGE };
        let part = pages.read(limit, offset).await?;
        let (sent, may_be_last) = (part.sent, part.may_be_last(offset));
        let ids = part.rows.iter().filter_map(|row| row.alert.anomaly_id.clone()).collect();
        let known = journal.known(ids).await?;
        let reached = part.rows.last().is_some_and(|row| reach.ends_at(row, &known));

        let (rows, missing) = (part.rows.len(), read.missing);
        read.known.extend(known);
        read.take(part, offset, |row, known| reach.wants(row, mark, known));
        known_since = if read.missing > missing { 0 } else { known_since + rows };
        read.hold(most);
        offset += sent;

        if reached || may_be_last || known_since >= most {
            read.has_older = !may_be_last;
            return Ok(read);
        }
    }
}

async fn store(
    work: Work<'_>,
    read: &Read,
    history_before: Timestamp,
    found: &mut Pass,
) -> Result<(), Trouble> {
    let Work { journal, now, .. } = work;
    let missing: Vec<&Row> = read.rows.iter().rev().filter(|row| !is_known(row, &read.known)).collect();
    for batch in missing.chunks(BATCH) {
        let is_history = |alert: &Alert| is_before(journal, alert.detected_at, history_before);
        let (history, news): (Vec<_>, Vec<_>) =
            batch.iter().map(|row| row.alert.clone()).partition(is_history);
        found.has_history |= !history.is_empty();
        let mut stored = journal.record_history(history, now).await?;
        stored.retain(|recorded| !matches!(recorded, Recorded::New { .. }));
        stored.extend(journal.record_all(news, now, Source::History).await?);
        for recorded in &stored {
            match recorded {
                Recorded::New { .. } => found.missed += 1,
                Recorded::Joined { .. } => found.has_joined = true,
                Recorded::Repeat { .. } => {}
            }
        }
        (work.told)(stored);
    }
    Ok(())
}

fn is_before(journal: &Journal, detected_at: Option<Timestamp>, time: Timestamp) -> bool {
    time > Timestamp::MIN && detected_at.is_none_or(|at| journal.by_our_clock(at) <= time)
}

fn is_known(row: &Row, known: &HashSet<AnomalyId>) -> bool {
    row.alert.anomaly_id.as_ref().is_some_and(|id| known.contains(id))
}

/// A row that nobody ever touched was written within this time of its beginning.
const UNTOUCHED: SignedDuration = SignedDuration::from_secs(1);

/// What others decided and wrote, as far as it is news.
async fn take_over_decisions(
    work: Work<'_>,
    memory: &mut Memory,
    rows: VecDeque<Row>,
    found: &mut Pass,
) -> Result<(), Trouble> {
    let Work { journal, now, .. } = work;
    if memory.decided.len() > MOST_REMEMBERED {
        memory.decided.clear();
    }
    let is_news = |row: &Row, id: &AnomalyId| match memory.decided.get(id) {
        Some(known) => *known != (row.status, row.updated_at),
        None => outbox::decision(row.status).is_some() || is_touched(row),
    };
    let mut news = Vec::new();
    for mut row in rows {
        let Some(id) = row.alert.anomaly_id.take() else { continue };
        if is_news(&row, &id) {
            news.push((id, row));
        }
    }
    let closed = news.iter().filter(|(_, row)| outbox::closes(row.status));
    memory.people.learn(work.api, closed.filter_map(|(_, row)| row.resolved_by.as_deref())).await;
    for batch in news.chunks(BATCH) {
        let told = batch.iter().map(|(id, row)| {
            let by = row.resolved_by.as_deref().filter(|_| outbox::closes(row.status));
            let by = by.and_then(|user| memory.people.name(user));
            let signed = || notes::who(row.notes.as_deref()?, outbox::decision(row.status));
            let at = row.resolved_at.filter(|_| outbox::closes(row.status)).or(row.updated_at).unwrap_or(now);
            outbox::told(id.clone(), row, by.or_else(signed), at)
        });
        found.decided.extend(journal.rows_told(told.collect(), now).await?);
        memory.decided.extend(batch.iter().map(|(id, row)| (id.clone(), (row.status, row.updated_at))));
    }
    Ok(())
}

/// Somebody did something with it: wrote a note, or took a decision back.
fn is_touched(row: &Row) -> bool {
    let changed = row.created_at.zip(row.updated_at);
    row.notes.is_some() || changed.is_some_and(|(begun, changed)| changed.duration_since(begun) > UNTOUCHED)
}

/// The names of the server's users, as far as they were wanted.
#[derive(Debug, Default)]
struct People(HashMap<String, Option<String>>);

impl People {
    /// Asks for the names of those who are not known, once.
    async fn learn(&mut self, api: &Api, users: impl Iterator<Item = &str>) {
        let unknown: HashSet<String> =
            users.filter(|user| !self.0.contains_key(*user)).map(str::to_owned).collect();
        if unknown.is_empty() {
            return;
        }
        let Ok(mut named) = api.people().await else { return };
        self.0.extend(unknown.into_iter().map(|user| {
            let name = named.remove(&user);
            (user, name)
        }));
    }

    fn name(&self, user: &str) -> Option<String> {
        self.0.get(user).cloned().flatten()
    }
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
