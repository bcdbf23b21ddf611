//! Where the server is, and the addresses made from it. Never prints a token.

use url::Url;

use crate::id::UserId;

/// The server's base address, as the person typed it, made canonical: `http` or `https`, host, port, path prefix.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Endpoint {
    base: Url,
}

/// Why a text is not a server's address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// Nothing was typed.
    #[error("the server address is empty")]
    Empty,
    /// Not an address at all.
    #[error("this is not a server address; it should look like https://alerts.example.com")]
    Unreadable,
    /// A scheme other than http, https, ws, wss.
    #[error("a server address starts with https:// or http://")]
    WrongScheme,
    /// A user name or password in the address.
    #[error("leave the user name and password out of the server address")]
    HasCredentials,
}

impl Endpoint {
    /// Reads `https://host[:port][/prefix]`; `ws` and `wss` are taken as `http` and `https`, a missing scheme as
    /// `https` (as `http` for a loopback host), and query and fragment are dropped.
    pub fn parse(text: &str) -> Result<Endpoint, EndpointError> {
        let _ = text;
        todo!()
    }

    /// The base, without credentials or query; safe to show and log.
    pub fn base(&self) -> &Url {
        &self.base
    }

    /// Whether traffic is encrypted or stays on this machine.
    pub fn is_private(&self) -> bool {
        todo!()
    }

    /// An HTTP address below the base: `path` starts with `/`.
    pub fn http(&self, path: &str) -> Url {
        let _ = path;
        todo!()
    }

    /// The alert socket of protocol 1: `ws(s)://host/ws/alerts/{user_id}?token=…`. The result holds a secret.
    pub fn alerts(&self, user: &UserId, token: &str) -> SecretUrl {
        let _ = (user, token);
        todo!()
    }
}

/// An address with a secret in it; prints without its query.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretUrl(Url);

impl SecretUrl {
    /// The whole address; for the handshake alone.
    pub fn expose(&self) -> &Url {
        &self.0
    }
}

impl std::fmt::Debug for SecretUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut url = self.0.clone();
        url.set_query(None);
        write!(f, "{url}?…")
    }
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.base)
    }
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.base)
    }
}
