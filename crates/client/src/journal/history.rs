//! What the journal knows of the record and the log at the server, of times without a connection, and of times of which
//! alerts may be missing; and the report of it all.

use std::collections::{BTreeMap, HashSet};
use std::ops::RangeInclusive;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use visionguard_proto::{AnomalyId, Cursor, ShopId};

use super::{
    Beginning, Journal, JournalError, Listed, LogOf, Newest, cursor, file, gap, marks, missing, outage,
    report, unsent, upkeep,
};
use crate::ledger;
use crate::model::{GapRow, OutageRow};
use crate::view::{Report, ReportQuery};

impl Journal {
    /// The newest row of this shop's record that is known here.
    pub async fn latest(&self, shop: &ShopId) -> Result<Option<Newest>, JournalError> {
        let shop = shop.clone();
        self.read(move |connection| marks::latest(connection, &shop)).await
    }

    /// Which of these rows of the record are here already, as told by the record itself.
    pub async fn known(&self, anomalies: Vec<AnomalyId>) -> Result<HashSet<AnomalyId>, JournalError> {
        self.read(move |connection| marks::known(connection, anomalies)).await
    }

    /// Of this shop's rows those that are open here.
    pub async fn open_rows(&self, shop: &ShopId) -> Result<Vec<AnomalyId>, JournalError> {
        let shop = shop.clone();
        self.read(move |connection| marks::open_rows(connection, &shop)).await
    }

    /// Notes that so many rows of this shop's record are about to be stored though they were never wanted.
    pub async fn rows_listed(&self, shop: &ShopId, rows: usize) -> Result<(), JournalError> {
        let (shop, rows) = (shop.clone(), i64::try_from(rows).unwrap_or(i64::MAX));
        self.write(move |connection| missing::list(connection, &shop, rows)).await
    }

    /// Counts this shop's rows here against the `total` of the record, at the least and at the most, while it was read for
    /// a comparison that is complete and stored. What the record grew by and the journal did not is lost, and in the
    /// report.
    pub async fn count_rows(
        &self,
        shop: &ShopId,
        total: RangeInclusive<u64>,
        at: Timestamp,
    ) -> Result<(), JournalError> {
        let read = shop.clone();
        let count = self.read(move |connection| missing::count(connection, &read, &total)).await?;
        let Some(count) = count.filter(|count| count.is_news()) else { return Ok(()) };
        let shop = shop.clone();
        self.write(move |connection| missing::note(connection, &shop, count, at)).await
    }

    /// Whether the record of this shop grew by more rows than came here since it was last compared to its end, and than so
    /// many that the server cannot send.
    pub async fn is_short(
        &self,
        shop: &ShopId,
        total: RangeInclusive<u64>,
        unsent: i64,
    ) -> Result<bool, JournalError> {
        let shop = shop.clone();
        let count = self.read(move |connection| missing::count(connection, &shop, &total)).await?;
        Ok(count.is_some_and(|count| count.is_short(unsent)))
    }

    /// Notes which rows of this shop's record the server has and could not send, of all those between these times; by how
    /// many they grew.
    pub async fn rows_not_sent(
        &self,
        shop: &ShopId,
        read: (Timestamp, Timestamp),
        rows: Vec<unsent::Unsent>,
    ) -> Result<i64, JournalError> {
        let (of, known) = (shop.clone(), rows.clone());
        let is_news =
            self.read(move |connection| unsent::after(connection, &of, read, &known)).await?.is_some();
        if !is_news {
            return Ok(0);
        }
        let shop = shop.clone();
        self.write(move |connection| unsent::rows_not_sent(connection, &shop, read, &rows)).await
    }

    /// Notes since when the server answers and its record cannot be read, or that it can be.
    pub async fn record_is_unread(&self, since: Option<Timestamp>) -> Result<(), JournalError> {
        self.write(move |connection| unsent::record_is_unread(connection, since)).await
    }

    /// Whether this journal took the place of one that was damaged, deleted or cannot be reached: the record is read
    /// further back for it.
    pub async fn is_rebuilt(&self) -> Result<bool, JournalError> {
        Ok(self.value(file::REBUILD).await?.is_some())
    }

    /// Remembers the shops' names.
    pub async fn remember_shops(&self, shops: Vec<(ShopId, String)>) -> Result<(), JournalError> {
        self.write(move |connection| upkeep::remember_shops(connection, &shops)).await
    }

    /// Notes that the connection was lost, and the code of the reason; one that goes on does so.
    pub async fn outage_began(&self, at: Timestamp, cause: &str) -> Result<(), JournalError> {
        let cause = cause.to_owned();
        self.write(move |connection| outage::began(connection, at, &cause)).await
    }

    /// Notes that the outage goes on, now for this reason.
    pub async fn outage_goes_on(&self, at: Timestamp, cause: &str) -> Result<(), JournalError> {
        let cause = cause.to_owned();
        self.write(move |connection| outage::goes_on(connection, at, &cause)).await
    }

    /// Notes that a notification said that the outage lasts.
    pub async fn outage_told(&self, at: Timestamp) -> Result<(), JournalError> {
        self.write(move |connection| outage::told(connection, at)).await
    }

    /// Ends an outage that went on when the program ended, at the time at which that was last known, and hands it
    /// out.
    pub async fn cut_outage(&self) -> Result<Option<OutageRow>, JournalError> {
        self.write(outage::cut).await
    }

    /// Notes that what was missed is caught up; the outage that this ended, or that was cut short and learns only now
    /// what was missed in it.
    pub async fn outage_ended(
        &self,
        at: Timestamp,
        caught_up: u32,
    ) -> Result<Option<OutageRow>, JournalError> {
        self.write(move |connection| outage::ended(connection, at, caught_up)).await
    }

    /// Notes that alerts may be missing of this time, which began when it is not known if none.
    pub async fn record_gap(&self, from: Option<Timestamp>, to: Timestamp) -> Result<(), JournalError> {
        self.write(move |connection| gap::record(connection, from, to)).await
    }

    /// The record does not reach back to what was known before: the gaps that stand now stay.
    pub async fn gaps_stay(&self) -> Result<(), JournalError> {
        self.write(gap::stay).await
    }

    /// The newest gap that stands, or else row that was not sent, or else that the record shrank, unless it was taken out
    /// of view.
    pub async fn standing_gap(&self) -> Result<Option<GapRow>, JournalError> {
        let now = self.clock.wall();
        self.read(move |connection| {
            if let Some(gap) = gap::standing(connection)? {
                return Ok(Some(gap));
            }
            match unsent::standing(connection)? {
                Some(row) => Ok(Some(row)),
                None => missing::shrunk(connection, now, false),
            }
        })
        .await
    }

    /// Where the next connection to this log goes on.
    pub async fn cursor(&self, of: &LogOf) -> Result<Option<Cursor>, JournalError> {
        let of = of.clone();
        self.read_at_once(move |connection| cursor::cursor(connection, &of)).await
    }

    /// Notes a gap from the last complete comparison until now: this log could not go on where it was asked to.
    pub async fn log_broke_off(&self, of: LogOf, now: Timestamp) -> Result<(), JournalError> {
        self.write(move |connection| cursor::broke_off(connection, &of, now)).await
    }

    /// Notes that a comparison with the record, begun at this time, was complete: closes gaps, and begins this log where
    /// it could not be followed.
    pub async fn compared(
        &self,
        of: LogOf,
        beginning: Option<Beginning>,
        began_at: Timestamp,
    ) -> Result<(), JournalError> {
        self.write(move |connection| cursor::compared(connection, &of, beginning.as_ref(), began_at)).await
    }

    /// When the last comparison with a record that was complete began; none if there was none.
    pub async fn compared_at(&self) -> Result<Option<Timestamp>, JournalError> {
        self.read(cursor::compared_at).await
    }

    /// Notes that a comparison with the record that began then was complete. Whether that closed a gap.
    pub async fn gaps_filled(&self, at: Timestamp) -> Result<bool, JournalError> {
        self.write(move |connection| gap::filled(connection, at)).await
    }

    /// The gaps that touch this time, oldest first, standing or filled.
    pub async fn gaps(&self, from: Timestamp, to: Timestamp) -> Result<Vec<GapRow>, JournalError> {
        self.read(move |connection| gap::gaps(connection, from, to)).await
    }

    /// Whether alerts may be missing now.
    pub async fn gap_stands(&self) -> Result<bool, JournalError> {
        self.read(gap::stands).await
    }

    /// What became of every alert of this time; `now` is where an outage that goes on is cut.
    pub async fn report(
        &self,
        query: ReportQuery,
        now: Timestamp,
        camera_names: &BTreeMap<String, String>,
    ) -> Result<Report, JournalError> {
        let (from, to) = (ledger::timestamp(query.from), ledger::timestamp(query.to));
        let query = ReportQuery { from: from.as_millisecond(), to: to.as_millisecond() };
        let found = self.read(move |connection| report::ledger(connection, from, to, now)).await?;
        Ok(found.report(query, now, camera_names, &TimeZone::system()))
    }

    /// Every incident that began in this time, oldest first.
    pub async fn incidents_of(&self, query: ReportQuery) -> Result<Vec<Listed>, JournalError> {
        let (from, to) = (ledger::timestamp(query.from), ledger::timestamp(query.to));
        self.read(move |connection| report::listed(connection, from, to)).await
    }
}
