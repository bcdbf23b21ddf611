use super::*;

#[test]
fn without_a_file_the_defaults_hold() {
    let folder = tempfile::tempdir().unwrap();

    assert_eq!(read(&folder), (Settings::default(), vec![]));
}

#[test]
fn every_setting_can_be_set_in_the_file() {
    let folder = with_file(
        r#"
        server = "alerts.example.com"
        extra_ca_file = "shop-ca.pem"
        start_at_sign_in = false
        notifications = false
        picture_in_notification = false
        sound = false
        blur = true
        theme = "dark"
        keep_days = 7
        keep_megabytes = 100
        drill_at = "09:30"
        offline_grace_seconds = 0
        log_level = "debug"
        log_format = "json"

        [camera_names]
        f97349a9 = "Door"
        "#,
    );

    let (settings, complaints) = read(&folder);

    assert_eq!(complaints, []);
    let expected = Settings {
        view: SettingsView {
            start_at_sign_in: false,
            notifications: false,
            picture_in_notification: false,
            sound: false,
            blur: true,
            theme: Theme::Dark,
            keep_days: 7,
            drill_at: Some("09:30".to_owned()),
            camera_names: [("f97349a9".to_owned(), "Door".to_owned())].into(),
        },
        server: Some("https://alerts.example.com/".to_owned()),
        extra_ca_file: Some(folder.path().join("shop-ca.pem")),
        log_level: LogLevel::Debug,
        log_format: LogFormat::Json,
        offline_grace: Duration::ZERO,
        keep_megabytes: 100,
    };
    assert_eq!(settings, expected);
}

#[test]
fn a_variable_goes_over_the_file() {
    let folder = with_file("keep_days = 7\nblur = false");

    let (settings, complaints) = load_with(folder.path(), |name| match name {
        "VISIONGUARD_KEEP_DAYS" => Some("90".to_owned()),
        "VISIONGUARD_BLUR" => Some("yes".to_owned()),
        "VISIONGUARD_SERVER" => Some("http://127.0.0.1:8000".to_owned()),
        _ => None,
    });

    assert_eq!(complaints, []);
    assert_eq!(settings.view.keep_days, 90);
    assert!(settings.view.blur);
    assert_eq!(settings.server.as_deref(), Some("http://127.0.0.1:8000/"));
}

#[test]
fn a_bad_value_is_named_with_its_file_and_what_is_used_instead() {
    let folder = with_file("keep_days = 0\ntheme = \"pink\"\nsound = 1\nserver = \"ftp://x\"\nkeep_day = 3");

    let (settings, complaints) = read(&folder);

    assert_eq!(settings, Settings::default());
    let place = folder.path().join("settings.toml").display().to_string();
    let mut said: Vec<String> =
        complaints.iter().map(|complaint| complaint.to_string().replace(&place, "F")).collect();
    said.sort();
    assert_eq!(
        said,
        [
            "F: keep_day: is not a setting; it is ignored",
            "F: keep_days: must be a whole number from 1 to 365; 30 is used",
            "F: server: a server address starts with https:// or http://; none is used",
            "F: sound: must be true or false; true is used",
            "F: theme: must be one of system, light, dark; system is used",
        ]
    );
}

#[test]
fn a_bad_variable_leaves_the_files_value() {
    let folder = with_file("keep_days = 7");

    let (settings, complaints) =
        load_with(folder.path(), |name| (name == "VISIONGUARD_KEEP_DAYS").then(|| "soon".to_owned()));

    assert_eq!(settings.view.keep_days, 7);
    assert_eq!(
        complaints[0].to_string(),
        "environment: VISIONGUARD_KEEP_DAYS: must be a whole number from 1 to 365; 7 is used"
    );
}

#[test]
fn a_file_that_is_not_toml_is_named_with_its_line() {
    let folder = with_file("blur = true\nkeep_days = = 3\n");

    let (settings, complaints) = read(&folder);

    assert_eq!(settings, Settings::default());
    assert_eq!(complaints.len(), 1);
    assert_eq!(complaints[0].key, "line 2");
}

#[test]
fn what_is_saved_is_read_back_and_comments_stay() {
    let folder = with_file("# for the till\nserver = \"https://alerts.example.com\" # ours\nblur = false\n");
    let mut view = read(&folder).0.view;
    view.blur = true;
    view.camera_names.insert("f97349a9".to_owned(), "Door \"A\"".to_owned());

    save(folder.path(), &view).unwrap();

    let (settings, complaints) = read(&folder);
    assert_eq!(complaints, []);
    assert_eq!(settings.view, view);
    let text = std::fs::read_to_string(folder.path().join("settings.toml")).unwrap();
    assert!(
        text.starts_with("# for the till\nserver = \"https://alerts.example.com\" # ours\nblur = true\n"),
        "{text}"
    );
    assert!(!text.contains("theme"), "what was not changed is not written: {text}");
}

#[test]
fn impossible_settings_are_refused_whole() {
    let folder = with_file("blur = false");
    let mut view = Settings::default().view;
    view.blur = true;
    view.keep_days = 366;

    let error = save(folder.path(), &view).unwrap_err();

    assert_eq!(error.to_string(), "keep_days: must be a whole number from 1 to 365");
    assert!(!read(&folder).0.view.blur);
}

#[test]
fn saving_over_a_damaged_file_sets_it_aside() {
    let folder = with_file("= nonsense");
    let mut view = Settings::default().view;
    view.keep_days = 3;

    save(folder.path(), &view).unwrap();

    assert_eq!(read(&folder).0.view.keep_days, 3);
    assert_eq!(std::fs::read_to_string(folder.path().join("settings.toml.damaged")).unwrap(), "= nonsense");
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let gone = folder.path().join("gone");

    let mut view = Settings::default().view;
    view.blur = true;
    let error = save(&gone, &view).unwrap_err();

    assert!(error.to_string().ends_with("gone/settings.toml"), "{error}");
}

#[test]
fn every_setting_is_documented() {
    let documents = include_str!("../../../../docs/settings.md");
    let source = include_str!("read.rs");
    let keys = source.split("\n    (\"").skip(1).filter_map(|line| line.split_once('"')).map(|(key, _)| key);
    for key in keys.take_while(|key| *key != "error") {
        assert!(documents.contains(&format!("`{key}`")), "docs/settings.md lacks {key}");
    }
}

fn read(folder: &tempfile::TempDir) -> (Settings, Vec<Complaint>) {
    load_with(folder.path(), |_| None)
}

fn with_file(text: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("settings.toml"), text).unwrap();
    folder
}
