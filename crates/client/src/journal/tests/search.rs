//! What is searched for is found, however far the index is.

use proptest::prelude::*;
use rusqlite::Connection;
use visionguard_proto::{Alert, Kind};

use super::super::{FILE_NAME, Journal};
use super::{World, detection, no_names, noon, shop};
use crate::model::{Decision, Dispatch};
use crate::view::{BringBack, FeedFilter, FeedItem, FeedPage, FeedQuery};

#[tokio::test]
async fn the_index_changes_nothing_about_what_is_found() {
    let world = shops().await;
    let searches = [
        "till",
        "till 1",
        "1",
        "12",
        "harbour",
        "HARBOUR theft",
        "person after hours",
        "pattern",
        "bag",
        "stream-7",
        "aid",
        "anomalous",
        "émile",
        "ÉMILE",
        "nowhere",
        "till yesterday",
        "收银",
        "收",
        "🛒",
        "100%",
        "d__r",
    ];

    let before = all_found(&world, &searches).await;
    world.journal.index().await.expect("taken in");
    let after = all_found(&world, &searches).await;

    assert_eq!(left_out(&world), 0);
    assert_eq!(before, after);
    let of =
        |search: &str| after[searches.iter().position(|other| *other == search).expect("it is one")].len();
    assert_eq!((of("till"), of("harbour"), of("person after hours"), of("nowhere")), (200, 300, 100, 0));
    assert_eq!((of("émile"), of("ÉMILE"), of("收银"), of("🛒"), of("bag")), (100, 100, 100, 100, 1));
}

#[tokio::test]
async fn what_an_older_file_holds_is_found_before_it_is_in_the_index_and_after() {
    let directory = super::formats::unpacked("format_2");
    let world = World { journal: Journal::open(directory.path()).expect("opened").journal, directory };

    let (left, before) = (left_out(&world), found(&world, "theft").await);
    world.journal.index().await.expect("taken in");

    assert!(left > 0 && !before.is_empty(), "{left} {before:?}");
    assert_eq!((left_out(&world), found(&world, "theft").await), (0, before));
}

#[tokio::test]
async fn what_changes_after_it_was_taken_in_is_found_as_it_is_now() {
    let world = World::new();
    let first = world.catch_up(place("stream-a", "Back door", Kind::Theft), 0).await.entry().incident.id;
    world.catch_up(place("stream-b", "Till 1", Kind::Theft), 90).await;
    world.journal.remember_shops(vec![(shop("shop-1"), "Harbour Road".to_owned())]).await.expect("noted");
    world.journal.index().await.expect("taken in");

    let note = Some("the umbrella was paid for".to_owned());
    let decided = world.journal.decide(first, Decision::Resolved, note, Dispatch::AtOnce, noon(200)).await;
    decided.expect("decided");
    let at_once = found(&world, "umbrella").await;
    world.journal.remember_shops(vec![(shop("shop-1"), "Station Road".to_owned())]).await.expect("noted");
    let renamed = (found(&world, "harbour").await.len(), found(&world, "station").await.len());
    world.journal.index().await.expect("taken in");

    assert_eq!(at_once, [first.to_string()]);
    assert_eq!(renamed, (0, 2));
    assert_eq!(found(&world, "umbrella").await, [first.to_string()]);
    assert_eq!((found(&world, "harbour").await.len(), found(&world, "station").await.len()), (0, 2));
}

#[tokio::test]
async fn what_a_person_called_a_camera_is_found_beside_what_its_incidents_say() {
    let world = shops().await;
    world.journal.index().await.expect("taken in");
    let names = [("stream-0".to_owned(), "Perfume shelf".to_owned())].into();
    let search = |search: &str| FeedQuery { search: search.to_owned(), ..FeedQuery::default() };

    let named = world.journal.feed(search("perfume"), &names).await.expect("a page");
    let both = world.journal.feed(search("perfume till"), &names).await.expect("a page");
    let other = world.journal.feed(search("perfume door"), &names).await.expect("a page");

    assert_eq!((named.items.len(), both.items.len(), other.items.len()), (50, 50, 0));
    assert!(named.next.is_some());
}

#[tokio::test]
async fn a_search_that_means_a_day_lists_that_day_and_says_so() {
    let world = World::new();
    let zone = jiff::tz::TimeZone::system();
    let day = noon(0).to_zoned_datetime(zone.clone()).date();
    let start = |days: i64| {
        let date = day.checked_add(jiff::SignedDuration::from_hours(24 * days)).expect("a date");
        date.to_zoned_datetime(zone.clone()).expect("a time").timestamp().as_millisecond()
    };
    let before = world.tell(detection("stream-a", 1, 30).seen(), -3 * 86_400).await.entry().incident.id;
    let on_it = world.tell(detection("stream-a", 1, 60).seen(), 0).await.entry().incident.id;
    world.journal.outage_began(noon(10), "lost").await.expect("noted");

    let page = feed(&world, &day.to_string()).await;
    let with_word = feed(&world, &format!("theft {day}")).await;
    let other = feed(&world, &format!("harbour {day}")).await;

    let understood = page.understood.clone().expect("a time");
    assert_eq!((understood.words.as_str(), understood.from, understood.to), ("", start(0), start(1)));
    assert_eq!(ids(&page)[1..], [on_it.to_string()]);
    assert!(matches!(page.items[0], FeedItem::Outage { .. }), "it began that day");
    assert_eq!(ids(&with_word), [on_it.to_string()]);
    assert_eq!(with_word.understood.expect("a time").words, "theft");
    assert_eq!(ids(&other), Vec::<String>::new());
    assert!(ids(&feed(&world, "theft").await).contains(&before.to_string()));
}

#[tokio::test]
async fn a_hostile_search_is_words_and_nothing_else() {
    let world = shops().await;
    world.journal.index().await.expect("taken in");
    let long = "x".repeat(10_000);
    let words = "till ".repeat(2_000);

    for (search, finds) in [
        ("\"", 0),
        ("'", 100),
        ("\"till\"", 0),
        ("till\"", 0),
        ("words:till", 0),
        ("till* OR harbour", 0),
        ("NEAR(till harbour)", 0),
        ("-till", 0),
        ("^till", 0),
        ("{words}:till", 0),
        ("till AND", 0),
        ("'; DROP TABLE incident; --", 0),
        ("\u{2}\u{2}t", 0),
        ("ti\0ll", 0),
        ("\u{202e}llit", 0),
        ("שלום", 0),
        ("e\u{301}", 0),
        (long.as_str(), 0),
        (words.as_str(), 200),
    ] {
        assert_eq!(
            found(&world, search).await.len(),
            finds,
            "{:?}",
            search.chars().take(40).collect::<String>()
        );
    }
}

#[tokio::test]
async fn what_a_search_lists_is_cleared_and_brought_back_all_pages_of_it() {
    let world = shops().await;
    world.journal.index().await.expect("taken in");
    let all = found(&world, "").await;
    for id in &all {
        let id = id.parse().expect("an id");
        world
            .journal
            .decide(id, Decision::Resolved, None, Dispatch::AtOnce, noon(90_000))
            .await
            .expect("decided");
    }
    let query = FeedQuery { search: "till".to_owned(), ..FeedQuery::default() };

    let cleared = world.journal.clear(query.clone(), no_names(), noon(90_001)).await.expect("cleared");
    let left = (found(&world, "till").await.len(), found(&world, "").await.len());
    let listed = BringBack::Listed { query: FeedQuery { search: "till 12".to_owned(), ..query } };
    let back = world.journal.bring_back(listed, no_names()).await.expect("brought back");

    assert_eq!((cleared.len(), left, back), (200, (0, 200), 100));
}

#[tokio::test]
async fn a_damaged_index_hides_nothing_and_is_made_anew() {
    let world = shops().await;
    world.journal.index().await.expect("taken in");
    let beside = Connection::open(world.directory.path().join(FILE_NAME)).expect("a database");
    beside.execute("UPDATE search_data SET block = randomblob(length(block))", []).expect("damaged");
    drop(beside);
    let world = World { journal: world.journal, directory: world.directory };

    let during = found(&world, "harbour 12").await.len();
    world.journal.index().await.expect("made anew");

    assert_eq!(during, 100);
    assert_eq!(left_out(&world), 0);
    let whole: String =
        connect(&world).query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("checked");
    assert_eq!((whole.as_str(), found(&world, "harbour 12").await.len()), ("ok", 100));
}

#[tokio::test]
async fn a_journal_whose_index_is_damaged_is_not_set_aside() {
    let world = shops().await;
    world.journal.index().await.expect("taken in");
    world.journal.close().await;
    let beside = Connection::open(world.directory.path().join(FILE_NAME)).expect("a database");
    beside.execute("UPDATE search_data SET block = randomblob(length(block))", []).expect("damaged");
    drop(beside);

    let opened = Journal::open(world.directory.path()).expect("opened");

    assert_eq!(opened.set_aside, None);
    let world = World { journal: opened.journal, directory: world.directory };
    assert_eq!(found(&world, "harbour 12").await.len(), 100);
    world.journal.index().await.expect("taken in");
    assert_eq!(found(&world, "harbour 12").await.len(), 100);
}

#[tokio::test]
async fn nothing_of_an_incident_is_left_in_an_index_that_was_erased() {
    let world = shops().await;
    world.journal.index().await.expect("taken in");

    world.journal.erase(world.directory.path()).await.expect("erased");

    let rows: i64 = connect(&world)
        .query_row("SELECT count(*) FROM search_docsize", [], |row| row.get(0))
        .expect("counted");
    assert_eq!((rows, left_out(&world)), (0, 0));
    let file = std::fs::read(world.directory.path().join(FILE_NAME)).expect("the file");
    assert!(!file.windows(3).any(|bytes| bytes == "收".as_bytes()));
}

#[tokio::test]
async fn an_incident_that_is_gone_leaves_the_index() {
    let world = World::new();
    let told = world.catch_up(place("stream-a", "Back door", Kind::Theft), 0).await;
    world.handle(&told, 5).await;
    world.journal.index().await.expect("taken in");
    let keep = super::super::Keep {
        pictures_since: noon(9_000),
        incidents_since: noon(9_000),
        picture_bytes: u64::MAX,
    };

    let pruned = world.journal.prune(keep).await.expect("pruned");
    world.journal.index().await.expect("taken out");

    let rows: i64 = connect(&world)
        .query_row("SELECT count(*) FROM search_docsize", [], |row| row.get(0))
        .expect("counted");
    assert_eq!((pruned.incidents, rows, left_out(&world)), (1, 0, 0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn any_search_finds_the_same_with_and_without_the_index(
        places in prop::collection::vec("[a-cA-C0-2é🛒 .'\"%_-]{0,10}", 1..40),
        searches in prop::collection::vec("[a-cA-C0-2é🛒.'\"%_-]{1,5}( [a-c0-2]{1,4})?", 1..20),
        taken_in in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let world = World::new();
            for (at, name) in places.iter().enumerate() {
                let second = i64::try_from(at).expect("few") * 90;
                world.catch_up(place(&format!("stream-{at}"), name, Kind::Theft), second).await;
                if taken_in && at == places.len() / 2 {
                    world.journal.index().await.expect("taken in");
                }
            }
            let searches: Vec<&str> = searches.iter().map(String::as_str).collect();
            let before = all_found(&world, &searches).await;
            world.journal.index().await.expect("taken in");
            assert_eq!(before, all_found(&world, &searches).await);
        });
    }
}

/// Four hundred incidents at four cameras of two shops, each at its own time; enough for the index to be asked.
async fn shops() -> World {
    let world = World::new();
    let names = [("shop-1", "Harbour Road"), ("shop-2", "Émile's 收银 🛒")];
    let names = names.map(|(id, name)| (shop(id), name.to_owned())).to_vec();
    world.journal.remember_shops(names).await.expect("noted");
    let cameras = [
        ("stream-0", "Till 1", Kind::Theft, "shop-1"),
        ("stream-1", "Till 12", Kind::Theft, "shop-1"),
        ("stream-2", "Back door", Kind::Intrusion, "shop-1"),
        ("stream-7", "Front door", Kind::Theft, "shop-2"),
    ];
    let mut alerts = Vec::new();
    for round in 0..100_i64 {
        for (camera, (stream, location, kind, shop_id)) in (0_i64..).zip(cameras) {
            let frame = (round * 4 + camera) * 90 * 30;
            let seen = super::Detection { stream: stream.to_owned(), frame, ..detection(stream, 1, frame) };
            alerts.push(Alert {
                shop_id: Some(shop(shop_id)),
                kind,
                location: Some(location.to_owned()),
                ..seen.row()
            });
        }
    }
    let stored = world.journal.record_all(alerts, noon(80_000), crate::model::Source::History).await;
    let first = stored.expect("stored")[0].entry().incident.id;
    let note = Some("the bag was paid for".to_owned());
    world
        .journal
        .decide(first, Decision::Resolved, note, Dispatch::AtOnce, noon(80_001))
        .await
        .expect("decided");
    world
}

fn place(stream: &str, location: &str, kind: Kind) -> Alert {
    Alert { kind, location: Some(location.to_owned()), ..detection(stream, 1, 30).row() }
}

async fn feed(world: &World, search: &str) -> FeedPage {
    let query = FeedQuery { search: search.to_owned(), ..FeedQuery::default() };
    world.journal.feed(query, &no_names()).await.expect("a page")
}

/// All pages of it.
async fn found(world: &World, search: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut before = None;
    loop {
        let query =
            FeedQuery { search: search.to_owned(), filter: FeedFilter::All, before, ..FeedQuery::default() };
        let page = world.journal.feed(query, &no_names()).await.expect("a page");
        all.extend(ids(&page));
        before = page.next;
        if before.is_none() {
            return all;
        }
    }
}

async fn all_found(world: &World, searches: &[&str]) -> Vec<Vec<String>> {
    let mut all = Vec::new();
    for search in searches {
        all.push(found(world, search).await);
    }
    all
}

fn ids(page: &FeedPage) -> Vec<String> {
    let id = |item: &FeedItem| match item {
        FeedItem::Incident(incident) => incident.id.clone(),
        FeedItem::Outage { id, .. } => id.clone(),
    };
    page.items.iter().map(id).collect()
}

fn connect(world: &World) -> Connection {
    Connection::open(world.directory.path().join(FILE_NAME)).expect("a database")
}

/// How many the index does not know.
fn left_out(world: &World) -> i64 {
    connect(world).query_row("SELECT count(*) FROM unindexed", [], |row| row.get(0)).expect("counted")
}
