//! Times without a connection: when one is worth a word, when it is written down, and when it is over.
//!
//! The grace counts from when the loss is noticed, and anew from a wake: what a computer missed asleep is told by the
//! summary of what was caught up, not by an alarm. Whatever lasted longer than the grace is in the journal all the same,
//! from when the server was last heard.

use std::time::Duration;

use jiff::Timestamp;
use visionguard_proto::Moment;

use crate::controller::Controller;
use crate::controller::ticks::{Due, Tick};
use crate::journal::JournalError;
use crate::ledger;
use crate::model::OutageRow;
use crate::shell::{Buttons, Notification};
use crate::status;
use crate::words::text;

/// The notification that an outage lasts.
pub(crate) const LASTS: &str = "status:outage";
/// The notification that it is over.
const OVER: &str = "status:back";

/// Between two notes that the outage goes on, so that a crash leaves an honest end.
const NOTE_EVERY: Duration = Duration::from_secs(60);
/// Looked at so much later than asked for, the computer slept.
const LATE: Duration = Duration::from_secs(5);
/// A look happens at least this often while the computer is awake.
const LOOKED_AT_EVERY: Duration = Duration::from_secs(30);
/// Nothing heard for longer on a connection that stood: the computer slept, or the silence would have ended it.
const SILENT_AWAKE: Duration = Duration::from_secs(70);
/// The reason of an outage that began with the computer's sleep.
const ASLEEP: &str = "asleep";
/// Between a notification that was not taken and the next try.
const TELL_AGAIN: Duration = Duration::from_secs(30);

/// The outage under way, and what is left to do about the last.
#[derive(Debug, Default)]
pub(crate) struct Outages {
    running: Option<Running>,
    tell: Due,
    note: Due,
    looked_at: Option<Moment>,
    /// One that went on when the program ended.
    cut: Option<OutageRow>,
    /// Alerts found missing since it began.
    missed: u32,
    /// What to say of the one that is just over.
    over: Option<String>,
}

#[derive(Debug)]
struct Running {
    from: Timestamp,
    since: Moment,
    cause: String,
    /// The journal has it.
    written: bool,
    /// The desktop took the notification about it.
    told: bool,
    /// That notification said that alerts come by the record.
    told_fetched: bool,
    /// The connection stands again; what was missed is not caught up yet.
    back_at: Option<Timestamp>,
}

/// What to do about an outage now.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    /// It has lasted: the journal and the person are told.
    Tell { from: Timestamp, cause: String },
    /// It goes on.
    Note,
}

impl Outages {
    pub(crate) fn due(&self) -> Option<Moment> {
        [self.tell.at(), self.note.at()].into_iter().flatten().min()
    }

    /// There is no connection; `since` is when the server was last heard, or now.
    fn lost(&mut self, (from, since): (Timestamp, Moment), cause: &str, now: Moment, grace: Duration) {
        let again = self.running.as_mut().is_some_and(|running| running.back_at.take().is_some());
        match &mut self.running {
            Some(running) if says_little(&running.cause) => running.cause = cause.to_owned(),
            Some(_) => {}
            None => {
                let cause = cause.to_owned();
                self.running = Some(Running {
                    from,
                    since,
                    cause,
                    written: false,
                    told: false,
                    told_fetched: false,
                    back_at: None,
                });
                self.missed = 0;
                self.looked_at = Some(now);
                self.tell.set(now + grace);
            }
        }
        if again && self.running.as_ref().is_some_and(|running| !running.told) {
            self.looked_at = Some(now);
            self.tell.set(now + grace);
        }
    }

    /// The connection stands; what to write down, if that was not done yet and is worth it.
    fn back(&mut self, at: Timestamp, now: Moment, grace: Duration) -> Option<(Timestamp, String)> {
        if self.looked_at.is_some_and(|at| now.since(at) > LOOKED_AT_EVERY + LATE) {
            self.woke(now, grace);
        }
        self.tell.clear();
        self.note.clear();
        let running = self.running.as_mut()?;
        if !running.written && now.since(running.since) <= grace {
            self.running = None;
            return None;
        }
        running.back_at = Some(at);
        let first = !std::mem::replace(&mut running.written, true);
        first.then(|| (running.from, running.cause.clone()))
    }

    /// The computer woke: the grace begins anew.
    fn woke(&mut self, now: Moment, grace: Duration) {
        if self.tell.at().is_some() {
            self.tell.set(now + grace);
        }
        if let Some(running) = self.running.as_mut().filter(|running| says_little(&running.cause)) {
            running.cause = ASLEEP.to_owned();
        }
        self.looked_at = Some(now);
    }

    fn time(&mut self, now: Moment, grace: Duration) -> Option<Step> {
        let asleep = self.looked_at.replace(now).is_some_and(|at| now.since(at) > LOOKED_AT_EVERY + LATE)
            || self.tell.at().is_some_and(|at| now.since(at) > LATE);
        if asleep {
            self.woke(now, grace);
        }
        let running = self.running.as_mut()?;
        if self.tell.take(now) {
            running.written = true;
            self.note.set(now + NOTE_EVERY);
            return Some(Step::Tell { from: running.from, cause: running.cause.clone() });
        }
        if self.note.take(now) {
            self.note.set(now + NOTE_EVERY);
            return Some(Step::Note);
        }
        None
    }

    /// What was missed is caught up: when the connection was back, and how much that was, if an outage is over.
    fn over(&mut self) -> Option<OutageRow> {
        if self.running.as_ref().is_some_and(|running| running.back_at.is_some()) {
            let running = self.running.take()?;
            self.cut = None;
            return Some(OutageRow {
                id: 0,
                from: running.from,
                to: running.back_at,
                cause: running.cause,
                caught_up: self.missed,
                cut_short: false,
                told: running.told,
            });
        }
        self.cut.take().map(|cut| OutageRow { caught_up: self.missed, ..cut })
    }

    /// Nobody wants a connection any more; whether the journal has an outage that goes on.
    fn forget(&mut self) -> bool {
        let written = self.running.take().is_some_and(|running| running.written);
        *self = Outages::default();
        written
    }
}

/// Whether this reason tells nothing that the next would not tell better.
fn says_little(cause: &str) -> bool {
    matches!(cause, "connecting" | "starting")
}

impl Controller {
    /// What went on when the program ended is over; nobody knows what came after.
    pub(crate) fn cut_outage(&self) {
        let journal = self.journal.clone();
        self.spawn(async move { Tick::OutageCut(journal.cut_outage().await) });
    }

    pub(crate) fn outage_was_cut(&mut self, result: Result<Option<OutageRow>, JournalError>) {
        match result {
            Ok(cut) => self.watch.outages.cut = cut,
            Err(error) => self.journal_failed(&error),
        }
    }

    /// Only who wants a connection can be without one: the link also goes down because the person signed out. Also the
    /// time from the start to the first connection is a time without one.
    pub(super) fn outage_lasts(&mut self, heard_at: Option<Moment>) {
        if self.who.account != status::Account::SignedIn {
            return;
        }
        let now = self.now();
        let mut cause = self.verdict().reason;
        let mut since = now;
        if let Some(heard_at) = heard_at {
            if now.since(heard_at) > SILENT_AWAKE {
                cause = ASLEEP;
            }
            if matches!(cause, ASLEEP | "silent") {
                since = heard_at;
            }
        }
        let begin = (self.wall_at(since), since);
        self.watch.outages.lost(begin, cause, now, self.settings.offline_grace);
    }

    pub(super) fn outage_is_back(&mut self) {
        let (at, now) = (self.wall(), self.now());
        let Some((from, cause)) = self.watch.outages.back(at, now, self.settings.offline_grace) else {
            return;
        };
        let journal = self.journal.clone();
        self.write(async move { journal.outage_began(from, &cause).await });
        self.feed_changed();
    }

    pub(super) fn outage_woke(&mut self) {
        let now = self.now();
        self.watch.outages.woke(now, self.settings.offline_grace);
    }

    pub(super) fn outage_time(&mut self, now: Moment) {
        match self.watch.outages.time(now, self.settings.offline_grace) {
            Some(Step::Tell { from, cause }) => {
                let journal = self.journal.clone();
                self.write(async move { journal.outage_began(from, &cause).await });
                self.feed_changed();
                self.tell_of_outage(from);
            }
            Some(Step::Note) => self.note_outage(),
            None => {}
        }
    }

    /// So that whatever ends the program now, the outage's end is known to the minute.
    pub(crate) fn note_outage(&self) {
        if !self.watch.outages.running.as_ref().is_some_and(|running| running.written) {
            return;
        }
        let journal = self.journal.clone();
        let (at, cause) = (self.wall(), self.verdict().reason);
        self.write(async move { journal.outage_goes_on(at, cause).await });
    }

    fn tell_of_outage(&mut self, from: Timestamp) {
        if !self.settings.view.notifications {
            return;
        }
        let since = from.to_zoned_datetime(self.zone.clone()).strftime("%H:%M").to_string();
        let verdict = self.verdict();
        let why = status::sentence(&verdict);
        let title = match verdict.record_every {
            Some(_) => text("notification.outage_fetched_title", &[]),
            None => text("notification.outage_title", &[]),
        };
        if let Some(running) = &mut self.watch.outages.running {
            running.told_fetched = verdict.record_every.is_some();
        }
        self.shell.withdraw(OVER);
        self.shell.notify(Notification {
            id: LASTS.to_owned(),
            alert: None,
            title,
            body: text("notification.outage", &[("since", &since), ("why", &why)]),
            picture: None,
            sound: false,
            critical: false,
            buttons: Buttons::Open,
            in_place_of: None,
        });
    }

    /// The record cannot be read either, twice in a row: who was told otherwise is told.
    pub(crate) fn outage_worsens(&mut self) {
        let now = self.now();
        let lasts = self.watch.polling.fails();
        let outages = &mut self.watch.outages;
        if lasts && outages.running.as_ref().is_some_and(|running| running.told && running.told_fetched) {
            outages.tell.set(now);
        }
    }

    /// The desktop took the notification.
    pub(crate) fn outage_told(&mut self) {
        let Some(running) = &mut self.watch.outages.running else { return };
        running.told = true;
        let (journal, at) = (self.journal.clone(), self.wall());
        self.write(async move { journal.outage_told(at).await });
    }

    /// The desktop did not take it: once more, if the outage lasts until then.
    pub(crate) fn outage_not_told(&mut self) {
        let now = self.now();
        if self.watch.outages.running.as_ref().is_some_and(|running| running.back_at.is_none()) {
            self.watch.outages.tell.set(now + TELL_AGAIN);
        }
    }

    /// Alerts were found missing.
    pub(crate) fn outage_missed(&mut self, alerts: usize) {
        let alerts = u32::try_from(alerts).unwrap_or(u32::MAX);
        self.watch.outages.missed = self.watch.outages.missed.saturating_add(alerts);
    }

    /// The record was read to its end on this connection: what was missed is caught up.
    pub(crate) fn end_outage(&mut self) {
        let Some(row) = self.watch.outages.over() else { return };
        let at = row.to.unwrap_or_else(|| self.wall());
        let (journal, caught_up) = (self.journal.clone(), row.caught_up);
        self.write(async move { journal.outage_ended(at, caught_up).await });
        self.feed_changed();
        if row.told {
            self.watch.outages.over = Some(ledger::outage_sentence(&row, &self.zone));
        }
    }

    /// The summary of what was caught up says that an outage is over, too, if there is one to say it with.
    pub(crate) fn with_outage(&mut self, summary: Notification) -> Notification {
        let Some(over) = self.watch.outages.over.take() else { return summary };
        self.shell.withdraw(LASTS);
        let missed = format!("{}. {}", summary.title, summary.body);
        Notification {
            title: text("notification.back_title", &[]),
            body: text("notification.back_with", &[("outage", &over), ("missed", &missed)]),
            ..summary
        }
    }

    /// Says that an outage is over whose beginning was said, unless the summary did.
    pub(crate) fn tell_outage_over(&mut self) {
        let Some(over) = self.watch.outages.over.take() else { return };
        self.shell.withdraw(LASTS);
        if !self.settings.view.notifications {
            return;
        }
        self.shell.notify(Notification {
            id: OVER.to_owned(),
            alert: None,
            title: text("notification.back_title", &[]),
            body: over,
            picture: None,
            sound: false,
            critical: false,
            buttons: Buttons::Open,
            in_place_of: None,
        });
    }

    /// No connection is wanted any more: an outage ends here, and nobody caught up on it.
    pub(crate) fn forget_outage(&mut self) {
        let told = self.watch.outages.running.as_ref().is_some_and(|running| running.told);
        if told {
            self.shell.withdraw(LASTS);
        }
        if !self.watch.outages.forget() {
            return;
        }
        let (journal, at) = (self.journal.clone(), self.wall());
        self.write(async move {
            journal.outage_goes_on(at, "left").await?;
            journal.cut_outage().await
        });
        self.feed_changed();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRACE: Duration = Duration::from_secs(60);

    #[test]
    fn a_short_outage_is_not_worth_a_word() {
        let mut outages = Outages::default();

        outages.lost(at(0), "lost", moment(0), GRACE);

        assert_eq!(outages.time(moment(30), GRACE), None);
        assert_eq!(outages.time(moment(59), GRACE), None);
        assert_eq!(outages.back(wall(59), moment(59), GRACE), None);
        assert_eq!(outages.time(moment(60), GRACE), None);
        assert_eq!(outages.over(), None);
    }

    #[test]
    fn a_longer_one_is_told_once_and_noted_each_minute() {
        let mut outages = Outages::default();

        outages.lost(at(0), "lost", moment(0), GRACE);
        let steps: Vec<_> = (1..=19).filter_map(|n| outages.time(moment(n * 10), GRACE)).collect();

        assert_eq!(steps, [Step::Tell { from: wall(0), cause: "lost".to_owned() }, Step::Note, Step::Note]);
    }

    #[test]
    fn what_began_it_is_kept_through_later_reasons() {
        let mut outages = Outages::default();

        outages.lost(at(0), "connecting", moment(0), GRACE);
        outages.lost(at(1), "restarting", moment(1), GRACE);
        outages.lost(at(2), "refused", moment(2), GRACE);
        outages.time(moment(30), GRACE);

        let told = outages.time(moment(60), GRACE);
        assert_eq!(told, Some(Step::Tell { from: wall(0), cause: "restarting".to_owned() }));
    }

    #[test]
    fn after_a_sleep_the_grace_begins_anew_whoever_looks_first() {
        for event_first in [true, false] {
            let mut outages = Outages::default();
            outages.lost(at(0), "no_network", moment(0), GRACE);
            outages.time(moment(20), GRACE);

            if event_first {
                outages.woke(moment(28_800), GRACE);
            }
            let at_the_wake = outages.time(moment(28_800), GRACE);
            outages.time(moment(28_830), GRACE);
            let a_minute_later = outages.time(moment(28_860), GRACE);

            assert_eq!(at_the_wake, None);
            assert_eq!(a_minute_later, Some(Step::Tell { from: wall(0), cause: "no_network".to_owned() }));
        }
    }

    #[test]
    fn a_night_asleep_is_written_down_and_not_told() {
        let mut outages = Outages { missed: 7, ..Outages::default() };

        outages.lost(at(0), ASLEEP, moment(28_800), GRACE);
        let written = outages.back(wall(28_803), moment(28_803), GRACE);
        outages.missed += 3;
        let over = outages.over().expect("an outage");

        assert_eq!(written, Some((wall(0), ASLEEP.to_owned())));
        assert_eq!((over.to, over.caught_up, over.told), (Some(wall(28_803)), 3, false));
    }

    #[test]
    fn who_said_goodbye_before_the_sleep_was_asleep() {
        let mut outages = Outages::default();
        outages.lost(at(0), "connecting", moment(0), GRACE);

        let written = outages.back(wall(28_803), moment(28_803), GRACE);

        assert_eq!(written, Some((wall(0), ASLEEP.to_owned())));
    }

    #[test]
    fn a_connection_that_falls_again_before_it_caught_up_is_the_same_outage() {
        let mut outages = Outages::default();
        outages.lost(at(0), "refused", moment(0), GRACE);
        outages.time(moment(30), GRACE);
        outages.time(moment(60), GRACE);

        let written = outages.back(wall(100), moment(100), GRACE);
        outages.lost(at(101), "lost", moment(101), GRACE);
        let still = outages.over();
        outages.back(wall(110), moment(110), GRACE);
        let over = outages.over().expect("an outage");

        assert_eq!((written, still), (None, None));
        assert_eq!((over.from, over.to, over.cause.as_str()), (wall(0), Some(wall(110)), "refused"));
    }

    #[test]
    fn what_was_cut_short_learns_what_was_missed() {
        let cut = OutageRow {
            id: 3,
            from: wall(0),
            to: Some(wall(50)),
            cause: "refused".to_owned(),
            caught_up: 0,
            cut_short: true,
            told: true,
        };
        let mut outages = Outages { cut: Some(cut.clone()), missed: 4, ..Outages::default() };

        let over = outages.over();

        assert_eq!(over, Some(OutageRow { caught_up: 4, ..cut }));
        assert_eq!(outages.over(), None);
    }

    #[test]
    fn who_wants_no_connection_is_told_nothing_more() {
        let mut outages = Outages::default();
        outages.lost(at(0), "lost", moment(0), GRACE);

        let written = outages.forget();

        assert!(!written);
        assert_eq!((outages.due(), outages.time(moment(61), GRACE), outages.over()), (None, None, None));
    }

    fn at(seconds: i64) -> (Timestamp, Moment) {
        (wall(seconds), moment(seconds.unsigned_abs()))
    }

    fn wall(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_795_000_000 + seconds).expect("a time")
    }

    fn moment(seconds: u64) -> Moment {
        Moment::from_start(Duration::from_secs(seconds))
    }
}
