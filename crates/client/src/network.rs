//! Notices that the machine slept, and that it came to another network. Portable: asks nobody but the kernel.

#[cfg(target_os = "linux")]
mod signs;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use tokio::time::Instant;
use url::{Host, Url};
use visionguard_proto::Moment;

/// How often to look while a connection stands or is waited for: a wake, or a network that returns, is known a second
/// later.
pub const CHECK_EVERY: Duration = Duration::from_secs(1);

/// How often where the kernel's [`Signs`] are heard: they prompt a look at once.
pub const CHECK_HEARD_EVERY: Duration = Duration::from_secs(30);

/// How often to look while none is wanted, or one is being opened: an attempt has a deadline of its own.
pub const CHECK_IDLE_EVERY: Duration = Duration::from_secs(5);

/// A look that comes this much later than it should means that the machine slept. A program that only stood still for so
/// long loses nothing by it: its connection is tested, not ended.
pub const JUMP: Duration = Duration::from_secs(15);

/// Compares the clock that counts sleep with the timers that do not. Needs no help from the system: also finds a
/// program that was stopped, and a system whose timers are late.
#[derive(Debug)]
pub struct WakeWatch {
    looked_at: Moment,
    /// The same by the clock of the timers.
    ticked_at: Instant,
}

impl WakeWatch {
    /// Starts now.
    pub fn new(now: Moment) -> WakeWatch {
        WakeWatch { looked_at: now, ticked_at: Instant::now() }
    }

    /// Looks, after a wait that should have ended after `planned` at the latest. True once after each sleep.
    pub fn woke(&mut self, now: Moment, planned: Duration) -> bool {
        let ticked_at = Instant::now();
        let away = now.since(self.looked_at);
        let slept = away.saturating_sub(ticked_at.duration_since(self.ticked_at));
        (self.looked_at, self.ticked_at) = (now, ticked_at);
        slept > JUMP || away > planned + JUMP
    }
}

/// What the kernel says by itself, where it does: something about the network changed, or the machine slept.
#[derive(Debug, Default)]
pub struct Signs {
    #[cfg(target_os = "linux")]
    heard: Option<signs::Heard>,
}

impl Signs {
    /// Nothing is ever said.
    pub fn none() -> Signs {
        Signs::default()
    }

    /// Listens to the kernel, inside a runtime. Where that is not possible, nothing is ever said.
    #[cfg(target_os = "linux")]
    pub fn of_the_kernel() -> Signs {
        let heard = signs::Heard::open();
        let heard = heard.inspect_err(|error| tracing::debug!(%error, "the kernel says nothing of changes"));
        Signs { heard: heard.ok() }
    }

    /// Nothing is said here.
    #[cfg(not(target_os = "linux"))]
    pub fn of_the_kernel() -> Signs {
        Signs::none()
    }

    /// How often to look all the same.
    pub fn check_every(&self) -> Duration {
        #[cfg(target_os = "linux")]
        if self.heard.is_some() {
            return CHECK_HEARD_EVERY;
        }
        CHECK_EVERY
    }

    /// Waits for the next sign.
    pub async fn next(&mut self) {
        #[cfg(target_os = "linux")]
        if let Some(heard) = &self.heard {
            let Err(error) = heard.next().await else { return };
            tracing::warn!(%error, "the kernel says nothing of changes any more");
            self.heard = None;
            return;
        }
        std::future::pending().await
    }
}

/// From which of its addresses the machine would speak to a server; none where no way leads there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WayOut {
    v4: Option<IpAddr>,
    v6: Option<IpAddr>,
}

impl WayOut {
    /// The way to the host of `url`, or out of this network where the host is a name. Nothing is sent.
    pub fn to(url: &Url) -> WayOut {
        match url.host() {
            Some(Host::Ipv4(host)) => WayOut { v4: source(IpAddr::V4(host)), v6: None },
            Some(Host::Ipv6(host)) => WayOut { v4: None, v6: source(IpAddr::V6(host)) },
            Some(Host::Domain(_)) | None => {
                WayOut { v4: source(IpAddr::V4(SOMEWHERE_V4)), v6: source(IpAddr::V6(SOMEWHERE_V6)) }
            }
        }
    }

    /// Speaking from this address, for tests.
    pub fn from_address(address: IpAddr) -> WayOut {
        match address {
            IpAddr::V4(_) => WayOut { v4: Some(address), v6: None },
            IpAddr::V6(_) => WayOut { v4: None, v6: Some(address) },
        }
    }

    /// Whether there is one at all.
    pub fn is_open(&self) -> bool {
        self.v4.is_some() || self.v6.is_some()
    }
}

/// Addresses that are nobody's (RFC 5737, RFC 3849): the way there is the way out.
const SOMEWHERE_V4: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const SOMEWHERE_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);

/// Connecting a datagram socket asks the routing table and sends nothing.
fn source(to: IpAddr) -> Option<IpAddr> {
    let any: IpAddr = if to.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind(SocketAddr::new(any, 0)).ok()?;
    socket.connect(SocketAddr::new(to, 9)).ok()?;
    Some(socket.local_addr().ok()?.ip())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_look_that_comes_in_time_is_no_wake_and_a_late_one_is_one_wake() {
        let mut watch = WakeWatch::new(at(0));
        let second = Duration::from_secs(1);

        for (wait, is_late) in [(5, false), (16, false), (17, true), (1, false)] {
            tokio::time::advance(second * wait).await;
            let now = watch.looked_at + second * wait;
            assert_eq!(watch.woke(now, second), is_late, "after {wait} s");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_sleep_is_found_in_the_middle_of_a_long_wait() {
        let mut watch = WakeWatch::new(at(0));

        tokio::time::advance(Duration::from_secs(3)).await;
        assert!(!watch.woke(at(3), CHECK_HEARD_EVERY));
        assert!(watch.woke(at(3 + 16), CHECK_HEARD_EVERY));
        assert!(!watch.woke(at(3 + 16), CHECK_HEARD_EVERY));
    }

    #[test]
    fn the_way_to_this_machine_is_through_itself() {
        let way = WayOut::to(&Url::parse("http://127.0.0.1:8000").unwrap());

        assert_eq!(way, WayOut::from_address(Ipv4Addr::LOCALHOST.into()));
        assert!(way.is_open());
    }

    fn at(seconds: u64) -> Moment {
        Moment::from_start(Duration::from_secs(1000 + seconds))
    }
}
