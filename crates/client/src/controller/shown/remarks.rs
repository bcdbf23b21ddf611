//! What was found at the start and is to be said on the page: a data directory that cannot be used, settings that cannot be
//! read, certificates that are not there.

use crate::account::Remembered;
use crate::controller::Controller;
use crate::installation::DataDir;
use crate::settings::Complaint;
use crate::tls::Trust;
use crate::words::text;

/// What a start has to say.
#[derive(Debug, Default)]
pub struct Remarks {
    /// The data directory, as it was found.
    pub data_dir: Option<DataDir>,
    /// Settings that could not be used.
    pub complaints: Vec<Complaint>,
    /// Whose file of certificates may be of no use, now or later.
    pub trust: Option<Trust>,
    /// Why no log is written, if so.
    pub no_log: Option<String>,
}

/// No sentence grows longer for one of its words.
const LONGEST: usize = 200;

impl Controller {
    pub(crate) fn say_remarks(&mut self, remarks: &Remarks) {
        if let Some(DataDir { path, trouble: Some(trouble) }) = &remarks.data_dir {
            let values = [("path", &*path.display().to_string()), ("why", &*trouble.to_string())];
            self.shown.say("data_dir", text("notice.data_dir", &values));
        }
        if let Some(why) = &remarks.no_log {
            self.shown.say("no_log", text("notice.no_log", &[("why", why)]));
        }
        self.say_complaints(&remarks.complaints);
    }

    /// Settings that cannot be used as they stand there, by line and key.
    pub(crate) fn say_complaints(&mut self, complaints: &[Complaint]) {
        let Some(first) = complaints.first() else { return self.shown.withdraw("settings_bad") };
        let line = first.line.map(|line| format!("line {line}, ")).unwrap_or_default();
        let what: String = format!("{line}{} {}", first.key, first.what).chars().take(LONGEST).collect();
        let values = [("path", &*first.place), ("first", &*what), ("n", &*complaints.len().to_string())];
        let sentence = match complaints.len() {
            1 => text("notice.settings_bad_one", &values),
            _ => text("notice.settings_bad", &values),
        };
        self.shown.say("settings_bad", sentence);
    }

    /// What may have changed since it was last said.
    pub(super) fn say_again(&mut self) {
        if let Some(trust) = &self.trust {
            match trust.trouble() {
                Some(sentence) => self.shown.say("extra_ca_file", sentence),
                None => self.shown.withdraw("extra_ca_file"),
            }
        }
        let is_forgotten =
            self.account.remembered() == Remembered::Nowhere && self.account.session().is_some();
        if is_forgotten {
            let path = self.data_dir.display().to_string();
            self.shown.say("session_unwritable", text("notice.session_unwritable", &[("path", &path)]));
        } else {
            self.shown.withdraw("session_unwritable");
        }
    }
}
