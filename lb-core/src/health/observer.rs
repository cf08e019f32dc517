//! Where proxies tell how a server's traffic goes.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use super::{Observe, Outcome, Rules, handle::Shared};
use crate::server::Server;

/// Takes the outcomes of traffic for a [`HealthChecker`](super::HealthChecker).
/// Clones are cheap and feed the same checker.
///
/// A good outcome costs a look-up and no lock, and nothing at all while no
/// server is observed; errors count up one atomic, and only when the limit is
/// reached is the checker woken.
#[derive(Clone, Debug)]
pub struct Observer {
    pub(super) shared: Arc<Shared>,
}

impl Observer {
    /// This is how a request to `server` went.
    pub fn observe<T>(&self, server: &Server<T>, outcome: Outcome) {
        if !self.shared.observes() {
            return;
        }
        if let Some(post) = self.shared.posts().get(&server.uid()) {
            post.observe(outcome);
        }
    }
}

/// Something that sends traffic to servers and can tell how it goes.
pub trait Observable {
    /// The same, which from now on tells this observer too.
    #[must_use]
    fn observed_by(self, observer: Observer) -> Self;
}

/// Consecutive errors of one server's traffic.
#[derive(Debug)]
pub(super) struct Streak {
    observe: Observe,
    limit: u32,
    errors: AtomicU32,
}

impl Streak {
    pub(super) fn new(rules: &Rules) -> Self {
        Self {
            observe: rules.observe,
            limit: rules.error_limit,
            errors: AtomicU32::new(0),
        }
    }

    pub(super) fn is_on(&self) -> bool {
        self.observe != Observe::Off
    }

    /// Takes an outcome in; true when it completes a streak, which then begins
    /// anew.
    pub(super) fn completes(&self, outcome: Outcome) -> bool {
        match self.observe.judge(outcome) {
            None => false,
            Some(true) => {
                // A plain load first: servers that are well share no cache line.
                if self.errors.load(Ordering::Relaxed) != 0 {
                    self.errors.store(0, Ordering::Relaxed);
                }
                false
            }
            Some(false) => {
                let errors = self.errors.fetch_add(1, Ordering::Relaxed) + 1;
                if errors == self.limit {
                    self.errors.store(0, Ordering::Relaxed);
                }
                errors == self.limit
            }
        }
    }
}
