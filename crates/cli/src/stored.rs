//! The alerts of this computer, wherever they are: on the disk, or with the running program alone.

use visionguard_client::installation;
use visionguard_client::journal::{Journal, JournalError};
use visionguard_client::local::{self, AskError};
use visionguard_client::words::text;

use crate::exit::{Exit, Failure};
use crate::out;
use crate::place::Place;

/// The journal to read; none where nothing was ever stored.
pub async fn open(place: &Place) -> Result<Option<Journal>, Failure> {
    match Journal::open_read_only(&place.data_dir) {
        Ok(journal) => {
            // Where the disk takes writes, what is stored is all there is.
            if place.found.trouble.is_some() {
                say_what_is_missing(place).await;
            }
            Ok(Some(journal))
        }
        Err(JournalError::Missing(_)) => of_program(place).await,
        Err(JournalError::Unshared) => match of_program(place).await? {
            Some(journal) => Ok(Some(journal)),
            None => Err(JournalError::Unshared.into()),
        },
        Err(error) => Err(error.into()),
    }
}

/// The running program may have alerts that it could not store.
async fn say_what_is_missing(place: &Place) {
    let Ok(standing) = local::standing(&place.data_dir).await else { return };
    if standing.in_memory {
        let path = place.data_dir.display().to_string();
        return out::complain(&text("problem.newest_in_memory", &[("path", &path)]));
    }
    out::complain_of("journal_unwritable", &standing.notices);
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

fn unreadable(why: &str) -> Failure {
    Failure::new(Exit::Failed, text("problem.only_in_memory", &[("why", why.trim_end_matches('.'))]))
}
