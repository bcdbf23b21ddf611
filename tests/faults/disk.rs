//! Rows 35 to 37 and 52: the disk is full or read-only; the journal is deleted, damaged, or of another version.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use support::desk::{Desk, Make, quick_link, quick_pace};
use support::dice::Dice;
use support::matrix;
use support::mount::Mount;
use support::shop::Shop;
use support::wait;
use visionguard_client::view::{FeedQuery, Status, Theme};

use crate::world::{EMAIL, PASSWORD, exactly};

const JOURNAL: &str = "journal.sqlite3";
/// Alerts that come while the disk is full, besides the first.
const MORE: usize = 70;

#[tokio::test]
async fn fault_35_the_disk_is_full_and_has_room_again() {
    let fault = matrix::row(35, "a file system in memory of 6 MB, filled to the last byte while alerts come");
    let disk = match Mount::small(6 * 1024 * 1024) {
        Ok(disk) => disk,
        Err(why) => return fault.not_possible(&why),
    };
    let (shop, desk) = protected(tempfile::tempdir_in(disk.path()).unwrap()).await;
    shop.publish().await;
    desk.until_alerts(1).await;

    let ballast = disk.path().join("ballast");
    fill(&ballast);
    let refused = loop {
        let id = shop.publish().await;
        let person = shop.published().len().to_string();
        let raised = desk.recording.until("a notification", |record| {
            let is_it = |id: &str| id.starts_with("unstored:") && id.ends_with(&format!(":{person}"));
            let unstored = record.notifications.iter().any(|raised| is_it(&raised.id));
            let stored = record.alert_notifications().len() >= shop.published().len();
            (unstored || stored).then_some(unstored)
        });
        if raised.await {
            break id;
        }
    };
    assert!(!shop.acked().contains(&refused), "acknowledged on a full disk");
    until_notice(&desk, "journal_unwritable", true).await;
    // More than wait for room at once, and than a server sends unacknowledged, each told of all the same.
    for _ in 0..MORE {
        shop.publish().await;
    }
    wait::until("all to be told of", || {
        let unstored =
            desk.record().notifications.iter().filter(|raised| raised.id.starts_with("unstored:")).count();
        (unstored > MORE).then_some(())
    })
    .await;
    assert!(!shop.acked().contains(&refused), "acknowledged on a full disk");
    fs::remove_file(&ballast).unwrap();

    exactly(&desk, &shop.published()).await;
    until_notice(&desk, "journal_unwritable", false).await;
    // Of those on a connection that was left behind the server is not told any more.
    let after = shop.publish().await;
    until_acked(&shop, std::slice::from_ref(&after)).await;
    exactly(&desk, &shop.published()).await;
    let record = desk.record();
    let told: Vec<_> =
        record.notifications.iter().filter(|raised| raised.sound).map(|raised| &raised.id).collect();
    assert_eq!(told.len(), shop.published().len(), "not each was told of once: {told:?}");
    fault.measured("alerts while full", (shop.published().len() - 1).to_string());
    fault.held(&["I1", "I2", "I3", "I10", "I11"]);
}

#[tokio::test]
async fn fault_36_a_disk_that_is_read_only_at_the_start_and_writable_later() {
    let fault =
        matrix::row(36, "a file system that is mounted read-only, and writable while the program runs");
    let disk = match Mount::small(16 * 1024 * 1024) {
        Ok(disk) => disk,
        Err(why) => return fault.not_possible(&why),
    };
    let (shop, desk) = protected(tempfile::tempdir_in(disk.path()).unwrap()).await;
    shop.publish().await;
    desk.until_alerts(1).await;
    until_acked(&shop, &shop.published()).await;
    let mut make = desk.end().await;
    make.pace.upkeep_every = Duration::from_secs(1);

    disk.set_writable(false).unwrap();
    let desk = Desk::made_of(make);
    desk.until_status(Status::Protected).await;
    until_notice(&desk, "journal_unwritable", true).await;
    let unstored = shop.publish().await;
    desk.recording.until("a popup of it", |record| (!record.notifications.is_empty()).then_some(())).await;
    assert!(!shop.acked().contains(&unstored), "acknowledged and not stored");
    disk.set_writable(true).unwrap();

    until_notice(&desk, "journal_unwritable", false).await;
    until_acked(&shop, &shop.published()).await;
    exactly(&desk, &shop.published()).await;
    let shown = desk.record().alert_notifications();
    assert_eq!(shown.len(), 1, "what was shown before was shown again: {shown:?}");
    let desk = desk.restart().await;
    desk.until_status(Status::Protected).await;
    exactly(&desk, &shop.published()).await;
    assert_eq!(desk.record().alert_notifications(), []);
    fault.held(&["I1", "I2", "I3", "I10", "I11"]);
}

#[tokio::test]
async fn fault_36_a_share_that_is_mounted_after_the_start_over_an_empty_folder() {
    let fault = matrix::row(36, "a data directory on a share that is mounted only while the program runs");
    let kept = tempfile::tempdir().unwrap();
    let share = match Mount::share(kept.path()) {
        Ok(share) => share,
        Err(why) => return fault.not_possible(&why),
    };
    let (shop, desk) = protected(tempfile::tempdir_in(share.path()).unwrap()).await;
    shop.publish().await;
    desk.recording.until_notified(1).await;
    until_acked(&shop, &shop.published()).await;
    let make = desk.end().await;
    fs::write(make.folder.path().join("settings.toml"), "blur = true\ntheme = \"dark\"\n").unwrap();

    share.take_away().unwrap();
    let desk = Desk::made_of(make);
    desk.until_reason(Status::SignedOut, "never").await;
    assert!(desk.client.snapshot().await.settings.blur, "shown openly while it is not known what was chosen");
    share.bring(kept.path()).unwrap();

    // By itself, and as if it had been there from the beginning.
    desk.until_status(Status::Protected).await;
    let settings = desk.client.snapshot().await.settings;
    assert_eq!((settings.blur, settings.theme), (true, Theme::Dark));
    shop.publish().await;
    until_acked(&shop, &shop.published()).await;
    exactly(&desk, &shop.published()).await;
    desk.recording.until_notified(1).await;
    assert_eq!(desk.record().alert_notifications().len(), 1, "what was shown before is shown again");
    let desk = desk.restart().await;
    desk.until_status(Status::Protected).await;
    exactly(&desk, &shop.published()).await;
    fault.held(&["I1", "I2", "I3", "I10", "I11"]);
}

#[tokio::test]
async fn fault_36_the_journal_is_deleted_under_the_running_program() {
    let fault = matrix::row(36, "all files of the journal are removed while the program runs");
    let (shop, desk) = with_three_alerts().await;

    for file in files_of_the_journal(desk.data_dir()) {
        fs::remove_file(file).unwrap();
    }
    shop.publish().await;

    desk.recording.until_notified(4).await;
    until_acked(&shop, &shop.published()).await;
    exactly(&desk, &shop.published()).await;
    let raised = desk.record().notifications.clone();
    let sounds = raised.iter().filter(|raised| raised.sound).count();
    assert_eq!(sounds, 4, "the old ones are no news: {raised:#?}");
    let desk = desk.restart().await;
    desk.until_status(Status::Protected).await;
    exactly(&desk, &shop.published()).await;
    fault.held(&["I1", "I2", "I3", "I11"]);
}

#[tokio::test]
async fn fault_37_a_journal_that_is_cut_short_or_has_a_flipped_bit() {
    damaged(24).await;
}

#[cfg(feature = "long")]
#[tokio::test]
async fn fault_37_a_journal_that_is_cut_short_or_flipped_in_many_places() {
    damaged(600).await;
}

async fn damaged(times: u32) {
    let fault = matrix::row(37, "the file is changed between two runs, at a random place");
    let mut dice = Dice::roll();
    let (shop, desk) = with_three_alerts().await;
    exactly(&desk, &shop.published()).await;
    let mut make = desk.end().await;
    let journal = make.folder.path().join(JOURNAL);
    let whole = fs::read(&journal).unwrap();
    let (mut set_aside, mut changed) = (0, 0);

    for time in 0..times {
        for file in files_of_the_journal(make.folder.path()) {
            fs::remove_file(file).unwrap();
        }
        let mut bytes = whole.clone();
        // The first page holds what matters most.
        let limit = if time % 3 == 0 { 8192 } else { bytes.len() as u64 };
        let place = dice.below(limit) as usize;
        if time % 2 == 0 {
            bytes.truncate(place);
        } else {
            bytes[place] ^= 1 << dice.below(8);
        }
        fs::write(&journal, &bytes).unwrap();

        let desk = Desk::made_of(make);
        desk.until_status(Status::Protected).await;
        let aside =
            desk.client.snapshot().await.notices.iter().any(|notice| notice.code == "journal_set_aside");
        set_aside += u32::from(aside);
        let new = shop.publish().await;
        until_acked(&shop, &[new]).await;
        let strange = contains(&desk, &shop.published()).await;
        assert!(strange <= 1, "{strange} alerts that nobody published, from a change at {place}");
        changed += u32::from(strange > 0);
        make = desk.end().await;
        let kept = files(make.folder.path()).iter().any(|file| file.to_string_lossy().contains("damaged"));
        assert!(kept || !aside, "a damaged journal was deleted, not set aside");
    }
    fault.times(times);
    fault.measured("set aside and rebuilt from the record", format!("{set_aside} of {times}"));
    fault.measured("a changed text that no check can find", changed.to_string());
    fault.held(&["I1", "I3", "I11"]);
}

#[tokio::test]
async fn fault_37_a_journal_that_is_damaged_under_the_running_program() {
    let fault = matrix::row(37, "the file is overwritten with nonsense while the program runs");
    let (shop, desk) = with_three_alerts().await;

    for file in files_of_the_journal(desk.data_dir()) {
        if !file.to_string_lossy().ends_with("-shm") {
            let length = fs::metadata(&file).unwrap().len() as usize;
            let mut open = fs::OpenOptions::new().write(true).open(&file).unwrap();
            std::io::Write::write_all(&mut open, &vec![0xA5; length]).unwrap();
        }
    }
    shop.publish().await;

    desk.recording
        .until("a popup of it", |record| {
            let told = record.notifications.iter().filter(|raised| raised.sound).count();
            (told >= 4).then_some(())
        })
        .await;
    until_readable(&desk).await;
    until_acked(&shop, &shop.published()).await;
    exactly(&desk, &shop.published()).await;
    fault.held(&["I1", "I3", "I11"]);
}

#[tokio::test]
async fn fault_52_a_journal_of_a_newer_version_is_set_aside_and_rebuilt() {
    let fault = matrix::row(52, "the version in the file's header is raised between two runs");
    let (shop, desk) = protected(tempfile::tempdir().unwrap()).await;
    shop.publish().await;
    desk.recording.until_notified(1).await;
    until_acked(&shop, &shop.published()).await;
    exactly(&desk, &shop.published()).await;
    let make = desk.end().await;

    let journal = make.folder.path().join(JOURNAL);
    let mut bytes = fs::read(&journal).unwrap();
    // `user_version`: sqlite.org/fileformat.html, 1.3.
    bytes[60..64].copy_from_slice(&99_u32.to_be_bytes());
    fs::write(&journal, &bytes).unwrap();
    let desk = Desk::made_of(make);
    desk.until_status(Status::Protected).await;
    until_notice(&desk, "journal_set_aside", true).await;
    shop.publish().await;

    until_acked(&shop, &shop.published()).await;
    exactly(&desk, &shop.published()).await;
    desk.recording.until_notified(1).await;
    let newer =
        files(desk.data_dir()).into_iter().find(|file| file.to_string_lossy().contains(".newer-")).unwrap();
    assert_eq!(fs::read(newer).unwrap(), bytes, "the newer program's journal was changed");
    fault.held(&["I1", "I2", "I3", "I11"]);
}

/// A shop, and a computer with its data in this folder that is protected.
async fn protected(folder: tempfile::TempDir) -> (Shop, Desk) {
    let shop = Shop::open().await;
    let make = Make { folder, link: quick_link(), pace: quick_pace(), ..Make::default() };
    let desk = Desk::made_of(make);
    desk.sign_in(&shop.credentials().server, EMAIL, PASSWORD).await.unwrap();
    desk.until_status(Status::Protected).await;
    (shop, desk)
}

/// The same with three alerts that were shown and acknowledged.
async fn with_three_alerts() -> (Shop, Desk) {
    let (shop, desk) = protected(tempfile::tempdir().unwrap()).await;
    for _ in 0..3 {
        shop.publish().await;
    }
    desk.recording.until_notified(3).await;
    until_acked(&shop, &shop.published()).await;
    (shop, desk)
}

async fn until_acked(shop: &Shop, ids: &[String]) {
    wait::until("everything to be acknowledged", || {
        let acked = shop.acked();
        ids.iter().all(|id| acked.contains(id)).then_some(())
    })
    .await;
}

async fn until_notice(desk: &Desk, code: &str, there: bool) {
    let deadline = tokio::time::Instant::now() + wait::PATIENCE;
    while desk.client.snapshot().await.notices.iter().any(|notice| notice.code == code) != there {
        assert!(tokio::time::Instant::now() < deadline, "the notice {code} never: {there}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn until_readable(desk: &Desk) {
    let deadline = tokio::time::Instant::now() + wait::PATIENCE;
    while let Err(problem) = desk.client.feed(FeedQuery::default()).await {
        assert!(tokio::time::Instant::now() < deadline, "{problem:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Waits until the journal holds all of these once; how many others it holds.
async fn contains(desk: &Desk, ids: &[String]) -> usize {
    let deadline = tokio::time::Instant::now() + wait::PATIENCE;
    loop {
        let known = crate::world::known(desk).await;
        let count = |id: &String| known.iter().filter(|found| found.as_ref() == Some(id)).count();
        if ids.iter().all(|id| count(id) == 1) {
            return known.len() - ids.len();
        }
        assert!(tokio::time::Instant::now() < deadline, "wanted {ids:?}, found {known:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Writes until nothing more fits, not even a byte.
fn fill(ballast: &Path) {
    let mut file = fs::File::create(ballast).unwrap();
    for size in [64 * 1024, 4096, 1] {
        while std::io::Write::write_all(&mut file, &vec![0; size]).is_ok() {}
    }
}

fn files_of_the_journal(data: &Path) -> Vec<PathBuf> {
    let suffixes = ["", "-wal", "-shm"].map(|suffix| data.join(format!("{JOURNAL}{suffix}")));
    suffixes.into_iter().filter(|file| file.exists()).collect()
}

fn files(data: &Path) -> Vec<PathBuf> {
    fs::read_dir(data).unwrap().map(|entry| entry.unwrap().path()).collect()
}
