//! The process as a whole, and its virtual routers.

use std::{
    fs,
    time::{SystemTime, UNIX_EPOCH},
};

use lb_vrrp::{Vrrp, machine::State};
use rustix::process::{Resource, getrlimit};

use super::text::{
    Kind::{Counter, Gauge},
    Writer, seconds,
};
use crate::run::System;

pub(super) fn write(out: &mut Writer, system: &System) {
    let version = env!("CARGO_PKG_VERSION");
    for name in ["haproxy_process_build_info", "lb_build_info"] {
        out.family(name, Gauge, "The version of lb.");
        out.sample(name, &[("version", version)], 1);
    }
    let (now, max, total) = system.connections();
    let uptime = system.started().elapsed();
    let started = SystemTime::now() - uptime;
    let started = started.duration_since(UNIX_EPOCH).unwrap_or_default();
    let totals = (0..system.frontends().len()).map(|at| system.frontend_totals(at));
    let (requests, bytes) = totals.fold((0, 0), |(requests, bytes), totals| {
        let more = totals.requests + totals.refused;
        (requests + more, bytes + totals.bytes_out)
    });
    let frontends = system.frontends().iter();
    let rate: u64 = frontends
        .clone()
        .map(|it| it.rates().connections.now())
        .sum();
    let listeners: usize = frontends.map(|it| it.listening().count()).sum();
    let descriptors = getrlimit(Resource::Nofile).current;
    let dropped = system.log().dropped();
    let figures: [(&str, _, &str, String); 16] = [
        (
            "nbthread",
            Gauge,
            "Threads of the data path.",
            system.workers().to_string(),
        ),
        ("nbproc", Gauge, "Processes: one.", "1".to_owned()),
        (
            "uptime_seconds",
            Gauge,
            "How long it has been running.",
            uptime.as_secs().to_string(),
        ),
        (
            "start_time_seconds",
            Gauge,
            "When it began, in seconds since 1970.",
            started.as_secs().to_string(),
        ),
        (
            "max_fds",
            Gauge,
            "Descriptors that it may open.",
            descriptors.map_or("+Inf".to_owned(), |n| n.to_string()),
        ),
        (
            "max_connections",
            Gauge,
            "Connections of clients that are taken at a time.",
            system.maxconn().to_string(),
        ),
        (
            "hard_max_connections",
            Gauge,
            "The same, as it was at the start.",
            system.hard_maxconn().to_string(),
        ),
        (
            "current_connections",
            Gauge,
            "Connections of clients.",
            now.to_string(),
        ),
        (
            "connections_total",
            Counter,
            "Connections of clients since the start.",
            total.to_string(),
        ),
        (
            "requests_total",
            Counter,
            "Requests since the start.",
            requests.to_string(),
        ),
        (
            "current_connection_rate",
            Gauge,
            "Connections in the last second.",
            rate.to_string(),
        ),
        ("current_session_rate", Gauge, "The same.", rate.to_string()),
        (
            "bytes_out_total",
            Counter,
            "Bytes that were sent to clients.",
            bytes.to_string(),
        ),
        (
            "listeners",
            Gauge,
            "Addresses that are listened on.",
            listeners.to_string(),
        ),
        (
            "stopping",
            Gauge,
            "1 when it takes no more connections.",
            u8::from(system.is_stopping()).to_string(),
        ),
        (
            "dropped_logs_total",
            Counter,
            "Log lines that their targets had no room for.",
            dropped.to_string(),
        ),
    ];
    for (name, kind, help, value) in figures {
        out.one(&format!("haproxy_process_{name}"), kind, help, value);
    }
    out.one(
        "lb_process_connections_max",
        Gauge,
        "The most connections of clients at a time.",
        max,
    );
    usage(out);
}

/// What Prometheus' own clients say of their process, by the same names.
fn usage(out: &mut Writer) {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // Behind the name, which may hold anything: proc_pid_stat(5), fields 3 and on.
    let fields: Vec<u64> = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_ascii_whitespace()
        .map(|field| field.parse().unwrap_or(0))
        .collect();
    let (user, system, pages) = (fields.get(11), fields.get(12), fields.get(21));
    if let (Some(user), Some(system), Some(pages)) = (user, system, pages) {
        let ticks = rustix::param::clock_ticks_per_second().max(1);
        let micros = (user + system).saturating_mul(1_000_000) / ticks;
        let bytes = pages.saturating_mul(rustix::param::page_size() as u64);
        out.one(
            "process_cpu_seconds_total",
            Counter,
            "Time on processors.",
            seconds(micros),
        );
        out.one(
            "process_resident_memory_bytes",
            Gauge,
            "Memory in use.",
            bytes,
        );
    }
    if let Ok(open) = fs::read_dir("/proc/self/fd") {
        out.one("process_open_fds", Gauge, "Open descriptors.", open.count());
    }
}

/// The virtual routers of this node.
pub(super) fn write_routers(out: &mut Writer, routers: &[Vrrp]) {
    if routers.is_empty() {
        return;
    }
    let states = [
        State::Initialize,
        State::Backup,
        State::Master,
        State::Fault,
    ];
    let all: Vec<_> = routers.iter().map(Vrrp::status).collect();
    let name = "lb_vrrp_state";
    out.family(
        name,
        Gauge,
        "1 for the state that a virtual router is in, 0 for all others.",
    );
    for status in &all {
        for state in states {
            let labels = [("router", &*status.name), ("state", &state.to_string())];
            out.sample(name, &labels, u8::from(status.state == state));
        }
    }
    let name = "lb_vrrp_priority";
    out.family(
        name,
        Gauge,
        "The priority of a virtual router, with all weights.",
    );
    for status in &all {
        out.sample(name, &[("router", &status.name)], status.priority);
    }
    let name = "lb_vrrp_state_start_seconds";
    out.family(
        name,
        Gauge,
        "When it came to its state, in seconds since 1970.",
    );
    for status in &all {
        let since = status.since.duration_since(UNIX_EPOCH).unwrap_or_default();
        out.sample(name, &[("router", &status.name)], since.as_secs());
    }
}
