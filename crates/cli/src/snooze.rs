//! `snooze`: what the running program is asked to keep quiet.

use std::path::Path;

use jiff::tz::TimeZone;
use visionguard_client::local::{self, AskError};
use visionguard_client::view::{SnoozeLength, SnoozeView};

use crate::args::Snooze;
use crate::exit::{Exit, Failure};
use crate::place::Place;
use crate::{lines, out};

/// Snoozes a camera, lists those that are, or ends it.
pub async fn run(options: &Snooze) -> Result<Exit, Failure> {
    let place = Place::find()?;
    let data_dir = &place.data_dir;
    match (&options.camera, options.length) {
        (Some(camera), Some(length)) => begin(data_dir, camera, length, options.why.as_deref()).await,
        (camera, _) if options.end => end(data_dir, camera.as_deref()).await,
        (_, _) => list(data_dir, options.json).await,
    }
}

async fn begin(
    data_dir: &Path,
    camera: &str,
    length: SnoozeLength,
    why: Option<&str>,
) -> Result<Exit, Failure> {
    let snooze = local::snooze(data_dir, camera, length, why).await.map_err(failure)?;
    let until = lines::date_and_clock(snooze.until, &TimeZone::system());
    out::ended(out::line(&format!("{} is snoozed until {until}.", snooze.name)))
}

async fn end(data_dir: &Path, camera: Option<&str>) -> Result<Exit, Failure> {
    local::end_snooze(data_dir, camera).await.map_err(failure)?;
    let sentence = match camera {
        Some(_) => "The camera interrupts again.",
        None => "All cameras interrupt again.",
    };
    out::ended(out::line(sentence))
}

async fn list(data_dir: &Path, json: bool) -> Result<Exit, Failure> {
    let snoozes = local::standing(data_dir).await.map_err(failure)?.snoozes;
    let zone = TimeZone::system();
    let written = match (json, snoozes.is_empty()) {
        (true, _) => snoozes.iter().try_for_each(out::json),
        (false, true) => out::line("No camera is snoozed."),
        (false, false) => snoozes.iter().try_for_each(|snooze| out::line(&told(snooze, &zone))),
    };
    out::ended(written)
}

/// "Till 1 until 2026-06-01 14:05, by Ana: cleaning"
pub fn told(snooze: &SnoozeView, zone: &TimeZone) -> String {
    let mut told = format!("{} until {}", snooze.name, lines::date_and_clock(snooze.until, zone));
    if !snooze.by.is_empty() {
        told = format!("{told}, by {}", snooze.by);
    }
    match &snooze.why {
        Some(why) => format!("{told}: {why}"),
        None => told,
    }
}

fn failure(error: AskError) -> Failure {
    match error {
        AskError::Refused(problem) => problem.into(),
        AskError::Nobody(_) => Failure::new(
            Exit::Unreachable,
            "VisionGuard is not running, so nothing interrupts. Start it first.",
        ),
        AskError::Silent(_) => Failure::new(Exit::Failed, "The running VisionGuard does not answer."),
    }
}
