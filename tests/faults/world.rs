//! A shop for the tests of faults: the double of the original or our server, a computer, a bad network between them.

use support::backend::{Backend, Detection, Person};
use support::chaos::Chaos;
use support::desk::Desk;
use support::wait;
use visionguard_client::view::Status;

/// The stream of every detection.
pub const STREAM: &str = "748e3bf7-47bf-4ce7-b2ae-bfdc7c81c983";

/// The double with one owner and one shop, and a computer behind a proxy.
#[derive(Debug)]
pub struct World {
    pub backend: Backend,
    pub chaos: Chaos,
    pub user: Person,
    pub shop: String,
    pub desk: Desk,
}

impl World {
    /// Nobody is signed in yet.
    pub async fn new(backend: Backend, desk: Desk) -> World {
        let user = backend.add_user("owner@shop.example");
        let shop = backend.add_shop(&user, "Downtown");
        let chaos = Chaos::start(backend.address()).await;
        World { backend, chaos, user, shop, desk }
    }

    /// A computer in a hurry that is protected.
    pub async fn protected() -> World {
        let world = World::new(Backend::start(), Desk::new()).await;
        world.sign_in().await;
        world
    }

    /// Signs in through the proxy and waits until the computer is protected.
    pub async fn sign_in(&self) {
        self.desk.sign_in(&self.chaos.url(), &self.user.email, &self.user.password).await.unwrap();
        self.desk.until_status(Status::Protected).await;
    }

    /// A theft by this person; each number is an incident of its own.
    pub fn detection(&self, person: i64) -> Detection {
        Detection::new(&self.user, &self.shop, STREAM).person(person).frame_number(30 * person)
    }

    /// Waits until the client has read the record twice more: whatever that brings has arrived by then.
    pub async fn reconciled(&self) {
        let looks =
            || self.backend.requests().iter().filter(|request| request.path == "/api/anomalies").count();
        let before = looks();
        wait::until("two more looks at the record", || (looks() >= before + 2).then_some(())).await;
    }

    /// Waits until exactly these alerts, by their ids in the record, are in the journal, each once.
    pub async fn until_exactly(&self, ids: &[String]) {
        exactly(&self.desk, ids).await;
        self.reconciled().await;
        exactly(&self.desk, ids).await;
    }
}

/// Waits until exactly these alerts, by their ids in the record, are in the journal, each once; never more, at least
/// once all are known by their ids.
pub async fn exactly(desk: &Desk, ids: &[String]) {
    let mut wanted = ids.to_vec();
    wanted.sort();
    let deadline = tokio::time::Instant::now() + wait::PATIENCE;
    loop {
        let mut found = known(desk).await;
        found.sort();
        let named: Vec<String> = found.iter().flatten().cloned().collect();
        if found.len() == wanted.len() && named == wanted {
            return;
        }
        assert!(tokio::time::Instant::now() < deadline, "wanted {wanted:#?}, found {found:#?}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

/// The alerts in the journal by their ids in the record, where these are known yet.
async fn known(desk: &Desk) -> Vec<Option<String>> {
    let mut known = Vec::new();
    for incident in desk.incidents().await {
        known.extend(desk.detail(&incident).await.alerts.into_iter().map(|alert| alert.anomaly_id));
    }
    known
}
