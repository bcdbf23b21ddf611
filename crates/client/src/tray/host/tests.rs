//! What the findings mean, and what real hosts make of the real item.

use std::process::Command;
use std::time::Instant;

use tokio::sync::watch;

use super::*;
use crate::testing::{Running, Screen, inside_a_session, until_owned};
use crate::tray::item;
use crate::view::{Status, Tray};

#[test]
fn without_a_watcher_nobody_draws() {
    assert_eq!(judge(&Found::default()), Drawn::No);
}

#[test]
fn a_host_that_answers_draws() {
    let found = watched_by("notification-ar");

    assert_eq!(judge(&Found { hosts: vec!["waybar".into()], ..found }), Drawn::By("waybar".into()));
}

#[test]
fn case_55_a_watcher_alone_is_nobody_who_draws() {
    for watcher in ["kded5", "kded6", "ayatana-indicat", "xapp-sn-watcher", "something-new"] {
        assert_eq!(judge(&watched_by(watcher)), Drawn::Unknown(watcher.into()), "{watcher}");
    }
}

#[test]
fn an_applet_draws_what_the_indicator_service_collects_and_nothing_else() {
    let applet = |watcher| judge(&Found { applet: true, ..watched_by(watcher) });

    assert_eq!(applet("ayatana-indicat"), Drawn::By("indicator applet".into()));
    assert_eq!(applet("kded5"), Drawn::Unknown("kded5".into()));
}

#[test]
fn panels_that_watch_and_draw_in_one_are_known() {
    for watcher in ["panel-6-systray", "gnome-shell", "xfce4-panel"] {
        assert_eq!(judge(&watched_by(watcher)), Drawn::By(watcher.into()));
    }
    assert_eq!(judge(&watched_by("panel-6-clock")), Drawn::Unknown("panel-6-clock".into()));
}

#[test]
fn case_55_a_host_that_did_not_take_our_item_does_not_draw_it() {
    let found = Found { hosts: vec!["plasmashell".into()], ..watched_by("kded5") };

    assert_eq!(judge(&Found { has_ours: Some(false), ..found.clone() }), Drawn::No);
    assert_eq!(judge(&Found { has_ours: Some(true), ..found }), Drawn::By("plasmashell".into()));
}

#[test]
fn an_item_is_known_by_either_of_its_names_and_by_the_whole_of_it() {
    assert!(is_of("org.kde.StatusNotifierItem-7-1/StatusNotifierItem", "org.kde.StatusNotifierItem-7-1"));
    assert!(is_of(":1.7@/StatusNotifierItem", ":1.7"));
    assert!(is_of(":1.7", ":1.7"));
    assert!(!is_of(":1.77/StatusNotifierItem", ":1.7"));
}

#[test]
fn case_55_the_indicator_service_without_an_applet_is_nobody_who_draws() {
    inside_a_session(
        "tray::host::tests::case_55_the_indicator_service_without_an_applet_is_nobody_who_draws",
        || {
            let screen = Screen::start();
            with_item(async |_| {
                assert_eq!(ours().await, Drawn::No);

                let _service = screen.program(INDICATOR_SERVICE, &[]);

                eventually(async || ours().await == Drawn::Unknown("ayatana-indicat".into())).await;
            });
        },
    );
}

#[test]
fn case_55_a_panel_that_comes_goes_and_comes_again_is_followed() {
    inside_a_session(
        "tray::host::tests::case_55_a_panel_that_comes_goes_and_comes_again_is_followed",
        || {
            let screen = Screen::start();
            with_item(async |_| {
                for _ in 0..2 {
                    let panel = lxqt_panel(&screen);
                    eventually(async || ours().await == Drawn::By("lxqt-panel".into())).await;
                    drop(panel);
                    eventually(async || ours().await == Drawn::No).await;
                }
            });
        },
    );
}

#[test]
fn case_55_a_panel_that_hangs_draws_nothing() {
    inside_a_session("tray::host::tests::case_55_a_panel_that_hangs_draws_nothing", || {
        let screen = Screen::start();
        with_item(async |_| {
            let panel = lxqt_panel(&screen);
            eventually(async || ours().await == Drawn::By("lxqt-panel".into())).await;

            let process = panel.0.id().to_string();
            assert!(Command::new("kill").args(["-STOP", &process]).status().unwrap().success());

            assert_eq!(ours().await, Drawn::No);
        });
    });
}

#[test]
fn case_57_the_item_has_a_themed_icon_and_case_59_its_title_is_the_status() {
    inside_a_session(
        "tray::host::tests::case_57_the_item_has_a_themed_icon_and_case_59_its_title_is_the_status",
        || {
            with_item(async |models| {
                let name = format!("org.kde.StatusNotifierItem-{}-1", std::process::id());
                until_owned(&name, true);
                let is = |property: &str, wanted: &str| property_of(&name, property).contains(wanted);
                assert!(is("Title", "\"VisionGuard: Protected\""));
                assert!(is("ToolTip", "\"VisionGuard: Protected\""));
                assert!(is("IconName", "\"visionguard-protected\""));
                let theme = property_of(&name, "IconThemePath");
                let theme = theme.split('"').nth(1).unwrap();
                assert!(std::path::Path::new(theme).join("visionguard-protected.png").is_file(), "{theme}");

                models.send_replace(Some(model(Status::Deaf, "Not receiving since 13:10")));

                eventually(async || is("Title", "Not receiving") && is("IconName", "visionguard-deaf")).await;
                assert!(is("Status", "\"Active\""));
            });
        },
    );
}

const INDICATOR_SERVICE: &str =
    "/usr/libexec/ayatana-indicator-application/ayatana-indicator-application-service";

fn lxqt_panel(screen: &Screen) -> Running {
    let config = std::path::PathBuf::from(std::env::var_os("HOME").unwrap()).join(".config");
    std::fs::create_dir_all(config.join("lxqt")).unwrap();
    let settings = "panels=panel1\n[panel1]\nplugins=statusnotifier\n[statusnotifier]\ntype=statusnotifier\n";
    std::fs::write(config.join("lxqt/panel.conf"), settings).unwrap();
    Running::start(screen.command("lxqt-panel").env("XDG_CONFIG_HOME", config).env("QT_QPA_PLATFORM", "xcb"))
}

/// The item is on the bus, and shows what is sent.
fn with_item(test: impl AsyncFnOnce(&watch::Sender<Option<Tray>>)) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let theme = tempfile::tempdir().unwrap();
        let (models, newest) = watch::channel(Some(model(Status::Protected, "Protected")));
        let item =
            tokio::spawn(item::run("visionguard".into(), newest, Some(theme.path().to_owned()), |_| {}));
        test(&models).await;
        item.abort();
    });
}

fn model(status: Status, words: &str) -> Tray {
    let tooltip = format!("VisionGuard: {words}");
    Tray {
        status,
        unseen: 0,
        tooltip,
        status_line: words.to_owned(),
        signed_in: true,
        snoozed: 0,
        unhandled: 0,
        cameras: Vec::new(),
    }
}

fn property_of(name: &str, property: &str) -> String {
    let output = Command::new("dbus-send")
        .args(["--session", "--print-reply", &format!("--dest={name}"), "/StatusNotifierItem"])
        .args(["org.freedesktop.DBus.Properties.Get", "string:org.kde.StatusNotifierItem"])
        .arg(format!("string:{property}"))
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

async fn eventually(mut is_so: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !is_so().await {
        assert!(Instant::now() < deadline, "waited in vain");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn watched_by(watcher: &str) -> Found {
    Found { watcher: Some(watcher.to_owned()), ..Found::default() }
}
