//! Reads the journal's file as it lies on the disk, and compares it with what the server has on record.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use visionguard_client::journal::FILE_NAME;

use crate::plan::Bug;
use crate::server::{CANARY, Detection, SHOPS};
use crate::world::World;

/// How many rows of a shop a first look takes as history.
const FIRST_PAGE: usize = 50;

/// An alert in the journal.
#[derive(Debug, Clone)]
pub struct Line {
    /// Its number there.
    pub id: i64,
    /// Its incident's.
    pub incident: i64,
    /// The detection, by id or by frame.
    pub number: Option<u64>,
    /// By frame alone.
    pub frame: Option<u64>,
    /// By id alone.
    pub named: Option<u64>,
    /// A popup that covers it was taken.
    pub notified: bool,
    /// Its incident was handled, seen or taken out of view.
    pub looked_at: bool,
}

/// All of them.
pub type Lines = Vec<Line>;

/// Reads the journal in this directory.
pub fn read(directory: &Path) -> rusqlite::Result<Lines> {
    let path = directory.join(FILE_NAME);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    lines(&Connection::open_with_flags(path, flags)?)
}

/// Reads the journal behind this connection.
pub fn lines(connection: &Connection) -> rusqlite::Result<Lines> {
    let mut statement = connection.prepare(
        "SELECT a.id, a.incident, a.anomaly_id, a.start_frame, a.notified_at IS NOT NULL, \
         i.handling <> 0 OR i.seen_at IS NOT NULL OR i.dismissed_at IS NOT NULL \
         FROM alert a JOIN incident i ON i.id = a.incident ORDER BY a.id",
    )?;
    let lines = statement.query_map([], |row| {
        let named = row.get::<_, Option<String>>(2)?.and_then(|id| Detection::number_of(&id));
        let frame = row.get::<_, Option<i64>>(3)?.and_then(|frame| u64::try_from(frame).ok());
        Ok(Line {
            id: row.get(0)?,
            incident: row.get(1)?,
            number: named.or(frame),
            frame,
            named,
            notified: row.get(4)?,
            looked_at: row.get(5)?,
        })
    })?;
    lines.collect()
}

/// A planted bug: what was acknowledged is not kept.
fn forget(directory: &Path, number: u64) -> rusqlite::Result<()> {
    let connection = Connection::open(directory.join(FILE_NAME))?;
    let number = i64::try_from(number).unwrap_or_default();
    connection.execute("DELETE FROM alert WHERE start_frame = ?1", [number]).map(|_| ())
}

impl World {
    /// What the journal's file has, wherever it lies.
    pub fn lines_on_disk(&self) -> rusqlite::Result<Lines> {
        self.lines_in(&self.journal_place())
    }

    /// A damaged file that no client has opened since counts as the empty one that is to take its place.
    fn lines_in(&self, directory: &Path) -> rusqlite::Result<Lines> {
        if self.disk.damage_is_unseen { Ok(Lines::new()) } else { read(directory) }
    }

    /// The detections of an incident, as they stand: those that were stored in it in memory may belong to others of the file
    /// since that was moved onto the disk.
    pub fn is_about(&self, incident: &str) -> BTreeSet<u64> {
        let lines = if self.disk.in_memory { None } else { self.lines_on_disk().ok() };
        match lines {
            None => self.checks.of_incident.get(incident).cloned().unwrap_or_default(),
            Some(lines) => lines
                .iter()
                .filter(|line| line.incident.to_string() == incident)
                .filter_map(|line| line.frame.or(line.named))
                .collect(),
        }
    }

    /// The client was killed: what it acknowledged must be on the disk, and what it did not mark may pop up again.
    pub fn check_after_death(&mut self, directory: &Path) {
        self.disk.forgets_memory();
        if self.disk_was_never_opened(directory) {
            return;
        }
        let lines = match self.lines_in(directory) {
            Ok(lines) => lines,
            Err(error) => {
                return self.fail("I3", format!("the journal cannot be read after a kill: {error}"));
            }
        };
        self.acknowledged_is_there(&lines);
        self.files_hold_no_secret(directory);
        self.check_the_queues();
        self.checks.queues.forget();
        self.checks.order.are_left(lines.iter().filter_map(|line| line.frame.or(line.named)).collect());
        let unmarked: BTreeSet<i64> =
            lines.iter().filter(|line| !line.notified).map(|line| line.id).collect();
        self.popups_after_death(&unmarked);
    }

    fn disk_was_never_opened(&self, directory: &Path) -> bool {
        !directory.join(FILE_NAME).exists()
    }

    fn acknowledged_is_there(&mut self, lines: &Lines) {
        // A name may be a guess until the record was read; a frame never is.
        let there: BTreeSet<u64> = lines.iter().filter_map(|line| line.frame.or(line.named)).collect();
        let gone: Vec<u64> = self
            .server
            .acked
            .iter()
            .filter(|(number, at)| {
                !there.contains(number) && self.checks.damaged_at.is_none_or(|damaged| **at > damaged)
            })
            .map(|(number, _)| *number)
            .collect();
        if !gone.is_empty() {
            self.fail("I3", format!("acknowledged and not in the journal: {gone:?}"));
        }
    }

    /// The run is over, and the client ended in order.
    pub fn check_at_the_end(&mut self, directory: &Path) {
        if self.plan.bug == Some(Bug::ForgetsWhatWasAcknowledged)
            && let Some(number) = self.server.acked.keys().next()
            && let Err(error) = forget(directory, *number)
        {
            return self.fail("I11", error.to_string());
        }
        let lines = match read(directory) {
            Ok(lines) => lines,
            Err(error) => return self.fail("I1", format!("the journal cannot be read at the end: {error}")),
        };
        if self.plan.bug == Some(Bug::WritesASecret) {
            let _ = fs::write(directory.join("notes.txt"), format!("do not lose: {CANARY}"));
        }
        self.acknowledged_is_there(&lines);
        self.check_the_queues();
        self.files_hold_no_secret(directory);
        self.roster_is_empty();
        self.person_is_content();
        self.each_is_there_once(&lines);
        self.each_was_shown(&lines);
        self.decisions_took_effect();
    }

    fn each_is_there_once(&mut self, lines: &Lines) {
        let mut seen: BTreeMap<u64, i64> = BTreeMap::new();
        for line in lines {
            // Which notice is of which detection is a guess, until the row is read that tells.
            let is_guess = line.named.is_some_and(|number| self.is_never_sent(number));
            if line.frame.is_some() && line.named.is_some() && line.frame != line.named && !is_guess {
                return self.fail("I1", format!("two detections are merged: {line:?}"));
            }
            let Some(number) = line.number.filter(|_| !is_guess).or(line.frame).or(line.named) else {
                return self.fail("I1", format!("an alert of no detection: {line:?}"));
            };
            if line.frame.is_none() && self.is_never_sent(number) {
                continue;
            }
            if let Some(other) = seen.insert(number, line.id) {
                return self.fail("I1", format!("{number} is in the journal twice: {other} and {}", line.id));
            }
            if line.named.is_none()
                && self.checks.written.contains_key(&number)
                && !self.is_never_sent(number)
            {
                return self
                    .fail("I1", format!("{number} is on record and its alert does not know it: {line:?}"));
            }
        }
        let mut required = self.required();
        if self.plan.bug == Some(Bug::LosesAnAlert) {
            required.extend(self.checks.written.keys().filter(|number| **number == 1_003));
        }
        let lost: Vec<u64> = required.iter().filter(|number| !seen.contains_key(number)).copied().collect();
        if !lost.is_empty() {
            self.counts.lost += lost.len() as u64;
            self.fail("I1", format!("on record and not in the journal: {lost:?}"));
        }
    }

    /// Whether the record has a row of this detection that it cannot send.
    pub fn is_never_sent(&self, number: u64) -> bool {
        self.server
            .record
            .rows
            .values()
            .any(|row| row.detection.number == number && row.detection.broken_number)
    }

    /// What must be in the journal: what was written since the sign-in, and of what was before the newest of each shop.
    fn required(&self) -> BTreeSet<u64> {
        let Some(signed_in) = self.person.signed_in_at else { return BTreeSet::new() };
        let from = self.checks.damaged_at.unwrap_or_default().max(signed_in);
        let mut required = BTreeSet::new();
        for shop in SHOPS {
            let mut rows: Vec<_> =
                self.server.record.rows.values().filter(|row| SHOPS[row.detection.shop] == shop).collect();
            rows.sort_by_key(|row| std::cmp::Reverse(row.at));
            for (rank, row) in rows.iter().enumerate() {
                if !row.detection.broken_number && (row.written_at > from || rank < FIRST_PAGE / 2) {
                    required.insert(row.detection.number);
                }
            }
        }
        required
    }

    fn each_was_shown(&mut self, lines: &Lines) {
        let Some(signed_in) = self.person.signed_in_at else { return };
        let mut stored_at: BTreeMap<i64, Duration> = BTreeMap::new();
        for line in lines {
            let at =
                line.number.and_then(|number| self.checks.recorded.get(&number)).copied().unwrap_or_default();
            let first = stored_at.entry(line.incident).or_insert(at);
            *first = at.min(*first);
        }
        for line in lines {
            let since = line.number.and_then(|number| self.checks.written.get(&number)).copied();
            let is_history = since.is_none_or(|at| at < signed_in + Duration::from_secs(15))
                || line.number.is_some_and(|number| self.is_of_before_the_damage(number));
            let was_silent = line.number.is_some_and(|number| self.was_silent_about(number));
            let is_split_off =
                line.frame.is_none() && line.named.is_some_and(|number| self.is_never_sent(number));
            if is_split_off {
                continue;
            }
            if !line.notified && !line.looked_at && !was_silent {
                return self.fail("I2", format!("never shown: {line:?}"));
            }
            let number = line.number.unwrap_or_default();
            if line.notified
                && !line.looked_at
                && !is_history
                && !was_silent
                && !self.popup_covers(
                    line.incident,
                    line.id,
                    stored_at.get(&line.incident).copied().unwrap_or_default(),
                )
            {
                return self.fail("I2", format!("marked as shown and never was: {number}, {line:?}"));
            }
        }
    }

    fn decisions_took_effect(&mut self) {
        let decided = self.person.decided.clone();
        for decisions in decided.values() {
            let about: BTreeSet<u64> = decisions.iter().flat_map(|decided| &decided.about).copied().collect();
            // A decision takes effect whole or not at all: where somebody else was first, nothing is sent.
            let is_overruled = about.iter().any(|number| self.checks.decided_elsewhere.contains(number));
            for number in about {
                let made = self.person.made.get(&number).copied().unwrap_or_default();
                self.decision_took_effect(number, made, is_overruled);
            }
        }
    }

    fn decision_took_effect(&mut self, number: u64, decisions: usize, is_overruled: bool) {
        let row = self.server.record.rows.values().find(|row| row.detection.number == number).cloned();
        let Some(row) = row else { return };
        // Where its message came alone, nobody can know the row's id.
        if row.detection.broken_number {
            return;
        }
        if row.status == "pending" && is_overruled {
            return;
        }
        if row.status == "pending" {
            return self.fail("decisions", format!("{number} was decided on and is pending at the server"));
        }
        let ours = row.changes.iter().filter(|change| change.ours).count();
        if ours > decisions {
            self.fail(
                "decisions",
                format!("{number} was changed {ours} times by {decisions} decisions: {:?}", row.changes),
            );
        }
    }
}
