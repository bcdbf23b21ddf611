//! What must hold, whatever happens: the invariants that can be seen from outside the client.

mod journal;
mod order;
mod popups;
mod queues;
mod roster;
mod secrets;
mod slot;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::sync::oneshot;
use visionguard_client::model::{Handling, Recorded, Source};
use visionguard_client::status;
use visionguard_client::view::{Event as PageEvent, Status};

use crate::net::StreamId;
use crate::server::{Detection, Holder, Reply};
use crate::world::{Event, World};

pub use journal::{lines, read};
pub use order::Order;
pub use popups::Popups;
pub use queues::Queues;
pub use roster::Roster;
pub use slot::Slot;

/// Evidence may be this old while "Protected" is shown: its limit and a second.
const EVIDENCE: Duration = Duration::from_secs(61);
/// After a wake the client has so long to find out.
const AFTER_WAKE: Duration = Duration::from_secs(11);
/// Connections of one user that open within this time cannot be told apart by their ages.
const LOOK_ALIKE: Duration = Duration::from_millis(2_500);
/// How long the status may speak of a connection whose end is let go.
const SAID_TO_END: Duration = Duration::from_secs(5);
/// Bytes may lie unread for so long.
const UNREAD: Duration = Duration::from_secs(5);

/// Something that had to hold and did not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Which of the invariants.
    pub invariant: &'static str,
    /// What was seen.
    pub text: String,
    /// When.
    pub at: Duration,
}

/// What was seen so far.
#[derive(Debug, Default)]
pub struct Checks {
    /// When each detection was written down.
    pub written: BTreeMap<u64, Duration>,
    /// Those of them that the client is not known to have.
    pub missing: BTreeSet<u64>,
    /// Detections that were sent on a socket.
    pub sent: BTreeMap<u64, Duration>,
    /// When the server last said that the client's newest connection is the user's own.
    pub listed_at: Option<Duration>,
    woke_at: Option<Duration>,
    /// Detections by the incident that they were stored in.
    pub of_incident: BTreeMap<String, BTreeSet<u64>>,
    /// In which order alerts are said and stored.
    pub order: Order,
    /// What waits inside the client.
    pub queues: Queues,
    /// Whom the server takes for connected.
    pub roster: Roster,
    /// Those whose row somebody else decided on.
    pub decided_elsewhere: BTreeSet<u64>,
    /// Whether a lost place is said.
    pub slot: Slot,
    /// When each detection was first stored in the journal of that time.
    pub recorded: BTreeMap<u64, Duration>,
    /// Popups.
    pub popups: Popups,
    /// When the journal was damaged: what was before is in the file that was set aside.
    pub damaged_at: Option<Duration>,
    /// When the disk took no writes for the last time.
    pub disk_trouble_until: Duration,
    lost_replies: Vec<oneshot::Sender<(Duration, Reply)>>,
}

impl Checks {
    /// A detection is on record.
    pub fn written(&mut self, detection: &Detection, now: Duration) {
        self.written.insert(detection.number, now);
        self.missing.insert(detection.number);
    }

    /// A detection was sent on a socket.
    pub fn sent_live(&mut self, number: u64, now: Duration) {
        self.sent.insert(number, now);
    }

    /// The machine woke.
    pub fn woke(&mut self, now: Duration) {
        self.woke_at = Some(now);
    }

    /// A row's status was changed by the client.
    pub fn patched(&mut self, _id: &str, _now: Duration) {}

    /// An answer that never comes.
    pub fn forever(&mut self, reply: oneshot::Sender<(Duration, Reply)>) {
        self.lost_replies.push(reply);
    }
}

impl World {
    /// The server says who is connected.
    pub fn listed(&mut self) {
        let newest = self.newest_stream();
        let ours = self.server.slot.is_some_and(|(holder, since)| match holder {
            Holder::Stream(id) => Some(id) == newest,
            // Two that opened within a moment look alike in the list.
            Holder::Tab | Holder::Rival => self.attempts.opened_within(since, LOOK_ALIKE),
        });
        if ours {
            self.checks.listed_at = Some(self.now);
        }
    }

    /// The client's newest stream, if its end is open.
    pub fn newest_stream(&self) -> Option<StreamId> {
        self.net.streams.iter().filter(|(_, stream)| stream.client_open).map(|(id, _)| *id).next_back()
    }

    /// The journal has taken something.
    pub fn is_recorded(&mut self, recorded: &Recorded) {
        let entry = recorded.entry();
        let by_id = entry.alert.anomaly_id.as_ref().and_then(|id| Detection::number_of(id.as_str()));
        let by_frame = entry.alert.start_frame.and_then(|frame| u64::try_from(frame).ok());
        let number = by_id.or(by_frame);
        let what = match recorded {
            Recorded::New { .. } => "new",
            Recorded::Joined { .. } => "joined",
            Recorded::Repeat { .. } => "repeat",
        };
        let source = entry.alert.source;
        self.line(format!(
            "shell: {what} {} of incident {}: detection {number:?}, {source:?}",
            entry.alert.id, entry.incident.id
        ));
        if let Recorded::New { .. } = recorded {
            match source {
                Source::Live => self.counts.live += 1,
                Source::History => self.counts.caught_up += 1,
            }
        }
        self.is_of_this_session(number);
        let incident = entry.incident.id.to_string();
        // A name may be a guess; a frame never is.
        if let Some(number) = by_frame.or(by_id) {
            let came_now = matches!(recorded, Recorded::New { .. }) && source == Source::Live;
            self.waits_no_more(number, entry, came_now);
            self.checks.order.stored(number);
            if came_now && by_frame.is_some() {
                self.comes_in_order(number);
            }
            let now = self.now;
            let first = self.checks.recorded.entry(number).or_insert(now);
            if let Recorded::New { .. } = recorded {
                // What is new again is new to another journal.
                *first = now;
            }
            let joins = self.checks.of_incident.entry(incident.clone()).or_default().insert(number);
            if joins && self.person.decided_on.contains(&incident) {
                self.person.is_covered(number);
            }
        }
        if !self.person.incidents.contains(&incident) {
            self.person.incidents.push(incident);
        }
    }

    /// The page was told something: "done" only after the server did it.
    pub fn page_is_told(&mut self, event: &PageEvent) {
        if let PageEvent::IncidentChanged { incident, .. } = event
            && matches!(incident.handling, Handling::Recorded { .. })
        {
            let numbers = self.checks.of_incident.get(&incident.id).cloned().unwrap_or_default();
            let rows: Vec<&str> = self
                .server
                .record
                .rows
                .values()
                .filter(|row| numbers.contains(&row.detection.number))
                .map(|row| row.status.as_str())
                .collect();
            if !rows.is_empty() && rows.iter().all(|status| *status == "pending") {
                self.fail(
                    "decisions",
                    format!("the page says done of {}, and the server knows nothing", incident.id),
                );
            }
        }
    }

    /// Looks whether all is as it should be, and again in a second.
    pub fn look(&mut self) {
        self.after(Duration::from_secs(1), Event::Look);
        self.roster_is_true();
        if self.client.is_none() || self.is_suspended() || self.ending {
            return;
        }
        self.person_looks();
        self.the_screen_is_looked_at();
        if self.checks.woke_at.is_some_and(|woke| self.now < woke + AFTER_WAKE) {
            return;
        }
        let Some(status) = self.status() else { return };
        self.streams_are_read();
        self.a_lost_place_is_said();
        match status {
            Status::Protected => {
                self.dead_links_are_found();
                self.protected_is_true();
            }
            Status::CatchingUp | Status::Deaf => self.dead_links_are_found(),
            Status::Offline | Status::SignedOut => {}
        }
    }

    fn streams_are_read(&mut self) {
        let Some(stream) = self.newest_stream().and_then(|id| self.net.streams.get(&id)) else { return };
        if let Some(since) = stream.unread_since()
            && self.now > since + UNREAD
            && !self.net.weather.slices
        {
            self.fail("I5", format!("bytes lie unread since {since:?}"));
        }
    }

    fn dead_links_are_found(&mut self) {
        let Some(id) = self.newest_stream() else {
            let since = self.desktop.status.as_ref().map(|(_, since)| *since).unwrap_or_default();
            // What came before the end is taken first, and waits for a slow disk.
            let since = since.max(self.attempts.let_go_at.unwrap_or_default());
            if self.now > since + SAID_TO_END {
                self.fail("I10", "the status speaks of a connection, and there is none");
            }
            return;
        };
        let heard = self.net.streams.get(&id).map(|stream| stream.heard_at).unwrap_or_default();
        if self.now > heard + EVIDENCE {
            self.fail("I6", format!("nothing was heard on stream {id} since {heard:?}"));
        }
    }

    fn protected_is_true(&mut self) {
        // Where everything comes by the record, the connection's place does not matter.
        let by_record =
            self.desktop.status.as_ref().is_some_and(|(view, _)| status::needs_no_place(&view.reason));
        match self.checks.listed_at {
            _ if by_record => {}
            Some(at) if self.now <= at + EVIDENCE => {}
            at => return self.fail("I10", format!("Protected, and the server said so last at {at:?}")),
        }
        let Some(signed_in) = self.person.owner_since() else { return };
        let overdue: Vec<u64> = self
            .checks
            .missing
            .iter()
            .filter(|number| {
                let written = self.checks.written.get(number).copied().unwrap_or_default();
                written > signed_in && written + EVIDENCE < self.now && !self.is_never_sent(**number)
            })
            .copied()
            .collect();
        if overdue.is_empty() {
            return;
        }
        let lines = match self.lines_on_disk() {
            Ok(lines) => lines,
            Err(error) => return self.fail("I11", format!("the journal cannot be read: {error}")),
        };
        for number in overdue {
            if lines.iter().any(|line| line.named == Some(number) || line.frame == Some(number))
                || self.is_of_before_the_damage(number)
                || (self.is_in_memory() && (self.checks.order.is_stored(number) || self.disk.holds(number)))
            {
                self.checks.missing.remove(&number);
                continue;
            }
            return self.fail("I10", format!("Protected, and {number} is on record and not in the journal"));
        }
    }

    /// Whether this was on record before the journal was damaged.
    pub fn is_of_before_the_damage(&self, number: u64) -> bool {
        let written = self.checks.written.get(&number).copied().unwrap_or_default();
        self.checks.damaged_at.is_some_and(|damaged| written < damaged)
    }

    /// From here on nothing breaks.
    pub fn peace(&mut self) {
        self.line("peace");
        self.peace_at = Some(self.now);
        self.net.weather = crate::net::Net::default().weather;
        self.weather_changed();
        self.excuse("peace");
        if self.server.troubles.frozen {
            self.server_thaws();
        }
        self.server.troubles = crate::server::Troubles::default();
        self.disk_is_well();
        self.desktop.fails = false;
        self.desktop.late = false;
        self.at_the_server(crate::server::Event::Tab(false));
        self.rival_leaves();
    }
}
