//! Verifying a zip that came from anywhere.
//!
//! It is read as a file of a stranger: its directory is read within a bound, each file is read once, piece by piece, and nothing is
//! unpacked. What cannot be judged at all is an error; everything else is a [`Report`], file by file.

mod archive;

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Read, Seek};

use serde::Serialize;

use self::archive::Contents;
use crate::key::PublicKey;
use crate::names;
use crate::signature::{self, Fault};
use crate::sums;

/// What became of each file, and of the signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Every file that is in the zip or should be, by name.
    pub files: Vec<File>,
    /// Whether the list of sums is signed.
    pub signature: Signature,
    /// The key in `device.pub`, where that can be read. It vouches for nothing until it was compared with the shop's.
    pub key: Option<PublicKey>,
    /// The SHA-256 of `SHA256SUMS`, in hexadecimal, where it is there.
    pub digest: Option<String>,
}

impl Report {
    /// Whether every file is as it was and the signature is good. Whose key signed is said by [`Signature::Good`].
    pub fn is_intact(&self) -> bool {
        matches!(self.signature, Signature::Good { .. }) && self.faults().next().is_none()
    }

    /// The files that are not as they were.
    pub fn faults(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| file.state != State::Intact)
    }
}

/// A file of the zip.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct File {
    /// Its name, which is safe to show and to unpack.
    pub name: String,
    /// What became of it.
    #[serde(flatten)]
    pub state: State,
}

/// What became of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", content = "reason", rename_all = "snake_case")]
pub enum State {
    /// It is as it was when it was signed, if the signature is good.
    Intact,
    /// Its sum is another one.
    Changed,
    /// It cannot be read; the reason in words.
    Damaged(String),
    /// It should be there.
    Missing,
    /// It should not be there.
    Added,
    /// It cannot be told, since the list of sums is missing or cannot be read.
    Unchecked,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            State::Intact => f.write_str("unchanged"),
            State::Changed => f.write_str("changed"),
            State::Damaged(reason) => write!(f, "damaged: {reason}"),
            State::Missing => f.write_str("missing"),
            State::Added => f.write_str("added"),
            State::Unchecked => f.write_str("could not be checked"),
        }
    }
}

/// What became of the signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Signature {
    /// The key signed this list of sums.
    Good {
        /// Whose signature it is: the expected key, or the one in `device.pub`.
        key: PublicKey,
        /// The comment that is signed, too: when, and which file. From the zip; made safe to show on one line.
        trusted_comment: String,
        /// Whether the key is the one that was expected; none where none was given, and then it is still to be compared.
        expected: Option<bool>,
    },
    /// It is not a signature of this list of sums.
    Wrong,
    /// Another key made it.
    OtherKey {
        /// That key's name, as minisign shows it.
        id: String,
    },
    /// It is not there.
    Missing,
    /// It is not what minisign writes.
    Unreadable,
    /// There is no key to check it with: `device.pub` is missing or cannot be read, and none was given.
    NoKey,
    /// There is no list of sums to check.
    NothingSigned,
}

/// Why a zip cannot be judged.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The system could not read it.
    #[error("cannot read the file")]
    Read(#[source] io::Error),
    /// Not a zip, or only the beginning of one.
    #[error("this is not a zip, or not the whole of one: {0}")]
    NotZip(String),
    /// A zip of something else.
    #[error("this is a zip, but no evidence: there is no SHA256SUMS in it")]
    NotEvidence,
    /// Its own lists of its files differ, or files lie over each other: two programs would unpack different files.
    #[error("the zip contradicts itself: {0}")]
    Inconsistent(String),
    /// Two files of one name, which may differ in large and small letters only.
    #[error("the zip has two files named {0:?}")]
    Twice(String),
    /// A name that leads out of the folder, cannot be a file's name everywhere, or shows otherwise than it is; or a link.
    #[error("the zip has a file whose name is not safe: {0:?}")]
    UnsafeName(String),
    /// More files than are ever in one.
    #[error("the zip has more than {} files", archive::MAX_FILES)]
    TooMany,
    /// Unpacked, it is larger than anything that was packed honestly: made to fill a disk.
    #[error("{0:?} in the zip is far larger unpacked than packed: it is not unpacked any further")]
    TooLarge(String),
}

/// Reads a zip and tells what is not as it was signed.
///
/// With `expected`, the signature must be that key's: the key that the shop's computer shows, asked for on another way. Without, it is that of
/// `device.pub` in the zip, which shows only that all of it belongs together.
///
/// # Errors
///
/// [`VerifyError`] where the file is no zip that can be judged. It never panics, whatever the bytes.
pub fn verify<R: Read + Seek>(reader: R, expected: Option<&PublicKey>) -> Result<Report, VerifyError> {
    let contents = archive::read(reader)?;
    let ours = [names::SUMS, names::SIGNATURE, names::PDF];
    if !ours.iter().any(|name| contents.files.contains_key(*name)) {
        return Err(VerifyError::NotEvidence);
    }
    let key = text_of(&contents, names::KEY).and_then(|text| PublicKey::parse(text).ok());
    let signature = check(&contents, key.as_ref(), expected);
    let mut states = states(&contents);
    let of_signature = match &signature {
        Signature::Good { .. } => (State::Intact, State::Intact),
        // They do not belong together; which of them is another cannot be told.
        Signature::Wrong => (State::Changed, State::Changed),
        Signature::Missing => (State::Unchecked, State::Missing),
        Signature::Unreadable => (State::Unchecked, State::Changed),
        Signature::NothingSigned => (State::Missing, State::Unchecked),
        Signature::OtherKey { .. } | Signature::NoKey => (State::Unchecked, State::Unchecked),
    };
    for (name, state) in [(names::SUMS, of_signature.0), (names::SIGNATURE, of_signature.1)] {
        // What is said of the file itself stands before what is said of the two together.
        let said = states.entry(name.to_owned()).or_insert(State::Missing);
        if *said == State::Intact {
            *said = state;
        }
    }
    let files = states.into_iter().map(|(name, state)| File { name, state }).collect();
    let digest = contents.bytes.get(names::SUMS).map(|bytes| sums::digest(bytes));
    Ok(Report { files, signature, key, digest })
}

fn text_of<'a>(contents: &'a Contents, name: &str) -> Option<&'a str> {
    std::str::from_utf8(contents.bytes.get(name)?).ok()
}

fn check(contents: &Contents, found: Option<&PublicKey>, expected: Option<&PublicKey>) -> Signature {
    if !contents.files.contains_key(names::SIGNATURE) {
        return Signature::Missing;
    }
    let read = contents.bytes.get(names::SIGNATURE).and_then(|bytes| signature::Read::parse(bytes));
    let Some(read) = read else { return Signature::Unreadable };
    let Some(signed) = contents.bytes.get(names::SUMS) else { return Signature::NothingSigned };
    let Some(key) = expected.or(found) else { return Signature::NoKey };
    match read.check(key, signed) {
        Ok(()) => Signature::Good {
            key: *key,
            trusted_comment: shown(read.trusted_comment()),
            expected: expected.map(|expected| expected == key),
        },
        Err(Fault::OtherKey) => Signature::OtherKey { id: read.key_id() },
        Err(Fault::Wrong) => Signature::Wrong,
    }
}

/// Tabs and whatever else is no plain text become spaces.
fn shown(comment: &str) -> String {
    let plain = |char: char| if char.is_control() || names::is_bidi_control(char) { ' ' } else { char };
    comment.chars().map(plain).collect()
}

/// What the list of sums says of each file; of the list and its signature, only whether they could be read.
fn states(contents: &Contents) -> BTreeMap<String, State> {
    let listed = contents.bytes.get(names::SUMS).map(|bytes| sums::from_text(bytes));
    let mut states = BTreeMap::new();
    let by_itself = |name: &str| name == names::SUMS || name == names::SIGNATURE;
    for (name, read) in &contents.files {
        let state = match (read, &listed) {
            (Err(reason), _) => State::Damaged(reason.clone()),
            (Ok(_), Some(Err(fault))) if name == names::SUMS => State::Damaged(fault.to_string()),
            (Ok(_), _) if by_itself(name) => State::Intact,
            (Ok(digest), Some(Ok(listed))) => match listed.get(name) {
                Some(sum) if sum == digest => State::Intact,
                Some(_) => State::Changed,
                None => State::Added,
            },
            (Ok(_), Some(Err(_)) | None) => State::Unchecked,
        };
        states.insert(name.clone(), state);
    }
    if let Some(Ok(listed)) = &listed {
        for name in listed.keys() {
            states.entry(name.clone()).or_insert(State::Missing);
        }
    }
    states
}
