//! What the kernel says by itself: that an interface, an address or a route changed, and that the machine slept or its clock
//! was set. Whoever hears it need not look every second.

use std::io;
use std::os::fd::OwnedFd;

use rustix::net::{AddressFamily, RecvFlags, SocketFlags, SocketType, bind, netlink, recv, socket_with};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use tokio::io::unix::AsyncFd;

/// `RTMGRP_LINK`, `RTMGRP_IPV4_IFADDR`, `RTMGRP_IPV4_ROUTE`, `RTMGRP_IPV6_IFADDR` and `RTMGRP_IPV6_ROUTE`. Routes that go with
/// their interface are told by the interface alone.
const CHANGES: u32 = 0x1 | 0x10 | 0x40 | 0x100 | 0x400;

/// Seconds since 1970 at which the timer would ring, in the year 2242.
const NEVER: i64 = 1 << 33;

/// What is said is dropped: that something was said is all that counts.
const READ_AT_ONCE: usize = 4096;

/// The kernel's word, for as long as it is there.
#[derive(Debug)]
pub(super) struct Heard {
    /// A netlink socket.
    network: AsyncFd<OwnedFd>,
    /// A timer that rings when the wall clock jumps, which it also does when the machine wakes.
    clock: AsyncFd<OwnedFd>,
}

impl Heard {
    /// Listens, inside a runtime.
    pub(super) fn open() -> io::Result<Heard> {
        Ok(Heard { network: registered(network()?)?, clock: registered(clock()?)? })
    }

    /// Waits until something is said; all that has been said by then is one.
    pub(super) async fn next(&self) -> io::Result<()> {
        tokio::select! {
            ready = self.network.readable() => {
                let mut ready = ready?;
                // An error is a sign, too: more was said than the socket could hold.
                while let Ok(Ok(_)) = ready.try_io(|socket| {
                    Ok(recv(socket, &mut [0; READ_AT_ONCE], RecvFlags::DONTWAIT)?)
                }) {}
                ready.clear_ready();
            }
            ready = self.clock.readable() => {
                let mut ready = ready?;
                // A jump is told by an error.
                let _ = ready.try_io(|timer| Ok(rustix::io::read(timer, &mut [0; 8])?));
                ready.clear_ready();
            }
        }
        Ok(())
    }
}

#[expect(deprecated, reason = "its successor is unsafe; what is owned stays what it is")]
fn registered(descriptor: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::new(descriptor)
}

fn network() -> io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    // Without a protocol it is that of routes.
    let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, None)?;
    bind(&socket, &netlink::SocketAddrNetlink::new(0, CHANGES))?;
    Ok(socket)
}

fn clock() -> io::Result<OwnedFd> {
    let timer = timerfd_create(TimerfdClockId::Realtime, TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK)?;
    let never = Itimerspec {
        it_interval: Timespec { tv_sec: 0, tv_nsec: 0 },
        it_value: Timespec { tv_sec: NEVER, tv_nsec: 0 },
    };
    timerfd_settime(&timer, TimerfdTimerFlags::ABSTIME | TimerfdTimerFlags::CANCEL_ON_SET, &never)?;
    Ok(timer)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn nothing_is_said_while_nothing_happens() {
        let heard = Heard::open().unwrap();
        let (network, clock) = (heard.network.get_ref(), heard.clock.get_ref());

        assert!(
            recv(network, &mut [0; 64], RecvFlags::DONTWAIT)
                .is_err_and(|error| error == rustix::io::Errno::AGAIN)
        );
        assert!(rustix::io::read(clock, &mut [0; 8]).is_err_and(|error| error == rustix::io::Errno::AGAIN));
        assert!(tokio::time::timeout(Duration::from_millis(1), heard.next()).await.is_err());
    }
}
