//! Notifications over D-Bus, raised with notify-rust.
//!
//! Each notification stands on the connection that raised it: some services send the answer only there, let nobody else
//! replace it, and withdraw it when that connection ends. So each has a task of its own that keeps its handle, waits for
//! the answer, and carries out what the desk orders; the desk waits for it no longer than [`DEADLINE`].

mod service;
mod standing;

use std::collections::VecDeque;

use tokio::time::timeout;

use crate::shell::{Buttons, Notification};

use super::pending::Item;
use super::picture::Pictures;
use super::{DEADLINE, Report, report_failed, report_shown};

pub use service::ask;

use service::{Bus, Trouble};
use standing::{Standing, compose};

/// Notifications that stand at once; the oldest is withdrawn for a newer one.
const STANDING_LIMIT: usize = 16;
/// Ids that are remembered as put away by the person.
const PUT_AWAY_LIMIT: usize = 256;

/// All notifications that stand.
pub(super) struct Desk {
    bus: Bus,
    pictures: Pictures,
    report: Report,
    /// Oldest first.
    standing: VecDeque<Standing>,
    put_away: VecDeque<PutAway>,
}

/// The person closed or answered an incident's notification: its updates are not brought back, unless it becomes critical.
struct PutAway {
    id: String,
    critical: bool,
}

impl Desk {
    pub(super) fn new(pictures: Pictures, report: Report) -> Self {
        Self { bus: Bus::default(), pictures, report, standing: VecDeque::new(), put_away: VecDeque::new() }
    }

    pub(super) async fn raise(&mut self, item: Item) {
        self.clear_ended();
        if self.is_put_away(&item.notification) {
            report_shown(&self.report, &item);
            return;
        }
        let raised = timeout(DEADLINE, self.show(&item.notification)).await.unwrap_or(Err(Trouble::Late));
        match raised {
            Ok(()) => report_shown(&self.report, &item),
            Err(trouble) => {
                self.bus.doubt();
                report_failed(&self.report, &item, &trouble.sentence());
            }
        }
    }

    pub(super) async fn withdraw(&mut self, id: &str) {
        self.clear_ended();
        if let Some(index) = self.standing.iter().position(|standing| standing.id() == id)
            && let Some(standing) = self.standing.remove(index)
        {
            let _ = timeout(DEADLINE, standing.close()).await;
        }
    }

    /// Withdraws everything: answers would reach nobody.
    pub(super) async fn leave(&mut self) {
        let closing = self.standing.drain(..).map(Standing::close);
        let _ = timeout(DEADLINE, futures_util::future::join_all(closing)).await;
    }

    async fn show(&mut self, notification: &Notification) -> Result<(), Trouble> {
        let found = self.bus.service().await?;
        if found.is_new {
            // Another program now: it knows nothing of what stood at the one before.
            self.standing.clear();
        }
        let (notification, picture) = self.pictures.prepare(notification).await;
        let words = compose(&notification, &found.service, picture.as_ref());

        let known = self.standing.iter().position(|standing| standing.id() == notification.id);
        let standing = match known.and_then(|index| self.standing.remove(index)) {
            Some(standing) => standing,
            None => Standing::new(notification.id.clone(), self.report.clone()),
        };
        self.make_room().await;
        self.standing.push_back(standing);
        match self.standing.back() {
            Some(standing) => standing.show(words, picture, notification.critical).await,
            None => Ok(()),
        }
    }

    async fn make_room(&mut self) {
        while self.standing.len() >= STANDING_LIMIT
            && let Some(oldest) = self.standing.pop_front()
        {
            oldest.close().await;
        }
    }

    fn clear_ended(&mut self) {
        let put_away = &mut self.put_away;
        self.standing.retain(|standing| {
            if let Some(critical) = standing.put_away() {
                put_away.push_back(PutAway { id: standing.id().to_owned(), critical });
            }
            !standing.has_ended()
        });
        while put_away.len() > PUT_AWAY_LIMIT {
            put_away.pop_front();
        }
    }

    fn is_put_away(&self, notification: &Notification) -> bool {
        // Of the others, the next one of the same id is news: offline again.
        notification.buttons == Buttons::Incident
            && self.put_away.iter().any(|other| {
                other.id == notification.id
                    && (other.critical || !notification.critical)
                    && !notification.sound
            })
    }
}
