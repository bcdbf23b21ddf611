//! The way to the server: address, TLS, sign-in, socket, registration. What depends on something that is bad is not
//! looked at, and says so.

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use tokio::time::{sleep, timeout};
use visionguard_proto::{Cause, Endpoint, UserId};

use super::{Check, Finding, Patient, Running, Verdict, program};
use crate::api::{Api, ApiError, Http, Registration, User};
use crate::clock::SystemClock;
use crate::connection::{Protocol, Target, Trial, ask_protocol};
use crate::obstacle;
use crate::words::text;

const REACH_WITHIN: Duration = Duration::from_secs(15);

/// How often, and how many times, the server is asked whether it has noticed the new socket.
const LOOK_EVERY: Duration = Duration::from_millis(500);
const LOOKS: u32 = 6;

/// What is pointless without an address.
const AFTER_ADDRESS: [Check; 4] = [Check::Tls, Check::SignIn, Check::Socket, Check::Registration];

type Tell<'a> = &'a mut (dyn FnMut(Finding) + Send);

pub(super) async fn examine(patient: &Patient, tell: Tell<'_>) {
    let tell: Tell<'_> = &mut |finding: Finding| match finding.check == Check::Socket {
        true => tell(with_limit(patient, finding)),
        false => tell(finding),
    };
    let Some(endpoint) = reach(patient, tell).await else { return };
    let Some((api, target)) = sign_in(patient, endpoint, tell).await else {
        return skip(&[Check::Socket, Check::Registration], tell);
    };
    socket(patient, &api, target, tell).await;
}

/// The address, and the safety of the way there; none if the rest makes no sense.
async fn reach(patient: &Patient, tell: Tell<'_>) -> Option<Endpoint> {
    let endpoint = match address(patient) {
        Ok(endpoint) => endpoint,
        Err(finding) => {
            tell(finding);
            skip(&AFTER_ADDRESS, tell);
            return None;
        }
    };
    let server = endpoint.to_string();
    let good = || Finding::good(Check::Address, text("doctor.address_good", &[("server", &server)]));
    match reached(patient, &endpoint).await {
        Ok(()) => tell(good()),
        Err(Cause::Tls) => {
            tell(good());
            tell(Finding::bad(Check::Tls, text("doctor.tls_bad", &[]), text("doctor.tls_advice", &[])));
            skip(&AFTER_ADDRESS[1..], tell);
            return None;
        }
        Err(cause) => {
            let found = text("doctor.address_unreachable", &[("server", &server), ("why", &why(cause))]);
            let advice = obstacle::problem(cause).unwrap_or_else(|| text("doctor.address_advice", &[]));
            tell(Finding::bad(Check::Address, found, advice));
            skip(&AFTER_ADDRESS, tell);
            return None;
        }
    }
    tell(safety(&endpoint));
    Some(endpoint)
}

/// The way there, and who answers at its end: an open port may be that of a proxy whose server is down.
async fn reached(patient: &Patient, endpoint: &Endpoint) -> Result<(), Cause> {
    let dialled = timeout(REACH_WITHIN, patient.dial.dial(endpoint.base())).await;
    dialled.unwrap_or(Err(Cause::TimedOut)).map(drop)?;

    let Ok(http) = Http::new(&patient.tls) else { return Ok(()) };
    match Api::new(&http, endpoint.clone()).health().await {
        Err(ApiError::Intercepted { .. }) => Err(Cause::Intercepted),
        Err(error @ ApiError::Unreachable(cause)) if error.is_of_the_way() => Err(cause),
        // Whether it is well is told by what comes next.
        Ok(_) | Err(_) => Ok(()),
    }
}

fn safety(endpoint: &Endpoint) -> Finding {
    if endpoint.base().scheme() == "https" {
        return Finding::good(Check::Tls, text("doctor.tls_good", &[]));
    }
    if endpoint.is_private() {
        return Finding::good(Check::Tls, text("doctor.tls_local", &[]));
    }
    Finding::warning(Check::Tls, text("doctor.tls_none", &[]), text("doctor.tls_none_advice", &[]))
}

fn address(patient: &Patient) -> Result<Endpoint, Finding> {
    let signed_in = patient.account.target().map(|target| target.endpoint);
    let Some(server) = &patient.server else {
        return signed_in.ok_or_else(|| {
            Finding::bad(
                Check::Address,
                text("doctor.address_none", &[]),
                text("doctor.address_none_advice", &[]),
            )
        });
    };
    Endpoint::parse(server).map_err(|_| {
        let found = text("doctor.address_unreadable", &[("server", server)]);
        Finding::bad(Check::Address, found, text("problem.address_unreadable", &[]))
    })
}

/// The token and whose it is.
async fn sign_in(patient: &Patient, endpoint: Endpoint, tell: Tell<'_>) -> Option<(Api, Target)> {
    let Some((user, token)) = credentials(patient, &endpoint) else {
        tell(held_by_the_program(patient, &endpoint).unwrap_or_else(|| {
            Finding::bad(Check::SignIn, text("doctor.nobody", &[]), text("doctor.nobody_advice", &[]))
        }));
        return None;
    };
    let Ok(http) = Http::new(&patient.tls) else {
        tell(Finding::bad(Check::SignIn, text("doctor.no_http", &[]), text("doctor.tls_advice", &[])));
        return None;
    };
    let api = Api::new(&http, endpoint.clone()).with_token(token.clone());
    let finding = whose(api.me().await, &user);
    let is_good = finding.verdict == Verdict::Good;
    tell(finding);
    // What the account's own server spoke before, and no other's.
    let spoke_two =
        patient.account.target().is_some_and(|target| target.endpoint == endpoint && target.spoke_two);
    is_good.then(|| (api, Target { endpoint, user, token, spoke_two }))
}

/// The account's token goes to the account's own server and nowhere else, whatever address was given.
fn credentials(patient: &Patient, endpoint: &Endpoint) -> Option<(UserId, SecretString)> {
    if let Some((user, token)) = &patient.token {
        return Some((UserId::new(user).ok()?, token.clone()));
    }
    let target = patient.account.target().filter(|target| target.endpoint == *endpoint)?;
    Some((target.user, target.token))
}

/// The running program is signed in there with what no keychain has.
fn held_by_the_program(patient: &Patient, endpoint: &Endpoint) -> Option<Finding> {
    let Running::Told(standing) = &patient.running else { return None };
    let server = Endpoint::parse(standing.server.as_deref()?).ok()?;
    let email = standing.email.as_deref().or(standing.user_id.as_deref())?;
    let found = text("doctor.signed_in_there", &[("email", email)]);
    let advice = text("doctor.signed_in_there_advice", &[]);
    (server == *endpoint).then(|| Finding::warning(Check::SignIn, found, advice))
}

fn whose(me: Result<User, ApiError>, user: &UserId) -> Finding {
    let bad = |found: String, advice: String| Finding::bad(Check::SignIn, found, advice);
    match me {
        Ok(me) if me.id == *user => {
            Finding::good(Check::SignIn, text("doctor.signed_in", &[("email", &me.email)]))
        }
        Ok(_) => bad(text("doctor.other_user", &[]), text("doctor.nobody_advice", &[])),
        Err(error) if error.is_unauthorized() => {
            bad(text("doctor.token_dead", &[]), text("doctor.nobody_advice", &[]))
        }
        Err(error) => bad(text("doctor.me_failed", &[]), error.problem().sentence),
    }
}

async fn socket(patient: &Patient, api: &Api, target: Target, tell: Tell<'_>) {
    if let Registration::Registered { uptime, .. } = api.registration(&target.user).await {
        let seconds = uptime.as_secs().to_string();
        tell(listed(ask_protocol(&*patient.dial, &SystemClock, &target).await));
        tell(listed_for(patient, &target.user, &seconds));
        return;
    }

    let trial = match Trial::open(Arc::clone(&patient.dial), &SystemClock, &target).await {
        Ok(trial) => trial,
        Err(cause) => {
            let found = text("doctor.socket_bad", &[("why", &why(cause))]);
            tell(Finding::bad(Check::Socket, found, text("doctor.socket_advice", &[])));
            return skip(&[Check::Registration], tell);
        }
    };
    tell(Finding::good(Check::Socket, text(spoken(trial.protocol), &[])));
    tell(registration(api, &target.user).await);
    trial.close().await;
}

/// A connection is listed. Whose it is, only the running program can tell.
fn listed_for(patient: &Patient, user: &UserId, seconds: &str) -> Finding {
    let found = text("doctor.registered", &[("seconds", seconds)]);
    match &patient.running {
        Running::Told(standing) if standing.user_id.as_deref() == Some(user.as_str()) => {
            match program::word(standing) {
                (Verdict::Good, _) => Finding::good(Check::Registration, found),
                (verdict, said) => Finding {
                    check: Check::Registration,
                    verdict,
                    found: text("doctor.registered_not_its_own", &[("seconds", seconds)]),
                    advice: Some(said),
                },
            }
        }
        Running::Nobody | Running::Silent | Running::Told(_) => {
            let advice = text("doctor.registered_whose_advice", &[]);
            Finding::warning(
                Check::Registration,
                text("doctor.registered_whose", &[("seconds", seconds)]),
                advice,
            )
        }
    }
}

/// A socket may be cut when nothing is said on it, which the running program knows, whatever can be seen from here.
fn with_limit(patient: &Patient, finding: Finding) -> Finding {
    let Some(limit) = patient.idle_limit else { return finding };
    let seconds = limit.as_secs().to_string();
    let found = text("doctor.socket_cut", &[("socket", &finding.found), ("seconds", &seconds)]);
    let verdict = if finding.verdict == Verdict::Bad { Verdict::Bad } else { Verdict::Warning };
    let advice = finding.advice.unwrap_or_else(|| text("doctor.socket_cut_advice", &[]));
    Finding { check: Check::Socket, verdict, found, advice: Some(advice) }
}

/// Another program's socket is open already; what it speaks is what the server offers.
fn listed(offered: Result<Protocol, Cause>) -> Finding {
    match offered {
        Ok(Protocol::Two { .. }) => Finding::good(Check::Socket, text("doctor.socket_listed_two", &[])),
        Ok(Protocol::One) => Finding::good(Check::Socket, text("doctor.socket_listed", &[])),
        Err(cause) => {
            let found = text("doctor.socket_untold", &[("why", &why(cause))]);
            Finding::warning(Check::Socket, found, text("doctor.socket_advice", &[]))
        }
    }
}

fn spoken(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::One => "doctor.socket_good",
        Protocol::Two { .. } => "doctor.socket_good_two",
    }
}

async fn registration(api: &Api, user: &UserId) -> Finding {
    let mut last = Registration::Unknown;
    for _ in 0..LOOKS {
        last = api.registration(user).await;
        if let Registration::Registered { .. } = last {
            return Finding::good(Check::Registration, text("doctor.registered_now", &[]));
        }
        sleep(LOOK_EVERY).await;
    }
    match last {
        Registration::Unknown => Finding::warning(
            Check::Registration,
            text("doctor.registration_unknown", &[]),
            text("doctor.registration_unknown_advice", &[]),
        ),
        Registration::NotRegistered | Registration::Registered { .. } => Finding::bad(
            Check::Registration,
            text("doctor.not_registered", &[]),
            text("doctor.not_registered_advice", &[]),
        ),
    }
}

fn skip(checks: &[Check], tell: Tell<'_>) {
    for check in checks {
        let found = text("doctor.skipped", &[]);
        tell(Finding { check: *check, verdict: Verdict::Warning, found, advice: None });
    }
}

/// Half a sentence.
fn why(cause: Cause) -> String {
    if let Some(why) = obstacle::why(cause) {
        return why;
    }
    match cause {
        Cause::Refused => text("doctor.why_refused", &[]),
        Cause::NameUnknown => text("doctor.why_name", &[]),
        Cause::NoRoute => text("doctor.why_route", &[]),
        Cause::TimedOut | Cause::Silent | Cause::Stalled => text("doctor.why_silent", &[]),
        // Those that have words of their own.
        Cause::TlsWanted
        | Cause::NoTls
        | Cause::CertificateWanted
        | Cause::PasswordWanted
        | Cause::TurnedAway(_)
        | Cause::TooLong
        | Cause::Unanswered
        | Cause::Gateway { .. }
        | Cause::ProxyUnreachable(_)
        | Cause::ProxyRefused { .. }
        | Cause::Intercepted => text("doctor.why_intercepted", &[]),
        Cause::Tls => text("doctor.why_tls", &[]),
        Cause::Http { status, .. } => text("doctor.why_status", &[("status", &status.to_string())]),
        Cause::Closed(code) => text("doctor.why_closed", &[("code", &code.to_string())]),
        Cause::TokenRejected | Cause::AddressRejected => text("doctor.why_status", &[("status", "403")]),
        Cause::Lost | Cause::Asked | Cause::Behind => text("doctor.why_lost", &[]),
        Cause::Downgraded => text("doctor.why_downgraded", &[]),
        Cause::Garbled | Cause::TooLarge => text("doctor.why_garbled", &[]),
    }
}
