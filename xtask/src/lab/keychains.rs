//! The keychains, and one story that is played to each of them: a sign-in that is kept.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::shop::{Client, Shop, said};
use super::table::{Found, Row};
use super::wait::{SOON, eventually, stays};
use crate::desktop::{Parts, VirtualDesktop};
use crate::project::output;

/// A program of Debian's that keeps secrets.
#[derive(Debug)]
pub(super) struct Keychain {
    pub(super) name: &'static str,
    program: &'static str,
    /// Writes what it needs before its first start, such as a database.
    prepare: fn(&VirtualDesktop) -> Result<()>,
    /// Starts it, unlocked.
    start: fn(&VirtualDesktop) -> Result<Child>,
    /// What a person does once, after its first start.
    furnish: fn(&VirtualDesktop) -> Result<()>,
    /// What comes before its end, so that what it has is on disk.
    close: fn(&VirtualDesktop) -> Result<()>,
    /// What a person does who is asked for the keychain's password.
    answer: fn(&VirtualDesktop) -> Result<()>,
}

pub(super) const KEYCHAINS: [Keychain; 3] = [
    Keychain {
        name: "gnome-keyring",
        program: "/usr/bin/gnome-keyring-daemon",
        prepare: |_| Ok(()),
        start: |desktop| {
            let arguments = ["--foreground", "--unlock", "--components=secrets"];
            with_the_password(desktop, "gnome-keyring-daemon", &arguments, PASSWORD)
        },
        furnish: |_| Ok(()),
        close: |_| Ok(()),
        answer: |_| Ok(()),
    },
    Keychain {
        name: "keepassxc",
        program: "/usr/bin/keepassxc",
        prepare: database,
        start: |desktop| {
            let file = desktop.dir().join("home/passwords.kdbx");
            let file = file.to_string_lossy();
            with_the_password(desktop, "keepassxc", &["--pw-stdin", &file], &format!("{PASSWORD}\n"))
        },
        furnish: |_| Ok(()),
        close: |_| Ok(()),
        answer: |_| Ok(()),
    },
    Keychain {
        name: "kwalletd5",
        program: "/usr/bin/kwalletd5",
        prepare: |desktop| fs::write(desktop.dir().join("config/kwalletrc"), KWALLETRC).map_err(Into::into),
        start: |desktop| desktop.spawn("keychain", &mut desktop.command("kwalletd5")),
        furnish: wallet,
        close: close_the_wallet,
        answer: open_the_wallet,
    },
];

/// Of a keychain that is empty and goes with its desktop.
const PASSWORD: &str = "virtual desktop";

const KWALLETRC: &str = "\
[Wallet]
First Use=false
Enabled=true
Leave Open=true
Idle Timeout=0

[org.freedesktop.secrets]
apiEnabled=true
";

const KEEPASSXC: &str = "\
[General]
UpdateCheckMessageShown=true

[FdoSecrets]
Enabled=true
ConfirmAccessItem=false
";

/// A database whose whole content is open to the programs of the session.
const DATABASE: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<KeePassFile>
  <Meta>
    <Generator>KeePass</Generator>
    <DatabaseName>Passwords</DatabaseName>
    <CustomData><Item>
      <Key>FDO_SECRETS_EXPOSED_GROUP</Key><Value>{11223344-5566-7788-99aa-bbccddeeff01}</Value>
    </Item></CustomData>
  </Meta>
  <Root><Group><UUID>ESIzRFVmd4iZqrvM3e7/AQ==</UUID><Name>Root</Name></Group></Root>
</KeePassFile>
"#;

/// Plays the story to a keychain.
pub(super) fn story(keychain: &Keychain) -> Row {
    let mut row = Row::new(keychain.name, &super::version(keychain.name));
    if !Path::new(keychain.program).is_file() {
        row.not_tried("it is not installed");
        return row;
    }
    match Scene::set(keychain) {
        Ok(mut scene) => {
            row.check("sign-in", || scene.sign_in());
            row.check("kept over a restart of the program", || scene.program_restarts());
            row.check("its restart beside the running program", || scene.keychain_restarts());
            row.check("kept over its restart", || scene.program_restarts());
            row.check("later than the program", || scene.keychain_is_late());
            row.check("signed out: nothing is left", || scene.sign_out());
        }
        Err(error) => {
            row.check(super::table::START, || Err(error));
        }
    }
    row
}

#[derive(Debug)]
struct Scene<'a> {
    keychain: &'a Keychain,
    shop: Shop,
    app: Option<Child>,
    running: Child,
    desktop: VirtualDesktop,
}

impl<'a> Scene<'a> {
    fn set(keychain: &'a Keychain) -> Result<Self> {
        let parts = Parts { keychain: false, notifications: false, panel: false, ..Parts::default() };
        let desktop = VirtualDesktop::start(parts)?;
        (keychain.prepare)(&desktop)?;
        let running = start(keychain, &desktop)?;
        (keychain.furnish)(&desktop)?;
        let shop = Shop::open(&desktop)?;
        Ok(Self { keychain, shop, app: None, running, desktop })
    }

    fn client(&self) -> Client<'_> {
        Client { desktop: &self.desktop, server: format!("http://{}", self.shop.address) }
    }

    fn sign_in(&mut self) -> Result<Found> {
        self.client().sign_in()?;
        Ok(Found::works())
    }

    /// Ends the program as a crash would, if it runs, and starts it again: it is signed in.
    fn program_restarts(&mut self) -> Result<Found> {
        self.end_the_program();
        self.app = Some(self.client().start(&["--hidden"])?);
        self.is_protected()?;
        Ok(Found::works())
    }

    fn keychain_restarts(&mut self) -> Result<Found> {
        self.end_the_keychain()?;
        self.running = start(self.keychain, &self.desktop)?;
        stays("the program stays signed in", Duration::from_secs(6), || {
            let status = self.client().status()?;
            ensure!(status["status"] != "signed_out", "it says {}", status["sentence"]);
            Ok(())
        })?;
        self.is_protected()?;
        Ok(Found::works())
    }

    fn keychain_is_late(&mut self) -> Result<Found> {
        self.end_the_program();
        self.end_the_keychain()?;
        self.app = Some(self.client().start(&["--hidden"])?);
        eventually("the program has looked for the keychain", SOON, || Ok(!self.client().is("protected")))?;
        std::thread::sleep(Duration::from_secs(4));
        self.running = start(self.keychain, &self.desktop)?;
        self.is_protected()?;
        Ok(Found::works())
    }

    fn status(&self) -> String {
        let status = self.client().status().unwrap_or_default();
        format!("it says {}: {}", status["status"], status["sentence"])
    }

    fn sign_out(&mut self) -> Result<Found> {
        self.end_the_program();
        let mut logout = self.client().program("visionguard");
        let mut logout = self.desktop.spawn("logout", logout.arg("logout"))?;
        eventually("it is signed out", SOON, || {
            (self.keychain.answer)(&self.desktop)?;
            Ok(logout.try_wait()?.is_some())
        })?;
        let status = self.client().status()?;
        ensure!(status["status"] == "signed_out", "it says {status}");
        Ok(Found::works())
    }

    fn is_protected(&self) -> Result<()> {
        // A question that is asked while it unlocks may be answered by nobody, and is asked again.
        eventually("the program is signed in by itself, and protected", Duration::from_secs(180), || {
            (self.keychain.answer)(&self.desktop)?;
            Ok(self.client().is("protected"))
        })
        .with_context(|| self.status())
    }

    fn end_the_program(&mut self) {
        if let Some(mut app) = self.app.take() {
            let _ = app.kill();
            let _ = app.wait();
        }
    }

    /// Ends it as a session does.
    fn end_the_keychain(&mut self) -> Result<()> {
        (self.keychain.close)(&self.desktop)?;
        output(Command::new("kill").args(["-TERM", &self.running.id().to_string()]))?;
        let ended = eventually("it ends", SOON, || Ok(self.running.try_wait()?.is_some()));
        if ended.is_err() {
            self.running.kill()?;
        }
        self.running.wait()?;
        eventually("the keychain is gone", SOON, || Ok(!self.desktop.has_name(BUS_NAME)))
    }
}

impl Drop for Scene<'_> {
    fn drop(&mut self) {
        self.end_the_program();
        let _ = self.running.kill();
        let _ = self.running.wait();
    }
}

const BUS_NAME: &str = "org.freedesktop.secrets";

fn start(keychain: &Keychain, desktop: &VirtualDesktop) -> Result<Child> {
    let running = (keychain.start)(desktop)?;
    eventually("the keychain is on the bus", SOON, || Ok(desktop.has_name(BUS_NAME)))
        .with_context(|| desktop.log("keychain"))?;
    Ok(running)
}

/// Starts a program that reads its password from its input.
fn with_the_password(
    desktop: &VirtualDesktop,
    program: &str,
    arguments: &[&str],
    password: &str,
) -> Result<Child> {
    let log = fs::File::create(desktop.dir().join("log/keychain"))?;
    let mut command = desktop.command(program);
    // KeePassXC refuses to start where another one of this user's runs, and looks for that there.
    command.env("TMPDIR", desktop.dir().join("run"));
    command.args(arguments).stdin(Stdio::piped()).stdout(log.try_clone()?).stderr(log);
    let mut child = command.spawn().with_context(|| format!("cannot start {program}"))?;
    child.stdin.take().context("no input")?.write_all(password.as_bytes())?;
    Ok(child)
}

/// KeePassXC's settings, and a database.
fn database(desktop: &VirtualDesktop) -> Result<()> {
    let settings = desktop.dir().join("config/keepassxc");
    fs::create_dir_all(&settings)?;
    fs::write(settings.join("keepassxc.ini"), KEEPASSXC)?;
    let home = desktop.dir().join("home");
    fs::write(home.join("passwords.xml"), DATABASE)?;
    let mut import = desktop.command("keepassxc-cli");
    import.args(["import", "--set-password"]);
    import.arg(home.join("passwords.xml")).arg(home.join("passwords.kdbx"));
    said(&mut import, &format!("{PASSWORD}\n{PASSWORD}\n"))?;
    Ok(())
}

/// Makes a wallet, as a person does whom the wallet's assistant asks.
fn wallet(desktop: &VirtualDesktop) -> Result<()> {
    let mut open = desktop.command("gdbus");
    open.args(["call", "--session", "--timeout", "60", "--dest", "org.kde.kwalletd5"]);
    open.args(["--object-path", "/modules/kwalletd5", "--method", "org.kde.KWallet.open"]);
    let mut open = desktop.spawn("wallet", open.args(["kdewallet", "0", "lab"]))?;
    // The first page is wide, the second narrow.
    let page = |what: &str, widths: std::ops::Range<i32>| {
        let mut found = None;
        eventually(what, SOON, || {
            let before = std::mem::replace(&mut found, place_of(desktop, "KDE Wallet Service"));
            Ok(found == before && found.is_some_and(|(_, _, width)| widths.contains(&width)))
        })?;
        found.context("no window")
    };
    let first = page("the wallet's assistant", 400..700)?;
    // A blowfish file, not GPG; then Finish.
    desktop.click(first.0 + 108, first.1 + 167)?;
    desktop.click(first.0 + 362, first.1 + 336)?;
    let second = page("the wallet's password is asked for", 200..400)?;
    // The first field has the focus.
    desktop.click(second.0 + 150, second.1 + 10)?;
    desktop.xdotool(&["type", PASSWORD])?;
    desktop.xdotool(&["key", "Tab"])?;
    desktop.xdotool(&["type", PASSWORD])?;
    desktop.xdotool(&["key", "Return"])?;
    open.wait()?;
    let said = desktop.log("wallet");
    ensure!(!said.contains("-1") && !said.contains("rror"), "no wallet was made: {said}");
    Ok(())
}

/// Closes the wallet, as its menu does: what came over the Secret Service is in its file some seconds later otherwise.
fn close_the_wallet(desktop: &VirtualDesktop) -> Result<()> {
    let mut close = desktop.command("gdbus");
    close.args(["call", "--session", "--dest", "org.kde.kwalletd5", "--object-path", "/modules/kwalletd5"]);
    said(close.args(["--method", "org.kde.KWallet.closeAllWallets"]), "")?;
    Ok(())
}

/// Types the wallet's password, where it is asked for.
fn open_the_wallet(desktop: &VirtualDesktop) -> Result<()> {
    let asks = || place_of(desktop, "KDE Wallet Service");
    let Some((left, top, _)) = asks() else { return Ok(()) };
    desktop.click(left + 150, top + 10)?;
    desktop.xdotool(&["type", PASSWORD])?;
    desktop.xdotool(&["key", "Return"])?;
    eventually("the wallet is opened", SOON, || Ok(asks().is_none()))
}

/// Where a window of this title is, and how large: its left and upper edge, its width. xdotool does not find those of Qt's
/// dialogs.
fn place_of(desktop: &VirtualDesktop, title: &str) -> Option<(i32, i32, i32)> {
    let facts = output(desktop.command("xwininfo").args(["-name", title])).ok()?;
    if !facts.contains("Map State: IsViewable") {
        return None;
    }
    let fact = |name: &str| {
        facts.lines().find_map(|line| line.trim().strip_prefix(name)?.trim().parse::<i32>().ok())
    };
    Some((fact("Absolute upper-left X:")?, fact("Absolute upper-left Y:")?, fact("Width:")?))
}
