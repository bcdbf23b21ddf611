//! A TCP proxy that does what bad networks do, while the test runs: delay, thin bandwidth, black holes, resets, half
//! closes, cuts, slices, flipped bits, bytes that nobody sent.
//!
//! A black hole holds bytes back and lets them through once it ends, as TCP would send them again; what is on neither
//! side by then is gone with its connection.

mod direction;

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{broadcast, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use direction::{Direction, Over};

/// How long the second direction of a reset connection is waited for.
const SOON: Duration = Duration::from_millis(50);

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
    /// By how much at most that is shorter or longer; the order of bytes is kept.
    pub jitter: Duration,
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
    relay: Relay,
    _task: JoinSet<()>,
}

/// How a cut connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// As if its sender had closed it.
    Closed,
    /// As if it had crashed.
    Reset,
}

#[derive(Debug, Clone)]
enum Strike {
    Reset,
    HalfClose(Way),
    /// The alert sockets end after so many more bytes towards the client.
    Cut(u64, Ending),
    /// One bit of the byte after so many more towards the client, on the alert sockets.
    Flip(u64, u8),
    /// These bytes go to the clients of the alert sockets, between two chunks of the server's.
    Inject(Arc<[u8]>),
}

impl Chaos {
    /// Listens on a free port and passes on to `upstream`.
    pub async fn start(upstream: SocketAddr) -> Chaos {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let relay = Relay {
            upstream: Arc::new(Mutex::new(upstream)),
            to_server: watch::Sender::new(Weather::default()),
            to_client: watch::Sender::new(Weather::default()),
            strikes: broadcast::Sender::new(16),
            accepted: Arc::default(),
            open: Arc::default(),
            requests: Arc::default(),
        };
        let mut task = JoinSet::new();
        task.spawn(relay.clone().serve(listener));
        Chaos { address, relay, _task: task }
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
        *self.relay.upstream.lock().unwrap() = upstream;
    }

    /// Changes the weather of one direction, for connections that are open and those to come.
    pub fn set(&self, way: Way, weather: Weather) {
        self.relay.sender(way).send_replace(weather);
    }

    /// Nothing gets through in this direction any more.
    pub fn block(&self, way: Way) {
        self.relay.sender(way).send_modify(|weather| weather.blocked = true);
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
        let _ = self.relay.strikes.send(Strike::Reset);
    }

    /// Ends this direction of every open connection; the other stays open.
    pub fn half_close(&self, way: Way) {
        let _ = self.relay.strikes.send(Strike::HalfClose(way));
    }

    /// Ends every open alert socket after `bytes` more bytes towards its client.
    pub fn cut_sockets(&self, bytes: u64, ending: Ending) {
        let _ = self.relay.strikes.send(Strike::Cut(bytes, ending));
    }

    /// Flips bit `bit` of the byte that follows after `bytes` more towards the client, on every open alert socket.
    pub fn flip(&self, bytes: u64, bit: u8) {
        let _ = self.relay.strikes.send(Strike::Flip(bytes, bit));
    }

    /// Sends these bytes to the client of every open alert socket, as if they were the server's.
    pub fn inject(&self, bytes: &[u8]) {
        let _ = self.relay.strikes.send(Strike::Inject(bytes.into()));
    }

    /// How many connections were ever made.
    pub fn accepted(&self) -> usize {
        self.relay.accepted.load(Ordering::SeqCst)
    }

    /// How many are open.
    pub fn open(&self) -> usize {
        self.relay.open.load(Ordering::SeqCst)
    }

    /// How many requests whose path starts like this have reached the proxy.
    pub fn requests(&self, path: &str) -> usize {
        self.relay.requests.lock().unwrap().iter().filter(|asked| asked.starts_with(path)).count()
    }
}

/// What every connection shares.
#[derive(Debug, Clone)]
struct Relay {
    upstream: Arc<Mutex<SocketAddr>>,
    to_server: watch::Sender<Weather>,
    to_client: watch::Sender<Weather>,
    strikes: broadcast::Sender<Strike>,
    accepted: Arc<AtomicUsize>,
    open: Arc<AtomicUsize>,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Relay {
    fn sender(&self, way: Way) -> &watch::Sender<Weather> {
        match way {
            Way::ToServer => &self.to_server,
            Way::ToClient => &self.to_client,
        }
    }

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
        let is_socket = Arc::new(AtomicBool::new(false));

        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        let mut up = pin!(self.one_way(Way::ToServer, from_client, to_server, &is_socket));
        let mut down = pin!(self.one_way(Way::ToClient, from_server, to_client, &is_socket));
        let first = tokio::select! {
            over = &mut up => (over, Way::ToServer),
            over = &mut down => (over, Way::ToClient),
        };
        let (first, way) = first;
        let other = async {
            match way {
                Way::ToServer => down.await,
                Way::ToClient => up.await,
            }
        };
        match first {
            Over::Broken | Over::Torn => {}
            Over::Ended => {
                let _ = other.await;
            }
            // Where it was struck as well, it ends at once.
            Over::Reset => {
                let _ = timeout(SOON, other).await;
            }
        }
    }

    /// Passes one direction on until it ends or is struck.
    async fn one_way(
        &self,
        way: Way,
        from: OwnedReadHalf,
        to: OwnedWriteHalf,
        is_socket: &Arc<AtomicBool>,
    ) -> Over {
        let mut strikes = self.strikes.subscribe();
        let own_strikes = self.strikes.subscribe();
        let is_socket = Arc::clone(is_socket);
        let mut direction = Direction {
            way,
            from,
            to,
            weather: self.sender(way).subscribe(),
            strikes: own_strikes,
            requests: Arc::clone(&self.requests),
            is_socket,
            passed: 0,
            wounds: Vec::new(),
        };
        let struck = {
            let mut passing = pin!(direction.pass_on());
            loop {
                tokio::select! {
                    over = &mut passing => break Err(over),
                    strike = strikes.recv() => match strike {
                        Ok(Strike::Reset) => break Ok(Strike::Reset),
                        Ok(Strike::HalfClose(struck)) if struck == way => break Ok(Strike::HalfClose(way)),
                        Ok(Strike::HalfClose(_) | Strike::Cut(..) | Strike::Flip(..) | Strike::Inject(_))
                        | Err(_) => {}
                    },
                }
            }
        };
        match struck {
            Ok(Strike::HalfClose(_)) => {
                let _ = direction.to.shutdown().await;
                Over::Ended
            }
            Ok(_) => {
                direction.reset();
                Over::Reset
            }
            Err(Over::Torn) => {
                direction.reset();
                Over::Torn
            }
            Err(over) => over,
        }
    }
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
    use tokio::io::AsyncReadExt;

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

    #[tokio::test]
    async fn an_alert_socket_is_cut_after_so_many_more_bytes_and_other_connections_are_not() {
        for ending in [Ending::Closed, Ending::Reset] {
            let mut world = World::new().await;
            let mut bystander = TcpStream::connect(world.chaos.address()).await.unwrap();
            world.echo(b"GET /ws/alerts/me").await;

            world.chaos.cut_sockets(3, ending);
            world.stream.write_all(b"hello").await.unwrap();

            let mut answer = Vec::new();
            let end = world.stream.read_to_end(&mut answer).await;
            assert_eq!((answer.as_slice(), end.is_err()), (&b"hel"[..], ending == Ending::Reset));
            bystander.write_all(b"still here").await.unwrap();
            let mut answer = [0; 10];
            bystander.read_exact(&mut answer).await.unwrap();
            assert_eq!(&answer, b"still here");
        }
    }

    #[tokio::test]
    async fn one_bit_is_flipped_and_bytes_are_put_in_between() {
        let mut world = World::new().await;
        world.echo(b"GET /ws/alerts/me").await;

        world.chaos.flip(1, 0);
        assert_eq!(world.echo(b"abc").await, b"acc");
        world.chaos.inject(b"nobody's");

        let mut answer = [0; 8];
        world.stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"nobody's");
        assert_eq!(world.echo(b"abc").await, b"abc");
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
