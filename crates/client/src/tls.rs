//! The one TLS configuration, for the socket and the API alike: the platform's verdict on certificates.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ClientConfig;

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
    /// The platform's verifier cannot be set up.
    #[error("cannot set up the verification of certificates")]
    Platform(#[from] rustls::Error),
}

/// Ring, the platform's verifier, and the certificates of `extra_ca_file` besides the system's.
pub fn client_config(extra_ca_file: Option<&Path>) -> Result<Arc<ClientConfig>, TlsError> {
    let _ = extra_ca_file;
    todo!()
}
