//! From memory onto the disk: what came while the journal could not be written.
//!
//! Numbers stay as they are, so that a notification or a page that names one still means the same: those given in memory
//! begin where no file's numbers are (see [`super::file::in_memory`]). The numbers of what stays behind are not given again.
//! What memory began with (see [`super::file::in_memory_of`]) has the file's own numbers and stays behind; if it is another file
//! by now, an incident that was added to gets a new one.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::Connection;

use super::file::Extent;
use super::sql::{self, TOLD_BY_DETECTION};
use super::{FILE_NAME, JournalError, Mode, file, grouping, missing, mode, upkeep};
use crate::model::{Entry, IncidentId};

/// The name of the small value that says that the person had everything erased: the file, too, is to be emptied.
pub(super) const ERASED: &str = "erased";

/// What became of moving.
#[derive(Debug)]
pub(super) struct Moved {
    pub(super) disk: Connection,
    pub(super) set_aside: Option<PathBuf>,
    /// What the server may now be told of.
    pub(super) unacked: Vec<Entry>,
}

/// Opens the journal in this directory and copies into it what memory holds; all or nothing.
pub(super) fn onto_disk(
    memory: &Connection,
    directory: &Path,
    now: Timestamp,
) -> Result<Moved, JournalError> {
    let (disk, set_aside) = file::open(directory, now, Extent::Contents)?;
    if upkeep::value(memory, ERASED)?.is_some() {
        upkeep::erase(&disk)?;
        upkeep::shrink(&disk)?;
    }
    let path = directory.join(FILE_NAME);
    let is_alone = Mode::of(&disk)? == Mode::Alone;
    let name = if is_alone {
        file::uri(&path, &format!("vfs={}", mode::WITHOUT_LOCKS))
    } else {
        path.to_string_lossy().into_owned()
    };
    memory.execute("ATTACH DATABASE ?1 AS disk", [name])?;
    let copied = memory.execute_batch(COPY);
    if copied.is_err() && !memory.is_autocommit() {
        let _ = memory.execute_batch("ROLLBACK");
    }
    memory.execute_batch("DETACH DATABASE disk")?;
    copied?;
    // One that takes no locks does not look whether the file was changed.
    let disk = if is_alone {
        drop(disk);
        file::open(directory, now, Extent::Contents)?.0
    } else {
        disk
    };

    missing::begin_anew(&disk)?;
    let mut cut: Vec<i64> = Vec::new();
    {
        let mut statement = disk.prepare(
            "SELECT id FROM incident i WHERE alerts <> (SELECT count(*) FROM alert WHERE incident = i.id)",
        )?;
        for id in statement.query_map([], |row| row.get(0))? {
            cut.push(id?);
        }
    }
    for incident in cut {
        grouping::sum_up(&disk, IncidentId(incident))?;
    }
    let unacked = unacked(memory)?;
    Ok(Moved { disk, set_aside, unacked })
}

/// What came as a message that expects an answer: a detection, or an intrusion.
fn unacked(memory: &Connection) -> Result<Vec<Entry>, JournalError> {
    let which = "WHERE a.live AND a.acked_at IS NULL AND (a.told_by & ?1 <> 0 OR a.kind = 1) ORDER BY a.id";
    let alerts = sql::alerts(memory, which, [TOLD_BY_DETECTION])?;
    alerts.into_iter().map(|held| sql::with_incident(memory, held.stored)).collect()
}

/// What the file knows already, by its id or by its key, or because memory began with it, stays behind; that it was shown or
/// looked at, and what was decided about it, is taken over. The marks of how far the record is known stay behind, too: those of
/// the file hold.
const COPY: &str = "
BEGIN IMMEDIATE;
PRAGMA defer_foreign_keys = true;
DELETE FROM main.undo;
CREATE TEMP TABLE known AS
    SELECT a.id AS here, d.id AS there FROM main.alert a JOIN disk.alert d ON d.anomaly_id = a.anomaly_id
    UNION SELECT a.id, d.id FROM main.alert a JOIN disk.alert d ON a.frame_number IS NOT NULL
        AND d.stream_id = a.stream_id AND d.frame_number = a.frame_number AND d.person_id IS a.person_id
        AND d.start_frame IS a.start_frame
    UNION SELECT a.id, d.id FROM main.alert a JOIN disk.alert d ON d.id = a.id AND d.received_at = a.received_at
        AND d.stored_at = a.stored_at;
CREATE TEMP TABLE fresh AS SELECT id FROM main.alert WHERE id NOT IN (SELECT here FROM temp.known)
    AND id > (SELECT coalesce(max(CAST(value AS INTEGER)), 0) FROM main.value WHERE name = 'begun_with:alert');
CREATE TEMP TABLE same AS SELECT DISTINCT a.incident AS id FROM temp.known k JOIN main.alert a ON a.id = k.here
    JOIN disk.alert d ON d.id = k.there WHERE d.incident = a.incident;
CREATE TEMP TABLE redecided AS SELECT i.id FROM temp.same s JOIN main.incident i ON i.id = s.id
    JOIN disk.incident d ON d.id = s.id WHERE i.decided_here AND i.decided_at > d.decided_at;
CREATE TEMP TABLE redecided_alert AS SELECT a.id AS here, k.there FROM temp.known k JOIN main.alert a ON a.id = k.here
    JOIN disk.alert d ON d.id = k.there
    WHERE a.incident IN (SELECT id FROM temp.redecided) AND d.anomaly_id IS a.anomaly_id;
CREATE TEMP TABLE moved AS SELECT id AS before, id + (SELECT max(seq) FROM main.sqlite_sequence) AS after
    FROM main.incident WHERE id IN (SELECT incident FROM main.alert WHERE id IN (SELECT id FROM temp.fresh))
        AND id IN (SELECT id FROM disk.incident) AND id NOT IN (SELECT id FROM temp.same);
UPDATE main.incident SET id = (SELECT after FROM temp.moved WHERE before = id)
    WHERE id IN (SELECT before FROM temp.moved);
UPDATE main.alert SET incident = (SELECT after FROM temp.moved WHERE before = incident)
    WHERE incident IN (SELECT before FROM temp.moved);
INSERT INTO disk.incident SELECT * FROM main.incident
    WHERE id IN (SELECT incident FROM main.alert WHERE id IN (SELECT id FROM temp.fresh))
        AND id NOT IN (SELECT id FROM disk.incident);
UPDATE disk.incident SET (notified_at, seen_at, dismissed_at) = (SELECT coalesce(disk.incident.notified_at, i.notified_at),
        coalesce(disk.incident.seen_at, i.seen_at), coalesce(disk.incident.dismissed_at, i.dismissed_at)
        FROM main.incident i WHERE i.id = disk.incident.id)
    WHERE id IN (SELECT id FROM temp.same);
INSERT INTO disk.alert SELECT * FROM main.alert WHERE id IN (SELECT id FROM temp.fresh);
INSERT INTO disk.picture SELECT * FROM main.picture WHERE alert IN (SELECT id FROM temp.fresh);
INSERT INTO disk.outbox SELECT * FROM main.outbox WHERE alert IN (SELECT id FROM temp.fresh);
UPDATE disk.alert SET notified_at = (SELECT a.notified_at FROM temp.known k JOIN main.alert a ON a.id = k.here
        WHERE k.there = disk.alert.id)
    WHERE notified_at IS NULL AND id IN (SELECT there FROM temp.known);
DELETE FROM disk.outbox WHERE alert IN (SELECT there FROM temp.redecided_alert);
UPDATE disk.alert SET (decided_there, there_at, there_note, our_note) =
        (SELECT a.decided_there, a.there_at, a.there_note, a.our_note FROM temp.redecided_alert r
         JOIN main.alert a ON a.id = r.here WHERE r.there = disk.alert.id)
    WHERE id IN (SELECT there FROM temp.redecided_alert);
DELETE FROM disk.value WHERE name IN (SELECT 'ours:' || anomaly_id FROM main.alert
    WHERE id IN (SELECT here FROM temp.redecided_alert));
INSERT INTO disk.value SELECT name, value FROM main.value WHERE name IN (SELECT 'ours:' || anomaly_id FROM main.alert
    WHERE id IN (SELECT here FROM temp.redecided_alert));
UPDATE disk.outbox SET (state, tries, answered_at, refusal) = (SELECT o.state, o.tries, o.answered_at, o.refusal
        FROM temp.known k JOIN main.outbox o ON o.alert = k.here WHERE k.there = disk.outbox.alert)
    WHERE state = 0 AND alert IN (SELECT k.there FROM temp.known k JOIN main.outbox o ON o.alert = k.here
        WHERE o.state <> 0);
INSERT OR IGNORE INTO disk.note_due SELECT * FROM main.note_due WHERE alert IN (SELECT id FROM temp.fresh);
INSERT OR IGNORE INTO disk.note_due SELECT k.there, n.account, n.noted_at, n.tries
    FROM main.note_due n JOIN temp.known k ON k.here = n.alert;
UPDATE disk.incident SET (note, outcome) = (SELECT i.note, i.outcome FROM main.incident i WHERE i.id = disk.incident.id)
    WHERE id IN (SELECT s.id FROM temp.same s JOIN main.alert a ON a.incident = s.id
        JOIN main.note_due n ON n.alert = a.id);
INSERT OR IGNORE INTO disk.outbox
    SELECT o.id, k.there, o.decision, o.note, o.account, o.decided_at, o.state, o.tries, o.answered_at, o.refusal
    FROM main.outbox o JOIN temp.known k ON k.here = o.alert;
UPDATE disk.incident SET handling = 1, decided_here = 1, (decision, decided_at, note, account, outcome, handled_by, unopened) =
        (SELECT i.decision, i.decided_at, i.note, i.account, i.outcome, i.handled_by, i.unopened FROM main.incident i
         JOIN main.alert a ON a.incident = i.id JOIN temp.known k ON k.here = a.id
         JOIN disk.alert d ON d.id = k.there WHERE d.incident = disk.incident.id AND i.handling = 1
         ORDER BY i.decided_at DESC LIMIT 1)
    WHERE handling = 0 AND id IN (SELECT d.incident FROM disk.alert d JOIN temp.known k ON k.there = d.id
        JOIN main.outbox o ON o.alert = k.here AND o.state = 0);
UPDATE disk.incident SET (handling, decision, decided_at, decided_here, note, account, handled_at, refusal, outcome, handled_by,
        unopened) = (SELECT i.handling, i.decision, i.decided_at, i.decided_here, i.note, i.account, i.handled_at, i.refusal,
        i.outcome, i.handled_by, i.unopened
         FROM main.incident i WHERE i.id = disk.incident.id)
    WHERE handling < 2 AND id IN (SELECT s.id FROM temp.same s JOIN main.incident i ON i.id = s.id WHERE i.handling > 1);
UPDATE disk.incident SET (handling, decision, decided_at, decided_here, note, account, handled_at, refusal, outcome, handled_by,
        unopened, said_there, dismissed_at) = (SELECT i.handling, i.decision, i.decided_at, i.decided_here, i.note, i.account,
        i.handled_at, i.refusal, i.outcome, i.handled_by, i.unopened, i.said_there, i.dismissed_at
         FROM main.incident i WHERE i.id = disk.incident.id)
    WHERE id IN (SELECT id FROM temp.redecided);
DELETE FROM disk.undo;
UPDATE disk.outage SET (to_at, last_cause, known_at, cut_short, caught_up, told_at, cleared_at) =
        (SELECT o.to_at, o.last_cause, o.known_at, o.cut_short, o.caught_up, o.told_at, o.cleared_at
         FROM main.outage o WHERE o.id = disk.outage.id)
    WHERE EXISTS (SELECT 1 FROM main.outage o WHERE o.id = disk.outage.id AND o.from_at = disk.outage.from_at);
INSERT INTO disk.outage SELECT * FROM main.outage
    WHERE id > (SELECT coalesce(max(CAST(value AS INTEGER)), 0) FROM main.value WHERE name = 'begun_with:outage')
        AND (to_at IS NOT NULL OR NOT EXISTS (SELECT 1 FROM disk.outage WHERE to_at IS NULL));
UPDATE disk.gap SET (filled_at, for_good, cleared_at) =
        (SELECT g.filled_at, g.for_good, g.cleared_at FROM main.gap g WHERE g.id = disk.gap.id)
    WHERE EXISTS (SELECT 1 FROM main.gap g WHERE g.id = disk.gap.id AND g.to_at = disk.gap.to_at
        AND g.from_at IS disk.gap.from_at);
INSERT INTO disk.gap SELECT * FROM main.gap
    WHERE id > (SELECT coalesce(max(CAST(value AS INTEGER)), 0) FROM main.value WHERE name = 'begun_with:gap');
UPDATE disk.drill SET overtaken_at = (SELECT d.overtaken_at FROM main.drill d WHERE d.nonce = disk.drill.nonce)
    WHERE overtaken_at IS NULL AND nonce IN (SELECT nonce FROM main.drill);
INSERT OR IGNORE INTO disk.drill SELECT * FROM main.drill;
INSERT OR REPLACE INTO disk.shop SELECT * FROM main.shop;
CREATE TEMP TABLE numbers AS SELECT name, max(seq) AS seq FROM
    (SELECT name, seq FROM main.sqlite_sequence UNION ALL SELECT name, seq FROM disk.sqlite_sequence) GROUP BY name;
UPDATE temp.numbers SET seq = max(seq, (SELECT coalesce(max(id), 0) FROM disk.incident)) WHERE name = 'incident';
DELETE FROM disk.sqlite_sequence;
INSERT INTO disk.sqlite_sequence SELECT name, seq FROM temp.numbers;
DROP TABLE temp.numbers;
DROP TABLE temp.moved;
DROP TABLE temp.redecided_alert;
DROP TABLE temp.redecided;
DROP TABLE temp.same;
DROP TABLE temp.fresh;
DROP TABLE temp.known;
COMMIT;
";
