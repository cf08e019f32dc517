//! A bounded table of keys whose entries expire: HAProxy's `stick-table`.
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

impl<K: Hash + Eq, V: Copy> Table<K, V> {
    /// An empty table for `size` keys, at least one; a key that has not been
    /// asked for in `expire` is forgotten.
    pub fn new(size: usize, expire: Option<Duration>, now: Instant) -> Self {
        Self {
            entries: HashMap::default(),
            queue: Mutex::default(),
            size: size.max(1),
            expire,
            epoch: now,
        }
    }

    /// What is known of `key`; asking keeps it from expiring.
    pub fn find(&self, now: Instant, key: &K) -> Option<V> {
        let now = self.millis(now);
        let entries = self.entries.pin();
        let entry = entries.get(key)?;
        let last_use = entry.last_use.load(Ordering::Relaxed);
        if self.is_expired(last_use, now) {
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
        Some(entry.value)
    }

    /// Remembers `value`, in place of what was known before. In a full table an
    /// expired entry makes room, or the one least recently used, as near as that
    /// can be told.
    pub fn learn(&self, now: Instant, key: K, value: V)
    where
        K: 'static,
    {
        let now = self.millis(now);
        let key = Arc::new(key);
        let entry = Entry {
            value,
            last_use: AtomicU64::new(now),
        };
        let mut queue = self.queue();
        if self.entries.pin().insert(Arc::clone(&key), entry).is_some() {
            return;
        }
        self.sweep(&mut queue, now);
        while queue.len() >= self.size {
            self.evict(&mut queue, now);
        }
        queue.push_back(Place { key, since: now });
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
            if !self.is_expired(last_use, now) {
                let idle = Duration::from_millis(now.saturating_sub(last_use));
                visit(key, entry.value, idle);
            }
        }
    }

    /// Drops expired entries at the front.
    fn sweep(&self, queue: &mut VecDeque<Place<K>>, now: u64) {
        for _ in 0..SWEEP {
            let Some(place) = queue.pop_front() else {
                return;
            };
            match self.last_use(&place.key) {
                last_use if self.is_expired(last_use, now) => self.remove(&place.key),
                last_use if last_use > place.since => queue.push_back(Place {
                    since: last_use,
                    ..place
                }),
                _ => return queue.push_front(place),
            }
        }
    }

    /// Drops one entry.
    fn evict(&self, queue: &mut VecDeque<Place<K>>, now: u64) {
        for chance in 0..=CHANCES {
            let Some(place) = queue.pop_front() else {
                return;
            };
            let last_use = self.last_use(&place.key);
            let in_use = last_use > place.since && !self.is_expired(last_use, now);
            if !in_use || chance == CHANCES {
                return self.remove(&place.key);
            }
            queue.push_back(Place {
                since: last_use,
                ..place
            });
        }
    }

    fn last_use(&self, key: &K) -> u64 {
        let entries = self.entries.pin();
        let entry = entries.get(key);
        entry.map_or(FORGOTTEN, |entry| entry.last_use.load(Ordering::Relaxed))
    }

    fn remove(&self, key: &K) {
        self.entries.pin().remove(key);
    }

    fn is_expired(&self, last_use: u64, now: u64) -> bool {
        let idle = || Duration::from_millis(now.saturating_sub(last_use));
        last_use == FORGOTTEN || self.expire.is_some_and(|expire| idle() > expire)
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
