//! One notification that stands: its handle, its picture, and a task that waits for the person's answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use notify_rust::{CloseReason, Hint, NotificationHandle, NotificationResponse, Timeout, Urgency};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::notifier::picture::Picture;
use crate::notifier::{Report, Service, text};
use crate::shell::{Buttons, Notification, Outcome};
use crate::words;

use super::service::Trouble;

const ACKNOWLEDGE: &str = "ack";
const VIEW: &str = "view";
const DEFAULT: &str = "default";

/// The words, buttons and hints of a notification, as this service takes them.
pub(super) fn compose(
    notification: &Notification,
    service: &Service,
    picture: Option<&Picture>,
) -> notify_rust::Notification {
    let mut words = notify_rust::Notification::new();
    words
        .appname("VisionGuard")
        .icon("visionguard-desktop")
        .summary(&text::title(&notification.title))
        .body(&text::body(&notification.body, service.markup))
        .hint(Hint::DesktopEntry("VisionGuard".into()));
    if notification.critical {
        words.urgency(Urgency::Critical).timeout(Timeout::Never);
    } else {
        words.urgency(Urgency::Normal).timeout(Timeout::Default);
    }
    if notification.sound {
        words.hint(Hint::SoundName("dialog-warning".into()));
    } else {
        words.hint(Hint::SuppressSound(true));
    }
    if let Some(path) = picture.and_then(|picture| picture.path().to_str()) {
        words.image_path(path);
    }
    if service.actions {
        let view = match notification.buttons {
            Buttons::Incident => {
                words.action(ACKNOWLEDGE, &words::text("notification.acknowledge", &[]));
                words::text("notification.view", &[])
            }
            Buttons::Open => words::text("notification.open", &[]),
        };
        words.action(VIEW, &view).action(DEFAULT, &view);
    }
    words
}

/// A notification with its task. Dropping it gives up the handle without withdrawing the notification.
pub(super) struct Standing {
    id: String,
    orders: mpsc::Sender<Order>,
    task: JoinHandle<()>,
    end: Arc<End>,
}

/// What the task was told by the person before it ended.
#[derive(Default)]
struct End(AtomicU8);

const UP: u8 = 0;
const PUT_AWAY: u8 = 1;
const PUT_AWAY_CRITICAL: u8 = 2;

struct Order {
    words: notify_rust::Notification,
    picture: Option<Picture>,
    critical: bool,
    done: oneshot::Sender<Result<(), Trouble>>,
}

impl Standing {
    pub(super) fn new(id: String, report: Report) -> Self {
        let (orders, inbox) = mpsc::channel(1);
        let end = Arc::new(End::default());
        let task = tokio::spawn(stand(id.clone(), inbox, report, Arc::clone(&end)));
        Self { id, orders, task, end }
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn has_ended(&self) -> bool {
        self.task.is_finished()
    }

    /// Whether the person put it away, and if so whether it was critical.
    pub(super) fn put_away(&self) -> Option<bool> {
        match self.end.0.load(Ordering::Acquire) {
            UP => None,
            state => Some(state == PUT_AWAY_CRITICAL),
        }
    }

    /// Raises it, or replaces what stands. Given up on by its caller, it still happens as soon as the service answers.
    pub(super) async fn show(
        &self,
        words: notify_rust::Notification,
        picture: Option<Picture>,
        critical: bool,
    ) -> Result<(), Trouble> {
        let (done, outcome) = oneshot::channel();
        // A full inbox is a service that has not answered the order before.
        self.orders.try_send(Order { words, picture, critical, done }).map_err(|_| Trouble::Late)?;
        outcome.await.unwrap_or(Err(Trouble::Refused("the task ended".into())))
    }

    /// Takes it back.
    pub(super) async fn close(self) {
        drop(self.orders);
        let _ = self.task.await;
    }
}

/// The notification as it is now.
struct Up {
    handle: NotificationHandle,
    critical: bool,
    /// Removed when it is no longer shown.
    _picture: Option<Picture>,
}

async fn stand(id: String, mut orders: mpsc::Receiver<Order>, report: Report, end: Arc<End>) {
    let mut up: Option<Up> = None;
    loop {
        let order = match &up {
            None => orders.recv().await,
            Some(up) => tokio::select! {
                order = orders.recv() => order,
                response = response(&up.handle) => {
                    end.was(&response, up.critical);
                    answer(&id, response, &report);
                    return;
                }
            },
        };
        let Some(Order { words, picture, critical, done }) = order else { break };
        let shown = match up.take() {
            None => words.show_async().await,
            Some(up) => replace(up, words).await,
        };
        match shown {
            Ok(handle) => {
                up = Some(Up { handle, critical, _picture: picture });
                let _ = done.send(Ok(()));
            }
            Err(error) => {
                let _ = done.send(Err(Trouble::of(&error)));
                return;
            }
        }
    }
    if let Some(up) = up {
        up.handle.close_async().await;
    }
}

/// On the same connection, because some services refuse another's; afresh where the service no longer knows it.
async fn replace(
    up: Up,
    words: notify_rust::Notification,
) -> Result<NotificationHandle, notify_rust::error::Error> {
    let updating = tokio::task::spawn_blocking(move || {
        let Up { mut handle, .. } = up;
        *handle = words;
        match handle.update() {
            Ok(()) => Ok(handle),
            Err(_) => Err(Box::new(handle.finalize())),
        }
    });
    match updating.await {
        Ok(Ok(handle)) => Ok(handle),
        Ok(Err(words)) => words.show_async().await,
        Err(_) => Err("the update did not finish".into()),
    }
}

async fn response(handle: &NotificationHandle) -> Option<NotificationResponse> {
    let mut told = None;
    handle.wait_for_action_async(|response| told = Some(response.clone())).await;
    told
}

fn answer(id: &str, response: Option<NotificationResponse>, report: &Report) {
    let id = id.to_owned();
    match response {
        Some(NotificationResponse::Default) => report(Outcome::Opened { id }),
        Some(NotificationResponse::Action(action)) if action == ACKNOWLEDGE => {
            report(Outcome::Acknowledged { id });
        }
        Some(NotificationResponse::Action(action)) if action == VIEW => report(Outcome::Opened { id }),
        Some(
            NotificationResponse::Action(_)
            | NotificationResponse::Reply(_)
            | NotificationResponse::Closed(_),
        )
        | None => tracing::debug!(id, "notification closed"),
    }
}

impl End {
    fn was(&self, response: &Option<NotificationResponse>, critical: bool) {
        let by_the_person = match response {
            Some(
                NotificationResponse::Default
                | NotificationResponse::Action(_)
                | NotificationResponse::Reply(_),
            ) => true,
            Some(NotificationResponse::Closed(CloseReason::Dismissed)) => true,
            Some(NotificationResponse::Closed(_)) | None => false,
        };
        if by_the_person {
            self.0.store(if critical { PUT_AWAY_CRITICAL } else { PUT_AWAY }, Ordering::Release);
        }
    }
}
