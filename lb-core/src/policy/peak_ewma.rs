//! Two servers at random, the one that promises the earlier answer.
//!
//! The promise is the moving average of the response time times the requests in
//! flight and one, over the weight. The average jumps to a peak at once and
//! comes down slowly ([`Latency`](crate::server::Latency)), so a server that
//! stalls is left alone at once: "Peak EWMA" of Twitter's Finagle, also in
//! linkerd.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use tokio::time::Instant;

use super::{
    Choice, Interest, Policy, Query,
    p2c::{prefer, two},
};
use crate::{
    server::Server,
    sync::{AtomicU64, Ordering},
};

/// Of two different servers drawn at random, the one expected to answer first.
///
/// A server that has not answered yet is tried with one request, and gets more
/// only when that has been answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PeakEwma {
    decay: Duration,
}

impl Default for PeakEwma {
    fn default() -> Self {
        Self::new()
    }
}

impl PeakEwma {
    /// The time in which a peak falls to 37 % (1/e), Finagle's 10 s.
    pub const DECAY: Duration = Duration::from_secs(10);

    /// Averages of [`DECAY`](Self::DECAY).
    pub const fn new() -> Self {
        Self { decay: Self::DECAY }
    }

    /// The time in which the estimate of a server that is not chosen falls to
    /// 37 %, so that it gets another chance.
    #[must_use]
    pub const fn decay(mut self, decay: Duration) -> Self {
        self.decay = decay;
        self
    }
}

/// Since when each server's estimate has been what it is.
#[derive(Debug)]
pub struct Estimates {
    /// The time of the first pick; times below are milliseconds after it.
    epoch: OnceLock<Instant>,
    seen: Box<[Seen]>,
}

#[derive(Debug, Default)]
struct Seen {
    nanos: AtomicU64,
    at: AtomicU64,
}

impl Estimates {
    /// The estimate of a server in nanoseconds, less what it has decayed since it
    /// last changed: a slow server that nobody chooses has no responses to show
    /// that it has recovered.
    fn decayed(&self, position: usize, nanos: u64, now: Instant, decay: Duration) -> f64 {
        let epoch = *self.epoch.get_or_init(|| now);
        // 2^64 ms do not pass.
        let millis = now.saturating_duration_since(epoch).as_millis() as u64;
        let seen = &self.seen[position];
        // Two threads may both note a change, at about the same time.
        if seen.nanos.load(Ordering::Relaxed) != nanos {
            seen.at.store(millis, Ordering::Relaxed);
            seen.nanos.store(nanos, Ordering::Relaxed);
            return nanos as f64;
        }
        let since = millis.saturating_sub(seen.at.load(Ordering::Relaxed));
        let parts = since as f64 / 1000.0 / decay.as_secs_f64().max(1e-9);
        nanos as f64 * (-parts).exp()
    }
}

impl Policy for PeakEwma {
    type Index = Estimates;

    fn index<T>(&self, servers: &[Arc<Server<T>>], _: Option<&Estimates>) -> Estimates {
        Estimates {
            epoch: OnceLock::new(),
            seen: servers.iter().map(|_| Seen::default()).collect(),
        }
    }

    fn pick<T>(
        &self,
        index: &Estimates,
        servers: &[Arc<Server<T>>],
        query: &mut Query<'_>,
    ) -> Choice {
        let (a, b) = two(servers.len(), query.rng);
        let cost = |position: usize| {
            let server = &servers[position];
            let pending = f64::from(server.in_flight()) + f64::from(server.queued());
            match (server.latency().nanos(), pending) {
                (0, 0.0) => 0.0,
                // Behind every server that has answered, however slowly.
                (0, pending) => 1e30 * pending,
                (nanos, pending) => {
                    let latency = index.decayed(position, nanos, query.now, self.decay);
                    latency * (pending + 1.0) / f64::from(server.effective_weight())
                }
            }
        };
        let order = if cost(a) <= cost(b) { [a, b] } else { [b, a] };
        prefer(order, servers, query)
    }

    fn interest(&self) -> Interest {
        Interest {
            latency: true,
            ..Interest::default()
        }
    }
}
