//! Asking connections to end.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tokio::sync::{Notify, futures::OwnedNotified};

/// A signal to all connections of a worker: finish what you do, then close.
#[derive(Clone, Debug, Default)]
pub struct Shutdown {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    begun: AtomicBool,
    notify: Arc<Notify>,
}

impl Shutdown {
    /// A signal that has not been given.
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives it.
    pub fn begin(&self) {
        self.shared.begun.store(true, Ordering::SeqCst);
        self.shared.notify.notify_waiters();
    }

    /// Has it been given?
    pub fn has_begun(&self) -> bool {
        self.shared.begun.load(Ordering::SeqCst)
    }

    /// Completes when it is given; check [`has_begun`](Self::has_begun) after
    /// this was called.
    pub(super) fn notified(&self) -> OwnedNotified {
        Arc::clone(&self.shared.notify).notified_owned()
    }
}
