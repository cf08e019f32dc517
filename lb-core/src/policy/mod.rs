//! Which server a request gets: HAProxy's `balance`.
//!
//! A [`Policy`] is pure: it sees the usable servers, an index that it built for
//! just this set of them, and a [`Query`] that carries the request's hash and a
//! random source; it answers with a [`Choice`]. It allocates nothing
//! while picking and keeps no counters: those live on the
//! [`Server`], so that a change of the set loses nothing.
//!
//! The built-in ones are, each in a file that states its rule: [`RoundRobin`],
//! [`StaticRoundRobin`], [`LeastConn`], [`First`], [`Hash`](struct@Hash), [`Random`], and
//! beyond HAProxy's [`P2c`], [`PeakEwma`] and [`Maglev`]. [`Algorithm`] is any of
//! them, by the words of a configuration.
//!
//! An algorithm of your own is about twenty lines:
//!
//! ```
//! use std::sync::Arc;
//! use lb_core::{Policy, Server, policy::{Choice, Query}};
//!
//! /// The server that has answered fastest lately.
//! struct Fastest;
//!
//! impl Policy for Fastest {
//!     type Index = ();
//!
//!     fn index<T>(&self, _: &[Arc<Server<T>>], _: Option<&()>) {}
//!
//!     fn pick<T>(&self, _: &(), servers: &[Arc<Server<T>>], query: &mut Query<'_>) -> Choice {
//!         let free = servers.iter().enumerate().filter(|(_, s)| query.may_take(s));
//!         match free.min_by_key(|(_, s)| s.latency().nanos()) {
//!             Some((position, _)) => Choice::Any(position),
//!             None => Choice::Saturated,
//!         }
//!     }
//! }
//! ```

mod algorithm;
mod first;
mod hash;
mod least_conn;
mod maglev;
mod p2c;
mod peak_ewma;
mod random;
mod ring;
mod rotation;
mod round_robin;
mod static_round_robin;
mod tournament;

use std::sync::Arc;

pub use algorithm::{Algorithm, AlgorithmError, AlgorithmPart};
pub use first::First;
pub use hash::Hash;
pub use least_conn::LeastConn;
pub use maglev::Maglev;
pub use p2c::P2c;
pub use peak_ewma::PeakEwma;
pub use random::Random;
pub use round_robin::RoundRobin;
pub use static_round_robin::StaticRoundRobin;

/// What the algorithms derive from a set of servers: opaque, made by
/// [`Policy::index`] and read by [`Policy::pick`].
pub mod index {
    pub use super::{
        algorithm::AlgorithmIndex, first::RoomMap, hash::HashIndex, least_conn::LoadOrder,
        maglev::MaglevTable, random::RandomIndex, rotation::Rotation,
    };
}

use crate::server::{PoolLoad, Server, ServerUid};

/// An algorithm that chooses among servers.
pub trait Policy: Send + Sync + 'static {
    /// What the policy derives from one set of servers and their weights: a
    /// table, a ring, a position in a rotation. `()` for none.
    type Index: Send + Sync + 'static;

    /// Builds the index for `servers`, all of them usable and of an effective
    /// weight above 0. Called under the pool's writer lock when membership,
    /// health or a weight changes, never for a request. `previous` is the index
    /// of the set before, from which a rotation may go on.
    fn index<T>(&self, servers: &[Arc<Server<T>>], previous: Option<&Self::Index>) -> Self::Index;

    /// Chooses one of `servers` (never empty), which are those `index` was
    /// built for. Allocates nothing and takes no lock.
    fn pick<T>(
        &self,
        index: &Self::Index,
        servers: &[Arc<Server<T>>],
        query: &mut Query<'_>,
    ) -> Choice;

    /// The hash of a request's key; `None` where the policy uses none or there
    /// is no key to hash.
    fn digest(&self, key: Key<'_>) -> Option<u32> {
        let _ = key;
        None
    }

    /// What the pool shall tell the policy about.
    fn interest(&self) -> Interest {
        Interest::default()
    }

    /// The load of `servers[position]` has changed. Called only where
    /// [`interest`](Self::interest) asks for it, possibly from several threads
    /// at once.
    fn load_changed<T>(&self, index: &Self::Index, servers: &[Arc<Server<T>>], position: usize) {
        let _ = (index, servers, position);
    }
}

/// What a policy wants to be told, so that others pay nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Interest {
    /// Every change of a server's in-flight or queued requests.
    pub load: bool,
    /// Response times, recorded in [`Server::latency`].
    pub latency: bool,
}

/// One request, as a policy sees it.
pub struct Query<'a> {
    /// The hash of its key, if the policy hashes and the request has one.
    pub hash: Option<u32>,
    /// A server to leave out if there is another: it has just failed.
    pub avoid: Option<ServerUid>,
    /// The load of the pool, for dynamic limits.
    pub load: PoolLoad,
    /// The source of randomness.
    pub rng: &'a mut dyn rand::Rng,
}

impl Query<'_> {
    /// Can this server take the request at once, and is it not the one to avoid?
    pub fn may_take<T>(&self, server: &Server<T>) -> bool {
        self.avoid != Some(server.uid()) && server.has_room(self.load)
    }
}

/// A policy's answer, by position in the servers it was given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Choice {
    /// This one, or any other if it has just become full.
    Any(usize),
    /// This one and no other: the request waits in its queue if it is full.
    Only(usize),
    /// Every server is full: the request waits in the queue of the pool.
    Saturated,
}

/// What a hash policy hashes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Key<'a> {
    /// The request has none: hash policies fall back to a rotation.
    None,
    /// Bytes for the hash function.
    Bytes(&'a [u8]),
    /// A number that stands for itself, such as a folded address (`source`);
    /// of the hash function only the avalanche applies.
    Number(u32),
}
