//! What lb may cost at most, and whether a run kept to it.

use crate::compare::options::{Case, Proxy};

use super::Table;

/// CPU a request in the full case, as a part of HAProxy's in the same run.
const CPU: f64 = 0.85;
/// Memory of an idle client connection, in KiB.
const IDLE: f64 = 8.0;

/// A line for each of lb's budgets that `table` measures.
pub(super) fn verdicts(table: &Table) -> Vec<String> {
    let Some(lb) = table.row(Proxy::Lb) else {
        return Vec::new();
    };
    let own = table.figures(lb);
    let haproxy = table.row(Proxy::Haproxy).map(|row| table.figures(row));
    let mut lines = Vec::new();
    if table.case == Case::Full {
        if let Some(ratio) = own.ratio {
            let verdict = verdict(ratio <= CPU);
            lines.push(format!(
                "CPU a request, full: {ratio:.2} of HAProxy's, budget {CPU}: {verdict}"
            ));
        }
        if let (Some(p99), Some(theirs)) = (own.p99, haproxy.and_then(|figures| figures.p99)) {
            let verdict = verdict(p99 <= theirs);
            lines.push(format!(
                "p99, full: {p99:.2} ms, HAProxy's {theirs:.2} ms, budget no worse: {verdict}"
            ));
        }
    }
    if let (Case::Idle, Some(cost)) = (table.case, own.cost) {
        let verdict = verdict(cost <= IDLE);
        lines.push(format!(
            "idle client connection: {cost:.2} KiB, budget {IDLE} KiB: {verdict}"
        ));
    }
    lines
}

fn verdict(kept: bool) -> &'static str {
    if kept { "kept" } else { "MISSED" }
}
