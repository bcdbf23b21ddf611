//! The server's HTTP side, and the client's way to it.

use std::fmt;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Method, Response};
use serde_json::{Value, json};
use tokio::sync::oneshot;
use url::Url;
use visionguard_client::api::Exchange;
use visionguard_proto::Cause;

use super::record::{SHOPS, picture};
use super::{Event, Kind, User};
use crate::net::Way;
use crate::plan::Bug;
use crate::world::{Event as WorldEvent, Shared, World, lock};

/// What comes of a request.
pub type Reply = Result<Response<Bytes>, Cause>;

/// A request on its way.
pub struct Asked {
    method: Method,
    url: Url,
    bearer: Option<String>,
    body: Vec<u8>,
    reply: oneshot::Sender<(std::time::Duration, Reply)>,
}

impl fmt::Debug for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Asked({} {})", self.method, self.url.path())
    }
}

impl Asked {
    /// Nobody listens there.
    pub(super) fn refuse(self, world: &mut World) {
        if world.server.is_dark() {
            return world.checks.forever(self.reply);
        }
        if let Some(back) = world.passes(Way::Down) {
            // Whoever asked may be gone.
            let _ = self.reply.send((back, Err(Cause::Refused)));
        }
    }
}

/// The client's way to the server's HTTP side.
pub struct SimulatedExchange(pub Shared);

impl fmt::Debug for SimulatedExchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SimulatedExchange")
    }
}

impl Exchange for SimulatedExchange {
    fn exchange(&self, request: reqwest::Request) -> BoxFuture<'static, Reply> {
        let shared = self.0.clone();
        Box::pin(async move {
            let answer = lock(&shared).ask(&request);
            match answer.await {
                Ok((time, reply)) => {
                    tokio::time::sleep(time).await;
                    reply
                }
                // It is lost on the way; the client's patience decides.
                Err(_) => std::future::pending().await,
            }
        })
    }
}

impl World {
    fn ask(&mut self, request: &reqwest::Request) -> oneshot::Receiver<(std::time::Duration, Reply)> {
        self.look_at_the_clock();
        let (reply, answer) = oneshot::channel();
        let soon = std::time::Duration::from_millis(2);
        self.line(format!("http: {} {}", request.method(), request.url().path()));
        self.note_request(request.url().path());
        let weather = &self.net.weather;
        if weather.down {
            let _ = reply.send((soon, Err(Cause::NoRoute)));
            return answer;
        }
        if weather.nameless {
            let time = self.dice.millis(5..9_000);
            let _ = reply.send((time, Err(Cause::NameUnknown)));
            return answer;
        }
        let Some(there) = self.passes(Way::Up) else {
            self.checks.forever(reply);
            return answer;
        };
        if self.net.weather.tls_broken {
            let _ = reply.send((there * 2, Err(Cause::Tls)));
            return answer;
        }
        let bearer = request
            .headers()
            .get(http::header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.strip_prefix("Bearer "))
            .map(str::to_owned);
        let body = request.body().and_then(|body| body.as_bytes()).unwrap_or_default().to_vec();
        let (method, url) = (request.method().clone(), request.url().clone());
        let asked = Asked { method, url, bearer, body, reply };
        self.after(there, WorldEvent::Server(Event::Asked(Box::new(asked))));
        answer
    }

    pub(super) fn asked(&mut self, asked: Asked) {
        if self.server.troubles.hangs {
            return self.checks.forever(asked.reply);
        }
        let work = self.dice.millis(1..60);
        let (status, body) = match self.server.troubles.answers {
            Some((status, _)) => (status, Body::Json(json!({"detail": "no"}))),
            None => self.answer(&asked),
        };
        let mut response = Response::builder().status(status).header("date", date(self));
        if let Some((_, Some(seconds))) = self.server.troubles.answers {
            response = response.header("retry-after", seconds.to_string());
        }
        let (kind, bytes) = match body {
            Body::Json(value) => ("application/json", Bytes::from(value.to_string())),
            Body::Jpeg(bytes) => ("image/jpeg", Bytes::from_static(bytes)),
        };
        let Ok(response) = response.header("content-type", kind).body(bytes) else { return };
        match self.passes(Way::Down) {
            Some(back) => {
                let _ = asked.reply.send((work + back, Ok(response)));
            }
            None => self.checks.forever(asked.reply),
        }
    }

    fn answer(&mut self, asked: &Asked) -> (u16, Body) {
        let now = self.server.record.time(self.now);
        let path = asked.url.path();
        match (&asked.method, path) {
            (&Method::POST, "/auth/login") => return self.login(&asked.body),
            (&Method::POST, "/auth/refresh") if self.server.kind != Kind::Original => {
                return self.refresh(&asked.body);
            }
            (&Method::GET, "/health") => return ok(json!({"status": "healthy"})),
            _ => {}
        }
        if let Some(user) = path.strip_prefix("/ws/connections/").and_then(User::numbered) {
            return self.listing(user);
        }
        if path.starts_with("/auth/refresh") || path.starts_with("/ws/") {
            return not_found(path);
        }
        let Some(token) = &asked.bearer else {
            return (403, Body::Json(json!({"detail": "Not authenticated"})));
        };
        let Some(user) = self.server.tokens.whose(token, now) else {
            return (401, Body::Json(json!({"detail": "Invalid or expired token"})));
        };
        let is_guest = user == User::Guest;
        match (&asked.method, path) {
            (&Method::GET, "/auth/me") => ok(user.json()),
            (&Method::GET, "/shops") if is_guest => ok(json!([])),
            (&Method::GET, "/api/anomalies") if is_guest => ok(json!({"total": 0, "anomalies": []})),
            (&Method::PATCH, path) if is_guest => {
                self.fail("accounts", "a decision was sent in the session of somebody else");
                not_found(path)
            }
            (_, path) if is_guest && path.starts_with("/api/anomalies/") => not_found(path),
            (&Method::POST, "/auth/logout") => ok(json!({"message": "Successfully logged out"})),
            (&Method::GET, "/shops") => ok(shops()),
            (&Method::GET, "/api/anomalies") => match self.page(&asked.url) {
                Some(page) => ok(page),
                None => (500, Body::Json(json!({"error": "Internal Server Error", "message": "unexpected"}))),
            },
            (&Method::GET, path) if path.starts_with("/api/anomalies/frames/") => {
                (200, Body::Jpeg(picture()))
            }
            (&Method::GET, path) => {
                match path.strip_prefix("/api/anomalies/").and_then(|id| self.server.record.rows.get(id)) {
                    Some(row) => ok(row.json()),
                    None => not_found(path),
                }
            }
            (&Method::PATCH, path) => self.patch(path, &asked.body),
            (&Method::POST, "/api/notifications/send") => self.drill(user, &asked.body),
            _ => not_found(path),
        }
    }

    fn login(&mut self, body: &[u8]) -> (u16, Body) {
        let said: Value = serde_json::from_slice(body).unwrap_or_default();
        let user = User::of(said["email"].as_str().unwrap_or_default());
        let Some(user) = user.filter(|_| said["password"] == super::CANARY) else {
            return (401, Body::Json(json!({"detail": "Invalid credentials"})));
        };
        self.excuse("a new token");
        let (access, refresh) = self.server.tokens.give(user, self.server.record.time(self.now));
        let user = user.json();
        ok(json!({"access_token": access, "refresh_token": refresh, "token_type": "bearer", "user": user}))
    }

    fn refresh(&mut self, body: &[u8]) -> (u16, Body) {
        let said: Value = serde_json::from_slice(body).unwrap_or_default();
        let now = self.server.record.time(self.now);
        let token = said["refresh_token"].as_str().unwrap_or_default();
        let Some(user) = self.server.tokens.renews(token, now) else {
            return (401, Body::Json(json!({"detail": "Invalid or expired token"})));
        };
        self.excuse("a new token");
        let (access, refresh) = self.server.tokens.give(user, now);
        ok(json!({"access_token": access, "refresh_token": refresh, "token_type": "bearer"}))
    }

    fn page(&self, url: &Url) -> Option<Value> {
        let number = |name: &str| {
            let found = url.query_pairs().find(|(key, _)| key == name);
            found.and_then(|(_, value)| value.parse::<usize>().ok())
        };
        let word =
            |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
        let (limit, offset) = (number("limit").unwrap_or(100), number("offset").unwrap_or(0));
        let (shop, status) = (word("shop_id").unwrap_or_default(), word("status"));
        self.server.record.page(&shop, status.as_deref(), limit, offset)
    }

    fn patch(&mut self, path: &str, body: &[u8]) -> (u16, Body) {
        let said: Value = serde_json::from_slice(body).unwrap_or_default();
        let id = path.strip_prefix("/api/anomalies/").unwrap_or_default().to_owned();
        let status = said["status"].as_str().unwrap_or_default().to_owned();
        let notes = said["notes"].as_str().map(str::to_owned);
        self.line(format!("server: {id} becomes {status}"));
        self.checks.patched(&id, self.now);
        match self.server.record.change(&id, &status, notes, true, self.now) {
            Some(row) => ok(row),
            None => not_found(path),
        }
    }

    fn listing(&mut self, user: User) -> (u16, Body) {
        let age = match self.server.kind {
            Kind::Ours => self.ours_lists(user),
            Kind::Original => self.original_lists(user),
        };
        let Some(age) = age else { return not_found("/ws/connections") };
        let uptime = age.as_secs_f64();
        let opened = jiff::SignedDuration::try_from(self.now - age).unwrap_or_default();
        let connected_at = super::naive(jiff::Timestamp::UNIX_EPOCH + opened);
        ok(json!({
            "user_id": user.id(), "connected": true, "connected_at": connected_at, "uptime_seconds": uptime,
            "seconds_since_heartbeat": 0.1,
        }))
    }

    fn drill(&mut self, user: User, body: &[u8]) -> (u16, Body) {
        let said: Value = serde_json::from_slice(body).unwrap_or_default();
        let notice = json!({"type": "notification", "data": {
            "notification_id": "notif_c3b5b4e2a21d", "title": said["title"], "message": said["message"],
            "priority": "low", "type": "info", "timestamp": super::naive(self.server.record.time(self.now)),
            "metadata": said["metadata"], "action_url": null,
        }});
        self.counts.drills += 1;
        let delivered = match self.plan.bug {
            Some(Bug::SwallowsDrills) => true,
            Some(_) | None => self.passes_on(user, notice.to_string()),
        };
        self.line(format!("server: a test message; delivered {delivered}"));
        if delivered && self.plan.bug != Some(Bug::SwallowsDrills) {
            self.drill_is_told();
        }
        ok(
            json!({"success": true, "message": "", "user_id": user.id(), "notification_id": "notif_c3b5b4e2a21d",
            "timestamp": "", "delivered": delivered}),
        )
    }
}

enum Body {
    Json(Value),
    Jpeg(&'static [u8]),
}

fn ok(value: Value) -> (u16, Body) {
    (200, Body::Json(value))
}

fn not_found(path: &str) -> (u16, Body) {
    let body = json!({"error": "Not Found", "message": "The requested endpoint does not exist", "path": path,
        "suggestion": "Visit /docs for API documentation"});
    (404, Body::Json(body))
}

fn shops() -> Value {
    let shops = SHOPS.iter().enumerate().map(|(number, id)| {
        json!({"id": id, "owner_id": User::Owner.id(), "name": format!("Shop {number}"), "address": null, "cameras": [],
            "telegram_chat_id": null, "managers": [], "created_at": "2026-11-21T20:39:03.421728",
            "updated_at": "2026-11-21T20:39:03.421731"})
    });
    shops.collect()
}

/// RFC 2822, as far as the client's reader minds.
fn date(world: &World) -> String {
    let at = world.server.record.time(world.now);
    at.to_zoned_datetime(jiff::tz::TimeZone::UTC).strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}
