//! The server's HTTP side, as `docs/protocol.md` has it: typed requests, one error, no secret in any text.
//!
//! Keeps nothing, and says nothing twice but what finds its kept connection ended.

mod error;
mod http;

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use reqwest::RequestBuilder;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use url::Url;
use visionguard_proto::record::{RecordPage, Row, Status};
use visionguard_proto::{AnomalyId, Endpoint, ShopId, UserId};

use crate::server_clock::Told;

pub use error::ApiError;
use http::Answer;

use crate::{password, words};
pub use http::{Exchange, Http};

/// Largest answer but for a page of the record and a picture.
const MAX_ANSWER_BYTES: usize = 256 * 1024;

/// Largest page of the record: 500 rows of under a kilobyte each, with room for remarks.
const MAX_PAGE_BYTES: usize = 8 * 1024 * 1024;

/// Longest name that is kept.
const MAX_NAME: usize = 255;

/// How this program names itself to the server.
pub const USER_AGENT: &str = concat!("VisionGuard-Desktop/", env!("CARGO_PKG_VERSION"));

/// One server, with or without a token. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Api {
    http: Http,
    endpoint: Endpoint,
    token: Option<SecretString>,
}

/// What a sign-in or a refresh brings.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// Opens the socket and the API.
    pub access: SecretString,
    /// Obtains a new access token, where the server has such a thing.
    pub refresh: Option<SecretString>,
    /// Who it is; a refresh may leave it out.
    pub user: Option<User>,
    /// When the server answered, by its own clock.
    pub date: Option<Told>,
}

/// Somebody with an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    pub id: UserId,
    /// Hostile text, at most 255 characters.
    pub name: String,
    pub email: String,
}

/// A shop that the user may see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shop {
    pub id: ShopId,
    /// Hostile text, at most 255 characters.
    pub name: String,
}

/// Whether the server delivers to a socket of this user.
#[derive(Debug, Clone, PartialEq)]
pub enum Registration {
    /// It does, to one that is this old.
    Registered {
        /// The age of the socket that owns the slot.
        uptime: Duration,
        /// When it opened, in the server's own words; the same words are the same socket.
        connected_at: Option<String>,
    },
    /// It does not: an open socket is deaf.
    NotRegistered,
    /// It does not say.
    Unknown,
}

impl Api {
    /// The server at `endpoint`, without a token.
    pub fn new(http: &Http, endpoint: Endpoint) -> Api {
        Api { http: http.clone(), endpoint, token: None }
    }

    /// The same server, with a token.
    pub fn with_token(&self, token: SecretString) -> Api {
        Api { token: Some(token), ..self.clone() }
    }

    /// Where the server is.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// `POST /auth/login`, with the password in each form in which it may have been registered.
    pub async fn sign_in(&self, email: &str, password: &SecretString) -> Result<SignedIn, ApiError> {
        self.look_for_portal().await?;
        let mut forms = password::forms(password).into_iter();
        let mut outcome = self.log_in(email, forms.next().as_ref().unwrap_or(password)).await;
        for form in forms {
            if !outcome.as_ref().is_err_and(ApiError::is_unauthorized) {
                break;
            }
            outcome = self.log_in(email, &form).await;
        }
        outcome
    }

    async fn log_in(&self, email: &str, password: &SecretString) -> Result<SignedIn, ApiError> {
        #[derive(Serialize)]
        struct Credentials<'a> {
            email: &'a str,
            password: &'a str,
        }
        let body = Credentials { email, password: password.expose_secret() };
        let request = self.http.client().post(self.url("/auth/login")).json(&body);
        signed_in(self.http.send(request, MAX_ANSWER_BYTES).await?)
    }

    /// `GET /auth/me`.
    pub async fn me(&self) -> Result<User, ApiError> {
        let answer = self.http.send(self.get("/auth/me"), MAX_ANSWER_BYTES).await?;
        let user: UserBody = read(&answer, "who is signed in")?;
        user.checked()
    }

    /// `POST /auth/refresh`; 404 where the server has no such thing.
    pub async fn refresh(&self, refresh: &SecretString) -> Result<SignedIn, ApiError> {
        #[derive(Serialize)]
        struct Refresh<'a> {
            refresh_token: &'a str,
        }
        self.look_for_portal().await?;
        let body = Refresh { refresh_token: refresh.expose_secret() };
        let request = self.http.client().post(self.url("/auth/refresh")).json(&body);
        signed_in(self.http.send(request, MAX_ANSWER_BYTES).await?)
    }

    /// `POST /auth/logout`.
    pub async fn logout(&self) -> Result<(), ApiError> {
        let request = self.bearer(self.http.client().post(self.url("/auth/logout")));
        self.http.send(request, MAX_ANSWER_BYTES).await.map(|_| ())
    }

    /// `GET /shops`: those the user owns or manages.
    pub async fn shops(&self) -> Result<Vec<Shop>, ApiError> {
        #[derive(Deserialize)]
        struct ShopBody {
            id: ShopId,
            #[serde(default)]
            name: String,
        }
        let answer = self.http.send(self.get("/shops"), MAX_PAGE_BYTES).await?;
        let shops: Vec<ShopBody> = read(&answer, "the list of shops")?;
        Ok(shops.into_iter().map(|shop| Shop { id: shop.id, name: short(&shop.name) }).collect())
    }

    /// `GET /shops`: the names of those who manage them, by user id; hostile text, at most 255 characters.
    pub async fn people(&self) -> Result<HashMap<String, String>, ApiError> {
        #[derive(Deserialize)]
        struct ShopBody {
            #[serde(default)]
            managers: Vec<Person>,
        }
        #[derive(Deserialize)]
        struct Person {
            id: String,
            name: String,
        }
        let answer = self.http.send(self.get("/shops"), MAX_PAGE_BYTES).await?;
        let shops: Vec<ShopBody> = read(&answer, "the list of shops")?;
        let people = shops.into_iter().flat_map(|shop| shop.managers);
        let named = people.map(|person| (person.id, words::plain_name(&person.name)));
        Ok(named.filter(|(_, name)| !name.is_empty()).collect())
    }

    /// `GET /api/anomalies` of one shop, newest first, those of one status or all; `limit` 1 to 500.
    pub async fn anomalies(
        &self,
        shop: &ShopId,
        status: Option<Status>,
        limit: u32,
        offset: u64,
    ) -> Result<RecordPage, ApiError> {
        let mut url = self.url("/api/anomalies");
        url.query_pairs_mut()
            .append_pair("shop_id", shop.as_str())
            .append_pair("limit", &limit.clamp(1, 500).to_string())
            .append_pair("offset", &offset.to_string());
        if let Some(word) = status.and_then(Status::word) {
            url.query_pairs_mut().append_pair("status", word);
        }
        let request = self.bearer(self.http.client().get(url));
        let answer = self.http.send(request, MAX_PAGE_BYTES).await?;
        RecordPage::read(&answer.body).map_err(|_| ApiError::Garbled("a page of the record"))
    }

    /// `GET /api/anomalies/{id}`.
    pub async fn anomaly(&self, id: &AnomalyId) -> Result<Row, ApiError> {
        let request = self.bearer(self.http.client().get(self.below("/api/anomalies", id.as_str())));
        row(&self.http.send(request, MAX_ANSWER_BYTES).await?)
    }

    /// `PATCH /api/anomalies/{id}`; without notes those of the record stay.
    pub async fn patch(&self, id: &AnomalyId, status: Status, notes: Option<&str>) -> Result<Row, ApiError> {
        #[derive(Serialize)]
        struct Patch<'a> {
            status: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            notes: Option<&'a str>,
        }
        let status = status.word().ok_or(ApiError::Impossible("this status is not the server's"))?;
        let request = self.http.client().patch(self.below("/api/anomalies", id.as_str()));
        row(&self.http.send(self.bearer(request).json(&Patch { status, notes }), MAX_ANSWER_BYTES).await?)
    }

    /// A picture of the record by its path (`image_url` of a row). Only below this server's own address: the token goes
    /// nowhere else, whatever the path says.
    pub async fn frame(&self, path: &str) -> Result<Bytes, ApiError> {
        // A server on Windows builds the path with its own separators.
        let path = path.replace('\\', "/");
        if !path.starts_with('/') || path.starts_with("//") {
            return Err(ApiError::Impossible("the picture is not on this server"));
        }
        let url = self.endpoint.http(&path);
        if !is_below(&url, self.endpoint.base()) {
            return Err(ApiError::Impossible("the picture is not on this server"));
        }
        let request = self.bearer(self.http.client().get(url));
        Ok(self.http.send(request, visionguard_proto::frame::MAX_BYTES).await?.body)
    }

    /// `GET /ws/connections/{user}`; trouble of any kind is [`Registration::Unknown`].
    pub async fn registration(&self, user: &UserId) -> Registration {
        self.registration_and_time(user).await.0
    }

    /// The same, and what time the server told with it.
    pub async fn registration_and_time(&self, user: &UserId) -> (Registration, Option<Told>) {
        let request = self.bearer(self.http.client().get(self.below("/ws/connections", user.as_str())));
        match self.http.send(request, MAX_ANSWER_BYTES).await {
            Ok(answer) => (registered(&answer), answer.date),
            Err(ApiError::Refused { status: 404, is_ours: true, .. }) => (Registration::NotRegistered, None),
            Err(error) => {
                tracing::debug!(%error, "the server does not say who is connected");
                (Registration::Unknown, None)
            }
        }
    }

    /// `POST /api/notifications/send` to the user's own socket, with a nonce in its metadata by which it is
    /// recognised when it comes back; whether the server says that it was delivered.
    pub async fn send_test_notification(
        &self,
        user: &UserId,
        title: &str,
        message: &str,
        nonce: &str,
    ) -> Result<bool, ApiError> {
        #[derive(Serialize)]
        struct Drill<'a> {
            user_id: &'a str,
            title: &'a str,
            message: &'a str,
            priority: &'a str,
            metadata: Metadata<'a>,
        }
        #[derive(Serialize)]
        struct Metadata<'a> {
            nonce: &'a str,
        }
        #[derive(Deserialize)]
        struct Delivery {
            #[serde(default)]
            delivered: bool,
        }
        let drill =
            Drill { user_id: user.as_str(), title, message, priority: "low", metadata: Metadata { nonce } };
        let request = self.bearer(self.http.client().post(self.url("/api/notifications/send"))).json(&drill);
        let delivery: Delivery =
            read(&self.http.send(request, MAX_ANSWER_BYTES).await?, "the outcome of the test")?;
        Ok(delivery.delivered)
    }

    /// `GET /health`: the time of the answer by the server's own clock, if it says; needs no token.
    pub async fn health(&self) -> Result<Option<Told>, ApiError> {
        Ok(self.http.send(self.http.client().get(self.url("/health")), MAX_ANSWER_BYTES).await?.date)
    }

    /// Over plain HTTP a captive portal may stand in the server's place, or a proxy that wants something: no password and
    /// no token for it.
    async fn look_for_portal(&self) -> Result<(), ApiError> {
        if self.endpoint.is_private() {
            return Ok(());
        }
        match self.health().await {
            Err(error @ ApiError::Intercepted { .. }) => Err(error),
            Err(error) if error.is_of_the_way() => Err(error),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    fn get(&self, path: &str) -> RequestBuilder {
        self.bearer(self.http.client().get(self.url(path)))
    }

    fn bearer(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.token {
            Some(token) => request.bearer_auth(token.expose_secret()),
            None => request,
        }
    }

    fn url(&self, path: &str) -> Url {
        self.endpoint.http(path)
    }

    /// An address with an id as its last segment, whatever the id holds.
    fn below(&self, path: &str, id: &str) -> Url {
        let mut url = self.url(path);
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.push(id);
        }
        url
    }
}

#[derive(Deserialize)]
struct UserBody {
    id: UserId,
    #[serde(default)]
    name: String,
    #[serde(default)]
    email: String,
}

impl UserBody {
    fn checked(self) -> Result<User, ApiError> {
        Ok(User { id: self.id, name: short(&self.name), email: short(&self.email) })
    }
}

fn signed_in(answer: Answer) -> Result<SignedIn, ApiError> {
    #[derive(Deserialize)]
    struct Tokens {
        access_token: SecretString,
        refresh_token: Option<SecretString>,
        user: Option<UserBody>,
    }
    let tokens: Tokens = read(&answer, "the tokens")?;
    if tokens.access_token.expose_secret().is_empty() {
        return Err(ApiError::Garbled("the tokens"));
    }
    let user = tokens.user.map(UserBody::checked).transpose()?;
    Ok(SignedIn { access: tokens.access_token, refresh: tokens.refresh_token, user, date: answer.date })
}

fn row(answer: &Answer) -> Result<Row, ApiError> {
    Row::read(&answer.body).map_err(|_| ApiError::Garbled("a row of the record"))
}

fn registered(answer: &Answer) -> Registration {
    #[derive(Deserialize)]
    struct Stats {
        connected: Option<bool>,
        connected_at: Option<String>,
        uptime_seconds: f64,
    }
    let Ok(stats) = serde_json::from_slice::<Stats>(&answer.body) else { return Registration::Unknown };
    if stats.connected == Some(false) {
        return Registration::NotRegistered;
    }
    // A clock that was set back makes it negative.
    match Duration::try_from_secs_f64(stats.uptime_seconds.max(0.0)) {
        Ok(uptime) => Registration::Registered { uptime, connected_at: stats.connected_at },
        Err(_) => Registration::Unknown,
    }
}

fn read<'a, T: Deserialize<'a>>(answer: &'a Answer, what: &'static str) -> Result<T, ApiError> {
    serde_json::from_slice(&answer.body).map_err(|_| ApiError::Garbled(what))
}

/// Same origin, and under the same prefix also after `..` was resolved.
fn is_below(url: &Url, base: &Url) -> bool {
    let prefix = base.path().trim_end_matches('/');
    url.origin() == base.origin()
        && url.path().strip_prefix(prefix).is_some_and(|rest| rest.starts_with('/'))
        && url.username().is_empty()
}

fn short(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).take(MAX_NAME).collect()
}

#[cfg(test)]
mod tests;
