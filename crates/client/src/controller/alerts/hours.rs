//! Whether the shop is open, by the hours that the person chose: what is shown says it, the page is told as it changes, and
//! no snooze goes on into the time in which nobody is there.

use std::time::Duration;

use jiff::tz::TimeZone;
use visionguard_proto::Moment;

use crate::controller::Controller;
use crate::controller::ticks::{Due, milliseconds};
use crate::policy::{self, Hours};
use crate::view::{Event, FeedItem, FeedPage, HoursView, Incident, SettingsView};

/// Between two looks at the clock on the wall, which may be set, and the computer may have slept.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// What the page knows of it.
#[derive(Debug, Default)]
pub(in crate::controller) struct Opening {
    told: Option<HoursView>,
    look: Due,
}

impl Opening {
    pub(super) fn due(&self) -> Option<Moment> {
        self.look.at()
    }
}

/// What says of an incident that it was after hours; it goes along where the journal is asked.
#[derive(Debug)]
pub(crate) struct AfterHours {
    hours: Option<Hours>,
    zone: TimeZone,
}

impl AfterHours {
    pub(crate) fn of(settings: &SettingsView) -> AfterHours {
        AfterHours { hours: Hours::of(settings), zone: TimeZone::system() }
    }

    pub(crate) fn say(&self, mut incident: Incident) -> Incident {
        policy::say_after_hours(&mut incident, self.hours.as_ref(), &self.zone);
        incident
    }

    pub(crate) fn say_all(&self, page: FeedPage) -> FeedPage {
        let items = page.items.into_iter().map(|item| match item {
            FeedItem::Incident(incident) => FeedItem::Incident(self.say(incident)),
            outage @ FeedItem::Outage { .. } => outage,
        });
        FeedPage { items: items.collect(), ..page }
    }
}

impl Controller {
    pub(crate) fn after_hours(&self) -> AfterHours {
        AfterHours::of(&self.settings.view)
    }

    /// Whether the shop is open, and until when; none where nobody said when it is.
    pub(crate) fn hours(&self) -> Option<HoursView> {
        let (hours, zone, at) = (Hours::of(&self.settings.view)?, TimeZone::system(), self.wall());
        let open = hours.is_open(at, &zone);
        let until = if open { hours.next_closing(at, &zone) } else { hours.next_opening(at, &zone) };
        Some(HoursView { open, until: until.map(milliseconds) })
    }

    /// Other hours were chosen, or the program starts.
    pub(crate) fn hours_chosen(&mut self) {
        self.cut_snoozes();
        self.look_at_hours();
    }

    pub(super) fn hours_time(&mut self, now: Moment) {
        if self.alerts.opening.look.take(now) {
            self.look_at_hours();
        }
    }

    fn look_at_hours(&mut self) {
        let hours = self.hours();
        match hours {
            Some(_) => self.alerts.opening.look.set(self.now() + LOOK_EVERY),
            None => self.alerts.opening.look.clear(),
        }
        if self.alerts.opening.told != hours {
            self.alerts.opening.told = hours;
            self.emit(&Event::Hours { hours });
        }
    }
}
