//! What stands between a shop and its server: proxies in front of our server, and the socket servers below a double of the
//! original backend. `visionguard watch` is on the other end.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::shop::{Client, EMAIL, Shop, exchange};
use super::table::{Found, Row};
use super::wait::{SOON, eventually, stays};
use crate::desktop::{Parts, VirtualDesktop};
use crate::project::{output, quietly, root, say, target, tool};
use crate::unpacked;

/// Something in the way.
#[derive(Debug)]
pub(super) struct Way {
    pub(super) name: &'static str,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    /// A reverse proxy: its Debian package, where its program is, its arguments and its settings, in which `PORT`, `SERVER`,
    /// `DIR` (a folder of its own) and `ROOT` (where the packages are) stand for what they say.
    Proxy { program: &'static str, arguments: &'static [&'static str], settings: &'static str },
    /// A server for the double: a Python module and its arguments.
    Python { module: &'static str, arguments: &'static [&'static str] },
}

/// What is tried where not all of them are.
pub(super) const THREE: [&str; 3] = ["nginx", "haproxy", "uvicorn, websockets"];

/// The Python packages, as they were tried.
const PYTHON: [&str; 8] = [
    "fastapi==0.165.0",
    "starlette==1.10.0",
    "uvicorn==0.54.0",
    "websockets==17.4",
    "wsproto==1.3.2",
    "hypercorn==0.18.0",
    "daphne==4.2.3",
    "granian==2.8.9",
];

pub(super) const WAYS: [Way; 13] = [
    Way {
        name: "nginx",
        kind: Kind::Proxy {
            program: "usr/sbin/nginx",
            arguments: &["-p", "DIR", "-c", "DIR/settings", "-e", "DIR/log"],
            settings: "daemon off; pid DIR/pid; user root; events {}
http { access_log off; client_body_temp_path DIR/a; proxy_temp_path DIR/b; fastcgi_temp_path DIR/c; uwsgi_temp_path DIR/d; scgi_temp_path DIR/e;
  server { listen 127.0.0.1:PORT; location / { proxy_pass http://SERVER; proxy_http_version 1.1;
    proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection \"upgrade\"; proxy_set_header Host $host; } } }",
        },
    },
    Way {
        name: "haproxy",
        kind: Kind::Proxy {
            program: "usr/sbin/haproxy",
            arguments: &["-db", "-f", "DIR/settings"],
            settings: "defaults
  mode http
  timeout connect 5s
  timeout client 50s
  timeout server 50s
frontend in
  bind 127.0.0.1:PORT
  default_backend out
backend out
  server one SERVER
",
        },
    },
    Way {
        name: "caddy",
        kind: Kind::Proxy {
            program: "usr/bin/caddy",
            arguments: &["run", "--adapter", "caddyfile", "--config", "DIR/settings"],
            settings: "{
  admin off
  auto_https off
}
http://127.0.0.1:PORT {
  reverse_proxy SERVER
}
",
        },
    },
    Way {
        name: "lighttpd",
        kind: Kind::Proxy {
            program: "usr/sbin/lighttpd",
            arguments: &["-D", "-f", "DIR/settings", "-m", "ROOT/usr/lib/lighttpd"],
            settings: "server.document-root = \"DIR\"
server.bind = \"127.0.0.1\"
server.port = PORT
server.modules = ( \"mod_proxy\" )
proxy.server = ( \"\" => (( \"host\" => \"HOST\", \"port\" => SERVERPORT )) )
proxy.header = ( \"upgrade\" => \"enable\" )
",
        },
    },
    Way {
        name: "apache2",
        kind: Kind::Proxy {
            program: "usr/sbin/apache2",
            arguments: &["-D", "FOREGROUND", "-f", "DIR/settings"],
            settings: "ServerRoot DIR
ServerName 127.0.0.1
Listen 127.0.0.1:PORT
PidFile DIR/pid
ErrorLog DIR/log
LoadModule mpm_event_module ROOT/usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module ROOT/usr/lib/apache2/modules/mod_authz_core.so
LoadModule proxy_module ROOT/usr/lib/apache2/modules/mod_proxy.so
LoadModule proxy_http_module ROOT/usr/lib/apache2/modules/mod_proxy_http.so
LoadModule proxy_wstunnel_module ROOT/usr/lib/apache2/modules/mod_proxy_wstunnel.so
ProxyPass / http://SERVER/ upgrade=websocket
",
        },
    },
    Way {
        name: "squid",
        kind: Kind::Proxy {
            program: "usr/sbin/squid",
            arguments: &["-N", "-n", "labPORT", "-f", "DIR/settings"],
            settings: "http_port 127.0.0.1:PORT accel defaultsite=127.0.0.1
cache_peer HOST parent SERVERPORT 0 no-query originserver login=PASSTHRU
http_access allow all
http_upgrade_request_protocols websocket allow all
cache deny all
pid_filename none
cache_log /dev/null
access_log none
coredump_dir none
pinger_enable off
cache_effective_user nobody
cache_effective_group nogroup
unlinkd_program ROOT/usr/lib/squid/unlinkd
mime_table ROOT/usr/share/squid/mime.conf
error_directory ROOT/usr/share/squid/errors/en
icon_directory ROOT/usr/share/squid/icons
",
        },
    },
    Way {
        name: "tinyproxy",
        kind: Kind::Proxy {
            program: "usr/bin/tinyproxy",
            arguments: &["-d", "-c", "DIR/settings"],
            settings: "Port PORT
Listen 127.0.0.1
Timeout 600
LogFile \"DIR/log\"
ReverseOnly Yes
ReverseMagic Yes
ReversePath \"/\" \"http://SERVER/\"
",
        },
    },
    Way { name: "uvicorn, websockets", kind: Kind::Python { module: "uvicorn", arguments: &UVICORN_WEBSOCKETS } },
    Way {
        name: "uvicorn, websockets-sansio",
        kind: Kind::Python {
            module: "uvicorn",
            arguments: &["original:app", "--host", "127.0.0.1", "--port", "PORT", "--ws", "websockets-sansio"],
        },
    },
    Way {
        name: "uvicorn, wsproto",
        kind: Kind::Python {
            module: "uvicorn",
            arguments: &["original:app", "--host", "127.0.0.1", "--port", "PORT", "--ws", "wsproto"],
        },
    },
    Way {
        name: "hypercorn",
        kind: Kind::Python { module: "hypercorn", arguments: &["original:app", "--bind", "127.0.0.1:PORT"] },
    },
    Way {
        name: "daphne",
        kind: Kind::Python { module: "daphne", arguments: &["-b", "127.0.0.1", "-p", "PORT", "original:app"] },
    },
    Way {
        name: "granian",
        kind: Kind::Python {
            module: "granian",
            arguments: &["--interface", "asgi", "--host", "127.0.0.1", "--port", "PORT", "original:app"],
        },
    },
];

const UVICORN_WEBSOCKETS: [&str; 7] =
    ["original:app", "--host", "127.0.0.1", "--port", "PORT", "--ws", "websockets"];

/// The proxy that has no word for a socket.
const NO_SOCKETS: &str = "tinyproxy";

/// Longer than the usual proxy waits for a word.
const IDLE: Duration = Duration::from_secs(75);

/// How long the program is watched for another sentence about the same trouble.
const SAYS_THE_SAME: Duration = Duration::from_secs(20);

/// How long a lost place may stay unsaid, with a little for this computer.
const PLACE_TAKEN: Duration = Duration::from_secs(17);

/// Fetches the proxies and the Python packages of these ways into the build directory. Where Python's cannot be had, their
/// rows say so.
pub(super) fn prepare(ways: &[&Way]) -> Result<()> {
    let proxies: Vec<_> = ways.iter().filter(|way| way.is_proxy()).map(|way| way.name).collect();
    unpacked::ensure(&proxies)?;
    if proxies.len() == ways.len() || is_complete() {
        return Ok(());
    }
    if let Err(error) = fetch_python() {
        say(format!("Python's socket servers are left out: {error:#}"));
    }
    Ok(())
}

fn fetch_python() -> Result<()> {
    let folder = folder();
    say(format!("Fetching Python's socket servers into {}.", folder.display()));
    quietly(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
    let mut install = Command::new(python());
    install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--retries", "10"]);
    quietly(install.args(PYTHON))?;
    fs::write(folder.join("complete"), PYTHON.join(" "))?;
    Ok(())
}

fn is_complete() -> bool {
    fs::read_to_string(folder().join("complete")).is_ok_and(|there| there == PYTHON.join(" "))
}

fn folder() -> PathBuf {
    target().join("lab-python")
}

fn python() -> PathBuf {
    folder().join("bin/python")
}

/// Plays the story on one way.
pub(super) fn story(way: &Way) -> Row {
    let mut row = Row::new(way.name, &way.version());
    if !way.is_proxy() && !is_complete() {
        row.not_tried("Python's package could not be fetched");
        return row;
    }
    match Scene::set(way) {
        Ok(scene) if way.name == NO_SOCKETS => {
            row.check("connect", || {
                scene.until_status("offline", SOON)?;
                Ok(Found::Otherwise("passes no sockets".to_owned()))
            });
            row.check("alert", || scene.alert_by_the_record());
        }
        Ok(mut scene) => {
            row.check("connect", || scene.connects());
            row.check("alert", || scene.alert());
            row.check("idle for 75 s", || scene.idle());
            row.check("server gone: what it says", || scene.server_goes());
            row.check("server back", || scene.server_comes_back());
            row.check("place taken by another window", || match way.kind {
                Kind::Python { .. } => scene.is_displaced(),
                Kind::Proxy { .. } => Ok(Found::Otherwise("our server has room for both".to_owned())),
            });
        }
        Err(error) => {
            row.check(super::table::START, || Err(error));
        }
    }
    row
}

impl Way {
    fn is_proxy(&self) -> bool {
        matches!(self.kind, Kind::Proxy { .. })
    }

    fn version(&self) -> String {
        match &self.kind {
            Kind::Proxy { .. } => {
                let policy = output(tool("apt-cache", ["policy"]).arg(self.name)).unwrap_or_default();
                let candidate = policy.lines().find_map(|line| line.trim().strip_prefix("Candidate: "));
                super::upstream(candidate.unwrap_or_default())
            }
            Kind::Python { module, .. } => {
                let pinned = PYTHON.iter().find_map(|pin| pin.strip_prefix(module)?.strip_prefix("=="));
                pinned.unwrap_or_default().to_owned()
            }
        }
    }
}

#[derive(Debug)]
struct Scene<'a> {
    way: &'a Way,
    port: u16,
    /// Our server, where the way is a proxy in front of it.
    shop: Option<Shop>,
    between: Child,
    watch: Watch,
    desktop: VirtualDesktop,
}

impl<'a> Scene<'a> {
    fn set(way: &'a Way) -> Result<Self> {
        let parts = Parts { keychain: false, notifications: false, panel: false, ..Parts::default() };
        let desktop = VirtualDesktop::start(parts)?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let shop = match way.kind {
            Kind::Proxy { .. } => Some(Shop::open(&desktop)?),
            Kind::Python { .. } => None,
        };
        let server = shop.as_ref().map(|shop| shop.address.clone());
        let between = start(way, &desktop, port, server.as_deref())?;
        let client = Client { desktop: &desktop, server: format!("http://127.0.0.1:{port}") };
        let watch = Watch::start(&client)?;
        Ok(Self { way, port, shop, between, watch, desktop })
    }

    fn connects(&self) -> Result<Found> {
        self.until_status("protected", SOON)?;
        Ok(Found::works())
    }

    fn alert(&self) -> Result<Found> {
        let before = self.watch.alerts();
        self.publish()?;
        eventually("the alert is a line of watch", SOON, || Ok(self.watch.alerts() > before))?;
        let newest = self.watch.newest("alert").context("no alert")?;
        ensure!(newest["source"] == "live", "it came by the record");
        Ok(Found::works())
    }

    fn alert_by_the_record(&self) -> Result<Found> {
        let before = self.watch.alerts();
        self.publish()?;
        eventually("the alert is fetched from the record", Duration::from_secs(90), || {
            Ok(self.watch.alerts() > before)
        })?;
        Ok(Found::Otherwise("by the record".to_owned()))
    }

    fn idle(&self) -> Result<Found> {
        let from = self.watch.count();
        stays("protected all the while", IDLE, || {
            let lost = self.watch.since(from).into_iter().find(|line| {
                line["event"] == "status" && line["status"] != "protected" && line["status"] != "catching_up"
            });
            ensure!(lost.is_none(), "{}", lost.unwrap_or_default()["sentence"]);
            Ok(())
        })?;
        self.alert()
    }

    fn server_goes(&mut self) -> Result<Found> {
        let from = self.watch.count();
        match &mut self.shop {
            Some(shop) => shop.kill(),
            None => self.end(),
        }
        self.until_status("offline", Duration::from_secs(75))?;
        // A proxy that answers is named as soon as the program has tried again.
        let said = || -> Vec<String> {
            let lines = self.watch.since(from).into_iter().filter(|line| line["status"] == "offline");
            lines.filter_map(|line| line["sentence"].as_str().map(str::to_owned)).collect()
        };
        let names_the_proxy =
            |said: &Vec<String>| said.iter().any(|words| words.to_lowercase().contains("proxy"));
        let named =
            eventually("the proxy is named", SOON, || Ok(self.shop.is_none() || names_the_proxy(&said())));
        if self.shop.is_some() && named.is_ok() {
            stays("it says the same at each attempt", SAYS_THE_SAME, || {
                let said = said();
                let named = said.iter().position(|words| words.to_lowercase().contains("proxy"));
                let mut later = said.iter().skip(named.unwrap_or_default());
                let other = later.find(|words| {
                    !words.to_lowercase().contains("proxy") && !words.starts_with("Connecting")
                });
                ensure!(other.is_none(), "it also says: {}", other.map_or("", String::as_str));
                Ok(())
            })?;
        }
        let said = said();
        ensure!(named.is_ok(), "behind a proxy that answers, it says: {}", said.join(" / "));
        let sentence = said.iter().rev().find(|words| words.to_lowercase().contains("proxy")).or(said.last());
        let sentence = sentence.map_or("", String::as_str).split(". ").next().unwrap_or_default();
        Ok(Found::Works(sentence.trim_end_matches('.').to_owned()))
    }

    fn server_comes_back(&mut self) -> Result<Found> {
        match &mut self.shop {
            Some(shop) => shop.reopen(&self.desktop)?,
            None => self.between = start(self.way, &self.desktop, self.port, None)?,
        }
        self.until_status("protected", Duration::from_secs(60))?;
        self.alert()
    }

    /// Another socket of the same account comes and goes, as a browser's window does.
    fn is_displaced(&mut self) -> Result<Found> {
        let from = self.watch.count();
        let mut other = TcpStream::connect(("127.0.0.1", self.port))?;
        write!(
            other,
            "GET /ws/alerts/14dafe75-5fbb-4246-8e58-bbab77b84705?token=other HTTP/1.1\r\nHost: 127.0.0.1\r\n\
             Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )?;
        let mut answer = String::new();
        BufReader::new(&other).read_line(&mut answer)?;
        ensure!(answer.contains("101"), "the other window was refused: {answer}");
        let started = std::time::Instant::now();
        eventually("the program says that it does not receive", Duration::from_secs(45), || {
            Ok(self.watch.since(from).iter().any(|line| line["status"] == "deaf"))
        })
        .with_context(|| format!("it said {:?}", self.watch.newest("status")))?;
        let took = started.elapsed().as_secs();
        ensure!(took <= PLACE_TAKEN.as_secs(), "it takes {took} s to say so");
        Ok(Found::Works(format!("after {took} s")))
    }

    fn publish(&self) -> Result<()> {
        match &self.shop {
            Some(shop) => shop.publish(u32::try_from(self.watch.count()).unwrap_or(0) * 2 + 1),
            None => {
                let request =
                    "POST /lab/alert HTTP/1.1\r\nHost: lab\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
                let answer = exchange(&format!("127.0.0.1:{}", self.port), request.as_bytes())?;
                ensure!(answer.contains("delivered\":true"), "the double has no connection: {answer}");
                Ok(())
            }
        }
    }

    fn until_status(&self, word: &str, within: Duration) -> Result<()> {
        eventually(&format!("the status is {word}"), within, || {
            Ok(self.watch.newest("status").is_some_and(|line| line["status"] == word))
        })
        .with_context(|| {
            let newest = self.watch.newest("status").unwrap_or_default();
            format!("it says {}; {}", newest["sentence"], self.desktop.log("watch").trim())
        })
    }

    fn end(&mut self) {
        // With its workers: each of our processes leads a group.
        let group = format!("-{}", self.between.id());
        let signal = |name: &str| Command::new("kill").args([name, "--", &group]).output();
        if matches!(self.way.kind, Kind::Proxy { .. }) {
            // It may have shared memory to give back.
            let _ = signal("-TERM");
            let _ = eventually("it ends", Duration::from_secs(5), || Ok(self.between.try_wait()?.is_some()));
        }
        let _ = signal("-KILL");
        let _ = self.between.wait();
    }
}

impl Drop for Scene<'_> {
    fn drop(&mut self) {
        self.end();
    }
}

/// Starts what is in the way and waits until it answers.
fn start(way: &Way, desktop: &VirtualDesktop, port: u16, server: Option<&str>) -> Result<Child> {
    let dir = desktop.dir().join("between");
    fs::create_dir_all(&dir)?;
    let packages = match &way.kind {
        Kind::Proxy { program, .. } => unpacked::root_of(program),
        Kind::Python { .. } => PathBuf::new(),
    };
    let (host, server_port) = server.and_then(|server| server.rsplit_once(':')).unwrap_or_default();
    let filled = |text: &str| {
        text.replace("SERVERPORT", server_port)
            .replace("SERVER", server.unwrap_or_default())
            .replace("HOST", host)
            .replace("PORT", &port.to_string())
            .replace("DIR", &dir.to_string_lossy())
            .replace("ROOT/", &packages.join("").to_string_lossy())
    };
    let (mut command, arguments) = match &way.kind {
        Kind::Proxy { program, arguments, settings } => {
            fs::write(dir.join("settings"), filled(settings))?;
            let mut command = desktop.command(packages.join(program));
            unpacked::lend_libraries(&mut command);
            (command, arguments)
        }
        Kind::Python { module, arguments } => {
            let mut command = desktop.command(python());
            command.args(["-m", module]).current_dir(root().join("xtask/src/lab"));
            command.env("LAB_PICTURE", root().join("tests/desktop/quarters.jpg"));
            command.env("PYTHONDONTWRITEBYTECODE", "1");
            (command, arguments)
        }
    };
    command.args(arguments.iter().map(|argument| filled(argument)));
    let mut running = desktop.spawn("between", &mut command)?;
    eventually("it listens", SOON, || {
        if let Some(status) = running.try_wait()? {
            bail!("it ended with {status}");
        }
        Ok(TcpStream::connect(("127.0.0.1", port)).is_ok())
    })
    .with_context(|| desktop.log("between"))?;
    Ok(running)
}

/// `visionguard watch --json`, signing in at its start.
#[derive(Debug)]
struct Watch {
    process: Child,
    lines: Arc<Mutex<Vec<Value>>>,
}

impl Watch {
    fn start(client: &Client<'_>) -> Result<Self> {
        let log = fs::File::create(client.desktop.dir().join("log/watch"))?;
        let mut command = client.program("visionguard");
        command.args(["watch", "--json", "--server", &client.server, "--email", EMAIL, "--password-stdin"]);
        command.env("VISIONGUARD_KEYCHAIN", "memory");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log);
        let mut process = command.spawn().context("cannot start visionguard")?;
        let password = format!("{}\n", super::shop::PASSWORD);
        process.stdin.take().context("no input")?.write_all(password.as_bytes())?;
        let output = process.stdout.take().context("no output")?;
        let lines = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&lines);
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if let Ok(value) = serde_json::from_str(&line) {
                    noted.lock().unwrap_or_else(PoisonError::into_inner).push(value);
                }
            }
        });
        Ok(Self { process, lines })
    }

    fn since(&self, from: usize) -> Vec<Value> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).iter().skip(from).cloned().collect()
    }

    fn count(&self) -> usize {
        self.since(0).len()
    }

    fn alerts(&self) -> usize {
        self.since(0).iter().filter(|line| line["event"] == "alert").count()
    }

    fn newest(&self, event: &str) -> Option<Value> {
        self.since(0).into_iter().rev().find(|line| line["event"] == event)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
