//! The notification about an alert that could not be stored: said in few words, from the message alone.

use visionguard_proto::{Alert, Kind};

use super::recorder::Arrival;
use crate::model::Severity;
use crate::policy::{self, Card};
use crate::shell::{Buttons, Notification};
use crate::view::SettingsView;
use crate::words::text;

/// It proves no stored alert and is of no incident; a further one of the same camera and person takes its place.
pub(crate) fn notification(arrival: &Arrival, settings: &SettingsView) -> Notification {
    let alert = &arrival.alert;
    let stream = alert.stream_id.as_ref().map_or("", |stream| stream.as_str());
    let title = match alert.kind {
        Kind::Theft => text("notification.theft", &[]),
        Kind::Intrusion => text("notification.intrusion", &[]),
        Kind::Other => text("notification.other", &[]),
    };
    let camera = settings
        .camera_names
        .get(stream)
        .cloned()
        .or_else(|| alert.location.clone())
        .unwrap_or_else(|| stream.chars().take(8).collect());

    Notification {
        id: id(alert),
        alert: None,
        title,
        body: text("notification.unstored", &[("camera", &camera)]),
        picture: arrival.picture().filter(|_| policy::shows_pictures(settings)),
        sound: settings.sound,
        critical: true,
        buttons: Buttons::Open,
        in_place_of: None,
    }
}

/// What the budget of popups is to know of it.
pub(crate) fn card(arrival: &Arrival, notification: &Notification) -> Card {
    let alert = &arrival.alert;
    Card {
        id: notification.id.clone(),
        incident: None,
        alert: None,
        camera: alert.stream_id.as_ref().map(|stream| stream.as_str().to_owned()),
        store: alert.shop_id.as_ref().map(|shop| shop.as_str().to_owned()),
        severity: Severity::High,
        sounds_each_time: false,
        title: notification.title.clone(),
        at: arrival.received_at,
    }
}

/// The id of the notification about it: one a camera and person.
pub(crate) fn id(alert: &Alert) -> String {
    let stream = alert.stream_id.as_ref().map_or("", |stream| stream.as_str());
    let person = alert.person_id.map(|person| person.to_string()).unwrap_or_default();
    format!("unstored:{stream}:{person}")
}
