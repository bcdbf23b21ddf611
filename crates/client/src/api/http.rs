//! One request and its answer, within bounds.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::future::BoxFuture;
use http::header::CONTENT_TYPE;
use jiff::Timestamp;
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Response};
use rustls::ClientConfig;
use serde::Deserialize;
use tokio::time::Instant;
use visionguard_proto::Cause;

use super::{ApiError, USER_AGENT};
use crate::dial::{Resolver, cause};
use crate::server_clock::Told;

const CONNECT_WITHIN: Duration = Duration::from_secs(10);
const ANSWER_WITHIN: Duration = Duration::from_secs(20);

/// Below the five seconds after which the original server drops an idle connection.
const IDLE: Duration = Duration::from_secs(4);

/// What the server says in an error, and no more.
const MAX_SAID: usize = 200;

/// The HTTP client that all requests share: no redirects, 10 s to connect, 20 s in all.
#[derive(Debug, Clone)]
pub struct Http {
    client: Client,
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
        let client = Client::builder()
            .tls_backend_preconfigured(ClientConfig::clone(tls))
            .user_agent(USER_AGENT)
            .dns_resolver(Arc::new(Resolver))
            .redirect(Policy::none())
            .connect_timeout(connect)
            .timeout(answer)
            .pool_idle_timeout(IDLE)
            .tcp_nodelay(true)
            .referer(false)
            .build()
            .map_err(|_| ApiError::Impossible("the HTTP client cannot be set up"))?;
        Ok(Http { client, exchange: None })
    }

    /// The same, with the network replaced by this.
    pub fn through(&self, exchange: Arc<dyn Exchange>) -> Http {
        Http { client: self.client.clone(), exchange: Some(exchange) }
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }
}

impl Http {
    /// Sends a request and reads at most `limit` bytes of its answer.
    pub(super) async fn send(&self, request: RequestBuilder, limit: usize) -> Result<Answer, ApiError> {
        let asked_at = Instant::now();
        let response = match &self.exchange {
            None => request.send().await.map_err(|error| unreachable(&error))?,
            Some(exchange) => replaced(&**exchange, request).await?,
        };
        answer(response, asked_at, limit).await
    }
}

async fn replaced(exchange: &dyn Exchange, request: RequestBuilder) -> Result<Response, ApiError> {
    let request = request.build().map_err(|error| unreachable(&error))?;
    match tokio::time::timeout(ANSWER_WITHIN, exchange.exchange(request)).await {
        Ok(Ok(response)) => Ok(Response::from(response)),
        Ok(Err(cause)) => Err(ApiError::Unreachable(cause)),
        Err(_) => Err(ApiError::Unreachable(Cause::TimedOut)),
    }
}

async fn answer(mut response: Response, asked_at: Instant, limit: usize) -> Result<Answer, ApiError> {
    let status = response.status().as_u16();
    if cause::is_interception(status, response.headers()) {
        return Err(ApiError::Intercepted { status });
    }

    let date = date(&response).map(|date| Told { date, asked_at });
    if !response.status().is_success() {
        return Err(refused(response).await);
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

async fn refused(mut response: Response) -> ApiError {
    let status = response.status().as_u16();
    let retry_after = cause::retry_after(response.headers(), Timestamp::now());
    let is_json = response
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|content| content.starts_with("application/json"));

    let body = body(&mut response, 16 * 1024).await.ok().filter(|_| is_json);
    let read: Option<Said> = body.and_then(|body| serde_json::from_slice(&body).ok());
    let is_ours = read.as_ref().is_some_and(|said| said.detail.is_some() || said.message.is_some());
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
