mod password;
mod renewal;
mod sign_in;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use base64::Engine;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::*;
use crate::clock::TestClock;
use crate::keychain::MemoryKeychain;
use crate::testing::{Reply, Request, TinyServer, answer, json, tls};

const UNAUTHORIZED: Cause = Cause::Http { status: 401, retry_after: None };
const FORBIDDEN: Cause = Cause::Http { status: 403, retry_after: None };

struct World {
    account: Account,
    keychain: Arc<dyn Keychain>,
    clock: Arc<TestClock>,
    folder: tempfile::TempDir,
}

/// Asks what it means that the server turned the token down that is in use now.
async fn ask(account: &Account, question: Cause) -> Answer {
    let refused = account.target().unwrap();
    account.answer(question, &refused).await
}

impl World {
    fn new() -> World {
        World::with(Arc::new(MemoryKeychain::default()))
    }

    fn with(keychain: Arc<dyn Keychain>) -> World {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(TestClock::new(now()));
        let account = account(&folder, &keychain, &clock);
        World { account, keychain, clock, folder }
    }

    /// The same directory and keychain, another run of the program.
    fn restart(&self) -> Account {
        account(&self.folder, &self.keychain, &self.clock)
    }

    async fn sign_in(&self, server: &TinyServer) -> Result<SessionView, Problem> {
        self.account.sign_in(&server.url(), "Shop@example.com", &"right".into(), false).await
    }

    /// Signs in and has the password kept.
    async fn sign_in_and_keep(&self, server: &TinyServer) {
        let session = self.account.sign_in(&server.url(), "Shop@example.com", &"right".into(), true).await;
        assert!(session.unwrap().password_kept);
    }

    async fn password(&self) -> Option<String> {
        let kept = self.keychain.get(&keychain::entry(Secret::Password, self.folder.path())).await.unwrap();
        kept.map(|password| password.expose_secret().to_owned())
    }
}

fn account(folder: &tempfile::TempDir, keychain: &Arc<dyn Keychain>, clock: &Arc<TestClock>) -> Account {
    let http = Http::new(&tls()).unwrap();
    Account::new(folder.path().to_owned(), Arc::clone(keychain), http, clock.clone())
}

/// How the server's account half behaves.
#[derive(Debug, Clone, Copy)]
struct Backend {
    refresh: Refresh,
    /// The status of `/auth/me` for a token of ours; 0 hangs up.
    me: u16,
}

#[derive(Debug, Clone, Copy)]
enum Refresh {
    Missing,
    Works,
    Fails(u16),
    HangsUp,
}

impl Default for Backend {
    fn default() -> Backend {
        Backend { refresh: Refresh::Missing, me: 200 }
    }
}

async fn backend(backend: Backend) -> TinyServer {
    TinyServer::start(move |request: &Request| match request.path.as_str() {
        "/auth/login" => login(request),
        "/auth/me" => me(request, backend.me),
        "/auth/refresh" => match backend.refresh {
            Refresh::Missing => json(404, r#"{"message":"The requested endpoint does not exist"}"#),
            Refresh::Works => dated(200, &tokens(&token_named("u1", 3600, "renewed"), "refresh-2")),
            Refresh::Fails(status) => json(status, r#"{"detail":"no"}"#),
            Refresh::HangsUp => Reply::HangUp,
        },
        "/health" => dated(200, "{}"),
        _ => json(200, "{}"),
    })
    .await
}

/// What becomes of the second sign-in and those after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Login {
    Accepts,
    Refuses(u16),
    Fails(u16),
    HangsUp,
    /// Something that is not the server answers 401.
    Strange,
    SomebodyElse,
}

/// A server that renews nothing and takes no token; tokens are numbered by the sign-in.
async fn signing_in(login: Login) -> TinyServer {
    let count = AtomicUsize::new(0);
    TinyServer::start(move |request: &Request| match request.path.as_str() {
        "/auth/login" => {
            let number = count.fetch_add(1, Ordering::SeqCst) + 1;
            let accepted = |user: &str| {
                let access = token_named(user, 3600, &format!("number-{number}"));
                dated(
                    200,
                    &tokens(&access, "refresh").replace("\"id\":\"u1\"", &format!("\"id\":\"{user}\"")),
                )
            };
            match login {
                _ if number == 1 => accepted("u1"),
                Login::Accepts => accepted("u1"),
                Login::SomebodyElse => accepted("u2"),
                Login::Refuses(status) => json(status, r#"{"detail":"Invalid credentials"}"#),
                Login::Fails(302) => answer(302, &[("location", "http://portal/")], ""),
                Login::Fails(status) => json(status, r#"{"detail":"no"}"#),
                Login::HangsUp => Reply::HangUp,
                Login::Strange => {
                    answer(401, &[("content-type", "text/html")], "<html>Log in to the proxy</html>")
                }
            }
        }
        "/auth/me" => json(401, r#"{"detail":"Invalid or expired token"}"#),
        _ => json(404, r#"{"message":"The requested endpoint does not exist"}"#),
    })
    .await
}

fn logins(server: &TinyServer) -> usize {
    asked(server, "/auth/login")
}

/// Refreshes hang until they do not.
async fn hanging(hangs: Arc<AtomicBool>) -> TinyServer {
    TinyServer::start(move |request: &Request| match request.path.as_str() {
        "/auth/login" => login(request),
        "/auth/refresh" if hangs.load(Ordering::SeqCst) => Reply::Hang,
        "/auth/refresh" => dated(200, &tokens(&token_named("u1", 3600, "renewed"), "refresh-2")),
        _ => json(401, r#"{"detail":"Invalid or expired token"}"#),
    })
    .await
}

/// A refresh token is good once, or for a while longer.
async fn rotating(old_one_still_works: bool) -> TinyServer {
    let used = AtomicBool::new(false);
    TinyServer::start(move |request: &Request| match request.path.as_str() {
        "/auth/login" => login(request),
        "/auth/refresh" if used.swap(true, Ordering::SeqCst) && !old_one_still_works => {
            json(401, r#"{"detail":"Invalid or expired token"}"#)
        }
        "/auth/refresh" => dated(200, &tokens(&token_named("u1", 3600, "renewed"), "refresh-2")),
        _ => json(401, r#"{"detail":"Invalid or expired token"}"#),
    })
    .await
}

/// Everything but the sign-in is answered by somebody else, for a while.
async fn strange_until_told(reply: Reply, is_strange: Arc<AtomicBool>) -> TinyServer {
    TinyServer::start(move |request: &Request| match request.path.as_str() {
        "/auth/login" => login(request),
        _ if is_strange.load(Ordering::SeqCst) => reply.clone(),
        "/auth/refresh" => dated(200, &tokens(&token_named("u1", 3600, "renewed"), "refresh-2")),
        _ => json(404, r#"{"message":"The requested endpoint does not exist"}"#),
    })
    .await
}

fn login(request: &Request) -> Reply {
    match request.json()["password"].as_str() {
        Some("wrong") => json(401, r#"{"detail":"Invalid credentials"}"#),
        _ => dated(200, &tokens(&token("u1", 3600), "refresh-1")),
    }
}

fn me(request: &Request, status: u16) -> Reply {
    let is_ours = request.header("authorization").is_some_and(|value| value.starts_with("Bearer e30."));
    match status {
        200 if is_ours => json(200, r#"{"id":"u1","name":"Shop","email":"Shop@example.com"}"#),
        200 => json(401, r#"{"detail":"Invalid or expired token"}"#),
        0 => Reply::HangUp,
        302 => answer(302, &[("location", "http://portal/")], ""),
        status => json(status, r#"{"detail":"no"}"#),
    }
}

fn tokens(access: &str, refresh: &str) -> String {
    serde_json::json!({
        "access_token": access,
        "refresh_token": refresh,
        "token_type": "bearer",
        "user": {"id": "u1", "name": "Shop", "email": "Shop@example.com", "role": "OWNER"},
    })
    .to_string()
}

fn dated(status: u16, body: &str) -> Reply {
    let date = "Sat, 21 Nov 2026 20:00:00 GMT";
    answer(status, &[("content-type", "application/json"), ("date", date)], body)
}

fn now() -> Timestamp {
    "2026-11-21T20:00:00Z".parse().unwrap()
}

fn token(subject: &str, seconds: i64) -> String {
    token_named(subject, seconds, "first")
}

fn token_named(subject: &str, seconds: i64, name: &str) -> String {
    let issued = now().as_second();
    let claims = serde_json::json!({"sub": subject, "iat": issued, "exp": issued + seconds});
    let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(claims.to_string());
    format!("e30.{claims}.{name}")
}

fn subject_and_number(target: &Target) -> String {
    let name = target.token.expose_secret().rsplit('.').next().unwrap();
    format!("{} {name}", target.user)
}

fn asked(server: &TinyServer, path: &str) -> usize {
    server.requests().iter().filter(|request| request.path == path).count()
}

/// A keychain that is locked until it works.
#[derive(Debug)]
struct BrokenKeychain {
    works: AtomicBool,
    /// It takes nothing until this is over.
    is_slow: AtomicBool,
    /// After this many reads it is locked too.
    reads_left: AtomicUsize,
    /// After this many secrets it takes no more.
    writes_left: AtomicUsize,
    inner: MemoryKeychain,
}

impl Default for BrokenKeychain {
    fn default() -> BrokenKeychain {
        BrokenKeychain {
            works: AtomicBool::new(false),
            is_slow: AtomicBool::new(false),
            reads_left: AtomicUsize::new(usize::MAX),
            writes_left: AtomicUsize::new(usize::MAX),
            inner: MemoryKeychain::default(),
        }
    }
}

impl BrokenKeychain {
    fn check(&self) -> Result<(), KeychainError> {
        if self.works.load(Ordering::SeqCst) { Ok(()) } else { Err(KeychainError::Locked) }
    }
}

impl Keychain for BrokenKeychain {
    fn get<'a>(&'a self, entry: &'a str) -> BoxFuture<'a, Result<Option<SecretString>, KeychainError>> {
        async move {
            self.check()?;
            let fewer = |left: usize| left.checked_sub(1);
            let left = self.reads_left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, fewer);
            left.map_err(|_| KeychainError::Locked)?;
            self.inner.get(entry).await
        }
        .boxed()
    }

    fn set<'a>(
        &'a self,
        entry: &'a str,
        secret: &'a SecretString,
    ) -> BoxFuture<'a, Result<(), KeychainError>> {
        async move {
            self.check()?;
            while self.is_slow.load(Ordering::SeqCst) {
                tokio::task::yield_now().await;
            }
            let fewer = |left: usize| left.checked_sub(1);
            let left = self.writes_left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, fewer);
            left.map_err(|_| KeychainError::TooLong)?;
            self.inner.set(entry, secret).await
        }
        .boxed()
    }

    fn delete<'a>(&'a self, entry: &'a str) -> BoxFuture<'a, Result<(), KeychainError>> {
        async move {
            self.check()?;
            self.inner.delete(entry).await
        }
        .boxed()
    }

    fn keeping(&self) -> Keeping {
        Keeping::Keychain
    }
}
