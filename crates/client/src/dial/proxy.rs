//! Through a proxy: CONNECT with or without a password, SOCKS 4 and 5. Proxies that want NTLM or Kerberos are refused.

use std::sync::Arc;
use std::time::Duration;

use hyper_util::client::legacy::connect::proxy::{SocksV4, SocksV5};
use hyper_util::client::proxy::matcher::Intercept;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use tower_service::Service;
use url::Url;
use visionguard_proto::{Cause, Place};

use super::{Destination, Io, cause, connector, tcp, tls};

/// Longest answer to CONNECT that is read.
const MAX_ANSWER_BYTES: usize = 8 * 1024;

/// How long a proxy may take to say whether it leads to the server.
const ANSWER_WITHIN: Duration = Duration::from_secs(12);

/// Where a proxy is, without its password.
pub(super) fn place(proxy: &Intercept) -> Place {
    Place::new(proxy.uri().authority().map_or("", |authority| authority.as_str()))
}

/// A stream to `destination` through `proxy`; whatever goes wrong before it stands is put down to the proxy, which is
/// named.
pub(super) async fn tunnel(
    proxy: &Intercept,
    destination: &Destination,
    trust: &Arc<ClientConfig>,
) -> Result<Box<dyn Io>, Cause> {
    match timeout(ANSWER_WITHIN, through(proxy, destination, trust)).await {
        Ok(outcome) => outcome,
        Err(_) => Err(Cause::ProxyRefused { proxy: place(proxy), status: None }),
    }
}

async fn through(
    proxy: &Intercept,
    destination: &Destination,
    trust: &Arc<ClientConfig>,
) -> Result<Box<dyn Io>, Cause> {
    match proxy.uri().scheme_str() {
        Some("socks5" | "socks5h" | "socks") => socks5(proxy, destination).await,
        Some("socks4" | "socks4a") => socks4(proxy, destination).await,
        Some("https") => {
            let stream = Box::new(tcp(proxy.uri()).await.map_err(|cause| unreachable(proxy, cause))?);
            let stream = tls(stream, name_of(proxy)?, trust).await;
            connect(stream.map_err(|error| unreachable(proxy, cause::of_io(&error)))?, proxy, destination)
                .await
        }
        _ => {
            let stream = tcp(proxy.uri()).await.map_err(|cause| unreachable(proxy, cause))?;
            connect(Box::new(stream), proxy, destination).await
        }
    }
}

/// Without a network there is no proxy either, and it is not its fault.
fn unreachable(proxy: &Intercept, cause: Cause) -> Cause {
    match cause == Cause::NoRoute {
        true => cause,
        false => Cause::ProxyUnreachable(place(proxy)),
    }
}

fn name_of(proxy: &Intercept) -> Result<ServerName<'static>, Cause> {
    let url = Url::parse(&proxy.uri().to_string()).map_err(|_| Cause::NameUnknown)?;
    Ok(Destination::of(&url)?.name)
}

async fn socks5(proxy: &Intercept, destination: &Destination) -> Result<Box<dyn Io>, Cause> {
    let mut socks = SocksV5::new(with_socks_port(proxy.uri()), connector());
    if let Some((user, password)) = proxy.raw_auth() {
        socks = socks.with_auth(user.to_owned(), password.to_owned());
    }
    match socks.call(destination.uri.clone()).await {
        Ok(stream) => Ok(Box::new(stream.into_inner())),
        Err(error) => Err(socks_cause(proxy, &error)),
    }
}

async fn socks4(proxy: &Intercept, destination: &Destination) -> Result<Box<dyn Io>, Cause> {
    let mut socks = SocksV4::new(with_socks_port(proxy.uri()), connector());
    match socks.call(destination.uri.clone()).await {
        Ok(stream) => Ok(Box::new(stream.into_inner())),
        Err(error) => Err(socks_cause(proxy, &error)),
    }
}

fn with_socks_port(uri: &http::Uri) -> http::Uri {
    if uri.port().is_some() {
        return uri.clone();
    }
    let with_port = uri.host().map(|host| format!("socks5://{host}:1080"));
    with_port.and_then(|text| text.parse().ok()).unwrap_or_else(|| uri.clone())
}

type SocksError = <SocksV5<super::HttpConnector<super::Resolver>> as Service<http::Uri>>::Error;

fn socks_cause(proxy: &Intercept, error: &SocksError) -> Cause {
    let refused = Cause::ProxyRefused { proxy: place(proxy), status: None };
    match error {
        SocksError::Inner(error) => unreachable(proxy, cause::of_error(error)),
        // With the original form of SOCKS the name is looked up here.
        SocksError::DnsFailure => Cause::NameUnknown,
        // What SOCKS says about the destination beyond its own refusals is not exposed.
        SocksError::V5(_)
        | SocksError::V4(_)
        | SocksError::Io(_)
        | SocksError::MissingHost
        | SocksError::MissingPort
        | SocksError::Parsing(_)
        | SocksError::Serialize(_) => refused,
    }
}

/// Asks an HTTP proxy for a way through (RFC 9110, 9.3.6).
async fn connect(
    mut stream: Box<dyn Io>,
    proxy: &Intercept,
    destination: &Destination,
) -> Result<Box<dyn Io>, Cause> {
    let authority = &destination.authority;
    let mut request = format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n").into_bytes();
    if let Some(password) = proxy.basic_auth() {
        request.extend_from_slice(b"Proxy-Authorization: ");
        request.extend_from_slice(password.as_bytes());
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"\r\n");
    let refused = |status| Cause::ProxyRefused { proxy: place(proxy), status };
    stream.write_all(&request).await.map_err(|_| refused(None))?;

    match status_of(&mut stream).await {
        Some(200..=299) => Ok(stream),
        status => {
            tracing::debug!(status, proxy = %place(proxy), "the proxy does not lead to the server");
            Err(refused(status))
        }
    }
}

/// Reads the answer's head byte by byte: what follows it belongs to the tunnel. None for what is no answer by HTTP.
async fn status_of(stream: &mut Box<dyn Io>) -> Option<u16> {
    let mut head = Vec::with_capacity(256);
    while !head.ends_with(b"\r\n\r\n") && head.len() < MAX_ANSWER_BYTES {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            // A refusal whose end is missing is one all the same.
            Err(_) => break,
        }
    }
    let is_whole = head.ends_with(b"\r\n\r\n");
    let head = String::from_utf8_lossy(&head);
    let mut words = head.split_ascii_whitespace();
    let is_http = words.next().is_some_and(|version| version.starts_with("HTTP/1."));
    let status: Option<u16> = words.next().and_then(|word| word.parse().ok());
    status.filter(|status| {
        is_http && (100..=999).contains(status) && (is_whole || !(200..=299).contains(status))
    })
}
