//! `clear counters`.
//!
//! Workers add to their counts by a load and a store, so that nobody else can set them to 0 without losing what comes at
//! that moment. What has been counted is remembered instead, and taken off by who reads. Maxima are simply forgotten:
//! one that comes at that moment is as good as any.

use std::collections::HashMap;

use lb_core::server::ServerUid;

use crate::run::{System, Totals};

/// The counts that do not count any more, by place.
#[derive(Debug, Default)]
pub(in crate::run) struct Cleared {
    pub(in crate::run) frontends: Vec<Totals>,
    pub(in crate::run) backends: Vec<Totals>,
    pub(in crate::run) servers: HashMap<ServerUid, Totals>,
}

impl System {
    /// Forgets the most there ever was, and with `all` every count.
    pub(crate) fn clear_counters(&self, all: bool) {
        if all {
            self.clear_sums();
        }
        for tallies in self.all_tallies() {
            tallies.all().for_each(|traffic| traffic.forget(all));
        }
        self.shared.connections.reset(false);
        for frontend in self.frontends() {
            frontend.life.connections.reset(all);
            frontend.rates().connections.reset();
            frontend.rates().requests.reset();
        }
        for backend in self.backends() {
            backend.rates().requests.reset();
            if all {
                backend.lock_history().reset();
            }
            for server in backend.pool().snapshot().all() {
                backend.rates().server(server.uid()).requests.reset();
                if all {
                    server.counters().reset();
                }
            }
        }
    }

    fn clear_sums(&self) {
        // What was cleared before counts once.
        *self.lock_cleared() = Cleared::default();
        let frontends = 0..self.frontends().len();
        let mut cleared = Cleared {
            frontends: frontends.map(|at| self.frontend_totals(at)).collect(),
            ..Cleared::default()
        };
        for (at, backend) in self.backends().iter().enumerate() {
            cleared.backends.push(self.backend_totals(at));
            for server in backend.pool().snapshot().all() {
                let uid = server.uid();
                cleared.servers.insert(uid, self.server_totals(at, uid));
            }
        }
        *self.lock_cleared() = cleared;
    }

    pub(in crate::run) fn since_cleared(
        &self,
        totals: Totals,
        base: impl FnOnce(&Cleared) -> Option<&Totals>,
    ) -> Totals {
        match base(&self.lock_cleared()) {
            Some(base) => totals.since(base),
            None => totals,
        }
    }
}
