//! The tokens: HS256 and nothing else, with every claim that they need, made for one purpose each.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use visionguard_proto::UserId;

/// Clock difference that is forgiven, in seconds.
const LEEWAY: u64 = 30;
/// Longest token that is looked at, in bytes; ours have about 400.
const LONGEST: usize = 4096;

/// What a token is for. None is accepted for another purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Purpose {
    /// A user's requests and sockets.
    Access,
    /// Getting a new pair of tokens.
    Refresh,
    /// A pipeline's publishes.
    Service,
}

/// What a token says. Every claim is required.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Claims {
    /// The user's id, or the service's name.
    pub(crate) sub: String,
    /// Seconds since 1970.
    pub(crate) exp: u64,
    /// Seconds since 1970.
    pub(crate) iat: u64,
    /// Unique to this token.
    pub(crate) jti: String,
    /// What the token is for.
    pub(crate) typ: Purpose,
    /// The session; when it ends, so does the token.
    pub(crate) sid: String,
}

/// Why a token is not accepted. The person learns only that it is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TokenError {
    #[error("the token is too long")]
    TooLong,
    #[error("the token has expired")]
    Expired,
    #[error("the token is made for another purpose")]
    WrongPurpose,
    #[error("the token does not hold")]
    Invalid,
}

/// Signs and checks tokens.
#[derive(Clone)]
pub(crate) struct Keys {
    sign: EncodingKey,
    check: DecodingKey,
    rules: Validation,
}

impl Keys {
    /// Fails on an empty secret.
    pub(crate) fn new(secret: &[u8]) -> Result<Keys, jsonwebtoken::errors::Error> {
        let mut rules = Validation::new(Algorithm::HS256);
        rules.leeway = LEEWAY;
        rules.validate_nbf = true;
        rules.set_required_spec_claims(&["exp", "sub"]);
        Ok(Keys { sign: EncodingKey::from_secret(secret)?, check: DecodingKey::from_secret(secret)?, rules })
    }

    /// A new token of this session.
    pub(crate) fn issue(
        &self,
        purpose: Purpose,
        subject: &str,
        session: &str,
        lives: Duration,
    ) -> Result<String, TokenError> {
        let now = seconds(Timestamp::now());
        let claims = Claims {
            sub: subject.to_owned(),
            exp: now.saturating_add(lives.as_secs()),
            iat: now,
            jti: uuid::Uuid::new_v4().to_string(),
            typ: purpose,
            sid: session.to_owned(),
        };
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.sign)
            .map_err(|_| TokenError::Invalid)
    }

    /// Checks signature, times and purpose. Whether the session still lives is the database's to say.
    pub(crate) fn check(&self, token: &str, purpose: Purpose) -> Result<Claims, TokenError> {
        if token.len() > LONGEST {
            return Err(TokenError::TooLong);
        }
        let claims = match jsonwebtoken::decode::<Claims>(token, &self.check, &self.rules) {
            Ok(decoded) => decoded.claims,
            Err(error) if *error.kind() == jsonwebtoken::errors::ErrorKind::ExpiredSignature => {
                return Err(TokenError::Expired);
            }
            Err(_) => return Err(TokenError::Invalid),
        };
        if claims.typ != purpose {
            return Err(TokenError::WrongPurpose);
        }
        if claims.iat > seconds(Timestamp::now()).saturating_add(LEEWAY) || claims.jti.is_empty() {
            return Err(TokenError::Invalid);
        }
        Ok(claims)
    }
}

impl Claims {
    /// The user that the token speaks for.
    pub(crate) fn user(&self) -> Result<UserId, TokenError> {
        UserId::new(&self.sub).map_err(|_| TokenError::Invalid)
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys")
    }
}

fn seconds(at: Timestamp) -> u64 {
    at.as_second().unsigned_abs()
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::encode;
    use serde_json::{Value, json};

    use super::*;

    const SECRET: &[u8] = b"a secret of more than thirty-two bytes";

    #[test]
    fn a_token_holds_for_its_purpose_alone() {
        let keys = keys();
        let token = keys.issue(Purpose::Refresh, "u", "s", Duration::from_secs(60)).unwrap();

        assert_eq!(keys.check(&token, Purpose::Refresh).unwrap().sub, "u");
        assert_eq!(keys.check(&token, Purpose::Access), Err(TokenError::WrongPurpose));
        assert_eq!(keys.check(&token, Purpose::Service), Err(TokenError::WrongPurpose));
    }

    #[test]
    fn claims_of_another_type_and_unknown_critical_headers_are_refused() {
        let header = Header::new(Algorithm::HS256);
        let now = seconds(Timestamp::now());
        for (claim, odd) in [
            ("sub", json!(["u"])),
            ("sub", json!({ "u": 1 })),
            ("sub", json!(1)),
            ("exp", json!((now + 60).to_string())),
            ("exp", json!([now + 60])),
            ("exp", json!(null)),
            ("nbf", json!("soon")),
            ("nbf", json!({})),
            ("iat", json!(-1)),
            ("typ", json!(["access"])),
            ("aud", json!([])),
            ("aud", json!({})),
        ] {
            let mut claims = good();
            claims[claim] = odd.clone();

            assert_eq!(check(&header, &claims), Err(TokenError::Invalid), "{claim}: {odd}");
        }
        let critical = Header { crit: Some(vec!["b64".to_owned()]), ..header };
        assert_eq!(check(&critical, &good()), Err(TokenError::Invalid));
    }

    #[test]
    fn every_claim_is_required() {
        for missing in ["sub", "exp", "iat", "jti", "typ", "sid"] {
            let mut claims = good();
            claims.as_object_mut().unwrap().remove(missing);

            assert_eq!(check(&Header::new(Algorithm::HS256), &claims), Err(TokenError::Invalid), "{missing}");
        }
        assert!(check(&Header::new(Algorithm::HS256), &good()).is_ok());
    }

    #[test]
    fn other_algorithms_and_odd_headers_are_refused() {
        let other = encode(&Header::new(Algorithm::HS512), &good(), &sign()).unwrap();
        let signed = encode(&Header::new(Algorithm::HS256), &good(), &sign()).unwrap();
        let parts: Vec<&str> = signed.split('.').collect();
        let (payload, signature) = (parts[1], parts[2]);
        // {"alg":"none","typ":"JWT"} and {"alg":"RS256","typ":"JWT"}
        let none = format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{payload}.");
        let confused = format!("eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.{payload}.{signature}");
        let keys = keys();

        for token in [
            other,
            none,
            confused,
            format!("{}.{payload}.", parts[0]),
            format!("{}.{payload}", parts[0]),
            format!("{signed}.x.y"),
            String::new(),
            "..".to_owned(),
        ] {
            assert_eq!(keys.check(&token, Purpose::Access), Err(TokenError::Invalid), "{token}");
        }
        assert_eq!(keys.check(&"x".repeat(100_000), Purpose::Access), Err(TokenError::TooLong));
    }

    #[test]
    fn times_are_forgiven_for_thirty_seconds_and_an_audience_never() {
        let now = i64::try_from(seconds(Timestamp::now())).unwrap();
        let at = |claim: &str, offset: i64| {
            let mut claims = good();
            claims[claim] = json!(now + offset);
            check(&Header::new(Algorithm::HS256), &claims)
        };

        assert!(at("exp", -20).is_ok());
        assert_eq!(at("exp", -40), Err(TokenError::Expired));
        assert!(at("nbf", 20).is_ok());
        assert_eq!(at("nbf", 60), Err(TokenError::Invalid));
        assert!(at("iat", 20).is_ok());
        assert_eq!(at("iat", 60), Err(TokenError::Invalid));
        let mut foreign = good();
        foreign["aud"] = json!("another service");
        assert_eq!(check(&Header::new(Algorithm::HS256), &foreign), Err(TokenError::Invalid));
    }

    fn keys() -> Keys {
        Keys::new(SECRET).unwrap()
    }

    fn sign() -> EncodingKey {
        EncodingKey::from_secret(SECRET).unwrap()
    }

    fn good() -> Value {
        let now = seconds(Timestamp::now());
        json!({ "sub": "u", "exp": now + 60, "iat": now, "jti": "j", "typ": "access", "sid": "s" })
    }

    fn check(header: &Header, claims: &Value) -> Result<(), TokenError> {
        let token = encode(header, claims, &sign()).unwrap();
        keys().check(&token, Purpose::Access).map(|_| ())
    }
}
