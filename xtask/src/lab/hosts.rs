//! The tray hosts, and one story that is played to each of them.

use std::fs;
use std::path::Path;
use std::process::{Child, Command};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::shop::{Client, Shop, said};
use super::sight::small_things;
use super::sway::Sway;
use super::table::{Found, Row};
use super::wait::{SOON, eventually};
use crate::desktop::{Parts, Picture, VirtualDesktop, Window};

/// A panel with a tray of Debian's.
#[derive(Debug)]
pub(super) struct Host {
    pub(super) name: &'static str,
    program: &'static str,
    arguments: &'static [&'static str],
    wayland: bool,
    /// Files that give it a tray, by their paths below the configuration's folder.
    settings: &'static [(&'static str, &'static str)],
    /// Whether it draws the title alone when the pointer rests on the icon.
    title_only: bool,
}

pub(super) const HOSTS: [Host; 4] = [
    Host {
        name: "xfce4-panel",
        program: "/usr/bin/xfce4-panel",
        arguments: &["--disable-wm-check"],
        wayland: false,
        settings: &[("xfce4/xfconf/xfce-perchannel-xml/xfce4-panel.xml", XFCE4_PANEL)],
        title_only: false,
    },
    Host {
        name: "lxqt-panel",
        program: "/usr/bin/lxqt-panel",
        arguments: &[],
        wayland: false,
        settings: &[("lxqt/panel.conf", LXQT_PANEL)],
        title_only: true,
    },
    Host {
        name: "mate-panel",
        program: "/usr/bin/mate-panel",
        arguments: &[],
        wayland: false,
        settings: &[],
        title_only: false,
    },
    Host {
        name: "waybar",
        program: "/usr/bin/waybar",
        arguments: &[],
        wayland: true,
        settings: &[
            (
                "waybar/config",
                "{\"height\": 32, \"modules-right\": [\"tray\"], \"tray\": {\"icon-size\": 20}}\n",
            ),
            ("waybar/style.css", "window#waybar { background: #202020; }\n"),
        ],
        title_only: false,
    },
];

const XFCE4_PANEL: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<channel name="xfce4-panel" version="1.0">
  <property name="configver" type="int" value="2"/>
  <property name="panels" type="array">
    <value type="int" value="1"/>
    <property name="panel-1" type="empty">
      <property name="position" type="string" value="p=8;x=0;y=0"/>
      <property name="length" type="uint" value="100"/>
      <property name="position-locked" type="bool" value="true"/>
      <property name="size" type="uint" value="32"/>
      <property name="plugin-ids" type="array">
        <value type="int" value="1"/>
      </property>
    </property>
  </property>
  <property name="plugins" type="empty">
    <property name="plugin-1" type="string" value="systray">
      <property name="square-icons" type="bool" value="true"/>
    </property>
  </property>
</channel>
"#;

const LXQT_PANEL: &str = "\
[General]
__userfile__=true
panels=panel1

[panel1]
alignment=-1
position=Bottom
panelSize=32
iconSize=22
width=100
width-percent=true
plugins=statusnotifier

[statusnotifier]
type=statusnotifier
";

/// Plays the story to a host.
pub(super) fn story(host: &Host, pictures: &Path) -> Row {
    let mut row = Row::new(host.name, &super::version(host.name));
    if !Path::new(host.program).is_file() {
        row.not_tried("it is not installed");
        return row;
    }
    match Scene::set(host) {
        Ok(mut scene) => {
            let mut check = |name: &str, work: &mut dyn FnMut(&mut Scene<'_>) -> Result<Found>| {
                if !row.check(name, || work(&mut scene)) {
                    let file = format!("{}-failed-{}.png", host.name, name.replace([' ', ':', ','], "-"));
                    let _ = scene.desktop.screenshot(&pictures.join(file));
                }
            };
            check("icon", &mut |scene| scene.icon(pictures));
            check("says the status", &mut |scene| scene.says("Protected"));
            check("click opens the window", &mut |scene| scene.opens());
            check("closing hides it, a click brings it back", &mut |scene| scene.comes_back());
            check("icon follows the status", &mut |scene| scene.follows());
            check("after its restart", &mut |scene| scene.host_restarts());
            check("panel gone: closing minimises", &mut |scene| scene.closing_minimises());
            check("panel gone: a second start brings it", &mut |scene| scene.second_start_brings_it());
        }
        Err(error) => {
            row.check(super::table::START, || Err(error));
        }
    }
    row
}

#[derive(Debug)]
struct Scene<'a> {
    host: &'a Host,
    empty: Picture,
    icon: Option<Window>,
    shop: Shop,
    app: Child,
    running: Child,
    sway: Option<Sway>,
    desktop: VirtualDesktop,
}

const OURS: &str = "^VisionGuard$";

impl<'a> Scene<'a> {
    fn set(host: &'a Host) -> Result<Self> {
        let desktop =
            VirtualDesktop::start(Parts { notifications: false, panel: false, ..Parts::default() })?;
        let sway = host.wayland.then(|| Sway::start(&desktop)).transpose()?;
        for (file, text) in host.settings {
            let file = desktop.dir().join("config").join(file);
            fs::create_dir_all(file.parent().context("no folder")?)?;
            fs::write(&file, text)?;
        }
        let running = start_host(host, &desktop, sway.as_ref())?;
        let shop = Shop::open(&desktop)?;
        let client = Client { desktop: &desktop, server: format!("http://{}", shop.address) };
        client.sign_in()?;
        let empty = settled(&desktop)?;
        let app = client.start(&["--hidden"])?;
        eventually("the program says that it is protected", SOON, || Ok(client.is("protected")))?;
        Ok(Self { host, empty, icon: None, shop, app, running, sway, desktop })
    }

    fn client(&self) -> Client<'_> {
        Client { desktop: &self.desktop, server: format!("http://{}", self.shop.address) }
    }

    /// What is small and new on the display: an icon.
    fn icons(&self) -> Result<Vec<Window>> {
        Ok(small_things(&self.empty, &self.desktop.look()?))
    }

    fn window(&self) -> Result<Option<Window>> {
        self.desktop.window(OURS)
    }

    fn icon(&mut self, pictures: &Path) -> Result<Found> {
        eventually("an icon is drawn in the panel", SOON, || Ok(!self.icons()?.is_empty()))?;
        // The first icon may be another status's.
        std::thread::sleep(Duration::from_millis(800));
        self.icon = self.icons()?.into_iter().next();
        let icon = self.icon.clone().context("no icon")?;
        let around = Window {
            x: icon.x - 60,
            y: icon.y - 8,
            width: icon.width + 120,
            height: icon.height + 16,
            ..icon
        };
        self.desktop.screenshot_of(&around, &pictures.join(format!("{}.png", self.host.name)))?;
        Ok(Found::works())
    }

    /// Whether what the host draws when the pointer rests on the icon has the word.
    fn says(&self, word: &str) -> Result<Found> {
        let properties: &[&str] = if self.host.title_only { &["Title"] } else { &["Title", "ToolTip"] };
        let mut said = String::new();
        eventually("the tray says the status", SOON, || {
            said.clear();
            for property in properties {
                said += &self.property(property)?;
            }
            Ok(said.contains(word))
        })
        .with_context(|| format!("it says {}", said.trim()))?;
        Ok(Found::works())
    }

    fn opens(&self) -> Result<Found> {
        self.click()?;
        eventually("a click on the icon opens the window", SOON, || Ok(self.window()?.is_some()))?;
        Ok(Found::works())
    }

    fn comes_back(&self) -> Result<Found> {
        let window = self.window()?.context("there is no window")?;
        self.desktop.close(&window)?;
        eventually("the window closes", SOON, || Ok(self.window()?.is_none()))?;
        ensure!(self.client().is("protected"), "the program ended with its window");
        self.click()?;
        eventually("a click on the icon brings the window back", SOON, || Ok(self.window()?.is_some()))?;
        self.desktop.close(&self.window()?.context("no window")?)?;
        eventually("the window closes", SOON, || Ok(self.window()?.is_none()))?;
        Ok(Found::works())
    }

    fn follows(&mut self) -> Result<Found> {
        let icon = self.icon.clone().context("no icon was seen")?;
        let before = self.desktop.look()?.part(&icon);
        self.shop.kill();
        eventually("the icon changes when the server is gone", SOON, || {
            let now = self.desktop.look()?.part(&icon);
            Ok(super::sight::changed(&before, &now) > 8)
        })?;
        let found = self.says("Offline");
        self.shop.reopen(&self.desktop)?;
        eventually("the program is protected again", Duration::from_secs(60), || {
            Ok(self.client().is("protected"))
        })?;
        found
    }

    fn host_restarts(&mut self) -> Result<Found> {
        self.end_the_host()?;
        self.running = start_host(self.host, &self.desktop, self.sway.as_ref())?;
        eventually("the icon is drawn again", SOON, || Ok(!self.icons()?.is_empty()))?;
        Ok(Found::works())
    }

    /// Where nobody draws the icon, a window that went would not be found again.
    fn closing_minimises(&mut self) -> Result<Found> {
        self.end_the_host()?;
        self.second_start()?;
        eventually("a second start opens the window", SOON, || Ok(self.window()?.is_some()))?;
        let window = self.window()?.context("no window")?;
        self.desktop.close(&window)?;
        eventually("the window is minimised", SOON, || self.desktop.is_minimised(&window))?;
        Ok(Found::works())
    }

    fn second_start_brings_it(&self) -> Result<Found> {
        self.second_start()?;
        eventually("a second start brings the window back", SOON, || match self.window()? {
            Some(window) => Ok(!self.desktop.is_minimised(&window)?),
            None => Ok(false),
        })?;
        Ok(Found::works())
    }

    fn second_start(&self) -> Result<()> {
        let mut second = self.client().start(&[])?;
        second.wait()?;
        Ok(())
    }

    fn end_the_host(&mut self) -> Result<()> {
        self.running.kill()?;
        self.running.wait()?;
        // Plugins may be processes of their own.
        eventually("the panel is gone", SOON, || {
            Ok(self.icons()?.is_empty() || !self.desktop.has_name(WATCHER))
        })
    }

    fn click(&self) -> Result<()> {
        let icon =
            self.icons()?.into_iter().next().or_else(|| self.icon.clone()).context("no icon is drawn")?;
        let [x, y] = [(icon.x, icon.width), (icon.y, icon.height)]
            .map(|(start, size)| start + i32::try_from(size / 2).unwrap_or(0));
        self.desktop.xdotool(&["mousemove", &(x - 2).to_string(), &y.to_string()])?;
        self.desktop.click(x, y)?;
        self.desktop.xdotool(&["mousemove", "640", "450"])?;
        Ok(())
    }

    /// A property of our item on the bus.
    fn property(&self, name: &str) -> Result<String> {
        let ask = |to: &str, path: &str, method: &str, arguments: &[&str]| {
            let mut ask = self.desktop.command("gdbus");
            ask.args(["call", "--session", "--dest", to, "--object-path", path, "--method", method]);
            said(ask.args(arguments), "")
        };
        let names =
            ask("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus.ListNames", &[])?;
        let item = names
            .split('\'')
            .find(|name| name.starts_with("org.kde.StatusNotifierItem-"))
            .context("the program has no item in the tray")?;
        let words = ["org.kde.StatusNotifierItem", name];
        ask(item, "/StatusNotifierItem", "org.freedesktop.DBus.Properties.Get", &words)
    }
}

impl Drop for Scene<'_> {
    fn drop(&mut self) {
        for process in [&mut self.app, &mut self.running] {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

const WATCHER: &str = "org.kde.StatusNotifierWatcher";

fn start_host(host: &Host, desktop: &VirtualDesktop, sway: Option<&Sway>) -> Result<Child> {
    let mut command: Command = desktop.command(host.program);
    command.args(host.arguments).env("GSETTINGS_BACKEND", "keyfile");
    if let Some(sway) = sway {
        sway.draw_here(&mut command);
    }
    let running = desktop.spawn("host", &mut command)?;
    eventually("the panel has a tray", SOON, || Ok(desktop.has_name(WATCHER)))
        .with_context(|| desktop.log("host"))?;
    Ok(running)
}

/// The display when it has stopped changing.
fn settled(desktop: &VirtualDesktop) -> Result<Picture> {
    let mut before = desktop.look()?;
    let mut same = 0;
    eventually("the panel has stopped changing", SOON, || {
        let now = desktop.look()?;
        same = if super::sight::changed(&before, &now) == 0 { same + 1 } else { 0 };
        before = now;
        Ok(same >= 4)
    })?;
    Ok(before)
}
