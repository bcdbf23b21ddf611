//! `drill`: a test message to oneself through the server, which must come back as an alert does.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::mpsc;
use visionguard_client::controller::Client;
use visionguard_client::notifier::{self, Notifier};
use visionguard_client::shell::{Notification, Outcome, Shell};
use visionguard_client::view::{DrillResult, Event, Problem, Status, StatusView, Tray};

use crate::args::Drill;
use crate::exit::{Exit, Failure};
use crate::out;
use crate::place::Place;
use crate::sign_in::SignIn;

/// How long the connection may take.
const CONNECT_WITHIN: Duration = Duration::from_secs(30);
/// How long a connection may take to prove itself before it is tested as it is.
const SETTLE_WITHIN: Duration = Duration::from_secs(10);

/// Tests the alert path and says how far the message came.
pub async fn run(options: &Drill) -> Result<Exit, Failure> {
    let (place, sign_in) = SignIn::prepare(&options.credentials)?;
    let _log = place.log();
    let (tell, mut news) = mpsc::unbounded_channel();
    let client_of_shell = Arc::new(OnceLock::new());
    let desktop = desktop(&place, &client_of_shell).await;
    let shell = Tester { tell, client: Arc::clone(&client_of_shell), desktop };
    let client = Client::start_with(place.parts("visionguard drill")?, place.remarks(), shell)?;
    let _ = client_of_shell.set(client.clone());

    let tested = test(&client, sign_in, &mut news).await;
    client.quit();
    while news.recv().await.is_some_and(|told| !matches!(told, News::Ended)) {}
    let result = tested?;
    let exit = if result.passed { Exit::Done } else { Exit::Wrong };
    let told = if options.json { out::json(&result) } else { out::line(&words(&result)) };
    out::ended(told).map(|_| exit)
}

async fn test(
    client: &Client,
    sign_in: Option<SignIn>,
    news: &mut mpsc::UnboundedReceiver<News>,
) -> Result<DrillResult, Failure> {
    let signs_in = sign_in.is_some();
    if let Some(sign_in) = sign_in {
        sign_in.run(client).await?;
    }
    connected(client, signs_in, news).await?;
    client.drill().await.map_err(|problem: Problem| problem.into())
}

/// Waits for a connection, and a little longer for its evidence.
async fn connected(
    client: &Client,
    signs_in: bool,
    news: &mut mpsc::UnboundedReceiver<News>,
) -> Result<(), Failure> {
    let mut status = client.snapshot().await.status;
    let deadline = tokio::time::Instant::now() + CONNECT_WITHIN;
    let mut settled = None;
    loop {
        match status.status {
            Status::Protected | Status::Deaf => return Ok(()),
            Status::CatchingUp => {
                settled.get_or_insert(tokio::time::Instant::now() + SETTLE_WITHIN);
            }
            // Before the first word of a sign-in of our own there is nobody.
            Status::SignedOut if !signs_in && !status.reason.starts_with("keychain_") => {
                return Err(Failure::new(Exit::SignedOut, status.sentence));
            }
            Status::SignedOut | Status::Offline => settled = None,
        }
        match tokio::time::timeout_at(settled.unwrap_or(deadline), news.recv()).await {
            Ok(Some(News::Status(newer))) => status = newer,
            Ok(Some(News::Ended) | None) => {
                return Err(Failure::new(Exit::Failed, "VisionGuard ended early."));
            }
            Err(_) if settled.is_some() => return Ok(()),
            Err(_) if status.status == Status::SignedOut => {
                return Err(Failure::new(Exit::SignedOut, status.sentence));
            }
            Err(_) => return Err(Failure::new(Exit::Unreachable, status.sentence)),
        }
    }
}

fn words(result: &DrillResult) -> String {
    match result.took_ms {
        Some(took) => format!("{} It took {took} ms.", result.sentence),
        None => result.sentence.clone(),
    }
}

/// The notification service, where there is one: what the desktop program would use.
async fn desktop(place: &Place, client: &Arc<OnceLock<Client>>) -> Option<Notifier> {
    // Where nobody shows notifications, what is printed is the notification, as for `watch`.
    notifier::ask().await.ok()?;
    let client = Arc::clone(client);
    let report = move |outcome: Outcome| {
        if let Some(client) = client.get() {
            client.notification(outcome);
        }
    };
    Notifier::start(&notifier::directory(&place.data_dir).join("drill"), report)
        .inspect_err(|error| out::complain(&format!("no notification can be shown: {error}.")))
        .ok()
}

enum News {
    Status(StatusView),
    Ended,
}

/// A desktop that shows notifications where it can, and nothing else.
struct Tester {
    tell: mpsc::UnboundedSender<News>,
    client: Arc<OnceLock<Client>>,
    desktop: Option<Notifier>,
}

impl Shell for Tester {
    fn notify(&mut self, notification: Notification) {
        // What is no test is for the program that runs all day.
        let is_test = notification.id.starts_with("drill:");
        match (&self.desktop, self.client.get()) {
            (Some(desktop), _) if is_test => desktop.notify(notification),
            (None, Some(client)) if is_test => {
                client.notification(Outcome::Shown { id: notification.id, alert: None });
            }
            (Some(_) | None, _) => {}
        }
    }

    fn withdraw(&mut self, id: &str) {
        if let Some(desktop) = &self.desktop {
            desktop.withdraw(id);
        }
    }

    fn show_tray(&mut self, _tray: &Tray) {}

    fn emit(&mut self, _event: &Event) {}

    fn show_window(&mut self, _incident: Option<&str>) {}

    fn quit(&mut self) {
        let _ = self.tell.send(News::Ended);
    }

    fn status(&mut self, status: &StatusView) {
        let _ = self.tell.send(News::Status(status.clone()));
    }
}
