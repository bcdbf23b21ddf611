//! Reads a shop's record in pages, around rows that the server has and cannot send.
//!
//! One such row (the original answers 500 to every page that holds a score which is not a number) must not hide the rows
//! beyond it: a page that is refused is halved until the row stands alone, and the others are read. Where every page is
//! refused it is not a row that is at fault, and nothing is narrowed down.

use std::collections::BTreeMap;

use visionguard_proto::record::{Row, Status};
use visionguard_proto::{AnomalyId, ShopId};

use crate::api::{Api, ApiError};

/// Rows looked at singly to tell a bad row from a bad server: the newest, and further back each time.
const PROBES: [u64; 4] = [0, 1, 8, 64];
/// Requests that one reading spends at most where pages are refused.
const MOST_REQUESTS: u32 = 200;
/// A row that could not be sent is asked for again in one reading out of so many.
const ASKED_AGAIN: u32 = 16;

/// Some neighbouring rows of a shop's record, newest first.
#[derive(Debug, Default)]
pub(super) struct Part {
    pub(super) rows: Vec<Row>,
    /// How many rows of the record this tells of, readable or not.
    pub(super) sent: u64,
    /// How many rows the record has.
    pub(super) total: u64,
    /// The server sent as many as were asked for: there may be more, whatever it says of how many there are.
    is_full: bool,
    /// It is one row, and the server cannot send it.
    pub(super) is_unreadable: bool,
}

impl Part {
    /// Whether the record may end with this part, which begins at this place.
    pub(super) fn may_be_last(&self, offset: u64) -> bool {
        self.sent == 0 || !self.is_full && offset + self.sent >= self.total
    }
}

/// The rows of a shop's record that the server could not send when they were last asked for.
#[derive(Debug, Default)]
pub(super) struct Unreadable {
    /// Each by its place counted from the oldest, which new rows do not change.
    places: BTreeMap<u64, Refused>,
    /// How many rows the record had then.
    total: u64,
    /// How often it was read since.
    readings: u32,
}

/// A row that was refused.
#[derive(Debug)]
struct Refused {
    behind: Behind,
    /// In how many readings: once may have been the server's trouble of the moment.
    times: u32,
}

/// The last row that was read, and how many were left out since.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Behind {
    row: Option<AnomalyId>,
    left_out: u32,
}

/// Reads one shop's record from the newest row on.
#[derive(Debug)]
pub(super) struct Pages<'a> {
    api: &'a Api,
    shop: &'a ShopId,
    /// Only rows of this status.
    status: Option<Status>,
    unreadable: &'a mut Unreadable,
    /// Where the page ends that was refused, and is read in smaller parts.
    narrow_to: u64,
    /// The size of these parts.
    width: u64,
    requests: u32,
    /// Some part of the record was sent, so that it is a row that is at fault.
    answers: bool,
    behind: Behind,
}

impl<'a> Pages<'a> {
    pub(super) fn new(api: &'a Api, shop: &'a ShopId, unreadable: &'a mut Unreadable) -> Pages<'a> {
        unreadable.readings = unreadable.readings.wrapping_add(1);
        Pages {
            api,
            shop,
            status: None,
            unreadable,
            narrow_to: 0,
            width: 0,
            requests: 0,
            answers: false,
            behind: Behind::default(),
        }
    }

    /// The same, of this status alone.
    pub(super) fn of(self, status: Status) -> Pages<'a> {
        Pages { status: Some(status), ..self }
    }

    /// The rows from this place on, at most so many; fewer where one of them cannot be sent.
    pub(super) async fn read(&mut self, limit: u32, offset: u64) -> Result<Part, ApiError> {
        if self.is_left_out(offset) {
            return Ok(self.leave_out(offset));
        }
        let mut most = self.bearable(u64::from(limit), offset);
        loop {
            let refused = match self.request(most, offset).await {
                Ok(part) => {
                    self.width = self.width.saturating_mul(2);
                    let last = part.rows.last().and_then(|row| row.alert.anomaly_id.clone());
                    self.behind = Behind { row: last, left_out: 0 };
                    return Ok(part);
                }
                Err(error) if error.may_be_of_one_row() => error,
                Err(error) => return Err(error),
            };
            if self.requests >= MOST_REQUESTS || !self.sends_others(offset, most).await {
                return Err(refused);
            }
            if most == 1 {
                return Ok(self.give_up(offset));
            }
            self.narrow_to = self.narrow_to.max(offset + most);
            most /= 2;
            self.width = most;
        }
    }

    /// Whether the row at this place is known to be unreadable, and it is not its turn to be asked for again. Rows that bear
    /// an older time move it: it is the same only behind the same row.
    fn is_left_out(&self, offset: u64) -> bool {
        let Unreadable { places, total, readings } = &self.unreadable;
        let place = total.checked_sub(offset + 1);
        let known = place.and_then(|place| places.get(&place));
        let is_sure = known.is_some_and(|known| known.times > 1 && known.behind == self.behind);
        self.behind.row.is_some() && readings % ASKED_AGAIN != 0 && is_sure
    }

    /// How many rows may be asked for at this place without touching one that is known to be unreadable; such a one is
    /// asked for alone, since it may be readable by now.
    fn bearable(&self, limit: u64, offset: u64) -> u64 {
        let most = if offset < self.narrow_to { self.width.clamp(1, limit) } else { limit };
        let Unreadable { places, total, .. } = &self.unreadable;
        let is_unreadable =
            |at: &u64| total.checked_sub(at + 1).is_some_and(|place| places.contains_key(&place));
        match (offset..offset + most).find(is_unreadable) {
            None => most,
            Some(at) => (at - offset).max(1),
        }
    }

    async fn request(&mut self, most: u64, offset: u64) -> Result<Part, ApiError> {
        self.requests += 1;
        let limit = u32::try_from(most).unwrap_or(u32::MAX);
        let page = self.api.anomalies(self.shop, self.status, limit, offset).await?;
        self.answers = true;
        let (sent, total) = (page.len_sent() as u64, page.total);
        self.unreadable.total = total;
        for place in (offset..offset + sent).filter_map(|at| total.checked_sub(at + 1)) {
            self.unreadable.places.remove(&place);
        }
        Ok(Part { rows: page.rows, sent, total, is_full: sent >= most, is_unreadable: false })
    }

    /// Whether the server sends other rows than those that it just refused.
    async fn sends_others(&mut self, offset: u64, most: u64) -> bool {
        for probe in PROBES {
            let was_refused = most == 1 && probe == offset;
            if !self.answers && !was_refused {
                // Why it is refused does not matter: the question is whether one is not.
                let _ = self.request(1, probe).await;
            }
        }
        self.answers
    }

    /// The row stands alone, and is refused.
    fn give_up(&mut self, offset: u64) -> Part {
        let total = self.unreadable.total.max(offset + 1);
        let place = total - offset - 1;
        let before = self.unreadable.places.get(&place).filter(|known| known.behind == self.behind);
        let times = before.map_or(1, |known| known.times.saturating_add(1));
        self.unreadable.places.insert(place, Refused { behind: self.behind.clone(), times });
        self.leave_out(offset)
    }

    fn leave_out(&mut self, offset: u64) -> Part {
        let total = self.unreadable.total.max(offset + 1);
        self.behind.left_out += 1;
        Part { rows: Vec::new(), sent: 1, total, is_full: offset + 1 < total, is_unreadable: true }
    }
}
