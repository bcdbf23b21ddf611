//! Rows 27 and 28: the token expires while connected; the program dies while a renewed one is being stored.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::Response;
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use secrecy::SecretString;
use support::chaos::Chaos;
use support::desk::{Desk, Make};
use support::shop::Shop;
use support::{http, matrix, wait};
use visionguard_client::api::Exchange;
use visionguard_client::keychain::{Keychain, KeychainError, MemoryKeychain};
use visionguard_client::view::{Keeping, Status};
use visionguard_proto::Cause;

use crate::world::{EMAIL, PASSWORD, exactly};

/// How long an access token lasts here.
const LASTS: Duration = Duration::from_secs(4);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_27_the_token_expires_while_connected_and_is_renewed() {
    let fault = matrix::row(27, "our server, with access tokens of four seconds");
    let (shop, _chaos, desk, network) = connected(MemoryKeychain::default()).await;

    wait::until("a renewal", || (network.asked() >= 1).then_some(())).await;
    until_expired(&shop).await;
    shop.publish().await;
    desk.recording.until_notified(1).await;

    exactly(&desk, &shop.published()).await;
    never_dropped(&desk);
    assert_eq!(network.most_at_once(), 1, "renewals under way at once");
    fault.held(&["I1", "I2", "I10"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_27_a_renewal_that_fails_or_hangs_is_no_sign_out() {
    let fault = matrix::row(27, "answers to POST /auth/refresh replaced by 500 and by silence");
    for answer in [Renewal::Status(500), Renewal::Hangs] {
        let (shop, chaos, desk, network) = connected(MemoryKeychain::default()).await;

        network.answer(answer);
        until_expired(&shop).await;
        shop.publish().await;
        desk.recording.until_notified(1).await;
        never_dropped(&desk);
        chaos.reset();
        desk.recording.until_status(Status::Offline).await;
        wait::until("a renewal for the new connection", || (network.asked() >= 1).then_some(())).await;
        assert_ne!(desk.status().await.status, Status::SignedOut, "after {answer:?}");
        network.answer(Renewal::Passes);
        until_back(&desk).await;

        shop.publish().await;
        exactly(&desk, &shop.published()).await;
        assert_eq!(network.most_at_once(), 1, "renewals under way at once");
    }
    fault.times(2);
    fault.held(&["I1", "I2", "I8", "I10"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_27_a_renewal_that_is_refused_or_unknown_keeps_the_open_connection_and_then_asks_for_the_person()
 {
    let fault = matrix::row(27, "answers to POST /auth/refresh replaced by 401 and 404");
    for status in [401, 404] {
        let (shop, chaos, desk, network) = connected(MemoryKeychain::default()).await;

        network.answer(Renewal::Status(status));
        until_expired(&shop).await;
        shop.publish().await;
        desk.recording.until_notified(1).await;
        never_dropped(&desk);
        assert_ne!(desk.status().await.status, Status::SignedOut, "while connected, after {status}");
        chaos.reset();

        let view = desk.until_reason(Status::SignedOut, "token_expired").await;
        assert!(view.sentence.ends_with('.') && view.remedy.is_some(), "{view:?}");
        let asked = network.asked();
        network.answer(Renewal::Passes);
        desk.sign_in(&chaos.url(), EMAIL, PASSWORD).await.unwrap();
        desk.until_status(Status::Protected).await;
        exactly(&desk, &shop.published()).await;
        assert!(asked <= 4, "{asked} renewals were asked for in vain");
    }
    fault.times(2);
    fault.held(&["I1", "I2", "I8", "I10"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_28_the_program_dies_while_a_renewed_token_is_being_stored() {
    let fault = matrix::row(
        28,
        "a keychain that stores no more from the first, second or third write of a renewal on",
    );
    for writes in 0..3 {
        let keychain = Arc::new(Dying::default());
        // Signing in writes both tokens; the renewal that follows at once writes both anew.
        keychain.left.store(2 + writes, Ordering::SeqCst);
        let (shop, chaos, desk, _network) = connected_with(Arc::<Dying>::clone(&keychain)).await;

        wait::until("the renewal's writes", || (keychain.tried.load(Ordering::SeqCst) >= 4).then_some(()))
            .await;
        let mut make = desk.end().await;
        keychain.left.store(usize::MAX, Ordering::SeqCst);
        make.exchange = Some(Arc::new(Network::default()));
        until_expired(&shop).await;

        let desk = Desk::made_of(make);
        desk.until_reason(Status::Protected, "protected").await;
        shop.publish().await;
        exactly(&desk, &shop.published()).await;
        drop(chaos);
    }
    fault.times(3);
    fault.held(&["I1", "I8", "I10"]);
}

async fn connected(keychain: MemoryKeychain) -> (Shop, Chaos, Desk, Network) {
    connected_with(Arc::new(keychain)).await
}

/// A shop with short tokens, and a computer behind a proxy that is protected.
async fn connected_with(keychain: Arc<dyn Keychain>) -> (Shop, Chaos, Desk, Network) {
    let shop = Shop::open_with(|config| config.access_lives = LASTS).await;
    let address = shop.credentials().server.trim_start_matches("http://").parse().unwrap();
    let chaos = Chaos::start(address).await;
    let network = Network::default();
    let mut make = Make { keychain, ..Make::default() };
    make.exchange = Some(Arc::new(network.clone()));
    make.pace.upkeep_every = Duration::from_millis(300);
    let desk = Desk::made_of(make);
    desk.sign_in(&chaos.url(), EMAIL, PASSWORD).await.unwrap();
    desk.until_status(Status::Protected).await;
    (shop, chaos, desk, network)
}

/// Waits until a token issued before now is not taken any more.
async fn until_expired(shop: &Shop) {
    let token = http::token(&shop.credentials().server, EMAIL, PASSWORD).await;
    let deadline = tokio::time::Instant::now() + wait::PATIENCE * 2;
    loop {
        let asked = http::client().get(format!("{}/auth/me", shop.credentials().server)).bearer_auth(&token);
        if asked.send().await.unwrap().status() == 401 {
            return;
        }
        assert!(tokio::time::Instant::now() < deadline, "the token does not expire");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

async fn until_back(desk: &Desk) {
    let deadline = tokio::time::Instant::now() + wait::PATIENCE;
    while desk.status().await.status != Status::Protected {
        assert!(tokio::time::Instant::now() < deadline, "{:?}", desk.status().await);
        desk.client.retry_now();
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

/// Since it was first protected it was never without a connection.
fn never_dropped(desk: &Desk) {
    let trays = desk.record().trays;
    let dropped = trays
        .iter()
        .skip_while(|tray| tray.status != Status::Protected)
        .find(|tray| matches!(tray.status, Status::Offline | Status::SignedOut));
    assert_eq!(dropped, None);
}

/// How requests for a new token are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Renewal {
    /// By the server.
    #[default]
    Passes,
    Status(u16),
    Hangs,
}

/// The network, but for requests for a new token.
#[derive(Debug, Clone, Default)]
struct Network(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    plain: reqwest::Client,
    renewal: Mutex<Renewal>,
    asked: AtomicUsize,
    under_way: AtomicUsize,
    most: AtomicUsize,
}

impl Default for Inner {
    fn default() -> Inner {
        Inner {
            plain: http::client(),
            renewal: Mutex::default(),
            asked: AtomicUsize::new(0),
            under_way: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
        }
    }
}

impl Network {
    fn answer(&self, renewal: Renewal) {
        *self.0.renewal.lock().unwrap() = renewal;
    }

    fn asked(&self) -> usize {
        self.0.asked.load(Ordering::SeqCst)
    }

    fn most_at_once(&self) -> usize {
        self.0.most.load(Ordering::SeqCst)
    }
}

impl Exchange for Network {
    fn exchange(&self, request: reqwest::Request) -> BoxFuture<'static, Result<Response<Bytes>, Cause>> {
        let inner = Arc::clone(&self.0);
        async move {
            if request.url().path() != "/auth/refresh" {
                return pass(&inner.plain, request).await;
            }
            inner.asked.fetch_add(1, Ordering::SeqCst);
            let _under_way = UnderWay::begin(&inner);
            let renewal = *inner.renewal.lock().unwrap();
            match renewal {
                Renewal::Passes => pass(&inner.plain, request).await,
                Renewal::Status(status) => {
                    let body = Bytes::from_static(br#"{"detail":"Invalid or expired token"}"#);
                    let answer =
                        Response::builder().status(status).header("content-type", "application/json");
                    Ok(answer.body(body).unwrap())
                }
                Renewal::Hangs => std::future::pending().await,
            }
        }
        .boxed()
    }
}

/// Counted also where whoever asked gives up.
struct UnderWay<'a>(&'a Inner);

impl<'a> UnderWay<'a> {
    fn begin(inner: &'a Inner) -> UnderWay<'a> {
        let now = inner.under_way.fetch_add(1, Ordering::SeqCst) + 1;
        inner.most.fetch_max(now, Ordering::SeqCst);
        UnderWay(inner)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::SeqCst);
    }
}

async fn pass(plain: &reqwest::Client, request: reqwest::Request) -> Result<Response<Bytes>, Cause> {
    let answer = plain.execute(request).await.map_err(|_| Cause::Lost)?;
    let (status, headers) = (answer.status(), answer.headers().clone());
    let mut response = Response::new(answer.bytes().await.map_err(|_| Cause::Lost)?);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Ok(response)
}

/// A keychain whose program dies after so many more writes: later ones never happen.
#[derive(Debug)]
struct Dying {
    inner: MemoryKeychain,
    left: AtomicUsize,
    tried: AtomicUsize,
}

impl Default for Dying {
    fn default() -> Dying {
        let (left, tried) = (AtomicUsize::new(usize::MAX), AtomicUsize::new(0));
        Dying { inner: MemoryKeychain::default(), left, tried }
    }
}

impl Keychain for Dying {
    fn get<'a>(&'a self, entry: &'a str) -> BoxFuture<'a, Result<Option<SecretString>, KeychainError>> {
        self.inner.get(entry)
    }

    fn set<'a>(
        &'a self,
        entry: &'a str,
        secret: &'a SecretString,
    ) -> BoxFuture<'a, Result<(), KeychainError>> {
        let left = self.left.load(Ordering::SeqCst);
        if left == usize::MAX {
            return self.inner.set(entry, secret);
        }
        self.tried.fetch_add(1, Ordering::SeqCst);
        if left == 0 {
            return futures_util::future::ready(Ok(())).boxed();
        }
        self.left.store(left - 1, Ordering::SeqCst);
        self.inner.set(entry, secret)
    }

    fn delete<'a>(&'a self, entry: &'a str) -> BoxFuture<'a, Result<(), KeychainError>> {
        self.inner.delete(entry)
    }

    fn keeping(&self) -> Keeping {
        Keeping::Keychain
    }
}
