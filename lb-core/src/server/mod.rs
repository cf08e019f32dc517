//! A server: who it is, what state it is in, how loaded it is.
//!
//! A [`Server`] is declared by value and lives as `Arc<Server<T>>` in a
//! [`Pool`](crate::pool::Pool), where `T` is what stands behind it: a tower
//! service, an address. Its counters live here and not in a policy or a
//! snapshot, so a change of the set of servers, of a weight or of the policy
//! loses nothing.
//!
//! ```
//! use lb_core::Server;
//!
//! let server = Server::new("a", "10.0.0.1:8080").weight(2).max_conn(100).backup();
//! assert_eq!(server.effective_weight(), 2 * 16);
//! assert!(server.is_usable());
//! ```

mod counters;
mod load;
mod state;

use std::{
    fmt,
    sync::Arc,
    sync::atomic::{AtomicU64 as IdCounter, Ordering as IdOrdering},
    time::Duration,
};

pub use counters::{Counters, Totals};
pub use load::{Latency, PoolLoad};
pub use state::{Administrative, Operational};

use load::Load;
use state::StateWord;

use crate::sync::{AtomicU32, Ordering};

/// Steps of effective weight in one unit of configured weight, so that a slow
/// start can ramp a server of weight 1 (HAProxy's `BE_WEIGHT_SCALE`).
pub const WEIGHT_SCALE: u32 = 16;

/// The largest configurable weight.
pub const MAX_WEIGHT: u16 = 256;

/// Tells two servers of one process apart, even if they share name and address.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct ServerUid(u64);

impl From<ServerUid> for u64 {
    /// Above 0, and larger than that of any server declared before.
    fn from(uid: ServerUid) -> Self {
        uid.0
    }
}

/// One server of a pool, with `T` behind it.
pub struct Server<T> {
    core: Arc<Core>,
    name: Box<str>,
    id: u32,
    affinity: Option<Box<str>>,
    backup: bool,
    max_queue: u32,
    slow_start: Duration,
    declared: Declared,
    target: T,
}

/// What outlives a new declaration of the same server ([`Pool::redeclare`](crate::Pool::redeclare)).
struct Core {
    uid: ServerUid,
    weight: AtomicU32,
    effective_weight: AtomicU32,
    state: StateWord,
    load: Load,
    counters: Counters,
}

/// What was declared and can be changed at run time.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Declared {
    weight: u16,
    max_conn: u32,
    min_conn: u32,
    disabled: bool,
}

impl<T> Server<T> {
    /// A server of weight 1, UP, without limits.
    pub fn new(name: impl Into<String>, target: T) -> Self {
        static NEXT: IdCounter = IdCounter::new(1);
        Self {
            core: Arc::new(Core {
                uid: ServerUid(NEXT.fetch_add(1, IdOrdering::Relaxed)),
                weight: AtomicU32::new(1),
                effective_weight: AtomicU32::new(WEIGHT_SCALE),
                state: StateWord::default(),
                load: Load::default(),
                counters: Counters::default(),
            }),
            name: name.into().into_boxed_str(),
            id: 0,
            affinity: None,
            backup: false,
            max_queue: 0,
            slow_start: Duration::ZERO,
            declared: Declared {
                weight: 1,
                max_conn: 0,
                min_conn: 0,
                disabled: false,
            },
            target,
        }
    }

    /// Share of the load, 0 to 256; 0 takes no new clients. Larger values are
    /// clamped (HAProxy `weight`).
    #[must_use]
    pub fn weight(mut self, weight: u16) -> Self {
        self.declared.weight = weight.min(MAX_WEIGHT);
        self.set_weight(weight, 1.0);
        self
    }

    /// At most this many requests at a time; 0 is no limit (`maxconn`).
    #[must_use]
    pub fn max_conn(mut self, limit: u32) -> Self {
        self.declared.max_conn = limit;
        self.load().set_max(limit);
        self
    }

    /// With [`max_conn`](Self::max_conn), the limit while the pool is idle; it
    /// grows to the maximum as the pool fills up to its `fullconn` (`minconn`).
    #[must_use]
    pub fn min_conn(mut self, limit: u32) -> Self {
        self.declared.min_conn = limit;
        self.load().set_min(limit);
        self
    }

    /// At most this many requests wait for this very server; further ones go
    /// elsewhere. 0 is no limit (`maxqueue`).
    #[must_use]
    pub fn max_queue(mut self, limit: u32) -> Self {
        self.max_queue = limit;
        self
    }

    /// Used only when no server that is not a backup can be (`backup`).
    #[must_use]
    pub fn backup(mut self) -> Self {
        self.backup = true;
        self
    }

    /// The number that consistent hashing and stick tables know it by; 0, the
    /// default, takes the position in the pool, from 1 (`id`).
    #[must_use]
    pub fn id(mut self, id: u32) -> Self {
        self.id = id;
        self
    }

    /// The value that names this server in a client's persistence token
    /// (`cookie`).
    #[must_use]
    pub fn affinity(mut self, value: impl Into<String>) -> Self {
        self.affinity = Some(value.into().into_boxed_str());
        self
    }

    /// After it comes back UP, weight and limit ramp up over this long
    /// (`slowstart`).
    #[must_use]
    pub fn slow_start(mut self, ramp: Duration) -> Self {
        self.slow_start = ramp;
        self
    }

    /// Starts in maintenance (`disabled`).
    #[must_use]
    pub fn disabled(mut self) -> Self {
        self.declared.disabled = true;
        self.state().set_administrative(Administrative::Maint);
        self
    }

    /// Starts in the given operational state (`init-state`); UP without this.
    #[must_use]
    pub fn operational(self, state: Operational) -> Self {
        self.state().set_operational(state);
        self
    }

    /// Tells it apart from every other server of this process.
    pub fn uid(&self) -> ServerUid {
        self.core.uid
    }

    /// The name it was declared with.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its number in the pool, from 1; 0 before it is in one.
    pub fn number(&self) -> u32 {
        self.id
    }

    /// The persistence value, if it has one.
    pub fn affinity_value(&self) -> Option<&str> {
        self.affinity.as_deref()
    }

    /// Is it a backup?
    pub fn is_backup(&self) -> bool {
        self.backup
    }

    /// The length of its ramp after coming UP.
    pub fn slow_start_time(&self) -> Duration {
        self.slow_start
    }

    /// What stands behind it.
    pub fn target(&self) -> &T {
        &self.target
    }

    /// The configured weight as changed at run time, 0 to 256.
    pub fn user_weight(&self) -> u16 {
        // Written only from a u16.
        u16::try_from(self.core.weight.load(Ordering::Relaxed)).unwrap_or(MAX_WEIGHT)
    }

    /// The weight it was declared with.
    pub fn initial_weight(&self) -> u16 {
        self.declared.weight
    }

    /// The weight in use, in 1/16 of a unit of weight ([`WEIGHT_SCALE`]): less
    /// than configured during a slow start.
    pub fn effective_weight(&self) -> u32 {
        self.core.effective_weight.load(Ordering::Relaxed)
    }

    /// The state its checks found.
    pub fn operational_state(&self) -> Operational {
        self.core.state.operational()
    }

    /// The state its operator wants.
    pub fn administrative_state(&self) -> Administrative {
        self.core.state.administrative()
    }

    /// Does it take new clients: UP, ready, and of a weight above 0?
    pub fn is_usable(&self) -> bool {
        self.core.state.takes_new_clients() && self.effective_weight() > 0
    }

    /// Does it still take clients that are bound to it: neither DOWN nor in
    /// maintenance? A server in drain, answering 404 to its check, or of weight
    /// 0 does.
    pub fn takes_bound_clients(&self) -> bool {
        self.core.state.takes_bound_clients()
    }

    /// Requests it is serving now.
    pub fn in_flight(&self) -> u32 {
        self.core.load.in_flight()
    }

    /// Requests that wait for this very server now.
    pub fn queued(&self) -> u32 {
        self.core.load.queued()
    }

    /// How many it may serve at a time just now; `None` is no limit.
    pub fn limit(&self, pool: PoolLoad) -> Option<u32> {
        self.core.load.limit(pool, self.throttle())
    }

    /// Could it take a request at once: below its limit, and nobody waiting for
    /// it already?
    pub fn has_room(&self, pool: PoolLoad) -> bool {
        self.queued() == 0
            && self
                .limit(pool)
                .is_none_or(|limit| self.in_flight() < limit)
    }

    /// May one more request wait for it?
    pub fn has_queue_room(&self) -> bool {
        self.max_queue == 0 || self.queued() < self.max_queue
    }

    /// The most requests it may serve at a time, without its pool's load; 0 is no
    /// limit (`maxconn`).
    pub fn max_conn_limit(&self) -> u32 {
        self.load().max()
    }

    /// Its totals since it was declared.
    pub fn counters(&self) -> &Counters {
        &self.core.counters
    }

    /// The moving average of its response time, which [`PeakEwma`] steers by.
    ///
    /// [`PeakEwma`]: crate::policy::PeakEwma
    pub fn latency(&self) -> &Latency {
        self.core.load.latency()
    }

    /// Changes `maxconn`; 0 is no limit. For a server in a pool use
    /// [`Pool::set_max_conn`](crate::Pool::set_max_conn), which also wakes who waits.
    pub fn set_max_conn(&self, limit: u32) {
        self.core.load.set_max(limit);
    }

    /// Effective over configured weight in 1/256, for the ramp of the limit.
    fn throttle(&self) -> u32 {
        let full = u32::from(self.user_weight()) * WEIGHT_SCALE;
        match full {
            0 => 256,
            full => (self.effective_weight().min(full) * 256).div_ceil(full),
        }
    }

    /// Takes a slot without a pool, for tests and benches of policies; true is
    /// followed by one [`return_slot`](Self::return_slot).
    #[doc(hidden)]
    pub fn take_slot(&self, pool: PoolLoad) -> bool {
        self.core.load.try_take(self.limit(pool))
    }

    /// Gives back a slot of [`take_slot`](Self::take_slot).
    #[doc(hidden)]
    pub fn return_slot(&self) {
        self.core.load.give_back();
    }

    pub(crate) fn load(&self) -> &Load {
        &self.core.load
    }

    pub(crate) fn state(&self) -> &StateWord {
        &self.core.state
    }

    pub(crate) fn set_number(&mut self, number: u32) {
        self.id = number;
    }

    /// Makes this declaration one of the server that `before` is: identity, state, load and counters go on. What was
    /// changed at run time stays, unless its declaration is another one now.
    pub(crate) fn succeed(&mut self, before: &Self) {
        let (old, new) = (before.declared, self.declared);
        self.core = Arc::clone(&before.core);
        if old.weight != new.weight {
            self.set_weight(new.weight, 1.0);
        }
        if old.max_conn != new.max_conn {
            self.load().set_max(new.max_conn);
        }
        self.load().set_min(new.min_conn);
        if old.disabled != new.disabled {
            self.state().set_administrative(match new.disabled {
                true => Administrative::Maint,
                false => Administrative::Ready,
            });
        }
    }

    /// Sets the configured weight and, scaled by `ramp` of 0 to 1, the
    /// effective one; a ramp never takes a weight above 0 down to 0.
    pub(crate) fn set_weight(&self, weight: u16, ramp: f64) {
        let weight = u32::from(weight.min(MAX_WEIGHT));
        let full = weight * WEIGHT_SCALE;
        let ramped = (f64::from(full) * ramp.clamp(0.0, 1.0)) as u32;
        self.core.weight.store(weight, Ordering::Relaxed);
        self.core
            .effective_weight
            .store(ramped.max(full.min(1)), Ordering::Relaxed);
    }
}

impl<T> fmt::Debug for Server<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("name", &self.name)
            .field("id", &self.id)
            .field("operational", &self.operational_state())
            .field("administrative", &self.administrative_state())
            .field("weight", &self.user_weight())
            .field("in_flight", &self.in_flight())
            .field("queued", &self.queued())
            .finish_non_exhaustive()
    }
}
