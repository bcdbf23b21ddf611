//! The server's list of connections: whether alerts come to this one, and claiming its slot where they do not.

use std::time::Duration;

use jiff::SignedDuration;
use tokio::task::JoinSet;
use tokio::time::timeout;
use visionguard_proto::{Moment, UserId};

use super::watch::REPEATED_SOON;
use crate::api::{self, Api};
use crate::controller::Controller;
use crate::controller::ticks::Tick;
use crate::server_clock::Told;
use crate::status::{Registration, Seen};

/// By how much the age that the server tells may fall short of our own before the slot must be another's.
const UPTIME_SLACK: Duration = Duration::from_secs(2);
/// By how much the registration must lie later than before to be another's.
const MOVED: Duration = Duration::from_millis(500);
/// Two clocks drift apart by at most one part in this many.
const DRIFT: u32 = 2_000;
/// The wait between two claims of a slot: this, doubled each time.
const CLAIM_AGAIN: Duration = Duration::from_secs(15);
/// The longest wait between two claims.
const CLAIM_AT_LEAST: Duration = Duration::from_secs(15 * 60);
/// A slot that was ours for so long is held.
const HELD_FOR: Duration = Duration::from_secs(60);
/// Of a slot that was lost so often within [`HELD_FOR`] it cannot be said that it is ours.
const OFTEN: usize = 3;

/// So long after a look at the list that was not answered it is asked for again, beside the first.
const ASKED_AGAIN: Duration = Duration::from_secs(5);
/// How often one look asks at most.
const ASKED_AT_MOST: u32 = 4;
/// By how much an entry may be older than the connection that was just opened and be its own.
const IDENTIFIED_WITHIN: Duration = Duration::from_millis(200);

/// What a look at the list came to.
struct Answer {
    asked_at: Moment,
    registration: api::Registration,
    time: Option<Told>,
}

/// Asks who is connected. A request that is swallowed does not keep the next from being made: the first answer counts.
async fn ask(api: &Api, user: &UserId, now: Moment) -> Answer {
    let mut asked = JoinSet::new();
    for again in 0..ASKED_AT_MOST {
        let (api, user, asked_at) = (api.clone(), user.clone(), now + ASKED_AGAIN * again);
        asked.spawn(async move {
            let (registration, time) = api.registration_and_time(&user).await;
            Answer { asked_at, registration, time }
        });
        if let Ok(Some(Ok(answer))) = timeout(ASKED_AGAIN, asked.join_next()).await {
            return answer;
        }
    }
    let unknown = Answer { asked_at: now, registration: api::Registration::Unknown, time: None };
    asked.join_next().await.and_then(Result::ok).unwrap_or(unknown)
}

impl Controller {
    pub(super) fn look_at_list(&mut self, now: Moment) {
        let (Some(api), Some(target)) = (self.account.api(), self.account.target()) else { return };
        self.watch.listing = true;
        self.watch.list.set(self.next_look(now));
        let epoch = self.who.epoch;
        self.spawn(async move {
            let Answer { asked_at, registration, time } = ask(&api, &target.user, now).await;
            Tick::Listed { epoch, asked_at, registration, time }
        });
    }

    /// Asks at once for the entry of the connection that was just opened: another connection of the user that takes the place a
    /// moment later looks like ours by its age. Whatever else comes of this look is nothing yet.
    pub(super) fn look_for_our_entry(&self, since: Moment) {
        let (Some(api), Some(target)) = (self.account.api(), self.account.target()) else { return };
        let epoch = self.who.epoch;
        self.spawn(async move {
            let registration = api.registration_and_time(&target.user).await.0;
            Tick::EntryFound { epoch, since, registration }
        });
    }

    pub(crate) fn entry_found(&mut self, epoch: u64, since: Moment, registration: &api::Registration) {
        if epoch == self.who.epoch && self.online_since() == Some(since) {
            self.watch.slot.identify(registration, self.now().since(since));
        }
    }

    /// When the list is looked at after a look at this moment: often for a minute after a change, then evenly.
    fn next_look(&self, now: Moment) -> Moment {
        let every = if self.watch.is_deaf() { self.pace.poll_every } else { self.pace.register_every };
        let changed_at = self.watch.changed_at.unwrap_or(now);
        let early = self.pace.register_early.iter().map(|after| changed_at + *after).find(|at| *at > now);
        early.map_or(now + every, |early| early.min(now + every))
    }

    pub(crate) fn listed(
        &mut self,
        epoch: u64,
        asked_at: Moment,
        registration: api::Registration,
        time: Option<Told>,
    ) {
        if epoch != self.who.epoch {
            return;
        }
        self.watch.listing = false;
        if let Some(time) = time {
            // Its clock may have been set since.
            self.account.told_time(time);
            self.compare_clocks();
        }
        let Some(since) = self.online_since() else { return };
        if asked_at < since {
            return;
        }
        let now = self.now();
        let what = self.watch.slot.verdict(registration, asked_at.since(since), now.since(since));
        let what = self.watch.losses.verdict(what, now);
        if what == Registration::Untold {
            self.look_again_soon();
            if self.is_told_and_fresh(asked_at) {
                return;
            }
        } else {
            self.watch.untold = 0;
        }
        let was_deaf = self.watch.is_deaf();
        if self.watch.registration.is_none_or(|before| before.what != what) {
            self.watch.changed_at = Some(now);
            self.watch.list.by(self.next_look(now));
        }
        self.watch.registration = Some(Seen { at: asked_at, what });
        match what {
            Registration::Ours if self.watch.delivery.undelivered().is_none() => {
                let held_since = self.watch.changed_at.unwrap_or(now);
                if now.since(held_since) >= HELD_FOR {
                    self.watch.claims = 0;
                }
            }
            Registration::Ours => {}
            Registration::Lost => self.claim_slot(),
            Registration::Taken => tracing::warn!("alerts go to another connection of this user"),
            Registration::Untold => tracing::debug!("the server does not tell its connections"),
        }
        self.judge_undelivered();
        if self.watch.is_deaf() != was_deaf {
            self.watch.list.by(self.next_look(now));
            self.watch.reconcile.by(now);
        }
    }

    /// A server that never tells is asked no more often for it.
    fn look_again_soon(&mut self) {
        self.watch.untold += 1;
        if self.watch.untold <= REPEATED_SOON {
            self.watch.list.by(self.now() + self.pace.retry_every);
        }
    }

    /// An alert came on the socket. Had the server's clock been set, or does it list nobody, its word would mislead for good;
    /// a message that was on its way when another took the slot proves nothing.
    pub(super) fn slot_proved(&mut self, now: Moment) {
        if self.watch.losses.disproved(now) {
            self.watch.slot = Slot { recounts: true, ..Slot::default() };
            self.watch.registration = None;
            self.watch.list.by(now);
        } else if self.watch.losses.proved() {
            self.watch.claims = 0;
            if self.watch.is_deaf() {
                self.watch.list.by(now);
            }
        }
    }

    /// An answer that tells nothing does not take back what an earlier one told.
    fn is_told_and_fresh(&self, now: Moment) -> bool {
        self.watch.registration.is_some_and(|seen| {
            seen.what != Registration::Untold && now.since(seen.at) < self.pace.limits.registration
        })
    }

    /// Claims the slot by closing politely and connecting again; less and less often while that does not help.
    pub(super) fn claim_slot(&mut self) {
        let now = self.now();
        if self.watch.claim_at.is_some_and(|at| at > now) && self.watch.claims > 0 {
            return;
        }
        let wait = CLAIM_AGAIN.saturating_mul(1 << self.watch.claims.min(8)).min(CLAIM_AT_LEAST);
        self.watch.claims += 1;
        self.watch.claim_at = Some(now + wait);
        tracing::warn!(
            claims = self.watch.claims,
            "the server lost track of this connection; claiming its slot"
        );
        self.connection.reclaim(self.pace.reclaim_pause);
    }

    /// A test of the alert path did not come back on this connection.
    pub(crate) fn claim_slot_after_drill(&mut self) {
        self.claim_slot();
    }

    /// The person asks: a deaf connection is replaced, whoever holds the slot.
    pub(crate) fn claim_slot_now(&mut self) {
        if self.watch.is_deaf() {
            self.watch.claims = 0;
            self.claim_slot();
        }
    }
}

/// What the list said lately of connections that were not ours.
#[derive(Debug, Default)]
pub(super) struct Losses {
    /// Since when it says so of this connection, and what.
    now: Option<(Moment, Registration)>,
    /// When it began to, each time.
    began: Vec<Moment>,
    /// It has no entry for connections to which alerts come.
    pub(super) lists_nobody: bool,
}

impl Losses {
    /// The next connection: nothing is said of it yet.
    pub(crate) fn connected(&mut self) {
        self.now = None;
    }

    /// What the list's word is worth after what it said before.
    fn verdict(&mut self, what: Registration, now: Moment) -> Registration {
        match what {
            Registration::Lost if self.lists_nobody => Registration::Untold,
            Registration::Lost | Registration::Taken => {
                if self.now.is_none() {
                    self.began.push(now);
                }
                let since = self.now.map_or(now, |(since, _)| since);
                self.now = Some((since, what));
                what
            }
            Registration::Ours => {
                self.lists_nobody = false;
                self.now = None;
                self.began.retain(|began| now.since(*began) < HELD_FOR);
                if self.began.len() < OFTEN { what } else { Registration::Taken }
            }
            Registration::Untold => what,
        }
    }

    /// An alert came; whether that proves that the place is held, whatever became of it before.
    fn proved(&mut self) -> bool {
        let is_held = self.now.is_none();
        if is_held {
            self.began.clear();
        }
        is_held
    }

    /// An alert came; whether the list's word for this connection cannot have been true.
    fn disproved(&mut self, now: Moment) -> bool {
        let Some((_, what)) = self.now.take_if(|(since, _)| now.since(*since) > UPTIME_SLACK) else {
            return false;
        };
        self.lists_nobody |= what == Registration::Lost;
        self.began.clear();
        true
    }
}

/// When the server registered the connection that it lists, as far as the looks of this connection tell.
#[derive(Debug, Default)]
pub(crate) struct Slot {
    /// Our age at a look, and the latest that the registration can have been, counted from our own beginning.
    latest: Option<(Duration, SignedDuration)>,
    /// When the connection opened that was ours, in the server's words.
    ours: Option<String>,
    /// The same as it was told as soon as ours had opened, and the latest that this can have been, from our own beginning.
    identified: Option<(String, SignedDuration)>,
    /// Whatever is listed next is ours.
    recounts: bool,
    /// By how much the server's count of our age is behind.
    behind: Duration,
}

impl Slot {
    /// What the server's answer means for a connection of this age when it was asked and when it had answered.
    fn verdict(
        &mut self,
        registration: api::Registration,
        asked: Duration,
        answered: Duration,
    ) -> Registration {
        match registration {
            api::Registration::Registered { uptime, connected_at } => {
                self.verdict_of(uptime, connected_at, asked, answered)
            }
            api::Registration::NotRegistered => Registration::Lost,
            api::Registration::Unknown => Registration::Untold,
        }
    }

    /// What was listed when this connection was of this age, if that can only be itself.
    fn identify(&mut self, registration: &api::Registration, age: Duration) {
        if let api::Registration::Registered { uptime, connected_at: Some(connected_at) } = registration
            && *uptime <= age + IDENTIFIED_WITHIN
            && self.latest.is_none()
        {
            self.identified = Some((connected_at.clone(), minus(age, *uptime)));
        }
    }

    fn verdict_of(
        &mut self,
        uptime: Duration,
        connected_at: Option<String>,
        asked: Duration,
        answered: Duration,
    ) -> Registration {
        if std::mem::take(&mut self.recounts) {
            self.behind = asked.saturating_sub(uptime);
        }
        let uptime = uptime + self.behind;
        // The same one, whatever its age is: the clock by which that is counted may have been set.
        if connected_at.is_some() && connected_at == self.ours {
            return Registration::Ours;
        }
        // Some servers write the time of the question in its place, so that it has to be later by its age, too.
        if let Some((ours, latest)) = &self.identified
            && connected_at.as_ref() != Some(ours)
            && minus(asked, uptime) > latest.saturating_add(minus(asked / DRIFT, Duration::ZERO))
        {
            return Registration::Taken;
        }
        let is_younger = uptime + UPTIME_SLACK + asked / DRIFT < asked;
        if is_younger || self.has_moved(uptime, asked, answered) {
            return Registration::Taken;
        }
        self.ours = connected_at;
        Registration::Ours
    }

    /// Whether what is listed was registered later than what was listed before. The answer holds for some moment
    /// between the question and its arrival, so only bounds are compared; two clocks also drift apart.
    fn has_moved(&mut self, uptime: Duration, asked: Duration, answered: Duration) -> bool {
        let earliest = minus(asked, uptime);
        let latest = minus(answered, uptime);
        let Some((before, bound)) = self.latest else {
            self.latest = Some((answered, latest));
            return false;
        };
        if bound < minus(Duration::ZERO, UPTIME_SLACK) {
            // An older connection of the user was listed, and has ended.
            self.latest = Some((answered, latest));
            return false;
        }
        let bound = bound.saturating_add(minus(answered.saturating_sub(before) / DRIFT, Duration::ZERO));
        if earliest > bound.saturating_add(minus(MOVED, Duration::ZERO)) {
            return true;
        }
        self.latest = Some((answered, bound.min(latest)));
        false
    }
}

fn minus(one: Duration, other: Duration) -> SignedDuration {
    let signed = |duration| SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX);
    signed(one).saturating_sub(signed(other))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use bytes::Bytes;
    use futures_util::FutureExt;
    use futures_util::future::{BoxFuture, pending};
    use visionguard_proto::{Cause, Endpoint};

    use super::*;
    use crate::api::{Exchange, Http};

    /// A way on which so many requests are lost, and the next is answered.
    #[derive(Debug)]
    struct Losing(AtomicU32);

    impl Exchange for Losing {
        fn exchange(&self, _: reqwest::Request) -> BoxFuture<'static, Result<http::Response<Bytes>, Cause>> {
            match self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)) {
                Ok(_) => pending().boxed(),
                Err(_) => async { Err(Cause::Refused) }.boxed(),
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_look_whose_request_was_swallowed_asks_again_before_it_gives_up() {
        let tls = crate::tls::client_config(None).unwrap();
        for (lost, seconds) in [(0, 0), (1, 5), (3, 15), (u32::MAX, 20)] {
            let http = Http::new(&tls).unwrap().through(Arc::new(Losing(AtomicU32::new(lost))));
            let api = Api::new(&http, Endpoint::parse("http://127.0.0.1:8000").unwrap());
            let began = tokio::time::Instant::now();

            let answer = ask(&api, &UserId::new("u1").unwrap(), Moment::default()).await;

            assert_eq!(began.elapsed().as_secs(), seconds, "{lost} lost");
            let of = answer.asked_at.since(Moment::default()).as_secs();
            assert_eq!(
                of,
                if lost == u32::MAX { 0 } else { seconds },
                "the evidence is as old as its question"
            );
        }
    }

    #[test]
    fn a_socket_much_younger_than_ours_is_another_s() {
        assert_eq!(look(&mut Slot::default(), 10_000, 11_000, 11_000), Registration::Ours);
        assert_eq!(look(&mut Slot::default(), 10_000, 30_000, 30_000), Registration::Taken);
    }

    #[test]
    fn a_socket_that_opened_a_moment_after_ours_is_another_s() {
        let age = Duration::from_millis;
        let mut slot = Slot::default();

        slot.identify(&entry("20:00:00.1", 31), age(30));

        assert_eq!(slot.verdict(entry("20:00:00.4", 700), age(1_000), age(1_010)), Registration::Taken);
        assert_eq!(slot.verdict(entry("20:00:00.1", 2_001), age(2_000), age(2_010)), Registration::Ours);
        assert_eq!(slot.verdict(entry("20:00:02.2", 800), age(3_000), age(3_010)), Registration::Taken);
    }

    #[test]
    fn a_server_that_writes_another_time_at_each_look_is_judged_by_the_age() {
        let age = Duration::from_millis;
        let mut slot = Slot::default();

        slot.identify(&entry("20:00:00.1", 31), age(30));

        assert_eq!(slot.verdict(entry("20:00:01.1", 1_001), age(1_000), age(1_010)), Registration::Ours);
        assert_eq!(slot.verdict(entry("20:00:03.1", 3_001), age(3_000), age(3_010)), Registration::Ours);
    }

    #[test]
    fn an_older_connection_of_the_user_that_is_still_listed_is_not_taken_for_ours() {
        let age = Duration::from_millis;
        let mut slot = Slot::default();

        slot.identify(&entry("19:59:00.1", 900), age(30));

        assert_eq!(slot.verdict(entry("20:00:00.1", 1_001), age(1_000), age(1_010)), Registration::Ours);
    }

    #[test]
    fn a_socket_that_is_suddenly_a_second_younger_is_another_s() {
        let mut slot = Slot::default();

        let before = look(&mut slot, 1_010, 1_000, 1_020);
        let after = look(&mut slot, 30_010, 31_000, 31_020);
        let later = look(&mut slot, 60_010, 61_000, 61_020);

        assert_eq!([before, after, later], [Registration::Ours, Registration::Taken, Registration::Taken]);
    }

    #[test]
    fn the_end_of_an_older_connection_of_the_user_takes_nothing_from_ours() {
        let mut slot = Slot::default();

        let older = look(&mut slot, 90_000, 1_000, 1_020);
        let ours = look(&mut slot, 31_000, 31_000, 31_020);
        let taken = look(&mut slot, 60_000, 61_000, 61_020);

        assert_eq!([older, ours, taken], [Registration::Ours, Registration::Ours, Registration::Taken]);
    }

    #[test]
    fn a_slow_answer_is_no_younger_socket() {
        let mut slot = Slot::default();

        let slow = look(&mut slot, 3_000, 1_000, 3_100);
        let quick = look(&mut slot, 30_900, 31_000, 31_020);

        assert_eq!([slow, quick], [Registration::Ours; 2]);
    }

    #[test]
    fn a_clock_that_drifts_is_no_younger_socket() {
        let mut slot = Slot::default();

        for minutes in 1..=1440 {
            let age = minutes * 60_000;
            assert_eq!(
                look(&mut slot, age - age / 10_000, age, age + 20),
                Registration::Ours,
                "{minutes} min"
            );
        }
    }

    #[test]
    fn a_clock_of_the_server_that_is_set_back_takes_nothing() {
        let mut slot = Slot::default();
        let mut look = |connected_at: &str, uptime, asked| {
            let uptime = Duration::from_secs(uptime);
            let connected_at = Some(connected_at.to_owned());
            let age = Duration::from_secs(asked);
            slot.verdict(api::Registration::Registered { uptime, connected_at }, age, age)
        };

        assert_eq!(look("20:00:00.1", 4_000, 4_000), Registration::Ours);
        assert_eq!(look("20:00:00.1", 415, 4_015), Registration::Ours);
        assert_eq!(look("20:07:00.3", 10, 4_030), Registration::Taken);
        assert_eq!(look("20:00:00.1", 445, 4_045), Registration::Ours);
    }

    #[test]
    fn what_is_listed_once_an_alert_disproved_it_is_ours_and_counted_on_from_there() {
        let mut slot = Slot { recounts: true, ..Slot::default() };

        assert_eq!(look(&mut slot, 400_000, 4_000_000, 4_000_010), Registration::Ours);
        assert_eq!(look(&mut slot, 415_000, 4_015_000, 4_015_010), Registration::Ours);
        assert_eq!(look(&mut slot, 10_000, 4_030_000, 4_030_010), Registration::Taken);
    }

    #[test]
    fn a_list_that_has_no_entry_for_a_connection_to_which_alerts_come_tells_nothing() {
        let mut losses = Losses::default();

        assert_eq!(losses.verdict(Registration::Lost, at(0)), Registration::Lost);
        assert_eq!(losses.verdict(Registration::Lost, at(1)), Registration::Lost);
        assert!(!losses.disproved(at(2)), "it may have been on its way");
        assert!(losses.disproved(at(3)));
        losses.connected();
        assert_eq!(losses.verdict(Registration::Lost, at(10)), Registration::Untold);
        assert_eq!(losses.verdict(Registration::Ours, at(20)), Registration::Ours);
        assert_eq!(losses.verdict(Registration::Lost, at(30)), Registration::Lost);
    }

    #[test]
    fn a_slot_that_comes_and_goes_is_not_called_ours() {
        let mut losses = Losses::default();
        let mut words = Vec::new();
        for second in (0..40).step_by(4) {
            words.push(losses.verdict(Registration::Taken, at(second)));
            words.push(losses.verdict(Registration::Ours, at(second + 2)));
        }

        let turns = words.windows(2).filter(|two| two[0] != two[1]).count();

        assert_eq!(turns, 4, "{words:?}");
        assert_eq!(losses.verdict(Registration::Ours, at(86)), Registration::Taken);
        assert_eq!(losses.verdict(Registration::Ours, at(89)), Registration::Ours);
        losses.verdict(Registration::Taken, at(89));
        losses.verdict(Registration::Ours, at(90));
        losses.verdict(Registration::Taken, at(91));
        assert_eq!(losses.verdict(Registration::Ours, at(92)), Registration::Taken);
        assert!(losses.proved(), "an alert came");
        assert_eq!(losses.verdict(Registration::Ours, at(92)), Registration::Ours);
    }

    #[test]
    fn no_entry_is_a_lost_slot() {
        let five = Duration::from_secs(5);

        let found = Slot::default().verdict(api::Registration::NotRegistered, five, five);

        assert_eq!(found, Registration::Lost);
    }

    fn at(seconds: u64) -> Moment {
        Moment::from_start(Duration::from_secs(1_000 + seconds))
    }

    /// An entry of the list that is so many milliseconds old.
    fn entry(connected_at: &str, uptime: u64) -> api::Registration {
        let (uptime, connected_at) = (Duration::from_millis(uptime), Some(connected_at.to_owned()));
        api::Registration::Registered { uptime, connected_at }
    }

    /// A look with these milliseconds.
    fn look(slot: &mut Slot, uptime: u64, asked: u64, answered: u64) -> Registration {
        let uptime = Duration::from_millis(uptime);
        let registered = api::Registration::Registered { uptime, connected_at: None };
        slot.verdict(registered, Duration::from_millis(asked), Duration::from_millis(answered))
    }
}
