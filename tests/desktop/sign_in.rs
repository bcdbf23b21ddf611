//! Signing in, as a person does it.

use anyhow::Result;
use xtask::desktop::Parts;

use crate::bus::secrets_of;
use crate::webdriver::Browser;
use crate::world::{PASSWORD, World, sign_in};

#[test]
fn a_person_signs_in_on_the_page_and_is_protected() -> Result<()> {
    let world = World::start()?;
    let browser = world.open()?;

    sign_in(&browser, &world.url(), PASSWORD)?;

    wait_for_word(&browser, "Protected")?;
    assert_eq!(world.connections(), 1);
    Ok(())
}

#[test]
fn a_wrong_password_is_said_plainly_and_nothing_is_kept() -> Result<()> {
    let world = World::start()?;
    let browser = world.open()?;

    sign_in(&browser, &world.url(), "not the password")?;

    let problem = browser.wait_for("a problem", || {
        let shown =
            browser.all("[data-part=password-problem], [data-part=email-problem], [data-part=problem]")?;
        let mut sentences = Vec::new();
        for element in shown {
            sentences.push(element.text()?);
        }
        Ok(sentences.into_iter().find(|sentence| !sentence.is_empty()))
    })?;
    assert!(problem.to_lowercase().contains("password"), "{problem}");
    assert_eq!(world.connections(), 0);
    assert_eq!(world.wait(secrets_of(world.desktop.bus(), "VisionGuard"))?, 0);
    Ok(())
}

#[test]
fn a_server_that_is_not_there_is_said_plainly() -> Result<()> {
    let mut world = World::start()?;
    world.kill_server();
    let browser = world.open()?;

    sign_in(&browser, &world.url(), PASSWORD)?;

    browser.wait_for("a problem with the address", || {
        let shown = browser.all("[data-part=server-problem], [data-part=problem]")?;
        let mut sentences = shown.iter().map(|element| element.text().unwrap_or_default());
        Ok(sentences.find(|sentence| !sentence.is_empty()))
    })?;
    Ok(())
}

#[test]
fn the_sign_in_outlives_the_program_in_the_keychain_and_in_no_file() -> Result<()> {
    let world = World::start()?;
    drop(world.open_signed_in()?);
    world.eventually("the program has ended", || Ok(world.connections() == 0))?;

    assert!(world.wait(secrets_of(world.desktop.bus(), "VisionGuard"))? > 0);
    // How every token begins: `{"`, in base64.
    let files = world.files_holding("eyJ")?;
    assert!(files.is_empty(), "a token is in {files:?}");

    world.launch()?;
    world.eventually("it connects by itself", || Ok(world.connections() == 1))
}

#[test]
fn without_a_keychain_the_sign_in_lasts_as_long_as_the_program_and_the_page_says_so() -> Result<()> {
    let world = World::start_with(Parts { keychain: false, ..Parts::default() })?;
    let browser = world.open_signed_in()?;

    browser.wait_for("a notice", || {
        let notices = browser.find("[data-part=notices]")?.text()?;
        Ok(notices.contains("keychain").then_some(()))
    })?;
    assert!(world.files_holding("eyJ")?.is_empty(), "no token in a file instead");

    drop(browser);
    let again = world.open()?;
    again.find("input[name=password]")?;
    Ok(())
}

/// Waits until the one word is this.
pub fn wait_for_word(browser: &Browser, word: &str) -> Result<()> {
    browser.wait_for(word, || {
        let shown = browser.find("[data-part=word]")?.text()?;
        if shown == word { Ok(Some(())) } else { anyhow::bail!("the word is {shown:?}") }
    })
}
