use std::fs;

use rustls::pki_types::pem::PemObject;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::*;
use crate::testing::Authority;

#[test]
fn case_23_a_file_that_is_of_no_use_is_said_and_stops_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        path
    };
    let broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let useless = [
        (folder.path().join("missing.pem"), "No such file"),
        (folder.path().to_owned(), "not a file"),
        (file("empty.pem", b" \n"), "empty"),
        (file("hello.pem", b"hello"), "no certificate"),
        (file("broken.pem", broken), "no certificate"),
        (
            file("key.pem", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
            "no certificate",
        ),
        (file("der.pem", &[0x30, 0x82, 1, 2, 3]), "no certificate"),
    ];

    for (path, why) in useless {
        let trust = Trust::of(Some(&path));

        trust.config().unwrap();
        let trouble = trust.trouble().unwrap();
        assert!(trouble.contains(&path.display().to_string()), "{trouble}");
        let (_, found) = trust.file().unwrap();
        assert!(found.problem.unwrap().to_string().contains(why), "{}", path.display());
    }
    assert_eq!(Trust::of(None).trouble(), None);
}

#[test]
fn case_23_certificates_from_any_editor_are_read_and_a_broken_one_takes_no_other_with_it() {
    let (pem, other) = (Authority::new().pem(), Authority::new().pem());
    let der = CertificateDer::from_pem_slice(pem.as_bytes()).unwrap().to_vec();
    let both = format!("{pem}{other}");
    let half = &pem[..pem.len() / 2];
    let cases: [(&str, Vec<u8>, usize, usize); 9] = [
        ("as it is", both.clone().into_bytes(), 2, 0),
        ("with a mark in front", format!("\u{FEFF}{both}").into_bytes(), 2, 0),
        ("as UTF-16", format!("\u{FEFF}{both}").encode_utf16().flat_map(u16::to_le_bytes).collect(), 2, 0),
        ("with the line ends of Windows", both.replace('\n', "\r\n").into_bytes(), 2, 0),
        (
            "indented and with remarks",
            both.replace('\n', "\n   ").replace("-----BEGIN", "# ours\n -----BEGIN").into_bytes(),
            2,
            0,
        ),
        ("DER", der, 1, 0),
        (
            "broken among good",
            format!("{pem}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n{other}")
                .into_bytes(),
            2,
            1,
        ),
        ("cut in the middle", format!("{pem}{half}").into_bytes(), 1, 1),
        (
            "no base64 among good",
            format!("-----BEGIN CERTIFICATE-----\n%%%\n-----END CERTIFICATE-----\n{pem}").into_bytes(),
            1,
            1,
        ),
    ];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");

    for (name, content, usable, broken) in cases {
        fs::write(&path, content).unwrap();

        let trust = Trust::of(Some(&path));

        assert_eq!(trust.file().unwrap().1, Found { usable, broken, problem: None }, "{name}");
        assert_eq!(trust.trouble().is_some(), broken > 0, "{name}: {:?}", trust.trouble());
    }
}

#[tokio::test]
async fn case_23_a_file_that_appears_or_changes_later_counts_without_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("share/ca.pem");
    let (first, second) = (Authority::new(), Authority::new());
    let trust = Trust::looking_every(Some(&path), Duration::from_millis(20));
    let config = trust.config().unwrap();
    assert!(!is_trusted(&config, &first).await);
    assert!(trust.trouble().is_some());

    fs::create_dir(path.parent().unwrap()).unwrap();
    fs::write(&path, first.pem()).unwrap();
    until_trusted(&config, &first).await;
    assert_eq!(trust.trouble(), None);

    fs::write(&path, second.pem()).unwrap();
    until_trusted(&config, &second).await;
    assert!(!is_trusted(&config, &first).await, "what was taken out is trusted still");

    fs::remove_file(&path).unwrap();
    wait_until(|| trust.trouble().is_some()).await;
    assert!(is_trusted(&config, &second).await, "a share that is gone for a moment takes nothing away");
}

#[tokio::test]
async fn a_file_that_is_named_only_later_counts_without_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (Authority::new(), Authority::new());
    let file = |name: &str, authority: &Authority| {
        let path = folder.path().join(name);
        fs::write(&path, authority.pem()).unwrap();
        path
    };
    let trust = Trust::looking_every(None, Duration::from_millis(20));
    let config = trust.config().unwrap();

    trust.choose(Some(&file("first.pem", &first)));
    until_trusted(&config, &first).await;
    trust.choose(Some(&file("second.pem", &second)));
    until_trusted(&config, &second).await;

    assert!(!is_trusted(&config, &first).await, "what is not named any more is trusted still");
    assert_eq!(trust.trouble(), None);
}

/// Whether a handshake with a server of this authority succeeds.
async fn is_trusted(config: &Arc<ClientConfig>, authority: &Authority) -> bool {
    let server = authority.server("localhost");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let accept = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        if let Ok(mut stream) = TlsAcceptor::from(Arc::new(server)).accept(stream).await {
            let _ = stream.shutdown().await;
        }
    });
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let connected = TlsConnector::from(Arc::clone(config)).connect(name, stream).await;
    let trusted = connected.is_ok();
    drop(connected);
    accept.await.unwrap();
    trusted
}

async fn until_trusted(config: &Arc<ClientConfig>, authority: &Authority) {
    let give_up_at = std::time::Instant::now() + Duration::from_secs(60);
    while !is_trusted(config, authority).await {
        assert!(std::time::Instant::now() < give_up_at, "never trusted");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn wait_until(condition: impl Fn() -> bool) {
    let give_up_at = std::time::Instant::now() + Duration::from_secs(60);
    while !condition() {
        assert!(std::time::Instant::now() < give_up_at, "waited in vain");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
