//! The same server for the same key: HAProxy's `source`, `uri`, `url_param`,
//! `hdr`, `rdp-cookie` and `hash`, with its `hash-type`.
//!
//! What of a request is the key is the caller's matter: it gives
//! [`Policy::digest`] the key and puts the result in [`Query::hash`].
//!
//! - *map-based*: a map with one slot for each unit of weight, and the hash
//!   modulo its length. Even, but a change of one server moves almost all keys.
//! - *consistent*: a ring with 16 nodes for each unit of weight; a key belongs to
//!   the node nearest to it. A change of one server moves only its keys.
//!
//! A request without a key goes to the next server in turn. A server that is
//! full keeps its keys: their requests wait for it.

use std::sync::Arc;

use super::{
    Choice, Key, Policy, Query,
    ring::{Bound, Ring},
    rotation::{Cursor, Rotation, Turns, first_with_room},
    static_round_robin,
};
use crate::{
    hash::{Function, KeyHash},
    server::Server,
};

/// Nodes whose servers are full that a request without a key passes over.
const PASSED_OVER: usize = 8;

/// The server that a request's key belongs to.
///
/// ```
/// use lb_core::{hash::Function, policy::{Hash, Key, Policy}};
///
/// let policy = Hash::consistent().function(Function::Crc32).avalanche(true).balance_factor(150);
/// assert!(policy.digest(Key::Bytes(b"/a")).is_some());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Hash {
    consistent: bool,
    hash: KeyHash,
    factor: Option<u32>,
}

impl Hash {
    /// By a map, with sdbm (`hash-type map-based`).
    pub const fn map_based() -> Self {
        Self {
            consistent: false,
            hash: KeyHash::new(Function::Sdbm),
            factor: None,
        }
    }

    /// By a ring, with sdbm and avalanche (`hash-type consistent`).
    pub const fn consistent() -> Self {
        Self {
            consistent: true,
            hash: KeyHash::new(Function::Sdbm).avalanche(true),
            factor: None,
        }
    }

    /// Hashes keys in this way.
    #[must_use]
    pub const fn key_hash(mut self, hash: KeyHash) -> Self {
        self.hash = hash;
        self
    }

    /// Hashes keys with `function`, without avalanche unless that is asked for
    /// after this.
    #[must_use]
    pub const fn function(mut self, function: Function) -> Self {
        self.hash = KeyHash::new(function);
        self
    }

    /// Mixes the hash once more, or does not.
    #[must_use]
    pub const fn avalanche(mut self, on: bool) -> Self {
        self.hash = self.hash.avalanche(on);
        self
    }

    /// With a ring, no server gets more than `percent` of its even share at a
    /// time; keys beyond go to the next on the ring. Below 101, no such limit
    /// (`hash-balance-factor`).
    #[must_use]
    pub const fn balance_factor(mut self, percent: u32) -> Self {
        self.factor = if percent > 100 { Some(percent) } else { None };
        self
    }
}

/// Where each key belongs.
#[derive(Debug)]
pub struct HashIndex(Kind);

#[derive(Debug)]
enum Kind {
    Map {
        slots: Box<[u32]>,
        rotation: Rotation,
    },
    Ring {
        ring: Ring,
        bound: Bound,
        cursor: Cursor,
    },
}

impl Policy for Hash {
    type Index = HashIndex;

    fn index<T>(&self, servers: &[Arc<Server<T>>], previous: Option<&HashIndex>) -> HashIndex {
        let previous = previous.map(|HashIndex(kind)| kind);
        HashIndex(if self.consistent {
            Kind::Ring {
                ring: Ring::new(servers),
                bound: Bound::new(self.factor, servers),
                cursor: Cursor::new(match previous {
                    Some(Kind::Ring { cursor, .. }) => cursor.current(),
                    _ => 0,
                }),
            }
        } else {
            let slots = static_round_robin::map(servers);
            let turns = Turns {
                order: slots.clone(),
                repeat_from: 0,
            };
            let previous = match previous {
                Some(Kind::Map { rotation, .. }) => Some(rotation),
                _ => None,
            };
            Kind::Map {
                slots,
                rotation: Rotation::new(turns, servers, previous),
            }
        })
    }

    fn pick<T>(
        &self,
        HashIndex(kind): &HashIndex,
        servers: &[Arc<Server<T>>],
        query: &mut Query<'_>,
    ) -> Choice {
        if servers.len() == 1 {
            return Choice::Only(0);
        }
        match (kind, query.hash) {
            (Kind::Map { slots, .. }, Some(hash)) => {
                // In u64, since a map of 2^32 slots could not be told from one of none.
                let slot = (u64::from(hash) % slots.len() as u64) as usize;
                let (before, after) = slots.split_at(slot);
                let candidates = after.iter().chain(before).map(|server| *server as usize);
                Choice::Only(pick_bound(candidates, servers, query, |_| true))
            }
            (Kind::Map { rotation, .. }, None) => rotation.pick(servers, query),
            (Kind::Ring { ring, bound, .. }, Some(hash)) => {
                let candidates = ring.candidates(ring.nearest(hash), servers.len());
                Choice::Only(pick_bound(candidates, servers, query, |server| {
                    bound.allows(&servers[server], query)
                }))
            }
            (Kind::Ring { ring, cursor, .. }, None) => next_node(ring, cursor, servers, query),
        }
    }

    fn digest(&self, key: Key<'_>) -> Option<u32> {
        self.hash.digest(key)
    }
}

/// The first candidate that is not to be avoided and that `allowed` lets pass;
/// else any other than the one to avoid; else the first.
pub(super) fn pick_bound<T>(
    candidates: impl Iterator<Item = usize>,
    servers: &[Arc<Server<T>>],
    query: &Query<'_>,
    allowed: impl Fn(usize) -> bool,
) -> usize {
    let mut first = None;
    let mut other = None;
    let mut refused = None;
    for candidate in candidates {
        first = first.or(Some(candidate));
        if query.avoid == Some(servers[candidate].uid()) || refused == Some(candidate) {
            continue;
        }
        if allowed(candidate) {
            return candidate;
        }
        refused = Some(candidate);
        other = other.or(refused);
    }
    other.or(first).unwrap_or(0)
}

/// The server of the next node that can take the request.
fn next_node<T>(
    ring: &Ring,
    cursor: &Cursor,
    servers: &[Arc<Server<T>>],
    query: &Query<'_>,
) -> Choice {
    let mut position = 0;
    for _ in 0..PASSED_OVER {
        position = ring.server_at(cursor.next());
        if query.may_take(&servers[position]) {
            return Choice::Any(position);
        }
    }
    first_with_room(servers, position, query)
}
