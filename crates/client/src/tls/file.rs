//! A file of certificates, as people have them: PEM in any order and from any editor, or one certificate in DER form.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::time::{Duration, SystemTime};

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// All certificates of the world fit.
const LONGEST: u64 = 8 * 1024 * 1024;
/// A file that was changed so lately may change again without its time telling.
const LATELY: Duration = Duration::from_secs(10);

/// What a file was found to hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// Certificates that are trusted.
    pub usable: usize,
    /// What looks like one and cannot be used.
    pub broken: usize,
    /// Why it cannot be read now; what was read before stays in use.
    pub problem: Option<Problem>,
}

/// Why a file of certificates is of no use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// Its disk did not answer.
    #[error("its disk does not answer")]
    NotYet,
    /// It cannot be read, in the system's words.
    #[error("{0}")]
    Unreadable(String),
    /// It is a folder, or a device.
    #[error("it is not a file")]
    NotAFile,
    /// There is nothing in it.
    #[error("it is empty")]
    Empty,
    /// It is longer than any such file.
    #[error("it is longer than 8 MiB")]
    TooLong,
    /// It holds something else.
    #[error("it holds no certificate in PEM or DER form")]
    NoCertificate,
}

/// What can be seen of a file without reading it.
#[derive(Debug, PartialEq)]
pub(super) struct Seen {
    length: u64,
    changed: Option<SystemTime>,
}

type Certificates = Vec<CertificateDer<'static>>;

/// Reads the file if it is another than was seen; none if it is the same.
pub(super) fn look(path: &Path, seen: &mut Option<Seen>) -> Option<Result<(Certificates, Found), Problem>> {
    let unreadable = |error: std::io::Error| Problem::Unreadable(error.to_string());
    let now = match fs::metadata(path) {
        Ok(what) if !what.is_file() => Err(Problem::NotAFile),
        Ok(what) => Ok(Seen { length: what.len(), changed: what.modified().ok() }),
        Err(error) => Err(unreadable(error)),
    };
    let now = match now {
        Ok(now) => now,
        Err(problem) => {
            *seen = None;
            return Some(Err(problem));
        }
    };
    if seen.as_ref() == Some(&now) && !is_fresh(&now) {
        return None;
    }
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(LONGEST + 1).read_to_end(&mut bytes));
    if let Err(error) = read {
        *seen = None;
        return Some(Err(unreadable(error)));
    }
    *seen = Some(now);
    Some(certificates(&bytes))
}

fn is_fresh(seen: &Seen) -> bool {
    let age = seen.changed.and_then(|changed| SystemTime::now().duration_since(changed).ok());
    age.is_none_or(|age| age < LATELY)
}

/// The certificates that can be used, one by one: a broken one takes no other with it.
fn certificates(bytes: &[u8]) -> Result<(Certificates, Found), Problem> {
    if bytes.len() as u64 > LONGEST {
        return Err(Problem::TooLong);
    }
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(Problem::Empty);
    }
    let candidates = match bytes.first() {
        // ASN.1's mark of a sequence.
        Some(0x30) => vec![Some(CertificateDer::from(bytes.to_vec()))],
        _ => pem(&text(bytes)),
    };
    let all = candidates.len();
    // Tried out here, because a verifier that was given something else fails as a whole.
    let mut roots = RootCertStore::empty();
    let usable: Certificates = candidates
        .into_iter()
        .flatten()
        .filter(|certificate| roots.add(certificate.clone()).is_ok())
        .collect();
    if usable.is_empty() {
        return Err(Problem::NoCertificate);
    }
    let found = Found { usable: usable.len(), broken: all - usable.len(), problem: None };
    Ok((usable, found))
}

/// PEM is ASCII, whichever way an editor wrote it.
fn text(bytes: &[u8]) -> String {
    let wide = |unit: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes.as_chunks().0.iter().map(|pair| unit(*pair)).collect();
        String::from_utf16_lossy(&units)
    };
    match bytes {
        [0xFF, 0xFE, ..] => wide(u16::from_le_bytes),
        [0xFE, 0xFF, ..] => wide(u16::from_be_bytes),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";

/// What stands between the marks, one for each beginning; none where it is no base64.
fn pem(text: &str) -> Vec<Option<CertificateDer<'static>>> {
    let blocks = text.split(BEGIN).skip(1);
    let certificates = blocks.filter(|block| {
        let label = block.split("-----").next().unwrap_or_default();
        label.ends_with("CERTIFICATE")
    });
    certificates.map(one).collect()
}

fn one(block: &str) -> Option<CertificateDer<'static>> {
    let (_, rest) = block.split_once("-----")?;
    let body = rest.split(END).next().filter(|body| body.len() < rest.len())?;
    let lines: Vec<&str> = body.split_whitespace().collect();
    let plain = format!("{BEGIN}CERTIFICATE-----\n{}\n{END}CERTIFICATE-----\n", lines.join("\n"));
    CertificateDer::from_pem_slice(plain.as_bytes()).ok()
}
