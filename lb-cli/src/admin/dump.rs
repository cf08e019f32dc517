//! `dump-config`: the configuration with what was changed at run time.

use lb_core::server::Administrative;
use lb_tcp::Address;

use crate::{
    config::{Config, ServerAddress, Spanned, model},
    run::{Gate, RunningBackend, System},
};

/// TOML that `lb check` accepts, and what it cannot say as comments at its head.
pub(super) fn text(system: &System) -> String {
    let mut notes = Vec::new();
    let config = current(system, &mut notes);
    let mut text = String::new();
    for note in notes {
        text.push_str("# ");
        text.push_str(&note);
        text.push('\n');
    }
    text + &config.print()
}

fn current(system: &System, notes: &mut Vec<String>) -> Config {
    let mut config = system.config().clone();
    if system.maxconn() != system.hard_maxconn() {
        config.global.maxconn = Some(system.maxconn());
    }
    let frontends = config.frontends.iter_mut().zip(system.frontends());
    for (model, running) in frontends {
        model.maxconn = running.maxconn();
        let name = model.name.as_str();
        match running.gate() {
            Gate::Open => {}
            Gate::Paused => notes.push(format!("frontend {name} is disabled, which no key says")),
            Gate::Shut => notes.push(format!("frontend {name} is shut down, which no key says")),
        }
    }
    for (model, running) in config.backends.iter_mut().zip(system.backends()) {
        model.server = servers(running, notes);
    }
    config
}

fn servers(backend: &RunningBackend, notes: &mut Vec<String>) -> Vec<model::Server> {
    let snapshot = backend.pool().snapshot();
    let current = snapshot.all().iter().filter_map(|server| {
        let mut model = backend.declared(server.name())?.model().clone();
        model.id = Spanned::built_in(server.number());
        model.weight = server.user_weight();
        model.maxconn = Some(server.max_conn_limit()).filter(|limit| *limit > 0);
        if model.maxconn.is_none() {
            model.minconn = None;
        }
        let state = server.administrative_state();
        model.disabled = state == Administrative::Maint;
        if state == Administrative::Drain && model.weight > 0 {
            let path = format!("{}/{}", backend.plan().name(), server.name());
            notes.push(format!(
                "server {path} is in drain: its weight of {} is written as 0",
                model.weight
            ));
            model.weight = 0;
        }
        if let Some(address) = moved(&model.address, server.target()) {
            model.address = Spanned::built_in(address);
        }
        Some(model)
    });
    current.collect()
}

/// Where it is now, unless that is what the file says: a name stays a name.
fn moved(stated: &ServerAddress, upstream: &lb_http::Upstream) -> Option<ServerAddress> {
    if !upstream.has_moved() {
        return None;
    }
    let now = match &**upstream.address() {
        Address::Inet(address) => ServerAddress::Ip(*address),
        Address::Unix(path) => ServerAddress::Unix(path.clone()),
        Address::Abstract(name) => ServerAddress::Abstract(name.clone()),
        _ => return None,
    };
    (now != *stated).then_some(now)
}
