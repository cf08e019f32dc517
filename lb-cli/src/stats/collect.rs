//! From a running system to rows, in the order of the file: a frontend, then
//! the servers of a backend and after them the backend itself.

use std::time::Duration;

use lb_core::{
    Server,
    health::Report,
    server::{Administrative, Operational, PoolLoad, WEIGHT_SCALE},
};
use lb_http::Upstream;
use tokio::time::Instant;

use super::{Column::*, Row, Source};
use crate::{
    config::Span,
    plan,
    run::{Gate, RunningBackend, RunningFrontend, System, Time, Totals},
};

/// HAProxy counts sections from 1, which is its own socket's when it has one.
const FIRST_ID: u64 = 2;

/// A section of the file, and what runs of it: `listen` is both.
struct Section<'a> {
    name: &'a str,
    span: Span,
    frontend: Option<usize>,
    backend: Option<usize>,
}

/// Every row.
pub fn collect(system: &System) -> Vec<Row> {
    let now = Instant::now();
    let mut rows = Vec::new();
    for (id, section) in (FIRST_ID..).zip(sections(system)) {
        let from = rows.len();
        if let Some(at) = section.frontend {
            rows.push(frontend(system, at));
        }
        if let Some(at) = section.backend {
            let running = &system.backends()[at];
            let (totals, servers) = servers(system, at, now);
            rows.extend(servers);
            rows.push(backend(system, at, running, &totals, now));
        }
        for row in &mut rows[from..] {
            row.set(Iid, id);
        }
    }
    rows
}

/// The backend of an id, or of a name.
pub(super) fn backend_named<'a>(system: &'a System, name: &str) -> Option<&'a RunningBackend> {
    let id = name.strip_prefix('#').map(str::parse::<u64>);
    let (_, found) = (FIRST_ID..)
        .zip(sections(system))
        .find(|(at, section)| match &id {
            Some(id) => id.as_ref() == Ok(at),
            None => section.name == name && section.backend.is_some(),
        })?;
    Some(&system.backends()[found.backend?])
}

/// The backends with their ids, in the order of the file.
pub(crate) fn numbered_backends(
    system: &System,
) -> impl Iterator<Item = (u64, &std::sync::Arc<RunningBackend>)> {
    let numbered = (FIRST_ID..).zip(sections(system));
    numbered.filter_map(|(id, section)| Some((id, &system.backends()[section.backend?])))
}

/// The names of all sections with their ids, in the order of the file.
pub(crate) fn numbered_names(system: &System) -> Vec<(u64, &str)> {
    let numbered = (FIRST_ID..).zip(sections(system));
    numbered.map(|(id, section)| (id, section.name)).collect()
}

fn sections(system: &System) -> Vec<Section<'_>> {
    let backends = system.backends().iter().enumerate();
    let mut sections: Vec<_> = backends
        .map(|(at, backend)| Section {
            name: backend.plan().name(),
            span: backend.plan().model().name.span(),
            frontend: None,
            backend: Some(at),
        })
        .collect();
    for (at, frontend) in system.frontends().iter().enumerate() {
        let name = &frontend.plan().model().name;
        match sections.iter_mut().find(|one| one.span == name.span()) {
            Some(listen) => listen.frontend = Some(at),
            None => sections.push(Section {
                name: name.as_str(),
                span: name.span(),
                frontend: Some(at),
                backend: None,
            }),
        }
    }
    sections.sort_by_key(|section| section.span);
    sections
}

fn frontend(system: &System, at: usize) -> Row {
    let frontend: &RunningFrontend = &system.frontends()[at];
    let totals = system.frontend_totals(at);
    let (now, max, total) = frontend.connections();
    let limit = frontend.maxconn();
    let requests = totals.requests + totals.refused;
    let (connections, rate) = (&frontend.rates().connections, &frontend.rates().requests);
    let status = match frontend.gate() {
        _ if system.is_stopping() => "STOP",
        Gate::Shut => "STOP",
        Gate::Paused => "PAUSED",
        Gate::Open if limit.is_some_and(|limit| now >= limit) => "FULL",
        Gate::Open => "OPEN",
    };
    let row = Row::new(Source::Frontend(at), frontend.plan().name(), "FRONTEND")
        .number(Scur, now)
        .number(Smax, max)
        .number(Slim, limit.unwrap_or(system.maxconn()))
        .number(Stot, total)
        .number(Ereq, totals.refused)
        .text(Status, status)
        .number(Rate, connections.now())
        .number(RateMax, connections.max())
        .number(ReqRate, rate.now())
        .number(ReqRateMax, rate.max())
        .number(ReqTot, requests)
        .number(ConnRate, connections.now())
        .number(ConnRateMax, connections.max())
        .number(ConnTot, total)
        .number(Intercepted, totals.intercepted)
        .number(Dreq, totals.denied)
        .number(Dresp, totals.denied_responses)
        .zeros(&[Sid, RateLim, Dcon, Dses, Wrew, Eint])
        .zeros(&[CacheLookups, CacheHits]);
    compressed(volume(row, &totals), &totals)
}

/// The sums over a backend's servers that its own row shows.
#[derive(Default)]
struct Sums {
    unserved: u64,
    retries: u64,
    redispatches: u64,
    selected: u64,
}

fn servers(system: &System, at: usize, now: Instant) -> (Sums, Vec<Row>) {
    let backend = &system.backends()[at];
    let mut sums = Sums::default();
    let snapshot = backend.pool().snapshot();
    let rows = snapshot.all().iter().map(|server| {
        let counters = server.counters().totals();
        // Those elsewhere are counted as `wredis` only.
        let again = counters.retries.saturating_sub(counters.redispatches);
        sums.retries += again;
        sums.redispatches += counters.redispatches;
        sums.selected += counters.selected;
        let totals = system.server_totals(at, server.uid());
        sums.unserved += totals.unserved;
        let rates = backend.rates().server(server.uid());
        let source = Source::Server {
            backend: at,
            uid: server.uid(),
        };
        let row = Row::new(source, backend.plan().name(), server.name())
            .number(Qcur, server.queued())
            .number(Scur, server.in_flight())
            .some(Slim, server.limit(PoolLoad::default()))
            .number(Stot, totals.requests + counters.retries)
            .number(Econ, totals.unserved)
            .number(Eresp, totals.response_errors)
            .number(Wretr, again)
            .number(Wredis, counters.redispatches)
            .number(Weight, server.effective_weight().div_ceil(WEIGHT_SCALE))
            .number(Act, !server.is_backup())
            .number(Bck, server.is_backup())
            .number(Sid, server.number())
            .number(Lbtot, counters.selected)
            .number(Rate, rates.requests.now())
            .number(RateMax, rates.requests.max())
            .number(SrvIcur, server.target().idle_connections() as u64)
            .number(Uweight, server.user_weight())
            .number(Dresp, totals.denied_responses)
            .zeros(&[Wrew, Eint]);
        let row = answers(phases(volume(row, &totals), &totals), system, &totals, now);
        let declared = backend.declared(server.name());
        let plan = declared.as_deref();
        let row = throttle(row, server).some(
            Qlimit,
            plan.and_then(|plan| plan.model().maxqueue)
                .filter(|limit| *limit > 0),
        );
        match backend.health().report(server.uid()) {
            Some(report) => health(row, server, plan, &report, now),
            // The checker has not begun yet.
            None => row
                .text(
                    Status,
                    match server.administrative_state() {
                        Administrative::Ready => server.operational_state().to_string(),
                        wanted => wanted.to_string(),
                    },
                )
                .number(Lastchg, seconds(now - system.started())),
        }
    });
    let rows = rows.collect();
    (sums, rows)
}

fn health(
    row: Row,
    server: &Server<Upstream>,
    plan: Option<&plan::Server>,
    report: &Report,
    now: Instant,
) -> Row {
    let mut row = row.text(Status, report.status()).number(
        Lastchg,
        seconds(now.saturating_duration_since(report.since)),
    );
    if let Some(source) = &report.tracks {
        row = row.text(Tracked, &**source);
    }
    if !report.checked {
        return row;
    }
    let counters = server.counters().totals();
    row = row
        .number(Chkfail, counters.failed_checks)
        .number(Chkdown, counters.downs)
        .number(Downtime, seconds(report.downtime(now)));
    if report.administrative == Administrative::Maint {
        // What it was before says nothing.
        return row;
    }
    if let Some(check) = plan.and_then(|plan| plan.model().check.as_ref()) {
        let label = report.label;
        let level = match label.state {
            Operational::Down => label.level,
            _ => check.rise + label.level.saturating_sub(1),
        };
        row = row
            .number(CheckRise, check.rise)
            .number(CheckFall, check.fall)
            .number(CheckHealth, level);
    }
    let Some(verdict) = &report.verdict else {
        return row.text(CheckStatus, "INI").text(CheckDesc, "Initializing");
    };
    let status = verdict.status();
    row = row
        .text(CheckStatus, status.code())
        .text(CheckDesc, status.description())
        .some(CheckCode, verdict.code());
    if let Some(time) = verdict.duration() {
        row = row.number(CheckDuration, millis(time));
    }
    match verdict.info() {
        Some(info) => row.text(LastChk, info),
        None => row.text(LastChk, ""),
    }
}

/// How far a server has come that takes its load step by step.
fn throttle(row: Row, server: &Server<Upstream>) -> Row {
    let full = u32::from(server.user_weight()) * WEIGHT_SCALE;
    let weight = server.effective_weight();
    match weight < full && server.operational_state() == Operational::Up {
        true => row.number(Throttle, 100 * weight / full),
        false => row,
    }
}

fn backend(system: &System, at: usize, backend: &RunningBackend, sums: &Sums, now: Instant) -> Row {
    let totals = system.backend_totals(at);
    let (load, history) = (backend.pool().load(), backend.history());
    let snapshot = backend.pool().snapshot();
    let (active, backup) = snapshot.active_and_backup();
    let usable = snapshot.usable().iter();
    let weight: u32 = usable
        .clone()
        .map(|server| server.effective_weight().div_ceil(WEIGHT_SCALE))
        .sum();
    let user_weight: u64 = usable.map(|server| u64::from(server.user_weight())).sum();
    let row = Row::new(Source::Backend(at), backend.plan().name(), "BACKEND")
        .number(Qcur, backend.pool().queued())
        .number(Scur, load.in_flight)
        // 0 is no limit.
        .some(Slim, (load.full_conn > 0).then_some(load.full_conn))
        .number(Stot, totals.requests)
        .number(ReqTot, totals.requests)
        .number(Econ, sums.unserved + totals.unserved)
        .number(Eresp, totals.response_errors)
        .number(Wretr, sums.retries)
        .number(Wredis, sums.redispatches)
        .text(Status, if history.is_up() { "UP" } else { "DOWN" })
        .number(Weight, weight)
        .number(Act, active as u64)
        .number(Bck, backup as u64)
        .number(Chkdown, history.downs)
        .number(
            Lastchg,
            seconds(now.saturating_duration_since(history.since)),
        )
        .number(Lbtot, sums.selected)
        .number(Rate, backend.rates().requests.now())
        .number(RateMax, backend.rates().requests.max())
        .number(Uweight, user_weight)
        .number(Dreq, totals.denied)
        .number(Dresp, totals.denied_responses)
        .zeros(&[Sid, Wrew, Eint])
        .zeros(&[CacheLookups, CacheHits]);
    // 0 there: only the metrics count states.
    let row = row.zeros(&[AggServerStatus, AggServerCheckStatus, AggCheckStatus]);
    let row = match snapshot.all().is_empty() {
        true => row,
        false => row.number(Downtime, seconds(history.downtime(now))),
    };
    let row = phases(compressed(volume(row, &totals), &totals), &totals);
    last_session(row, system, &totals, now)
        .number(CliAbrt, totals.client_aborts)
        .number(SrvAbrt, totals.server_aborts)
        .number(Qmax, totals.queue_max)
        .number(Smax, totals.in_flight_max)
}

/// What frontends, backends and servers have alike.
fn volume(row: Row, totals: &Totals) -> Row {
    let [other, one, two, three, four, five] = totals.responses;
    row.number(Bin, totals.bytes_in)
        .number(Bout, totals.bytes_out)
        .number(Hrsp1xx, one)
        .number(Hrsp2xx, two)
        .number(Hrsp3xx, three)
        .number(Hrsp4xx, four)
        .number(Hrsp5xx, five)
        .number(HrspOther, other)
}

/// What frontends and backends have alike. Nothing bypasses compression: it has no limit of its own.
fn compressed(row: Row, totals: &Totals) -> Row {
    let [before, after, responses] = totals.compressed;
    row.number(CompIn, before)
        .number(CompOut, after)
        .number(CompRsp, responses)
        .zeros(&[CompByp])
}

/// What only servers have so.
fn answers(row: Row, system: &System, totals: &Totals, now: Instant) -> Row {
    last_session(row, system, totals, now)
        .number(ReqTot, totals.responses.iter().sum::<u64>())
        .number(CliAbrt, totals.client_aborts)
        .number(SrvAbrt, totals.server_aborts)
        .number(Qmax, totals.queue_max)
        .number(Smax, totals.in_flight_max)
}

/// How long each phase took, on average and at most.
fn phases(row: Row, totals: &Totals) -> Row {
    let phases: [(&Time, _, _); 4] = [
        (&totals.queued, Qtime, QtimeMax),
        (&totals.connecting, Ctime, CtimeMax),
        (&totals.responding, Rtime, RtimeMax),
        (&totals.whole, Ttime, TtimeMax),
    ];
    phases.into_iter().fold(row, |row, (time, average, max)| {
        row.number(average, time.average())
            .number(max, time.longest())
    })
}

/// Seconds since the last request; -1 if there was none.
fn last_session(row: Row, system: &System, totals: &Totals, now: Instant) -> Row {
    match totals.last.checked_sub(1) {
        None => row.text(Lastsess, "-1"),
        Some(at) => {
            let at = system.started() + Duration::from_millis(at);
            row.number(Lastsess, seconds(now.saturating_duration_since(at)))
        }
    }
}

fn seconds(time: Duration) -> u64 {
    time.as_secs()
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
