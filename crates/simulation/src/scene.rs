//! A quiet day on which one thing happens, to measure how soon it is known and what that costs.

use std::time::Duration;

use visionguard_client::controller::Pace;
use visionguard_client::view::Status;

use crate::dice::Dice;
use crate::fault::Fault;
use crate::person::Wish;
use crate::plan::draw;
use crate::server::{Event as ServerEvent, Kind};
use crate::world::{Event, World};

/// The first detection of a quiet day, and the one that is measured.
const NUMBERS: (u64, u64) = (1_000, 1_001);
/// How long is waited for what must come of it.
const PATIENCE: Duration = Duration::from_secs(90);

/// What happens on a quiet day.
#[derive(Debug, Clone)]
pub struct Scene {
    /// How often the client looks at things.
    pub pace: Pace,
    /// Whether an alert came on the socket before.
    pub delivers: bool,
    /// What happens, and when; then the day is over.
    pub what: What,
    /// When that is.
    pub at: Duration,
}

/// The one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// Nothing at all.
    Nothing,
    /// Another client of the user takes the place.
    Taken,
    /// Another client of the user opens its socket and closes it so much later.
    TakenAndLost(Duration),
    /// The server forgets the connection.
    Forgotten,
    /// A camera of another account sees something.
    SeenElsewhere,
}

/// When what was waited for came.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Noticed {
    /// "Protected" was no longer said.
    pub said: Option<Duration>,
    /// The alert popped up.
    pub popped_up: Option<Duration>,
}

impl World {
    /// Puts the scene into the queue.
    pub(crate) fn stage(&mut self, scene: &Scene) {
        let mut dice = Dice::new(self.plan.seed);
        let mut seen = |number, elsewhere| {
            let mut detection = draw(&mut dice, number, Kind::Original);
            (detection.intrusion, detection.broken_number) = (false, false);
            (detection.unrecorded, detection.no_notice) = (false, false);
            detection.elsewhere = elsewhere;
            Event::Server(ServerEvent::Detects(Box::new(detection)))
        };
        let (before, then) = (seen(NUMBERS.0, false), seen(NUMBERS.1, true));
        self.at(Duration::from_millis(200), Event::Person(Wish::SignIn));
        if scene.delivers {
            self.at(Duration::from_secs(5), before);
        }
        match scene.what {
            What::Nothing => {}
            What::Taken => self.at(scene.at, Event::Fault(Fault::Tab(PATIENCE * 2))),
            What::TakenAndLost(time) => self.at(scene.at, Event::Fault(Fault::Tab(time))),
            What::Forgotten => self.at(scene.at, Event::Fault(Fault::Forgotten)),
            What::SeenElsewhere => self.at(scene.at, then),
        }
        let patience = if scene.what == What::Nothing { Duration::ZERO } else { PATIENCE };
        self.at(scene.at + patience, Event::Curtain);
    }

    /// What is shown now.
    pub(crate) fn notices(&mut self, status: Status) {
        let happened = self.plan.scene.as_ref().is_some_and(|scene| self.now >= scene.at);
        if happened && status != Status::Protected && self.noticed.said.is_none() {
            self.noticed.said = Some(self.now);
        }
    }

    /// A popup came.
    pub(crate) fn notices_a_popup(&mut self) {
        let happened = self.plan.scene.as_ref().is_some_and(|scene| self.now >= scene.at);
        if happened && self.noticed.popped_up.is_none() {
            self.noticed.popped_up = Some(self.now);
        }
    }
}
