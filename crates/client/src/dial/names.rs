//! The system's resolver, with an error that can be told from the others.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper_util::client::legacy::connect::dns::Name;
use reqwest::dns::{Addrs, Resolve, Resolving};
use tower_service::Service;

/// Asks the system for the addresses of a name, for the socket and for the API alike.
#[derive(Debug, Clone)]
pub(crate) struct Resolver;

/// The name of the server has no address.
#[derive(Debug, thiserror::Error)]
#[error("the name is not known")]
pub(crate) struct NameUnknown(#[source] io::Error);

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = NameUnknown;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, NameUnknown>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), NameUnknown>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        Box::pin(async move { look_up(name.as_str()).await })
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: reqwest::dns::Name) -> Resolving {
        Box::pin(async move { Ok(Box::new(look_up(name.as_str()).await?) as Addrs) })
    }
}

async fn look_up(name: &str) -> Result<std::vec::IntoIter<SocketAddr>, NameUnknown> {
    let addresses = tokio::net::lookup_host((name, 0)).await.map_err(NameUnknown)?;
    Ok(addresses.collect::<Vec<_>>().into_iter())
}
