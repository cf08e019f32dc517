//! Counts of connections, shared by all workers.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

/// One count.
#[derive(Clone, Debug, Default)]
pub(super) struct Count(Arc<AtomicU32>);

/// One more, until it is dropped.
#[derive(Debug)]
pub(super) struct Counted(Arc<AtomicU32>);

impl Count {
    pub(super) fn enter(&self) -> Counted {
        self.0.fetch_add(1, Ordering::Relaxed);
        Counted(Arc::clone(&self.0))
    }

    pub(super) fn now(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
