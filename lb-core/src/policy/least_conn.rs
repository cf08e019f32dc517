//! The server with the fewest requests for its weight: HAProxy's `leastconn`.
//!
//! A server's key is 0 while it is idle, else `(served + queued + 1) * 4096 /
//! weight`, so among idle servers weights do not matter. Of servers of equal
//! key the one whose load has not changed for longest is taken, so idle servers
//! take turns. Full servers come last.
//!
//! The least key is kept up to date in a lock-free tree as requests come and go,
//! and a pick reads its root, among 1,000 servers as among two.

use std::{collections::HashMap, sync::Arc};

use super::{
    Choice, Interest, Policy, Query,
    rotation::first_with_room,
    tournament::{Entry, Tournament},
};
use crate::server::{PoolLoad, Server, ServerUid};

/// The key of a server that has no room.
const FULL: u32 = u32::MAX;

/// The server with the fewest requests in proportion to its effective weight.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct LeastConn {}

impl LeastConn {
    /// Least connections by weight.
    pub const fn new() -> Self {
        Self {}
    }
}

/// The servers of a set in the order of their load.
#[derive(Debug)]
pub struct LoadOrder {
    tree: Tournament,
    members: Box<[ServerUid]>,
}

impl LoadOrder {
    /// Those that were there before keep their place among their equals, and new
    /// ones come last.
    fn new<T>(servers: &[Arc<Server<T>>], previous: Option<&Self>) -> Self {
        let before: HashMap<ServerUid, u32, ahash::RandomState> = previous
            .into_iter()
            .flat_map(|order| {
                order
                    .members
                    .iter()
                    .zip(0..)
                    .map(|(uid, at)| (*uid, order.tree.since(at)))
            })
            .collect();
        let clock = previous.map_or(0, |order| order.tree.clock());
        let ahead = |position: u32| clock.wrapping_add(position);
        let entries = (0..).zip(servers).map(|(position, server)| Entry {
            key: key(server),
            since: before
                .get(&server.uid())
                .copied()
                .unwrap_or(ahead(position)),
        });
        let count = u32::try_from(servers.len()).unwrap_or(u32::MAX);
        Self {
            tree: Tournament::new(entries, ahead(count)),
            members: servers.iter().map(|server| server.uid()).collect(),
        }
    }
}

impl Policy for LeastConn {
    type Index = LoadOrder;

    fn index<T>(&self, servers: &[Arc<Server<T>>], previous: Option<&LoadOrder>) -> LoadOrder {
        LoadOrder::new(servers, previous)
    }

    fn pick<T>(
        &self,
        LoadOrder { tree, .. }: &LoadOrder,
        servers: &[Arc<Server<T>>],
        query: &mut Query<'_>,
    ) -> Choice {
        let (least, key) = tree.least();
        if query.may_take(&servers[least]) {
            return Choice::Any(least);
        }
        if key == FULL {
            return Choice::Saturated;
        }
        // The least loaded is to be avoided, or full by a limit that depends on
        // the load of the pool, which no key can hold.
        match tree.least_of(|position| query.may_take(&servers[position])) {
            Some(position) => Choice::Any(position),
            None => first_with_room(servers, least, query),
        }
    }

    fn interest(&self) -> Interest {
        Interest {
            load: true,
            ..Interest::default()
        }
    }

    fn load_changed<T>(&self, index: &LoadOrder, servers: &[Arc<Server<T>>], position: usize) {
        index.tree.update(position, || key(&servers[position]));
    }
}

/// What servers are ordered by.
fn key<T>(server: &Server<T>) -> u32 {
    if !has_room_at_most(server) {
        return FULL;
    }
    let load = u64::from(server.in_flight()) + u64::from(server.queued());
    let key = match load {
        0 => 0,
        load => (load + 1) * 4096 / u64::from(server.effective_weight().max(1)),
    };
    u32::try_from(key).unwrap_or(FULL).min(FULL - 1)
}

/// Would the server have room if the pool were so busy that its dynamic limit is
/// the highest? If not, no load of the pool gives it any.
pub(super) fn has_room_at_most<T>(server: &Server<T>) -> bool {
    server.has_room(PoolLoad {
        in_flight: u32::MAX,
        full_conn: 0,
    })
}
