//! `GET /ws/alerts/{user_id}`: from an HTTP request to an alert socket. Refused with real statuses.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{WebSocketUpgrade, rejection::WebSocketUpgradeRejection};
use axum::extract::{Extension, Path, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, Uri};

use super::caller::{self, Caller};
use super::refusal::Refusal;
use crate::accept::Peer;
use crate::app::App;
use crate::roster;
use crate::socket;

/// Largest message of a client, in bytes; the largest of the contract has about 200.
const LARGEST: usize = 16 * 1024;
/// A small read buffer is most of what an idle connection costs.
const READ_BUFFER: usize = 4 * 1024;
const WRITE_BUFFER: usize = 16 * 1024;
/// When a user with too many connections may try again.
const FULL: Duration = Duration::from_secs(30);

pub(super) async fn open(
    State(app): State<Arc<App>>,
    Extension(peer): Extension<Peer>,
    Path(user): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Refusal> {
    let token = token(&app, &uri, &headers)?;
    let caller = Caller::of(&app, &token).await?;
    if caller.user.id.as_str() != user {
        return Err(Refusal::NotYours);
    }
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade,
        Err(rejection) => return Ok(rejection.into_response()),
    };
    let registration = app.roster.admit(caller.user.id, caller.session).map_err(|refused| match refused {
        roster::Refused::TooMany => Refusal::TooMany(FULL),
        roster::Refused::Stopping => Refusal::Busy,
    })?;
    let tracked = app.tasks.token();
    let upgrade = upgrade
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        .max_message_size(LARGEST)
        .max_frame_size(LARGEST);
    Ok(upgrade.on_upgrade(move |socket| async move {
        // Both are given back when the socket ends: the place among the connections, and among the tasks.
        let _places = (peer, tracked);
        socket::run(app, socket, registration).await;
    }))
}

/// The one token of the request: in the header, or as the original wants it, in the address.
fn token(app: &App, uri: &Uri, headers: &HeaderMap) -> Result<String, Refusal> {
    let query = uri.query().filter(|_| app.token_in_query).unwrap_or_default();
    let mut in_query = url::form_urlencoded::parse(query.as_bytes())
        .filter(|(name, value)| name == "token" && !value.is_empty())
        .map(|(_, value)| value.into_owned());
    let in_header = caller::bearer(headers)?.map(str::to_owned);
    let mut tokens = in_header.into_iter().chain(in_query.by_ref());
    let token = tokens.next().ok_or(Refusal::NotAuthenticated)?;
    // Several that differ: whoever put the others there is not whoever put the first.
    if tokens.any(|other| other != token) {
        return Err(Refusal::InvalidToken);
    }
    Ok(token)
}
