//! Tiny real servers for the tests of what goes over the network.

use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, ServerConfig};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// A request as it came.
#[derive(Debug, Clone, Default)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) path: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// What a tiny server does with a request.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// These bytes, and the end of the connection.
    Raw(Vec<u8>),
    /// Nothing, for ever.
    Hang,
    /// The end of the connection.
    HangUp,
}

/// A JSON answer.
pub(crate) fn json(status: u16, body: &str) -> Reply {
    answer(status, &[("content-type", "application/json")], body)
}

/// An answer with headers.
pub(crate) fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Reply {
    let mut head = format!("HTTP/1.1 {status} x\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    Reply::Raw(format!("{head}\r\n{body}").into_bytes())
}

/// A server that answers each connection's one request.
#[derive(Debug)]
pub(crate) struct TinyServer {
    pub(crate) port: u16,
    requests: Arc<Mutex<Vec<Request>>>,
    task: tokio::task::JoinHandle<()>,
}

impl TinyServer {
    pub(crate) async fn start(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> TinyServer {
        TinyServer::serve(None, answer).await
    }

    pub(crate) async fn start_tls(
        tls: ServerConfig,
        answer: impl Fn(&Request) -> Reply + Send + Sync + 'static,
    ) -> TinyServer {
        TinyServer::serve(Some(TlsAcceptor::from(Arc::new(tls))), answer).await
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// What came so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    async fn serve(
        tls: Option<TlsAcceptor>,
        answer: impl Fn(&Request) -> Reply + Send + Sync + 'static,
    ) -> TinyServer {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (seen, answer) = (Arc::clone(&requests), Arc::new(answer));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (tls, seen, answer) = (tls.clone(), Arc::clone(&seen), Arc::clone(&answer));
                tokio::spawn(async move {
                    match tls {
                        None => one(stream, &seen, &*answer).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                one(stream, &seen, &*answer).await;
                            }
                        }
                    }
                });
            }
        });
        TinyServer { port, requests, task }
    }
}

impl Drop for TinyServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn one<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    seen: &Mutex<Vec<Request>>,
    answer: &(dyn Fn(&Request) -> Reply + Send + Sync),
) {
    let Some(request) = read(&mut stream).await else { return };
    let reply = answer(&request);
    seen.lock().unwrap().push(request);
    match reply {
        Reply::Raw(bytes) => {
            let _ = stream.write_all(&bytes).await;
            let _ = stream.shutdown().await;
        }
        Reply::Hang => std::future::pending().await,
        Reply::HangUp => {}
    }
}

async fn read<S: AsyncRead + Unpin>(stream: &mut S) -> Option<Request> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).ok()?;
    let mut lines = head.lines();
    let mut first = lines.next()?.split(' ');
    let (method, path) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let mut request = Request { method, path, headers, body: Vec::new() };
    let length = request.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    request.body = vec![0; length];
    stream.read_exact(&mut request.body).await.ok()?;
    Some(request)
}

/// A port on which nobody listens.
pub(crate) async fn closed_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().port()
}

/// A certificate authority of the test's own.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new() -> Authority {
        let mut params = CertificateParams::new(vec![]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Authority(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// A server that proves to be `name`.
    pub(crate) fn server(&self, name: &str) -> ServerConfig {
        let key = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, &self.0).unwrap();
        let chain = vec![CertificateDer::from(certificate)];
        let key = PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).unwrap();
        ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap()
    }

    /// A client that trusts it, as with a file in the settings.
    pub(crate) fn client(&self) -> Arc<ClientConfig> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        std::fs::write(&path, self.pem()).unwrap();
        crate::tls::client_config(Some(&path)).unwrap()
    }
}

/// TLS with the system's trust alone.
pub(crate) fn tls() -> Arc<ClientConfig> {
    crate::tls::client_config(None).unwrap()
}

/// Copies bytes both ways until one side ends.
pub(crate) async fn join(mut one: TcpStream, port: u16) {
    if let Ok(mut other) = TcpStream::connect(("127.0.0.1", port)).await {
        let _ = tokio::io::copy_bidirectional(&mut one, &mut other).await;
    }
}

/// Outside: runs this very test again on a bus where nothing is started by itself, in a home of its own. Inside: runs it.
#[cfg(target_os = "linux")]
pub(crate) fn inside_a_session(name: &str, test: impl FnOnce()) {
    const INSIDE: &str = "VISIONGUARD_TEST_INSIDE";
    if std::env::var_os(INSIDE).is_some() {
        return test();
    }
    for needed in ["dbus-run-session", "gnome-keyring-daemon"] {
        assert!(is_installed(needed), "{needed} is not installed: apt-get install dbus gnome-keyring");
    }

    let home = tempfile::tempdir().unwrap();
    let mut session = std::process::Command::new("dbus-run-session");
    session
        .arg(format!("--config-file={}", bus_without_services(home.path()).display()))
        .arg("--")
        .env(INSIDE, "1")
        .env("HOME", home.path())
        .env("XDG_RUNTIME_DIR", home.path())
        .env("XDG_DATA_HOME", home.path().join("data"))
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .env_remove("DBUS_SESSION_BUS_ADDRESS");
    run_again(&mut session, name);
}

/// Runs the test of this name again as a process that has a disk of so many bytes for itself, and there what it does with it.
#[cfg(target_os = "linux")]
pub(crate) fn on_a_small_disk(name: &str, bytes: u64, test: impl FnOnce(&std::path::Path)) {
    use std::os::unix::fs::MetadataExt;
    const DISK: &str = "VISIONGUARD_TEST_DISK";
    if let Some(disk) = std::env::var_os(DISK) {
        return test(std::path::Path::new(&disk));
    }

    let disk = tempfile::tempdir().unwrap();
    let mut unshare = std::process::Command::new("unshare");
    if std::fs::metadata("/proc/self").unwrap().uid() != 0 {
        unshare.args(["--user", "--map-root-user"]);
    }
    unshare
        .args(["--mount", "sh", "-c", "mount -t tmpfs -o size=\"$0\" none \"$1\" && shift && exec \"$@\""])
        .arg(bytes.to_string())
        .arg(disk.path())
        .env(DISK, disk.path());
    run_again(&mut unshare, name);
}

/// Runs the test of this name again under this command, which takes a program to run.
#[cfg(target_os = "linux")]
fn run_again(under: &mut std::process::Command, name: &str) {
    let program = std::env::current_exe().unwrap();
    let output = under.arg(program).args(["--exact", name, "--nocapture"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("1 passed"), "the test {name} was not found there: {said}");
}

/// Leaves no room on a disk.
#[cfg(target_os = "linux")]
pub(crate) fn fill(disk: &std::path::Path) {
    let mut file = std::fs::File::create(disk.join("full")).unwrap();
    let error = std::io::copy(&mut std::io::repeat(1), &mut file).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
}

#[cfg(target_os = "linux")]
fn is_installed(program: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(program).is_file()))
}

#[cfg(target_os = "linux")]
fn bus_without_services(home: &std::path::Path) -> std::path::PathBuf {
    let path = home.join("bus.conf");
    let config = format!(
        r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:dir={}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>"#,
        home.display()
    );
    std::fs::write(&path, config).unwrap();
    path
}

#[cfg(target_os = "linux")]
/// An X server without a window manager, for prompts.
pub(crate) struct Screen {
    server: std::process::Child,
    display: String,
}

#[cfg(target_os = "linux")]
impl Screen {
    pub(crate) fn start() -> Screen {
        let mut server = std::process::Command::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", "1000x700x24", "-nolisten", "tcp"])
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let mut number = String::new();
        let mut said = std::io::BufReader::new(server.stdout.take().unwrap());
        std::io::BufRead::read_line(&mut said, &mut number).unwrap();
        Screen { server, display: format!(":{}", number.trim()) }
    }

    pub(crate) fn command(&self, program: &str) -> std::process::Command {
        let mut command = std::process::Command::new(program);
        command
            .env("DISPLAY", &self.display)
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null());
        command
    }

    pub(crate) fn program(&self, program: &str, arguments: &[&str]) -> Running {
        Running::start(self.command(program).args(arguments))
    }

    /// Waits for a window that can be seen, and gives it the keyboard: nobody else does on this screen.
    pub(crate) fn until_there_is(&self, by: &str, pattern: &str) {
        let search = ["search", "--onlyvisible", by, pattern, "windowfocus", "--sync"];
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
        while !self.command("xdotool").args(search).status().unwrap().success() {
            assert!(std::time::Instant::now() < deadline, "no window of {pattern}");
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
    }

    pub(crate) fn key(&self, keys: &[&str]) {
        // One after the other, as a person does.
        let status = self.command("xdotool").args(["key", "--delay", "150"]).args(keys).status().unwrap();
        assert!(status.success());
    }
}

#[cfg(target_os = "linux")]
impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

#[cfg(target_os = "linux")]
/// A program that ends with the test.
pub(crate) struct Running(pub(crate) std::process::Child);

#[cfg(target_os = "linux")]
impl Running {
    pub(crate) fn start(command: &mut std::process::Command) -> Running {
        Running(command.spawn().unwrap_or_else(|error| panic!("cannot start {command:?}: {error}")))
    }
}

#[cfg(target_os = "linux")]
impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[cfg(target_os = "linux")]
pub(crate) fn until_owned(name: &str, owned: bool) {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while is_owned(name) != owned {
        assert!(std::time::Instant::now() < deadline, "{name} is not as wanted: {owned}");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

#[cfg(target_os = "linux")]
pub(crate) fn is_owned(name: &str) -> bool {
    let output = std::process::Command::new("dbus-send")
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
