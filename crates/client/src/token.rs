//! What can be read off a token without its key: when it expires. The signature is the server's business.

use base64::Engine;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use jiff::Timestamp;
use serde::Deserialize;

/// Issuers disagree about padding; both forms are read.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The times of a JWT (RFC 7519, 4.1), by the clock of the server that issued it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// `iat`: when it was issued.
    pub issued_at: Option<Timestamp>,
    /// `exp`: when it ends.
    pub expires_at: Option<Timestamp>,
}

#[derive(Deserialize)]
struct Claims {
    iat: Option<f64>,
    exp: Option<f64>,
}

/// The times of a JWT; none if it is no JWT.
pub fn times(token: &str) -> Option<Times> {
    let mut parts = token.split('.');
    let (_header, claims, _signature) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let claims = BASE64.decode(claims).ok()?;
    let claims: Claims = serde_json::from_slice(&claims).ok()?;
    Some(Times { issued_at: claims.iat.and_then(timestamp), expires_at: claims.exp.and_then(timestamp) })
}

/// Seconds since 1970, whole or not; none where no calendar reaches.
fn timestamp(seconds: f64) -> Option<Timestamp> {
    if !seconds.is_finite() {
        return None;
    }
    #[allow(
        clippy::cast_possible_truncation,
        reason = "a float too large becomes the largest integer, which is refused"
    )]
    Timestamp::from_second(seconds as i64).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_times_of_a_token_are_read() {
        let times = times(&token(r#"{"sub":"u","exp":1795295989,"iat":1795292389}"#)).unwrap();

        assert_eq!(times.expires_at.unwrap().as_second(), 1_795_295_989);
        assert_eq!(times.issued_at.unwrap().as_second(), 1_795_292_389);
    }

    #[test]
    fn a_fraction_of_a_second_is_tolerated_and_a_missing_time_is_none() {
        assert_eq!(
            times(&token(r#"{"exp":1795295989.75}"#)).unwrap().expires_at.unwrap().as_second(),
            1_795_295_989
        );
        assert_eq!(times(&token("{}")), Some(Times { issued_at: None, expires_at: None }));
        assert_eq!(times(&token(r#"{"exp":1e300}"#)), Some(Times { issued_at: None, expires_at: None }));
    }

    #[test]
    fn padding_does_not_matter() {
        let padded = format!("e30=.{}.sig", base64::engine::general_purpose::URL_SAFE.encode(r#"{"exp":5}"#));

        assert_eq!(times(&padded).unwrap().expires_at.unwrap().as_second(), 5);
    }

    #[test]
    fn what_is_no_token_has_no_times() {
        for text in ["", "abc", "a.b", "a.b.c", "a.e30.c.d", "a..c", "a.eyJleHAiOiJ4In0.c"] {
            assert_eq!(times(text), None, "{text}");
        }
    }

    fn token(claims: &str) -> String {
        format!("e30.{}.sig", base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(claims))
    }
}
