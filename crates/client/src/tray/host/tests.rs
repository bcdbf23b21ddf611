//! What the findings mean; the real hosts are asked in the whole system's tests.

use super::*;

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

fn watched_by(watcher: &str) -> Found {
    Found { watcher: Some(watcher.to_owned()), ..Found::default() }
}
