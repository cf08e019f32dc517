//! What all threads of a running process share.

use std::{
    num::NonZeroUsize,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use lb_core::{HealthChecker, Pool, health::Observable, policy::Algorithm};
use lb_http::Upstream;
use lb_tcp::{Endpoint, Listener};
use tokio::{
    sync::{Semaphore, watch},
    time::Instant,
};

use super::{
    RunError,
    checks::{self, AnyCheck},
    counts::Count,
    limits,
    worker::Assignment,
};
use crate::{
    log::Sink,
    plan::{Backend, Frontend, Plan},
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
    observer: lb_core::health::Observer,
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

    pub(super) fn observed<O: Observable>(&self, proxy: O) -> O {
        proxy.observed_by(self.observer.clone())
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
}

impl RunningFrontend {
    /// The plan it runs by.
    pub fn plan(&self) -> &Frontend {
        &self.plan
    }

    /// The addresses it listens on, with the ports that the kernel chose.
    pub fn listening(&self) -> &[Endpoint] {
        &self.listening
    }
}

/// A running process.
#[derive(Debug)]
pub struct System {
    workers: NonZeroUsize,
    frontends: Vec<Arc<RunningFrontend>>,
    backends: Vec<Arc<RunningBackend>>,
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
}

impl System {
    /// Binds all sockets and builds all pools; nothing is accepted yet.
    pub(crate) fn assemble(plan: Plan, log: Sink) -> Result<Arc<Self>, RunError> {
        let maxconn = limits::prepare(&plan)?;
        let workers = plan.workers;
        let checkers = checks::checkers(&plan);
        let backends: Vec<_> = plan
            .backends
            .iter()
            .zip(checkers)
            .map(|(backend, checker)| {
                let pool = backend
                    .pool(workers.get())
                    .expect("the configuration has distinct servers with addresses");
                let observer = checker.handle().observer();
                Arc::new(RunningBackend {
                    plan: Arc::clone(backend),
                    pool,
                    checker: Mutex::new(Some(checker)),
                    observer,
                })
            })
            .collect();
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
            frontends.push(Arc::new(RunningFrontend {
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
                plan: frontend,
            }));
        }
        Ok(Arc::new(Self {
            workers,
            frontends,
            backends,
            log,
            hard_stop_after: plan.hard_stop_after,
            connections: Count::default(),
            permits: Arc::new(Semaphore::new(maxconn as usize)),
            maxconn,
            node: plan.node,
            started: Instant::now(),
            phase: watch::Sender::new(Phase::Run),
            cut: AtomicBool::new(false),
            assignments: Mutex::new(assignments),
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

    /// Client connections, now.
    pub fn connections(&self) -> u32 {
        self.connections.now()
    }

    /// How many of them there may be.
    pub fn maxconn(&self) -> u32 {
        self.maxconn
    }

    /// The name of this node, where it has one.
    pub fn node(&self) -> Option<&str> {
        self.node.as_deref()
    }

    /// Since its sockets were bound.
    pub fn uptime(&self) -> Duration {
        self.started.elapsed()
    }

    /// Whether it takes nothing new any more.
    pub fn is_stopping(&self) -> bool {
        *self.phase.borrow() != Phase::Run
    }

    /// Where messages go.
    pub fn log(&self) -> &Sink {
        &self.log
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

    pub(super) fn backend(&self, name: &str) -> Option<&Arc<RunningBackend>> {
        self.backends
            .iter()
            .find(|backend| backend.plan.name() == name)
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
