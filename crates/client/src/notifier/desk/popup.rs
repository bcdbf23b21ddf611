//! What stands on the desktop, and what was seen and went: the bookkeeping, without the bus.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::notifier::manners::Manners;
use crate::notifier::picture::Picture;
use crate::shell::{Buttons, Notification};

/// Notifications that stand at once; the oldest is withdrawn for a newer one, a critical one last.
const STANDING_LIMIT: usize = 16;
/// Ids that are remembered as seen.
const SEEN_LIMIT: usize = 256;
/// A service may close all that it shows as it ends: what was closed so shortly before was closed by nobody.
const AT_ITS_END: Duration = Duration::from_millis(500);

/// One notification that stands, or is asked for.
pub(super) struct Popup {
    pub id: String,
    /// The one in whose place it comes and whose words stand until the service has answered.
    before: Option<String>,
    /// What the service calls it, once it has answered.
    pub number: Option<u32>,
    /// It is to be closed as soon as its number is known.
    pub withdrawn: bool,
    critical: bool,
    is_incident: bool,
    /// The `Notify` that was not answered yet.
    asked: Option<u64>,
    /// When it is closed by us.
    over_at: Option<Instant>,
    /// When it went by itself, at a service that does not say so.
    gone_at: Option<Instant>,
    /// The newest last; the others are kept until the service has the newest.
    pictures: Vec<Arc<Picture>>,
}

impl Popup {
    fn new(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            before: None,
            number: None,
            withdrawn: false,
            critical: false,
            is_incident: false,
            asked: None,
            over_at: None,
            gone_at: None,
            pictures: Vec::new(),
        }
    }

    pub(super) fn is_asked_for(&self) -> bool {
        self.asked.is_some()
    }

    /// Notes that the service was asked to show this.
    pub(super) fn asked(
        &mut self,
        serial: u64,
        notification: &Notification,
        picture: Option<Arc<Picture>>,
        manners: &Manners,
    ) {
        self.asked = Some(serial);
        self.withdrawn = false;
        self.critical = notification.critical;
        self.is_incident = notification.buttons == Buttons::Incident;
        self.over_at = super::stands_until(notification);
        self.gone_at = manners.gone_after.map(|after| Instant::now() + after);
        self.pictures.extend(picture);
    }
}

/// The person has seen an incident's notification: its updates are not brought back, unless it becomes critical.
struct Seen {
    id: String,
    critical: bool,
    /// When a popup of it was closed, by whomever.
    closed_at: Option<Instant>,
}

/// All of them, the oldest first.
#[derive(Default)]
pub(super) struct Popups {
    standing: VecDeque<Popup>,
    seen: VecDeque<Seen>,
}

impl Popups {
    /// The one of this notification, which is the newest now.
    pub(super) fn entry(&mut self, notification: &Notification) -> &mut Popup {
        let other = notification.in_place_of.as_deref();
        let known = self.take(&notification.id).or_else(|| self.take(other?));
        let mut popup = known.unwrap_or_else(|| Popup::new(&notification.id));
        if popup.id != notification.id {
            let before = std::mem::replace(&mut popup.id, notification.id.clone());
            popup.before.get_or_insert(before);
        }
        self.standing.push_back(popup);
        let last = self.standing.len() - 1;
        &mut self.standing[last]
    }

    /// Takes out what has to go for one more.
    pub(super) fn make_room(&mut self, notification: &Notification) -> Vec<Popup> {
        let mut room = Vec::new();
        let other = notification.in_place_of.as_deref();
        let is_its_own = self.standing.iter().any(|popup| popup.id == notification.id);
        if let Some(popup) = other.filter(|_| is_its_own).and_then(|other| self.take(other)) {
            room.push(popup);
        }
        let is_known = is_its_own || self.standing.iter().any(|popup| Some(popup.id.as_str()) == other);
        while !is_known && self.standing.len() >= STANDING_LIMIT {
            let ordinary = self.standing.iter().position(|popup| !popup.critical && !popup.withdrawn);
            let Some(popup) = self.standing.remove(ordinary.unwrap_or(0)) else { break };
            if popup.withdrawn {
                // Its service has not answered: its number is never learnt.
                continue;
            }
            room.push(popup);
        }
        room
    }

    pub(super) fn take(&mut self, id: &str) -> Option<Popup> {
        let index = self.standing.iter().position(|popup| popup.id == id)?;
        self.standing.remove(index)
    }

    pub(super) fn take_oldest(&mut self) -> Option<Popup> {
        let index = self.standing.iter().position(|popup| !popup.withdrawn)?;
        self.standing.remove(index)
    }

    /// Takes out those whose incident is over.
    pub(super) fn take_over(&mut self, now: Instant) -> Vec<Popup> {
        let is_over = |popup: &Popup| popup.over_at.is_some_and(|at| at <= now) && !popup.withdrawn;
        let mut over = Vec::new();
        while let Some(index) = self.standing.iter().position(is_over) {
            over.extend(self.standing.remove(index));
        }
        over
    }

    pub(super) fn next_over(&self) -> Option<Instant> {
        self.standing.iter().filter(|popup| !popup.withdrawn).filter_map(|popup| popup.over_at).min()
    }

    pub(super) fn put_back(&mut self, popup: Popup) {
        self.standing.push_front(popup);
    }

    /// The service gave it this number. Returns it if it is to be closed at once.
    pub(super) fn numbered(&mut self, serial: u64, number: u32) -> Option<Popup> {
        let index = self.standing.iter().position(|popup| popup.asked == Some(serial))?;
        let popup = self.standing.get_mut(index)?;
        popup.number = Some(number);
        (popup.asked, popup.before) = (None, None);
        let older = popup.pictures.len().saturating_sub(1);
        popup.pictures.drain(..older);
        if popup.withdrawn { self.standing.remove(index) } else { None }
    }

    /// The service did not take it; what stood before it still does.
    pub(super) fn refused(&mut self, serial: u64) {
        if let Some(index) = self.standing.iter().position(|popup| popup.asked == Some(serial))
            && let Some(popup) = self.standing.get_mut(index)
        {
            popup.asked = None;
            if let Some(before) = popup.before.take() {
                popup.id = before;
            }
            if popup.number.is_none() {
                self.standing.remove(index);
            }
        }
    }

    /// Somebody else than we closed it: it was seen. None if it was none of these; else the id of what was seen, unless
    /// its update is on its way, which shows it again.
    pub(super) fn closed(&mut self, number: u32) -> Option<Option<String>> {
        let popup = self.standing.iter_mut().find(|popup| popup.number == Some(number))?;
        if popup.asked.is_some() {
            popup.number = None;
            return Some(popup.before.take());
        }
        Some(self.saw(number, Some(Instant::now())).map(|popup| popup.id))
    }

    /// The person wants to hear of it later: it is not seen, and gone all the same.
    pub(super) fn put_off(&mut self, number: u32) -> Option<(String, Option<Popup>)> {
        let (id, popup) = self.chosen(number)?;
        if popup.is_some() {
            self.seen.retain(|seen| seen.id != id);
        }
        Some((id, popup))
    }

    /// The person answered it: it was seen. Returns the id of what was, and the popup, unless it is another's by now.
    pub(super) fn chosen(&mut self, number: u32) -> Option<(String, Option<Popup>)> {
        let popup = self.standing.iter_mut().find(|popup| popup.number == Some(number))?;
        if let Some(before) = popup.before.take() {
            popup.number = None;
            return Some((before, None));
        }
        self.saw(number, None).map(|popup| (popup.id.clone(), Some(popup)))
    }

    fn saw(&mut self, number: u32, closed_at: Option<Instant>) -> Option<Popup> {
        let index = self.standing.iter().position(|popup| popup.number == Some(number))?;
        let popup = self.standing.remove(index)?;
        if popup.is_incident {
            self.seen.push_back(Seen { id: popup.id.clone(), critical: popup.critical, closed_at });
        }
        if self.seen.len() > SEEN_LIMIT {
            self.seen.pop_front();
        }
        Some(popup)
    }

    /// Whether a notification says nothing that was not seen already.
    pub(super) fn was_seen(&self, notification: &Notification, now: Instant) -> bool {
        // Of the others, the next one of the same id is news: offline again.
        if notification.buttons != Buttons::Incident || notification.sound {
            return false;
        }
        let covers = |critical: bool| critical || !notification.critical;
        let seen = self.seen.iter().any(|seen| seen.id == notification.id && covers(seen.critical));
        let gone = self.standing.iter().any(|popup| {
            popup.id == notification.id
                && covers(popup.critical)
                && popup.number.is_some()
                && popup.gone_at.is_some_and(|at| at <= now)
        });
        seen || gone
    }

    /// Whether the service still has to give a number.
    pub(super) fn are_asked_for(&self) -> bool {
        self.standing.iter().any(Popup::is_asked_for)
    }

    /// The numbers are worth nothing any more. What was seen stays seen; names what was not, though it was closed.
    pub(super) fn forget(&mut self) -> Vec<String> {
        self.standing.clear();
        let now = Instant::now();
        let was_seen = |seen: &Seen| seen.closed_at.is_none_or(|at| now.duration_since(at) > AT_ITS_END);
        let (seen, unseen) = std::mem::take(&mut self.seen).into_iter().partition(was_seen);
        self.seen = seen;
        VecDeque::into_iter(unseen).map(|seen| seen.id).collect()
    }

    pub(super) fn numbers(&self) -> Vec<u32> {
        self.standing.iter().filter_map(|popup| popup.number).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notifier::manners::Manners;
    use crate::policy::STANDS;

    #[tokio::test(start_paused = true)]
    async fn case_60_an_incident_that_goes_on_is_one_popup_and_goes_when_it_is_over() {
        let mut popups = Popups::default();
        for serial in 1..=60 {
            raise(&mut popups, serial, &incident("7", false), &plain());
            popups.numbered(serial, 1);
            tokio::time::advance(Duration::from_secs(10)).await;

            assert!(popups.take_over(Instant::now()).is_empty(), "update {serial}");
            assert_eq!(popups.numbers(), [1]);
        }

        tokio::time::advance(STANDS).await;

        assert!(popups.next_over().is_some_and(|at| at <= Instant::now()));
        assert_eq!(popups.take_over(Instant::now()).len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_critical_one_stands_until_it_is_handled() {
        let mut popups = Popups::default();
        raise(&mut popups, 1, &incident("7", true), &plain());
        popups.numbered(1, 1);

        tokio::time::advance(Duration::from_hours(24)).await;

        assert_eq!(popups.next_over(), None);
        assert_eq!(popups.numbers(), [1]);
    }

    #[tokio::test(start_paused = true)]
    async fn case_60_one_that_went_without_a_word_comes_back_only_when_it_is_worse() {
        let manners = Manners::of("Notification Daemon", "GNOME", "1.2", true);
        let mut popups = Popups::default();
        raise(&mut popups, 1, &incident("7", false), &manners);
        popups.numbered(1, 1);
        let (update, worse) = (incident("7", false), incident("7", true));
        assert!(!popups.was_seen(&update, Instant::now()), "it still stands: the update is drawn");

        tokio::time::advance(Duration::from_secs(11)).await;

        assert!(popups.was_seen(&update, Instant::now()));
        assert!(!popups.was_seen(&worse, Instant::now()));
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_service_closes_as_it_ends_was_seen_by_nobody() {
        let mut popups = Popups::default();
        for (number, id) in [(1, "7"), (2, "8")] {
            raise(&mut popups, number.into(), &incident(id, false), &plain());
            popups.numbered(number.into(), number);
        }
        popups.closed(1);
        tokio::time::advance(Duration::from_secs(5)).await;
        popups.closed(2);

        popups.forget();

        assert!(popups.was_seen(&incident("7", false), Instant::now()));
        assert!(!popups.was_seen(&incident("8", false), Instant::now()));
    }

    #[tokio::test(start_paused = true)]
    async fn room_is_made_by_the_oldest_and_by_critical_ones_last() {
        let mut popups = Popups::default();
        raise(&mut popups, 1, &incident("critical", true), &plain());
        for serial in 2..=16 {
            raise(&mut popups, serial, &incident(&serial.to_string(), false), &plain());
        }

        let room = popups.make_room(&incident("new", false));
        let none = popups.make_room(&incident("5", false));

        assert_eq!(room.iter().map(|popup| popup.id.as_str()).collect::<Vec<_>>(), ["2"]);
        assert!(none.is_empty(), "an update needs no room");
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_is_closed_while_its_update_is_on_the_way_is_known_by_its_new_number() {
        let mut popups = Popups::default();
        raise(&mut popups, 1, &incident("7", false), &plain());
        popups.numbered(1, 1);
        raise(&mut popups, 2, &incident("7", false), &plain());

        assert_eq!(popups.closed(1), Some(None));
        popups.numbered(2, 5);

        assert_eq!(popups.numbers(), [5]);
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_takes_another_s_place_is_known_by_its_own_name_and_answered_for_the_other_until_it_is_there()
     {
        let instead = Notification { in_place_of: Some("7".into()), ..incident("8", false) };
        let taking = || {
            let mut popups = Popups::default();
            raise(&mut popups, 1, &incident("7", false), &plain());
            popups.numbered(1, 1);
            raise(&mut popups, 2, &instead, &plain());
            popups
        };

        let mut taken = taking();
        taken.numbered(2, 1);
        let chosen = taken.chosen(1).map(|(id, popup)| (id, popup.is_some()));
        let mut early = taking();
        let chosen_early = early.chosen(1).map(|(id, popup)| (id, popup.is_some()));
        early.numbered(2, 5);
        let mut closed = taking();
        let closed_early = closed.closed(1);
        let mut refused = taking();
        refused.refused(2);

        assert_eq!(chosen, Some(("8".into(), true)));
        assert_eq!(chosen_early, Some(("7".into(), false)));
        assert_eq!(early.take("8").and_then(|popup| popup.number), Some(5));
        assert_eq!(closed_early, Some(Some("7".into())));
        assert_eq!(refused.take("7").and_then(|popup| popup.number), Some(1));
    }

    fn raise(popups: &mut Popups, serial: u64, notification: &Notification, manners: &Manners) {
        popups.entry(notification).asked(serial, notification, None, manners);
    }

    fn plain() -> Manners {
        Manners::of("somebody", "", "1.2", true)
    }

    fn incident(id: &str, critical: bool) -> Notification {
        Notification {
            id: id.into(),
            alert: None,
            title: String::new(),
            body: String::new(),
            picture: None,
            sound: false,
            critical,
            buttons: Buttons::Incident,
            in_place_of: None,
        }
    }
}
