//! A session bus of a test's own, with what a desktop has on it: a notification daemon, a keychain.
//!
//! The bus of a process is named by its environment, which a test cannot change; so such a test runs itself again as
//! another process, inside a session.

use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::process::{is_installed, signal_to};
use crate::wait;

const INSIDE: &str = "VISIONGUARD_TEST_SESSION";
const NOTIFICATIONS: &str = "org.freedesktop.Notifications";
const SECRETS: &str = "org.freedesktop.secrets";

/// Nothing is started by the bus itself, so that what is absent stays so.
const BUS: &str = r#"<busconfig>
  <type>session</type>
  <listen>unix:tmpdir=/tmp</listen>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>"#;

/// What is missing here for such tests, if anything.
pub fn missing() -> Option<String> {
    let programs = ["dbus-run-session", "dbus-send", "gnome-keyring-daemon"];
    if let Some(program) = programs.into_iter().find(|program| !is_installed(program)) {
        return Some(format!("{program} is not installed"));
    }
    let mock =
        Command::new("/usr/bin/python3").args(["-c", "import dbusmock"]).stderr(Stdio::null()).status();
    (!mock.is_ok_and(|status| status.success())).then(|| "python3-dbusmock is not installed".to_owned())
}

/// Whether this process is the one inside; else runs the current test there, to its end.
pub fn inside_a_session() -> bool {
    if std::env::var_os(INSIDE).is_some() {
        return true;
    }
    let test = std::thread::current().name().unwrap().to_owned();
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join("bus.conf");
    std::fs::write(&config, BUS).unwrap();
    let mut command = Command::new("dbus-run-session");
    command.arg("--config-file").arg(&config).arg("--").arg(std::env::current_exe().unwrap());
    command.args(["--exact", &test, "--nocapture"]).env(INSIDE, "1");
    command.env("HOME", home.path()).env("XDG_RUNTIME_DIR", home.path());
    command.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY");
    let output = command.output().unwrap();

    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("1 passed"), "{said}");
    false
}

/// A program on the bus; ends with this value.
#[derive(Debug)]
pub struct Daemon(Child);

impl Daemon {
    /// Takes notifications and does what [`Daemon::answer_notify`] says with them.
    pub fn notifications() -> Daemon {
        let parameters = r#"{"capabilities":"actions body body-markup"}"#;
        let template = ["-m", "dbusmock", "--template", "notification_daemon", "--parameters", parameters];
        let daemon = Daemon::start(Command::new("/usr/bin/python3").args(template));
        until_owned(NOTIFICATIONS, true);
        let deadline = Instant::now() + wait::PATIENCE;
        while call(&[
            "--dest=org.freedesktop.Notifications",
            "/org/freedesktop/Notifications",
            "org.freedesktop.Notifications.GetCapabilities",
        ])
        .is_err()
        {
            assert!(Instant::now() < deadline, "the daemon does not answer");
            std::thread::sleep(Duration::from_millis(50));
        }
        daemon
    }

    /// From now on each notification is answered by this piece of Python, which sets `ret` to a number or raises.
    pub fn answer_notify(&self, python: &str) {
        let said = call(&[
            "--dest=org.freedesktop.Notifications",
            "/org/freedesktop/Notifications",
            "org.freedesktop.DBus.Mock.AddMethod",
            "string:org.freedesktop.Notifications",
            "string:Notify",
            "string:susssasa{sv}i",
            "string:u",
            &format!("string:{python}"),
        ]);
        said.unwrap();
    }

    /// A keychain, unlocked with this password, which the first use sets.
    pub fn keychain(password: &str) -> Daemon {
        let mut command = Command::new("gnome-keyring-daemon");
        command.args(["--foreground", "--components=secrets", "--unlock"]).stdin(Stdio::piped());
        let mut daemon = Daemon::start(&mut command);
        daemon.0.stdin.take().unwrap().write_all(password.as_bytes()).unwrap();
        until_owned(SECRETS, true);
        daemon
    }

    /// A keychain that nobody has unlocked.
    pub fn locked_keychain() -> Daemon {
        let mut command = Command::new("gnome-keyring-daemon");
        let daemon = Daemon::start(command.args(["--foreground", "--components=secrets"]));
        until_owned(SECRETS, true);
        daemon
    }

    /// It stops answering.
    pub fn freeze(&self) {
        signal_to(&self.0.id().to_string(), "STOP");
    }

    /// It goes on where it was.
    pub fn thaw(&self) {
        signal_to(&self.0.id().to_string(), "CONT");
    }

    /// It is gone, and its name free.
    pub fn end(self, is_keychain: bool) {
        drop(self);
        until_owned(if is_keychain { SECRETS } else { NOTIFICATIONS }, false);
    }

    fn start(command: &mut Command) -> Daemon {
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        Daemon(child.unwrap_or_else(|error| panic!("cannot start {command:?}: {error}")))
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.thaw();
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Whether a text is in any file below a folder.
pub fn is_in_files(folder: &Path, text: &str) -> bool {
    std::fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return is_in_files(&path, text);
        }
        let bytes = std::fs::read(&path).unwrap_or_default();
        bytes.windows(text.len()).any(|part| part == text.as_bytes())
    })
}

fn until_owned(name: &str, owned: bool) {
    let deadline = Instant::now() + wait::PATIENCE;
    let asked = format!("string:{name}");
    let question = ["--dest=org.freedesktop.DBus", "/", "org.freedesktop.DBus.NameHasOwner", asked.as_str()];
    while call(&question).is_ok_and(|said| said.contains("true")) != owned {
        assert!(Instant::now() < deadline, "{name} is not as wanted: {owned}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn call(arguments: &[&str]) -> Result<String, String> {
    let mut command = Command::new("dbus-send");
    let output = command.args(["--session", "--print-reply"]).args(arguments).output().unwrap();
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
