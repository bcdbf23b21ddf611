//! Only what is handled can be out of view, and it can be had back.

use super::{World, detection, no_names, noon};
use crate::model::{Decision, Delivery, Dispatch, IncidentId};
use crate::view::{BringBack, FeedFilter, FeedItem, FeedQuery};

#[tokio::test]
async fn what_nobody_decided_on_cannot_be_cleared() {
    let world = World::new();
    let [open, handled] = two(&world).await;

    let cleared = world.journal.clear(FeedQuery::default(), no_names(), noon(20)).await.expect("cleared");
    let row = world.journal.dismiss(open, noon(21)).await.expect("asked").expect("known");

    assert_eq!(cleared, [handled]);
    assert_eq!(row.dismissed_at, None);
    assert_eq!(listed(&world, FeedFilter::All).await, [open]);
    assert_eq!(listed(&world, FeedFilter::Unhandled).await, [open]);
    assert_eq!(listed(&world, FeedFilter::Cleared).await, [handled]);
    let counts = world.journal.counts(noon(0)).await.expect("counted");
    assert_eq!((counts.unhandled, counts.total, counts.cleared), (1, 1, 1));
    assert_eq!(world.alerts().await.len(), 2);
}

#[tokio::test]
async fn clearing_takes_what_the_list_shows_and_no_more() {
    let world = World::new();
    let [_, handled] = two(&world).await;
    let search = |words: &str| FeedQuery { search: words.to_owned(), ..FeedQuery::default() };

    let nothing = world.journal.clear(search("no such camera"), no_names(), noon(20)).await.expect("cleared");
    let of_it = world.journal.clear(search("stream-1"), no_names(), noon(21)).await.expect("cleared");

    assert_eq!(nothing, []);
    assert_eq!(of_it, [handled]);
}

#[tokio::test]
async fn what_was_cleared_comes_back_singly_by_its_time_or_as_listed() {
    let world = World::new();
    let mut handled = Vec::new();
    for index in 0..4 {
        let told = world.tell(detection(&format!("stream-{index}"), 1, 30).seen_with_id(), index).await;
        handled.push(told.entry().incident.id);
        decide(&world, told.entry().incident.id, 10).await;
    }
    for (index, incident) in handled.iter().enumerate() {
        let at = noon(20 + i64::try_from(index).unwrap() / 2);
        world.journal.dismiss(*incident, at).await.expect("dismissed");
    }
    let back = |what| world.journal.bring_back(what, no_names());

    let one = back(BringBack::One { incident: handled[0].to_string() }).await.expect("back");
    let of_a_moment = back(BringBack::ClearedAt { at: noon(21).as_millisecond() }).await.expect("back");
    let none = back(BringBack::One { incident: "none".to_owned() }).await.expect("asked");
    let left = listed(&world, FeedFilter::Cleared).await;
    let rest = back(BringBack::Listed { query: FeedQuery::default() }).await.expect("back");

    assert_eq!((one, of_a_moment, none, rest), (1, 2, 0, 1));
    assert_eq!(left, [handled[1]]);
    assert_eq!(listed(&world, FeedFilter::All).await.len(), 4);
}

#[tokio::test]
async fn a_decision_that_is_refused_brings_its_incident_back_into_view() {
    let world = World::new();
    let [open, handled] = two(&world).await;
    world.journal.dismiss(handled, noon(12)).await.expect("dismissed");
    let outgoing = world.journal.next_to_send(10).await.expect("outbox");

    let refused = Delivery::Refused { sentence: "The server does not know it.".to_owned() };
    world.journal.sent(outgoing[0].id, refused, noon(13)).await.expect("noted");

    let mut unhandled = listed(&world, FeedFilter::Unhandled).await;
    unhandled.sort_unstable();
    assert_eq!(unhandled, [open, handled]);
    assert_eq!(listed(&world, FeedFilter::Cleared).await, []);
    assert_eq!(world.journal.counts(noon(0)).await.expect("counted").unhandled, 2);
}

async fn two(world: &World) -> [IncidentId; 2] {
    let open = world.tell(detection("stream-0", 1, 30).seen_with_id(), 0).await.entry().incident.id;
    let handled = world.tell(detection("stream-1", 1, 30).seen_with_id(), 5).await.entry().incident.id;
    decide(world, handled, 10).await;
    [open, handled]
}

async fn decide(world: &World, incident: IncidentId, at: i64) {
    let decided = world.journal.decide(incident, Decision::Resolved, None, Dispatch::AtOnce, noon(at)).await;
    decided.expect("decided").expect("known");
}

async fn listed(world: &World, filter: FeedFilter) -> Vec<IncidentId> {
    let query = FeedQuery { filter, ..FeedQuery::default() };
    let page = world.journal.feed(query, &no_names()).await.expect("a page");
    let ids = page.items.iter().map(|item| match item {
        FeedItem::Incident(incident) => incident.id.parse().expect("an id"),
        FeedItem::Outage { .. } => panic!("there was no outage"),
    });
    ids.collect()
}
