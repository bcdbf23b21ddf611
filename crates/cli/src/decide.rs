//! `acknowledge`, `resolve`, `false-alarm` and `reopen`, also while the desktop program runs.

use std::path::Path;
use std::time::Duration;

use tokio::sync::mpsc;
use visionguard_client::clock::{Clock, SystemClock};
use visionguard_client::controller::{Client, Following, StartError};
use visionguard_client::journal::Journal;
use visionguard_client::local::{self, AskError};
use visionguard_client::lock::{LockError, Owner};
use visionguard_client::model::{Decided, Decision, Dispatch, Disposition, How, IncidentId, Judgement};
use visionguard_client::outbox;
use visionguard_client::shell::{Notification, Shell};
use visionguard_client::view::{Event, Problem, Tray};
use visionguard_client::words::text;

use crate::args::Decide;
use crate::exit::{Exit, Failure};
use crate::out;
use crate::sign_in::SignIn;

/// How long to wait for the server's answer; the decision is kept all the same.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks at what a program that cannot be asked made of it.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// What is to be decided.
struct Asked<'a> {
    options: &'a Decide,
    decision: Decision,
    outcome: Option<Disposition>,
}

/// Decides, and waits until it is known what became of it.
pub async fn run(
    options: &Decide,
    decision: Decision,
    outcome: Option<Disposition>,
) -> Result<Exit, Failure> {
    let asked = Asked { options, decision, outcome };
    let (place, sign_in) = SignIn::prepare(&options.credentials)?;
    // Whoever answers runs, whether or not its lock can be seen.
    if let Ok(standing) = local::standing(&place.data_dir).await {
        let owner = standing.program.as_ref();
        return told(beside(&place.data_dir, &asked, owner).await?);
    }
    let _log = place.log();
    let (tell, mut ended) = mpsc::unbounded_channel();
    let client = match Client::start_with(place.parts("visionguard")?, place.remarks(), Listener { tell }) {
        Err(StartError::Lock(LockError::Held(owner))) => {
            return told(beside(&place.data_dir, &asked, owner.as_ref()).await?);
        }
        started => started?,
    };

    out::complain_of("journal_set_aside", &client.snapshot().await.notices);
    let decided = match decide(&client, &asked, sign_in).await {
        Ok(following) => Ok(following.outcome(PATIENCE).await),
        Err(problem) => Err(problem),
    };
    client.quit();
    ended.recv().await;
    told(decided.map_err(|problem| failure(problem, &options.incident))?)
}

/// Why nothing was decided; of an alert that is not here, by the number that was asked for.
pub fn failure(problem: Problem, incident: &str) -> Failure {
    match problem.code.as_str() {
        "unknown_incident" => no_such(incident),
        _ => problem.into(),
    }
}

pub fn no_such(incident: &str) -> Failure {
    Failure::new(Exit::Wrong, text("problem.no_such_alert", &[("number", incident)]))
}

/// What became of the decision, in words and as a status.
fn told(decided: Decided) -> Result<Exit, Failure> {
    let Decided { how, sentence } = decided;
    match how {
        How::Recorded | How::Already => out::ended(out::line(&sentence)),
        How::Overruled | How::Refused | How::Replaced => Err(Failure::new(Exit::Wrong, sentence)),
        How::Waiting => Err(Failure::new(Exit::Unreachable, sentence)),
        How::SignedOut => Err(Failure::new(Exit::SignedOut, sentence)),
    }
}

/// Signs in first where the options say who; the decision is kept even if that fails.
async fn decide(client: &Client, asked: &Asked<'_>, sign_in: Option<SignIn>) -> Result<Following, Problem> {
    let signed_in = match sign_in {
        Some(sign_in) => sign_in.run(client).await.map(|_| ()),
        None => Ok(()),
    };
    let Asked { options, decision, outcome } = *asked;
    let following =
        client.decide_and_follow(&options.incident, decision, outcome, options.note.clone()).await?;
    signed_in?;
    Ok(following)
}

/// Has the running program decide, and tells what becomes of it. Where it cannot be asked, the decision is written down
/// beside it.
async fn beside(data_dir: &Path, asked: &Asked<'_>, owner: Option<&Owner>) -> Result<Decided, Failure> {
    let Asked { options, decision, outcome } = *asked;
    let note = options.note.as_deref();
    match local::decide(data_dir, &options.incident, decision, outcome, note, PATIENCE).await {
        Ok(kept) => match kept.outcome().await {
            Ok(decided) => Ok(decided),
            Err(AskError::Refused(problem)) => Err(failure(problem, &options.incident)),
            Err(AskError::Nobody(_) | AskError::Silent(_)) => Ok(left_to(owner)),
        },
        Err(AskError::Refused(problem)) if problem.code != local::UNKNOWN_QUESTION => {
            Err(failure(problem, &options.incident))
        }
        Err(AskError::Refused(_) | AskError::Nobody(_) | AskError::Silent(_)) => {
            write_down(data_dir, asked, owner).await
        }
    }
}

/// The running program finds it in the journal.
async fn write_down(data_dir: &Path, asked: &Asked<'_>, owner: Option<&Owner>) -> Result<Decided, Failure> {
    let Asked { options, decision, outcome } = *asked;
    let journal = Journal::open_beside(data_dir)?;
    let kept = match options.incident.parse::<IncidentId>() {
        Ok(incident) => {
            let note = options.note.clone();
            let judgement = Judgement { decision, outcome, note, by: None, dispatch: Dispatch::AtOnce };
            journal.judge(incident, judgement, SystemClock.wall()).await?
        }
        Err(_) => None,
    };
    let Some(kept) = kept else {
        return Err(no_such(&options.incident));
    };
    let give_up_at = tokio::time::Instant::now() + PATIENCE;
    while tokio::time::Instant::now() < give_up_at {
        let Some(incident) = journal.incident(kept.id).await? else { break };
        if let Some(decided) = outbox::decided(decision, &incident.handling) {
            return Ok(decided);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    Ok(left_to(owner))
}

/// The running program has it and says no more about it.
fn left_to(owner: Option<&Owner>) -> Decided {
    let program = owner.map_or("VisionGuard", |owner| owner.program.as_str());
    outbox::waits(How::Waiting, &text("problem.program_silent", &[("program", program)]))
}

/// A desktop that waits for the end.
pub struct Listener {
    pub tell: mpsc::UnboundedSender<()>,
}

impl Shell for Listener {
    fn notify(&mut self, _notification: Notification) {}

    fn withdraw(&mut self, _incident: &str) {}

    fn show_tray(&mut self, _tray: &Tray) {}

    fn emit(&mut self, _event: &Event) {}

    fn show_window(&mut self, _incident: Option<&str>) {}

    fn quit(&mut self) {
        let _ = self.tell.send(());
    }
}
