//! Tests of the alert path: one that passed did come round, and at the end one passes.

use std::time::Duration;

use visionguard_client::controller::Client;
use visionguard_client::view::Status;

use crate::person::Wish;
use crate::world::{Shared, World, lock};

/// Into the quiet at the end, before the last test.
const LAST: Duration = Duration::from_secs(150);
/// Before another attempt at one that could not begin.
const AGAIN: Duration = Duration::from_secs(10);
/// From the message on the socket to the end of its test, at most.
const TAKES: Duration = Duration::from_secs(45);

/// The test of the alert path at the end.
#[derive(Debug, Default)]
pub struct LastDrill {
    asked: bool,
    not_before: Duration,
    passed: Option<bool>,
    /// When a test message was last said on a socket.
    told_at: Option<Duration>,
}

impl LastDrill {
    /// Another life knows nothing of it.
    pub fn starts_over(&mut self) {
        *self = LastDrill::default();
    }
}

impl World {
    /// Asks for it when the time has come and there is a connection.
    pub fn asks_for_the_last_drill(&mut self) {
        let is_time = self.peace_at.is_some_and(|peace| self.now >= peace.max(self.quiet_since()) + LAST);
        if !is_time || self.person.last_drill.asked || self.now < self.person.last_drill.not_before {
            return;
        }
        match self.status() {
            Some(Status::Protected | Status::CatchingUp | Status::Deaf) => {
                self.person.last_drill.asked = true;
                self.person_wishes(Wish::Drill);
            }
            Some(Status::Offline | Status::SignedOut) | None => {}
        }
    }

    /// A test message was said on a socket.
    pub fn drill_is_told(&mut self) {
        self.person.last_drill.told_at = Some(self.now);
    }

    /// It must have passed by now.
    pub fn last_drill_passed(&mut self) {
        match self.person.last_drill.passed {
            Some(true) => {}
            passed => self.fail("drill", format!("all is well, and the last test is {passed:?}")),
        }
    }
}

/// Tests the alert path, and waits for how that ends.
pub async fn drill(shared: &Shared, client: &Client, life: u32) {
    let answer = client.drill().await;
    let mut world = lock(shared);
    world.look_at_the_clock();
    if world.life != life {
        return;
    }
    match answer {
        Ok(result) => {
            world.line(format!("person: the test ends; passed {}", result.passed));
            let told_at = world.person.last_drill.told_at;
            if result.passed && told_at.is_none_or(|at| world.now > at + TAKES) {
                world.fail("drill", format!("the test passed, and its message was last sent at {told_at:?}"));
            }
            if world.person.last_drill.asked {
                world.person.last_drill.passed = Some(result.passed);
            }
        }
        Err(problem) => {
            world.overhear("a problem", &format!("{problem:?}"));
            world.line(format!("person: cannot test: {}", problem.code));
            if std::mem::take(&mut world.person.last_drill.asked) {
                world.person.last_drill.not_before = world.now + AGAIN;
            }
        }
    }
}
