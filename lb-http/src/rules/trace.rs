//! What rules did, one after another: for `lb explain`.

use lb_core::{condition::Trace, table::Tracked};

use super::{Rule, Verdict};
use crate::{fetch::View, server::Hangup};

/// What came of one rule.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RuleTrace {
    /// The rule as written.
    pub text: String,
    /// The terms of its condition.
    pub condition: Trace,
    /// Did its condition hold? `None`: the matter had ended before.
    pub holds: Option<bool>,
    /// What it did, where that can be seen: the field or the request line as it is now, or the response.
    pub done: String,
}

impl RuleTrace {
    pub(super) fn passed_over(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            condition: Trace::default(),
            holds: None,
            done: String::new(),
        }
    }
}

impl<A> Rule<A> {
    /// Is it to be applied?
    pub(super) fn holds(&self, view: &View<'_>, traces: Option<&mut Vec<RuleTrace>>) -> bool {
        let Some(traces) = traces else {
            return self.condition.as_ref().is_none_or(|c| c.eval(view));
        };
        let mut trace = RuleTrace::passed_over(&self.text);
        let condition = self.condition.as_ref();
        let holds = condition.is_none_or(|c| c.eval_traced(view, &mut trace.condition));
        trace.holds = Some(holds);
        traces.push(trace);
        holds
    }
}

/// Says what the rule looked at last did.
pub(super) fn tell(traces: &mut Option<&mut Vec<RuleTrace>>, done: impl FnOnce() -> String) {
    if let Some(trace) = traces.as_deref_mut().and_then(|all| all.last_mut()) {
        trace.done = done();
    }
}

/// What a request counts in from now on.
pub(super) fn tracked(tracked: &Tracked) -> String {
    let (table, key) = (tracked.table(), tracked.entry().key());
    format!(
        "counts as {} in {}",
        table.key_type().show(key),
        table.name()
    )
}

impl Verdict {
    pub(super) fn told(&self) -> String {
        match self {
            Self::Pass => "no later rule of this list is looked at".to_owned(),
            Self::Answer(answer) => answer.told(),
            Self::Wait(_) => String::new(),
            Self::Tarpit(answer) => format!("{}, after the time-out `tarpit`", answer.told()),
        }
    }
}

impl super::Answer {
    /// Is the connection closed in its place, by this crate's server?
    #[must_use]
    pub fn closes(&self) -> bool {
        self.response.extensions().get::<Hangup>().is_some()
    }

    pub(super) fn told(&self) -> String {
        match self.closes() {
            true => "the connection is closed".to_owned(),
            false => {
                let location = self.response.headers().get(http::header::LOCATION);
                let location = location.map(|to| format!(", {}", to.as_bytes().escape_ascii()));
                format!("{}{}", self.response.status(), location.unwrap_or_default())
            }
        }
    }
}
