//! `note`: what somebody writes about an incident, whatever was decided, also while the desktop program runs.

use std::path::Path;
use std::time::Duration;

use tokio::sync::mpsc;
use visionguard_client::clock::{Clock, SystemClock};
use visionguard_client::controller::{Client, StartError};
use visionguard_client::journal::{Journal, Noted};
use visionguard_client::local::{self, AskError};
use visionguard_client::lock::LockError;
use visionguard_client::model::IncidentId;
use visionguard_client::words::text;

use crate::args::Note;
use crate::decide::{Listener, failure, no_such};
use crate::exit::{Exit, Failure};
use crate::out;
use crate::sign_in::SignIn;

/// How long to wait until the server has it; it is kept all the same.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Keeps the note, and waits until the server has it.
pub async fn run(options: &Note) -> Result<Exit, Failure> {
    if options.text.trim().is_empty() {
        return Err(Failure::new(Exit::Usage, text("problem.empty_note", &[])));
    }
    let (place, sign_in) = SignIn::prepare(&options.credentials)?;
    if local::standing(&place.data_dir).await.is_ok() {
        return told(beside(&place.data_dir, options).await?);
    }
    let _log = place.log();
    let (tell, mut ended) = mpsc::unbounded_channel();
    let client = match Client::start_with(place.parts("visionguard")?, place.remarks(), Listener { tell }) {
        Err(StartError::Lock(LockError::Held(_))) => return told(beside(&place.data_dir, options).await?),
        started => started?,
    };
    let signed_in = match sign_in {
        Some(sign_in) => sign_in.run(&client).await.map(|_| ()),
        None => Ok(()),
    };
    let is_there = match client.note(&options.incident, Some(options.text.clone()), None).await {
        Ok(()) => Ok(signed_in.is_ok() && is_there(client.journal(), &options.incident).await?),
        Err(problem) => Err(problem),
    };
    client.quit();
    ended.recv().await;
    let is_there = is_there.map_err(|problem| failure(problem, &options.incident))?;
    signed_in?;
    told(is_there)
}

/// Has the running program keep it; where that cannot be asked, the note is written down beside it.
async fn beside(data_dir: &Path, options: &Note) -> Result<bool, Failure> {
    match local::note(data_dir, &options.incident, Some(&options.text), None).await {
        Ok(()) => {}
        Err(AskError::Refused(problem)) if problem.code != local::UNKNOWN_QUESTION => {
            return Err(failure(problem, &options.incident));
        }
        Err(AskError::Refused(_) | AskError::Nobody(_) | AskError::Silent(_)) => {
            let journal = Journal::open_beside(data_dir)?;
            let Ok(incident) = options.incident.parse::<IncidentId>() else {
                return Err(no_such(&options.incident));
            };
            let note = Some(options.text.trim().to_owned());
            match journal.note(incident, note, None, SystemClock.wall()).await? {
                Noted::Kept(_) => {}
                Noted::Unknown | Noted::Unfit => return Err(no_such(&options.incident)),
            }
        }
    }
    is_there(&Journal::open_read_only(data_dir)?, &options.incident).await
}

/// Whether the server has all that was written about this incident, within a time.
async fn is_there(journal: &Journal, incident: &str) -> Result<bool, Failure> {
    let Ok(incident) = incident.parse::<IncidentId>() else { return Ok(false) };
    let give_up_at = tokio::time::Instant::now() + PATIENCE;
    loop {
        let detail = journal.incident_detail(incident, &std::collections::BTreeMap::new()).await?;
        if detail.is_none_or(|detail| !detail.note_waits) {
            return Ok(true);
        }
        if tokio::time::Instant::now() >= give_up_at {
            return Ok(false);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn told(is_there: bool) -> Result<Exit, Failure> {
    if is_there {
        return out::ended(out::line(&text("problem.done_noted", &[])));
    }
    Err(Failure::new(Exit::Unreachable, text("problem.note_waits", &[])))
}
