//! `acknowledge`, `resolve` and `false-alarm`, also while the desktop program runs.

use std::time::Duration;

use tokio::sync::mpsc;
use visionguard_client::clock::{Clock, SystemClock};
use visionguard_client::controller::{Client, StartError};
use visionguard_client::journal::{IncidentId, Journal, JournalError};
use visionguard_client::lock::{LockError, Owner};
use visionguard_client::shell::{Notification, Shell};
use visionguard_client::view::{Decision, Event, Handling, Problem, Status, StatusView, Tray};
use visionguard_client::words::text;

use crate::args::Decide;
use crate::exit::{Exit, Failure};
use crate::out;
use crate::place::Place;
use crate::sign_in::SignIn;

/// A decision, and what is said once the server has it.
pub type Spoken = (Decision, &'static str);

pub const ACKNOWLEDGE: Spoken = (Decision::Acknowledged, "Acknowledged.");
pub const RESOLVE: Spoken = (Decision::Resolved, "Resolved.");
pub const FALSE_ALARM: Spoken = (Decision::FalseAlarm, "Noted as a false alarm.");

/// How long to wait for the server's answer; the decision is kept all the same.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks at what the running program made of it.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Decides, and waits until the server knows.
pub async fn run(options: &Decide, (decision, said): Spoken) -> Result<Exit, Failure> {
    let (place, sign_in) = SignIn::prepare(&options.credentials)?;
    let _log = place.log();
    let (tell, mut news) = mpsc::unbounded_channel();
    let client = match Client::start(place.parts("visionguard")?, Listener { tell }) {
        Err(StartError::Lock(LockError::Held(owner))) => {
            return beside(&place, options, (decision, said), owner.as_ref()).await;
        }
        started => started?,
    };
    client.window(true);

    let decided = decide(&client, options, decision, sign_in).await;
    let outcome = match decided {
        Ok(()) => tokio::time::timeout(PATIENCE, answer(&client, &options.incident, &mut news)).await,
        Err(problem) => {
            end(&client, &mut news).await;
            return Err(problem.into());
        }
    };
    end(&client, &mut news).await;
    match outcome {
        Ok(Answer::Recorded) => out::ended(out::line(said)),
        Ok(Answer::Refused(sentence)) => Err(Failure::new(Exit::Wrong, sentence)),
        Ok(Answer::SignedOut(sentence)) => {
            let sentence = format!("The decision is kept and goes out after the next sign-in. {sentence}");
            Err(Failure::new(Exit::SignedOut, sentence))
        }
        Err(_) => Err(Failure::new(
            Exit::Unreachable,
            "The decision is kept and goes out as soon as VisionGuard runs and reaches the server.",
        )),
    }
}

/// Decides while another program runs, which sends it; waits until it has.
async fn beside(
    place: &Place,
    options: &Decide,
    (decision, said): Spoken,
    owner: Option<&Owner>,
) -> Result<Exit, Failure> {
    let journal = Journal::open_beside(&place.data_dir)?;
    let incident = options.incident.parse::<IncidentId>().ok();
    let decided = match incident {
        Some(incident) => {
            journal.decide(incident, decision, options.note.clone(), SystemClock.wall()).await?
        }
        None => None,
    };
    let Some(decided) = decided else {
        return Err(Failure::new(Exit::Wrong, text("problem.unknown_incident", &[])));
    };

    let settled = async {
        loop {
            match journal.incident(decided.id).await?.map(|incident| incident.handling) {
                Some(Handling::Recorded { .. }) => return Ok(None),
                Some(Handling::Refused { sentence, .. }) => return Ok(Some(sentence)),
                Some(Handling::Open | Handling::Sending { .. }) | None => {}
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    match tokio::time::timeout(PATIENCE, settled).await {
        Ok(Ok(None)) => out::ended(out::line(said)),
        Ok(Ok(Some(refusal))) => Err(Failure::new(Exit::Wrong, refusal)),
        Ok(Err(error)) => Err(JournalError::into(error)),
        Err(_) => {
            let program = owner.map_or("the running program", |owner| owner.program.as_str());
            Err(Failure::new(
                Exit::Unreachable,
                format!(
                    "The decision is kept; {program} sends it as soon as it is signed in and reaches the server."
                ),
            ))
        }
    }
}

/// Signs in first where the options say who; the decision is kept even if that fails.
async fn decide(
    client: &Client,
    options: &Decide,
    decision: Decision,
    sign_in: Option<SignIn>,
) -> Result<(), Problem> {
    let signed_in = match sign_in {
        Some(sign_in) => sign_in.run(client).await.map(|_| ()),
        None => Ok(()),
    };
    client.decide(&options.incident, decision, options.note.clone()).await?;
    signed_in
}

enum Answer {
    Recorded,
    Refused(String),
    SignedOut(String),
}

enum News {
    Changed,
    SignedOut(String),
    Ended,
}

/// Waits until the incident's handling is settled.
async fn answer(client: &Client, incident: &str, news: &mut mpsc::UnboundedReceiver<News>) -> Answer {
    loop {
        if let Ok(detail) = client.incident(incident).await {
            match detail.incident.handling {
                Handling::Recorded { .. } => return Answer::Recorded,
                Handling::Refused { sentence, .. } => return Answer::Refused(sentence),
                Handling::Open | Handling::Sending { .. } => {}
            }
        }
        match news.recv().await {
            Some(News::Changed) => {}
            // What was so before the sign-in of our own is no news.
            Some(News::SignedOut(sentence)) if client.snapshot().await.status.status == Status::SignedOut => {
                return Answer::SignedOut(sentence);
            }
            Some(News::SignedOut(_)) => {}
            Some(News::Ended) | None => return Answer::Refused("VisionGuard ended early.".to_owned()),
        }
    }
}

async fn end(client: &Client, news: &mut mpsc::UnboundedReceiver<News>) {
    client.quit();
    while let Some(told) = news.recv().await {
        if matches!(told, News::Ended) {
            break;
        }
    }
}

/// A desktop that only listens.
struct Listener {
    tell: mpsc::UnboundedSender<News>,
}

impl Shell for Listener {
    fn notify(&mut self, _notification: Notification) {}

    fn withdraw(&mut self, _incident: &str) {}

    fn show_tray(&mut self, _tray: &Tray) {}

    fn emit(&mut self, event: &Event) {
        let told = match event {
            Event::IncidentChanged { .. } | Event::FeedChanged { .. } => News::Changed,
            Event::Status { .. }
            | Event::Session { .. }
            | Event::AlertAdded { .. }
            | Event::AlertChanged { .. }
            | Event::IncidentsRemoved { .. }
            | Event::Settings { .. }
            | Event::Notices { .. }
            | Event::Drill { .. }
            | Event::Open { .. } => return,
        };
        let _ = self.tell.send(told);
    }

    fn show_window(&mut self, _incident: Option<&str>) {}

    fn quit(&mut self) {
        let _ = self.tell.send(News::Ended);
    }

    fn status(&mut self, status: &StatusView) {
        if status.status == Status::SignedOut {
            let _ = self.tell.send(News::SignedOut(status.sentence.clone()));
        }
    }
}
