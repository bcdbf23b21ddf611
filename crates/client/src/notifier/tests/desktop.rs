//! A session bus, a screen and a notification service of a test's own.
//!
//! The bus of a process is named by its environment, which a test cannot change; so each test runs its body in a second
//! process of the same program, started with the address of a private bus.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use zbus::blocking::Connection;
use zbus::zvariant::{OwnedValue, Value};

const INSIDE: &str = "VISIONGUARD_TEST_PRIVATE_BUS";
const NAME: &str = "org.freedesktop.Notifications";
const PATH: &str = "/org/freedesktop/Notifications";
const MOCK: &str = "org.freedesktop.DBus.Mock";

/// Nothing is started by the bus itself, so that an absent service is absent.
const BUS: &str = r#"<busconfig>
  <type>session</type>
  <listen>unix:tmpdir=/tmp</listen>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>"#;

/// Whether the test needs a display.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Screen {
    None,
    Virtual,
}

/// Runs the body of the named test of this module on a session bus of its own.
pub(super) fn on_a_private_bus(test: &str, screen: Screen, body: impl FnOnce()) {
    if std::env::var_os(INSIDE).is_some() {
        body();
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join("bus.conf");
    std::fs::write(&config, BUS).unwrap();
    let (_bus, address) = first_line(Command::new("dbus-daemon").arg("--config-file").arg(&config).args([
        "--nofork",
        "--print-address=1",
        "--nosyslog",
    ]));

    let mut inside = Command::new(std::env::current_exe().unwrap());
    inside
        .args(["--exact", &format!("notifier::tests::{test}"), "--nocapture", "--test-threads=1"])
        .env(INSIDE, "1")
        .env("DBUS_SESSION_BUS_ADDRESS", address)
        .env("HOME", home.path())
        .env("XDG_RUNTIME_DIR", home.path())
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY");
    let _screen = (screen == Screen::Virtual).then(|| {
        let (server, display) = first_line(Command::new("Xvfb").args([
            "-displayfd",
            "1",
            "-screen",
            "0",
            "800x600x24",
            "-nolisten",
            "tcp",
        ]));
        inside.env("DISPLAY", format!(":{display}"));
        server
    });
    let output = inside.output().unwrap();

    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("1 passed"), "the test is not called {test}: {said}");
}

/// A program that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        signal(&self.0, "CONT");
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(command: &mut Command) -> Running {
    let program = command.get_program().to_string_lossy().into_owned();
    Running(
        command
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {program}, which this test needs: {error}")),
    )
}

fn first_line(command: &mut Command) -> (Running, String) {
    let mut running = start(command.stdout(Stdio::piped()).stderr(Stdio::null()));
    let mut line = String::new();
    BufReader::new(running.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(!line.trim().is_empty(), "{command:?} did not start");
    (running, line.trim().to_owned())
}

fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args(["-s", name, &child.id().to_string()]).status();
    assert!(status.is_ok(), "cannot send signals");
}

/// Waits until somebody owns the name of the notification service.
fn wait_for_service(connection: &Connection, running: &mut Running) {
    let bus = zbus::blocking::fdo::DBusProxy::new(connection).unwrap();
    super::wait_until("a notification service is there", || {
        assert!(
            running.0.try_wait().unwrap().is_none(),
            "the notification service ended: {}",
            complaint(running)
        );
        bus.name_has_owner(NAME.try_into().unwrap()).unwrap()
    });
}

fn complaint(running: &mut Running) -> String {
    let mut said = String::new();
    if let Some(mut stderr) = running.0.stderr.take() {
        let _ = stderr.read_to_string(&mut said);
    }
    said
}

/// A notification service that tells what it was told (python3-dbusmock).
pub(super) struct Mock {
    running: Running,
    connection: Connection,
}

/// One `Notify`, as it arrived.
#[derive(Debug)]
pub(super) struct Call {
    pub replaces: u32,
    pub icon: String,
    pub title: String,
    pub body: String,
    pub actions: Vec<String>,
    pub expires: i32,
    hints: std::collections::HashMap<String, OwnedValue>,
}

impl Call {
    pub(super) fn has_hint(&self, name: &str) -> bool {
        self.hints.contains_key(name)
    }

    pub(super) fn hint(&self, name: &str) -> String {
        let value = self.hints.get(name).unwrap_or_else(|| panic!("no hint {name} in {:?}", self.hints));
        if let Value::Str(text) = &**value { text.to_string() } else { (**value).to_string() }
    }
}

impl Mock {
    pub(super) fn start() -> Self {
        Self::start_as("mock-notify")
    }

    /// One that gives itself out as another.
    pub(super) fn start_as(name: &str) -> Self {
        assert!(Path::new("/usr/bin/python3").exists(), "this test needs python3-dbusmock");
        let mut running = start(
            Command::new("/usr/bin/python3")
                .args(["-m", "dbusmock", "--template", "notification_daemon", "--parameters"])
                .arg(r#"{"capabilities":"actions body body-markup"}"#)
                .stdout(Stdio::null())
                .stderr(Stdio::piped()),
        );
        let connection = Connection::session().unwrap();
        wait_for_service(&connection, &mut running);
        let mock = Self { running, connection };
        super::wait_until("the service has its methods", || {
            mock.connection.call_method(Some(NAME), PATH, Some(NAME), "GetCapabilities", &()).is_ok()
        });
        mock.answers(
            "GetServerInformation",
            "",
            "ssss",
            &format!("ret = ('{name}', 'test vendor', '1.0', '1.2')"),
        );
        mock
    }

    /// Every `Notify` so far.
    pub(super) fn notifications(&self) -> Vec<Call> {
        self.calls("Notify").into_iter().map(Call::read).collect()
    }

    /// How often a method was called.
    pub(super) fn count(&self, method: &str) -> usize {
        self.calls(method).len()
    }

    /// The person presses a button.
    pub(super) fn press(&self, id: u32, action: &str) {
        self.emit("ActionInvoked", "us", vec![id.into(), action.into()]);
    }

    /// The person closes it.
    pub(super) fn dismiss(&self, id: u32) {
        self.closed(id, 2);
    }

    /// It is closed, for this reason as the service has it.
    pub(super) fn closed(&self, id: u32, reason: u32) {
        self.emit("NotificationClosed", "uu", vec![id.into(), reason.into()]);
    }

    /// Another program shows something; its number.
    pub(super) fn another_program_notifies(&self) -> u32 {
        another_program_notifies(&self.connection)
    }

    /// The numbers that were closed by somebody's order.
    pub(super) fn closings(&self) -> Vec<u32> {
        let calls = self.calls("CloseNotification").into_iter();
        calls
            .map(|arguments| i32::try_from(arguments[0].try_clone().unwrap()).unwrap().unsigned_abs())
            .collect()
    }

    /// From now on every notification is refused.
    pub(super) fn refuse(&self) {
        let error = "raise dbus.exceptions.DBusException('too many notifications', name='org.example.Full')";
        self.answers("Notify", "susssasa{sv}i", "u", error);
    }

    pub(super) fn freeze(&self) {
        signal(&self.running.0, "STOP");
    }

    pub(super) fn thaw(&self) {
        signal(&self.running.0, "CONT");
    }

    fn answers(&self, method: &str, takes: &str, gives: &str, code: &str) {
        let arguments = (NAME, method, takes, gives, code);
        self.connection.call_method(Some(NAME), PATH, Some(MOCK), "AddMethod", &arguments).unwrap();
    }

    fn calls(&self, method: &str) -> Vec<Vec<OwnedValue>> {
        let reply =
            self.connection.call_method(Some(NAME), PATH, Some(MOCK), "GetMethodCalls", &method).unwrap();
        let calls: Vec<(u64, Vec<OwnedValue>)> = reply.body().deserialize().unwrap();
        calls.into_iter().map(|(_, arguments)| arguments).collect()
    }

    fn emit(&self, name: &str, signature: &str, arguments: Vec<Value<'_>>) {
        let signal = (NAME, name, signature, arguments);
        self.connection.call_method(Some(NAME), PATH, Some(MOCK), "EmitSignal", &signal).unwrap();
    }
}

impl Call {
    fn read(arguments: Vec<OwnedValue>) -> Self {
        let mut arguments = arguments.into_iter().skip(1);
        let mut next = || arguments.next().expect("a Notify of eight arguments");
        let replaces = next().try_into().unwrap();
        Self {
            replaces,
            icon: next().try_into().unwrap(),
            title: next().try_into().unwrap(),
            body: next().try_into().unwrap(),
            actions: next().try_into().unwrap(),
            hints: next().try_into().unwrap(),
            expires: next().try_into().unwrap(),
        }
    }
}

/// As another program does it.
pub(super) fn another_program_notifies(connection: &Connection) -> u32 {
    static SONGS: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    // Dunst lays those of the same words together.
    let title = format!("Song {}", SONGS.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
    let hints = std::collections::HashMap::<&str, Value<'_>>::new();
    let arguments = ("Music", 0_u32, "", title.as_str(), "", Vec::<&str>::new(), hints, 0_i32);
    let reply = connection.call_method(Some(NAME), PATH, Some(NAME), "Notify", &arguments).unwrap();
    reply.body().deserialize().unwrap()
}

/// A real notification service on a virtual screen.
pub(super) struct Real {
    _running: Running,
}

impl Real {
    pub(super) fn start(program: &str) -> Self {
        let mut running = start(Command::new(program).stdout(Stdio::null()).stderr(Stdio::piped()));
        wait_for_service(&Connection::session().unwrap(), &mut running);
        Self { _running: running }
    }

    pub(super) fn dunst() -> Self {
        Self::start("dunst")
    }

    pub(super) fn xfce() -> Self {
        Self::start(&format!("/usr/lib/{}-linux-gnu/xfce4/notifyd/xfce4-notifyd", std::env::consts::ARCH))
    }

    pub(super) fn mate() -> Self {
        Self::start("/usr/lib/mate-notification-daemon/mate-notification-daemon")
    }
}

/// How many dunst displays.
pub(super) fn displayed() -> u32 {
    let output = Command::new("dunstctl").args(["count", "displayed"]).output().unwrap();
    String::from_utf8_lossy(&output.stdout).trim().parse().unwrap_or(0)
}

/// The person's part, at dunst.
pub(super) fn dunstctl(arguments: &[&str]) {
    assert!(Command::new("dunstctl").args(arguments).status().unwrap().success());
}
