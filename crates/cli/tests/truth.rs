//! What the command line says is so: of decisions, of the status, and of the alerts that were printed.

#[allow(dead_code, reason = "another test uses the rest")]
mod shop;

use serde_json::Value;
use shop::{Shop, Watch};

#[test]
fn case_01_a_decision_that_somebody_else_was_faster_with_is_not_said_to_be_made() {
    let shop = Shop::open();
    let mut watch = shop.watch();
    watch.wait_for("protected", |line| line["status"] == "protected");
    let (beside, first) = (shop.publish(1), incident(&mut watch));
    let (alone, second) = (shop.publish(2), incident(&mut watch));
    for anomaly in [&beside, &alone] {
        shop.decide_elsewhere(anomaly, "resolved");
    }

    let told_beside = shop.run(&["false-alarm", &first]);
    watch.stop();
    let told_alone = shop.run_with_password(&["false-alarm", &second]);

    for told in [told_beside, told_alone] {
        assert_eq!((told.exit, told.out.as_str()), (6, ""), "{}", told.err);
        assert!(told.err.contains("was first (resolved), so your decision was not sent"), "{}", told.err);
    }
    assert_eq!((shop.recorded(&beside), shop.recorded(&alone)), ("resolved".into(), "resolved".into()));
}

#[test]
fn case_01_what_somebody_else_had_decided_alike_is_said_to_be_theirs() {
    let shop = Shop::open();
    let mut watch = shop.watch();
    watch.wait_for("protected", |line| line["status"] == "protected");
    let (anomaly, incident) = (shop.publish(1), incident(&mut watch));
    shop.decide_elsewhere(&anomaly, "resolved");

    let told = shop.run(&["resolve", &incident]);

    assert_eq!(told.exit, 0, "{}", told.err);
    assert!(told.out.contains("decided this before (resolved)"), "{}", told.out);
}

#[test]
fn case_01_a_change_of_mind_after_a_restart_is_no_decision_of_somebody_else() {
    let shop = Shop::open();
    let mut watch = shop.watch();
    watch.wait_for("protected", |line| line["status"] == "protected");
    let (anomaly, incident) = (shop.publish(1), incident(&mut watch));
    watch.stop();

    let first = shop.run_with_password(&["resolve", &incident]);
    let then = shop.run_with_password(&["false-alarm", &incident]);

    assert_eq!((first.exit, first.out.trim()), (0, "Resolved."), "{}", first.err);
    assert_eq!((then.exit, then.out.trim()), (0, "Noted as a false alarm."), "{}", then.err);
    assert_eq!(shop.recorded(&anomaly), "false_positive");
}

#[test]
fn case_02_a_decision_about_an_incident_takes_effect_whole_or_not_at_all() {
    let shop = Shop::open();
    let mut watch = shop.watch();
    watch.wait_for("protected", |line| line["status"] == "protected");
    let (theirs, first) = (shop.publish_at(1, 30), incident(&mut watch));
    let (open, second) = (shop.publish_at(1, 60), incident(&mut watch));
    assert_eq!(first, second);
    shop.decide_elsewhere(&theirs, "resolved");

    let told = shop.run(&["false-alarm", &first]);
    let untouched = shop.recorded(&open);
    let again = shop.run(&["false-alarm", &first]);

    assert_eq!(told.exit, 6, "{}", told.out);
    assert!(told.err.contains("was first (resolved) with 1 of the 2 alerts"), "{}", told.err);
    assert_eq!((untouched, shop.recorded(&theirs)), ("pending".into(), "resolved".into()));
    assert_eq!((again.exit, shop.recorded(&open)), (0, "false_positive".into()), "{}", again.err);
    assert_eq!(shop.recorded(&theirs), "resolved");
}

#[test]
fn case_04_the_status_is_the_running_program_s_own_and_one_that_is_stuck_is_not_called_well() {
    let shop = Shop::open();
    let mut watch = shop.watch();
    let line = watch.wait_for("protected", |line| line["status"] == "protected");

    let told = shop.run(&["status", "--json"]);
    watch.signal("STOP");
    let stuck = shop.run(&["status", "--json"]);
    watch.signal("CONT");
    watch.stop();
    let after = shop.run(&["status", "--json"]);

    let status = |text: &str| serde_json::from_str::<Value>(text.trim()).expect("one object");
    let (told_status, stuck_status) = (status(&told.out), status(&stuck.out));
    assert_eq!((told.exit, &told_status["status"]), (0, &"protected".into()), "{}", told.err);
    assert_eq!(told_status["since"], line["since"]);
    assert_eq!(told_status["email"], shop::EMAIL);
    assert_eq!((stuck.exit, &stuck_status["status"]), (1, &Value::Null), "{}", stuck.out);
    assert_eq!(stuck_status["reason"], "not_answering");
    assert_ne!((after.exit, &status(&after.out)["status"]), (0, &"protected".into()));
}

#[test]
fn case_08_a_token_that_is_dead_ends_the_watch() {
    let shop = Shop::open();
    let (user, token) = shop.dead_token();

    let ended = shop.run_with(&["watch", "--json", "--token-stdin", "--user-id", &user], &token);

    assert_eq!(ended.exit, 3, "{}", ended.err);
}

#[test]
fn case_12_what_was_stored_and_not_printed_comes_first_and_once() {
    let shop = Shop::open();
    let mut watch = shop.watch();
    watch.wait_for("protected", |line| line["status"] == "protected");
    shop.publish(1);
    let first = watch.wait_for("the first", |line| line["event"] == "alert");
    // Nobody reads any more: the second is stored, and its line goes nowhere.
    watch.stop_reading_now();
    let second = shop.publish(2);
    watch.wait();

    let mut stored = shop.watch_after("stored");
    let alert = stored.wait_for("the second", |line| line["event"] == "alert");
    let third = shop.publish(3);
    stored.wait_for("the third", |line| line["anomaly_id"] == third.as_str());
    let (lines, _) = stored.stop();
    let mut from_first = shop.watch_after(first["id"].as_str().expect("an id"));
    from_first.wait_for("protected", |line| line["status"] == "protected");
    let (again, _) = from_first.stop();
    let nothing = shop.watch_after("4711").wait();

    let told = |lines: &[Value]| -> Vec<String> {
        let alerts = lines.iter().filter(|line| line["event"] == "alert");
        alerts.map(|line| line["anomaly_id"].as_str().unwrap_or_default().to_owned()).collect()
    };
    assert_eq!(alert["anomaly_id"], second.as_str());
    assert_eq!(told(&lines), [second.clone(), third.clone()]);
    assert_eq!(told(&again), [second, third]);
    assert_eq!(nothing.0, 2, "{}", nothing.1);
    assert!(nothing.1.contains("There is no alert 4711 here"), "{}", nothing.1);
}

#[test]
fn case_14_a_server_that_is_not_up_yet_is_tried_again_from_one_second_on() {
    let shop = Shop::open();

    let mut watch = shop.watch_at("http://127.0.0.1:9");
    let first = watch.wait_for("the first pause", |line| line["retry_in_ms"].is_u64());
    let second = watch.wait_for("the second pause", |line| line["retry_in_ms"].is_u64());

    assert!(first["retry_in_ms"].as_u64().is_some_and(|pause| pause <= 1_000), "{first}");
    assert!(second["retry_in_ms"].as_u64().is_some_and(|pause| pause <= 1_500), "{second}");
}

#[test]
fn who_waits_for_a_first_sign_in_says_to_whom_and_what_stands_in_the_way() {
    let far = "http://alerts.shop.example:8000";
    for (url, proxy, named) in [("http://127.0.0.1:9", "", "127.0.0.1:9"), (far, "http://127.0.0.1:9", far)] {
        let shop = Shop::open();
        let mut watch = shop.watch_through(url, proxy);
        let line = watch.wait_for("the first pause", |line| line["retry_in_ms"].is_u64());

        let told = shop.run_alone(&["status", "--json"]);
        let examined = shop.run_alone(&["doctor", "--json"]);

        let status: Value = serde_json::from_str(told.out.trim()).expect("one object");
        assert_eq!((told.exit, &status["status"]), (4, &"offline".into()), "{}", told.out);
        assert_eq!((&status["reason"], &status["sentence"]), (&line["reason"], &line["sentence"]));
        assert!(status["server"].as_str().is_some_and(|server| server.contains(named)), "{status}");
        assert!(status["email"].is_null() && status["next_attempt_at"].is_i64(), "{status}");
        let found: Vec<Value> =
            examined.out.lines().map(|line| serde_json::from_str(line).expect("a finding")).collect();
        let of = |check: &str| {
            let finding = found.iter().find(|finding| finding["check"] == check).expect("the finding");
            finding["found"].as_str().expect("a sentence").to_owned()
        };
        assert!(of("address").contains(named), "{}", of("address"));
        assert!(of("program").contains(line["sentence"].as_str().expect("a sentence")), "{}", of("program"));
        if !proxy.is_empty() {
            assert!(of("program").contains("127.0.0.1:9"), "{}", of("program"));
        }
    }
}

#[test]
fn case_31_a_password_file_with_a_byte_order_mark_signs_in() {
    let shop = Shop::open();
    let mut watch = shop.watch();
    watch.wait_for("protected", |line| line["status"] == "protected");
    shop.publish(1);
    let incident = incident(&mut watch);
    watch.stop();

    let password = format!("\u{feff}{}\r", shop::PASSWORD);
    let arguments = ["acknowledge", &incident, "--email", shop::EMAIL, "--password-stdin"];
    let told = shop.run_with(&arguments, &password);

    assert_eq!(told.exit, 0, "{}", told.err);
}

/// The incident of the next alert.
fn incident(watch: &mut Watch) -> String {
    let alert = watch.wait_for("the alert", |line| line["event"] == "alert");
    alert["incident"].as_str().expect("an incident").to_owned()
}
