//! The first server that has room: HAProxy's `first`.
//!
//! Servers are filled one after the other, in the order of their numbers, so
//! that the last ones stay idle and can be switched off. Without limits
//! ([`Server::max_conn`]) the first gets everything. Weights do not matter.

use std::sync::Arc;

use super::{Choice, Interest, Policy, Query, least_conn::has_room_at_most};
use crate::{
    server::Server,
    sync::{AtomicU64, Ordering},
};

/// The server of the lowest number that has room.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct First {}

impl First {
    /// One server after the other.
    pub const fn new() -> Self {
        Self {}
    }
}

/// Which servers have room, one bit each in the order of their numbers.
#[derive(Debug)]
pub struct RoomMap {
    words: Box<[AtomicU64]>,
    /// Positions in the order of the bits.
    by_rank: Box<[u32]>,
    /// Bits by position.
    ranks: Box<[u32]>,
}

impl RoomMap {
    fn new<T>(servers: &[Arc<Server<T>>]) -> Self {
        let mut by_rank: Box<[u32]> = (0..).take(servers.len()).collect();
        by_rank.sort_by_key(|position| servers[*position as usize].number());
        let mut ranks = vec![0; servers.len()].into_boxed_slice();
        for (rank, position) in (0..).zip(&by_rank) {
            ranks[*position as usize] = rank;
        }
        let words = by_rank.chunks(64).map(|_| AtomicU64::new(0)).collect();
        let map = Self {
            words,
            by_rank,
            ranks,
        };
        for position in 0..servers.len() {
            map.update(servers, position);
        }
        map
    }

    /// Sets a server's bit to what is so now.
    fn update<T>(&self, servers: &[Arc<Server<T>>], position: usize) {
        let rank = self.ranks[position] as usize;
        let (word, bit) = (&self.words[rank / 64], 1 << (rank % 64));
        let mut room = has_room_at_most(&servers[position]);
        loop {
            // Both see the change behind the bit they replace, so the last of
            // several threads leaves the bit as it must be.
            if room {
                word.fetch_or(bit, Ordering::AcqRel);
            } else {
                word.fetch_and(!bit, Ordering::AcqRel);
            }
            let again = has_room_at_most(&servers[position]);
            if again == room {
                break;
            }
            room = again;
        }
    }

    /// Positions of servers with room, in the order of their numbers.
    fn with_room(&self) -> impl Iterator<Item = usize> {
        self.words
            .iter()
            .enumerate()
            .flat_map(move |(index, word)| {
                let mut bits = word.load(Ordering::Acquire);
                std::iter::from_fn(move || {
                    let rank = (bits != 0).then(|| index * 64 + bits.trailing_zeros() as usize)?;
                    bits &= bits - 1;
                    Some(self.by_rank[rank] as usize)
                })
            })
    }
}

impl Policy for First {
    type Index = RoomMap;

    fn index<T>(&self, servers: &[Arc<Server<T>>], _: Option<&RoomMap>) -> RoomMap {
        RoomMap::new(servers)
    }

    fn pick<T>(
        &self,
        index: &RoomMap,
        servers: &[Arc<Server<T>>],
        query: &mut Query<'_>,
    ) -> Choice {
        let mut avoided = None;
        for position in index.with_room() {
            let server = &servers[position];
            if query.may_take(server) {
                return Choice::Any(position);
            }
            if query.avoid == Some(server.uid()) && server.has_room(query.load) {
                avoided = Some(position);
            }
        }
        avoided.map_or(Choice::Saturated, Choice::Any)
    }

    fn interest(&self) -> Interest {
        Interest {
            load: true,
            ..Interest::default()
        }
    }

    fn load_changed<T>(&self, index: &RoomMap, servers: &[Arc<Server<T>>], position: usize) {
        index.update(servers, position);
    }
}
