//! The pool under paused time: who gets a slot, when, and that none is lost.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod backups;
mod crowd;
mod discover;
mod edits;
mod laws;
mod limits;
mod queue;
mod redeclare;

use std::sync::Arc;

use tokio_test::{
    assert_pending, assert_ready_ok,
    task::{Spawn, spawn},
};

use super::{Acquire, Builder, Lease, Pool, Want};
use crate::{
    policy::{Policy, RoundRobin},
    server::Server,
};

pub(super) type Servers = Builder<()>;
pub(super) type RoundRobinPool = Pool<(), RoundRobin>;

/// `a`, `b` and so on, each with this limit.
pub(super) fn servers(limits: &[u32]) -> Servers {
    ('a'..)
        .zip(limits)
        .map(|(name, limit)| Server::new(name, ()).max_conn(*limit))
        .fold(Pool::builder(), Builder::with)
}

pub(super) fn pool(limits: &[u32]) -> RoundRobinPool {
    servers(limits).build(RoundRobin::new()).unwrap()
}

pub(super) fn server<P: Policy>(pool: &Pool<(), P>, name: &str) -> Arc<Server<()>> {
    Arc::clone(pool.snapshot().by_name(name).unwrap())
}

/// A client bound to a server.
pub(super) fn bound<P: Policy>(pool: &Pool<(), P>, name: &str) -> Want<()> {
    Want {
        server: Some(server(pool, name)),
        ..Want::default()
    }
}

pub(super) type Waiter<P> = Spawn<Acquire<(), P>>;

/// One that must wait.
pub(super) fn waiter<P: Policy>(pool: &Pool<(), P>, want: Want<()>) -> Waiter<P> {
    let mut acquire = spawn(pool.acquire(want));
    assert_pending!(acquire.poll());
    acquire
}

/// One that need not.
pub(super) fn lease<P: Policy>(pool: &Pool<(), P>, want: Want<()>) -> Lease<(), P> {
    assert_ready_ok!(spawn(pool.acquire(want)).poll())
}

/// The waiter was woken, and has this server now.
pub(super) fn granted<P: Policy>(waiter: &mut Waiter<P>, server: &str) -> Lease<(), P> {
    assert!(waiter.is_woken(), "nobody woke it");
    let lease = assert_ready_ok!(waiter.poll());
    assert_eq!(lease.server().name(), server);
    lease
}

/// Nobody is being served and nobody waits, by every counter there is.
pub(super) fn assert_idle<P: Policy>(pool: &Pool<(), P>) {
    assert_eq!((pool.load().in_flight, pool.queued()), (0, 0), "the pool");
    for server in pool.snapshot().all() {
        assert_eq!((server.in_flight(), server.queued()), (0, 0), "{server:?}");
    }
}
