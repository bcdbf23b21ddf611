//! The backend's times, which carry a zone only sometimes.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// Longest text that can be a time.
const MAX_BYTES: usize = 40;

/// An RFC 3339 time with a zone.
pub(crate) fn with_zone(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    (text.len() <= MAX_BYTES).then(|| text.parse().ok()).flatten().filter(is_plausible)
}

/// A time with a zone, or one without that is UTC by agreement.
pub(crate) fn utc_unless_zoned(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if text.len() > MAX_BYTES {
        return None;
    }
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at).filter(is_plausible);
    }
    let at = text.parse::<DateTime>().ok()?.to_zoned_datetime(TimeZone::UTC).ok()?;
    Some(at.timestamp()).filter(is_plausible)
}

/// Neither a clock that was never set nor the far future.
fn is_plausible(at: &Timestamp) -> bool {
    const YEAR_2000: i64 = 946_684_800;
    const YEAR_2200: i64 = 7_258_118_400;
    (YEAR_2000..YEAR_2200).contains(&at.as_second())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_without_a_zone_is_utc() {
        let at = utc_unless_zoned("2026-11-21T20:39:03.525539").unwrap();

        assert_eq!(at.to_string(), "2026-11-21T20:39:03.525539Z");
        assert_eq!(utc_unless_zoned("2026-11-21T20:39:03").unwrap().to_string(), "2026-11-21T20:39:03Z");
    }

    #[test]
    fn a_zone_is_obeyed() {
        let at = utc_unless_zoned("2026-11-21T20:39:03+02:00").unwrap();

        assert_eq!(at.to_string(), "2026-11-21T18:39:03Z");
        assert_eq!(with_zone("2026-11-21T20:39:03+02:00"), Some(at));
    }

    #[test]
    fn where_a_zone_is_promised_a_time_without_one_is_not_taken() {
        assert_eq!(with_zone("2026-11-21T20:39:03"), None);
    }

    #[test]
    fn a_leap_second_is_taken_and_nonsense_is_not() {
        assert!(utc_unless_zoned("2016-12-31T23:59:60").is_some());
        for text in
            ["", "yesterday", "0000-01-01T00:00:00", "1970-01-01T00:00:00Z", "9999-12-31T23:59:59", "12"]
        {
            assert_eq!(utc_unless_zoned(text), None, "{text}");
        }
        assert_eq!(utc_unless_zoned(&"2".repeat(10_000)), None);
    }
}
