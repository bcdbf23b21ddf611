//! Rows 1, 2 and 5: the program dies, at any moment; the power fails.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};
use serde_json::Value;
use support::dice::Dice;
use support::matrix::{self, Fault};
use support::process::{self, Watch, journal};
use support::shop::Shop;
use support::wait;
use visionguard_client::journal::{FILE_NAME, Journal};
use visionguard_client::model::Entry;

/// Twenty alerts a second.
const POUR: Duration = Duration::from_millis(50);
/// A token outlives the slowest run.
const DAY: Duration = Duration::from_secs(24 * 3600);
/// How often one computer's program is killed, before another takes its place.
const ONE_COMPUTER: u32 = 100;

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
    let mut counted = Counted::default();
    fault.times(times);

    // After each start the whole day's record is compared: one computer's may not grow for ever.
    for computer in 0..times.div_ceil(ONE_COMPUTER) {
        let kills = ONE_COMPUTER.min(times - computer * ONE_COMPUTER);
        counted.add(&one_computer(kills, &mut dice).await);
    }

    fault.measured("alerts produced", counted.produced.to_string());
    fault.measured("alerts lost", "0");
    fault.measured("alerts stored twice", "0");
    fault.measured("shown in a summary after a start", counted.in_a_summary.to_string());
    fault.measured("shown twice, killed between popup and marker", counted.twice.to_string());
    fault.held(&["I1", "I2", "I3"]);
}

async fn one_computer(kills: u32, dice: &mut Dice) -> Counted {
    let shop = Shop::open_with(|config| config.access_lives = DAY).await;
    let data = tempfile::tempdir().unwrap();
    let (mut shown, mut acknowledged) = (Shown::default(), Acknowledged::default());

    // Of what was detected before it was ever signed in, a computer wants the newest only.
    let watch = shop.watch(data.path());
    watch.until_status("protected").await;
    watch.kill();
    let pouring = shop.pour(POUR);
    for kill in 0..kills {
        let watch = shop.watch(data.path());
        // Every fourth dies while it starts, the others in the middle of their work.
        if kill % 4 != 0 {
            watch.until_status("protected").await;
        }
        tokio::time::sleep(dice.time(Duration::from_millis(1500))).await;
        let lines = watch.kill();
        shown.killed(data.path(), &lines).await;
        acknowledged.is_stored(&shop, data.path());
    }
    pouring.stop().await;
    let watch = shop.watch(data.path());
    settled(&watch, &shop, data.path()).await;
    let (lines, status) = watch.stop().await;
    shown.ended(&lines);

    assert!(status.success(), "{status}");
    acknowledged.is_stored(&shop, data.path());
    shown.against_the_journal(&shop, data.path()).await
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
        Acknowledged::default().is_stored(&shop, data.path());
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

#[derive(Debug, Default)]
struct Counted {
    produced: usize,
    in_a_summary: usize,
    twice: usize,
}

impl Counted {
    fn add(&mut self, other: &Counted) {
        self.produced += other.produced;
        self.in_a_summary += other.in_a_summary;
        self.twice += other.twice;
    }
}

impl Shown {
    fn ended(&mut self, lines: &[Value]) -> HashSet<String> {
        let raised = lines.iter().filter(|line| line["event"] == "notification");
        self.summaries += raised.clone().filter(|line| line["id"] == "summary:unhandled").count();
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
        let journal = Journal::open_read_only(data).unwrap();
        for id in shown {
            let entry = journal.alert(id.parse().unwrap()).await.unwrap();
            if entry.is_some_and(|entry| entry.alert.notified_at.is_none()) {
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

/// Waits until all that was published is stored, marked as shown, and the connection stands. However slow it is, it
/// goes on; one that stands still has failed.
async fn settled(watch: &Watch, shop: &Shop, data: &Path) {
    watch.until_status("protected").await;
    let published = shop.published().len();
    let (mut before, mut since) = (0, Instant::now());
    loop {
        let named = count(data, "notified_at IS NOT NULL AND anomaly_id IS NOT NULL");
        if named >= published {
            return;
        }
        if named > before {
            (before, since) = (named, Instant::now());
        }
        assert!(
            since.elapsed() < wait::PATIENCE * 2,
            "{named} of {published} stored and shown; without an id {}, not shown {}; {:#?}",
            count(data, "anomaly_id IS NULL"),
            count(data, "notified_at IS NULL"),
            left(data, shop).await
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// What was not shown, and what is not there, a few of each.
async fn left(data: &Path, shop: &Shop) -> (Vec<Entry>, Vec<String>) {
    let entries = journal(data).await;
    let stored: HashSet<String> =
        entries.iter().filter_map(|entry| Some(entry.alert.anomaly_id.as_ref()?.to_string())).collect();
    let missing = shop.published().into_iter().filter(|id| !stored.contains(id));
    let unshown = entries.into_iter().filter(|entry| entry.alert.notified_at.is_none());
    (unshown.take(5).collect(), missing.take(5).collect())
}

/// Acknowledged alerts that were found in the journal, so that each is looked for once.
#[derive(Debug, Default)]
struct Acknowledged {
    found: HashSet<String>,
}

impl Acknowledged {
    /// Called while the program is dead: what the server was told is stored is there.
    fn is_stored(&mut self, shop: &Shop, data: &Path) {
        let mut acked = shop.acked();
        if acked.is_empty() {
            return;
        }
        acked.retain(|id| !self.found.contains(id));
        let journal = open(data);
        let mut stored =
            journal.prepare("SELECT EXISTS (SELECT 1 FROM alert WHERE anomaly_id = ?1)").unwrap();
        for id in &acked {
            let is_stored: bool = stored.query_row([id], |row| row.get(0)).unwrap();
            assert!(is_stored, "acknowledged and not stored: {id}");
        }
        self.found.extend(acked);
        let held = count(data, "anomaly_id IS NOT NULL");
        assert!(held >= self.found.len(), "of {} that were stored {held} are left", self.found.len());
    }
}

/// How many alerts in the journal are like this.
fn count(data: &Path, which: &str) -> usize {
    let count = format!("SELECT count(*) FROM alert WHERE {which}");
    let count: i64 = open(data).query_row(&count, [], |row| row.get(0)).unwrap();
    usize::try_from(count).unwrap()
}

fn open(data: &Path) -> Connection {
    let journal =
        Connection::open_with_flags(data.join(FILE_NAME), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    journal.busy_timeout(wait::PATIENCE).unwrap();
    journal
}
