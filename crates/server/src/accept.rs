//! Takes connections: so many at once, each given so long to say what it wants.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use crate::config::Limits;

/// Most bytes of a request's header, and of what is read of a body at once.
const HEADER: usize = 16 * 1024;
/// Most header lines.
const HEADER_LINES: usize = 64;
/// The pause after the system refused a connection (out of file descriptors, as a rule).
const PAUSE: Duration = Duration::from_millis(100);

/// Who is at the other end of a connection; holds the connection's place while anybody holds this.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    _place: Arc<OwnedSemaphorePermit>,
}

/// Serves until `stopping`, then until requests under way are answered or `killed`.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    stopping: CancellationToken,
    killed: CancellationToken,
) {
    let places = Arc::new(Semaphore::new(limits.connections));
    let connections = TaskTracker::new();
    loop {
        let next = async {
            let place = Arc::clone(&places).acquire_owned().await.ok()?;
            Some((listener.accept().await, place))
        };
        let (accepted, place) = tokio::select! {
            () = stopping.cancelled() => break,
            () = killed.cancelled() => return,
            Some(next) = next => next,
        };
        match accepted {
            Ok((stream, address)) => {
                let peer = Peer { address, _place: Arc::new(place) };
                let connection = handle(stream, peer, router.clone(), limits.header_within, stopping.clone());
                let killed = killed.clone();
                connections.spawn(async move {
                    tokio::select! {
                        () = killed.cancelled() => {}
                        () = connection => {}
                    }
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

async fn handle(
    stream: TcpStream,
    peer: Peer,
    router: Router,
    header_within: Duration,
    stopping: CancellationToken,
) {
    // Without it the system may hold a message back for a moment, to see whether more is coming.
    let _ = stream.set_nodelay(true);
    let service = router.map_request(move |mut request: http::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(peer.clone());
        request
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(header_within)
        .max_buf_size(HEADER)
        .max_headers(HEADER_LINES)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service))
        .with_upgrades();
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stopping.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::trace!(%error, "a connection ended early");
    }
}
