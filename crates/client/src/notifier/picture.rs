//! The picture of a notification as a file that only its owner can read, there for as long as the notification stands.
//!
//! What is written is what every viewer shows alike: upright, and no larger than a notification needs.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::timeout;
use visionguard_picture::{Fit, Studio, Unshown};

use crate::shell::Notification;
use crate::words;

/// How long a notification waits for its picture.
const PATIENCE: Duration = Duration::from_secs(2);

/// The directory of pictures.
#[derive(Debug)]
pub(super) struct Pictures {
    directory: PathBuf,
    next: u64,
    studio: Studio,
}

impl Pictures {
    /// Makes the directory if need be, and removes what an earlier run left in it.
    pub(super) fn open(directory: &Path) -> io::Result<Self> {
        create_private(directory)?;
        for entry in fs::read_dir(directory)?.flatten() {
            if entry.path().extension().is_some_and(|extension| extension == "jpg") {
                // A file that cannot be removed now is tried again at the next start.
                let _ = fs::remove_file(entry.path());
            }
        }
        Ok(Self { directory: directory.to_owned(), next: 0, studio: Studio::open() })
    }

    /// The picture of a notification, and the notification: where the picture cannot be shown, it says why.
    pub(super) async fn prepare(&mut self, notification: &Notification) -> (Notification, Option<Picture>) {
        let mut notification = notification.clone();
        let Some(kept) = notification.picture.clone() else { return (notification, None) };
        let shown = timeout(PATIENCE, self.studio.show(kept, Fit::POPUP)).await;
        let written = match shown.unwrap_or(Err(Unshown::Late)) {
            Ok(shown) => self.write(&shown.jpeg).map_err(|error| error.to_string()),
            Err(why) => Err(why.to_string()),
        };
        match written {
            Ok(picture) => (notification, Some(picture)),
            Err(why) => {
                tracing::warn!(why, "a notification goes without its picture");
                let words = words::text("notice.picture_refused", &[("why", &why)]);
                notification.body = format!("{} {words}", notification.body);
                (notification, None)
            }
        }
    }

    /// Writes one; each has a new name, because services keep what they loaded under an old one.
    fn write(&mut self, jpeg: &[u8]) -> io::Result<Picture> {
        self.next += 1;
        let picture =
            Picture { path: self.directory.join(format!("{}-{}.jpg", std::process::id(), self.next)) };
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(&picture.path)?.write_all(jpeg)?;
        Ok(picture)
    }
}

/// One picture; the file goes with it.
#[derive(Debug)]
pub(super) struct Picture {
    path: PathBuf,
}

impl Picture {
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Picture {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.path)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%error, "cannot remove the picture of a notification");
        }
    }
}

fn create_private(directory: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use visionguard_proto::Jpeg;

    use super::*;
    use crate::shell::Buttons;

    #[test]
    fn a_picture_is_there_while_it_is_held_and_gone_afterwards() {
        let home = tempfile::tempdir().unwrap();
        let mut pictures = Pictures::open(&home.path().join("pictures")).unwrap();

        let picture = pictures.write(b"\xff\xd8jpeg").unwrap();
        let path = picture.path().to_owned();

        assert_eq!(fs::read(&path).unwrap(), b"\xff\xd8jpeg");
        drop(picture);
        assert!(!path.exists());
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_can_read_a_picture() {
        use std::os::unix::fs::PermissionsExt;
        let home = tempfile::tempdir().unwrap();
        let directory = home.path().join("pictures");
        let mut pictures = Pictures::open(&directory).unwrap();

        let picture = pictures.write(b"jpeg").unwrap();

        assert_eq!(fs::metadata(picture.path()).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(&directory).unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[tokio::test]
    async fn case_39_what_is_written_is_upright_small_and_read_alike_by_all() {
        let home = tempfile::tempdir().unwrap();
        let mut pictures = Pictures::open(home.path()).unwrap();
        for (name, jpeg, size) in [
            ("turned", corpus("orientation_6"), (37, 47)),
            ("arithmetic", corpus("arithmetic"), (47, 37)),
            ("one scan for each colour", corpus("one_scan_each"), (47, 37)),
            ("chroma finer than luma", corpus("luma_1x1_chroma_2x2"), (47, 37)),
            ("cut in the middle", corpus("cut_5_tenths"), (47, 37)),
            ("a panorama", drawn(7680, 216), (640, 18)),
        ] {
            let (notification, picture) = pictures.prepare(&with_picture(jpeg)).await;

            let written = Bytes::from(fs::read(picture.expect(name).path()).unwrap());
            let written = Jpeg::from_bytes(written).unwrap();
            assert!(written.is_plain(), "{name}");
            assert_eq!((written.width(), written.height()), size, "{name}");
            assert_eq!(notification.body, "Aisle 3", "{name}");
        }
    }

    #[tokio::test]
    async fn case_39_a_notification_whose_picture_cannot_be_shown_says_why() {
        let home = tempfile::tempdir().unwrap();
        let mut pictures = Pictures::open(home.path()).unwrap();

        let (notification, picture) = pictures.prepare(&with_picture(corpus("quantisation_missing"))).await;

        assert!(picture.is_none());
        assert_eq!(notification.body, "Aisle 3 No picture: the picture is damaged.");
    }

    fn corpus(name: &str) -> Bytes {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../picture/tests/corpus");
        Bytes::from(fs::read(folder.join(format!("{name}.jpg"))).unwrap())
    }

    fn drawn(width: u16, height: u16) -> Bytes {
        let pixels = vec![120; usize::from(width) * usize::from(height)];
        let mut jpeg = Vec::new();
        jpeg_encoder::Encoder::new(&mut jpeg, 80)
            .encode(&pixels, width, height, jpeg_encoder::ColorType::Luma)
            .unwrap();
        Bytes::from(jpeg)
    }

    fn with_picture(jpeg: Bytes) -> Notification {
        Notification {
            id: "7".into(),
            alert: Some("1".into()),
            title: "Theft pattern".into(),
            body: "Aisle 3".into(),
            picture: Some(jpeg),
            sound: false,
            critical: false,
            buttons: Buttons::Incident,
            in_place_of: None,
        }
    }

    #[test]
    fn what_an_earlier_run_left_is_removed() {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("1-1.jpg"), b"left").unwrap();

        Pictures::open(home.path()).unwrap();

        assert!(!home.path().join("1-1.jpg").exists());
    }
}
