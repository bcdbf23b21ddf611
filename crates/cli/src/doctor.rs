//! `doctor`: everything an alert passes on its way here, one finding after the other.

use std::sync::Arc;

use visionguard_client::dial::SystemDial;
use visionguard_client::doctor::{self, Check, Finding, Keeping, Patient, Running, Verdict};
use visionguard_client::{local, lock};

use crate::args::Doctor;
use crate::exit::{Exit, Failure};
use crate::out::{self, Closed};
use crate::place::Place;
use crate::sign_in::Secret;

/// Looks at everything and says what to do.
pub async fn run(options: &Doctor) -> Result<Exit, Failure> {
    let token = Secret::read_token(options.user_id.as_deref().filter(|_| options.token_stdin))?;
    let place = Place::find()?;
    let keychain = place.keychain();
    let (account, _) = place.account(Arc::clone(&keychain)).await?;
    let tls = place.tls()?;
    let running = running(&place).await;
    let chosen = options
        .server
        .clone()
        .or_else(|| std::env::var("VISIONGUARD_SERVER").ok().filter(|server| !server.is_empty()));
    let of_program = || running.standing().and_then(|standing| standing.server.clone());
    let server = chosen.or_else(of_program).or_else(|| place.server(None).ok());
    let at = server.clone().or_else(|| account.session().map(|session| session.server));
    let patient = Patient {
        idle_limit: doctor::idle_limit(&place.data_dir, running.standing(), at.as_deref()).await,
        account,
        server,
        keychain,
        dial: Arc::new(SystemDial::new(Arc::clone(&tls))),
        tls,
        token,
        running,
        keeping: Keeping {
            data_dir: place.found.clone(),
            complaints: place.complaints.clone(),
            trust: place.trust.clone(),
        },
    };

    let mut worst = Verdict::Good;
    let mut written: Result<(), Closed> = Ok(());
    doctor::examine(&patient, |finding| {
        if finding.verdict == Verdict::Bad {
            worst = Verdict::Bad;
        }
        if written.is_ok() {
            written = if options.json { out::json(&finding) } else { tell(&finding) };
        }
    })
    .await;
    let exit = if worst == Verdict::Bad { Exit::Wrong } else { Exit::Done };
    out::ended(written).map(|_| exit)
}

/// What the running program says of itself.
async fn running(place: &Place) -> Running {
    match local::standing(&place.data_dir).await {
        Ok(standing) => Running::Told(Box::new(standing)),
        Err(_) if lock::is_held(&place.data_dir) => Running::Silent,
        Err(_) => Running::Nobody,
    }
}

fn tell(finding: &Finding) -> Result<(), Closed> {
    let verdict = match finding.verdict {
        Verdict::Good => "good",
        Verdict::Warning => "mind",
        Verdict::Bad => "BAD",
    };
    out::line(&format!("{verdict:<6}{:<15}{}", name(finding.check), finding.found))?;
    match &finding.advice {
        Some(advice) => out::line(&format!("{:<21}{advice}", "")),
        None => Ok(()),
    }
}

fn name(check: Check) -> &'static str {
    match check {
        Check::Program => "Program",
        Check::Address => "Address",
        Check::Tls => "TLS",
        Check::SignIn => "Sign-in",
        Check::Socket => "Socket",
        Check::Registration => "Registration",
        Check::Data => "Data",
        Check::Settings => "Settings",
        Check::Certificates => "Certificates",
        Check::Keychain => "Keychain",
        Check::Notifications => "Notifications",
        Check::Tray => "Tray",
    }
}
