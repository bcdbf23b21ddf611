//! The HTTP side: just enough of it for what a client asks.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde_json::json;

use super::{EMAIL, SHOP, Shared, USER, message, record, socket};

/// Longest request body that is read.
const LONGEST: usize = 1 << 20;

/// A request, as far as it matters here.
#[derive(Debug, Default)]
struct Request {
    method: String,
    path: String,
    query: String,
    /// `Sec-WebSocket-Key`, of a handshake.
    key: Option<String>,
}

/// What is answered.
struct Answer {
    status: &'static str,
    kind: &'static str,
    body: Vec<u8>,
}

/// Answers requests until the client goes, or the connection becomes a socket.
pub(super) fn serve(shared: &Arc<Shared>, connection: TcpStream) -> Result<()> {
    connection.set_nodelay(true)?;
    let mut writer = connection.try_clone()?;
    let mut reader = BufReader::new(connection);
    while let Some((request, came)) = read(&mut reader)? {
        if let (true, Some(key)) = (request.path.starts_with("/ws/alerts/"), &request.key) {
            return socket::serve(shared, reader, writer, key, came);
        }
        let Answer { status, kind, body } = answer(shared, &request);
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nserver: uvicorn\r\n\r\n",
            body.len()
        );
        writer.write_all(&[head.as_bytes(), &body].concat())?;
    }
    Ok(())
}

/// The next request and when its first line came; none at the end.
fn read(reader: &mut BufReader<TcpStream>) -> Result<Option<(Request, Instant)>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let came = Instant::now();
    let mut words = line.split_whitespace();
    let method = words.next().unwrap_or_default().to_owned();
    let (path, query) =
        words.next().map_or(("", ""), |target| target.split_once('?').unwrap_or((target, "")));
    let mut request = Request { method, path: path.to_owned(), query: query.to_owned(), key: None };

    let mut length = 0;
    loop {
        let mut line = String::new();
        ensure!(reader.read_line(&mut line)? > 0, "the request ends within its head");
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().context("no length")?;
        } else if name.eq_ignore_ascii_case("sec-websocket-key") {
            request.key = Some(value.trim().to_owned());
        }
    }
    ensure!(length <= LONGEST, "the request is too long");
    reader.read_exact(&mut vec![0; length])?;
    Ok(Some((request, came)))
}

fn answer(shared: &Shared, request: &Request) -> Answer {
    let path = request.path.as_str();
    match (request.method.as_str(), path) {
        ("POST", "/auth/login") => in_json(&json!({
            "access_token": message::token(), "refresh_token": message::token(), "token_type": "bearer",
            "user": {"id": USER, "name": "A Manager", "email": EMAIL, "role": "OWNER"},
        })),
        ("POST", "/auth/logout") => in_json(&json!({"message": "Successfully logged out"})),
        ("GET", "/auth/me") => in_json(&json!({
            "id": USER, "name": "A Manager", "email": EMAIL, "role": "OWNER", "created_at": "2026-11-21T20:39:03.377466",
        })),
        ("GET", "/health") => in_json(&json!({"status": "healthy", "version": "1.0.0"})),
        ("GET", "/shops") => in_json(&json!([{
            "id": SHOP, "owner_id": USER, "name": "Main Street", "address": null, "cameras": [],
            "telegram_chat_id": null, "managers": [],
            "created_at": "2026-11-21T20:39:03.421728", "updated_at": "2026-11-21T20:39:03.421731",
        }])),
        ("GET", "/api/anomalies") => {
            let number = |key, default| number(&request.query, key).unwrap_or(default);
            let (limit, offset) = (number("limit", 100).min(500), number("offset", 0));
            let body = shared.lock().record.page(limit, offset);
            Answer { status: "200 OK", kind: "application/json", body: body.into_bytes() }
        }
        ("GET", "/") => page(include_str!("../../../../bench/web/index.html"), "text/html; charset=utf-8"),
        ("GET", "/client.js") => page(include_str!("../../../../bench/web/client.js"), "text/javascript"),
        ("GET", _) if path.starts_with("/api/anomalies/frames/") || path.starts_with("/api/images/") => {
            let body = shared.picture.numbered(record::number_of(path));
            Answer { status: "200 OK", kind: "image/jpeg", body }
        }
        ("GET", _) if path.strip_prefix("/ws/connections/") == Some(USER) => slot(shared, path),
        _ => missing(path),
    }
}

/// Who holds the slot, and since when.
fn slot(shared: &Shared, path: &str) -> Answer {
    let Some(uptime) = shared.lock().socket.as_ref().map(|(_, since)| since.elapsed().as_secs_f64()) else {
        return missing(path);
    };
    in_json(&json!({
        "user_id": USER, "connected": true, "connected_at": "2026-11-21T20:21:17.594950", "uptime_seconds": uptime,
        "last_heartbeat": "2026-11-21T20:21:23.217955", "seconds_since_heartbeat": uptime.min(20.0),
    }))
}

/// The original's one body for whatever is not there.
fn missing(path: &str) -> Answer {
    let body = json!({
        "error": "Not Found", "message": "The requested endpoint does not exist", "path": path,
        "suggestion": "Visit /docs for API documentation",
    });
    Answer { status: "404 Not Found", ..in_json(&body) }
}

fn in_json(body: &serde_json::Value) -> Answer {
    Answer { status: "200 OK", kind: "application/json", body: body.to_string().into_bytes() }
}

fn page(text: &str, kind: &'static str) -> Answer {
    Answer { status: "200 OK", kind, body: text.as_bytes().to_vec() }
}

fn number(query: &str, key: &str) -> Option<usize> {
    query.split('&').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('=')?.parse().ok())
}
