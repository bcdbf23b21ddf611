//! The program itself against our own server: what it prints, and how it ends.

#[allow(dead_code, reason = "another test uses the rest")]
mod shop;

use serde_json::Value;
use shop::{EMAIL, PASSWORD, Shop};

#[test]
fn watching_tells_the_status_and_each_alert_once_and_the_journal_keeps_them() {
    let shop = Shop::open();
    let mut watch = shop.watch();
    watch.wait_for("protected", |line| line["status"] == "protected");

    let anomaly = shop.publish(1);
    let alert = watch.wait_for("the alert", |line| line["event"] == "alert");
    let acked = watch.wait_for("its ack", |line| line["event"] == "acked");
    let shown = shop.run(&["alerts", "--json"]);
    let (lines, exit) = watch.stop();

    assert_eq!(alert["anomaly_id"], anomaly.as_str());
    assert_eq!(
        (&alert["kind"], &alert["severity"], &alert["source"]),
        (&"theft".into(), &"medium".into(), &"live".into())
    );
    assert_eq!((&alert["stream_id"], &alert["person_id"]), (&"till-camera".into(), &1.into()));
    assert!(alert["frame_bytes"].as_u64().is_some_and(|bytes| bytes > 100), "{alert}");
    assert!(alert["received_at"].is_i64());
    assert_eq!(acked["id"], alert["id"]);
    assert_eq!(lines.iter().filter(|line| line["event"] == "alert").count(), 1);
    let raised: Vec<_> = lines.iter().filter(|line| line["event"] == "notification").collect();
    assert_eq!((raised.len(), &raised[0]["alert"]), (1, &alert["id"]), "{raised:?}");
    assert_eq!(exit, 0);

    let stored: Value = serde_json::from_str(shown.out.trim()).expect("one object");
    for field in ["id", "anomaly_id", "stream_id", "person_id", "kind", "severity", "source", "received_at"] {
        assert_eq!(stored[field], alert[field], "{field}");
    }
    assert_eq!(stored["event"], "alert");
    assert_eq!(stored["handling"]["state"], "open");
    for field in ["detected_at", "notified_at", "acked_at"] {
        assert!(stored.get(field).is_some(), "{field}");
    }
}

#[test]
fn what_happened_while_nobody_watched_is_caught_up_on_and_marked_so() {
    let shop = Shop::open();
    let mut watch = shop.watch();
    watch.wait_for("protected", |line| line["status"] == "protected");
    watch.stop();

    let anomaly = shop.publish(1);
    let mut watch = shop.watch();
    let alert = watch.wait_for("the alert", |line| line["event"] == "alert");

    assert_eq!(alert["anomaly_id"], anomaly.as_str());
    assert_eq!(alert["source"], "history");
}

#[test]
fn the_report_counts_each_alert_beside_the_running_program() {
    let shop = Shop::open();
    let empty = shop.run(&["report", "--json"]);
    let mut watch = shop.watch();
    watch.wait_for("protected", |line| line["status"] == "protected");
    shop.publish(1);
    watch.wait_for("the alert", |line| line["event"] == "alert");

    let report = shop.run(&["report", "--json"]);
    let people = shop.run(&["report"]);
    watch.stop();
    let stopped = shop.run(&["report"]);
    let backwards = shop.run(&["report", "--from", "2026-11-22", "--to", "2026-11-21"]);

    let told: Value = serde_json::from_str(report.out.trim()).expect("one object");
    let of_nothing: Value = serde_json::from_str(empty.out.trim()).expect("one object");
    assert_eq!((report.exit, people.exit, backwards.exit), (0, 0, 2), "{}", report.err);
    assert_eq!((empty.exit, &of_nothing["compared"]), (6, &false.into()), "nothing was ever compared");
    assert_eq!((stopped.exit, &told["compared"]), (6, &true.into()), "{}", stopped.out);
    assert!(stopped.out.contains("0 known. The newest alerts are not compared"), "{}", stopped.out);
    assert_eq!((&told["alerts"], &told["live"], &told["lost"]), (&1.into(), &1.into(), &0.into()));
    let entry = &told["entries"][0];
    assert!(entry["stored_at"].as_i64() >= entry["received_at"].as_i64(), "{entry}");
    assert!(people.out.contains("1 in 1 incident (1 live, 0 caught up on)"), "{}", people.out);
}

#[test]
fn a_camera_is_snoozed_listed_and_ended_through_the_running_program() {
    let shop = Shop::open();
    let nobody = shop.run(&["snooze", "till", "15m"]);
    let mut watch = shop.watch();
    watch.wait_for("protected", |line| line["status"] == "protected");
    shop.publish(1);
    watch.wait_for("the alert", |line| line["event"] == "alert");

    let none = shop.run(&["snooze", "--list"]);
    let unknown = shop.run(&["snooze", "front door", "15m"]);
    let too_long = shop.run(&["snooze", "till-camera", "13h"]);
    let no_hours = shop.run(&["snooze", "till-camera", "closing"]);
    let begun = shop.run(&["snooze", "till-camera", "15m", "--why", "cleaning"]);
    let people = shop.run(&["snooze", "--list"]);
    let json = shop.run(&["snooze", "--list", "--json"]);
    let status = shop.run(&["status"]);
    let ended = shop.run(&["snooze", "till-cam", "--end"]);
    let again = shop.run(&["snooze", "--end"]);
    watch.stop();

    assert_eq!((nobody.exit, unknown.exit, too_long.exit, no_hours.exit), (4, 6, 2, 2), "{}", unknown.err);
    assert!(unknown.err.contains("No camera is called front door."), "{}", unknown.err);
    assert!(no_hours.err.contains("The opening hours are not known."), "{}", no_hours.err);
    assert_eq!((none.exit, none.out.trim()), (0, "No camera is snoozed."));
    assert_eq!(begun.exit, 0, "{}", begun.err);
    assert!(begun.out.contains(" is snoozed until "), "{}", begun.out);
    assert!(people.out.trim().ends_with(": cleaning") && people.out.contains(", by "), "{}", people.out);
    assert!(status.out.contains(": cleaning"), "{}", status.out);
    let snooze: Value = serde_json::from_str(json.out.trim()).expect("one object");
    assert_eq!((&snooze["camera"], &snooze["why"]), (&"till-camera".into(), &"cleaning".into()));
    assert!(snooze["until"].is_i64() && snooze["by"].is_string(), "{snooze}");
    assert_eq!((ended.exit, again.exit), (0, 6), "{}{}", ended.err, again.err);
}

#[test]
fn a_second_program_is_told_who_owns_the_data() {
    let shop = Shop::open();
    let mut watch = shop.watch();
    watch.wait_for("protected", |line| line["status"] == "protected");

    for command in [&["watch"][..], &["logout"]] {
        let second = shop.run(command);

        assert_eq!(second.exit, 5, "{command:?}: {}", second.err);
        assert!(second.err.contains("in use by visionguard watch (process "), "{}", second.err);
    }
    assert_eq!(shop.run(&["alerts"]).exit, 0);
}

#[test]
fn a_test_message_comes_round_and_the_journal_keeps_that() {
    let shop = Shop::open();

    let told = shop.run_with_password(&["drill", "--json"]);
    let words = shop.run_with_password(&["drill"]);
    let report: Value = serde_json::from_str(&shop.run(&["report", "--json"]).out).expect("one object");

    let result: Value = serde_json::from_str(told.out.trim()).expect("one object");
    assert_eq!((told.exit, words.exit), (0, 0), "{} {}", told.err, words.err);
    assert_eq!(result["passed"], true, "{result}");
    assert!(result["took_ms"].is_u64() && result["at"].is_i64(), "{result}");
    assert!(words.out.starts_with("The test message came back"), "{}", words.out);
    assert_eq!((&report["drills_passed"], &report["alerts"]), (&2.into(), &0.into()), "{report}");
}

#[test]
fn what_cannot_be_tested_says_why() {
    let shop = Shop::open();

    let nobody = shop.run(&["drill"]);
    let mut watch = shop.watch();
    watch.wait_for("protected", |line| line["status"] == "protected");
    let beside = shop.run_with_password(&["drill"]);
    watch.stop();
    let away = shop.run_with_password(&["drill", "--server", "http://127.0.0.1:9"]);

    assert_eq!((nobody.exit, beside.exit), (3, 5), "{} {}", nobody.err, beside.err);
    assert!(nobody.err.contains("Sign in"), "{}", nobody.err);
    assert_eq!(away.exit, 4, "{}", away.err);
}

#[test]
fn a_decision_reaches_the_server() {
    let shop = Shop::open();
    let mut watch = shop.watch();
    watch.wait_for("protected", |line| line["status"] == "protected");
    shop.publish(1);
    let alert = watch.wait_for("the alert", |line| line["event"] == "alert");
    watch.stop();
    let incident = alert["incident"].as_str().expect("an incident");

    let decided = shop.run_with_password(&["resolve", incident, "--note", "spoke to him"]);
    let listed = shop.run(&["alerts"]);
    let unknown = shop.run_with_password(&["false-alarm", "4711"]);

    assert_eq!((decided.exit, decided.out.trim()), (0, "Resolved."), "{}", decided.err);
    assert!(listed.out.contains("resolved"), "{}", listed.out);
    assert_eq!(unknown.exit, 6, "{}", unknown.err);
    assert!(unknown.err.contains("There is no alert with the number 4711"), "{}", unknown.err);
    let word = shop.run(&["resolve", "abc"]);
    assert_eq!(word.exit, 6, "{}", word.err);
    assert!(
        word.err.contains("no alert with the number abc on this computer. visionguard alerts"),
        "{}",
        word.err
    );
}

#[test]
fn a_decision_beside_the_running_program_is_sent_by_it() {
    let shop = Shop::open();
    let mut watch = shop.watch();
    watch.wait_for("protected", |line| line["status"] == "protected");
    shop.publish(1);
    let alert = watch.wait_for("the alert", |line| line["event"] == "alert");
    let incident = alert["incident"].as_str().expect("an incident");

    let decided = shop.run(&["false-alarm", incident, "--note", "a child with a balloon"]);
    let unknown = shop.run(&["resolve", "4711"]);
    let listed = shop.run(&["alerts"]);
    watch.stop();

    assert_eq!((decided.exit, decided.out.trim()), (0, "Noted as a false alarm."), "{}", decided.err);
    assert_eq!(unknown.exit, 6, "{}", unknown.err);
    assert!(unknown.err.contains("There is no alert with the number 4711"), "{}", unknown.err);
    assert!(listed.out.contains("false alarm"), "{}", listed.out);
    assert!(!listed.out.contains("not sent yet"), "{}", listed.out);
}

#[test]
fn what_came_of_it_is_in_the_record_and_in_the_lists_and_is_opened_again() {
    let shop = Shop::open();
    let mut watch = shop.watch();
    watch.wait_for("protected", |line| line["status"] == "protected");
    let anomaly = shop.publish(1);
    let alert = watch.wait_for("the alert", |line| line["event"] == "alert");
    let incident = alert["incident"].as_str().expect("an incident");

    let resolved = shop.run(&["resolve", incident, "--outcome", "police", "--note", "two men"]);
    let (notes, listed, stored) =
        (shop.notes(&anomaly), shop.run(&["alerts"]), shop.run(&["alerts", "--json"]));
    let noted = shop.run(&["note", incident, "report 4711"]);
    let after_note = (shop.recorded(&anomaly), shop.notes(&anomaly));
    let reopened = shop.run(&["reopen", incident]);
    let open = shop.run(&["alerts", "--unhandled", "--json"]);
    watch.stop();
    let (other, nobody, empty) = (
        shop.run_with_password(&["false-alarm", incident, "--reason", "own-goods"]),
        shop.run(&["note", "4711", "x"]),
        shop.run(&["note", incident, " "]),
    );

    assert_eq!((resolved.exit, resolved.out.trim()), (0, "Resolved."), "{}", resolved.err);
    assert!(notes.starts_with("Police called. two men (Handled by "), "{notes}");
    assert!(listed.out.contains("resolved: police called"), "{}", listed.out);
    let stored: Value = serde_json::from_str(stored.out.trim()).expect("one object");
    assert_eq!((&stored["outcome"], &stored["by"]), (&"police_called".into(), &Value::Null));
    assert_eq!(stored["unopened"], false);
    assert_eq!(noted.exit, 0, "{}", noted.err);
    assert_eq!(after_note.0, "resolved");
    assert!(after_note.1.starts_with("Police called. report 4711 (Handled by "), "{}", after_note.1);
    assert_eq!((reopened.exit, reopened.out.trim()), (0, "Opened again."), "{}", reopened.err);
    let open: Value = serde_json::from_str(open.out.trim()).expect("it is not handled");
    assert_eq!((&open["handling"]["state"], &open["handling"]["sent"]), (&"reopened".into(), &true.into()));
    assert_eq!((other.exit, shop.recorded(&anomaly)), (0, "false_positive".into()), "{}", other.err);
    assert!(
        shop.notes(&anomaly).starts_with("Customer with own goods. report 4711 ("),
        "{}",
        shop.notes(&anomaly)
    );
    assert_eq!((nobody.exit, empty.exit), (6, 2), "{} {}", nobody.err, empty.err);
}

#[test]
fn a_decision_without_a_sign_in_is_kept_and_said_to_be() {
    let shop = Shop::open();
    let mut watch = shop.watch();
    watch.wait_for("protected", |line| line["status"] == "protected");
    shop.publish(1);
    let alert = watch.wait_for("the alert", |line| line["event"] == "alert");
    watch.stop();

    let decided = shop.run(&["acknowledge", alert["incident"].as_str().expect("an incident")]);
    let listed = shop.run(&["alerts"]);

    assert_eq!(decided.exit, 3, "{}", decided.err);
    assert!(decided.err.contains("The decision is kept"), "{}", decided.err);
    assert!(listed.out.contains("acknowledged, not sent yet"), "{}", listed.out);
}

#[test]
fn a_wrong_password_and_an_absent_server_end_differently() {
    let shop = Shop::open();

    let refused =
        shop.run_with(&["watch", "--json", "--email", EMAIL, "--password-stdin"], "not the password");
    let mut away = shop.watch_at("http://127.0.0.1:9");
    let status = away.wait_for("the reason", |line| line["reason"] == "unreachable");
    let (_, exit) = away.stop();

    assert_eq!((refused.exit, refused.out.as_str()), (3, ""), "{}", refused.err);
    assert!(refused.err.contains("password is not right"), "{}", refused.err);
    assert_eq!(status["status"], "offline");
    assert!(status["retry_in_ms"].as_u64().is_some_and(|wait| wait > 0));
    assert_eq!(exit, 0, "stopped by hand, still trying");
}

#[test]
fn a_reader_that_goes_away_ends_the_watch_quietly() {
    let shop = Shop::open();
    let mut watch = shop.watch();
    watch.wait_for("protected", |line| line["status"] == "protected");

    watch.stop_reading();
    shop.publish(1);

    assert_eq!(watch.wait(), (0, String::new()));
}

#[test]
fn the_server_s_end_and_return_are_told_and_nothing_is_lost() {
    let mut shop = Shop::open();
    let mut watch = shop.watch();
    watch.wait_for("protected", |line| line["status"] == "protected");

    shop.restart(|| {
        let offline = watch.wait_for("offline", |line| line["status"] == "offline");
        assert!(offline["sentence"].as_str().is_some_and(|sentence| !sentence.is_empty()));
    });
    watch.wait_for("protected again", |line| line["status"] == "protected");
    let anomaly = shop.publish(1);
    let alert = watch.wait_for("the alert", |line| line["event"] == "alert");

    assert_eq!(alert["anomaly_id"], anomaly.as_str());
}

#[test]
fn without_a_keychain_nothing_pretends_to_keep_a_sign_in() {
    let shop = Shop::open();

    let login = shop.run_with_password(&["login"]);
    let status = shop.run(&["status", "--json"]);
    let nobody = shop.run(&["watch"]);

    assert_eq!(login.exit, 2, "{}", login.err);
    let status_line: Value = serde_json::from_str(status.out.trim()).expect("one object");
    assert_eq!((status.exit, &status_line["status"]), (3, &"signed_out".into()));
    assert_eq!(nobody.exit, 3, "{}", nobody.err);
}

#[test]
fn no_secret_is_in_the_log_or_in_the_output() {
    let shop = Shop::open();
    let mut watch = shop.watch();
    watch.wait_for("protected", |line| line["status"] == "protected");
    shop.publish(1);
    watch.wait_for("its ack", |line| line["event"] == "acked");
    let (lines, _) = watch.stop();

    let mut said = shop.files();
    said.push_str(&format!("{lines:?}"));
    assert!(said.contains("signed in"), "the log was looked at");
    assert!(!said.contains(PASSWORD) && !said.contains("eyJ"), "a password or a token");
}
