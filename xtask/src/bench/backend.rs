//! The deployed backend's alert half, as small as measuring allows: it answers what a client asks and sends what it is
//! told, prepared beforehand, and knows to the microsecond when the last byte left.
//!
//! It has none of the original's quirks; those are tested in `tests/`. Its messages and rows are the original's.

mod http;
mod message;
mod record;
mod socket;

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, bail};

pub(super) use message::{Detection, Picture, detected};
pub(super) use socket::frame;

/// Who signs in.
pub(super) const EMAIL: &str = "manager@shop.example";
pub(super) const PASSWORD: &str = "open sesame 1";
const USER: &str = "14dafe75-5fbb-4246-8e58-bbab77b84705";
const SHOP: &str = "e4504fac-88c9-4356-a1d5-426aeb9db300";
/// How often the original says `ping`, and how often its socket does.
const PING: Duration = Duration::from_secs(30);
const KEEPALIVE: Duration = Duration::from_secs(20);
/// For whatever must happen soon; generous, because other work may run beside it.
const PATIENCE: Duration = Duration::from_secs(300);

/// A running backend; ends with this value.
#[derive(Debug)]
pub(super) struct Backend {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    picture: Picture,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    record: record::Record,
    /// Where alerts go: the newest socket.
    socket: Option<(TcpStream, Instant)>,
    /// When each handshake's first byte came.
    handshakes: Vec<Instant>,
    acks: usize,
    ended: bool,
}

impl Backend {
    /// Listens on a free port; every alert and every row has this picture, with a number of its own in it.
    pub(super) fn start(picture: Picture) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).context("cannot listen")?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared { picture, state: Mutex::default(), changed: Condvar::new() });
        let serving = Arc::clone(&shared);
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                if serving.lock().ended {
                    return;
                }
                let shared = Arc::clone(&serving);
                // A connection that fails is the client's to open again.
                thread::spawn(move || http::serve(&shared, connection));
            }
        });
        Ok(Self { address, shared })
    }

    /// `http://` and where it listens.
    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where the socket of a client that signed in already is.
    pub(super) fn socket_url(&self) -> String {
        format!("ws://{}/ws/alerts/{USER}?token={}", self.address, message::token())
    }

    /// From now on the record has this many detections, the new ones of so many people before so many cameras.
    pub(super) fn record(&self, rows: usize, people: usize, cameras: usize) {
        self.shared.lock().record.grow(rows, people, cameras);
    }

    /// Sends what [`frame`] made to the newest socket; the moment at which its last byte was on the way.
    pub(super) fn send(&self, frame: &[u8]) -> Result<SystemTime> {
        let socket = match &self.shared.lock().socket {
            Some((socket, _)) => socket.try_clone()?,
            None => bail!("nobody is connected"),
        };
        socket::write(&socket, frame)?;
        Ok(SystemTime::now())
    }

    /// Ends the connection as a server does that restarts: whoever is told so is back within two seconds.
    pub(super) fn restart(&self) -> Result<()> {
        if let Some((socket, _)) = self.shared.lock().socket.take() {
            socket::write(&socket, &socket::restarting())?;
        }
        Ok(())
    }

    /// Ends the connection without a word.
    pub(super) fn hang_up(&self) {
        if let Some((socket, _)) = self.shared.lock().socket.take() {
            let _ = socket.shutdown(std::net::Shutdown::Both);
        }
    }

    /// Waits until somebody is connected.
    pub(super) fn until_connected(&self) -> Result<()> {
        self.until("a connection", |state| state.socket.is_some())
    }

    /// Waits until so many acks came since the start.
    pub(super) fn until_acked(&self, acks: usize) -> Result<()> {
        self.until(&format!("{acks} acks"), |state| state.acks >= acks)
    }

    /// Waits until so many handshakes came since the start; when the first byte of that one did.
    pub(super) fn until_handshake(&self, number: usize) -> Result<Instant> {
        self.until("a handshake", |state| state.handshakes.len() >= number)?;
        self.shared.lock().handshakes.get(number.saturating_sub(1)).copied().context("no handshake")
    }

    /// How many handshakes came since the start.
    pub(super) fn handshakes(&self) -> usize {
        self.shared.lock().handshakes.len()
    }

    /// How many acks came since the start.
    pub(super) fn acks(&self) -> usize {
        self.shared.lock().acks
    }

    fn until(&self, what: &str, is_so: impl Fn(&State) -> bool) -> Result<()> {
        let state = self.shared.lock();
        let waited = self.shared.changed.wait_timeout_while(state, PATIENCE, |state| !is_so(state));
        let (_state, waited) = waited.unwrap_or_else(PoisonError::into_inner);
        if waited.timed_out() {
            bail!("waited {} s in vain for {what}", PATIENCE.as_secs());
        }
        Ok(())
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.shared.lock().ended = true;
        self.hang_up();
        // Wakes the listening thread, which then ends.
        let _ = TcpStream::connect(self.address);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }
}
