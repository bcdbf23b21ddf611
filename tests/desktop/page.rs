//! What the page may not do, whoever asks it to.

use anyhow::Result;
use serde_json::json;

use crate::world::World;

/// Runs an attempt in the page and returns what came of it, with the violations that the page reported meanwhile.
const ATTEMPT: &str = "
    const [attempt, done] = arguments;
    const violations = [];
    document.addEventListener('securitypolicyviolation', event => violations.push(event.effectiveDirective));
    const later = outcome => setTimeout(() => done({ outcome: String(outcome), violations }), 500);
    window.attempted = 'nothing';
    ({
        eval() {
            try { later(eval('\"ran\"')); } catch { later('nothing'); }
        },
        inline() {
            const script = document.createElement('script');
            script.textContent = 'window.attempted = \"ran\"';
            document.head.append(script);
            later(window.attempted);
        },
        handler() {
            const button = document.createElement('button');
            button.setAttribute('onclick', 'window.attempted = \"ran\"');
            document.body.append(button);
            button.click();
            button.remove();
            later(window.attempted);
        },
        fetch() { fetch('https://example.com/').then(() => later('fetched'), () => later('nothing')); },
        picture() {
            const img = new Image();
            img.onload = () => later('loaded');
            img.onerror = () => later('nothing');
            img.src = 'data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw==';
        },
        file() { fetch('file:///etc/hostname').then(() => later('fetched'), () => later('nothing')); },
    })[attempt]();
";

#[test]
fn the_page_runs_nothing_and_fetches_nothing_that_was_not_built_in() -> Result<()> {
    let world = World::start()?;
    let browser = world.open()?;
    browser.find("input[name=server]")?;

    for attempt in ["eval", "inline", "handler", "fetch", "picture", "file"] {
        let answer = browser.run_async(ATTEMPT, json!([attempt]))?;

        assert_eq!(answer["outcome"], "nothing", "{attempt}: {answer}");
        assert_ne!(answer["violations"], json!([]), "{attempt}: the policy stopped it, {answer}");
    }
    Ok(())
}

#[test]
fn the_page_cannot_be_led_elsewhere() -> Result<()> {
    let world = World::start()?;
    let browser = world.open()?;
    browser.find("input[name=server]")?;
    let here = browser.run("return location.href", json!([]))?;

    browser.run(&format!("location.href = '{}/health'", world.url()), json!([]))?;

    browser.painted()?;
    assert_eq!(browser.run("return location.href", json!([]))?, here);
    assert!(browser.find("input[name=server]")?.is_shown()?);
    Ok(())
}
