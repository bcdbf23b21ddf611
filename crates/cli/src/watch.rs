//! `watch`: the client as a stream of lines, for a box without a desktop and for other programs.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use jiff::tz::TimeZone;
use tokio::sync::mpsc;
use visionguard_client::clock::{Clock, SystemClock};
use visionguard_client::controller::Client;
use visionguard_client::journal::{AlertId, Recorded};
use visionguard_client::policy::SUMMARY;
use visionguard_client::power;
use visionguard_client::shell::{Notification, Outcome, Shell};
use visionguard_client::view::{Event, NoticeView, Problem, SessionView, Status, StatusView, Tray};

use crate::args::Watch;
use crate::exit::{Exit, Failure};
use crate::lines::{self, Line};
use crate::out::{self, Closed};
use crate::sign_in::SignIn;

/// Between two attempts to sign in to a server that is away.
const SIGN_IN_AGAIN: Duration = Duration::from_secs(15);
/// Between two sign-ins after the server stopped accepting the last one.
const SIGN_IN_ANEW: Duration = Duration::from_secs(15 * 60);
/// Alerts of which it is remembered that they had a line.
const REMEMBERED: usize = 1_000;

/// Receives alerts until it is stopped.
pub async fn run(options: Watch) -> Result<Exit, Failure> {
    let (place, signs_in) = SignIn::prepare(&options.credentials)?;
    let _log = place.log();
    let (tell, news) = mpsc::unbounded_channel();
    let printer = Printer {
        tell: tell.clone(),
        camera_names: place.settings.view.camera_names.clone(),
        notices: Vec::new(),
    };
    let client = Client::start(place.parts("visionguard watch")?, printer)?;
    power::follow(client.clone());

    let mut watching = Watching {
        client,
        json: options.json,
        signs_in,
        signed_in_at: None,
        tell,
        told: VecDeque::new(),
        zone: TimeZone::system(),
    };
    watching.follow(news).await
}

/// What the loop is told.
enum News {
    Line(Box<Line>),
    /// The status with the line that says so.
    Status(StatusView),
    /// What a desktop would pop up.
    Notification(Box<Notification>),
    /// How an attempt to sign in went.
    SignedIn(Result<SessionView, Problem>),
    /// The client has finished.
    Ended,
}

struct Watching {
    client: Client,
    json: bool,
    /// Who signs in by itself.
    signs_in: Option<SignIn>,
    /// When that was last done.
    signed_in_at: Option<tokio::time::Instant>,
    tell: mpsc::UnboundedSender<News>,
    /// The alerts that lately had a line of their own.
    told: VecDeque<String>,
    zone: TimeZone,
}

impl Watching {
    async fn follow(&mut self, mut news: mpsc::UnboundedReceiver<News>) -> Result<Exit, Failure> {
        let mut outcome = Ok(Exit::Done);
        let mut ending = false;
        let mut stop = std::pin::pin!(stopped());
        if self.signs_in.is_some() {
            self.sign_in(Duration::ZERO);
        }
        loop {
            let told = tokio::select! {
                told = news.recv() => told,
                () = &mut stop, if !ending => {
                    ending = true;
                    self.client.quit();
                    continue;
                }
            };
            let step = match told {
                Some(News::Line(line)) => self.print(&line).map_err(Stop::Closed),
                Some(News::Status(status)) => self.status(&status),
                Some(News::Notification(raised)) => self.raised(*raised).map_err(Stop::Closed),
                Some(News::SignedIn(result)) => self.signed_in(result),
                Some(News::Ended) | None => return outcome,
            };
            if let (Err(stop), false) = (step, ending) {
                outcome = stop.outcome();
                ending = true;
                self.client.quit();
            }
        }
    }

    fn print(&mut self, line: &Line) -> Result<(), Closed> {
        if self.json {
            return out::json(line);
        }
        if let Line::Alert(alert) = line {
            self.told.push_back(alert.id.clone());
            if self.told.len() > REMEMBERED {
                self.told.pop_front();
            }
        }
        match line.words(SystemClock.wall(), &self.zone) {
            Some(words) => out::line(&words),
            None => Ok(()),
        }
    }

    /// Only what was printed was shown: a program that is killed before will say it when it runs again.
    fn raised(&mut self, raised: Notification) -> Result<(), Closed> {
        let Notification { id, alert, title, body, sound, critical, .. } = raised;
        let has_a_line = match &alert {
            Some(alert) => self.told.contains(alert),
            None => id != SUMMARY,
        };
        if self.json {
            let (id, alert) = (id.clone(), alert.clone());
            out::json(&Line::Notification { id, alert, title, body, sound, critical })?;
        } else if !has_a_line {
            out::line(&lines::notification(&title, &body, SystemClock.wall(), &self.zone))?;
        }
        self.client.notification(Outcome::Shown { id, alert });
        Ok(())
    }

    /// A sign-in that only a person can repeat ends the program: another one must be able to sign in.
    fn status(&mut self, status: &StatusView) -> Result<(), Stop> {
        let out = status.status == Status::SignedOut && !status.reason.starts_with("keychain_");
        // Before the first sign-in by itself there is nobody, which is not worth a line.
        if out && self.signs_in.is_some() && self.signed_in_at.is_none() {
            return Ok(());
        }
        self.print(&lines::status(status, SystemClock.wall())).map_err(Stop::Closed)?;
        if !out {
            return Ok(());
        }
        match self.signed_in_at {
            Some(at) if self.signs_in.is_some() => {
                self.sign_in(SIGN_IN_ANEW.saturating_sub(at.elapsed()));
                Ok(())
            }
            Some(_) | None => Err(Stop::SignedOut(status.sentence.clone())),
        }
    }

    /// Signs in after a while, on the side.
    fn sign_in(&self, wait: Duration) {
        let Some(sign_in) = self.signs_in.clone() else { return };
        let (client, tell) = (self.client.clone(), self.tell.clone());
        tokio::spawn(async move {
            tokio::time::sleep(wait).await;
            let result = sign_in.run(&client).await;
            let _ = tell.send(News::SignedIn(result));
        });
    }

    fn signed_in(&mut self, result: Result<SessionView, Problem>) -> Result<(), Stop> {
        let problem = match result {
            Ok(_) => {
                self.signed_in_at = Some(tokio::time::Instant::now());
                return Ok(());
            }
            Err(problem) => problem,
        };
        let failure = Failure::from(problem.clone());
        if failure.exit != Exit::Unreachable {
            return Err(Stop::Failed(failure));
        }
        let wait = i64::try_from(SIGN_IN_AGAIN.as_millis()).unwrap_or(i64::MAX);
        let line = Line::Status {
            status: Status::Offline,
            reason: problem.code,
            sentence: problem.sentence,
            since: SystemClock.wall().as_millisecond(),
            retry_in_ms: Some(wait),
        };
        self.sign_in(SIGN_IN_AGAIN);
        self.print(&line).map_err(Stop::Closed)
    }
}

/// Why watching ends.
enum Stop {
    /// Standard output is closed.
    Closed(Closed),
    SignedOut(String),
    Failed(Failure),
}

impl Stop {
    fn outcome(self) -> Result<Exit, Failure> {
        match self {
            Stop::Closed(closed) => out::ended(Err(closed)),
            Stop::SignedOut(sentence) => Err(Failure::new(Exit::SignedOut, sentence)),
            Stop::Failed(failure) => Err(failure),
        }
    }
}

/// A desktop that is a stream of lines: each notification is one.
struct Printer {
    tell: mpsc::UnboundedSender<News>,
    camera_names: BTreeMap<String, String>,
    /// Those that stand.
    notices: Vec<NoticeView>,
}

impl Shell for Printer {
    fn notify(&mut self, notification: Notification) {
        let _ = self.tell.send(News::Notification(Box::new(notification)));
    }

    fn withdraw(&mut self, _incident: &str) {}

    fn show_tray(&mut self, _tray: &Tray) {}

    fn emit(&mut self, _event: &Event) {}

    fn show_window(&mut self, _incident: Option<&str>) {}

    fn quit(&mut self) {
        let _ = self.tell.send(News::Ended);
    }

    fn recorded(&mut self, recorded: &Recorded) {
        for line in lines::recorded(recorded, &self.camera_names) {
            let _ = self.tell.send(News::Line(Box::new(line)));
        }
    }

    fn acked(&mut self, alert: AlertId) {
        let _ = self.tell.send(News::Line(Box::new(Line::Acked { id: alert.to_string() })));
    }

    fn status(&mut self, status: &StatusView) {
        let _ = self.tell.send(News::Status(status.clone()));
    }

    fn notices(&mut self, notices: &[NoticeView]) {
        for line in lines::notices(&self.notices, notices) {
            let _ = self.tell.send(News::Line(Box::new(line)));
        }
        self.notices = notices.to_vec();
    }
}

/// Ctrl-C, and on Unix what service managers send.
async fn stopped() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let (Ok(mut terminated), Ok(mut hung_up)) =
            (signal(SignalKind::terminate()), signal(SignalKind::hangup()))
        else {
            let _ = tokio::signal::ctrl_c().await;
            return;
        };
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminated.recv() => {}
            _ = hung_up.recv() => {}
        }
    }
    #[cfg(not(unix))]
    {
        let _ = tokio::signal::ctrl_c().await;
    }
}
