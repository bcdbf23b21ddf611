use std::time::Duration;

use bytes::Bytes;
use jiff::SignedDuration;
use jiff::tz::TimeZone;
use visionguard_proto::{Alert, AnomalyId, Kind, Moment, Picture, ShopId, StreamId, Via};

use super::*;
use crate::journal::Journal;
use crate::model::{Decision, Dispatch, Entry, Recorded, Severity, Source};
use crate::view::{SettingsView, Theme};

#[tokio::test]
async fn case_07_an_alert_that_came_late_says_when_it_was_detected_and_by_how_much() {
    let world = World::new();
    let mut entry = world.tell("stream-a", 1, 70).await;
    entry.alert.detected_here = Some(at(0));
    let assessment = assess(Kind::Theft, Some(3.5), 1);
    let said = |entry: &Entry| words::body(entry, &assessment, &TimeZone::UTC);

    assert_eq!(said(&entry), "12:00:00. Medium: Theft pattern, score 3.5. Came late, 1 min 10 s.");
    entry.alert.detected_here = Some(at(65));
    assert!(!said(&entry).contains("late"), "{}", said(&entry));
    entry.alert.detected_here = Some(at(80));
    assert!(!said(&entry).contains("late"), "a clock that is ahead is no delay");
    assert_eq!(came_late(SignedDuration::from_secs(7_479)), "Came late, 2 h 4 min.");
}

#[tokio::test]
async fn the_first_alert_sounds_and_the_next_ones_update_it_silently_every_ten_seconds() {
    let world = World::new();
    let mut recent = Recent::default();

    let mut told = Vec::new();
    for second in 0..25 {
        let entry = world.tell("stream-a", 1, second).await;
        let now = moment(second);
        match consider(&entry, None, &settings(), &recent, now) {
            Verdict::Notify(notification) => {
                recent.note(&entry, now);
                told.push((second, notification.sound, notification.id.clone(), notification.body));
            }
            Verdict::NotBefore(at) => assert!(at > now && at <= now + UPDATE_PAUSE),
            Verdict::Silent => panic!("an open incident is not silent"),
        }
    }

    let when: Vec<_> = told.iter().map(|(second, sound, ..)| (*second, *sound)).collect();
    assert_eq!(when, [(0, true), (10, false), (20, false)]);
    assert!(told.iter().all(|(_, _, id, _)| *id == told[0].2), "one notification, updated");
    assert!(told[2].3.contains("21 alerts"), "{}", told[2].3);
}

#[tokio::test]
async fn another_person_breaks_through_at_once() {
    let world = World::new();
    let mut recent = Recent::default();
    let first = world.tell("stream-a", 1, 0).await;
    recent.note(&first, moment(0));

    let other = world.tell("stream-a", 2, 1).await;
    let verdict = consider(&other, None, &settings(), &recent, moment(1));

    let Verdict::Notify(notification) = verdict else { panic!("at once, not {verdict:?}") };
    assert!(notification.sound);
}

#[tokio::test]
async fn an_alert_that_was_spoken_for_is_not_shown_again_however_late_the_journal_says_so() {
    let world = World::new();
    let mut recent = Recent::default();
    let older = world.tell("stream-a", 1, 0).await;
    let newer = world.tell("stream-a", 1, 1).await;
    let newest = world.tell("stream-a", 1, 2).await;
    recent.note(&newer, moment(1));

    let late = moment(40);
    let [older, same] = [&older, &newer].map(|entry| consider(entry, None, &settings(), &recent, late));
    let update = consider(&newest, None, &settings(), &recent, late);
    recent.forget(newer.incident.id);
    let not_taken = consider(&newer, None, &settings(), &recent, late);

    assert_eq!((older, same), (Verdict::Silent, Verdict::Silent));
    assert!(matches!(update, Verdict::Notify(_)), "{update:?}");
    assert!(matches!(not_taken, Verdict::Notify(_)), "the desktop did not take it: {not_taken:?}");
}

#[tokio::test]
async fn what_was_heard_makes_no_sound_once_more_from_a_journal_that_took_the_place_of_a_lost_one() {
    let (lost, new) = (World::new(), World::new());
    let mut recent = Recent::default();
    let name = AnomalyId::new("46ffb561-9be3-4edd-84a6-8cc6e2e32d99").ok();
    let mut heard = lost.tell("stream-a", 1, 0).await;
    heard.alert.anomaly_id.clone_from(&name);
    recent.note(&heard, moment(0));
    let another = new.tell("stream-b", 2, 1).await;
    let mut again = new.tell("stream-a", 1, 2).await;
    again.alert.anomaly_id = name;

    let sounds = |entry: &Entry, recent: &Recent| {
        let verdict = consider(entry, None, &settings(), recent, moment(20));
        let Verdict::Notify(notification) = verdict else { panic!("not shown: {verdict:?}") };
        notification.sound
    };

    assert!(sounds(&another, &recent));
    assert!(!sounds(&again, &recent));
    recent.forget(heard.incident.id);
    assert!(sounds(&again, &recent), "nobody heard it");
}

#[tokio::test]
async fn an_update_that_was_not_taken_takes_nothing_back_of_what_was_shown_before() {
    let world = World::new();
    let mut recent = Recent::default();
    let shown = world.tell("stream-a", 1, 0).await;
    let failed = world.tell("stream-a", 1, 1).await;
    recent.note(&shown, moment(0));
    recent.note(&failed, moment(11));

    recent.forget(failed.incident.id);
    let [shown, failed] =
        [&shown, &failed].map(|entry| consider(entry, None, &settings(), &recent, moment(12)));

    assert_eq!(shown, Verdict::Silent, "it would be shown twice");
    let Verdict::Notify(again) = failed else { panic!("not shown: {failed:?}") };
    assert!(!again.sound, "the incident's sound was heard");
}

#[tokio::test]
async fn after_a_restart_a_shown_incident_is_updated_without_a_sound() {
    let world = World::new();
    let first = world.tell("stream-a", 1, 0).await;
    world.journal.mark_notified(first.alert.id, at(0)).await.expect("marked");

    let next = world.tell("stream-a", 1, 1).await;
    let verdict = consider(&next, None, &settings(), &Recent::default(), moment(1));

    let Verdict::Notify(notification) = verdict else { panic!("an update, not {verdict:?}") };
    assert!(!notification.sound);
}

#[tokio::test]
async fn after_hours_everything_is_told_as_what_is_high_and_during_them_as_ever() {
    let world = World::new();
    let first = world.tell("stream-a", 1, 0).await;
    let closed = SettingsView { opening_hours: Some(vec![String::new(); 7]), ..settings() };
    let open = SettingsView { opening_hours: Some(vec!["00:00-24:00".to_owned(); 7]), ..settings() };

    let told = |settings: &SettingsView| {
        let verdict = consider(&first, None, settings, &Recent::default(), moment(0));
        let Verdict::Notify(told) = verdict else { panic!("not shown: {verdict:?}") };
        let card = card(&first, settings);
        (told.critical, card.severity, card.sounds_each_time, told.body)
    };

    let (critical, severity, each_time, body) = told(&closed);
    assert_eq!((critical, severity, each_time), (true, Severity::High, true));
    assert!(body.contains("Medium: Theft pattern, score 3.5, after hours."), "{body}");
    assert_eq!(told(&open), told(&settings()));
    assert!(!told(&settings()).0);
    assert!(!card(&first, &SettingsView { sound: false, ..closed }).sounds_each_time);
}

#[tokio::test]
async fn what_the_page_shows_of_an_incident_says_that_it_was_after_hours() {
    let world = World::new();
    let entry = world.tell("stream-a", 1, 0).await;
    let shown = crate::journal::view::incident(&entry.incident, &settings().camera_names);
    let said = |hours: Option<&str>, mut shown: crate::view::Incident| {
        let hours = hours.map(|hours| Hours::read(hours).expect("hours"));
        say_after_hours(&mut shown, hours.as_ref(), &TimeZone::UTC);
        shown.why
    };

    // It was at noon of a Saturday.
    assert_eq!(said(None, shown.clone()), "Theft pattern, score 3.5");
    assert_eq!(said(Some("Sa 08:00-20:00"), shown.clone()), "Theft pattern, score 3.5");
    assert_eq!(said(Some("Su 08:00-20:00"), shown), "Theft pattern, score 3.5, after hours");
}

#[tokio::test]
async fn what_was_decided_on_or_switched_off_stays_silent() {
    let world = World::new();
    let entry = world.tell("stream-a", 1, 0).await;
    let off = SettingsView { notifications: false, ..settings() };

    let switched_off = consider(&entry, None, &off, &Recent::default(), moment(0));
    world
        .journal
        .decide(entry.incident.id, Decision::Acknowledged, None, Dispatch::AtOnce, at(1))
        .await
        .expect("decided");
    let next = world.tell("stream-a", 1, 2).await;
    let decided = consider(&next, None, &settings(), &Recent::default(), moment(2));

    assert_eq!((switched_off, decided), (Verdict::Silent, Verdict::Silent));
}

#[tokio::test]
async fn a_notification_says_what_where_how_bad_and_shows_the_picture_only_if_wanted() {
    let world = World::new();
    let entry = world.tell("stream-a", 1, 0).await;
    let named =
        SettingsView { camera_names: [("stream-a".to_owned(), "Aisle 3".to_owned())].into(), ..settings() };
    let discreet = SettingsView { picture_in_notification: false, ..named.clone() };
    let blurred = SettingsView { blur: true, ..named.clone() };
    let picture = Some(Bytes::from_static(b"jpeg"));

    let shown = consider(&entry, picture.clone(), &named, &Recent::default(), moment(0));
    let hidden = consider(&entry, picture.clone(), &discreet, &Recent::default(), moment(0));
    let veiled = consider(&entry, picture.clone(), &blurred, &Recent::default(), moment(0));

    let (Verdict::Notify(shown), Verdict::Notify(hidden)) = (shown, hidden) else { panic!("both are shown") };
    assert!(matches!(veiled, Verdict::Notify(veiled) if veiled.picture.is_none()));
    assert_eq!(shown.title, "Theft pattern: Aisle 3");
    assert!(shown.body.contains("Medium: Theft pattern, score 3.5."), "{}", shown.body);
    assert_eq!((shown.picture, hidden.picture), (picture, None));
    assert_eq!(shown.alert, Some(entry.alert.id.to_string()));
}

#[tokio::test]
async fn what_has_no_popup_is_counted_in_words() {
    let world = World::new();
    let mut budget = Budget::new(true);
    let told = |budget: &mut Budget| {
        let Some(Count::Tell(tally)) = budget.count(true) else { panic!("nothing is to be told") };
        budget.counter_shown();
        counter(&tally, &settings())
    };
    let mut said = Vec::new();
    for (stream, shop) in [("stream-a", "shop-1"), ("stream-b", "shop-1"), ("stream-c", "shop-2")] {
        let mut entry = world.tell(stream, 1, 0).await;
        entry.incident.shop_id = ShopId::new(shop).ok();
        assert_eq!(budget.count_missed(card(&entry, &settings()), true), []);
        said.push(told(&mut budget));
    }

    assert!(said.iter().all(|counter| counter.id == COUNTER && counter.sound));
    assert_eq!(
        said.iter().map(|counter| counter.title.as_str()).collect::<Vec<_>>(),
        ["1 not handled", "2 not handled", "3 not handled, 2 stores"]
    );
    assert!(said[2].body.starts_with("The latest: Theft pattern: Camera stream-c, "), "{}", said[2].body);
    assert_eq!(standing(&said[0]), Standing::UntilClosed);
}

struct World {
    journal: Journal,
}

impl World {
    fn new() -> World {
        World { journal: Journal::in_memory().expect("a journal") }
    }

    async fn tell(&self, stream: &str, person: i64, second: i64) -> Entry {
        let alert = Alert {
            via: Via::Detection,
            kind: Kind::Theft,
            anomaly_id: None,
            shop_id: None,
            stream_id: StreamId::new(stream).ok(),
            person_id: Some(person),
            start_frame: Some(1),
            frame_number: Some(24 + second),
            score: Some(3.5),
            claimed_severity: Some("low".to_owned()),
            text: None,
            location: None,
            detected_at: None,
            bounding_box: None,
            picture: Picture::Absent,
            cursor: None,
            replayed: false,
        };
        let recorded = self.journal.record(alert, at(second), Source::Live).await.expect("recorded");
        assert!(matches!(recorded, Recorded::New { .. }));
        recorded.entry().clone()
    }
}

fn at(second: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_second(1_795_262_400 + second).expect("a time")
}

fn moment(second: i64) -> Moment {
    Moment::from_start(Duration::from_secs(second.unsigned_abs()))
}

fn settings() -> SettingsView {
    SettingsView {
        start_at_sign_in: false,
        notifications: true,
        picture_in_notification: true,
        sound: true,
        sound_volume: 70,
        blur: false,
        theme: Theme::System,
        keep_days: 30,
        drill_at: None,
        opening_hours: None,
        acknowledgement_timeout_minutes: 0,
        repeat_minutes: 0,
        cooldown_minutes: 0,
        camera_names: std::collections::BTreeMap::new(),
    }
}
