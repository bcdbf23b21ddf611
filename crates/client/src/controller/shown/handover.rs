//! What a person is told who comes back to the page: what happened since they last looked, each account by itself.

use jiff::{SignedDuration, Timestamp};

use crate::controller::Controller;
use crate::controller::alerts::decisions::account_of;
use crate::controller::ticks::Reply;
use crate::journal::{Journal, JournalError};
use crate::view::Handover;

/// Who was away for less has missed nothing.
const AWAY: SignedDuration = SignedDuration::from_hours(1);

/// Among the journal's small values, before the account: when that person last looked.
const LOOKED: &str = "looked:";

impl Controller {
    /// Somebody is at the page: what happened since they last were, if that is worth telling.
    pub(crate) fn handover(&self, reply: Reply<Option<Handover>>) {
        let Some(name) = self.looked_at() else {
            let _ = reply.send(None);
            return;
        };
        let (journal, now) = (self.journal.clone(), self.wall());
        self.tasks.spawn(async move {
            let found = handed_over(&journal, name, now).await.unwrap_or_else(|error| {
                tracing::warn!(%error, "what happened meanwhile cannot be told");
                None
            });
            let _ = reply.send(found);
        });
    }

    /// Somebody still is.
    pub(crate) fn stays(&self) {
        let Some(name) = self.looked_at() else { return };
        let (journal, now) = (self.journal.clone(), self.wall());
        self.tasks.spawn(async move {
            // Where it is not stored, more is told the next time.
            let _ = journal.set_value(&name, Some(now.to_string())).await;
        });
    }

    fn looked_at(&self) -> Option<String> {
        self.account.session().map(|session| format!("{LOOKED}{}", account_of(&session)))
    }
}

async fn handed_over(
    journal: &Journal,
    name: String,
    now: Timestamp,
) -> Result<Option<Handover>, JournalError> {
    let before = journal.value(&name).await?.and_then(|text| text.parse::<Timestamp>().ok());
    journal.set_value(&name, Some(now.to_string())).await?;
    let Some(since) = before.filter(|since| now.duration_since(*since) >= AWAY) else { return Ok(None) };
    Ok(Some(journal.handover(since, now).await?).filter(|handover| !handover.is_empty()))
}
