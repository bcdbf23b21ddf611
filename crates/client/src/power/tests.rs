//! A real bus with stand-ins for logind and NetworkManager, which a machine of its own would be needed for.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;
use zbus::Connection;
use zbus::object_server::SignalEmitter;
use zbus::zvariant::OwnedFd;

use super::linux::{Told, listen};
use crate::testing::inside_a_session;

const PATIENCE: Duration = Duration::from_secs(30);

#[test]
fn the_system_is_heard_before_it_sleeps_when_it_wakes_and_when_the_network_returns() {
    inside_a_session(
        "power::tests::the_system_is_heard_before_it_sleeps_when_it_wakes_and_when_the_network_returns",
        || tokio::runtime::Runtime::new().unwrap().block_on(hear_everything()),
    );
}

async fn hear_everything() {
    let taken = Arc::new(AtomicUsize::new(0));
    let system = system(Arc::clone(&taken)).await;
    let bus = Connection::session().await;
    let (tell, mut told) = mpsc::channel(8);
    tokio::spawn(async move { listen(bus, &tell).await });
    until(|| taken.load(Ordering::SeqCst) == 1).await;

    Logind::prepare_for_sleep(&emitter(&system, "/org/freedesktop/login1"), true).await.unwrap();
    let Told::Sleep(done) = next(&mut told).await else { panic!("not told of the sleep") };
    done.send(()).unwrap();
    Logind::prepare_for_sleep(&emitter(&system, "/org/freedesktop/login1"), false).await.unwrap();
    assert!(matches!(next(&mut told).await, Told::Wake));
    until(|| taken.load(Ordering::SeqCst) == 2).await;

    let networks = emitter(&system, "/org/freedesktop/NetworkManager");
    Networks::state_changed(&networks, 20).await.unwrap();
    Networks::state_changed(&networks, 70).await.unwrap();
    assert!(matches!(next(&mut told).await, Told::Network));
    assert!(told.try_recv().is_err());
}

async fn next(told: &mut mpsc::Receiver<Told>) -> Told {
    tokio::time::timeout(PATIENCE, told.recv()).await.expect("in time").expect("still listening")
}

async fn until(holds: impl Fn() -> bool) {
    let look = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, look).await.expect("in time");
}

fn emitter<'a>(system: &Connection, path: &'a str) -> SignalEmitter<'a> {
    SignalEmitter::new(system, path).unwrap()
}

async fn system(taken: Arc<AtomicUsize>) -> Connection {
    zbus::connection::Builder::session()
        .unwrap()
        .name("org.freedesktop.login1")
        .unwrap()
        .name("org.freedesktop.NetworkManager")
        .unwrap()
        .serve_at("/org/freedesktop/login1", Logind { taken })
        .unwrap()
        .serve_at("/org/freedesktop/NetworkManager", Networks)
        .unwrap()
        .build()
        .await
        .unwrap()
}

struct Logind {
    /// How many delays were asked for.
    taken: Arc<AtomicUsize>,
}

#[zbus::interface(name = "org.freedesktop.login1.Manager")]
impl Logind {
    fn inhibit(&self, what: &str, _who: &str, _why: &str, mode: &str) -> OwnedFd {
        assert_eq!((what, mode), ("sleep", "delay"));
        self.taken.fetch_add(1, Ordering::SeqCst);
        let file = std::fs::File::open("/dev/null").unwrap();
        std::os::fd::OwnedFd::from(file).into()
    }

    #[zbus(signal)]
    async fn prepare_for_sleep(emitter: &SignalEmitter<'_>, start: bool) -> zbus::Result<()>;
}

struct Networks;

#[zbus::interface(name = "org.freedesktop.NetworkManager")]
impl Networks {
    #[zbus(signal)]
    async fn state_changed(emitter: &SignalEmitter<'_>, state: u32) -> zbus::Result<()>;
}
