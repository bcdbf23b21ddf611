//! Notifications on Windows and macOS, raised with notify-rust.
//!
//! The systems offer less than D-Bus does: nothing can be replaced or withdrawn, and the answer comes to a thread that
//! waits for it. At most [`WAITING_LIMIT`] wait; a notification beyond that is shown but its click is not heard.

use std::path::Path;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use notify_rust::{CloseReason, NotificationResponse};
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::shell::{Buttons, Notification, Outcome};
use crate::words;

use super::pending::Item;
use super::picture::{Picture, Pictures};
use super::raised::Raised;
use super::{DEADLINE, Report, Service, Sounds, Voice, report_failed, report_shown, text};

const ACKNOWLEDGE: &str = "ack";
const VIEW: &str = "view";
const SNOOZE: &str = "snooze";
/// Threads that wait for an answer.
const WAITING_LIMIT: usize = 16;
/// The installer names the program so; must be the `identifier` in `tauri.conf.json`.
const APPLICATION: &str = "com.visionguard.desktop";

/// Asks the service who it is; the systems' own are always there.
#[allow(clippy::unused_async, reason = "the same signature on every system")]
pub async fn ask() -> Result<Service, String> {
    Ok(Service { name: crate::words::text("popups.system", &[]), markup: false, actions: true })
}

/// All notifications whose answer is waited for.
pub(super) struct Desk {
    pictures: Option<Pictures>,
    report: Report,
    sounds: Option<Arc<dyn Sounds>>,
    raised: Raised,
    waiting: Vec<JoinHandle<()>>,
}

impl Desk {
    pub(super) fn new(
        pictures: Option<Pictures>,
        _directory: &Path,
        report: Report,
        sounds: Option<Arc<dyn Sounds>>,
    ) -> Self {
        #[cfg(target_os = "macos")]
        if let Err(error) = notify_rust::set_application(APPLICATION) {
            tracing::warn!(%error, "notifications will not carry the program's name");
        }
        Self { pictures, report, sounds, raised: Raised::default(), waiting: Vec::new() }
    }

    /// What an earlier run left cannot be taken back.
    #[allow(clippy::unused_async, reason = "the same signature on every system")]
    pub(super) async fn begin(&mut self) {}

    /// Nothing happens here without an order.
    pub(super) async fn next(&mut self) -> std::convert::Infallible {
        std::future::pending().await
    }

    pub(super) fn handle(&mut self, event: std::convert::Infallible) {
        match event {}
    }

    pub(super) async fn raise(&mut self, item: Item) {
        if self.raised.covers(&item.notification) {
            report_shown(&self.report, &item);
            return;
        }
        self.waiting.retain(|thread| !thread.is_finished());
        let (notification, picture) = match &mut self.pictures {
            Some(pictures) => pictures.prepare(&item.notification).await,
            None => (item.notification.clone(), None),
        };
        let voice = Voice::of(&notification, self.sounds.as_ref());
        let shown = timeout(DEADLINE, self.show(&notification, picture, voice)).await;
        match shown {
            Ok(Ok(())) => {
                self.raised.note(&item.notification);
                report_shown(&self.report, &item);
                if let Some(sounds) = self.sounds.as_ref().filter(|_| voice == Voice::Ours) {
                    sounds.play(item.notification.critical);
                }
            }
            Ok(Err(reason)) => {
                let reason = text::title(&reason);
                report_failed(
                    &self.report,
                    &item,
                    &words::text("notification.refused", &[("reason", &reason)]),
                );
            }
            Err(_) => report_failed(&self.report, &item, &words::text("notification.late", &[])),
        }
    }

    #[allow(clippy::unused_async, reason = "the same signature on every system")]
    pub(super) async fn withdraw(&mut self, id: &str) {
        self.raised.forget(id);
        tracing::debug!(id, "notifications cannot be withdrawn on this system");
    }

    #[allow(clippy::unused_async, reason = "the same signature on every system")]
    pub(super) async fn leave(&mut self) {}

    async fn show(
        &mut self,
        notification: &Notification,
        picture: Option<Picture>,
        voice: Voice,
    ) -> Result<(), String> {
        let words = compose(notification, picture.as_ref(), voice);
        let (id, report) = (notification.id.clone(), Arc::clone(&self.report));
        let waits = self.waiting.len() < WAITING_LIMIT;
        let (done, shown) = oneshot::channel();
        let thread = thread::Builder::new()
            .name("notification".into())
            .spawn(move || {
                let _picture = picture;
                match words.show() {
                    Ok(handle) => {
                        let _ = done.send(Ok(()));
                        // On macOS it is only sent by waiting on the handle or dropping it.
                        if waits {
                            let _ = handle.wait_for_response(|response: &NotificationResponse| {
                                answer(&id, response, &report);
                            });
                        }
                    }
                    Err(error) => {
                        let _ = done.send(Err(error.to_string()));
                    }
                }
            })
            .map_err(|error| error.to_string())?;
        self.waiting.push(thread);
        shown.await.unwrap_or_else(|_| Err("the thread ended".into()))
    }
}

fn compose(
    notification: &Notification,
    picture: Option<&Picture>,
    voice: Voice,
) -> notify_rust::Notification {
    let mut words = notify_rust::Notification::new();
    words.summary(&text::title(&notification.title)).body(&text::body(&notification.body, false));
    if voice == Voice::Service {
        words.sound_name("Default");
    }
    if let Some(path) = picture.and_then(|picture| picture.path().to_str()) {
        words.image_path(path);
    }
    match notification.buttons {
        Buttons::Incident => {
            words.action(ACKNOWLEDGE, &words::text("notification.acknowledge", &[]));
            words.action(VIEW, &words::text("notification.view", &[]));
            words.action(SNOOZE, &words::text("notification.snooze", &[]));
        }
        Buttons::Open => {
            words.action(VIEW, &words::text("notification.open", &[]));
        }
    }
    #[cfg(target_os = "windows")]
    {
        if notification.critical {
            words.urgency(notify_rust::Urgency::Critical);
        }
        // A name that no shortcut carries shows nothing at all, so only what an installer made uses it.
        if !cfg!(debug_assertions) {
            words.app_id(APPLICATION);
        }
    }
    words
}

fn answer(id: &str, response: &NotificationResponse, report: &Report) {
    let id = id.to_owned();
    match response {
        NotificationResponse::Default => report(Outcome::Opened { id }),
        NotificationResponse::Action(action) if action == ACKNOWLEDGE => report(Outcome::Acknowledged { id }),
        NotificationResponse::Action(action) if action == VIEW => report(Outcome::Opened { id }),
        NotificationResponse::Action(action) if action == SNOOZE => report(Outcome::Snoozed { id }),
        // Nobody closed it: it went by itself.
        NotificationResponse::Closed(CloseReason::Expired) => report(Outcome::Over { id }),
        NotificationResponse::Closed(_) => report(Outcome::Closed { id }),
        NotificationResponse::Action(_) | NotificationResponse::Reply(_) => {}
    }
}
