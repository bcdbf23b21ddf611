use super::*;

const WITHIN: Duration = Duration::from_secs(20);

#[test]
fn a_message_goes_through_every_stage() {
    let mut drill = begun();

    drill.sent(true, at(1));
    let heard = drill.heard("n");
    drill.stored();

    assert!(heard);
    assert_eq!(drill.stage(), Stage::Showing);
    assert_eq!(drill.took(at(3)), Duration::from_secs(3));
}

#[test]
fn a_message_may_be_back_before_the_server_has_answered() {
    let mut drill = begun();

    let heard = drill.heard("n");
    drill.sent(false, at(1));

    assert!(heard);
    assert_eq!((drill.stage(), drill.give_up_at()), (Stage::Storing, at(20)));
}

#[test]
fn a_strange_message_and_a_second_one_are_not_the_test_s() {
    let mut drill = begun();

    let strange = drill.heard("other");
    let first = drill.heard("n");
    let second = drill.heard("n");

    assert_eq!([strange, first, second], [false, true, false]);
}

#[test]
fn where_the_message_stopped_is_how_it_failed() {
    let mut drill = begun();
    let mut failures = vec![drill.failure()];
    drill.sent(true, at(1));
    failures.push(drill.failure());
    drill.heard("n");
    failures.push(drill.failure());
    drill.stored();
    failures.push(drill.failure());

    let expected = [None, Some(Failure::NotHeard), Some(Failure::NotStored), Some(Failure::NotShown)];
    assert_eq!(failures, expected);
}

#[test]
fn what_the_server_could_hand_to_nobody_is_not_waited_for_long() {
    let mut drill = begun();

    drill.sent(false, at(1));

    assert_eq!(drill.give_up_at(), at(3));
    assert_eq!(drill.failure(), Some(Failure::NotDelivered));
}

#[test]
fn a_time_of_day_is_two_digits_and_two() {
    let good: Vec<bool> = ["00:00", "09:30", "23:59"].map(|text| time_of_day(text).is_some()).into();
    let bad: Vec<bool> = ["24:00", "12:60", "9:30", "09:3", "+9:30", "0900", "", "noon", "09:30:00"]
        .map(|text| time_of_day(text).is_some())
        .into();

    assert!(good.iter().all(|is_one| *is_one), "{good:?}");
    assert!(!bad.iter().any(|is_one| *is_one), "{bad:?}");
}

#[test]
fn once_a_day_and_late_if_need_be() {
    let due = |now: &str, last: Option<&str>| due_in("UTC", "09:00", now, last);

    assert!(due("2026-11-21T09:00:00Z", Some("2026-11-20T09:00:05Z")));
    assert!(!due("2026-11-21T08:59:59Z", Some("2026-11-20T09:00:05Z")));
    assert!(!due("2026-11-21T23:00:00Z", Some("2026-11-21T09:00:05Z")));
    assert!(due("2026-11-21T15:00:00Z", Some("2026-11-20T09:00:05Z")), "asleep at the time");
    assert!(due("2026-11-24T03:00:00Z", Some("2026-11-20T09:00:05Z")), "away for days");
    assert!(due("2026-11-21T03:00:00Z", None));
}

#[test]
fn a_test_that_was_asked_for_after_the_time_is_the_day_s() {
    assert!(!due_in("UTC", "09:00", "2026-11-21T12:00:00Z", Some("2026-11-21T11:00:00Z")));
}

#[test]
fn a_wrong_clock_does_not_put_the_test_off_for_a_year() {
    assert!(due_in("UTC", "09:00", "2026-11-21T12:00:00Z", Some("2027-11-21T11:00:00Z")));
    assert!(
        !due_in("UTC", "09:00", "2026-11-21T08:00:00Z", Some("2026-11-21T09:00:05Z")),
        "set back an hour"
    );
}

/// Each half hour of a year in places that change their clocks: one test a day, however the day is long.
#[test]
fn every_day_of_a_year_has_one_test_through_both_changes_of_the_clocks() {
    for (place, time) in [
        ("Europe/Berlin", "02:30"),
        ("America/New_York", "01:30"),
        ("Australia/Lord_Howe", "02:00"),
        ("America/Sao_Paulo", "00:00"),
        ("Africa/Cairo", "00:15"),
    ] {
        let (zone, at) = (TimeZone::get(place).unwrap(), time_of_day(time).unwrap());
        let mut now: Timestamp = "2018-01-01T12:00:00Z".parse().unwrap();
        let end: Timestamp = "2019-01-01T12:00:00Z".parse().unwrap();
        let mut last = now;
        let mut days = std::collections::BTreeMap::new();
        while now < end {
            let expected = next(at, &zone, last).unwrap();
            if is_due(at, &zone, now, Some(last)) {
                assert!(expected <= now, "{place}: {now} though the next is {expected}");
                *days.entry(now.to_zoned_datetime(zone.clone()).date()).or_insert(0) += 1;
                last = now;
            }
            now = now.checked_add(SignedDuration::from_mins(30)).unwrap();
        }

        assert_eq!(days.len(), 365, "{place}");
        assert!(days.values().all(|tests| *tests == 1), "{place}: {days:?}");
    }
}

fn due_in(place: &str, time: &str, now: &str, last: Option<&str>) -> bool {
    let zone = TimeZone::get(place).unwrap();
    let last = last.map(|last| last.parse().unwrap());
    is_due(time_of_day(time).unwrap(), &zone, now.parse().unwrap(), last)
}

fn begun() -> Drill {
    Drill::begin("n".to_owned(), at(0), WITHIN)
}

fn at(seconds: u64) -> Moment {
    Moment::from_start(Duration::from_secs(seconds))
}
