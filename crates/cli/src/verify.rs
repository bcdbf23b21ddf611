//! `verify`: whether saved evidence is as it was signed. Needs no data directory and no network.

use serde::Serialize;
use visionguard_client::evidence::{self, Report, Signature, VerifyError};

use crate::args::Verify;
use crate::exit::{Exit, Failure};
use crate::out;

/// Says what is not as it was; the exit status says whether anything is.
pub fn run(options: &Verify) -> Result<Exit, Failure> {
    let report = evidence::verify(&options.file, options.key.as_ref()).map_err(failure)?;
    let told = Told { intact: report.is_intact(), report: &report };
    let written = match options.json {
        true => out::json(&told),
        false => lines(&report).iter().try_for_each(|line| out::line(line)),
    };
    let exit = out::ended(written)?;
    Ok(if exit == Exit::Done && !told.intact { Exit::Wrong } else { exit })
}

#[derive(Debug, Serialize)]
struct Told<'a> {
    intact: bool,
    #[serde(flatten)]
    report: &'a Report,
}

fn failure(error: VerifyError) -> Failure {
    match error {
        VerifyError::Read(cause) => Failure::new(Exit::Failed, format!("Cannot read the file: {cause}.")),
        VerifyError::NotZip(_)
        | VerifyError::NotEvidence
        | VerifyError::Inconsistent(_)
        | VerifyError::Twice(_)
        | VerifyError::UnsafeName(_)
        | VerifyError::TooMany
        | VerifyError::TooLarge(_) => Failure::new(Exit::Wrong, format!("Not to be trusted: {error}.")),
    }
}

/// What is said to a person: the verdict, then each file that is not as it was, then whose it is.
fn lines(report: &Report) -> Vec<String> {
    let mut lines = Vec::new();
    lines.push(match report.is_intact() {
        true => format!("Nothing was changed: all {} files are as they were signed.", report.files.len()),
        false => "This is not as it was signed.".to_owned(),
    });
    lines.extend(report.faults().map(|file| format!("  {}: {}", file.name, file.state)));
    match &report.signature {
        Signature::Good { key, trusted_comment, expected } => {
            lines.push(format!("Signature: good; {trusted_comment}"));
            lines.push(format!("Key:       {key} (id {})", key.id()));
            lines.push(match expected {
                Some(_) => "It is the key that was given.".to_owned(),
                None => "Compare the key with the one that the shop's computer shows, asked for on another way, or give that with --key."
                    .to_owned(),
            });
        }
        Signature::Wrong => lines.push("Signature: wrong; it is not of this SHA256SUMS".to_owned()),
        Signature::OtherKey { id } => lines.push(format!("Signature: of another key, whose id is {id}")),
        Signature::Missing => lines.push("Signature: missing".to_owned()),
        Signature::Unreadable => lines.push("Signature: not one of minisign".to_owned()),
        Signature::NoKey => {
            lines.push("Signature: not checked, for there is no key; give it with --key".to_owned())
        }
        Signature::NothingSigned => {
            lines.push("Signature: there is no SHA256SUMS that it could be of".to_owned())
        }
    }
    lines
}
