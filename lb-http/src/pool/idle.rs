//! Idle connections to one server, without a lock.
//!
//! Slots, and two bitmaps over them: a bit in `free` is an empty slot, a bit in
//! `ready` one with a connection, and a bit in neither belongs to whoever is
//! just putting one in or taking one out. Both sides take the lowest bit, so
//! the connections in the low slots are used again and again while those above
//! grow old and are closed.

use std::sync::atomic::{AtomicU64, Ordering};

use crossbeam_utils::atomic::AtomicCell;

use super::Connection;

/// A bounded set of idle connections.
pub(crate) struct IdleSet<T = Connection> {
    slots: Box<[AtomicCell<Option<Box<T>>>]>,
    free: Box<[AtomicU64]>,
    ready: Box<[AtomicU64]>,
}

impl<T> IdleSet<T> {
    pub(crate) fn new(capacity: usize) -> Self {
        let words = capacity.div_ceil(64);
        let bits = |word: usize| match capacity - word * 64 {
            64.. => u64::MAX,
            rest => (1 << rest) - 1,
        };
        Self {
            slots: (0..capacity).map(|_| AtomicCell::new(None)).collect(),
            free: (0..words).map(|word| AtomicU64::new(bits(word))).collect(),
            ready: (0..words).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    /// How many there are now.
    pub(crate) fn len(&self) -> usize {
        let count = |word: &AtomicU64| word.load(Ordering::Relaxed).count_ones() as usize;
        self.ready.iter().map(count).sum()
    }

    /// Keeps a connection, or drops it if there are enough.
    pub(crate) fn put(&self, connection: Box<T>) {
        if let Some(slot) = claim(&self.free, 0) {
            self.slots[slot].store(Some(connection));
            give(&self.ready, slot);
        }
    }

    /// Takes one out.
    pub(crate) fn take(&self) -> Option<Box<T>> {
        self.take_from(0).map(|(_, connection)| connection)
    }

    /// Drops those of which `keep` is false.
    pub(crate) fn retain(&self, keep: impl Fn(&T) -> bool) {
        let mut from = 0;
        while let Some((slot, connection)) = self.take_from(from) {
            if keep(&connection) {
                self.put(connection);
            }
            from = slot + 1;
        }
    }

    fn take_from(&self, from: usize) -> Option<(usize, Box<T>)> {
        let slot = claim(&self.ready, from)?;
        let connection = self.slots[slot].take();
        give(&self.free, slot);
        // A slot whose bit was in `ready` holds one; it became so after the store.
        connection.map(|connection| (slot, connection))
    }
}

/// Clears the lowest bit that is set at or above `from`, and returns it.
fn claim(bitmap: &[AtomicU64], from: usize) -> Option<usize> {
    for (at, word) in bitmap.iter().enumerate().skip(from / 64) {
        let mask = match at == from / 64 {
            true => u64::MAX << (from % 64),
            false => u64::MAX,
        };
        let mut bits = word.load(Ordering::Relaxed);
        while bits & mask != 0 {
            let lowest = (bits & mask).trailing_zeros();
            match word.compare_exchange_weak(
                bits,
                bits & !(1 << lowest),
                Ordering::Acquire,
                Ordering::Relaxed,
            ) {
                Ok(_) => return Some(at * 64 + lowest as usize),
                Err(now) => bits = now,
            }
        }
    }
    None
}

fn give(bitmap: &[AtomicU64], slot: usize) {
    bitmap[slot / 64].fetch_or(1 << (slot % 64), Ordering::Release);
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn low_slots_are_used_again_and_the_rest_dropped() {
        let set = IdleSet::new(70);
        for n in 0..80 {
            set.put(Box::new(n));
        }
        assert_eq!(set.len(), 70);
        assert_eq!(set.take(), Some(Box::new(0)));
        set.put(Box::new(100));
        assert_eq!(set.take(), Some(Box::new(100)));
        set.retain(|n| n % 2 == 0);
        assert_eq!(set.len(), 34);
        assert!((0..34).all(|_| set.take().is_some_and(|n| *n % 2 == 0)));
        assert_eq!(set.take(), None);
    }

    #[test]
    fn nothing_is_kept_without_room() {
        let set = IdleSet::new(0);
        set.put(Box::new(()));
        assert_eq!(set.take(), None);
    }

    #[test]
    fn nothing_is_lost_or_doubled_between_threads() {
        let set = Arc::new(IdleSet::new(64));
        for n in 0..32_u32 {
            set.put(Box::new(n));
        }
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let set = Arc::clone(&set);
                std::thread::spawn(move || {
                    for _ in 0..20_000 {
                        if let Some(n) = set.take() {
                            set.put(n);
                        }
                    }
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
        let mut left: Vec<_> = std::iter::from_fn(|| set.take()).map(|n| *n).collect();
        left.sort_unstable();
        assert_eq!(left, (0..32).collect::<Vec<_>>());
    }
}
