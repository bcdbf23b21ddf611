//! The lane on which alerts go into the journal in their order; those that wait together share a commit.

use std::collections::BTreeMap;

use bytes::Bytes;
use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;
use visionguard_proto::message::ClientMessage;
use visionguard_proto::{Alert, Cursor, Picture};

use crate::controller::ticks::Tick;
use crate::journal::{Incoming, Journal, JournalError, LogOf};
use crate::model::{Recorded, Source};

/// How many alerts may wait for the disk; while they do, the socket is not asked for more.
pub(super) const LANE: usize = 32;

/// What goes into the journal on the lane.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "nearly all are alerts, and there are few at a time")]
pub(crate) enum Item {
    Alert(Arrival),
    /// This log could not go on where it was left, and now it is this time.
    Gap {
        of: LogOf,
        now: Timestamp,
    },
}

/// An alert on its way into the journal.
#[derive(Debug, Clone)]
pub(crate) struct Arrival {
    /// Its turn among all that came on the socket.
    pub(super) turn: u64,
    pub(crate) alert: Alert,
    pub(crate) received_at: Timestamp,
    pub(crate) source: Source,
    /// What to tell the server once it is stored.
    pub(crate) ack: Option<ClientMessage>,
    /// It could not be stored before, and its notification was raised all the same.
    pub(super) notified: bool,
    /// Its place in the server's log, where that keeps one.
    pub(crate) place: Option<Place>,
}

/// An alert's place among those that came from one log.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) of: LogOf,
    /// Since which sign-in they are numbered.
    pub(crate) session: u64,
    /// Counts up by one with each.
    pub(crate) number: u64,
    pub(crate) cursor: Cursor,
}

impl Arrival {
    /// As the journal takes it, if all that came before it is stored; where the log `is_open`, its cursor moves along.
    fn incoming(&self, ahead: &mut Frontier, is_open: bool) -> Incoming {
        let place = self.place.as_ref().and_then(|place| {
            let to = ahead.after(place).filter(|_| is_open);
            ahead.stored(place);
            Some((place.of.clone(), to?))
        });
        Incoming { alert: self.alert.clone(), received_at: self.received_at, source: self.source, place }
    }

    /// The picture that came with it.
    pub(crate) fn picture(&self) -> Option<Bytes> {
        match &self.alert.picture {
            Picture::Jpeg(jpeg) => Some(jpeg.bytes().clone()),
            Picture::At(_) | Picture::Absent | Picture::Refused(_) => None,
        }
    }
}

/// What became of storing one.
#[derive(Debug)]
pub(crate) struct Attempt {
    pub(crate) arrival: Arrival,
    pub(crate) result: Result<Recorded, JournalError>,
}

/// Starts the lane; it ends when the sender is dropped.
pub(crate) fn start(
    tasks: &TaskTracker,
    journal: Journal,
    ticks: mpsc::UnboundedSender<Tick>,
) -> mpsc::Sender<Item> {
    let (lane, mut items) = mpsc::channel::<Item>(LANE);
    tasks.spawn(async move {
        let mut recorder = Recorder { journal, frontier: Frontier::default(), gap: None };
        let mut waiting = Vec::new();
        while items.recv_many(&mut waiting, LANE).await > 0 {
            for tick in recorder.take(std::mem::take(&mut waiting)).await {
                if ticks.send(tick).is_err() {
                    return;
                }
            }
        }
    });
    lane
}

struct Recorder {
    journal: Journal,
    frontier: Frontier,
    /// A gap that is not written down yet: the cursor stays before it.
    gap: Option<(LogOf, Timestamp)>,
}

impl Recorder {
    /// What waits together shares a commit.
    async fn take(&mut self, items: Vec<Item>) -> Vec<Tick> {
        let mut ticks = Vec::new();
        let mut together = Vec::new();
        for item in items {
            match item {
                Item::Alert(arrival) => together.push(arrival),
                Item::Gap { of, now } => {
                    self.store(&mut together, &mut ticks).await;
                    self.gap = Some((of, now));
                    ticks.push(match self.write_gap().await {
                        Ok(()) => Tick::Gap(self.journal.standing_gap().await),
                        Err(error) => Tick::WriteFailed(error),
                    });
                }
            }
        }
        self.store(&mut together, &mut ticks).await;
        ticks
    }

    async fn store(&mut self, arrivals: &mut Vec<Arrival>, ticks: &mut Vec<Tick>) {
        if arrivals.is_empty() {
            return;
        }
        let is_open = self.write_gap().await.is_ok();
        let mut ahead = self.frontier.clone();
        let incoming = arrivals.iter().map(|arrival| arrival.incoming(&mut ahead, is_open)).collect();
        let mut results = match self.journal.record_each(incoming).await {
            Ok(results) => results,
            Err(error) => vec![Err(error); arrivals.len()],
        }
        .into_iter();
        for arrival in arrivals.drain(..) {
            let result = results.next().unwrap_or(Err(JournalError::Closed));
            if let (Some(place), Ok(_)) = (&arrival.place, &result) {
                self.frontier.stored(place);
            }
            ticks.push(Tick::Attempted(Box::new(Attempt { arrival, result })));
        }
    }

    async fn write_gap(&mut self) -> Result<(), JournalError> {
        let Some((of, now)) = self.gap.clone() else { return Ok(()) };
        self.journal.log_broke_off(of, now).await?;
        self.gap = None;
        Ok(())
    }
}

/// How far the log is stored without a hole. An alert that could not be stored is one, until it is.
#[derive(Debug, Clone, Default)]
struct Frontier {
    session: u64,
    /// The lowest number that is not stored.
    next: u64,
    /// Those stored beyond it.
    beyond: BTreeMap<u64, Cursor>,
}

impl Frontier {
    /// To where the log is known once the alert of this place is stored, if that is further than now.
    fn after(&self, place: &Place) -> Option<Cursor> {
        let next = match place.session.cmp(&self.session) {
            std::cmp::Ordering::Less => return None,
            std::cmp::Ordering::Equal => self.next,
            std::cmp::Ordering::Greater => 0,
        };
        if place.number != next {
            return None;
        }
        let mut cursor = &place.cursor;
        if place.session == self.session {
            for (number, (stored, reached)) in (next + 1..).zip(&self.beyond) {
                if number != *stored {
                    break;
                }
                cursor = reached;
            }
        }
        Some(cursor.clone())
    }

    /// The alert of this place is stored.
    fn stored(&mut self, place: &Place) {
        // What is left of a session that is over does not count for this one.
        if place.session < self.session {
            return;
        }
        if place.session != self.session {
            *self = Frontier { session: place.session, ..Frontier::default() };
        }
        if place.number >= self.next {
            self.beyond.insert(place.number, place.cursor.clone());
        }
        while self.beyond.remove(&self.next).is_some() {
            self.next += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_cursor_stays_before_what_is_not_stored_and_catches_up_with_it() {
        let mut frontier = Frontier::default();
        let mut store = |number| {
            let to = frontier.after(&place(0, number));
            frontier.stored(&place(0, number));
            to.map(|cursor| cursor.as_str().to_owned())
        };

        let moves = [0, 2, 3, 1, 5, 4].map(&mut store);

        assert_eq!(moves.map(|to| to.unwrap_or_default()), ["0", "", "", "3", "", "5"]);
    }

    #[test]
    fn another_session_begins_anew() {
        let mut frontier = Frontier::default();
        frontier.stored(&place(0, 1));

        assert_eq!(frontier.after(&place(1, 1)), None);
        assert_eq!(frontier.after(&place(1, 0)), Cursor::new("0").ok());
        frontier.stored(&place(1, 0));

        assert_eq!(frontier.after(&place(0, 0)), None);
        frontier.stored(&place(0, 0));
        assert_eq!(frontier.after(&place(1, 1)), Cursor::new("1").ok());
    }

    proptest! {
        #[test]
        fn in_whatever_order_they_are_stored_the_cursor_is_past_exactly_what_is_stored_without_a_hole(
            order in Just((0_u64..30).collect::<Vec<_>>()).prop_shuffle(),
        ) {
            let mut frontier = Frontier::default();
            let mut cursor = None;
            for (count, number) in order.iter().enumerate() {
                if let Some(to) = frontier.after(&place(0, *number)) {
                    cursor = Some(to);
                }
                frontier.stored(&place(0, *number));

                let stored = &order[..=count];
                let whole = (0..30).take_while(|number| stored.contains(number)).last();
                let expected = whole.map(|number| Cursor::new(&number.to_string()).unwrap());
                prop_assert_eq!(&cursor, &expected);
            }
        }
    }

    fn place(session: u64, number: u64) -> Place {
        let of = LogOf { account: "u".to_owned(), origin: "http://shop.example".to_owned() };
        Place { of, session, number, cursor: Cursor::new(&number.to_string()).unwrap() }
    }
}
