//! `status`: whether alerts reach this computer.
//!
//! The running program is asked, and its word is said. One that does not answer is judged by evidence that any program can
//! see: whether the server lists a connection of the user, no older than that program, and whether the newest row of its
//! record is stored here. That can show that something is wrong, and never that all is well.

use std::path::Path;
use std::time::Duration;

use jiff::tz::TimeZone;
use serde::Serialize;
use visionguard_client::account::Restored;
use visionguard_client::api::{Api, ApiError, Registration};
use visionguard_client::clock::{Clock, SystemClock};
use visionguard_client::journal::Journal;
use visionguard_client::local;
use visionguard_client::lock::{self, Owner};
use visionguard_client::session_file::{self, SavedSession};
use visionguard_client::view::{Counts, Keeping, NoticeView, SnoozeView, Standing, Status};
use visionguard_client::words;

use crate::args;
use crate::exit::{Exit, Failure};
use crate::lines;
use crate::out;
use crate::place::Place;
use crate::{snooze, stored};

/// By how much two clocks may differ before one is called older.
const SLACK: Duration = Duration::from_secs(5);

/// What was found.
#[derive(Debug, Serialize)]
struct Report {
    /// None where it cannot be told: the keychain does not answer.
    status: Option<Status>,
    reason: String,
    sentence: String,
    /// When this status began; none where the running program did not tell.
    since: Option<i64>,
    /// When the running program next tries to connect.
    next_attempt_at: Option<i64>,
    server: Option<String>,
    email: Option<String>,
    #[serde(skip)]
    is_running: bool,
    /// Who runs; none where nobody does, or where the disk does not take its name.
    program: Option<Owner>,
    counts: Option<Counts>,
    /// When the newest alert was received.
    newest_at: Option<i64>,
    /// What stands beside the status, such as a full disk, by the running program's word.
    notices: Vec<NoticeView>,
    /// Cameras that are not to interrupt for now, by the running program's word.
    snoozes: Vec<SnoozeView>,
    data_dir: String,
}

/// Says whether alerts reach this computer.
pub async fn run(options: &args::Status) -> Result<Exit, Failure> {
    let place = Place::find()?;
    let report = examine(&place).await?;
    let exit = match report.status {
        Some(Status::Protected | Status::CatchingUp) => Exit::Done,
        Some(Status::Deaf) => Exit::Wrong,
        Some(Status::Offline) => Exit::Unreachable,
        Some(Status::SignedOut) => Exit::SignedOut,
        None => Exit::Failed,
    };
    let written = if options.json {
        out::json(&report)
    } else {
        report.words().iter().try_for_each(|line| out::line(line))
    };
    out::ended(written).map(|_| exit)
}

async fn examine(place: &Place) -> Result<Report, Failure> {
    let saved = session_file::load(&place.data_dir);
    let (is_running, program) = (lock::is_held(&place.data_dir), lock::holder(&place.data_dir));
    let journal = Journal::open_read_only(&place.data_dir).ok();
    let asked = local::standing(&place.data_dir).await.ok();
    let newest_at = stored::newest_at(place, asked.as_ref()).await;
    let data_dir = shown(&place.data_dir);
    if let Some(standing) = asked {
        let Standing { status, server, email, counts, notices, snoozes, .. } = standing;
        return Ok(Report {
            status: Some(status.status),
            reason: status.reason,
            sentence: status.sentence,
            since: Some(status.since),
            next_attempt_at: status.next_attempt_at,
            server,
            email,
            is_running: true,
            program: standing.program.or(program),
            counts: Some(counts),
            newest_at,
            notices,
            snoozes,
            data_dir,
        });
    }
    let (status, reason, sentence) =
        verdict(place, saved.as_ref(), is_running.then_some(program.as_ref()), journal.as_ref()).await?;
    let counts = match &journal {
        Some(journal) => Some(journal.counts(midnight()).await?),
        None => None,
    };
    Ok(Report {
        status,
        reason: reason.to_owned(),
        sentence,
        since: None,
        next_attempt_at: None,
        server: saved.as_ref().map(|saved| saved.server.clone()),
        email: saved.map(|saved| saved.email),
        is_running,
        program,
        counts,
        newest_at,
        notices: Vec::new(),
        snoozes: Vec::new(),
        data_dir,
    })
}

type Verdict = (Option<Status>, &'static str, String);

async fn verdict(
    place: &Place,
    saved: Option<&SavedSession>,
    program: Option<Option<&Owner>>,
    journal: Option<&Journal>,
) -> Result<Verdict, Failure> {
    let Some(program) = program else {
        return Ok(match saved {
            Some(_) => (Some(Status::Offline), "not_running", words::text("status.not_running", &[])),
            None => (Some(Status::SignedOut), "never", words::text("status.never", &[])),
        });
    };
    let keychain = place.keychain();
    if keychain.keeping() == Keeping::Memory {
        return Ok(untold());
    }
    let (account, restored) = place.account(keychain).await?;
    let known = |status, reason, key: &str| (Some(status), reason, words::text(key, &[]));
    Ok(match restored {
        Restored::Nobody | Restored::Unreadable(..) | Restored::Unknown(_) => untold(),
        Restored::TokenGone(_) => known(Status::SignedOut, "token_missing", "status.token_missing"),
        Restored::SignedIn(_) => match (account.api(), saved) {
            (Some(api), Some(saved)) => evidence(&api, saved, program, journal).await,
            (Some(_), None) | (None, _) => untold(),
        },
    })
}

/// A program runs and does not answer; whether it receives anything is not known.
fn untold() -> Verdict {
    (None, "not_answering", words::text("status.not_answering", &[]))
}

/// What is wrong, if anything is; that nothing is seen to be wrong is no proof.
async fn evidence(
    api: &Api,
    saved: &SavedSession,
    program: Option<&Owner>,
    journal: Option<&Journal>,
) -> Verdict {
    match api.registration(&saved.user_id).await {
        Registration::NotRegistered => {
            return (Some(Status::Deaf), "slot_lost", words::text("status.not_listed", &[]));
        }
        Registration::Registered { uptime, .. }
            if program.is_some_and(|program| is_older(uptime, program)) =>
        {
            return (Some(Status::Deaf), "slot_taken", words::text("status.slot_taken", &[]));
        }
        Registration::Registered { .. } | Registration::Unknown => {}
    }
    match newest_is_here(api, journal).await {
        Ok(true) => untold(),
        Ok(false) => (Some(Status::CatchingUp), "catching_up", words::text("status.catching_up", &[])),
        Err(error) if error.is_unauthorized() => {
            (Some(Status::SignedOut), "token_expired", words::text("status.token_expired", &[]))
        }
        Err(error) => (Some(Status::Offline), error.code(), error.problem().sentence),
    }
}

/// Whether a connection that is this old cannot be the program's.
fn is_older(uptime: Duration, program: &Owner) -> bool {
    let runs = Duration::try_from(SystemClock.wall().duration_since(program.since)).unwrap_or_default();
    uptime > runs + SLACK
}

/// Whether the newest row of each shop's record is in the journal.
async fn newest_is_here(api: &Api, journal: Option<&Journal>) -> Result<bool, ApiError> {
    for shop in api.shops().await? {
        let page = api.anomalies(&shop.id, None, 1, 0).await?;
        let newest: Vec<_> = page.rows.into_iter().filter_map(|row| row.alert.anomaly_id).collect();
        let wanted = newest.len();
        let here = match journal {
            Some(journal) => journal.known(newest).await.map(|known| known.len()).unwrap_or(0),
            None => 0,
        };
        if here < wanted {
            return Ok(false);
        }
    }
    Ok(true)
}

impl Report {
    fn words(&self) -> Vec<String> {
        let zone = TimeZone::system();
        let word = self.status.map_or("Unknown", lines::status_word);
        let mut rows = vec![format!("{word}. {}", self.sentence)];
        rows.extend(self.notices.iter().map(|notice| notice.sentence.clone()));
        rows.push(String::new());
        let mut row = |name: &str, value: String| rows.push(format!("{name:<14}{value}"));
        row("Server", self.server.clone().unwrap_or_else(|| "none".to_owned()));
        row("Signed in", self.email.clone().unwrap_or_else(|| "nobody".to_owned()));
        row(
            "Running",
            match &self.program {
                Some(owner) => format!("{} (process {})", owner.program, owner.pid),
                None if self.is_running => "yes".to_owned(),
                None => "no".to_owned(),
            },
        );
        if let Some(counts) = self.counts {
            row("Incidents", format!("{} today, {} without a decision", counts.today, counts.unhandled));
        }
        if let Some(at) = self.newest_at {
            row("Newest alert", lines::date_and_clock(at, &zone));
        }
        for snooze in &self.snoozes {
            row("Snoozed", snooze::told(snooze, &zone));
        }
        row("Data", self.data_dir.clone());
        rows
    }
}

fn midnight() -> jiff::Timestamp {
    let now = SystemClock.wall().to_zoned_datetime(TimeZone::system());
    now.start_of_day().map_or_else(|_| now.timestamp(), |midnight| midnight.timestamp())
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}
