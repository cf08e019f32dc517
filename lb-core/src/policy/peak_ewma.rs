//! Two servers at random, the one that promises the earlier answer.
//!
//! The promise is the moving average of the response time times the requests in
//! flight and one, over the weight. The average jumps to a peak at once and
//! comes down slowly ([`Latency`](crate::server::Latency)), so a server that
//! stalls is left alone at once: "Peak EWMA" of Twitter's Finagle, also in
//! linkerd.

use std::{sync::Arc, time::Duration};

use super::{
    Choice, Interest, Policy, Query,
    p2c::{prefer, two},
};
use crate::server::Server;

/// Of two different servers drawn at random, the one expected to answer first.
///
/// A server that has not answered yet is tried with one request, and gets more
/// only when that has been answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PeakEwma {}

impl PeakEwma {
    /// The time in which a peak falls to 37 % (1/e), as in Finagle and linkerd.
    pub const DECAY: Duration = Duration::from_secs(10);

    /// Least expected response time.
    pub const fn new() -> Self {
        Self {}
    }
}

impl Policy for PeakEwma {
    type Index = ();

    fn index<T>(&self, _: &[Arc<Server<T>>], _: Option<&()>) {}

    fn pick<T>(&self, (): &(), servers: &[Arc<Server<T>>], query: &mut Query<'_>) -> Choice {
        let (a, b) = two(servers.len(), query.rng);
        let last = |position: usize| servers[position].latency().last_nanos();
        let now = last(a).max(last(b));
        let order = if cost(&servers[a], now) <= cost(&servers[b], now) {
            [a, b]
        } else {
            [b, a]
        };
        prefer(order, servers, query)
    }

    fn interest(&self) -> Interest {
        Interest {
            latency: true,
            ..Interest::default()
        }
    }
}

/// The expected response time in nanoseconds for each unit of weight.
///
/// A slow server that nobody chooses has no responses to show that it has
/// recovered, so its estimate decays by the time that its last one lies behind
/// `now`, which is that of the other server drawn: it gets another chance.
fn cost<T>(server: &Server<T>, now: u64) -> f64 {
    let pending = f64::from(server.in_flight()) + f64::from(server.queued());
    let latency = server.latency();
    match latency.nanos() {
        0 if pending == 0.0 => 0.0,
        // Behind every server that has answered, however slowly.
        0 => 1e30 * pending,
        nanos => {
            let age = now.saturating_sub(latency.last_nanos()) as f64;
            let decayed = nanos as f64 * (-age / PeakEwma::DECAY.as_nanos() as f64).exp();
            decayed * (pending + 1.0) / f64::from(server.effective_weight())
        }
    }
}
