//! The shop's figures: from the incidents of a time to what happened where, when, and what was decided.

use std::collections::{BTreeMap, HashMap};

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, civil};

use super::{spread, timestamp};
use crate::model::Decision;
use crate::policy;
use crate::view::{Activity, DayTally, Part, ReportQuery, Tally};

/// Days told one by one; a longer time has none of them.
const DAYS: usize = 400;

/// The incidents of a time.
#[derive(Debug, Default)]
pub(crate) struct Cases {
    /// Where they were, each place once.
    places: Vec<Place>,
    numbers: HashMap<(Option<String>, Option<String>), usize>,
    cases: Vec<Case>,
}

/// A camera in a store, as far as the two are known.
#[derive(Debug)]
struct Place {
    stream: Option<String>,
    shop: Option<String>,
    shop_name: Option<String>,
    /// As the newest of its incidents has it.
    location: Option<String>,
}

#[derive(Debug)]
struct Case {
    place: usize,
    at: Timestamp,
    decision: Option<Decision>,
    /// In microseconds.
    to_decision: Option<i64>,
}

/// One incident as it is stored, for [`Cases::add`].
#[derive(Debug)]
pub(crate) struct Happened {
    pub(crate) at: Timestamp,
    pub(crate) stream: Option<String>,
    pub(crate) shop: Option<String>,
    pub(crate) shop_name: Option<String>,
    pub(crate) location: Option<String>,
    /// None where nobody has decided, or the server would not take it.
    pub(crate) decision: Option<Decision>,
    /// In microseconds.
    pub(crate) to_decision: Option<i64>,
}

impl Cases {
    /// One more incident, none older than those before.
    pub(crate) fn add(&mut self, happened: Happened) {
        let Happened { at, stream, shop, shop_name, location, decision, to_decision } = happened;
        let next = self.places.len();
        let place = *self.numbers.entry((stream.clone(), shop.clone())).or_insert(next);
        if place == next {
            self.places.push(Place { stream, shop, shop_name, location });
        } else if let Some(known) = self.places.get_mut(place)
            && location.is_some()
        {
            known.location = location;
        }
        self.cases.push(Case { place, at, decision, to_decision });
    }

    /// The figures.
    pub(crate) fn activity(
        &self,
        query: ReportQuery,
        camera_names: &BTreeMap<String, String>,
        zone: &TimeZone,
    ) -> Activity {
        let mut total = Count::default();
        let mut cameras: Vec<Count> = self.places.iter().map(|_| Count::default()).collect();
        let mut stores: BTreeMap<Option<&str>, (Option<&str>, Count)> = BTreeMap::new();
        let mut hours = vec![0; 24];
        let mut days = days(query, zone);
        for case in &self.cases {
            total.add(case);
            if let (Some(place), Some(camera)) = (self.places.get(case.place), cameras.get_mut(case.place)) {
                camera.add(case);
                let store = stores.entry(place.shop.as_deref()).or_default();
                store.0 = store.0.or(place.shop_name.as_deref());
                store.1.add(case);
            }
            let hour = usize::try_from(case.at.to_zoned_datetime(zone.clone()).hour()).unwrap_or_default();
            if let Some(incidents) = hours.get_mut(hour) {
                *incidents += 1;
            }
            let after = days.partition_point(|day| day.at <= case.at.as_millisecond());
            if let Some(day) = after.checked_sub(1).and_then(|nth| days.get_mut(nth)) {
                day.incidents += 1;
                day.false_alarms += u32::from(case.decision == Some(Decision::FalseAlarm));
            }
        }
        let cameras = self.places.iter().zip(cameras).map(|(place, count)| Part {
            id: place.stream.clone(),
            name: policy::camera_of(place.stream.as_deref(), place.location.as_deref(), camera_names),
            store: place.shop_name.as_deref().map(policy::plain).filter(|name| !name.is_empty()),
            tally: count.tally(),
        });
        let stores = stores.into_iter().map(|(id, (name, count))| Part {
            id: id.map(str::to_owned),
            name: name.map(policy::plain).unwrap_or_default(),
            store: None,
            tally: count.tally(),
        });
        Activity {
            total: total.tally(),
            cameras: most_first(cameras),
            stores: most_first(stores),
            hours,
            days,
        }
    }
}

/// Most incidents first, and by name where there are as many; what has no id comes last.
fn most_first(parts: impl Iterator<Item = Part>) -> Vec<Part> {
    let mut parts: Vec<Part> = parts.collect();
    parts.sort_by(|one, other| {
        let rank = |part: &Part| (part.id.is_none(), std::cmp::Reverse(part.tally.incidents));
        rank(one).cmp(&rank(other)).then_with(|| one.name.cmp(&other.name))
    });
    parts
}

/// Every day of a time, as long as it is, whatever the clock was set to in between.
fn days(query: ReportQuery, zone: &TimeZone) -> Vec<DayTally> {
    let first = timestamp(query.from).to_zoned_datetime(zone.clone()).date();
    let begins = |day: civil::Date| day.to_zoned_datetime(zone.clone()).ok();
    let days = std::iter::successors(Some(first), |day| day.checked_add(1.day()).ok())
        .map_while(begins)
        .map(|day| day.timestamp().as_millisecond())
        .take_while(|at| *at < query.to)
        .map(|at| DayTally { at, incidents: 0, false_alarms: 0 });
    let days: Vec<DayTally> = days.take(DAYS + 1).collect();
    if days.len() > DAYS { Vec::new() } else { days }
}

/// A [`Tally`] that is being added up.
#[derive(Debug, Default)]
struct Count {
    tally: Tally,
    to_decision: Vec<i64>,
}

impl Count {
    fn add(&mut self, case: &Case) {
        self.tally.incidents += 1;
        *match case.decision {
            None | Some(Decision::Reopened) => &mut self.tally.open,
            Some(Decision::Acknowledged) => &mut self.tally.acknowledged,
            Some(Decision::Resolved) => &mut self.tally.resolved,
            Some(Decision::FalseAlarm) => &mut self.tally.false_alarms,
        } += 1;
        self.to_decision.extend(case.to_decision);
    }

    fn tally(self) -> Tally {
        Tally { to_decision: spread(self.to_decision), ..self.tally }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn incidents_are_counted_by_camera_store_hour_and_day() {
        let zone = TimeZone::get("Europe/Vienna").unwrap();
        let mut cases = Cases::default();
        cases.add(happened("2026-11-27T22:30:00Z", "till", Some("north"), Some(Decision::FalseAlarm)));
        cases.add(happened("2026-11-27T23:30:00Z", "door", Some("north"), None));
        cases.add(happened("2026-11-28T13:00:00Z", "till", Some("north"), Some(Decision::Resolved)));
        cases.add(happened("2026-11-28T13:30:00Z", "yard", None, Some(Decision::Acknowledged)));
        let names = BTreeMap::from([("till".to_owned(), "Till 1".to_owned())]);

        let found = cases.activity(of_days("2026-11-26T23:00:00Z", "2026-11-29T23:00:00Z"), &names, &zone);

        let named = |parts: &[Part]| -> Vec<(String, u32)> {
            parts.iter().map(|part| (part.name.clone(), part.tally.incidents)).collect()
        };
        let counted = |name: &str, n: u32| (name.to_owned(), n);
        assert_eq!(
            named(&found.cameras),
            [counted("Till 1", 2), counted("Place of door", 1), counted("Place of yard", 1)]
        );
        assert_eq!(named(&found.stores), [counted("Store north", 3), counted("", 1)]);
        let hours: Vec<(usize, u32)> =
            found.hours.iter().copied().enumerate().filter(|(_, n)| *n > 0).collect();
        assert_eq!((found.hours.len(), hours), (24, vec![(0, 1), (14, 2), (23, 1)]));
        let days: Vec<(u32, u32)> = found.days.iter().map(|day| (day.incidents, day.false_alarms)).collect();
        assert_eq!(days, [(1, 1), (3, 0), (0, 0)]);
        let Tally { incidents, open, acknowledged, resolved, false_alarms, .. } = found.total;
        assert_eq!([incidents, open, acknowledged, resolved, false_alarms], [4, 1, 1, 1, 1]);
        assert_eq!(found.total.false_alarm_percent(), Some(33));
    }

    #[test]
    fn a_day_on_which_the_clocks_change_is_one_day_and_years_have_none() {
        let zone = TimeZone::get("Europe/Vienna").unwrap();
        let cases = Cases::default();
        let names = BTreeMap::new();

        let change = cases.activity(of_days("2026-10-24T22:00:00Z", "2026-10-26T23:00:00Z"), &names, &zone);
        let years = cases.activity(of_days("2020-01-01T00:00:00Z", "2026-01-01T00:00:00Z"), &names, &zone);

        let lengths: Vec<i64> =
            change.days.windows(2).map(|two| (two[1].at - two[0].at) / 3_600_000).collect();
        assert_eq!((change.days.len(), lengths), (2, vec![25]));
        assert!(years.days.is_empty());
        assert_eq!(years.total.false_alarm_percent(), None);
    }

    #[test]
    fn a_camera_has_the_name_that_its_newest_incident_told() {
        let mut cases = Cases::default();
        let told = |location: Option<&str>| Happened {
            location: location.map(str::to_owned),
            ..happened("2026-11-28T13:00:00Z", "till", None, None)
        };
        for location in [None, Some("Old till"), Some("New till"), None] {
            cases.add(told(location));
        }

        let all = of_days("2026-11-28T00:00:00Z", "2026-11-29T00:00:00Z");
        let found = cases.activity(all, &BTreeMap::new(), &TimeZone::UTC);

        assert_eq!(found.cameras.iter().map(|part| part.name.as_str()).collect::<Vec<_>>(), ["New till"]);
    }

    fn happened(at: &str, stream: &str, shop: Option<&str>, decision: Option<Decision>) -> Happened {
        Happened {
            at: at.parse().unwrap(),
            stream: Some(stream.to_owned()),
            shop: shop.map(str::to_owned),
            shop_name: shop.map(|shop| format!("Store {shop}")),
            location: Some(format!("Place of {stream}")),
            decision,
            to_decision: decision.map(|_| 5_000_000),
        }
    }

    fn of_days(from: &str, to: &str) -> ReportQuery {
        let at = |text: &str| text.parse::<Timestamp>().unwrap().as_millisecond();
        ReportQuery { from: at(from), to: at(to) }
    }
}
