//! The incidents of a time as a table that a person saves from the page, into their downloads.

use std::error::Error;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use visionguard_client::controller::Client;
use visionguard_client::installation;
use visionguard_client::saving::{self, NewFileError};
use visionguard_client::spreadsheet::{self, TableError};
use visionguard_client::view::{Problem, ReportQuery};
use visionguard_client::words::text;

/// Saves it; says where.
pub(crate) async fn save(client: &Client, query: ReportQuery) -> Result<String, Problem> {
    let zone = TimeZone::system();
    let name = format!("visionguard-incidents-{}-{}", day(query.from, &zone), day(query.to - 1, &zone));
    // A disk may not answer.
    let found =
        tokio::task::spawn_blocking(move || Some(saving::free(&installation::downloads()?, &name, "csv")));
    let path = found.await.ok().flatten().ok_or_else(|| problem(text("table.no_downloads", &[])))?;
    let names = client.snapshot().await.settings.camera_names;
    let saved = spreadsheet::save(client.journal(), query, &names, &zone, &path).await;
    let incidents = saved.map_err(|error| unsaved(&error))?;
    Ok(spreadsheet::saved(incidents, &path))
}

/// The day of a moment, as the file is named after it.
fn day(at: i64, zone: &TimeZone) -> String {
    let at = Timestamp::from_millisecond(at).unwrap_or_default();
    at.to_zoned_datetime(zone.clone()).date().to_string()
}

fn unsaved(error: &TableError) -> Problem {
    tracing::error!(%error, cause = error.source().map(tracing::field::display), "the table is not saved");
    match error {
        TableError::Journal(_) => Problem {
            code: "journal_unreadable".to_owned(),
            sentence: text("problem.not_read", &[]),
            field: None,
        },
        TableError::File(NewFileError::Unwritable { path, error }) => {
            let why = format!("{}: {error}", path.display());
            problem(text("table.unwritable", &[("why", &why)]))
        }
        TableError::File(NewFileError::Exists(_)) => {
            problem(text("table.unwritable", &[("why", &error.to_string())]))
        }
    }
}

fn problem(sentence: String) -> Problem {
    Problem { code: "table_unwritable".to_owned(), sentence, field: None }
}
