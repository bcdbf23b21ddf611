//! A desktop, a server and the program, each real, for one test.

use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use secrecy::SecretString;
use serde_json::json;
use tokio::runtime::Runtime;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use visionguard_proto::{AnomalyId, Jpeg, ShopId, StreamId};
use visionguard_server::publish::Kind;
use visionguard_server::{Config, Detection, NewUser, Note, Role, Running, Server, demo};
use xtask::desktop::{Parts, VirtualDesktop, Window};

use crate::bus::{Notifications, Tray};
use crate::webdriver::{Browser, PATIENCE};

pub const EMAIL: &str = "manager@shop.example";
pub const PASSWORD: &str = "open sesame 1";
/// A picture of four quarters, so that what is painted can be told from anything else.
pub const QUARTERS: &[u8] = include_bytes!("quarters.jpg");
/// Its colours: top left, top right, bottom left, bottom right.
pub const COLOURS: [[u8; 3]; 4] = [[208, 40, 120], [30, 160, 200], [240, 170, 20], [90, 60, 170]];

#[derive(Debug)]
pub struct World {
    pub desktop: VirtualDesktop,
    pub notifications: Notifications,
    server: Option<Running>,
    config: Config,
    notes: UnboundedReceiver<Note>,
    noted: Vec<Note>,
    shop: ShopId,
    stream: StreamId,
    people: u64,
    frames: u64,
    program: PathBuf,
    // Last: the others need it while they go.
    runtime: Runtime,
}

impl World {
    /// A desktop with everything, and a server with one shop and its manager.
    pub fn start() -> Result<Self> {
        Self::start_with(Parts::default())
    }

    pub fn start_with(parts: Parts) -> Result<Self> {
        let program = variable("VISIONGUARD_DESKTOP_BIN")?.into();
        let runtime = Runtime::new()?;
        let desktop = VirtualDesktop::start(parts)?;
        let notifications = runtime.block_on(Notifications::listen(desktop.bus()))?;

        let (sender, notes) = unbounded_channel();
        let mut config = Config::new(desktop.dir().join("server"));
        config.notes = Some(sender);
        let server = runtime.block_on(Server::start(config.clone()))?;
        // After a restart it has to be where it was.
        config.listen = server.address;
        let shop = runtime.block_on(people(&server))?;
        let stream = StreamId::new("88e3bbab-72c1-4037-b4e8-d8fe8731a157")?;

        Ok(Self {
            desktop,
            notifications,
            server: Some(server),
            config,
            notes,
            noted: Vec::new(),
            shop,
            stream,
            people: 0,
            frames: 0,
            program,
            runtime,
        })
    }

    /// The server's address, as a person types it.
    pub fn url(&self) -> String {
        format!("http://{}", self.config.listen)
    }

    /// The program, ready to be started on this desktop.
    pub fn program(&self) -> Command {
        self.of_the_client(&self.program)
    }

    /// Starts the program under the driver.
    pub fn open(&self) -> Result<Browser> {
        Browser::open(&self.desktop, &self.program())
    }

    /// Starts the program as a person would.
    pub fn launch(&self) -> Result<Child> {
        self.desktop.spawn("app", &mut self.program())
    }

    /// Starts the program under the driver and signs in on its page.
    pub fn open_signed_in(&self) -> Result<Browser> {
        let browser = self.open()?;
        sign_in(&browser, &self.url(), PASSWORD)?;
        browser.wait_for_words("Protected")?;
        Ok(browser)
    }

    /// The command line, in this world.
    pub fn command_line(&self) -> Result<Command> {
        Ok(self.of_the_client(Path::new(&variable("VISIONGUARD_CLI_BIN")?)))
    }

    /// Signs in on the command line, so that the program starts signed in.
    pub fn sign_in_without_a_window(&self) -> Result<()> {
        let mut login = self.command_line()?;
        login.args(["login", "--server", &self.url(), "--email", EMAIL, "--password-stdin"]);
        let mut child = login.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        child.stdin.take().context("no input")?.write_all(format!("{PASSWORD}\n").as_bytes())?;
        let output = child.wait_with_output()?;
        ensure!(output.status.success(), "cannot sign in: {}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    }

    /// The program's window, as soon as it is there.
    pub fn window(&self) -> Result<Window> {
        let mut window = None;
        self.eventually("the program's window", || {
            window = self.try_window()?;
            Ok(window.is_some())
        })?;
        window.context("no window")
    }

    /// The program's window, if it is there now.
    pub fn try_window(&self) -> Result<Option<Window>> {
        self.desktop.window("^VisionGuard$")
    }

    /// Closes the window as a person does, once the tray is there to get it back from.
    pub fn close_window(&self) -> Result<()> {
        self.tray()?;
        self.desktop.close(&self.window()?)?;
        self.eventually("the window is gone", || Ok(self.try_window()?.is_none()))
    }

    /// A popup of the notification daemon, as soon as it is there and has stopped growing.
    pub fn popup(&self) -> Result<Window> {
        let mut popup = None;
        self.eventually("a popup", || {
            let before = std::mem::replace(&mut popup, self.desktop.window("xfce4-notifyd")?);
            Ok(popup.is_some() && popup == before)
        })?;
        popup.context("no popup")
    }

    /// Presses one of a popup's buttons, counted from the left, where it is drawn.
    pub fn press(&self, popup: &Window, button: usize) -> Result<()> {
        // The buttons stand in a row along the lower edge, each darker than the popup's white ground.
        let row = popup.y + popup.height as i32 - 30;
        let screen = self.desktop.look()?;
        let ground =
            |x: i32| screen.at(x.unsigned_abs(), row.unsigned_abs()).iter().all(|light| *light > 250);
        let mut buttons = Vec::new();
        let mut start = None;
        for x in popup.x..popup.x + popup.width as i32 {
            match start {
                None if !ground(x) => start = Some(x),
                Some(left) if ground(x) => {
                    if x - left > 40 {
                        buttons.push((left + x) / 2);
                    }
                    start = None;
                }
                Some(_) | None => {}
            }
        }
        let x = buttons.get(button).with_context(|| format!("buttons at {buttons:?} of {popup:?}"))?;
        self.desktop.click(*x, row)
    }

    /// Publishes an alert with the picture, of a new person.
    pub fn publish(&mut self, camera: &str) -> Result<AnomalyId> {
        self.people += 1;
        self.publish_again(camera)
    }

    /// Publishes another alert with the picture, of the same person as before.
    pub fn publish_again(&mut self, camera: &str) -> Result<AnomalyId> {
        self.frames += 1;
        let result = json!({
            "person_id": self.people,
            "score": -3.5,
            "frame_number": 30 * self.frames,
            "is_abnormal": true,
            "classification": "Abnormal",
            "confidence": "Low",
        });
        let detection = Detection {
            shop_id: self.shop.clone(),
            user_id: None,
            stream_id: self.stream.clone(),
            kind: Kind::Theft,
            severity: None,
            location: Some(camera.to_owned()),
            description: None,
            result: result.as_object().cloned().unwrap_or_default(),
            picture: Some(Jpeg::from_bytes(Bytes::from_static(QUARTERS))?),
            idempotency_key: None,
        };
        let server = self.server.as_ref().context("the server is not running")?;
        Ok(self.runtime.block_on(server.publish(detection))?.id)
    }

    /// Ends the server as a crash would.
    pub fn kill_server(&mut self) {
        if let Some(server) = self.server.take() {
            let _guard = self.runtime.enter();
            server.kill();
        }
    }

    /// Starts the server again, at the same address and with the same data.
    pub fn restart_server(&mut self) -> Result<()> {
        let give_up_at = Instant::now() + PATIENCE;
        loop {
            match self.runtime.block_on(Server::start(self.config.clone())) {
                Ok(server) => {
                    self.server = Some(server);
                    return Ok(());
                }
                // The killed one may take a moment to let go of its port and data.
                Err(_) if Instant::now() < give_up_at => std::thread::sleep(Duration::from_millis(100)),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Starts the server anew with simulated cameras, which draw their pictures, for so many alerts.
    pub fn let_the_cameras_run(&mut self, alerts: u64) -> Result<()> {
        self.kill_server();
        let password = Some(PASSWORD.to_owned());
        let demo = demo::Settings {
            alerts: Some(alerts),
            interval: Duration::from_secs(1),
            at_once: false,
            password,
        };
        self.config.demo = Some(demo);
        self.restart_server()
    }

    /// Waits until the cameras have published so many alerts.
    pub fn until_published(&mut self, alerts: usize) -> Result<()> {
        eventually("the cameras publish", || {
            Ok(self.noted().iter().filter(|note| matches!(note, Note::Published { .. })).count() >= alerts)
        })
    }

    /// How many connections the server has.
    pub fn connections(&self) -> usize {
        self.server.as_ref().map_or(0, Running::connections)
    }

    /// Everything the server has noted so far.
    pub fn noted(&mut self) -> &[Note] {
        while let Ok(note) = self.notes.try_recv() {
            self.noted.push(note);
        }
        &self.noted
    }

    /// Waits until the server has noted something.
    pub fn until_noted(&mut self, what: &str, is_it: impl Fn(&Note) -> bool) -> Result<()> {
        let give_up_at = Instant::now() + PATIENCE;
        while !self.noted().iter().any(&is_it) {
            if Instant::now() >= give_up_at {
                bail!(
                    "waited in vain: {what}; noted: {:?}; the program said: {}",
                    self.noted,
                    self.desktop.log("app")
                );
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// The program's files that hold a text.
    pub fn files_holding(&self, text: &str) -> Result<Vec<PathBuf>> {
        let mut folders = vec![self.desktop.dir().join("client"), self.desktop.dir().join("config")];
        let mut holding = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder)? {
                let path = entry?.path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.is_file()
                    && fs::read(&path)?.windows(text.len()).any(|part| part == text.as_bytes())
                {
                    holding.push(path);
                }
            }
        }
        Ok(holding)
    }

    /// The tray's item, as soon as it is there.
    pub fn tray(&self) -> Result<Tray> {
        let mut tray = None;
        self.eventually("the tray's item", || {
            tray = self.wait(Tray::find(self.desktop.bus()))?;
            Ok(tray.is_some())
        })?;
        tray.context("no tray")
    }

    /// Runs what is asynchronous to its end.
    pub fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// Waits until something is so, and says with what it failed last otherwise.
    pub fn eventually(&self, what: &str, is_so: impl FnMut() -> Result<bool>) -> Result<()> {
        eventually(what, is_so)
            .with_context(|| format!("the program said: {}{}", self.desktop.log("app"), self.program_log()))
    }

    /// What the program wrote into its own log.
    fn program_log(&self) -> String {
        let files = fs::read_dir(self.desktop.dir().join("client/logs")).into_iter().flatten().flatten();
        files.map(|file| fs::read_to_string(file.path()).unwrap_or_default()).collect()
    }

    fn of_the_client(&self, program: &Path) -> Command {
        let mut command = self.desktop.command(program);
        command.env("VISIONGUARD_DATA_DIR", self.desktop.dir().join("client"));
        command
    }
}

/// Fills in the page's form and sends it.
pub fn sign_in(browser: &Browser, server: &str, password: &str) -> Result<()> {
    browser.find("input[name=server]")?.fill(server)?;
    browser.find("input[name=email]")?.fill(EMAIL)?;
    browser.find("input[name=password]")?.fill(password)?;
    browser.button("Sign in")?.click()
}

/// Waits until something is so.
pub fn eventually(what: &str, mut is_so: impl FnMut() -> Result<bool>) -> Result<()> {
    let give_up_at = Instant::now() + PATIENCE;
    loop {
        match is_so() {
            Ok(true) => return Ok(()),
            Ok(false) if Instant::now() < give_up_at => {}
            Err(_) if Instant::now() < give_up_at => {}
            Ok(false) => bail!("waited {} s in vain: {what}", PATIENCE.as_secs()),
            Err(error) => return Err(error.context(format!("waited in vain: {what}"))),
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

async fn people(server: &Running) -> Result<ShopId> {
    let people = server.users();
    let owner = NewUser {
        email: "owner@shop.example".to_owned(),
        name: "Olga Owner".to_owned(),
        role: Role::Owner,
        password: SecretString::from("another one 2"),
    };
    let owner = people.add_user(owner).await?;
    let shop = people.add_shop("Main Street", &owner).await?;
    let manager = NewUser {
        email: EMAIL.to_owned(),
        name: "Mia Manager".to_owned(),
        role: Role::Manager,
        password: SecretString::from(PASSWORD),
    };
    let manager = people.add_user(manager).await?;
    people.assign(&shop, &manager).await?;
    Ok(shop)
}

pub fn variable(name: &str) -> Result<OsString> {
    std::env::var_os(name).with_context(|| {
        format!("{name} is not set: these tests are run by `cargo xtask test`, which builds the program and sets it")
    })
}
