//! What this computer keeps: the data directory and the way its disk takes the journal, the settings, the certificates.

use super::{Check, Finding};
use crate::installation::{self, DataDir};
use crate::journal::{Journal, JournalError, Mode};
use crate::settings::Complaint;
use crate::tls::Trust;
use crate::words::text;

pub(super) async fn data(found: &DataDir) -> Finding {
    let path = found.path.display().to_string();
    let values = [("path", &*path)];
    let unwritable = |why: &str| {
        Finding::bad(
            Check::Data,
            text("doctor.data_unwritable", &[("path", &path), ("why", why)]),
            text("doctor.data_unwritable_advice", &[]),
        )
    };
    if let Some(trouble) = &found.trouble {
        return unwritable(&trouble.to_string());
    }
    let dir = found.path.clone();
    match tokio::task::spawn_blocking(move || installation::try_room(&dir)).await {
        Ok(Err(error)) if installation::is_full(&error) => {
            return Finding::bad(
                Check::Data,
                text("doctor.data_full", &values),
                text("doctor.data_full_advice", &[]),
            );
        }
        Ok(Err(error)) => return unwritable(&error.to_string()),
        Ok(Ok(())) | Err(_) => {}
    }
    match mode(found).await {
        Ok(Mode::Ahead) | Err(JournalError::Missing(_)) => {
            Finding::good(Check::Data, text("doctor.data_good", &values))
        }
        Ok(Mode::Rollback) => Finding::good(Check::Data, text("doctor.data_rollback", &values)),
        Ok(Mode::Alone) | Err(JournalError::Unshared) => Finding::warning(
            Check::Data,
            text("doctor.data_alone", &values),
            text("doctor.data_alone_advice", &[]),
        ),
        Err(error) => Finding::bad(
            Check::Data,
            text("doctor.data_unreadable", &[("path", &path), ("why", &error.to_string())]),
            text("doctor.data_unwritable_advice", &[]),
        ),
    }
}

async fn mode(found: &DataDir) -> Result<Mode, JournalError> {
    let journal = Journal::open_read_only(&found.path)?;
    let mode = journal.mode().await?;
    journal.close().await;
    Ok(mode.unwrap_or(Mode::Ahead))
}

/// None where nothing is wrong with them.
pub(super) fn settings(complaints: &[Complaint]) -> Option<Finding> {
    let first = complaints.first()?;
    let values = [("n", &*complaints.len().to_string()), ("first", &*first.to_string())];
    let found = match complaints.len() {
        1 => text("doctor.settings_bad_one", &values),
        _ => text("doctor.settings_bad", &values),
    };
    let mut advice = Vec::new();
    if complaints.iter().any(|complaint| complaint.variable().is_none()) {
        advice.push(text("doctor.settings_bad_advice", &[]));
    }
    let variables: Vec<&str> = complaints.iter().filter_map(Complaint::variable).collect();
    if !variables.is_empty() {
        // The file, and the page, which writes it, stand behind a variable.
        advice.push(text("doctor.settings_variable_advice", &[("variables", &variables.join(", "))]));
    }
    Some(Finding::warning(Check::Settings, found, advice.join(" ")))
}

/// None where no file was chosen.
pub(super) fn certificates(trust: &Trust) -> Option<Finding> {
    let (path, found) = trust.file()?;
    Some(match trust.trouble() {
        None => {
            let values = [("n", &*found.usable.to_string()), ("path", &*path.display().to_string())];
            Finding::good(Check::Certificates, text("doctor.ca_good", &values))
        }
        Some(trouble) if found.usable > 0 => {
            Finding::warning(Check::Certificates, trouble, text("doctor.ca_advice", &[]))
        }
        Some(trouble) => Finding::bad(Check::Certificates, trouble, text("doctor.ca_advice", &[])),
    })
}
