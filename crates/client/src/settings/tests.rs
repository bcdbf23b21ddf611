use super::*;

#[test]
fn without_a_file_the_defaults_hold() {
    let folder = tempfile::tempdir().unwrap();

    assert_eq!(read(&folder), (Settings::default(), vec![]));
}

#[test]
fn while_the_folder_is_not_there_less_is_shown_and_it_is_known_why() {
    let folder = tempfile::tempdir().unwrap();
    let share = folder.path().join("share");

    let (settings, complaints) = load_with(&share.join("data"), |_| None);
    let (_, of_an_empty_one) = load_with(folder.path(), |_| None);

    assert!(settings.view.blur && !settings.view.picture_in_notification);
    assert_eq!(complaints.len(), 1, "{complaints:?}");
    assert!(complaints[0].to_string().contains("its folder is not there"), "{}", complaints[0]);
    assert!(!were_read(&complaints) && were_read(&of_an_empty_one));
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
        sound_volume = 35
        blur = true
        theme = "dark"
        keep_days = 7
        keep_megabytes = 100
        drill_at = "09:30"
        cooldown_minutes = 7
        repeat_minutes = 7
        acknowledgement_timeout_minutes = 7
        opening_hours = "Mo-Fr 08:00-20:00; Sa 08:00-12:00,14:00-18:00"
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
            sound_volume: 35,
            blur: true,
            theme: Theme::Dark,
            keep_days: 7,
            drill_at: Some("09:30".to_owned()),
            cooldown_minutes: 7,
            repeat_minutes: 7,
            acknowledgement_timeout_minutes: 7,
            opening_hours: Some(week(["08:00-20:00"; 5], ["08:00-12:00, 14:00-18:00", ""])),
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
            "F, line 1: keep_days: must be a whole number from 1 to 365; 30 is used",
            "F, line 2: theme: must be one of system, light, dark; system is used",
            "F, line 3: sound: must be true or false; true is used",
            "F, line 4: server: a server address starts with https:// or http://; none is used",
            "F, line 5: keep_day: is not a setting (keep_days is one); it is ignored",
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
        "the environment: VISIONGUARD_KEEP_DAYS: must be a whole number from 1 to 365; 7 is used"
    );
}

#[test]
fn a_setting_below_the_cameras_is_no_camera_and_shows_no_more_than_was_chosen() {
    let folder = with_file(
        "keep_days = 7\n\n[camera_names]\nf97349a9 = \"Door\"\nblur = true\npicture_in_notification = false\n\
         server = \"https://alerts.example.com\"\nsound_volume = \"30\"\nVISIONGUARD_THEME = \"dark\"\n\
         sound = \"Loudspeaker\"\n",
    );

    let (settings, complaints) = read(&folder);

    assert!(settings.view.blur && !settings.view.picture_in_notification);
    assert_eq!((settings.server, settings.view.sound_volume), (None, 70), "they are not taken from there");
    let names: Vec<_> = settings.view.camera_names.into_iter().collect();
    let name = |stream: &str, name: &str| (stream.to_owned(), name.to_owned());
    assert_eq!(names, [name("f97349a9", "Door"), name("sound", "Loudspeaker")], "that is no value of sound");
    let stray = |line: u32, key: &str, meant: &str, used: &str| {
        format!(
            "F, line {line}: {key}: is inside [camera_names], where no setting is looked for; \
             write {meant} above the first line in brackets; {used} is used"
        )
    };
    assert_eq!(
        said(&folder, &complaints),
        [
            stray(5, "blur", "blur", "true"),
            stray(6, "picture_in_notification", "picture_in_notification", "false"),
            stray(7, "server", "server", "none"),
            stray(8, "sound_volume", "sound_volume", "70"),
            stray(9, "VISIONGUARD_THEME", "theme", "system"),
        ]
    );
}

#[test]
fn a_setting_in_a_table_of_its_own_making_is_named_and_kept_discreet() {
    let texts = [
        "[general]\nblur = true\npicture_in_notification = false\n",
        "[[general]]\nblur = true\n[[general]]\npicture_in_notification = false\n",
        "general = { blur = true, privacy = { picture_in_notification = false } }\n",
        "[general.window]\nVISIONGUARD_BLUR = \"1\"\npicture-in-notification = false\n",
        "[sound]\nblur = true\n[camera_names.privacy]\npicture_in_notification = false\n",
        // None of these is TOML.
        "[general]\nblur = yes\npicture_in_notification = no\n",
        "[camera_names]\nblur = yes\npicture_in_notification = no\n",
        "keep_days = = 7\n[general]\nblur = true\npicture_in_notification = false\n",
    ];
    for text in texts {
        let folder = with_file(text);

        let (settings, complaints) = read(&folder);

        assert!(settings.view.blur && !settings.view.picture_in_notification, "{text}: {complaints:?}");
        let told =
            complaints.iter().filter(|complaint| complaint.what.contains("above the first line in brackets"));
        assert_eq!(told.count(), 2, "{text}: {complaints:?}");
        let again = complaints.iter().filter(|complaint| complaint.what.starts_with("may have been"));
        assert_eq!(again.count(), 0, "{text}: {complaints:?}");
    }
}

#[test]
fn a_setting_at_its_place_counts_before_one_that_is_not() {
    for text in ["[camera_names]\nblur = true", "[a]\nblur = true", "VISIONGUARD_BLUR = true"] {
        let folder = with_file(&format!("blur = false\n{text}\n"));

        let (settings, complaints) = read(&folder);

        assert!(!settings.view.blur, "{text}");
        assert_eq!(complaints.len(), 1, "{text}: {complaints:?}");
        assert!(
            complaints[0].line > Some(1) && complaints[0].what.ends_with("false is used"),
            "{complaints:?}"
        );
    }
}

#[test]
fn a_variable_s_name_in_the_file_is_not_passed_over() {
    let folder = with_file(
        "VISIONGUARD_BLUR = 1\nVISIONGUARD_KEEP_DAYS = 7\nvisionguard_picture_in_notification = 0\n",
    );

    let (settings, complaints) = read(&folder);

    assert!(settings.view.blur && !settings.view.picture_in_notification);
    let variable = |line: u32, name: &str, key: &str, used: &str| {
        format!(
            "F, line {line}: {name}: is the name of a variable, which is {key} in this file; write that; {used} is used"
        )
    };
    assert_eq!(
        said(&folder, &complaints),
        [
            variable(1, "VISIONGUARD_BLUR", "blur", "true"),
            variable(2, "VISIONGUARD_KEEP_DAYS", "keep_days", "30"),
            variable(3, "visionguard_picture_in_notification", "picture_in_notification", "false"),
        ]
    );

    let folder = with_file("VISIONGUARD_SERVER=https://alerts.example.com\nVISIONGUARD_BLUR=yes\n");
    let (settings, complaints) = read(&folder);
    assert!(settings.view.blur, "nor where the file is no TOML");
    assert!(complaints.iter().all(|complaint| complaint.what.contains("a variable")), "{complaints:?}");
}

#[test]
fn a_bad_name_of_a_camera_takes_no_other_with_it() {
    let long = "x".repeat(101);
    let folder = with_file(&format!(
        "[camera_names]\nfirst = \"Door\"\nsecond = 2\nthird = \"{long}\"\nfourth = \" \"\nfifth = [\"a\"]\nlast = \"Till\"\n"
    ));

    let (settings, complaints) = read(&folder);

    let streams: Vec<_> = settings.view.camera_names.keys().map(String::as_str).collect();
    assert_eq!(streams, ["first", "last"]);
    let bad = |line: u32, stream: &str| {
        format!(
            "F, line {line}: {stream}: must be a camera's name in quotation marks, of at most 100 characters; \
             this one is ignored"
        )
    };
    assert_eq!(
        said(&folder, &complaints),
        [bad(3, "second"), bad(4, "third"), bad(5, "fourth"), bad(6, "fifth")]
    );
}

#[test]
fn more_cameras_than_can_have_names_leave_the_first_with_theirs() {
    let lines: String = (0..1010).map(|n| format!("stream-{n:04} = \"Door {n}\"\n")).collect();
    let folder = with_file(&format!("[camera_names]\n{lines}"));

    let (settings, complaints) = read(&folder);

    assert_eq!(settings.view.camera_names.len(), 1000);
    assert_eq!(complaints.len(), 10);
    assert!(complaints[0].what.starts_with("is one camera more than the 1000"), "{complaints:?}");
}

#[test]
fn a_name_given_on_the_page_leaves_the_setting_that_stands_among_the_cameras() {
    let folder = with_file("[camera_names]\n# the till's\none = \"Door\"\ntwo = \"Till\"\nblur = true\n");
    let mut view = read(&folder).0.view;
    view.camera_names.remove("two");
    view.camera_names.insert("three".to_owned(), "Yard".to_owned());

    save(folder.path(), &view).unwrap();

    assert_eq!(read(&folder).0.view, view);
    assert!(view.blur, "it is as discreet as before");
    let text = std::fs::read_to_string(folder.path().join("settings.toml")).unwrap();
    assert_eq!(text, "[camera_names]\n# the till's\none = \"Door\"\nblur = true\nthree = \"Yard\"\n");
}

#[test]
fn a_camera_is_given_no_name_that_would_be_read_back_as_a_setting() {
    let folder = with_file("");
    let mut view = Settings::default().view;
    view.camera_names.insert("theme".to_owned(), "dark".to_owned());

    let error = save(folder.path(), &view).unwrap_err();

    assert!(error.to_string().starts_with("camera_names: has a camera called like a setting"), "{error}");
    view.camera_names.insert("theme".to_owned(), "Stage".to_owned());
    save(folder.path(), &view).unwrap();
    assert_eq!(read(&folder).0.view, view);
}

#[test]
fn privacy_is_never_lost_to_a_camera_or_to_another_statement_on_its_line() {
    for text in [
        "[camera_names]\nblur = True\npicture_in_notification = False\n",
        "[camera_names]\nblur = true;\npicture_in_notification = null\n",
        "[camera_names]\nblur = \"Yes\"\npicture_in_notification = \"ja\"\n",
        "[camera_names]\ncam = \"Door\" picture_in_notification = false\nset blur = true\n",
        "server = \"https://alerts.example.com\" picture_in_notification = false blur = true\n",
        "extra_ca_file = C:\\\\ca.pem picture_in_notification = false blur = true\n",
        "keep_days = 14, blur = true\nsound = true; picture_in_notification = false\n",
        "theme = \"dark\" blur = true\n",
    ] {
        let (settings, complaints) = read(&with_file(text));

        assert!(settings.view.blur && !settings.view.picture_in_notification, "{text}: {complaints:?}");
        assert!(!complaints.is_empty() && settings.view.camera_names.is_empty(), "{text}: {complaints:?}");
    }
}

#[test]
fn no_complaint_ends_a_sentence_of_others() {
    let folder = with_file("soundvolume = 3\nblurr = true\nnothing = 1\nkeep_days = 0\n[a]\nblur = 1\n");

    let (_, complaints) = read(&folder);

    assert_eq!(complaints.len(), 5);
    assert!(complaints.iter().all(|complaint| !complaint.what.ends_with(['.', '?', '!'])), "{complaints:?}");
}

#[test]
fn case_28_a_bad_line_is_named_and_takes_no_other_with_it() {
    let folder = with_file(
        "server = \"https://alerts.example.com\"\nkeep_days = = 3\npicture_in_notification = false\n\n\
         [camera_names]\nf97349a9 = \"Door\"\n",
    );

    let (settings, complaints) = read(&folder);

    assert_eq!(settings.server.as_deref(), Some("https://alerts.example.com/"));
    assert!(!settings.view.picture_in_notification);
    assert!(!settings.view.blur, "nothing is unsure about that");
    assert_eq!(settings.view.camera_names.get("f97349a9").map(String::as_str), Some("Door"));
    assert_eq!(said(&folder, &complaints), ["F, line 2: keep_days: is not understood; 30 is used"]);
}

#[test]
fn case_28_a_key_that_is_there_twice_keeps_the_others_and_the_discreet_value() {
    let folder = with_file(
        "picture_in_notification = false\nkeep_days = 7\nkeep_days = 9\npicture_in_notification = true\nsound = false\n",
    );

    let (settings, complaints) = read(&folder);

    assert!(!settings.view.picture_in_notification);
    assert_eq!(settings.view.keep_days, 9);
    assert!(!settings.view.sound);
    assert_eq!(
        said(&folder, &complaints),
        [
            "F, line 3: keep_days: is there more than once; 9 is used",
            "F, line 4: picture_in_notification: is there more than once; false is used",
        ]
    );
}

#[test]
fn of_a_key_that_is_there_more_than_once_the_last_value_that_can_be_used_is() {
    for (file, used, said_of_it) in [
        ("theme = \"dark\"\ntheme = \"light\"\n", Theme::Light, "is there more than once; light is used"),
        (
            "theme = \"dark\"\ntheme = \"pink\"\n",
            Theme::Dark,
            "is there more than once and must be one of system, light, dark; dark is used",
        ),
    ] {
        let folder = with_file(file);

        let (settings, complaints) = read(&folder);

        assert_eq!(settings.view.theme, used);
        assert_eq!(said(&folder, &complaints), [format!("F, line 2: theme: {said_of_it}")]);
    }
}

#[test]
fn case_28_a_path_of_windows_in_double_quotes_is_what_was_meant() {
    let folder = with_file(
        "blur = true\nextra_ca_file = \"C:\\Users\\shop\\ca.pem\" # ours\nserver = alerts.example.com\n",
    );

    let (settings, complaints) = read(&folder);

    assert_eq!(settings.extra_ca_file, Some(folder.path().join(r"C:\Users\shop\ca.pem")));
    assert_eq!(settings.server.as_deref(), Some("https://alerts.example.com/"));
    assert!(settings.view.blur);
    assert!(complaints.iter().all(|complaint| complaint.what.contains("single quotes")), "{complaints:?}");

    let folder = with_file("extra_ca_file = \"C:\\temp\\new.pem\"\nblur = true\n");
    let (settings, complaints) = read(&folder);
    assert_eq!(settings.extra_ca_file, None, "that is a tab and a line's end");
    assert_eq!((complaints[0].line, complaints[0].key.as_str()), (Some(1), "extra_ca_file"));
}

#[test]
fn case_28_a_file_of_another_editor_says_what_it_says() {
    let text = "picture_in_notification = false\r\n\tkeep_days\t=\t7\r\n";
    let marked = format!("\u{FEFF}{text}");
    for bytes in [marked.clone().into_bytes(), marked.encode_utf16().flat_map(u16::to_le_bytes).collect()] {
        let folder = with_bytes(&bytes);

        let (settings, _) = read(&folder);

        assert!(!settings.view.picture_in_notification);
        assert!(!settings.view.blur);
        assert_eq!(settings.view.keep_days, 7);
    }
}

#[test]
fn case_28_where_it_cannot_be_told_what_was_chosen_less_is_shown() {
    let unreadable: [&[u8]; 8] = [
        &[0; 4096],
        b"keep_days = 7\n\0\0\0\0\0\0\n",
        b"keep_days = 7\n\xFF\xFE\x80 garbage\n",
        b"this is no setting at all\nkeep_days = 7",
        b"blur = maybe\npicture_in_notification = 0\nkeep_days = 7",
        b"blur = \"false\"\npicture_in_notification = \"true\"\nkeep_days = 7",
        b"blurr = true\npicture-in-notification = false\nkeep_days = 7",
        b"keep_days = 7\n= = =\n\"\"\"\n[[[",
    ];
    for bytes in unreadable {
        let folder = with_bytes(bytes);

        let (settings, complaints) = read(&folder);

        let name = String::from_utf8_lossy(bytes);
        assert!(!settings.view.picture_in_notification && settings.view.blur, "{name:?}: {complaints:?}");
        assert!(!complaints.is_empty());
        assert!(bytes[0] == 0 || settings.view.keep_days == 7, "{name:?}");
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("settings.toml")).unwrap();
    assert!(read(&folder).0.view.blur, "a folder in its place");
}

#[test]
fn case_28_a_bad_variable_of_privacy_falls_to_the_discreet_side() {
    let folder = tempfile::tempdir().unwrap();

    let (settings, complaints) = load_with(folder.path(), |name| {
        (name == "VISIONGUARD_PICTURE_IN_NOTIFICATION").then(|| "nope".to_owned())
    });

    assert!(!settings.view.picture_in_notification);
    assert_eq!(complaints.len(), 1);
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_misspelt_or_no_text_is_not_passed_over() {
    use std::os::unix::ffi::OsStrExt;
    const FOLDER: &str = "VISIONGUARD_TEST_FOLDER";
    if let Some(folder) = std::env::var_os(FOLDER) {
        let (settings, complaints) = load(Path::new(&folder));
        assert!(settings.view.blur && !settings.view.picture_in_notification);
        assert_eq!(settings.view.keep_days, 30);
        let mut said: Vec<String> = complaints.iter().map(Complaint::to_string).collect();
        said.sort();
        assert_eq!(
            said,
            [
                "the environment: VISIONGUARD_BLURR: is not a variable (VISIONGUARD_BLUR is one); true is used",
                "the environment: VISIONGUARD_KEEPDAYS: is not a variable (VISIONGUARD_KEEP_DAYS is one); 30 is used",
                "the environment: VISIONGUARD_PICTURE_IN_NOTIFICATION: must be true or false; false is used",
            ]
        );
        assert!(complaints.iter().all(|complaint| complaint.variable().is_some()));
        return;
    }
    let folder = tempfile::tempdir().unwrap();

    // The same test once more, as a process with such an environment.
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "settings::tests::a_variable_that_is_misspelt_or_no_text_is_not_passed_over"])
        .env_clear()
        .env(FOLDER, folder.path())
        .env("VISIONGUARD_BLURR", "1")
        .env("VISIONGUARD_KEEPDAYS", "7")
        .env("VISIONGUARD_PICTURE_IN_NOTIFICATION", std::ffi::OsStr::from_bytes(b"fals\xe9"))
        // None of the settings'.
        .env("VISIONGUARD_SERVER_DATA_DIR", "/srv")
        .env("BLURR", "1")
        .output()
        .unwrap();

    assert!(output.status.success(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"), "{output:?}");
}

#[test]
fn case_28_ten_megabytes_are_read_and_complained_of_briefly() {
    let folder =
        with_file(&format!("{}picture_in_notification = false\nx x\n", "what is this\n".repeat(800_000)));

    let (settings, complaints) = read(&folder);

    assert!(!settings.view.picture_in_notification);
    assert!(complaints.len() < 30, "{}", complaints.len());
}

#[test]
fn case_28_a_change_on_the_page_keeps_what_was_read_and_a_copy_of_what_was_not() {
    let text = "# ours\nserver = \"https://alerts.example.com\"\nblur = yes\nkeep_days = 7\nkeep_days = 9\n";
    let folder = with_file(text);
    let mut view = read(&folder).0.view;
    assert!(view.blur);
    view.sound = false;

    save(folder.path(), &view).unwrap();

    let (settings, complaints) = read(&folder);
    assert_eq!(complaints, []);
    assert_eq!(settings.view, view);
    assert_eq!(settings.server.as_deref(), Some("https://alerts.example.com/"));
    let copy = folder.path().join("settings.toml.damaged");
    assert_eq!(std::fs::read_to_string(&copy).unwrap(), text);

    std::fs::write(folder.path().join("settings.toml"), "= other").unwrap();
    view.sound = true;
    save(folder.path(), &view).unwrap();
    assert_eq!(std::fs::read_to_string(&copy).unwrap(), text, "the first copy was written over");
    assert_eq!(std::fs::read_to_string(folder.path().join("settings.toml.damaged-2")).unwrap(), "= other");
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
    view.keep_days = 7;
    view.sound_volume = 101;
    let error = save(folder.path(), &view).unwrap_err();
    assert_eq!(error.to_string(), "sound_volume: must be a whole number from 0 to 100");
    assert!(!read(&folder).0.view.blur);
}

#[test]
fn opening_hours_are_written_as_they_are_read_and_taken_out_again() {
    let folder = with_file("# ours\nopening_hours = \"Mo-Su 10:00-18:00\" # summer\nkeep_days = 7\n");
    let mut view = read(&folder).0.view;

    view.opening_hours = Some(week(["08:00-20:00"; 5], ["22:00-02:00", ""]));
    save(folder.path(), &view).unwrap();
    let text = std::fs::read_to_string(folder.path().join("settings.toml")).unwrap();
    let (settings, complaints) = read(&folder);
    view.opening_hours = None;
    save(folder.path(), &view).unwrap();

    assert!(text.contains("opening_hours = \"Mo-Fr 08:00-20:00; Sa 22:00-02:00; Su off\""), "{text}");
    assert!(text.contains("# ours") && text.contains("keep_days = 7"), "{text}");
    assert_eq!(
        (settings.view.opening_hours, complaints),
        (Some(week(["08:00-20:00"; 5], ["22:00-02:00", ""])), vec![])
    );
    assert_eq!(read(&folder), (Settings { view, ..Settings::default() }, vec![]));
}

#[test]
fn opening_hours_that_cannot_be_read_are_said_and_none_hold() {
    let folder = with_file("opening_hours = \"8 to 20\"");
    let quoted = with_file("opening_hours = Mo-Fr 08:00-20:00\nblur = false");
    let number = with_file("opening_hours = 8");

    let must =
        "must be hours such as \"Mo-Fr 08:00-20:00; Sa 08:00-12:00,14:00-18:00\", \"24/7\", or \"\" for none";
    for folder in [&folder, &number] {
        let (settings, complaints) = read(folder);
        assert_eq!(settings.view.opening_hours, None);
        assert_eq!(said(folder, &complaints), [format!("F, line 1: opening_hours: {must}; none is used")]);
    }
    let (_, complaints) = read(&quoted);
    assert_eq!(said(&quoted, &complaints)[0], "F, line 1: opening_hours: is not understood; none is used");
    let mut view = Settings::default().view;
    view.opening_hours = Some(vec!["08:00-20:00".to_owned()]);
    assert_eq!(save(folder.path(), &view).unwrap_err().to_string(), format!("opening_hours: {must}"));
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

/// Monday to Friday alike, then Saturday and Sunday.
fn week(weekdays: [&str; 5], weekend: [&str; 2]) -> Vec<String> {
    weekdays.iter().chain(&weekend).map(|day| (*day).to_owned()).collect()
}

fn read(folder: &tempfile::TempDir) -> (Settings, Vec<Complaint>) {
    load_with(folder.path(), |_| None)
}

/// The complaints in their order in the file, which is called F.
fn said(folder: &tempfile::TempDir, complaints: &[Complaint]) -> Vec<String> {
    let place = folder.path().join("settings.toml").display().to_string();
    complaints.iter().map(|complaint| complaint.to_string().replace(&place, "F")).collect()
}

fn with_file(text: &str) -> tempfile::TempDir {
    with_bytes(text.as_bytes())
}

fn with_bytes(bytes: &[u8]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("settings.toml"), bytes).unwrap();
    folder
}
