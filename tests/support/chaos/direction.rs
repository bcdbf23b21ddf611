//! One direction of one connection: what comes in goes out as the weather and the strikes allow.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{broadcast, mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until};
use visionguard_proto::Backoff;

use super::{Ending, Strike, Way, Weather};

/// Draws the jitter.
const SEED: u64 = 0x5EED;

/// How a direction ended.
pub(super) enum Over {
    /// As its sender wanted; the other direction may go on.
    Ended,
    /// With the whole connection.
    Broken,
    /// By a reset, which strikes the other direction as well.
    Reset,
    /// By a reset of its own, after so many bytes.
    Torn,
}

pub(super) struct Direction {
    pub(super) way: Way,
    pub(super) from: OwnedReadHalf,
    pub(super) to: OwnedWriteHalf,
    pub(super) weather: watch::Receiver<Weather>,
    pub(super) strikes: broadcast::Receiver<Strike>,
    pub(super) requests: Arc<Mutex<Vec<String>>>,
    /// Whether this connection was asked to become an alert socket.
    pub(super) is_socket: Arc<AtomicBool>,
    pub(super) passed: u64,
    pub(super) wounds: Vec<Wound>,
}

/// What is to happen to the byte at a place in the direction.
pub(super) enum Wound {
    Cut { at: u64, ending: Ending },
    Flip { at: u64, bit: u8 },
}

impl Direction {
    pub(super) async fn pass_on(&mut self) -> Over {
        let Direction { way, from, to, weather, strikes, requests, is_socket, passed, wounds } = self;
        let (sender, receiver) = mpsc::channel(64);
        let ahead = weather.clone();
        let (way, said) = (*way, &*is_socket);
        let reading = async move {
            let mut last = Instant::now();
            let mut draw = Backoff::new(SEED);
            loop {
                let mut bytes = vec![0; 16 * 1024];
                match from.read(&mut bytes).await {
                    Ok(0) => return Over::Ended,
                    Err(_) => return Over::Broken,
                    Ok(length) => bytes.truncate(length),
                }
                if way == Way::ToServer
                    && let Some(path) = path_of(&bytes)
                {
                    said.fetch_or(path.starts_with("/ws/alerts/"), Ordering::SeqCst);
                    requests.lock().unwrap().push(path);
                }
                let Weather { latency, jitter, .. } = *ahead.borrow();
                let wanders = draw.between(Duration::ZERO, jitter * 2);
                last = last.max(Instant::now() + (latency + wanders).saturating_sub(jitter));
                if sender.send((last, bytes)).await.is_err() {
                    return Over::Broken;
                }
            }
        };
        let mut reading = pin!(reading);
        let mut writer = Writer { to, weather, strikes, is_socket, passed, wounds, way };
        let mut writing = pin!(writer.write(receiver));
        let read = tokio::select! {
            over = &mut reading => over,
            over = &mut writing => return over,
        };
        match (read, writing.await) {
            (_, Over::Torn) => Over::Torn,
            (Over::Ended, Over::Ended) => Over::Ended,
            (_, _) => Over::Broken,
        }
    }

    pub(super) fn reset(self) {
        let _ = self.from.as_ref().set_zero_linger();
        let _ = self.to.as_ref().set_zero_linger();
        // Dropped the usual way, it would still end politely.
        self.to.forget();
    }
}

/// The path of the request that begins with these bytes, if one does.
fn path_of(bytes: &[u8]) -> Option<String> {
    let line = bytes.split(|byte| *byte == b'\r').next()?;
    let mut words = std::str::from_utf8(line).ok()?.split(' ');
    let path = words.nth(1).filter(|path| path.starts_with('/'))?;
    Some(path.split('?').next().unwrap_or(path).to_owned())
}

struct Writer<'a> {
    way: Way,
    to: &'a mut OwnedWriteHalf,
    weather: &'a mut watch::Receiver<Weather>,
    strikes: &'a mut broadcast::Receiver<Strike>,
    is_socket: &'a AtomicBool,
    passed: &'a mut u64,
    wounds: &'a mut Vec<Wound>,
}

impl Writer<'_> {
    async fn write(&mut self, mut receiver: mpsc::Receiver<(Instant, Vec<u8>)>) -> Over {
        loop {
            tokio::select! {
                biased;
                strike = self.strikes.recv() => {
                    let Ok(strike) = strike else { continue };
                    if let Err(over) = self.suffer(strike).await {
                        return over;
                    }
                }
                received = receiver.recv() => {
                    let Some((due, bytes)) = received else { break };
                    sleep_until(due).await;
                    if let Err(over) = self.send(bytes).await {
                        return over;
                    }
                }
            }
        }
        let _ = self.weather.wait_for(|weather| !weather.blocked).await;
        let _ = self.to.shutdown().await;
        Over::Ended
    }

    async fn suffer(&mut self, strike: Strike) -> Result<(), Over> {
        if self.way != Way::ToClient || !self.is_socket.load(Ordering::SeqCst) {
            return Ok(());
        }
        match strike {
            Strike::Cut(bytes, ending) => self.wounds.push(Wound::Cut { at: *self.passed + bytes, ending }),
            Strike::Flip(bytes, bit) => self.wounds.push(Wound::Flip { at: *self.passed + bytes, bit }),
            Strike::Inject(bytes) => self.to.write_all(&bytes).await.map_err(|_| Over::Broken)?,
            Strike::Reset | Strike::HalfClose(_) => {}
        }
        self.cut_now()
    }

    async fn send(&mut self, mut bytes: Vec<u8>) -> Result<(), Over> {
        while let Ok(strike) = self.strikes.try_recv() {
            self.suffer(strike).await?;
        }
        for wound in &*self.wounds {
            if let Wound::Flip { at, bit } = wound
                && let Some(byte) = at.checked_sub(*self.passed).and_then(|at| bytes.get_mut(at as usize))
            {
                *byte ^= 1 << bit;
            }
        }
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let now =
                self.weather.wait_for(|weather| !weather.blocked).await.map_err(|_| Over::Broken)?.clone();
            self.cut_now()?;
            let left = now.cut_after.map_or(u64::MAX, |cut| cut.saturating_sub(*self.passed));
            if left == 0 {
                return Err(Over::Broken);
            }
            let left = self.wounds.iter().fold(left, |left, wound| match wound {
                Wound::Cut { at, .. } => left.min(at.saturating_sub(*self.passed)),
                Wound::Flip { .. } => left,
            });
            let length = rest
                .len()
                .min(now.slice.unwrap_or(usize::MAX))
                .min(usize::try_from(left).unwrap_or(usize::MAX))
                .min(now.bytes_per_second.map_or(usize::MAX, |rate| rate.max(10) as usize / 10));
            let (part, later) = rest.split_at(length);
            if self.to.write_all(part).await.is_err() {
                return Err(Over::Broken);
            }
            if let Some(rate) = now.bytes_per_second {
                sleep(Duration::from_secs_f64(part.len() as f64 / f64::from(rate))).await;
            }
            *self.passed += part.len() as u64;
            rest = later;
        }
        self.cut_now()
    }

    /// The end, if this is the place of a cut.
    fn cut_now(&self) -> Result<(), Over> {
        let ending = self.wounds.iter().find_map(|wound| match wound {
            Wound::Cut { at, ending } => (*at <= *self.passed).then_some(*ending),
            Wound::Flip { .. } => None,
        });
        match ending {
            Some(Ending::Closed) => Err(Over::Broken),
            Some(Ending::Reset) => Err(Over::Torn),
            None => Ok(()),
        }
    }
}
