//! Rows 36 and 52 with the real program: the journal's file takes no writes, is deleted, or is of another version.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rusqlite::Connection;
use serde_json::Value;
use support::matrix;
use support::mount::{Mount, Unwritable};
use support::process::{Watch, journal, visionguard};
use support::shop::Shop;
use support::wait;
use tempfile::TempDir;
use visionguard_client::journal::FILE_NAME;
use visionguard_client::model::Entry;

/// Everything that the first released format holds; see `crates/client/src/journal/tests/formats.rs`.
const FORMAT_1: &str = "../crates/client/src/journal/tests/fixtures/format_1.sqlite3";
/// How many alerts that is.
const IN_FORMAT_1: usize = 3;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_36_the_journal_turns_read_only_under_the_real_program() {
    let fault = matrix::row(
        36,
        "chattr +i on the journal and its write-ahead log, which `visionguard watch` has open",
    );
    let shop = Shop::open().await;
    let data = tempfile::tempdir().unwrap();
    let watch = protected_with_an_alert(&shop, data.path()).await;

    // Whoever has the index mapped into its memory would be ended by the system.
    let written = files(data.path()).into_iter().filter(|file| !file.to_string_lossy().ends_with("-shm"));
    let read_only = match Unwritable::make(&written.collect::<Vec<_>>()) {
        Ok(read_only) => read_only,
        Err(why) => return fault.not_possible(&why),
    };
    two_pop_up_and_are_not_acknowledged(&watch, &shop).await;
    drop(read_only);

    recovers(watch, &shop, data.path()).await;
    fault.held(&["I1", "I2", "I3", "I10", "I11"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_36_the_disk_turns_read_only_under_the_real_program() {
    let fault = matrix::row(
        36,
        "the kernel is told of an error on the ext4 disk of `visionguard watch`; it is mounted anew after that",
    );
    let images = tempfile::tempdir().unwrap();
    let (image, repaired) = (images.path().join("image"), images.path().join("repaired"));
    let disk = match Mount::new_disk(&image, 48 * 1024 * 1024) {
        Ok(disk) => disk,
        Err(why) => return fault.not_possible(&why),
    };
    let shop = Shop::open().await;
    let data = disk.path().join("data");
    let watch = protected_with_an_alert(&shop, &data).await;

    if let Err(why) = disk.fail() {
        return fault.not_possible(&why);
    }
    two_pop_up_and_are_not_acknowledged(&watch, &shop).await;
    fs::copy(&image, &repaired).unwrap();
    disk.replace(&repaired).unwrap();

    recovers(watch, &shop, &data).await;
    fault.held(&["I1", "I2", "I3", "I10", "I11"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn case_27_a_disk_without_shared_memory_keeps_the_journal_all_the_same() {
    let fault = matrix::row(
        36,
        "mergerfs with cache.files=off below the data directory: the disk shares no memory between programs",
    );
    let kept = tempfile::tempdir().unwrap();
    let disk = match Mount::without_shared_memory(kept.path()) {
        Ok(disk) => disk,
        Err(why) => return fault.not_possible(&why),
    };
    let shop = Shop::open().await;
    let data = disk.path().join("data");
    let watch = protected_with_an_alert(&shop, &data).await;

    shop.publish().await;
    until_acked(&watch, &shop).await;
    let (lines, _) = watch.stop().await;

    assert!(!stands(&lines, "journal_unwritable"), "{lines:#?}");
    // On the disk itself, and readable by whoever comes after.
    until_stored(&shop, &data, 2).await;
    is_the_record(&shop, &kept.path().join("data")).await;
    nothing_is_shown_again(&shop, &data).await;
    let doctor = doctor(&data);
    assert!(doctor.contains("rollback journal"), "{doctor}");

    // Killed in the middle it loses nothing either.
    let watch = shop.watch(&data);
    watch.until_status("protected").await;
    shop.publish().await;
    until_acked(&watch, &shop).await;
    let _ = watch.kill();
    is_the_record(&shop, &data).await;
    fault.held(&["I1", "I2", "I3", "I11"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_36_the_journal_is_deleted_under_the_real_program() {
    let fault = matrix::row(36, "rm of the journal's files, which `visionguard watch` has open");
    let shop = Shop::open().await;
    let data = tempfile::tempdir().unwrap();
    let watch = shop.watch(data.path());
    watch.until_status("protected").await;
    for _ in 0..3 {
        shop.publish().await;
    }
    until_acked(&watch, &shop).await;

    for file in files(data.path()) {
        fs::remove_file(file).unwrap();
    }
    let new = shop.publish().await;

    until_acked(&watch, &shop).await;
    let is_stored = |lines: &[Value]| {
        let alert = lines.iter().find(|line| line["event"] == "alert" && line["anomaly_id"] == new)?;
        raised(lines).any(|line| line["alert"] == alert["id"] && line["sound"] == true).then_some(())
    };
    watch.until("the new one to pop up", is_stored).await;
    until_stored(&shop, data.path(), 4).await;
    let (lines, _) = watch.stop().await;
    let numbers: Vec<&Value> =
        lines.iter().filter(|line| line["event"] == "alert").map(|line| &line["id"]).collect();
    let given: BTreeSet<&str> = numbers.iter().filter_map(|number| number.as_str()).collect();
    assert_eq!(given.len(), numbers.len(), "a number that was given twice: {numbers:?}");
    assert_eq!(numbers.len(), 3 + 4, "what was lost is told of once more: {lines:#?}");
    is_the_record(&shop, data.path()).await;
    nothing_is_shown_again(&shop, data.path()).await;
    fault.held(&["I1", "I2", "I3", "I11"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_52_a_journal_of_an_older_version_is_brought_up_to_date() {
    let fault = matrix::row(
        52,
        "an empty file, a database without tables, and the fixture of the first released format",
    );
    let empty = |path: &Path| drop(fs::File::create(path).unwrap());
    let without_tables = |path: &Path| {
        let file = Connection::open(path).unwrap();
        file.execute_batch("CREATE TABLE gone (a); DROP TABLE gone; VACUUM").unwrap();
        let version: i64 = file.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
        assert_eq!(version, 0);
    };
    let format_1 = |path: &Path| {
        fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join(FORMAT_1), path).map(drop).unwrap();
    };
    type Made = fn(&Path);
    let files: [(Made, usize); 3] = [(empty, 0), (without_tables, 0), (format_1, IN_FORMAT_1)];

    for (file, held) in files {
        let (shop, data) = a_shop_and_a_journal(&file).await;
        let before = shop.published().len();
        let watch = shop.watch(data.path());
        watch.until_status("protected").await;
        shop.publish().await;
        until_stored(&shop, data.path(), held + before + 1).await;
        let (lines, status) = watch.stop().await;

        assert!(status.success(), "{status}");
        assert!(!stands(&lines, "journal_set_aside"), "set aside without need");
        assert_eq!(set_aside(data.path()), Vec::<PathBuf>::new());
        let entries = journal(data.path()).await;
        assert_eq!(entries.len(), held + before + 1, "{entries:#?}");
        has_the_record(&shop, &entries);
        nothing_is_shown_again(&shop, data.path()).await;
    }
    fault.times(3);
    fault.held(&["I1", "I2", "I3", "I11"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_52_a_journal_that_this_version_cannot_read_is_set_aside_and_rebuilt() {
    let fault = matrix::row(
        52,
        "the fixture of the first format, said to be of a format to come, or of one before the first",
    );
    for (version, name, word) in
        [(5, ".newer-", "newer version"), (99, ".newer-", "newer version"), (0, ".damaged-", "damaged")]
    {
        let (shop, data) = a_shop_and_a_journal(&|path: &Path| {
            fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join(FORMAT_1), path).unwrap();
            Connection::open(path).unwrap().pragma_update(None, "user_version", version).unwrap();
        })
        .await;
        let written = fs::read(data.path().join(FILE_NAME)).unwrap();

        let watch = shop.watch(data.path());
        watch.until_status("protected").await;
        shop.publish().await;
        until_stored(&shop, data.path(), shop.published().len()).await;
        let (lines, _) = watch.stop().await;

        let told = lines.iter().find(|line| line["event"] == "notice" && line["code"] == "journal_set_aside");
        let told = told.unwrap_or_else(|| panic!("nobody was told: {lines:#?}"));
        assert!(told["sentence"].as_str().unwrap().contains(word), "{told}");
        let aside = set_aside(data.path());
        assert_eq!(aside.len(), 1, "{aside:?}");
        assert!(aside[0].to_string_lossy().contains(name), "{aside:?}");
        assert!(fs::read(&aside[0]).unwrap() == written, "what another version wrote was changed");
        is_the_record(&shop, data.path()).await;
        nothing_is_shown_again(&shop, data.path()).await;
    }
    fault.times(3);
    fault.held(&["I1", "I2", "I3", "I10", "I11"]);
}

/// The program on this data directory, protected, with one alert stored and acknowledged.
async fn protected_with_an_alert(shop: &Shop, data: &Path) -> Watch {
    let watch = shop.watch(data);
    watch.until_status("protected").await;
    shop.publish().await;
    until_acked(&watch, shop).await;
    watch
}

/// What cannot be stored is told of all the same, and the server is not told that it is.
async fn two_pop_up_and_are_not_acknowledged(watch: &Watch, shop: &Shop) {
    let unstored = [shop.publish().await, shop.publish().await];
    let urgent = |lines: &[Value]| {
        let urgent = raised(lines).filter(|line| line["id"].as_str().unwrap().starts_with("unstored:"));
        (urgent.count() == 2).then_some(())
    };
    watch.until("both to pop up", urgent).await;
    watch.until("the notice", |lines| stands(lines, "journal_unwritable").then_some(())).await;
    let acked = shop.acked();
    assert!(unstored.iter().all(|id| !acked.contains(id)), "acknowledged and not stored");
}

/// Now that it can be written again, all three are stored, and each was told of once.
async fn recovers(watch: Watch, shop: &Shop, data: &Path) {
    until_acked(&watch, shop).await;
    watch.until("its end", |lines| (!stands(lines, "journal_unwritable")).then_some(())).await;
    let (lines, status) = watch.stop().await;
    assert!(status.success(), "{status}");
    let sounds = raised(&lines).filter(|line| line["sound"] == true).count();
    assert_eq!(sounds, 3, "each is told of once: {lines:#?}");
    is_the_record(shop, data).await;
    nothing_is_shown_again(shop, data).await;
}

/// A shop whose record holds two alerts, and a data directory with this journal.
async fn a_shop_and_a_journal(make: &dyn Fn(&Path)) -> (Shop, TempDir) {
    let (shop, data) = (Shop::open().await, tempfile::tempdir().unwrap());
    shop.publish().await;
    shop.publish().await;
    make(&data.path().join(FILE_NAME));
    (shop, data)
}

/// What `visionguard doctor` says of this data directory.
fn doctor(data: &Path) -> String {
    let mut doctor = Command::new(visionguard());
    doctor.arg("doctor").env("VISIONGUARD_DATA_DIR", data).env("VISIONGUARD_KEYCHAIN", "memory");
    String::from_utf8_lossy(&doctor.output().unwrap().stdout).into_owned()
}

/// Waits until the server was told of all that they are stored, and the program knows.
async fn until_acked(watch: &Watch, shop: &Shop) {
    watch
        .until("everything to be acknowledged", |_| {
            let acked = shop.acked();
            shop.published().iter().all(|id| acked.contains(id)).then_some(())
        })
        .await;
}

/// Waits until so many alerts are in the journal, each shown and all of the record among them.
async fn until_stored(shop: &Shop, data: &Path, count: usize) {
    let deadline = tokio::time::Instant::now() + wait::PATIENCE * 2;
    loop {
        let entries = journal(data).await;
        let known = |id: &String| {
            let is_it =
                |entry: &&Entry| entry.alert.anomaly_id.as_ref().is_some_and(|found| found.as_str() == id);
            entries.iter().find(is_it).is_some_and(|entry| entry.alert.notified_at.is_some())
        };
        if entries.len() >= count && shop.published().iter().all(known) {
            return;
        }
        assert!(tokio::time::Instant::now() < deadline, "not {count}: {entries:#?}");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}

/// The journal holds each alert of the record once, and no other.
async fn is_the_record(shop: &Shop, data: &Path) {
    let entries = journal(data).await;
    assert_eq!(entries.len(), shop.published().len(), "{entries:#?}");
    has_the_record(shop, &entries);
}

fn has_the_record(shop: &Shop, entries: &[Entry]) {
    for id in shop.published() {
        let found = entries
            .iter()
            .filter(|entry| entry.alert.anomaly_id.as_ref().is_some_and(|it| it.as_str() == id));
        assert_eq!(found.count(), 1, "{id}");
    }
}

/// Started again, the program has nothing to tell.
async fn nothing_is_shown_again(shop: &Shop, data: &Path) {
    let before = journal(data).await.len();
    let watch = shop.watch(data);
    watch.until_status("protected").await;
    let (lines, _) = watch.stop().await;
    assert_eq!(raised(&lines).count(), 0, "{lines:#?}");
    assert_eq!(journal(data).await.len(), before);
}

/// Notifications about alerts, singly or together.
fn raised(lines: &[Value]) -> impl Iterator<Item = &Value> {
    lines.iter().filter(|line| {
        let id = line["id"].as_str().unwrap_or_default();
        line["event"] == "notification" && !id.starts_with("status:") && !id.starts_with("notice:")
    })
}

/// Whether this notice was given and not taken back.
fn stands(lines: &[Value], code: &str) -> bool {
    let last = lines
        .iter()
        .rfind(|line| line["code"] == code && (line["event"] == "notice" || line["event"] == "notice_over"));
    last.is_some_and(|line| line["event"] == "notice")
}

fn files(data: &Path) -> Vec<PathBuf> {
    let suffixes = ["", "-wal", "-shm"].map(|suffix| data.join(format!("{FILE_NAME}{suffix}")));
    suffixes.into_iter().filter(|file| file.exists()).collect()
}

fn set_aside(data: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(data).unwrap().map(|entry| entry.unwrap().path());
    let is_aside = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        name.starts_with(&format!("{FILE_NAME}.")) && !name.ends_with("-wal") && !name.ends_with("-shm")
    };
    files.filter(is_aside).collect()
}
