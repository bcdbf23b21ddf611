//! When the shop is open, by its own clock on the wall: spans of each weekday, which may go over midnight.
//!
//! They are written as OpenStreetMap writes opening hours, as far as a shop needs: `Mo-Fr 08:00-20:00; Sa
//! 08:00-12:00,14:00-18:00; Su off`, or `24/7`. A day that is not named is closed; what stands later counts.
//!
//! Where a clock is put forward, a span that ends in the hour that is left out lasts as long as it would have; where it is put
//! back, the first of the two hours counts.

use std::fmt;
use std::ops::RangeInclusive;

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

use crate::model::IncidentRow;
use crate::view::{Incident, SettingsView};

/// How a person writes the hours in the settings.
pub const WRITTEN_AS: &str =
    "must be hours such as \"Mo-Fr 08:00-20:00; Sa 08:00-12:00,14:00-18:00\", \"24/7\", or \"\" for none";

/// Spans of one day; nobody has more.
const MOST_SPANS: usize = 8;
const DAY: u16 = 24 * 60;
/// What is open for so long is never closed: a week, and the clocks may be put back in it.
const FOR_EVER: SignedDuration = SignedDuration::from_hours(8 * 24);
/// Days that are looked at: what began before today may go on, and a week and a day on everything comes again.
const DAYS: RangeInclusive<i64> = -2..=9;

const NAMES: [&str; 7] = ["Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"];
const LONG_NAMES: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// The opening hours of a week.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hours {
    /// Monday first.
    days: [Vec<Span>; 7],
}

/// From one minute of a day to another; one that does not end later than it begins ends on the next day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Span {
    from: u16,
    to: u16,
}

impl Hours {
    /// Those that the person chose, if any.
    pub fn of(settings: &SettingsView) -> Option<Hours> {
        Hours::of_days(settings.opening_hours.as_deref()?)
    }

    /// From how they are written; none where that cannot be read.
    pub fn read(text: &str) -> Option<Hours> {
        let mut hours = Hours::default();
        let mut rules = 0;
        for rule in text.split(';').map(str::trim).filter(|rule| !rule.is_empty()) {
            let rule = rule.replace(['\u{2013}', '\u{2014}'], "-");
            let (days, spans) = read_rule(&rule)?;
            for day in days {
                hours.days[day].clone_from(&spans);
            }
            rules += 1;
        }
        (rules > 0).then_some(hours)
    }

    /// From the spans of each day, Monday first, such as `08:00-12:00, 14:00-18:00`; nothing where it is closed.
    pub fn of_days<T: AsRef<str>>(days: &[T]) -> Option<Hours> {
        if days.len() != NAMES.len() {
            return None;
        }
        let mut hours = Hours::default();
        for (day, text) in hours.days.iter_mut().zip(days) {
            *day = match text.as_ref().trim() {
                "" => Vec::new(),
                text => read_spans(text)?,
            };
        }
        Some(hours)
    }

    /// What [`Hours::of_days`] reads.
    pub fn days(&self) -> Vec<String> {
        self.days.iter().map(|spans| joined(spans, ", ")).collect()
    }

    /// Whether it is open at this moment.
    pub fn is_open(&self, at: Timestamp, zone: &TimeZone) -> bool {
        self.stretches(at, zone).iter().any(|(from, to)| *from <= at && at < *to)
    }

    /// When it closes next; none where it never does, or is never open.
    pub fn next_closing(&self, at: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let (from, to) = self.stretches(at, zone).into_iter().find(|(_, to)| *to > at)?;
        (to.duration_since(from) < FOR_EVER).then_some(to)
    }

    /// When it opens next; none where it never does, or is never closed.
    pub fn next_opening(&self, at: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        self.stretches(at, zone).into_iter().map(|(from, _)| from).find(|from| *from > at)
    }

    /// All times at which it is open, from before this moment to more than a week after it, the earliest first; none touches
    /// the next.
    fn stretches(&self, at: Timestamp, zone: &TimeZone) -> Vec<(Timestamp, Timestamp)> {
        let today = at.to_zoned_datetime(zone.clone()).date();
        let mut spans = Vec::new();
        for day in DAYS {
            let Ok(date) = today.checked_add(day.days()) else { continue };
            let of_the_day = &self.days[number(date.weekday())];
            spans.extend(of_the_day.iter().filter_map(|span| span.on(date, zone)));
        }
        spans.sort_unstable();
        let mut stretches: Vec<(Timestamp, Timestamp)> = Vec::new();
        for (from, to) in spans {
            match stretches.last_mut() {
                Some(last) if from <= last.1 => last.1 = last.1.max(to),
                Some(_) | None => stretches.push((from, to)),
            }
        }
        stretches
    }
}

impl Span {
    /// None where no time is left of it, as when all of it is in the hour that is left out.
    fn on(self, date: Date, zone: &TimeZone) -> Option<(Timestamp, Timestamp)> {
        let end = if self.to <= self.from { date.tomorrow().ok()? } else { date };
        let (from, to) = (moment(date, self.from, zone)?, moment(end, self.to, zone)?);
        (from < to).then_some((from, to))
    }
}

/// Minutes of a day on the wall; all of them are the next day's beginning.
fn moment(date: Date, minutes: u16, zone: &TimeZone) -> Option<Timestamp> {
    let date = if minutes == DAY { date.tomorrow().ok()? } else { date };
    let (hour, minute) = (minutes % DAY / 60, minutes % 60);
    let time = Time::new(i8::try_from(hour).ok()?, i8::try_from(minute).ok()?, 0, 0).ok()?;
    zone.to_ambiguous_zoned_datetime(date.to_datetime(time)).compatible().ok().map(|zoned| zoned.timestamp())
}

fn number(day: Weekday) -> usize {
    usize::try_from(day.to_monday_zero_offset()).unwrap_or_default()
}

// ---- what happened after hours ----

/// Whether it happened, in part at least, while the shop was closed; never where no hours are known.
pub(super) fn is_after_hours(incident: &IncidentRow, hours: Option<&Hours>, zone: &TimeZone) -> bool {
    let (from, to) = match incident.late {
        Some(late) => (late.from, late.to),
        None => (incident.first_at, incident.last_at),
    };
    hours.is_some_and(|hours| !hours.is_open(from, zone) || !hours.is_open(to, zone))
}

/// Adds to an incident's reasons, as it is shown, that it was after hours.
pub(crate) fn say_after_hours(incident: &mut Incident, hours: Option<&Hours>, zone: &TimeZone) {
    let (from, to) = match &incident.late {
        Some(late) => (late.from, late.to),
        None => (incident.first_at, incident.last_at),
    };
    let is_closed = |at: i64| {
        let at = Timestamp::from_millisecond(at).ok();
        at.zip(hours).is_some_and(|(at, hours)| !hours.is_open(at, zone))
    };
    if is_closed(from) || is_closed(to) {
        incident.why = super::words::after_hours(&incident.why);
    }
}

// ---- how they are written ----

impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut first = 0;
        while first < NAMES.len() {
            let spans = &self.days[first];
            let last = (first..NAMES.len()).take_while(|day| self.days[*day] == *spans).last();
            let last = last.unwrap_or(first);
            if first > 0 {
                f.write_str("; ")?;
            }
            f.write_str(NAMES[first])?;
            if last > first {
                write!(f, "-{}", NAMES[last])?;
            }
            match spans.is_empty() {
                true => f.write_str(" off")?,
                false => write!(f, " {}", joined(spans, ","))?,
            }
            first = last + 1;
        }
        Ok(())
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Span { from, to } = self;
        write!(f, "{:02}:{:02}-{:02}:{:02}", from / 60, from % 60, to / 60, to % 60)
    }
}

fn joined(spans: &[Span], between: &str) -> String {
    spans.iter().map(Span::to_string).collect::<Vec<_>>().join(between)
}

/// "Mo-We,Fr 08:00-12:00,14:00-18:00": the days, and their spans.
fn read_rule(rule: &str) -> Option<(Vec<usize>, Vec<Span>)> {
    if rule == "24/7" {
        return Some(((0..NAMES.len()).collect(), vec![Span { from: 0, to: DAY }]));
    }
    let at = rule.find(|letter: char| letter.is_ascii_digit());
    let lower = rule.to_ascii_lowercase();
    let (days, spans) = match at {
        Some(at) => (&rule[..at], read_spans(&rule[at..])?),
        None => {
            let days = lower.strip_suffix("off").or_else(|| lower.strip_suffix("closed"))?;
            (&rule[..days.len()], Vec::new())
        }
    };
    let days = days.trim().trim_end_matches(':').trim();
    if days.is_empty() {
        return Some(((0..NAMES.len()).collect(), spans));
    }
    let mut named = Vec::new();
    for part in days.split(',') {
        match part.split_once('-') {
            Some((from, to)) => {
                let (from, to) = (read_day(from)?, read_day(to)?);
                let length = (to + NAMES.len() - from) % NAMES.len();
                named.extend((0..=length).map(|day| (from + day) % NAMES.len()));
            }
            None => named.push(read_day(part)?),
        }
    }
    Some((named, spans))
}

fn read_day(name: &str) -> Option<usize> {
    let name = name.trim().to_ascii_lowercase();
    let is_it = |long: &str| name.len() >= 2 && long.starts_with(&name);
    LONG_NAMES.iter().position(|long| is_it(long))
}

fn read_spans(text: &str) -> Option<Vec<Span>> {
    let mut spans: Vec<Span> = text.split(',').map(read_span).collect::<Option<_>>()?;
    spans.sort_unstable();
    (spans.len() <= MOST_SPANS).then_some(spans)
}

fn read_span(text: &str) -> Option<Span> {
    let (from, to) = text.split_once(['-', '\u{2013}'])?;
    let (from, to) = (read_time(from)?, read_time(to)?);
    (from < DAY && from != to).then_some(Span { from, to })
}

fn read_time(text: &str) -> Option<u16> {
    let (hour, minute) = text.trim().split_once(':')?;
    let is_number = |text: &str| (1..=2).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    if !is_number(hour) || !is_number(minute) || minute.len() != 2 {
        return None;
    }
    let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
    (minute < 60 && hour * 60 + minute <= DAY).then_some(hour * 60 + minute)
}

#[cfg(test)]
mod tests;
