//! The start of the client inside the shell. What goes wrong on the way is said on the screen, whatever it is.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use tokio::sync::mpsc::unbounded_channel;
use tokio::sync::oneshot;
use visionguard_client::controller::{Client, Parts, Remarks};
use visionguard_client::installation::{self, DataDir};
use visionguard_client::local::{self, Face, Serving};
use visionguard_client::logging::{self, Logging};
use visionguard_client::notifier::{self, Notifier};
use visionguard_client::power;
use visionguard_client::settings;
use visionguard_client::shell::Outcome;
use visionguard_client::tls::Trust;

use crate::asks::Answers;
use crate::autostart::{Asked, Autostart};
use crate::desktop::Desktop;
use crate::sound::Sounds;
use crate::system::System;
use crate::told::Told;
use crate::tray;
use crate::window::{self, Window};

/// The argument of a start without a window, as at sign-in to the computer.
pub(crate) const HIDDEN: &str = "--hidden";

/// Whether this is a start without a window.
pub(crate) fn is_hidden() -> bool {
    std::env::args_os().any(|argument| argument == HIDDEN)
}

/// What lives as long as the program.
pub(crate) struct Started {
    pub(crate) window: Window,
    pub(crate) _logging: Option<Logging>,
    pub(crate) _serving: Option<Serving>,
}

/// Starts the client, and opens the window unless told not to; `end` is dropped when the program is to end.
pub(crate) fn start(
    system: System,
    found: &DataDir,
    told: &Told,
    end: oneshot::Sender<()>,
) -> anyhow::Result<Started> {
    let data_dir = &found.path;
    let (settings, complaints) = settings::load(data_dir);
    let logging = logging::start(data_dir, settings.log_level, settings.log_format);
    let no_log = logging.as_ref().err().map(ToString::to_string);
    if let Some(why) = &no_log {
        eprintln!("VisionGuard runs without a log: {why}");
    }
    if let Some(trouble) = &found.trouble {
        eprintln!("VisionGuard: nothing can be kept in {}: {trouble}", data_dir.display());
    }
    for complaint in &complaints {
        tracing::warn!(%complaint, "setting not used");
    }
    let trust = Trust::of(settings.extra_ca_file.as_deref());

    let (report, mut outcomes) = unbounded_channel();
    let sounds = Sounds::start(settings.view.sound_volume);
    let report = move |outcome| drop(report.send(outcome));
    let notifier =
        notifier(data_dir, report, Some(Arc::clone(&sounds))).context("cannot start the notifications")?;
    let notifier = Arc::new(notifier);
    let (window, process) = window::prepare(data_dir);
    let (models, newest) = tray::model();
    let autostart = Autostart::new(&system, data_dir);
    let shell = Desktop::new(
        Arc::clone(&notifier),
        models,
        Arc::clone(&sounds),
        window.clone(),
        autostart.clone(),
        end,
    );

    let wanted = settings.view.start_at_sign_in;
    let remarks = Remarks { data_dir: Some(found.clone()), complaints, trust: Some(trust.clone()), no_log };
    let parts = Parts::system(data_dir.clone(), settings, &trust)?;
    let client = Client::start_with(parts, remarks, shell)?;
    told.finish_with(client.clone());
    autostart.serve(client.clone());
    autostart.make(wanted, Asked::AtStart);
    tray::start(&system, data_dir, newest, client.clone());
    let answers = Answers::new(client.clone(), data_dir.clone(), autostart, sounds);
    tokio::spawn(process.run(answers, notifier));
    let told = client.clone();
    tokio::spawn(async move {
        power::follow(told.clone());
        notifier::follow(told.clone());
        while let Some(outcome) = outcomes.recv().await {
            told.notification(outcome);
        }
    });
    let serving = local::serve(data_dir, client.clone(), Face::Window);
    if !is_hidden() {
        client.open();
    }
    Ok(Started { window, _logging: logging.ok(), _serving: serving })
}

/// Notifications with their pictures in the first folder that takes any, heard where there are sounds.
pub(crate) fn notifier(
    data_dir: &Path,
    report: impl Fn(Outcome) + Send + Sync + Clone + 'static,
    sounds: Option<Arc<Sounds>>,
) -> std::io::Result<Notifier> {
    // Where nothing is written to the disk, if there is such a place.
    let folders = [
        Some(notifier::directory(data_dir)),
        Some(data_dir.join("notifications")),
        installation::private_folder().ok(),
    ];
    let mut last = std::io::Error::other("there is no folder for pictures");
    for folder in folders.into_iter().flatten() {
        let started = match sounds.clone() {
            Some(sounds) => Notifier::start_sounding(&folder, report.clone(), sounds),
            None => Notifier::start(&folder, report.clone()),
        };
        match started {
            Ok(notifier) => return Ok(notifier),
            Err(error) => {
                tracing::warn!(%error, folder = %folder.display(), "no pictures of notifications can be kept here");
                last = error;
            }
        }
    }
    Err(last)
}
