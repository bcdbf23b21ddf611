//! Pictures go when they are too old or too many; alerts that nobody handled keep theirs the longest.

use super::super::{FILE_NAME, Keep, Pruned, view};
use super::{World, detection, jpeg, noon, shop};
use crate::model::{Decision, Delivery, Dispatch, Source};

#[tokio::test]
async fn too_many_pictures_go_oldest_handled_first_and_unhandled_last() {
    let world = World::new();
    let mut alerts = Vec::new();
    for index in 0..4 {
        alerts.push(world.tell(detection(&format!("stream-{index}"), 1, 30).seen_with_id(), index).await);
    }
    for handled in [1, 3] {
        let incident = alerts[handled].entry().incident.id;
        world
            .journal
            .decide(incident, Decision::Resolved, None, Dispatch::AtOnce, noon(9))
            .await
            .expect("decided");
    }
    let each = u64::try_from(jpeg().bytes().len()).expect("small");

    let mut left = Vec::new();
    for pictures in [3, 2, 1, 0] {
        let keep = Keep { picture_bytes: pictures * each, ..everything() };
        let pruned = world.journal.prune(keep).await.expect("pruned");
        assert_eq!(pruned, Pruned { pictures: 1, incidents: 0 });
        left.push(with_pictures(&world).await);
    }

    assert_eq!(left, [vec![0, 2, 3], vec![0, 2], vec![2], vec![]]);
    let gone = world.alerts().await;
    assert!(gone.iter().all(|entry| entry.incident.cover.is_none()));
    assert!(view::alert(&gone[0].alert).frame_problem.is_some_and(|why| why.contains("deleted")));
}

#[tokio::test]
async fn a_pruned_picture_is_not_fetched_again() {
    let world = World::new();
    let seen = detection("stream-a", 1, 30);
    world.tell(seen.seen(), 0).await;
    world.journal.prune(Keep { picture_bytes: 0, ..everything() }).await.expect("pruned");

    world.catch_up(seen.row(), 60).await;

    assert_eq!(world.journal.wanting_pictures(10).await.expect("read"), []);
}

#[tokio::test]
async fn what_is_too_old_goes_however_many_there_are() {
    let world = World::new();
    for index in 0..250 {
        let told = world.tell(detection(&format!("stream-{index}"), 1, 30).seen_with_id(), index).await;
        world.handle(&told, 300).await;
    }

    let keep = Keep { pictures_since: noon(240), incidents_since: noon(120), ..everything() };
    let pruned = world.journal.prune(keep).await.expect("pruned");

    assert_eq!(pruned.incidents, 120);
    let left = world.alerts().await;
    assert_eq!(left.len(), 130);
    assert_eq!(left.iter().filter(|entry| entry.alert.picture.is_some()).count(), 10);
}

#[tokio::test]
async fn what_is_open_or_not_sent_yet_stays_however_old_it_looks() {
    let world = World::new();
    let mut incidents = Vec::new();
    for person in 0..3 {
        let told = world.tell(detection("stream-a", person, 30).seen_with_id(), 0).await;
        incidents.push(told.entry().incident.id);
    }
    for incident in &incidents[1..] {
        world
            .journal
            .decide(*incident, Decision::Resolved, None, Dispatch::AtOnce, noon(1))
            .await
            .expect("decided");
    }
    let sent = world.journal.next_to_send(1).await.expect("outbox")[0].id;
    world.journal.sent(sent, Delivery::Recorded, noon(2)).await.expect("noted");

    let keep = Keep { incidents_since: noon(1_000_000), ..everything() };
    let pruned = world.journal.prune(keep).await.expect("pruned");

    assert_eq!(pruned.incidents, 1);
    let left: Vec<_> = world.alerts().await.into_iter().rev().map(|entry| entry.incident.id).collect();
    assert_eq!(left, [incidents[0], incidents[2]]);
}

#[tokio::test]
async fn what_the_server_saw_lately_stays_though_our_clock_was_wrong_then() {
    let world = World::new();
    let seen = detection("stream-a", 1, 3000);
    world.tell(seen.seen_with_id(), -1_000_000).await;
    world.handle(&world.catch_up(seen.row(), 200).await, 300).await;

    let keep = Keep { pictures_since: noon(50), incidents_since: noon(50), ..everything() };
    let pruned = world.journal.prune(keep).await.expect("pruned");

    assert_eq!(pruned, Pruned::default());
}

#[tokio::test]
async fn an_erased_journal_holds_nothing_to_be_read_from_its_file() {
    let world = World::new();
    world.tell(detection("a-stream-to-forget", 1, 30).seen(), 0).await;
    world.journal.remember_shops(vec![(shop("shop-1"), "A shop to forget".to_owned())]).await.expect("noted");

    world.journal.erase(world.directory.path()).await.expect("erased");

    let left = left_on_disk(&world);
    let picture = jpeg().bytes().slice(40..140);
    for secret in [b"a-stream-to-forget".as_slice(), b"A shop to forget", &picture] {
        assert!(!left.windows(secret.len()).any(|window| window == secret));
    }
    world.tell(detection("stream-a", 1, 30).seen(), 0).await;
    assert_eq!(world.alerts().await.len(), 1);
}

#[tokio::test]
async fn what_was_set_aside_is_erased_with_the_rest() {
    let world = World::new();
    let aside = "journal.sqlite3.damaged-20261122T070000Z";
    for name in [aside, &format!("{aside}-wal"), "journal.sqlite3.newer-20261122T070000Z", "settings.toml"] {
        std::fs::write(world.directory.path().join(name), "a-stream-to-forget").expect("a file");
    }

    world.journal.erase(world.directory.path()).await.expect("erased");

    let names = std::fs::read_dir(world.directory.path()).expect("a directory");
    let mut names: Vec<_> = names.map(|entry| entry.expect("an entry").file_name()).collect();
    names.sort();
    let kept = ["journal.sqlite3", "journal.sqlite3-shm", "journal.sqlite3-wal", "settings.toml"];
    assert_eq!(names, kept);
}

#[tokio::test]
async fn a_journal_that_is_erased_while_in_memory_does_not_bring_the_file_back() {
    let world = World::new();
    world.tell(detection("a-stream-to-forget", 1, 30).seen(), 0).await;
    world.journal.clone().close().await;
    let journal = super::Journal::in_memory().expect("opened");
    journal.record(detection("a-later-stream", 2, 30).seen(), noon(1), Source::Live).await.expect("told");
    let nowhere = world.directory.path().join("journal.sqlite3").join("not a folder");

    let in_vain = journal.erase(&nowhere).await;
    let empty = journal.alerts(10).await.expect("read");
    journal.record(detection("stream-a", 3, 30).seen(), noon(2), Source::Live).await.expect("told");
    journal.settle(world.directory.path()).await.expect("settled").expect("only now");

    assert!(in_vain.is_err() && empty.is_empty());
    let left = journal.alerts(10).await.expect("read");
    assert_eq!(left.iter().map(|entry| entry.alert.person_id).collect::<Vec<_>>(), [Some(3)]);
    let files = left_on_disk(&world);
    for secret in [b"a-stream-to-forget".as_slice(), b"a-later-stream"] {
        assert!(!files.windows(secret.len()).any(|window| window == secret));
    }
}

/// Everything in the journal's directory.
fn left_on_disk(world: &World) -> Vec<u8> {
    let mut left = Vec::new();
    for entry in std::fs::read_dir(world.directory.path()).expect("a directory") {
        left.extend(std::fs::read(entry.expect("an entry").path()).expect("a file"));
    }
    left
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_may_read_the_files() {
    use std::os::unix::fs::PermissionsExt;
    let parent = tempfile::tempdir().expect("a directory");
    let directory = parent.path().join("data");

    let opened = super::Journal::open(&directory).expect("opened");
    opened.journal.record(detection("stream-a", 1, 30).seen(), noon(0), Source::Live).await.expect("told");

    let mode = |path: &std::path::Path| std::fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(&directory), 0o700);
    for name in [FILE_NAME.to_owned(), format!("{FILE_NAME}-wal"), format!("{FILE_NAME}-shm")] {
        assert_eq!(mode(&directory.join(&name)), 0o600, "{name}");
    }
}

fn everything() -> Keep {
    Keep { pictures_since: noon(-1), incidents_since: noon(-1), picture_bytes: u64::MAX }
}

/// The numbers in the streams' names.
async fn with_pictures(world: &World) -> Vec<usize> {
    let mut found: Vec<usize> = Vec::new();
    for entry in world.alerts().await {
        if entry.alert.picture.is_none() {
            assert_eq!(world.journal.frame(entry.alert.id).await.expect("read"), None);
            continue;
        }
        let stream = entry.alert.stream_id.expect("a stream");
        found.push(stream.as_str().trim_start_matches("stream-").parse().expect("a number"));
    }
    found.sort_unstable();
    found
}
