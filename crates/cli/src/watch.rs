//! `watch`: the client as a stream of lines, for a box without a desktop and for other programs.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::sync::mpsc;
use visionguard_client::backoff::Backoff;
use visionguard_client::clock::{Clock, SystemClock};
use visionguard_client::controller::Client;
use visionguard_client::local::{self, Serving};
use visionguard_client::model::{AlertId, Recorded};
use visionguard_client::power;
use visionguard_client::shell::{Notification, Outcome, Shell};
use visionguard_client::view::{Event, NoticeView, Problem, SessionView, Standing, Status, StatusView, Tray};
use visionguard_client::words::text;

use crate::args::Watch;
use crate::exit::{Exit, Failure};
use crate::lines::{self, AlertLine, Line, Said};
use crate::out::{self, Closed};
use crate::reader::Reader;
use crate::sign_in::SignIn;

/// A session that lasted this long ended for a reason of its own: the next sign-in comes at once.
const LASTED: Duration = Duration::from_secs(15 * 60);
/// The longest wait between two sign-ins that the server accepts and soon ends.
const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);
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
    let parts = place.parts("visionguard watch")?;
    let backoff = Backoff::new(parts.seed);
    let client = Client::start_with(parts, place.remarks(), printer)?;
    let reader = match Reader::begin(client.clone(), options.after).await {
        Ok(reader) => reader,
        Err(failure) => {
            client.quit();
            client.ended().await;
            return Err(failure);
        }
    };
    power::follow(client.clone());

    let mut watching = Watching {
        serving: local::serve(&place.data_dir, client.clone(), local::Face::None),
        client,
        reader,
        camera_names: place.settings.view.camera_names.clone(),
        json: options.json,
        signs_in,
        signed_in_at: None,
        was_signed_in: false,
        trying_since: None,
        backoff,
        ended_soon: 0,
        tell,
        told: VecDeque::new(),
        said: Said::default(),
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
    /// Answers the command line.
    serving: Option<Serving>,
    reader: Reader,
    camera_names: BTreeMap<String, String>,
    json: bool,
    /// Who signs in by itself.
    signs_in: Option<SignIn>,
    /// When that was last done.
    signed_in_at: Option<tokio::time::Instant>,
    /// Whether that ever succeeded.
    was_signed_in: bool,
    /// Since when it does not succeed.
    trying_since: Option<Timestamp>,
    /// The waits between attempts to sign in to a server that is away.
    backoff: Backoff,
    /// Sessions in a row that the server accepted and soon ended.
    ended_soon: u32,
    tell: mpsc::UnboundedSender<News>,
    /// The alerts that lately had a line of their own.
    told: VecDeque<String>,
    /// What a person last read of the status.
    said: Said,
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
        if let Err(stop) = self.print_stored().await {
            outcome = stop.outcome();
            ending = true;
            self.end().await;
        }
        loop {
            let told = tokio::select! {
                told = news.recv() => told,
                () = &mut stop, if !ending => {
                    ending = true;
                    self.end().await;
                    continue;
                }
            };
            let step = match told {
                Some(News::Line(line)) => self.line(*line).await,
                Some(News::Status(status)) => self.status(&status),
                Some(News::Notification(raised)) => self.raised(*raised).map_err(Stop::Closed),
                Some(News::SignedIn(result)) => self.signed_in(result).await,
                Some(News::Ended) | None => return outcome,
            };
            if let (Err(stop), false) = (step, ending) {
                outcome = stop.outcome();
                ending = true;
                self.end().await;
            }
        }
    }

    /// Nobody is answered any more before the directory is let go, and what was printed is noted before the journal is closed.
    async fn end(&mut self) {
        self.serving = None;
        self.reader.noted().await;
        self.client.quit();
    }

    /// What was stored before this program started and is wanted.
    async fn print_stored(&mut self) -> Result<(), Stop> {
        loop {
            let stored = self.reader.stored().await.map_err(|error| Stop::Failed(error.into()))?;
            if stored.is_empty() {
                return Ok(());
            }
            for entry in stored {
                self.print_alert(AlertLine::new(&entry, &self.camera_names))?;
            }
        }
    }

    /// A line of what happened; one of an alert after those of all that were stored before it, and once.
    async fn line(&mut self, line: Line) -> Result<(), Stop> {
        let Line::Alert(alert) = line else { return self.print(&line).map_err(Stop::Closed) };
        loop {
            let before = self.reader.before(alert.number).await.unwrap_or_default();
            if before.is_empty() {
                break;
            }
            for entry in before {
                self.print_alert(AlertLine::new(&entry, &self.camera_names))?;
            }
        }
        if self.reader.has(alert.number) {
            return Ok(());
        }
        self.print_alert(alert)
    }

    fn print_alert(&mut self, alert: AlertLine) -> Result<(), Stop> {
        let number = alert.number;
        self.print(&Line::Alert(alert)).map_err(Stop::Closed)?;
        self.reader.printed(number);
        Ok(())
    }

    fn print(&mut self, line: &Line) -> Result<(), Closed> {
        if self.json {
            return out::json(line);
        }
        if let Line::Status { status, reason, sentence, .. } = line
            && !self.said.is_news(*status, reason, sentence)
        {
            return Ok(());
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
        let has_line = raised.alert.as_ref().is_some_and(|alert| self.told.contains(alert));
        let words = lines::notification(&raised, has_line, SystemClock.wall(), &self.zone);
        let Notification { id, alert, title, body, sound, critical, .. } = raised;
        if self.json {
            let (id, alert) = (id.clone(), alert.clone());
            out::json(&Line::Notification { id, alert, title, body, sound, critical })?;
        } else if let Some(words) = words {
            out::line(&words)?;
        }
        self.client.notification(Outcome::Shown { id, alert });
        Ok(())
    }

    /// A sign-in that only a person can repeat ends the program: another one must be able to sign in.
    fn status(&mut self, status: &StatusView) -> Result<(), Stop> {
        let out = is_out(status);
        // Before the first sign-in by itself there is nobody, which is not worth a line.
        if out && self.signs_in.is_some() && !self.was_signed_in {
            return Ok(());
        }
        self.print(&lines::status(status, SystemClock.wall())).map_err(Stop::Closed)?;
        if !out {
            return Ok(());
        }
        self.signed_out(&status.sentence)
    }

    /// A password signs in again; a token that is dead stays dead.
    fn signed_out(&mut self, sentence: &str) -> Result<(), Stop> {
        match (self.signed_in_at.take(), &self.signs_in) {
            (Some(at), Some(signs_in)) if signs_in.can_repeat() => {
                let wait = self.wait_after(at.elapsed());
                self.sign_in(wait);
                Ok(())
            }
            // The sign-in is repeated already.
            (None, Some(signs_in)) if signs_in.can_repeat() => Ok(()),
            (Some(_) | None, _) => Err(Stop::SignedOut(sentence.to_owned())),
        }
    }

    /// How long to wait with the next sign-in after a session of this length: the server may be at odds with itself, and is
    /// asked ever less often then.
    fn wait_after(&mut self, lasted: Duration) -> Duration {
        self.ended_soon = if lasted >= LASTED { 0 } else { self.ended_soon + 1 };
        let doublings = self.ended_soon.saturating_sub(1).min(10);
        self.backoff.shorten(Duration::from_secs(1) * (1 << doublings)).min(LONGEST_WAIT)
    }

    /// Signs in after a while, on the side.
    fn sign_in(&self, wait: Duration) {
        let Some(sign_in) = self.signs_in.clone() else { return };
        if !self.was_signed_in && self.trying_since.is_none() {
            self.tries("connecting", &text("status.connecting", &[]), None);
        }
        let (client, tell) = (self.client.clone(), self.tell.clone());
        tokio::spawn(async move {
            tokio::time::sleep(wait).await;
            let result = sign_in.run(&client).await;
            let _ = tell.send(News::SignedIn(result));
        });
    }

    /// Who asks is told what stands in the way of the sign-in.
    fn tries(&self, reason: &str, sentence: &str, pause: Option<Duration>) {
        let Some(sign_in) = &self.signs_in else { return };
        let now = SystemClock.wall();
        let status = StatusView {
            status: Status::Offline,
            reason: reason.to_owned(),
            sentence: sentence.to_owned(),
            since: self.trying_since.unwrap_or(now).as_millisecond(),
            heard_at: None,
            next_attempt_at: pause
                .and_then(|pause| now.checked_add(pause).ok())
                .map(Timestamp::as_millisecond),
            record_every: None,
            remedy: None,
        };
        self.client.tries_to_sign_in(sign_in.server(), status);
    }

    async fn signed_in(&mut self, result: Result<SessionView, Problem>) -> Result<(), Stop> {
        let problem = match result {
            Ok(_) => {
                self.backoff.reset();
                self.was_signed_in = true;
                self.trying_since = None;
                self.signed_in_at = Some(tokio::time::Instant::now());
                // It may be over again, and have said so before this came.
                return match self.client.standing().await {
                    Some(Standing { status, .. }) if is_out(&status) => self.signed_out(&status.sentence),
                    Some(_) | None => Ok(()),
                };
            }
            Err(problem) => problem,
        };
        let failure = Failure::from(problem.clone());
        if failure.exit != Exit::Unreachable {
            return Err(Stop::Failed(failure));
        }
        let pause = self.backoff.next_wait();
        self.trying_since.get_or_insert_with(|| SystemClock.wall());
        self.tries(&problem.code, &problem.sentence, Some(pause));
        let line = Line::Status {
            status: Status::Offline,
            reason: problem.code,
            sentence: problem.sentence,
            since: SystemClock.wall().as_millisecond(),
            retry_in_ms: i64::try_from(pause.as_millis()).ok(),
        };
        self.sign_in(pause);
        self.print(&line).map_err(Stop::Closed)
    }
}

/// Whether a person has to sign in; a keychain that is locked now is not that.
fn is_out(status: &StatusView) -> bool {
    status.status == Status::SignedOut && !status.reason.starts_with("keychain_")
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

    fn is_screen(&self) -> bool {
        false
    }

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
