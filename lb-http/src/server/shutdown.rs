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
    /// No connection outlasts its next response.
    last_requests: AtomicBool,
    notify: Arc<Notify>,
}

impl Shutdown {
    /// A signal that has not been given.
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives it in a weaker form: each connection ends with its next response, which says so, and those that wait for a
    /// request are left to wait. A client that sends one at this moment loses nothing.
    pub fn begin_with_next(&self) {
        self.shared.last_requests.store(true, Ordering::SeqCst);
    }

    /// Gives it.
    pub fn begin(&self) {
        self.begin_with_next();
        self.shared.begun.store(true, Ordering::SeqCst);
        self.shared.notify.notify_waiters();
    }

    /// Has it been given?
    pub fn has_begun(&self) -> bool {
        self.shared.begun.load(Ordering::SeqCst)
    }

    /// Has it been given in any form?
    pub(super) fn ends_with_next(&self) -> bool {
        self.shared.last_requests.load(Ordering::SeqCst)
    }

    /// Completes when it is given; check [`has_begun`](Self::has_begun) after
    /// this was called.
    pub(super) fn notified(&self) -> OwnedNotified {
        Arc::clone(&self.shared.notify).notified_owned()
    }
}
