//! A desktop, a server and the program, each real, for one test.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use secrecy::SecretString;
use serde_json::json;
use tokio::runtime::Runtime;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use visionguard_proto::{AnomalyId, Jpeg, ShopId, StreamId, UserId};
use visionguard_server::publish::Kind;
use visionguard_server::{Config, Detection, NewUser, Note, Role, Running, Server};
use xtask::desktop::{Parts, VirtualDesktop};

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
    user: UserId,
    stream: StreamId,
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
        let (shop, user) = runtime.block_on(people(&server))?;
        let stream = StreamId::new("88e3bbab-72c1-4037-b4e8-d8fe8731a157")?;

        Ok(Self {
            desktop,
            notifications,
            server: Some(server),
            config,
            notes,
            noted: Vec::new(),
            shop,
            user,
            stream,
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

    /// Publishes an alert with the picture, of a new person.
    pub fn publish(&mut self, camera: &str) -> Result<AnomalyId> {
        self.frames += 1;
        let result = json!({ "person_id": self.frames, "score": -3.5, "frame_number": 30 * self.frames, "is_abnormal": true });
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

    /// The user's id.
    pub fn user(&self) -> &UserId {
        &self.user
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
        eventually(what, is_so).with_context(|| format!("the program said: {}", self.desktop.log("app")))
    }

    fn of_the_client(&self, program: &std::path::Path) -> Command {
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

async fn people(server: &Running) -> Result<(ShopId, UserId)> {
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
    Ok((shop, manager))
}

fn variable(name: &str) -> Result<OsString> {
    std::env::var_os(name).with_context(|| {
        format!("{name} is not set: these tests are run by `cargo xtask test`, which builds the program and sets it")
    })
}
