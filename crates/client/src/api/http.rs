//! One request and its answer, within bounds.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::future::BoxFuture;
use http::Method;
use http::header::{AUTHORIZATION, HeaderMap, HeaderValue, SERVER};
use jiff::Timestamp;
use reqwest::redirect::Policy;
use reqwest::{Client, Request, RequestBuilder, Response};
use rustls::ClientConfig;
use serde::Deserialize;
use tokio::time::Instant;
use url::Url;
use visionguard_proto::{Cause, Place};

use super::{ApiError, USER_AGENT};
use crate::dial::{Dial, Resolver, SystemDial, cause};
use crate::server_clock::Told;

const CONNECT_WITHIN: Duration = Duration::from_secs(10);
const ANSWER_WITHIN: Duration = Duration::from_secs(20);

/// How long finding out why there is no answer may take.
const DIAGNOSED_WITHIN: Duration = Duration::from_secs(5);

/// Below the five seconds after which the original server drops an idle connection.
const IDLE: Duration = Duration::from_secs(4);

/// What the server says in an error, and no more.
const MAX_SAID: usize = 200;

/// The HTTP client that all requests share: no redirects, 10 s to connect, 20 s in all.
///
/// A kept connection may have ended unseen: a proxy that does not say `Connection: close` closes all the same. What may be
/// said twice is said once more, on a fresh connection; what may not is said on a fresh one in the first place.
#[derive(Debug, Clone)]
pub struct Http {
    client: Client,
    /// Keeps no connection.
    fresh: Client,
    /// The way to a server, to find out why there is no answer.
    way: Arc<SystemDial>,
    exchange: Option<Arc<dyn Exchange>>,
}

/// Carries requests to the server, and its answers back; a simulation has its own.
pub trait Exchange: fmt::Debug + Send + Sync + 'static {
    /// The whole answer, or why there is none.
    fn exchange(&self, request: reqwest::Request)
    -> BoxFuture<'static, Result<http::Response<Bytes>, Cause>>;
}

/// A success, or an error in the server's own words.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) body: Bytes,
    /// The answer's `Date`, by which the server's clock is known.
    pub(super) date: Option<Told>,
}

impl Http {
    /// Uses this TLS and the system's proxies.
    pub fn new(tls: &Arc<ClientConfig>) -> Result<Http, ApiError> {
        Http::with_limits(tls, CONNECT_WITHIN, ANSWER_WITHIN)
    }

    pub(super) fn with_limits(
        tls: &Arc<ClientConfig>,
        connect: Duration,
        answer: Duration,
    ) -> Result<Http, ApiError> {
        let way = Arc::new(SystemDial::new(Arc::clone(tls)));
        let client = |kept: usize| {
            Client::builder()
                .tls_backend_preconfigured(ClientConfig::clone(way.tls()))
                .user_agent(USER_AGENT)
                .dns_resolver(Arc::new(Resolver))
                .redirect(Policy::none())
                .connect_timeout(connect)
                .timeout(answer)
                .pool_idle_timeout(IDLE)
                .pool_max_idle_per_host(kept)
                .tcp_nodelay(true)
                .referer(false)
                .build()
                .map_err(|_| ApiError::Impossible("the HTTP client cannot be set up"))
        };
        let (client, fresh) = (client(usize::MAX)?, client(0)?);
        Ok(Http { client, fresh, way, exchange: None })
    }

    /// The same, with the network replaced by this.
    pub fn through(&self, exchange: Arc<dyn Exchange>) -> Http {
        Http { exchange: Some(exchange), ..self.clone() }
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }
}

impl Http {
    /// Sends a request and reads at most `limit` bytes of its answer.
    pub(super) async fn send(&self, request: RequestBuilder, limit: usize) -> Result<Answer, ApiError> {
        let asked_at = Instant::now();
        let request = request.build().map_err(|error| unreachable(&error))?;
        let (url, token) = (request.url().clone(), token_of(&request));
        let response = match &self.exchange {
            None => self.exchanged(request).await?,
            Some(exchange) => replaced(&**exchange, request).await?,
        };
        answer(response, limit, &Asked { url, token, at: asked_at, way: &self.way }).await
    }

    async fn exchanged(&self, request: Request) -> Result<Response, ApiError> {
        let (url, asked) = (request.url().clone(), self.way.asked_for_certificate());
        let outcome = match (is_idempotent(request.method()), request.try_clone()) {
            (true, Some(again)) => match self.client.execute(request).await {
                Err(error) if ended_unseen(&error) => {
                    tracing::debug!("a kept connection had ended: asking once more");
                    self.fresh.execute(again).await
                }
                outcome => outcome,
            },
            (true, None) | (false, _) => self.fresh.execute(request).await,
        };
        match outcome {
            Ok(response) => Ok(response),
            Err(error) => {
                let was_asked = self.way.asked_for_certificate() > asked;
                Err(self.diagnosed(&url, &error, was_asked).await)
            }
        }
    }

    /// Why there is no answer, as exactly as can be found out without a secret.
    async fn diagnosed(&self, url: &Url, error: &reqwest::Error, was_asked: bool) -> ApiError {
        let failure = unreachable(error);
        let ApiError::Unreachable(cause) = failure else { return failure };
        if was_asked && (cause == Cause::Lost || cause::is_alert(error)) {
            return ApiError::Unreachable(Cause::CertificateWanted);
        }
        if error.is_connect() && self.way.proxy(url).is_some() {
            let way = tokio::time::timeout(DIAGNOSED_WITHIN, self.way.dial(url)).await;
            if let Ok(Err(named @ (Cause::ProxyUnreachable(_) | Cause::ProxyRefused { .. }))) = way {
                return ApiError::Unreachable(named);
            }
        }
        let is_lost = matches!(cause, Cause::Lost | Cause::Garbled);
        if is_lost && url.scheme() == "http" && self.way.speaks_tls(url).await {
            return ApiError::Unreachable(Cause::TlsWanted);
        }
        failure
    }
}

/// Whether saying it twice does what saying it once does. A decision is: its status is set, not counted.
fn is_idempotent(method: &Method) -> bool {
    method.is_idempotent() || *method == Method::PATCH
}

/// The connection was there and ended before any answer.
fn ended_unseen(error: &reqwest::Error) -> bool {
    !error.is_connect()
        && !error.is_timeout()
        && !error.is_builder()
        && matches!(unreachable(error), ApiError::Unreachable(Cause::Lost))
}

/// How long the token is that a request bears.
fn token_of(request: &Request) -> usize {
    request.headers().get(AUTHORIZATION).map_or(0, HeaderValue::len)
}

/// What an answer is the answer to.
struct Asked<'a> {
    url: Url,
    token: usize,
    at: Instant,
    way: &'a SystemDial,
}

impl Asked<'_> {
    /// What something on the way says by this answer, where it is not the server's own.
    fn on_the_way(&self, status: u16, headers: &HeaderMap, body: &[u8]) -> Option<ApiError> {
        if let Some(proxy) = self.own_proxy(status, headers) {
            return Some(ApiError::Unreachable(Cause::ProxyRefused { proxy, status: Some(status) }));
        }
        let answer = cause::Answer { url: &self.url, token: self.token, status, headers, body };
        let cause = cause::on_the_way(&answer, Timestamp::now())?;
        let is_interception = cause == Cause::Intercepted;
        Some(if is_interception { ApiError::Intercepted { status } } else { ApiError::Unreachable(cause) })
    }

    /// Plain HTTP is handed to this computer's proxy whole, whose refusals then look like answers.
    fn own_proxy(&self, status: u16, headers: &HeaderMap) -> Option<Place> {
        let is_marked = headers.contains_key("x-squid-error")
            || headers.get(SERVER).is_some_and(|server| server.as_bytes().starts_with(b"tinyproxy"));
        if self.url.scheme() != "http" || !(status == 407 || status >= 400 && is_marked) {
            return None;
        }
        self.way.proxy(&self.url)
    }
}

async fn replaced(exchange: &dyn Exchange, request: Request) -> Result<Response, ApiError> {
    match tokio::time::timeout(ANSWER_WITHIN, exchange.exchange(request)).await {
        Ok(Ok(response)) => Ok(Response::from(response)),
        Ok(Err(cause)) => Err(ApiError::Unreachable(cause)),
        Err(_) => Err(ApiError::Unreachable(Cause::TimedOut)),
    }
}

async fn answer(mut response: Response, limit: usize, asked: &Asked<'_>) -> Result<Answer, ApiError> {
    if !response.status().is_success() {
        return Err(refused(response, asked).await);
    }
    let status = response.status().as_u16();
    let date = date(&response).map(|date| Told { date, asked_at: asked.at });
    if let Some(error) = asked.on_the_way(status, response.headers(), &[]) {
        return Err(error);
    }
    let body = body(&mut response, limit).await?;
    Ok(Answer { body, date })
}

async fn body(response: &mut Response, limit: usize) -> Result<Bytes, ApiError> {
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| unreachable(&error))? {
        if body.len() + chunk.len() > limit {
            return Err(ApiError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

async fn refused(mut response: Response, asked: &Asked<'_>) -> ApiError {
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    let body = body(&mut response, 16 * 1024).await.unwrap_or_default();
    if let Some(error) = asked.on_the_way(status, &headers, &body) {
        return error;
    }
    let retry_after = cause::retry_after(&headers, Timestamp::now());
    let is_ours = cause::is_ours(&headers, &body);
    let read: Option<Said> = serde_json::from_slice(&body).ok().filter(|_| is_ours);
    // The original repeats the request in a 422, password and all.
    let said = read.filter(|_| status != 422).and_then(Said::text);
    ApiError::Refused { status, said, retry_after, is_ours }
}

/// The original says `detail` in some errors and `message` in others.
#[derive(Deserialize)]
struct Said {
    detail: Option<serde_json::Value>,
    message: Option<String>,
}

impl Said {
    /// For a person; `detail` may also be a list, which is not for reading.
    fn text(self) -> Option<String> {
        let detail = self.detail.as_ref().and_then(|detail| detail.as_str()).map(str::to_owned);
        let text = detail.or(self.message)?;
        Some(text.chars().filter(|character| !character.is_control()).take(MAX_SAID).collect())
    }
}

fn date(response: &Response) -> Option<Timestamp> {
    let text = response.headers().get(http::header::DATE)?.to_str().ok()?;
    Some(jiff::fmt::rfc2822::parse(text).ok()?.timestamp())
}

/// `reqwest`'s own text holds the address, query and all; only the kind of failure leaves here.
fn unreachable(error: &reqwest::Error) -> ApiError {
    if error.is_timeout() {
        return ApiError::Unreachable(Cause::TimedOut);
    }
    if error.is_builder() {
        return ApiError::Impossible("the address cannot be asked");
    }
    ApiError::Unreachable(cause::of_error(error))
}
