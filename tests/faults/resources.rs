//! Rows 38, 42 and 45 to 47: two programs at once, floods, and a computer with little to give.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::Value;
use support::matrix;
use support::picture;
use support::process::{self, Watch, journal};
use support::shop::Shop;
use support::wait;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_38_two_programs_started_at_once_and_a_lock_left_behind() {
    let fault = matrix::row(
        38,
        "two processes at the same moment on one data directory; kill -9 of the one that had it",
    );
    let shop = Shop::open().await;
    let data = tempfile::tempdir().unwrap();
    let times = 5;
    for _ in 0..times {
        let mut both = [shop.watch(data.path()), shop.watch(data.path())];
        let loser = wait::until("one of them to give up", || both.iter().position(Watch::has_ended)).await;
        let status = both[loser].until_ended().await;
        let [first, second] = both;
        let (winner, loser) = if loser == 0 { (second, first) } else { (first, second) };

        assert_eq!(status.code(), Some(5), "{}", loser.complaints());
        assert!(
            loser.complaints().contains("in use by visionguard watch (process "),
            "{}",
            loser.complaints()
        );
        winner.until_status("protected").await;
        let id = shop.publish().await;
        winner.until("the alert", |lines| lines.iter().find(|line| line["anomaly_id"] == id).map(drop)).await;
        // What it leaves behind holds nobody up: the next round starts on it.
        winner.kill();
    }
    assert_eq!(journal(data.path()).await.len(), times);
    fault.times(times as u32);
    fault.held(&["I1", "I2"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_42_a_thousand_alerts_of_200_kb_as_fast_as_they_can_be_published() {
    let fault = matrix::row(
        42,
        "our server, 1,000 alerts of five people with pictures of 200 kB, aiming at 100 a second",
    );
    let shop = Shop::open().await;
    let data = tempfile::tempdir().unwrap();
    let watch = shop.watch(data.path());
    watch.until_status("protected").await;
    let before = watch.peak_memory();

    let picture = large();
    let began = Instant::now();
    let mut due = tokio::time::interval(Duration::from_millis(10));
    for number in 0..1_000 {
        due.tick().await;
        shop.publish_of(number % 5, picture.clone()).await;
    }
    let published = began.elapsed();
    let stored = until_stored(&watch, &shop, &data).await;
    watch.until_status("protected").await;
    let after = watch.peak_memory();
    let (lines, status) = watch.stop().await;

    assert!(status.success(), "{status}");
    assert_eq!(stored, 1_000);
    let raised = lines.iter().filter(|line| line["event"] == "notification");
    let loud = raised.clone().filter(|line| line["sound"] == true && line["alert"].is_string()).count();
    assert!(loud <= 10, "{loud} sounds for five people");
    let grown = after.saturating_sub(before) / 1024;
    assert!(grown < 256, "grew by {grown} MB");
    fault.measured("published in", format!("{:.1} s", published.as_secs_f64()));
    fault.measured("stored after", format!("{:.1} s", began.elapsed().as_secs_f64()));
    fault.measured("peak memory above that before", format!("{grown} MB"));
    fault.measured("notifications, of them with a sound", format!("{}, {loud}", raised.count()));
    fault.held(&["I1", "I2", "I5"]);
}

/// An hour would tell no more: what grows, grows in ten minutes.
#[cfg(feature = "long")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_42_twenty_a_second_for_ten_minutes() {
    let fault = matrix::row(42, "our server, 20 alerts a second for ten minutes in place of an hour");
    let shop = Shop::open().await;
    let data = tempfile::tempdir().unwrap();
    let watch = shop.watch(data.path());
    watch.until_status("protected").await;

    let pouring = shop.pour(Duration::from_millis(50));
    tokio::time::sleep(Duration::from_secs(60)).await;
    let early = process::memory(watch.pid());
    tokio::time::sleep(Duration::from_secs(540)).await;
    let late = process::memory(watch.pid());
    pouring.stop().await;
    let stored = until_stored(&watch, &shop, &data).await;

    assert_eq!(stored, shop.published().len());
    assert!(late < early + 64 * 1024, "grew from {early} kB to {late} kB");
    fault.measured("alerts produced", stored.to_string());
    fault.measured("alerts lost", "0");
    fault.measured("memory after one minute, after ten", format!("{} MB, {} MB", early / 1024, late / 1024));
    fault.held(&["I1", "I5"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_45_sixty_four_file_descriptors() {
    let fault = matrix::row(45, "prlimit --nofile=64");
    if !process::is_installed("prlimit") {
        return fault.not_possible("prlimit is not installed");
    }
    let shop = Shop::open().await;
    let data = tempfile::tempdir().unwrap();

    let watch = Watch::start_under(&["prlimit", "--nofile=64"], data.path(), shop.credentials());
    watch.until_status("protected").await;
    for number in 0..100 {
        shop.publish_of(number, picture::jpeg(1)).await;
    }
    let stored = until_stored(&watch, &shop, &data).await;
    let open = std::fs::read_dir(format!("/proc/{}/fd", watch.pid())).unwrap().count();
    watch.until_status("protected").await;
    let (_, status) = watch.stop().await;

    assert!(status.success(), "{status}");
    assert_eq!(stored, 100);
    fault.measured("descriptors in use after a hundred alerts", open.to_string());
    fault.held(&["I1", "I11"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_45_no_file_descriptor_left_and_some_again() {
    let fault =
        matrix::row(45, "prlimit on the running program: as many descriptors as it has open, then more");
    if !process::is_installed("prlimit") {
        return fault.not_possible("prlimit is not installed");
    }
    let shop = Shop::open().await;
    let data = tempfile::tempdir().unwrap();
    let watch = shop.watch(data.path());
    watch.until_status("protected").await;

    // Not one more, and fewer once those that are idle are closed.
    limit_descriptors(watch.pid(), 3);
    for number in 0..20 {
        shop.publish_of(number, picture::jpeg(1)).await;
    }
    wait::until("all alerts to be acknowledged", || (shop.acked().len() >= 20).then_some(())).await;
    limit_descriptors(watch.pid(), 1024);

    watch.until_status("protected").await;
    let stored = until_stored(&watch, &shop, &data).await;
    let (_, status) = watch.stop().await;
    assert!(status.success(), "{status}");
    assert_eq!(stored, 20);
    fault.held(&["I1", "I3", "I11"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_46_sixty_four_megabytes_of_memory() {
    let fault = matrix::row(46, "a cgroup with 64 MiB for the program, while 300 alerts of 200 kB come");
    let Some(group) = Group::new("memory") else {
        return fault.not_possible("no cgroup with a memory limit can be made here");
    };
    if !(group.set("memory.limit_in_bytes", "67108864") || group.set("memory.max", "67108864")) {
        return fault.not_possible("this cgroup takes no memory limit");
    }
    let shop = Shop::open().await;
    let data = tempfile::tempdir().unwrap();
    let watch = Watch::start_under(&group.enter(), data.path(), shop.credentials());
    watch.until_status("protected").await;

    let picture = large();
    for number in 0..300 {
        shop.publish_of(number % 5, picture.clone()).await;
    }
    let stored = until_stored(&watch, &shop, &data).await;
    watch.until_status("protected").await;
    let peak = watch.peak_memory();
    let (_, status) = watch.stop().await;

    assert!(status.success(), "{status}");
    assert_eq!(stored, 300);
    fault.measured("most in memory, code included", format!("{} MB", peak / 1024));
    fault.held(&["I1", "I5", "I11"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_47_a_tenth_of_one_processor() {
    let fault = matrix::row(47, "a cgroup with 10 ms of each 100 ms, for 75 s with an alert a second");
    let Some(group) = Group::new("cpu") else {
        return fault.not_possible("no cgroup with a limit of time can be made here");
    };
    if !(group.set("cpu.cfs_quota_us", "10000") || group.set("cpu.max", "10000 100000")) {
        return fault.not_possible("this cgroup takes no limit of time");
    }
    let shop = Shop::open().await;
    let data = tempfile::tempdir().unwrap();
    let watch = Watch::start_under(&group.enter(), data.path(), shop.credentials());
    watch.until_status("protected").await;

    let pouring = shop.pour(Duration::from_secs(1));
    // Longer than the limit of silence.
    tokio::time::sleep(Duration::from_secs(75)).await;
    pouring.stop().await;
    let stored = until_stored(&watch, &shop, &data).await;
    watch.until_status("protected").await;
    let (lines, status) = watch.stop().await;

    assert!(status.success(), "{status}");
    assert_eq!(stored, shop.published().len());
    let since_protected = lines.iter().skip_while(|line| line["status"] != "protected");
    let offline: Vec<&Value> = since_protected.filter(|line| line["status"] == "offline").collect();
    assert!(offline.is_empty(), "falsely dead: {offline:?}");
    fault.measured("alerts", stored.to_string());
    fault.held(&["I1", "I2", "I6", "I11"]);
}

/// Waits until all that was published is in the journal by its id; how many are there.
async fn until_stored(watch: &Watch, shop: &Shop, data: &tempfile::TempDir) -> usize {
    let deadline = Instant::now() + wait::PATIENCE * 5;
    loop {
        let entries = journal(data.path()).await;
        let mut known: Vec<String> =
            entries.iter().filter_map(|entry| Some(entry.alert.anomaly_id.as_ref()?.to_string())).collect();
        known.sort();
        let mut wanted = shop.published();
        wanted.sort();
        if known == wanted && entries.len() == wanted.len() {
            return known.len();
        }
        let last = watch.lines().pop();
        assert!(!watch.has_ended(), "it ended: {last:?}");
        assert!(
            Instant::now() < deadline,
            "{} of {} stored, {} named; last line {last:?}",
            entries.len(),
            wanted.len(),
            known.len()
        );
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}

/// A picture of about 200 kB.
fn large() -> Bytes {
    let picture = picture::noise(600, 600);
    assert!((150_000..250_000).contains(&picture.len()), "{} bytes", picture.len());
    picture
}

fn limit_descriptors(pid: u32, most: u32) {
    let limit = format!("--nofile={most}:4096");
    let status = std::process::Command::new("prlimit").args(["--pid", &pid.to_string(), &limit]).status();
    assert!(status.unwrap().success());
}

/// A cgroup of a test's own, of the first or second version.
#[derive(Debug)]
struct Group {
    folder: PathBuf,
}

impl Group {
    fn new(controller: &str) -> Option<Group> {
        let name = format!("visionguard-{controller}-{}", std::process::id());
        let places = [format!("/sys/fs/cgroup/{controller}"), "/sys/fs/cgroup".to_owned()];
        let made = places.iter().map(|place| PathBuf::from(place).join(&name)).find(|folder| {
            // Below a place that is no cgroup this is a plain folder.
            std::fs::create_dir(folder).is_ok() && folder.join("cgroup.procs").exists()
        });
        made.map(|folder| Group { folder })
    }

    fn set(&self, name: &str, value: &str) -> bool {
        let file = self.folder.join(name);
        file.exists() && std::fs::write(file, value).is_ok()
    }

    /// The words that start a program in it.
    fn enter(&self) -> [String; 4] {
        let script = format!("echo $$ > {}/cgroup.procs && exec \"$@\"", self.folder.display());
        ["sh".to_owned(), "-c".to_owned(), script, "sh".to_owned()]
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // Empty only once its last process is gone.
        for _ in 0..100 {
            if std::fs::remove_dir(&self.folder).is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
