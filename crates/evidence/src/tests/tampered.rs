//! Whatever is changed, by accident or on purpose, is named.

use std::sync::LazyLock;

use proptest::prelude::*;
use zip::ZipArchive;

use super::{faults, packed, report, unpacked};
use crate::testing::zip;
use crate::{Signature, Signer, State};

/// Where each file's packed bytes are.
static PLACES: LazyLock<Vec<(String, std::ops::Range<usize>)>> = LazyLock::new(|| {
    let mut zip = ZipArchive::new(std::io::Cursor::new(zip())).unwrap();
    let count = zip.len();
    let of = |index| {
        let file = zip.by_index(index).unwrap();
        let start = usize::try_from(file.data_start().unwrap()).unwrap();
        let end = start + usize::try_from(file.compressed_size()).unwrap();
        (file.name().unwrap().into_owned(), start..end)
    };
    (0..count).map(of).collect()
});

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn every_flipped_byte_of_a_file_is_reported_with_its_name(
        file in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        flip in 1..=255_u8,
    ) {
        let (name, place) = file.get(&PLACES);
        let mut zip = zip().to_vec();
        zip[place.start + at.index(place.len())] ^= flip;

        let report = report(&zip).unwrap();

        let named = report.faults().any(|fault| fault.name == *name);
        prop_assert!(named && !report.is_intact(), "{name}: {:?}", faults(&report));
    }

    #[test]
    fn every_changed_byte_of_a_file_is_reported_though_the_zip_around_it_is_sound(
        file in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        flip in 1..=255_u8,
    ) {
        let mut files = unpacked(zip());
        let index = file.index(files.len());
        let name = files[index].0.clone();
        let at = at.index(files[index].1.len());
        files[index].1[at] ^= flip;

        let report = report(&packed(&files)).unwrap();

        let named = report.faults().any(|fault| fault.name == name);
        prop_assert!(named && !report.is_intact(), "{name}: {:?} {:?}", faults(&report), report.signature);
    }

    #[test]
    fn a_flipped_byte_anywhere_makes_nothing_else_of_it(at in any::<prop::sample::Index>(), flip in 1..=255_u8) {
        let mut flipped = zip().to_vec();
        let at = at.index(flipped.len());
        flipped[at] ^= flip;

        // Outside of the files, as in a time in the zip's directory, it may change nothing that anybody unpacks.
        if let Ok(report) = report(&flipped) && report.is_intact() {
            prop_assert!(PLACES.iter().all(|(_, place)| !place.contains(&at)));
            prop_assert_eq!(unpacked(&flipped), unpacked(zip()));
        }
    }
}

#[test]
fn packed_anew_without_a_change_it_is_intact() {
    assert!(report(&packed(&unpacked(zip()))).unwrap().is_intact());
}

#[test]
fn a_missing_and_an_added_file_are_named() {
    let mut files = unpacked(zip());
    files.remove(1);
    files.push(("frames/0004.jpg".into(), b"new".to_vec()));

    let report = report(&packed(&files)).unwrap();

    assert_eq!(faults(&report), [("frames/0002.jpg", &State::Missing), ("frames/0004.jpg", &State::Added)]);
    assert!(matches!(report.signature, Signature::Good { .. }));
}

#[test]
fn a_picture_that_was_put_in_another_s_place_is_named() {
    let mut files = unpacked(zip());
    let other = files[1].1.clone();
    files[0].1 = other;

    assert_eq!(faults(&report(&packed(&files)).unwrap()), [("frames/0001.jpg", &State::Changed)]);
}

#[test]
fn new_sums_over_a_changed_file_are_not_signed() {
    let mut files = unpacked(zip());
    files[0].1.push(0);
    let digest = crate::sums::digest(&files[0].1);
    let sums = String::from_utf8(files[8].1.clone()).unwrap();
    let old = sums.lines().find(|line| line.ends_with("frames/0001.jpg")).unwrap().to_owned();
    files[8].1 = sums.replace(&old, &format!("{digest}  frames/0001.jpg")).into_bytes();

    let report = report(&packed(&files)).unwrap();

    assert_eq!(report.signature, Signature::Wrong);
    assert_eq!(faults(&report), [("SHA256SUMS", &State::Changed), ("SHA256SUMS.minisig", &State::Changed)]);
}

#[test]
fn a_package_signed_anew_by_somebody_else_is_another_key_s() {
    let mut files = unpacked(zip());
    let other = Signer::from_secret(&[9; 32]).unwrap();
    files[9].1 = other.sign(&files[8].1, "timestamp:1").into_bytes();

    let with_our_key = report(&packed(&files)).unwrap();
    assert_eq!(with_our_key.signature, Signature::OtherKey { id: other.public_key().id() });

    files[7].1 = other.public_key().to_file().into_bytes();
    let with_theirs = report(&packed(&files)).unwrap();
    assert!(matches!(with_theirs.signature, Signature::Good { key, .. } if key == other.public_key()));
    assert_eq!(faults(&with_theirs), [("device.pub", &State::Changed)]);
}

#[test]
fn without_its_signature_its_key_or_its_sums_it_is_not_intact() {
    let without = |name: &str| {
        let mut files = unpacked(zip());
        files.retain(|(other, _)| other != name);
        report(&packed(&files)).unwrap()
    };

    assert_eq!(without("SHA256SUMS.minisig").signature, Signature::Missing);
    assert_eq!(without("device.pub").signature, Signature::NoKey);
    let no_sums = without("SHA256SUMS");
    assert_eq!(no_sums.signature, Signature::NothingSigned);
    assert!(no_sums.faults().any(|file| file.name == "SHA256SUMS" && file.state == State::Missing));
    assert!(no_sums.faults().any(|file| file.name == "frames/0001.jpg" && file.state == State::Unchecked));
}

#[test]
fn a_signature_file_that_is_none_is_named() {
    let long = "x".repeat(100_000);
    for text in ["", "nonsense", "untrusted comment: a\nAAAA\ntrusted comment: b\nAAAA\n", long.as_str()] {
        let mut files = unpacked(zip());
        files[9].1 = text.as_bytes().to_vec();

        let report = report(&packed(&files)).unwrap();

        assert_eq!(report.signature, Signature::Unreadable);
        assert!(report.faults().any(|file| file.name == "SHA256SUMS.minisig"), "{report:?}");
    }
}
