//! What can be read off a token without its key: whose it is and when it ends. The signature is the server's business.

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

/// What a JWT says (RFC 7519, 4.1); its times are by the clock of the server that issued it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Claims {
    /// `sub`: whose it is.
    pub subject: Option<String>,
    /// `iat`: when it was issued.
    pub issued_at: Option<Timestamp>,
    /// `exp`: when it ends.
    pub expires_at: Option<Timestamp>,
}

#[derive(Deserialize)]
struct Body {
    sub: Option<String>,
    iat: Option<f64>,
    exp: Option<f64>,
}

/// What a JWT says; none if it is no JWT.
pub fn claims(token: &str) -> Option<Claims> {
    let mut parts = token.split('.');
    let (_header, claims, _signature) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let body = BASE64.decode(claims).ok()?;
    let body: Body = serde_json::from_slice(&body).ok()?;
    Some(Claims {
        subject: body.sub,
        issued_at: body.iat.and_then(timestamp),
        expires_at: body.exp.and_then(timestamp),
    })
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
    fn owner_and_times_of_a_token_are_read() {
        let claims = claims(&token(r#"{"sub":"u","exp":1795295989,"iat":1795292389}"#)).unwrap();

        assert_eq!(claims.subject.as_deref(), Some("u"));
        assert_eq!(claims.expires_at.unwrap().as_second(), 1_795_295_989);
        assert_eq!(claims.issued_at.unwrap().as_second(), 1_795_292_389);
    }

    #[test]
    fn a_fraction_of_a_second_is_tolerated_and_a_missing_time_is_none() {
        assert_eq!(
            claims(&token(r#"{"exp":1795295989.75}"#)).unwrap().expires_at.unwrap().as_second(),
            1_795_295_989
        );
        assert_eq!(claims(&token("{}")), Some(Claims::default()));
        assert_eq!(claims(&token(r#"{"exp":1e300}"#)), Some(Claims::default()));
    }

    #[test]
    fn padding_does_not_matter() {
        let padded = format!("e30=.{}.sig", base64::engine::general_purpose::URL_SAFE.encode(r#"{"exp":5}"#));

        assert_eq!(claims(&padded).unwrap().expires_at.unwrap().as_second(), 5);
    }

    #[test]
    fn what_is_no_token_says_nothing() {
        for text in ["", "abc", "a.b", "a.b.c", "a.e30.c.d", "a..c", "a.eyJleHAiOiJ4In0.c"] {
            assert_eq!(claims(text), None, "{text}");
        }
    }

    fn token(claims: &str) -> String {
        format!("e30.{}.sig", base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(claims))
    }
}
