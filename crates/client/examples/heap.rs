//! What the program's core has on the heap: the real client, signed in to a server, with its journal, its notifications and its
//! picture worker, and no window. `cargo xtask bench --only H1` sends it alerts and asks it.
//!
//! ```text
//! heap SERVER EMAIL PASSWORD FOLDER
//! ```
//!
//! Answers each line of its input with one of JSON: how many bytes are in use now (`live`), were at most (`peak`), and were ever
//! asked for (`total`). What C has allocated, which is SQLite, is not in them. Ends with its input.

use std::io::{BufRead as _, stdin};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};

use dhat::{HeapStats, Profiler};
use secrecy::SecretString;
use serde_json::json;
use tokio::runtime::Runtime;
use visionguard_client::controller::{Client, Parts};
use visionguard_client::keychain::MemoryKeychain;
use visionguard_client::notifier::Notifier;
use visionguard_client::settings;
use visionguard_client::shell::{Notification, Shell};
use visionguard_client::tls::Trust;
use visionguard_client::view;

#[global_allocator]
static COUNTING: dhat::Alloc = dhat::Alloc;

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    if let Some(code) = visionguard_client::serve_pictures_if_asked() {
        return code;
    }
    // Only the sums are of interest, and no file is written.
    let _profiler = Profiler::builder().testing().trim_backtraces(Some(1)).build();
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

#[allow(clippy::print_stdout, reason = "its figures are all that it is for")]
fn run() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [server, email, password, folder] = arguments.as_slice() else {
        return Err("usage: heap SERVER EMAIL PASSWORD FOLDER".into());
    };
    let folder = PathBuf::from(folder);
    std::fs::create_dir_all(&folder)?;
    let runtime = Runtime::new()?;
    let _inside = runtime.enter();
    let client = start(&folder)?;
    let password = SecretString::from(password.as_str());
    let signed_in = runtime.block_on(client.sign_in(server, email, password, false));
    signed_in.map_err(|problem| problem.sentence)?;

    for line in stdin().lock().lines() {
        line?;
        let HeapStats { curr_bytes, max_bytes, total_bytes, .. } = HeapStats::get();
        println!("{}", json!({ "live": curr_bytes, "peak": max_bytes, "total": total_bytes }));
    }
    client.quit();
    runtime.block_on(client.ended());
    Ok(())
}

/// The client as the desktop program has it, but for keychain and tray.
fn start(folder: &Path) -> Result<Client, Failure> {
    let (settings, _) = settings::load(folder);
    let mut parts = Parts::system(folder.to_owned(), settings, &Trust::of(None))?;
    parts.keychain = Arc::new(MemoryKeychain::default());
    let client = Arc::new(OnceLock::<Client>::new());
    let told = Arc::clone(&client);
    let notifier = Notifier::start(&folder.join("pictures"), move |outcome| {
        if let Some(client) = told.get() {
            client.notification(outcome);
        }
    })?;
    let started = Client::start(parts, Desktop(notifier))?;
    Ok(client.get_or_init(|| started).clone())
}

/// Raises notifications, and has no window.
#[derive(Debug)]
struct Desktop(Notifier);

impl Shell for Desktop {
    fn notify(&mut self, notification: Notification) {
        self.0.notify(notification);
    }

    fn withdraw(&mut self, incident: &str) {
        self.0.withdraw(incident);
    }

    fn show_tray(&mut self, _: &view::Tray) {}

    fn emit(&mut self, _: &view::Event) {}

    fn show_window(&mut self, _: Option<&str>) {}

    fn quit(&mut self) {}
}
