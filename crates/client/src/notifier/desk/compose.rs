//! The words, buttons and hints of a notification, as the service that shows it takes them.

use std::collections::HashMap;

use serde::Serialize;
use zbus::zvariant::{Type, Value};

use crate::notifier::manners::Actions;
use crate::notifier::picture::Picture;
use crate::notifier::{Service, Voice, text};
use crate::policy::{self, Standing};
use crate::shell::{Buttons, Notification};
use crate::words;

pub(super) const ACKNOWLEDGE: &str = "ack";
pub(super) const VIEW: &str = "view";
pub(super) const SNOOZE: &str = "snooze";
pub(super) const DEFAULT: &str = "default";

const NORMAL: u8 = 1;
const CRITICAL: u8 = 2;

/// The arguments of `Notify`, in their order.
#[derive(Debug, Serialize, Type)]
pub(super) struct Words {
    program: &'static str,
    replaces: u32,
    icon: String,
    title: String,
    body: String,
    actions: Vec<String>,
    hints: HashMap<&'static str, Value<'static>>,
    milliseconds: i32,
}

/// Composes a notification that takes the place of the one of this number, or of none for 0.
pub(super) fn compose(
    notification: &Notification,
    service: &Service,
    picture: Option<&Picture>,
    replaces: u32,
    voice: Voice,
) -> Words {
    let manners = &service.manners;
    let path = picture.and_then(|picture| picture.path().to_str());
    let mut hints = HashMap::from([
        ("urgency", Value::from(if notification.critical { CRITICAL } else { NORMAL })),
        ("desktop-entry", Value::from("VisionGuard")),
    ]);
    match voice {
        Voice::Service => hints.insert("sound-name", Value::from("dialog-warning")),
        Voice::Ours | Voice::Nobody => hints.insert("suppress-sound", Value::from(true)),
    };
    for hint in path.iter().flat_map(|_| manners.picture) {
        hints.insert(hint, Value::from(path.unwrap_or_default().to_owned()));
    }
    Words {
        program: "VisionGuard",
        replaces,
        icon: path.filter(|_| manners.picture_as_icon).unwrap_or("visionguard-desktop").to_owned(),
        title: text::title(&notification.title),
        body: text::body(&notification.body, service.markup),
        actions: actions(notification.buttons, manners.actions),
        hints,
        milliseconds: match policy::standing(notification) {
            Standing::For(_) | Standing::UntilClosed => manners.standing,
            Standing::AsUsual => -1,
        },
    }
}

/// Keys and labels by turns. A click has no label where buttons are drawn: some draw whatever has one.
fn actions(buttons: Buttons, drawn: Actions) -> Vec<String> {
    let view = match buttons {
        Buttons::Incident => words::text("notification.view", &[]),
        Buttons::Open => words::text("notification.open", &[]),
    };
    let acknowledge = words::text("notification.acknowledge", &[]);
    let mut actions = Vec::new();
    if buttons == Buttons::Incident {
        actions.push((ACKNOWLEDGE, acknowledge));
    }
    let (is_drawn, has_room) = match drawn {
        Actions::None => return Vec::new(),
        Actions::Buttons => (true, true),
        Actions::TwoButtons => (true, false),
        Actions::Command(_) => (false, true),
    };
    if is_drawn {
        actions.push((VIEW, view.clone()));
    }
    if buttons == Buttons::Incident && has_room {
        actions.push((SNOOZE, words::text("notification.snooze", &[])));
    }
    actions.push((DEFAULT, if is_drawn { String::new() } else { view }));
    actions.into_iter().flat_map(|(key, label)| [key.to_owned(), label]).collect()
}
