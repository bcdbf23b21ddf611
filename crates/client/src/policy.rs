//! What an alert is worth, when it may interrupt, and its words: pure rules, told everything they need.
//!
//! **Severity** is ours: the backend calls every theft "low" and is always of "Low" confidence. A theft pattern is
//! medium, so that it is never silent. It is high when its score is at least [`HIGH_SCORE`], or when it is at least
//! the [`REPEATED`]rd incident of its camera within five minutes. A person where nobody should be is always high.
//! Anything else the record may hold is low.
//!
//! **After hours**: while the shop is closed, by the opening hours that the person chose, everything interrupts as what is
//! high does, and sounds each time. What it is worth stays as it is.
//!
//! **Interrupting**: the first alert of an incident is shown at once and with a sound; further ones update the same
//! notification, silently and at most every [`UPDATE_PAUSE`]. A new person or camera is a new incident and so breaks
//! through at once. What was caught up on is counted.
//!
//! **Cooldown**: for as long as the person chose, a camera that sounded pops up without a sound, unless it is worse.
//!
//! **Told again**, where the person chose a time for it: what is high and nobody handled, and what was acknowledged here and is
//! not resolved.
//!
//! **Snoozed**: a camera that a person snoozed interrupts nobody until its time is over. What it saw by then, and nobody
//! looked at, is told as what was missed is.
//!
//! **Standing**: at most [`POPUPS`] incidents' popups at once, one a camera, and one that counts the rest.

mod budget;
mod cooldown;
mod hours;
mod interruption;
mod reminder;
mod severity;
mod snooze;
#[cfg(test)]
mod tests;
mod words;

pub use budget::{Budget, COUNTER, Card, Count, POPUPS, Step, Tally};
pub use cooldown::Cooldown;
pub(crate) use hours::say_after_hours;
pub use hours::{Hours, WRITTEN_AS};
pub use interruption::{
    Recent, STANDS, Standing, UPDATE_PAUSE, Verdict, card, consider, counter, is_first, shows_pictures,
    standing,
};
pub use reminder::{REPEATED_FOR, Reminders, WAITED_FOR, WAITING, again, has_passed, is_repeated, waiting};
pub use severity::{Assessment, HIGH_SCORE, REPEATED, assess};
pub use snooze::{Camera, LONGEST, LONGEST_UNTIL, NotSo, Snooze, SnoozeFor, Snoozes, camera_meant};
pub use words::came_late;
pub(crate) use words::{camera, camera_of, given_name, kind, picture_problem, plain, plain_line};
