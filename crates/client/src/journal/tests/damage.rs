//! A file that is damaged, newer, or cannot be written never stops the program and never loses an answer.

use std::fs;
#[cfg(unix)]
use std::path::Path;
use std::sync::LazyLock;
#[cfg(unix)]
use std::{pin::pin, sync::Arc, time::Duration};

use proptest::prelude::*;

use super::super::{FILE_NAME, Journal, JournalError, set_aside_words};
#[cfg(unix)]
use super::super::{Hands, LogOf, Opened};
use super::{World, detection, noon};
#[cfg(unix)]
use crate::clock::SystemClock;
use crate::model::{AlertId, Decision, Dispatch, IncidentId, Source};

#[tokio::test]
async fn a_file_that_is_no_database_is_set_aside_and_kept() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join(FILE_NAME);
    fs::write(&path, "no database".repeat(1_000)).expect("written");

    let opened = Journal::open(directory.path()).expect("a new one");

    let aside = opened.set_aside.expect("the old one, set aside");
    assert_eq!(fs::read(&aside).expect("kept"), "no database".repeat(1_000).as_bytes());
    assert!(aside.to_string_lossy().contains("damaged-"));
    assert_eq!(set_aside_words(&aside), "notice.journal_set_aside");
    record(&opened.journal).await.expect("the new one works");
}

#[tokio::test]
async fn case_27_what_a_killed_program_was_in_the_middle_of_does_not_keep_anybody_from_reading() {
    let world = World::new();
    record(&world.journal).await.expect("recorded");
    world.journal.close().await;
    let (from, copy) = (world.directory.path(), tempfile::tempdir().expect("a directory"));
    let writer = rusqlite::Connection::open(from.join(FILE_NAME)).expect("the file");
    // With a rollback journal, and changes that are written into the file before they are committed.
    writer.pragma_update(None, "journal_mode", "truncate").expect("a rollback journal");
    writer.pragma_update(None, "cache_size", 1).expect("a small cache");
    writer
        .execute_batch(
            "BEGIN; DELETE FROM alert;
             WITH n AS (VALUES (1), (2), (3), (4), (5), (6), (7), (8))
             INSERT INTO value SELECT 'x' || a.column1 || b.column1, hex(randomblob(4000)) FROM n a, n b",
        )
        .expect("half of a change");
    for file in [FILE_NAME.to_owned(), format!("{FILE_NAME}-journal")] {
        fs::copy(from.join(&file), copy.path().join(&file)).expect("copied as a kill leaves it");
    }

    let read = Journal::open_read_only(copy.path()).expect("it can be read");

    assert_eq!(read.alerts(10).await.expect("alerts").len(), 1, "as if nothing had been changed");
}

#[tokio::test]
async fn another_program_s_database_is_not_taken_over() {
    let directory = tempfile::tempdir().expect("a directory");
    let other = rusqlite::Connection::open(directory.path().join(FILE_NAME)).expect("a database");
    other.execute_batch("CREATE TABLE theirs (a)").expect("a table");
    drop(other);

    let opened = Journal::open(directory.path()).expect("a new one");

    assert!(opened.set_aside.is_some());
}

#[tokio::test]
async fn a_journal_of_a_newer_version_is_set_aside_and_not_changed() {
    let world = World::new();
    record(&world.journal).await.expect("recorded");
    world.journal.close().await;
    let path = world.directory.path().join(FILE_NAME);
    let newer = rusqlite::Connection::open(&path).expect("a database");
    newer.pragma_update(None, "user_version", 99).expect("a version");
    drop(newer);

    let read_only = Journal::open_read_only(world.directory.path());
    let opened = Journal::open(world.directory.path()).expect("a new one");

    assert!(matches!(read_only, Err(JournalError::Newer { found: 99, .. })));
    let aside = opened.set_aside.expect("the newer one, set aside");
    assert!(aside.to_string_lossy().contains("newer-"));
    assert_eq!(set_aside_words(&aside), "notice.journal_newer");
    let kept = rusqlite::Connection::open(aside).expect("kept");
    let alerts: i64 = kept.query_row("SELECT count(*) FROM alert", [], |row| row.get(0)).expect("its alerts");
    assert_eq!(alerts, 1);
}

#[tokio::test]
async fn a_bit_flipped_in_a_table_s_definition_is_damage() {
    let world = World::new();
    record(&world.journal).await.expect("recorded");
    world.journal.close().await;
    let path = world.directory.path().join(FILE_NAME);
    let mut bytes = fs::read(&path).expect("the file");
    let name = b"claimed_severity";
    let place = bytes.windows(name.len()).position(|part| part == name).expect("the column's name");
    bytes[place + name.len() - 2] ^= 0x10;
    fs::write(&path, bytes).expect("written");

    let opened = Journal::open(world.directory.path()).expect("a new one");

    assert!(opened.set_aside.is_some());
    record(&opened.journal).await.expect("the new one works");
}

#[tokio::test]
async fn an_index_that_is_not_as_its_table_is_damage() {
    let directory = with_a_damaged_index().await;

    let opened = Journal::open(directory.path()).expect("a new one");

    assert!(opened.set_aside.is_some());
    record(&opened.journal).await.expect("the new one works");
}

#[cfg(unix)]
#[tokio::test]
async fn a_damaged_file_that_is_opened_at_once_is_set_aside_before_anything_is_read_of_it() {
    let directory = with_a_damaged_index().await;
    let (tell, told) = tokio::sync::oneshot::channel();

    let opened = at_once(directory.path(), move |checked| drop(tell.send(checked)));
    let read = opened.journal.alerts(10).await.expect("read");

    assert_eq!(told.await.expect("told"), Err(JournalError::Damaged));
    assert_eq!(read, Vec::new(), "the new one is read, not the damaged one");
    record(&opened.journal).await.expect("the new one works");
    assert_eq!(opened.journal.alerts(10).await.expect("read").len(), 1);
    assert!(opened.journal.is_rebuilt().await.expect("read"), "it is filled from the record");
    let name = |entry: std::io::Result<fs::DirEntry>| entry.expect("an entry").file_name();
    let names = fs::read_dir(directory.path()).expect("a directory").map(name);
    assert!(names.into_iter().any(|name| name.to_string_lossy().contains(".damaged-")), "it is kept");
}

#[cfg(unix)]
#[tokio::test]
async fn the_connection_s_place_is_told_while_the_file_is_checked_and_all_else_waits() {
    let world = World::new();
    record(&world.journal).await.expect("recorded");
    let of = LogOf { account: "me".to_owned(), origin: "https://vg.example".to_owned() };
    world.journal.set_idle_limit(&of.origin, Some(Duration::from_secs(7))).await.expect("kept");
    world.journal.close().await;
    let (go_on, wait) = std::sync::mpsc::channel::<()>();

    // The check is not over as long as nobody took what it came to.
    let opened = at_once(world.directory.path(), move |checked| {
        assert_eq!(checked, Ok(()));
        let _ = wait.recv();
    });
    let place = opened.journal.cursor(&of).await;
    let limit = opened.journal.idle_limit(&of.origin).await;
    let mut reading = pin!(opened.journal.alerts(10));
    let mut writing = pin!(record(&opened.journal));

    assert_eq!((place, limit), (Ok(None), Some(Duration::from_secs(7))));
    assert!(futures_util::poll!(&mut reading).is_pending() && futures_util::poll!(&mut writing).is_pending());
    drop(go_on);
    assert_eq!(reading.await.expect("read").len(), 1);
    writing.await.expect("written");
}

/// The directory of a journal with one alert, to which one of its indices does not lead.
async fn with_a_damaged_index() -> tempfile::TempDir {
    let world = World::new();
    record(&world.journal).await.expect("recorded");
    world.journal.close().await;
    let path = world.directory.path().join(FILE_NAME);
    let (size, page) = {
        let file = rusqlite::Connection::open(&path).expect("a database");
        let size: u32 = file.pragma_query_value(None, "page_size", |row| row.get(0)).expect("a size");
        let where_is = "SELECT rootpage FROM sqlite_schema WHERE name = 'alert_unjoined'";
        let page: u32 = file.query_row(where_is, [], |row| row.get(0)).expect("the index");
        (size as usize, page as usize)
    };
    let mut bytes = fs::read(&path).expect("the file");
    let index = &mut bytes[(page - 1) * size..page * size];
    let stream = b"stream-a";
    let place = index.windows(stream.len()).position(|part| part == stream).expect("the alert's entry");
    index[place] ^= 0x10;
    fs::write(&path, bytes).expect("written");
    world.directory
}

/// Opens it as the program does.
#[cfg(unix)]
fn at_once(directory: &Path, told: impl FnOnce(Result<(), JournalError>) + Send + 'static) -> Opened {
    Journal::open_at_once(directory, &Hands::Threads, Arc::new(SystemClock), told)
        .expect("opened in any case")
}

#[tokio::test]
async fn two_damaged_files_in_one_second_are_both_kept() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join(FILE_NAME);

    let mut aside = Vec::new();
    for _ in 0..3 {
        fs::write(&path, "no database".repeat(1_000)).expect("written");
        let opened = Journal::open(directory.path()).expect("a new one");
        opened.journal.close().await;
        aside.push(opened.set_aside.expect("set aside"));
    }

    assert!(aside.iter().all(|path| path.exists()));
}

#[tokio::test]
async fn a_full_disk_stores_nothing_and_recovers_when_there_is_room() {
    let world = World::new();
    record(&world.journal).await.expect("recorded");
    limit(&world.journal, "PRAGMA max_page_count = 1").await;

    let mut full = Vec::new();
    for frame in 2..40 {
        let told = detection("stream-a", 1, 30 * frame).seen();
        full.push(world.journal.record(told, noon(frame), Source::Live).await);
    }
    let stored = full.iter().filter(|told| told.is_ok()).count();

    assert!(full.iter().any(|told| told.as_ref().is_err_and(JournalError::is_full)), "{full:?}");
    assert_eq!(world.alerts().await.len(), 1 + stored, "what was refused is not there");

    limit(&world.journal, "PRAGMA max_page_count = 1000000").await;
    let told = detection("stream-b", 1, 30).seen();
    world.journal.record(told, noon(99), Source::Live).await.expect("there is room again");
    let world = world.reopen().await;
    assert_eq!(world.alerts().await.len(), 2 + stored);
}

#[tokio::test]
async fn a_journal_that_turns_read_only_refuses_and_recovers() {
    let world = World::new();
    limit(&world.journal, "PRAGMA query_only = ON").await;

    let refused = record(&world.journal).await;
    limit(&world.journal, "PRAGMA query_only = OFF").await;

    assert_eq!(refused, Err(JournalError::Unwritable));
    record(&world.journal).await.expect("writable again");
}

#[cfg(unix)]
#[tokio::test]
async fn a_journal_deleted_under_a_running_program_starts_anew_and_keeps_what_follows() {
    let world = World::new();
    record(&world.journal).await.expect("recorded");
    for file in fs::read_dir(world.directory.path()).expect("a directory") {
        fs::remove_file(file.expect("an entry").path()).expect("deleted");
    }

    let told = detection("stream-b", 1, 30).seen();
    world.journal.record(told, noon(1), Source::Live).await.expect("recorded anew");
    let before = world.alerts().await;
    let world = world.reopen().await;

    assert_eq!(before.len(), 1);
    assert_eq!(world.alerts().await, before);
}

#[tokio::test]
async fn what_named_an_alert_of_a_lost_journal_means_none_of_the_new_one() {
    for is_running in [true, false] {
        let world = World::new();
        let lost = recorded(&world.journal).await;
        let path = world.directory.path().join(FILE_NAME);
        let world = if is_running {
            fs::remove_file(path).expect("deleted");
            world
        } else {
            world.journal.close().await;
            fs::write(&path, "no database".repeat(1_000)).expect("damaged");
            let opened = Journal::open(world.directory.path()).expect("a new one");
            World { journal: opened.journal, directory: world.directory }
        };

        let new = recorded(&world.journal).await;

        assert!(lost.0 < new.0 && lost.1 < new.1, "{lost:?}, then {new:?}");
        assert!(world.journal.alert(lost.0).await.expect("read").is_none());
        let decided =
            world.journal.decide(lost.1, Decision::Acknowledged, None, Dispatch::AtOnce, noon(2)).await;
        assert_eq!(decided.expect("looked for"), None, "what was decided was another one");
    }
}

#[tokio::test]
async fn a_journal_damaged_under_a_running_program_is_set_aside_and_starts_anew() {
    let world = World::new();
    record(&world.journal).await.expect("recorded");
    for suffix in ["", "-wal"] {
        let file = world.directory.path().join(format!("{FILE_NAME}{suffix}"));
        let length = fs::metadata(&file).expect("a file").len() as usize;
        let mut file = fs::OpenOptions::new().write(true).open(file).expect("a file");
        std::io::Write::write_all(&mut file, &vec![0xA5; length]).expect("overwritten");
    }

    // What finds the damage fails; what follows finds a new file.
    for _ in 0..3 {
        let _ = world.journal.alerts(10).await;
        let told = detection("stream-b", 1, 30).seen();
        let _ = world.journal.record(told, noon(1), Source::Live).await;
    }
    let before = world.alerts().await;
    let aside = fs::read_dir(world.directory.path()).expect("a directory").filter(|entry| {
        let name = entry.as_ref().expect("an entry").file_name();
        name.to_string_lossy().contains(".damaged-")
    });
    assert!(aside.count() >= 1, "the damaged file is gone");
    let world = world.reopen().await;

    assert_eq!(before.len(), 1);
    assert_eq!(world.alerts().await, before);
}

#[tokio::test]
async fn a_directory_that_cannot_be_made_is_said_to_be_so() {
    let directory = tempfile::tempdir().expect("a directory");
    fs::write(directory.path().join("file"), "").expect("written");

    let opened = Journal::open(&directory.path().join("file").join("data"));

    assert!(opened.is_err());
}

#[test]
fn a_truncated_file_is_read_or_set_aside_wherever_it_was_cut() {
    let whole = &*GOLDEN;
    for cut in (0..whole.len()).step_by(4_093).chain([1, 15, 16, 99, 100, 8191, 8192, 8193]) {
        let (set_aside, alerts) = survives(&whole[..cut]);

        assert!(set_aside || alerts == 1 || cut == 0, "cut at {cut}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn flipped_bits_never_stop_the_program(flips in prop::collection::vec((any::<prop::sample::Index>(), 0..8u8), 1..4)) {
        let mut file = GOLDEN.clone();
        for (place, bit) in flips {
            let place = place.index(file.len());
            file[place] ^= 1 << bit;
        }

        survives(&file);
    }
}

/// Opens a directory with this as its journal, reads everything and records: whether it was set aside, and how many
/// alerts were there if it was not.
fn survives(file: &[u8]) -> (bool, usize) {
    let directory = tempfile::tempdir().expect("a directory");
    fs::write(directory.path().join(FILE_NAME), file).expect("written");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        let opened = Journal::open(directory.path()).expect("opened in any case");
        let before = opened.journal.alerts(10).await.map(|alerts| alerts.len());
        let told = record(&opened.journal).await;
        // What the check let through may still be unreadable; then it is said, and the next start sets it aside.
        if let Err(error) = told {
            assert!(error.is_damaged() || matches!(error, JournalError::Storage(_)), "{error:?}");
        }
        opened.journal.close().await;
        (opened.set_aside.is_some(), before.unwrap_or(0))
    })
}

/// The file of a journal with one alert.
static GOLDEN: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let directory = tempfile::tempdir().expect("a directory");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        let journal = Journal::open(directory.path()).expect("opened").journal;
        record(&journal).await.expect("recorded");
        journal.close().await;
    });
    fs::read(directory.path().join(FILE_NAME)).expect("the file")
});

/// The numbers of one that was recorded, and of its incident.
async fn recorded(journal: &Journal) -> (AlertId, IncidentId) {
    record(journal).await.expect("recorded");
    let entry = journal.alerts(1).await.expect("read").remove(0);
    (entry.alert.id, entry.incident.id)
}

async fn record(journal: &Journal) -> Result<(), JournalError> {
    journal.record(detection("stream-a", 1, 30).seen(), noon(0), Source::Live).await.map(|_| ())
}

/// Stands in for the disk: SQLite answers as it does when there is no room, or no permission.
async fn limit(journal: &Journal, pragma: &'static str) {
    let owners = journal.owners.read().await;
    let writer = owners.writer.as_ref().expect("a writer");
    writer.alone(move |connection| Ok(connection.execute_batch(pragma)?)).await.expect("limited");
}
