//! What is drawn from a seed: the server, the cameras' day, the faults, what the person does.

use std::time::Duration;

use crate::dice::Dice;
use crate::fault::Fault;
use crate::net::Way;
use crate::person::Wish;
use crate::scene::Scene;
use crate::server::{Detection, Event as ServerEvent, Kind, User};
use crate::wanted::Setting;
use crate::world::{Event, World};

/// How long the world is left alone at the end before everything must be in order.
pub const QUIET: Duration = Duration::from_secs(240);

/// What is drawn at the beginning.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The seed.
    pub seed: u64,
    /// Which server.
    pub kind: Kind,
    /// How long things happen.
    pub busy: Duration,
    /// How long an access token lives.
    pub token_lives: Duration,
    /// Whether the person has the password kept.
    pub keeps_password: bool,
    /// Whether the system tells of sleep and of networks.
    pub hears_of_sleep: bool,
    /// A bug that is planted, to see whether it is found.
    pub bug: Option<Bug>,
    /// A quiet day instead of what is drawn.
    pub scene: Option<Scene>,
}

/// A bug that can be planted into the world around the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bug {
    /// An alert is told by neither the socket nor the record.
    LosesAnAlert,
    /// An alert is taken out of the journal after it was acknowledged.
    ForgetsWhatWasAcknowledged,
    /// Every popup is raised twice.
    ShowsTwice,
    /// No popup is taken back.
    WithdrawsNothing,
    /// The program dies of a panic in one of its tasks.
    Panics,
    /// The server does not notice that a socket is gone.
    KeepsDeadSockets,
    /// Our server leaves an entry of its log out.
    SkipsOne,
    /// The client lets go of no picture.
    KeepsEveryPicture,
    /// A secret is written into a file.
    WritesASecret,
    /// The journal takes for stored what the system has not written yet.
    TrustsTheCache,
    /// The server says that a test message was delivered, and it was not.
    SwallowsDrills,
    /// The settings are said to be changed, and are not.
    ChangesNothing,
    /// The journal is said to be erased, and is not.
    ErasesNothing,
    /// The server tells somebody else of the owner's alerts.
    MixesAccounts,
    /// The server lists a connection that it forgot.
    ListsWhomItForgot,
}

impl Plan {
    /// A quiet day at the original, on which one thing happens.
    pub fn quiet(seed: u64, scene: Scene) -> Plan {
        let lasts = scene.at * 2 + Duration::from_secs(3_600);
        Plan {
            token_lives: lasts,
            keeps_password: false,
            hears_of_sleep: true,
            scene: Some(scene),
            ..Plan::new(seed, Kind::Original)
        }
    }

    /// The plan of a seed.
    pub fn new(seed: u64, kind: Kind) -> Plan {
        let mut dice = Dice::new(seed);
        let busy = dice.seconds(300..1_500);
        let token_lives = match dice.below(0..4) {
            0 => dice.seconds(400..1_200),
            _ => Duration::from_secs(3_600),
        };
        let (keeps_password, hears_of_sleep) = (dice.percent(35), dice.percent(50));
        Plan { seed, kind, busy, token_lives, keeps_password, hears_of_sleep, bug: None, scene: None }
    }
}

impl World {
    /// Puts everything that was drawn into the queue.
    pub(crate) fn schedule(&mut self) {
        if let Some(scene) = self.plan.scene.clone() {
            return self.stage(&scene);
        }
        let mut dice = Dice::new(self.plan.seed ^ 0x71a4);
        let busy = self.plan.busy;
        self.history(&mut dice);
        self.at(dice.millis(200..4_000), Event::Person(Wish::SignIn));
        self.cameras(&mut dice, busy);
        self.faults(&mut dice, busy);
        self.people(&mut dice, busy);
        self.occasion(busy / 2);
        self.at(Duration::from_secs(1), Event::Look);
        self.at(busy, Event::Peace);
        self.at(busy, Event::Person(Wish::Change(Setting::Notifications(true))));
        self.at(busy + QUIET, Event::End);
    }

    /// A planted bug gets an occasion to show itself.
    fn occasion(&mut self, at: Duration) {
        let moment = Duration::from_secs(1);
        let event = match self.plan.bug {
            Some(Bug::KeepsEveryPicture) => {
                self.at(at, Event::Fault(Fault::DiskSlow(Duration::from_secs(100))));
                Event::Fault(Fault::Flood(450))
            }
            Some(Bug::TrustsTheCache) => Event::Fault(Fault::PowerLoss(moment)),
            Some(Bug::ChangesNothing) => Event::Person(Wish::Change(Setting::Notifications(false))),
            Some(Bug::ErasesNothing) => Event::Person(Wish::SignOut { erase: true, next: User::Owner }),
            Some(Bug::MixesAccounts) => Event::Person(Wish::Hand(User::Guest)),
            Some(Bug::ListsWhomItForgot) => Event::Fault(Fault::Forgotten),
            Some(
                Bug::LosesAnAlert
                | Bug::ForgetsWhatWasAcknowledged
                | Bug::ShowsTwice
                | Bug::WithdrawsNothing
                | Bug::Panics
                | Bug::KeepsDeadSockets
                | Bug::SkipsOne
                | Bug::WritesASecret
                | Bug::SwallowsDrills,
            )
            | None => return,
        };
        self.at(at, event);
    }

    /// What is on record before the client first looks.
    fn history(&mut self, dice: &mut Dice) {
        let count = if dice.percent(30) { dice.below(1..70) } else { dice.below(0..4) };
        for number in 1..=count {
            let mut detection = draw(dice, number, self.plan.kind);
            (detection.unrecorded, detection.elsewhere) = (false, false);
            let ago = i64::try_from(count - number + 1).unwrap_or(1) * 600;
            let at = self.server.record.time(Duration::ZERO) - jiff::SignedDuration::from_secs(ago);
            self.server.record.write(detection, at, Duration::ZERO);
        }
    }

    fn cameras(&mut self, dice: &mut Dice, busy: Duration) {
        let mut number = 1_000;
        let mut at = dice.seconds(1..40);
        let pause = dice.below(8..90);
        while at < busy {
            let storm = if dice.percent(15) { dice.below(3..14) } else { 1 };
            let first = draw(dice, number, self.plan.kind);
            for _ in 0..storm {
                let mut detection = draw(dice, number, self.plan.kind);
                if storm > 1 && dice.percent(70) {
                    detection.stream.clone_from(&first.stream);
                    (detection.person, detection.shop) = (first.person, first.shop);
                }
                number += 1;
                self.at(at, Event::Server(ServerEvent::Detects(Box::new(detection))));
                at += dice.millis(20..1_500);
            }
            at += dice.millis(0..pause * 2_000);
        }
    }

    fn faults(&mut self, dice: &mut Dice, busy: Duration) {
        let pause = dice.below(15..240);
        let mut at = dice.seconds(5..120);
        while at < busy {
            let fault = fault(dice, self.plan.kind, busy.saturating_sub(at));
            self.at(at, Event::Fault(fault));
            at += dice.millis(0..pause * 2_000);
        }
    }

    fn people(&mut self, dice: &mut Dice, busy: Duration) {
        let pause = dice.below(20..200);
        let mut at = dice.seconds(10..120);
        while at < busy {
            let wish = match dice.below(0..18) {
                12 | 13 => Wish::Drill,
                14 => Wish::Change(Setting::DrillIn(u8::try_from(dice.below(1..6)).unwrap_or(1))),
                15 => Wish::Change(setting(dice)),
                16 if dice.percent(50) => {
                    let next = if dice.percent(35) { User::Guest } else { User::Owner };
                    Wish::SignOut { erase: dice.percent(35), next }
                }
                17 if dice.percent(20) => Wish::Hand(User::Guest),
                0 => Wish::RetryNow,
                1 => Wish::Window(true),
                2 => Wish::Window(false),
                3 => Wish::Seen,
                4 => Wish::Dismiss,
                _ => Wish::Decide,
            };
            self.at(at, Event::Person(wish));
            if dice.percent(20) {
                let number = dice.below(1_000..1_040);
                let status =
                    *dice.pick(&["acknowledged", "resolved", "false_positive"]).unwrap_or(&"resolved");
                let when = at + dice.millis(0..3_000);
                self.at(when, Event::Server(ServerEvent::Decided(number, status)));
            }
            at += dice.millis(0..pause * 2_000);
        }
    }
}

fn setting(dice: &mut Dice) -> Setting {
    match dice.below(0..6) {
        0 | 1 => Setting::Notifications(false),
        2 => Setting::Notifications(true),
        3 => Setting::Sound(dice.percent(50)),
        4 => Setting::KeepDays(u32::try_from(dice.below(1..366)).unwrap_or(1)),
        _ => Setting::Name(u8::try_from(dice.below(0..3)).unwrap_or(0)),
    }
}

/// What a camera sees.
pub fn draw(dice: &mut Dice, number: u64, kind: Kind) -> Detection {
    let shop = usize::try_from(dice.below(0..2)).unwrap_or(0);
    let camera = dice.below(0..3);
    Detection {
        number,
        shop,
        stream: format!("{camera}fa0c3d1-0d2c-4bb2-a6a3-{shop:012x}"),
        person: i64::try_from(dice.below(1..4)).unwrap_or(1),
        score: 1.0 + dice.below(0..60) as f64 / 10.0,
        intrusion: dice.percent(6) && kind == Kind::Original,
        broken_number: dice.percent(5) && kind == Kind::Original,
        unrecorded: dice.percent(3) && kind == Kind::Original,
        no_notice: dice.percent(6),
        elsewhere: dice.percent(5),
    }
}

fn fault(dice: &mut Dice, kind: Kind, left: Duration) -> Fault {
    let most = left.as_secs().max(2);
    let time = |dice: &mut Dice, longest: u64| match dice.below(0..3) {
        0 => dice.millis(100..5_000),
        _ => dice.seconds(1..longest.min(most).max(2)),
    };
    let (short, long) = (time(dice, 60), time(dice, 300));
    let way = match dice.below(0..3) {
        0 => None,
        1 => Some(Way::Up),
        _ => Some(Way::Down),
    };
    match dice.below(0..51) {
        0 => Fault::Reset,
        1 => Fault::HalfClosed,
        2 | 3 => Fault::Swallowed(way),
        4 => Fault::Cut(usize::try_from(dice.below(1..3_000)).unwrap_or(1)),
        5 => Fault::Damaged,
        6 | 7 => Fault::NoNetwork(long),
        8 => Fault::OtherNetwork,
        9 | 10 => Fault::Hole(way, long),
        11 => Fault::Slow(dice.below(200..4_000), long),
        12 => Fault::Slices(short),
        13 => Fault::Nameless(short),
        14 => Fault::BrokenTls(short),
        15 | 16 => {
            Fault::Restart(if dice.percent(70) { 1012 } else { 1001 }, short.min(Duration::from_secs(20)))
        }
        17 => Fault::Crash(dice.percent(40), long),
        18 => Fault::Freeze(long.min(Duration::from_secs(120))),
        19 => {
            let status = *dice.pick(&[500, 502, 503, 429, 302]).unwrap_or(&500);
            let retry_after = dice.percent(40).then(|| dice.below(1..90));
            Fault::Answers(status, retry_after, short)
        }
        20 => Fault::Hangs(short),
        21 => Fault::Slams(*dice.pick(&[1000, 1011, 1013, 4003]).unwrap_or(&1000), short),
        22 => Fault::Forbids(short),
        23 | 24 if kind == Kind::Original => Fault::Tab(long),
        23 if dice.percent(30) => Fault::LogWiped,
        24 if dice.percent(50) => Fault::LogTrimmed,
        25 if kind == Kind::Original => Fault::Forgotten,
        26 if dice.percent(30) => Fault::Revoked,
        27 => Fault::ServerClock(i64::try_from(dice.below(0..600)).unwrap_or(0) - 300),
        28..=31 => Fault::Kill { away: time(dice, 120), damage: dice.percent(4) },
        32 => Fault::Sleep(if dice.percent(20) { Duration::from_secs(8 * 3600) } else { long * 3 }),
        33 => {
            let days = *dice.pick(&[-3650, -1, 1, 3650]).unwrap_or(&1);
            Fault::Date(if dice.percent(50) { days * 86_400 } else { days * 30 })
        }
        34 => Fault::DiskFull(short),
        35 => Fault::DiskReadOnly(short),
        36 => Fault::DiskSlow(long),
        37 if dice.percent(50) => Fault::DeskFails(short),
        38 | 39 => Fault::PowerLoss(time(dice, 120)),
        40 | 41 => Fault::Unopenable { away: time(dice, 60), time: long },
        43 => Fault::DeskFails(short),
        44 | 45 => Fault::Flood(dice.below(50..600)),
        47 | 48 => Fault::Rival(long),
        49 => Fault::DeskRestarts(short.min(Duration::from_secs(20))),
        _ => Fault::DeskLate(long),
    }
}
