//! Row 36 for who reads: a disk that takes no writes is no reason not to list what is stored there, nor what the running
//! program holds in memory instead, and who runs is told by whoever answers.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use support::matrix;
use support::mount::Mount;
use support::process::{Watch, visionguard};
use support::shop::Shop;
use support::wait;
use visionguard_client::journal::FILE_NAME;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_36_alerts_that_are_stored_are_listed_from_a_disk_that_takes_no_writes() {
    let fault = matrix::row(36, "a file system that is mounted read-only after `visionguard watch` ended");
    for (is_killed, keeps_index) in [(false, false), (true, true), (true, false)] {
        let disk = match Mount::small(16 * 1024 * 1024) {
            Ok(disk) => disk,
            Err(why) => return fault.not_possible(&why),
        };
        let (shop, data, watch) = with_an_alert(&disk).await;
        if is_killed {
            watch.kill();
            assert!(fs::metadata(data.join(format!("{FILE_NAME}-wal"))).unwrap().len() > 0);
        } else {
            watch.stop().await;
        }
        if !keeps_index {
            let _ = fs::remove_file(data.join(format!("{FILE_NAME}-shm")));
        }
        disk.set_writable(false).unwrap();

        let listed = listed(&data);
        let report = json(&run(&data, &["report", "--json"]));

        assert_eq!(listed, shop.published(), "killed {is_killed}, with its index {keeps_index}");
        assert_eq!(report["alerts"], 1, "{report}");
    }
    fault.times(3);
    fault.held(&["I1", "I2"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_36_alerts_in_the_memory_of_the_running_program_are_listed_by_it() {
    let fault = matrix::row(
        36,
        "a home that is mounted read-only and has no data directory; without XDG_RUNTIME_DIR, too",
    );
    for without in [&["env"][..], &["env", "-u", "XDG_RUNTIME_DIR"]] {
        let disk = match Mount::small(16 * 1024 * 1024) {
            Ok(disk) => disk,
            Err(why) => return fault.not_possible(&why),
        };
        let (shop, data) = (Shop::open().await, disk.path().join("home/data"));
        disk.set_writable(false).unwrap();
        let watch = Watch::start_under(without, &data, shop.credentials());
        watch.until_status("protected").await;
        shop.publish().await;
        watch.until("the alert", |lines| lines.iter().find(|line| line["event"] == "alert").cloned()).await;

        let listed = listed(&data);
        let report = json(&run(&data, &["report", "--json"]));
        let status = json(&run(&data, &["status", "--json"]));
        let words = text(&run(&data, &["status"]).stdout);
        let id = text(&run(&data, &["alerts", "--json"]).stdout);
        let incident = serde_json::from_str::<Value>(&id).unwrap()["incident"].as_str().unwrap().to_owned();
        let decided = run(&data, &["acknowledge", &incident]);
        let second = run(&data, &["drill"]);

        assert_eq!(listed, shop.published());
        assert_eq!(report["alerts"], 1, "{report}");
        assert_eq!(status["program"]["pid"], watch.pid(), "{status}");
        assert!(words.contains(&format!("(process {})", watch.pid())), "{words}");
        assert!(decided.status.success(), "{}", text(&decided.stderr));
        assert!(!second.status.success(), "a second program took the directory: {}", text(&second.stdout));
    }
    fault.times(2);
    fault.held(&["I1", "I2"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_36_a_journal_that_can_be_read_is_not_taken_for_all_that_the_running_program_has() {
    let fault = matrix::row(36, "a data directory with alerts that is mounted read-only before a start");
    let disk = match Mount::small(16 * 1024 * 1024) {
        Ok(disk) => disk,
        Err(why) => return fault.not_possible(&why),
    };
    let (shop, data, before) = with_an_alert(&disk).await;
    before.stop().await;
    disk.set_writable(false).unwrap();
    let watch = shop.watch(&data);
    watch.until_status("protected").await;
    for _ in 0..2 {
        let id = shop.publish().await;
        watch
            .until("the alert", |lines| lines.iter().find(|line| line["anomaly_id"] == id.as_str()).cloned())
            .await;
    }

    let listed = listed(&data);
    let told = run(&data, &["report", "--json"]);
    let status = json(&run(&data, &["status", "--json"]));
    watch.signal("STOP");
    let (stuck, stuck_report) = (run(&data, &["alerts"]), run(&data, &["report", "--json"]));
    watch.signal("CONT");

    let published: Vec<String> = shop.published().into_iter().rev().collect();
    assert_eq!(listed, published);
    let report = json(&told);
    assert_eq!((&report["alerts"], &report["lost"]), (&3.into(), &0.into()), "{report}");
    assert_eq!(told.status.code(), Some(0), "{report}");
    let newest = &json_lines(&run(&data, &["alerts", "--json"]))[0];
    assert_eq!(status["newest_at"], newest["received_at"], "{status}");
    // One that does not answer may have more than the disk.
    assert_eq!(stuck.status.code(), Some(1), "{}", text(&stuck.stderr));
    assert!(text(&stuck.stderr).contains("does not answer"), "{}", text(&stuck.stderr));
    assert_eq!(stuck_report.status.code(), Some(6), "{}", text(&stuck_report.stdout));
    assert_eq!(json(&stuck_report)["gaps"].as_array().unwrap().len(), 1);
    fault.held(&["I1", "I2"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_36_a_dead_program_whose_name_stands_on_the_disk_is_not_named() {
    let fault =
        matrix::row(36, "a data directory that is mounted read-only, with the name of a program that ended");
    let disk = match Mount::small(16 * 1024 * 1024) {
        Ok(disk) => disk,
        Err(why) => return fault.not_possible(&why),
    };
    let (shop, data) = (Shop::open().await, disk.path().join("data"));
    let before = shop.watch(&data);
    before.until_status("protected").await;
    let dead = before.pid();
    before.stop().await;
    disk.set_writable(false).unwrap();
    let watch = shop.watch(&data);
    watch.until_status("protected").await;

    let status = json(&run(&data, &["status", "--json"]));
    watch.signal("STOP");
    let silent = text(&run(&data, &["status"]).stdout);
    watch.signal("CONT");

    assert_eq!(status["program"]["pid"], watch.pid(), "{status}");
    assert!(!silent.contains(&dead.to_string()), "{silent}");
    assert!(silent.contains("Running       yes"), "{silent}");
    fault.held(&["I1"]);
}

/// The anomaly ids of what `visionguard alerts` lists.
/// A shop, and a program with a data directory on this disk that has the shop's first alert.
async fn with_an_alert(disk: &Mount) -> (Shop, PathBuf, Watch) {
    let (shop, data) = (Shop::open().await, disk.path().join("data"));
    let watch = shop.watch(&data);
    watch.until_status("protected").await;
    shop.publish().await;
    until_acked(&shop).await;
    (shop, data, watch)
}

fn listed(data: &Path) -> Vec<String> {
    let output = run(data, &["alerts", "--json"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    json_lines(&output).iter().map(|line| line["anomaly_id"].as_str().unwrap().to_owned()).collect()
}

fn json_lines(output: &Output) -> Vec<Value> {
    text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn run(data: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(visionguard());
    command.env("VISIONGUARD_DATA_DIR", data).env("VISIONGUARD_KEYCHAIN", "memory");
    command.env_remove("XDG_RUNTIME_DIR").args(arguments).output().unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output.stderr)))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

async fn until_acked(shop: &Shop) {
    wait::until("everything to be acknowledged", || {
        let acked = shop.acked();
        shop.published().iter().all(|id| acked.contains(id)).then_some(())
    })
    .await;
}
