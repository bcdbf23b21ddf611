//! What notifications can do on this desktop, in words: for the doctor, and for the settings as long as the program runs.

use crate::controller::Client;
use crate::view::PopupsView;
use crate::words::text;

use super::Service;
#[cfg(target_os = "linux")]
use super::manners::Actions;

/// Keeps the client told of what notifications can do, whoever shows them.
pub fn follow(client: Client) {
    #[cfg(target_os = "linux")]
    tokio::spawn(super::desk::follow(move |service| client.popups(view(service.as_ref()))));
    #[cfg(not(target_os = "linux"))]
    tokio::spawn(async move { client.popups(view(super::ask().await.ok().as_ref())) });
}

/// Who shows notifications and what they can do, and how an alert is acknowledged where they have no buttons.
#[must_use]
pub fn told(service: &Service) -> String {
    text("popups.by", &[("name", &service.name), ("can", &abilities(service))])
}

/// For the settings.
pub(super) fn view(service: Option<&Service>) -> PopupsView {
    match service {
        Some(service) => PopupsView { buttons: has_buttons(service), sentence: told(service) },
        None => PopupsView { buttons: false, sentence: text("popups.nobody", &[]) },
    }
}

#[cfg(target_os = "linux")]
fn has_buttons(service: &Service) -> bool {
    matches!(service.manners.actions, Actions::Buttons | Actions::TwoButtons)
}

#[cfg(target_os = "linux")]
fn abilities(service: &Service) -> String {
    match service.manners.actions {
        Actions::Buttons => text("popups.buttons", &[]),
        Actions::TwoButtons => text("popups.two_buttons", &[]),
        Actions::Command(command) => text("popups.command", &[("command", command)]),
        Actions::None => text("popups.none", &[]),
    }
}

#[cfg(not(target_os = "linux"))]
fn has_buttons(service: &Service) -> bool {
    service.actions
}

#[cfg(not(target_os = "linux"))]
fn abilities(service: &Service) -> String {
    text(if service.actions { "popups.buttons" } else { "popups.none" }, &[])
}
