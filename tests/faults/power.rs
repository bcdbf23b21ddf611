//! Row 5: the power fails. What was written and not synced is gone.

use std::collections::HashSet;
use std::path::Path;
use std::time::Duration;

use support::dice::Dice;
use support::matrix;
use support::mount::Mount;
use support::process::journal;
use support::shop::Shop;
use support::wait;
use visionguard_client::journal::Journal;

const DISK: u64 = 48 * 1024 * 1024;
const TIMES: u32 = 12;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_05_the_power_fails_under_twenty_alerts_a_second() {
    let fault =
        matrix::row(5, "an ext4 disk on a loop device, whose image is copied at a random moment as it is");
    let mut dice = Dice::roll();
    // In memory, so that copying takes no time in which the disk could change.
    let images = tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| tempfile::tempdir().unwrap());
    let mut image = images.path().join("disk-0");
    let mut disk = match Mount::new_disk(&image, DISK) {
        Ok(disk) => disk,
        Err(why) => return fault.not_possible(&why),
    };
    a_disk_loses_what_is_not_synced(images.path());
    let shop = Shop::open().await;
    let mut unsynced = 0;

    // Of what was detected before it was ever signed in, a computer wants the newest only.
    let watch = shop.watch(&disk.path().join("data"));
    watch.until_status("protected").await;
    watch.stop().await;
    let pouring = shop.pour(Duration::from_millis(50));
    for failure in 1..=TIMES {
        let watch = shop.watch(&disk.path().join("data"));
        watch.until_status("protected").await;
        tokio::time::sleep(dice.time(Duration::from_millis(1500))).await;

        watch.signal("STOP");
        let after = images.path().join(format!("disk-{failure}"));
        copy_at_one_moment(&image, &after);
        watch.kill();
        let acked = shop.acked();
        let written = stored(&disk.path().join("data")).await;
        drop(disk);
        std::fs::remove_file(&image).unwrap();
        image = after;
        disk = Mount::disk(&image).unwrap();

        let opened = Journal::open(&disk.path().join("data")).unwrap();
        assert_eq!(opened.set_aside, None, "the journal did not survive failure {failure}");
        opened.journal.close().await;
        let kept = stored(&disk.path().join("data")).await;
        let lost: Vec<&String> = acked.difference(&kept).collect();
        assert!(lost.is_empty(), "acknowledged and not on disk after failure {failure}: {lost:?}");
        unsynced += written.difference(&kept).count();
    }
    pouring.stop().await;

    let data = disk.path().join("data");
    let watch = shop.watch(&data);
    let published: HashSet<String> = shop.published().into_iter().collect();
    let deadline = std::time::Instant::now() + wait::PATIENCE * 2;
    while stored(&data).await != published {
        assert!(std::time::Instant::now() < deadline, "the journal is not the record");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    watch.stop().await;

    assert_eq!(journal(&data).await.len(), published.len(), "an alert is there twice");
    fault.times(TIMES);
    fault.measured("alerts produced", published.len().to_string());
    fault.measured("acknowledged and lost", "0");
    fault.measured(
        "written, not yet synced and not acknowledged: gone, and fetched again",
        unsynced.to_string(),
    );
    fault.held(&["I1", "I3"]);
}

/// Else this would prove nothing.
fn a_disk_loses_what_is_not_synced(images: &Path) {
    let (before, after) = (images.join("before"), images.join("after"));
    let disk = Mount::new_disk(&before, 8 * 1024 * 1024).unwrap();
    for (name, is_synced) in [("synced", true), ("unsynced", false)] {
        let mut file = std::fs::File::create(disk.path().join(name)).unwrap();
        std::io::Write::write_all(&mut file, b"text").unwrap();
        if is_synced {
            file.sync_all().unwrap();
        }
    }
    copy_at_one_moment(&before, &after);
    drop(disk);

    let disk = Mount::disk(&after).unwrap();
    let read = |name: &str| std::fs::read(disk.path().join(name)).unwrap_or_default();
    assert_eq!((read("synced"), read("unsynced")), (b"text".to_vec(), Vec::new()));
}

/// Twice, until both copies are the same: the kernel wrote nothing meanwhile.
fn copy_at_one_moment(from: &Path, to: &Path) {
    loop {
        std::fs::copy(from, to).unwrap();
        if std::fs::read(from).unwrap() == std::fs::read(to).unwrap() {
            return;
        }
    }
}

async fn stored(data: &Path) -> HashSet<String> {
    let entries = journal(data).await.into_iter();
    entries.filter_map(|entry| Some(entry.alert.anomaly_id?.to_string())).collect()
}
