//! Opens byte streams to the server: names, proxies, TCP, TLS. Knows no protocol above them.

mod asked;
pub mod cause;
mod names;
mod proxy;

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use rustls::ClientConfig;
use rustls::pki_types::{IpAddr, ServerName};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tower_service::Service;
use url::{Host, Url};
use visionguard_proto::{Cause, Place};

use crate::network::{Signs, WayOut};
use asked::{Asked, Unheard};

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

    /// Whether what listens at the host and port of `url` speaks TLS, whoever it is; asked where plain HTTP got no answer.
    fn speaks_tls<'a>(&'a self, url: &'a Url) -> BoxFuture<'a, bool> {
        let _ = url;
        Box::pin(async { false })
    }

    /// Tells when to look at the way there anew; inside a runtime.
    fn signs(&self) -> Signs {
        Signs::none()
    }

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
    asked: Arc<Asked>,
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
        let (tls, asked) = asked::noting(&tls);
        SystemDial { tls, asked, proxies: Proxies::System }
    }

    /// The TLS of its streams.
    pub(crate) fn tls(&self) -> &Arc<ClientConfig> {
        &self.tls
    }

    /// How often a server asked for a certificate of this computer, on any connection with [`SystemDial::tls`].
    pub(crate) fn asked_for_certificate(&self) -> usize {
        self.asked.times()
    }

    /// The proxy on the way to this place, as the system has it now.
    pub(crate) fn proxy(&self, url: &Url) -> Option<Place> {
        Some(proxy::place(&self.intercept(&Destination::of(url).ok()?)?))
    }

    #[cfg(test)]
    pub(crate) fn with_proxies(tls: Arc<ClientConfig>, proxies: Matcher) -> SystemDial {
        SystemDial { proxies: Proxies::These(Box::new(proxies)), ..SystemDial::new(tls) }
    }

    fn intercept(&self, destination: &Destination) -> Option<Intercept> {
        match &self.proxies {
            Proxies::System => Matcher::from_system().intercept(&destination.uri),
            Proxies::These(matcher) => matcher.intercept(&destination.uri),
        }
    }

    async fn open(&self, url: &Url) -> Result<Box<dyn Io>, Cause> {
        let destination = Destination::of(url)?;
        let stream = match self.intercept(&destination) {
            None => Box::new(tcp(&destination.uri).await?),
            Some(proxy) => proxy::tunnel(&proxy, &destination, &self.tls).await?,
        };
        if !destination.secure {
            return Ok(stream);
        }
        let before = self.asked.times();
        let outcome = tls(stream, destination.name, &self.tls).await;
        let was_asked = self.asked.times() > before;
        match outcome {
            Ok(stream) if was_asked => Ok(Box::new(Unheard::new(stream))),
            Ok(stream) => Ok(stream),
            Err(error) => {
                let cause = cause::of_io(&error);
                let ended = cause == Cause::Lost || (cause == Cause::Tls && cause::is_alert(&error));
                Err(if was_asked && ended { Cause::CertificateWanted } else { cause })
            }
        }
    }
}

/// How long something may take to show that it speaks TLS.
const TLS_WITHIN: Duration = Duration::from_secs(5);

impl Dial for SystemDial {
    fn dial<'a>(&'a self, url: &'a Url) -> BoxFuture<'a, Result<Box<dyn Io>, Cause>> {
        Box::pin(self.open(url))
    }

    fn speaks_tls<'a>(&'a self, url: &'a Url) -> BoxFuture<'a, bool> {
        Box::pin(async move {
            let mut encrypted = url.clone();
            // The port of plain HTTP stays where the address has none.
            let port = url.port_or_known_default();
            let scheme = if matches!(url.scheme(), "ws" | "wss") { "wss" } else { "https" };
            if encrypted.set_scheme(scheme).is_err() || encrypted.set_port(port).is_err() {
                return false;
            }
            let outcome = tokio::time::timeout(TLS_WITHIN, self.open(&encrypted)).await;
            matches!(outcome, Ok(Ok(_) | Err(Cause::Tls | Cause::CertificateWanted)))
        })
    }

    fn signs(&self) -> Signs {
        Signs::of_the_kernel()
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
) -> io::Result<Box<dyn Io>> {
    match TlsConnector::from(Arc::clone(config)).connect(name, stream).await {
        Ok(stream) => Ok(Box::new(stream)),
        Err(error) => {
            tracing::debug!(%error, "tls failed");
            Err(error)
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
