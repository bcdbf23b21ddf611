//! Notes that a server asked for a certificate of this computer, which has none to show: the only way to tell, of a server
//! that then hangs up, what it wanted.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use rustls::client::ResolvesClientCert;
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, SignatureScheme};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::Io;
use super::cause::CertificateWanted;

/// Counts how often it was asked.
#[derive(Debug, Default)]
pub(super) struct Asked(AtomicUsize);

impl Asked {
    pub(super) fn times(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl ResolvesClientCert for Asked {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.0.fetch_add(1, Ordering::Relaxed);
        None
    }

    fn has_certs(&self) -> bool {
        false
    }
}

/// The same TLS, with a note of whether it was asked.
pub(super) fn noting(tls: &ClientConfig) -> (Arc<ClientConfig>, Arc<Asked>) {
    let asked = Arc::new(Asked::default());
    let mut tls = tls.clone();
    tls.client_auth_cert_resolver = Arc::clone(&asked) as Arc<dyn ResolvesClientCert>;
    (Arc::new(tls), asked)
}

/// A stream on which a certificate was asked for and nothing was heard since: if it ends so, that is why.
pub(super) struct Unheard {
    stream: Box<dyn Io>,
    heard: bool,
}

impl Unheard {
    pub(super) fn new(stream: Box<dyn Io>) -> Unheard {
        Unheard { stream, heard: false }
    }

    fn blame<T>(&self, outcome: io::Result<T>) -> io::Result<T> {
        match outcome {
            Err(_) if !self.heard => Err(io::Error::other(CertificateWanted)),
            outcome => outcome,
        }
    }
}

impl AsyncRead for Unheard {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let Poll::Ready(outcome) = Pin::new(&mut self.stream).poll_read(cx, buf) else {
            return Poll::Pending;
        };
        if buf.filled().len() > before {
            self.heard = true;
        } else if outcome.is_ok() && !self.heard && buf.remaining() > 0 {
            return Poll::Ready(Err(io::Error::other(CertificateWanted)));
        }
        Poll::Ready(self.blame(outcome))
    }
}

impl AsyncWrite for Unheard {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes).map(|outcome| self.blame(outcome))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx).map(|outcome| self.blame(outcome))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
