//! Which alerts had their line: each once, in the order of their numbers, also over a restart.
//!
//! Alerts are stored before they are told of, and not always told of in the order in which they were stored: those of the
//! record come in batches. A line with a higher number means that every lower one was printed, so that a reader can go on
//! from the last number it has.

use tokio::sync::watch;
use visionguard_client::controller::Client;
use visionguard_client::journal::{Journal, JournalError};
use visionguard_client::model::{AlertId, Entry};

use crate::args::After;
use crate::exit::{Exit, Failure};

/// Where the number of the alert that was printed last is kept.
const TOLD: &str = "watch_told";
/// Alerts read at once.
const AT_ONCE: u32 = 200;

/// How far the alerts are printed.
#[derive(Debug)]
pub struct Reader {
    client: Client,
    /// The highest number printed; none before the first where nothing is to come before what is new.
    told: Option<i64>,
    noting: Noting,
}

/// Keeps the number of the alert that was printed last, on the side: the disk takes as long for one as for many, and lines that
/// are printed meanwhile need no write of their own.
#[derive(Debug)]
struct Noting {
    printed: watch::Sender<Option<AlertId>>,
    noted: watch::Receiver<Option<AlertId>>,
}

impl Noting {
    fn start(journal: Journal) -> Noting {
        let (printed, mut asked) = watch::channel(None);
        let (tell, noted) = watch::channel(None);
        tokio::spawn(async move {
            while asked.changed().await.is_ok() {
                let last: Option<AlertId> = *asked.borrow_and_update();
                // Where the disk takes no writes, the lines are printed once more after a restart.
                let _ = journal.set_value(TOLD, last.map(|last| last.to_string())).await;
                tell.send_replace(last);
            }
        });
        Noting { printed, noted }
    }
}

impl Reader {
    /// Begins after this alert, or with what is new.
    pub async fn begin(client: Client, after: Option<After>) -> Result<Reader, Failure> {
        let journal = client.journal();
        let told = match after {
            None => None,
            Some(After::Stored) => {
                let kept = journal.value(TOLD).await?;
                Some(kept.and_then(|kept| kept.parse().ok()).unwrap_or(0))
            }
            Some(After::Number(number)) => {
                let last = journal.last_number().await?;
                if number > last {
                    return Err(unknown(number, last));
                }
                Some(number)
            }
        };
        let noting = Noting::start(journal.clone());
        Ok(Reader { client, told, noting })
    }

    /// Some of what is stored and was not printed, oldest first; all of it was, if none is left.
    pub async fn stored(&self) -> Result<Vec<Entry>, JournalError> {
        self.between(None).await
    }

    /// Some of what was stored before this alert and is to be printed before it; nothing is left once there is none.
    pub async fn before(&self, alert: AlertId) -> Result<Vec<Entry>, JournalError> {
        match self.told {
            Some(told) if told + 1 < alert.number() => self.between(Some(alert)).await,
            Some(_) | None => Ok(Vec::new()),
        }
    }

    /// Whether this alert was printed.
    pub fn has(&self, alert: AlertId) -> bool {
        self.told.is_some_and(|told| alert.number() <= told)
    }

    /// It was; that is [noted](Reader::noted) soon.
    pub fn printed(&mut self, alert: AlertId) {
        self.told = Some(alert.number());
        self.noting.printed.send_replace(Some(alert));
    }

    /// Waits until it is noted which alert was printed last, as far as the disk takes it; that survives the program.
    pub async fn noted(&mut self) {
        let printed = *self.noting.printed.borrow();
        // Who notes it goes on as long as this.
        let _ = self.noting.noted.wait_for(|noted| *noted == printed).await;
    }

    async fn between(&self, below: Option<AlertId>) -> Result<Vec<Entry>, JournalError> {
        match self.told {
            Some(told) => self.client.journal().alerts_after(told, below, AT_ONCE).await,
            None => Ok(Vec::new()),
        }
    }
}

fn unknown(number: i64, last: i64) -> Failure {
    let known = match last {
        0 => "none was stored here yet".to_owned(),
        last => format!("the last one stored has the number {last}"),
    };
    Failure::new(
        Exit::Usage,
        format!("There is no alert {number} here: {known}. Use --after 0 for all that is stored."),
    )
}
