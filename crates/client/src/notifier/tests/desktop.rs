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
        .args(["--exact", &format!("notifier::tests::{test}"), "--nocapture"])
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
    pub title: String,
    pub body: String,
    pub actions: Vec<String>,
    pub expires: i32,
    hints: std::collections::HashMap<String, OwnedValue>,
}

impl Call {
    pub(super) fn hint(&self, name: &str) -> String {
        let value = self.hints.get(name).unwrap_or_else(|| panic!("no hint {name} in {:?}", self.hints));
        if let Value::Str(text) = &**value { text.to_string() } else { (**value).to_string() }
    }
}

impl Mock {
    pub(super) fn start() -> Self {
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
        self.emit("NotificationClosed", "uu", vec![id.into(), 2_u32.into()]);
    }

    /// From now on every notification is refused.
    pub(super) fn refuse(&self) {
        let error = "raise dbus.exceptions.DBusException('too many notifications', name='org.example.Full')";
        let arguments = (NAME, "Notify", "susssasa{sv}i", "u", error);
        self.connection.call_method(Some(NAME), PATH, Some(MOCK), "AddMethod", &arguments).unwrap();
    }

    pub(super) fn freeze(&self) {
        signal(&self.running.0, "STOP");
    }

    pub(super) fn thaw(&self) {
        signal(&self.running.0, "CONT");
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
        let _icon = next();
        Self {
            replaces,
            title: next().try_into().unwrap(),
            body: next().try_into().unwrap(),
            actions: next().try_into().unwrap(),
            hints: next().try_into().unwrap(),
            expires: next().try_into().unwrap(),
        }
    }
}

/// A real notification service on a virtual screen.
pub(super) struct Dunst {
    _running: Running,
}

impl Dunst {
    pub(super) fn start() -> Self {
        let mut running = start(Command::new("dunst").stdout(Stdio::null()).stderr(Stdio::piped()));
        wait_for_service(&Connection::session().unwrap(), &mut running);
        Self { _running: running }
    }

    pub(super) fn displayed(&self) -> u32 {
        let output = Command::new("dunstctl").args(["count", "displayed"]).output().unwrap();
        String::from_utf8_lossy(&output.stdout).trim().parse().unwrap()
    }

    pub(super) fn control(&self, command: &str) {
        assert!(Command::new("dunstctl").arg(command).status().unwrap().success());
    }
}
