//! Files of strangers: each ends in a clear error, within bounds.

use std::io::{Cursor, Read, Seek, SeekFrom, Write};

use proptest::prelude::*;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::{packed, report, unpacked};
use crate::testing::zip;
use crate::{State, VerifyError, verify};

fn named(name: &str) -> Vec<u8> {
    packed(&[("SHA256SUMS".into(), Vec::new()), (name.into(), b"x".to_vec())])
}

#[test]
fn what_is_no_zip_is_said() {
    for bytes in [&b""[..], b"x", b"PK\x03\x04", &[0; 5_000], b"%PDF-1.7"] {
        assert!(matches!(report(bytes), Err(VerifyError::NotZip(_))), "{bytes:?}");
    }
    assert!(matches!(report(&packed(&[])), Err(VerifyError::NotEvidence)));
    assert!(matches!(report(&packed(&[("a.txt".into(), vec![1])])), Err(VerifyError::NotEvidence)));
}

#[test]
fn a_package_that_was_cut_short_is_no_zip() {
    let zip = zip();
    for part in 0..40 {
        let cut = &zip[..zip.len() * part / 40];
        assert!(matches!(report(cut), Err(VerifyError::NotZip(_))), "{part}: {:?}", report(cut));
    }
    assert!(report(&zip[..zip.len() - 1]).is_err());
}

#[test]
fn a_name_that_leads_out_of_the_folder_is_refused() {
    for name in ["../evil", "/etc/passwd", "a/../../b", "C:\\x", "a\\b", "fr\u{202e}gpj.exe", "x\ny"] {
        let found = report(&named(name));
        assert!(matches!(found, Err(VerifyError::UnsafeName(_))), "{name}: {found:?}");
    }
}

#[test]
fn two_files_of_one_name_are_refused() {
    assert!(matches!(report(&named("sha256sums")), Err(VerifyError::Twice(_))));
    // Two entries with the very same name, which no writer makes by itself.
    let mut zip = packed(&[("SHA256SUMS".into(), vec![1]), ("SHA256SUMT".into(), vec![2])]);
    let at: Vec<usize> = (0..zip.len() - 10).filter(|at| zip[*at..].starts_with(b"SHA256SUMT")).collect();
    for at in &at {
        zip[at + 9] = b'S';
    }
    assert_eq!(at.len(), 2);
    assert!(matches!(report(&zip), Err(VerifyError::Twice(_))), "{:?}", report(&zip));
}

#[test]
fn a_link_is_refused() {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("SHA256SUMS", SimpleFileOptions::default()).unwrap();
    zip.add_symlink("frames", "/etc", SimpleFileOptions::default()).unwrap();
    let zip = zip.finish().unwrap().into_inner();

    assert!(matches!(report(&zip), Err(VerifyError::UnsafeName(_))));
}

#[test]
fn a_bomb_is_not_unpacked_to_its_end() {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    zip.start_file("SHA256SUMS", options).unwrap();
    zip.start_file("bomb", options).unwrap();
    let piece = vec![0; 1 << 20];
    for _ in 0..80 {
        zip.write_all(&piece).unwrap();
    }
    let zip = zip.finish().unwrap().into_inner();
    assert!(zip.len() < 200_000);

    assert!(matches!(report(&zip), Err(VerifyError::TooLarge(name)) if name == "bomb"));
}

#[test]
fn a_list_of_sums_without_end_is_damaged() {
    let mut files = unpacked(zip());
    files[8].1 = vec![b'a'; 17 << 20];

    let report = report(&packed(&files)).unwrap();

    let state = &report.files.iter().find(|file| file.name == "SHA256SUMS").unwrap().state;
    assert!(matches!(state, State::Damaged(_)), "{state:?}");
}

#[test]
fn a_zip_that_contradicts_itself_is_refused() {
    let sound = packed(&[("SHA256SUMS".into(), vec![1]), ("device.pub".into(), vec![2])]);

    let mut other_name = sound.clone();
    let at = (0..other_name.len()).find(|at| other_name[*at..].starts_with(b"device.pub")).unwrap();
    other_name[at] = b'D';
    assert!(matches!(report(&other_name), Err(VerifyError::Inconsistent(_))), "{:?}", report(&other_name));

    let mut before = b"#!/bin/sh\n".to_vec();
    before.extend(&sound);
    assert!(matches!(report(&before), Err(VerifyError::Inconsistent(_))), "{:?}", report(&before));
}

#[test]
fn a_directory_longer_than_any_is_not_read_to_its_end() {
    let found = verify(Endless { at: 0, size: 40 << 30 }, None);

    assert!(matches!(found, Err(VerifyError::TooMany | VerifyError::NotZip(_))), "{found:?}");
}

#[test]
fn what_the_system_cannot_read_is_no_fault_of_the_file() {
    for good in [0, 1, 3, 10, 20] {
        let found = verify(Failing { inner: Cursor::new(zip().to_vec()), good }, None);

        assert!(matches!(found, Err(VerifyError::Read(_))), "{good}: {found:?}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
        let _ = report(&bytes);
    }

    #[test]
    fn no_damage_to_a_zip_s_directory_makes_it_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut zip = packed(&unpacked(&packed(&[
            ("SHA256SUMS".into(), b"x".to_vec()),
            ("SHA256SUMS.minisig".into(), b"y".to_vec()),
            ("frames/0001.jpg".into(), vec![7; 300]),
        ])));
        for (at, byte) in changes {
            let at = at.index(zip.len());
            zip[at] = byte;
        }

        prop_assert!(!report(&zip).is_ok_and(|report| report.is_intact()));
    }
}

/// A zip of 40 GiB whose end says that its directory is nearly all of it.
struct Endless {
    at: u64,
    size: u64,
}

impl Endless {
    fn byte(&self, at: u64) -> u8 {
        // One entry of 46 bytes with an empty name, again and again; then the end, with its 64-bit part.
        let start = 30;
        let end = self.size - 98;
        let entry = {
            let mut entry = [0_u8; 46];
            entry[..6].copy_from_slice(b"PK\x01\x02\x14\x00");
            entry
        };
        if at < start {
            return 0;
        }
        if at < end {
            return entry[usize::try_from((at - start) % 46).unwrap()];
        }
        let count = (end - start) / 46;
        let mut tail = Vec::new();
        tail.extend(b"PK\x06\x06");
        tail.extend(44_u64.to_le_bytes());
        tail.extend([45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        for number in [count, count, count * 46, start] {
            tail.extend(number.to_le_bytes());
        }
        tail.extend(b"PK\x06\x07\0\0\0\0");
        tail.extend(end.to_le_bytes());
        tail.extend(1_u32.to_le_bytes());
        tail.extend(b"PK\x05\x06\0\0\0\0");
        tail.extend([0xff; 12]);
        tail.extend([0, 0]);
        tail[usize::try_from(at - end).unwrap()]
    }
}

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = usize::try_from(self.size - self.at).unwrap_or(usize::MAX).min(buffer.len());
        for (offset, byte) in buffer[..count].iter_mut().enumerate() {
            *byte = self.byte(self.at + offset as u64);
        }
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for Endless {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.at = match to {
            SeekFrom::Start(at) => at,
            SeekFrom::End(by) => self.size.checked_add_signed(by).ok_or(std::io::ErrorKind::InvalidInput)?,
            SeekFrom::Current(by) => {
                self.at.checked_add_signed(by).ok_or(std::io::ErrorKind::InvalidInput)?
            }
        };
        Ok(self.at)
    }
}

/// A disk that fails after so many reads.
struct Failing {
    inner: Cursor<Vec<u8>>,
    good: u32,
}

impl Read for Failing {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.good = self.good.checked_sub(1).ok_or_else(|| std::io::Error::other("the disk is gone"))?;
        self.inner.read(buffer)
    }
}

impl Seek for Failing {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.inner.seek(to)
    }
}
