//! `evidence`: saves incidents for others to verify, also while another program owns the journal.

use jiff::tz::TimeZone;
use visionguard_client::clock::{Clock, SystemClock};
use visionguard_client::evidence::{self, KeyError, SaveError, Wanted};
use visionguard_client::model::IncidentId;
use visionguard_client::session_file;
use visionguard_client::view::Keeping;
use visionguard_client::words::text;

use crate::args::Evidence;
use crate::exit::{Exit, Failure};
use crate::out;
use crate::place::Place;
use crate::stored;

/// Saves them, or shows the key with which others compare.
pub async fn run(options: &Evidence) -> Result<Exit, Failure> {
    let place = Place::find()?;
    let keychain = place.keychain();
    let signer = evidence::signer(keychain.as_ref(), &place.data_dir).await.map_err(no_key)?;
    let key = signer.public_key();
    if keychain.keeping() == Keeping::Memory {
        out::complain("no keychain keeps the key: the next evidence is signed with another one.");
    }
    let Some(path) = &options.out else {
        return out::ended(out::line(&format!("{key} (id {})", key.id())));
    };
    let incidents: Result<Vec<IncidentId>, Failure> =
        options.incidents.iter().map(|number| number.parse().map_err(|_| no_such(number))).collect();
    let wanted = Wanted {
        incidents: incidents?,
        reference: options.reference.clone(),
        made_at: SystemClock.wall(),
        zone: TimeZone::system(),
        session: session_file::load(&place.data_dir),
        camera_names: place.settings.view.camera_names.clone(),
    };
    let Some(journal) = stored::open(&place).await?.journal else {
        return Err(options.incidents.first().map_or_else(|| no_such(""), |number| no_such(number)));
    };
    let written = evidence::save(&journal, &wanted, signer, path).await.map_err(unsaved)?;
    let pictures = match written.pictures {
        1 => "1 picture".to_owned(),
        many => format!("{many} pictures"),
    };
    let lines =
        [format!("Saved in {}, with {pictures}.", path.display()), format!("Key: {key} (id {})", key.id())];
    out::ended(lines.iter().try_for_each(|line| out::line(line)))
}

fn no_such(number: &str) -> Failure {
    Failure::new(Exit::Wrong, text("problem.no_such_alert", &[("number", number)]))
}

fn no_key(error: KeyError) -> Failure {
    Failure::new(Exit::Failed, format!("The key that signs evidence cannot be had: {error}."))
}

fn unsaved(error: SaveError) -> Failure {
    match error {
        SaveError::Unknown(incident) => no_such(&incident.to_string()),
        SaveError::File(error) => error.into(),
        SaveError::Journal(error) => error.into(),
        SaveError::Write(_) => Failure::of(&error),
    }
}
