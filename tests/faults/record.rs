//! A server whose messages and whose record do not go together.

use support::backend::{Detection, Halves};
use support::desk::{Desk, quick_link, quick_pace};
use support::matrix;
use visionguard_proto::Backoff;

use crate::world::{STREAM, Server, Which, World};

/// What the faulty server does with the messages of one detection.
const WAYS: [Way; 6] =
    [Way::Once, Way::Twice, Way::LateAgain, Way::Reversed, Way::FirstHalfMissing, Way::Missing];

#[derive(Debug, Clone, Copy)]
enum Way {
    Once,
    Twice,
    /// Once now, and all over again at the end.
    LateAgain,
    /// The second half before the first.
    Reversed,
    FirstHalfMissing,
    /// Neither half: only the record has it.
    Missing,
}

#[tokio::test]
async fn fault_19_repeated_reordered_and_missing_messages() {
    let fault = matrix::row(19, "the double repeats, reverses and leaves out messages, drawn from a seed");
    let (seed, alerts) = (19, 60);
    let mut draw = Backoff::new(seed);
    let world = World::with(Which::Original, Desk::with_link(quick_pace(), quick_link())).await;
    let Server::Original { backend, user, shop } = &world.server else { panic!("not the original") };
    let mut ids = Vec::new();
    let mut again = Vec::new();

    for person in 1..=alerts {
        let way = draw.between(std::time::Duration::ZERO, std::time::Duration::from_secs(WAYS.len() as u64));
        let detection = Detection::new(user, shop, STREAM).person(person).frame_number(30 * person);
        let only = |halves| detection.clone().halves(halves);
        let id = match WAYS[way.as_secs() as usize % WAYS.len()] {
            Way::Once => backend.detect(detection.clone()),
            Way::Twice => {
                let id = backend.detect(detection.clone());
                backend.repeat(&detection, &id);
                id
            }
            Way::LateAgain => {
                let id = backend.detect(detection.clone());
                again.push((detection.clone(), id.clone()));
                id
            }
            Way::Reversed => {
                let id = backend.detect(only(Halves::NotificationAlone));
                backend.repeat(&only(Halves::DetectionAlone), &id);
                id
            }
            Way::FirstHalfMissing => backend.detect(only(Halves::NotificationAlone)),
            Way::Missing => backend.detect(only(Halves::Neither)),
        };
        ids.push(id);
    }
    world.until_alerts(ids.len() as u16).await;
    for (detection, id) in &again {
        backend.repeat(detection, id);
    }

    world.until_exactly(&ids).await;
    fault.times(alerts as u32);
    fault.measured("detections repeated at the end", format!("{}, seed {seed}", again.len()));
    fault.held(&["I1", "I2"]);
}
