//! What all threads of a running process share.

use std::{
    num::NonZeroUsize,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use lb_core::{
    HealthChecker, Pool,
    health::{Handle, Observable},
    policy::Algorithm,
    server::ServerUid,
    table::Table,
};
use lb_http::{Upstream, fetch::FrontendFacts};
use lb_tcp::{Endpoint, Listener};
use tokio::{
    sync::{Semaphore, watch},
    time::Instant,
};

use super::{
    RunError,
    checks::{self, AnyCheck},
    counts::Count,
    history::History,
    limits,
    rates::{BackendRates, FrontendRates},
    tally::{Tallies, Totals},
    worker::Assignment,
};
use crate::{
    log::Sink,
    plan::{Backend, Frontend, Plan, Rated},
    stats,
};

/// How far the process has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Phase {
    /// Serves.
    Run,
    /// Answers what has begun and takes nothing new.
    Drain,
    /// Cuts what is left.
    Stop,
}

/// A backend that runs.
pub struct RunningBackend {
    pub(super) plan: Arc<Backend>,
    pub(super) pool: Pool<Upstream, Algorithm>,
    /// Taken when checks begin; until then, and by its handle after, what
    /// proxies report to.
    checker: Mutex<Option<HealthChecker<AnyCheck>>>,
    health: Handle,
    history: Mutex<History>,
    pub(super) rates: BackendRates,
}

impl std::fmt::Debug for RunningBackend {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RunningBackend")
            .field("pool", &self.pool)
            .finish_non_exhaustive()
    }
}

impl RunningBackend {
    /// The plan it runs by.
    pub fn plan(&self) -> &Arc<Backend> {
        &self.plan
    }

    /// Its servers.
    pub fn pool(&self) -> &Pool<Upstream, Algorithm> {
        &self.pool
    }

    /// What its checks know.
    pub fn health(&self) -> &Handle {
        &self.health
    }

    /// Since when it has been as it is.
    pub fn history(&self) -> History {
        self.lock_history().clone()
    }

    /// Its requests in the last second.
    pub fn rates(&self) -> &BackendRates {
        &self.rates
    }

    /// It has, or has not, a usable server.
    pub(super) fn observe(&self, up: bool) {
        self.lock_history().observe(up, Instant::now());
    }

    /// Plain values that are whole at each step.
    fn lock_history(&self) -> std::sync::MutexGuard<'_, History> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn observed<O: Observable>(&self, proxy: O) -> O {
        proxy.observed_by(self.health.observer())
    }

    pub(super) fn take_checker(&self) -> Option<HealthChecker<AnyCheck>> {
        self.checker
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }
}

/// A frontend that runs.
#[derive(Debug)]
pub struct RunningFrontend {
    pub(super) plan: Frontend,
    pub(super) connections: Count,
    pub(super) permits: Option<Arc<Semaphore>>,
    /// The same for each of its sockets.
    pub(super) bind_permits: Vec<Option<Arc<Semaphore>>>,
    listening: Vec<Endpoint>,
    /// How many of its sockets cannot accept now.
    pub(super) refusing: watch::Sender<u32>,
    pub(super) rates: FrontendRates,
    pub(super) page: Option<stats::Page>,
}

impl RunningFrontend {
    /// The plan it runs by.
    pub fn plan(&self) -> &Frontend {
        &self.plan
    }

    /// Client connections now, at most, and since the start.
    pub fn connections(&self) -> (u32, u32, u64) {
        let count = &self.connections;
        (count.now(), count.max(), count.total())
    }

    /// Its connections and requests in the last second.
    pub fn rates(&self) -> &FrontendRates {
        &self.rates
    }

    /// The addresses it listens on, with the ports that the kernel chose.
    pub fn listening(&self) -> &[Endpoint] {
        &self.listening
    }
}

impl FrontendFacts for RunningFrontend {
    fn connections(&self) -> u32 {
        self.connections.now()
    }

    fn request_rate(&self) -> u32 {
        narrow(self.rates.requests.now())
    }

    fn session_rate(&self) -> u32 {
        narrow(self.rates.connections.now())
    }
}

impl Rated for RunningBackend {
    fn rate(&self) -> u32 {
        narrow(self.rates.requests.now())
    }
}

fn narrow(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// A running process.
#[derive(Debug)]
pub struct System {
    workers: NonZeroUsize,
    frontends: Vec<Arc<RunningFrontend>>,
    backends: Vec<Arc<RunningBackend>>,
    tables: Vec<Arc<Table>>,
    log: Sink,
    pub(super) hard_stop_after: Duration,
    pub(super) connections: Count,
    pub(super) permits: Arc<Semaphore>,
    maxconn: u32,
    node: Option<String>,
    started: Instant,
    pub(super) phase: watch::Sender<Phase>,
    /// The phase is [`Phase::Stop`]: for those who cannot take its lock.
    cut: AtomicBool,
    assignments: Mutex<Vec<Assignment>>,
    /// Of each worker.
    tallies: Vec<Arc<Tallies>>,
}

impl System {
    /// Binds all sockets and builds all pools; nothing is accepted yet.
    pub(crate) fn assemble(plan: Plan, log: Sink) -> Result<Arc<Self>, RunError> {
        let maxconn = limits::prepare(&plan)?;
        let (workers, started) = (plan.workers, Instant::now());
        let checkers = checks::checkers(&plan);
        let backends: Vec<_> = plan
            .backends
            .iter()
            .zip(checkers)
            .map(|(backend, checker)| {
                let pool = backend
                    .pool(workers.get())
                    .expect("the configuration has distinct servers with addresses");
                let snapshot = pool.snapshot();
                let up = snapshot.all().is_empty() || !snapshot.usable().is_empty();
                let place = backend.place();
                let running = Arc::new(RunningBackend {
                    plan: Arc::clone(backend),
                    health: checker.handle(),
                    checker: Mutex::new(Some(checker)),
                    history: Mutex::new(History::new(up, started)),
                    rates: BackendRates::new(snapshot.all().len()),
                    pool,
                });
                let rated: Weak<dyn Rated> = Arc::downgrade(&(Arc::clone(&running) as _));
                place.fill(&running.pool, rated);
                running
            })
            .collect();
        let tallies = (0..workers.get()).map(|_| {
            let servers = backends.iter().map(|backend| {
                let snapshot = backend.pool.snapshot();
                snapshot.all().iter().map(|server| server.uid()).collect()
            });
            Arc::new(Tallies::new(plan.frontends.len(), servers))
        });
        let tallies = tallies.collect();
        let mut assignments: Vec<Assignment> = Vec::new();
        assignments.resize_with(workers.get(), Vec::new);
        let mut frontends = Vec::new();
        for (at, frontend) in plan.frontends.into_iter().enumerate() {
            let sockets = frontend.bind(workers)?;
            let listening = sockets
                .iter()
                .filter_map(|(_, listeners)| Some(listeners.first()?.local().clone()))
                .collect();
            for (bind, listeners) in sockets {
                deal(&mut assignments, at, bind, listeners);
            }
            let running = Arc::new(RunningFrontend {
                connections: Count::default(),
                permits: semaphore(frontend.model().maxconn),
                bind_permits: frontend
                    .model()
                    .bind
                    .iter()
                    .map(|bind| semaphore(bind.maxconn))
                    .collect(),
                listening,
                refusing: watch::Sender::new(0),
                rates: FrontendRates::default(),
                page: frontend.stats().is_some().then(stats::Page::new),
                plan: frontend,
            });
            let facts: Weak<dyn FrontendFacts> = Arc::downgrade(&(Arc::clone(&running) as _));
            running.plan.place().fill(facts);
            frontends.push(running);
        }
        Ok(Arc::new(Self {
            workers,
            frontends,
            backends,
            tables: plan.tables,
            log,
            hard_stop_after: plan.hard_stop_after,
            connections: Count::default(),
            permits: Arc::new(Semaphore::new(maxconn as usize)),
            maxconn,
            node: plan.node,
            started,
            phase: watch::Sender::new(Phase::Run),
            cut: AtomicBool::new(false),
            assignments: Mutex::new(assignments),
            tallies,
        }))
    }

    /// Threads of the data path.
    pub fn workers(&self) -> NonZeroUsize {
        self.workers
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
        &self.log
    }

    /// When its sockets were bound.
    pub fn started(&self) -> Instant {
        self.started
    }

    /// Client connections that it takes at a time.
    pub fn maxconn(&self) -> u32 {
        self.maxconn
    }

    /// Client connections now, at most, and since the start.
    pub fn connections(&self) -> (u32, u32, u64) {
        let count = &self.connections;
        (count.now(), count.max(), count.total())
    }

    /// The name of this node, if it was given one.
    pub fn node(&self) -> Option<&str> {
        self.node.as_deref()
    }

    /// Does it take no more connections?
    pub fn is_stopping(&self) -> bool {
        *self.phase.borrow() != Phase::Run
    }

    /// The counts of a frontend, by its place in [`frontends`](Self::frontends).
    pub fn frontend_totals(&self, at: usize) -> Totals {
        Totals::of(self.tallies.iter().map(|worker| worker.frontend(at)))
    }

    /// The counts of a backend, by its place in [`backends`](Self::backends).
    pub fn backend_totals(&self, at: usize) -> Totals {
        Totals::of(
            self.tallies
                .iter()
                .map(|worker| &worker.backend(at).traffic),
        )
    }

    /// The counts of a server of the backend at this place.
    pub fn server_totals(&self, at: usize, server: ServerUid) -> Totals {
        let workers = self.tallies.iter();
        Totals::of(workers.filter_map(|worker| worker.backend(at).server(server)))
    }

    /// Where a worker counts.
    pub(super) fn tallies(&self, worker: usize) -> &Arc<Tallies> {
        &self.tallies[worker]
    }

    /// Begins to stop, as SIGTERM does.
    pub fn stop(&self) {
        self.phase.send_replace(Phase::Drain);
    }

    /// Ends all that is left, as SIGINT does.
    pub(super) fn cut(&self) {
        self.cut.store(true, Ordering::Relaxed);
        self.phase.send_replace(Phase::Stop);
    }

    pub(super) fn is_cut(&self) -> bool {
        self.cut.load(Ordering::Relaxed)
    }

    /// A backend and its place.
    pub(super) fn backend(&self, name: &str) -> Option<(usize, &Arc<RunningBackend>)> {
        let mut backends = self.backends.iter().enumerate();
        backends.find(|(_, backend)| backend.plan.name() == name)
    }

    pub(super) fn take_assignments(&self) -> Vec<Assignment> {
        std::mem::take(
            &mut *self
                .assignments
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }
}

/// Gives each worker one socket of an address.
fn deal(assignments: &mut [Assignment], frontend: usize, bind: usize, listeners: Vec<Listener>) {
    for (assignment, listener) in assignments.iter_mut().zip(listeners) {
        assignment.push((frontend, bind, listener));
    }
}

fn semaphore(limit: Option<u32>) -> Option<Arc<Semaphore>> {
    limit.map(|limit| Arc::new(Semaphore::new(limit as usize)))
}
