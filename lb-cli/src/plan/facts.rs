//! What conditions ask of backends and frontends, which run only later: `nbsrv(web)`, `fe_conn(http)`.

use std::{
    fmt,
    sync::{Arc, OnceLock, Weak},
};

use lb_core::{Pool, policy::Algorithm};
use lb_http::{
    Upstream,
    fetch::{BackendFacts, FrontendFacts, Registry, ServerFacts},
};

use crate::config::Config;

/// The place of a backend in expressions; empty until it runs.
#[derive(Debug, Default)]
pub struct BackendPlace {
    pool: OnceLock<Pool<Upstream, Algorithm>>,
    rate: OnceLock<Weak<dyn Rated>>,
}

/// The place of a frontend, likewise.
#[derive(Debug, Default)]
pub struct FrontendPlace(OnceLock<Weak<dyn FrontendFacts>>);

/// Something whose requests are counted by the second.
pub trait Rated: fmt::Debug + Send + Sync {
    /// In the last one.
    fn rate(&self) -> u32;
}

/// The places of all sections, by name.
#[derive(Debug, Default)]
pub(super) struct Places {
    pub(super) backends: Vec<(String, Arc<BackendPlace>)>,
    pub(super) frontends: Vec<(String, Arc<FrontendPlace>)>,
}

impl Places {
    pub(super) fn of(config: &Config) -> Self {
        let backends = config.backends.iter().map(|one| one.name.to_string());
        let frontends = config.frontends.iter().map(|one| one.name.to_string());
        Self {
            backends: backends.map(|name| (name, Arc::default())).collect(),
            frontends: frontends.map(|name| (name, Arc::default())).collect(),
        }
    }

    pub(super) fn registry(&self, config: &Config) -> Registry {
        let mut registry = Registry::new();
        for list in &config.userlists {
            registry = registry.users(&list.name, list.compile());
        }
        for backend in &config.backends {
            let names = backend.server.iter().map(|one| one.name.as_str().into());
            registry = registry.servers(&backend.name, names);
        }
        for (name, place) in &self.backends {
            registry = registry.backend(name, Arc::clone(place) as Arc<dyn BackendFacts>);
        }
        for (name, place) in &self.frontends {
            registry = registry.frontend(name, Arc::clone(place) as Arc<dyn FrontendFacts>);
        }
        registry
    }
}

impl BackendPlace {
    /// It runs.
    pub fn fill(&self, pool: &Pool<Upstream, Algorithm>, rate: Weak<dyn Rated>) {
        // It is filled once, by the system that runs this plan.
        let _ = self.pool.set(pool.clone());
        let _ = self.rate.set(rate);
    }

    /// The same where nobody counts requests.
    pub fn fill_offline(&self, pool: &Pool<Upstream, Algorithm>) {
        let _ = self.pool.set(pool.clone());
    }
}

impl FrontendPlace {
    /// It runs.
    pub fn fill(&self, facts: Weak<dyn FrontendFacts>) {
        let _ = self.0.set(facts);
    }

    fn running(&self) -> Option<Arc<dyn FrontendFacts>> {
        self.0.get()?.upgrade()
    }
}

impl BackendFacts for BackendPlace {
    fn usable(&self) -> usize {
        self.pool.get().map_or(0, BackendFacts::usable)
    }

    fn in_flight(&self) -> u32 {
        self.pool.get().map_or(0, BackendFacts::in_flight)
    }

    fn queued(&self) -> u32 {
        self.pool.get().map_or(0, BackendFacts::queued)
    }

    fn free(&self) -> Option<u32> {
        self.pool.get()?.free()
    }

    fn rate(&self) -> Option<u32> {
        Some(self.rate.get()?.upgrade()?.rate())
    }

    fn server(&self, name: &str) -> Option<ServerFacts> {
        BackendFacts::server(self.pool.get()?, name)
    }
}

impl FrontendFacts for FrontendPlace {
    fn connections(&self) -> u32 {
        self.running().map_or(0, |facts| facts.connections())
    }

    fn request_rate(&self) -> u32 {
        self.running().map_or(0, |facts| facts.request_rate())
    }

    fn session_rate(&self) -> u32 {
        self.running().map_or(0, |facts| facts.session_rate())
    }
}
