//! Rules on requests: what they looked at, and what they did.

use lb_http::{
    page::Pages,
    rules::{RequestRules, Verdict},
};

use super::{Case, Sheet, route};

/// Applies a list of rules and tells of each; has the request found its end?
pub(super) fn explain(
    rules: &RequestRules,
    pages: &Pages,
    case: &mut Case,
    sheet: &mut Sheet,
) -> bool {
    if rules.is_empty() {
        return false;
    }
    let mut traces = Vec::new();
    let verdict = rules.apply_traced(&mut case.request, &mut case.transaction, pages, &mut traces);
    for trace in &traces {
        let (holds, done) = match trace.holds {
            Some(holds) => (route::word(holds), trace.done.as_str()),
            None => ("", "not looked at"),
        };
        sheet.judged("http_request", trace.text.as_str(), holds, done);
        for term in &trace.condition.terms {
            route::tell(term, sheet);
        }
    }
    let answer = match &verdict {
        Verdict::Answer(answer) | Verdict::Tarpit(answer) => answer,
        _ => return false,
    };
    sheet.blank();
    let status = answer.response.status();
    let what = match answer.closes() {
        true => "none: a rule closes the connection".to_owned(),
        false => format!("none: a rule answers {status}"),
    };
    sheet.row("backend", what);
    for (name, value) in answer.response.headers() {
        sheet.row("", format!("{name}: {}", value.as_bytes().escape_ascii()));
    }
    true
}
