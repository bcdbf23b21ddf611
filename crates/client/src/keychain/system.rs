//! The keychain of the operating system, asked from a thread of its own: it may ask the person for a password and take
//! its time.
//!
//! Whoever asks waits for so long and no longer; the thread itself is never lost to a question that has no end.

#[cfg(target_os = "linux")]
#[path = "system/linux/mod.rs"]
mod platform;
#[cfg(not(target_os = "linux"))]
#[path = "system/other.rs"]
mod platform;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::oneshot;
use zeroize::Zeroizing;

use super::{Keychain, KeychainError, parts};
use crate::view::Keeping;

/// The name under which a person finds us in their keychain program.
pub(super) const SERVICE: &str = "VisionGuard";

/// How long the keychain may take; time enough to type its password.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// The Secret Service, the Windows Credential Manager or the macOS Keychain.
#[derive(Debug)]
pub struct SystemKeychain {
    requests: mpsc::Sender<Request>,
    answer_within: Duration,
    asks: Asks,
}

/// Whether the person is being asked something by the keychain.
#[derive(Debug, Clone, Default)]
struct Asks(Arc<AtomicBool>);

impl Asks {
    /// They are until this is dropped.
    #[cfg(target_os = "linux")]
    fn begin(&self) -> impl Drop + use<> {
        struct Asked(Asks);
        impl Drop for Asked {
            fn drop(&mut self) {
                self.0.0.store(false, Ordering::SeqCst);
            }
        }
        self.0.store(true, Ordering::SeqCst);
        Asked(self.clone())
    }

    fn now(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

#[derive(Debug)]
struct Request {
    entry: String,
    what: What,
    until: Instant,
    answer: oneshot::Sender<Result<Option<SecretString>, Failure>>,
}

#[derive(Debug)]
enum What {
    Get,
    Set(SecretString),
    Delete,
}

/// What went wrong on the thread.
#[derive(Debug)]
enum Failure {
    /// The store says what it is.
    Known(KeychainError),
    /// The store would not let us, or is gone.
    Store(String),
    TooLong,
    Damaged,
}

impl Default for SystemKeychain {
    fn default() -> SystemKeychain {
        SystemKeychain::new()
    }
}

impl SystemKeychain {
    /// Opens nothing yet: a keychain that appears later is found later.
    pub fn new() -> SystemKeychain {
        SystemKeychain::with_deadline(ANSWER_WITHIN)
    }

    /// Gives the keychain this long to answer.
    pub fn with_deadline(answer_within: Duration) -> SystemKeychain {
        let (requests, queue) = mpsc::channel();
        let asks = Asks::default();
        let asked = asks.clone();
        let thread = thread::Builder::new().name("keychain".into()).spawn(move || serve(&queue, &asked));
        if let Err(error) = thread {
            // Requests then find the queue closed.
            tracing::error!(%error, "no thread for the keychain");
        }
        SystemKeychain { requests, answer_within, asks }
    }

    async fn ask(&self, entry: &str, what: What) -> Result<Option<SecretString>, KeychainError> {
        let (answer, answered) = oneshot::channel();
        let until = Instant::now() + self.answer_within;
        let request = Request { entry: entry.to_owned(), what, until, answer };
        self.requests.send(request).map_err(|_| KeychainError::Unavailable)?;

        match tokio::time::timeout(self.answer_within, answered).await {
            Ok(Ok(Ok(secret))) => Ok(secret),
            Ok(Ok(Err(Failure::TooLong))) => Err(KeychainError::TooLong),
            Ok(Ok(Err(Failure::Damaged))) => Err(KeychainError::Damaged),
            Ok(Ok(Err(Failure::Known(error)))) => Err(error),
            Ok(Ok(Err(Failure::Store(words)))) => Err(platform::meaning(words)),
            Ok(Err(_)) => Err(KeychainError::Unavailable),
            Err(_) if self.asks.now() => Err(KeychainError::Asking),
            Err(_) => Err(KeychainError::Timeout),
        }
    }
}

impl Keychain for SystemKeychain {
    fn get<'a>(&'a self, entry: &'a str) -> BoxFuture<'a, Result<Option<SecretString>, KeychainError>> {
        Box::pin(self.ask(entry, What::Get))
    }

    fn set<'a>(
        &'a self,
        entry: &'a str,
        secret: &'a SecretString,
    ) -> BoxFuture<'a, Result<(), KeychainError>> {
        Box::pin(async move { self.ask(entry, What::Set(secret.clone())).await.map(|_| ()) })
    }

    fn delete<'a>(&'a self, entry: &'a str) -> BoxFuture<'a, Result<(), KeychainError>> {
        Box::pin(async move { self.ask(entry, What::Delete).await.map(|_| ()) })
    }

    fn keeping(&self) -> Keeping {
        Keeping::Keychain
    }

    fn program(&self) -> BoxFuture<'_, Option<String>> {
        Box::pin(platform::program())
    }
}

/// Runs until the keychain is dropped.
fn serve(queue: &mpsc::Receiver<Request>, asks: &Asks) {
    let mut store = None;
    while let Ok(request) = queue.recv() {
        // Whoever asked has given up waiting; an old secret must not be written over a newer one.
        if request.answer.is_closed() {
            continue;
        }
        let outcome = open(&mut store, asks).and_then(|store| {
            platform::until(store, request.until);
            perform(store, &request.entry, &request.what)
        });
        if matches!(outcome, Err(Failure::Store(_) | Failure::Known(KeychainError::Unavailable))) {
            // One that was restarted may only be found by a new connection.
            store = None;
        }
        let _ = request.answer.send(outcome);
    }
}

fn open<'a>(store: &'a mut Option<platform::Store>, asks: &Asks) -> Result<&'a platform::Store, Failure> {
    if store.is_none() {
        *store = Some(platform::open(asks).map_err(|error| failure(&error))?);
    }
    store.as_ref().ok_or_else(|| Failure::Store("no store".into()))
}

fn perform(store: &platform::Store, entry: &str, what: &What) -> Result<Option<SecretString>, Failure> {
    match what {
        What::Get => get(store, entry),
        What::Set(secret) => set(store, entry, secret.expose_secret()).map(|()| None),
        What::Delete => delete(store, entry).map(|()| None),
    }
}

fn get(store: &platform::Store, entry: &str) -> Result<Option<SecretString>, Failure> {
    let Some(first) = read(store, entry)? else { return Ok(None) };
    let Some(head) = parts::head(&first) else { return Ok(Some(SecretString::from(first.as_str()))) };

    let mut whole = Zeroizing::new(String::new());
    for part in 0..head.count {
        let part = read(store, &parts::name(entry, part))?.ok_or(Failure::Damaged)?;
        whole.push_str(&part);
    }
    if !parts::is_whole(&head, &whole) {
        return Err(Failure::Damaged);
    }
    Ok(Some(SecretString::from(whole.as_str())))
}

fn set(store: &platform::Store, entry: &str, secret: &str) -> Result<(), Failure> {
    let split = parts::split(secret).ok_or(Failure::TooLong)?;
    let before = count_of_parts(store, entry);

    for (number, part) in split.parts.iter().enumerate() {
        write(store, &parts::name(entry, number), part)?;
    }
    write(store, entry, &split.head)?;
    for stale in split.parts.len()..before {
        remove(store, &parts::name(entry, stale))?;
    }
    Ok(())
}

fn delete(store: &platform::Store, entry: &str) -> Result<(), Failure> {
    for part in 0..count_of_parts(store, entry) {
        remove(store, &parts::name(entry, part))?;
    }
    remove(store, entry)
}

fn count_of_parts(store: &platform::Store, entry: &str) -> usize {
    let first = read(store, entry).ok().flatten();
    first.and_then(|first| parts::head(&first)).map_or(0, |head| head.count)
}

fn read(store: &platform::Store, name: &str) -> Result<Option<Zeroizing<String>>, Failure> {
    match platform::entry(store, name).and_then(|entry| entry.get_secret()) {
        Ok(bytes) => {
            String::from_utf8(bytes).map(|text| Some(Zeroizing::new(text))).map_err(|_| Failure::Damaged)
        }
        Err(keyring_core::Error::NoEntry) => Ok(None),
        Err(error) => Err(failure(&error)),
    }
}

fn write(store: &platform::Store, name: &str, text: &str) -> Result<(), Failure> {
    let written = platform::entry(store, name).and_then(|entry| entry.set_secret(text.as_bytes()));
    written.map_err(|error| failure(&error))
}

fn remove(store: &platform::Store, name: &str) -> Result<(), Failure> {
    match platform::entry(store, name).and_then(|entry| entry.delete_credential()) {
        Ok(()) | Err(keyring_core::Error::NoEntry) => Ok(()),
        Err(error) => Err(failure(&error)),
    }
}

/// Keeps what the platform says about itself; the variants that carry bytes of a secret keep nothing.
#[allow(clippy::wildcard_enum_match_arm, reason = "the list of another crate grows")]
fn failure(error: &keyring_core::Error) -> Failure {
    use keyring_core::Error;
    if let Some(known) = platform::reason(error) {
        return Failure::Known(known);
    }
    match error {
        Error::TooLong(..) => Failure::TooLong,
        Error::BadEncoding(_) | Error::BadDataFormat(..) | Error::Ambiguous(_) => Failure::Damaged,
        Error::PlatformFailure(_) | Error::NoStorageAccess(_) | Error::NoDefaultStore => {
            Failure::Store(error.to_string().chars().take(200).collect())
        }
        _ => Failure::Store("the store refused".into()),
    }
}

#[cfg(target_os = "linux")]
#[cfg(test)]
mod tests;
