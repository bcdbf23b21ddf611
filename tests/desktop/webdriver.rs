//! The program's window driven as a person would, through WebKit's own driver (W3C WebDriver).

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use xtask::desktop::VirtualDesktop;

/// How long to wait for what the page should show; generous, because machines are slow at times.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The key under which WebDriver hands out elements.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// The program, started by the driver, and its window.
#[derive(Debug)]
pub struct Browser {
    driver: SocketAddr,
    session: String,
}

/// Something on the page.
#[derive(Debug, Clone)]
pub struct Element<'a> {
    browser: &'a Browser,
    id: String,
}

impl Browser {
    /// Starts the program under the driver; `program` carries its arguments and environment.
    pub fn open(desktop: &VirtualDesktop, program: &Command) -> Result<Self> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let driver = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut command = desktop.command("WebKitWebDriver");
        command.arg(format!("--port={port}")).env("TAURI_WEBVIEW_AUTOMATION", "true");
        // The driver hands its own environment on.
        for (name, value) in program.get_envs() {
            if let Some(value) = value {
                command.env(name, value);
            }
        }
        desktop.spawn("driver", &mut command)?;
        xtask::desktop::wait_until("the driver", || TcpStream::connect(driver).is_ok())?;

        let mut browser = Self { driver, session: String::new() };
        let arguments: Vec<_> = program.get_args().map(|word| word.to_string_lossy()).collect();
        let options = json!({ "binary": program.get_program().to_string_lossy(), "args": arguments });
        let answer = browser
            .request(
                "POST",
                "/session",
                Some(json!({ "capabilities": { "alwaysMatch": { "webkitgtk:browserOptions": options } } })),
            )
            .with_context(|| format!("the program did not start: {}", desktop.log("driver")))?;
        browser.session = answer["sessionId"].as_str().context("the driver gave no session")?.to_owned();
        Ok(browser)
    }

    /// The first element that a CSS selector finds and a person can see, as soon as there is one.
    pub fn find(&self, css: &str) -> Result<Element<'_>> {
        self.wait_for(css, || {
            for element in self.all(css)? {
                if element.is_shown()? {
                    return Ok(Some(element));
                }
            }
            Ok(None)
        })
    }

    /// All elements that a CSS selector finds now.
    pub fn all(&self, css: &str) -> Result<Vec<Element<'_>>> {
        self.elements("css selector", css)
    }

    /// The button with this name, as soon as it is shown.
    pub fn button(&self, name: &str) -> Result<Element<'_>> {
        let path = format!("//button[normalize-space()='{name}' or @aria-label='{name}']");
        self.wait_for(name, || {
            let found = self.elements("xpath", &path)?;
            Ok(found.into_iter().find(|element| element.is_shown().unwrap_or(false)))
        })
    }

    /// Waits until the page's visible text holds these words.
    pub fn wait_for_words(&self, words: &str) -> Result<()> {
        let mut last = String::new();
        self.wait_for(words, || {
            last = self.text()?;
            Ok(last.contains(words).then_some(()))
        })
        .with_context(|| format!("the page says: {}", self.text().unwrap_or_default()))
    }

    /// The page's visible text.
    pub fn text(&self) -> Result<String> {
        let text = self.run("return document.body.innerText", json!([]))?;
        Ok(text.as_str().unwrap_or_default().to_owned())
    }

    /// Runs a script in the page and returns what it returns.
    pub fn run(&self, script: &str, arguments: Value) -> Result<Value> {
        self.post("/execute/sync", json!({ "script": script, "args": arguments }))
    }

    /// Runs a script that calls its last argument with the result.
    pub fn run_async(&self, script: &str, arguments: Value) -> Result<Value> {
        self.post("/execute/async", json!({ "script": script, "args": arguments }))
    }

    /// Waits until the page has painted what it holds: two frames and a breath, since the first may be of before.
    pub fn painted(&self) -> Result<()> {
        self.run_async(
            "const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 400)))",
            json!([]),
        )?;
        Ok(())
    }

    /// Waits until `look` finds something.
    pub fn wait_for<T>(&self, what: &str, mut look: impl FnMut() -> Result<Option<T>>) -> Result<T> {
        let give_up_at = Instant::now() + PATIENCE;
        loop {
            // An element may go while it is looked at, when the page renders anew; only the last answer counts.
            let answer = look();
            match answer {
                Ok(Some(found)) => return Ok(found),
                Ok(None) if Instant::now() < give_up_at => {}
                Err(_) if Instant::now() < give_up_at => {}
                Ok(None) => bail!("waited {} s in vain for {what}", PATIENCE.as_secs()),
                Err(error) => return Err(error.context(format!("while waiting for {what}"))),
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn elements(&self, using: &str, value: &str) -> Result<Vec<Element<'_>>> {
        let found = self.post("/elements", json!({ "using": using, "value": value }))?;
        let ids = found.as_array().into_iter().flatten().filter_map(|element| element[ELEMENT].as_str());
        Ok(ids.map(|id| Element { browser: self, id: id.to_owned() }).collect())
    }

    fn post(&self, path: &str, body: Value) -> Result<Value> {
        self.request("POST", &self.path(path), Some(body))
    }

    fn path(&self, rest: &str) -> String {
        format!("/session/{}{rest}", self.session)
    }

    /// One request on a connection of its own: the driver is on this machine, and nothing here is in a hurry.
    fn request(&self, method: &str, path: &str, body: Option<Value>) -> Result<Value> {
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let mut stream = TcpStream::connect(self.driver).context("the driver is gone")?;
        stream.set_read_timeout(Some(2 * PATIENCE))?;
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            self.driver,
            body.len(),
        )?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).with_context(|| format!("no answer to {method} {path}"))?;
        let answer = String::from_utf8(answer).context("the driver's answer is not text")?;
        let (head, body) = answer.split_once("\r\n\r\n").context("the driver's answer is cut short")?;
        let value = serde_json::from_str::<Value>(body)
            .map(|mut answer| answer["value"].take())
            .with_context(|| format!("{method} {path}: {head}"))?;
        if let Some(error) = value["error"].as_str() {
            bail!("{method} {path}: {error}: {}", value["message"].as_str().unwrap_or_default());
        }
        Ok(value)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if !self.session.is_empty() {
            // The desktop ends what does not listen.
            let _ = self.request("DELETE", &self.path(""), None);
        }
    }
}

impl Element<'_> {
    /// Its visible text.
    pub fn text(&self) -> Result<String> {
        let text = self.request("GET", "/text", None)?;
        Ok(text.as_str().unwrap_or_default().to_owned())
    }

    /// Whether a person can see it.
    pub fn is_shown(&self) -> Result<bool> {
        let shown = self.request("GET", "/displayed", None)?;
        Ok(shown.as_bool().unwrap_or(false))
    }

    /// Where it is in the window: left, top, width, height.
    pub fn area(&self) -> Result<[f64; 4]> {
        let area = self.request("GET", "/rect", None)?;
        let number = |name: &str| area[name].as_f64().context("the driver gave no area");
        Ok([number("x")?, number("y")?, number("width")?, number("height")?])
    }

    /// Clicks its middle, as a person would.
    pub fn click(&self) -> Result<()> {
        self.request("POST", "/click", Some(json!({})))?;
        Ok(())
    }

    /// Replaces what a field holds, key by key, and pauses as a person does: the page takes keys in quick succession for
    /// those of a barcode scanner, whose Enter it ignores.
    pub fn fill(&self, text: &str) -> Result<()> {
        self.request("POST", "/clear", Some(json!({})))?;
        self.request("POST", "/value", Some(json!({ "text": text })))?;
        self.browser.painted()
    }

    fn request(&self, method: &str, rest: &str, body: Option<Value>) -> Result<Value> {
        let path = self.browser.path(&format!("/element/{}{rest}", self.id));
        self.browser.request(method, &path, body)
    }
}
