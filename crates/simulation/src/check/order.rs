//! The order in which alerts are stored, and that nothing is left out along a log that was recovered.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::SignedDuration;

use crate::net::StreamId;
use crate::world::World;

/// How long after the disk had trouble the order may be another: what was on its way to it then may be stored first.
const AFTER_TROUBLE: Duration = Duration::from_secs(15);

/// What is known of the order.
#[derive(Debug, Default)]
pub struct Order {
    /// Where in the log each stream began.
    begins: BTreeMap<StreamId, usize>,
    /// Where the log was last begun at its end: what is before is the record's to tell.
    followed_from: usize,
    /// Up to where the log was seen to be stored, on the newest stream that followed it.
    reached: Option<(StreamId, usize)>,
    /// What was said on which stream, and as what.
    said: BTreeMap<(StreamId, u64), usize>,
    /// The last of what was said that came to be stored.
    last: Option<(StreamId, usize)>,
    /// Streams whose bytes were damaged: a message of theirs may be left to the record.
    damaged: BTreeSet<StreamId>,
    /// Detections that were stored.
    stored: BTreeSet<u64>,
}

impl Order {
    /// An alert was said on a stream.
    pub fn said(&mut self, id: StreamId, number: u64) {
        let next = self.said.len();
        self.said.entry((id, number)).or_insert(next);
    }

    /// The log was lost: its places are others.
    pub fn log_begins_anew(&mut self) {
        self.begins.clear();
        self.followed_from = 0;
        self.reached = None;
    }

    /// The bytes of a stream are damaged.
    pub fn damages(&mut self, id: StreamId) {
        self.damaged.insert(id);
    }

    /// A detection is stored, from wherever it came.
    pub fn stored(&mut self, number: u64) {
        self.stored.insert(number);
    }

    /// Whether it was stored, be it in memory.
    pub fn is_stored(&self, number: u64) -> bool {
        self.stored.contains(&number)
    }

    /// These alone are left.
    pub fn are_left(&mut self, numbers: BTreeSet<u64>) {
        self.stored = numbers;
        self.last = None;
    }
}

impl World {
    /// A stream follows the log after this place; whether that is where the client had left it.
    pub fn follows(&mut self, id: StreamId, after: usize, goes_on: bool) {
        self.checks.order.begins.insert(id, after);
        if goes_on {
            self.log_is_known_to(after);
        } else {
            self.checks.order.followed_from = after;
        }
    }

    /// An alert came on the socket and was stored: none that was said before it comes later, and along the log none is
    /// left out.
    pub fn comes_in_order(&mut self, number: u64) {
        let Some(id) = self.newest_stream() else { return };
        if self.disk_trouble_within(AFTER_TROUBLE) || self.checks.order.damaged.contains(&id) {
            self.checks.order.last = None;
            self.checks.order.reached = None;
            return;
        }
        let order = &mut self.checks.order;
        if let Some(said) = order.said.get(&(id, number)).copied() {
            let before = order.last.replace((id, said));
            if before.is_some_and(|(stream, last)| stream == id && said <= last) {
                return self.fail("I4", format!("{number} was stored after what was said later"));
            }
        }
        self.nothing_is_left_out(id, number);
    }

    fn nothing_is_left_out(&mut self, id: StreamId, number: u64) {
        let (Some(begin), Some(place)) =
            (self.checks.order.begins.get(&id).copied(), self.server.log.place_of(number))
        else {
            return;
        };
        let reached = self.checks.order.reached.filter(|(stream, _)| *stream == id);
        let from = reached.map_or(begin, |(_, reached)| reached);
        let left_out = self.server.log.between(from, place).find(|one| !self.checks.order.is_stored(*one));
        if let Some(one) = left_out {
            let text = format!("{number} has place {place} in the log; {one} before it was left out");
            return self.fail("I4", text);
        }
        self.checks.order.reached = Some((id, place.max(from)));
    }

    /// The client asked to go on from here, and the server can: all that the log told before is in the journal.
    fn log_is_known_to(&mut self, place: usize) {
        let Some(signed_in) = self.person.signed_in_at else { return };
        let from = self.checks.damaged_at.unwrap_or_default().max(signed_in);
        let wanted: BTreeSet<u64> = self
            .server
            .log
            .between(self.checks.order.followed_from, place)
            .filter(|number| self.checks.written.get(number).is_some_and(|written| *written > from))
            .collect();
        if wanted.is_empty() {
            return;
        }
        let lines = match self.lines_on_disk() {
            Ok(lines) => lines,
            Err(error) => return self.fail("I11", format!("the journal cannot be read: {error}")),
        };
        let there: BTreeSet<u64> = lines.iter().filter_map(|line| line.frame.or(line.named)).collect();
        let in_memory = self.is_in_memory();
        // By a date that is days ahead, what is old enough to be let go is there no more.
        let is_ahead = self.wall_error >= SignedDuration::from_hours(24);
        // What it has taken and not stored yet it stores when it can; it would not ask so after a kill.
        let is_missing = |number: &&u64| {
            let was_stored = self.checks.order.is_stored(**number);
            !(self.checks.queues.waits(**number) || (in_memory || is_ahead) && was_stored)
        };
        let missing: Vec<&u64> = wanted.difference(&there).filter(is_missing).collect();
        if !missing.is_empty() {
            let text = format!("the log goes on after {place}, and the journal has not {missing:?}");
            self.fail("I4", text);
        }
    }
}
