//! How often one address may try to sign in to one account: a bucket of tries that fills slowly.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Most buckets kept; beyond it, those that are full again are forgotten first.
const BUCKETS: usize = 10_000;

/// The buckets.
#[derive(Debug)]
pub(crate) struct Throttle {
    burst: f64,
    refill: Duration,
    buckets: Mutex<HashMap<(IpAddr, String), Bucket>>,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    tries: f64,
    at: Instant,
}

impl Throttle {
    pub(crate) fn new(burst: u32, refill: Duration) -> Throttle {
        Throttle { burst: f64::from(burst.max(1)), refill, buckets: Mutex::default() }
    }

    /// Takes one try, or says how long to wait for the next.
    pub(crate) fn take(&self, address: IpAddr, email: &str, now: Instant) -> Result<(), Duration> {
        let mut buckets = self.buckets();
        if buckets.len() >= BUCKETS {
            buckets.retain(|_, bucket| self.tries(*bucket, now) < self.burst);
        }
        if buckets.len() >= BUCKETS {
            // Everybody is being tried at once: nobody new gets in until it calms down.
            return Err(self.refill);
        }
        let full = Bucket { tries: self.burst, at: now };
        let bucket = buckets.entry((address, email.to_lowercase())).or_insert(full);
        let tries = self.tries(*bucket, now);
        if tries < 1.0 {
            return Err(self.refill.mul_f64(1.0 - tries));
        }
        *bucket = Bucket { tries: tries - 1.0, at: now };
        Ok(())
    }

    /// The try was right: it and those before it do not count.
    pub(crate) fn forgive(&self, address: IpAddr, email: &str) {
        self.buckets().remove(&(address, email.to_lowercase()));
    }

    fn tries(&self, bucket: Bucket, now: Instant) -> f64 {
        let refilled = now.saturating_duration_since(bucket.at).as_secs_f64() / self.refill.as_secs_f64();
        (bucket.tries + refilled).min(self.burst)
    }

    fn buckets(&self) -> std::sync::MutexGuard<'_, HashMap<(IpAddr, String), Bucket>> {
        self.buckets.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    #[test]
    fn tries_run_out_and_come_back_one_at_a_time() {
        let throttle = Throttle::new(2, Duration::from_secs(10));
        let start = Instant::now();

        assert!(throttle.take(HERE, "a@shop.example", start).is_ok());
        assert!(throttle.take(HERE, "A@shop.example", start).is_ok());
        assert_eq!(throttle.take(HERE, "a@shop.example", start), Err(Duration::from_secs(10)));
        assert!(throttle.take(HERE, "b@shop.example", start).is_ok());
        let later = start + Duration::from_secs(10);
        assert!(throttle.take(HERE, "a@shop.example", later).is_ok());
        assert!(throttle.take(HERE, "a@shop.example", later).is_err());
    }

    #[test]
    fn a_right_password_forgives_the_wrong_ones_before_it() {
        let throttle = Throttle::new(1, Duration::from_secs(10));
        let now = Instant::now();
        throttle.take(HERE, "a", now).unwrap();

        throttle.forgive(HERE, "a");

        assert!(throttle.take(HERE, "a", now).is_ok());
    }
}
