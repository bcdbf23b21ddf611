//! Times as they are written: for a program, for a person in UTC, and by the shop's clock.

use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp, ZonedDateTime};

/// In UTC, for a program: RFC 3339 with as many digits as are known.
pub(crate) fn for_program(at: Timestamp) -> String {
    at.to_string()
}

/// In UTC, for a person.
pub(crate) fn utc(at: Timestamp) -> String {
    at.to_zoned_datetime(TimeZone::UTC).strftime("%Y-%m-%d %H:%M:%S.%3f UTC").to_string()
}

/// By the shop's clock, with that clock's offset.
pub(crate) fn local(at: Timestamp, zone: &TimeZone) -> String {
    let zoned = at.to_zoned_datetime(zone.clone());
    format!("{} ({})", zoned.strftime("%a %-d %b %Y, %H:%M:%S.%3f"), offset(zoned.offset()))
}

/// The same to the minute, without the offset.
pub(crate) fn local_minute(zoned: &ZonedDateTime) -> String {
    zoned.strftime("%a %-d %b %Y, %H:%M").to_string()
}

/// A zone's name, as people know it.
pub(crate) fn zone_name(zone: &TimeZone, at: Timestamp) -> String {
    match zone.iana_name() {
        Some(name) => name.to_owned(),
        None => offset(at.to_zoned_datetime(zone.clone()).offset()),
    }
}

/// Such as `UTC+05:30`.
pub(crate) fn offset(offset: Offset) -> String {
    let seconds = offset.seconds();
    let (sign, minutes) = (if seconds < 0 { '-' } else { '+' }, seconds.unsigned_abs() / 60);
    format!("UTC{sign}{:02}:{:02}", minutes / 60, minutes % 60)
}

/// A duration in seconds to the millisecond, without its sign; its unit stays on its line.
pub(crate) fn seconds(duration: SignedDuration) -> String {
    let millis = duration.as_millis().unsigned_abs();
    format!("{}.{:03}\u{a0}s", millis / 1_000, millis % 1_000)
}

/// Whole minutes that surely hold both times and this much on either side.
pub(crate) fn minutes_around(
    first: Timestamp,
    last: Timestamp,
    margin: SignedDuration,
) -> (Timestamp, Timestamp) {
    let floor = |at: Timestamp| at.as_second().div_euclid(60) * 60;
    let from = first.saturating_sub(margin).unwrap_or(first);
    let to = last.saturating_add(margin).unwrap_or(last);
    let up = floor(to) + if to.as_second() % 60 == 0 && to.subsec_nanosecond() == 0 { 0 } else { 60 };
    let at = |second: i64, or: Timestamp| Timestamp::from_second(second).unwrap_or(or);
    (at(floor(from), from), at(up, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn times_are_said_in_utc_and_by_the_shop_s_clock() {
        let zone = TimeZone::get("Asia/Kolkata").unwrap();
        let time = at("2026-11-28T13:03:07.12Z");

        assert_eq!(utc(time), "2026-11-28 13:03:07.120 UTC");
        assert_eq!(local(time, &zone), "Sat 28 Nov 2026, 18:33:07.120 (UTC+05:30)");
        assert_eq!(for_program(time), "2026-11-28T13:03:07.12Z");
        assert_eq!(zone_name(&zone, time), "Asia/Kolkata");
        assert_eq!(offset(Offset::constant(-3)), "UTC-03:00");
    }

    #[test]
    fn an_hour_that_a_clock_goes_through_twice_is_told_apart() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();

        assert_eq!(local(at("2026-10-25T00:30:00Z"), &zone), "Sun 25 Oct 2026, 02:30:00.000 (UTC+02:00)");
        assert_eq!(local(at("2026-10-25T01:30:00Z"), &zone), "Sun 25 Oct 2026, 02:30:00.000 (UTC+01:00)");
    }

    #[test]
    fn the_minutes_to_ask_for_hold_all_of_it() {
        let margin = SignedDuration::from_secs(120);

        let minutes = minutes_around(at("2026-11-28T13:03:07Z"), at("2026-11-28T13:04:00.5Z"), margin);

        assert_eq!(minutes, (at("2026-11-28T13:01:00Z"), at("2026-11-28T13:07:00Z")));
        let whole =
            minutes_around(at("1969-12-31T23:59:00Z"), at("1969-12-31T23:59:00Z"), SignedDuration::ZERO);
        assert_eq!(whole, (at("1969-12-31T23:59:00Z"), at("1969-12-31T23:59:00Z")));
    }
}
