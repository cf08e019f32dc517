//! What is kept for a request: variables, captures, its first line.

use lb_core::condition::{Call, ConditionError, Sample, SampleType};

use super::{
    assign,
    expr::{HttpFetch, Needs, Other},
    registry::Registry,
};
use crate::transaction::{Line, Slot};

/// Gives a call its meaning, or `None` if its name is another's.
pub(super) fn resolve(
    call: &Call,
    registry: &Registry,
) -> Option<Result<HttpFetch, ConditionError>> {
    Some(match call.name.as_str() {
        "var" => variable(call, registry),
        "capture.req.hdr" => captured(call, Slot::Request),
        "capture.res.hdr" => captured(call, Slot::Response),
        "capture.req.method" => line(call, registry, |line, visit| {
            visit(Sample::Str(line.method.as_str().as_bytes()))
        }),
        "capture.req.ver" => line(call, registry, |line, visit| {
            let version = super::expr::version(line.version);
            visit(Sample::Str(&[b"HTTP/", version].concat()))
        }),
        // Observed: of an absolute target its path and query.
        "capture.req.uri" => line(call, registry, |line, visit| {
            let uri = line.uri.path_and_query().map_or("", |uri| uri.as_str());
            uri.starts_with('/') && visit(Sample::Str(uri.as_bytes()))
        }),
        _ => return None,
    })
}

/// `var(NAME[,DEFAULT])`.
fn variable(call: &Call, registry: &Registry) -> Result<HttpFetch, ConditionError> {
    call.at_most(2)?;
    let variable = assign::variable(call, registry)?;
    let default = call.args.get(1).map(|arg| arg.text.clone().into_bytes());
    Ok(Other::fetch(
        SampleType::Any,
        Needs::Transaction,
        move |view, visit| match (view.variable(&variable), &default) {
            (Some(value), _) => visit(value.as_sample()),
            (None, Some(default)) => visit(Sample::Str(default)),
            (None, None) => false,
        },
    ))
}

fn captured(call: &Call, slot: fn(usize) -> Slot) -> Result<HttpFetch, ConditionError> {
    call.at_most(1)?;
    let number = call.integer(0)?.and_then(|n| usize::try_from(n).ok());
    let Some(number) = number else {
        let message = format!("`{}` needs the number of a capture, from 0", call.name);
        return Err(ConditionError::new(call.span, message));
    };
    Ok(Other::fetch(
        SampleType::Str,
        Needs::Transaction,
        move |view, visit| {
            let found = view
                .transaction
                .and_then(|kept| kept.captures.find(slot(number)));
            found.is_some_and(|text| visit(Sample::Str(text)))
        },
    ))
}

/// Shows a part of the line.
type Show = fn(&Line, &mut dyn FnMut(Sample<'_>) -> bool) -> bool;

fn line(call: &Call, registry: &Registry, show: Show) -> Result<HttpFetch, ConditionError> {
    call.at_most(0)?;
    registry.keep_line();
    Ok(Other::fetch(
        SampleType::Str,
        Needs::Transaction,
        move |view, visit| {
            let line = view.transaction.and_then(|kept| kept.line.as_deref());
            line.is_some_and(|line| show(line, visit))
        },
    ))
}
