//! Rules on requests: what they looked at, and what they did.

use lb_http::{
    page::Pages,
    rules::{Answer, RequestRules, RuleTrace, Verdict},
};

use super::{Case, Sheet, route};

/// Applies a list of rules and tells of each; the answer, if the request has found its end.
pub(super) fn explain(
    rules: &RequestRules,
    pages: &Pages,
    case: &mut Case,
    sheet: &mut Sheet,
) -> Option<Answer> {
    let mut traces = Vec::new();
    let verdict = rules.apply_traced(&mut case.request, &mut case.transaction, pages, &mut traces);
    case.follow();
    tell("http_request", &traces, sheet);
    let (Verdict::Answer(answer) | Verdict::Tarpit(answer)) = verdict else {
        return None;
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
    Some(answer)
}

/// Tells of each rule of a list.
pub(super) fn tell(label: &str, traces: &[RuleTrace], sheet: &mut Sheet) {
    let message = if label == "http_request" {
        "request"
    } else {
        "response"
    };
    for trace in traces {
        let (holds, done) = match trace.holds {
            Some(holds) => (route::word(holds), trace.done.as_str()),
            None => ("", "not looked at"),
        };
        sheet.judged(label, trace.text.as_str(), holds, done);
        for term in &trace.condition.terms {
            route::tell(term, message, sheet);
        }
    }
}
