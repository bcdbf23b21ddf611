//! Evidence: what the journal knows of incidents in a zip that anybody can verify, and verifying one. `crates/evidence`
//! knows the zip; this module knows where its facts and its key come from.
//!
//! It reads the journal and changes nothing there, so that it works beside the program that owns it.

mod case;
mod key;

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::Path;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::runtime::Handle;
pub use visionguard_evidence::{PublicKey, Report, Signature, State, VerifyError, Written};

pub use self::key::{KeyError, signer};
use crate::journal::{Journal, JournalError};
use crate::model::{AlertId, IncidentId};
use crate::saving::{self, NewFileError};
use crate::session_file::SavedSession;

pub use visionguard_evidence::Signer;

/// Verifies a zip, with the key that the shop's computer shows, where it was given; blocks for as long as reading it takes.
///
/// # Errors
///
/// [`VerifyError`] where the file cannot be read, or is no zip that can be judged.
pub fn verify(path: &Path, expected: Option<&PublicKey>) -> Result<Report, VerifyError> {
    let file = File::open(path).map_err(VerifyError::Read)?;
    visionguard_evidence::verify(file, expected)
}

/// What is to be saved, and who asks for it.
#[derive(Debug, Clone)]
pub struct Wanted {
    pub incidents: Vec<IncidentId>,
    /// What the person wants it to be found by, such as the number of a report to the police.
    pub reference: Option<String>,
    pub made_at: Timestamp,
    /// The zone of the shop's clock.
    pub zone: TimeZone,
    /// Who is, or was last, signed in here.
    pub session: Option<SavedSession>,
    /// The names that the person gave to cameras: stream id to name.
    pub camera_names: BTreeMap<String, String>,
}

/// Why nothing was saved; no file is left behind.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// The number of one that is not in the journal.
    #[error("there is no incident {0}")]
    Unknown(IncidentId),
    #[error(transparent)]
    File(#[from] NewFileError),
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error("cannot save the evidence")]
    Write(#[from] visionguard_evidence::WriteError),
}

/// Saves incidents into a new file, for its owner alone.
///
/// # Errors
///
/// [`SaveError`]; the file is then taken away again.
pub async fn save(
    journal: &Journal,
    wanted: &Wanted,
    signer: Signer,
    path: &Path,
) -> Result<Written, SaveError> {
    let mut whole = Vec::new();
    for id in &wanted.incidents {
        whole.push(journal.whole_incident(*id).await?.ok_or(SaveError::Unknown(*id))?);
    }
    let case = case::of(journal, wanted, &whole).await?;
    let (journal, out, runtime) = (journal.clone(), path.to_owned(), Handle::current());
    let saving = tokio::task::spawn_blocking(move || {
        let picture = |alert: i64| {
            let frame = runtime.block_on(journal.frame(AlertId(alert)));
            frame.map(|bytes| bytes.map(|bytes| bytes.to_vec())).map_err(io::Error::other)
        };
        saving::write_new(&out, |file| Ok(visionguard_evidence::write(&case, picture, &signer, file)?))
    });
    saving.await.unwrap_or_else(|error| Err(NewFileError::of(path, io::Error::other(error)).into()))
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use visionguard_proto::{Alert, Jpeg, Kind, Picture, ShopId, StreamId, Via};

    use super::*;
    use crate::keychain::MemoryKeychain;
    use crate::model::{Decision, Dispatch, Source};

    #[tokio::test]
    async fn an_incident_is_saved_with_its_picture_its_decision_and_its_note_and_verifies() {
        let (folder, journal, incident) = a_decided_incident().await;
        let signer = signer(&MemoryKeychain::default(), folder.path()).await.unwrap();
        let (key, path) = (signer.public_key(), folder.path().join("evidence.zip"));

        let written = save(&journal, &wanted(incident), signer, &path).await.unwrap();

        assert_eq!((written.pictures, written.without_bytes), (1, 0));
        let report = verify(&path, Some(&key)).unwrap();
        assert!(report.is_intact(), "{report:?}");
        let zip = std::fs::read(&path).unwrap();
        let jpeg = jpeg();
        assert!(zip.windows(jpeg.len()).any(|part| part == jpeg), "the picture is in it as it came");
    }

    #[tokio::test]
    async fn what_is_known_of_it_becomes_the_case() {
        let (_folder, journal, incident) = a_decided_incident().await;
        let wanted = wanted(incident);

        let whole = journal.whole_incident(incident).await.unwrap().unwrap();
        let case = case::of(&journal, &wanted, &[whole]).await.unwrap();

        let one = &case.incidents[0];
        assert_eq!((one.camera.as_deref(), one.camera_id.as_deref()), (Some("Till 2"), Some("till-camera")));
        let clock = case.clock.unwrap();
        assert_eq!((clock.server_ahead, clock.uncertainty), (SignedDuration::from_millis(1_500), None));
        let decided = one.events.iter().find_map(|event| {
            let visionguard_evidence::What::Decided { note, .. } = &event.what else { return None };
            Some((event.who.clone(), note.clone()))
        });
        let who = visionguard_evidence::Who::Person("Manager".into());
        assert_eq!(decided, Some((who, Some("police called".into()))));
        assert!(one.events.iter().any(|event| event.what == visionguard_evidence::What::Seen));
    }

    #[tokio::test]
    async fn nothing_is_overwritten_and_nothing_unfinished_is_left() {
        let (folder, journal, incident) = a_decided_incident().await;
        let path = folder.path().join("evidence.zip");
        let keychain = MemoryKeychain::default();
        let new_signer = || signer(&keychain, folder.path());
        std::fs::write(&path, "mine").unwrap();

        let over = save(&journal, &wanted(incident), new_signer().await.unwrap(), &path).await;
        let unknown = wanted("999".parse().unwrap());
        let other = folder.path().join("other.zip");
        let none = save(&journal, &unknown, new_signer().await.unwrap(), &other).await;

        assert!(matches!(over, Err(SaveError::File(NewFileError::Exists(_)))), "{over:?}");
        assert_eq!(std::fs::read(&path).unwrap(), b"mine");
        assert!(matches!(none, Err(SaveError::Unknown(_))), "{none:?}");
        assert!(!other.exists());
    }

    fn wanted(incident: IncidentId) -> Wanted {
        Wanted {
            incidents: vec![incident],
            reference: Some("Report 4711".into()),
            made_at: at(600),
            zone: TimeZone::UTC,
            session: Some(SavedSession {
                server: "https://alerts.example.com/".into(),
                user_id: visionguard_proto::UserId::new("u1").unwrap(),
                name: "Manager".into(),
                email: "manager@example.com".into(),
                password_kept: false,
                spoke_two: false,
                signed_in_at: None,
            }),
            camera_names: BTreeMap::from([("till-camera".into(), "Till 2".into())]),
        }
    }

    async fn a_decided_incident() -> (tempfile::TempDir, Journal, IncidentId) {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(folder.path()).unwrap().journal;
        journal.server_is_ahead(SignedDuration::from_millis(1_500));
        let recorded = journal.record(alert(), at(1), Source::Live).await.unwrap();
        let incident = recorded.entry().incident.id;
        journal.seen(incident, at(30)).await.unwrap();
        journal.belong_to("u1 at https://alerts.example.com/".into()).await.unwrap();
        let note = Some("police called".to_owned());
        journal.decide(incident, Decision::Resolved, note, Dispatch::AtOnce, at(60)).await.unwrap();
        (folder, journal, incident)
    }

    fn alert() -> Alert {
        Alert {
            via: Via::Detection,
            anomaly_id: None,
            kind: Kind::Theft,
            stream_id: Some(StreamId::new("till-camera").unwrap()),
            shop_id: Some(ShopId::new("shop-1").unwrap()),
            person_id: Some(3),
            start_frame: Some(7),
            frame_number: Some(30),
            score: Some(3.5),
            claimed_severity: None,
            text: Some("Theft detected".into()),
            location: None,
            detected_at: Some(at(0)),
            bounding_box: None,
            picture: Picture::Jpeg(Jpeg::from_bytes(jpeg().into()).unwrap()),
            cursor: None,
            replayed: false,
        }
    }

    fn jpeg() -> Vec<u8> {
        let mut bytes = Vec::new();
        let encoder = jpeg_encoder::Encoder::new(&mut bytes, 80);
        encoder.encode(&[120; 64 * 48 * 3], 64, 48, jpeg_encoder::ColorType::Rgb).unwrap();
        bytes
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_795_870_800 + second).unwrap()
    }
}
