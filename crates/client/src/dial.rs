//! Opens byte streams to the server: names, proxies, TCP, TLS. Knows no protocol above them.

pub mod cause;
mod names;
mod proxy;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::proxy::matcher::Matcher;
use rustls::ClientConfig;
use rustls::pki_types::{IpAddr, ServerName};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tower_service::Service;
use url::{Host, Url};
use visionguard_proto::Cause;

use crate::network::WayOut;

pub(crate) use names::Resolver;

/// Between two addresses of one name, of which the first may lead nowhere.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);

/// When an idle stream is probed by the kernel; the heartbeat above is faster, this is for what it cannot see.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// A byte stream.
pub trait Io: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> Io for T {}

/// A way to reach a server; tests have their own.
pub trait Dial: fmt::Debug + Send + Sync + 'static {
    /// Opens a stream to the host of `url` (`ws`, `wss`, `http` or `https`), encrypted where its scheme says so.
    /// Dropping the future abandons the attempt; the deadline is the caller's.
    fn dial<'a>(&'a self, url: &'a Url) -> BoxFuture<'a, Result<Box<dyn Io>, Cause>>;

    /// The way there as the system sees it now; when it changes, the network did.
    fn way_out(&self, url: &Url) -> WayOut {
        let _ = url;
        WayOut::default()
    }
}

/// The network as the system sets it up: its resolver, its proxies, its idea of trust.
#[derive(Debug)]
pub struct SystemDial {
    tls: Arc<ClientConfig>,
    proxies: Proxies,
}

#[derive(Debug)]
enum Proxies {
    /// Asked anew for each stream, since a laptop changes networks.
    System,
    #[allow(dead_code, reason = "tests bring their own")]
    These(Box<Matcher>),
}

impl SystemDial {
    /// The system's proxy settings are asked anew for each stream.
    pub fn new(tls: Arc<ClientConfig>) -> SystemDial {
        SystemDial { tls, proxies: Proxies::System }
    }

    #[cfg(test)]
    fn with_proxies(tls: Arc<ClientConfig>, proxies: Matcher) -> SystemDial {
        SystemDial { tls, proxies: Proxies::These(Box::new(proxies)) }
    }

    async fn open(&self, url: &Url) -> Result<Box<dyn Io>, Cause> {
        let destination = Destination::of(url)?;
        let proxy = match &self.proxies {
            Proxies::System => Matcher::from_system().intercept(&destination.uri),
            Proxies::These(matcher) => matcher.intercept(&destination.uri),
        };

        let stream = match proxy {
            None => Box::new(tcp(&destination.uri).await?),
            Some(proxy) => proxy::tunnel(&proxy, &destination, &self.tls).await?,
        };
        if !destination.secure {
            return Ok(stream);
        }
        tls(stream, destination.name, &self.tls).await
    }
}

impl Dial for SystemDial {
    fn dial<'a>(&'a self, url: &'a Url) -> BoxFuture<'a, Result<Box<dyn Io>, Cause>> {
        Box::pin(self.open(url))
    }

    fn way_out(&self, url: &Url) -> WayOut {
        WayOut::to(url)
    }
}

/// Where a stream leads.
#[derive(Debug)]
struct Destination {
    /// `http(s)://host:port/`: connectors and proxy settings know no `ws`.
    uri: http::Uri,
    /// `host:port`, an IPv6 address in brackets.
    authority: String,
    name: ServerName<'static>,
    secure: bool,
}

impl Destination {
    fn of(url: &Url) -> Result<Destination, Cause> {
        let secure = matches!(url.scheme(), "wss" | "https");
        let host = url.host().ok_or(Cause::NameUnknown)?;
        let port = url.port_or_known_default().ok_or(Cause::NameUnknown)?;

        let authority = format!("{host}:{port}");
        let scheme = if secure { "https" } else { "http" };
        let uri = format!("{scheme}://{authority}/").parse().map_err(|_| Cause::NameUnknown)?;
        let name = match host {
            Host::Domain(name) => ServerName::try_from(name.to_owned()).map_err(|_| Cause::NameUnknown)?,
            Host::Ipv4(address) => ServerName::IpAddress(IpAddr::from(std::net::IpAddr::V4(address))),
            Host::Ipv6(address) => ServerName::IpAddress(IpAddr::from(std::net::IpAddr::V6(address))),
        };
        Ok(Destination { uri, authority, name, secure })
    }
}

/// A TCP stream to the host and port of `uri`, to whichever of its addresses answers first.
async fn tcp(uri: &http::Uri) -> Result<TcpStream, Cause> {
    match connector().call(uri.clone()).await {
        Ok(stream) => Ok(stream.into_inner()),
        Err(error) => Err(cause::of_error(&error)),
    }
}

async fn tls(
    stream: Box<dyn Io>,
    name: ServerName<'static>,
    config: &Arc<ClientConfig>,
) -> Result<Box<dyn Io>, Cause> {
    match TlsConnector::from(Arc::clone(config)).connect(name, stream).await {
        Ok(stream) => Ok(Box::new(stream)),
        Err(error) => {
            tracing::debug!(%error, "tls failed");
            Err(cause::of_io(&error))
        }
    }
}

fn connector() -> HttpConnector<Resolver> {
    let mut connector = HttpConnector::new_with_resolver(Resolver);
    connector.enforce_http(false);
    connector.set_nodelay(true);
    connector.set_keepalive(Some(KEEPALIVE));
    connector.set_keepalive_interval(Some(KEEPALIVE / 3));
    connector.set_keepalive_retries(Some(3));
    connector.set_connect_timeout(Some(CONNECT_WITHIN));
    connector
}

#[cfg(test)]
mod tests;
