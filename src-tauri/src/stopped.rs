//! The last words of a program that cannot start, or cannot show its window: nothing ends without one on the screen.
//!
//! A notification may be missed and a page may not load, so that it is a dialog of the desktop's own toolkit where there is one.

use std::sync::mpsc;
use std::time::Duration;

use tauri::AppHandle;
use visionguard_client::installation::DataDir;
use visionguard_client::lock;
use visionguard_client::shell::{Buttons, Notification};
use visionguard_client::words;

use crate::start;

/// Between two looks at whether the data directory is free again.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How long a notification may take.
const NOTIFIED_WITHIN: Duration = Duration::from_secs(6);

/// What the person did, or what happened meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Closed,
    /// The program that was in the way has ended: it is worth another start.
    Free,
}

/// Says why the program cannot start, in every way there is, until the person has seen it.
pub(crate) fn tell(app: Option<&AppHandle>, found: &DataDir, error: &anyhow::Error) -> End {
    tracing::error!(error = format!("{error:#}"), "cannot start");
    let why = sentence(error);
    // Who looks at the screen now needs no second telling; at a sign-in nobody may.
    if app.is_none() || start::is_hidden() {
        notify(found, &why);
    }
    match app {
        Some(app) => dialog(app, found, &why),
        None => End::Closed,
    }
}

/// With its causes, as a sentence.
fn sentence(error: &anyhow::Error) -> String {
    let said = format!("{error:#}");
    let mut letters = said.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str().trim_end_matches('.'))
}

fn notify(found: &DataDir, why: &str) {
    let (report, outcome) = mpsc::channel();
    let report = move |outcome| drop(report.send(outcome));
    let notifier = start::notifier(&found.path, report, None);
    let Ok(notifier) = notifier else { return };
    notifier.notify(Notification {
        id: "notice:start".into(),
        alert: None,
        title: words::text("notification.cannot_start", &[]),
        body: why.to_owned(),
        picture: None,
        sound: false,
        critical: true,
        buttons: Buttons::Open,
    });
    // It stays up when the program is gone: taking it back takes the notifier's own thread.
    let _ = outcome.recv_timeout(NOTIFIED_WITHIN);
    std::mem::forget(notifier);
}

/// On the main thread, which has a window system by now.
#[cfg(target_os = "linux")]
fn dialog(_app: &AppHandle, found: &DataDir, why: &str) -> End {
    use gtk::glib::{ControlFlow, timeout_add_local};
    use gtk::prelude::{DialogExt, GtkWindowExt, WidgetExt};

    let dialog = message(why);
    let (shown, data_dir) = (dialog.clone(), found.path.clone());
    let is_held = lock::is_held(&data_dir);
    timeout_add_local(LOOK_EVERY, move || {
        if is_held && !lock::is_held(&data_dir) {
            shown.response(gtk::ResponseType::Accept);
            return ControlFlow::Break;
        }
        ControlFlow::Continue
    });
    dialog.set_focus_on_map(!start::is_hidden());
    dialog.show_all();
    if dialog.run() == gtk::ResponseType::Accept { End::Free } else { End::Closed }
}

#[cfg(target_os = "linux")]
fn message(why: &str) -> gtk::MessageDialog {
    gtk::MessageDialog::builder()
        .title("VisionGuard")
        .message_type(gtk::MessageType::Error)
        .buttons(gtk::ButtonsType::Close)
        .text(words::text("notification.cannot_start", &[]))
        .secondary_text(why)
        .icon_name("dialog-error")
        .build()
}

/// A page that asks for nothing: the toolkits of these systems have no dialog that safe code can open.
#[cfg(not(target_os = "linux"))]
fn dialog(app: &AppHandle, found: &DataDir, why: &str) -> End {
    use tauri::{WebviewUrl, WebviewWindowBuilder};

    let title = words::text("notification.cannot_start", &[]);
    let query: String = url_query(&title, why);
    let window =
        WebviewWindowBuilder::new(app, "stopped", WebviewUrl::App(format!("stopped.html?{query}").into()))
            .title("VisionGuard")
            .inner_size(520.0, 280.0)
            .build();
    match window {
        // The loop of events runs until the window is closed; the caller runs it.
        Ok(_) => End::Closed,
        Err(_) => {
            notify(found, why);
            End::Closed
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn url_query(title: &str, why: &str) -> String {
    let encoded = |text: &str| -> String { text.bytes().map(|byte| format!("%{byte:02X}")).collect() };
    format!("title={}&why={}", encoded(title), encoded(why))
}

/// The window cannot be made while the program runs: the alerts still come, and the person who asked for it is told.
#[cfg(target_os = "linux")]
pub(crate) fn no_window(why: &str) {
    use gtk::prelude::{DialogExt, GtkWindowExt, MessageDialogExt, WidgetExt};

    let dialog = message(&words::text("notification.no_window_why", &[("why", why)]));
    dialog.set_text(Some(&words::text("notification.no_window", &[])));
    dialog.connect_response(|dialog, _| dialog.close());
    dialog.show_all();
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn no_window(_why: &str) {}
