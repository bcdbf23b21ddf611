//! `acknowledge`, `resolve` and `false-alarm`.

use std::time::Duration;

use tokio::sync::mpsc;
use visionguard_client::controller::Client;
use visionguard_client::shell::{Notification, Shell};
use visionguard_client::view::{Decision, Event, Handling, Status, Tray};

use crate::args::Decide;
use crate::exit::{Exit, Failure};
use crate::out;
use crate::place::Place;

/// A decision, and what is said once the server has it.
pub type Spoken = (Decision, &'static str);

pub const ACKNOWLEDGE: Spoken = (Decision::Acknowledged, "Acknowledged.");
pub const RESOLVE: Spoken = (Decision::Resolved, "Resolved.");
pub const FALSE_ALARM: Spoken = (Decision::FalseAlarm, "Noted as a false alarm.");

/// How long to wait for the server's answer; the decision is kept all the same.
const PATIENCE: Duration = Duration::from_secs(30);

/// Decides, and waits until the server knows.
pub async fn run(options: &Decide, (decision, said): Spoken) -> Result<Exit, Failure> {
    let place = Place::find()?;
    let _log = place.log();
    let (tell, mut news) = mpsc::unbounded_channel();
    let client = Client::start(place.parts("visionguard")?, Listener { tell })?;
    client.window(true);

    let outcome = match client.decide(&options.incident, decision, options.note.clone()).await {
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
            Some(News::SignedOut(sentence)) => return Answer::SignedOut(sentence),
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
            Event::Status { status } if status.status == Status::SignedOut => {
                News::SignedOut(status.sentence.clone())
            }
            Event::IncidentChanged { .. } | Event::FeedChanged { .. } => News::Changed,
            Event::Status { .. }
            | Event::Session { .. }
            | Event::AlertAdded { .. }
            | Event::AlertChanged { .. }
            | Event::IncidentsRemoved { .. }
            | Event::Settings { .. }
            | Event::Notices { .. }
            | Event::Open { .. } => return,
        };
        let _ = self.tell.send(told);
    }

    fn show_window(&mut self, _incident: Option<&str>) {}

    fn quit(&mut self) {
        let _ = self.tell.send(News::Ended);
    }
}
