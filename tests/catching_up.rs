//! Ten thousand alerts that came while the program was off: how long catching up takes, and how much memory. And what a
//! report over three times as many takes.
//!
//! The program is a process of its own. `VISIONGUARD_CLI_BIN` names another build of it, such as one made for release.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test fails where this fails, and says its figures"
)]

use std::io::Seek;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::Value;
use support::backend::{Backend, Detection};
use support::ours::EMAIL;
use support::process::{self, Credentials, Watch};
use support::shop::Shop;
use tempfile::TempDir;

const MISSED: usize = 10_000;
const PEOPLE: usize = 500;
const REPORTED: usize = 30_000;
/// Published at once.
const TOGETHER: usize = 50;
/// For an unoptimized program on a busy machine; the goal is in the figures.
const PATIENCE: Duration = Duration::from_secs(600);

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn ten_thousand_missed_alerts_come_out_of_the_original_s_record() {
    let backend = Backend::start();
    let owner = backend.add_user(EMAIL);
    let shop = backend.add_shop(&owner, "Harbour Road");
    let away = Away::leave(&backend.url()).await;

    for number in 0..MISSED {
        let person = i64::try_from(number % PEOPLE).unwrap();
        let frame = i64::try_from(number).unwrap();
        backend.detect(Detection::new(&owner, &shop, "till-camera").person(person).frame_number(frame));
    }

    away.come_back("the original's record", &backend.url()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn ten_thousand_missed_alerts_come_out_of_our_log() {
    let shop = Shop::open().await;
    let url = shop.credentials().server.clone();
    let away = Away::leave(&url).await;

    for _ in 0..MISSED / TOGETHER {
        join_all((0..TOGETHER).map(|_| shop.publish())).await;
    }

    away.come_back("our log", &url).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_report_over_thirty_thousand_alerts_of_one_week() {
    let shop = Shop::open().await;
    let folder = tempfile::tempdir().unwrap();
    let watch = shop.watch(folder.path());
    until(|| watch.count(is_protected) > 0).await;
    for round in 1..=REPORTED / MISSED {
        for _ in 0..MISSED / TOGETHER {
            join_all((0..TOGETHER).map(|_| shop.publish())).await;
        }
        until(|| watch.count(|line| line["event"] == "alert") >= round * MISSED).await;
    }
    watch.stop().await;

    let (report, took, peak) = report(folder.path());

    println!("a report over {REPORTED} alerts: {took:.2?}, {peak} kB in memory at most");
    assert_eq!((&report["alerts"], &report["lost"]), (&REPORTED.into(), &0.into()));
    assert!(peak < 64 * 1024, "{peak} kB in memory");
}

/// What `visionguard report --json` says, how long it took, and the most it had in memory, in kB.
fn report(data: &Path) -> (Value, Duration, u64) {
    let mut said = tempfile::tempfile().unwrap();
    let mut command = Command::new(process::visionguard());
    command.args(["report", "--json"]).env("VISIONGUARD_DATA_DIR", data);
    let began = Instant::now();
    let mut program = command.stdout(said.try_clone().unwrap()).spawn().unwrap();
    let mut peak = 0;
    while program.try_wait().unwrap().is_none() {
        let status = std::fs::read_to_string(format!("/proc/{}/status", program.id())).unwrap_or_default();
        let most = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        peak = most.and_then(|most| most.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(peak);
        std::thread::sleep(Duration::from_millis(1));
    }
    let took = began.elapsed();
    said.rewind().unwrap();
    (serde_json::from_reader(said).unwrap(), took, peak)
}

/// A computer that was protected once and is switched off.
struct Away {
    folder: TempDir,
    idle: u64,
}

impl Away {
    async fn leave(url: &str) -> Away {
        let folder = tempfile::tempdir().unwrap();
        let watch = Watch::start(folder.path(), &Credentials::owner(url));
        until(|| watch.count(is_protected) > 0).await;
        let idle = watch.peak_memory();
        watch.signal("TERM");
        until(|| watch.has_ended()).await;
        Away { folder, idle }
    }

    async fn come_back(self, from: &str, url: &str) {
        let folder = self.folder.path();
        let began = Instant::now();
        let watch = Watch::start(folder, &Credentials::owner(url));
        until(|| watch.count(|line| line["event"] == "alert") >= MISSED).await;
        let stored = began.elapsed();
        until(|| watch.count(is_protected) > 0).await;
        let took = began.elapsed();
        let grown = watch.peak_memory() - self.idle;
        watch.signal("TERM");
        until(|| watch.has_ended()).await;

        let began = Instant::now();
        let report: Value = process::report(folder);
        let reported = began.elapsed();
        println!(
            "{MISSED} alerts from {from}: stored after {stored:.1?}, protected after {took:.1?}, \
             {grown} kB above the {} kB of an idle program; report after {reported:.1?}",
            self.idle
        );
        assert_eq!((&report["alerts"], &report["lost"]), (&MISSED.into(), &0.into()));
    }
}

fn is_protected(line: &Value) -> bool {
    line["status"] == "protected"
}

async fn until(mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "waited in vain");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
