//! `show servers state`, `show servers conn`, `show backend`.

use std::sync::Arc;

use lb_core::{
    Server,
    health::{Report, Status},
    server::{Administrative, Operational, WEIGHT_SCALE},
};
use lb_http::Upstream;
use serde_json::Value;
use tokio::time::Instant;

use super::reply::Listing;
use crate::{
    config::{ServerAddress, Span},
    run::{Refusal, RunningBackend, System},
    stats,
};

const STATE: &str = "be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight \
    srv_time_since_last_change srv_check_status srv_check_result srv_check_health srv_check_state srv_agent_state \
    bk_f_forced_id srv_f_forced_id srv_fqdn srv_port srvrecord srv_use_ssl srv_check_port srv_check_addr srv_agent_addr \
    srv_agent_port";

const CONN: &str = "bkname/svname bkid/svid addr port - purge_delay used_cur used_max need_est unsafe_nb safe_nb \
    idle_lim idle_cur";

/// What a server rises from and falls to where nothing else is said.
const RISE: u32 = 2;

fn none() -> Value {
    Value::from("-")
}

fn words(text: &str) -> Vec<String> {
    text.split_ascii_whitespace()
        .map(ToOwned::to_owned)
        .collect()
}

/// The backends that have servers, or the one that is named.
fn chosen<'s>(
    system: &'s System,
    name: Option<&str>,
) -> Result<Vec<(u64, &'s Arc<RunningBackend>)>, Refusal> {
    let all: Vec<_> = stats::numbered_backends(system).collect();
    let Some(name) = name else { return Ok(all) };
    let one = all
        .into_iter()
        .find(|(_, backend)| backend.plan().name() == name);
    one.map(|one| vec![one]).ok_or(Refusal::BackendNotFound)
}

pub(super) fn backends(system: &System) -> Listing {
    let all = stats::numbered_backends(system);
    Listing {
        head: "# name\n".to_owned(),
        columns: words("name"),
        rows: all
            .map(|(_, backend)| vec![backend.plan().name().into()])
            .collect(),
    }
}

/// In the format 1 of HAProxy's server-state file.
pub(super) fn state(system: &System, name: Option<&str>) -> Result<Listing, Refusal> {
    let now = Instant::now();
    let columns = words(STATE);
    let mut rows = Vec::new();
    for (id, backend) in chosen(system, name)? {
        for server in backend.pool().snapshot().all() {
            rows.push(state_of(system, id, backend, server, now));
        }
    }
    Ok(Listing {
        head: format!("1\n# {}\n", columns.join(" ")),
        columns,
        rows,
    })
}

fn state_of(
    system: &System,
    id: u64,
    backend: &RunningBackend,
    server: &Server<Upstream>,
    now: Instant,
) -> Vec<Value> {
    let declared = backend.declared(server.name());
    let model = declared.as_ref().map(|declared| declared.model());
    let report = backend.health().report(server.uid());
    let check = model.and_then(|model| model.check.as_ref());
    let address = server.target().socket_addr();
    let ip = address.map_or_else(
        || server.target().address().to_string(),
        |at| at.ip().to_string(),
    );
    let administrative = server.administrative_state();
    let effective = report
        .as_ref()
        .map_or(administrative, |report| report.administrative);
    let operational = match (effective, server.operational_state()) {
        (Administrative::Maint, _) | (_, Operational::Down) => 0,
        (_, Operational::Stopping) => 3,
        (_, Operational::Up) => {
            let full = u32::from(server.user_weight()) * WEIGHT_SCALE;
            // Its weight is still rising.
            if server.effective_weight() < full {
                1
            } else {
                2
            }
        }
    };
    // Who is in maintenance: FMAINT 1, IMAINT 2, CMAINT 4; in drain: FDRAIN 8, IDRAIN 16.
    let wanted = match administrative {
        Administrative::Ready => 0,
        Administrative::Maint => 1,
        Administrative::Drain => 8,
    };
    let inherited = match effective {
        Administrative::Maint if wanted != 1 => 2,
        Administrative::Drain if wanted != 8 => 16,
        _ => 0,
    };
    let configured = model.is_some_and(|model| model.disabled);
    let admin = wanted | inherited | (u8::from(configured) << 2);
    let (status, result) = report.as_ref().map_or((1, 0), checked);
    let is_checked = report.as_ref().is_some_and(|report| report.checked);
    // CONFIGURED 2, ENABLED 4, PAUSED 8.
    let paused = match check.is_some() {
        true => administrative == Administrative::Maint,
        false => configured,
    };
    let enabled = match (check.is_some(), is_checked) {
        (true, true) => 2 | 4,
        (true, false) => 2,
        (false, _) => 0,
    };
    let check_state = enabled | (u8::from(paused) << 3);
    let since = report
        .as_ref()
        .map_or(system.started(), |report| report.since);
    let forced_id = model.is_some_and(|model| model.id.span() != Span::BUILT_IN);
    let host = model.and_then(|model| match &*model.address {
        ServerAddress::Name { host, .. } => Some(host.clone()),
        _ => None,
    });
    let (port, addr) = check.map_or((None, None), |check| (check.port, check.address));
    let addr = addr.map_or_else(none, |addr| addr.to_string().into());
    let port = port.unwrap_or(0);
    vec![
        id.into(),
        backend.plan().name().into(),
        server.number().into(),
        server.name().into(),
        ip.into(),
        operational.into(),
        admin.into(),
        server.user_weight().into(),
        server.initial_weight().into(),
        now.saturating_duration_since(since).as_secs().into(),
        status.into(),
        result.into(),
        match check {
            None if configured => 0.into(),
            _ => {
                let rise = check.map_or(RISE, |check| check.rise);
                level(report.as_ref(), rise, operational).into()
            }
        },
        check_state.into(),
        0.into(),
        0.into(),
        u8::from(forced_id).into(),
        host.map_or_else(none, Value::from),
        address.map_or(0, |address| address.port()).into(),
        none(),
        0.into(),
        port.into(),
        addr.clone(),
        // HAProxy asks an agent where it checks, unless told otherwise.
        addr,
        port.into(),
    ]
}

/// The numbers of a check's status and result.
fn checked(report: &Report) -> (u8, u8) {
    let Some(verdict) = &report.verdict else {
        return (1, 0);
    };
    match verdict.status() {
        Status::SocketError => (5, 2),
        Status::L4Ok => (6, 3),
        Status::L4Timeout => (7, 2),
        Status::L4Connection => (8, 2),
        Status::L6Ok => (9, 3),
        Status::L6Timeout => (10, 2),
        Status::L6Response => (11, 2),
        Status::L7Timeout => (12, 2),
        Status::L7Response => (13, 2),
        Status::L7Ok => (15, 3),
        Status::L7OkConditional => (16, 4),
        Status::L7Status => (17, 2),
        _ => (3, 0),
    }
}

/// The counter of its checks, as on the page.
fn level(report: Option<&Report>, rise: u32, operational: u8) -> u32 {
    match report {
        Some(report) if report.checked && report.verdict.is_some() => match report.label.state {
            _ if report.administrative == Administrative::Maint => 0,
            Operational::Down => report.label.level,
            _ => rise + report.label.level.saturating_sub(1),
        },
        _ if operational == 0 => 0,
        _ => rise,
    }
}

/// Idle connections, by worker.
pub(super) fn connections(system: &System, name: Option<&str>) -> Result<Listing, Refusal> {
    let workers = system.workers().get();
    let mut rows = Vec::new();
    for (id, backend) in chosen(system, name)? {
        let delay = backend.plan().model().pool.idle_timeout.as_millis();
        for server in backend.pool().snapshot().all() {
            let target = server.target();
            let idle: Vec<_> = (0..workers)
                .map(|worker| target.idle_connections_of(worker))
                .collect();
            let all: usize = idle.iter().sum();
            let address = target.socket_addr();
            let ip = address.map_or_else(|| target.address().to_string(), |at| at.ip().to_string());
            let mut row = vec![
                format!("{}/{}", backend.plan().name(), server.name()).into(),
                format!("{id}/{}", server.number()).into(),
                ip.into(),
                address.map_or(0, |address| address.port()).into(),
                none(),
                u64::try_from(delay).unwrap_or(u64::MAX).into(),
                server.in_flight().into(),
                0.into(),
                0.into(),
                0.into(),
                all.into(),
                (-1).into(),
                all.into(),
            ];
            row.extend(idle.into_iter().map(Value::from));
            rows.push(row);
        }
    }
    let mut columns = words(CONN);
    let head = format!("# {} idle_per_thr[{workers}]\n", columns.join(" "));
    columns.extend((0..workers).map(|worker| format!("idle_of_worker_{worker}")));
    Ok(Listing {
        head,
        columns,
        rows,
    })
}
