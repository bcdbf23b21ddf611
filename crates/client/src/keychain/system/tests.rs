//! Against the real gnome-keyring on a session bus of its own: each test runs itself again inside `dbus-run-session`.

use std::io::Write;
use std::process::{Child, Command, Stdio};

use super::*;
use crate::testing::inside_a_session;

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
                assert_eq!(get(keychain).await, Err(KeychainError::Unavailable));
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

fn is_owned(name: &str) -> bool {
    let output = Command::new("dbus-send")
        .args([
            "--session",
            "--print-reply",
            "--dest=org.freedesktop.DBus",
            "/",
            "org.freedesktop.DBus.NameHasOwner",
        ])
        .arg(format!("string:{name}"))
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stdout).contains("boolean true")
}
