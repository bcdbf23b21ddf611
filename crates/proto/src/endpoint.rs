//! Where the server is, and the addresses made from it. Never prints a token.

use url::{Host, Url};

use crate::id::{Cursor, UserId};

/// Longest address accepted, in bytes.
const MAX_ADDRESS_BYTES: usize = 2048;

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
        let text = text.trim();
        if text.is_empty() {
            return Err(EndpointError::Empty);
        }
        if text.len() > MAX_ADDRESS_BYTES {
            return Err(EndpointError::Unreadable);
        }

        let mut base = read_with_scheme(text)?;
        let scheme = match base.scheme() {
            "http" | "ws" => "http",
            "https" | "wss" => "https",
            _ => return Err(EndpointError::WrongScheme),
        };
        if !base.username().is_empty() || base.password().is_some() {
            return Err(EndpointError::HasCredentials);
        }
        if base.host_str().is_none_or(str::is_empty) || base.port() == Some(0) {
            return Err(EndpointError::Unreadable);
        }

        base.set_scheme(scheme).map_err(|()| EndpointError::WrongScheme)?;
        base.set_query(None);
        base.set_fragment(None);
        let prefix = base.path().trim_end_matches('/').to_owned();
        base.set_path(&prefix);
        Ok(Endpoint { base })
    }

    /// The base, without credentials or query; safe to show and log.
    pub fn base(&self) -> &Url {
        &self.base
    }

    /// Whether traffic is encrypted or stays on this machine.
    pub fn is_private(&self) -> bool {
        self.base.scheme() == "https" || is_loopback(&self.base)
    }

    /// An HTTP address below the base: `path` starts with `/` and may carry a query.
    pub fn http(&self, path: &str) -> Url {
        let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path}", self.base.path().trim_end_matches('/')));
        url.set_query(query);
        url
    }

    /// The alert socket of protocol 1: `ws(s)://host/ws/alerts/{user_id}?token=…`. The result holds a secret.
    pub fn alerts(&self, user: &UserId, token: &str) -> SecretUrl {
        let mut url = self.socket(user);
        url.query_pairs_mut().append_pair("token", token);
        SecretUrl(url)
    }

    /// The alert socket of protocol 2, from this place in the user's log, with pictures as they are if `binary`. The
    /// token goes into a header.
    pub fn alert_log(&self, user: &UserId, cursor: Option<&Cursor>, binary: bool) -> Url {
        let mut url = self.socket(user);
        let mut query = url.query_pairs_mut();
        query.append_pair("protocol", "2");
        if let Some(cursor) = cursor {
            query.append_pair("cursor", cursor.as_str());
        }
        if binary {
            query.append_pair("frames", "binary");
        }
        drop(query);
        url
    }

    fn socket(&self, user: &UserId) -> Url {
        let mut url = self.base.clone();
        let scheme = if url.scheme() == "https" { "wss" } else { "ws" };
        // Both pairs are "special" schemes, between which a change is always allowed, and both have a host.
        let _ = url.set_scheme(scheme);
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["ws", "alerts", user.as_str()]);
        }
        url
    }
}

/// A person may leave the scheme out; `shop.example:8443` alone would read as the scheme `shop.example`.
fn read_with_scheme(text: &str) -> Result<Url, EndpointError> {
    if text.contains("://") {
        return Url::parse(text).map_err(|_| EndpointError::Unreadable);
    }
    let lower = text.to_ascii_lowercase();
    if ["http:", "https:", "ws:", "wss:"].iter().any(|scheme| lower.starts_with(scheme)) {
        return Err(EndpointError::Unreadable);
    }
    let plain = Url::parse(&format!("http://{text}")).map_err(|_| EndpointError::Unreadable)?;
    if is_loopback(&plain) {
        return Ok(plain);
    }
    Url::parse(&format!("https://{text}")).map_err(|_| EndpointError::Unreadable)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_scheme_is_https_but_http_on_this_machine() {
        assert_eq!(base("alerts.example.com"), "https://alerts.example.com/");
        assert_eq!(base(" alerts.example.com:8443/shop/ "), "https://alerts.example.com:8443/shop");
        assert_eq!(base("localhost:8000"), "http://localhost:8000/");
        assert_eq!(base("127.0.0.1:8000"), "http://127.0.0.1:8000/");
        assert_eq!(base("[::1]:8000"), "http://[::1]:8000/");
    }

    #[test]
    fn socket_schemes_are_taken_as_http() {
        assert_eq!(base("ws://shop.example:8000"), "http://shop.example:8000/");
        assert_eq!(base("wss://shop.example/vg/"), "https://shop.example/vg");
    }

    #[test]
    fn query_and_fragment_are_dropped() {
        assert_eq!(base("https://shop.example/vg?token=abc#top"), "https://shop.example/vg");
    }

    #[test]
    fn what_is_no_address_is_refused_with_its_own_reason() {
        assert_eq!(Endpoint::parse("  "), Err(EndpointError::Empty));
        assert_eq!(Endpoint::parse("ftp://shop.example"), Err(EndpointError::WrongScheme));
        assert_eq!(Endpoint::parse("https://me:secret@shop.example"), Err(EndpointError::HasCredentials));
        for text in
            ["https://", "http:shop.example", "shop example", "https://shop.example:0", "javascript:alert(1)"]
        {
            assert_eq!(Endpoint::parse(text), Err(EndpointError::Unreadable), "{text}");
        }
        assert_eq!(Endpoint::parse(&"a".repeat(5000)), Err(EndpointError::Unreadable));
    }

    #[test]
    fn addresses_keep_the_prefix() {
        let endpoint = Endpoint::parse("https://shop.example/vg").unwrap();

        assert_eq!(endpoint.http("/auth/me").as_str(), "https://shop.example/vg/auth/me");
        assert_eq!(
            endpoint.http("/api/anomalies?shop_id=1&limit=5").as_str(),
            "https://shop.example/vg/api/anomalies?shop_id=1&limit=5"
        );
        assert_eq!(
            endpoint.alerts(&user("ca3b-1"), "a.b-c").expose().as_str(),
            "wss://shop.example/vg/ws/alerts/ca3b-1?token=a.b-c"
        );
    }

    #[test]
    fn the_address_of_the_log_holds_a_place_and_no_token() {
        let endpoint = Endpoint::parse("https://shop.example/vg").unwrap();
        let cursor = Cursor::new("e+1/é&token=x").unwrap();

        assert_eq!(
            endpoint.alert_log(&user("u"), Some(&cursor), true).as_str(),
            "wss://shop.example/vg/ws/alerts/u?protocol=2&cursor=e%2B1%2F%C3%A9%26token%3Dx&frames=binary"
        );
        assert_eq!(
            endpoint.alert_log(&user("u"), None, false).as_str(),
            "wss://shop.example/vg/ws/alerts/u?protocol=2"
        );
    }

    #[test]
    fn a_user_id_cannot_leave_its_place_in_the_path() {
        let endpoint = Endpoint::parse("http://shop.example").unwrap();

        let url = endpoint.alerts(&user("../a?b#c"), "t");

        assert_eq!(url.expose().as_str(), "ws://shop.example/ws/alerts/..%2Fa%3Fb%23c?token=t");
    }

    #[test]
    fn a_token_is_never_printed() {
        let url = Endpoint::parse("http://shop.example").unwrap().alerts(&user("u"), "canary");

        assert!(!format!("{url:?}").contains("canary"));
    }

    #[test]
    fn only_encrypted_or_local_traffic_is_private() {
        let is_private = |text| Endpoint::parse(text).unwrap().is_private();

        assert!(is_private("https://shop.example"));
        assert!(is_private("http://127.0.0.1:8000"));
        assert!(is_private("http://localhost"));
        assert!(!is_private("http://192.168.1.20:8000"));
        assert!(!is_private("http://localhost.example"));
    }

    fn base(text: &str) -> String {
        Endpoint::parse(text).unwrap().to_string()
    }

    fn user(id: &str) -> UserId {
        UserId::new(id).unwrap()
    }
}
