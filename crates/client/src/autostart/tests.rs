use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::{Duration, Instant};

use super::*;

/// Names of folders that people and their programs give, and worse.
const NAMES: [&str; 12] = [
    "plain",
    "My Apps",
    "50% off",
    "%f %U",
    "$HOME",
    "a\"quote",
    "back\\slash",
    "`id`",
    "Läden & Söhne; (neu)",
    "line\nbreak",
    "tab\tstop",
    "it's #1 ~ <x>|*?",
];

#[test]
fn case_21_glib_starts_the_program_from_every_folder() {
    // What GNOME, MATE, Cinnamon and Budgie start with.
    const LAUNCH: &str = "import sys; from gi.repository import Gio; \
        Gio.DesktopAppInfo.new_from_filename(sys.argv[1]).launch([], None)";
    for name in NAMES {
        started_by(name, |entry| Command::new("/usr/bin/python3").args(["-c", LAUNCH]).arg(entry).output());
    }
}

#[test]
fn case_21_a_session_s_autostarter_starts_the_program() {
    for name in ["plain", "My Apps"] {
        started_by(name, |entry| Command::new("dex").arg(entry).output());
    }
}

#[test]
fn case_21_an_entry_of_before_is_mended_once_the_program_has_moved() {
    let world = World::new();
    let old = world.of("/opt/old place/visionguard-desktop");
    world.write("[Desktop Entry]\nType=Application\nName=VisionGuard\nExec=/opt/old place/visionguard-desktop --hidden\nX-Mine=1");
    assert!(!old.look().is_on, "unquoted, it starts /opt/old");

    assert!(old.make(true, Asked::AtStart).is_on);
    let moved = world.of("/opt/new place/VisionGuard.AppImage");
    assert!(!moved.look().is_on, "the old place is no longer where the program is");
    assert!(moved.make(true, Asked::AtStart).is_on);

    let entry = world.read();
    assert!(entry.contains("Exec=\"/opt/new place/VisionGuard.AppImage\" --hidden\n"), "{entry}");
    assert!(entry.contains("X-Mine=1"), "{entry}");
}

#[test]
fn case_21_the_setting_says_what_is_true() {
    let world = World::new();
    let here = world.of("/opt/visionguard");
    assert!(here.make(true, Asked::AtStart).is_on);

    for off in
        ["Hidden=true", "Hidden=1", "X-GNOME-Autostart-enabled=false", "OnlyShowIn=KDE;", "NotShowIn=XFCE;"]
    {
        world.write(&format!("[Desktop Entry]\nExec=/opt/visionguard --hidden\n{off}\n"));
        assert!(!here.look().is_on, "{off}");
        assert_eq!(here.make(true, Asked::AtStart), State { is_on: false, why_not: None }, "{off} stays off");
    }
    assert!(here.make(true, Asked::ByPerson).is_on, "the person wants it now");

    fs::remove_file(world.entry()).unwrap();
    assert!(!here.look().is_on, "deleted");
    assert!(here.make(true, Asked::AtStart).is_on);
    assert_eq!(here.make(false, Asked::ByPerson), State { is_on: false, why_not: None });
    assert!(!world.entry().exists());
}

#[test]
fn case_21_an_entry_of_the_computer_counts_and_is_covered_where_it_is_not_wanted() {
    let world = World::new();
    let here = world.of("/usr/bin/visionguard-desktop");
    let shared = world.folder.path().join("etc/autostart");
    fs::create_dir_all(&shared).unwrap();
    fs::write(
        shared.join("VisionGuard.desktop"),
        "[Desktop Entry]\nType=Application\nName=VisionGuard\nExec=/usr/bin/visionguard-desktop --hidden\n",
    )
    .unwrap();

    assert!(here.make(true, Asked::AtStart).is_on);
    assert!(!world.entry().exists(), "there is one already");
    assert!(!here.make(false, Asked::ByPerson).is_on);
    assert!(world.read().contains("Hidden=true"));
    assert!(here.make(true, Asked::ByPerson).is_on);
}

#[test]
fn what_a_session_does_not_start_is_not_on_and_is_mended() {
    let world = World::new();
    let program = world.folder.path().join("visionguard-desktop");
    fs::write(&program, "#!/bin/sh\n").unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let here = world.of(program.to_str().unwrap());
    let whole =
        format!("[Desktop Entry]\nType=Application\nName=Guard\nExec={} --hidden\n", program.display());
    let without = |key: &str| {
        whole
            .lines()
            .filter(|line| !line.starts_with(key))
            .map(|line| format!("{line}\n"))
            .collect::<String>()
    };
    let with = |line: &str| format!("{whole}{line}\n");

    for started in [
        whole.clone(),
        with("TryExec=sh"),
        with("TryExec="),
        with("# a remark"),
        format!("# ours\n\n{whole}"),
    ] {
        world.write(&started);
        assert!(glib_takes(&world.entry()), "{started}");
        assert!(here.look().is_on, "{started}");
    }
    let (nowhere, other) = ("TryExec=/nowhere/visionguard-desktop", "TryExec=/etc/passwd");
    let broken = [
        with(nowhere),
        with(other),
        with("TryExec=no-such-program"),
        with("a line that is none"),
        without("Type"),
        without("Exec"),
        without("["),
        whole.replace("Application", "Link"),
        format!("[Other]\na=b\n{whole}"),
        format!("a=b\n{whole}"),
        format!("\u{feff}{whole}"),
        String::new(),
    ];
    for broken in broken {
        world.write(&broken);
        assert!(!glib_takes(&world.entry()), "{broken}");

        assert!(!here.look().is_on, "{broken}");
        assert!(here.make(true, Asked::AtStart).is_on, "{broken}");

        assert!(glib_takes(&world.entry()), "{broken}, mended to {}", world.read());
    }
    world.write(&without("Name"));
    assert!(!here.look().is_on, "the specification wants a name, GLib does not");
    assert!(here.make(true, Asked::AtStart).is_on);
    assert!(world.read().contains("Name=VisionGuard\n"), "{}", world.read());
}

#[test]
fn only_a_command_that_runs_the_program_counts() {
    let world = World::new();
    let folder = world.folder.path().join("opt");
    fs::create_dir(&folder).unwrap();
    let (program, link) = (folder.join("visionguard-desktop"), folder.join("link"));
    fs::write(&program, "").unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    std::os::unix::fs::symlink(&program, &link).unwrap();
    let here = world.of(program.to_str().unwrap());
    let is_on = |command: &str| {
        let command =
            command.replace("PROGRAM", program.to_str().unwrap()).replace("LINK", link.to_str().unwrap());
        world.write(&format!("[Desktop Entry]\nType=Application\nName=Guard\nExec={command}\n"));
        here.look().is_on
    };

    for ours in [
        "PROGRAM",
        "PROGRAM --hidden %U",
        "LINK --hidden",
        "env PROGRAM",
        "/usr/bin/env -- GDK_SCALE=2 PROGRAM --hidden",
        "env -u GDK_SCALE GDK_DPI_SCALE=1 PROGRAM --hidden",
        "nice -n 5 PROGRAM --hidden",
        "sh -c \"sleep 10; exec PROGRAM --hidden\"",
        "env GDK_SCALE=2 nice PROGRAM",
    ] {
        assert!(is_on(ours), "{ours}");
    }
    for other in [
        "/bin/true PROGRAM",
        "no-such-wrapper PROGRAM",
        "/bin/true PROGRAM --hidden",
        "echo PROGRAM",
        "env",
        "env X=1 /bin/true PROGRAM",
        "env -i PROGRAM --hidden",
        "env X=PROGRAM",
        "env X=1 -- PROGRAM",
        "env VISIONGUARD_DATA_DIR=/srv/other PROGRAM --hidden",
        "PROGRAM-of-another",
    ] {
        assert!(!is_on(other), "{other}");
        assert!(here.make(true, Asked::AtStart).is_on, "{other}");
        assert!(!world.read().contains("true PROGRAM"), "{other}");
    }
}

#[test]
fn case_21_a_folder_that_cannot_be_written_is_named() {
    let world = World::new();
    fs::write(world.folder.path().join("config"), "a file").unwrap();

    let state = world.of("/opt/visionguard").make(true, Asked::AtStart);

    assert!(!state.is_on);
    assert!(state.why_not.unwrap().contains("config/autostart/VisionGuard.desktop"));
    let homeless = Autostart { own: None, ..world.of("/opt/visionguard") }.make(true, Asked::AtStart);
    assert!(homeless.why_not.unwrap().contains("no home"));
}

#[test]
fn case_29_another_data_directory_has_an_entry_of_its_own() {
    let world = World::new();
    let program = PathBuf::from("/opt/visionguard");
    let other = Autostart::new(
        Some(world.folder.path().join("config")),
        Vec::new(),
        program,
        Some(Path::new("/srv/second shop")),
        Vec::new(),
    );

    assert!(world.of("/opt/visionguard").make(true, Asked::AtStart).is_on);
    assert!(other.make(true, Asked::AtStart).is_on);

    assert_eq!(fs::read_dir(world.entry().parent().unwrap()).unwrap().count(), 2);
    let entry = fs::read_to_string(other.own_entry().unwrap()).unwrap();
    assert!(
        entry.contains("Exec=env \"VISIONGUARD_DATA_DIR=/srv/second shop\" /opt/visionguard --hidden"),
        "{entry}"
    );
}

#[test]
fn an_appimage_is_started_by_its_file_and_what_it_starts_is_not() {
    let path = |text: &str| PathBuf::from(text);
    let image = || (Some(path("/home/x/Guard.AppImage")), Some(path("/tmp/.mount_Guard")));

    let inside = program(path("/tmp/.mount_Guard/usr/bin/v"), image().0, image().1);
    let inherited = program(path("/usr/bin/v"), image().0, image().1);

    assert_eq!(inside, path("/home/x/Guard.AppImage"));
    assert_eq!(inherited, path("/usr/bin/v"));
    assert_eq!(program(path("/usr/bin/gone (deleted)"), None, None), path("/usr/bin/gone"));
}

struct World {
    folder: tempfile::TempDir,
}

impl World {
    fn new() -> World {
        World { folder: tempfile::tempdir().unwrap() }
    }

    fn of(&self, program: &str) -> Autostart {
        let at = |name: &str| self.folder.path().join(name);
        Autostart::new(
            Some(at("config")),
            vec![at("etc")],
            PathBuf::from(program),
            None,
            vec!["XFCE".to_owned()],
        )
    }

    fn entry(&self) -> PathBuf {
        self.folder.path().join("config/autostart/VisionGuard.desktop")
    }

    fn read(&self) -> String {
        fs::read_to_string(self.entry()).unwrap()
    }

    fn write(&self, content: &str) {
        fs::create_dir_all(self.entry().parent().unwrap()).unwrap();
        fs::write(self.entry(), content).unwrap();
    }
}

/// Whether the library that most desktops start entries with finds a command in this file.
fn glib_takes(entry: &Path) -> bool {
    const READ: &str = "import sys; from gi.repository import Gio\n\
        try: print(bool(Gio.DesktopAppInfo.new_from_filename(sys.argv[1]).get_commandline()))\n\
        except TypeError: print(False)";
    let output = Command::new("/usr/bin/python3").args(["-c", READ]).arg(entry).output().unwrap();
    match &*output.stdout {
        b"True\n" => true,
        b"False\n" => false,
        _ => panic!("{output:?}"),
    }
}

/// A program in a folder of this name is started by its entry, and told that it is to be hidden.
fn started_by(name: &str, launch: impl FnOnce(&Path) -> io::Result<std::process::Output>) {
    let world = World::new();
    let folder = world.folder.path().join(name);
    fs::create_dir(&folder).unwrap();
    let (program, told) = (folder.join("program"), world.folder.path().join("told"));
    fs::write(
        &program,
        format!("#!/bin/sh\nprintf %s \"$*\" > '{}.new'\nmv '{0}.new' '{0}'\n", told.display()),
    )
    .unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let here = Autostart { program: program.clone(), ..world.of(program.to_str().unwrap()) };
    assert_eq!(here.make(true, Asked::AtStart), State { is_on: true, why_not: None }, "{name:?}");

    let output = launch(&world.entry()).expect("the launcher is not installed");

    let give_up_at = Instant::now() + Duration::from_secs(60);
    while !told.exists() {
        assert!(Instant::now() < give_up_at, "{name:?} was not started: {output:?}\n{}", world.read());
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(fs::read_to_string(&told).unwrap(), HIDDEN, "{name:?}");
}
