//! The servers of one service: HAProxy's `backend`.
//!
//! A [`Pool`] holds the servers, the [`Policy`] that chooses among them, and
//! the queue of those who wait for a slot. A pick has three outcomes: a
//! [`Lease`] on a slot of a server, a place in the queue, or [`Unavailable`].
//! [`Pool::acquire`] makes one future of all three.
//!
//! The request path takes no lock: it reads an immutable [`Snapshot`] and takes
//! its slot by compare-and-swap. Only those who find every slot taken enter the
//! queue, which is behind a lock. A change of membership, health or weight
//! builds a new snapshot under a writer lock.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! use lb_core::{Pool, Server, policy::RoundRobin, pool::Want};
//!
//! let pool = Pool::builder()
//!     .with(Server::new("a", "10.0.0.1:8080").max_conn(100))
//!     .with(Server::new("b", "10.0.0.2:8080"))
//!     .build(RoundRobin::new())
//!     .expect("two distinct servers");
//!
//! let lease = pool.acquire(Want::default()).await.expect("both are up");
//! assert_eq!(lease.server().name(), "a");
//! assert_eq!(lease.server().in_flight(), 1);
//! # }
//! ```

mod acquire;
mod builder;
mod discover;
mod edit;
mod lease;
mod queue;
mod redeclare;
mod snapshot;

#[cfg(all(test, loom))]
mod loom_tests;
#[cfg(all(test, not(loom)))]
mod tests;

use std::{
    fmt,
    sync::{
        Arc, Mutex as StdMutex,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use tokio::{sync::Notify, time::Instant};

pub use acquire::{Acquire, Unavailable};
pub use builder::{BuildError, Builder};
pub use discover::Discovered;
pub use lease::Lease;
pub use queue::Priority;
pub use snapshot::Snapshot;

use queue::{Queue, Ticket, Verdict};

use crate::{
    policy::{Choice, Interest, Key, Policy, Query},
    server::{PoolLoad, Server, ServerUid},
    sync::{AtomicU32, Ordering},
};

/// What a request wants of a pool.
#[derive(Debug)]
pub struct Want<T> {
    /// This server, because the client is bound to it or for another try of the
    /// same; it is waited for if it is full, and another one taken only when it
    /// cannot be used or its queue is full.
    pub server: Option<Arc<Server<T>>>,
    /// Take that server even when it is DOWN (`option persist`).
    pub even_if_down: bool,
    /// The hash of the request's key ([`Pool::digest`]).
    pub hash: Option<u32>,
    /// A server that has just failed, to be left out if there is another.
    pub avoid: Option<ServerUid>,
    /// The place in the queue.
    pub priority: Priority,
}

impl<T> Default for Want<T> {
    fn default() -> Self {
        Self {
            server: None,
            even_if_down: false,
            hash: None,
            avoid: None,
            priority: Priority::default(),
        }
    }
}

impl<T> Want<T> {
    fn bound_server(&self) -> Option<&Arc<Server<T>>> {
        let server = self.server.as_ref()?;
        (self.even_if_down || server.takes_bound_clients()).then_some(server)
    }

    fn is_bound_to(&self, server: &Server<T>) -> bool {
        let bound = self.server.as_ref();
        bound.is_some_and(|bound| bound.uid() == server.uid())
    }

    fn may_wait_for(&self, server: &Arc<Server<T>>) -> bool {
        (self.is_bound_to(server) && self.even_if_down) || server.takes_bound_clients()
    }
}

/// Servers, a policy, and a queue. Cloning is cheap and shares all of it.
pub struct Pool<T, P: Policy> {
    shared: Arc<Shared<T, P>>,
}

struct Shared<T, P: Policy> {
    name: Box<str>,
    /// That of the policy, which every request asks for.
    interest: Watched,
    epoch: Instant,
    leases: AtomicU32,
    full_conn: AtomicU32,
    snapshot: ArcSwap<Snapshot<T, P>>,
    queue: Queue<T>,
    /// The writer's list, in order of declaration; std's lock, since loom never
    /// drives an edit.
    members: StdMutex<Vec<Arc<Server<T>>>>,
    changed: Arc<Notify>,
}

impl<T, P: Policy> Clone for Pool<T, P> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<T, P: Policy> fmt::Debug for Pool<T, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("name", &self.shared.name)
            .field("servers", &self.snapshot().all())
            .field("load", &self.load())
            .finish_non_exhaustive()
    }
}

impl<T> Pool<T, crate::policy::RoundRobin> {
    /// Declares a pool.
    pub fn builder() -> Builder<T> {
        Builder::new()
    }
}

/// What the policy of the moment wants to be told.
#[derive(Debug)]
struct Watched {
    load: AtomicBool,
    latency: AtomicBool,
}

impl Watched {
    fn new(interest: Interest) -> Self {
        Self {
            load: AtomicBool::new(interest.load),
            latency: AtomicBool::new(interest.latency),
        }
    }

    fn set(&self, interest: Interest) {
        self.load.store(interest.load, Relaxed);
        self.latency.store(interest.latency, Relaxed);
    }

    fn load(&self) -> bool {
        self.load.load(Relaxed)
    }

    fn latency(&self) -> bool {
        self.latency.load(Relaxed)
    }
}

/// Outcome of a pick: [`Pool::acquire`] is the future over it.
enum Picked<T, P: Policy> {
    Lease(Lease<T, P>),
    Wait(Ticket<T>),
    NoServer,
}

impl<T, P: Policy> Pool<T, P> {
    /// Its name, as in messages and on pages; empty unless given.
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// The servers as they are now.
    pub fn snapshot(&self) -> Arc<Snapshot<T, P>> {
        self.shared.snapshot.load_full()
    }

    /// The hash of a request's key, as the policy hashes.
    pub fn digest(&self, key: Key<'_>) -> Option<u32> {
        self.shared.snapshot.load().shape().policy.digest(key)
    }

    /// Requests that are being served or wait.
    pub fn load(&self) -> PoolLoad {
        self.shared.load()
    }

    /// Requests that wait for any server of the pool.
    pub fn queued(&self) -> u32 {
        self.shared.queue.waiting_for_any()
    }

    /// The server whose persistence value is `affinity`, backups included.
    ///
    /// # Errors
    ///
    /// [`Unbound::Unknown`] if there is none, [`Unbound::Down`] if it takes not
    /// even clients that are bound to it, unless it is wanted `even_if_down`.
    pub fn bound(&self, affinity: &str, even_if_down: bool) -> Result<Arc<Server<T>>, Unbound> {
        let snapshot = self.shared.snapshot.load();
        let server = snapshot.by_affinity(affinity).ok_or(Unbound::Unknown)?;
        match even_if_down || server.takes_bound_clients() {
            true => Ok(Arc::clone(server)),
            false => Err(Unbound::Down),
        }
    }

    /// The server of this number, as stick tables know it; errors are those of [`bound`](Self::bound).
    ///
    /// # Errors
    ///
    /// Likewise.
    pub fn bound_by_number(
        &self,
        number: u32,
        even_if_down: bool,
    ) -> Result<Arc<Server<T>>, Unbound> {
        let snapshot = self.shared.snapshot.load();
        let server = snapshot.by_number(number).ok_or(Unbound::Unknown)?;
        match even_if_down || server.takes_bound_clients() {
            true => Ok(Arc::clone(server)),
            false => Err(Unbound::Down),
        }
    }

    /// The server of this identity, if it is (still) a member.
    pub fn server(&self, uid: ServerUid) -> Option<Arc<Server<T>>> {
        self.shared.snapshot.load().by_uid(uid).cloned()
    }

    /// A lease on a slot, as soon as there is one: at once, or after a wait in
    /// the queue, for at most the pool's queue time-out.
    pub fn acquire(&self, want: Want<T>) -> Acquire<T, P> {
        Acquire::new(self.clone(), want)
    }

    fn queue_timeout(&self) -> Duration {
        self.shared.snapshot.load().shape().queue_timeout
    }

    fn steers_by_latency(&self) -> bool {
        self.shared.interest.latency()
    }

    fn pick(&self, want: &Want<T>) -> Picked<T, P> {
        let shared = &*self.shared;
        if let Some(server) = want.bound_server()
            && let Some(picked) = self.lease_or_wait(server, want)
        {
            return picked;
        }
        let snapshot = shared.snapshot.load();
        let Some(index) = snapshot.index() else {
            return Picked::NoServer;
        };
        let policy = &snapshot.shape().policy;
        let mut rng = rand::rng();
        let mut query = Query {
            hash: want.hash,
            avoid: want.avoid,
            load: shared.load(),
            rng: &mut rng,
        };
        // A server that fills up between the choice and the taking is chosen
        // anew; after a few such races the request waits in line.
        for _ in 0..4 {
            match policy.pick(index, snapshot.usable(), &mut query) {
                Choice::Any(position) => {
                    let server = &snapshot.usable()[position];
                    if shared.queue.waiting_for_any() > 0 {
                        break;
                    }
                    if server.queued() == 0 && shared.take(server) {
                        server.counters().selected();
                        return self.leased(server);
                    }
                }
                Choice::Only(position) => {
                    let server = &snapshot.usable()[position];
                    if let Some(picked) = self.lease_or_wait(server, want) {
                        // Who waits is counted when it is its turn.
                        if matches!(picked, Picked::Lease(_)) {
                            server.counters().selected();
                        }
                        return picked;
                    }
                    if query.avoid == Some(server.uid()) {
                        break;
                    }
                    query.avoid = Some(server.uid());
                }
                Choice::Saturated => break,
            }
        }
        let ticket = shared.queue.join(None, want.priority);
        // A slot may have come free after the policy looked and before the
        // ticket was in line; whoever freed it did not see the ticket.
        for server in snapshot.usable() {
            if shared.queue.waiting_for_any() == 0 {
                break;
            }
            if shared.has_slot(server) {
                shared.serve_queue(server);
            }
        }
        shared.load_rose();
        Picked::Wait(ticket)
    }

    /// For a slot that has been taken.
    fn leased(&self, server: &Arc<Server<T>>) -> Picked<T, P> {
        self.shared.load_rose();
        Picked::Lease(Lease::new(self.clone(), Arc::clone(server)))
    }

    /// A slot of just this server or a place in its queue; `None` if that queue
    /// is full.
    fn lease_or_wait(&self, server: &Arc<Server<T>>, want: &Want<T>) -> Option<Picked<T, P>> {
        let shared = &*self.shared;
        if server.queued() == 0 && shared.take(server) {
            return Some(self.leased(server));
        }
        if !server.has_queue_room() {
            return None;
        }
        let ticket = shared.queue.join(Some(server), want.priority);
        shared.load_changed(server);
        shared.serve_queue(server);
        // It was taken out of service after it was chosen, and those who waited
        // for it had been sent away before the ticket was in line.
        if !want.may_wait_for(server) {
            shared.queue.evict(server);
            shared.load_changed(server);
        }
        shared.load_rose();
        Some(Picked::Wait(ticket))
    }
}

impl<T, P: Policy> Shared<T, P> {
    fn load(&self) -> PoolLoad {
        PoolLoad {
            in_flight: self.leases.load(Ordering::Relaxed) + self.queue.waiting(),
            full_conn: self.full_conn.load(Ordering::Relaxed),
        }
    }

    fn has_slot(&self, server: &Server<T>) -> bool {
        server.load().has_slot(server.limit(self.load()))
    }

    /// Dynamic limits rise with the load: another server, too, may now have a
    /// slot for those who wait.
    fn load_rose(&self) {
        if self.full_conn.load(Ordering::Relaxed) > 0 && self.queue.waiting() > 0 {
            self.serve_all();
        }
    }

    fn take(&self, server: &Arc<Server<T>>) -> bool {
        let taken = server.load().try_take(server.limit(self.load()));
        if taken {
            self.leases.fetch_add(1, Ordering::Relaxed);
            self.load_changed(server);
        }
        taken
    }

    /// Gives a slot back, to the first in line if there is one.
    fn release(&self, server: &Arc<Server<T>>) {
        server.load().give_back();
        self.leases.fetch_sub(1, Ordering::Relaxed);
        self.load_changed(server);
        if self.queue.waiting() > 0 {
            self.serve_queue(server);
        }
    }

    /// Gives up a place in line, and the slot that was granted meanwhile.
    fn leave(&self, ticket: &Ticket<T>) {
        let verdict = self.queue.leave(ticket);
        if let Some(server) = ticket.server() {
            self.load_changed(server);
        }
        if let Some(Verdict::Granted(server)) = verdict {
            self.release(&server);
        }
    }

    /// Hands free slots of `server` to those who wait for it, in their order.
    fn serve_queue(&self, server: &Arc<Server<T>>) {
        let snapshot = self.snapshot.load();
        let usable = snapshot.usable_now(server);
        let server = usable.unwrap_or(server);
        if self
            .queue
            .serve(server, usable.is_some(), || self.take(server))
        {
            self.load_changed(server);
        }
    }

    fn load_changed(&self, server: &Arc<Server<T>>) {
        if !self.interest.load() {
            return;
        }
        let snapshot = self.snapshot.load();
        let shape = snapshot.shape();
        if let (Some(index), Some(position)) = (snapshot.index(), snapshot.position(server)) {
            shape
                .policy
                .load_changed(index, snapshot.usable(), position);
        }
    }
}

/// Why a persistence value leads to no server.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Unbound {
    /// No server has it.
    #[error("the persistence value names no server")]
    Unknown,
    /// Its server is DOWN or in maintenance.
    #[error("the server of this persistence value cannot be used")]
    Down,
}
