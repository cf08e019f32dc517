//! A ring of servers, for consistent hashing: a change of one server moves only
//! the keys of that server.

use std::sync::Arc;

use super::Query;
use crate::{hash::avalanche, server::Server};

/// Numbers of nodes reserved for each server: the largest effective weight.
const NODES_PER_SERVER: u32 = 4096;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Node {
    key: u32,
    server: u32,
}

/// HAProxy's ring: as many nodes for each server as its effective weight (16 for
/// a weight of 1), at places that depend on nothing but its number.
#[derive(Debug)]
pub(super) struct Ring {
    /// By key.
    nodes: Box<[Node]>,
    /// For each value of a key's upper bits, the first node not below it; there
    /// is about one node for each, so that a look-up ends after a step or two.
    starts: Box<[u32]>,
    shift: u32,
}

impl Ring {
    pub(super) fn new<T>(servers: &[Arc<Server<T>>]) -> Self {
        let mut nodes = Vec::with_capacity(
            servers
                .iter()
                .map(|server| server.effective_weight() as usize)
                .sum(),
        );
        for (position, server) in (0..).zip(servers) {
            // A server outside of a pool has no number yet.
            let number = match server.number() {
                0 => position + 1,
                number => number,
            };
            let base = number.wrapping_mul(NODES_PER_SERVER);
            nodes.extend((0..server.effective_weight().max(1)).map(|node| Node {
                key: avalanche(base.wrapping_add(node)),
                server: position,
            }));
        }
        nodes.sort_unstable();
        let bits = nodes
            .len()
            .next_power_of_two()
            .trailing_zeros()
            .clamp(1, 31);
        let shift = 32 - bits;
        let mut starts = Vec::with_capacity((1 << bits) + 1);
        for (place, node) in (0..).zip(&nodes) {
            starts.resize(starts.len().max((node.key >> shift) as usize + 1), place);
        }
        starts.resize(1 << bits, u32::try_from(nodes.len()).unwrap_or(u32::MAX));
        Self {
            nodes: nodes.into_boxed_slice(),
            starts: starts.into_boxed_slice(),
            shift,
        }
    }

    /// The place on the ring of the node nearest to `hash` on either side; the
    /// one before it if both are as near.
    pub(super) fn nearest(&self, hash: u32) -> usize {
        let mut place = self.starts[(hash >> self.shift) as usize] as usize;
        while self.nodes.get(place).is_some_and(|node| node.key < hash) {
            place += 1;
        }
        let next = if place == self.nodes.len() { 0 } else { place };
        let before = place.checked_sub(1).unwrap_or(self.nodes.len() - 1);
        let behind = hash.wrapping_sub(self.nodes[before].key);
        let ahead = self.nodes[next].key.wrapping_sub(hash);
        if ahead == 0 || ahead < behind {
            next
        } else {
            before
        }
    }

    /// The server of the node that comes `turn` nodes after the first.
    pub(super) fn server_at(&self, turn: u64) -> usize {
        self.nodes[(turn % self.nodes.len() as u64) as usize].server as usize
    }

    /// Servers in the order in which the key at `place` falls to them. That of
    /// the next node comes first, and several times if nodes of its follow; after
    /// so many nodes that few servers can be missing, simply every server: a ring
    /// may have millions of nodes.
    pub(super) fn candidates(&self, place: usize, servers: usize) -> impl Iterator<Item = usize> {
        let (before, after) = self.nodes.split_at(place);
        let first = self.nodes[place].server as usize;
        let nodes = after.iter().chain(before).map(|node| node.server as usize);
        nodes
            .take(4 * servers)
            .chain(first..servers)
            .chain(0..first)
    }
}

/// Limits a server to a share of the load, so that one popular key cannot
/// overload it: "consistent hashing with bounded loads" (Mirrokni, Thorup and
/// Zadimoghaddam, SODA 2018); HAProxy's `hash-balance-factor`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Bound {
    /// Percent of the even share; `None` is no limit.
    pub(super) factor: Option<u32>,
    /// The effective weights of all servers.
    pub(super) total_weight: u64,
}

impl Bound {
    pub(super) fn new<T>(factor: Option<u32>, servers: &[Arc<Server<T>>]) -> Self {
        Self {
            factor,
            total_weight: servers
                .iter()
                .map(|server| u64::from(server.effective_weight()))
                .sum(),
        }
    }

    /// May the server take one more? Of all slots, those in use and one more
    /// times the factor, it gets the part of its weight, rounded up: so there is
    /// always one that may.
    pub(super) fn allows<T>(&self, server: &Server<T>, query: &Query<'_>) -> bool {
        let Some(factor) = self.factor else {
            return true;
        };
        let total = (u64::from(query.load.in_flight) + 1) * u64::from(factor);
        let slots = (total.div_ceil(100) * u64::from(server.effective_weight()))
            .div_ceil(self.total_weight.max(1))
            .max(1);
        u64::from(server.in_flight()) + u64::from(server.queued()) < slots
    }
}
