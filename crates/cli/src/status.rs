//! `status`: whether alerts reach this computer, from evidence that any program can see.
//!
//! The running program is not asked. It is looked whether there is one, whether the server lists a connection of the
//! user, and whether the newest row of its record is stored here.

use std::path::Path;

use jiff::tz::TimeZone;
use serde::Serialize;
use visionguard_client::account::Restored;
use visionguard_client::api::{Api, ApiError, Registration};
use visionguard_client::clock::{Clock, SystemClock};
use visionguard_client::journal::Journal;
use visionguard_client::lock::{self, Owner};
use visionguard_client::session_file::{self, SavedSession};
use visionguard_client::view::{Counts, Keeping, Status};
use visionguard_client::words;

use crate::args;
use crate::exit::{Exit, Failure};
use crate::lines;
use crate::out;
use crate::place::Place;

/// What was found.
#[derive(Debug, Serialize)]
struct Report {
    /// None where it cannot be told: the keychain does not answer.
    status: Option<Status>,
    reason: &'static str,
    sentence: String,
    server: Option<String>,
    email: Option<String>,
    /// Who runs.
    program: Option<Owner>,
    counts: Option<Counts>,
    /// When the newest alert was received.
    newest_at: Option<i64>,
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
    let program = lock::holder(&place.data_dir);
    let journal = Journal::open_read_only(&place.data_dir).ok();
    let (status, reason, sentence) =
        verdict(place, saved.as_ref(), program.as_ref(), journal.as_ref()).await?;
    let (counts, newest_at) = match &journal {
        Some(journal) => (Some(journal.counts(midnight()).await?), newest(journal).await?),
        None => (None, None),
    };
    Ok(Report {
        status,
        reason,
        sentence,
        server: saved.as_ref().map(|saved| saved.server.clone()),
        email: saved.map(|saved| saved.email),
        program,
        counts,
        newest_at,
        data_dir: shown(&place.data_dir),
    })
}

type Verdict = (Option<Status>, &'static str, String);

async fn verdict(
    place: &Place,
    saved: Option<&SavedSession>,
    program: Option<&Owner>,
    journal: Option<&Journal>,
) -> Result<Verdict, Failure> {
    if program.is_none() && saved.is_some() {
        return Ok((Some(Status::Offline), "not_running", words::text("status.not_running", &[])));
    }
    let keychain = place.keychain();
    if keychain.keeping() == Keeping::Memory && saved.is_some() {
        return Ok((None, "keychain_memory", words::text("status.keychain_memory", &[])));
    }
    let (account, restored) = place.account(keychain).await?;
    let known = |status, reason, key: &str| (Some(status), reason, words::text(key, &[]));
    Ok(match restored {
        Restored::Nobody => known(Status::SignedOut, "never", "status.never"),
        Restored::TokenGone(_) => known(Status::SignedOut, "token_missing", "status.token_missing"),
        Restored::Unreadable(..) => (None, "keychain_absent", words::text("status.keychain_absent", &[])),
        Restored::SignedIn(_) => match (account.api(), saved) {
            (Some(api), Some(saved)) => evidence(&api, saved, journal).await,
            (Some(_), None) | (None, _) => known(Status::SignedOut, "never", "status.never"),
        },
    })
}

async fn evidence(api: &Api, saved: &SavedSession, journal: Option<&Journal>) -> Verdict {
    let registration = api.registration(&saved.user_id).await;
    if registration == Registration::NotRegistered {
        return (Some(Status::Deaf), "slot_lost", words::text("status.not_listed", &[]));
    }
    match newest_is_here(api, journal).await {
        Ok(true) if registration == Registration::Unknown => {
            (Some(Status::CatchingUp), "registration_untold", words::text("status.registration_untold", &[]))
        }
        Ok(true) => (Some(Status::Protected), "protected", words::text("status.protected", &[])),
        Ok(false) => (Some(Status::CatchingUp), "catching_up", words::text("status.catching_up", &[])),
        Err(error) if error.is_unauthorized() => {
            (Some(Status::SignedOut), "token_expired", words::text("status.token_expired", &[]))
        }
        Err(error) => (Some(Status::Offline), error.code(), error.problem().sentence),
    }
}

/// Whether the newest row of each shop's record is in the journal.
async fn newest_is_here(api: &Api, journal: Option<&Journal>) -> Result<bool, ApiError> {
    for shop in api.shops().await? {
        let page = api.anomalies(&shop.id, 1, 0).await?;
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
        let mut rows = vec![format!("{word}. {}", self.sentence), String::new()];
        let mut row = |name: &str, value: String| rows.push(format!("{name:<14}{value}"));
        row("Server", self.server.clone().unwrap_or_else(|| "none".to_owned()));
        row("Signed in", self.email.clone().unwrap_or_else(|| "nobody".to_owned()));
        row(
            "Running",
            match &self.program {
                Some(owner) => format!("{} (process {})", owner.program, owner.pid),
                None => "no".to_owned(),
            },
        );
        if let Some(counts) = self.counts {
            row("Incidents", format!("{} today, {} without a decision", counts.today, counts.unhandled));
        }
        if let Some(at) = self.newest_at {
            row("Newest alert", lines::date_and_clock(at, &zone));
        }
        row("Data", self.data_dir.clone());
        rows
    }
}

async fn newest(journal: &Journal) -> Result<Option<i64>, Failure> {
    Ok(journal.alerts(1).await?.first().map(|entry| entry.alert.received_at.as_millisecond()))
}

fn midnight() -> jiff::Timestamp {
    let now = SystemClock.wall().to_zoned_datetime(TimeZone::system());
    now.start_of_day().map_or_else(|_| now.timestamp(), |midnight| midnight.timestamp())
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}
