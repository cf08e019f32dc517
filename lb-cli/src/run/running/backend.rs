//! A backend that runs.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use lb_core::{
    HealthChecker, Pool,
    health::{Handle, Observable},
    policy::Algorithm,
};
use lb_http::Upstream;
use tokio::time::Instant;

use super::super::{checks::AnyCheck, history::History, rates::BackendRates};
use crate::{
    plan::{Backend, Rated, Server},
    stats,
};

/// A backend that runs.
pub struct RunningBackend {
    pub(in crate::run) plan: Arc<Backend>,
    pub(in crate::run) pool: Pool<Upstream, Algorithm>,
    /// Taken when checks begin; until then, and by its handle after, what
    /// proxies report to.
    checker: Mutex<Option<HealthChecker<AnyCheck>>>,
    health: Handle,
    /// Servers that were added at run time, by their names.
    added: Arc<AddedServers>,
    pub(in crate::run) life: Arc<BackendLife>,
}

/// What goes on when a backend is declared anew.
#[derive(Debug)]
pub(in crate::run) struct BackendLife {
    history: Mutex<History>,
    rates: BackendRates,
    page: stats::Page,
}

impl BackendLife {
    pub(in crate::run) fn new(up: bool, now: Instant) -> Self {
        Self {
            history: Mutex::new(History::new(up, now)),
            rates: BackendRates::default(),
            page: stats::Page::new(),
        }
    }
}

impl RunningBackend {
    /// A backend of this plan, whose servers are those of `pool`.
    pub(in crate::run) fn new(
        plan: &Arc<Backend>,
        pool: Pool<Upstream, Algorithm>,
        checker: HealthChecker<AnyCheck>,
        added: Arc<AddedServers>,
        life: Arc<BackendLife>,
    ) -> Self {
        Self {
            plan: Arc::clone(plan),
            health: checker.handle(),
            checker: Mutex::new(Some(checker)),
            pool,
            added,
            life,
        }
    }

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
        &self.life.rates
    }

    /// Its statistics page, if it has one.
    pub(in crate::run) fn page(&self) -> Option<&stats::Page> {
        self.plan.stats().map(|_| &self.life.page)
    }

    /// It has, or has not, a usable server.
    pub(in crate::run) fn observe(&self, up: bool) {
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

    pub(in crate::run) fn added(&self) -> &AddedServers {
        &self.added
    }

    /// Plain values that are whole at each step.
    pub(in crate::run) fn lock_history(&self) -> MutexGuard<'_, History> {
        let history = self.life.history.lock();
        history.unwrap_or_else(PoisonError::into_inner)
    }

    pub(in crate::run) fn observed<O: Observable>(&self, proxy: O) -> O {
        proxy.observed_by(self.health.observer())
    }

    pub(in crate::run) fn take_checker(&self) -> Option<HealthChecker<AnyCheck>> {
        let mut checker = self.checker.lock().unwrap_or_else(PoisonError::into_inner);
        checker.take()
    }
}

impl fmt::Debug for RunningBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunningBackend")
            .field("pool", &self.pool)
            .finish_non_exhaustive()
    }
}

impl Rated for RunningBackend {
    fn rate(&self) -> u32 {
        super::narrow(self.rates().requests.now())
    }
}

/// Servers that were added at run time, by their names.
#[derive(Debug, Default)]
pub(in crate::run) struct AddedServers(Mutex<HashMap<Box<str>, Arc<Server>>>);

impl AddedServers {
    pub(in crate::run) fn find(&self, name: &str) -> Option<Arc<Server>> {
        self.lock().get(name).cloned()
    }

    pub(in crate::run) fn insert(&self, server: Arc<Server>) {
        let name = server.model().name.as_str().into();
        self.lock().insert(name, server);
    }

    pub(in crate::run) fn remove(&self, name: &str) {
        self.lock().remove(name);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Box<str>, Arc<Server>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A server as it was declared.
#[derive(Debug)]
pub enum Declared<'b> {
    /// In a file.
    InFile(&'b Server),
    /// At run time.
    Added(Arc<Server>),
}

impl std::ops::Deref for Declared<'_> {
    type Target = Server;

    fn deref(&self) -> &Self::Target {
        match self {
            Self::InFile(server) => server,
            Self::Added(server) => server,
        }
    }
}
