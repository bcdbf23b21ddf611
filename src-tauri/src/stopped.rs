//! The last words of a program that cannot start: nothing ends without one on the screen.
//!
//! A notification may be missed, so that it is a dialog besides, in the window's program.

use std::process::Stdio;
use std::sync::mpsc;
use std::time::Duration;

use tokio::process::{Child, Command};
use visionguard_client::installation::DataDir;
use visionguard_client::lock;
use visionguard_client::shell::{Buttons, Notification};
use visionguard_client::words;

use crate::{start, window};

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
pub(crate) async fn tell(found: &DataDir, error: &anyhow::Error) -> End {
    tracing::error!(error = format!("{error:#}"), "cannot start");
    let why = sentence(error);
    let dialog = dialog(&why);
    // Who looks at the screen now needs no second telling; at a sign-in nobody may.
    if dialog.is_none() || start::is_hidden() {
        notify(found, &why).await;
    }
    let Some(dialog) = dialog else { return End::Closed };
    if let Some(end) = seen(dialog, found).await {
        return end;
    }
    notify(found, &why).await;
    End::Closed
}

/// With its causes, as a sentence.
fn sentence(error: &anyhow::Error) -> String {
    let said = format!("{error:#}");
    let mut letters = said.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str().trim_end_matches('.'))
}

async fn notify(found: &DataDir, why: &str) {
    let (found, why) = (found.clone(), why.to_owned());
    let _ = tokio::task::spawn_blocking(move || notify_now(&found, &why)).await;
}

fn notify_now(found: &DataDir, why: &str) {
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
        in_place_of: None,
    });
    // It stays up when the program is gone: taking it back takes the notifier's own thread.
    let _ = outcome.recv_timeout(NOTIFIED_WITHIN);
    std::mem::forget(notifier);
}

/// The dialog's process, where one can be started at all.
fn dialog(why: &str) -> Option<Child> {
    if !crate::system::has_screen() {
        return None;
    }
    let mut command = Command::new(window::program().ok()?);
    command.args(["--say", &words::text("notification.cannot_start", &[]), why]);
    if start::is_hidden() {
        command.arg(start::HIDDEN);
    }
    command.stdin(Stdio::null()).kill_on_drop(true);
    command.spawn().inspect_err(|error| eprintln!("VisionGuard: no dialog can be shown: {error}")).ok()
}

/// Waits until the person closed it, or the directory is free that was in use when it was shown; none if it never came up.
async fn seen(mut dialog: Child, found: &DataDir) -> Option<End> {
    let was_held = lock::is_held(&found.path);
    loop {
        tokio::select! {
            ended = dialog.wait() => {
                return ended.is_ok_and(|status| status.success()).then_some(End::Closed);
            }
            () = tokio::time::sleep(LOOK_EVERY) => {
                if was_held && !lock::is_held(&found.path) {
                    let _ = dialog.kill().await;
                    return Some(End::Free);
                }
            }
        }
    }
}
