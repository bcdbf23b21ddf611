//! Where the signing secret comes from: the operator, or a file made at the first start.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};

/// Shortest secret, in bytes: as long as what HS256 makes of it.
pub const SHORTEST: usize = 32;

/// Words that stand in example configurations, never in a secret drawn at random.
const WELL_KNOWN: [&str; 9] = [
    "change-me",
    "changeme",
    "change_me",
    "change-this",
    "change-in",
    "secret-key",
    "secret_key",
    "your-secret",
    "default",
];

/// Why there is no usable secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// Fewer than [`SHORTEST`] bytes.
    #[error(
        "the signing secret has {0} bytes; it needs at least {SHORTEST}, drawn at random (openssl rand -hex 32)"
    )]
    TooShort(usize),
    /// It looks like an example.
    #[error("the signing secret is a well-known example; draw one at random (openssl rand -hex 32)")]
    WellKnown,
    /// Others may read the file.
    #[error(
        "others may read {0}, which holds the signing secret; chmod 600 it, or remove it and sign in again"
    )]
    Exposed(PathBuf),
    /// The file cannot be read or made.
    #[error("cannot keep the signing secret in {path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
}

/// The operator's secret if there is one, else the one kept in this directory, else a new one kept there.
pub(crate) fn load(given: Option<&SecretString>, directory: &Path) -> Result<SecretString, SecretError> {
    if let Some(given) = given {
        check(given.expose_secret())?;
        return Ok(given.clone());
    }
    let path = directory.join("secret");
    let secret = read_or_make(&path)
        .map_err(|source| SecretError::File { path: path.clone(), source })?
        .ok_or(SecretError::Exposed(path))?;
    check(secret.expose_secret())?;
    Ok(secret)
}

fn check(secret: &str) -> Result<(), SecretError> {
    if secret.len() < SHORTEST {
        return Err(SecretError::TooShort(secret.len()));
    }
    let lower = secret.to_ascii_lowercase();
    let mut letters: Vec<char> = lower.chars().collect();
    letters.sort_unstable();
    letters.dedup();
    if letters.len() < 8 || WELL_KNOWN.iter().any(|word| lower.contains(word)) {
        return Err(SecretError::WellKnown);
    }
    Ok(())
}

/// None if others may read the file.
fn read_or_make(path: &Path) -> std::io::Result<Option<SecretString>> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(mut file) => {
            let secret: [u8; 32] = rand::random();
            let text: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
            if let Err(error) = file.write_all(text.as_bytes()).and_then(|()| file.sync_all()) {
                // Half a secret would be refused at every later start.
                let _ = std::fs::remove_file(path);
                return Err(error);
            }
            Ok(Some(text.into()))
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let mut file = std::fs::File::open(path)?;
            #[cfg(unix)]
            if std::os::unix::fs::PermissionsExt::mode(&file.metadata()?.permissions()) & 0o077 != 0 {
                return Ok(None);
            }
            let mut text = String::new();
            file.read_to_string(&mut text)?;
            Ok(Some(text.trim().to_owned().into()))
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_made_once_and_kept_for_its_owner_alone() {
        let dir = tempfile::tempdir().unwrap();

        let made = load(None, dir.path()).unwrap();
        let kept = load(None, dir.path()).unwrap();

        assert_eq!(made.expose_secret(), kept.expose_secret());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let path = dir.path().join("secret");
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
            assert!(matches!(load(None, dir.path()), Err(SecretError::Exposed(_))));
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_secret_that_a_disk_does_not_take_leaves_no_half_of_it() {
        const FOLDER: &str = "VISIONGUARD_TEST_FOLDER";
        if let Some(folder) = std::env::var_os(FOLDER) {
            let error = load(None, Path::new(&folder)).expect_err("there is room for no file");
            assert!(matches!(error, SecretError::File { .. }), "{error}");
            return;
        }
        let dir = tempfile::tempdir().unwrap();

        // The same test once more, as a process that may write no file at all.
        let output = std::process::Command::new("sh")
            .args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$0\" \"$@\""])
            .arg(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "secret::tests::a_secret_that_a_disk_does_not_take_leaves_no_half_of_it",
                "--nocapture",
            ])
            .env(FOLDER, dir.path())
            .output()
            .unwrap();

        assert!(output.status.success(), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"), "{output:?}");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
        assert!(load(None, dir.path()).is_ok(), "the next start makes one");
    }

    #[test]
    fn short_and_well_known_secrets_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let load = |secret: &str| load(Some(&secret.to_owned().into()), dir.path());

        assert!(matches!(load("only thirty-one bytes, no more."), Err(SecretError::TooShort(31))));
        assert!(matches!(load("your-secret-key-change-in-production"), Err(SecretError::WellKnown)));
        assert!(matches!(load(&"ab".repeat(20)), Err(SecretError::WellKnown)));
        assert!(load("0f2c9a51d7e84b36a1c05f7e92d3b864").is_ok());
    }
}
