//! Whole packages: written, checked by us and by the programs that everybody has, and tampered with.

mod checked;
mod hostile;
#[cfg(target_os = "linux")]
mod programs;
mod tampered;

use std::io::{Cursor, Read, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use crate::{Report, State, VerifyError, verify};

fn report(zip: &[u8]) -> Result<Report, VerifyError> {
    verify(Cursor::new(zip), None)
}

/// The name and the bytes of each file.
fn unpacked(zip: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut zip = ZipArchive::new(Cursor::new(zip)).unwrap();
    let count = zip.len();
    let of = |index| {
        let mut file = zip.by_index(index).unwrap();
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).unwrap();
        (file.name().unwrap().into_owned(), bytes)
    };
    (0..count).map(of).collect()
}

/// A sound zip of these files, as whoever changes one makes it.
fn packed(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, bytes) in files {
        zip.start_file(name.as_str(), options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn faults(report: &Report) -> Vec<(&str, &State)> {
    report.faults().map(|file| (file.name.as_str(), &file.state)).collect()
}
