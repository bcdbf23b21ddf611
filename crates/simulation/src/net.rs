//! The network between the client and the server: byte streams with latency and every way to break them.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use url::Url;
use visionguard_client::dial::{Dial, Io};
use visionguard_client::network::WayOut;
use visionguard_proto::Cause;

use crate::world::{Event, Shared, World, lock};

/// A stream's number.
pub type StreamId = u64;

/// Which way bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// From the client to the server.
    Up,
    /// From the server to the client.
    Down,
}

/// What travels on a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chunk {
    /// Bytes.
    Bytes(Vec<u8>),
    /// The sender will send no more.
    Fin,
    /// The sender has given the stream up.
    Reset,
}

/// How a stream ended, for whoever reads from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// In order.
    Fin,
    /// Broken.
    Reset,
}

/// One way of a stream.
#[derive(Debug, Default)]
struct Flow {
    /// On its way, in order.
    flying: VecDeque<Chunk>,
    /// Swallowed by a black hole; what is sent again when it closes.
    stuck: VecDeque<Chunk>,
    hole: bool,
    lands_at: Duration,
    arrived: VecDeque<u8>,
    unread_since: Option<Duration>,
    ended: Option<Ending>,
    reader: Option<Waker>,
    /// Breaks after so many more bytes.
    cut_after: Option<usize>,
    /// Damages the next chunk of more than a few bytes.
    damage: bool,
}

/// A stream between the client and the server.
#[derive(Debug)]
pub struct Stream {
    up: Flow,
    down: Flow,
    /// The client's end is open.
    pub client_open: bool,
    /// The server's end is open.
    pub server_open: bool,
    /// When the client last took anything from it, or since when it could have.
    pub heard_at: Duration,
    /// Bytes that the server has sent on it.
    pub said: u64,
    read: u64,
}

/// The way from this machine to the server, as it is now.
#[derive(Debug)]
pub struct Weather {
    /// The machine has no network at all.
    pub down: bool,
    /// Names are not resolved.
    pub nameless: bool,
    /// TLS fails: somebody stands in between.
    pub tls_broken: bool,
    /// Nothing passes upwards.
    pub hole_up: bool,
    /// Nothing passes downwards.
    pub hole_down: bool,
    /// Milliseconds from one end to the other.
    pub latency: Range<u64>,
    /// Bytes arrive by ones, twos and threes.
    pub slices: bool,
    /// The machine's address within its network.
    pub address: u8,
}

/// The network.
#[derive(Debug)]
pub struct Net {
    /// Open streams, and those that only one end has let go of.
    pub streams: BTreeMap<StreamId, Stream>,
    next: StreamId,
    /// The state of the way.
    pub weather: Weather,
}

impl Default for Net {
    fn default() -> Net {
        let weather = Weather {
            down: false,
            nameless: false,
            tls_broken: false,
            hole_up: false,
            hole_down: false,
            latency: 1..20,
            slices: false,
            address: 7,
        };
        Net { streams: BTreeMap::new(), next: 1, weather }
    }
}

impl Net {
    /// Whether everything passes, without delay.
    pub fn is_well(&self) -> bool {
        let Weather { down, nameless, tls_broken, hole_up, hole_down, latency, slices, address: _ } =
            &self.weather;
        let any = [down, nameless, tls_broken, hole_up, hole_down, slices].into_iter().any(|is| *is);
        !any && latency.end <= 20
    }
}

impl Stream {
    fn flow(&mut self, way: Way) -> &mut Flow {
        match way {
            Way::Up => &mut self.up,
            Way::Down => &mut self.down,
        }
    }

    /// Since when bytes lie here that the client has not taken.
    pub fn unread_since(&self) -> Option<Duration> {
        self.down.unread_since
    }
}

impl World {
    /// Opens a stream whose server's end is at once the server's.
    pub fn open_stream(&mut self) -> StreamId {
        let id = self.net.next;
        self.net.next += 1;
        let stream = Stream {
            up: Flow::default(),
            down: Flow::default(),
            client_open: true,
            server_open: true,
            heard_at: self.now,
            said: 0,
            read: 0,
        };
        self.net.streams.insert(id, stream);
        self.line(format!("net: stream {id} opens"));
        id
    }

    /// Sends on a stream; what the network does with it is the network's business.
    pub fn send(&mut self, id: StreamId, way: Way, chunk: Chunk) {
        let now = self.now;
        let weather = &self.net.weather;
        let everywhere = match way {
            Way::Up => weather.hole_up || weather.down,
            Way::Down => weather.hole_down || weather.down,
        };
        let latency = self.dice.millis(weather.latency.clone());
        let Some(stream) = self.net.streams.get_mut(&id) else { return };
        if let (Way::Down, Chunk::Bytes(bytes)) = (way, &chunk) {
            stream.said += bytes.len() as u64;
        }
        let flow = stream.flow(way);
        // What is on its way already comes before this, also into a black hole.
        if flow.flying.is_empty() && (flow.hole || everywhere || !flow.stuck.is_empty()) {
            flow.stuck.push_back(chunk);
            return;
        }
        flow.lands_at = flow.lands_at.max(now + latency);
        flow.flying.push_back(chunk);
        let at = flow.lands_at;
        self.at(at, Event::Lands(id, way));
    }

    /// A chunk has come to the other end.
    pub fn lands(&mut self, id: StreamId, way: Way) {
        let now = self.now;
        let asleep = self.is_suspended();
        let weather = &self.net.weather;
        let everywhere = match way {
            Way::Up => weather.hole_up || weather.down || asleep,
            Way::Down => weather.hole_down || weather.down || asleep,
        };
        let Some(stream) = self.net.streams.get_mut(&id) else { return };
        let flow = stream.flow(way);
        let Some(mut chunk) = flow.flying.pop_front() else { return };
        if flow.hole || everywhere || !flow.stuck.is_empty() {
            flow.stuck.push_back(chunk);
            return;
        }
        let open = match way {
            Way::Up => stream.server_open,
            Way::Down => stream.client_open,
        };
        if !open {
            if chunk != Chunk::Reset {
                self.send(id, way.back(), Chunk::Reset);
            }
            return;
        }
        let flow = stream.flow(way);
        if flow.ended.is_some() {
            return;
        }
        if let Chunk::Bytes(bytes) = &mut chunk
            && flow.damage
            && bytes.len() > 8
        {
            flow.damage = false;
            let at = usize::try_from(self.dice.below(0..bytes.len() as u64)).unwrap_or(0);
            bytes[at] = 0xff;
            self.counts.fault("damaged bytes");
        }
        let mut cut = false;
        match chunk {
            Chunk::Bytes(mut bytes) => {
                if let Some(left) = flow.cut_after {
                    cut = bytes.len() >= left;
                    bytes.truncate(left);
                    flow.cut_after = Some(left - bytes.len());
                }
                flow.arrived.extend(bytes);
                flow.unread_since.get_or_insert(now);
            }
            Chunk::Fin => flow.ended = Some(Ending::Fin),
            Chunk::Reset => {
                flow.arrived.clear();
                flow.ended = Some(Ending::Reset);
            }
        }
        if cut {
            flow.cut_after = None;
            flow.ended = Some(Ending::Reset);
        }
        if let Some(reader) = flow.reader.take() {
            reader.wake();
        }
        if cut {
            self.line(format!("net: stream {id} is cut"));
            self.send(id, way.back(), Chunk::Reset);
        }
        if way == Way::Up {
            self.server_reads(id);
        }
    }

    /// What arrived for the server, and how it ended if it did.
    pub fn take_up(&mut self, id: StreamId) -> (Vec<u8>, Option<Ending>) {
        let Some(stream) = self.net.streams.get_mut(&id) else { return (Vec::new(), Some(Ending::Reset)) };
        stream.up.unread_since = None;
        (stream.up.arrived.drain(..).collect(), stream.up.ended)
    }

    /// The server lets go of its end.
    pub fn server_closes(&mut self, id: StreamId, chunk: Chunk) {
        if let Some(stream) = self.net.streams.get_mut(&id)
            && stream.server_open
        {
            stream.server_open = false;
            self.send(id, Way::Down, chunk);
        }
    }

    fn client_closes(&mut self, id: StreamId, chunk: Chunk) {
        if let Some(stream) = self.net.streams.get_mut(&id)
            && stream.client_open
        {
            stream.client_open = false;
            self.line(format!("net: the client lets go of stream {id}"));
            self.attempts.let_go_at = Some(self.now);
            self.send(id, Way::Up, chunk);
        }
    }

    /// The network between forgets a stream: nothing passes these ways any more.
    pub fn swallow(&mut self, id: StreamId, ways: &[Way]) {
        let Some(stream) = self.net.streams.get_mut(&id) else { return };
        for way in ways {
            stream.flow(*way).hole = true;
        }
        self.line(format!("net: stream {id} is a black hole {ways:?}"));
    }

    /// Breaks a stream for both ends.
    pub fn break_stream(&mut self, id: StreamId) {
        self.line(format!("net: stream {id} is reset"));
        for way in [Way::Up, Way::Down] {
            self.send(id, way, Chunk::Reset);
        }
    }

    /// Breaks a stream after so many more bytes for the client.
    pub fn cut_later(&mut self, id: StreamId, bytes: usize) {
        if let Some(stream) = self.net.streams.get_mut(&id) {
            stream.down.cut_after = Some(bytes);
        }
    }

    /// Damages what the client gets next.
    pub fn damage(&mut self, id: StreamId) {
        self.checks.order.damages(id);
        if let Some(stream) = self.net.streams.get_mut(&id) {
            stream.down.damage = true;
        }
    }

    /// The weather changed: what was held back by it goes on, where nothing else holds it.
    pub fn weather_changed(&mut self) {
        let ids: Vec<StreamId> = self.net.streams.keys().copied().collect();
        for id in ids {
            for way in [Way::Up, Way::Down] {
                let Some(stream) = self.net.streams.get_mut(&id) else { continue };
                let flow = stream.flow(way);
                if flow.hole {
                    continue;
                }
                let stuck = std::mem::take(&mut flow.stuck);
                for chunk in stuck.into_iter().rev() {
                    self.send_first(id, way, chunk);
                }
            }
        }
    }

    /// Sends before anything that is on its way: it was sent earlier.
    fn send_first(&mut self, id: StreamId, way: Way, chunk: Chunk) {
        let soon = self.now + self.dice.millis(self.net.weather.latency.clone());
        let Some(stream) = self.net.streams.get_mut(&id) else { return };
        let flow = stream.flow(way);
        flow.flying.push_front(chunk);
        flow.lands_at = flow.lands_at.max(soon);
        let at = flow.lands_at;
        self.at(at, Event::Lands(id, way));
    }

    /// How long one way takes now, or none if nothing comes through.
    pub fn passes(&mut self, way: Way) -> Option<Duration> {
        let weather = &self.net.weather;
        let hole = match way {
            Way::Up => weather.hole_up || weather.down,
            Way::Down => weather.hole_down || weather.down,
        };
        (!hole).then(|| self.dice.millis(self.net.weather.latency.clone()))
    }
}

impl Way {
    fn back(self) -> Way {
        match self {
            Way::Up => Way::Down,
            Way::Down => Way::Up,
        }
    }
}

/// The client's way into the simulated network.
pub struct SimulatedDial(pub Shared);

impl fmt::Debug for SimulatedDial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SimulatedDial")
    }
}

/// What becomes of an attempt to connect, and when.
enum Fate {
    After(Duration, Result<(), Cause>),
    Never,
}

impl Dial for SimulatedDial {
    fn dial<'a>(&'a self, url: &'a Url) -> BoxFuture<'a, Result<Box<dyn Io>, Cause>> {
        let shared = self.0.clone();
        Box::pin(async move {
            let fate = {
                let mut world = lock(&shared);
                world.look_at_the_clock();
                world.note_dial(url.path() == "/ws/capabilities");
                world.fate()
            };
            let Fate::After(time, outcome) = fate else { return std::future::pending().await };
            tokio::time::sleep(time).await;
            outcome?;
            let id = {
                let mut world = lock(&shared);
                world.look_at_the_clock();
                if !world.server.accepts() {
                    return Err(Cause::Refused);
                }
                let id = world.open_stream();
                world.server_accepts(id);
                id
            };
            Ok(Box::new(SimulatedStream { shared, id, finished: false }) as Box<dyn Io>)
        })
    }

    fn way_out(&self, _url: &Url) -> WayOut {
        let world = lock(&self.0);
        if world.net.weather.down {
            return WayOut::default();
        }
        WayOut::from_address(IpAddr::V4(Ipv4Addr::new(192, 168, 1, world.net.weather.address)))
    }
}

impl World {
    fn fate(&mut self) -> Fate {
        let weather = &self.net.weather;
        let soon = Duration::from_millis(2);
        if weather.down {
            return Fate::After(soon, Err(Cause::NoRoute));
        }
        if weather.nameless {
            let time = self.dice.millis(5..9_000);
            return Fate::After(time, Err(Cause::NameUnknown));
        }
        let (Some(there), Some(back)) = (self.passes(Way::Up), self.passes(Way::Down)) else {
            return Fate::Never;
        };
        if self.net.weather.tls_broken {
            return Fate::After(there + back, Err(Cause::Tls));
        }
        if !self.server.accepts() {
            return match self.server.is_dark() {
                true => Fate::Never,
                false => Fate::After(there + back, Err(Cause::Refused)),
            };
        }
        Fate::After(there + back, Ok(()))
    }
}

/// The client's end of a stream.
struct SimulatedStream {
    shared: Shared,
    id: StreamId,
    finished: bool,
}

impl AsyncRead for SimulatedStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut world = lock(&self.shared);
        world.look_at_the_clock();
        let now = world.now;
        let most = if world.net.weather.slices {
            usize::try_from(world.dice.below(1..4)).unwrap_or(1)
        } else {
            usize::MAX
        };
        let Some(stream) = world.net.streams.get_mut(&self.id) else {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        };
        let flow = &mut stream.down;
        if !flow.arrived.is_empty() {
            let count = buf.remaining().min(flow.arrived.len()).min(most);
            for byte in flow.arrived.drain(..count) {
                buf.put_slice(&[byte]);
            }
            flow.unread_since = (!flow.arrived.is_empty()).then_some(now);
            stream.heard_at = now;
            stream.read += count as u64;
            let read = stream.read;
            world.is_read(self.id, read);
            return Poll::Ready(Ok(()));
        }
        match flow.ended {
            Some(Ending::Fin) => Poll::Ready(Ok(())),
            Some(Ending::Reset) => Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
            None => {
                flow.reader = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl AsyncWrite for SimulatedStream {
    fn poll_write(self: Pin<&mut Self>, _cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut world = lock(&self.shared);
        world.look_at_the_clock();
        let broken =
            world.net.streams.get(&self.id).is_none_or(|stream| stream.down.ended == Some(Ending::Reset));
        if broken {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        world.send(self.id, Way::Up, Chunk::Bytes(bytes.to_vec()));
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !std::mem::replace(&mut self.finished, true) {
            let mut world = lock(&self.shared);
            world.look_at_the_clock();
            world.send(self.id, Way::Up, Chunk::Fin);
        }
        Poll::Ready(Ok(()))
    }
}

impl Drop for SimulatedStream {
    fn drop(&mut self) {
        let mut world = lock(&self.shared);
        world.look_at_the_clock();
        let chunk = if self.finished { Chunk::Reset } else { Chunk::Fin };
        world.client_closes(self.id, chunk);
    }
}
