//! `visionguard`: the client without a window.
//!
//! A thin user of `visionguard-client`: signs in and out, watches for alerts as lines of text or JSON, lists the
//! journal, decides on incidents, and finds out what is wrong. Ends with a status that says what came of it.

mod alerts;
mod args;
mod decide;
mod doctor;
mod drill;
mod evidence;
mod exit;
mod lines;
mod note;
mod out;
mod place;
mod reader;
mod report;
mod sign_in;
mod snooze;
mod status;
mod stored;
mod verify;
mod watch;

use std::process::ExitCode;

use clap::Parser;
use visionguard_client::model::Decision;

use args::{Args, Command};
use exit::{Exit, Failure};

fn main() -> ExitCode {
    if let Some(code) = visionguard_client::serve_pictures_if_asked() {
        return code;
    }
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            // Help and version are no failure.
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage.into() } else { Exit::Done.into() };
        }
    };
    match run(args) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            out::complain(&failure.sentence);
            failure.exit.into()
        }
    }
}

fn run(args: Args) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let exit = runtime.block_on(async {
        match args.command {
            Command::Login(options) => sign_in::login(&options).await,
            Command::Logout(options) => sign_in::logout(&options).await,
            Command::Status(options) => status::run(&options).await,
            Command::Alerts(options) => alerts::run(&options).await,
            Command::Report(options) => report::run(&options).await,
            Command::Watch(options) => watch::run(options).await,
            Command::Acknowledge(options) => decide::run(&options, Decision::Acknowledged, None).await,
            Command::Resolve(options) => {
                decide::run(&options.decide, Decision::Resolved, options.outcome.map(Into::into)).await
            }
            Command::FalseAlarm(options) => {
                decide::run(&options.decide, Decision::FalseAlarm, options.reason.map(Into::into)).await
            }
            Command::Reopen(options) => decide::run(&options, Decision::Reopened, None).await,
            Command::Note(options) => note::run(&options).await,
            Command::Snooze(options) => snooze::run(&options).await,
            Command::Drill(options) => drill::run(&options).await,
            Command::Doctor(options) => doctor::run(&options).await,
            Command::Evidence(options) => evidence::run(&options).await,
            Command::Verify(options) => verify::run(&options),
        }
    });
    // A read of standard input that nobody waits for must not hold the end up.
    runtime.shutdown_background();
    exit
}
