//! Evidence that a person saves from the page: into their downloads, for the page cannot ask where.

use std::error::Error;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use visionguard_client::clock::{Clock, SystemClock};
use visionguard_client::controller::Client;
use visionguard_client::evidence::{self, KeyError, SaveError, Wanted};
use visionguard_client::installation;
use visionguard_client::keychain::Keychain;
use visionguard_client::model::IncidentId;
use visionguard_client::saving;
use visionguard_client::session_file::{self, SavedSession};
use visionguard_client::view::{Keeping, Problem};
use visionguard_client::words::text;

/// Saves an incident; says where.
pub(crate) async fn save(
    client: &Client,
    keychain: &dyn Keychain,
    data_dir: &Path,
    incident: &str,
) -> Result<String, Problem> {
    let incident: IncidentId = incident.parse().map_err(|_| unknown())?;
    let (made_at, zone) = (SystemClock.wall(), TimeZone::system());
    let signer = evidence::signer(keychain, data_dir).await.map_err(|error| no_key(&error))?;
    let found = {
        let (data_dir, zone) = (data_dir.to_owned(), zone.clone());
        // A disk may not answer.
        tokio::task::spawn_blocking(move || place(&data_dir, incident, made_at, zone)).await
    };
    let no_place = || problem("evidence_unwritable", text("problem.no_downloads", &[]));
    let (path, session) = found.ok().flatten().ok_or_else(no_place)?;
    let wanted = Wanted {
        incidents: vec![incident],
        reference: None,
        made_at,
        zone,
        session,
        camera_names: client.snapshot().await.settings.camera_names,
    };
    evidence::save(client.journal(), &wanted, signer, &path).await.map_err(|error| unsaved(&error))?;
    let saved = text("evidence.saved", &[("path", &path.display().to_string())]);
    Ok(match keychain.keeping() {
        Keeping::Keychain => saved,
        Keeping::Memory => format!("{saved} {}", text("evidence.key_in_memory", &[])),
    })
}

/// Where it is to be, and who is signed in.
fn place(
    data_dir: &Path,
    incident: IncidentId,
    made_at: Timestamp,
    zone: TimeZone,
) -> Option<(PathBuf, Option<SavedSession>)> {
    let moment = made_at.to_zoned_datetime(zone).strftime("%Y-%m-%d-%H%M%S");
    let name = format!("visionguard-evidence-{moment}-{incident}");
    Some((saving::free(&installation::downloads()?, &name, "zip"), session_file::load(data_dir)))
}

fn unsaved(error: &SaveError) -> Problem {
    tracing::error!(%error, cause = error.source().map(tracing::field::display), "evidence is not saved");
    match error {
        SaveError::Unknown(_) => unknown(),
        SaveError::Journal(_) => problem("journal_unreadable", text("problem.not_read", &[])),
        SaveError::File(_) | SaveError::Write(_) => {
            let why = match error.source() {
                Some(cause) => format!("{error}: {cause}"),
                None => error.to_string(),
            };
            problem("evidence_unwritable", text("problem.evidence_unwritable", &[("why", &why)]))
        }
    }
}

fn no_key(error: &KeyError) -> Problem {
    tracing::error!(%error, "the key that signs evidence cannot be had");
    problem("no_evidence_key", text("problem.no_evidence_key", &[("why", &error.to_string())]))
}

fn unknown() -> Problem {
    problem("unknown_incident", text("problem.unknown_incident", &[]))
}

fn problem(code: &str, sentence: String) -> Problem {
    Problem { code: code.to_owned(), sentence, field: None }
}
