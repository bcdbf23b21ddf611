//! What a server is started with. Every limit has a default fit for one machine and a few hundred computers.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use tokio::sync::mpsc::UnboundedSender;

use crate::demo;
use crate::note::Note;

/// Everything a server needs to start.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen; port 0 takes a free one, see [`crate::Running::address`].
    pub listen: SocketAddr,
    /// Holds the database, the lock and, unless [`Config::secret`] is set, the signing secret. Made if absent.
    pub data_dir: PathBuf,
    /// Signs the tokens, at least 32 bytes; none: a random one, kept in the data directory for its owner alone.
    pub secret: Option<SecretString>,
    /// Accept `?token=` at the socket, as the original protocol does. The token then shows in the logs of proxies.
    pub token_in_query: bool,
    /// How long an access token lives.
    pub access_lives: Duration,
    /// How long a session lives without being refreshed.
    pub refresh_lives: Duration,
    /// How long pictures are kept; the rows of the record stay.
    pub keep_pictures: Duration,
    /// How far back a client's cursor may lie.
    pub log: Log,
    /// Most publishes and other writes that share one commit, and so one wait for the disk; 1: each waits for its own.
    pub commit_together: usize,
    /// The sockets' times and bounds.
    pub sockets: Sockets,
    /// Bounds on requests and connections.
    pub limits: Limits,
    /// Simulated cameras with a ready user and shops.
    pub demo: Option<demo::Settings>,
    /// Is told what happens, for programs that embed the server.
    pub notes: Option<UnboundedSender<Note>>,
}

/// How far back a client of protocol 2 may have left off and still be sent all that it missed. Who was away for longer
/// is told so, and has the record.
#[derive(Debug, Clone)]
pub struct Log {
    /// The oldest alert that is replayed.
    pub keep: Duration,
    /// Most alerts that are replayed to one user.
    pub alerts: u32,
}

/// The times and bounds of the alert sockets.
#[derive(Debug, Clone)]
pub struct Sockets {
    /// Between two pings of the server.
    pub ping_every: Duration,
    /// Silence after which a connection is closed (4010).
    pub dead_after: Duration,
    /// How long a client may leave a message unread before its connection is closed (4003, in protocol 2 4008).
    pub stalled_after: Duration,
    /// Protocol 1: messages waiting for one connection; one more and it is closed (4003).
    pub queue_messages: usize,
    /// Protocol 1: bytes waiting for one connection; more and it is closed (4003).
    pub queue_bytes: usize,
    /// Live connections of one user; one more is answered 429.
    pub per_user: usize,
    /// Messages a client may send in a burst; refilled over ten seconds. A flood is closed (4008).
    pub burst: u32,
    /// Protocol 2: most alerts that may be sent and not acknowledged.
    pub in_flight_alerts: usize,
    /// Protocol 2: most bytes of them.
    pub in_flight_bytes: usize,
    /// Protocol 2: how long a client may let these hold its alerts back without acknowledging any before its connection
    /// is closed (4008).
    pub stuck_after: Duration,
    /// How often the accounts behind open sockets are looked up again.
    pub recheck_every: Duration,
}

/// Bounds on requests and connections.
#[derive(Debug, Clone)]
pub struct Limits {
    /// From a connection's start, or from its last answer, to the end of the next request's header.
    pub header_within: Duration,
    /// From a request's header to the end of the answer.
    pub answer_within: Duration,
    /// TCP connections at once, sockets included.
    pub connections: usize,
    /// Attempts to sign in at once per address and e-mail, refilled one each [`Limits::sign_in_refill`].
    pub sign_in_burst: u32,
    /// See [`Limits::sign_in_burst`].
    pub sign_in_refill: Duration,
}

impl Config {
    /// The defaults for this data directory: a free port on this machine alone.
    pub fn new(data_dir: impl Into<PathBuf>) -> Config {
        Config {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            data_dir: data_dir.into(),
            secret: None,
            token_in_query: true,
            access_lives: Duration::from_secs(60 * 60),
            refresh_lives: Duration::from_secs(7 * 24 * 60 * 60),
            keep_pictures: Duration::from_secs(30 * 24 * 60 * 60),
            log: Log::default(),
            commit_together: 256,
            sockets: Sockets::default(),
            limits: Limits::default(),
            demo: None,
            notes: None,
        }
    }
}

impl Default for Log {
    fn default() -> Log {
        Log { keep: Duration::from_secs(7 * 24 * 60 * 60), alerts: 10_000 }
    }
}

impl Default for Sockets {
    fn default() -> Sockets {
        Sockets {
            ping_every: Duration::from_secs(30),
            dead_after: Duration::from_secs(60),
            stalled_after: Duration::from_secs(60),
            queue_messages: 128,
            queue_bytes: 32 * 1024 * 1024,
            per_user: 8,
            burst: 5_000,
            in_flight_alerts: 32,
            in_flight_bytes: 8 * 1024 * 1024,
            stuck_after: Duration::from_secs(60),
            recheck_every: Duration::from_secs(30),
        }
    }
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            header_within: Duration::from_secs(10),
            answer_within: Duration::from_secs(30),
            connections: 20_000,
            sign_in_burst: 5,
            sign_in_refill: Duration::from_secs(12),
        }
    }
}
