//! What waits inside the client: alerts that it has taken from the socket and not stored yet, and their pictures.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use visionguard_client::model::Entry;

use crate::net::StreamId;
use crate::plan::Bug;
use crate::world::World;

/// How many pictures may wait: 64 in the connection's task, 64 on their way to the controller, 32 on the lane to the
/// journal, 32 in the hands of who stores them, and one each on the way from one to the next.
const MOST_PICTURES: usize = 64 + 64 + 32 + 32 + 4;

/// What waits.
#[derive(Debug, Default)]
pub struct Queues {
    /// Said on a stream, each with how many bytes come before its end.
    said: BTreeMap<StreamId, VecDeque<(u64, u64)>>,
    /// Taken by the client and not stored: since when.
    taken: BTreeMap<u64, Duration>,
    /// Pictures that were held until they were stored: when each came (1) and went (-1).
    held: Vec<(Duration, i32)>,
    /// The most alerts that waited at once.
    pub longest: usize,
}

impl Queues {
    /// Whether it was taken and not stored yet.
    pub fn waits(&self, number: u64) -> bool {
        self.taken.contains_key(&number)
    }

    /// Nothing waits any more: the client is another, or the session.
    pub fn forget(&mut self) {
        self.said.clear();
        self.taken.clear();
    }
}

impl World {
    /// An alert with its picture was said on a stream.
    pub fn is_said(&mut self, id: StreamId, number: u64) {
        self.checks.order.said(id, number);
        let Some(stream) = self.net.streams.get(&id) else { return };
        let end = stream.said;
        self.checks.queues.said.entry(id).or_default().push_back((number, end));
    }

    /// The client has read so many bytes of a stream.
    pub fn is_read(&mut self, id: StreamId, bytes: u64) {
        let now = self.now;
        let queues = &mut self.checks.queues;
        let Some(said) = queues.said.get_mut(&id) else { return };
        while said.front().is_some_and(|(_, end)| *end <= bytes) {
            if let Some((number, _)) = said.pop_front() {
                queues.taken.entry(number).or_insert(now);
            }
        }
        queues.longest = queues.longest.max(queues.taken.len());
    }

    /// An alert is stored, with the picture that was held until then.
    pub fn waits_no_more(&mut self, number: u64, entry: &Entry, came_now: bool) {
        let Some(taken) = self.checks.queues.taken.remove(&number) else { return };
        let keeps_all = self.plan.bug == Some(Bug::KeepsEveryPicture);
        if (came_now && entry.alert.picture.is_some()) || keeps_all {
            self.checks.queues.held.extend([(taken, 1), (self.now, -1)]);
        }
    }

    /// Looks back on how many pictures were held at once.
    pub fn check_the_queues(&mut self) {
        let mut held = std::mem::take(&mut self.checks.queues.held);
        // Those that went in a moment have made room for those that came in it.
        held.sort();
        let (mut now, mut most) = (0_i32, 0);
        for (_, change) in held {
            now += change;
            most = most.max(now);
        }
        self.counts.longest_queue = self.counts.longest_queue.max(self.checks.queues.longest as u64);
        if usize::try_from(most).unwrap_or(0) > MOST_PICTURES && !self.disk_had_trouble() {
            self.fail("I5", format!("{most} pictures were held at once"));
        }
    }
}
