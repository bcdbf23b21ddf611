//! Why a request was not answered as hoped, and the questions that callers ask about it.

use std::time::Duration;

use visionguard_proto::Cause;

use crate::obstacle;
use crate::view::Problem;
use crate::words::text;

/// Why a request was not answered as hoped. Holds no URL, no body and no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApiError {
    /// The server could not be reached, the connection failed, or something on the way said what it wants; never
    /// [`Cause::Http`].
    #[error("the server cannot be reached: {0:?}")]
    Unreachable(Cause),
    /// Something between us and the server answered: a captive portal, a proxy.
    #[error("something other than the server answered (status {status})")]
    Intercepted {
        /// The HTTP status.
        status: u16,
    },
    /// An HTTP status that is no success.
    #[error("the server answered {status}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// Its `detail` or `message`, hostile text, at most 200 characters; never of a 422.
        said: Option<String>,
        /// Its `Retry-After`, at most 10 minutes.
        retry_after: Option<Duration>,
        /// The body is JSON with a `detail` or a `message`, as every refusal of the server is.
        is_ours: bool,
    },
    /// A success whose body is not what was asked for.
    #[error("the server's answer is not understood: {0}")]
    Garbled(&'static str),
    /// A body over the limit.
    #[error("the server's answer is too large")]
    TooLarge,
    /// The request cannot be made: a path outside the server's address, a client that cannot be built.
    #[error("the request is not possible: {0}")]
    Impossible(&'static str),
}

impl ApiError {
    /// The token is not accepted. A 403 is not among them: the original answers so to what is forbidden, too.
    pub fn is_unauthorized(&self) -> bool {
        matches!(self, ApiError::Refused { status: 401, .. })
    }

    /// There is no such thing, or no such route: the original answers both alike.
    pub fn is_not_found(&self) -> bool {
        matches!(self, ApiError::Refused { status: 404, .. })
    }

    /// Whether the same request may succeed later without anybody doing something about it.
    pub fn can_retry(&self) -> bool {
        match self {
            ApiError::Unreachable(_) | ApiError::Intercepted { .. } => true,
            ApiError::Refused { status, .. } => matches!(status, 408 | 425 | 429 | 500..=599),
            ApiError::Garbled(_) | ApiError::TooLarge | ApiError::Impossible(_) => false,
        }
    }

    /// Whether a page of the record may have been refused for one row that is on it: the original cannot send a number that
    /// JSON does not have, and a row may be too large or not make sense.
    pub fn may_be_of_one_row(&self) -> bool {
        matches!(self, ApiError::Refused { status: 500, .. } | ApiError::Garbled(_) | ApiError::TooLarge)
    }

    /// What failed is the way to the server, by what something on it said.
    pub fn is_of_the_way(&self) -> bool {
        let ApiError::Unreachable(cause) = self else { return false };
        matches!(
            cause,
            Cause::TlsWanted
                | Cause::NoTls
                | Cause::CertificateWanted
                | Cause::PasswordWanted
                | Cause::TooLong
                | Cause::Gateway { .. }
                | Cause::ProxyUnreachable(_)
                | Cause::ProxyRefused { .. }
        )
    }

    /// How long the server asks to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            ApiError::Unreachable(Cause::Gateway { retry_after, .. })
            | ApiError::Refused { retry_after, .. } => *retry_after,
            ApiError::Unreachable(_)
            | ApiError::Intercepted { .. }
            | ApiError::Garbled(_)
            | ApiError::TooLarge
            | ApiError::Impossible(_) => None,
        }
    }

    /// The code of [`Problem`]: `wrong_password`, `wrong_address`, `unreachable`, `portal`, `proxy`, `tls`, `server_error`,
    /// `forbidden`, `invalid`. A 401 is a wrong password here; who sent a token asks [`ApiError::is_unauthorized`] first.
    pub fn code(&self) -> &'static str {
        match self {
            ApiError::Unreachable(cause) => code_of_cause(*cause),
            ApiError::Intercepted { .. } => "portal",
            ApiError::Refused { status, is_ours, .. } => code_of(*status, *is_ours),
            ApiError::Garbled(_) => "wrong_address",
            ApiError::TooLarge => "server_error",
            ApiError::Impossible(_) => "invalid",
        }
    }

    /// The same for a person, in a sentence that says what to do.
    pub fn problem(&self) -> Problem {
        let code = self.code();
        Problem { code: code.to_owned(), sentence: self.sentence(), field: field_of(code).map(str::to_owned) }
    }

    fn sentence(&self) -> String {
        if let ApiError::Unreachable(cause) = self
            && let Some(sentence) = obstacle::problem(*cause)
        {
            return sentence;
        }
        match self.code() {
            "wrong_password" => text("problem.wrong_password", &[]),
            "wrong_address" if matches!(self, ApiError::Unreachable(_)) => text("problem.name_unknown", &[]),
            "wrong_address" => text("problem.wrong_address", &[]),
            "unreachable" => text("problem.unreachable", &[]),
            "portal" => text("problem.portal", &[]),
            "tls" => text("problem.tls", &[]),
            "forbidden" => text("problem.forbidden", &[]),
            "server_error" => text("problem.server_error", &[]),
            "busy" => text("problem.busy", &[]),
            _ => text("problem.invalid", &[]),
        }
    }
}

fn code_of_cause(cause: Cause) -> &'static str {
    match cause {
        Cause::Tls | Cause::CertificateWanted => "tls",
        Cause::NameUnknown | Cause::TlsWanted | Cause::NoTls => "wrong_address",
        Cause::Gateway { .. } => "server_error",
        Cause::PasswordWanted
        | Cause::TurnedAway(_)
        | Cause::TooLong
        | Cause::ProxyUnreachable(_)
        | Cause::ProxyRefused { .. } => "proxy",
        Cause::Intercepted => "portal",
        Cause::Silent
        | Cause::TimedOut
        | Cause::Refused
        | Cause::NoRoute
        | Cause::Lost
        | Cause::Stalled
        | Cause::Garbled
        | Cause::TooLarge
        | Cause::Closed(_)
        | Cause::Http { .. }
        | Cause::Unanswered
        | Cause::TokenRejected
        | Cause::AddressRejected
        | Cause::Behind
        | Cause::Downgraded
        | Cause::Asked => "unreachable",
    }
}

fn code_of(status: u16, is_ours: bool) -> &'static str {
    match status {
        401 => "wrong_password",
        403 if is_ours => "forbidden",
        408 | 425 | 429 => "busy",
        400 | 422 => "invalid",
        403 | 404 | 405 | 410 | 426 => "wrong_address",
        500..=599 => "server_error",
        _ => "wrong_address",
    }
}

fn field_of(code: &str) -> Option<&'static str> {
    match code {
        "wrong_password" => Some("password"),
        "wrong_address" | "tls" => Some("server"),
        "invalid" => Some("email"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_a_code_and_a_sentence() {
        for status in 100..=999 {
            for is_ours in [true, false] {
                let problem = refused(status, is_ours).problem();

                assert!(!problem.sentence.starts_with("problem."), "{status} has no sentence");
            }
        }
    }

    #[test]
    fn only_a_401_says_that_the_token_is_not_accepted() {
        for status in 100..=999 {
            assert_eq!(refused(status, true).is_unauthorized(), status == 401);
        }
        assert!(!ApiError::Unreachable(Cause::Lost).is_unauthorized());
        assert!(!ApiError::Intercepted { status: 302 }.is_unauthorized());
    }

    #[test]
    fn the_codes_are_those_of_the_page() {
        assert_eq!(refused(401, true).code(), "wrong_password");
        assert_eq!(refused(404, true).code(), "wrong_address");
        assert_eq!(refused(500, true).code(), "server_error");
        assert_eq!(refused(422, true).code(), "invalid");
        assert_eq!(ApiError::Unreachable(Cause::Refused).code(), "unreachable");
        assert_eq!(ApiError::Unreachable(Cause::NameUnknown).code(), "wrong_address");
        assert_eq!(ApiError::Unreachable(Cause::Tls).code(), "tls");
        assert_eq!(ApiError::Intercepted { status: 511 }.code(), "portal");
        assert_eq!(ApiError::Garbled("not JSON").code(), "wrong_address");
    }

    fn refused(status: u16, is_ours: bool) -> ApiError {
        ApiError::Refused { status, said: None, retry_after: None, is_ours }
    }
}
