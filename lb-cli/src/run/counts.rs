//! Counts of connections, shared by all workers.

use std::sync::{
    Arc,
    atomic::{AtomicU32, AtomicU64, Ordering},
};

/// One count.
#[derive(Clone, Debug, Default)]
pub(super) struct Count(Arc<Counters>);

#[derive(Debug, Default)]
struct Counters {
    now: AtomicU32,
    max: AtomicU32,
    total: AtomicU64,
}

/// One more, until it is dropped.
#[derive(Debug)]
pub(super) struct Counted(Arc<Counters>);

impl Count {
    pub(super) fn enter(&self) -> Counted {
        let now = self.0.now.fetch_add(1, Ordering::Relaxed) + 1;
        // Rarely written, once there was a peak.
        if now > self.0.max.load(Ordering::Relaxed) {
            self.0.max.fetch_max(now, Ordering::Relaxed);
        }
        self.0.total.fetch_add(1, Ordering::Relaxed);
        Counted(Arc::clone(&self.0))
    }

    pub(super) fn now(&self) -> u32 {
        self.0.now.load(Ordering::Relaxed)
    }

    /// The most there were at a time.
    pub(super) fn max(&self) -> u32 {
        self.0.max.load(Ordering::Relaxed)
    }

    /// Counts what another process has counted: the most it had at a time, and how many more there were.
    pub(super) fn inherit(&self, max: u32, more: u64) {
        self.0.max.fetch_max(max, Ordering::Relaxed);
        self.0.total.fetch_add(more, Ordering::Relaxed);
    }

    /// Forgets the most there were, and with `totals` all that ever entered.
    pub(super) fn reset(&self, totals: bool) {
        self.0.max.store(self.now(), Ordering::Relaxed);
        if totals {
            self.0.total.store(0, Ordering::Relaxed);
        }
    }

    /// All that ever entered.
    pub(super) fn total(&self) -> u64 {
        self.0.total.load(Ordering::Relaxed)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peak_and_a_total_outlast_those_who_go() {
        let count = Count::default();
        let two = (count.enter(), count.enter());
        assert_eq!((count.now(), count.max(), count.total()), (2, 2, 2));
        drop(two);
        let _one = count.enter();
        assert_eq!((count.now(), count.max(), count.total()), (1, 2, 3));
    }
}
