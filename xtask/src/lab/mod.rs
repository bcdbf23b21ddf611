//! The desktop lab: the built programs on the desktops that people have, each daemon, tray host and keychain the real
//! one, and what a person sees of it. `docs/desktops.md` is made of what it saw.

mod daemons;
mod hosts;
mod keychains;
mod monitor;
mod network;
mod shop;
mod sight;
mod sway;
mod table;
mod wait;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::thread;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use crate::demo;
use crate::pace::Planned;
use crate::project::{root, say, target};
use crate::setup::{self, Purpose};
use crate::steps::Steps;
use table::{Row, Verdict};

/// What the lab tries.
#[derive(Debug, Clone, Args, Default)]
pub struct Options {
    /// All daemons, tray hosts and keychains, instead of three of each.
    #[arg(long)]
    pub all: bool,
    /// Only those of these names, such as dunst,waybar.
    #[arg(long, value_name = "NAMES")]
    pub only: Option<String>,
    /// Proxies in front of the server and socket servers below it, instead of desktops.
    #[arg(long)]
    pub network: bool,
    /// Write what was seen into docs/desktops.md.
    #[arg(long)]
    pub write: bool,
}

/// How many desktops are up at the same time: most of the time is waiting.
const AT_ONCE: usize = 3;
/// What is tried where not all of them are: three of each kind.
const THREE: [[&str; 3]; 3] = [
    ["dunst", "xfce4-notifyd", "mate-notification-daemon"],
    ["xfce4-panel", "mate-panel", "lxqt-panel"],
    ["gnome-keyring", "keepassxc", "kwalletd5"],
];

const PLAN: [Planned; 3] =
    [Planned::new("set-up", 90, 1), Planned::new("build", 240, 10), Planned::steady("lab", 180)];

/// Installs what is missing, builds, and runs the lab.
pub fn lab(options: &Options) -> Result<()> {
    let subjects = options.subjects()?;
    let mut steps = Steps::of("lab", &PLAN);
    steps.need("set-up", || {
        let kinds = match (options.network, options.all || options.only.is_some()) {
            (true, _) => vec![Purpose::NetworkLab],
            (false, true) => vec![Purpose::Lab, Purpose::WholeLab],
            (false, false) => vec![Purpose::Lab],
        };
        setup::ensure(&[Purpose::Compile, Purpose::Desktop, Purpose::VirtualDesktop])?;
        setup::ensure(&kinds)?;
        prepare(&subjects)
    })?;
    steps.need("build", demo::build)?;
    steps.take("lab", || run(&subjects, options.write));
    steps.finish()
}

/// Runs a part of the lab with what is built and installed: three of each kind, on desktops and on networks.
pub(crate) fn in_short() -> Result<()> {
    let mut subjects = Options::default().subjects()?;
    subjects.extend(Options { network: true, ..Options::default() }.subjects()?);
    prepare(&subjects)?;
    run(&subjects, false)
}

fn prepare(subjects: &[Subject]) -> Result<()> {
    let ways = subjects.iter().filter_map(|subject| match subject {
        Subject::Way(way) => Some(*way),
        Subject::Daemon(_) | Subject::Host(_) | Subject::Keychain(_) => None,
    });
    network::prepare(&ways.collect::<Vec<_>>())
}

fn run(subjects: &[Subject], write: bool) -> Result<()> {
    let pictures = target().join("lab");
    fs::create_dir_all(&pictures)?;
    let (ways, desktops): (Vec<Subject>, Vec<Subject>) =
        subjects.iter().partition(|subject| matches!(subject, Subject::Way(_)));
    let rows = thread::scope(|scope| {
        let play = |subject: &Subject| {
            forget_pictures(&pictures, subject.name());
            subject.play(&pictures)
        };
        // On a network nearly all of the time is waiting.
        let ways = scope.spawn(move || side_by_side(&ways, ways.len(), play));
        let mut rows = side_by_side(&desktops, AT_ONCE, play);
        rows.extend(ways.join().unwrap_or_default());
        rows
    });
    ensure!(rows.len() == subjects.len(), "a part of the lab broke off");

    let remembered = remember(&rows)?;
    for (mark, kind) in KINDS {
        let of_the_kind =
            |row: &&Row| Subject::all().iter().any(|it| it.mark() == mark && it.name() == row.name);
        let seen: Vec<&Row> = rows.iter().filter(of_the_kind).collect();
        if seen.is_empty() {
            continue;
        }
        say(format!("\n{}", table::table(kind, &seen)));
        if write {
            let all: Vec<&Row> = remembered.iter().filter(of_the_kind).collect();
            table::put(&root().join("docs/desktops.md"), mark, &table::table(kind, &all))?;
        }
    }
    if write {
        keep_pictures(&pictures)?;
    }
    say(format!("pictures: {}", pictures.display()));
    let failed: Vec<_> = rows
        .iter()
        .flat_map(|row| row.failures().map(move |outcome| format!("{}: {}", row.name, outcome.check)))
        .collect();
    if !failed.is_empty() {
        bail!("not as it should be: {}", failed.join("; "));
    }
    Ok(())
}

/// The popup of each daemon, as the document shows it.
fn keep_pictures(pictures: &Path) -> Result<()> {
    let folder = root().join("docs/screenshots/desktops");
    fs::create_dir_all(&folder)?;
    for daemon in daemons::DAEMONS.iter().filter(|daemon| !daemon.translucent) {
        let file = format!("{}.png", daemon.name);
        let taken = pictures.join(&file);
        if taken.is_file() {
            fs::copy(&taken, folder.join(&file)).with_context(|| format!("cannot copy {file}"))?;
        }
    }
    Ok(())
}

/// Keeps what was seen, and returns it with what earlier runs saw of the others, in the order of the document.
fn remember(rows: &[Row]) -> Result<Vec<Row>> {
    let file = target().join("xtask/lab.json");
    let text = fs::read_to_string(&file).unwrap_or_default();
    let earlier: Vec<Row> = serde_json::from_str(&text).unwrap_or_default();
    let newest = |subject: &Subject| {
        let mut known = rows.iter().chain(&earlier);
        known.find(|row| row.name == subject.name()).cloned()
    };
    let all: Vec<Row> = Subject::all().iter().filter_map(newest).collect();
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(&file, serde_json::to_string_pretty(&all)?)
        .with_context(|| format!("cannot write {}", file.display()))?;
    Ok(all)
}

/// The tables' marks in the document, and what their rows are.
const KINDS: [(&str, &str); 4] = [
    ("daemons", "notification daemon"),
    ("hosts", "tray host"),
    ("keychains", "keychain"),
    ("networks", "proxy or socket server"),
];

/// What a story is played to.
#[derive(Debug, Clone, Copy)]
enum Subject {
    Daemon(&'static daemons::Daemon),
    Host(&'static hosts::Host),
    Keychain(&'static keychains::Keychain),
    Way(&'static network::Way),
}

impl Subject {
    /// Everything that the lab knows, in the order of the document.
    fn all() -> Vec<Self> {
        let daemons = daemons::DAEMONS.iter().map(Self::Daemon);
        let hosts = hosts::HOSTS.iter().map(Self::Host);
        let keychains = keychains::KEYCHAINS.iter().map(Self::Keychain);
        daemons.chain(hosts).chain(keychains).chain(network::WAYS.iter().map(Self::Way)).collect()
    }

    fn name(self) -> &'static str {
        match self {
            Self::Daemon(daemon) => daemon.name,
            Self::Host(host) => host.name,
            Self::Keychain(keychain) => keychain.name,
            Self::Way(way) => way.name,
        }
    }

    fn mark(self) -> &'static str {
        match self {
            Self::Daemon(_) => "daemons",
            Self::Host(_) => "hosts",
            Self::Keychain(_) => "keychains",
            Self::Way(_) => "networks",
        }
    }

    fn play(self, pictures: &Path) -> Row {
        match self {
            Self::Daemon(daemon) => daemons::story(daemon, pictures),
            Self::Host(host) => hosts::story(host, pictures),
            Self::Keychain(keychain) => keychains::story(keychain),
            Self::Way(way) => network::story(way),
        }
    }
}

/// Removes what an earlier run photographed of a subject.
fn forget_pictures(pictures: &Path, subject: &str) {
    for entry in fs::read_dir(pictures).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let rest = name.strip_prefix(subject);
        if rest.is_some_and(|rest| {
            rest == ".png" || ["-failed-", "-restarted"].iter().any(|it| rest.starts_with(it))
        }) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

impl Options {
    /// What they name.
    fn subjects(&self) -> Result<Vec<Subject>> {
        let mut subjects = Subject::all();
        subjects.retain(|subject| matches!(subject, Subject::Way(_)) == self.network);
        subjects.retain(|subject| self.wants(subject.name()));
        ensure!(!subjects.is_empty(), "there is nothing of that name in the lab");
        Ok(subjects)
    }

    fn wants(&self, name: &str) -> bool {
        match &self.only {
            Some(only) => only.split(',').any(|only| name.split(',').next() == Some(only)),
            None => {
                self.all || THREE.iter().flatten().chain(&network::THREE).any(|of_three| *of_three == name)
            }
        }
    }
}

/// Does the work for each, several at a time, and keeps their order.
fn side_by_side<T: Sync>(subjects: &[T], at_once: usize, work: impl Fn(&T) -> Row + Sync) -> Vec<Row> {
    let next = Mutex::new(0);
    let rows = Mutex::new(BTreeMap::new());
    thread::scope(|scope| {
        for _ in 0..at_once {
            scope.spawn(|| {
                loop {
                    let place = {
                        let mut next = next.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                        *next += 1;
                        *next - 1
                    };
                    let Some(subject) = subjects.get(place) else { return };
                    let row = work(subject);
                    tell(&row);
                    rows.lock().unwrap_or_else(std::sync::PoisonError::into_inner).insert(place, row);
                }
            });
        }
    });
    rows.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner).into_values().collect()
}

/// Says how one went, when it is over.
fn tell(row: &Row) {
    let mut text = format!("{} {}", row.name, row.version);
    for outcome in &row.outcomes {
        let word = match outcome.verdict {
            Verdict::Works => "yes",
            Verdict::Otherwise => "otherwise",
            Verdict::Fails => "NO",
            Verdict::NotTried => "not tried",
        };
        text += &format!("\n    {:32} {word} {}", outcome.check, outcome.words);
    }
    say(text);
}

/// The version of an installed package, as its makers count.
fn version(package: &str) -> String {
    let package = match package {
        "mako" => "mako-notifier",
        "swaync" => "sway-notification-center",
        "kwalletd5" => "libkf5wallet-bin",
        package => package,
    };
    let mut ask = Command::new("dpkg-query");
    let answer = ask.args(["--show", "--showformat", "${Version}", package]).output();
    let version =
        answer.map(|answer| String::from_utf8_lossy(&answer.stdout).into_owned()).unwrap_or_default();
    upstream(&version)
}

/// A Debian version without what Debian adds.
fn upstream(version: &str) -> String {
    let upstream = version.split(['-', '+']).next().unwrap_or_default();
    upstream.rsplit(':').next().unwrap_or_default().to_owned()
}
