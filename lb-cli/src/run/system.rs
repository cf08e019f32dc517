//! What all threads of a running process share.

use std::{
    collections::HashMap,
    num::NonZeroUsize,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
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
use tokio::{sync::watch, time::Instant};

use super::{
    RunError,
    change::Cleared,
    checks::{self, AnyCheck},
    counts::Count,
    history::History,
    limits,
    quota::Quota,
    rates::{BackendRates, FrontendRates},
    refusals::Refusals,
    sessions::Sessions,
    supervisor::Beats,
    tally::{Tallies, Totals},
    worker::Assignment,
};
use crate::{
    config::Config,
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

/// Whether a frontend takes connections, as far as its operator is concerned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Gate {
    /// It does.
    Open,
    /// It does not, and may again (`disable frontend`).
    Paused,
    /// It never will (`shutdown frontend`).
    Shut,
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
    /// Servers that were added at run time, by their names.
    added: Arc<AddedServers>,
    pub(super) rates: BackendRates,
    pub(super) page: Option<stats::Page>,
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

    /// What is declared of a server of this name: at run time, else in the file.
    pub fn declared(&self, name: &str) -> Option<Declared<'_>> {
        match self.added.find(name) {
            Some(added) => Some(Declared::Added(added)),
            None => {
                let mut servers = self.plan.servers().iter();
                let found = servers.find(|server| server.model().name.as_str() == name);
                found.map(Declared::InFile)
            }
        }
    }

    pub(super) fn added(&self) -> &AddedServers {
        &self.added
    }

    /// Plain values that are whole at each step.
    pub(super) fn lock_history(&self) -> std::sync::MutexGuard<'_, History> {
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

/// Servers that were added at run time, by their names.
#[derive(Debug, Default)]
pub(super) struct AddedServers(Mutex<HashMap<Box<str>, Arc<crate::plan::Server>>>);

impl AddedServers {
    pub(super) fn find(&self, name: &str) -> Option<Arc<crate::plan::Server>> {
        self.lock().get(name).cloned()
    }

    pub(super) fn insert(&self, server: Arc<crate::plan::Server>) {
        let name = server.model().name.as_str().into();
        self.lock().insert(name, server);
    }

    pub(super) fn remove(&self, name: &str) {
        self.lock().remove(name);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Box<str>, Arc<crate::plan::Server>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A frontend that runs.
#[derive(Debug)]
pub struct RunningFrontend {
    pub(super) plan: Frontend,
    pub(super) connections: Count,
    pub(super) permits: Quota,
    /// Whether it takes connections, as far as its operator is concerned.
    pub(super) gate: watch::Sender<Gate>,
    /// The same for each of its sockets.
    pub(super) bind_permits: Vec<Option<Quota>>,
    listening: Vec<Endpoint>,
    /// How many of its sockets cannot accept now.
    pub(super) refusing: watch::Sender<u32>,
    pub(super) rates: FrontendRates,
    pub(super) page: Option<stats::Page>,
    /// Lines of its log, where a format numbers them.
    pub(super) lines: AtomicU64,
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

    /// Client connections that it takes at a time; `None`: as many as the process.
    pub fn maxconn(&self) -> Option<u32> {
        self.permits.limit()
    }

    /// Whether it takes connections, as far as its operator is concerned.
    pub fn gate(&self) -> Gate {
        *self.gate.borrow()
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

/// A server as it was declared.
#[derive(Debug)]
pub enum Declared<'b> {
    /// In a file.
    InFile(&'b crate::plan::Server),
    /// At run time.
    Added(Arc<crate::plan::Server>),
}

impl std::ops::Deref for Declared<'_> {
    type Target = crate::plan::Server;

    fn deref(&self) -> &Self::Target {
        match self {
            Self::InFile(server) => server,
            Self::Added(server) => server,
        }
    }
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
    pub(super) permits: Quota,
    /// What it may be at most.
    hard_maxconn: u32,
    node: Option<String>,
    started: Instant,
    pub(super) phase: watch::Sender<Phase>,
    /// The phase is [`Phase::Stop`]: for those who cannot take its lock.
    cut: AtomicBool,
    assignments: Mutex<Vec<Assignment>>,
    /// When each worker lived last.
    pub(super) beats: Beats,
    /// Of each worker.
    tallies: Vec<Arc<Tallies>>,
    /// What does not count any more.
    pub(super) cleared: Mutex<Cleared>,
    /// What it was started with.
    config: Config,
    /// One change at a time.
    pub(super) changing: Mutex<()>,
    /// Requests whose lines have a number.
    numbered: AtomicU64,
    pub(super) sessions: Sessions,
    pub(super) refusals: Refusals,
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
                let added = Arc::new(AddedServers::default());
                let checker = checks::with_newcomers(checker, &added);
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
                    rates: BackendRates::default(),
                    added: Arc::clone(&added),
                    page: backend.stats().is_some().then(stats::Page::new),
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
                permits: Quota::new(frontend.model().maxconn),
                gate: watch::Sender::new(Gate::Open),
                bind_permits: frontend
                    .model()
                    .bind
                    .iter()
                    .map(|bind| Some(Quota::new(Some(bind.maxconn?))))
                    .collect(),
                listening,
                refusing: watch::Sender::new(0),
                rates: FrontendRates::default(),
                page: frontend.stats().is_some().then(stats::Page::new),
                lines: AtomicU64::new(0),
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
            permits: Quota::new(Some(maxconn)),
            hard_maxconn: maxconn,
            node: plan.node,
            started,
            phase: watch::Sender::new(Phase::Run),
            cut: AtomicBool::new(false),
            assignments: Mutex::new(assignments),
            beats: Beats::new(workers.get(), started),
            tallies,
            cleared: Mutex::default(),
            config: plan.config,
            changing: Mutex::default(),
            numbered: AtomicU64::new(0),
            sessions: Sessions::default(),
            refusals: Refusals::default(),
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
        self.permits.limit().unwrap_or(self.hard_maxconn)
    }

    /// The most that [`maxconn`](Self::maxconn) may be set to: what it was at the start.
    pub fn hard_maxconn(&self) -> u32 {
        self.hard_maxconn
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
        let totals = Totals::of(self.tallies.iter().map(|worker| worker.frontend(at)));
        self.since_cleared(totals, |cleared| cleared.frontends.get(at))
    }

    /// The counts of a backend, by its place in [`backends`](Self::backends).
    pub fn backend_totals(&self, at: usize) -> Totals {
        let workers = self.tallies.iter();
        let totals = Totals::of(workers.map(|worker| &worker.backend(at).traffic));
        self.since_cleared(totals, |cleared| cleared.backends.get(at))
    }

    /// The counts of a server of the backend at this place.
    pub fn server_totals(&self, at: usize, server: ServerUid) -> Totals {
        let workers = self.tallies.iter();
        let totals = Totals::of(workers.filter_map(|worker| worker.backend(at).server(server)));
        self.since_cleared(totals, |cleared| cleared.servers.get(&server))
    }

    /// What it was started with.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Of each worker.
    pub(super) fn all_tallies(&self) -> &[Arc<Tallies>] {
        &self.tallies
    }

    /// Where a worker counts.
    pub(super) fn tallies(&self, worker: usize) -> &Arc<Tallies> {
        &self.tallies[worker]
    }

    /// Connections of clients that are there now.
    pub(crate) fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    /// What was no request, or no response, of each section the last time.
    pub(crate) fn refusals(&self) -> &Refusals {
        &self.refusals
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

    /// A number for a line: how many lines of its frontend and of all were there before.
    pub(super) fn number(&self, frontend: &RunningFrontend) -> (u64, u64) {
        let next = |count: &AtomicU64| count.fetch_add(1, Ordering::Relaxed);
        (next(&frontend.lines), next(&self.numbered))
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
