//! Against the real gnome-keyring on a session bus of its own: each test runs itself again inside `dbus-run-session`.

use std::io::Write;
use std::process::{Child, Command, Stdio};

use super::*;
use crate::testing::{Running, Screen, inside_a_session, is_owned, until_owned};

const PASSWORD: &[u8] = b"till-password";

#[test]
fn an_unlocked_keychain_keeps_replaces_and_forgets_a_secret() {
    inside_a_session(
        "keychain::system::tests::an_unlocked_keychain_keeps_replaces_and_forgets_a_secret",
        || {
            let _daemon = Daemon::start_unlocked();
            with_keychain(async |keychain| {
                assert_eq!(get(keychain).await, Ok(None));

                set(keychain, "first").await.unwrap();
                assert_eq!(get(keychain).await, Ok(Some("first".into())));

                set(keychain, "second").await.unwrap();
                assert_eq!(get(keychain).await, Ok(Some("second".into())));

                keychain.delete(ENTRY).await.unwrap();
                keychain.delete(ENTRY).await.unwrap();
                assert_eq!(get(keychain).await, Ok(None));
            });
        },
    );
}

#[test]
fn a_long_token_is_split_and_leaves_nothing_behind() {
    inside_a_session("keychain::system::tests::a_long_token_is_split_and_leaves_nothing_behind", || {
        let _daemon = Daemon::start_unlocked();
        with_keychain(async |keychain| {
            let long = "x".repeat(5000);
            set(keychain, &long).await.unwrap();
            assert_eq!(get(keychain).await, Ok(Some(long)));
            assert!(keychain.get("access:test#4").await.unwrap().is_some());

            set(keychain, "short").await.unwrap();
            assert_eq!(get(keychain).await, Ok(Some("short".into())));
            assert!(keychain.get("access:test#0").await.unwrap().is_none());
        });
    });
}

#[test]
fn a_locked_keychain_says_that_it_is_locked() {
    inside_a_session("keychain::system::tests::a_locked_keychain_says_that_it_is_locked", || {
        let daemon = Daemon::start_unlocked();
        with_keychain(async |keychain| set(keychain, "secret").await.unwrap());
        daemon.stop();

        let _daemon = Daemon::start_locked();
        with_keychain(async |keychain| {
            assert_eq!(get(keychain).await, Err(KeychainError::Locked));
            assert_eq!(set(keychain, "other").await, Err(KeychainError::Locked));
        });
    });
}

#[test]
fn without_a_service_there_is_no_keychain() {
    inside_a_session("keychain::system::tests::without_a_service_there_is_no_keychain", || {
        with_keychain(async |keychain| {
            assert_eq!(get(keychain).await, Err(KeychainError::Unavailable));
            assert_eq!(set(keychain, "secret").await, Err(KeychainError::Unavailable));
        });
    });
}

#[test]
fn without_a_keyring_nothing_found_is_not_taken_for_signed_out() {
    inside_a_session(
        "keychain::system::tests::without_a_keyring_nothing_found_is_not_taken_for_signed_out",
        || {
            let _daemon = Daemon::start_locked();
            with_keychain(async |keychain| {
                assert_eq!(get(keychain).await, Err(KeychainError::NoKeyring));
            });
        },
    );
}

#[test]
fn a_keychain_that_appears_late_is_found() {
    inside_a_session("keychain::system::tests::a_keychain_that_appears_late_is_found", || {
        with_keychain(async |keychain| {
            assert_eq!(set(keychain, "secret").await, Err(KeychainError::Unavailable));

            let _daemon = Daemon::start_unlocked();

            set(keychain, "secret").await.unwrap();
            assert_eq!(get(keychain).await, Ok(Some("secret".into())));
        });
    });
}

#[test]
fn a_keychain_that_was_restarted_is_found_again() {
    inside_a_session("keychain::system::tests::a_keychain_that_was_restarted_is_found_again", || {
        let daemon = Daemon::start_unlocked();
        with_keychain(async |keychain| {
            set(keychain, "secret").await.unwrap();
            daemon.stop();
            assert_eq!(get(keychain).await, Err(KeychainError::Unavailable));

            let _daemon = Daemon::start_unlocked();

            assert_eq!(get(keychain).await, Ok(Some("secret".into())));
        });
    });
}

#[test]
fn a_keychain_that_does_not_answer_does_not_hold_anybody_up() {
    inside_a_session(
        "keychain::system::tests::a_keychain_that_does_not_answer_does_not_hold_anybody_up",
        || {
            let daemon = Daemon::start_unlocked();
            with_keychain(async |_| {
                let hasty = SystemKeychain::with_deadline(Duration::from_millis(500));
                set(&hasty, "secret").await.unwrap();
                daemon.freeze();

                assert_eq!(get(&hasty).await, Err(KeychainError::Timeout));

                daemon.thaw();
            });
        },
    );
}

#[test]
fn case_52_a_prompt_of_a_service_that_was_restarted_is_not_waited_for() {
    inside_a_session(
        "keychain::system::tests::case_52_a_prompt_of_a_service_that_was_restarted_is_not_waited_for",
        || {
            let screen = Screen::start();
            let daemon = Daemon::start_unlocked();
            with_keychain(async |keychain| {
                set(keychain, "secret").await.unwrap();
                daemon.stop();
                let locked = Daemon::start_locked();
                let _prompter = prompter(&screen);

                let asked = std::thread::scope(|threads| {
                    let asked = threads.spawn(|| block_on(get(keychain)));
                    screen.until_there_is("--class", "gcr-prompter");
                    locked.stop();
                    let unlocked = Daemon::start_unlocked();
                    let answer = asked.join().unwrap();
                    drop(unlocked);
                    answer
                });

                assert_eq!(asked, Ok(Some("secret".into())), "the very question is put to the new service");
            });
        },
    );
}

#[test]
fn case_52_who_gave_up_does_not_keep_the_next_from_an_answer() {
    inside_a_session(
        "keychain::system::tests::case_52_who_gave_up_does_not_keep_the_next_from_an_answer",
        || {
            let screen = Screen::start();
            let daemon = Daemon::start_unlocked();
            with_keychain(async |_| {
                let hasty = SystemKeychain::with_deadline(Duration::from_secs(3));
                set(&hasty, "secret").await.unwrap();
                daemon.stop();
                let locked = Daemon::start_locked();
                let _prompter = prompter(&screen);
                assert_eq!(get(&hasty).await, Err(KeychainError::Asking));

                locked.stop();
                let _unlocked = Daemon::start_unlocked();

                let patient = Duration::from_secs(30);
                eventually(patient, async || get(&hasty).await == Ok(Some("secret".into()))).await;
            });
        },
    );
}

#[test]
fn case_58_without_a_keyring_one_is_made_through_the_service_s_prompt() {
    inside_a_session(
        "keychain::system::tests::case_58_without_a_keyring_one_is_made_through_the_service_s_prompt",
        || {
            let screen = Screen::start();
            let _daemon = Daemon::start_locked();
            let _prompter = prompter(&screen);
            with_keychain(async |keychain| {
                let stored = std::thread::scope(|threads| {
                    let stored = threads.spawn(|| block_on(set(keychain, "secret")));
                    screen.until_there_is("--class", "gcr-prompter");
                    screen.key(&["t", "i", "l", "l", "Tab", "t", "i", "l", "l", "Return"]);
                    stored.join().unwrap()
                });

                assert_eq!(stored, Ok(()));
                assert_eq!(get(keychain).await, Ok(Some("secret".into())));
            });
        },
    );
}

#[test]
fn case_58_who_makes_no_keyring_is_told_that_there_is_none_and_not_asked_again_at_once() {
    inside_a_session(
        "keychain::system::tests::case_58_who_makes_no_keyring_is_told_that_there_is_none_and_not_asked_again_at_once",
        || {
            // Without a screen the service dismisses the prompt itself.
            let _daemon = Daemon::start_locked();
            with_keychain(async |keychain| {
                assert_eq!(set(keychain, "secret").await, Err(KeychainError::NoKeyring));
                assert_eq!(set(keychain, "secret").await, Err(KeychainError::NoKeyring));
                assert_eq!(keychain.program().await, Some("gnome-keyring".into()));
            });
        },
    );
}

#[test]
fn a_secret_that_is_there_twice_is_read_and_then_kept_once() {
    inside_a_session(
        "keychain::system::tests::a_secret_that_is_there_twice_is_read_and_then_kept_once",
        || {
            let _daemon = Daemon::start_unlocked();
            with_keychain(async |keychain| {
                set(keychain, "first").await.unwrap();
                store_with_another_attribute("older");
                assert_eq!(items(), 2);

                assert!(get(keychain).await.unwrap().is_some());
                set(keychain, "second").await.unwrap();

                assert_eq!(items(), 1);
                assert_eq!(get(keychain).await, Ok(Some("second".into())));
            });
        },
    );
}

#[test]
fn keepassxc_keeps_one_item_and_is_asked_to_unlock_without_holding_anybody_up() {
    inside_a_session(
        "keychain::system::tests::keepassxc_keeps_one_item_and_is_asked_to_unlock_without_holding_anybody_up",
        || {
            let screen = Screen::start();
            let _keepassxc = KeePassXc::start(&screen);
            with_keychain(async |_| {
                let keychain = SystemKeychain::with_deadline(Duration::from_secs(5));
                assert_eq!(get(&keychain).await, Ok(None));
                set(&keychain, "first").await.unwrap();
                set(&keychain, "second").await.unwrap();
                assert_eq!(items(), 1);
                assert_eq!(get(&keychain).await, Ok(Some("second".into())));
                assert_eq!(keychain.program().await, Some("KeePassXC".into()));

                KeePassXc::lock();
                assert_eq!(get(&keychain).await, Err(KeychainError::Asking), "it asks for its password");
                screen.until_there_is("--name", "Unlock Database");
                screen.key(&["p", "w", "Return"]);

                let patient = Duration::from_secs(60);
                eventually(patient, async || get(&keychain).await == Ok(Some("second".into()))).await;
            });
        },
    );
}

#[test]
fn case_58_kwallet_without_a_wallet_offers_to_make_one() {
    inside_a_session("keychain::system::tests::case_58_kwallet_without_a_wallet_offers_to_make_one", || {
        let screen = Screen::start();
        let _kwallet = kwallet(&screen);
        with_keychain(async |keychain| {
            assert_eq!(get(keychain).await, Err(KeychainError::NoKeyring));
            assert_eq!(keychain.program().await, Some("KWallet".into()));

            let stored = std::thread::scope(|threads| {
                let stored = threads.spawn(|| block_on(set(keychain, "secret")));
                screen.until_there_is("--class", "kwalletd5");
                screen.key(&["Escape"]);
                stored.join().unwrap()
            });

            assert_eq!(stored, Err(KeychainError::NoKeyring));
        });
    });
}

#[test]
fn case_58_kwallet_whose_question_stands_open_is_said_to_ask() {
    inside_a_session(
        "keychain::system::tests::case_58_kwallet_whose_question_stands_open_is_said_to_ask",
        || {
            let screen = Screen::start();
            let _kwallet = kwallet(&screen);
            with_keychain(async |_| {
                let hasty = SystemKeychain::with_deadline(Duration::from_secs(5));

                let stored = set(&hasty, "secret").await;

                screen.until_there_is("--class", "kwalletd5");
                assert_eq!(stored, Err(KeychainError::Asking));
            });
        },
    );
}

#[test]
fn case_58_kwallet_that_opens_no_session_lacks_a_part() {
    inside_a_session("keychain::system::tests::case_58_kwallet_that_opens_no_session_lacks_a_part", || {
        // By its process's name a service is known.
        std::fs::write("/proc/self/comm", "kwalletd5").unwrap();
        with_keychain(async |keychain| {
            let _service = zbus::connection::Builder::session()
                .unwrap()
                .serve_at("/org/freedesktop/secrets", WithoutOpenSsl)
                .unwrap()
                .name("org.freedesktop.secrets")
                .unwrap()
                .build()
                .await
                .unwrap();

            assert_eq!(get(keychain).await, Err(KeychainError::CannotUnlock));
            assert_eq!(set(keychain, "secret").await, Err(KeychainError::CannotUnlock));
            std::fs::write("/proc/self/comm", "another").unwrap();
            let another = get(keychain).await;
            assert!(matches!(another, Err(KeychainError::Other(_))), "{another:?}");
        });
    });
}

/// The service of a KWallet without `libqca-qt5-2-plugins`.
struct WithoutOpenSsl;

#[zbus::interface(name = "org.freedesktop.Secret.Service")]
impl WithoutOpenSsl {
    fn open_session(
        &self,
        _algorithm: &str,
        _input: zbus::zvariant::Value<'_>,
    ) -> zbus::fdo::Result<(zbus::zvariant::OwnedValue, zbus::zvariant::OwnedObjectPath)> {
        Err(zbus::fdo::Error::InvalidArgs("createDLGroup failed: maybe libqca-ossl is missing".to_owned()))
    }
}

const ENTRY: &str = "access:test";

async fn get(keychain: &SystemKeychain) -> Result<Option<String>, KeychainError> {
    let secret = keychain.get(ENTRY).await?;
    Ok(secret.map(|secret| secret.expose_secret().to_owned()))
}

async fn set(keychain: &SystemKeychain, secret: &str) -> Result<(), KeychainError> {
    keychain.set(ENTRY, &SecretString::from(secret)).await
}

fn with_keychain(test: impl AsyncFnOnce(&SystemKeychain)) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async { test(&SystemKeychain::new()).await });
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

async fn eventually(patience: Duration, mut is_so: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + patience;
    while !is_so().await {
        assert!(Instant::now() < deadline, "waited in vain");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Asks the person for gnome-keyring.
fn prompter(screen: &Screen) -> Running {
    let running = screen.program("/usr/libexec/gcr-prompter", &[]);
    until_owned("org.gnome.keyring.SystemPrompter", true);
    running
}

/// A second item that a search for our attributes finds too.
fn store_with_another_attribute(secret: &str) {
    let mut tool = Command::new("secret-tool")
        .args(["store", "--label=another", "service", SERVICE, "username", ENTRY, "target", "default"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    tool.stdin.take().unwrap().write_all(secret.as_bytes()).unwrap();
    assert!(tool.wait().unwrap().success());
}

/// How many items the service has for the entry.
fn items() -> usize {
    let output = Command::new("dbus-send")
        .args(["--session", "--print-reply", "--dest=org.freedesktop.secrets", "/org/freedesktop/secrets"])
        .arg("org.freedesktop.Secret.Service.SearchItems")
        .arg(format!("dict:string:string:service,{SERVICE},username,{ENTRY}"))
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stdout).matches("object path").count()
}

/// KeePassXC with one database, open and offered to other programs.
struct KeePassXc {
    _program: Running,
}

impl KeePassXc {
    fn start(screen: &Screen) -> KeePassXc {
        let home = std::path::PathBuf::from(std::env::var_os("HOME").unwrap());
        let config = home.join(".config/keepassxc");
        std::fs::create_dir_all(&config).unwrap();
        std::fs::write(config.join("keepassxc.ini"), KEEPASSXC_INI).unwrap();
        std::fs::write(home.join("db.xml"), KEEPASSXC_XML).unwrap();
        let (xml, database) = (home.join("db.xml"), home.join("db.kdbx"));
        let mut import = Command::new("keepassxc-cli")
            .args(["import", "-q", "-p"])
            .args([&xml, &database])
            .stdin(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        import.stdin.take().unwrap().write_all(b"pw\npw\n").unwrap();
        assert!(import.wait().unwrap().success());

        let mut command = screen.command("keepassxc");
        command
            .arg("--pw-stdin")
            .arg(&database)
            .env("QT_QPA_PLATFORM", "xcb")
            .env("XDG_CONFIG_HOME", home.join(".config"))
            .stdin(Stdio::piped());
        let mut program = Running::start(&mut command);
        program.0.stdin.take().unwrap().write_all(b"pw\n").unwrap();
        until_owned("org.freedesktop.secrets", true);
        until_said("ReadAlias", &["string:default"], "collection/");
        KeePassXc { _program: program }
    }

    fn lock() {
        let status = Command::new("dbus-send")
            .args(["--session", "--print-reply", "--dest=org.keepassxc.KeePassXC.MainWindow", "/keepassxc"])
            .arg("org.keepassxc.KeePassXC.MainWindow.lockAllDatabases")
            .stdout(Stdio::null())
            .status()
            .unwrap();
        assert!(status.success());
        let deadline = Instant::now() + Duration::from_secs(60);
        while !KeePassXc::is_locked() {
            assert!(Instant::now() < deadline, "KeePassXC does not lock");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn is_locked() -> bool {
        let output = Command::new("dbus-send")
            .args(["--session", "--print-reply", "--dest=org.freedesktop.secrets"])
            .args(["/org/freedesktop/secrets/collection/db", "org.freedesktop.DBus.Properties.Get"])
            .args(["string:org.freedesktop.Secret.Collection", "string:Locked"])
            .output()
            .unwrap();
        String::from_utf8_lossy(&output.stdout).contains("boolean true")
    }
}

const KEEPASSXC_INI: &str = "[General]\nConfigVersion=2\n[FdoSecrets]\nEnabled=true\nShowNotification=false\n\
ConfirmAccessItem=false\nConfirmDeleteItem=false\n[GUI]\nCheckForUpdates=false\n";

/// Its custom data says which group other programs see.
const KEEPASSXC_XML: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<KeePassFile><Meta><Generator>KeePassXC</Generator><DatabaseName>shop</DatabaseName><CustomData><Item>
<Key>FDO_SECRETS_EXPOSED_GROUP</Key><Value>{00112233-4455-6677-8899-aabbccddeeff}</Value></Item></CustomData></Meta>
<Root><Group><UUID>ABEiM0RVZneImaq7zN3u/w==</UUID><Name>Root</Name></Group></Root></KeePassFile>"#;

/// KWallet of a person who never used it.
fn kwallet(screen: &Screen) -> Running {
    let home = std::path::PathBuf::from(std::env::var_os("HOME").unwrap());
    std::fs::create_dir_all(home.join(".config")).unwrap();
    std::fs::write(
        home.join(".config/kwalletrc"),
        "[Wallet]\nFirst Use=false\n[org.freedesktop.secrets]\napiEnabled=true\n",
    )
    .unwrap();
    let mut command = screen.command("kwalletd5");
    let running = Running::start(command.env("XDG_CONFIG_HOME", home.join(".config")));
    until_owned("org.freedesktop.secrets", true);
    running
}

/// Waits until the service answers a call in a way.
fn until_said(method: &str, arguments: &[&str], wanted: &str) {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let output = Command::new("dbus-send")
            .args([
                "--session",
                "--print-reply",
                "--dest=org.freedesktop.secrets",
                "/org/freedesktop/secrets",
            ])
            .arg(format!("org.freedesktop.Secret.Service.{method}"))
            .args(arguments)
            .output()
            .unwrap();
        if String::from_utf8_lossy(&output.stdout).contains(wanted) {
            return;
        }
        assert!(Instant::now() < deadline, "{method} never said {wanted}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A gnome-keyring that ends with the test.
struct Daemon(Child);

impl Daemon {
    fn start_unlocked() -> Daemon {
        let mut daemon = Daemon::start(&["--unlock"], Stdio::piped());
        daemon.0.stdin.take().unwrap().write_all(PASSWORD).unwrap();
        daemon.appears();
        daemon
    }

    fn start_locked() -> Daemon {
        let daemon = Daemon::start(&[], Stdio::null());
        daemon.appears();
        daemon
    }

    fn start(options: &[&str], input: Stdio) -> Daemon {
        let child = Command::new("gnome-keyring-daemon")
            .args(["--foreground", "--components=secrets"])
            .args(options)
            .stdin(input)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Daemon(child)
    }

    fn appears(&self) {
        self.wait_until("it is on the bus", true);
    }

    fn stop(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
        self.wait_until("it has left the bus", false);
    }

    fn freeze(&self) {
        self.signal("-STOP");
    }

    fn thaw(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let status = Command::new("kill").args([signal, &self.0.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    fn wait_until(&self, what: &str, owned: bool) {
        let deadline = std::time::Instant::now() + Duration::from_secs(30);
        while is_owned("org.freedesktop.secrets") != owned {
            assert!(std::time::Instant::now() < deadline, "gnome-keyring: not seen that {what}");
            std::thread::yield_now();
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
