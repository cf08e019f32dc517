//! Rules on requests.

use std::time::Duration;

use http::{HeaderMap, Request, Response, StatusCode};
use lb_core::condition::Scope;
use lb_core::table::Tracked;

use super::{
    Answer, Rule, RuleError, RuleTrace, Section, Verdict, Wait,
    action::{
        Capture, Failed, HeaderRule, Line, Made, Malformed, Part, RequestAction, WaitRule, Which,
    },
    compile::compile,
    trace,
};
use crate::{
    Client,
    exchange::Failure,
    fetch::{HttpVocabulary, View},
    page::Pages,
    proxy::Overrides,
    transaction::{LogLevel, Transaction},
};

/// `http-request` rules, in their order.
#[derive(Debug, Default)]
pub struct RequestRules {
    rules: Box<[Rule<RequestAction>]>,
    captures: usize,
}

/// What becomes of a request by one rule, found out while it was only looked at.
enum Step<'r> {
    End(Verdict),
    Header(&'r HeaderRule, Made),
    Line(Result<Line, Failed>),
    Client(Client),
    Fill(&'r Capture, Option<Box<[u8]>>),
    Level(LogLevel),
    SendOnce,
    Timeout(Which, Duration),
    Track(usize, Tracked),
    Wait(WaitRule),
}

impl RequestRules {
    /// Compiles the text of each rule; its names are those of `scope`.
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
        let (rules, captures) = compile(texts, scope, section, RequestAction::parse)?;
        Ok(Self { rules, captures })
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

    /// How many slots for captures they add behind the declared ones (`capture EXPR len N`).
    #[must_use]
    pub fn captures(&self) -> usize {
        self.captures
    }

    /// Applies them to a request, of which the [`Client`](crate::Client) is in its extensions. Answers are made with
    /// `pages`.
    pub fn apply<B>(
        &self,
        request: &mut Request<B>,
        transaction: &mut Transaction,
        pages: &Pages,
    ) -> Verdict {
        self.run((0, true), request, transaction, pages, None)
    }

    /// Goes on where a rule said to wait.
    pub fn resume<B>(
        &self,
        after: &Wait,
        request: &mut Request<B>,
        transaction: &mut Transaction,
        pages: &Pages,
    ) -> Verdict {
        self.run(
            (after.next, after.strict),
            request,
            transaction,
            pages,
            None,
        )
    }

    /// The same without a wait, and tells of every rule what it did.
    pub fn apply_traced<B>(
        &self,
        request: &mut Request<B>,
        transaction: &mut Transaction,
        pages: &Pages,
        traces: &mut Vec<RuleTrace>,
    ) -> Verdict {
        let before = traces.len();
        let mut verdict = self.run((0, true), request, transaction, pages, Some(traces));
        while let Verdict::Wait(wait) = verdict {
            let from = (wait.next, wait.strict);
            verdict = self.run(from, request, transaction, pages, Some(traces));
        }
        let looked_at = traces.len() - before;
        let rest = self.rules.iter().skip(looked_at);
        traces.extend(rest.map(|rule| RuleTrace::passed_over(&rule.text)));
        verdict
    }

    /// Begins with the rule at this place; do rewrites that fail end the matter there?
    fn run<B>(
        &self,
        (from, mut strict): (usize, bool),
        request: &mut Request<B>,
        transaction: &mut Transaction,
        pages: &Pages,
        mut traces: Option<&mut Vec<RuleTrace>>,
    ) -> Verdict {
        let mut rules = self.rules[from..].iter();
        loop {
            // Made anew only where a rule has changed what is seen.
            let view = View::of(request).transaction(transaction);
            let step = rules.by_ref().find_map(|rule| {
                let holds = rule.holds(&view, traces.as_deref_mut());
                let step = holds
                    .then(|| rule.action.step(&view, pages, &mut strict))
                    .flatten();
                if holds && step.is_none() {
                    match &rule.action {
                        RequestAction::Variable(rule) => {
                            trace::tell(&mut traces, || rule.tell(&view));
                        }
                        RequestAction::Ends(_)
                        | RequestAction::Redirect(_)
                        | RequestAction::Timeout(_)
                        | RequestAction::Track(_) => {
                            trace::tell(&mut traces, || "nothing: its sample is not there".into());
                        }
                        _ => {}
                    }
                }
                step
            });
            let Some(step) = step else {
                return Verdict::Pass;
            };
            let changed = match step {
                Step::End(verdict) => {
                    trace::tell(&mut traces, || verdict.told());
                    return verdict;
                }
                Step::Header(rule, made) => {
                    let changed = rule.apply(made, request.headers_mut());
                    trace::tell(&mut traces, || rule.tell(request.headers()));
                    changed
                }
                Step::Line(line) => {
                    let changed = line.and_then(|line| line.apply(request));
                    trace::tell(&mut traces, || {
                        format!("{} {}", request.method(), request.uri())
                    });
                    changed
                }
                Step::Fill(capture, text) => {
                    if let Some(text) = text {
                        capture.fill(&text, transaction);
                        trace::tell(&mut traces, || text.escape_ascii().to_string());
                    }
                    Ok(())
                }
                Step::Client(client) => {
                    trace::tell(&mut traces, || {
                        format!("from {} to {}", client.peer(), client.local())
                    });
                    request.extensions_mut().insert(client);
                    Ok(())
                }
                Step::Level(level) => {
                    transaction.log_level = Some(level);
                    Ok(())
                }
                Step::SendOnce => {
                    let overrides: &mut Overrides =
                        request.extensions_mut().get_or_insert_default();
                    overrides.no_resend = true;
                    Ok(())
                }
                Step::Wait(rule) => {
                    trace::tell(&mut traces, || format!("at most {:?}", rule.time));
                    return Verdict::Wait(Wait {
                        time: rule.time,
                        at_least: rule.at_least,
                        next: self.rules.len() - rules.len(),
                        strict,
                    });
                }
                Step::Timeout(which, time) => {
                    which.set(request, time);
                    trace::tell(&mut traces, || format!("{time:?}"));
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
                return Verdict::Answer(Answer {
                    response: pages.response(StatusCode::INTERNAL_SERVER_ERROR),
                    failure: Failure::Rewrite,
                });
            }
        }
    }
}

impl RequestAction {
    /// What is to be done beyond looking; `None` where that was all.
    fn step<'r>(&'r self, view: &View<'_>, pages: &Pages, strict: &mut bool) -> Option<Step<'r>> {
        let answer =
            |response, failure| Some(Step::End(Verdict::Answer(Answer { response, failure })));
        match self {
            Self::Allow => Some(Step::End(Verdict::Pass)),
            Self::Auth(auth) => answer(auth.response(pages), Failure::Local),
            Self::Capture(capture) => Some(Step::Fill(capture, capture.take(view))),
            Self::Count(count) => {
                count.apply(view);
                None
            }
            Self::Deny(reply) => answer(reply.response(view, pages), Failure::Denied),
            Self::EarlyHint(name, value) => {
                hint(view.client, name, value.make(view));
                None
            }
            Self::Ends(rule) => Some(Step::Client(rule.make(view)?)),
            Self::File(rule) => {
                rule.apply(view);
                None
            }
            Self::Hangup(hangup) => answer(hangup.response(), Failure::Rejected),
            Self::Header(rule) => Some(Step::Header(rule, rule.make(view))),
            Self::LogLevel(level) => Some(Step::Level(*level)),
            Self::Normalize(normalizer) => {
                let request = view.request.as_ref()?;
                match normalizer.make(request) {
                    Ok(new) => Some(Step::Line(Part::PathQuery.with(request, new?))),
                    Err(Malformed) => {
                        answer(pages.response(StatusCode::BAD_REQUEST), Failure::Denied)
                    }
                }
            }
            Self::Redirect(redirect) => answer(redirect.response(view)?, Failure::Local),
            Self::Return(reply) => answer(reply.response(view, pages), Failure::Local),
            Self::SendOnce => Some(Step::SendOnce),
            Self::Strict(on) => {
                *strict = *on;
                None
            }
            Self::Timeout(rule) => {
                let (which, time) = rule.make(view)?;
                Some(Step::Timeout(which, time))
            }
            Self::Tarpit(reply) => Some(Step::End(Verdict::Tarpit(Answer {
                response: reply.response(view, pages),
                failure: Failure::Tarpitted,
            }))),
            Self::Track(track) => Some(Step::Track(track.slot(), track.begin(view)?)),
            Self::Target(rule) => Some(Step::Line(rule.make(view))),
            Self::Variable(rule) => {
                rule.apply(view);
                None
            }
            Self::Wait(rule) => Some(Step::Wait(*rule)),
        }
    }
}

/// Each rule sends a response of its own (observed).
fn hint(client: Option<&Client>, name: &http::HeaderName, value: http::HeaderValue) {
    if let Some(client) = client {
        let mut headers = HeaderMap::new();
        headers.insert(name.clone(), value);
        client.inform(StatusCode::EARLY_HINTS, &headers);
    }
}

impl crate::server::Hangup {
    /// What stands for it under servers that answer every request.
    pub(super) fn response(self) -> Response<bytes::Bytes> {
        let mut response = Response::new(bytes::Bytes::new());
        *response.status_mut() = StatusCode::FORBIDDEN;
        response.extensions_mut().insert(self);
        response
    }
}
