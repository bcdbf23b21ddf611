//! The programs that everybody has find the same: Debian's `unzip`, `sha256sum`, `minisign`, Python's zipfile, poppler and qpdf.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Command;

use jiff::SignedDuration;
use tempfile::TempDir;

use crate::Alert;
use crate::testing::{case, signer, zip, zip_of};

/// Whether a program ended well, and all that it said.
fn run<I: AsRef<OsStr>>(
    folder: &Path,
    program: &str,
    arguments: impl IntoIterator<Item = I>,
) -> (bool, String) {
    let output = Command::new(program).args(arguments).current_dir(folder).env("LC_ALL", "C.UTF-8").output();
    let output = output.unwrap_or_else(|error| panic!("cannot start {program} (cargo xtask setup): {error}"));
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    (output.status.success(), said.concat())
}

/// A folder with the package, and what `unzip` made of it in `unpacked`.
fn unpacked() -> (TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("evidence.zip"), zip()).unwrap();
    let (good, said) = run(folder.path(), "unzip", ["-q", "evidence.zip", "-d", "unpacked"]);
    assert!(good, "{said}");
    let unpacked = folder.path().join("unpacked");
    (folder, unpacked)
}

#[test]
fn unzip_and_python_find_no_fault_in_the_zip() {
    let (folder, _) = unpacked();

    let (good, said) = run(folder.path(), "unzip", ["-t", "evidence.zip"]);
    assert!(good && said.contains("No errors detected"), "{said}");

    let script = "import zipfile; z = zipfile.ZipFile('evidence.zip'); assert z.testzip() is None; print(len(z.namelist()))";
    let (good, said) = run(folder.path(), "python3", ["-c", script]);
    assert!(good && said.trim() == "10", "{said}");
}

#[test]
fn sha256sum_and_minisign_find_it_good() {
    let (_folder, unpacked) = unpacked();

    let (good, said) = run(&unpacked, "sha256sum", ["--strict", "-c", "SHA256SUMS"]);
    assert!(good && said.lines().filter(|line| line.ends_with(": OK")).count() == 8, "{said}");

    let (good, said) = run(&unpacked, "minisign", ["-Vm", "SHA256SUMS", "-p", "device.pub"]);
    assert!(good && said.contains("saved 2026-11-28 18:20:00 UTC"), "{said}");
    let key = signer().public_key().to_string();
    let (good, said) = run(&unpacked, "minisign", ["-Vm", "SHA256SUMS", "-P", &key]);
    assert!(good, "{said}");
}

#[test]
fn sha256sum_and_minisign_find_a_change() {
    let (_folder, unpacked) = unpacked();
    let mut picture = fs::read(unpacked.join("frames/0002.jpg")).unwrap();
    picture[900] ^= 1;
    fs::write(unpacked.join("frames/0002.jpg"), picture).unwrap();

    let (good, said) = run(&unpacked, "sha256sum", ["-c", "SHA256SUMS"]);
    assert!(!good && said.contains("frames/0002.jpg: FAILED"), "{said}");

    let sums = fs::read_to_string(unpacked.join("SHA256SUMS")).unwrap();
    fs::write(unpacked.join("SHA256SUMS"), sums.replacen('a', "b", 1)).unwrap();
    let (good, said) = run(&unpacked, "minisign", ["-Vm", "SHA256SUMS", "-p", "device.pub"]);
    assert!(!good, "{said}");
}

#[test]
fn minisign_shows_our_key_s_id_where_it_meets_another_key() {
    let (_folder, unpacked) = unpacked();
    let other = crate::Signer::from_secret(&[8; 32]).unwrap().public_key();

    let (good, said) = run(&unpacked, "minisign", ["-Vm", "SHA256SUMS", "-P", &other.to_string()]);

    assert!(!good && said.contains(&signer().public_key().id()) && said.contains(&other.id()), "{said}");
}

#[test]
fn the_sheet_is_a_sound_pdf_with_its_words_and_fonts_in_it() {
    let (_folder, unpacked) = unpacked();

    let (good, said) = run(&unpacked, "qpdf", ["--check", "READ-ME-FIRST.pdf"]);
    assert!(good && said.contains("No syntax or stream encoding errors found"), "{said}");

    let (good, said) = run(&unpacked, "pdftotext", ["-layout", "READ-ME-FIRST.pdf", "-"]);
    assert!(good, "{said}");
    for words in [
        "Theft",
        "Harbour Market \u{b7} Till 2",
        "They are not the recording",
        "Sat 28 Nov 2026, 14:01 (UTC+01:00) to 14:06",
        "sha256sum -c SHA256SUMS",
        &signer().public_key().to_string(),
        "Decided: resolved",
        "Police called, 2 bottles",
        "frames/0003.jpg",
    ] {
        assert!(said.contains(words), "{words:?} is not in:\n{said}");
    }

    let (_, fonts) = run(&unpacked, "pdffonts", ["READ-ME-FIRST.pdf"]);
    let embedded = fonts.lines().skip(2).all(|line| line.contains(" yes yes yes"));
    assert!(fonts.lines().count() > 3 && embedded, "{fonts}");
    let (_, pictures) = run(&unpacked, "pdfimages", ["-list", "READ-ME-FIRST.pdf"]);
    assert_eq!(pictures.matches(" jpeg ").count(), 3, "{pictures}");
}

#[test]
fn arabic_and_bengali_names_are_on_the_sheet_and_other_letters_send_to_the_report() {
    let mut case = case();
    case.incidents[0].camera = Some("\u{627}\u{644}\u{628}\u{627}\u{628} 2".into());
    case.incidents[0].store = Some("\u{9a2}\u{9be}\u{995}\u{9be} \u{9ac}\u{9be}\u{99c}\u{9be}\u{9b0}".into());
    case.incidents[0].alerts[0].text = Some("\u{6f22}\u{5b57}".into());
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("evidence.zip"), zip_of(&case)).unwrap();
    run(folder.path(), "unzip", ["-q", "evidence.zip"]);

    let (good, said) = run(folder.path(), "pdftotext", ["READ-ME-FIRST.pdf", "-"]);

    let said: String = said
        .chars()
        .filter(|char| !matches!(char, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'))
        .collect();
    assert!(good);
    for words in [
        "\u{627}\u{644}\u{628}\u{627}\u{628}",
        "\u{9a2}\u{9be}\u{995}\u{9be} \u{9ac}\u{9be}\u{99c}\u{9be}\u{9b0}",
        "[see report.html]",
    ] {
        assert!(said.contains(words), "{words} is not in:\n{said}");
    }
    assert!(!said.contains('\u{6f22}') && !said.contains('\u{fffd}'), "{said}");
    // Every glyph on it stands for a text: the archive's form asks for that.
    let sheet = fs::read(folder.path().join("READ-ME-FIRST.pdf")).unwrap();
    assert!(String::from_utf8_lossy(&sheet).contains("<pdfaid:conformance>U</pdfaid:conformance>"));
}

#[test]
fn an_incident_of_a_thousand_alerts_is_a_sheet_of_a_few_pages() {
    let mut case = case();
    let first = case.incidents[0].alerts[0].clone();
    let many = (0..1_000).map(|number| Alert {
        number,
        frame: None,
        received_at: first.received_at + SignedDuration::from_secs(number),
        ..first.clone()
    });
    case.incidents[0].alerts = many.collect();
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("evidence.zip"), zip_of(&case)).unwrap();
    run(folder.path(), "unzip", ["-q", "evidence.zip"]);

    let (_, said) = run(folder.path(), "pdfinfo", ["READ-ME-FIRST.pdf"]);
    let pages = said.lines().find_map(|line| line.strip_prefix("Pages:")?.trim().parse::<u32>().ok());
    assert!(pages.is_some_and(|pages| pages < 8), "{said}");
    let (_, said) = run(folder.path(), "pdftotext", ["READ-ME-FIRST.pdf", "-"]);
    assert!(said.contains("960 alerts more came in between") && said.contains("Decided: resolved"), "{said}");
}
