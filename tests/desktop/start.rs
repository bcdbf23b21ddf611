//! The start of the program, before it has a window.

use std::fs;
use std::net::TcpListener;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;

use anyhow::{Result, ensure};
use visionguard_server::Note;

use crate::world::{World, variable};

#[test]
fn a_program_that_is_told_to_end_before_it_has_a_screen_ends_well() -> Result<()> {
    for signal in ["TERM", "INT", "HUP"] {
        // A screen that answers nobody: the program stands in the middle of its start for as long as it takes.
        let (screen, number) = screen()?;
        let data = tempfile::tempdir()?;
        let mut program = Command::new(variable("VISIONGUARD_DESKTOP_BIN")?);
        program.env("DISPLAY", format!("127.0.0.1:{number}")).env("GDK_BACKEND", "x11");
        program.env_remove("WAYLAND_DISPLAY").env("VISIONGUARD_DATA_DIR", data.path());
        let mut child = program.spawn()?;
        let _connection = screen.accept()?;

        Command::new("kill").args(["-s", signal, &child.id().to_string()]).status()?;

        let status = child.wait()?;
        ensure!(status.success(), "{signal}: {status}, signal {:?}", status.signal());
    }
    Ok(())
}

#[test]
fn a_data_directory_that_comes_late_signs_the_running_program_in() -> Result<()> {
    let mut world = World::start()?;
    world.sign_in_without_a_window()?;
    let (data, elsewhere) = (world.desktop.dir().join("client"), world.desktop.dir().join("elsewhere"));
    fs::write(data.join("settings.toml"), "picture_in_notification = false\n")?;
    fs::rename(&data, &elsewhere)?;
    fs::write(&data, "not mounted yet")?;
    let browser = world.open()?;
    browser.wait_for_words("Nothing can be kept in")?;
    browser.wait_for_words("pictures are not shown openly")?;

    fs::remove_file(&data)?;
    fs::rename(&elsewhere, &data)?;

    // By itself: nobody signs in.
    browser.wait_for_words("Protected")?;
    ensure!(data.join("local.sock").exists(), "others do not find the program in the directory");
    let alert = world.publish("Till")?;
    world.until_noted(
        "an ack",
        |note| matches!(note, Note::Acknowledged { anomaly_id, .. } if *anomaly_id == alert),
    )?;
    Ok(())
}

/// One whose number no other program has.
fn screen() -> Result<(TcpListener, u16)> {
    for number in 200..400 {
        if let Ok(listener) = TcpListener::bind(("127.0.0.1", 6000 + number)) {
            return Ok((listener, number));
        }
    }
    anyhow::bail!("no port for a screen is free")
}
