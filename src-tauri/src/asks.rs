//! What the page may ask for; each hands its question to the client and its answer back.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use visionguard_client::controller::Client;
use visionguard_client::keychain::{self, Keychain};
use visionguard_client::model::{Decision, Disposition};
use visionguard_client::view::{BringBack, FeedQuery, Problem, ReportQuery, SettingsView, SnoozeLength};
use visionguard_client::words;

use crate::autostart::{Asked, Autostart};
use crate::evidence;
use crate::sound::Sounds;
use crate::table;

/// A question of the page, as `ui/core.js` writes it.
#[derive(Debug, Deserialize)]
#[serde(tag = "command", content = "with", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub(crate) enum Ask {
    /// Everything that the page needs to start; it hears of changes from then on.
    Subscribe {},
    /// A page of the feed.
    Feed {
        query: FeedQuery,
    },
    /// One incident with its alerts.
    Incident {
        id: String,
    },
    SignIn {
        server: String,
        email: String,
        password: SecretString,
        keep_password: bool,
    },
    SignOut {
        erase: bool,
    },
    RetryNow {},
    /// Tests the alert path.
    Drill {},
    /// The ledger of a period.
    Report {
        query: ReportQuery,
    },
    /// Somebody came to the page; the answer is what happened since they last were there.
    Handover {},
    /// They are there still.
    Stays {},
    /// Saves the incidents of a period as a table; the answer is where.
    SaveTable {
        query: ReportQuery,
    },
    /// Records a decision about an incident.
    Decide {
        incident: String,
        decision: Decision,
        outcome: Option<Disposition>,
        note: Option<String>,
    },
    /// Decides on many incidents as one act; the answer is those that changed.
    DecideEach {
        incidents: Vec<String>,
        decision: Decision,
    },
    /// Writes about an incident, whatever was decided.
    Note {
        incident: String,
        note: Option<String>,
        outcome: Option<Disposition>,
    },
    /// An incident is looked at.
    Seen {
        incident: String,
    },
    /// This incident is open in a window in front, or none is. Told in its order before it is answered.
    Looks {
        incident: Option<String>,
    },
    /// Takes a decision back that was made a moment ago.
    Undo {
        incident: String,
    },
    /// The same for many that were decided on as one act; the answer is those that changed.
    UndoEach {
        incidents: Vec<String>,
    },
    /// The camera of this incident is not to interrupt for so long; what for, in the person's words.
    Snooze {
        incident: String,
        length: SnoozeLength,
        why: Option<String>,
    },
    /// A camera that is snoozed stays so for longer.
    ExtendSnooze {
        camera: String,
        minutes: u32,
    },
    EndSnooze {
        camera: String,
    },
    /// Saves an incident for others to verify; the answer is where.
    SaveEvidence {
        incident: String,
    },
    /// Takes one handled incident out of view.
    Dismiss {
        incident: String,
    },
    /// Takes the handled incidents out of view that a query lists.
    Clear {
        query: FeedQuery,
    },
    BringBack {
        what: BringBack,
    },
    /// A remark about what happened was read.
    CloseNotice {
        code: String,
    },
    ChangeSettings {
        settings: SettingsView,
    },
    /// Plays the sound of an alert as loud as that.
    TrySound {
        volume: u32,
    },
}

/// JSON: what was asked for, or the problem.
pub(crate) type Answer = Result<Vec<u8>, Vec<u8>>;

/// Who knows the answers.
#[derive(Debug, Clone)]
pub(crate) struct Answers {
    pub(crate) client: Client,
    data_dir: PathBuf,
    keychain: Arc<dyn Keychain>,
    autostart: Autostart,
    sounds: Arc<Sounds>,
}

impl Answers {
    pub(crate) fn new(client: Client, data_dir: PathBuf, autostart: Autostart, sounds: Arc<Sounds>) -> Self {
        Self { client, data_dir, keychain: keychain::choose(), autostart, sounds }
    }

    pub(crate) async fn answer(&self, ask: Ask) -> Answer {
        let client = &self.client;
        match ask {
            Ask::Subscribe {} => {
                client.window(true);
                self.autostart.look();
                written(Ok(client.snapshot().await))
            }
            Ask::Feed { query } => written(client.feed(query).await),
            Ask::Incident { id } => written(client.incident(&id).await),
            Ask::SignIn { server, email, password, keep_password } => {
                written(client.sign_in(&server, &email, password, keep_password).await)
            }
            Ask::SignOut { erase } => written(client.sign_out(erase).await),
            Ask::RetryNow {} => {
                client.retry_now();
                written(Ok(()))
            }
            Ask::Drill {} => written(client.drill().await),
            Ask::Report { query } => written(client.report(query).await),
            Ask::Handover {} => written(client.handover().await),
            Ask::Stays {} => {
                client.stays();
                written(Ok(()))
            }
            Ask::SaveTable { query } => written(table::save(client, query).await),
            Ask::Decide { incident, decision, outcome, note } => {
                written(client.decide_for_now(&incident, decision, outcome, note).await)
            }
            Ask::DecideEach { incidents, decision } => {
                written(client.decide_each_for_now(incidents, decision).await)
            }
            Ask::Note { incident, note, outcome } => written(client.note(&incident, note, outcome).await),
            Ask::Seen { incident } => {
                client.seen(&incident);
                written(Ok(()))
            }
            Ask::Looks { .. } => written(Ok(())),
            Ask::SaveEvidence { incident } => {
                written(evidence::save(client, self.keychain.as_ref(), &self.data_dir, &incident).await)
            }
            Ask::Dismiss { incident } => written(client.dismiss(&incident).await),
            Ask::Undo { incident } => written(client.undo(&incident).await),
            Ask::UndoEach { incidents } => written(client.undo_each(incidents).await),
            Ask::Snooze { incident, length, why } => written(client.snooze(&incident, length, why).await),
            Ask::ExtendSnooze { camera, minutes } => {
                written(client.extend_snooze(&camera, of_minutes(minutes)).await)
            }
            Ask::EndSnooze { camera } => written(client.end_snooze(&camera).await),
            Ask::Clear { query } => written(client.clear(query).await),
            Ask::BringBack { what } => written(client.bring_back(what).await),
            Ask::CloseNotice { code } => {
                client.close_notice(&code);
                written(Ok(()))
            }
            Ask::ChangeSettings { settings } => written(self.change_settings(settings).await),
            Ask::TrySound { volume } => written(self.sounds.try_out(volume).await),
        }
    }

    async fn change_settings(&self, settings: SettingsView) -> Result<SettingsView, Problem> {
        let before = self.client.snapshot().await.settings.start_at_sign_in;
        let settings = self.client.change_settings(settings).await?;
        self.sounds.set_volume(settings.sound_volume);
        if settings.start_at_sign_in != before {
            self.autostart.make(settings.start_at_sign_in, Asked::ByPerson);
        }
        Ok(self.client.snapshot().await.settings)
    }
}

fn of_minutes(minutes: u32) -> Duration {
    Duration::from_secs(u64::from(minutes) * 60)
}

/// A question that is none.
pub(crate) fn not_understood(error: &serde_json::Error) -> Answer {
    let sentence = words::text("problem.unknown_question", &[]);
    tracing::error!(%error, "the page asked for something unknown");
    written::<()>(Err(Problem { code: "unknown_question".to_owned(), sentence, field: None }))
}

fn written<T: Serialize>(answer: Result<T, Problem>) -> Answer {
    let json = match answer {
        Ok(answer) => serde_json::to_vec(&answer).map(Ok),
        Err(problem) => serde_json::to_vec(&problem).map(Err),
    };
    json.unwrap_or_else(|error| {
        tracing::error!(%error, "an answer cannot be written");
        Err(b"null".to_vec())
    })
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn the_page_s_words_are_understood() {
        let json = r#"{ "command": "sign_in", "with": { "server": "http://a", "email": "b", "password": "c",
            "keepPassword": true } }"#;

        let Ask::SignIn { server, email, password, keep_password } = serde_json::from_str(json).unwrap()
        else {
            panic!("it is a sign-in");
        };

        assert_eq!((server.as_str(), email.as_str(), password.expose_secret()), ("http://a", "b", "c"));
        assert!(keep_password);
    }

    #[test]
    fn questions_without_values_have_an_empty_set_of_them() {
        for command in ["subscribe", "retry_now", "drill"] {
            let json = format!(r#"{{ "command": "{command}", "with": {{}} }}"#);

            serde_json::from_str::<Ask>(&json).unwrap();
        }
    }

    #[test]
    fn the_page_is_permitted_every_question_and_no_other() {
        let between = |text: &str, quote: char| -> Vec<String> {
            text.split(quote).skip(1).step_by(2).map(str::to_owned).collect()
        };
        let error = serde_json::from_str::<Ask>(r#"{ "command": "format_disk", "with": {} }"#).unwrap_err();
        let (_, known) =
            error.to_string().split_once("expected").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
        let permitted = include_str!("../permissions/page.toml");
        let (_, permitted) = permitted.split_once("commands.allow").unwrap();

        assert_eq!(between(permitted, '"'), between(&known, '`'));
    }

    #[test]
    fn a_question_that_is_none_is_refused_in_words() {
        let error = serde_json::from_str::<Ask>(r#"{ "command": "format_disk", "with": {} }"#).unwrap_err();

        let refused = not_understood(&error).unwrap_err();

        let problem: Problem = serde_json::from_slice(&refused).unwrap();
        assert_eq!(problem.code, "unknown_question");
        assert!(!problem.sentence.is_empty());
    }
}
