//! The handshake through real proxies, each with a configuration of its own on a free port of this computer.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use hyper_util::client::proxy::matcher::Matcher;
use tempfile::TempDir;
use visionguard_proto::{Cause, Place};

use super::super::handshake::{self, Request};
use super::world::target_at;
use crate::clock::TestClock;
use crate::dial::SystemDial;
use crate::testing::{closed_port, tls};

#[tokio::test]
async fn case_25_nginx_that_wants_a_password_is_named_and_gets_no_token() {
    let nginx = nginx().await;

    assert_eq!(nginx.handshake("/basic", "the-token").await, Cause::PasswordWanted);
}

#[tokio::test]
async fn case_33_nginx_and_haproxy_whose_server_is_down_are_gateways() {
    let (nginx, haproxy) = (nginx().await, haproxy().await);

    assert_eq!(nginx.handshake("", "t").await, Cause::Gateway { status: 502, retry_after: None });
    assert_eq!(haproxy.handshake("", "t").await, Cause::Gateway { status: 503, retry_after: None });
}

#[tokio::test]
async fn case_36_nginx_lighttpd_and_haproxy_find_a_token_of_40_kb_too_long() {
    let token = "t".repeat(40_000);

    for proxy in [nginx().await, lighttpd().await, haproxy().await] {
        assert_eq!(proxy.handshake("", &token).await, Cause::TooLong, "{proxy:?}");
    }
}

#[tokio::test]
async fn case_34_squid_and_tinyproxy_that_lead_to_443_alone_are_named_with_their_answer() {
    for proxy in [squid().await, tinyproxy().await] {
        let at = format!("127.0.0.1:{}", proxy.port);
        let through = Matcher::builder().all(format!("http://{at}")).build();
        let dial = SystemDial::with_proxies(tls(), through);

        let cause = cause(&dial, "http://alerts.example.com:8000", "t").await;

        assert_eq!(cause, Cause::ProxyRefused { proxy: Place::new(&at), status: Some(403) }, "{proxy:?}");
    }
}

/// A proxy that runs until it is dropped.
#[derive(Debug)]
struct Proxy {
    process: Child,
    port: u16,
    _folder: TempDir,
}

impl Proxy {
    /// Starts `program`, whose files are below `root`, with a configuration file that is made for a folder and a port, and
    /// waits until it listens.
    async fn start(
        root: &Path,
        program: &str,
        arguments: &[&str],
        configuration: impl Fn(&Path, u16) -> String,
    ) -> Proxy {
        let (folder, port) = (tempfile::tempdir().unwrap(), closed_port().await);
        let file = folder.path().join("proxy.conf");
        std::fs::write(&file, configuration(folder.path(), port)).unwrap();
        let process = Command::new(root.join(program))
            .args(arguments)
            .arg(&file)
            .env("LD_LIBRARY_PATH", libraries(root))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{program} must be installed, see cargo xtask setup: {error}"));
        let mut proxy = Proxy { process, port, _folder: folder };
        let give_up_at = Instant::now() + Duration::from_secs(60);
        while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            let ended = proxy.process.try_wait().unwrap();
            assert!(ended.is_none() && Instant::now() < give_up_at, "{program} does not listen: {ended:?}");
            tokio::task::yield_now().await;
            std::thread::yield_now();
        }
        proxy
    }

    /// What becomes of a handshake with the server behind it.
    async fn handshake(&self, prefix: &str, token: &str) -> Cause {
        let straight = SystemDial::with_proxies(tls(), Matcher::builder().build());
        cause(&straight, &format!("http://127.0.0.1:{}{prefix}", self.port), token).await
    }
}

/// Where a program's files are: as `cargo xtask setup` unpacks them beside what is built, or installed.
fn root_of(program: &str) -> PathBuf {
    let built = std::env::current_exe().unwrap();
    let unpacked = built.ancestors().nth(3).unwrap().join("unpacked");
    if unpacked.join(program).is_file() { unpacked } else { PathBuf::from("/") }
}

/// Where its libraries are.
fn libraries(root: &Path) -> String {
    let folders = ["usr/lib/x86_64-linux-gnu", "usr/lib/aarch64-linux-gnu"];
    folders.map(|folder| root.join(folder).display().to_string()).join(":")
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

async fn cause(dial: &SystemDial, address: &str, token: &str) -> Cause {
    let clock = TestClock::new(jiff::Timestamp::UNIX_EPOCH);
    let target = target_at(address, token);
    let request = Request { target: &target, spoken: None, cursor: None };
    match handshake::open(dial, &clock, request, Duration::from_secs(60)).await {
        Ok(_) => panic!("this was a handshake"),
        Err(cause) => cause,
    }
}

const NGINX: &str = "usr/sbin/nginx";
const HAPROXY: &str = "usr/sbin/haproxy";
const LIGHTTPD: &str = "usr/sbin/lighttpd";
const SQUID: &str = "usr/sbin/squid";
const TINYPROXY: &str = "usr/bin/tinyproxy";

async fn nginx() -> Proxy {
    let nowhere = closed_port().await;
    Proxy::start(&root_of(NGINX), NGINX, &["-c"], |folder, port| {
        let folder = folder.display();
        format!(
            "daemon off; master_process off; pid {folder}/pid; error_log {folder}/log;\n\
             events {{}}\n\
             http {{\n\
               access_log off; client_body_temp_path {folder}/1; proxy_temp_path {folder}/2;\n\
               fastcgi_temp_path {folder}/3; uwsgi_temp_path {folder}/4; scgi_temp_path {folder}/5;\n\
               server {{\n\
                 listen 127.0.0.1:{port};\n\
                 location /basic/ {{ auth_basic shop; auth_basic_user_file {folder}/nobody; }}\n\
                 location = /ws/capabilities {{ return 404; }}\n\
                 location / {{ proxy_pass http://127.0.0.1:{nowhere}; }}\n\
               }}\n\
             }}\n"
        )
    })
    .await
}

async fn haproxy() -> Proxy {
    let nowhere = closed_port().await;
    Proxy::start(&root_of(HAPROXY), HAPROXY, &["-db", "-f"], |_, port| {
        format!(
            "defaults\n  mode http\n  timeout connect 1s\n  timeout client 10s\n  timeout server 10s\n  retries 0\n\
             frontend front\n  bind 127.0.0.1:{port}\n  \
             http-request return status 404 if {{ path /ws/capabilities }}\n  default_backend back\n\
             backend back\n  server one 127.0.0.1:{nowhere}\n"
        )
    })
    .await
}

async fn lighttpd() -> Proxy {
    let root = root_of(LIGHTTPD);
    let modules = root.join("usr/lib/lighttpd");
    Proxy::start(&root, LIGHTTPD, &["-D", "-m", &modules.to_string_lossy(), "-f"], |folder, port| {
        let folder = folder.display();
        format!("server.document-root = \"{folder}\"\nserver.bind = \"127.0.0.1\"\nserver.port = {port}\n")
    })
    .await
}

async fn squid() -> Proxy {
    // Its shared memory goes by this name, and another one may run on this computer.
    let name = format!("shop{}", std::process::id());
    let root = root_of(SQUID);
    let (share, helpers) = (root.join("usr/share/squid"), root.join("usr/lib/squid"));
    Proxy::start(&root, SQUID, &["-N", "-n", &name, "-f"], |_, port| {
        let (share, helpers) = (share.display(), helpers.display());
        format!(
            "http_port 127.0.0.1:{port}\npid_filename none\naccess_log none\ncache_log /dev/null\ncache deny all\n\
             pinger_enable off\ncoredump_dir none\nunlinkd_program {helpers}/unlinkd\nmime_table {share}/mime.conf\nicon_directory {share}/icons\n\
             error_directory {share}/errors/en\n\
             acl encrypted port 443\nacl tunnels method CONNECT\nhttp_access deny tunnels !encrypted\nhttp_access allow all\n"
        )
    })
    .await
}

async fn tinyproxy() -> Proxy {
    Proxy::start(&root_of(TINYPROXY), TINYPROXY, &["-d", "-c"], |_, port| {
        format!("Port {port}\nListen 127.0.0.1\nTimeout 60\nMaxClients 20\nConnectPort 443\n")
    })
    .await
}
