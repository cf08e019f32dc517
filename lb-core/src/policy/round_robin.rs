//! Each server in turn, as often as its weight says: HAProxy's `roundrobin`.
//!
//! Turns are evenly spread, so that a heavy server does not get its share in one
//! go: with weights 3, 2 and 1 the order is 1 2 1 3 1 2. The order is HAProxy's
//! own (`tests/vectors/haproxy-2.6.json` holds what a running one did), an
//! earliest-deadline-first schedule. It is computed once for each set of
//! weights; a pick takes the next entry.

use std::{cmp::Reverse, collections::BinaryHeap, sync::Arc};

use super::{
    Choice, Policy, Query,
    rotation::{Rotation, Turns},
};
use crate::server::{MAX_WEIGHT, Server};

/// Each server in turn, in proportion to its effective weight; one that is full
/// is passed over.
///
/// ```
/// use lb_core::policy::{Algorithm, RoundRobin};
///
/// let policy = RoundRobin::new();
/// assert_eq!(Algorithm::parse("roundrobin", None, None), Ok(policy.into()));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct RoundRobin {}

impl RoundRobin {
    /// Round robin by weight.
    pub const fn new() -> Self {
        Self {}
    }
}

impl Policy for RoundRobin {
    type Index = Rotation;

    fn index<T>(&self, servers: &[Arc<Server<T>>], previous: Option<&Rotation>) -> Rotation {
        let weights: Vec<u32> = servers.iter().map(|s| s.effective_weight()).collect();
        Rotation::new(interleave(&weights), servers, previous)
    }

    fn pick<T>(
        &self,
        index: &Rotation,
        servers: &[Arc<Server<T>>],
        query: &mut Query<'_>,
    ) -> Choice {
        index.pick(servers, query)
    }
}

/// Turns in proportion to `weights`, each server's evenly spread.
///
/// With W the sum of the weights, a server of weight w is due every W/w turns.
/// At each turn
/// - of the servers that are due (by whole turns) the one due first is served;
///   among those due at the same turn, the one whose fraction of a turn leaves
///   most, times w; among these, the one that has waited longest;
/// - if none is due, the next server that has had no turn yet: heaviest first,
///   then in the order of declaration; if all have had one, the one due first.
///
/// This repeats after W turns; for a few sets of weights, only from the second
/// round on, the first being one in which a light server came too late.
fn interleave(weights: &[u32]) -> Turns {
    let weights = reduce(weights);
    let period: u64 = weights.iter().map(|w| u64::from(*w)).sum();
    let mut schedule = Schedule::new(&weights);
    let mut served = vec![0; weights.len()];
    let mut order = Vec::with_capacity(period as usize);
    for _ in 0..period {
        let server = schedule.next();
        served[server as usize] += 1;
        order.push(server);
    }
    let repeat_from = if served == weights { 0 } else { order.len() };
    if repeat_from > 0 {
        order.extend((0..period).map(|_| schedule.next()));
    }
    Turns {
        order: order.into_boxed_slice(),
        repeat_from,
    }
}

/// Divides weights by their common divisor, and rounds them where the table
/// would still be out of proportion: that can only be during a slow start,
/// whose weights are 16 times finer than configured ones.
fn reduce(weights: &[u32]) -> Vec<u32> {
    let divisor = weights.iter().copied().fold(0, gcd).max(1);
    let total: u64 = weights.iter().map(|w| u64::from(*w / divisor)).sum();
    let most = (weights.len() as u64 * u64::from(MAX_WEIGHT)).max(65_536);
    let scale = |weight: u32| {
        let weight = u64::from((weight / divisor).max(1));
        // Not above the weight itself, which is a u32.
        if total > most {
            (weight * most / total).max(1) as u32
        } else {
            weight as u32
        }
    };
    weights.iter().map(|w| scale(*w)).collect()
}

/// The greatest common divisor; `gcd(0, n)` is `n`.
pub(super) const fn gcd(mut a: u32, mut b: u32) -> u32 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// When a server is due, in the order in which servers are served.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Due {
    turn: u64,
    /// What is left of the turn: weight minus remainder of `W * turns / weight`.
    slack: Reverse<u32>,
    queued: u64,
    server: u32,
}

struct Schedule<'a> {
    weights: &'a [u32],
    total: u64,
    turn: u64,
    /// Servers that have had no turn, the next one last.
    unserved: Vec<u32>,
    queue: BinaryHeap<Reverse<Due>>,
}

impl<'a> Schedule<'a> {
    fn new(weights: &'a [u32]) -> Self {
        let mut unserved: Vec<u32> = (0..).take(weights.len()).collect();
        unserved.sort_by_key(|server| (Reverse(weights[*server as usize]), *server));
        unserved.reverse();
        Self {
            weights,
            total: weights.iter().map(|w| u64::from(*w)).sum(),
            turn: 0,
            unserved,
            queue: BinaryHeap::with_capacity(weights.len()),
        }
    }

    fn next(&mut self) -> u32 {
        let due = self
            .queue
            .peek()
            .is_some_and(|Reverse(first)| first.turn <= self.turn);
        let fresh = if due { None } else { self.unserved.pop() };
        let (server, turn, remainder) = match fresh {
            Some(server) => (server, self.turn, 0),
            None => {
                let Reverse(first) = self.queue.pop().expect("who is served is queued again");
                let weight = self.weights[first.server as usize];
                (first.server, first.turn, weight - first.slack.0)
            }
        };
        let weight = self.weights[server as usize];
        let wait = self.total + u64::from(remainder);
        // A remainder of a division by a u32 is one.
        let remainder = (wait % u64::from(weight)) as u32;
        self.queue.push(Reverse(Due {
            turn: turn + wait / u64::from(weight),
            slack: Reverse(weight - remainder),
            queued: self.turn,
            server,
        }));
        self.turn += 1;
        server
    }
}
