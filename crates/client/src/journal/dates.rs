//! Times in a search, as people write them: "28 nov", "yesterday", "monday 14:00", "2026-11-28".
//!
//! What is not surely a time stays a word. A day is the computer's, with the hours that its clock has on it.

use std::ops::Range;

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// A search, taken apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Understood {
    /// What is left to be looked for.
    pub(super) words: Vec<String>,
    /// The time that is meant, where one is.
    pub(super) time: Option<Range<Timestamp>>,
}

/// No more is understood of a search than this.
const MOST_WORDS: usize = 16;

/// What begins at a full hour is that hour; else it is so long.
const PART: SignedDuration = SignedDuration::from_mins(15);

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const DAYS: [(&str, Weekday); 7] = [
    ("monday", Weekday::Monday),
    ("tuesday", Weekday::Tuesday),
    ("wednesday", Weekday::Wednesday),
    ("thursday", Weekday::Thursday),
    ("friday", Weekday::Friday),
    ("saturday", Weekday::Saturday),
    ("sunday", Weekday::Sunday),
];
/// May stand before a time and mean nothing.
const BEFORE: [&str; 3] = ["on", "at", "last"];

/// What a day or a month is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Span {
    Day(Date),
    /// From its first day.
    Month(Date),
    /// Up to this one, the day on which it last was that time.
    Last(Date),
}

/// Takes the first day or month and the first time of day out of a search.
pub(super) fn read(search: &str, now: Timestamp, zone: &TimeZone) -> Understood {
    let today = now.to_zoned_datetime(zone.clone()).date();
    let all: Vec<String> = search.split_whitespace().take(MOST_WORDS).map(str::to_lowercase).collect();
    let mut words: Vec<String> = Vec::new();
    let (mut span, mut time) = (None, None);
    let mut rest = all.as_slice();
    while let Some(first) = rest.first() {
        let mut taken = 0;
        if span.is_none()
            && let Some((day, words)) = read_span(rest, today)
        {
            (span, taken) = (Some(day), words);
        } else if time.is_none()
            && let Some(at) = read_time(first)
        {
            (time, taken) = (Some(at), 1);
        }
        if taken == 0 {
            words.push(first.clone());
        } else if words.last().is_some_and(|before| BEFORE.contains(&before.as_str())) {
            words.pop();
        }
        rest = rest.get(taken.max(1)..).unwrap_or_default();
    }
    let span = span.or(time.map(|_| Span::Last(today)));
    match range(span, time, now, zone) {
        Some(time) => Understood { words, time: Some(time) },
        None => Understood { words: all, time: None },
    }
}

/// From when to when; none where nothing is asked about, or there is no such time.
fn range(
    span: Option<Span>,
    time: Option<Time>,
    now: Timestamp,
    zone: &TimeZone,
) -> Option<Range<Timestamp>> {
    let at = |date: Date, time: Time| {
        Some(date.to_datetime(time).to_zoned_datetime(zone.clone()).ok()?.timestamp())
    };
    let part = |date: Date, time: Time| {
        let from = at(date, time)?;
        let to = if time.minute() == 0 {
            the_next_hour(date, time, zone)?
        } else {
            from.checked_add(PART).ok()?
        };
        Some(from..to)
    };
    let whole = |first: Date, last: Date| {
        Some(at(first, Time::midnight())?..at(last.tomorrow().ok()?, Time::midnight())?)
    };
    match (span?, time) {
        (Span::Day(date), None) => whole(date, date),
        (Span::Day(date), Some(time)) => part(date, time),
        (Span::Month(first), _) => whole(first, first.last_of_month()),
        (Span::Last(today), Some(time)) => part(today, time)
            .filter(|range| range.start <= now)
            .or_else(|| part(today.yesterday().ok()?, time)),
        (Span::Last(_), None) => None,
    }
}

/// When the hour after this one begins. Where the clock shows it twice, both are meant.
fn the_next_hour(date: Date, time: Time, zone: &TimeZone) -> Option<Timestamp> {
    let next = match time.hour() {
        23 => date.tomorrow().ok()?.to_datetime(Time::midnight()),
        hour => date.at(hour + 1, 0, 0, 0),
    };
    Some(next.to_zoned_datetime(zone.clone()).ok()?.timestamp())
}

/// A day or a month at the beginning of these words, and how many it takes.
fn read_span(words: &[String], today: Date) -> Option<(Span, usize)> {
    let word = |at: usize| words.get(at).map(|word| word.trim_end_matches(','));
    let first = word(0)?;
    match first {
        "today" => return Some((Span::Day(today), 1)),
        "yesterday" => return Some((Span::Day(today.yesterday().ok()?), 1)),
        _ => {}
    }
    if let Some((_, day)) = DAYS.iter().find(|(name, _)| *name == first) {
        return Some((Span::Day(latest(today, |date| date.weekday() == *day)?), 1));
    }
    if let Some(date) = in_figures(first) {
        return Some((Span::Day(date), 1));
    }
    let year = |at: usize| word(at).and_then(read_year);
    let (day, month) = match (read_day(first), read_month(first)) {
        (Some(day), _) => (day, read_month(word(1)?)?),
        (None, Some(month)) => match (word(1).and_then(read_day), year(1)) {
            (Some(day), _) => (day, month),
            (None, Some(year)) => return Some((Span::Month(Date::new(year, month, 1).ok()?), 2)),
            (None, None) => return None,
        },
        (None, None) => return None,
    };
    match year(2) {
        Some(year) => Some((Span::Day(Date::new(year, month, day).ok()?), 3)),
        None => Some((Span::Day(latest_of_year(today, month, day)?), 2)),
    }
}

/// "2026-11-28", "28.11.2026", "28/11/2026".
fn in_figures(word: &str) -> Option<Date> {
    let numbers = |sign: char| -> Option<[i16; 3]> {
        let parts: Vec<i16> = word.split(sign).map(figures).collect::<Option<_>>()?;
        parts.try_into().ok()
    };
    let date = |year: i16, month: i16, day: i16| {
        let [month, day] = [month, day].map(|number| i8::try_from(number).unwrap_or(0));
        if year < 1970 { None } else { Date::new(year, month, day).ok() }
    };
    if let Some([year, month, day]) = numbers('-') {
        return date(year, month, day);
    }
    let [day, month, year] = numbers('.').or_else(|| numbers('/'))?;
    date(year, month, day)
}

/// "28", "28.", "28th".
fn read_day(word: &str) -> Option<i8> {
    let number = ["st", "nd", "rd", "th", "."].iter().find_map(|end| word.strip_suffix(end)).unwrap_or(word);
    let day = figures(number)?;
    i8::try_from(day).ok().filter(|day| (1..=31).contains(day))
}

/// "november", "nov", "sept".
fn read_month(word: &str) -> Option<i8> {
    let word = word.trim_end_matches('.');
    let is_it = |name: &&str| *name == word || (word.len() >= 3 && word.len() <= 4 && name.starts_with(word));
    let at = MONTHS.iter().position(is_it)?;
    i8::try_from(at + 1).ok()
}

fn read_year(word: &str) -> Option<i16> {
    figures(word).filter(|year| (1970..=9998).contains(year))
}

/// "14:00", "9:05", "2pm", "2:30pm".
fn read_time(word: &str) -> Option<Time> {
    let word = word.trim_end_matches(',');
    let (clock, half) = match (word.strip_suffix("am"), word.strip_suffix("pm")) {
        (Some(clock), _) => (clock, Some(0)),
        (None, Some(clock)) => (clock, Some(12)),
        (None, None) => (word, None),
    };
    let (hour, minute) = match clock.split_once(':') {
        Some((hour, minute)) if minute.len() == 2 => (figures(hour)?, figures(minute)?),
        Some(_) => return None,
        None if half.is_some() => (figures(clock)?, 0),
        None => return None,
    };
    let hour = match half {
        Some(half) if (1..=12).contains(&hour) => hour % 12 + half,
        Some(_) => return None,
        None => hour,
    };
    Time::new(i8::try_from(hour).ok()?, i8::try_from(minute).ok()?, 0, 0).ok()
}

/// A number of at most four figures and nothing else.
fn figures(word: &str) -> Option<i16> {
    let is_number = (1..=4).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { word.parse().ok() } else { None }
}

/// The latest day up to this one for which this holds.
fn latest(today: Date, is_it: impl Fn(Date) -> bool) -> Option<Date> {
    let mut date = today;
    for _ in 0..7 {
        if is_it(date) {
            return Some(date);
        }
        date = date.yesterday().ok()?;
    }
    None
}

/// The latest such day of a year up to today. There may be none for eight years: a leap day.
fn latest_of_year(today: Date, month: i8, day: i8) -> Option<Date> {
    (0..=8).filter_map(|back| Date::new(today.year() - back, month, day).ok()).find(|date| *date <= today)
}

#[cfg(test)]
mod tests {
    use jiff::tz;

    use super::*;

    fn berlin() -> TimeZone {
        tz::db().get("Europe/Berlin").expect("it is known")
    }

    /// What is understood on Monday 30 November 2026, 15:20 in Berlin: words, from, to.
    fn told(search: &str) -> (String, Option<(String, String)>) {
        told_at(search, "2026-11-30T15:20:00+01:00")
    }

    fn told_at(search: &str, now: &str) -> (String, Option<(String, String)>) {
        let understood = read(search, now.parse().expect("a time"), &berlin());
        let local = |at: Timestamp| at.to_zoned_datetime(berlin()).strftime("%Y-%m-%d %H:%M").to_string();
        (understood.words.join(" "), understood.time.map(|time| (local(time.start), local(time.end))))
    }

    fn day(from: &str, to: &str) -> Option<(String, String)> {
        Some((format!("{from} 00:00"), format!("{to} 00:00")))
    }

    #[test]
    fn days_are_read_as_people_write_them() {
        for search in [
            "28 nov",
            "28 November",
            "nov 28",
            "28th nov",
            "28. nov.",
            "28 nov 2026",
            "November 28th, 2026",
            "2026-11-28",
            "28.11.2026",
            "28/11/2026",
            "saturday",
            "on Saturday",
            "last saturday",
        ] {
            assert_eq!(told(search), (String::new(), day("2026-11-28", "2026-11-29")), "{search}");
        }
        assert_eq!(told("today").1, day("2026-11-30", "2026-12-01"));
        assert_eq!(told("monday").1, day("2026-11-30", "2026-12-01"), "today is one");
        assert_eq!(told("Yesterday").1, day("2026-11-29", "2026-11-30"));
        assert_eq!(told("1 dec").1, day("2025-12-01", "2025-12-02"), "the last one, not the next");
        assert_eq!(told("29 feb").1, day("2024-02-29", "2024-03-01"));
        assert_eq!(told("nov 2026").1, day("2026-11-01", "2026-12-01"));
    }

    #[test]
    fn what_is_beside_a_time_is_looked_for() {
        assert_eq!(told("till 1 28 nov theft"), ("till 1 theft".to_owned(), day("2026-11-28", "2026-11-29")));
        assert_eq!(told("yesterday Harbour"), ("harbour".to_owned(), day("2026-11-29", "2026-11-30")));
        assert_eq!(told("on the till"), ("on the till".to_owned(), None));
    }

    #[test]
    fn a_time_of_day_is_an_hour_or_a_quarter_of_one() {
        let times = |from: &str, to: &str| Some((format!("2026-11-{from}"), format!("2026-11-{to}")));

        assert_eq!(told("saturday 14:00").1, times("28 14:00", "28 15:00"));
        assert_eq!(told("at 2pm 28 nov").1, times("28 14:00", "28 15:00"));
        assert_eq!(told("28 nov 9:05").1, times("28 09:05", "28 09:20"));
        assert_eq!(told("28 nov 23:00").1, times("28 23:00", "29 00:00"));
        assert_eq!(told("12am 28 nov").1, times("28 00:00", "28 01:00"));
        assert_eq!(told("14:00").1, times("30 14:00", "30 15:00"), "the last one that was");
        assert_eq!(told("16:00").1, times("29 16:00", "29 17:00"), "it is not four yet");
    }

    #[test]
    fn what_is_not_surely_a_time_is_a_word() {
        for search in [
            "",
            "28",
            "nov",
            "may",
            "march",
            "sun",
            "till 1",
            "31 nov",
            "2026-13-01",
            "2026-11",
            "28.11",
            "1/2",
            "25:00",
            "14:0",
            "14:000",
            "13pm",
            "0pm",
            "99999999999999999999 nov",
            "28 novembre",
            "١٢ nov",
            "2026-11-28T10:00",
            "-",
            "nov 9999999",
            ":",
            "am",
        ] {
            assert_eq!(told(search), (search.to_lowercase(), None), "{search}");
        }
    }

    #[test]
    fn a_day_on_which_the_clock_changes_is_as_long_as_it_is() {
        let hours = |search| {
            let now = "2026-11-30T15:20:00+01:00".parse().expect("a time");
            let time = read(search, now, &berlin()).time.expect("a time");
            time.end.duration_since(time.start).as_hours()
        };

        assert_eq!(hours("29 march 2026"), 23);
        assert_eq!(hours("25 oct 2026"), 25);
        assert_eq!(hours("25 oct 2026 2:00"), 2, "it was two o'clock for two hours");
        assert_eq!(
            told("29 mar 2026 2:00").1,
            Some(("2026-03-29 03:00".to_owned(), "2026-03-29 03:00".to_owned()))
        );
        assert_eq!(told_at("yesterday", "2026-10-26T00:30:00+01:00").1, day("2026-10-25", "2026-10-26"));
    }

    #[test]
    fn a_long_search_is_read_in_part() {
        let long = "word ".repeat(2_000);

        assert_eq!(told(&long).0.split(' ').count(), MOST_WORDS);
    }
}
