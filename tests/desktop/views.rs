//! Every view, light and dark, narrow and wide: that it fits, that it wears the right colours, and a picture of it.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use xtask::desktop::Parts;

use crate::sign_in::wait_for_word;
use crate::webdriver::Browser;
use crate::world::{PASSWORD, World, sign_in};

/// The sizes that views are looked at in: a phone's width, a laptop's.
const SIZES: [(u32, u32); 2] = [(360, 740), (1280, 800)];
/// The page's ground in each scheme.
const SCHEMES: [(&str, &str); 2] = [("light", "rgb(245, 246, 248)"), ("dark", "rgb(14, 17, 21)")];

#[test]
fn every_view_fits_and_wears_its_colours() -> Result<()> {
    let mut world = World::start_with(Parts { size: (1920, 1200), ..Parts::default() })?;
    let browser = world.open()?;
    let photographer = Photographer { world: &world, browser: &browser, folder: folder()? };
    browser.find("input[name=server]")?.fill(&world.url())?;
    photographer.photograph_in_the_system_s_scheme("sign-in")?;

    sign_in(&browser, &world.url(), PASSWORD)?;
    wait_for_word(&browser, "Protected")?;
    photographer.photograph("quiet")?;
    photographer.photograph_the_report("report-empty", "No alert in this time.")?;

    world.let_the_cameras_run(6)?;
    world.until_published(6)?;
    browser.wait_for("three incidents in the feed", || {
        let pictures = browser.run(
            "return [...document.querySelectorAll('[data-part=rows] img')].filter(img => img.complete && img.naturalWidth > 0).length",
            json!([]),
        )?;
        Ok(pictures.as_u64().filter(|pictures| *pictures >= 3))
    })?;
    let photographer = Photographer { world: &world, browser: &browser, folder: folder()? };
    photographer.photograph("feed")?;
    browser.find("article.row:not([data-kind=outage])")?.click()?;
    browser.wait_for("the picture", || {
        let loaded =
            browser.run("return document.querySelector('img[data-part=frame]').naturalWidth", json!([]))?;
        Ok(loaded.as_u64().filter(|width| *width > 0))
    })?;
    photographer.photograph("incident")?;
    photographer.photograph_the_report("report", "At once")?;
    browser.find("[data-part=settings]")?.click()?;
    browser.find(".settings [data-part=drill-button]")?.click()?;
    browser.wait_for("a test of the alert path that passed", || {
        Ok(drill_of(&browser)?.filter(|drill| drill == "passed"))
    })?;
    photographer.photograph("settings")?;
    browser.find("[data-part=settings-back]")?.click()?;

    world.kill_server();
    wait_for_word(&browser, "Offline")?;
    let photographer = Photographer { world: &world, browser: &browser, folder: folder()? };
    photographer.photograph("offline")?;
    browser.find("[data-part=settings]")?.click()?;
    browser.find(".settings [data-part=drill-button]")?.click()?;
    browser.wait_for("a test of the alert path that failed", || {
        Ok(drill_of(&browser)?.filter(|drill| drill == "failed"))
    })?;
    photographer.photograph("drill-failed")
}

/// How the test of the alert path stands, as the settings show it.
fn drill_of(browser: &Browser) -> Result<Option<String>> {
    let drill =
        browser.run("return document.querySelector('.settings .drill').dataset.drill ?? null", json!([]))?;
    Ok(drill.as_str().map(str::to_owned))
}

/// Takes the pictures of one run.
#[derive(Debug)]
struct Photographer<'a> {
    world: &'a World,
    browser: &'a Browser,
    folder: PathBuf,
}

impl Photographer<'_> {
    /// A view in both schemes and all sizes.
    fn photograph(&self, view: &str) -> Result<()> {
        for (scheme, ground) in SCHEMES {
            self.wear(scheme)?;
            for size in SIZES {
                self.take(&format!("{view}-{scheme}-{}", size.0), size, ground)?;
            }
        }
        self.wear("light")
    }

    /// The report, once these words are in it, and back.
    fn photograph_the_report(&self, view: &str, words: &str) -> Result<()> {
        self.browser.find("[data-part=report]")?.click()?;
        // The part that was chosen last stays so.
        self.browser.find("input[name=report_part][value=shop]")?.click()?;
        self.browser.wait_for("the shop's report", || {
            let said = self.browser.find("[data-part=report-shop]")?.text()?;
            Ok((!said.is_empty()).then_some(()))
        })?;
        self.photograph(&format!("{view}-shop"))?;
        self.browser.find("input[name=report_part][value=delivery]")?.click()?;
        self.browser.wait_for(&format!("{view}: {words}"), || {
            let said = self.browser.find("[data-part=report-page]")?.text()?;
            Ok(said.contains(words).then_some(()))
        })?;
        self.photograph(view)?;
        self.browser.find("[data-part=report-back]")?.click()
    }

    /// A view that is shown before there are settings, in all sizes.
    fn photograph_in_the_system_s_scheme(&self, view: &str) -> Result<()> {
        for size in SIZES {
            self.take(&format!("{view}-light-{}", size.0), size, SCHEMES[0].1)?;
        }
        Ok(())
    }

    fn take(&self, name: &str, (width, height): (u32, u32), ground: &str) -> Result<()> {
        let window = self.world.window()?;
        self.world.desktop.resize(&window, width, height)?;
        self.browser.wait_for(&format!("{name}: the size"), || {
            let inner = self.browser.run("return innerWidth", json!([]))?;
            Ok((inner == json!(width)).then_some(()))
        })?;

        self.browser.wait_for(&format!("{name}: the ground's colour"), || {
            let seen = self
                .browser
                .run("return getComputedStyle(document.documentElement).backgroundColor", json!([]))?;
            ensure!(seen == ground, "{name}: the ground is {seen} and not {ground}");
            Ok(Some(()))
        })?;
        let wide = self.browser.run("return document.documentElement.scrollWidth - innerWidth", json!([]))?;
        ensure!(wide.as_i64().is_some_and(|over| over <= 0), "{name}: {wide} px too wide");
        let cut = self.browser.run(CUT_OFF, json!([]))?;
        ensure!(cut == Value::Array(Vec::new()), "{name}: buttons that are cut off: {cut}");

        // In the corner: popups come up in another.
        self.world.desktop.place(&window, 0, 0)?;
        self.browser.painted()?;
        let window = self.world.window()?;
        self.world.desktop.screenshot_of(&window, &self.folder.join(format!("{name}.png")))
    }

    /// Changes the scheme as a person does, on the settings page, and comes back.
    fn wear(&self, scheme: &str) -> Result<()> {
        let script = "
            const [scheme, done] = arguments;
            const choice = document.querySelector(`input[name=theme][value=${scheme}]`);
            choice.click();
            setTimeout(done, 100)";
        self.browser.run_async(script, json!([scheme]))?;
        Ok(())
    }
}

/// The names of shown buttons whose words do not fit into them.
const CUT_OFF: &str = "
    return [...document.querySelectorAll('button')]
        .filter(button => button.checkVisibility() && button.scrollWidth > button.clientWidth + 1)
        .map(button => button.innerText || button.ariaLabel)";

/// Where the pictures go: where `cargo xtask screenshots` says, or beside what is built.
fn folder() -> Result<PathBuf> {
    let folder = match std::env::var_os("VISIONGUARD_SCREENSHOTS") {
        Some(folder) => PathBuf::from(folder),
        None => PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("screenshots"),
    };
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    Ok(folder)
}
