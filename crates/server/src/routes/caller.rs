//! Who asks: the user or the pipeline behind a token.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderMap, HeaderValue};

use super::refusal::Refusal;
use crate::app::App;
use crate::store::people::User;
use crate::store::{people, sessions};
use crate::token::Purpose;

/// A signed-in user.
#[derive(Debug)]
pub(super) struct Caller {
    pub(super) user: User,
    pub(super) session: String,
}

/// A pipeline with a service token.
#[derive(Debug)]
pub(super) struct Pipeline {
    pub(super) session: String,
}

impl Caller {
    /// The user behind this access token, if its session lives.
    pub(super) async fn of(app: &App, token: &str) -> Result<Caller, Refusal> {
        let claims = app.keys.check(token, Purpose::Access)?;
        let (id, session) = (claims.user()?, claims.sid.clone());
        let user = move |db: &rusqlite::Connection| {
            if !sessions::is_live(db, &session)? {
                return Ok(None);
            }
            people::by_id(db, &id)
        };
        let user = app.store.read(user).await?.filter(|user| !user.disabled);
        Ok(Caller { user: user.ok_or(Refusal::InvalidToken)?, session: claims.sid })
    }
}

impl FromRequestParts<Arc<App>> for Caller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Caller, Refusal> {
        let token = bearer(&parts.headers)?.ok_or(Refusal::NotAuthenticated)?;
        Caller::of(app, token).await
    }
}

impl FromRequestParts<Arc<App>> for Pipeline {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Pipeline, Refusal> {
        let token = bearer(&parts.headers)?.ok_or(Refusal::NotAuthenticated)?;
        let claims = app.keys.check(token, Purpose::Service)?;
        let session = claims.sid.clone();
        let lives = app.store.read(move |db| sessions::is_live(db, &session)).await?;
        if !lives {
            return Err(Refusal::InvalidToken);
        }
        Ok(Pipeline { session: claims.sid })
    }
}

/// The token of the `Authorization` header, if there is one. Two of them are refused.
pub(super) fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Refusal> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Refusal::InvalidToken);
    }
    token_of(value).map(Some).ok_or(Refusal::NotAuthenticated)
}

fn token_of(value: &HeaderValue) -> Option<&str> {
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim()).filter(|token| !token.is_empty())
}
