//! A few servers drawn at random, the least loaded of them: HAProxy's `random`.
//!
//! Servers are drawn from a ring with as many nodes for each as its weight says.
//! Balancers that do not know of each other do not all run to the same server,
//! as they would with [`LeastConn`](super::LeastConn). With two draws the longest
//! queue grows with log log n of the servers instead of log n (Mitzenmacher, "The
//! power of two choices in randomized load balancing", 1996).

use std::sync::Arc;

use super::{
    Choice, Policy, Query,
    hash::pick_bound,
    ring::{Bound, Ring},
};
use crate::server::Server;

/// The least loaded of some servers drawn in proportion to their weights. If
/// that one is full the request waits in the queue of the pool, as in HAProxy.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Random {
    draws: u32,
    factor: Option<u32>,
}

impl Default for Random {
    fn default() -> Self {
        Self::new()
    }
}

impl Random {
    /// Two draws.
    pub const fn new() -> Self {
        Self {
            draws: 2,
            factor: None,
        }
    }

    /// As many draws as this, at least one (`random(<draws>)`).
    #[must_use]
    pub const fn draws(mut self, draws: u32) -> Self {
        self.draws = if draws == 0 { 1 } else { draws };
        self
    }

    /// No server gets more than `percent` of its even share at a time. Below
    /// 101, no such limit (`hash-balance-factor`).
    #[must_use]
    pub const fn balance_factor(mut self, percent: u32) -> Self {
        self.factor = if percent > 100 { Some(percent) } else { None };
        self
    }
}

/// The servers on a ring.
#[derive(Debug)]
pub struct RandomIndex {
    ring: Ring,
    bound: Bound,
}

impl Policy for Random {
    type Index = RandomIndex;

    fn index<T>(&self, servers: &[Arc<Server<T>>], _: Option<&RandomIndex>) -> RandomIndex {
        RandomIndex {
            ring: Ring::new(servers),
            bound: Bound::new(self.factor, servers),
        }
    }

    fn pick<T>(
        &self,
        RandomIndex { ring, bound }: &RandomIndex,
        servers: &[Arc<Server<T>>],
        query: &mut Query<'_>,
    ) -> Choice {
        let mut best = None;
        for _ in 0..self.draws {
            let place = ring.nearest(query.rng.next_u32());
            let drawn = pick_bound(
                ring.candidates(place, servers.len()),
                servers,
                query,
                |server| bound.allows(&servers[server], query),
            );
            if best.is_none_or(|best: usize| lighter(&servers[drawn], &servers[best])) {
                best = Some(drawn);
            }
        }
        match best {
            Some(best) if servers[best].has_room(query.load) => Choice::Any(best),
            _ => Choice::Saturated,
        }
    }
}

/// Does `a` serve less for its weight than `b`?
fn lighter<T>(a: &Server<T>, b: &Server<T>) -> bool {
    let part = |one: &Server<T>, other: &Server<T>| {
        u64::from(one.in_flight()) * u64::from(other.effective_weight())
    };
    part(a, b) < part(b, a)
}
