//! Rows 39 to 41: the notification daemon and the keychain do not do as they should.

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use support::bus::{self, Daemon, is_in_files};
use support::desk::{Desk, Make, quick_link};
use support::matrix::{self, Fault};
use support::shop::Shop;
use support::wait;
use visionguard_client::keychain::{Keychain, Secret, SystemKeychain, entry};
use visionguard_client::shell::Outcome;
use visionguard_client::view::Status;

use crate::world::{EMAIL, PASSWORD, exactly};

#[test]
fn fault_39_the_notification_daemon_is_absent_and_comes_late() {
    in_a_session(39, "a private D-Bus without a daemon, which is started later", async |fault| {
        let (shop, desk) = protected(Make::default()).await;

        shop.publish().await;
        until_acked(&shop).await;
        until_notice(&desk, "no_notifications", true).await;
        let _daemon = Daemon::notifications();

        // It is tried again by itself, without another alert.
        until_shown(&desk, 1).await;
        until_notice(&desk, "no_notifications", false).await;
        shop.publish().await;
        until_shown(&desk, 2).await;
        exactly(&desk, &shop.published()).await;
        assert_eq!(desk.record().status(), Some(Status::Protected));
        fault.held(&["I1", "I2", "I11"]);
    });
}

#[test]
fn fault_40_the_notification_daemon_is_frozen() {
    in_a_session(40, "SIGSTOP to the daemon on a private D-Bus, then SIGCONT", async |fault| {
        let daemon = Daemon::notifications();
        let (shop, desk) = protected(Make::default()).await;
        shop.publish().await;
        until_shown(&desk, 1).await;

        daemon.freeze();
        for _ in 0..20 {
            shop.publish().await;
        }
        until_acked(&shop).await;
        assert_eq!(desk.record().status(), Some(Status::Protected));
        until_notice(&desk, "no_notifications", true).await;
        daemon.thaw();

        until_notified(&desk, 21).await;
        exactly(&desk, &shop.published()).await;
        assert_eq!(desk.record().status(), Some(Status::Protected));
        fault.held(&["I1", "I5", "I11"]);
    });
}

#[test]
fn fault_40_the_notification_daemon_fails_and_recovers() {
    in_a_session(40, "a daemon on a private D-Bus that answers each call with an error", async |fault| {
        let daemon = Daemon::notifications();
        let (shop, desk) = protected(Make::default()).await;

        daemon.answer_notify("raise dbus.exceptions.DBusException('full', name='org.example.Full')");
        for _ in 0..5 {
            shop.publish().await;
        }
        until_acked(&shop).await;
        until_notice(&desk, "no_notifications", true).await;
        daemon.answer_notify("ret = 1");

        until_notified(&desk, 5).await;
        exactly(&desk, &shop.published()).await;
        fault.held(&["I1", "I11"]);
    });
}

#[test]
fn fault_40_the_notification_daemon_takes_64_ms_a_call() {
    in_a_session(40, "a daemon on a private D-Bus that sleeps 64 ms in each call", async |fault| {
        let daemon = Daemon::notifications();
        let (shop, desk) = protected(Make::default()).await;

        daemon.answer_notify("import time\ntime.sleep(0.064)\nret = 1");
        for _ in 0..40 {
            shop.publish().await;
        }

        until_acked(&shop).await;
        until_notified(&desk, 40).await;
        exactly(&desk, &shop.published()).await;
        let failed = desk.record().outcomes.iter().any(|outcome| matches!(outcome, Outcome::Failed { .. }));
        assert!(!failed, "{:?}", desk.record().outcomes);
        fault.held(&["I1", "I2", "I5"]);
    });
}

#[test]
fn fault_41_without_a_keychain_the_session_lasts_until_the_end_and_nothing_is_written() {
    in_a_session(41, "a private D-Bus without a keychain", async |fault| {
        let make = Make { keychain: Arc::new(SystemKeychain::new()), ..Make::default() };

        let (shop, desk) = protected(make).await;
        until_notice(&desk, "no_keychain", true).await;
        shop.publish().await;
        until_acked(&shop).await;
        nothing_secret_in(&desk);
        let desk = desk.restart().await;

        assert_eq!(desk.until_status(Status::SignedOut).await.status, Status::SignedOut);
        nothing_secret_in(&desk);
        fault.held(&["I9", "I10", "I11"]);
    });
}

#[test]
fn fault_41_a_locked_keychain_is_said_to_be_so_and_used_once_it_is_unlocked() {
    in_a_session(41, "gnome-keyring on a private D-Bus, locked, then unlocked", async |fault| {
        let daemon = Daemon::keychain("till");
        let make = Make { keychain: Arc::new(SystemKeychain::new()), ..Make::default() };
        let (shop, desk) = protected(make).await;
        let mut make = desk.end().await;
        make.pace.keychain_every = Duration::from_millis(500);
        daemon.end(true);

        let daemon = Daemon::locked_keychain();
        let desk = Desk::made_of(make);
        desk.recording.raise_for_real(&desk.data_dir().join("pictures"));
        until_notice(&desk, "keychain_locked", true).await;
        assert_eq!(desk.status().await.status, Status::SignedOut);
        nothing_secret_in(&desk);
        daemon.end(true);
        let _daemon = Daemon::keychain("till");

        // By itself: nobody signs in again.
        desk.until_status(Status::Protected).await;
        until_notice(&desk, "keychain_locked", false).await;
        shop.publish().await;
        until_acked(&shop).await;
        fault.held(&["I1", "I9", "I10", "I11"]);
    });
}

#[test]
fn fault_41_a_keychain_that_takes_longer_than_anybody_waits() {
    in_a_session(41, "SIGSTOP to gnome-keyring on a private D-Bus, then SIGCONT", async |fault| {
        let daemon = Daemon::keychain("till");
        let keychain = Arc::new(SystemKeychain::with_deadline(Duration::from_secs(1)));
        let make = Make { keychain, ..Make::default() };
        let (shop, desk) = protected(make).await;
        let mut make = desk.end().await;
        make.pace.keychain_every = Duration::from_millis(500);

        daemon.freeze();
        let desk = Desk::made_of(make);
        until_notice(&desk, "keychain_locked", true).await;
        daemon.thaw();

        desk.until_status(Status::Protected).await;
        shop.publish().await;
        until_acked(&shop).await;
        nothing_secret_in(&desk);
        fault.held(&["I1", "I9", "I10", "I11"]);
    });
}

#[test]
fn fault_41_a_keychain_that_returns_garbage_asks_for_a_sign_in() {
    in_a_session(41, "gnome-keyring on a private D-Bus, its entries overwritten", async |fault| {
        let _daemon = Daemon::keychain("till");
        let keychain = Arc::new(SystemKeychain::new());
        let make = Make { keychain: Arc::<SystemKeychain>::clone(&keychain), ..Make::default() };
        let (shop, desk) = protected(make).await;
        let make = desk.end().await;

        // One alone would be renewed with the other.
        for secret in [Secret::Access, Secret::Refresh] {
            let garbage = SecretString::from("\u{1}garbage\u{202e}");
            keychain.set(&entry(secret, make.folder.path()), &garbage).await.unwrap();
        }
        let desk = Desk::made_of(make);

        let view = desk.until_status(Status::SignedOut).await;
        assert!(view.sentence.ends_with('.'), "{view:?}");
        desk.sign_in(&shop.credentials().server, EMAIL, PASSWORD).await.unwrap();
        desk.until_status(Status::Protected).await;
        shop.publish().await;
        until_acked(&shop).await;
        fault.held(&["I9", "I10", "I11"]);
    });
}

/// Runs the body inside a session of its own; the outer process only waits for it.
fn in_a_session(number: u8, injected: &str, body: impl AsyncFnOnce(Fault)) {
    if let Some(missing) = bus::missing() {
        return matrix::row(number, injected).not_possible(&missing);
    }
    if !bus::inside_a_session() {
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(body(matrix::row(number, injected)));
}

async fn protected(make: Make) -> (Shop, Desk) {
    let shop = Shop::open().await;
    let desk = Desk::made_of(Make { link: quick_link(), ..make });
    desk.recording.raise_for_real(&desk.data_dir().join("pictures"));
    desk.sign_in(&shop.credentials().server, EMAIL, PASSWORD).await.unwrap();
    desk.until_status(Status::Protected).await;
    (shop, desk)
}

async fn until_acked(shop: &Shop) {
    wait::until("everything to be acknowledged", || {
        let acked = shop.acked();
        shop.published().iter().all(|id| acked.contains(id)).then_some(())
    })
    .await;
}

/// Waits until the daemon took so many notifications about alerts.
async fn until_shown(desk: &Desk, count: usize) {
    desk.recording
        .until(&format!("{count} notifications shown"), |record| {
            let shown = |outcome: &&Outcome| matches!(outcome, Outcome::Shown { alert: Some(_), .. });
            (record.outcomes.iter().filter(shown).count() >= count).then_some(())
        })
        .await;
}

/// Waits until the journal has so many alerts marked as shown: singly, or in a summary.
pub(super) async fn until_notified(desk: &Desk, count: usize) {
    let deadline = tokio::time::Instant::now() + wait::PATIENCE * 2;
    loop {
        let entries = support::process::journal(desk.data_dir()).await;
        let notified = entries.iter().filter(|entry| entry.alert.notified_at.is_some()).count();
        if notified >= count {
            return;
        }
        assert!(
            tokio::time::Instant::now() < deadline,
            "{notified} of {count} shown; {:?}",
            desk.record().outcomes
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn until_notice(desk: &Desk, code: &str, there: bool) {
    let deadline = tokio::time::Instant::now() + wait::PATIENCE;
    while desk.client.snapshot().await.notices.iter().any(|notice| notice.code == code) != there {
        assert!(tokio::time::Instant::now() < deadline, "the notice {code} never: {there}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Every token of these servers begins like this.
fn nothing_secret_in(desk: &Desk) {
    for secret in [PASSWORD, "eyJ"] {
        assert!(!is_in_files(desk.data_dir(), secret), "a secret is in a file");
    }
}
