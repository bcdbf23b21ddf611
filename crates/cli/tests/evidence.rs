//! Evidence from a real journal, beside the running program: saved, verified, tampered with.

#[allow(dead_code, reason = "another test uses the rest")]
mod shop;

use serde_json::Value;
use shop::Shop;

#[test]
fn an_incident_is_saved_verified_and_found_out_when_a_byte_is_another() {
    let shop = Shop::open();
    let mut watch = shop.watch();
    watch.wait_for("protected", |line| line["status"] == "protected");
    shop.publish(1);
    let alert = watch.wait_for("the alert", |line| line["event"] == "alert");
    let incident = alert["incident"].as_str().expect("its incident");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("evidence.zip");
    let zip = path.to_str().expect("a path");

    let saved = shop.run(&["evidence", incident, "--out", zip, "--reference", "Report 4711"]);
    let again = shop.run(&["evidence", incident, "--out", zip]);
    let unknown = shop.run(&["evidence", "999", "--out", &format!("{zip}.other")]);
    watch.stop();

    assert_eq!((saved.exit, again.exit, unknown.exit), (0, 2, 6), "{saved:?} {again:?} {unknown:?}");
    assert!(saved.out.contains("with 1 picture"), "{saved:?}");
    let key = saved.out.split(' ').find(|word| word.starts_with("RW")).expect("the key");

    let good = shop.run(&["verify", zip, "--key", key]);
    let told: Value = serde_json::from_str(&shop.run(&["verify", zip, "--json"]).out).expect("one object");
    assert_eq!(good.exit, 0, "{good:?}");
    assert_eq!((&told["intact"], &told["signature"]["state"]), (&true.into(), &"good".into()), "{told}");
    assert_eq!(told["signature"]["key"], key);
    // Without a keychain every program has a key of its own.
    let other = shop.run(&["evidence", "--show-key"]).out;
    let of_other = shop.run(&["verify", zip, "--key", other.split(' ').next().unwrap_or_default()]);
    assert_eq!(of_other.exit, 6, "{of_other:?}");

    let mut bytes = std::fs::read(&path).expect("the zip");
    let at = bytes.windows(3).position(|part| part == [0xff, 0xd8, 0xff]).expect("the picture") + 40;
    bytes[at] ^= 1;
    std::fs::write(&path, bytes).expect("written");
    let bad = shop.run(&["verify", zip]);
    assert_eq!(bad.exit, 6, "{bad:?}");
    assert!(bad.out.contains("frames/0001.jpg: damaged"), "{bad:?}");
}

#[test]
fn what_is_no_evidence_is_said_and_what_cannot_be_read_is_another_thing() {
    let shop = Shop::open();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("holiday.zip");
    std::fs::write(&path, "not a zip").expect("written");

    let no_zip = shop.run(&["verify", path.to_str().expect("a path")]);
    let nothing = shop.run(&["verify", "/nowhere/evidence.zip"]);

    assert_eq!((no_zip.exit, nothing.exit), (6, 1), "{no_zip:?} {nothing:?}");
    assert!(no_zip.err.contains("Not to be trusted: this is not a zip"), "{no_zip:?}");
}
