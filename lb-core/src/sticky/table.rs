//! A bounded map of keys whose entries expire; [`table`](crate::table) stores its entries in one, too.
//!
//! A look-up takes no lock: it is one in a concurrent map (papaya), and stores
//! the time in the entry's own atomic. A new key enters under a lock, into a
//! queue in the order of last use. That order is not kept up at each use, but
//! when an entry comes to the front: one used since then goes to the back
//! ("second chance"), so nobody who is active is forgotten for a newcomer.

use std::{
    collections::VecDeque,
    fmt,
    hash::Hash,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use papaya::HashMap;
use tokio::time::Instant;

/// How many entries in use a newcomer passes by before it takes a place all the
/// same: a bound on the time under the lock.
const CHANCES: usize = 16;

/// Places looked at for expired entries when a key is new: more than one, so
/// that they go faster than they come.
const SWEEP: usize = 2;

/// `last_use` of an entry that counts as not there.
const FORGOTTEN: u64 = 0;

/// What is known of each key, for at most so many keys.
pub struct Table<K, V> {
    entries: HashMap<Arc<K>, Entry<V>, ahash::RandomState>,
    queue: Mutex<VecDeque<Place<K>>>,
    size: usize,
    expire: Option<Duration>,
    epoch: Instant,
    /// Is somebody at work with it, so that it must stay?
    held: fn(&V) -> bool,
    /// A newcomer finds no place in a full table (`nopurge`).
    keeps_all: bool,
}

struct Entry<V> {
    value: V,
    /// In milliseconds since the epoch, from 1.
    last_use: AtomicU64,
}

/// One for each key in the map.
struct Place<K> {
    key: Arc<K>,
    /// `last_use` when it got this place.
    since: u64,
}

/// What an entry at the front of the queue is good for.
enum Front {
    /// Nothing: it makes room.
    Gone,
    /// It has been used since it got its place, at this time, or is at work.
    InUse(u64),
    /// It is the one not used for longest.
    Idle,
}

impl<K: Hash + Eq, V: Clone> Table<K, V> {
    /// An empty table for `size` keys, at least one; a key that has not been
    /// asked for in `expire` is forgotten.
    pub fn new(size: usize, expire: Option<Duration>, now: Instant) -> Self {
        Self {
            entries: HashMap::default(),
            queue: Mutex::default(),
            size: size.max(1),
            expire,
            epoch: now,
            held: |_| false,
            keeps_all: false,
        }
    }

    /// Entries of which this is true neither expire nor make room.
    pub(crate) fn held_while(mut self, held: fn(&V) -> bool) -> Self {
        self.held = held;
        self
    }

    /// Only expired entries make room (`nopurge`).
    pub(crate) fn keeps_all(mut self, keeps_all: bool) -> Self {
        self.keeps_all = keeps_all;
        self
    }

    /// What is known of `key`; asking keeps it from expiring.
    pub fn find(&self, now: Instant, key: &K) -> Option<V> {
        let now = self.millis(now);
        let entries = self.entries.pin();
        let entry = entries.get(key)?;
        let last_use = entry.last_use.load(Ordering::Relaxed);
        if self.is_gone(entry, now) {
            return None;
        }
        if last_use < now {
            // Whoever comes between has used it, too, or forgotten it.
            let _ = entry.last_use.compare_exchange(
                last_use,
                now,
                Ordering::Relaxed,
                Ordering::Relaxed,
            );
        }
        Some(entry.value.clone())
    }

    /// What is known of `key`; it expires as if nobody had asked.
    pub(crate) fn peek(&self, now: Instant, key: &K) -> Option<V> {
        self.peek_with_idle(now, key).map(|(value, _)| value)
    }

    /// The same, and the time since it was last asked for.
    pub(crate) fn peek_with_idle(&self, now: Instant, key: &K) -> Option<(V, Duration)> {
        let now = self.millis(now);
        let entries = self.entries.pin();
        let entry = entries.get(key)?;
        let last_use = entry.last_use.load(Ordering::Relaxed);
        let idle = Duration::from_millis(now.saturating_sub(last_use));
        (!self.is_gone(entry, now)).then(|| (entry.value.clone(), idle))
    }

    /// What is known of `key`, or from now on what `make` says; `None` in a full table whose entries must stay.
    pub(crate) fn find_or_learn(&self, now: Instant, key: &K, make: impl FnOnce() -> V) -> Option<V>
    where
        K: Clone + 'static,
    {
        if let Some(known) = self.find(now, key) {
            return Some(known);
        }
        let mut queue = self.queue();
        // Another thread may have been faster.
        if let Some(known) = self.find(now, key) {
            return Some(known);
        }
        let value = make();
        self.enter(&mut queue, self.millis(now), key.clone(), value.clone())
            .then_some(value)
    }

    /// Remembers `value`, in place of what was known before. In a full table an
    /// expired entry makes room, or the one least recently used, as near as that
    /// can be told.
    pub fn learn(&self, now: Instant, key: K, value: V)
    where
        K: 'static,
    {
        let now = self.millis(now);
        self.enter(&mut self.queue(), now, key, value);
    }

    /// False if there is no room.
    fn enter(&self, queue: &mut VecDeque<Place<K>>, now: u64, key: K, value: V) -> bool
    where
        K: 'static,
    {
        let entry = Entry {
            value,
            last_use: AtomicU64::new(now),
        };
        let entries = self.entries.pin();
        if entries.contains_key(&key) {
            entries.insert(Arc::new(key), entry);
            return true;
        }
        self.sweep(queue, now);
        while queue.len() >= self.size {
            if !self.evict(queue, now) {
                return false;
            }
        }
        let key = Arc::new(key);
        entries.insert(Arc::clone(&key), entry);
        queue.push_back(Place { key, since: now });
        true
    }

    /// Knows nothing of `key` any more (`clear table`).
    pub fn forget(&self, key: &K) {
        if let Some(entry) = self.entries.pin().get(key) {
            entry.last_use.store(FORGOTTEN, Ordering::Relaxed);
        }
    }

    /// Calls `visit` with every key that is known, its value and the time since
    /// it was last asked for, in no order (`show table`).
    pub fn visit(&self, now: Instant, mut visit: impl FnMut(&K, V, Duration)) {
        let now = self.millis(now);
        for (key, entry) in &self.entries.pin() {
            let last_use = entry.last_use.load(Ordering::Relaxed);
            if !self.is_gone(entry, now) {
                let idle = Duration::from_millis(now.saturating_sub(last_use));
                visit(key, entry.value.clone(), idle);
            }
        }
    }

    /// Drops the entries of which `unwanted` is true, and those that have expired; says how many were known.
    pub(crate) fn remove_if(
        &self,
        now: Instant,
        mut unwanted: impl FnMut(&K, &V) -> bool,
    ) -> usize {
        let now = self.millis(now);
        let mut queue = self.queue();
        let entries = self.entries.pin();
        let mut known = 0;
        queue.retain(|place| {
            let Some(entry) = entries.get(&place.key) else {
                return false;
            };
            let gone = self.is_gone(entry, now);
            if !gone && !unwanted(&place.key, &entry.value) {
                return true;
            }
            known += usize::from(!gone);
            entries.remove(&place.key);
            false
        });
        known
    }

    /// Drops expired entries at the front.
    fn sweep(&self, queue: &mut VecDeque<Place<K>>, now: u64) {
        for _ in 0..SWEEP {
            let Some(place) = queue.pop_front() else {
                return;
            };
            match self.judge(&place, now) {
                Front::Gone => self.remove(&place.key),
                Front::InUse(since) => queue.push_back(Place { since, ..place }),
                Front::Idle => return queue.push_front(place),
            }
        }
    }

    /// Drops one entry; false if none could be.
    fn evict(&self, queue: &mut VecDeque<Place<K>>, now: u64) -> bool {
        for chance in 0..=CHANCES {
            let Some(place) = queue.pop_front() else {
                return true;
            };
            let may_go = match self.judge(&place, now) {
                Front::Gone => true,
                Front::Idle => !self.keeps_all,
                Front::InUse(_) => chance == CHANCES && !self.keeps_all && !self.holds(&place.key),
            };
            if may_go {
                self.remove(&place.key);
                return true;
            }
            let since = self.last_use(&place.key);
            queue.push_back(Place { since, ..place });
        }
        false
    }

    fn judge(&self, place: &Place<K>, now: u64) -> Front {
        let entries = self.entries.pin();
        let Some(entry) = entries.get(&place.key) else {
            return Front::Gone;
        };
        let last_use = entry.last_use.load(Ordering::Relaxed);
        if self.is_gone(entry, now) {
            Front::Gone
        } else if last_use > place.since || (self.held)(&entry.value) {
            Front::InUse(last_use)
        } else {
            Front::Idle
        }
    }

    fn holds(&self, key: &K) -> bool {
        let entries = self.entries.pin();
        entries
            .get(key)
            .is_some_and(|entry| (self.held)(&entry.value))
    }

    fn last_use(&self, key: &K) -> u64 {
        let entries = self.entries.pin();
        let entry = entries.get(key);
        entry.map_or(FORGOTTEN, |entry| entry.last_use.load(Ordering::Relaxed))
    }

    fn remove(&self, key: &K) {
        self.entries.pin().remove(key);
    }

    fn is_gone(&self, entry: &Entry<V>, now: u64) -> bool {
        let last_use = entry.last_use.load(Ordering::Relaxed);
        let idle = || Duration::from_millis(now.saturating_sub(last_use));
        let expired = self.expire.is_some_and(|expire| idle() > expire);
        last_use == FORGOTTEN || (expired && !(self.held)(&entry.value))
    }

    fn millis(&self, now: Instant) -> u64 {
        let since = now.saturating_duration_since(self.epoch).as_millis();
        u64::try_from(since).unwrap_or(u64::MAX).saturating_add(1)
    }
}

impl<K, V> Table<K, V> {
    /// Keys in it, expired ones that were not yet met included.
    pub fn len(&self) -> usize {
        self.queue().len()
    }

    /// Is there none?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Keys it has room for.
    pub fn size(&self) -> usize {
        self.size
    }

    /// After what time without use a key is forgotten.
    pub fn expire(&self) -> Option<Duration> {
        self.expire
    }

    /// The map and the queue agree whenever the lock is free.
    fn queue(&self) -> MutexGuard<'_, VecDeque<Place<K>>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K, V> fmt::Debug for Table<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table")
            .field("len", &self.len())
            .field("size", &self.size)
            .field("expire", &self.expire)
            .finish_non_exhaustive()
    }
}
