//! The tray as data, from the status and the counts. Pure: the same input gives the same tray.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::view::{Counts, Status, StatusView, Tray};
use crate::words::text;

/// What the tray shows.
pub fn tray(status: &StatusView, counts: Counts, signed_in: bool, zone: &TimeZone) -> Tray {
    let status_line = status_line(status, zone);
    let tooltip = match counts.unseen {
        0 => text("tray.tooltip", &[("status", &status_line)]),
        unseen => text("tray.tooltip_unseen", &[("status", &status_line), ("unseen", &unseen.to_string())]),
    };
    Tray { status: status.status, unseen: counts.unseen, tooltip, status_line, signed_in }
}

fn status_line(status: &StatusView, zone: &TimeZone) -> String {
    let since = clock(status.since, zone);
    match status.status {
        Status::Protected => text("tray.protected", &[]),
        Status::CatchingUp => text("tray.catching_up", &[]),
        Status::Deaf => text("tray.deaf", &[("since", &since)]),
        Status::Offline => match status.record_every {
            Some(_) => text("tray.offline_fetched", &[("since", &since)]),
            None => text("tray.offline", &[("since", &since)]),
        },
        Status::SignedOut => text("tray.signed_out", &[]),
    }
}

/// Hours and minutes as the wall clock of this zone shows them.
fn clock(at: i64, zone: &TimeZone) -> String {
    match Timestamp::from_millisecond(at) {
        Ok(at) => at.to_zoned_datetime(zone.clone()).strftime("%H:%M").to_string(),
        Err(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_says_since_when_and_how_many_are_not_seen() {
        let status = status(Status::Offline);

        let tray = tray(&status, Counts { unseen: 2, ..Counts::default() }, true, &TimeZone::UTC);

        assert_eq!(tray.tooltip, "VisionGuard: Offline since 13:10, 2 not seen");
        assert_eq!(tray.status_line, "Offline since 13:10");
    }

    #[test]
    fn all_is_well_in_one_word() {
        let tray = tray(&status(Status::Protected), Counts::default(), true, &TimeZone::UTC);

        assert_eq!(tray.tooltip, "VisionGuard: Protected");
    }

    fn status(status: Status) -> StatusView {
        StatusView {
            status,
            reason: "lost".to_owned(),
            sentence: "The connection was lost.".to_owned(),
            since: 13 * 3_600_000 + 10 * 60_000,
            heard_at: None,
            next_attempt_at: None,
            record_every: None,
            remedy: None,
        }
    }
}
