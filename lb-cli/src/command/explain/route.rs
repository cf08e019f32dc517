//! From a frontend to a backend: every rule, its condition, and what was looked
//! at for it.

use lb_core::condition::{TermTrace, TestTrace, Trace};

use super::{Case, Sheet, rules};
use crate::{
    plan::{Backend, Frontend, Plan, Route, To},
    stats,
};

/// Tells the rules of `frontend` up to the one that takes the request, and those of the backend it leads to.
pub(super) fn explain<'f>(
    plan: &'f Plan,
    frontend: &'f Frontend,
    case: &mut Case,
    sheet: &mut Sheet,
) -> Option<&'f Backend> {
    if let Some(status) = frontend.monitor().and_then(|m| m.answers(&case.view())) {
        sheet.row("monitor", format!("{status}, and nothing is logged"));
        return None;
    }
    if rules::explain(&frontend.rules().request, frontend.pages(), case, sheet) {
        return None;
    }
    if let Some(page) = frontend.stats() {
        let uri = page.model().uri.as_str();
        let is_for = stats::is_for(uri, &case.request);
        sheet.judged("stats", uri, word(is_for), "");
        if is_for {
            sheet.blank();
            sheet.row("backend", "none: the statistics page answers");
            return None;
        }
    }
    let backend = chosen(plan, frontend, case, sheet)?;
    let own = frontend.model().name.span() == backend.model().name.span();
    let pages = backend.pages().clone().or(frontend.pages());
    let ends = !own && rules::explain(&backend.rules().request, &pages, case, sheet);
    (!ends).then_some(backend)
}

/// Tells the routes, and where the request goes.
fn chosen<'f>(
    plan: &'f Plan,
    frontend: &'f Frontend,
    case: &Case,
    sheet: &mut Sheet,
) -> Option<&'f Backend> {
    let mut chosen = None;
    for route in frontend.routes() {
        if chosen.is_some() {
            sheet.judged("use_backend", route.text.as_str(), "", "not looked at");
        } else if take(route, case, sheet) {
            chosen = named(frontend, route, case, plan);
        }
    }
    let chosen: Option<&Backend> = match (frontend.default_backend(), chosen) {
        (Some(default), None) => {
            sheet.judged("default", default.name(), "yes", "");
            Some(default)
        }
        (Some(default), Some(_)) => {
            sheet.judged("default", default.name(), "", "not needed");
            chosen
        }
        (None, None) => {
            sheet.blank();
            sheet.row("backend", "none: 503 Service Unavailable");
            None
        }
        (None, Some(_)) => chosen,
    };
    let backend = chosen?;
    if let Some(page) = backend.stats()
        && stats::is_for(&page.model().uri, &case.request)
    {
        sheet.blank();
        let name = backend.name();
        sheet.row("backend", format!("{name}: its statistics page answers"));
        return None;
    }
    Some(backend)
}

/// The backend that a route names; the default where there is none of that name.
fn named<'f>(
    frontend: &'f Frontend,
    route: &'f Route,
    case: &Case,
    plan: &'f Plan,
) -> Option<&'f Backend> {
    match &route.to {
        To::Backend(backend) => Some(backend),
        To::Named(format) => {
            let name = format.text(&case.view());
            let name = String::from_utf8_lossy(&name);
            let found = plan.backend(&name).or(frontend.default_backend());
            found.map(|backend| &**backend)
        }
    }
}

/// Tells one rule; does it take the request?
fn take(route: &Route, case: &Case, sheet: &mut Sheet) -> bool {
    let Some((unless, condition)) = &route.condition else {
        sheet.judged("use_backend", route.text.as_str(), "yes", "");
        return true;
    };
    let mut trace = Trace::default();
    let taken = condition.eval_traced(&case.view(), &mut trace) != *unless;
    sheet.judged("use_backend", route.text.as_str(), word(taken), "");
    for term in &trace.terms {
        tell(term, sheet);
    }
    taken
}

/// Tells one term of a condition, and what was looked at for it.
pub(super) fn tell(term: &TermTrace, sheet: &mut Sheet) {
    let Some(verdict) = term.verdict else {
        sheet.judged("", format!("  {}", term.text), "", "not looked at");
        return;
    };
    match term.tests.as_slice() {
        // `{ path /x }` is the test itself.
        [test] if is_anonymous(term) => {
            let verdict = word(verdict);
            sheet.judged("", format!("  {}", term.text), verdict, seen(test));
        }
        tests => {
            sheet.judged("", format!("  {}", term.text), word(verdict), "");
            for test in tests {
                let verdict = word(test.verdict);
                sheet.judged("", format!("    {}", test.text), verdict, seen(test));
            }
        }
    }
}

fn is_anonymous(term: &TermTrace) -> bool {
    term.text.trim_start_matches(['!', ' ']).starts_with('{')
}

/// What a test had to look at.
fn seen(test: &TestTrace) -> String {
    let quoted = |sample: &String| format!("\"{sample}\"");
    let samples = test
        .samples
        .iter()
        .map(quoted)
        .collect::<Vec<_>>()
        .join(", ");
    match (&test.matched, test.samples.is_empty()) {
        (_, true) => "the request has none".to_owned(),
        (Some(pattern), false) => format!("{samples} matches {pattern}"),
        (None, false) => samples,
    }
}

/// The word for a verdict.
pub(super) fn word(holds: bool) -> &'static str {
    if holds { "yes" } else { "no" }
}
