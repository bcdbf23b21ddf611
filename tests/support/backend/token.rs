//! Tokens that look like the original's: HS256 JWTs without an id, a refresh token that works as an access token too.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::json;

use super::state::{Issued, Shared};

/// Issues a token of this user.
pub(super) fn issue(shared: &Shared, user_id: &str, refresh: bool) -> String {
    let mut state = shared.lock();
    let user = state.users.iter().find(|user| user.id == user_id).cloned().unwrap();
    let now = Timestamp::now();
    let lasts = if refresh { std::time::Duration::from_secs(7 * 86_400) } else { shared.pace.token_lasts };
    let expires = now + lasts;

    let mut claims = json!({
        "sub": user.id, "email": user.email, "role": "OWNER", "exp": expires.as_second(), "iat": now.as_second(),
    });
    if refresh {
        claims["type"] = json!("refresh");
    }
    let part = |value: String| URL_SAFE_NO_PAD.encode(value);
    let head = part(r#"{"alg":"HS256","typ":"JWT"}"#.to_owned());
    let signature = part(uuid::Uuid::new_v4().to_string());
    let token = format!("{head}.{}.{signature}", part(claims.to_string()));

    state.tokens.insert(token.clone(), Issued { user: user.id, expires });
    token
}

/// Whose token this is, while it lasts.
pub(super) fn owner(shared: &Shared, token: &str) -> Option<String> {
    let state = shared.lock();
    let issued = state.tokens.get(token)?;
    (issued.expires > Timestamp::now()).then(|| issued.user.clone())
}
