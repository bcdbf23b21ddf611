//! Every picture of `corpus/`, against what libjpeg-turbo's own `djpeg` shows of it (`corpus/make.py` made both).
#![allow(clippy::unwrap_used, reason = "a test's helpers are tests too")]

use std::path::Path;

use bytes::Bytes;
use proptest::prelude::*;
use sha2::{Digest, Sha256};
use visionguard_picture::{Fit, Pixels, Unshown, decode};
use visionguard_proto::Jpeg;

/// Everything, as it is.
const WHOLE: Fit = Fit { side: u32::MAX, pixels: u64::MAX };

#[test]
fn case_39_every_picture_is_shown_as_libjpeg_turbo_shows_it() {
    let mut checked = 0;
    for expected in expected() {
        let name = &expected.name;
        let shown = decode(picture(name), WHOLE);
        match (&expected.shown, shown) {
            (None, Err(why)) => assert!(why.is_the_pictures(), "{name}: {why}"),
            (None, Ok(pixels)) => panic!("{name}: djpeg shows nothing of it, we {pixels:?}"),
            (Some(_), Err(why)) => panic!("{name}: {why}"),
            (Some(_), Ok(_)) if is_turned(name) => continue,
            (Some((width, height, samples)), Ok(pixels)) => {
                assert_eq!((pixels.width, pixels.height), (*width, *height), "{name}");
                // The library smooths the coarse beginning of a progressive picture by another mask.
                if name != "progressive_early" {
                    assert_eq!(&digest(&pixels), samples, "{name}");
                }
            }
        }
        checked += 1;
    }
    assert!(checked > 110, "{checked}");
}

#[test]
fn case_39_a_picture_with_an_orientation_is_turned_the_right_way_up() {
    let upright = decode(picture("baseline_420"), WHOLE).unwrap();
    for value in 1..=8 {
        let name = format!("orientation_{value}");
        let jpeg = Jpeg::from_bytes(picture(&name)).unwrap();

        let shown = decode(picture(&name), WHOLE).unwrap();

        assert_eq!(shown, upright.clone().turned(jpeg.orientation()), "{name}");
        assert_eq!((shown.width, shown.height), (jpeg.width(), jpeg.height()), "{name}");
        assert_eq!(jpeg.orientation() as u16, value, "{name}");
        assert_eq!(jpeg.is_plain(), value == 1, "{name}");
    }
}

#[test]
fn case_20_whatever_is_shown_is_kept() {
    for expected in expected().into_iter().filter(|expected| expected.shown.is_some()) {
        let kept = Jpeg::from_bytes(picture(&expected.name));

        let (width, height, _) = expected.shown.unwrap();
        let jpeg = kept.unwrap_or_else(|error| panic!("{}: {error}", expected.name));
        let (width, height) =
            if jpeg.orientation().swaps_sides() { (height, width) } else { (width, height) };
        assert_eq!((jpeg.width(), jpeg.height()), (width, height), "{}", expected.name);
        assert_eq!(jpeg.bytes(), &picture(&expected.name), "{}: to the last byte", expected.name);
    }
}

#[test]
fn what_is_plain_is_undamaged_upright_and_ordinary() {
    let plain: Vec<String> = expected()
        .into_iter()
        .map(|expected| expected.name)
        .filter(|name| Jpeg::from_bytes(picture(name)).is_ok_and(|jpeg| jpeg.is_plain()))
        .collect();

    // Those whose pixels are damaged between whole markers are read alike by all who read them with this library.
    let expected = "adobe_1 baseline_420 between_fill between_tables_fill bits_flipped comment cropped_by_jpegtran \
        exif_cut exif_huge grey grey_progressive height_too_small height_too_tall hole mpf narrow no_jfif one_pixel \
        optimised orientation_1 orientation_9 progressive progressive_444 progressive_early quality_1 quality_100 \
        restart_blocks restart_hole restart_lost restart_rows restart_wrong sampling_1x1 sampling_1x2 sampling_2x1 \
        second_picture sof_c1 spectral_wrong trailing turned_by_jpegtran wide";
    assert_eq!(plain.join(" "), expected.split_whitespace().collect::<Vec<_>>().join(" "));
}

#[test]
fn what_nobody_shows_says_why() {
    for (name, why) in [
        ("png", Unshown::NotJpeg),
        ("html", Unshown::NotJpeg),
        ("empty", Unshown::NotJpeg),
        ("front_crlf", Unshown::NotJpeg),
        ("twelve_bits", Unshown::Unsupported),
        ("sof_c3", Unshown::Unsupported),
        ("cut_in_tables", Unshown::Damaged),
        ("height_zero", Unshown::Damaged),
        ("quantisation_missing", Unshown::Damaged),
    ] {
        assert_eq!(decode(picture(name), WHOLE), Err(why), "{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever is done to a picture, nothing panics, and what is shown is what would have been kept.
    #[test]
    fn case_39_every_damage_is_shown_or_told(
        which in any::<proptest::sample::Index>(),
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 0..6),
        cut in any::<proptest::sample::Index>(),
        inserted in proptest::collection::vec(any::<u8>(), 0..6),
    ) {
        let names: Vec<String> = expected().into_iter().map(|expected| expected.name).collect();
        let mut bytes = picture(&names[which.index(names.len())]).to_vec();
        if !bytes.is_empty() {
            for (at, value) in changes {
                let at = at.index(bytes.len());
                bytes[at] = value;
            }
            let at = cut.index(bytes.len());
            bytes.splice(at..at, inserted);
        }
        let bytes = Bytes::from(bytes);

        let kept = Jpeg::from_bytes(bytes.clone());
        match decode(bytes, Fit::POPUP) {
            Ok(shown) => {
                prop_assert!(kept.is_ok());
                prop_assert!(Fit::POPUP.holds(shown.width, shown.height));
                prop_assert_eq!(shown.rgb.len(), 3 * (shown.width * shown.height) as usize);
            }
            Err(why) => prop_assert!(why.is_the_pictures()),
        }
    }
}

struct Expected {
    name: String,
    /// Width, height, and the digest of the samples.
    shown: Option<(u32, u32, String)>,
}

fn expected() -> Vec<Expected> {
    let table = std::fs::read_to_string(folder().join("expected.tsv")).unwrap();
    let rows = table.lines().filter(|line| !line.starts_with('#')).map(|line| {
        let fields: Vec<&str> = line.split('\t').collect();
        let shown = (fields[1] == "yes")
            .then(|| (fields[2].parse().unwrap(), fields[3].parse().unwrap(), fields[4].to_owned()));
        Expected { name: fields[0].to_owned(), shown }
    });
    rows.collect()
}

fn picture(name: &str) -> Bytes {
    Bytes::from(std::fs::read(folder().join(format!("{name}.jpg"))).unwrap())
}

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus")
}

/// `djpeg` does not turn; those are checked by themselves.
fn is_turned(name: &str) -> bool {
    name.starts_with("orientation_") || name == "exif_thumbnail"
}

fn digest(pixels: &Pixels) -> String {
    Sha256::digest(&pixels.rgb).iter().map(|byte| format!("{byte:02x}")).collect()
}
