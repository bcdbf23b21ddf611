//! The command line. What is written here is what `--help` says.

use std::path::PathBuf;

use clap::{Args as Options, Parser, Subcommand, ValueEnum};
use jiff::civil::Date;
use visionguard_client::evidence::PublicKey;
use visionguard_client::model::Disposition;
use visionguard_client::view::SnoozeLength;

const EXIT: &str = "\
Exit status:
  0  done
  1  failed for another reason, such as a full disk, VisionGuard does not answer (status), or some are not
     listed (alerts)
  2  the command was not understood
  3  nobody is signed in, or the sign-in was refused
  4  the server cannot be reached, VisionGuard is not running (status), or a decision is not sent yet
  5  another program uses the data directory
  6  something is wrong (doctor), alerts do not arrive (status, drill), one is missing or may be (report),
     a decision did not take effect as a whole, there is no such incident, or evidence is not as it was signed (verify)

Where things are kept:
  VISIONGUARD_DATA_DIR  the data directory; by default that of the desktop program
  VISIONGUARD_SERVER    the server's address, where --server is not given
  VISIONGUARD_KEYCHAIN  'memory' on a computer without a keychain; then every 'watch' signs in";

/// Keeps this computer connected to its VisionGuard server, without a window.
#[derive(Debug, Parser)]
#[command(name = "visionguard", version, after_help = EXIT, max_term_width = 100)]
pub struct Args {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Sign in and keep the sign-in in this computer's keychain
    Login(Login),
    /// Sign out: empty the keychain
    Logout(Logout),
    /// Say whether alerts reach this computer
    Status(Status),
    /// List the alerts stored on this computer, newest first
    Alerts(Alerts),
    /// Say what became of every alert of some days, and when none could have come
    Report(Report),
    /// Receive alerts until stopped, a line each
    Watch(Watch),
    /// Tell the server that an incident was seen
    Acknowledge(Decide),
    /// Tell the server that an incident is dealt with
    Resolve(Resolve),
    /// Tell the server that an incident was none
    FalseAlarm(FalseAlarm),
    /// Tell the server that what was decided about an incident holds no longer
    Reopen(Decide),
    /// Write about an incident into the server's record, whatever was decided
    Note(Note),
    /// Keep a camera from interrupting for a while, list those that are kept, or end it
    Snooze(Snooze),
    /// Send a test message to oneself, and say how far it came on the way that alerts take
    Drill(Drill),
    /// Look at everything an alert passes on its way here, and say what to do
    Doctor(Doctor),
    /// Save incidents with their pictures for others, such as the police, to verify
    Evidence(Evidence),
    /// Check saved evidence: that no file in it was changed, and whose it is
    Verify(Verify),
}

#[derive(Debug, Options)]
pub struct Login {
    #[command(flatten)]
    pub credentials: Credentials,
    /// Keep the password in the keychain too, to sign in again by itself when the server ends the sign-in
    #[arg(long, requires = "password_stdin")]
    pub keep_password: bool,
}

/// Who signs in, and where. The secret is read from standard input, never from the command line, where other
/// programs could read it.
#[derive(Debug, Clone, Options)]
pub struct Credentials {
    /// The server's address, such as https://alerts.example.com
    #[arg(long, value_name = "ADDRESS")]
    pub server: Option<String>,
    /// The account's e-mail address, as it was registered
    #[arg(long, value_name = "ADDRESS", requires = "password_stdin")]
    pub email: Option<String>,
    /// Read the password from the first line of standard input
    #[arg(long, requires = "email")]
    pub password_stdin: bool,
    /// Read an access token from the first line of standard input
    #[arg(long, requires = "user_id", conflicts_with = "password_stdin")]
    pub token_stdin: bool,
    /// Whose token it is
    #[arg(long, value_name = "ID", requires = "token_stdin")]
    pub user_id: Option<String>,
}

#[derive(Debug, Options)]
pub struct Logout {
    /// Delete the stored alerts and pictures too
    #[arg(long)]
    pub erase: bool,
}

#[derive(Debug, Options)]
pub struct Status {
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Options)]
pub struct Alerts {
    /// Print one JSON object an alert; without it, a line an incident
    #[arg(long)]
    pub json: bool,
    /// The most to list
    #[arg(long, value_name = "COUNT", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub limit: u32,
    /// Only what nobody has decided on
    #[arg(long)]
    pub unhandled: bool,
}

#[derive(Debug, Options)]
pub struct Report {
    /// The first day, such as 2026-11-15; without it, the sixth before the last
    #[arg(long, value_name = "DATE")]
    pub from: Option<Date>,
    /// The last day; without it, today
    #[arg(long, value_name = "DATE")]
    pub to: Option<Date>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
    /// Save the incidents of these days as a table (CSV) instead, into a new file
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    pub csv: Option<PathBuf>,
}

#[derive(Debug, Options)]
pub struct Watch {
    /// Print one JSON object a line
    #[arg(long)]
    pub json: bool,
    /// Print first what was stored after the alert with this number; 0 for all, 'stored' for what no 'watch' has printed yet
    #[arg(long, value_name = "ID", value_parser = after)]
    pub after: Option<After>,
    #[command(flatten)]
    pub credentials: Credentials,
}

/// From where on stored alerts are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After {
    /// The alert that was printed last here.
    Stored,
    /// The alert with this number; 0 for before the first.
    Number(i64),
}

fn after(text: &str) -> Result<After, String> {
    if text == "stored" {
        return Ok(After::Stored);
    }
    let is_plain = text == "0" || (!text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit()));
    match text.parse() {
        Ok(number) if is_plain => Ok(After::Number(number)),
        Ok(_) | Err(_) => {
            Err("this is no alert's number; give the 'id' of the last line you have, 0 or 'stored'"
                .to_owned())
        }
    }
}

#[derive(Debug, Options)]
pub struct Decide {
    /// The incident's number, as 'alerts' lists it
    pub incident: String,
    /// A remark for the server's record
    #[arg(long, value_name = "TEXT")]
    pub note: Option<String>,
    #[command(flatten)]
    pub credentials: Credentials,
}

#[derive(Debug, Options)]
#[command(group = clap::ArgGroup::new("what").required(true).args(["length", "list", "end"]))]
pub struct Snooze {
    /// The camera's name or id, or how one of these begins; without it, --end ends all
    #[arg(required_unless_present_any = ["list", "end"], conflicts_with = "list")]
    pub camera: Option<String>,
    /// For how long: '15m', '2h' (at most 12h), 'closing' or 'opening'
    #[arg(requires = "camera", value_parser = length)]
    pub length: Option<SnoozeLength>,
    /// What for, for others to read
    #[arg(long, value_name = "TEXT", requires = "length", conflicts_with_all = ["list", "end"])]
    pub why: Option<String>,
    /// Say which cameras are snoozed, until when, by whom and why
    #[arg(long)]
    pub list: bool,
    /// Let the camera interrupt again, or all
    #[arg(long)]
    pub end: bool,
    /// Print one JSON object a camera (with --list)
    #[arg(long, requires = "list", conflicts_with_all = ["camera", "end"])]
    pub json: bool,
}

fn length(text: &str) -> Result<SnoozeLength, String> {
    let minutes = |number: &str, each: u32| {
        let is_plain = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        let number: Option<u32> = number.parse().ok().filter(|_| is_plain);
        number.and_then(|number| number.checked_mul(each)).map(SnoozeLength::Minutes)
    };
    let length = match text {
        "opening" => Some(SnoozeLength::Opening),
        "closing" => Some(SnoozeLength::Closing),
        text => match (text.strip_suffix('m'), text.strip_suffix('h')) {
            (Some(number), _) => minutes(number, 1),
            (None, Some(number)) => minutes(number, 60),
            (None, None) => None,
        },
    };
    length.ok_or_else(|| "this is no length; give '15m', '2h', 'closing' or 'opening'".to_owned())
}

#[derive(Debug, Options)]
pub struct Resolve {
    #[command(flatten)]
    pub decide: Decide,
    /// What came of it
    #[arg(long, value_enum, value_name = "OUTCOME")]
    pub outcome: Option<Outcome>,
}

#[derive(Debug, Options)]
pub struct FalseAlarm {
    #[command(flatten)]
    pub decide: Decide,
    /// What it was
    #[arg(long, value_enum, value_name = "REASON")]
    pub reason: Option<Reason>,
}

/// What came of what was resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Outcome {
    /// The police were called
    Police,
    /// The goods were recovered
    Recovered,
    /// The person was sent away
    SentAway,
    /// The shop's own people saw to it
    Staff,
    /// Nothing was found
    Nothing,
}

/// Why there was a false alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Reason {
    /// Somebody who works there
    Staff,
    /// A customer with their own goods
    OwnGoods,
    /// The camera, or the light
    Camera,
    /// Nobody was there
    Nobody,
    /// Something else
    Other,
}

impl From<Outcome> for Disposition {
    fn from(outcome: Outcome) -> Disposition {
        match outcome {
            Outcome::Police => Disposition::PoliceCalled,
            Outcome::Recovered => Disposition::GoodsRecovered,
            Outcome::SentAway => Disposition::SentAway,
            Outcome::Staff => Disposition::StaffSawToIt,
            Outcome::Nothing => Disposition::NothingFound,
        }
    }
}

impl From<Reason> for Disposition {
    fn from(reason: Reason) -> Disposition {
        match reason {
            Reason::Staff => Disposition::StaffMember,
            Reason::OwnGoods => Disposition::OwnGoods,
            Reason::Camera => Disposition::CameraOrLight,
            Reason::Nobody => Disposition::NobodyThere,
            Reason::Other => Disposition::Other,
        }
    }
}

#[derive(Debug, Options)]
pub struct Note {
    /// The incident's number, as 'alerts' lists it
    pub incident: String,
    /// What is to stand in the server's record; it takes the place of what was written here before
    pub text: String,
    #[command(flatten)]
    pub credentials: Credentials,
}

#[derive(Debug, Options)]
pub struct Drill {
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub credentials: Credentials,
}

#[derive(Debug, Options)]
pub struct Doctor {
    /// Print one JSON object a finding
    #[arg(long)]
    pub json: bool,
    /// The server's address, such as https://alerts.example.com
    #[arg(long, value_name = "ADDRESS")]
    pub server: Option<String>,
    /// Read an access token from the first line of standard input, to be used in place of this computer's sign-in
    #[arg(long, requires = "user_id")]
    pub token_stdin: bool,
    /// Whose token it is
    #[arg(long, value_name = "ID", requires = "token_stdin")]
    pub user_id: Option<String>,
}

#[derive(Debug, Options)]
pub struct Evidence {
    /// The incidents' numbers, as 'alerts' lists them
    #[arg(value_name = "INCIDENT", required_unless_present = "show_key", requires = "out")]
    pub incidents: Vec<String>,
    /// The new file, a zip
    #[arg(long, value_name = "FILE", requires = "incidents")]
    pub out: Option<PathBuf>,
    /// What it is to be found by, such as the number of the report to the police
    #[arg(long, value_name = "TEXT", requires = "out")]
    pub reference: Option<String>,
    /// Show this computer's public key, for others to compare
    #[arg(long, conflicts_with = "incidents")]
    pub show_key: bool,
}

#[derive(Debug, Options)]
pub struct Verify {
    /// The zip, as it was handed over
    pub file: PathBuf,
    /// The public key that the shop's computer shows, 56 characters that begin with RW; the evidence must be signed with it
    #[arg(long, value_name = "KEY", value_parser = key)]
    pub key: Option<PublicKey>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

fn key(text: &str) -> Result<PublicKey, String> {
    PublicKey::parse(text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;
    use visionguard_client::model::Decision;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn a_password_needs_somebody_whose_it_is() {
        assert!(parse("login --password-stdin").is_err());
        assert!(parse("login --email a@example.com").is_err());
        assert!(parse("login --token-stdin").is_err());
        assert!(parse("login --email a@example.com --password-stdin --token-stdin --user-id 1").is_err());
        assert!(parse("login --email a@example.com --password-stdin").is_ok());
        assert!(parse("login --email a@example.com --password-stdin --keep-password").is_ok());
        assert!(parse("login --token-stdin --user-id 1 --keep-password").is_err());
        assert!(parse("watch --json --token-stdin --user-id 1 --server http://127.0.0.1:8000").is_ok());
    }

    #[test]
    fn the_doctor_offers_what_it_takes_and_nothing_else() {
        let mut args = Args::command();
        let doctor = args.find_subcommand_mut("doctor").expect("the command");
        let help = doctor.render_long_help().to_string();

        assert!(help.contains("--token-stdin") && help.contains("--user-id"), "{help}");
        assert!(!help.contains("--email") && !help.contains("--password-stdin"), "{help}");
        assert!(parse("doctor --token-stdin").is_err());
        assert!(parse("doctor --server http://127.0.0.1:8000 --token-stdin --user-id 1").is_ok());
    }

    #[test]
    fn evidence_needs_incidents_and_a_file_or_shows_the_key() {
        assert!(parse("evidence 1 2 --out a.zip --reference 4711").is_ok());
        assert!(parse("evidence --show-key").is_ok());
        for line in ["evidence", "evidence 1", "evidence --out a.zip", "evidence 1 --out a.zip --show-key"] {
            assert!(parse(line).is_err(), "{line}");
        }
        assert!(parse("verify a.zip --key nonsense").is_err());
    }

    #[test]
    fn an_outcome_is_one_of_the_decision_that_it_is_given_with() {
        assert!(parse("resolve 1 --outcome sent-away --note gone").is_ok());
        assert!(parse("false-alarm 1 --reason own-goods").is_ok());
        for line in [
            "resolve 1 --outcome camera",
            "resolve 1 --reason staff",
            "acknowledge 1 --outcome police",
            "note 1",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
        let wrong =
            [Outcome::Police, Outcome::Recovered, Outcome::SentAway, Outcome::Staff, Outcome::Nothing]
                .into_iter()
                .filter(|outcome| Disposition::from(*outcome).of() != Decision::Resolved);
        assert_eq!(wrong.count(), 0);
        let reasons = [Reason::Staff, Reason::OwnGoods, Reason::Camera, Reason::Nobody, Reason::Other];
        assert!(reasons.into_iter().all(|reason| Disposition::from(reason).of() == Decision::FalseAlarm));
    }

    #[test]
    fn a_snooze_has_a_camera_and_a_length_or_is_listed_or_ended() {
        for line in [
            "snooze till 15m",
            "snooze till 2h --why cleaning",
            "snooze till closing",
            "snooze --list --json",
            "snooze --end",
            "snooze till --end",
        ] {
            assert!(parse(line).is_ok(), "{line}");
        }
        for line in [
            "snooze",
            "snooze till",
            "snooze till 15",
            "snooze till h",
            "snooze till -1m",
            "snooze till 15m --end",
            "snooze till --list",
            "snooze --end --list",
            "snooze --list --why cleaning",
            "snooze till --json --end",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }

    #[test]
    fn no_secret_can_be_given_on_the_command_line() {
        for secret in ["--password hunter2", "--token abc"] {
            assert!(parse(&format!("login --email a@example.com {secret}")).is_err());
        }
    }

    #[test]
    fn the_help_names_every_exit_status() {
        let help = Args::command().render_long_help().to_string();

        for status in 0..=6 {
            assert!(help.contains(&format!("\n  {status}  ")), "{status}");
        }
    }

    fn parse(line: &str) -> Result<Args, clap::Error> {
        Args::try_parse_from(["visionguard"].into_iter().chain(line.split(' ')))
    }
}
