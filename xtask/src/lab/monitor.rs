//! What passes between programs and the notification daemon, read from the session bus as a monitor sees it.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use anyhow::{Context, Result};

use crate::desktop::VirtualDesktop;

/// One message that matters here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Seen {
    /// A program asked for a popup.
    Notify { sender: String, serial: u32, replaces: u32, program: String },
    /// The daemon's answer: the popup's id.
    Answer { to: String, serial: u32, id: u32 },
    /// A program asked for a popup's end.
    Close { id: u32 },
    /// The daemon said that a popup ended.
    Closed { id: u32 },
    /// The daemon said that a button was pressed.
    Invoked { id: u32, key: String },
}

/// A running `dbus-monitor`.
#[derive(Debug)]
pub(super) struct Monitor {
    seen: Arc<Mutex<Vec<Seen>>>,
    process: Child,
}

impl Monitor {
    pub(super) fn start(desktop: &VirtualDesktop) -> Result<Self> {
        let mut process = desktop
            .command("dbus-monitor")
            .args(["--session", "interface='org.freedesktop.Notifications'", "type='method_return'"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start dbus-monitor")?;
        let output = process.stdout.take().context("no output")?;
        let seen = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&seen);
        thread::spawn(move || {
            let mut message = Message::default();
            // Some programs send words that are not UTF-8.
            for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
                if let Some(what) = message.take_in(&String::from_utf8_lossy(&line)) {
                    noted.lock().unwrap_or_else(PoisonError::into_inner).push(what);
                }
            }
        });
        Ok(Self { seen, process })
    }

    /// Everything so far.
    pub(super) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many messages so far: where a later look begins.
    pub(super) fn now(&self) -> usize {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// The popups asked for since then that got an id, by this program or by all but it: what was replaced, and the id.
    pub(super) fn popups(&self, program: &str, its: bool, since: usize) -> Vec<(u32, u32)> {
        let seen = self.seen();
        let calls = seen.iter().skip(since).filter_map(|what| match what {
            Seen::Notify { sender, serial, replaces, program: who } if (who == program) == its => {
                Some((sender, *serial, *replaces))
            }
            Seen::Notify { .. }
            | Seen::Answer { .. }
            | Seen::Close { .. }
            | Seen::Closed { .. }
            | Seen::Invoked { .. } => None,
        });
        let answered = |sender: &String, serial: u32| {
            seen.iter().find_map(|what| match what {
                Seen::Answer { to, serial: of, id } if to == sender && *of == serial => Some(*id),
                Seen::Notify { .. }
                | Seen::Answer { .. }
                | Seen::Close { .. }
                | Seen::Closed { .. }
                | Seen::Invoked { .. } => None,
            })
        };
        calls.filter_map(|(sender, serial, replaces)| Some((replaces, answered(sender, serial)?))).collect()
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A message of which only the first lines have come.
#[derive(Debug, Default)]
struct Message {
    heading: String,
    arguments: Vec<String>,
    told: bool,
}

impl Message {
    /// Takes in the next line; says what the message is as soon as its arguments that matter are there.
    fn take_in(&mut self, line: &str) -> Option<Seen> {
        if line.contains(" time=") && line.contains(" sender=") && line.contains(" serial=") {
            *self = Self { heading: line.to_owned(), ..Self::default() };
        } else if line.starts_with("   ") && !line.starts_with("    ") {
            self.arguments.push(line.trim().to_owned());
        }
        if self.told {
            return None;
        }
        let seen = self.meaning();
        self.told = seen.is_some();
        seen
    }

    fn meaning(&self) -> Option<Seen> {
        let is = |member: &str| self.heading.ends_with(&format!("member={member}"));
        if self.heading.starts_with("method return") {
            return Some(Seen::Answer {
                to: self.heading_word("destination=")?,
                serial: self.heading_word("reply_serial=")?.parse().ok()?,
                id: self.number(0)?,
            });
        }
        if is("Notify") {
            return Some(Seen::Notify {
                sender: self.heading_word("sender=")?,
                serial: self.heading_word(" serial=")?.parse().ok()?,
                replaces: self.number(1)?,
                program: self.text(0)?,
            });
        }
        if is("CloseNotification") {
            return Some(Seen::Close { id: self.number(0)? });
        }
        if is("NotificationClosed") {
            return Some(Seen::Closed { id: self.number(0)? });
        }
        if is("ActionInvoked") {
            return Some(Seen::Invoked { id: self.number(0)?, key: self.text(1)? });
        }
        None
    }

    fn heading_word(&self, before: &str) -> Option<String> {
        let (_, rest) = self.heading.split_once(before)?;
        Some(rest.split([' ', ';']).next()?.to_owned())
    }

    fn number(&self, place: usize) -> Option<u32> {
        self.arguments.get(place)?.strip_prefix("uint32 ")?.parse().ok()
    }

    fn text(&self, place: usize) -> Option<String> {
        Some(self.arguments.get(place)?.strip_prefix("string \"")?.strip_suffix('"')?.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_popup_and_its_answer_are_read() {
        let seen = read(
            "method call time=1.5 sender=:1.8 -> destination=org.freedesktop.Notifications serial=12 path=/org/freedesktop/Notifications; interface=org.freedesktop.Notifications; member=Notify
   string \"VisionGuard\"
   uint32 4
   string \"\"
   array [
      string \"ack\"
   ]
method return time=1.6 sender=:1.2 -> destination=:1.8 serial=33 reply_serial=12
   uint32 5",
        );

        let notify = Seen::Notify {
            sender: ":1.8".to_owned(),
            serial: 12,
            replaces: 4,
            program: "VisionGuard".to_owned(),
        };
        assert_eq!(seen, [notify, Seen::Answer { to: ":1.8".to_owned(), serial: 12, id: 5 }]);
    }

    #[test]
    fn signals_are_read() {
        let seen = read(
            "signal time=2.0 sender=:1.2 -> destination=(null destination) serial=34 path=/org/freedesktop/Notifications; interface=org.freedesktop.Notifications; member=ActionInvoked
   uint32 5
   string \"ack\"
signal time=2.0 sender=:1.2 -> destination=(null destination) serial=35 path=/org/freedesktop/Notifications; interface=org.freedesktop.Notifications; member=NotificationClosed
   uint32 5
   uint32 2
method return time=2.1 sender=:1.2 -> destination=:1.8 serial=36 reply_serial=13
   string \"dunst\"",
        );

        assert_eq!(seen, [Seen::Invoked { id: 5, key: "ack".to_owned() }, Seen::Closed { id: 5 }]);
    }

    fn read(text: &str) -> Vec<Seen> {
        let mut message = Message::default();
        text.lines().filter_map(|line| message.take_in(line)).collect()
    }
}
