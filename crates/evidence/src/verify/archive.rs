//! Reading a zip of a stranger, within bounds: each file once, in pieces, for its digest.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::rc::Rc;

use zip::ZipArchive;
use zip::result::ZipError;

use super::VerifyError;
use crate::sums::{Digest, Running};
use crate::{names, signature};

/// No package has more files.
pub(super) const MAX_FILES: usize = 100_000;
/// What may be read before the list of files is known: enough for so many files, with names of ours.
const MAX_DIRECTORY: u64 = 32 * 1024 * 1024;
/// Unpacked, a package is at most so many times as large as packed; text is, pictures are not packed further.
const MAX_RATIO: u64 = 20;
/// And so much more, for small ones.
const MAX_SMALL: u64 = 64 * 1024 * 1024;
/// The longest list of sums.
const MAX_SUMS: usize = 16 * 1024 * 1024;

/// What was read.
#[derive(Debug, Default)]
pub(super) struct Contents {
    /// Each file's digest, or why it cannot be read.
    pub(super) files: BTreeMap<String, Result<Digest, String>>,
    /// The bytes of the files that the check itself needs.
    pub(super) bytes: BTreeMap<String, Vec<u8>>,
}

pub(super) fn read<R: Read + Seek>(mut reader: R) -> Result<Contents, VerifyError> {
    let size = reader.seek(SeekFrom::End(0)).map_err(VerifyError::Read)?;
    let watch = Rc::new(Watch { left: Cell::new(MAX_DIRECTORY), failed: RefCell::default() });
    let bounded = BufReader::new(Bounded { reader, watch: Rc::clone(&watch) });
    let mut zip = match ZipArchive::new(bounded) {
        Ok(zip) => zip,
        Err(_) if watch.left.get() == 0 => return Err(VerifyError::TooMany),
        Err(error) => return Err(watch.failure().unwrap_or_else(|| VerifyError::NotZip(words(&error)))),
    };
    if zip.len() > MAX_FILES {
        return Err(VerifyError::TooMany);
    }
    // What is read from here on is not kept.
    watch.left.set(u64::MAX);
    check_names(&mut zip)?;
    if zip.offset() != 0 {
        return Err(VerifyError::Inconsistent("something stands before its first file".to_owned()));
    }
    if let Err(error) = zip.validate_header_consistency() {
        return Err(watch.failure().unwrap_or_else(|| VerifyError::Inconsistent(words(&error))));
    }

    let mut left = size.saturating_mul(MAX_RATIO).saturating_add(MAX_SMALL);
    let mut contents = Contents::default();
    for index in 0..zip.len() {
        let Some((name, read)) = file(&mut zip, index, &mut left)? else { continue };
        if let Some(failure) = watch.failure() {
            return Err(failure);
        }
        let read = read.map(|(digest, bytes)| {
            contents.bytes.extend(bytes.map(|bytes| (name.clone(), bytes)));
            digest
        });
        contents.files.insert(name, read);
    }
    Ok(contents)
}

/// Every name is safe, and no two are one on any system.
fn check_names<R: Read + Seek>(zip: &mut ZipArchive<R>) -> Result<(), VerifyError> {
    if zip.has_duplicate_names() {
        let mut seen = BTreeSet::new();
        let twice = zip.file_names_raw().find(|name| !seen.insert(name.to_vec()));
        return Err(VerifyError::Twice(String::from_utf8_lossy(twice.unwrap_or_default()).into_owned()));
    }
    let mut seen = BTreeSet::new();
    for index in 0..zip.len() {
        let entry = zip.by_index_data(index).map_err(|error| VerifyError::Inconsistent(words(&error)))?;
        let unsafe_name = || VerifyError::UnsafeName(String::from_utf8_lossy(entry.name_raw()).into_owned());
        // As the bytes are, whatever the zip says they stand for: programs differ in that.
        let name = std::str::from_utf8(entry.name_raw()).map_err(|_| unsafe_name())?;
        if !names::is_safe(name) || entry.is_symlink() {
            return Err(unsafe_name());
        }
        if !seen.insert(name.trim_end_matches('/').to_lowercase()) {
            return Err(VerifyError::Twice(name.to_owned()));
        }
    }
    Ok(())
}

type OneFile = (String, Result<(Digest, Option<Vec<u8>>), String>);

/// One file's name and digest, and its bytes where they are needed; none for a folder.
fn file<R: Read + Seek>(
    zip: &mut ZipArchive<R>,
    index: usize,
    left: &mut u64,
) -> Result<Option<OneFile>, VerifyError> {
    let entry = zip.by_index_data(index).map_err(|error| VerifyError::Inconsistent(words(&error)))?;
    let name = String::from_utf8_lossy(entry.name_raw()).into_owned();
    let (is_folder, is_encrypted) = (entry.is_dir(), entry.encrypted());
    if is_folder && entry.size() == 0 {
        return Ok(None);
    }
    if is_encrypted {
        return Ok(Some((name, Err("it is encrypted".to_owned()))));
    }
    let mut reader = match zip.by_index(index) {
        Ok(reader) => reader,
        Err(error) => return Ok(Some((name, Err(words(&error))))),
    };
    let mut wanted = most_wanted(&name).map(|most| (Vec::new(), most));
    let (mut digest, mut buffer) = (Running::new(), vec![0; 64 * 1024]);
    loop {
        let count = match reader.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Ok(Some((name, Err(error.to_string())))),
        };
        let Some(rest) = left.checked_sub(count as u64) else { return Err(VerifyError::TooLarge(name)) };
        *left = rest;
        digest.update(&buffer[..count]);
        if let Some((bytes, most)) = &mut wanted {
            if bytes.len() + count > *most {
                return Ok(Some((name, Err("it is too long to be one".to_owned()))));
            }
            bytes.extend_from_slice(&buffer[..count]);
        }
    }
    Ok(Some((name, Ok((digest.finish(), wanted.map(|(bytes, _)| bytes))))))
}

/// How long a file may be whose bytes are needed.
fn most_wanted(name: &str) -> Option<usize> {
    match name {
        names::SUMS => Some(MAX_SUMS),
        names::SIGNATURE | names::KEY => Some(signature::MAX_BYTES),
        _ => None,
    }
}

fn words(error: &ZipError) -> String {
    error.to_string()
}

/// What is watched while a zip is read.
struct Watch {
    /// So much may still be read.
    left: Cell<u64>,
    /// What the system said.
    failed: RefCell<Option<io::Error>>,
}

impl Watch {
    fn failure(&self) -> Option<VerifyError> {
        self.failed.borrow_mut().take().map(VerifyError::Read)
    }
}

/// A reader that ends after so many bytes, and keeps apart what the system could not do from what the bytes are.
struct Bounded<R> {
    reader: R,
    watch: Rc<Watch>,
}

impl<R> Bounded<R> {
    fn noted<T>(&self, result: io::Result<T>) -> io::Result<T> {
        result.map_err(|error| {
            let kind = error.kind();
            if kind != io::ErrorKind::Interrupted {
                self.watch.failed.borrow_mut().get_or_insert(error);
            }
            kind.into()
        })
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.watch.left.get();
        if left == 0 {
            return Err(io::Error::other("the directory is too long"));
        }
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        let read = self.reader.read(&mut buffer[..most]);
        let count = self.noted(read)?;
        if left != u64::MAX {
            self.watch.left.set(left - count as u64);
        }
        Ok(count)
    }
}

impl<R: Seek> Seek for Bounded<R> {
    /// Before the beginning leads what the bytes say, not what the system could not do.
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.reader.seek(to)
    }
}
