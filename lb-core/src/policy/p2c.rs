//! Two servers at random, the less loaded of them ("power of two choices").
//!
//! As even as [`LeastConn`](super::LeastConn) in practice, at the price of
//! looking at two servers; and balancers that do not know of each other do not
//! all run to the same one. Mitzenmacher, "The power of two choices in
//! randomized load balancing", 1996.

use std::sync::Arc;

use rand::Rng;

use super::{Choice, Policy, Query, rotation::first_with_room};
use crate::server::Server;

/// Of two different servers drawn at random, the one with fewer requests for its
/// weight.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct P2c {}

impl P2c {
    /// Power of two choices.
    pub const fn new() -> Self {
        Self {}
    }
}

impl Policy for P2c {
    type Index = ();

    fn index<T>(&self, _: &[Arc<Server<T>>], _: Option<&()>) {}

    fn pick<T>(&self, (): &(), servers: &[Arc<Server<T>>], query: &mut Query<'_>) -> Choice {
        let (a, b) = two(servers.len(), query.rng);
        let load =
            |server: &Server<T>| u64::from(server.in_flight()) + u64::from(server.queued()) + 1;
        let weight = |server: &Server<T>| u64::from(server.effective_weight());
        let (one, other) = (&servers[a], &servers[b]);
        let a_first = load(one) * weight(other) <= load(other) * weight(one);
        prefer(if a_first { [a, b] } else { [b, a] }, servers, query)
    }
}

/// The first of two that can take the request, else any server that can.
pub(super) fn prefer<T>(two: [usize; 2], servers: &[Arc<Server<T>>], query: &Query<'_>) -> Choice {
    let taker = two
        .into_iter()
        .find(|server| query.may_take(&servers[*server]));
    taker.map_or_else(|| first_with_room(servers, two[0], query), Choice::Any)
}

/// Two different positions below `count`, or twice 0 if there is but one.
pub(super) fn two(count: usize, rng: &mut dyn Rng) -> (usize, usize) {
    let word = rng.next_u64();
    let below = |half: u64, count: usize| ((half * count as u64) >> 32) as usize;
    let a = below(word >> 32, count);
    let b = below(word & u64::from(u32::MAX), count.saturating_sub(1));
    // Those from `a` on move up by one, which leaves `a` out.
    (a, (b + usize::from(b >= a)).min(count - 1))
}
