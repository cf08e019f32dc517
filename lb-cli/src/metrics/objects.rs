//! Frontends, backends and servers.

use super::{
    families::{FAMILIES, Unit},
    text::{Kind, Labels, Writer, seconds},
};
use crate::{
    run::{System, Time, Totals},
    stats::{
        self,
        Column::{self, *},
        Field, Row, Source,
    },
};

/// The states of a server, by their first words.
const SERVER_STATES: &[&str] = &["DOWN", "UP", "MAINT", "DRAIN", "NOLB"];
const STATES: &[&str] = &["DOWN", "UP"];

/// What checks come to (HAProxy's management guide, section 9.1, column `check_status`).
const CHECKS: &[&str] = &[
    "HANA", "SOCKERR", "L4OK", "L4TOUT", "L4CON", "L6OK", "L6TOUT", "L6RSP", "L7TOUT", "L7RSP",
    "L7OK", "L7OKC", "L7STS", "PROCERR", "PROCTOUT", "PROCOK",
];

const CODES: [(Column, &str); 6] = [
    (Hrsp1xx, "1xx"),
    (Hrsp2xx, "2xx"),
    (Hrsp3xx, "3xx"),
    (Hrsp4xx, "4xx"),
    (Hrsp5xx, "5xx"),
    (HrspOther, "other"),
];

/// A phase of requests.
type Phase = (&'static str, fn(&Totals) -> &Time, &'static str);

const PHASES: [Phase; 4] = [
    ("queue", |totals| &totals.queued, "Time in the queue."),
    (
        "connect",
        |totals| &totals.connecting,
        "Time to connect to the server.",
    ),
    (
        "response",
        |totals| &totals.responding,
        "Time from the connection to the response's head.",
    ),
    (
        "total",
        |totals| &totals.whole,
        "Time from the request to the end of the response.",
    ),
];

pub(super) fn write(out: &mut Writer, system: &System, rows: &[Row]) {
    for (kind, name) in [
        (stats::Kind::Frontend, "frontend"),
        (stats::Kind::Backend, "backend"),
        (stats::Kind::Server, "server"),
    ] {
        let of_kind: Vec<&Row> = rows.iter().filter(|row| row.kind == kind).collect();
        if of_kind.is_empty() {
            continue;
        }
        states(out, name, &of_kind);
        if kind == stats::Kind::Backend {
            sums(out, &of_kind, rows);
        }
        responses(out, name, &of_kind);
        figures(out, name, &of_kind);
        histograms(out, name, &of_kind, system);
    }
}

/// Calls `write` with what names a row.
fn labelled(row: &Row, more: Option<(&str, &str)>, write: impl FnOnce(Labels<'_>)) {
    let mut labels = Vec::with_capacity(3);
    labels.push(("proxy", row.proxy.as_str()));
    if row.kind == stats::Kind::Server {
        labels.push(("server", row.name.as_str()));
    }
    labels.extend(more);
    write(&labels);
}

fn figures(out: &mut Writer, kind: &str, rows: &[&Row]) {
    let letter = kind[..1].to_ascii_uppercase();
    for family in FAMILIES.iter().filter(|family| family.of.contains(&letter)) {
        let name = format!("haproxy_{kind}_{}", family.name);
        let mut begun = false;
        for row in rows {
            let value = match (row.field(family.column), family.unit) {
                (Some(Field::Number(count)), Unit::Plain) => count.to_string(),
                (Some(Field::Number(count)), Unit::Millis) => seconds(count.saturating_mul(1000)),
                // The only number that is kept as text.
                (Some(Field::Text(text)), _) if text == "-1" => text.clone(),
                _ => continue,
            };
            if !std::mem::replace(&mut begun, true) {
                out.family(&name, family.kind, family.help);
            }
            labelled(row, None, |labels| out.sample(&name, labels, value));
        }
    }
}

fn responses(out: &mut Writer, kind: &str, rows: &[&Row]) {
    let name = format!("haproxy_{kind}_http_responses_total");
    out.family(
        &name,
        Kind::Counter,
        "Responses, by the first digit of their status.",
    );
    for row in rows {
        for (column, code) in CODES {
            let count = row.count(column).unwrap_or_default();
            labelled(row, Some(("code", code)), |labels| {
                out.sample(&name, labels, count);
            });
        }
    }
}

fn states(out: &mut Writer, kind: &str, rows: &[&Row]) {
    let name = format!("haproxy_{kind}_status");
    out.family(
        &name,
        Kind::Gauge,
        "1 for the state it is in, 0 for all others.",
    );
    for row in rows {
        let (states, now) = (
            match row.kind {
                stats::Kind::Server => SERVER_STATES,
                _ => STATES,
            },
            state(row),
        );
        one_of(out, &name, row, states, now);
    }
    let checked: Vec<_> = rows
        .iter()
        .filter(|row| row.field(CheckStatus).is_some())
        .collect();
    if !checked.is_empty() {
        let name = format!("haproxy_{kind}_check_status");
        out.family(
            &name,
            Kind::Gauge,
            "1 for what the last check came to, 0 for all else.",
        );
        for row in checked {
            one_of(out, &name, row, CHECKS, row.word(CheckStatus));
        }
    }
}

fn one_of(out: &mut Writer, name: &str, row: &Row, all: &[&str], now: &str) {
    for state in all {
        let is = u8::from(*state == now);
        labelled(row, Some(("state", state)), |labels| {
            out.sample(name, labels, is);
        });
    }
}

/// The state, without what stands behind it: `MAINT (via app/s1)`, `UP 2/3`.
fn state(row: &Row) -> &str {
    let status = row.word(Status);
    match status.split(' ').next().unwrap_or_default() {
        "STOP" | "PAUSED" => "DOWN",
        "OPEN" | "FULL" | "no" => "UP",
        word => word,
    }
}

/// How many servers of each backend are in which state.
fn sums(out: &mut Writer, backends: &[&Row], rows: &[Row]) {
    type Word = fn(&Row) -> &str;
    let families: [(&str, &[&str], Word, &str); 3] = [
        (
            "haproxy_backend_agg_server_status",
            SERVER_STATES,
            state,
            "Servers by their state.",
        ),
        (
            "haproxy_backend_agg_server_check_status",
            SERVER_STATES,
            state,
            "The same by its older name.",
        ),
        (
            "haproxy_backend_agg_check_status",
            CHECKS,
            |row| row.word(CheckStatus),
            "Servers by what their last check came to.",
        ),
    ];
    for (name, words, word, help) in families {
        out.family(name, Kind::Gauge, help);
        for backend in backends {
            let of_it = |row: &&Row| {
                row.kind == stats::Kind::Server && row.count(Iid) == backend.count(Iid)
            };
            for each in words {
                let count = rows.iter().filter(of_it).filter(|row| word(row) == *each);
                let count = count.count();
                labelled(backend, Some(("state", each)), |labels| {
                    out.sample(name, labels, count);
                });
            }
        }
    }
}

fn histograms(out: &mut Writer, kind: &str, rows: &[&Row], system: &System) {
    let totals: Vec<Totals> = rows
        .iter()
        .map(|row| match row.source {
            Source::Frontend(at) => system.frontend_totals(at),
            Source::Backend(at) => system.backend_totals(at),
            Source::Server { backend, uid } => system.server_totals(backend, uid),
        })
        .collect();
    for (phase, time, help) in PHASES {
        let name = format!("lb_{kind}_{phase}_seconds");
        out.family(&name, Kind::Histogram, help);
        for (row, totals) in rows.iter().zip(&totals) {
            labelled(row, None, |labels| {
                out.histogram(&name, labels, time(totals));
            });
        }
    }
}
