//! Files of every format that was released: today's program opens them and finds exactly what they hold.
//!
//! A fixture is written once, with its format's first release, by `VISIONGUARD_BLESS=1 cargo test -p visionguard-client
//! formats`; after that nothing may change it. A further format gets a fixture of its own.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use rusqlite::types::ValueRef;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use visionguard_proto::Cursor;

use super::super::file::Extent;
use super::super::{DrillRow, FILE_NAME, Incoming, Journal, JournalError, LogOf, file};
use super::{World, detection, jpeg, noon, shop};
use crate::model::{Decision, Dispatch, Disposition, Source};

/// The oldest first; each with all that its file holds, as it was when it was written.
const FORMATS: [&str; 4] = ["format_1", "format_2", "format_3", "format_4"];
const SCHEMA_1: &str = include_str!("../schema_1.sql");

#[tokio::test]
async fn every_released_format_is_opened_with_all_that_it_holds() {
    bless().await;
    for name in FORMATS {
        let directory = unpacked(name);
        let expected: Value =
            serde_json::from_slice(&fs::read(fixture(name, "json")).expect("its contents")).expect("JSON");

        let opened = Journal::open(directory.path()).expect("opened");

        assert_eq!(opened.set_aside, None, "{name}");
        let alerts = opened.journal.alerts(10).await.expect("read");
        let framed =
            alerts.iter().find(|entry| entry.alert.picture.is_some()).expect("an alert with a picture");
        let picture = opened.journal.frame(framed.alert.id).await.expect("read");
        assert_eq!(picture.as_deref(), Some(jpeg().bytes().as_ref()), "{name}");
        opened.journal.close().await;
        let found = contents(&connect(directory.path()));
        for (table, rows) in expected.as_object().expect("tables") {
            assert_eq!(&of_its_columns(&found[table], rows), rows, "{name}: {table}");
        }
    }
}

#[tokio::test]
async fn a_file_that_was_brought_up_to_date_has_the_schema_of_a_new_one() {
    bless().await;
    let new = World::new();
    new.journal.close().await;
    let expected = schema(&connect(new.directory.path()));
    for name in FORMATS {
        let directory = unpacked(name);

        Journal::open(directory.path()).expect("opened").journal.close().await;

        let found = schema(&connect(directory.path()));
        assert!(
            found == expected,
            "{name} leads to another schema. Before its release: VISIONGUARD_BLESS=1 cargo test -p visionguard-client formats"
        );
    }
}

#[test]
fn a_migration_that_works_keeps_everything() {
    let directory = unpacked("format_1");
    let before = contents(&connect(directory.path()));
    let next = "ALTER TABLE alert ADD COLUMN colour TEXT; CREATE TABLE more (id INTEGER PRIMARY KEY) STRICT;";

    let connection = file::open_known(&directory.path().join(FILE_NAME), &[SCHEMA_1, next], Extent::AtOnce)
        .expect("migrated");

    let version: i64 =
        connection.pragma_query_value(None, "user_version", |row| row.get(0)).expect("a version");
    let mut after = contents(&connection);
    for alert in after["alert"].as_array_mut().expect("alerts") {
        assert_eq!(alert.as_object_mut().expect("a row").remove("colour"), Some(Value::Null));
    }
    after.as_object_mut().expect("tables").remove("more");
    assert_eq!((version, after), (2, before));
}

#[tokio::test]
async fn a_migration_that_fails_leaves_the_file_as_it_was() {
    let directory = unpacked("format_1");
    let path = directory.path().join(FILE_NAME);
    let before = fs::read(&path).expect("the file");
    let half =
        "ALTER TABLE alert ADD COLUMN colour TEXT; DELETE FROM outage; INSERT INTO nowhere VALUES (1);";

    let failed = file::open_known(&path, &[SCHEMA_1, half], Extent::AtOnce);

    assert!(matches!(failed, Err(JournalError::Storage(_))), "{failed:?}");
    drop(failed);
    assert!(fs::read(&path).expect("the file") == before, "the file changed");
    let opened = Journal::open(directory.path()).expect("opened by who knows no more than it needs");
    assert_eq!(opened.set_aside, None);
    assert_eq!(opened.journal.alerts(10).await.expect("read").len(), 3);
}

#[tokio::test]
async fn an_older_journal_is_known_in_memory_where_its_disk_takes_no_writes() {
    let directory = unpacked("format_1");

    let memory = file::in_memory_of(directory.path(), noon(500)).expect("known");

    let alerts: i64 = memory.query_row("SELECT count(*) FROM alert", [], |row| row.get(0)).expect("counted");
    let schema_of_memory = schema(&memory);
    let new = World::new();
    new.journal.close().await;
    assert_eq!(alerts, 3);
    assert_eq!(schema_of_memory, schema(&connect(new.directory.path())));
}

/// Writes the newest format's fixture where that is asked for.
async fn bless() {
    if std::env::var_os("VISIONGUARD_BLESS").is_none() {
        return;
    }
    let name = FORMATS[FORMATS.len() - 1];
    let world = full().await;
    let directory = world.directory;
    world.journal.close().await;
    let told = contents(&connect(directory.path()));
    fs::copy(directory.path().join(FILE_NAME), fixture(name, "sqlite3")).expect("written");
    fs::write(fixture(name, "json"), serde_json::to_vec_pretty(&told).expect("JSON")).expect("written");
}

/// A journal with something in every table.
async fn full() -> World {
    let world = World::new();
    let journal = &world.journal;
    journal.belong_to("u1@https://shop.example".to_owned()).await.expect("noted");
    journal.remember_shops(vec![(shop("shop-1"), "Harbour Road".to_owned())]).await.expect("noted");
    let of = LogOf { account: "u1".to_owned(), origin: "https://shop.example".to_owned() };
    let live = Incoming {
        alert: detection("stream-a", 1, 30).seen_with_id(),
        received_at: noon(1),
        source: Source::Live,
        place: Some((of.clone(), Cursor::new("e.1").expect("a cursor"))),
    };
    let stored = journal.record_each(vec![live]).await.expect("answered").remove(0).expect("stored");
    let entry = stored.entry().clone();
    journal.mark_notified(entry.alert.id, noon(2)).await.expect("marked");
    journal.mark_acked(vec![(entry.alert.id, noon(2))]).await.expect("marked");
    journal.seen(entry.incident.id, noon(3)).await.expect("marked");
    let note = Some("A known customer".to_owned());
    journal
        .decide(entry.incident.id, Decision::FalseAlarm, note, Dispatch::AtOnce, noon(4))
        .await
        .expect("decided");
    let held = world.tell(detection("stream-d", 4, 90).seen_with_id(), 80).await.entry().incident.id;
    journal.decide(held, Decision::Acknowledged, None, Dispatch::Held, noon(81)).await.expect("decided");
    let outcome = Some(Disposition::CameraOrLight);
    journal.note(entry.incident.id, None, outcome, noon(82)).await.expect("noted");
    world.catch_up(detection("stream-b", 7, 900).row(), 90).await;
    world.tell(detection("stream-c", 2, 60).noticed(), 95).await;
    journal.outage_began(noon(10), "restarting").await.expect("noted");
    journal.outage_ended(noon(80), 1).await.expect("noted");
    journal.record_gap(Some(noon(10)), noon(80)).await.expect("noted");
    journal.drill_began("u1".to_owned(), "nonce".to_owned(), noon(100)).await.expect("noted");
    let drill = DrillRow {
        begun_at: noon(100),
        ended_at: noon(101),
        failure: None,
        took_ms: Some(640),
        overtaken: false,
    };
    journal.drill_ended("u1".to_owned(), "nonce".to_owned(), drill).await.expect("noted");
    world
}

pub(super) fn unpacked(name: &str) -> TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    fs::copy(fixture(name, "sqlite3"), directory.path().join(FILE_NAME)).expect("the fixture");
    directory
}

fn fixture(name: &str, ending: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("src/journal/tests/fixtures/{name}.{ending}"))
}

fn connect(directory: &Path) -> Connection {
    Connection::open(directory.join(FILE_NAME)).expect("a database")
}

/// Rows without the columns that a later format added.
fn of_its_columns(found: &Value, rows: &Value) -> Value {
    let mut found = found.clone();
    let known = rows.as_array().and_then(|rows| rows.first()).and_then(Value::as_object);
    for row in found.as_array_mut().into_iter().flatten() {
        row.as_object_mut()
            .expect("a row")
            .retain(|column, _| known.is_none_or(|known| known.contains_key(column)));
    }
    found
}

/// The statements that would make this file's tables and indices.
fn schema(connection: &Connection) -> Vec<String> {
    let mut statement = connection
        .prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type, name")
        .expect("a statement");
    statement.query_map([], |row| row.get(0)).expect("rows").collect::<Result<_, _>>().expect("texts")
}

/// Every row of every table; of bytes their digest.
fn contents(connection: &Connection) -> Value {
    let mut statement = connection
        .prepare(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name",
        )
        .expect("a statement");
    let names = statement.query_map([], |row| row.get::<_, String>(0)).expect("rows");
    let tables = names.map(|name| name.expect("a name")).map(|name| {
        let rows = rows(connection, &name);
        (name, rows)
    });
    Value::Object(tables.collect())
}

fn rows(connection: &Connection, table: &str) -> Value {
    let mut statement =
        connection.prepare(&format!("SELECT * FROM {table} ORDER BY 1")).expect("a statement");
    let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let rows = statement.query_map([], |row| {
        let mut object = Map::new();
        for (number, column) in columns.iter().enumerate() {
            object.insert(column.clone(), value(row.get_ref(number)?));
        }
        Ok(Value::Object(object))
    });
    rows.expect("rows").collect::<Result<_, _>>().expect("values")
}

fn value(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => json!(number),
        ValueRef::Real(number) => json!(number),
        ValueRef::Text(text) => json!(String::from_utf8_lossy(text)),
        ValueRef::Blob(bytes) => json!(format!("{:x?}", Sha256::digest(bytes).as_slice())),
    }
}
