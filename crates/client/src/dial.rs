//! Opens byte streams to the server: names, proxies, TCP, TLS. Knows no protocol above them.

use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use rustls::ClientConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use url::Url;
use visionguard_proto::Cause;

/// A byte stream.
pub trait Io: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> Io for T {}

/// A way to reach a server; tests have their own.
pub trait Dial: fmt::Debug + Send + Sync + 'static {
    /// Opens a stream to the host of `url` (`ws`, `wss`, `http` or `https`), encrypted where its scheme says so.
    fn dial<'a>(&'a self, url: &'a Url) -> BoxFuture<'a, Result<Box<dyn Io>, Cause>>;
}

/// The network as the system sets it up: its resolver, its proxies, its idea of trust.
#[derive(Debug)]
pub struct SystemDial {
    tls: Arc<ClientConfig>,
}

impl SystemDial {
    /// Reads the system's proxy settings; they are asked anew for each stream.
    pub fn new(tls: Arc<ClientConfig>) -> SystemDial {
        SystemDial { tls }
    }
}

impl Dial for SystemDial {
    fn dial<'a>(&'a self, url: &'a Url) -> BoxFuture<'a, Result<Box<dyn Io>, Cause>> {
        let _ = (url, &self.tls);
        todo!()
    }
}
