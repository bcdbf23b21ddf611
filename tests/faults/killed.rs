//! Rows 1, 2 and 5: the program dies, at any moment; the power fails.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;
use support::dice::Dice;
use support::matrix::{self, Fault};
use support::process::{self, Watch, journal};
use support::shop::Shop;
use support::wait;

/// Twenty alerts a second.
const POUR: Duration = Duration::from_millis(50);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_01_killed_at_random_moments_while_alerts_pour_in() {
    killed_at_random_moments(20, matrix::row(1, "kill -9 on `visionguard watch`, 20 alerts a second")).await;
}

#[cfg(feature = "long")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_01_killed_500_times_at_random_moments_while_alerts_pour_in() {
    killed_at_random_moments(500, matrix::row(1, "kill -9 on `visionguard watch`, 20 alerts a second")).await;
}

async fn killed_at_random_moments(times: u32, fault: Fault) {
    let mut dice = Dice::roll();
    let shop = Shop::open().await;
    let data = tempfile::tempdir().unwrap();
    let mut shown = Shown::default();
    fault.times(times);

    let pouring = shop.pour(POUR);
    for kill in 0..times {
        let watch = shop.watch(data.path());
        // Every fourth dies while it starts, the others in the middle of their work.
        if kill % 4 != 0 {
            watch.until_status("protected").await;
        }
        tokio::time::sleep(dice.time(Duration::from_millis(1500))).await;
        let lines = watch.kill();
        shown.killed(data.path(), &lines).await;
        acknowledged_is_stored(&shop, data.path()).await;
    }
    pouring.stop().await;
    let watch = shop.watch(data.path());
    settled(&watch, &shop, data.path()).await;
    let (lines, status) = watch.stop().await;
    shown.ended(&lines);

    assert!(status.success(), "{status}");
    let counted = shown.against_the_journal(&shop, data.path()).await;
    acknowledged_is_stored(&shop, data.path()).await;
    fault.measured("alerts produced", counted.produced.to_string());
    fault.measured("alerts lost", "0");
    fault.measured("alerts stored twice", "0");
    fault.measured("shown in a summary after a start", counted.in_a_summary.to_string());
    fault.measured("shown twice, killed between popup and marker", counted.twice.to_string());
    fault.held(&["I1", "I2", "I3"]);
}

/// The ways to stop it at a named point: the file that the system call is about, and which call.
#[derive(Debug, Clone, Copy)]
struct Point {
    name: &'static str,
    file: &'static str,
    calls: &'static str,
    /// How many of them a thread makes at most while three alerts come.
    most: u64,
    /// How many of those are tried, unless all are.
    tried: u64,
}

const POINTS: [Point; 4] = [
    Point { name: "journal write", file: "journal.sqlite3-wal", calls: "pwrite64", most: 120, tried: 8 },
    Point { name: "fsync", file: "journal.sqlite3-wal", calls: "fsync,fdatasync", most: 14, tried: 8 },
    Point { name: "ack", file: "", calls: "sendto,sendmsg,writev", most: 4, tried: 8 },
    Point { name: "popup", file: "lines", calls: "write", most: 12, tried: 8 },
];

/// The marker is a journal write and an fsync like any other: it comes after the popup's line.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_02_killed_at_each_point_between_storing_and_marking() {
    killed_at_each_point(false).await;
}

#[cfg(feature = "long")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_02_killed_at_every_write_fsync_ack_and_popup_in_turn() {
    killed_at_each_point(true).await;
}

async fn killed_at_each_point(all: bool) {
    let fault =
        matrix::row(2, "strace: SIGKILL at the n-th write, fsync, send or line of `visionguard watch`");
    if !process::is_installed("strace") {
        return fault.not_possible("strace is not installed");
    }
    let mut dice = Dice::roll();
    let mut times = 0;
    for point in POINTS {
        let mut killed = 0;
        let mut twice = 0;
        let tries: Vec<u64> = if all {
            (1..=point.most).collect()
        } else {
            (0..point.tried).map(|_| 1 + dice.below(point.most)).collect()
        };
        for nth in tries {
            let (was_killed, shown_twice) = killed_at(point, nth).await;
            killed += u32::from(was_killed);
            twice += shown_twice;
            if !was_killed && all {
                break;
            }
        }
        assert!(killed > 0, "never killed at {point:?}");
        fault.measured(&format!("killed at {}", point.name), format!("{killed} times, shown twice {twice}"));
        times += killed;
    }
    fault.times(times);
    fault.held(&["I1", "I2", "I3"]);
}

/// One alert from before the start and two while it runs; killed at the `nth` call, if there are so many.
async fn killed_at(point: Point, nth: u64) -> (bool, usize) {
    let shop = Shop::open().await;
    let data = tempfile::tempdir().unwrap();
    let out = tempfile::Builder::new().prefix("lines").tempfile().unwrap();
    let mut shown = Shown::default();

    let mut strace: Vec<String> = ["strace", "-f", "-qqq", "-o", "/dev/null"].map(str::to_owned).into();
    strace.push(format!("--trace={}", point.calls));
    strace.push(format!("--inject={}:signal=SIGKILL:when={nth}", point.calls));
    if !point.file.is_empty() {
        let path = if point.file == "lines" { out.path().to_owned() } else { data.path().join(point.file) };
        strace.push(format!("--trace-path={}", path.display()));
    }
    shop.publish().await;
    let complaints = tempfile::NamedTempFile::new().unwrap();
    let watch = Watch::start_into(out, complaints, &strace, data.path(), shop.credentials());
    wait::until("protection or death", || {
        let protected = watch.lines().iter().any(|line| line["status"] == "protected");
        (protected || watch.has_ended()).then_some(())
    })
    .await;
    shop.publish().await;
    shop.publish().await;
    let done = |lines: &[Value]| lines.iter().filter(|line| line["event"] == "acked").count() >= 2;
    wait::until("everything or death", || (done(&watch.lines()) || watch.has_ended()).then_some(())).await;
    let was_killed = watch.has_ended();
    let lines = watch.kill();
    if data.path().join("journal.sqlite3").exists() {
        shown.killed(data.path(), &lines).await;
        acknowledged_is_stored(&shop, data.path()).await;
    }

    let watch = shop.watch(data.path());
    settled(&watch, &shop, data.path()).await;
    shown.ended(&watch.stop().await.0);

    let counted = shown.against_the_journal(&shop, data.path()).await;
    (was_killed, counted.twice)
}

/// What was shown over several lives of the program.
#[derive(Debug, Default)]
struct Shown {
    /// By the alert's number in the journal.
    singly: HashMap<String, usize>,
    summaries: usize,
    /// Alerts whose line was printed and whose marker was not on disk when the program was killed.
    unmarked: HashMap<String, usize>,
}

struct Counted {
    produced: usize,
    in_a_summary: usize,
    twice: usize,
}

impl Shown {
    fn ended(&mut self, lines: &[Value]) -> HashSet<String> {
        let raised = lines.iter().filter(|line| line["event"] == "notification");
        self.summaries += raised.clone().filter(|line| line["id"] == "summary:history").count();
        let alerts: Vec<String> =
            raised.filter_map(|line| Some(line["alert"].as_str()?.to_owned())).collect();
        for alert in &alerts {
            *self.singly.entry(alert.clone()).or_default() += 1;
        }
        alerts.into_iter().collect()
    }

    async fn killed(&mut self, data: &Path, lines: &[Value]) {
        let shown = self.ended(lines);
        if shown.is_empty() {
            return;
        }
        for entry in journal(data).await.into_iter().filter(|entry| entry.alert.notified_at.is_none()) {
            let id = entry.alert.id.to_string();
            if shown.contains(&id) {
                *self.unmarked.entry(id).or_default() += 1;
            }
        }
    }

    /// Every alert of the record is in the journal once, and was shown once, but for the one exception.
    async fn against_the_journal(&self, shop: &Shop, data: &Path) -> Counted {
        let entries = journal(data).await;
        let mut stored: Vec<String> =
            entries.iter().map(|entry| entry.alert.anomaly_id.as_ref().unwrap().to_string()).collect();
        let mut published = shop.published();
        stored.sort();
        published.sort();
        assert_eq!(stored, published, "the journal is not the record");

        let mut counted = Counted { produced: published.len(), in_a_summary: 0, twice: 0 };
        for entry in &entries {
            let id = entry.alert.id.to_string();
            let singly = self.singly.get(&id).copied().unwrap_or_default();
            let allowed = 1 + self.unmarked.get(&id).copied().unwrap_or_default();
            assert!(singly <= allowed, "shown {singly} times, not {allowed}: {entry:#?}");
            assert!(entry.alert.notified_at.is_some(), "never shown: {entry:#?}");
            assert!(singly > 0 || self.summaries > 0, "marked and never shown: {entry:#?}");
            counted.in_a_summary += usize::from(singly == 0);
            counted.twice += usize::from(singly > 1);
        }
        counted
    }
}

/// Waits until all that was published is stored, marked as shown, and the connection stands.
async fn settled(watch: &Watch, shop: &Shop, data: &Path) {
    watch.until_status("protected").await;
    let give_up_at = Instant::now() + wait::PATIENCE * 3;
    loop {
        let entries = journal(data).await;
        let named = entries
            .iter()
            .filter(|entry| entry.alert.notified_at.is_some() && entry.alert.anomaly_id.is_some());
        let (named, published) = (named.count(), shop.published().len());
        if named >= published {
            return;
        }
        assert!(
            Instant::now() < give_up_at,
            "{named} of {published} stored and shown, {} stored",
            entries.len()
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Called while the program is dead: what the server was told is stored is there.
async fn acknowledged_is_stored(shop: &Shop, data: &Path) {
    let acked = shop.acked();
    if acked.is_empty() {
        return;
    }
    let stored: HashSet<String> = journal(data)
        .await
        .iter()
        .filter_map(|entry| Some(entry.alert.anomaly_id.as_ref()?.to_string()))
        .collect();
    let lost: Vec<&String> = acked.difference(&stored).collect();
    assert!(lost.is_empty(), "acknowledged and not stored: {lost:?}");
}
