//! The one TLS configuration, for the socket and the API alike: the platform's verdict on certificates, and a file of others
//! that the person trusts.
//!
//! The file may be on a share that is mounted late, or be exchanged while the program runs: it is looked at now and then, and
//! what is trusted changes with it, under the connections that come after. Nothing waits for it.

mod file;

use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, PoisonError, RwLock, Weak};
use std::thread;
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, SignatureScheme};
use rustls_platform_verifier::Verifier;

pub use rustls::ClientConfig;

pub use file::{Found, Problem};

use file::Seen;

use crate::words::text;

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The library refuses the set-up.
    #[error("cannot set up the verification of certificates")]
    Setup(#[from] rustls::Error),
}

/// Between two looks at the file.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How long a start waits for the first look, which a share that is gone may hold up for minutes.
const FIRST_LOOK: Duration = Duration::from_secs(2);

/// The certificates of the system, and those of `extra_ca_file` as far as they can be used.
#[derive(Debug, Clone)]
pub struct Trust {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    provider: Arc<CryptoProvider>,
    path: RwLock<Option<PathBuf>>,
    interval: Duration,
    now: RwLock<Now>,
}

/// What is trusted at this moment.
#[derive(Debug, Default)]
struct Now {
    /// None where there is no certificate at all, as in a bare container: every `https://` server is refused.
    verifier: Option<Arc<Verifier>>,
    certificates: Vec<CertificateDer<'static>>,
    found: Found,
}

/// The system's trust and that of this file. See [`Trust::config`].
pub fn client_config(extra_ca_file: Option<&Path>) -> Result<Arc<ClientConfig>, TlsError> {
    Trust::of(extra_ca_file).config()
}

impl Trust {
    /// The system's certificates, and those of this file whenever it can be read.
    pub fn of(extra_ca_file: Option<&Path>) -> Trust {
        Trust::looking_every(extra_ca_file, LOOK_EVERY)
    }

    fn looking_every(extra_ca_file: Option<&Path>, interval: Duration) -> Trust {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let now = Now {
            verifier: verifier(&[], &provider),
            certificates: Vec::new(),
            found: Found { usable: 0, broken: 0, problem: extra_ca_file.map(|_| Problem::NotYet) },
        };
        let path = RwLock::new(extra_ca_file.map(Path::to_owned));
        let inner = Arc::new(Inner { provider, path, interval, now: RwLock::new(now) });
        if extra_ca_file.is_some() {
            wait_for_first(&follow(&inner));
        }
        Trust { inner }
    }

    /// Another file is to be trusted, or none: the settings were read only now. Its first look is not waited for.
    pub fn choose(&self, extra_ca_file: Option<&Path>) {
        let before = {
            let mut path = self.inner.path.write().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *path, extra_ca_file.map(Path::to_owned))
        };
        if before.is_none() && extra_ca_file.is_some() {
            drop(follow(&self.inner));
        }
    }

    /// Ring, and this trust as it is at each handshake.
    ///
    /// Where there are no certificates at all this is no error: servers on `http://` work and every `https://` server is
    /// refused.
    pub fn config(&self) -> Result<Arc<ClientConfig>, TlsError> {
        let builder = ClientConfig::builder_with_provider(Arc::clone(&self.inner.provider))
            .with_safe_default_protocol_versions()?;
        let verifier = Arc::clone(&self.inner) as Arc<dyn ServerCertVerifier>;
        Ok(Arc::new(builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth()))
    }

    /// The file, where one was chosen, and what was found in it when it was last looked at.
    pub fn file(&self) -> Option<(PathBuf, Found)> {
        Some((self.inner.path()?, self.inner.now().found.clone()))
    }

    /// What is wrong with the file, in a sentence.
    pub fn trouble(&self) -> Option<String> {
        let (path, found) = self.file()?;
        let path = path.display().to_string();
        let values: &[(&str, &str)] = &[
            ("path", &path),
            ("n", &found.broken.to_string()),
            ("of", &(found.broken + found.usable).to_string()),
            ("why", &found.problem.as_ref().map(ToString::to_string).unwrap_or_default()),
        ];
        match (&found.problem, found.usable) {
            (None, _) if found.broken == 0 => None,
            (None, _) => Some(text("notice.ca_broken", values)),
            (Some(Problem::NoCertificate), _) => Some(text("notice.ca_none", values)),
            (Some(_), 0) => Some(text("notice.ca_unreadable", values)),
            (Some(_), _) => Some(text("notice.ca_kept", values)),
        }
    }
}

impl Inner {
    fn now(&self) -> std::sync::RwLockReadGuard<'_, Now> {
        self.now.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn path(&self) -> Option<PathBuf> {
        self.path.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Looks at the file again. What was read of it before stays in use where it cannot be read any more.
    fn look(&self, path: &Path, seen: &mut Option<Seen>) {
        let Some(look) = file::look(path, seen) else { return };
        let before = self.now().found.clone();
        let (certificates, found) = match look {
            Ok((certificates, found)) => (Some(certificates), found),
            Err(problem) => (None, Found { problem: Some(problem), ..before.clone() }),
        };
        if let Some(problem) = found.problem.as_ref().filter(|_| found != before) {
            tracing::warn!(%problem, path = %path.display(), "extra_ca_file cannot be used");
        }
        // Slow, and nobody is to wait for it.
        let fresh = certificates
            .filter(|certificates| *certificates != self.now().certificates)
            .map(|certificates| (verifier(&certificates, &self.provider), certificates));
        let mut now = self.now.write().unwrap_or_else(PoisonError::into_inner);
        if let Some((verifier, certificates)) = fresh {
            tracing::info!(
                certificates = certificates.len(),
                "the certificates of extra_ca_file are trusted"
            );
            now.verifier = verifier;
            now.certificates = certificates;
        }
        now.found = found;
    }
}

/// Looks at the file on a thread of its own for as long as anybody trusts one; tells of each look.
fn follow(inner: &Arc<Inner>) -> mpsc::Receiver<()> {
    let weak = Arc::downgrade(inner);
    let interval = inner.interval;
    let (looked, first) = mpsc::channel();
    let look = move || {
        let (mut seen, mut before) = (None, None);
        while let Some(inner) = Weak::upgrade(&weak) {
            let Some(path) = inner.path() else { return };
            if before.as_ref() != Some(&path) {
                seen = None;
            }
            inner.look(&path, &mut seen);
            before = Some(path);
            drop(inner);
            // After the first time nobody waits for it any more.
            let _ = looked.send(());
            thread::sleep(interval);
        }
    };
    if let Err(error) = thread::Builder::new().name("trust".to_owned()).spawn(look) {
        tracing::error!(%error, "extra_ca_file is not looked at");
    }
    first
}

/// Returns after the first look, or when that takes too long.
fn wait_for_first(first: &mpsc::Receiver<()>) {
    if first.recv_timeout(FIRST_LOOK) == Err(RecvTimeoutError::Timeout) {
        tracing::warn!("extra_ca_file does not answer; going on without it");
    }
}

fn verifier(extra: &[CertificateDer<'static>], provider: &Arc<CryptoProvider>) -> Option<Arc<Verifier>> {
    let made = match extra {
        [] => Verifier::new(Arc::clone(provider)),
        extra => Verifier::new_with_extra_roots(extra.iter().cloned(), Arc::clone(provider)),
    };
    made.map(Arc::new)
        .inspect_err(
            |error| tracing::warn!(%error, "no certificates to trust: https servers will be refused"),
        )
        .ok()
}

impl ServerCertVerifier for Inner {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verifier = self.now().verifier.clone();
        let verifier = verifier.ok_or(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer))?;
        verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests;
