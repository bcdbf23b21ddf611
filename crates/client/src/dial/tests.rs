use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::testing::{Authority, TinyServer, closed_port, join, json, tls};

#[tokio::test]
async fn a_closed_port_is_refused() {
    let port = closed_port().await;

    assert_eq!(dial(&plain(), &format!("ws://127.0.0.1:{port}")).await, Err(Cause::Refused));
}

#[tokio::test]
async fn a_name_without_an_address_is_unknown() {
    assert_eq!(dial(&plain(), "ws://shop.invalid").await, Err(Cause::NameUnknown));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn where_no_way_leads_there_is_no_route() {
    // The kernel refuses to connect a stream to the broadcast address, as it does to a network that it cannot reach.
    assert_eq!(dial(&plain(), "ws://255.255.255.255:9").await, Err(Cause::NoRoute));
}

#[tokio::test]
async fn a_certificate_of_the_extra_authority_is_trusted() {
    let authority = Authority::new();
    let server = TinyServer::start_tls(authority.server("localhost"), |_| json(200, "{}")).await;
    let dial_it = SystemDial::new(authority.client());

    let said = dial(&dial_it, &format!("wss://localhost:{}", server.port)).await.unwrap();

    assert!(said.starts_with("HTTP/1.1 200"), "{said}");
}

#[tokio::test]
async fn an_unknown_authority_and_a_wrong_name_are_tls_failures() {
    let authority = Authority::new();
    let server = TinyServer::start_tls(authority.server("localhost"), |_| json(200, "{}")).await;

    let stranger = dial(&plain(), &format!("wss://localhost:{}", server.port)).await;
    let wrong_name =
        dial(&SystemDial::new(authority.client()), &format!("wss://127.0.0.1:{}", server.port)).await;

    assert_eq!(stranger, Err(Cause::Tls));
    assert_eq!(wrong_name, Err(Cause::Tls));
}

#[tokio::test]
async fn case_25_https_typed_where_http_is_says_that_nothing_there_speaks_tls() {
    let server = garbage(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;

    assert_eq!(dial(&plain(), &format!("wss://127.0.0.1:{server}")).await, Err(Cause::NoTls));
}

#[tokio::test]
async fn a_server_that_hangs_up_in_the_middle_of_tls_is_a_loss() {
    let server = garbage(b"").await;

    assert_eq!(dial(&plain(), &format!("wss://127.0.0.1:{server}")).await, Err(Cause::Lost));
}

#[tokio::test]
async fn a_proxy_is_asked_with_its_password_and_leads_to_the_server() {
    let server = TinyServer::start(|_| json(200, "{}")).await;
    let proxy = http_proxy(server.port, "Basic dGlsbDpzZWNyZXQ=").await;
    let through = through(&format!("http://till:secret@127.0.0.1:{proxy}"));

    let said = dial(&through, "ws://alerts.example.com:8000").await.unwrap();

    assert!(said.starts_with("HTTP/1.1 200"), "{said}");
}

#[tokio::test]
async fn tls_goes_through_a_proxy_to_the_server_itself() {
    let authority = Authority::new();
    let server = TinyServer::start_tls(authority.server("alerts.example.com"), |_| json(200, "{}")).await;
    let proxy = http_proxy(server.port, "").await;
    let proxies = Matcher::builder().all(format!("http://127.0.0.1:{proxy}")).build();

    let said = dial(&SystemDial::with_proxies(authority.client(), proxies), "wss://alerts.example.com").await;

    assert!(said.unwrap().starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn case_34_a_proxy_that_wants_another_password_is_named_without_ours() {
    let proxy = http_proxy(closed_port().await, "Basic other").await;

    let cause =
        dial(&through(&format!("http://till:secret@127.0.0.1:{proxy}")), "ws://alerts.example.com").await;

    assert_eq!(cause, Err(refused_by(proxy, Some(407))));
}

#[tokio::test]
async fn case_34_a_proxy_that_refuses_the_way_is_named_with_its_answer() {
    for (raw, status) in [
        ("HTTP/1.1 403 Forbidden\r\nX-Squid-Error: ERR_ACCESS_DENIED 0\r\n\r\n<html>", Some(403)),
        ("HTTP/1.0 403 Access violation\r\nServer: tinyproxy/1.11.1\r\n\r\n", Some(403)),
        ("HTTP/1.1 503 Service Unavailable\r\n\r\n", Some(503)),
        ("HTTP/1.1 502 Bad Gateway\r\nContent-Le", Some(502)),
        ("SSH-2.0-OpenSSH\r\n\r\n", None),
        ("", None),
    ] {
        let proxy = garbage(raw.as_bytes()).await;

        let cause =
            dial(&through(&format!("http://127.0.0.1:{proxy}")), "ws://alerts.example.com:8000").await;

        assert_eq!(cause, Err(refused_by(proxy, status)), "{raw:?}");
    }
}

#[tokio::test]
async fn case_25_what_listens_for_tls_alone_is_found_out_without_a_secret() {
    let authority = Authority::new();
    let server = TinyServer::start_tls(authority.server("localhost"), |_| json(200, "{}")).await;
    let plain_server = TinyServer::start(|_| json(200, "{}")).await;
    let url = |port| Url::parse(&format!("http://127.0.0.1:{port}/")).unwrap();

    assert!(plain().speaks_tls(&url(server.port)).await);
    assert!(!plain().speaks_tls(&url(plain_server.port)).await);
}

#[tokio::test]
async fn case_34_a_proxy_that_is_not_there_is_named() {
    let port = closed_port().await;
    let unreachable = Cause::ProxyUnreachable(Place::new(&format!("127.0.0.1:{port}")));

    for proxy in [format!("http://127.0.0.1:{port}"), format!("socks5h://127.0.0.1:{port}")] {
        assert_eq!(dial(&through(&proxy), "ws://alerts.example.com").await, Err(unreachable), "{proxy}");
    }
}

fn refused_by(port: u16, status: Option<u16>) -> Cause {
    Cause::ProxyRefused { proxy: Place::new(&format!("127.0.0.1:{port}")), status }
}

#[tokio::test]
async fn a_socks_proxy_leads_to_the_server() {
    let server = TinyServer::start(|_| json(200, "{}")).await;
    let proxy = socks_proxy(server.port).await;

    let said = dial(&through(&format!("socks5h://127.0.0.1:{proxy}")), "ws://alerts.example.com:8000").await;

    assert!(said.unwrap().starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn a_socks_proxy_that_is_not_there_is_named() {
    let absent = format!("socks5://127.0.0.1:{}", closed_port().await);

    let cause = dial(&through(&absent), "ws://alerts.example.com").await;

    assert!(matches!(cause, Err(Cause::ProxyUnreachable(_))), "{cause:?}");
}

#[test]
fn addresses_without_a_port_and_with_brackets_are_understood() {
    let of = |text: &str| Destination::of(&Url::parse(text).unwrap()).unwrap();

    assert_eq!(of("wss://alerts.example.com/x").authority, "alerts.example.com:443");
    assert_eq!(of("ws://[::1]:8000").authority, "[::1]:8000");
    assert_eq!(of("ws://[::1]:8000").name, ServerName::try_from("::1").unwrap());
    assert_eq!(of("http://10.0.0.1").uri.to_string(), "http://10.0.0.1:80/");
}

/// Dials, asks for `/`, and hands back the answer.
async fn dial(dial: &SystemDial, url: &str) -> Result<String, Cause> {
    let url = Url::parse(url).unwrap();
    let mut stream = dial.dial(&url).await?;
    stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).await.unwrap();
    Ok(said)
}

/// Past whatever proxy the test's own environment has.
fn plain() -> SystemDial {
    SystemDial::with_proxies(tls(), Matcher::builder().build())
}

fn through(proxy: &str) -> SystemDial {
    SystemDial::with_proxies(tls(), Matcher::builder().all(proxy.to_owned()).build())
}

/// Says this to whoever connects, and hangs up.
async fn garbage(bytes: &'static [u8]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut hello = [0; 1024];
            let _ = stream.read(&mut hello).await;
            let _ = stream.write_all(bytes).await;
            let _ = stream.shutdown().await;
        }
    });
    port
}

/// Leads every CONNECT to the server on `port`, if it comes with this password.
async fn http_proxy(port: u16, password: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.unwrap());
            }
            let head = String::from_utf8(head).unwrap();
            assert!(head.starts_with("CONNECT alerts.example.com:"), "{head}");
            if !password.is_empty() && !head.contains(&format!("Proxy-Authorization: {password}\r\n")) {
                stream.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n").await.unwrap();
                continue;
            }
            stream.write_all(b"HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n").await.unwrap();
            tokio::spawn(join(stream, port));
        }
    });
    proxy
}

/// SOCKS 5 without a password (RFC 1928), to the server on `port` whatever is asked for.
async fn socks_proxy(port: u16) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut greeting = [0; 2];
        stream.read_exact(&mut greeting).await.unwrap();
        let mut methods = vec![0; greeting[1].into()];
        stream.read_exact(&mut methods).await.unwrap();
        stream.write_all(&[5, 0]).await.unwrap();

        let mut request = [0; 5];
        stream.read_exact(&mut request).await.unwrap();
        assert_eq!(request[3], 3, "the name is resolved by the proxy");
        let mut name_and_port = vec![0; usize::from(request[4]) + 2];
        stream.read_exact(&mut name_and_port).await.unwrap();
        assert!(name_and_port.starts_with(b"alerts.example.com"));
        stream.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await.unwrap();
        join(stream, port).await;
    });
    proxy
}
