//! Through a proxy: CONNECT with or without a password, SOCKS 4 and 5. Proxies that want NTLM or Kerberos are refused.

use std::sync::Arc;

use hyper_util::client::legacy::connect::proxy::{SocksV4, SocksV5};
use hyper_util::client::proxy::matcher::Intercept;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tower_service::Service;
use url::Url;
use visionguard_proto::Cause;

use super::{Destination, Io, cause, connector, tcp, tls};

/// Longest answer to CONNECT that is read.
const MAX_ANSWER_BYTES: usize = 8 * 1024;

/// A stream to `destination` through `proxy`.
pub(super) async fn tunnel(
    proxy: &Intercept,
    destination: &Destination,
    trust: &Arc<ClientConfig>,
) -> Result<Box<dyn Io>, Cause> {
    match proxy.uri().scheme_str() {
        Some("socks5" | "socks5h" | "socks") => socks5(proxy, destination).await,
        Some("socks4" | "socks4a") => socks4(proxy, destination).await,
        Some("https") => {
            let stream = Box::new(tcp(proxy.uri()).await?);
            let stream = tls(stream, name_of(proxy)?, trust).await?;
            connect(stream, proxy, destination).await
        }
        _ => connect(Box::new(tcp(proxy.uri()).await?), proxy, destination).await,
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
        Err(error) => Err(socks_cause(&error)),
    }
}

async fn socks4(proxy: &Intercept, destination: &Destination) -> Result<Box<dyn Io>, Cause> {
    let mut socks = SocksV4::new(with_socks_port(proxy.uri()), connector());
    match socks.call(destination.uri.clone()).await {
        Ok(stream) => Ok(Box::new(stream.into_inner())),
        Err(error) => Err(socks_cause(&error)),
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

fn socks_cause(error: &SocksError) -> Cause {
    match error {
        SocksError::Inner(error) => cause::of_error(error),
        SocksError::Io(error) => cause::of_io(error),
        SocksError::DnsFailure => Cause::NameUnknown,
        // What SOCKS says about the destination beyond its own refusals is not exposed; it is tried again soon.
        SocksError::V5(_) | SocksError::V4(_) => Cause::Refused,
        SocksError::MissingHost
        | SocksError::MissingPort
        | SocksError::Parsing(_)
        | SocksError::Serialize(_) => Cause::Intercepted,
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
    stream.write_all(&request).await.map_err(|error| cause::of_io(&error))?;

    match status_of(&mut stream).await? {
        200..=299 => Ok(stream),
        status @ 500..=599 if status != 511 => Err(Cause::Http { status, retry_after: None }),
        status => {
            tracing::debug!(status, "the proxy refuses");
            Err(Cause::Intercepted)
        }
    }
}

/// Reads the answer's head byte by byte: what follows it belongs to the tunnel.
async fn status_of(stream: &mut Box<dyn Io>) -> Result<u16, Cause> {
    let mut head = Vec::with_capacity(256);
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() >= MAX_ANSWER_BYTES {
            return Err(Cause::Intercepted);
        }
        head.push(stream.read_u8().await.map_err(|error| cause::of_io(&error))?);
    }
    let head = String::from_utf8_lossy(&head);
    let mut words = head.split_ascii_whitespace();
    let is_http = words.next().is_some_and(|version| version.starts_with("HTTP/1."));
    let status = words.next().and_then(|word| word.parse().ok());
    status.filter(|_| is_http).ok_or(Cause::Intercepted)
}
