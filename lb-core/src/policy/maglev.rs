//! The same server for the same key, by a table that balancers that do not know
//! of each other fill alike: Maglev hashing.
//!
//! Each server has its own order of all slots of the table, derived from its
//! *name*; in turns, as often as their weights say, servers take the next free
//! slot of their order. A look-up is one load; a change of one server moves its
//! keys and very few others. Eisenbud et al., "Maglev: a fast and reliable
//! software network load balancer", NSDI 2016, section 3.4.

use std::sync::Arc;

use super::{
    Choice, Key, Policy, Query,
    hash::pick_bound,
    rotation::{Cursor, first_with_room},
};
use crate::{
    hash::{Function, KeyHash, avalanche, sdbm},
    server::Server,
};

/// Slots of the table, the paper's own sizes. Prime, so that every step visits
/// all slots; the large one for more servers than leave each a fair number.
const SLOTS: u64 = 65_537;
const MANY_SLOTS: u64 = 655_373;
const MANY_SERVERS: usize = 4096;

/// A free slot, while the table is filled.
const FREE: u32 = u32::MAX;

/// The server that a request's key belongs to, by Maglev hashing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Maglev {
    hash: KeyHash,
}

impl Default for Maglev {
    fn default() -> Self {
        Self::new()
    }
}

impl Maglev {
    /// With sdbm and avalanche.
    pub const fn new() -> Self {
        Self {
            hash: KeyHash::new(Function::Sdbm).avalanche(true),
        }
    }

    /// Hashes keys in this way.
    #[must_use]
    pub const fn key_hash(mut self, hash: KeyHash) -> Self {
        self.hash = hash;
        self
    }
}

/// A server for each slot.
#[derive(Debug)]
pub struct MaglevTable {
    slots: Box<[u32]>,
    cursor: Cursor,
}

/// A server's order of the slots.
struct Order {
    next: u64,
    step: u64,
}

impl MaglevTable {
    fn new<T>(servers: &[Arc<Server<T>>], start: u64) -> Self {
        let size = if servers.len() > MANY_SERVERS {
            MANY_SLOTS
        } else {
            SLOTS
        };
        let mut orders: Vec<Order> = servers
            .iter()
            .map(|server| {
                let name = server.name().as_bytes();
                Order {
                    next: u64::from(avalanche(crc32fast::hash(name))) % size,
                    step: u64::from(avalanche(sdbm(name))) % (size - 1) + 1,
                }
            })
            .collect();
        let weights: Vec<u64> = servers
            .iter()
            .map(|server| u64::from(server.effective_weight().max(1)))
            .collect();
        let heaviest = weights.iter().copied().max().unwrap_or(1);
        let mut credit = vec![0; servers.len()];
        let mut slots = vec![FREE; size as usize].into_boxed_slice();
        let mut free = size;
        // The heaviest takes a slot in every round, the others in proportion.
        'rounds: loop {
            for (server, order) in orders.iter_mut().enumerate() {
                credit[server] += weights[server];
                if credit[server] < heaviest {
                    continue;
                }
                credit[server] -= heaviest;
                while slots[order.next as usize] != FREE {
                    order.next = (order.next + order.step) % size;
                }
                slots[order.next as usize] = server as u32;
                free -= 1;
                if free == 0 {
                    break 'rounds;
                }
            }
        }
        Self {
            slots,
            cursor: Cursor::new(start),
        }
    }
}

impl Policy for Maglev {
    type Index = MaglevTable;

    fn index<T>(&self, servers: &[Arc<Server<T>>], previous: Option<&MaglevTable>) -> MaglevTable {
        MaglevTable::new(servers, previous.map_or(0, |table| table.cursor.current()))
    }

    fn pick<T>(
        &self,
        table: &MaglevTable,
        servers: &[Arc<Server<T>>],
        query: &mut Query<'_>,
    ) -> Choice {
        let size = table.slots.len() as u64;
        match query.hash {
            Some(hash) => {
                let (before, after) = table.slots.split_at((u64::from(hash) % size) as usize);
                let candidates = after.iter().chain(before).map(|server| *server as usize);
                Choice::Only(pick_bound(candidates, servers, query, |_| true))
            }
            None => {
                let turn = table.cursor.next() % size;
                let position = table.slots[turn as usize] as usize;
                if query.may_take(&servers[position]) {
                    return Choice::Any(position);
                }
                first_with_room(servers, position, query)
            }
        }
    }

    fn digest(&self, key: Key<'_>) -> Option<u32> {
        self.hash.digest(key)
    }
}
