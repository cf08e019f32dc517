//! What a configuration has become: all that a reload replaces at once.

use std::{
    num::NonZeroUsize,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use lb_core::{server::ServerUid, table::Table};
use tokio::time::Instant;

use super::{
    RunningBackend, RunningFrontend,
    change::Cleared,
    refusals::Refusals,
    sessions::Sessions,
    shared::Shared,
    tally::{Tallies, Totals},
};
use crate::{config::Config, log::Sink, plan::LogTargets};

/// A running process, by one configuration.
#[derive(Debug)]
pub struct System {
    pub(super) shared: Arc<Shared>,
    frontends: Vec<Arc<RunningFrontend>>,
    backends: Vec<Arc<RunningBackend>>,
    tables: Vec<Arc<Table>>,
    log_targets: LogTargets,
    hard_stop_after: Duration,
    node: Option<String>,
    /// Of each worker, and what was inherited.
    tallies: Vec<Arc<Tallies>>,
    /// What does not count any more.
    cleared: Mutex<Cleared>,
    /// What it was made of.
    config: Config,
}

/// What a [`System`] consists of.
pub(super) struct Parts {
    pub(super) frontends: Vec<Arc<RunningFrontend>>,
    pub(super) backends: Vec<Arc<RunningBackend>>,
    pub(super) tables: Vec<Arc<Table>>,
    pub(super) log_targets: LogTargets,
    pub(super) hard_stop_after: Duration,
    pub(super) node: Option<String>,
    pub(super) tallies: Vec<Arc<Tallies>>,
    pub(super) cleared: Cleared,
    pub(super) config: Config,
}

impl System {
    pub(super) fn new(shared: Arc<Shared>, parts: Parts) -> Arc<Self> {
        Arc::new(Self {
            shared,
            frontends: parts.frontends,
            backends: parts.backends,
            tables: parts.tables,
            log_targets: parts.log_targets,
            hard_stop_after: parts.hard_stop_after,
            node: parts.node,
            tallies: parts.tallies,
            cleared: Mutex::new(parts.cleared),
            config: parts.config,
        })
    }

    /// Threads of the data path.
    pub fn workers(&self) -> NonZeroUsize {
        self.shared.workers
    }

    /// In the order of the file.
    pub fn frontends(&self) -> &[Arc<RunningFrontend>] {
        &self.frontends
    }

    /// In the order of the file.
    pub fn backends(&self) -> &[Arc<RunningBackend>] {
        &self.backends
    }

    /// What is counted of clients, in the order of the file.
    pub fn tables(&self) -> &[Arc<Table>] {
        &self.tables
    }

    /// Where messages go.
    pub fn log(&self) -> &Sink {
        &self.shared.log
    }

    /// The targets of lines, by their numbers.
    pub(super) fn log_targets(&self) -> &LogTargets {
        &self.log_targets
    }

    /// When its sockets were bound.
    pub fn started(&self) -> Instant {
        self.shared.started
    }

    /// Client connections that it takes at a time.
    pub fn maxconn(&self) -> u32 {
        let limit = self.shared.permits.limit();
        limit.unwrap_or_else(|| self.hard_maxconn())
    }

    /// The most that [`maxconn`](Self::maxconn) may be set to: what the configuration and the open-files limit allow.
    pub fn hard_maxconn(&self) -> u32 {
        self.shared.hard_maxconn()
    }

    /// Client connections now, at most, and since the start.
    pub fn connections(&self) -> (u32, u32, u64) {
        let count = &self.shared.connections;
        (count.now(), count.max(), count.total())
    }

    /// The name of this node, if it was given one.
    pub fn node(&self) -> Option<&str> {
        self.node.as_deref()
    }

    /// Connections of what is stopped, or no longer there, are cut after this.
    pub(super) fn hard_stop_after(&self) -> Duration {
        self.hard_stop_after
    }

    /// Does it take no more connections?
    pub fn is_stopping(&self) -> bool {
        self.shared.is_stopping()
    }

    /// Connections of clients that are there now.
    pub(crate) fn sessions(&self) -> &Sessions {
        &self.shared.sessions
    }

    /// What was no request, or no response, of each section the last time.
    pub(crate) fn refusals(&self) -> &Refusals {
        &self.shared.refusals
    }

    /// Begins to stop, as SIGTERM does.
    pub fn stop(&self) {
        self.shared.stop();
    }

    /// The counts of a frontend, by its place in [`frontends`](Self::frontends).
    pub fn frontend_totals(&self, at: usize) -> Totals {
        let workers = self.tallies.iter();
        let totals = Totals::of(workers.map(|worker| &**worker.frontend(at)));
        self.since_cleared(totals, |cleared| cleared.frontends.get(at))
    }

    /// The counts of a backend, by its place in [`backends`](Self::backends).
    pub fn backend_totals(&self, at: usize) -> Totals {
        let workers = self.tallies.iter();
        let totals = Totals::of(workers.map(|worker| &*worker.backend(at).traffic));
        self.since_cleared(totals, |cleared| cleared.backends.get(at))
    }

    /// The counts of a server of the backend at this place.
    pub fn server_totals(&self, at: usize, server: ServerUid) -> Totals {
        let workers = self.tallies.iter();
        let totals = Totals::of(workers.filter_map(|worker| worker.backend(at).server(server)));
        self.since_cleared(totals, |cleared| cleared.servers.get(&server))
    }

    /// What it was made of.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Where is counted what another process has counted before this one.
    pub(super) fn inherited(&self) -> &Tallies {
        self.tallies
            .last()
            .expect("it has a place behind those of the workers")
    }

    /// Of each worker, and what was inherited.
    pub(super) fn all_tallies(&self) -> &[Arc<Tallies>] {
        &self.tallies
    }

    /// Where a worker counts.
    pub(super) fn tallies(&self, worker: usize) -> &Arc<Tallies> {
        &self.tallies[worker]
    }

    /// A number for a line: how many lines of its frontend and of all were there before.
    pub(super) fn number(&self, frontend: &RunningFrontend) -> (u64, u64) {
        let next = |count: &AtomicU64| count.fetch_add(1, Ordering::Relaxed);
        (next(&frontend.life.lines), next(&self.shared.numbered))
    }

    pub(super) fn is_cut(&self) -> bool {
        self.shared.is_cut()
    }

    /// A frontend and its place.
    pub(super) fn frontend(&self, name: &str) -> Option<(usize, &Arc<RunningFrontend>)> {
        let mut frontends = self.frontends.iter().enumerate();
        frontends.find(|(_, frontend)| frontend.plan.name() == name)
    }

    /// A backend and its place.
    pub(super) fn backend(&self, name: &str) -> Option<(usize, &Arc<RunningBackend>)> {
        let mut backends = self.backends.iter().enumerate();
        backends.find(|(_, backend)| backend.plan.name() == name)
    }

    pub(super) fn lock_cleared(&self) -> MutexGuard<'_, Cleared> {
        self.cleared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
