//! A TCP proxy that does what bad networks do, while the test runs: delay, thin bandwidth, black holes, resets, half
//! closes, cuts, slices.
//!
//! A black hole holds bytes back and lets them through once it ends, as TCP would send them again; what is on neither
//! side by then is gone with its connection.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{broadcast, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

/// A direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    ToServer,
    ToClient,
}

/// What happens to the bytes of one direction.
#[derive(Debug, Clone, Default)]
pub struct Weather {
    /// Nothing gets through, not even an end.
    pub blocked: bool,
    /// How long each byte is on its way.
    pub latency: Duration,
    /// Most bytes a second.
    pub bytes_per_second: Option<u32>,
    /// Most bytes in one write.
    pub slice: Option<usize>,
    /// The connection ends after this many bytes of this direction.
    pub cut_after: Option<u64>,
}

/// The proxy; ends when dropped.
#[derive(Debug)]
pub struct Chaos {
    address: SocketAddr,
    upstream: Arc<Mutex<SocketAddr>>,
    to_server: watch::Sender<Weather>,
    to_client: watch::Sender<Weather>,
    strikes: broadcast::Sender<Strike>,
    accepted: Arc<AtomicUsize>,
    open: Arc<AtomicUsize>,
    _task: JoinSet<()>,
}

#[derive(Debug, Clone, Copy)]
enum Strike {
    Reset,
    HalfClose(Way),
}

impl Chaos {
    /// Listens on a free port and passes on to `upstream`.
    pub async fn start(upstream: SocketAddr) -> Chaos {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut chaos = Chaos {
            address,
            upstream: Arc::new(Mutex::new(upstream)),
            to_server: watch::Sender::new(Weather::default()),
            to_client: watch::Sender::new(Weather::default()),
            strikes: broadcast::Sender::new(16),
            accepted: Arc::default(),
            open: Arc::default(),
            _task: JoinSet::new(),
        };
        let relay = Relay {
            upstream: Arc::clone(&chaos.upstream),
            to_server: chaos.to_server.clone(),
            to_client: chaos.to_client.clone(),
            strikes: chaos.strikes.clone(),
            accepted: Arc::clone(&chaos.accepted),
            open: Arc::clone(&chaos.open),
        };
        chaos._task.spawn(relay.serve(listener));
        chaos
    }

    /// `http://` and where it listens.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where connections made from now on lead.
    pub fn set_upstream(&self, upstream: SocketAddr) {
        *self.upstream.lock().unwrap() = upstream;
    }

    /// Changes the weather of one direction, for connections that are open and those to come.
    pub fn set(&self, way: Way, weather: Weather) {
        self.sender(way).send_replace(weather);
    }

    /// Nothing gets through in this direction any more.
    pub fn block(&self, way: Way) {
        self.sender(way).send_modify(|weather| weather.blocked = true);
    }

    /// Nothing gets through at all: to both ends the connection is half open.
    pub fn black_hole(&self) {
        self.block(Way::ToServer);
        self.block(Way::ToClient);
    }

    /// Fair weather again.
    pub fn clear(&self) {
        self.set(Way::ToServer, Weather::default());
        self.set(Way::ToClient, Weather::default());
    }

    /// Resets every open connection on both sides.
    pub fn reset(&self) {
        let _ = self.strikes.send(Strike::Reset);
    }

    /// Ends this direction of every open connection; the other stays open.
    pub fn half_close(&self, way: Way) {
        let _ = self.strikes.send(Strike::HalfClose(way));
    }

    /// How many connections were ever made.
    pub fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }

    /// How many are open.
    pub fn open(&self) -> usize {
        self.open.load(Ordering::SeqCst)
    }

    fn sender(&self, way: Way) -> &watch::Sender<Weather> {
        match way {
            Way::ToServer => &self.to_server,
            Way::ToClient => &self.to_client,
        }
    }
}

#[derive(Clone)]
struct Relay {
    upstream: Arc<Mutex<SocketAddr>>,
    to_server: watch::Sender<Weather>,
    to_client: watch::Sender<Weather>,
    strikes: broadcast::Sender<Strike>,
    accepted: Arc<AtomicUsize>,
    open: Arc<AtomicUsize>,
}

impl Relay {
    async fn serve(self, listener: TcpListener) {
        let mut connections = JoinSet::new();
        loop {
            let Ok((client, _)) = listener.accept().await else { continue };
            self.accepted.fetch_add(1, Ordering::SeqCst);
            connections.spawn(self.clone().connection(client));
        }
    }

    async fn connection(self, client: TcpStream) {
        let upstream = *self.upstream.lock().unwrap();
        let Ok(server) = TcpStream::connect(upstream).await else {
            // As if the server itself had refused: the port answers with a reset.
            let _ = client.set_zero_linger();
            return;
        };
        for stream in [&client, &server] {
            let _ = stream.set_nodelay(true);
        }
        let _count = Count::up(&self.open);

        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        let mut up = pin!(self.one_way(Way::ToServer, from_client, to_server));
        let mut down = pin!(self.one_way(Way::ToClient, from_server, to_client));
        let first = tokio::select! {
            over = &mut up => (over, Way::ToServer),
            over = &mut down => (over, Way::ToClient),
        };
        match first {
            (Over::Broken, _) => {}
            (Over::Ended | Over::Reset, Way::ToServer) => {
                down.await;
            }
            (Over::Ended | Over::Reset, Way::ToClient) => {
                up.await;
            }
        }
    }

    /// Passes one direction on until it ends or is struck.
    async fn one_way(&self, way: Way, from: OwnedReadHalf, to: OwnedWriteHalf) -> Over {
        let weather = match way {
            Way::ToServer => self.to_server.subscribe(),
            Way::ToClient => self.to_client.subscribe(),
        };
        let mut strikes = self.strikes.subscribe();
        let mut direction = Direction { from, to, weather, passed: 0 };
        loop {
            tokio::select! {
                over = direction.pass_on() => return over,
                strike = strikes.recv() => match strike {
                    Ok(Strike::Reset) => {
                        let _ = direction.from.as_ref().set_zero_linger();
                        let _ = direction.to.as_ref().set_zero_linger();
                        // Dropped the usual way, it would still end politely.
                        direction.to.forget();
                        return Over::Reset;
                    }
                    Ok(Strike::HalfClose(struck)) if struck == way => {
                        let _ = direction.to.shutdown().await;
                        return Over::Ended;
                    }
                    Ok(Strike::HalfClose(_)) | Err(_) => {}
                },
            }
        }
    }
}

/// How a direction ended.
enum Over {
    /// As its sender wanted; the other direction may go on.
    Ended,
    /// With the whole connection.
    Broken,
    /// By a reset, which strikes the other direction as well.
    Reset,
}

struct Direction {
    from: OwnedReadHalf,
    to: OwnedWriteHalf,
    weather: watch::Receiver<Weather>,
    passed: u64,
}

impl Direction {
    async fn pass_on(&mut self) -> Over {
        let Direction { from, to, weather, passed } = self;
        let (sender, receiver) = mpsc::channel(64);
        let latency = weather.clone();
        let reading = async move {
            loop {
                let mut bytes = vec![0; 16 * 1024];
                match from.read(&mut bytes).await {
                    Ok(0) => return Over::Ended,
                    Err(_) => return Over::Broken,
                    Ok(length) => bytes.truncate(length),
                }
                let due = Instant::now() + latency.borrow().latency;
                if sender.send((due, bytes)).await.is_err() {
                    return Over::Broken;
                }
            }
        };
        let mut reading = pin!(reading);
        let mut writing = pin!(write(receiver, to, weather, passed));
        let read = tokio::select! {
            over = &mut reading => over,
            over = &mut writing => return over,
        };
        match (read, writing.await) {
            (Over::Ended, Over::Ended) => Over::Ended,
            (_, _) => Over::Broken,
        }
    }
}

async fn write(
    mut receiver: mpsc::Receiver<(Instant, Vec<u8>)>,
    to: &mut OwnedWriteHalf,
    weather: &mut watch::Receiver<Weather>,
    passed: &mut u64,
) -> Over {
    while let Some((due, bytes)) = receiver.recv().await {
        sleep_until(due).await;
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let Ok(now) = weather.wait_for(|weather| !weather.blocked).await.map(|now| now.clone()) else {
                return Over::Broken;
            };
            let left = now.cut_after.map_or(u64::MAX, |cut| cut.saturating_sub(*passed));
            if left == 0 {
                return Over::Broken;
            }
            let length = rest
                .len()
                .min(now.slice.unwrap_or(usize::MAX))
                .min(usize::try_from(left).unwrap_or(usize::MAX));
            let (part, later) = rest.split_at(
                length.min(now.bytes_per_second.map_or(usize::MAX, |rate| rate.max(10) as usize / 10)),
            );
            if to.write_all(part).await.is_err() {
                return Over::Broken;
            }
            if let Some(rate) = now.bytes_per_second {
                sleep(Duration::from_secs_f64(part.len() as f64 / f64::from(rate))).await;
            }
            *passed += part.len() as u64;
            rest = later;
        }
    }
    let _ = weather.wait_for(|weather| !weather.blocked).await;
    let _ = to.shutdown().await;
    Over::Ended
}

/// Counts itself among the open connections while it lives.
struct Count(Arc<AtomicUsize>);

impl Count {
    fn up(open: &Arc<AtomicUsize>) -> Count {
        open.fetch_add(1, Ordering::SeqCst);
        Count(Arc::clone(open))
    }
}

impl Drop for Count {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::timeout;

    use super::*;
    use crate::wait;

    #[tokio::test]
    async fn in_fair_weather_bytes_come_back_as_they_were_sent() {
        let mut world = World::new().await;

        assert_eq!(world.echo(b"hello").await, b"hello");
        assert_eq!((world.chaos.accepted(), world.chaos.open()), (1, 1));
    }

    #[tokio::test]
    async fn a_black_hole_holds_everything_back_until_it_ends() {
        let mut world = World::new().await;
        world.chaos.black_hole();

        world.stream.write_all(b"lost?").await.unwrap();
        let mut answer = [0; 5];
        assert!(timeout(Duration::from_millis(200), world.stream.read_exact(&mut answer)).await.is_err());
        world.chaos.clear();
        world.stream.read_exact(&mut answer).await.unwrap();

        assert_eq!(&answer, b"lost?");
    }

    #[tokio::test]
    async fn a_reset_is_seen_as_a_reset() {
        let mut world = World::new().await;
        world.echo(b"x").await;

        world.chaos.reset();

        let error = world.stream.read(&mut [0; 8]).await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
        wait::until("the connection to be gone", || (world.chaos.open() == 0).then_some(())).await;
    }

    #[tokio::test]
    async fn a_cut_lets_exactly_so_many_bytes_through() {
        let mut world = World::new().await;
        world.chaos.set(Way::ToClient, Weather { cut_after: Some(3), ..Weather::default() });

        world.stream.write_all(b"hello").await.unwrap();

        let mut answer = Vec::new();
        let _ = world.stream.read_to_end(&mut answer).await;
        assert_eq!(answer, b"hel");
    }

    #[tokio::test]
    async fn slices_and_thin_bandwidth_lose_nothing() {
        let mut world = World::new().await;
        let weather = Weather {
            slice: Some(3),
            bytes_per_second: Some(100_000),
            latency: Duration::from_millis(5),
            ..Weather::default()
        };
        world.chaos.set(Way::ToServer, weather.clone());
        world.chaos.set(Way::ToClient, weather);

        let text: Vec<u8> = (0..200_u8).collect();

        assert_eq!(world.echo(&text).await, text);
    }

    #[tokio::test]
    async fn a_half_close_ends_one_direction_alone() {
        let mut world = World::new().await;
        world.echo(b"x").await;

        world.chaos.half_close(Way::ToClient);

        assert_eq!(world.stream.read(&mut [0; 8]).await.unwrap(), 0);
        world.stream.write_all(b"still heard").await.unwrap();
    }

    /// A client and an echo with the proxy between them.
    struct World {
        chaos: Chaos,
        stream: TcpStream,
        _echo: JoinSet<()>,
    }

    impl World {
        async fn new() -> World {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let upstream = listener.local_addr().unwrap();
            let mut echo = JoinSet::new();
            echo.spawn(async move {
                while let Ok((mut stream, _)) = listener.accept().await {
                    tokio::spawn(async move {
                        let (mut from, mut to) = stream.split();
                        let _ = tokio::io::copy(&mut from, &mut to).await;
                    });
                }
            });
            let chaos = Chaos::start(upstream).await;
            let stream = TcpStream::connect(chaos.address()).await.unwrap();
            World { chaos, stream, _echo: echo }
        }

        async fn echo(&mut self, text: &[u8]) -> Vec<u8> {
            self.stream.write_all(text).await.unwrap();
            let mut answer = vec![0; text.len()];
            self.stream.read_exact(&mut answer).await.unwrap();
            answer
        }
    }
}
