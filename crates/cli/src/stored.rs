//! The alerts of this computer, wherever they are: on the disk, or with the running program alone.

use visionguard_client::installation;
use visionguard_client::journal::{Journal, JournalError};
use visionguard_client::local::{self, AskError};
use visionguard_client::view::Standing;
use visionguard_client::words::text;

use crate::exit::{Exit, Failure};
use crate::place::Place;

/// What can be read, and what is known not to be in it.
#[derive(Debug)]
pub struct Stored {
    /// The journal to read; none where nothing was ever stored.
    pub journal: Option<Journal>,
    /// What the running program says of itself.
    pub standing: Option<Standing>,
    /// Which alerts are elsewhere, as a sentence; none where all are here.
    pub missing: Option<String>,
}

/// Finds them. A program that keeps them in memory is asked for them, whatever the disk has.
pub async fn open(place: &Place) -> Result<Stored, Failure> {
    let asked = local::standing(&place.data_dir).await;
    if let Ok(standing) = &asked
        && standing.in_memory
        && let Some(stored) = in_memory(place, standing).await?
    {
        return Ok(stored);
    }
    let missing = not_stored(&asked);
    let journal = match Journal::open_read_only(&place.data_dir) {
        Ok(journal) => Some(journal),
        Err(JournalError::Missing(_)) => of_program(place).await?,
        Err(JournalError::Unshared) => {
            Some(of_program(place).await?.ok_or(Failure::from(JournalError::Unshared))?)
        }
        Err(error) => return Err(error.into()),
    };
    Ok(Stored { journal, standing: asked.ok(), missing })
}

/// When the newest alert was received; none where that cannot be read.
pub async fn newest_at(place: &Place, standing: Option<&Standing>) -> Option<i64> {
    let journal = match standing {
        Some(standing) if standing.in_memory => of_program(place).await.ok()?,
        Some(_) | None => Journal::open_read_only(&place.data_dir).ok(),
    };
    newest(&journal?).await
}

/// What a program has that keeps its alerts in memory; none where it does so no more.
async fn in_memory(place: &Place, standing: &Standing) -> Result<Option<Stored>, Failure> {
    let stored = |journal, missing| {
        Ok(Some(Stored { journal: Some(journal), standing: Some(standing.clone()), missing }))
    };
    let path = place.data_dir.display().to_string();
    let file = Journal::open_read_only(&place.data_dir).ok();
    match (of_program(place).await, file) {
        (Ok(Some(copy)), file) => {
            if copy.knows_its_file().await? {
                return stored(copy, None);
            }
            if local::standing(&place.data_dir).await.is_ok_and(|standing| !standing.in_memory) {
                return Ok(None);
            }
            let earlier = match &file {
                Some(file) => newest(file).await,
                None => None,
            };
            stored(copy, earlier.map(|_| text("problem.earlier_on_disk", &[("path", &path)])))
        }
        // It ended meanwhile.
        (Ok(None), _) => Ok(None),
        (Err(_), Some(file)) => stored(file, Some(text("problem.newest_in_memory", &[("path", &path)]))),
        (Err(failure), None) => Err(failure),
    }
}

/// Alerts that the running program could not store, or may not have been able to.
fn not_stored(asked: &Result<Standing, AskError>) -> Option<String> {
    match asked {
        Ok(standing) => {
            let unwritable = standing.notices.iter().find(|notice| notice.code == "journal_unwritable");
            unwritable.map(|notice| notice.sentence.clone())
        }
        Err(AskError::Nobody(_)) => None,
        Err(AskError::Silent(_) | AskError::Refused(_)) => Some(text("problem.newest_untold", &[])),
    }
}

/// A copy of what the running program has; none if none runs.
async fn of_program(place: &Place) -> Result<Option<Journal>, Failure> {
    let folder = installation::private_folder().map_err(|error| unreadable(&error.to_string()))?;
    let copied = local::copy_journal(&place.data_dir, &folder).await;
    let opened = match &copied {
        Ok(()) => Journal::open_read_only(&folder).map(Some),
        Err(_) => Ok(None),
    };
    // What is open needs no name, and nobody is to find it later.
    let _ = std::fs::remove_dir_all(&folder);
    match copied {
        Ok(()) | Err(AskError::Nobody(_)) => opened.map_err(|error| unreadable(&error.to_string())),
        Err(error @ (AskError::Silent(_) | AskError::Refused(_))) => Err(unreadable(&error.to_string())),
    }
}

async fn newest(journal: &Journal) -> Option<i64> {
    let alerts = journal.alerts(1).await.ok()?;
    alerts.first().map(|entry| entry.alert.received_at.as_millisecond())
}

fn unreadable(why: &str) -> Failure {
    Failure::new(Exit::Failed, text("problem.only_in_memory", &[("why", why.trim_end_matches('.'))]))
}
