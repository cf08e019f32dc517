//! How loaded a server is, and how loaded it may be.

use std::time::Duration;

use crate::sync::{AtomicU32, AtomicU64, Ordering, crossing};

/// The load of the whole pool, which a server's dynamic limit depends on.
#[derive(Clone, Copy, Debug, Default)]
pub struct PoolLoad {
    /// Requests that any server of the pool is serving, and those that wait.
    pub in_flight: u32,
    /// The load at which every server gets its full `maxconn`; 0 is "always".
    pub full_conn: u32,
}

/// In-flight and queued requests of one server, and their limits.
#[derive(Debug)]
pub(crate) struct Load {
    in_flight: AtomicU32,
    queued: AtomicU32,
    max: AtomicU32,
    min: AtomicU32,
    position: AtomicU32,
    latency: Latency,
}

impl Default for Load {
    fn default() -> Self {
        Self {
            in_flight: AtomicU32::new(0),
            queued: AtomicU32::new(0),
            max: AtomicU32::new(0),
            min: AtomicU32::new(0),
            position: AtomicU32::new(u32::MAX),
            latency: Latency::new(),
        }
    }
}

impl Load {
    pub(crate) fn in_flight(&self) -> u32 {
        self.in_flight.load(Ordering::Relaxed)
    }

    pub(crate) fn queued(&self) -> u32 {
        self.queued.load(Ordering::SeqCst)
    }

    pub(crate) fn latency(&self) -> &Latency {
        &self.latency
    }

    pub(crate) fn max(&self) -> u32 {
        self.max.load(Ordering::Relaxed)
    }

    pub(crate) fn set_max(&self, limit: u32) {
        self.max.store(limit, Ordering::Relaxed);
    }

    pub(crate) fn set_min(&self, limit: u32) {
        self.min.store(limit, Ordering::Relaxed);
    }

    /// HAProxy's rule: `maxconn`, or between `minconn` and `maxconn` in
    /// proportion to how near the pool is to `fullconn`; `throttle` in 1/256
    /// while the server ramps up, but never below 1.
    pub(crate) fn limit(&self, pool: PoolLoad, throttle: u32) -> Option<u32> {
        let max = self.max.load(Ordering::Relaxed);
        if max == 0 {
            return None;
        }
        let min = self.min.load(Ordering::Relaxed);
        let limit = if min == 0 || min >= max || pool.in_flight >= pool.full_conn {
            max
        } else {
            let scaled = u64::from(pool.in_flight) * u64::from(max) / u64::from(pool.full_conn);
            min.max(u32::try_from(scaled).unwrap_or(max))
        };
        let throttled = u64::from(limit) * u64::from(throttle.min(256)) / 256;
        Some(u32::try_from(throttled).unwrap_or(limit).max(1))
    }

    /// Is there a slot below `limit`? Whoever stands in line and then reads this
    /// sees every slot whose releaser did not see the line.
    pub(crate) fn has_slot(&self, limit: Option<u32>) -> bool {
        limit.is_none_or(|limit| self.in_flight.load(Ordering::SeqCst) < limit)
    }

    /// Takes a slot below `limit`, by compare-and-swap.
    pub(crate) fn try_take(&self, limit: Option<u32>) -> bool {
        let Some(limit) = limit else {
            self.in_flight.fetch_add(1, Ordering::SeqCst);
            return true;
        };
        let mut current = self.in_flight.load(Ordering::SeqCst);
        while current < limit {
            match self.in_flight.compare_exchange_weak(
                current,
                current + 1,
                Ordering::SeqCst,
                Ordering::SeqCst,
            ) {
                Ok(_) => return true,
                Err(now) => current = now,
            }
        }
        false
    }

    pub(crate) fn give_back(&self) {
        let before = self.in_flight.fetch_sub(1, Ordering::SeqCst);
        crossing();
        debug_assert!(before > 0, "a slot given back twice");
    }

    pub(crate) fn enter_queue(&self) {
        self.queued.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn leave_queue(&self) {
        let before = self.queued.fetch_sub(1, Ordering::SeqCst);
        debug_assert!(before > 0, "left a queue that was empty");
    }

    /// Where the server stands in the current snapshot's usable servers.
    ///
    /// Sequentially consistent, as slots are: who frees a slot and then reads a
    /// position of the next snapshot has freed it before that one was published,
    /// and the publisher serves the queue after that.
    pub(crate) fn position(&self) -> usize {
        self.position.load(Ordering::SeqCst) as usize
    }

    pub(crate) fn set_position(&self, position: usize) {
        // More servers than u32 holds are refused when the pool is built.
        self.position.store(
            u32::try_from(position).unwrap_or(u32::MAX),
            Ordering::SeqCst,
        );
    }
}

/// A moving average of response times that jumps to a peak at once and decays
/// towards lower values (peak EWMA, as in Finagle and linkerd).
#[derive(Debug)]
pub struct Latency {
    nanos: AtomicU64,
    /// When the last sample came, in nanoseconds since the pool was built.
    last: AtomicU64,
}

impl Latency {
    fn new() -> Self {
        Self {
            nanos: AtomicU64::new(0),
            last: AtomicU64::new(0),
        }
    }

    /// The estimate in nanoseconds; 0 before the first response.
    pub fn nanos(&self) -> u64 {
        self.nanos.load(Ordering::Relaxed)
    }

    /// When the last sample came, in nanoseconds on the clock of
    /// [`record`](Self::record).
    pub(crate) fn last_nanos(&self) -> u64 {
        self.last.load(Ordering::Relaxed)
    }

    /// Takes in a response time that was seen `at` this time since some fixed
    /// moment. A value above the estimate replaces it; a lower one draws it
    /// down with weight `1 - e^(-Δ/decay)`, Δ being the time since the last.
    pub fn record(&self, latency: Duration, at: Duration, decay: Duration) {
        let sample = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX).max(1);
        let at = u64::try_from(at.as_nanos()).unwrap_or(u64::MAX);
        let since = at.saturating_sub(self.last.swap(at, Ordering::Relaxed));
        let before = self.nanos();
        let after = if sample >= before {
            sample
        } else {
            let keep = (-(since as f64) / (decay.as_nanos() as f64).max(1.0)).exp();
            (before as f64 * keep + sample as f64 * (1.0 - keep)) as u64
        };
        // Two concurrent responses may overwrite each other: an estimate, not a count.
        self.nanos.store(after.max(1), Ordering::Relaxed);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn dynamic_limit_grows_with_the_pool() {
        let load = Load::default();
        load.set_max(100);
        load.set_min(10);
        let at = |in_flight| {
            load.limit(
                PoolLoad {
                    in_flight,
                    full_conn: 200,
                },
                256,
            )
        };
        assert_eq!(at(0), Some(10));
        assert_eq!(at(50), Some(25));
        assert_eq!(at(200), Some(100));
        assert_eq!(at(900), Some(100));
    }

    #[test]
    fn a_ramp_throttles_the_limit_but_leaves_one() {
        let load = Load::default();
        load.set_max(100);
        assert_eq!(load.limit(PoolLoad::default(), 128), Some(50));
        assert_eq!(load.limit(PoolLoad::default(), 0), Some(1));
    }

    #[test]
    fn latency_jumps_up_and_decays_down() {
        let latency = Latency::new();
        let decay = Duration::from_secs(10);
        let record = |millis, at| {
            latency.record(
                Duration::from_millis(millis),
                Duration::from_secs(at),
                decay,
            );
            latency.nanos()
        };
        assert_eq!(record(100, 1), 100_000_000);
        let after_a_second = record(1, 2);
        assert!(after_a_second > 85_000_000 && after_a_second < 100_000_000);
        assert!(record(1, 102) < 2_000_000);
    }
}
