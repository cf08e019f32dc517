//! How much there was in the last second, and at most.
//!
//! Looked at once a second from the totals, so that nobody who serves has to
//! keep the time.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use lb_core::server::ServerUid;
use tokio::time::{MissedTickBehavior, interval};

use super::System;

const SECOND: Duration = Duration::from_secs(1);

/// Events of the last whole second.
#[derive(Debug, Default)]
pub struct Rate {
    seen: AtomicU64,
    now: AtomicU64,
    max: AtomicU64,
}

impl Rate {
    /// In the last whole second.
    pub fn now(&self) -> u64 {
        self.now.load(Ordering::Relaxed)
    }

    /// At most.
    pub fn max(&self) -> u64 {
        self.max.load(Ordering::Relaxed)
    }

    /// Forgets the most there was.
    pub(super) fn reset(&self) {
        self.max.store(0, Ordering::Relaxed);
    }

    /// A second is over, and so many there were since the start.
    pub(super) fn tick(&self, total: u64) {
        let rate = total.saturating_sub(self.seen.swap(total, Ordering::Relaxed));
        self.now.store(rate, Ordering::Relaxed);
        self.max.fetch_max(rate, Ordering::Relaxed);
    }
}

/// The rates of a frontend.
#[derive(Debug, Default)]
pub struct FrontendRates {
    /// Connections.
    pub connections: Rate,
    /// Requests.
    pub requests: Rate,
}

/// The rates of a backend.
#[derive(Debug, Default)]
pub struct BackendRates {
    /// Requests.
    pub requests: Rate,
    /// Those of each server.
    servers: Mutex<HashMap<ServerUid, Arc<Rate>>>,
}

impl BackendRates {
    /// Those of a server.
    pub fn server(&self, uid: ServerUid) -> Arc<Rate> {
        let mut servers = self.servers.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(servers.entry(uid).or_default())
    }

    /// Forgets who is not among `servers`.
    fn retain(&self, servers: &[ServerUid]) {
        let mut rates = self.servers.lock().unwrap_or_else(PoisonError::into_inner);
        if rates.len() > servers.len() {
            rates.retain(|uid, _| servers.contains(uid));
        }
    }
}

/// Looks at all totals once a second, for as long as the process runs.
pub(super) async fn run(system: &System) {
    let mut seconds = interval(SECOND);
    seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        seconds.tick().await;
        for (at, frontend) in system.frontends().iter().enumerate() {
            let rates = &frontend.rates;
            rates.connections.tick(frontend.connections.total());
            let totals = system.frontend_totals(at);
            rates.requests.tick(totals.requests + totals.refused);
        }
        for (at, backend) in system.backends().iter().enumerate() {
            let rates = &backend.rates;
            rates.requests.tick(system.backend_totals(at).requests);
            let snapshot = backend.pool.snapshot();
            let mut servers = Vec::with_capacity(snapshot.all().len());
            for server in snapshot.all() {
                let requests = system.server_totals(at, server.uid()).requests;
                rates.server(server.uid()).tick(requests);
                servers.push(server.uid());
            }
            rates.retain(&servers);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_what_came_since_the_last_look() {
        let rate = Rate::default();
        for (total, now, max) in [(5, 5, 5), (7, 2, 5), (7, 0, 5), (17, 10, 10)] {
            rate.tick(total);
            assert_eq!((rate.now(), rate.max()), (now, max));
        }
    }
}
