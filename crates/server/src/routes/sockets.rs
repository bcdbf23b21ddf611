//! `GET /ws/alerts/{user_id}`: from an HTTP request to an alert socket. Refused with real statuses.
//!
//! Protocol 1 is asked for by asking for nothing; protocol 2 with `protocol=2`, and then `cursor` (the last place in the
//! log that the client has stored), `frames` (`base64` or `binary`) and `device` (its latest connection replaces the one
//! before) may follow. `GET /ws/capabilities` says so.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::ws::{WebSocketUpgrade, rejection::WebSocketUpgradeRejection};
use axum::extract::{Extension, Path, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, Uri};
use serde_json::{Value, json};
use visionguard_proto::UserId;
use visionguard_proto::session::{Frames, PROTOCOL, Start};

use super::caller::{self, Caller};
use super::refusal::Refusal;
use crate::accept::Peer;
use crate::app::App;
use crate::roster::{self, Client, Protocol};
use crate::socket::{self, Following};

/// Largest message of a client, in bytes; the largest of the contract has about 200.
const LARGEST: usize = 16 * 1024;
/// A small read buffer is most of what an idle connection costs.
const READ_BUFFER: usize = 4 * 1024;
const WRITE_BUFFER: usize = 16 * 1024;
/// Longest name of a device, in characters.
const LONGEST_DEVICE: usize = 64;
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
    let wish = Wish::read(&uri)?;
    let token = match &wish {
        Some(wish) => wish.token(&headers)?,
        None => token(&app, &uri, &headers)?,
    };
    let caller = Caller::of(&app, &token).await?;
    if caller.user.id.as_str() != user {
        return Err(Refusal::NotYours);
    }
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade,
        Err(rejection) => return Ok(rejection.into_response()),
    };
    let following = match &wish {
        Some(wish) => Some(wish.follow(&app, &caller.user.id).await?),
        None => None,
    };
    let client = Client {
        user: caller.user.id,
        session: caller.session,
        protocol: if wish.is_some() { Protocol::Two } else { Protocol::One },
        device: wish.and_then(|wish| wish.device),
    };
    let registration = app.roster.admit(client).map_err(|refused| match refused {
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
        socket::run(app, socket, registration, following).await;
    }))
}

/// What this server can do beyond the original; asked for before there is a token.
pub(super) async fn capabilities(State(app): State<Arc<App>>) -> Json<Value> {
    let seconds = |time: Duration| time.as_secs_f64().ceil() as u64;
    Json(json!({
        "protocol": PROTOCOL,
        "auth": ["bearer"],
        "frames": ["base64", "binary"],
        "ping_seconds": seconds(app.sockets.ping_every),
        "dead_seconds": seconds(app.sockets.dead_after),
    }))
}

/// What a client of protocol 2 asks for.
#[derive(Debug, Default)]
struct Wish {
    cursor: Option<String>,
    frames: Frames,
    device: Option<String>,
    has_token: bool,
}

impl Wish {
    /// None: protocol 1, whose clients may write anything else into the address.
    fn read(uri: &Uri) -> Result<Option<Wish>, Refusal> {
        let query = || url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
        let Some((_, protocol)) = query().find(|(name, _)| name == "protocol") else { return Ok(None) };
        match protocol.parse::<u32>() {
            Ok(1) => return Ok(None),
            // The welcome says which one it is.
            Ok(newer) if newer >= PROTOCOL => {}
            Ok(_) | Err(_) => return Err(bad("protocol must be 1 or 2")),
        }
        let mut wish = Wish::default();
        for (name, value) in query() {
            match name.as_ref() {
                "cursor" => wish.cursor = Some(value.into_owned()),
                "frames" if value == "base64" => wish.frames = Frames::Base64,
                "frames" if value == "binary" => wish.frames = Frames::Binary,
                "frames" => return Err(bad("frames must be base64 or binary")),
                "device" if !(1..=LONGEST_DEVICE).contains(&value.chars().count()) => {
                    return Err(bad("device must have 1 to 64 characters"));
                }
                "device" => wish.device = Some(value.into_owned()),
                "token" => wish.has_token = true,
                _ => {}
            }
        }
        Ok(Some(wish))
    }

    /// A token in the address ends up in logs: a client that could send it in a header is told, not served.
    fn token(&self, headers: &HeaderMap) -> Result<String, Refusal> {
        if self.has_token {
            return Err(bad("protocol 2 takes the token in the Authorization header, never in the address"));
        }
        caller::bearer(headers)?.map(str::to_owned).ok_or(Refusal::NotAuthenticated)
    }

    async fn follow(&self, app: &App, user: &UserId) -> Result<Following, Refusal> {
        let doorbell = app.log.doorbell(user);
        let place = app.log.place(user, self.cursor.as_deref()).await?;
        let start = Start {
            epoch: place.epoch,
            head: place.head,
            after: place.after,
            recovered: place.recovered,
            frames: self.frames,
        };
        Ok(Following { start, doorbell })
    }
}

fn bad(what: &str) -> Refusal {
    Refusal::Bad(what.to_owned())
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
