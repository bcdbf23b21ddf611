//! The two ways in which times are written: without a zone as the original does, and RFC 3339 in added fields.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Now, to the microsecond, which is what the database keeps.
pub(crate) fn now() -> Timestamp {
    from_micros(Timestamp::now().as_microsecond())
}

/// The moment that the database keeps as this number.
pub(crate) fn from_micros(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// UTC without a zone, six digits of a second or none: the record's format (contract 2.1).
pub(crate) fn naive(at: Timestamp) -> String {
    without_zone(at, TimeZone::UTC)
}

/// The same by the clock on this server's wall: the format of messages between people (contract 2.3).
pub(crate) fn local(at: Timestamp) -> String {
    without_zone(at, TimeZone::system())
}

fn without_zone(at: Timestamp, zone: TimeZone) -> String {
    let at = at.to_zoned_datetime(zone);
    let format = if at.subsec_nanosecond() == 0 { "%Y-%m-%dT%H:%M:%S" } else { "%Y-%m-%dT%H:%M:%S.%6f" };
    at.strftime(format).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_record_writes_utc_without_a_zone_and_drops_a_fraction_of_zero() {
        let whole: Timestamp = "2026-11-21T20:19:50Z".parse().unwrap();
        let odd: Timestamp = "2026-11-21T21:19:50.7453+01:00".parse().unwrap();

        assert_eq!(naive(whole), "2026-11-21T20:19:50");
        assert_eq!(naive(odd), "2026-11-21T20:19:50.745300");
    }

    #[test]
    fn messages_between_people_carry_the_time_on_the_server_s_wall() {
        let at: Timestamp = "2026-07-01T12:00:00Z".parse().unwrap();

        assert_eq!(without_zone(at, TimeZone::get("Europe/Berlin").unwrap()), "2026-07-01T14:00:00");
    }
}
