//! The one TLS configuration, for the socket and the API alike: the platform's verdict on certificates.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject};
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::Verifier;

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The extra CA file cannot be read.
    #[error("cannot read the certificates in {path}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It holds no certificate in PEM form.
    #[error("{path} holds no usable certificate")]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// The library refuses the set-up.
    #[error("cannot set up the verification of certificates")]
    Setup(#[from] rustls::Error),
}

/// Ring, the platform's verifier, and the certificates of `extra_ca_file` besides the system's.
///
/// Where the system has no certificates at all, as in a bare container, this is no error: servers on `http://` work and
/// every `https://` server is refused.
pub fn client_config(extra_ca_file: Option<&Path>) -> Result<Arc<ClientConfig>, TlsError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let extra = match extra_ca_file {
        Some(path) => certificates(path)?,
        None => Vec::new(),
    };

    let builder =
        ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
    let config = match verifier(extra, provider) {
        Ok(verifier) => {
            builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth()
        }
        Err(error) => {
            tracing::warn!(%error, "no certificates to trust: https servers will be refused");
            builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth()
        }
    };
    Ok(Arc::new(config))
}

fn verifier(
    extra: Vec<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
) -> Result<Verifier, rustls::Error> {
    if extra.is_empty() {
        return Verifier::new(provider);
    }
    Verifier::new_with_extra_roots(extra, provider)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let unusable = |error: pem::Error| {
        if let pem::Error::Io(source) = error {
            return TlsError::Unreadable { path: path.to_owned(), source };
        }
        TlsError::NoCertificate { path: path.to_owned() }
    };
    let certificates: Vec<_> =
        CertificateDer::pem_file_iter(path).map_err(unusable)?.collect::<Result<_, _>>().map_err(unusable)?;

    // Tried out here, because a verifier that was given something else fails as a whole.
    let mut roots = RootCertStore::empty();
    let (usable, _) = roots.add_parsable_certificates(certificates.iter().cloned());
    if usable == 0 || usable < certificates.len() {
        return Err(TlsError::NoCertificate { path: path.to_owned() });
    }
    Ok(certificates)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_ca_file_is_named() {
        let error = client_config(Some(Path::new("/nowhere/ca.pem"))).unwrap_err();

        assert_eq!(error.to_string(), "cannot read the certificates in /nowhere/ca.pem");
    }

    #[test]
    fn a_file_without_certificates_is_no_ca_file() {
        let folder = tempfile::tempdir().unwrap();
        for content in ["", "hello", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            let path = folder.path().join("ca.pem");
            std::fs::write(&path, content).unwrap();

            let error = client_config(Some(&path)).unwrap_err();

            assert!(matches!(error, TlsError::NoCertificate { .. }), "{content:?} gave {error:?}");
        }
    }
}
