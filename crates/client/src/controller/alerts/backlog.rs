//! In which order alerts go to the disk: as they came, also where the disk takes them again after it did not.
//!
//! What it did not take is kept. Before anything else goes, the oldest of that is tried: where the disk takes it, all the
//! others go before what came since. Where it does not, what came since is tried all the same, for a full disk may take a
//! smaller one, and one that never can be stored holds nobody up.

use std::collections::{BTreeMap, VecDeque};

use jiff::{SignedDuration, Timestamp};
use visionguard_proto::Picture;

use super::recorder::{Arrival, LANE};
use super::urgent;

/// Alerts kept while they cannot be stored.
const MOST_REFUSED: usize = 2_000;
/// Bytes of pictures kept with them.
const MOST_REFUSED_BYTES: usize = 64 * 1024 * 1024;
/// How long the record is not read because of them.
const TOLD_LATELY: SignedDuration = SignedDuration::from_mins(10);

/// So many in a row may be refused until it is clear that the disk takes no more.
const REFUSED_AGAIN: usize = LANE;

/// Alerts that are not on the lane to the journal, or not any more.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    /// How many turns were given.
    turns: u64,
    /// Those that were not tried yet, oldest first.
    fresh: VecDeque<Arrival>,
    /// Those that the disk did not take, by their turn.
    refused: BTreeMap<u64, Arrival>,
    step: Step,
    /// The oldest of the refused is to be tried though nothing new came.
    again: bool,
    /// The last that was tried out of turn, each time another.
    passed: u64,
}

/// What goes next.
#[derive(Debug, Clone, Copy, Default)]
enum Step {
    /// What is new, unless something was refused.
    #[default]
    New,
    /// Nothing, until it is known what became of this one.
    Ask(u64),
    /// It was refused: this other one, then what is new, up to here.
    Pass { other: Option<u64>, until: u64 },
    /// All that was refused, from this turn on, unless so many more are refused again: what comes from that other turn on is
    /// tried even then.
    CatchUp { from: u64, left: usize, then: Option<u64> },
}

/// All from the oldest on.
const fn catch_up(then: Option<u64>) -> Step {
    Step::CatchUp { from: 0, left: REFUSED_AGAIN, then }
}

impl Backlog {
    /// The turn of the next one that comes.
    pub(super) fn turn(&mut self) -> u64 {
        self.turns += 1;
        self.turns
    }

    /// This one came, as the last so far.
    pub(super) fn came(&mut self, arrival: Arrival) {
        self.fresh.push_back(arrival);
    }

    /// What is to be tried now, if anything is.
    pub(super) fn next(&mut self) -> Option<Arrival> {
        loop {
            match self.step {
                Step::New if self.refused.is_empty() => return self.fresh.pop_front(),
                Step::New if self.fresh.is_empty() && !self.again => return None,
                Step::New => {
                    self.again = false;
                    let (turn, oldest) = self.refused.pop_first()?;
                    self.step = Step::Ask(turn);
                    return Some(oldest);
                }
                Step::Ask(_) => return None,
                Step::Pass { other: Some(turn), until } => {
                    self.step = Step::Pass { other: None, until };
                    self.passed = turn;
                    if let Some(other) = self.refused.remove(&turn) {
                        return Some(other);
                    }
                }
                Step::Pass { other: None, until } => {
                    if self.fresh.front().is_some_and(|fresh| fresh.turn <= until) {
                        return self.fresh.pop_front();
                    }
                    self.step = Step::New;
                }
                Step::CatchUp { from, left, then } => {
                    let next = self.refused.range(from..).next().map(|(turn, _)| *turn);
                    if let Some(arrival) = next.and_then(|turn| self.refused.remove(&turn)) {
                        self.step = Step::CatchUp { from: arrival.turn + 1, left, then };
                        return Some(arrival);
                    }
                    self.step = Step::New;
                }
            }
        }
    }

    /// The one of this turn was tried.
    pub(super) fn tried(&mut self, turn: u64, is_stored: bool) {
        self.step = match self.step {
            Step::Ask(asked) if asked == turn && is_stored => catch_up(None),
            Step::Ask(asked) if asked == turn => {
                let behind = self.refused.range(self.passed + 1..).next();
                let other = behind.or(self.refused.first_key_value()).map(|(turn, _)| *turn);
                Step::Pass { other, until: self.turns }
            }
            Step::CatchUp { from, then, .. } if is_stored => {
                Step::CatchUp { from, left: REFUSED_AGAIN, then }
            }
            Step::CatchUp { left: ..=1, then: Some(from), .. } => {
                Step::CatchUp { from, left: REFUSED_AGAIN, then: None }
            }
            Step::CatchUp { left: ..=1, .. } => Step::Pass { other: None, until: self.turns },
            Step::CatchUp { from, left, then } => Step::CatchUp { from, left: left - 1, then },
            // Where that other one is taken, the rest may be, too: those behind it, at least.
            Step::New | Step::Ask(_) | Step::Pass { .. } if turn == self.passed && is_stored => {
                catch_up(Some(self.passed + 1))
            }
            Step::New | Step::Ask(_) | Step::Pass { .. } => self.step,
        };
    }

    /// The disk did not take it. Kept within bounds: first the pictures go, then the oldest.
    pub(super) fn keep(&mut self, mut arrival: Arrival) {
        let pictures = self.refused.values().chain([&arrival]).filter_map(Arrival::picture);
        if pictures.map(|bytes| bytes.len()).sum::<usize>() > MOST_REFUSED_BYTES {
            arrival.alert.picture = Picture::Absent;
        }
        self.refused.insert(arrival.turn, arrival);
        if self.refused.len() > MOST_REFUSED {
            self.refused.pop_first();
        }
    }

    /// What was refused is to be tried again.
    pub(super) fn try_again(&mut self) {
        self.again = !self.refused.is_empty();
    }

    /// How many wait that were not tried.
    pub(super) fn untried(&self) -> usize {
        self.fresh.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.fresh.is_empty() && self.refused.is_empty()
    }

    /// Nobody wants what waits any more.
    pub(super) fn forget(&mut self) {
        *self = Backlog { turns: self.turns, ..Backlog::default() };
    }

    /// Whether alerts that were told of are not stored yet: read from the record they would be told of again. One that
    /// never can be stored holds the comparison up for a while only.
    pub(super) fn was_told_lately(&self, now: Timestamp) -> bool {
        self.refused
            .values()
            .any(|arrival| arrival.notified && now.duration_since(arrival.received_at).abs() < TOLD_LATELY)
    }

    /// Nobody saw the notification of this id: the alerts that it was about are still to be shown.
    pub(super) fn not_shown(&mut self, id: &str) {
        for arrival in self.refused.values_mut().filter(|arrival| urgent::id(&arrival.alert) == id) {
            arrival.notified = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;
    use visionguard_proto::{Alert, Kind, Via};

    use super::*;
    use crate::model::Source;

    #[test]
    fn what_was_refused_goes_before_what_came_since() {
        let mut world = World { refuses_all: true, ..World::default() };
        world.come(100);

        world.refuses_all = false;
        world.come(3);

        assert_eq!(world.stored, (1..=103).collect::<Vec<_>>());
    }

    #[test]
    fn all_that_was_refused_is_stored_though_nothing_new_comes() {
        let mut world = World { refuses_all: true, ..World::default() };
        world.come(100);

        world.refuses_all = false;
        world.time();

        assert_eq!(world.stored, (1..=100).collect::<Vec<_>>());
    }

    #[test]
    fn those_that_never_can_be_stored_hold_nobody_up() {
        let mut world = World { refuses_all: true, never: (1..=40).collect(), ..World::default() };
        world.come(50);

        world.refuses_all = false;
        world.come(1);
        let at_once = world.stored.contains(&51);
        (0..60).for_each(|_| world.time());

        assert!(at_once);
        assert_eq!(world.stored.iter().copied().collect::<BTreeSet<_>>(), (41..=51).collect());
        assert_eq!(world.backlog.refused.len(), 40);
    }

    #[test]
    fn behind_many_that_cannot_be_stored_the_others_go_together() {
        let mut world = World { refuses_all: true, never: (1..=100).collect(), ..World::default() };
        world.come(1_000);

        world.refuses_all = false;
        let rounds = (1..=1_000).find(|_| {
            world.time();
            world.stored.len() == 900
        });

        // One round for each that cannot, at the most, and those in which the tries began.
        assert!(rounds.is_some_and(|rounds| rounds <= 105), "{rounds:?}");
    }

    #[test]
    fn while_the_disk_refuses_all_few_are_tried_besides_what_is_new() {
        let mut world = World { refuses_all: true, ..World::default() };
        world.come(1_000);
        let before = world.tries;

        world.time();
        world.come(1);

        assert_eq!(world.tries - before, 2 + 3);
    }

    #[test]
    fn a_disk_that_refuses_again_is_not_tried_with_all() {
        let mut world = World { refuses_all: true, ..World::default() };
        world.come(1_000);
        world.refuses_all = false;
        world.backlog.try_again();
        world.one();
        world.refuses_all = true;
        let before = world.tries;

        world.all();

        assert!(world.tries - before <= 2 * LANE, "{} were tried", world.tries - before);
    }

    #[test]
    fn no_more_than_so_many_are_kept_and_the_newest_of_them() {
        let mut world = World { refuses_all: true, ..World::default() };

        world.come(MOST_REFUSED as u64 + 10);

        assert_eq!(world.backlog.refused.len(), MOST_REFUSED);
        assert_eq!(world.backlog.refused.keys().next_back(), Some(&(MOST_REFUSED as u64 + 10)));
    }

    proptest! {
        #[test]
        fn whatever_the_disk_did_in_the_end_each_is_stored_once_and_what_a_good_disk_takes_in_order(
            moves in proptest::collection::vec((0..5_u8, 0..40_u64), 0..60),
        ) {
            let mut world = World::default();
            for (what, count) in moves {
                match what {
                    0 => world.refuses_all = !world.refuses_all,
                    1 => world.time(),
                    2 => (0..count).for_each(|_| world.one()),
                    _ => (0..count).for_each(|_| world.comes()),
                }
            }
            world.refuses_all = false;
            // What the disk did before it was well is known.
            while !world.lane.is_empty() {
                world.one();
            }
            let before = world.stored.len();
            (0..3).for_each(|_| world.comes());
            world.all();

            prop_assert!(world.stored[before..].is_sorted());
            prop_assert_eq!(world.stored.len() as u64, world.backlog.turns);
            prop_assert_eq!(world.stored.iter().collect::<BTreeSet<_>>().len(), world.stored.len());
        }
    }

    /// A backlog, the lane, and a disk behind it.
    #[derive(Default)]
    struct World {
        backlog: Backlog,
        lane: VecDeque<Arrival>,
        refuses_all: bool,
        never: BTreeSet<u64>,
        stored: Vec<u64>,
        tries: usize,
    }

    impl World {
        /// So many come, each when the one before was tried.
        fn come(&mut self, count: u64) {
            for _ in 0..count {
                self.comes();
                self.all();
            }
        }

        fn comes(&mut self) {
            let turn = self.backlog.turn();
            self.backlog.came(arrival(turn));
            self.go_on();
        }

        /// It is time to try again.
        fn time(&mut self) {
            self.backlog.try_again();
            self.go_on();
            self.all();
        }

        fn all(&mut self) {
            self.go_on();
            while !self.lane.is_empty() {
                self.one();
            }
        }

        /// The first on the lane is tried.
        fn one(&mut self) {
            self.go_on();
            let Some(arrival) = self.lane.pop_front() else { return };
            self.tries += 1;
            let is_stored = !self.refuses_all && !self.never.contains(&arrival.turn);
            self.backlog.tried(arrival.turn, is_stored);
            if is_stored {
                self.stored.push(arrival.turn);
            } else {
                self.backlog.keep(arrival);
            }
            self.go_on();
        }

        fn go_on(&mut self) {
            while self.lane.len() < LANE
                && let Some(arrival) = self.backlog.next()
            {
                self.lane.push_back(arrival);
            }
        }
    }

    fn arrival(turn: u64) -> Arrival {
        let alert = Alert {
            via: Via::Detection,
            kind: Kind::Theft,
            anomaly_id: None,
            shop_id: None,
            stream_id: None,
            person_id: None,
            start_frame: None,
            frame_number: None,
            score: None,
            claimed_severity: None,
            text: None,
            location: None,
            detected_at: None,
            bounding_box: None,
            picture: Picture::Absent,
            cursor: None,
            replayed: false,
        };
        let received_at = Timestamp::UNIX_EPOCH;
        Arrival { turn, alert, received_at, source: Source::Live, ack: None, notified: false, place: None }
    }
}
