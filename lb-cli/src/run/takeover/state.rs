//! What a process knows that another one is to begin with: the state of servers, and the entries of tables.

use std::collections::HashMap;

use lb_core::{
    server::{Administrative, Operational},
    table::{DataType, Table},
};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::run::{System, Target};

/// By the names of sections.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct State {
    backends: HashMap<String, HashMap<String, OfServer>>,
    tables: HashMap<String, Vec<Entry>>,
}

/// A server, in HAProxy's words.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct OfServer {
    /// `ready`, `drain` or `maint`; absent: as configured.
    admin: Option<String>,
    /// `up`, `stopping` or `down`.
    health: String,
    /// If it was changed.
    weight: Option<u16>,
    /// If it was moved: its address and port.
    address: Option<(String, String)>,
}

/// A key as text, and numbers by the names of their types.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Entry {
    key: String,
    values: HashMap<String, u64>,
}

impl State {
    pub(super) fn of(system: &System) -> Self {
        let now = Instant::now();
        let backends = system.backends().iter().map(|backend| {
            let snapshot = backend.pool().snapshot();
            let servers = snapshot.all().iter().filter_map(|server| {
                let declared = backend.declared(server.name())?;
                let model = declared.model();
                let state = server.administrative_state();
                let as_declared = match model.disabled {
                    true => Administrative::Maint,
                    false => Administrative::Ready,
                };
                let moved = server.target().has_moved();
                let address = server.target().address();
                let state = OfServer {
                    admin: (state != as_declared).then(|| {
                        let word = match state {
                            Administrative::Maint => "maint",
                            Administrative::Drain => "drain",
                            _ => "ready",
                        };
                        word.to_owned()
                    }),
                    health: match server.operational_state() {
                        Operational::Down => "down",
                        Operational::Stopping => "stopping",
                        _ => "up",
                    }
                    .to_owned(),
                    weight: (server.user_weight() != model.weight).then(|| server.user_weight()),
                    address: address
                        .inet()
                        .filter(|_| moved)
                        .map(|it| (it.ip().to_string(), it.port().to_string())),
                };
                Some((server.name().to_owned(), state))
            });
            (backend.plan().name().to_owned(), servers.collect())
        });
        let tables = system.tables().iter();
        Self {
            backends: backends.collect(),
            tables: tables
                .map(|table| (table.name().to_owned(), entries(table, now)))
                .collect(),
        }
    }

    /// Has `system` begin with it. What it does not have is left out.
    pub(super) fn apply(&self, system: &System) {
        let now = Instant::now();
        for backend in system.backends() {
            let Some(servers) = self.backends.get(backend.plan().name()) else {
                continue;
            };
            let snapshot = backend.pool().snapshot();
            for server in snapshot.all() {
                if let Some(state) = servers.get(server.name()) {
                    state.apply(Target { backend, server });
                }
            }
        }
        for table in system.tables() {
            let entries = self.tables.get(table.name());
            for entry in entries.into_iter().flatten() {
                entry.apply(table, now);
            }
        }
    }
}

impl OfServer {
    /// What cannot be set any more, since it is configured otherwise, stays as it is configured.
    fn apply(&self, target: Target<'_>) {
        if let Some((ip, port)) = &self.address {
            let _ = target.set_address(&[ip, "port", port]);
        }
        if let Some(weight) = self.weight {
            let _ = target.set_weight(Some(&weight.to_string()));
        }
        let health = match self.health.as_str() {
            "down" => Some(Operational::Down),
            "stopping" => Some(Operational::Stopping),
            _ => None,
        };
        if let Some(health) = health {
            let _ = target.set_health(health);
        }
        let admin = match self.admin.as_deref() {
            Some("maint") => Some(Administrative::Maint),
            Some("drain") => Some(Administrative::Drain),
            Some("ready") => Some(Administrative::Ready),
            _ => None,
        };
        if let Some(admin) = admin {
            let _ = target.set_state(admin);
        }
    }
}

fn entries(table: &Table, now: Instant) -> Vec<Entry> {
    let mut entries = Vec::new();
    table.list(now, &[], |listed| {
        let entry = listed.entry();
        let values = table.stored().iter().filter_map(|stored| {
            let data = stored.data();
            Some((data.name().to_owned(), entry.value(data, 0, now)?))
        });
        entries.push(Entry {
            key: table.key_type().show(entry.key()).to_string(),
            values: values.collect(),
        });
    });
    entries
}

impl Entry {
    fn apply(&self, table: &Table, now: Instant) {
        let Some(key) = table.key_type().parse_key(&self.key) else {
            return;
        };
        for (name, value) in &self.values {
            if let Some(data) = DataType::find(name) {
                // A type that is no longer stored, or a table that is smaller now.
                let _ = table.set(now, &key, &[(data, *value)]);
            }
        }
    }
}
