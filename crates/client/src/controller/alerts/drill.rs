//! Tests of the alert path: begun by a person or by the time of day, followed through every stage, and what they prove.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::Timestamp;
use visionguard_proto::Moment;
use visionguard_proto::message::Notice;

use super::decisions::account_of;
use crate::api::ApiError;
use crate::controller::Controller;
use crate::controller::session::problem;
use crate::controller::ticks::{Due, Reply, Tick, milliseconds};
use crate::drill::{self, Drill, Failure, Stage};
use crate::journal::{DrillRow, JournalError};
use crate::shell::{Buttons, Notification};
use crate::status::Registration;
use crate::view::{DrillResult, DrillView, Event, Problem};
use crate::words::text;

/// How long the notification of a test stands.
const STANDS: Duration = Duration::from_secs(5);
/// The remark that the server has no tests.
const UNSUPPORTED: &str = "drill_unsupported";
/// Ended tests whose message is still known if it comes late.
const MOST_ENDED: usize = 8;

/// The test under way, and what the last one proved.
#[derive(Debug, Default)]
pub(crate) struct Drills {
    running: Option<Running>,
    last: Option<DrillResult>,
    /// The last one failed, and nothing has passed since.
    failure: Option<Failure>,
    /// When the last one ended, or the time of day was chosen.
    last_at: Option<Timestamp>,
    /// The journal has told about the last one.
    recalled: bool,
    /// The connection that failed was replaced: the test is repeated.
    repeat: bool,
    /// None begins by itself before.
    not_before: Option<Moment>,
    /// When to look whether one is due.
    look: Due,
    /// The notification that stands, to be taken back.
    stands: Option<(Moment, String)>,
    ended: VecDeque<String>,
}

#[derive(Debug)]
struct Running {
    drill: Drill,
    account: String,
    begun_at: Timestamp,
    waiting: Vec<Reply<Result<DrillResult, Problem>>>,
}

impl Drills {
    pub(crate) fn view(&self) -> DrillView {
        DrillView { running: self.running.is_some(), last: self.last.clone() }
    }

    /// What the last test found wrong, as long as nothing proved the path since.
    pub(crate) fn failure(&self) -> Option<Failure> {
        self.failure
    }

    pub(crate) fn due(&self) -> Option<Moment> {
        let running = self.running.as_ref().map(|running| running.drill.give_up_at());
        let stands = self.stands.as_ref().map(|(until, _)| *until);
        [running, stands, self.look.at()].into_iter().flatten().min()
    }

    fn running(&mut self, nonce: &str) -> Option<&mut Running> {
        self.running.as_mut().filter(|running| running.drill.nonce() == nonce)
    }
}

impl Controller {
    /// A person asks; who asks while one is under way learns how that ends.
    pub(crate) fn drill_now(&mut self, reply: Reply<Result<DrillResult, Problem>>) {
        if self.drills.running.is_none()
            && let Err(problem) = self.begin_drill()
        {
            let _ = reply.send(Err(problem));
            return;
        }
        if let Some(running) = &mut self.drills.running {
            running.waiting.push(reply);
        }
    }

    fn begin_drill(&mut self) -> Result<(), Problem> {
        let (Some(session), Some(target), Some(api)) =
            (self.account.session(), self.account.target(), self.account.api())
        else {
            return Err(problem("signed_out", text("problem.drill_signed_out", &[])));
        };
        if self.online_since().is_none() {
            return Err(problem("not_connected", text("problem.drill_offline", &[])));
        }
        let nonce = format!("{:032x}", rand::random::<u128>());
        let (now, begun_at, account) = (self.now(), self.wall(), account_of(&session));
        tracing::info!("testing the alert path");
        self.drills.repeat = false;
        self.drills.running = Some(Running {
            drill: Drill::begin(nonce.clone(), now, self.pace.drill_within),
            account: account.clone(),
            begun_at,
            waiting: Vec::new(),
        });
        self.tell_drill();

        let (journal, begun) = (self.journal.clone(), nonce.clone());
        self.write_in_session(async move { journal.drill_began(account, begun, begun_at).await });
        let (title, message) = (text("drill.title", &[]), text("drill.message", &[]));
        self.spawn_in_session(async move {
            let result = api.send_test_notification(&target.user, &title, &message, &nonce).await;
            Tick::DrillSent(nonce, result)
        });
        Ok(())
    }

    pub(crate) fn drill_sent(&mut self, nonce: String, result: Result<bool, ApiError>) {
        let (now, at) = (self.now(), self.wall());
        let Some(running) = self.drills.running(&nonce) else { return };
        match result {
            Ok(delivered) => {
                running.drill.sent(delivered, now);
                let journal = self.journal.clone();
                self.write_in_session(async move { journal.drill_sent(nonce, at).await });
            }
            // It arrived, whatever became of the answer.
            Err(_) if running.drill.stage() != Stage::Sending => {}
            Err(error) => {
                tracing::warn!(%error, "the server did not take the test message");
                self.api_refused(&error);
                let wait = error.retry_after().unwrap_or_default().max(self.pace.drill_again);
                self.drills.not_before = Some(now + wait);
                match refusal(&error) {
                    Refusal::Failure => self.end_drill(Some(Failure::NotTaken)),
                    Refusal::Unsupported => self.drill_unsupported(),
                    Refusal::ProvesNothing => self.call_drill_off(not_sent(&error)),
                }
            }
        }
    }

    /// This server has no tests: said once, where nobody asked, and not tried again before the next is due.
    fn drill_unsupported(&mut self) {
        let problem = problem("unsupported", text("problem.drill_unsupported", &[]));
        let asked = self.drills.running.as_ref().is_some_and(|running| !running.waiting.is_empty());
        if !asked {
            self.shown.notice(UNSUPPORTED, "notice.drill_unsupported");
            self.drills.last_at = Some(self.wall());
        }
        self.call_drill_off(problem);
    }

    /// Whether this message is a test's; it is nothing else then.
    pub(super) fn is_drill(&mut self, notice: &Notice) -> bool {
        let Some(nonce) = &notice.nonce else { return false };
        let Some(running) = self.drills.running(nonce) else {
            // One that comes after its time, or twice.
            return self.drills.ended.contains(nonce);
        };
        if running.drill.heard(nonce) {
            let (account, nonce) = (running.account.clone(), nonce.clone());
            let (journal, at) = (self.journal.clone(), self.wall());
            self.spawn_in_session(async move {
                let stored = journal.drill_heard(account, nonce.clone(), at).await;
                Tick::DrillStored(nonce, stored)
            });
        }
        true
    }

    pub(crate) fn drill_stored(&mut self, nonce: &str, stored: Result<bool, JournalError>) {
        if let Err(error) = &stored {
            self.journal_failed(error);
        }
        let is_durable = self.journal.is_durable();
        let shows = self.settings.view.notifications;
        let Some(running) = self.drills.running(nonce) else { return };
        if !matches!(stored, Ok(true)) || !is_durable {
            self.end_drill(Some(Failure::NotStored));
            return;
        }
        running.drill.stored();
        if !shows {
            self.end_drill(None);
            return;
        }
        self.shell.notify(Notification {
            id: notification_id(nonce),
            alert: None,
            title: text("drill.title", &[]),
            body: text("drill.shown", &[]),
            picture: None,
            sound: false,
            critical: false,
            buttons: Buttons::Open,
            in_place_of: None,
        });
    }

    /// The notification service took this, or did not.
    pub(super) fn drill_shown(&mut self, id: &str, shown: bool) {
        let is_it = |running: &Running| {
            running.drill.stage() == Stage::Showing && notification_id(running.drill.nonce()) == id
        };
        if !self.drills.running.as_ref().is_some_and(is_it) {
            return;
        }
        self.drills.stands = Some((self.now() + STANDS, id.to_owned()));
        self.end_drill((!shown).then_some(Failure::NotShown));
    }

    /// A live alert that came at this time was shown: whatever failed before, the path works.
    pub(crate) fn live_alert_shown(&mut self, received_at: Timestamp) {
        let Some(session) = self.account.session() else { return };
        if self.drills.failure.is_none() || self.drills.last_at.is_some_and(|failed| received_at < failed) {
            return;
        }
        tracing::info!("a live alert was shown after a test of the alert path had failed");
        self.drills.failure = None;
        self.drills.repeat = false;
        let (journal, at, account) = (self.journal.clone(), self.wall(), account_of(&session));
        self.write_in_session(async move { journal.drill_overtaken(account, at).await });
    }

    pub(crate) fn drill_time(&mut self, now: Moment) {
        if let Some((until, id)) = self.drills.stands.take() {
            if until <= now {
                self.shell.withdraw(&id);
            } else {
                self.drills.stands = Some((until, id));
            }
        }
        if let Some(running) = self.drills.running.as_ref().filter(|one| one.drill.give_up_at() <= now) {
            let failure = running.drill.failure();
            let id = notification_id(running.drill.nonce());
            match failure {
                None => self.call_drill_off(problem("unreachable", text("problem.unreachable", &[]))),
                Some(failure) => {
                    self.end_drill(Some(failure));
                    self.shell.withdraw(&id);
                }
            }
        }
        self.drills.look.clear();
        self.drill_by_itself(now);
    }

    /// Begins the day's test, or repeats one that failed, if it is time; says when to look again.
    fn drill_by_itself(&mut self, now: Moment) {
        // What begins before the controller took note of the connection would be cut off when it does.
        let told = self.watch.told_since();
        let Some(since) = self.online_since().filter(|since| told == Some(*since)) else { return };
        if self.drills.running.is_some()
            || !self.drills.recalled
            || !(self.drills.repeat || self.day_s_drill_is_due())
        {
            self.look_at_the_time_of_day(now);
            return;
        }
        let settled = since + self.pace.drill_after_connect;
        let not_before = self.drills.not_before.map_or(settled, |at| at.max(settled));
        if now < not_before {
            self.drills.look.set(not_before);
            return;
        }
        if self.drills.repeat {
            self.drills.not_before = Some(now + self.pace.drill_again);
        }
        if let Err(problem) = self.begin_drill() {
            tracing::info!(code = problem.code, "the alert path cannot be tested now");
            self.drills.look.set(now + self.pace.drill_again);
        }
    }

    fn day_s_drill_is_due(&self) -> bool {
        let at = self.settings.view.drill_at.as_deref().and_then(drill::time_of_day);
        at.is_some_and(|at| drill::is_due(at, &self.zone, self.wall(), self.drills.last_at))
    }

    fn look_at_the_time_of_day(&mut self, now: Moment) {
        let wall = self.wall();
        let at = self.settings.view.drill_at.as_deref().and_then(drill::time_of_day);
        if let Some(next) = at.and_then(|at| drill::next(at, &self.zone, wall)) {
            let wait = Duration::try_from(next.duration_since(wall)).unwrap_or_default();
            self.drills.look.set(now + wait.max(Duration::from_millis(1)));
        }
    }

    /// The time of day was changed: one that is past already is tomorrow's.
    pub(crate) fn drill_rescheduled(&mut self) {
        self.drills.last_at = Some(self.wall());
        self.drills.look.by(self.now());
        self.shown.withdraw(UNSUPPORTED);
    }

    /// The connection ended: a test that was waiting for its message proves nothing.
    pub(crate) fn drill_cut_off(&mut self) {
        let waits = self.drills.running.as_ref().is_some_and(|running| match running.drill.stage() {
            Stage::Sending | Stage::Travelling => true,
            Stage::Storing | Stage::Showing => false,
        });
        if waits {
            self.call_drill_off(problem("not_connected", text("problem.drill_cut_off", &[])));
        }
    }

    /// There is a new connection: what failed on the last one is tried again on it.
    pub(crate) fn drill_on_new_connection(&mut self) {
        self.drill_cut_off();
        self.drills.repeat = self.drills.failure.is_some_and(Failure::is_repeated);
        self.drills.look.by(self.now() + self.pace.drill_after_connect);
    }

    /// The session is over; the next has tests of its own.
    pub(crate) fn forget_drills(&mut self) {
        self.call_drill_off(problem("signed_out", text("problem.drill_signed_out", &[])));
        let ended = std::mem::take(&mut self.drills.ended);
        self.drills = Drills { ended, stands: self.drills.stands.take(), ..Drills::default() };
        self.shown.withdraw(UNSUPPORTED);
        self.tell_drill();
    }

    /// What was the last test of this account?
    pub(crate) fn recall_drill(&self) {
        let Some(session) = self.account.session() else { return };
        let (journal, epoch) = (self.journal.clone(), self.who.epoch);
        self.spawn_in_session(async move {
            Tick::DrillRecalled(epoch, journal.last_drill(account_of(&session)).await)
        });
    }

    pub(crate) fn drill_recalled(&mut self, epoch: u64, last: Result<Option<DrillRow>, JournalError>) {
        if epoch != self.who.epoch || self.drills.recalled {
            return;
        }
        self.drills.recalled = true;
        self.drills.look.by(self.now());
        match last {
            Ok(Some(row)) if self.drills.last.is_none() => {
                self.drills.failure = row.failure.filter(|_| !row.overtaken);
                self.drills.last_at = self.drills.last_at.max(Some(row.ended_at));
                self.drills.last = Some(self.result(row.ended_at, row.failure, row.took_ms));
                self.tell_drill();
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "the last test of the alert path cannot be read"),
        }
    }

    /// "Retry now" after a failed test: again, on a new connection if it was the connection's fault.
    pub(crate) fn retry_drill(&mut self) {
        let Some(failure) = self.drills.failure else { return };
        if failure.is_of_the_connection() {
            if !self.watch.is_deaf() {
                self.watch.claims = 0;
                self.claim_slot_after_drill();
            }
        } else if let Err(problem) = self.begin_drill() {
            tracing::info!(code = problem.code, "the alert path cannot be tested now");
        }
    }

    fn end_drill(&mut self, failure: Option<Failure>) {
        let Some(running) = self.drills.running.take() else { return };
        let (now, ended_at) = (self.now(), self.wall());
        let took_ms = failure.is_none().then(|| running.drill.took(now).as_millis());
        let took_ms = took_ms.map(|took| u32::try_from(took).unwrap_or(u32::MAX));
        match failure {
            None => tracing::info!(took_ms, "the test of the alert path passed"),
            Some(failure) => tracing::warn!(?failure, "the test of the alert path failed"),
        }
        let nonce = running.drill.nonce().to_owned();
        let row = DrillRow { begun_at: running.begun_at, ended_at, failure, took_ms, overtaken: false };
        let result = self.result(ended_at, failure, took_ms);
        self.shown.withdraw(UNSUPPORTED);
        self.drills.failure = failure;
        if failure == Some(Failure::NotTaken) {
            self.drills.repeat = true;
            self.drills.look.by(now);
        }
        self.drills.last_at = Some(ended_at);
        self.drills.last = Some(result.clone());
        self.remember_ended(nonce.clone());

        let (journal, account) = (self.journal.clone(), running.account);
        self.write_in_session(async move {
            let written = journal.drill_ended(account, nonce, row).await;
            for reply in running.waiting {
                let _ = reply.send(Ok(result.clone()));
            }
            written
        });
        self.tell_drill();
        let taken = self.watch.registration.is_some_and(|seen| seen.what == Registration::Taken);
        if failure.is_some_and(Failure::is_of_the_connection) && !taken {
            self.claim_slot_after_drill();
        }
    }

    /// It could not be carried out, which proves nothing.
    fn call_drill_off(&mut self, why: Problem) {
        let Some(running) = self.drills.running.take() else { return };
        self.remember_ended(running.drill.nonce().to_owned());
        self.tell_drill();
        for reply in running.waiting {
            let _ = reply.send(Err(why.clone()));
        }
    }

    fn remember_ended(&mut self, nonce: String) {
        self.drills.ended.push_back(nonce);
        if self.drills.ended.len() > MOST_ENDED {
            self.drills.ended.pop_front();
        }
    }

    fn result(&self, at: Timestamp, failure: Option<Failure>, took_ms: Option<u32>) -> DrillResult {
        let sentence = match failure {
            None if self.settings.view.notifications => text("drill.passed", &[]),
            None => text("drill.passed_unshown", &[]),
            Some(Failure::NotTaken) => text("drill.not_taken", &[]),
            Some(Failure::NotDelivered) => text("drill.not_delivered", &[]),
            Some(Failure::NotHeard) => text("drill.not_heard", &[]),
            Some(Failure::NotStored) => text("drill.not_stored", &[]),
            Some(Failure::NotShown) => text("drill.not_shown", &[]),
        };
        DrillResult { at: milliseconds(at), passed: failure.is_none(), took_ms, sentence }
    }

    fn tell_drill(&mut self) {
        let drill = self.drills.view();
        self.emit(&Event::Drill { drill });
    }
}

fn notification_id(nonce: &str) -> String {
    format!("drill:{nonce}")
}

/// What it means that the server did not take the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    /// The alert path has a fault.
    Failure,
    /// The server has no tests.
    Unsupported,
    /// The server was not reached, asked to wait, or asked who we are: each is said and looked after by itself.
    ProvesNothing,
}

fn refusal(error: &ApiError) -> Refusal {
    match error {
        ApiError::Refused { status: 404 | 405 | 501, .. } => Refusal::Unsupported,
        ApiError::Refused { status: 401 | 408 | 425 | 429, .. }
        | ApiError::Unreachable(_)
        | ApiError::Intercepted { .. }
        | ApiError::Impossible(_) => Refusal::ProvesNothing,
        ApiError::Refused { .. } | ApiError::Garbled(_) | ApiError::TooLarge => Refusal::Failure,
    }
}

/// Why the server did not take the message, for a person.
fn not_sent(error: &ApiError) -> Problem {
    if error.is_unauthorized() {
        return problem("sign_in_expired", text("problem.drill_expired", &[]));
    }
    Problem { field: None, ..error.problem() }
}
