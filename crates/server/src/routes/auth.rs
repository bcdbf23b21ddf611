//! Signing in, staying signed in, signing out (contract 1).

use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::extract::{Extension, State};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::body::Body;
use super::caller::Caller;
use super::refusal::Refusal;
use crate::accept::Peer;
use crate::app::App;
use crate::people::canonical_email;
use crate::store::people::{self, User};
use crate::store::sessions::{self, Exchange, Hash};
use crate::time;
use crate::token::Purpose;

#[derive(Deserialize)]
pub(super) struct Credentials {
    email: String,
    password: SecretString,
}

#[derive(Deserialize)]
pub(super) struct Refresh {
    refresh_token: String,
}

/// The body that answers a sign-in and a refresh.
#[derive(Serialize)]
pub(super) struct Tokens {
    access_token: String,
    refresh_token: String,
    token_type: &'static str,
    user: Value,
}

pub(super) async fn login(
    State(app): State<Arc<App>>,
    Extension(peer): Extension<Peer>,
    Body(credentials): Body<Credentials>,
) -> Result<Json<Tokens>, Refusal> {
    let Credentials { email, password } = credentials;
    let email = canonical_email(&email)
        .ok_or_else(|| Refusal::field("body -> email", "value is not a valid email address"))?;
    let address = peer.address.ip();
    app.throttle.take(address, &email, Instant::now()).map_err(Refusal::TooMany)?;

    let wanted = email.clone();
    let found = app.store.read(move |db| people::by_email(db, &wanted)).await?;
    let (user, hash) = found.map_or((None, None), |(user, hash)| (Some(user), Some(hash)));
    let right = app.passwords.check(password, hash).await?;
    let Some(user) = user.filter(|user| right && !user.disabled) else {
        return Err(Refusal::WrongCredentials);
    };
    app.throttle.forgive(address, &email);

    let session = uuid::Uuid::new_v4().to_string();
    let tokens = tokens(&app, &user, &session)?;
    let first = hash_of(&tokens.refresh_token);
    let expires_at = expiry(&app);
    app.store.write(move |db| sessions::start(db, &session, &user.id, expires_at, &first)).await?;
    Ok(Json(tokens))
}

pub(super) async fn refresh(
    State(app): State<Arc<App>>,
    Body(body): Body<Refresh>,
) -> Result<Json<Tokens>, Refusal> {
    let claims = app.keys.check(&body.refresh_token, Purpose::Refresh)?;
    let id = claims.user()?;
    let user = app.store.read(move |db| people::by_id(db, &id)).await?;
    let user = user.filter(|user| !user.disabled).ok_or(Refusal::InvalidToken)?;
    let tokens = tokens(&app, &user, &claims.sid)?;
    let (presented, child) = (hash_of(&body.refresh_token), hash_of(&tokens.refresh_token));
    let (session, expires_at) = (claims.sid.clone(), expiry(&app));
    let exchange =
        move |db: &rusqlite::Connection| sessions::exchange(db, &session, &presented, &child, expires_at);
    match app.store.write(exchange).await? {
        Exchange::Done => Ok(Json(tokens)),
        Exchange::Refused => Err(Refusal::InvalidToken),
        Exchange::Stolen => {
            tracing::warn!(session = claims.sid, "a retired refresh token was used; its session is ended");
            app.roster.close_session(&claims.sid);
            Err(Refusal::InvalidToken)
        }
    }
}

pub(super) async fn logout(State(app): State<Arc<App>>, caller: Caller) -> Result<Json<Value>, Refusal> {
    let session = caller.session.clone();
    app.store.write(move |db| sessions::revoke(db, &session)).await?;
    app.roster.close_session(&caller.session);
    Ok(Json(json!({ "message": "Successfully logged out" })))
}

pub(super) async fn me(caller: Caller) -> Json<Value> {
    let mut user = described(&caller.user);
    user["created_at"] = time::naive(caller.user.created_at).into();
    Json(user)
}

fn tokens(app: &App, user: &User, session: &str) -> Result<Tokens, Refusal> {
    let subject = user.id.as_str();
    Ok(Tokens {
        access_token: app.keys.issue(Purpose::Access, subject, session, app.access_lives)?,
        refresh_token: app.keys.issue(Purpose::Refresh, subject, session, app.refresh_lives)?,
        token_type: "bearer",
        user: described(user),
    })
}

fn described(user: &User) -> Value {
    json!({ "id": user.id, "name": user.name, "email": user.email, "role": user.role.word() })
}

fn expiry(app: &App) -> jiff::Timestamp {
    time::now().checked_add(app.refresh_lives).unwrap_or(jiff::Timestamp::MAX)
}

fn hash_of(token: &str) -> Hash {
    Sha256::digest(token.as_bytes()).into()
}
