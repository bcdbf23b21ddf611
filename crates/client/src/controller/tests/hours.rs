//! A shop that is open at some times and closed at others.

use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::desk::Desk;
use super::screen::{of_camera, protected, says};
use super::server::Server;
use crate::model::Severity;
use crate::policy::{Hours, SnoozeFor};
use crate::view::{Event, FeedItem, FeedQuery, HoursView};

#[tokio::test]
async fn after_hours_a_theft_stays_on_the_screen_and_says_why_and_in_hours_it_does_not() {
    let (server, mut desk) = (Server::start().await, Desk::new());
    desk.settings.view.opening_hours = Some(vec![String::new(); 7]);
    let running = protected(&desk, &server).await;
    running.client.window(true);

    says(&server, &running, 1).await;
    let closed = running.client.snapshot().await;
    let mut settings = closed.settings.clone();
    settings.opening_hours = Some(vec!["00:00-24:00".to_owned(); 7]);
    running.client.change_settings(settings).await.expect("they are stored");
    server.say(&of_camera(2));
    running.until("it pops up", |told| (told.notifications.len() == 2).then_some(())).await;
    let page = running.client.feed(FeedQuery::default()).await.expect("a page");
    let detail = running.client.incident("1").await.expect("an incident");

    let told = running.told();
    let shown: Vec<_> = told.notifications.iter().map(|raised| (raised.critical, raised.sound)).collect();
    assert_eq!(shown, [(true, true), (false, true)]);
    assert!(told.notifications[0].body.contains("after hours"), "{}", told.notifications[0].body);
    let [FeedItem::Incident(listed)] = &closed.feed.items[..] else { panic!("one is listed") };
    assert_eq!(listed.severity, Severity::Medium, "it is worth what it is worth");
    assert!(listed.why.ends_with(", after hours"), "{}", listed.why);
    assert_eq!(closed.hours, Some(HoursView { open: false, until: None }));
    let opened = Event::Hours { hours: Some(HoursView { open: true, until: None }) };
    assert!(told.events.contains(&opened), "{:?}", told.events);
    assert!(
        page.items.iter().all(|item| matches!(item, FeedItem::Incident(it) if !it.why.contains("hours")))
    );
    assert!(!detail.incident.why.contains("after hours"), "{}", detail.incident.why);
}

#[tokio::test]
async fn a_snooze_ends_when_the_shop_closes_also_by_hours_that_are_set_later() {
    let (server, desk) = (Server::start().await, Desk::new());
    let running = protected(&desk, &server).await;
    let first = says(&server, &running, 1).await;
    let asked = running.client.snooze(&first, Duration::from_secs(3_600), None).await.expect("snoozed");
    let hours = open_until(20);
    let mut settings = running.client.snapshot().await.settings;
    settings.opening_hours = Some(hours.days());

    running.client.change_settings(settings).await.expect("they are stored");
    let cut = running.client.snapshot().await.snoozes;
    let again = running.client.snooze(&first, Duration::from_secs(3_600), None).await.expect("snoozed");
    let longer = running.client.extend_snooze(&again.camera, Duration::from_secs(3_600)).await;
    let extended = running.client.snapshot().await.snoozes;

    let closing =
        hours.next_closing(Timestamp::now(), &TimeZone::system()).expect("it closes").as_millisecond();
    assert!(asked.until > closing, "an hour is longer than that");
    assert_eq!((cut[0].until, again.until, extended[0].until), (closing, closing, closing));
    assert_eq!(longer, Ok(()));
}

#[tokio::test]
async fn a_camera_is_snoozed_until_the_shop_closes_or_opens_as_fits() {
    let (server, mut desk) = (Server::start().await, Desk::new());
    let unknown = Desk::new();
    let hours = open_until(20);
    desk.settings.view.opening_hours = Some(hours.days());
    let running = protected(&desk, &server).await;
    let first = says(&server, &running, 1).await;

    let until = running.client.snooze(&first, SnoozeFor::Closing, Some(" new\nshelves ".to_owned())).await;
    let open = running.client.snooze(&first, SnoozeFor::Opening, None).await;
    running.quit().await;
    let running = protected(&unknown, &server).await;
    let other = says(&server, &running, 1).await;
    let no_hours = running.client.snooze(&other, SnoozeFor::Closing, None).await;

    let closing =
        hours.next_closing(Timestamp::now(), &TimeZone::system()).expect("it closes").as_millisecond();
    let until = until.expect("snoozed");
    assert_eq!((until.until, until.why.as_deref()), (closing, Some("newshelves")));
    assert_eq!(open.expect_err("refused").sentence, "The shop is open already.");
    assert!(no_hours.expect_err("refused").sentence.starts_with("The opening hours are not known."));
}

/// A shop that is open each day, and closes so many minutes from now, by the minute.
fn open_until(minutes: i64) -> Hours {
    let at = |minutes| {
        let at = Timestamp::now() + SignedDuration::from_mins(minutes);
        at.to_zoned_datetime(TimeZone::system()).strftime("%H:%M").to_string()
    };
    Hours::read(&format!("{}-{}", at(-60), at(minutes))).expect("hours")
}
