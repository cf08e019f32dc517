//! Whose turn it is: a table of turns made once for a set of servers, and an
//! atomic cursor into it. A pick is one `fetch_add` and one load.

use std::{collections::HashMap, sync::Arc};

use super::{Choice, Query};
use crate::{
    server::{Server, ServerUid},
    sync::{AtomicU64, Ordering},
};

/// Turns of full servers that a pick passes over before it looks at each server
/// once: enough for a few full ones among many to keep everybody's share.
const PASSED_OVER: usize = 8;

/// The order of turns: a list that repeats, after a start that does not.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Turns {
    /// Positions of servers; never empty.
    pub(super) order: Box<[u32]>,
    /// After the last turn comes this one.
    pub(super) repeat_from: usize,
}

impl Turns {
    fn at(&self, turn: u64) -> usize {
        // A slice's length fits in u64, and what is left fits in usize.
        let len = self.order.len() as u64;
        let slot = if turn < len {
            turn
        } else {
            let start = self.repeat_from as u64;
            start + (turn - start) % (len - start)
        };
        self.order[slot as usize] as usize
    }

    fn period(&self) -> usize {
        self.order.len() - self.repeat_from
    }

    /// Where in the repeating part `turn` falls, in 1/65536 of the period.
    fn phase(&self, turn: u64) -> u64 {
        let start = self.repeat_from as u64;
        let period = self.period() as u64;
        (turn + period - start % period) % period * 65_536 / period
    }
}

/// A counter on cache lines of its own: every pick writes it, and what lies
/// beside it is only read.
#[derive(Debug)]
#[repr(align(128))]
pub(super) struct Cursor(AtomicU64);

impl Cursor {
    pub(super) fn new(start: u64) -> Self {
        Self(AtomicU64::new(start))
    }

    pub(super) fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }

    pub(super) fn current(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Turns, and whose it is.
#[derive(Debug)]
pub struct Rotation {
    turns: Turns,
    members: Box<[ServerUid]>,
    cursor: Cursor,
}

impl Rotation {
    /// Starts `turns` of `servers`, or goes on where `previous` stopped: with
    /// the server that was next there and still is one.
    pub(super) fn new<T>(
        turns: Turns,
        servers: &[Arc<Server<T>>],
        previous: Option<&Self>,
    ) -> Self {
        let members: Box<[ServerUid]> = servers.iter().map(|server| server.uid()).collect();
        let start = previous.map_or(0, |previous| previous.resume(&turns, &members));
        Self {
            turns,
            members,
            cursor: Cursor::new(start),
        }
    }

    /// The turn of `turns` with which this rotation goes on among `members`.
    fn resume(&self, turns: &Turns, members: &[ServerUid]) -> u64 {
        let now = self.cursor.current();
        if now == 0 || (self.turns == *turns && *self.members == *members) {
            return now;
        }
        let positions: HashMap<ServerUid, usize, ahash::RandomState> =
            members.iter().copied().zip(0..).collect();
        let next = (0..self.turns.order.len() as u64).find_map(|ahead| {
            let uid = &self.members[self.turns.at(now + ahead)];
            positions.get(uid).copied()
        });
        let period = turns.period() as u64;
        let near = turns.repeat_from as u64 + self.turns.phase(now) * period / 65_536;
        let turn = (near..near + period).find(|turn| Some(turns.at(*turn)) == next);
        turn.unwrap_or(near)
    }

    /// The next server in turn that can take the request. Servers that are full
    /// lose their turn; once a few in a row were, the first that is not gets it.
    pub(super) fn pick<T>(&self, servers: &[Arc<Server<T>>], query: &Query<'_>) -> Choice {
        let mut position = 0;
        for _ in 0..PASSED_OVER.min(servers.len()) {
            position = self.turns.at(self.cursor.next());
            if query.may_take(&servers[position]) {
                return Choice::Any(position);
            }
        }
        first_with_room(servers, position, query)
    }
}

/// The first server after `start`, once round, that can take the request; the
/// one to avoid only if there is no other.
pub(super) fn first_with_room<T>(
    servers: &[Arc<Server<T>>],
    start: usize,
    query: &Query<'_>,
) -> Choice {
    let (before, after) = servers.split_at((start + 1).min(servers.len()));
    let mut avoided = None;
    for (position, server) in (before.len()..).zip(after).chain((0..).zip(before)) {
        if server.has_room(query.load) {
            if query.avoid != Some(server.uid()) {
                return Choice::Any(position);
            }
            avoided = Some(position);
        }
    }
    avoided.map_or(Choice::Saturated, Choice::Any)
}
