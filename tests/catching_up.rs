//! Ten thousand alerts that came while the program was off: how long catching up takes, and how much memory.
//!
//! The program is a process of its own. `VISIONGUARD_CLI_BIN` names another build of it, such as one made for release.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test fails where this fails, and says its figures"
)]

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
