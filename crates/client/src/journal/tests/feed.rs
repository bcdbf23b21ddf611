//! The feed shows what is in view, newest first, page by page.

use jiff::SignedDuration;
use visionguard_proto::{Alert, Kind};

use super::super::JournalError;
use super::{World, detection, no_names, noon, shop};
use crate::model::{Decision, Delivery, Dispatch, Recorded, Severity};
use crate::view::{Counts, FeedFilter, FeedItem, FeedPage, FeedQuery, IncidentKind, Who};

#[tokio::test]
async fn the_pages_follow_each_other_without_gap_or_overlap() {
    let world = World::new();
    for index in 0..120 {
        // Several begin in the same second.
        world.tell(detection(&format!("stream-{index}"), 1, 30).seen(), index / 7).await;
    }
    world.journal.outage_began(noon(3), "lost").await.expect("noted");
    world.journal.outage_ended(noon(5), 2).await.expect("noted");

    let mut sizes = Vec::new();
    let mut all = Vec::new();
    let mut before = None;
    loop {
        let page = feed(&world, FeedQuery { before, ..FeedQuery::default() }).await;
        sizes.push(page.items.len());
        all.extend(page.items);
        before = page.next;
        if before.is_none() {
            break;
        }
    }

    assert_eq!(sizes, [50, 50, 21]);
    let begins: Vec<i64> = all.iter().map(begin).collect();
    assert!(begins.is_sorted_by(|newer, older| newer >= older));
    let mut ids: Vec<String> = all.iter().map(id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 121);
}

#[tokio::test]
async fn an_outage_says_when_and_what_was_caught_up_on() {
    let world = World::new();

    world.journal.outage_began(noon(0), "lost").await.expect("noted");
    world.journal.outage_began(noon(60), "lost").await.expect("noted");
    let during = feed(&world, FeedQuery::default()).await;
    world.journal.outage_ended(noon(900), 4).await.expect("noted");
    let after = feed(&world, FeedQuery::default()).await;

    let FeedItem::Outage { to: None, from, .. } = &during.items[0] else { panic!("open: {during:?}") };
    assert_eq!(*from, noon(0).as_millisecond());
    let FeedItem::Outage { to: Some(to), caught_up: 4, sentence, .. } = &after.items[0] else {
        panic!("over: {after:?}")
    };
    assert_eq!(*to, noon(900).as_millisecond());
    assert!(sentence.contains("4 alerts"), "{sentence}");
    assert_eq!(after.items.len(), 1);
}

#[tokio::test]
async fn case_07_what_came_live_but_late_says_when_it_happened() {
    let world = World::new();
    world.journal.server_is_ahead(SignedDuration::from_secs(120));
    // Detected 2, 12 and 599 s after noon by the server's clock, two minutes before that by ours.
    let seen = |stream, frame| {
        let detection = detection(stream, 1, frame);
        Alert { detected_at: Some(detection.at), ..detection.seen_with_id() }
    };
    world.tell(seen("late", 60), 420).await;
    world.tell(seen("late", 360), 421).await;
    world.tell(seen("prompt", 17_970), 480).await;
    world.catch_up(detection("missed", 1, 60).row(), 500).await;

    let page = feed(&world, FeedQuery::default()).await;

    let late = |stream: &str| {
        let of = |item: &FeedItem| match item {
            FeedItem::Incident(incident) if incident.stream_id.as_deref() == Some(stream) => {
                Some(incident.clone())
            }
            FeedItem::Incident(_) | FeedItem::Outage { .. } => None,
        };
        page.items.iter().find_map(of).expect("it is in the feed").late
    };
    let told = late("late").expect("it came late");
    assert_eq!((told.from, told.to), (noon(-118).as_millisecond(), noon(-108).as_millisecond()));
    assert_eq!(told.sentence, "Came late, 8 min 58 s.");
    assert_eq!(late("prompt"), None);
    assert_eq!(late("missed"), None, "its place is where it was detected");
}

#[tokio::test]
async fn the_filter_leaves_what_nobody_has_decided_on() {
    let world = World::new();
    let handled = world.tell(detection("stream-a", 1, 30).seen_with_id(), 0).await;
    let open = world.tell(detection("stream-b", 1, 30).seen_with_id(), 1).await;
    world
        .journal
        .decide(handled.entry().incident.id, Decision::Resolved, None, Dispatch::AtOnce, noon(2))
        .await
        .expect("decided");

    let page = feed(&world, FeedQuery { filter: FeedFilter::Unhandled, ..FeedQuery::default() }).await;

    assert_eq!(page.items.iter().map(id).collect::<Vec<_>>(), [open.entry().incident.id.to_string()]);
}

#[tokio::test]
async fn search_finds_camera_shop_and_words_and_takes_wildcards_literally() {
    let world = World::new();
    let aisle = world.tell(detection("stream-a", 1, 30).seen(), 0).await;
    let door = Alert { location: Some("Front door 100%".to_owned()), ..detection("stream-b", 1, 30).row() };
    let door = world.catch_up(door, 2).await;
    world.journal.remember_shops(vec![(shop("shop-1"), "Harbour Road".to_owned())]).await.expect("noted");
    let names = [("stream-a".to_owned(), "Émile's aisle".to_owned())].into();
    let (aisle, door) = (aisle.entry().incident.id.to_string(), door.entry().incident.id.to_string());

    for (search, expected) in [
        ("émile", vec![&aisle]),
        ("AISLE stream", vec![&aisle]),
        ("harbour", vec![&door]),
        ("front anomalous", vec![&door]),
        ("100%", vec![&door]),
        ("1%0", vec![]),
        ("d__r", vec![]),
        ("' OR 1=1 --", vec![]),
        ("stream-", vec![&door, &aisle]),
        ("fro 100", vec![&door]),
        ("ont", vec![]),
        ("sle", vec![]),
        ("ais", vec![&aisle]),
    ] {
        let query = FeedQuery { search: search.to_owned(), ..FeedQuery::default() };
        let page = world.journal.feed(query, &names).await.expect("a page");

        assert_eq!(
            page.items.iter().map(id).collect::<Vec<_>>().iter().collect::<Vec<_>>(),
            expected,
            "{search}"
        );
    }
}

#[tokio::test]
async fn few_letters_and_numbers_are_found_where_they_begin_and_notes_are_searched() {
    let world = World::new();
    let mut ids = Vec::new();
    let said = "Anomalous behavior detected (Person ID: 1, Confidence: Low)";
    for (minute, location) in [(0, "Till 1"), (10, "Till 2, 21 Main Street"), (20, "Kasse12")] {
        let alert = Alert {
            location: Some(location.to_owned()),
            text: Some(said.to_owned()),
            ..detection(&format!("stream-1{minute}"), 1, 30).row()
        };
        ids.push(world.catch_up(alert, minute * 60).await.entry().incident.id);
    }
    let note = Some("the \"bag\" was\npaid for".to_owned());
    world
        .journal
        .decide(ids[2], Decision::Resolved, note, Dispatch::AtOnce, noon(2_000))
        .await
        .expect("decided");

    for (search, expected) in [
        ("till 1", vec![0]),
        ("till 21", vec![1]),
        ("1", vec![2, 0]),
        ("12", vec![2]),
        ("2", vec![1]),
        ("bag", vec![2]),
        ("pai", vec![2]),
        ("aid", vec![]),
        ("mai str", vec![1]),
    ] {
        let query = FeedQuery { search: search.to_owned(), ..FeedQuery::default() };
        let page = world.journal.feed(query, &no_names()).await.expect("a page");
        let expected: Vec<_> = expected.iter().map(|index: &usize| ids[*index].to_string()).collect();

        assert_eq!(page.items.iter().map(id).collect::<Vec<_>>(), expected, "{search}");
    }
}

#[tokio::test]
async fn the_severities_of_the_feed_are_those_of_the_policy() {
    let world = World::new();
    let scores = [None, Some(0.9), Some(4.99), Some(5.0), Some(12.0)];
    for (index, kind) in [Kind::Theft, Kind::Intrusion, Kind::Other].into_iter().enumerate() {
        for (other, score) in scores.into_iter().enumerate() {
            let stream = format!("stream-{index}-{other}");
            for person in 0..4 {
                let row = Alert { kind, score, ..detection(&stream, person, 30).seen() };
                world.tell(row, person * 70).await;
            }
        }
    }

    let all = feed(&world, FeedQuery::default()).await;
    let rest = feed(&world, FeedQuery { before: all.next, ..FeedQuery::default() }).await;
    let all: Vec<FeedItem> = all.items.into_iter().chain(rest.items).collect();

    assert_eq!(all.len(), 60);
    for severity in [Severity::Low, Severity::Medium, Severity::High] {
        let expected: Vec<String> =
            all.iter().filter(|item| severity_of(item) == Some(severity)).map(id).collect();
        let page = feed(&world, FeedQuery { severity: Some(severity), ..FeedQuery::default() }).await;

        assert!(!expected.is_empty(), "{severity:?}");
        assert_eq!(page.items.iter().map(id).collect::<Vec<_>>(), expected, "{severity:?}");
    }
}

#[tokio::test]
async fn a_shop_narrows_the_feed_and_is_offered_while_it_has_incidents() {
    let world = World::new();
    let harbour = world.catch_up(detection("stream-a", 1, 30).row(), 0).await;
    let other = Alert { shop_id: Some(shop("shop-2")), ..detection("stream-b", 1, 30).row() };
    world.catch_up(other, 1).await;
    let names = ["shop-1", "shop-2", "shop-3"].map(|id| (shop(id), format!("{id} by name")));
    world.journal.remember_shops(names.to_vec()).await.expect("noted");
    world.journal.outage_began(noon(3), "lost").await.expect("noted");

    let narrowed = FeedQuery { shop: Some("shop-1".to_owned()), ..FeedQuery::default() };
    let before = feed(&world, narrowed.clone()).await;
    world.handle(&harbour, 4).await;
    world.journal.dismiss(harbour.entry().incident.id, noon(4)).await.expect("dismissed");
    let after = feed(&world, narrowed).await;

    let offered = |page: &FeedPage| page.shops.iter().map(|shop| shop.name.clone()).collect::<Vec<_>>();
    assert_eq!(before.items.iter().map(id).collect::<Vec<_>>(), [harbour.entry().incident.id.to_string()]);
    assert_eq!(offered(&before), ["shop-1 by name", "shop-2 by name"]);
    assert_eq!(offered(&after), ["shop-2 by name"]);
    assert!(after.items.is_empty());
}

#[tokio::test]
async fn each_filter_leaves_what_it_says_and_they_narrow_together() {
    let world = World::new();
    let theft = world.tell(detection("stream-a", 1, 30).seen_with_id(), 0).await;
    let intrusion = Alert { kind: Kind::Intrusion, ..detection("stream-b", 1, 30).seen_with_id() };
    let intrusion = world.tell(intrusion, 100).await;
    let theirs = world.catch_up(detection("stream-c", 1, 30).row(), 200).await;
    let refused = world.tell(detection("stream-d", 1, 30).seen_with_id(), 300).await;
    world.handle(&theirs, 400).await;
    let decide = async |told: &Recorded, decision| {
        let journal = &world.journal;
        let incident = told.entry().incident.id;
        journal.decide(incident, decision, None, Dispatch::AtOnce, noon(400)).await.expect("decided");
    };
    decide(&intrusion, Decision::FalseAlarm).await;
    decide(&refused, Decision::FalseAlarm).await;
    let sent = world.journal.next_to_send(10).await.expect("to send");
    let of_refused =
        sent.iter().find(|sent| sent.incident == refused.entry().incident.id).expect("it is sent");
    let no = Delivery::Refused { sentence: "No.".to_owned() };
    world.journal.sent(of_refused.id, no, noon(401)).await.expect("noted");
    let [theft, intrusion, theirs] =
        [theft, intrusion, theirs].map(|told| told.entry().incident.id.to_string());

    let all = FeedQuery::default;
    for (what, query, expected) in [
        ("camera", FeedQuery { camera: Some("stream-a".to_owned()), ..all() }, vec![&theft]),
        ("kind", FeedQuery { kind: Some(IncidentKind::Intrusion), ..all() }, vec![&intrusion]),
        ("decision", FeedQuery { decision: Some(Decision::FalseAlarm), ..all() }, vec![&intrusion]),
        ("who: me", FeedQuery { who: Some(Who::Me), ..all() }, vec![&intrusion]),
        ("who: others", FeedQuery { who: Some(Who::Others), ..all() }, vec![&theirs]),
        (
            "until",
            FeedQuery {
                until: Some(noon(1).as_millisecond()),
                since: Some(noon(0).as_millisecond()),
                ..all()
            },
            vec![&theft],
        ),
        (
            "kind, who and a word",
            FeedQuery {
                kind: Some(IncidentKind::Theft),
                who: Some(Who::Others),
                search: "anomalous".to_owned(),
                ..all()
            },
            vec![&theirs],
        ),
        (
            "what is both",
            FeedQuery { camera: Some("stream-a".to_owned()), who: Some(Who::Others), ..all() },
            vec![],
        ),
        ("hostile", FeedQuery { camera: Some("' OR 1 --".to_owned()), ..all() }, vec![]),
    ] {
        let page = feed(&world, query).await;

        let ids: Vec<String> = page.items.iter().map(id).collect();
        assert!(what == "until" || ids.iter().eq(expected.iter().copied()), "{what}: {ids:?}");
        assert!(expected.iter().all(|id| ids.contains(id)), "{what}: {ids:?}");
    }
    let counts = world.journal.counts(noon(0)).await.expect("counted");
    assert_eq!(counts.unhandled, 2, "whatever the list is narrowed to");
}

#[tokio::test]
async fn the_cameras_are_offered_by_the_names_that_the_page_shows() {
    let world = World::new();
    world.tell(detection("stream-a", 1, 30).seen(), 0).await;
    let door = Alert { location: Some("Front door".to_owned()), ..detection("stream-b", 1, 30).row() };
    world.catch_up(door, 2).await;
    let names = [("stream-a".to_owned(), "Émile's aisle".to_owned())].into();

    let page = world.journal.feed(FeedQuery::default(), &names).await.expect("a page");

    let cameras: Vec<_> =
        page.cameras.iter().map(|camera| (camera.id.as_str(), camera.name.as_str())).collect();
    assert_eq!(cameras, [("stream-b", "Front door"), ("stream-a", "Émile's aisle")]);
}

#[tokio::test]
async fn from_any_moment_the_list_goes_on_both_ways_without_gap_or_overlap() {
    let world = World::new();
    for index in 0..170 {
        let told = Alert {
            location: Some("Till".to_owned()),
            ..detection(&format!("stream-{index}"), 1, 30).seen()
        };
        world.tell(told, index / 7).await;
    }
    world.journal.outage_began(noon(13), "lost").await.expect("noted");
    world.journal.outage_ended(noon(14), 0).await.expect("noted");
    let at = Some(noon(12).as_millisecond() + 999);

    for search in ["", "till"] {
        let all = |query: FeedQuery| FeedQuery { search: search.to_owned(), ..query };
        let mut whole = Vec::new();
        let mut before = None;
        loop {
            let page = feed(&world, all(FeedQuery { before, ..FeedQuery::default() })).await;
            whole.extend(page.items.iter().map(id));
            before = page.next;
            if before.is_none() {
                break;
            }
        }

        let middle = feed(&world, all(FeedQuery { at, ..FeedQuery::default() })).await;
        let mut around: Vec<String> = middle.items.iter().map(id).collect();
        let mut after = middle.previous.clone();
        while after.is_some() {
            let page = feed(&world, all(FeedQuery { after, ..FeedQuery::default() })).await;
            around.splice(0..0, page.items.iter().map(id));
            after = page.previous;
        }
        let above = around.len() - middle.items.len();
        // By the row itself, as the page does that has forgotten what was below.
        let mut last = around.last().cloned();
        while let Some(before) = last.take() {
            let page = feed(&world, all(FeedQuery { before: Some(before), ..FeedQuery::default() })).await;
            around.extend(page.items.iter().map(id));
            last = page.items.last().map(id);
        }

        assert_eq!(around, whole, "{search:?}");
        let told = if search.is_empty() { u32::try_from(above).ok() } else { None };
        assert_eq!((middle.above, above > 50), (told, true), "{search:?}");
    }
}

#[tokio::test]
async fn since_midnight_means_what_began_then_and_the_outage_that_lasted_until_then() {
    let world = World::new();
    world.journal.outage_began(noon(-20), "lost").await.expect("noted");
    world.journal.outage_ended(noon(-10), 0).await.expect("noted");
    world.journal.outage_began(noon(-8), "lost").await.expect("noted");
    world.journal.outage_ended(noon(3), 0).await.expect("noted");
    world.tell(detection("stream-a", 1, 30).seen(), -1).await;
    let at = world.tell(detection("stream-b", 1, 30).seen(), 0).await;
    let later = world.tell(detection("stream-c", 1, 30).seen(), 5).await;

    let since = Some(noon(0).as_millisecond());
    let page = feed(&world, FeedQuery { since, ..FeedQuery::default() }).await;

    let ids: Vec<String> = page.items.iter().map(id).collect();
    assert_eq!(ids[..2], [later, at].map(|recorded| recorded.entry().incident.id.to_string()));
    assert_eq!(page.items[2..].iter().map(begin).collect::<Vec<_>>(), [noon(-8).as_millisecond()]);
}

#[tokio::test]
async fn the_note_of_a_decision_made_here_is_shown_with_it() {
    let world = World::new();
    let incident = world.tell(detection("stream-a", 1, 30).seen_with_id(), 0).await.entry().incident.id;
    let note = async || {
        let detail = world.journal.incident_detail(incident, &no_names()).await.expect("read");
        detail.expect("known").note
    };

    let before = note().await;
    let words = Some("She came back and paid <b>".to_owned());
    world
        .journal
        .decide(incident, Decision::Resolved, words.clone(), Dispatch::AtOnce, noon(2))
        .await
        .expect("decided");

    assert_eq!(before, None);
    assert_eq!(note().await, words);
}

#[tokio::test]
async fn a_cursor_that_no_page_gave_out_is_refused() {
    let world = World::new();

    for cursor in ["", "1", "1.2", "1.2.3.4", "a.b.c", "1.2.9999999999999999999999"] {
        let query = FeedQuery { before: Some(cursor.to_owned()), ..FeedQuery::default() };
        assert_eq!(world.journal.feed(query, &no_names()).await, Err(JournalError::BadCursor), "{cursor}");
    }
}

#[tokio::test]
async fn the_counters_follow() {
    let world = World::new();
    let mut incidents = Vec::new();
    for index in 0..4 {
        let told = world.tell(detection(&format!("stream-{index}"), 1, 30).seen_with_id(), index * 10).await;
        incidents.push(told.entry().incident.id);
    }

    world.journal.seen(incidents[0], noon(50)).await.expect("seen");
    world
        .journal
        .decide(incidents[1], Decision::Resolved, None, Dispatch::AtOnce, noon(50))
        .await
        .expect("decided");
    world
        .journal
        .decide(incidents[2], Decision::FalseAlarm, None, Dispatch::AtOnce, noon(50))
        .await
        .expect("decided");
    world.journal.dismiss(incidents[2], noon(50)).await.expect("dismissed");

    let counts = world.journal.counts(noon(15)).await.expect("counted");
    assert_eq!(counts, Counts { unhandled: 2, unseen: 1, total: 3, cleared: 1, today: 2 });
}

#[tokio::test]
async fn an_incident_opens_with_its_alerts_oldest_first() {
    let world = World::new();
    for index in 0..250 {
        world.tell(detection("stream-a", 1, 30 * (index + 1)).noticed(), index / 5).await;
    }
    let incident = world.alerts().await[0].incident.id;

    let detail = world.journal.incident_detail(incident, &no_names()).await.expect("read").expect("known");

    assert_eq!(detail.alerts.len(), 200);
    assert_eq!(detail.incident.alerts, 250);
    assert!(detail.alerts.is_sorted_by_key(|alert| alert.received_at));
    assert_eq!(detail.alerts[199].received_at, noon(49).as_millisecond());
    assert_eq!(detail.text.as_deref(), Some("Anomalous behavior detected"));
}

async fn feed(world: &World, query: FeedQuery) -> FeedPage {
    world.journal.feed(query, &no_names()).await.expect("a page")
}

fn severity_of(item: &FeedItem) -> Option<Severity> {
    match item {
        FeedItem::Incident(incident) => Some(incident.severity),
        FeedItem::Outage { .. } => None,
    }
}

fn begin(item: &FeedItem) -> i64 {
    match item {
        FeedItem::Incident(incident) => incident.first_at,
        FeedItem::Outage { from, .. } => *from,
    }
}

fn id(item: &FeedItem) -> String {
    match item {
        FeedItem::Incident(incident) => incident.id.clone(),
        FeedItem::Outage { id, .. } => id.clone(),
    }
}
