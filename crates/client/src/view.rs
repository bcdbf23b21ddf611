//! What the page, the tray and the command line show: serializable, comparable, without behaviour.
//!
//! The page's TypeScript types (`ui/types.d.ts`) are generated from here and checked to be fresh by a test. Times are
//! milliseconds since 1970 UTC; durations are milliseconds. Ids are text.

use serde::{Deserialize, Serialize};
#[cfg(test)]
use ts_rs::TS;

mod activity;
mod handover;
mod incident;
mod report;
mod standing;

pub use activity::{Activity, DayTally, Part, Tally};
pub use handover::Handover;
pub use incident::{
    AlertView, BringBack, CameraView, Cleared, FeedFilter, FeedItem, FeedPage, FeedQuery, FrameView,
    Incident, IncidentDetail, IncidentKind, Late, NoteView, ShopView, Understood, Who,
};
pub use report::{Gap, LedgerEntry, Outage, Report, ReportQuery, Spread};
pub use standing::Standing;

/// Everything the page needs to start.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(TS))]
pub struct Snapshot {
    pub version: String,
    /// The computer's clock when this was made, so that the page can show ages without trusting its own.
    #[cfg_attr(test, ts(type = "number"))]
    pub now: i64,
    pub status: StatusView,
    /// Nobody is signed in: none.
    pub session: Option<SessionView>,
    pub counts: Counts,
    pub feed: FeedPage,
    pub settings: SettingsView,
    pub notices: Vec<NoticeView>,
    pub drill: DrillView,
    /// What notifications can do here; none until it is known.
    pub popups: Option<PopupsView>,
    /// Cameras that are not to interrupt for now.
    pub snoozes: Vec<SnoozeView>,
    /// Whether the shop is open; none where nobody said when it is.
    pub hours: Option<HoursView>,
}

/// The one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(TS))]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Protected,
    CatchingUp,
    Deaf,
    Offline,
    SignedOut,
}

/// The status with its evidence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(TS))]
pub struct StatusView {
    pub status: Status,
    /// A stable code of the reason, such as `refused`, `silent`, `token_expired`, `slot_taken`.
    pub reason: String,
    /// What happened and what to do, one or two plain sentences; never empty.
    pub sentence: String,
    /// When this status began.
    #[cfg_attr(test, ts(type = "number"))]
    pub since: i64,
    /// When anything was last heard on the socket.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub heard_at: Option<i64>,
    /// When the next attempt starts, while waiting for one.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub next_attempt_at: Option<i64>,
    /// Without a connection, where alerts are fetched from the server's record: how often, in seconds.
    pub record_every: Option<u32>,
    /// What one button may do about it.
    pub remedy: Option<Remedy>,
}

/// The one button beside a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(TS))]
#[serde(rename_all = "snake_case")]
pub enum Remedy {
    RetryNow,
    SignIn,
}

/// Who is signed in, and where.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(TS))]
pub struct SessionView {
    pub server: String,
    /// Traffic is not encrypted and leaves this machine.
    pub insecure: bool,
    pub user_id: String,
    pub name: String,
    pub email: String,
    /// `keychain` or `memory`: where the token is kept.
    pub kept_in: Keeping,
    /// The password is kept beside it, to sign in again by itself.
    pub password_kept: bool,
}

/// Where the token is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(TS))]
#[serde(rename_all = "snake_case")]
pub enum Keeping {
    Keychain,
    Memory,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(TS))]
pub struct Counts {
    /// Incidents nobody has decided on, whatever is in view.
    pub unhandled: u32,
    /// Incidents nobody has looked at.
    pub unseen: u32,
    /// Incidents in view.
    pub total: u32,
    /// Incidents out of view.
    pub cleared: u32,
    /// Incidents since local midnight.
    pub today: u32,
}

/// A standing remark at the top of the page: no keychain, no notification daemon, a damaged journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(TS))]
pub struct NoticeView {
    /// Stable: `no_keychain`, `keychain_locked`, `no_notifications`, `journal_unwritable`, `insecure_server`.
    pub code: String,
    pub sentence: String,
    /// It tells what happened, and a person who has read it can close it. The others stand as long as what they say does.
    #[serde(default)]
    pub closable: bool,
}

/// What notifications can do on this desktop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(TS))]
pub struct PopupsView {
    /// An alert can be acknowledged with a button of its notification.
    pub buttons: bool,
    /// Who shows them and what they can do; without buttons, how an alert is acknowledged all the same.
    pub sentence: String,
}

/// A camera that is not to interrupt for now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(TS))]
pub struct SnoozeView {
    /// The id of its stream.
    pub camera: String,
    pub name: String,
    /// Who asked for it.
    pub by: String,
    /// What for, in their words.
    #[serde(default)]
    pub why: Option<String>,
    #[cfg_attr(test, ts(type = "number"))]
    pub until: i64,
}

/// For how long a camera is not to interrupt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(TS))]
#[serde(rename_all = "snake_case")]
pub enum SnoozeLength {
    Minutes(u32),
    /// Until the shop opens.
    Opening,
    /// Until the shop closes.
    Closing,
}

/// Whether the shop is open, by the hours that the person chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(TS))]
pub struct HoursView {
    pub open: bool,
    /// When it closes, or opens; none where it never does.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub until: Option<i64>,
}

/// Tests of the alert path: the one under way and the last.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(test, derive(TS))]
pub struct DrillView {
    pub running: bool,
    /// Of the account that is signed in; none if there was none yet.
    pub last: Option<DrillResult>,
}

/// How a test of the alert path ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(TS))]
pub struct DrillResult {
    /// When it ended.
    #[cfg_attr(test, ts(type = "number"))]
    pub at: i64,
    pub passed: bool,
    /// From the request to the notification, where it came that far.
    pub took_ms: Option<u32>,
    /// How far it came and what to do, in plain words.
    pub sentence: String,
}

/// The settings a person may change; all documented in `docs/settings.md`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(TS))]
pub struct SettingsView {
    /// Start the program when the person signs in to the computer.
    pub start_at_sign_in: bool,
    /// Raise native notifications.
    pub notifications: bool,
    /// Put the picture into the notification.
    pub picture_in_notification: bool,
    pub sound: bool,
    /// How loud it is, 0 to 100.
    pub sound_volume: u32,
    /// Blur pictures on the page until they are pointed at.
    pub blur: bool,
    pub theme: Theme,
    /// Days to keep pictures, 1 to 365.
    pub keep_days: u32,
    /// When the alert path is tested each day: "HH:MM", local time; none for never.
    pub drill_at: Option<String>,
    /// When the shop is open: each day's spans, Monday first, such as "08:00-12:00, 14:00-18:00", nothing where it is closed;
    /// none where nobody said so.
    pub opening_hours: Option<Vec<String>>,
    /// After a camera sounded, its further incidents pop up without a sound for so many minutes; 0: all sound.
    pub cooldown_minutes: u32,
    /// What is high and nobody handled is told again each so many minutes; 0: never.
    pub repeat_minutes: u32,
    /// What was acknowledged here and is not resolved is told again each so many minutes; 0: never.
    pub acknowledgement_timeout_minutes: u32,
    /// Names for camera streams: stream id to name.
    pub camera_names: std::collections::BTreeMap<String, String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(TS))]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    #[default]
    System,
    Light,
    Dark,
}

/// Why a command was not carried out, in a plain sentence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[cfg_attr(test, derive(TS))]
#[error("{sentence}")]
pub struct Problem {
    /// Stable: `wrong_password`, `wrong_address`, `unreachable`, `portal`, `server_error`, `invalid`, `unknown_incident` and so on.
    pub code: String,
    pub sentence: String,
    /// The field at fault: `server`, `email`, `password`.
    pub field: Option<String>,
}

/// What the page is told while it is open. Small: ids and short fields, no picture.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(TS))]
#[serde(tag = "type", rename_all = "snake_case")]
#[allow(clippy::large_enum_variant, reason = "made one at a time and serialized at once")]
pub enum Event {
    Status {
        status: StatusView,
    },
    Session {
        session: Option<SessionView>,
    },
    /// A new incident, or one more alert in a known one.
    AlertAdded {
        incident: Incident,
        alert: AlertView,
        counts: Counts,
    },
    /// A known alert learnt its anomaly id or picture, or was shown or acknowledged; its incident's id with it.
    AlertChanged {
        incident: String,
        alert: AlertView,
    },
    /// Handling, seen mark, camera name or cover changed.
    IncidentChanged {
        incident: Incident,
        counts: Counts,
    },
    /// The counters changed by what the page was told in an answer.
    Counted {
        counts: Counts,
    },
    /// Dismissed or cleared from view.
    IncidentsRemoved {
        ids: Vec<String>,
        counts: Counts,
    },
    /// More changed than is worth telling one by one: ask for the snapshot again.
    FeedChanged {
        counts: Counts,
    },
    Settings {
        settings: SettingsView,
    },
    Notices {
        notices: Vec<NoticeView>,
    },
    /// A test of the alert path began or ended.
    Drill {
        drill: DrillView,
    },
    /// Another program shows notifications, or none.
    Popups {
        popups: PopupsView,
    },
    /// Cameras that are not to interrupt for now.
    Snoozes {
        snoozes: Vec<SnoozeView>,
    },
    /// The shop opened or closed, or other hours were chosen.
    Hours {
        hours: Option<HoursView>,
    },
    /// The program is there; a page that hears nothing for long does not vouch for it.
    Beat,
    /// Show this incident: a notification was clicked.
    Open {
        incident: String,
    },
}

/// The tray as data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tray {
    pub status: Status,
    pub unseen: u32,
    /// "VisionGuard: Protected", "VisionGuard: Offline since 13:10, 2 not seen".
    pub tooltip: String,
    /// The menu's first line: the status in words.
    pub status_line: String,
    /// Signed in: the entries that need it are enabled.
    pub signed_in: bool,
    /// How many cameras are not to interrupt for now.
    pub snoozed: usize,
    /// Incidents nobody has decided on.
    pub unhandled: u32,
    /// Cameras that can be snoozed: those of the newest incidents.
    pub cameras: Vec<TrayCamera>,
}

/// A camera that can be snoozed from the tray.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TrayCamera {
    /// The id of its stream.
    pub id: String,
    pub name: String,
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use ts_rs::{Config, TS};

    use super::*;
    use crate::model::{Decision, Disposition, Handling, Severity, Source};

    const HEADER: &str = "\
// The shapes of what the page is told and asks for. Written from crates/client/src/view.rs by `cargo xtask types`;
// a test fails when the two differ. Do not edit.
";

    #[test]
    fn the_page_s_types_are_those_of_the_view() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ui/types.d.ts");
        let fresh = typescript();

        if std::env::var_os("VISIONGUARD_BLESS").is_some() {
            std::fs::write(&path, &fresh).expect("ui/types.d.ts can be written");
        }
        let stands = std::fs::read_to_string(&path).unwrap_or_default();

        assert!(stands == fresh, "ui/types.d.ts is not that of view.rs: run cargo xtask types");
    }

    fn typescript() -> String {
        let mut text = HEADER.to_owned();
        declare::<Snapshot>(&mut text);
        declare::<StatusView>(&mut text);
        declare::<Status>(&mut text);
        declare::<Remedy>(&mut text);
        declare::<SessionView>(&mut text);
        declare::<Keeping>(&mut text);
        declare::<Counts>(&mut text);
        declare::<Incident>(&mut text);
        declare::<Late>(&mut text);
        declare::<IncidentKind>(&mut text);
        declare::<Severity>(&mut text);
        declare::<Source>(&mut text);
        declare::<Handling>(&mut text);
        declare::<Decision>(&mut text);
        declare::<Disposition>(&mut text);
        declare::<AlertView>(&mut text);
        declare::<FrameView>(&mut text);
        declare::<IncidentDetail>(&mut text);
        declare::<NoteView>(&mut text);
        declare::<FeedFilter>(&mut text);
        declare::<BringBack>(&mut text);
        declare::<Cleared>(&mut text);
        declare::<FeedQuery>(&mut text);
        declare::<FeedPage>(&mut text);
        declare::<ShopView>(&mut text);
        declare::<CameraView>(&mut text);
        declare::<Who>(&mut text);
        declare::<Understood>(&mut text);
        declare::<FeedItem>(&mut text);
        declare::<Handover>(&mut text);
        declare::<ReportQuery>(&mut text);
        declare::<Report>(&mut text);
        declare::<Activity>(&mut text);
        declare::<Part>(&mut text);
        declare::<DayTally>(&mut text);
        declare::<Tally>(&mut text);
        declare::<Spread>(&mut text);
        declare::<Gap>(&mut text);
        declare::<Outage>(&mut text);
        declare::<LedgerEntry>(&mut text);
        declare::<NoticeView>(&mut text);
        declare::<PopupsView>(&mut text);
        declare::<SnoozeView>(&mut text);
        declare::<SnoozeLength>(&mut text);
        declare::<HoursView>(&mut text);
        declare::<DrillView>(&mut text);
        declare::<DrillResult>(&mut text);
        declare::<SettingsView>(&mut text);
        declare::<Theme>(&mut text);
        declare::<Problem>(&mut text);
        declare::<Event>(&mut text);
        text.lines().map(|line| format!("{}\n", line.trim_end())).collect()
    }

    fn declare<T: TS>(text: &mut String) {
        let config = Config::new();
        text.push('\n');
        text.push_str(&T::docs().unwrap_or_default());
        text.push_str("export ");
        text.push_str(&T::decl(&config));
        text.push('\n');
    }
}
