//! Rules on responses.

use bytes::Bytes;
use http::{StatusCode, response};
use lb_core::{condition::Scope, table::Tracked};

use super::{
    Answer, Rule, RuleError, RuleTrace, Section, Verdict,
    action::{Capture, HeaderRule, Made, ResponseAction},
    compile::compile,
    trace,
};
use crate::{
    Client,
    exchange::Failure,
    fetch::{HttpVocabulary, ResponseView, View},
    h1::response::Reason,
    page::Pages,
    transaction::{LogLevel, Transaction},
};

/// `http-response` or `http-after-response` rules, in their order.
#[derive(Debug, Default)]
pub struct ResponseRules {
    rules: Box<[Rule<ResponseAction>]>,
}

/// What becomes of a response by one rule.
enum Step<'r> {
    Allow,
    Answer(Answer),
    Header(&'r HeaderRule, Made),
    Status(StatusCode, Option<&'r Bytes>),
    Fill(&'r Capture, Option<Box<[u8]>>),
    Level(LogLevel),
    Track(usize, Tracked),
}

impl ResponseRules {
    /// Compiles the text of each rule; its names are those of `scope`, whose expressions stand at
    /// [`Place::Response`](crate::fetch::Place::Response).
    ///
    /// # Errors
    /// Every mistake in every rule.
    pub fn compile<T: AsRef<str>>(
        texts: &[T],
        scope: &Scope<HttpVocabulary>,
    ) -> Result<Self, Vec<RuleError>> {
        Self::compile_in(texts, scope, Section::default())
    }

    /// The same for rules that stand in `section`.
    ///
    /// # Errors
    /// Every mistake in every rule.
    pub fn compile_in<T: AsRef<str>>(
        texts: &[T],
        scope: &Scope<HttpVocabulary>,
        section: Section<'_>,
    ) -> Result<Self, Vec<RuleError>> {
        let (rules, _) = compile(texts, scope, section, ResponseAction::parse)?;
        Ok(Self { rules })
    }

    /// The same for `http-after-response`, whose actions are fewer: what the client gets is changed, and not
    /// replaced.
    ///
    /// # Errors
    /// Every mistake in every rule.
    pub fn compile_after<T: AsRef<str>>(
        texts: &[T],
        scope: &Scope<HttpVocabulary>,
        section: Section<'_>,
    ) -> Result<Self, Vec<RuleError>> {
        let (rules, _) = compile(texts, scope, section, ResponseAction::parse_after)?;
        Ok(Self { rules })
    }

    /// The rules as written.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().map(|rule| &*rule.text)
    }

    /// There are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Applies them to the head of a response; what takes its place, if a rule says so, is made with `pages`.
    pub fn apply(
        &self,
        head: &mut response::Parts,
        client: Option<&Client>,
        transaction: &mut Transaction,
        pages: &Pages,
    ) -> Option<Answer> {
        self.run(head, client, transaction, pages, None)
    }

    /// The same, and tells of every rule what it did.
    pub fn apply_traced(
        &self,
        head: &mut response::Parts,
        client: Option<&Client>,
        transaction: &mut Transaction,
        pages: &Pages,
        traces: &mut Vec<RuleTrace>,
    ) -> Option<Answer> {
        let before = traces.len();
        let answer = self.run(head, client, transaction, pages, Some(traces));
        let looked_at = traces.len() - before;
        let rest = self.rules.iter().skip(looked_at);
        traces.extend(rest.map(|rule| RuleTrace::passed_over(&rule.text)));
        answer
    }

    fn run(
        &self,
        head: &mut response::Parts,
        client: Option<&Client>,
        transaction: &mut Transaction,
        pages: &Pages,
        mut traces: Option<&mut Vec<RuleTrace>>,
    ) -> Option<Answer> {
        let mut rules = self.rules.iter();
        let mut strict = true;
        loop {
            let mut view = View::default().client(client).transaction(transaction);
            view.response = Some(ResponseView::new(head));
            let step = rules.by_ref().find_map(|rule| {
                let holds = rule.holds(&view, traces.as_deref_mut());
                let step = || rule.action.step(&view, pages, &mut strict);
                let step = holds.then(step).flatten();
                if holds && step.is_none() {
                    match &rule.action {
                        ResponseAction::Variable(rule) => {
                            trace::tell(&mut traces, || rule.tell(&view));
                        }
                        ResponseAction::Redirect(_) | ResponseAction::Track(_) => {
                            trace::tell(&mut traces, || "nothing: its sample is not there".into());
                        }
                        _ => {}
                    }
                }
                step
            });
            let changed = match step? {
                Step::Allow => {
                    trace::tell(&mut traces, || Verdict::Pass.told());
                    return None;
                }
                Step::Answer(answer) => {
                    trace::tell(&mut traces, || answer.told());
                    return Some(answer);
                }
                Step::Header(rule, made) => {
                    let changed = rule.apply(made, &mut head.headers);
                    trace::tell(&mut traces, || rule.tell(&head.headers));
                    changed
                }
                Step::Status(status, reason) => {
                    set_status(head, status, reason);
                    trace::tell(&mut traces, || head.status.to_string());
                    Ok(())
                }
                Step::Fill(capture, text) => {
                    if let Some(text) = text {
                        capture.fill(&text, transaction);
                        trace::tell(&mut traces, || text.escape_ascii().to_string());
                    }
                    Ok(())
                }
                Step::Level(level) => {
                    transaction.log_level = Some(level);
                    Ok(())
                }
                Step::Track(slot, tracked) => {
                    trace::tell(&mut traces, || trace::tracked(&tracked));
                    transaction.tracking.track(slot, tracked);
                    Ok(())
                }
            };
            if changed.is_err() {
                trace::tell(&mut traces, || "the rewrite failed".to_owned());
            }
            if changed.is_err() && strict {
                return Some(Answer {
                    response: pages.response(StatusCode::INTERNAL_SERVER_ERROR),
                    failure: Failure::Rewrite,
                });
            }
        }
    }
}

/// 101 is followed by another protocol, and stays what it is.
fn set_status(head: &mut response::Parts, status: StatusCode, reason: Option<&Bytes>) {
    if head.status == StatusCode::SWITCHING_PROTOCOLS {
        return;
    }
    head.status = status;
    head.extensions.remove::<Reason>();
    if let Some(reason) = reason {
        head.extensions.insert(Reason(reason.clone()));
    }
}

impl ResponseAction {
    /// What is to be done beyond looking; `None` where that was all.
    fn step<'r>(&'r self, view: &View<'_>, pages: &Pages, strict: &mut bool) -> Option<Step<'r>> {
        let answer = |response, failure| Some(Step::Answer(Answer { response, failure }));
        match self {
            Self::Allow => Some(Step::Allow),
            Self::Capture(capture) => Some(Step::Fill(capture, capture.take(view))),
            Self::Count(count) => {
                count.apply(view);
                None
            }
            Self::Deny(reply) => answer(reply.response(view, pages), Failure::ResponseDenied),
            Self::File(rule) => {
                rule.apply(view);
                None
            }
            Self::Hangup(hangup) => answer(hangup.response(), Failure::Rejected),
            Self::Header(rule) => Some(Step::Header(rule, rule.make(view))),
            Self::LogLevel(level) => Some(Step::Level(*level)),
            Self::Redirect(redirect) => answer(redirect.response(view)?, Failure::ResponseReplaced),
            Self::Return(reply) => answer(reply.response(view, pages), Failure::ResponseReplaced),
            Self::Status(status, reason) => Some(Step::Status(*status, reason.as_ref())),
            Self::Strict(on) => {
                *strict = *on;
                None
            }
            Self::Track(track) => Some(Step::Track(track.slot(), track.begin(view)?)),
            Self::Variable(rule) => {
                rule.apply(view);
                None
            }
        }
    }
}
