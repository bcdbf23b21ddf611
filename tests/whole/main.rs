//! The whole client over real sockets: against a double of the original backend, against our server, and against what
//! is no server of ours at all.
#![allow(clippy::unwrap_used, reason = "a test's helpers are tests too")]

mod drill;
mod faults;
mod original;
mod ours;
mod record;
mod refusals;
mod tap;
mod v2;

use support::backend::{Backend, Detection, Person};
use support::desk::Desk;
use support::ours::STREAM;
use visionguard_client::view::Status;

/// A double with one owner, one shop, and a computer.
struct World {
    backend: Backend,
    user: Person,
    shop: String,
    desk: Desk,
}

impl World {
    fn new() -> World {
        World::with(Backend::start(), Desk::new())
    }

    fn with(backend: Backend, desk: Desk) -> World {
        let user = backend.add_user("Owner@shop.example");
        let shop = backend.add_shop(&user, "Downtown");
        World { backend, user, shop, desk }
    }

    /// A world whose computer is signed in and protected.
    async fn protected() -> World {
        let world = World::new();
        world.sign_in(&world.backend.url()).await;
        world.desk.until_status(Status::Protected).await;
        world
    }

    async fn sign_in(&self, server: &str) {
        self.desk.sign_in(server, &self.user.email, &self.user.password).await.unwrap();
    }

    fn detection(&self) -> Detection {
        Detection::new(&self.user, &self.shop, STREAM)
    }

    /// How often the client has read the record.
    fn looks_at_the_record(&self) -> usize {
        self.backend.requests().iter().filter(|request| request.path == "/api/anomalies").count()
    }

    /// Waits until the client has read the record twice more: whatever that brings has arrived by then.
    async fn reconciled(&self) {
        let before = self.looks_at_the_record();
        support::wait::until("two more looks at the record", || {
            (self.looks_at_the_record() >= before + 2).then_some(())
        })
        .await;
    }
}
