//! The server's HTTP side, as `docs/protocol.md` has it: typed requests, one error, no secret in any text.
//!
//! Does not retry and keeps nothing.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rustls::ClientConfig;
use secrecy::SecretString;
use visionguard_proto::record::{RecordPage, Row, Status};
use visionguard_proto::{AnomalyId, Cause, Endpoint, ShopId, UserId};

use crate::view::Problem;

/// The HTTP client that all requests share: no redirects, 10 s to connect, 20 s in all.
#[derive(Debug, Clone)]
pub struct Http {}

impl Http {
    /// Uses this TLS and the system's proxies.
    pub fn new(tls: &Arc<ClientConfig>) -> Result<Http, ApiError> {
        let _ = tls;
        todo!()
    }
}

/// One server, with or without a token. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Api {}

/// What a sign-in or a refresh brings.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// Opens the socket and the API.
    pub access: SecretString,
    /// Obtains a new access token, where the server has such a thing.
    pub refresh: Option<SecretString>,
    /// Who it is; a refresh may leave it out.
    pub user: Option<User>,
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
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Registration {
    /// It does, to one that is this old.
    Registered {
        /// The age of the socket that owns the slot.
        uptime: Duration,
    },
    /// It does not: an open socket is deaf.
    NotRegistered,
    /// It does not say.
    Unknown,
}

/// Why a request was not answered as hoped. Holds no URL, no body and no secret.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ApiError {
    /// The server could not be reached, or the connection failed; never [`Cause::Http`].
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
    /// The token is not accepted.
    pub fn is_unauthorized(&self) -> bool {
        todo!()
    }

    /// There is no such thing, or no such route: the original answers both alike.
    pub fn is_not_found(&self) -> bool {
        todo!()
    }

    /// Whether the same request may succeed later.
    pub fn can_retry(&self) -> bool {
        todo!()
    }

    /// How long the server asks to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        todo!()
    }

    /// The code of [`Problem`]: `wrong_password`, `wrong_address`, `unreachable`, `portal`, `tls`, `server_error`, `invalid`.
    pub fn code(&self) -> &'static str {
        todo!()
    }

    /// The same for a person, in a sentence.
    pub fn problem(&self) -> Problem {
        todo!()
    }
}

#[allow(clippy::unused_async, reason = "signatures first")]
impl Api {
    /// The server at `endpoint`, without a token.
    pub fn new(http: &Http, endpoint: Endpoint) -> Api {
        let _ = (http, endpoint);
        todo!()
    }

    /// The same server, with a token.
    pub fn with_token(&self, token: SecretString) -> Api {
        let _ = token;
        todo!()
    }

    /// `POST /auth/login`.
    pub async fn sign_in(&self, email: &str, password: &SecretString) -> Result<SignedIn, ApiError> {
        let _ = (email, password);
        todo!()
    }

    /// `GET /auth/me`.
    pub async fn me(&self) -> Result<User, ApiError> {
        todo!()
    }

    /// `POST /auth/refresh`; 404 where the server has no such thing.
    pub async fn refresh(&self, refresh: &SecretString) -> Result<SignedIn, ApiError> {
        let _ = refresh;
        todo!()
    }

    /// `POST /auth/logout`.
    pub async fn logout(&self) -> Result<(), ApiError> {
        todo!()
    }

    /// `GET /shops`: those the user owns or manages.
    pub async fn shops(&self) -> Result<Vec<Shop>, ApiError> {
        todo!()
    }

    /// `GET /api/anomalies` of one shop, newest first; `limit` 1 to 500.
    pub async fn anomalies(&self, shop: &ShopId, limit: u32, offset: u64) -> Result<RecordPage, ApiError> {
        let _ = (shop, limit, offset);
        todo!()
    }

    /// `GET /api/anomalies/{id}`.
    pub async fn anomaly(&self, id: &AnomalyId) -> Result<Row, ApiError> {
        let _ = id;
        todo!()
    }

    /// `PATCH /api/anomalies/{id}`; without notes those of the record stay.
    pub async fn patch(&self, id: &AnomalyId, status: Status, notes: Option<&str>) -> Result<Row, ApiError> {
        let _ = (id, status, notes);
        todo!()
    }

    /// A picture of the record by its path (`image_url` of a row). Only below this server's own address.
    pub async fn frame(&self, path: &str) -> Result<Bytes, ApiError> {
        let _ = path;
        todo!()
    }

    /// `GET /ws/connections/{user}`; trouble of any kind is [`Registration::Unknown`].
    pub async fn registration(&self, user: &UserId) -> Registration {
        let _ = user;
        todo!()
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
        let _ = (user, title, message, nonce);
        todo!()
    }
}
