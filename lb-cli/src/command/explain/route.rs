//! From a frontend to a backend: every rule, its condition, and what was looked
//! at for it.

use bytes::Bytes;
use http::{Response, StatusCode};
use lb_core::condition::{TermTrace, TestTrace, Trace};
use lb_http::transaction::Slot;

use super::{Case, Sheet, captures, rules};
use crate::{
    log,
    plan::{Backend, Frontend, Plan, Route, To},
    stats,
};

/// Where a request goes.
pub(super) enum Way<'f> {
    /// To a server of this backend.
    To(&'f Backend),
    /// It is answered here, by a rule of the backend if there is one.
    Answered(Response<Bytes>, Option<&'f Backend>),
    /// It is answered by a page that no rule changes, or that cannot be known.
    Page,
}

/// Tells the rules of `frontend` up to the one that takes the request, and those of the backend it leads to.
pub(super) fn explain<'f>(
    plan: &'f Plan,
    frontend: &'f Frontend,
    case: &mut Case,
    sheet: &mut Sheet,
) -> Way<'f> {
    if let Some(status) = frontend.monitor().and_then(|m| m.answers(&case.view())) {
        sheet.row("monitor", format!("{status}, and nothing is logged"));
        return Way::Page;
    }
    let capture = frontend.logging().capture();
    let headers = case.request.headers();
    log::capture_request(capture, headers, &mut case.transaction.captures);
    captures::tell(&capture.request, Slot::Request, "request", case, sheet);
    if let Some(answer) = rules::explain(&frontend.rules().request, frontend.pages(), case, sheet) {
        return Way::Answered(answer.response, None);
    }
    if let Some(page) = frontend.stats() {
        let uri = page.model().uri.as_str();
        let is_for = stats::is_for(uri, &case.request);
        sheet.judged("stats", uri, word(is_for), "");
        if is_for {
            sheet.blank();
            sheet.row("backend", "none: the statistics page answers");
            return Way::Page;
        }
    }
    let Some(backend) = chosen(plan, frontend, case, sheet) else {
        sheet.blank();
        sheet.row("backend", "none: 503 Service Unavailable");
        let unavailable = frontend.pages().response(StatusCode::SERVICE_UNAVAILABLE);
        return Way::Answered(unavailable, None);
    };
    let own = frontend.model().name.span() == backend.model().name.span();
    let pages = backend.pages().clone().or(frontend.pages());
    if !own && let Some(answer) = rules::explain(&backend.rules().request, &pages, case, sheet) {
        return Way::Answered(answer.response, Some(backend));
    }
    if let Some(page) = backend.stats()
        && stats::is_for(&page.model().uri, &case.request)
    {
        sheet.blank();
        let name = backend.name();
        sheet.row("backend", format!("{name}: its statistics page answers"));
        return Way::Page;
    }
    Way::To(backend)
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
    match (frontend.default_backend(), chosen) {
        (Some(default), None) => {
            sheet.judged("default", default.name(), "yes", "");
            Some(default)
        }
        (Some(default), Some(_)) => {
            sheet.judged("default", default.name(), "", "not needed");
            chosen
        }
        (None, _) => chosen,
    }
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
        tell(term, "request", sheet);
    }
    taken
}

/// Tells one term of a condition on a `message`, and what was looked at for it.
pub(super) fn tell(term: &TermTrace, message: &str, sheet: &mut Sheet) {
    let Some(verdict) = term.verdict else {
        sheet.judged("", format!("  {}", term.text), "", "not looked at");
        return;
    };
    match term.tests.as_slice() {
        // `{ path /x }` is the test itself.
        [test] if is_anonymous(term) => {
            let verdict = word(verdict);
            sheet.judged("", format!("  {}", term.text), verdict, seen(test, message));
        }
        tests => {
            sheet.judged("", format!("  {}", term.text), word(verdict), "");
            for test in tests {
                let verdict = word(test.verdict);
                sheet.judged(
                    "",
                    format!("    {}", test.text),
                    verdict,
                    seen(test, message),
                );
            }
        }
    }
}

fn is_anonymous(term: &TermTrace) -> bool {
    term.text.trim_start_matches(['!', ' ']).starts_with('{')
}

/// What a test had to look at.
fn seen(test: &TestTrace, message: &str) -> String {
    let quoted = |sample: &String| format!("\"{sample}\"");
    let samples = test
        .samples
        .iter()
        .map(quoted)
        .collect::<Vec<_>>()
        .join(", ");
    match (&test.matched, test.samples.is_empty()) {
        (_, true) => format!("the {message} has none"),
        (Some(pattern), false) => format!("{samples} matches {pattern}"),
        (None, false) => samples,
    }
}

/// The word for a verdict.
pub(super) fn word(holds: bool) -> &'static str {
    if holds { "yes" } else { "no" }
}
