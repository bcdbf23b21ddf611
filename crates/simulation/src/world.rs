//! Everything outside the client: its time, its queue of events, and what is in it.
//!
//! The world is plain state that moves on by events; it outlives the runtimes in which the client lives.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Notify;
use visionguard_client::clock::Clock;
use visionguard_client::controller::Client;
use visionguard_client::shell::Outcome;
use visionguard_proto::Moment;

use crate::attempts::Attempts;
use crate::check::{Checks, Failure};
use crate::counts::Counts;
use crate::desktop::{Asked, Desktop};
use crate::dice::Dice;
use crate::disk::DiskState;
use crate::fault::Fault;
use crate::net::{Net, StreamId, Way};
use crate::person::{Person, Wish};
use crate::plan::{Plan, QUIET};
use crate::scene::Noticed;
use crate::screen::Screen;
use crate::server::{self, Server};
use crate::trace::Trace;

/// The world, as client and driver share it.
pub type Shared = Arc<Mutex<World>>;

/// The world, whatever became of whoever held it before.
pub fn lock(shared: &Shared) -> MutexGuard<'_, World> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// When the world began, by right clocks.
pub const BEGINNING: i64 = 1_795_262_400;
/// How long it takes until a sign-in that ended, while its connection goes on, was noticed and renewed.
const SIGN_IN_AGAIN: Duration = Duration::from_secs(150);

/// Something that happens at its time.
#[derive(Debug)]
pub enum Event {
    /// A chunk comes to the other end of a stream.
    Lands(StreamId, Way),
    /// Something at the server.
    Server(server::Event),
    /// The notification service answers.
    Notified(Asked, Outcome),
    /// A fault begins.
    Fault(Fault),
    /// A fault ends.
    Over(Fault),
    /// The machine falls asleep, of which the system has told.
    Sleeps(Duration),
    /// A person does something.
    Person(Wish),
    /// Somebody looks whether all is as it should be.
    Look,
    /// Nothing breaks any more from here on.
    Peace,
    /// The run is over.
    End,
    /// A scene is over.
    Curtain,
}

/// How a life of the client ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Death {
    /// Killed; the machine goes on, and it is started again after this.
    Kill {
        /// How long nobody starts it.
        away: Duration,
        /// What becomes of the journal's file meanwhile.
        file: Fate,
    },
    /// Ended in order, for good.
    Quit,
}

/// What becomes of the journal's file while nobody uses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Nothing.
    Stays,
    /// Some of it is written over.
    Damaged,
    /// What was not synced is gone.
    Unsynced,
    /// It cannot be opened when the client starts.
    Hidden,
}

/// All there is outside the client.
pub struct World {
    /// The time since the beginning.
    pub now: Duration,
    base: Duration,
    started: Option<tokio::time::Instant>,
    slept: Duration,
    suspended: bool,
    /// How wrong the computer's date is.
    pub wall_error: SignedDuration,

    queue: BTreeMap<(Duration, u64), Event>,
    sequence: u64,
    changed: Arc<Notify>,
    /// Why the present life ends, once it does.
    pub death: Option<Death>,
    /// The client of the present life.
    pub client: Option<Client>,
    /// What a person wants of the client, to be asked outside the lock.
    pub wishes: Vec<Wish>,

    /// All chance.
    pub dice: Dice,
    /// What was drawn at the beginning.
    pub plan: Plan,
    /// What happened.
    pub trace: Trace,
    /// How much of what happened.
    pub counts: Counts,
    /// When what a scene waits for came.
    pub noticed: Noticed,
    /// The network.
    pub net: Net,
    /// The server.
    pub server: Server,
    /// The disk.
    pub disk: DiskState,
    /// The desktop.
    pub desktop: Desktop,
    /// What stands on it.
    pub screen: Screen,
    /// The person.
    pub person: Person,
    /// Attempts to connect.
    pub attempts: Attempts,
    /// What must hold.
    pub checks: Checks,
    /// The first thing that did not.
    pub failure: Option<Failure>,
    /// Lives so far.
    pub life: u32,
    /// When the machine last woke, or the client started.
    quiet_since: Duration,
    /// Everything is in order from here on.
    pub peace_at: Option<Duration>,
    /// How many alerts came in floods.
    pub flooded: u64,
    /// The client was asked to end.
    pub ending: bool,
    /// Where the client has its files.
    pub directory: PathBuf,
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World").field("now", &self.now).finish_non_exhaustive()
    }
}

impl World {
    /// A world as this plan has it.
    pub fn new(plan: Plan, directory: PathBuf, print: bool) -> World {
        let mut world = World {
            now: Duration::ZERO,
            base: Duration::ZERO,
            started: None,
            slept: Duration::ZERO,
            suspended: false,
            wall_error: SignedDuration::ZERO,
            queue: BTreeMap::new(),
            sequence: 0,
            changed: Arc::new(Notify::new()),
            death: None,
            client: None,
            wishes: Vec::new(),
            dice: Dice::new(plan.seed ^ 0x5eed),
            trace: Trace::new(print),
            counts: Counts::default(),
            noticed: Noticed::default(),
            net: Net::default(),
            server: Server::new(&plan),
            disk: DiskState::default(),
            desktop: Desktop::default(),
            screen: Screen::default(),
            person: Person::default(),
            attempts: Attempts::default(),
            checks: Checks::default(),
            failure: None,
            life: 0,
            quiet_since: Duration::ZERO,
            peace_at: None,
            flooded: 0,
            ending: false,
            directory,
            plan,
        };
        world.schedule();
        world
    }

    // ---- time ----

    /// A life begins: from here on tokio's clock drives the world's.
    pub fn live(&mut self) {
        self.base = self.now;
        self.slept = Duration::ZERO;
        self.started = Some(tokio::time::Instant::now());
        self.quiet_since = self.now;
        self.life += 1;
        self.death = None;
        // What the life before left standing is taken back.
        self.screen.forgets();
    }

    /// The life is over: the world's time is its own again.
    pub fn die(&mut self) {
        self.look_at_the_clock();
        self.started = None;
        self.client = None;
    }

    /// Takes tokio's word for what time it is, while there is a life.
    pub fn look_at_the_clock(&mut self) {
        if let Some(started) = self.started
            && !self.suspended
        {
            self.now = self.now.max(self.base + self.slept + started.elapsed());
        }
    }

    /// When tokio's clock will show this time of the world.
    pub fn instant(&self, at: Duration) -> Option<tokio::time::Instant> {
        let started = self.started?;
        Some(started + at.saturating_sub(self.base + self.slept))
    }

    /// The machine sleeps: the world goes on without the client.
    pub fn suspend(&mut self, time: Duration) {
        self.line(format!("machine: sleeps for {time:?}"));
        self.suspended = true;
        let until = self.now + time;
        self.run_until(until);
        self.suspended = false;
        self.slept += time;
        self.quiet_since = self.now;
        self.line("machine: wakes");
        self.weather_changed();
        self.checks.woke(self.now);
    }

    /// Whether the machine sleeps.
    pub fn is_suspended(&self) -> bool {
        self.suspended
    }

    /// What the computer's date says.
    pub fn wall(&self) -> Timestamp {
        right_time(self.now).checked_add(self.wall_error).unwrap_or(Timestamp::MAX)
    }

    /// When the machine last woke, or the client started.
    pub fn quiet_since(&self) -> Duration {
        self.quiet_since
    }

    // ---- events ----

    /// Something happens at this time.
    pub fn at(&mut self, at: Duration, event: Event) {
        // Tokio's timers know whole milliseconds.
        let at = Duration::from_millis(u64::try_from(at.as_micros().div_ceil(1000)).unwrap_or(u64::MAX));
        self.sequence += 1;
        self.queue.insert((at.max(self.now), self.sequence), event);
        self.changed.notify_one();
    }

    /// Something happens after this time.
    pub fn after(&mut self, time: Duration, event: Event) {
        self.at(self.now + time, event);
    }

    /// Told when there is a new event.
    pub fn changed(&self) -> Arc<Notify> {
        Arc::clone(&self.changed)
    }

    /// When the next event is due.
    pub fn next_at(&self) -> Option<Duration> {
        self.queue.keys().next().map(|(at, _)| *at)
    }

    /// Does everything that is due, until a life ends.
    pub fn run_due(&mut self) {
        while self.failure.is_none() && (self.death.is_none() || self.started.is_none()) {
            let Some(entry) = self.queue.first_entry() else { return };
            if entry.key().0 > self.now {
                return;
            }
            let event = entry.remove();
            self.handle(event);
        }
    }

    /// Does everything up to this time, without a client that could take part.
    pub fn run_until(&mut self, until: Duration) {
        while let Some(at) = self.next_at().filter(|at| *at <= until)
            && self.failure.is_none()
        {
            self.now = self.now.max(at);
            let Some(entry) = self.queue.first_entry() else { break };
            let event = entry.remove();
            self.handle(event);
        }
        self.now = self.now.max(until);
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Lands(id, way) => self.lands(id, way),
            Event::Server(event) => self.at_the_server(event),
            Event::Notified(asked, outcome) => self.notified(asked, outcome),
            Event::Fault(fault) => self.fault_begins(fault),
            Event::Over(fault) => self.fault_ends(fault),
            Event::Sleeps(time) => {
                if self.client.is_some() && !self.suspended {
                    self.suspend(time);
                    self.wishes.push(Wish::Wake);
                    self.excuse("the machine woke");
                }
            }
            Event::Person(wish) => self.person_wishes(wish),
            Event::Look => self.look(),
            Event::Peace => self.peace(),
            Event::End => self.ends(),
            Event::Curtain => self.death = Some(Death::Quit),
        }
    }

    /// The run is over once the client had its time without a fault. A sign-in may end in that time, too: then the person
    /// has to sign in again first, since until then nobody can say "Protected".
    fn ends(&mut self) {
        let from = self.quiet_since.max(self.peace_at.unwrap_or_default());
        if self.suspended || self.client.is_none() || self.now < from + QUIET {
            return self.at((from + QUIET).max(self.now + Duration::from_secs(1)), Event::End);
        }
        let signed_in_lately = self.now < self.person.last_sign_in + SIGN_IN_AGAIN;
        if signed_in_lately
            || self.server.tokens.ended_within(SIGN_IN_AGAIN, self.server.record.time(self.now))
        {
            return self.after(SIGN_IN_AGAIN, Event::End);
        }
        self.line("the run is over");
        self.death = Some(Death::Quit);
    }

    // ---- what happened ----

    /// Notes a line of what happened.
    pub fn line(&mut self, text: impl AsRef<str>) {
        self.trace.line(self.now, text.as_ref());
    }

    /// Something that must hold does not.
    pub fn fail(&mut self, invariant: &'static str, text: impl Into<String>) {
        let text = text.into();
        self.line(format!("FAILED {invariant}: {text}"));
        if self.failure.is_none() {
            self.failure = Some(Failure { invariant, text, at: self.now });
        }
        self.changed.notify_one();
    }
}

/// What a right clock shows at this time of the world.
pub fn right_time(at: Duration) -> Timestamp {
    let micros = i64::try_from(at.as_micros()).unwrap_or(i64::MAX);
    Timestamp::from_microsecond(BEGINNING * 1_000_000 + micros).unwrap_or(Timestamp::MAX)
}

/// The computer's clocks, as the world has them.
pub struct SimulatedClock(pub Shared);

impl fmt::Debug for SimulatedClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SimulatedClock")
    }
}

impl Clock for SimulatedClock {
    fn monotonic(&self) -> Moment {
        let mut world = lock(&self.0);
        world.look_at_the_clock();
        Moment::from_start(Duration::from_secs(3600) + world.now)
    }

    fn wall(&self) -> Timestamp {
        let mut world = lock(&self.0);
        world.look_at_the_clock();
        world.wall()
    }
}
