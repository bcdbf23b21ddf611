//! What stands in the way to the server and says so, in words: for the status, for a sign-in and for the doctor. One row for
//! each, so that a proxy is named alike wherever a person reads of it.

use visionguard_proto::Cause;

use crate::words::text;

/// What is said of one obstacle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Words {
    /// Stable code of the reason.
    reason: &'static str,
    /// While it lasts, and is tried again.
    status: &'static str,
    /// To somebody who signs in.
    problem: &'static str,
    /// Half a sentence.
    why: &'static str,
}

/// None for what is no obstacle of this kind.
fn words(cause: Cause) -> Option<Words> {
    let words = |reason, status, problem, why| Some(Words { reason, status, problem, why });
    match cause {
        Cause::TlsWanted => {
            words("tls_wanted", "status.tls_wanted", "problem.tls_wanted", "doctor.why_tls_wanted")
        }
        Cause::NoTls => words("no_tls", "status.no_tls", "problem.no_tls", "doctor.why_no_tls"),
        Cause::CertificateWanted => words(
            "certificate_wanted",
            "status.certificate_wanted",
            "problem.certificate_wanted",
            "doctor.why_certificate_wanted",
        ),
        Cause::PasswordWanted => words(
            "password_wanted",
            "status.password_wanted",
            "problem.password_wanted",
            "doctor.why_password_wanted",
        ),
        Cause::TurnedAway(_) => {
            words("turned_away", "status.turned_away", "problem.turned_away", "doctor.why_turned_away")
        }
        Cause::TooLong => words("too_long", "status.too_long", "problem.too_long", "doctor.why_too_long"),
        Cause::Unanswered => {
            words("unanswered", "status.unanswered", "problem.unanswered", "doctor.why_unanswered")
        }
        Cause::Gateway { .. } => words("gateway", "status.gateway", "problem.gateway", "doctor.why_gateway"),
        Cause::ProxyUnreachable(_) => words(
            "proxy_unreachable",
            "status.proxy_unreachable",
            "problem.proxy_unreachable",
            "doctor.why_proxy_unreachable",
        ),
        Cause::ProxyRefused { status: Some(407), .. } => words(
            "proxy_password",
            "status.proxy_password",
            "problem.proxy_password",
            "doctor.why_proxy_password",
        ),
        Cause::ProxyRefused { status: Some(500..=510 | 512..=599), .. } => {
            words("proxy_failed", "status.proxy_failed", "problem.proxy_failed", "doctor.why_proxy_failed")
        }
        Cause::ProxyRefused { status: Some(_), .. } => words(
            "proxy_refused",
            "status.proxy_refused",
            "problem.proxy_refused",
            "doctor.why_proxy_refused",
        ),
        Cause::ProxyRefused { status: None, .. } => {
            words("proxy_silent", "status.proxy_silent", "problem.proxy_silent", "doctor.why_proxy_silent")
        }
        Cause::Silent
        | Cause::TimedOut
        | Cause::Refused
        | Cause::NameUnknown
        | Cause::NoRoute
        | Cause::Lost
        | Cause::Stalled
        | Cause::Garbled
        | Cause::TooLarge
        | Cause::Closed(_)
        | Cause::Http { .. }
        | Cause::Intercepted
        | Cause::Tls
        | Cause::TokenRejected
        | Cause::AddressRejected
        | Cause::Behind
        | Cause::Downgraded
        | Cause::Asked => None,
    }
}

/// The reason and the key of its sentence, for the status.
pub(crate) fn status(cause: Cause) -> Option<(&'static str, &'static str)> {
    words(cause).map(|words| (words.reason, words.status))
}

/// What to say to somebody who signs in.
pub(crate) fn problem(cause: Cause) -> Option<String> {
    words(cause).map(|words| said(words.problem, cause))
}

/// Half a sentence for the doctor.
pub(crate) fn why(cause: Cause) -> Option<String> {
    words(cause).map(|words| said(words.why, cause))
}

/// A sentence with what the cause knows: where the proxy is, what was answered.
pub(crate) fn said(key: &str, cause: Cause) -> String {
    let mut proxy = None;
    let mut status = None;
    if let Cause::ProxyUnreachable(of) | Cause::ProxyRefused { proxy: of, .. } = cause {
        proxy = Some(of);
    }
    if let Cause::ProxyRefused { status: said, .. } = cause {
        status = said;
    }
    if let Cause::Gateway { status: said, .. } | Cause::TurnedAway(said) | Cause::Http { status: said, .. } =
        cause
    {
        status = Some(said);
    }
    let status = status.map(|status| status.to_string()).unwrap_or_default();
    text(key, &[("proxy", proxy.as_ref().map_or("", |proxy| proxy.as_str())), ("status", &status)])
}

#[cfg(test)]
mod tests {
    use visionguard_proto::Place;

    use super::*;

    #[test]
    fn every_obstacle_has_a_sentence_of_its_own_everywhere() {
        let all = obstacles();
        let mut seen = std::collections::BTreeSet::new();
        for cause in &all {
            let words = words(*cause).unwrap();
            for sentence in [said(words.status, *cause), problem(*cause).unwrap(), why(*cause).unwrap()] {
                assert!(!sentence.contains(['{', '}']) && sentence.contains(' '), "{cause:?}: {sentence}");
                assert!(seen.insert(sentence.clone()), "said twice: {sentence}");
            }
        }
    }

    #[test]
    fn case_34_this_computer_s_proxy_is_named_with_its_address_and_answer() {
        let proxy = Place::new("till:secret@proxy.shop.example:3128");
        for status in [403, 407, 503] {
            let cause = Cause::ProxyRefused { proxy, status: Some(status) };
            for sentence in [problem(cause).unwrap(), why(cause).unwrap()] {
                assert!(sentence.contains("proxy.shop.example:3128") && !sentence.contains("secret"));
                assert!(sentence.contains(&status.to_string()), "{sentence}");
            }
        }
        assert!(problem(Cause::ProxyUnreachable(proxy)).unwrap().contains("proxy.shop.example:3128"));
    }

    fn obstacles() -> Vec<Cause> {
        let proxy = Place::new("proxy.shop.example:3128");
        let refused = |status| Cause::ProxyRefused { proxy, status };
        vec![
            Cause::TlsWanted,
            Cause::NoTls,
            Cause::CertificateWanted,
            Cause::PasswordWanted,
            Cause::TurnedAway(403),
            Cause::TooLong,
            Cause::Unanswered,
            Cause::Gateway { status: 502, retry_after: None },
            Cause::ProxyUnreachable(proxy),
            refused(Some(407)),
            refused(Some(503)),
            refused(Some(403)),
            refused(None),
        ]
    }
}
