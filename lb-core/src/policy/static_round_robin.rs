//! Round robin over a fixed map: HAProxy's `static-rr`, and the map of its
//! map-based hashing.
//!
//! As many slots as the sum of the weights, divided by their common divisor. The
//! order is HAProxy's own, and another than that of
//! [`RoundRobin`](super::RoundRobin): weights 3, 2 and 1 give 1 1 2 1 2 3.

use std::{
    cmp::Reverse,
    collections::{BTreeSet, BinaryHeap},
    sync::Arc,
};

use super::{
    Choice, Policy, Query,
    rotation::{Rotation, Turns},
    round_robin::gcd,
};
use crate::server::Server;

/// Each server in turn, in proportion to its configured weight: a slow start
/// does not show.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct StaticRoundRobin {}

impl StaticRoundRobin {
    /// Round robin by configured weight.
    pub const fn new() -> Self {
        Self {}
    }
}

impl Policy for StaticRoundRobin {
    type Index = Rotation;

    fn index<T>(&self, servers: &[Arc<Server<T>>], previous: Option<&Rotation>) -> Rotation {
        let turns = Turns {
            order: map(servers),
            repeat_from: 0,
        };
        Rotation::new(turns, servers, previous)
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

/// The slots of `servers`, by position and configured weight.
pub(super) fn map<T>(servers: &[Arc<Server<T>>]) -> Box<[u32]> {
    let weights: Vec<u32> = servers
        .iter()
        .map(|server| u32::from(server.user_weight()).max(1))
        .collect();
    slots(&weights)
}

/// One slot after another goes to the server that lags most behind its share,
/// the first declared of several.
///
/// After `s` slots of `W` in all, the share of a server of weight `w` is the
/// whole part of `s * w / W`. Its k-th unit falls due at slot `k * W / w`,
/// rounded up; so instead of looking at every server for every slot, the units
/// are taken in the order in which they fall due.
fn slots(weights: &[u32]) -> Box<[u32]> {
    let divisor = weights.iter().copied().fold(0, gcd).max(1);
    let weights: Vec<u64> = weights.iter().map(|w| u64::from(w / divisor)).collect();
    let total: u64 = weights.iter().sum();
    let due = |server: usize, unit: u64| {
        Reverse(((unit * total).div_ceil(weights[server]), unit, server))
    };
    let mut units: BinaryHeap<_> = (0..weights.len()).map(|server| due(server, 1)).collect();
    // What each server lags behind, and the servers in that order.
    let mut lag = vec![0i64; weights.len()];
    let mut ranks: BTreeSet<(Reverse<i64>, usize)> = (0..weights.len())
        .map(|server| (Reverse(0), server))
        .collect();
    let mut change = |server: usize, by: i64, ranks: &mut BTreeSet<(Reverse<i64>, usize)>| {
        ranks.remove(&(Reverse(lag[server]), server));
        lag[server] += by;
        ranks.insert((Reverse(lag[server]), server));
    };
    (1..=total)
        .map(|slot| {
            while let Some(&Reverse((at, unit, server))) = units.peek()
                && at <= slot
            {
                units.pop();
                units.push(due(server, unit + 1));
                change(server, 1, &mut ranks);
            }
            let (_, server) = *ranks.first().expect("one rank for each server");
            change(server, -1, &mut ranks);
            server as u32
        })
        .collect()
}

#[cfg(all(test, not(loom)))]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The rule as HAProxy's observed order was first explained: credits.
    fn by_credit(weights: &[u32]) -> Vec<u32> {
        let divisor = weights.iter().copied().fold(0, gcd);
        let total: u32 = weights.iter().sum::<u32>() / divisor;
        let mut credit = vec![0i64; weights.len()];
        (0..total)
            .map(|_| {
                for (credit, weight) in credit.iter_mut().zip(weights) {
                    *credit += i64::from(weight / divisor);
                }
                let whole = |server: &usize| {
                    (credit[*server] + i64::from(total)).div_euclid(i64::from(total))
                };
                let most = (0..weights.len())
                    .min_by_key(|server| Reverse(whole(server)))
                    .expect("a server");
                credit[most] -= i64::from(total);
                most as u32
            })
            .collect()
    }

    proptest! {
        #[test]
        fn slots_are_those_of_the_credits(weights in prop::collection::vec(1u32..=40, 1..12)) {
            prop_assert_eq!(slots(&weights).to_vec(), by_credit(&weights));
        }
    }
}
