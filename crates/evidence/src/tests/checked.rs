//! What is written is found good, and is the same each time.

use std::io::Cursor;

use super::{faults, report, unpacked};
use crate::testing::{case, picture, pictures, signer, zip, zip_of};
use crate::{PublicKey, Signature, Signer, WriteError, verify, write};

#[test]
fn a_package_is_intact_and_says_whose_it_is() {
    let report = report(zip()).unwrap();

    assert!(report.is_intact(), "{report:?}");
    assert_eq!(report.key, Some(signer().public_key()));
    let Signature::Good { key, trusted_comment, expected } = &report.signature else { panic!("{report:?}") };
    assert_eq!((*key, *expected), (signer().public_key(), None));
    assert_eq!(trusted_comment, "timestamp:1795890000 file:SHA256SUMS hashed saved 2026-11-28 18:20:00 UTC");
}

#[test]
fn it_has_the_files_that_are_promised() {
    let files = unpacked(zip());

    let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "frames/0001.jpg",
            "frames/0002.jpg",
            "frames/0003.jpg",
            "READ-ME-FIRST.pdf",
            "report.html",
            "incident.json",
            "custody.csv",
            "device.pub",
            "SHA256SUMS",
            "SHA256SUMS.minisig"
        ]
    );
    assert_eq!(files[1].1, picture(102));
    assert_eq!(files[7].1, signer().public_key().to_file().into_bytes());
}

#[test]
fn the_same_case_gives_the_same_bytes() {
    assert!(zip_of(&case()) == zip());
}

#[test]
fn the_key_that_the_shop_names_must_be_the_key_that_signed() {
    let other = Signer::from_secret(&[8; 32]).unwrap().public_key();
    let namesake = PublicKey { id: signer().public_key().id, key: other.key };

    let by = |key: &PublicKey| verify(Cursor::new(zip()), Some(key)).unwrap();

    let good = by(&signer().public_key());
    assert!(good.is_intact() && matches!(good.signature, Signature::Good { expected: Some(true), .. }));
    assert_eq!(by(&other).signature, Signature::OtherKey { id: signer().public_key().id() });
    assert_eq!(by(&namesake).signature, Signature::Wrong);
    assert!(!by(&other).is_intact() && !by(&namesake).is_intact());
}

#[test]
fn a_picture_whose_bytes_are_gone_is_said_and_leaves_the_rest() {
    let mut out = Cursor::new(Vec::new());
    let some = |alert| if alert == 102 { Ok(None) } else { pictures(alert) };

    let written = write(&case(), some, &signer(), &mut out).unwrap();

    assert_eq!((written.pictures, written.without_bytes), (2, 1));
    let report = report(out.get_ref()).unwrap();
    assert!(report.is_intact(), "{:?}", faults(&report));
    assert_eq!(report.digest, Some(written.digest));
    let html = unpacked(out.get_ref()).into_iter().find(|(name, _)| name == "report.html").unwrap().1;
    assert!(String::from_utf8(html).unwrap().contains("No picture"));
}

#[test]
fn pictures_of_any_kind_are_kept_as_they_are_and_never_stop_it() {
    let kinds: [&[u8]; 4] =
        [b"", b"no picture", b"\xff\xd8\xff\xc9\x00\x0b\x08\x00\xf0\x01\x90\x01", &picture(1)[..200]];
    for bytes in kinds {
        let mut out = Cursor::new(Vec::new());

        write(&case(), |_| Ok(Some(bytes.to_vec())), &signer(), &mut out).unwrap();

        assert!(report(out.get_ref()).unwrap().is_intact());
        assert_eq!(unpacked(out.get_ref())[0].1, bytes);
    }
}

#[test]
fn one_picture_is_asked_for_at_a_time_and_what_fails_is_named() {
    let mut asked = Vec::new();
    let failing = |alert| {
        asked.push(alert);
        if alert == 102 { Err(std::io::Error::other("the disk is gone")) } else { pictures(alert) }
    };

    let error = write(&case(), failing, &signer(), Cursor::new(Vec::new())).unwrap_err();

    assert_eq!(asked, [101, 102]);
    assert!(matches!(error, WriteError::Picture { alert: 102, .. }));
    let mut empty = case();
    empty.incidents.clear();
    assert!(matches!(write(&empty, pictures, &signer(), Cursor::new(Vec::new())), Err(WriteError::Empty)));
}

#[test]
fn the_sheet_is_in_the_archive_s_form_of_pdf() {
    let sheet = unpacked(zip()).into_iter().find(|(name, _)| name == "READ-ME-FIRST.pdf").unwrap().1;

    let said = String::from_utf8_lossy(&sheet);

    assert!(
        said.contains("<pdfaid:part>2</pdfaid:part>")
            && said.contains("<pdfaid:conformance>U</pdfaid:conformance>")
    );
}
