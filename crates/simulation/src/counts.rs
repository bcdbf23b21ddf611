//! How much of what happened.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::AddAssign;
use std::time::Duration;

/// The figures of one run, or of many.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Runs.
    pub seeds: u64,
    /// Runs in which something did not hold.
    pub failures: u64,
    /// Detections that the server made known in any way.
    pub published: u64,
    /// Alerts that the client had first from the socket.
    pub live: u64,
    /// Alerts that it had first from the record.
    pub caught_up: u64,
    /// Alerts on record that it never had.
    pub lost: u64,
    /// Alerts that the client said to have stored.
    pub acked: u64,
    /// Popups that the desktop took.
    pub popups: u64,
    /// Decisions of the person.
    pub decisions: u64,
    /// Test messages that the server was asked to send.
    pub drills: u64,
    /// The most alerts that waited inside the client at once.
    pub longest_queue: u64,
    /// Times that the client was killed.
    pub kills: u64,
    /// Connections that stood.
    pub connections: u64,
    /// Requests to the server, without the sockets.
    pub requests: u64,
    /// Faults by their kind.
    pub faults: BTreeMap<&'static str, u64>,
    /// Time that passed in the world.
    pub virtual_time: Duration,
}

impl Counts {
    /// One more fault of this kind.
    pub fn fault(&mut self, kind: &'static str) {
        *self.faults.entry(kind).or_default() += 1;
    }
}

impl AddAssign<&Counts> for Counts {
    fn add_assign(&mut self, other: &Counts) {
        self.seeds += other.seeds;
        self.failures += other.failures;
        self.published += other.published;
        self.live += other.live;
        self.caught_up += other.caught_up;
        self.lost += other.lost;
        self.acked += other.acked;
        self.popups += other.popups;
        self.decisions += other.decisions;
        self.drills += other.drills;
        self.longest_queue = self.longest_queue.max(other.longest_queue);
        self.kills += other.kills;
        self.connections += other.connections;
        self.requests += other.requests;
        self.virtual_time += other.virtual_time;
        for (kind, count) in &other.faults {
            *self.faults.entry(kind).or_default() += count;
        }
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} seeds, {} failures, {} alerts published, {} delivered live, {} caught up, {} lost, {} acknowledged, \
             {} popups, {} decisions, {} test messages, at most {} waiting, {} connections, {} kills, faults:",
            self.seeds,
            self.failures,
            self.published,
            self.live,
            self.caught_up,
            self.lost,
            self.acked,
            self.popups,
            self.decisions,
            self.drills,
            self.longest_queue,
            self.connections,
            self.kills,
        )?;
        for (kind, count) in &self.faults {
            write!(f, " {kind} {count},")?;
        }
        write!(f, " {:.1} virtual hours", self.virtual_time.as_secs_f64() / 3600.0)
    }
}
