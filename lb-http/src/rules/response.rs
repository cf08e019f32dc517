//! Rules on responses.

use bytes::Bytes;
use http::{StatusCode, response};
use lb_core::condition::Scope;

use super::{
    Answer, Rule, RuleError, Section,
    action::{Capture, HeaderRule, Made, ResponseAction},
    compile::compile,
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
        let mut rules = self.rules.iter();
        let mut strict = true;
        loop {
            let mut view = View::default().client(client).transaction(transaction);
            view.response = Some(ResponseView::new(head));
            let step = rules.by_ref().find_map(|rule| {
                let step = || rule.action.step(&view, pages, &mut strict);
                rule.holds(&view, None).then(step).flatten()
            });
            let changed = match step? {
                Step::Allow => return None,
                Step::Answer(answer) => return Some(answer),
                Step::Header(rule, made) => rule.apply(made, &mut head.headers),
                Step::Status(status, reason) => {
                    set_status(head, status, reason);
                    Ok(())
                }
                Step::Fill(capture, text) => {
                    if let Some(text) = text {
                        capture.fill(&text, transaction);
                    }
                    Ok(())
                }
                Step::Level(level) => {
                    transaction.log_level = Some(level);
                    Ok(())
                }
            };
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
            Self::Variable(rule) => {
                rule.apply(view);
                None
            }
        }
    }
}
