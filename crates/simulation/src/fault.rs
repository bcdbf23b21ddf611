//! What goes wrong, and how it ends.

use std::time::Duration;

use jiff::SignedDuration;

use crate::net::{Chunk, StreamId, Way};
use crate::person::Wish;
use crate::plan;
use crate::server;
use crate::world::{Death, Event, Fate, World};

/// The number of the first detection that comes in a flood.
const FLOODS_FROM: u64 = 10_000;

/// Something that goes wrong, and for how long where it passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The connection is reset.
    Reset,
    /// The server's end is closed without a word.
    HalfClosed,
    /// The connection becomes a black hole both ways, upwards, or downwards.
    Swallowed(Option<Way>),
    /// The connection breaks after so many bytes.
    Cut(usize),
    /// Bytes are damaged on the way.
    Damaged,
    /// The machine has no network.
    NoNetwork(Duration),
    /// The machine comes to another network.
    OtherNetwork,
    /// Nothing passes any more: both ways, upwards, or downwards.
    Hole(Option<Way>, Duration),
    /// Everything takes this many milliseconds more or less.
    Slow(u64, Duration),
    /// Bytes come by ones, twos and threes.
    Slices(Duration),
    /// Names do not resolve.
    Nameless(Duration),
    /// Certificates do not verify.
    BrokenTls(Duration),
    /// The server restarts in order.
    Restart(u16, Duration),
    /// The server is killed; whether its machine is gone too.
    Crash(bool, Duration),
    /// The server stands still.
    Freeze(Duration),
    /// The server answers everything with this.
    Answers(u16, Option<u64>, Duration),
    /// The server takes requests and never answers.
    Hangs(Duration),
    /// The server accepts sockets and closes them at once.
    Slams(u16, Duration),
    /// The server turns down every handshake with a 403.
    Forbids(Duration),
    /// A web tab of the same user is open.
    Tab(Duration),
    /// Another client of the same user opens and closes its socket.
    Rival(Duration),
    /// The original forgets the connection and leaves it open.
    Forgotten,
    /// Our server's log is lost and begun anew.
    LogWiped,
    /// Our server's log keeps only the newest few.
    LogTrimmed,
    /// All tokens are taken back.
    Revoked,
    /// The server's clock is set.
    ServerClock(i64),
    /// The client is killed.
    Kill {
        /// How long nobody starts it again.
        away: Duration,
        /// Whether the journal is damaged meanwhile.
        damage: bool,
    },
    /// The machine loses its power, and is started again.
    PowerLoss(Duration),
    /// The client is killed, and finds when it starts that it cannot open its journal.
    Unopenable {
        /// How long nobody starts it again.
        away: Duration,
        /// How long it cannot be opened from now on.
        time: Duration,
    },
    /// So many alerts within seconds.
    Flood(u64),
    /// The machine sleeps.
    Sleep(Duration),
    /// The computer's date is set.
    Date(i64),
    /// The disk is full.
    DiskFull(Duration),
    /// The disk takes no writes.
    DiskReadOnly(Duration),
    /// The disk is slow.
    DiskSlow(Duration),
    /// The notification service fails.
    DeskFails(Duration),
    /// It takes its time.
    DeskLate(Duration),
    /// It ends, with whatever it was about to show, and is back after this.
    DeskRestarts(Duration),
}

impl Fault {
    /// Its kind, for the counts.
    pub fn name(self) -> &'static str {
        match self {
            Fault::Reset => "reset",
            Fault::HalfClosed => "half-closed",
            Fault::Swallowed(_) => "swallowed",
            Fault::Cut(_) => "cut",
            Fault::Damaged => "damaged",
            Fault::NoNetwork(_) => "no network",
            Fault::OtherNetwork => "other network",
            Fault::Hole(..) => "black hole",
            Fault::Slow(..) => "slow",
            Fault::Slices(_) => "slices",
            Fault::Nameless(_) => "no names",
            Fault::BrokenTls(_) => "broken tls",
            Fault::Restart(..) => "server restart",
            Fault::Crash(..) => "server crash",
            Fault::Freeze(_) => "server frozen",
            Fault::Answers(..) => "server errors",
            Fault::Hangs(_) => "server hangs",
            Fault::Slams(..) => "accept and close",
            Fault::Forbids(_) => "403 for all",
            Fault::Tab(_) => "web tab",
            Fault::Rival(_) => "rival",
            Fault::Forgotten => "forgotten",
            Fault::LogWiped => "log wiped",
            Fault::LogTrimmed => "log trimmed",
            Fault::Revoked => "tokens revoked",
            Fault::ServerClock(_) => "server clock",
            Fault::Kill { damage: false, .. } => "kill",
            Fault::Kill { damage: true, .. } => "journal damaged",
            Fault::PowerLoss(_) => "power loss",
            Fault::Unopenable { .. } => "journal unopenable",
            Fault::Flood(_) => "flood",
            Fault::Sleep(_) => "sleep",
            Fault::Date(_) => "date set",
            Fault::DiskFull(_) => "disk full",
            Fault::DiskReadOnly(_) => "disk read-only",
            Fault::DiskSlow(_) => "disk slow",
            Fault::DeskFails(_) => "notifications fail",
            Fault::DeskLate(_) => "notifications late",
            Fault::DeskRestarts(_) => "notifications restart",
        }
    }

    /// How long it lasts, where it does.
    pub fn lasts(self) -> Option<Duration> {
        match self {
            Fault::NoNetwork(time)
            | Fault::Hole(_, time)
            | Fault::Slow(_, time)
            | Fault::Slices(time)
            | Fault::Nameless(time)
            | Fault::BrokenTls(time)
            | Fault::Restart(_, time)
            | Fault::Crash(_, time)
            | Fault::Freeze(time)
            | Fault::Answers(_, _, time)
            | Fault::Hangs(time)
            | Fault::Slams(_, time)
            | Fault::Forbids(time)
            | Fault::Tab(time)
            | Fault::DiskFull(time)
            | Fault::DiskReadOnly(time)
            | Fault::DiskSlow(time)
            | Fault::DeskFails(time)
            | Fault::DeskLate(time)
            | Fault::DeskRestarts(time)
            | Fault::Unopenable { time, .. } => Some(time),
            Fault::Reset
            | Fault::HalfClosed
            | Fault::Swallowed(_)
            | Fault::Cut(_)
            | Fault::Damaged
            | Fault::OtherNetwork
            | Fault::Rival(_)
            | Fault::Forgotten
            | Fault::Revoked
            | Fault::LogWiped
            | Fault::LogTrimmed
            | Fault::ServerClock(_)
            | Fault::Kill { .. }
            | Fault::PowerLoss(_)
            | Fault::Flood(_)
            | Fault::Sleep(_)
            | Fault::Date(_) => None,
        }
    }
}

impl World {
    /// A fault begins; where it lasts, its end is set.
    pub fn fault_begins(&mut self, fault: Fault) {
        let alive = self.client.is_some();
        let needs_life = matches!(
            fault,
            Fault::Kill { .. } | Fault::PowerLoss(_) | Fault::Unopenable { .. } | Fault::Sleep(_)
        );
        if needs_life && (!alive || self.is_suspended()) {
            return;
        }
        self.counts.fault(fault.name());
        self.line(format!("fault: {fault:?}"));
        if let Some(time) = fault.lasts() {
            self.after(time, Event::Over(fault));
        }
        let newest =
            self.net.streams.iter().filter(|(_, stream)| stream.client_open).map(|(id, _)| *id).next_back();
        match fault {
            Fault::Reset => self.on(newest, World::break_stream),
            Fault::HalfClosed => self.on(newest, |world, id| {
                world.forget(id);
                world.server_closes(id, Chunk::Fin);
            }),
            Fault::Swallowed(way) => self.on(newest, |world, id| world.swallow(id, &ways(way))),
            Fault::Cut(bytes) => self.on(newest, |world, id| world.cut_later(id, bytes)),
            Fault::Damaged => self.on(newest, World::damage),
            Fault::NoNetwork(_) => {
                self.net.weather.down = true;
                self.excuse("the network went");
            }
            Fault::OtherNetwork => self.moves(),
            Fault::Hole(way, _) => {
                for way in ways(way) {
                    match way {
                        Way::Up => self.net.weather.hole_up = true,
                        Way::Down => self.net.weather.hole_down = true,
                    }
                }
            }
            Fault::Slow(latency, _) => self.net.weather.latency = latency / 20..latency,
            Fault::Slices(_) => self.net.weather.slices = true,
            Fault::Nameless(_) => self.net.weather.nameless = true,
            Fault::BrokenTls(_) => self.net.weather.tls_broken = true,
            Fault::Restart(code, _) => self.server_restarts(code),
            Fault::Crash(dark, _) => self.server_crashes(dark),
            Fault::Freeze(_) => self.server.troubles.frozen = true,
            Fault::Answers(status, retry_after, _) => {
                self.server.troubles.answers = Some((status, retry_after))
            }
            Fault::Hangs(_) => self.server.troubles.hangs = true,
            Fault::Slams(code, _) => self.server.troubles.slams = Some(code),
            Fault::Forbids(_) => self.server.troubles.forbids = true,
            Fault::Tab(_) => self.at_the_server(server::Event::Tab(true)),
            Fault::Rival(time) => self.at_the_server(server::Event::Rival(self.now + time)),
            Fault::Forgotten => self.server.slot = None,
            Fault::LogWiped => {
                self.server_restarts(1012);
                self.server.log.wipe();
                self.checks.order.log_begins_anew();
                self.after(Duration::from_secs(2), Event::Server(server::Event::Returns));
            }
            Fault::LogTrimmed => self.server.log.trim(2),
            Fault::Revoked => self.server.tokens.revoke(),
            Fault::ServerClock(seconds) => {
                self.server.record.clock_error += SignedDuration::from_secs(seconds);
            }
            Fault::Kill { away, damage } => {
                self.kill(away, if damage { Fate::Damaged } else { Fate::Stays });
            }
            Fault::PowerLoss(away) => self.kill(away, Fate::Unsynced),
            Fault::Unopenable { away, .. } => self.kill(away, Fate::Hidden),
            Fault::Flood(count) => self.floods(count),
            Fault::Sleep(time) => {
                self.excuse("the machine slept");
                if self.plan.hears_of_sleep {
                    self.wishes.push(Wish::Rest);
                    self.after(Duration::from_millis(1_500), Event::Sleeps(time));
                } else {
                    self.suspend(time);
                }
            }
            Fault::Date(seconds) => self.wall_error += SignedDuration::from_secs(seconds),
            Fault::DiskFull(time) => {
                self.disk.full = true;
                self.checks.disk_trouble_until = self.now + time;
            }
            Fault::DiskReadOnly(time) => {
                self.disk.read_only = true;
                self.checks.disk_trouble_until = self.now + time;
            }
            Fault::DiskSlow(_) => self.disk.slow = true,
            Fault::DeskFails(_) => self.desktop.fails = true,
            Fault::DeskLate(_) => self.desktop.late = true,
            Fault::DeskRestarts(_) => self.desktop_restarts(),
        }
    }

    /// A fault is over.
    pub fn fault_ends(&mut self, fault: Fault) {
        self.line(format!("over: {fault:?}"));
        match fault {
            Fault::NoNetwork(_) => {
                self.net.weather.down = false;
                self.excuse("the network came back");
                self.weather_changed();
            }
            Fault::Hole(way, _) => {
                for way in ways(way) {
                    match way {
                        Way::Up => self.net.weather.hole_up = false,
                        Way::Down => self.net.weather.hole_down = false,
                    }
                }
                self.weather_changed();
            }
            Fault::Slow(..) => self.net.weather.latency = 1..20,
            Fault::Slices(_) => self.net.weather.slices = false,
            Fault::Nameless(_) => self.net.weather.nameless = false,
            Fault::BrokenTls(_) => self.net.weather.tls_broken = false,
            Fault::Restart(..) | Fault::Crash(..) => self.at_the_server(server::Event::Returns),
            Fault::Freeze(_) => self.server_thaws(),
            Fault::Answers(..) => self.server.troubles.answers = None,
            Fault::Hangs(_) => self.server.troubles.hangs = false,
            Fault::Slams(..) => self.server.troubles.slams = None,
            Fault::Forbids(_) => self.server.troubles.forbids = false,
            Fault::Tab(_) => self.at_the_server(server::Event::Tab(false)),
            Fault::DiskFull(_) => self.disk.full = false,
            Fault::DiskReadOnly(_) => self.disk.read_only = false,
            Fault::DiskSlow(_) => self.disk.slow = false,
            Fault::Unopenable { .. } => self.journal_comes_back(),
            Fault::DeskFails(_) | Fault::DeskRestarts(_) => self.desktop.fails = false,
            Fault::DeskLate(_) => self.desktop.late = false,
            Fault::Reset
            | Fault::HalfClosed
            | Fault::Swallowed(_)
            | Fault::Cut(_)
            | Fault::Damaged
            | Fault::OtherNetwork
            | Fault::Rival(_)
            | Fault::Forgotten
            | Fault::Revoked
            | Fault::LogWiped
            | Fault::LogTrimmed
            | Fault::ServerClock(_)
            | Fault::Kill { .. }
            | Fault::PowerLoss(_)
            | Fault::Flood(_)
            | Fault::Sleep(_)
            | Fault::Date(_) => {}
        }
    }

    fn on(&mut self, stream: Option<StreamId>, what: impl FnOnce(&mut World, StreamId)) {
        if let Some(id) = stream {
            what(self, id);
        }
    }

    fn kill(&mut self, away: Duration, file: Fate) {
        self.counts.kills += 1;
        self.death = Some(Death::Kill { away, file });
    }

    /// One camera sees somebody in every picture, and others look at them too.
    fn floods(&mut self, count: u64) {
        if self.dice.percent(60) {
            self.disk.slow = true;
            self.after(Duration::from_secs(60), Event::Over(Fault::DiskSlow(Duration::ZERO)));
        }
        let first = plan::draw(&mut self.dice, FLOODS_FROM, self.plan.kind);
        for _ in 0..count {
            let mut detection = plan::draw(&mut self.dice, FLOODS_FROM + self.flooded, self.plan.kind);
            if self.dice.percent(60) {
                detection.stream.clone_from(&first.stream);
                (detection.person, detection.shop) = (first.person, first.shop);
            }
            self.flooded += 1;
            let after = self.dice.millis(0..8_000);
            self.after(after, Event::Server(server::Event::Detects(Box::new(detection))));
        }
    }

    /// Another network: streams of the old one lead nowhere.
    fn moves(&mut self) {
        self.excuse("another network");
        self.net.weather.address = self.net.weather.address.wrapping_add(1);
        let ids: Vec<StreamId> = self.net.streams.keys().copied().collect();
        for id in ids {
            self.swallow(id, &[Way::Up, Way::Down]);
        }
    }
}

fn ways(way: Option<Way>) -> Vec<Way> {
    match way {
        Some(way) => vec![way],
        None => vec![Way::Up, Way::Down],
    }
}
