//! What a process has counted, and another one goes on with.

use std::{collections::HashMap, sync::Mutex};

use serde::{Deserialize, Serialize};

use crate::run::{System, Totals, counts::Count};

/// Numbers by their names: another version may have more, or fewer.
type Named = HashMap<String, u64>;

/// All that was counted, by the names of sections.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Figures {
    connections: Connections,
    frontends: HashMap<String, OfFrontend>,
    backends: HashMap<String, OfBackend>,
    /// There will be no more.
    #[serde(default)]
    pub(super) last: bool,
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Connections {
    max: u32,
    total: u64,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct OfFrontend {
    connections: Connections,
    requests: Named,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct OfBackend {
    requests: Named,
    servers: HashMap<String, OfServer>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct OfServer {
    requests: Named,
    /// What the pool and the checks count.
    pool: Named,
}

impl Figures {
    /// Those of `system` as they are now.
    pub(super) fn of(system: &System) -> Self {
        let frontends = system.frontends().iter().enumerate();
        let backends = system.backends().iter().enumerate();
        Self {
            connections: Connections::of(&system.shared.connections),
            frontends: frontends
                .map(|(at, frontend)| {
                    let figures = OfFrontend {
                        connections: Connections::of(&frontend.life.connections),
                        requests: named(system.frontend_totals(at)),
                    };
                    (frontend.plan().name().to_owned(), figures)
                })
                .collect(),
            backends: backends
                .map(|(at, backend)| {
                    let snapshot = backend.pool().snapshot();
                    let servers = snapshot.all().iter().map(|server| {
                        let figures = OfServer {
                            requests: named(system.server_totals(at, server.uid())),
                            pool: server.counters().named().map(owned).collect(),
                        };
                        (server.name().to_owned(), figures)
                    });
                    let figures = OfBackend {
                        requests: named(system.backend_totals(at)),
                        servers: servers.collect(),
                    };
                    (backend.plan().name().to_owned(), figures)
                })
                .collect(),
            last: false,
        }
    }
}

impl Connections {
    fn of(count: &Count) -> Self {
        Self {
            max: count.max(),
            total: count.total(),
        }
    }

    fn add(self, since: Self, to: &Count) {
        to.inherit(self.max, self.total.saturating_sub(since.total));
    }
}

fn owned((name, value): (&str, u64)) -> (String, u64) {
    (name.to_owned(), value)
}

fn named(mut totals: Totals) -> Named {
    let mut named = Named::new();
    totals.each(|name, value| {
        if *value > 0 {
            named.insert(name.to_owned(), *value);
        }
    });
    // It is a time of the other process.
    named.remove("last");
    named
}

fn totals(named: &Named) -> Totals {
    let mut totals = Totals::default();
    totals.each(|name, value| *value = named.get(name).copied().unwrap_or_default());
    totals
}

/// What has been taken over so far.
#[derive(Debug, Default)]
pub(super) struct Inherited(Mutex<Figures>);

impl Inherited {
    /// Has `system` count what `figures` have more than those before. For one caller.
    pub(super) fn add(&self, figures: Figures, system: &System) {
        let mut before = self
            .0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        figures
            .connections
            .add(before.connections, &system.shared.connections);
        let tallies = system.inherited();
        for (at, frontend) in system.frontends().iter().enumerate() {
            let name = frontend.plan().name();
            let Some(now) = figures.frontends.get(name) else {
                continue;
            };
            let seen = before.frontends.get(name).map(|seen| seen.connections);
            now.connections
                .add(seen.unwrap_or_default(), &frontend.life.connections);
            tallies.frontend(at).become_all(&totals(&now.requests));
        }
        for (at, backend) in system.backends().iter().enumerate() {
            let name = backend.plan().name();
            let Some(now) = figures.backends.get(name) else {
                continue;
            };
            let known = before.backends.get(name);
            tallies
                .backend(at)
                .traffic
                .become_all(&totals(&now.requests));
            for server in backend.pool().snapshot().all() {
                let Some(figures) = now.servers.get(server.name()) else {
                    continue;
                };
                if let Some(traffic) = tallies.backend(at).server(server.uid()) {
                    traffic.become_all(&totals(&figures.requests));
                }
                let seen = known.and_then(|known| known.servers.get(server.name()));
                for (name, value) in &figures.pool {
                    let seen = seen.and_then(|seen| seen.pool.get(name));
                    let more = value.saturating_sub(seen.copied().unwrap_or_default());
                    server.counters().add(name, more);
                }
            }
        }
        *before = figures;
    }
}
