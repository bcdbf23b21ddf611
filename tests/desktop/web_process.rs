//! The page is in trouble, which draws in a process of its own: its script hangs, its process dies, or dies again and
//! again. Alerts and the tray do not notice; the page comes back and shows what there is.

use std::collections::BTreeSet;
use std::process::Child;
#[cfg(feature = "long")]
use std::time::Instant;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use support::matrix;
use visionguard_proto::AnomalyId;
use visionguard_server::Note;
use visionguard_server::note::Via;
use xtask::desktop::Window;

use crate::bus::Tray;
use crate::webdriver::Browser;
use crate::window::{WEB_PROCESS, kill};
use crate::world::{COLOURS, World};

/// Keeps the page's only thread busy soon, when the driver has this answer: when that should be. Notes from when to when
/// it was busy, by the computer's clock.
const HANG: &str = "
    const [length] = arguments;
    window.busy = null;
    setTimeout(() => {
        const from = Date.now();
        while (Date.now() < from + length);
        window.busy = [from, Date.now()];
    }, 500);
    return Date.now() + 600";

/// The cameras of the alerts in the list, in turn.
const CAMERAS: &str = "
    return [...document.querySelectorAll('article.row:not([data-kind=outage])')].map(row => row.innerText)";

#[test]
fn fault_43_the_page_s_script_hangs() -> Result<()> {
    let fault = matrix::row(43, "a busy loop in the page, in its real window, driven by WebDriver");
    let mut world = World::start()?;
    let browser = world.open_signed_in()?;
    let tray = world.tray()?;
    let mut cameras = Cameras::default();

    // On a slow machine the page may be free again before everything has happened: then it hangs for longer.
    let mut lengths = [8, 24, 48].map(Duration::from_secs).into_iter();
    let length = loop {
        let length =
            lengths.next().context("whatever the hang's length, the page was free before the end")?;
        hang(&world, &browser, length)?;
        let began = now()?;
        the_core_goes_on(&mut world, &tray, &mut cameras)?;
        let done = now()?;
        let [from, until] = was_busy(&browser)?;
        if from <= began && done <= until {
            break length;
        }
    };

    shows_each_once(&world, &browser, &cameras)?;
    fault.measured("the page was stuck", format!("{} s", length.as_secs()));
    fault.measured("alerts meanwhile", cameras.0.len().to_string());
    fault.held(&["I1", "I2", "I10", "I11"]);
    Ok(())
}

#[cfg(feature = "long")]
#[test]
fn fault_43_the_page_s_script_hangs_for_a_minute() -> Result<()> {
    const LENGTH: Duration = Duration::from_secs(60);
    const ROUNDS: u32 = 6;
    let fault =
        matrix::row(43, "a busy loop of a minute in the page, in its real window, driven by WebDriver");
    let mut world = World::start()?;
    let browser = world.open_signed_in()?;
    let tray = world.tray()?;
    let mut cameras = Cameras::default();

    hang(&world, &browser, LENGTH)?;
    let began = Instant::now();
    for round in 0..ROUNDS {
        world.eventually("time for the next alert", || Ok(began.elapsed() >= LENGTH / ROUNDS * round))?;
        the_core_goes_on(&mut world, &tray, &mut cameras)?;
    }
    was_busy(&browser)?;

    shows_each_once(&world, &browser, &cameras)?;
    fault.measured("alerts meanwhile", cameras.0.len().to_string());
    fault.held(&["I1", "I2", "I10", "I11"]);
    Ok(())
}

#[test]
fn fault_43_the_page_s_process_is_killed() -> Result<()> {
    let fault = matrix::row(43, "SIGKILL to the page's WebKitWebProcess, its window open");
    let (mut world, mut program) = open_without_a_driver()?;
    let tray = world.tray()?;
    let mut cameras = Cameras::default();
    the_core_goes_on(&mut world, &tray, &mut cameras)?;
    let window = world.window()?;
    until_pictures(&world, cameras.0.len())?;

    let killed = kill_the_page(&world)?;
    the_core_goes_on(&mut world, &tray, &mut cameras)?;

    world.eventually("another process draws the page", || {
        let processes = world.desktop.processes(WEB_PROCESS);
        Ok(!processes.is_empty() && !processes.contains(&killed))
    })?;
    until_pictures(&world, cameras.0.len())?;
    assert_eq!(world.window()?, window, "the same window, where it was");
    raised_once(&world, &cameras);

    // It listens, too.
    world.press(&world.popup()?, 1)?;
    world.eventually("the alert of the popup is painted large", || {
        let screen = world.desktop.look()?.part(&world.window()?);
        Ok(COLOURS.iter().all(|colour| screen.count(*colour, 16) > 10_000))
    })?;
    assert_eq!(program.try_wait()?, None, "the program goes on");
    fault.measured("alerts", cameras.0.len().to_string());
    fault.held(&["I1", "I2", "I10", "I11"]);
    Ok(())
}

#[test]
fn fault_43_the_page_s_process_dies_again_and_again() -> Result<()> {
    let fault = matrix::row(43, "SIGKILL to every WebKitWebProcess as soon as it is there");
    let (mut world, mut program) = open_without_a_driver()?;
    let tray = world.tray()?;
    let mut cameras = Cameras::default();

    let mut killed = BTreeSet::new();
    world.eventually("the window is closed", || {
        for process in world.desktop.processes(WEB_PROCESS) {
            if killed.insert(process) {
                kill(process)?;
            }
        }
        Ok(world.notifications.all().iter().any(|raised| raised.title.contains("window cannot be shown")))
    })?;
    world.eventually("no window is left", || Ok(world.try_window()?.is_none()))?;

    the_core_goes_on(&mut world, &tray, &mut cameras)?;
    raised_once(&world, &cameras);
    assert!(world.desktop.processes(WEB_PROCESS).is_empty(), "nothing is tried behind the person's back");
    assert_eq!(program.try_wait()?, None, "the program goes on");
    world.wait(tray.click())?;
    until_pictures(&world, cameras.0.len())?;
    fault.times(killed.len() as u32);
    fault.held(&["I1", "I2", "I10", "I11"]);
    Ok(())
}

#[test]
fn fault_43_the_page_s_process_is_killed_at_each_of_its_first_milliseconds() -> Result<()> {
    /// Up to this age, in milliseconds.
    const LAST: u64 = 50;
    let fault = matrix::row(43, "SIGKILL to WebKitWebProcess at each age from 0 to 50 ms");
    let (mut world, mut program) = open_without_a_driver()?;
    let tray = world.tray()?;
    let mut killed = BTreeSet::new();

    for age in 0..=LAST {
        let mut next = None;
        world.eventually("another process draws the page", || {
            next = world.desktop.processes(WEB_PROCESS).into_iter().find(|process| !killed.contains(process));
            if next.is_none() && world.desktop.processes("visionguard-window").is_empty() {
                world.wait(tray.click())?;
            }
            Ok(next.is_some())
        })?;
        std::thread::sleep(Duration::from_millis(age));
        killed.extend(next);
        // It may have ended by itself with its window.
        let _ = next.map(kill);
        assert_eq!(program.try_wait()?, None, "the program goes on");
    }

    let mut cameras = Cameras::default();
    is_received(&mut world, &mut cameras)?;
    world.wait(tray.click())?;
    until_pictures(&world, 1)?;
    fault.times(killed.len() as u32);
    fault.held(&["I1", "I2", "I11"]);
    Ok(())
}

/// The program with its window open and no driver, who leaves when a page dies.
fn open_without_a_driver() -> Result<(World, Child)> {
    let world = World::start()?;
    world.sign_in_without_a_window()?;
    let program = world.launch()?;
    // Popups come up in another corner.
    world.desktop.place(&world.window()?, 0, 0)?;
    world.eventually("a process draws the page", || Ok(!world.desktop.processes(WEB_PROCESS).is_empty()))?;
    Ok((world, program))
}

/// While the page cannot answer: alerts are stored, acknowledged and shown, and the tray tells how things are.
fn the_core_goes_on(world: &mut World, tray: &Tray, cameras: &mut Cameras) -> Result<()> {
    until_tray_says(world, tray, "Protected")?;
    is_received(world, cameras)?;

    world.kill_server();
    until_tray_says(world, tray, "Offline")?;
    world.restart_server()?;
    retry_now(world, tray)?;
    until_tray_says(world, tray, "Protected")?;
    is_received(world, cameras)
}

/// Chooses "Retry now" in the tray's menu, unless there is a connection already.
fn retry_now(world: &World, tray: &Tray) -> Result<()> {
    let menu = world.wait(tray.menu())?;
    let retry = menu.iter().find(|entry| entry.label.starts_with("Retry")).context("no Retry now")?;
    if retry.enabled {
        world.wait(tray.choose(retry))?;
    }
    Ok(())
}

/// An alert is stored, acknowledged and raised as a notification.
fn is_received(world: &mut World, cameras: &mut Cameras) -> Result<()> {
    let camera = cameras.another();
    let alert = world.publish(&camera)?;

    world.until_noted("the alert is acknowledged", |note| is_acknowledged(note, &alert))?;
    world.eventually("the alert's notification", || Ok(raised(world, &camera) > 0))
}

/// The page lists every alert, and every alert was raised once.
fn shows_each_once(world: &World, browser: &Browser, cameras: &Cameras) -> Result<()> {
    browser.wait_for("each alert once in the list", || {
        let rows = browser.run(CAMERAS, json!([]))?;
        let rows: Vec<&str> = rows.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        for camera in &cameras.0 {
            let times = rows.iter().filter(|row| row.contains(camera)).count();
            ensure!(times == 1, "{camera} is there {times} times: {rows:?}");
        }
        Ok(Some(()))
    })?;
    raised_once(world, cameras);
    Ok(())
}

fn raised_once(world: &World, cameras: &Cameras) {
    for camera in &cameras.0 {
        assert_eq!(raised(world, camera), 1, "notifications of {camera}");
    }
}

fn raised(world: &World, camera: &str) -> usize {
    world.notifications.all().iter().filter(|raised| raised.title.contains(camera)).count()
}

fn until_tray_says(world: &World, tray: &Tray, word: &str) -> Result<()> {
    world.eventually(&format!("the tray says {word}"), || Ok(world.wait(tray.tooltip())?.contains(word)))
}

/// The cameras that have seen something, each one thing.
#[derive(Debug, Default)]
struct Cameras(Vec<String>);

impl Cameras {
    fn another(&mut self) -> String {
        let camera = format!("Camera {:02}", self.0.len() + 1);
        self.0.push(camera.clone());
        camera
    }
}

/// Makes the page hang and waits until it should.
fn hang(world: &World, browser: &Browser, length: Duration) -> Result<()> {
    let from = browser.run(HANG, json!([length.as_millis() as u64]))?.as_u64().context("no time")?;
    world.eventually("the page hangs", || Ok(now()? >= from))
}

/// From when to when the page hung, once it answers again.
fn was_busy(browser: &Browser) -> Result<[u64; 2]> {
    browser.wait_for("the page answers again", || {
        let busy = browser.run("return window.busy", json!([]))?;
        Ok(busy[0].as_u64().zip(busy[1].as_u64()).map(|(from, until)| [from, until]))
    })
}

/// The computer's clock, as pages read it: milliseconds since 1970.
fn now() -> Result<u64> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis() as u64)
}

/// Waits until the list shows so many pictures.
pub fn until_pictures(world: &World, pictures: usize) -> Result<()> {
    let mut seen = 0;
    world
        .eventually(&format!("{pictures} pictures in the list"), || {
            let window = world.window()?;
            let list = world.desktop.look()?.part(&Window { width: window.width / 3, ..window });
            let line = |y: u32| (0..list.width).any(|x| is_near(list.at(x, y), COLOURS[0]));
            seen = (1..list.height).filter(|y| line(*y) && !line(y - 1)).count();
            Ok(seen == pictures)
        })
        .with_context(|| format!("{seen} pictures are painted"))
}

fn is_near(seen: [u8; 3], colour: [u8; 3]) -> bool {
    seen.iter().zip(colour).all(|(seen, wanted)| seen.abs_diff(wanted) <= 24)
}

/// Kills the process that draws the page, as a crash or the kernel's want of memory would, and tells which it was.
fn kill_the_page(world: &World) -> Result<u32> {
    let processes = world.desktop.processes(WEB_PROCESS);
    let [process] = processes[..] else { anyhow::bail!("the page's processes are {processes:?}") };
    kill(process)?;
    Ok(process)
}

fn is_acknowledged(note: &Note, alert: &AnomalyId) -> bool {
    match note {
        Note::Acknowledged { anomaly_id, via, .. } => anomaly_id == alert && *via == Via::Socket,
        Note::Published { .. } => false,
    }
}
