//! The window: a process of its own, started when the person asks for it and gone when it is closed.
//! Whatever becomes of it, the program goes on; one that dies comes back where it was. For a while after a close a spare is
//! there to become the next.

mod process;
mod spare;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::sync::oneshot;
use visionguard_client::deaths::{After, Deaths};
use visionguard_client::notifier::Notifier;
use visionguard_client::pipe::{FromWindow, Place, Stance, ToWindow};
use visionguard_client::shell::{Buttons, Notification};
use visionguard_client::view::Event;
use visionguard_client::words;

use crate::asks::{self, Answers, Ask};
use crate::tray;

pub(crate) use process::program;
use process::{Process, Start, start, tell};
use spare::Spares;

/// What the program was given to come to the front with when it was started is good for so long.
const TOKENS_HOLD: Duration = Duration::from_secs(10);
/// The notification that the window cannot be shown.
const NOTICE: &str = "notice:window";

/// The window, for who has it shown and tells it things.
#[derive(Debug, Clone)]
pub(crate) struct Window(mpsc::UnboundedSender<Order>);

#[derive(Debug)]
enum Order {
    Show(Option<String>),
    /// JSON.
    Tell(Vec<u8>),
    /// What the person's wish to close it comes to.
    Close {
        would_lose_it: bool,
    },
    End(oneshot::Sender<()>),
}

impl Window {
    /// Shows the window, at this incident if one is named.
    pub(crate) fn show(&self, incident: Option<&str>) {
        self.order(Order::Show(incident.map(str::to_owned)));
    }

    /// Hands an event on, which is dropped where nobody listens.
    pub(crate) fn tell(&self, event: &Event) {
        match serde_json::to_vec(event) {
            Ok(json) => self.order(Order::Tell(json)),
            Err(error) => tracing::error!(%error, "an event cannot be written"),
        }
    }

    /// Closes the window for good.
    pub(crate) async fn end(self) {
        let (done, ended) = oneshot::channel();
        self.order(Order::End(done));
        let _ = ended.await;
    }

    fn order(&self, order: Order) {
        // At the very end nobody is there to take it.
        let _ = self.0.send(order);
    }
}

/// The window's keeper, which does nothing before it runs.
#[derive(Debug)]
pub(crate) struct Keeper {
    window: Window,
    orders: mpsc::UnboundedReceiver<Order>,
    data_dir: PathBuf,
    place: Option<Place>,
    stance: Stance,
    /// Until when the first window comes to the front with what this program was given for that.
    tokens_until: Option<Instant>,
    deaths: Deaths,
    spares: Spares,
    /// Which incident the page shows as soon as it listens.
    open: Option<String>,
}

/// A window that takes orders from now on and is kept once its keeper runs.
pub(crate) fn prepare(data_dir: &Path) -> (Window, Keeper) {
    let (sender, orders) = mpsc::unbounded_channel();
    let window = Window(sender);
    let keeper = Keeper {
        window: window.clone(),
        orders,
        data_dir: data_dir.to_owned(),
        place: None,
        stance: ASKED_FOR,
        tokens_until: Some(Instant::now() + TOKENS_HOLD),
        deaths: Deaths::default(),
        spares: Spares::of_the_environment(),
        open: None,
    };
    (window, keeper)
}

/// How a window stands that the person asked for.
const ASKED_FOR: Stance = Stance { focused: true, minimised: false };

/// What is next for the keeper.
enum Next {
    Order(Order),
    Said(FromWindow),
    Gone,
    /// It did not do what it was told.
    Overdue,
    /// A spare is to be started, or has waited for long enough.
    Spare,
}

impl Keeper {
    /// Keeps the window until the program's end.
    pub(crate) async fn run(mut self, answers: Answers, notifier: Arc<Notifier>) {
        let mut process: Option<Process> = None;
        loop {
            match self.next(process.as_mut()).await {
                Next::Order(Order::Show(incident)) => {
                    // The person asked anew, whatever came of it before.
                    self.deaths = Deaths::default();
                    self.show(&mut process, incident, &answers, &notifier);
                }
                Next::Order(Order::Tell(json)) => tell(process.as_mut(), ToWindow::Event(json)),
                Next::Order(Order::Close { would_lose_it }) => {
                    if let Some(process) = process.as_mut().filter(|process| process.spare.is_none()) {
                        process.close(would_lose_it);
                    }
                }
                Next::Order(Order::End(done)) => {
                    if let Some(mut process) = process.take() {
                        process.close(false);
                        process.ended().await;
                    }
                    drop(done);
                    return;
                }
                Next::Said(said) => {
                    if let Some(process) = &mut process {
                        self.hear(process, said, &answers, &notifier);
                    }
                }
                Next::Overdue => {
                    if let Some(process) = &mut process {
                        process.stands_still();
                    }
                }
                Next::Gone => {
                    if let Some(ended) = process.take() {
                        self.outlive(&mut process, ended, &answers, &notifier).await;
                    }
                }
                Next::Spare => match process.take() {
                    Some(spare) => let_go(spare),
                    None => process = self.begin_spare(),
                },
            }
        }
    }

    async fn next(&mut self, process: Option<&mut Process>) -> Next {
        let spare_at = match &process {
            Some(process) => process.spare.as_ref().map(|spare| spare.until),
            None => self.spares.due(),
        };
        let due = process.as_ref().and_then(|process| process.due);
        let said = async {
            match process {
                Some(process) => process.from.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            // What the window said before comes before what it is told next.
            biased;
            said = said => said.map_or(Next::Gone, Next::Said),
            order = self.orders.recv() => match order {
                Some(order) => Next::Order(order),
                // This keeper holds a sender itself.
                None => std::future::pending().await,
            },
            () = reached(due) => Next::Overdue,
            () = reached(spare_at) => Next::Spare,
        }
    }

    fn show(
        &mut self,
        process: &mut Option<Process>,
        incident: Option<String>,
        answers: &Answers,
        notifier: &Notifier,
    ) {
        self.spares.forget();
        if let Some(incident) = incident {
            self.open = Some(incident);
        }
        match process {
            // Its end is waited for, and then there is a new one.
            Some(closing) if closing.closing => closing.is_wanted_again = true,
            Some(shown) => {
                shown.show();
                if let Some(spare) = shown.spare.take() {
                    tracing::debug!("the spare is the window");
                    spare.asked().into_iter().for_each(|asked| self.hear(shown, asked, answers, notifier));
                }
                self.open_incident(shown);
            }
            None => self.start(process, false, notifier),
        }
    }

    fn start(&mut self, process: &mut Option<Process>, unasked: bool, notifier: &Notifier) {
        let first = self.tokens_until.take().is_some_and(|until| Instant::now() < until);
        if !unasked {
            self.stance = ASKED_FOR;
        }
        match start(&self.data_dir, Start { place: self.place, unasked, first, ..Start::default() }) {
            Ok(started) => *process = Some(started),
            Err(error) => {
                self.open = None;
                cannot_show(notifier, &format!("{error:#}"));
            }
        }
    }

    /// Without a spare the next opening takes a little longer, and nothing else is different.
    fn begin_spare(&mut self) -> Option<Process> {
        let spare = self.spares.begin(Instant::now())?;
        match start(&self.data_dir, Start { place: self.place, spare: Some(spare), ..Start::default() }) {
            Ok(started) => Some(started),
            Err(error) => {
                tracing::warn!(error = format!("{error:#}"), "there is no spare window");
                None
            }
        }
    }

    fn open_incident(&mut self, process: &mut Process) {
        if !process.listens {
            return;
        }
        if let Some(incident) = self.open.take()
            && let Ok(json) = serde_json::to_vec(&Event::Open { incident: incident.clone() })
        {
            process.asked = Some(incident);
            tell(Some(process), ToWindow::Event(json));
        }
    }

    fn hear(&mut self, process: &mut Process, said: FromWindow, answers: &Answers, notifier: &Notifier) {
        if let Some(spare) = &mut process.spare {
            spare.hear(said);
            return;
        }
        match said {
            FromWindow::Ask { id, json } => {
                let ask = serde_json::from_slice::<Ask>(&json);
                if matches!(ask, Ok(Ask::Subscribe {})) {
                    process.listens = true;
                    notifier.withdraw(NOTICE);
                    self.open_incident(process);
                }
                if let Ok(Ask::Looks { incident }) = &ask {
                    answers.client.looks(incident.as_deref());
                }
                let (answers, to) = (answers.clone(), process.to.clone());
                tokio::spawn(async move {
                    let answer = match ask {
                        Ok(ask) => answers.answer(ask).await,
                        Err(error) => asks::not_understood(&error),
                    };
                    let said = match answer {
                        Ok(json) => ToWindow::Answer { id, json },
                        Err(json) => ToWindow::Refusal { id, json },
                    };
                    // A window that is gone needs no answer.
                    let _ = to.send(said).await;
                });
            }
            FromWindow::Picture { id, alert } => {
                let (client, to) = (answers.client.clone(), process.to.clone());
                tokio::spawn(async move {
                    let jpeg = client.frame(&alert).await;
                    let _ = to.send(ToWindow::Picture { id, jpeg }).await;
                });
            }
            FromWindow::Close => {
                tracing::info!("the window is asked to close");
                let window = self.window.clone();
                // Only once it is known that it can be brought back.
                tokio::spawn(async move {
                    let would_lose_it = tray::would_lose_the_window().await;
                    window.order(Order::Close { would_lose_it });
                });
            }
            FromWindow::PageGone => {
                process.listens = false;
                answers.client.window(false);
            }
            FromWindow::Place(place) => {
                tracing::debug!(?place, "the window is here");
                self.place = Some(place);
            }
            FromWindow::Shown => process.shown(),
            FromWindow::Stance(stance) => self.stance = stance,
            FromWindow::CannotShow(why) => process.trouble = Some(why),
        }
    }

    /// The window's process is gone: as it should, or not.
    async fn outlive(
        &mut self,
        process: &mut Option<Process>,
        mut ended: Process,
        answers: &Answers,
        notifier: &Notifier,
    ) {
        if ended.spare.is_some() {
            let status = ended.ended().await;
            tracing::debug!(?status, "the spare window's process ended");
            return;
        }
        answers.client.window(false);
        let status = ended.ended().await;
        if ended.is_wanted_again {
            self.open = self.open.take().or(ended.asked.take());
            self.show(process, None, answers, notifier);
            return;
        }
        if ended.closing {
            tracing::debug!(?status, "the window is closed");
            self.spares.plan(Instant::now());
            return;
        }
        if let Some(why) = &ended.trouble {
            cannot_show(notifier, why);
            return;
        }
        let next = self.deaths.another(Instant::now());
        tracing::warn!(?status, ?next, "the window's process ended");
        match next {
            // Nobody looked at it, and nobody misses it before they open it.
            After::Again if self.stance.minimised && !tray::would_lose_the_window().await => {
                self.spares.plan(Instant::now());
            }
            After::Again => self.start(process, !self.stance.focused, notifier),
            After::GiveUp => cannot_show(notifier, &words::text("notification.window_dies", &[])),
        }
    }
}

/// Waits for a moment; where there is none, for ever.
async fn reached(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}

/// Nobody wanted it, and nobody waits for its end.
fn let_go(mut spare: Process) {
    tracing::debug!("nobody wanted the spare window");
    spare.close(false);
    tokio::spawn(async move { spare.ended().await });
}

/// The alerts still come, and the person who asked for the window is told.
fn cannot_show(notifier: &Notifier, why: &str) {
    tracing::error!(why, "cannot show the window");
    notifier.notify(Notification {
        id: NOTICE.into(),
        alert: None,
        title: words::text("notification.no_window", &[]),
        body: words::text("notification.no_window_why", &[("why", why)]),
        picture: None,
        sound: false,
        critical: true,
        buttons: Buttons::Open,
        in_place_of: None,
    });
}
