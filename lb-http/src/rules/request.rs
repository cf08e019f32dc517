//! Rules on requests.

use http::Request;
use lb_core::condition::Scope;

use super::{Rule, RuleError, Verdict, action::RequestAction, compile::compile};
use crate::{
    fetch::{HttpVocabulary, View},
    page::Pages,
    transaction::Transaction,
};

/// `http-request` rules, in their order.
#[derive(Debug, Default)]
pub struct RequestRules {
    rules: Box<[Rule<RequestAction>]>,
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
        let rules = compile(texts, scope, RequestAction::parse)?;
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

    /// Applies them to a request, of which the [`Client`](crate::Client) is in its extensions. Answers are made with
    /// `pages`.
    pub fn apply<B>(
        &self,
        request: &mut Request<B>,
        transaction: &mut Transaction,
        pages: &Pages,
    ) -> Verdict {
        for rule in &self.rules {
            let view = View::of(request).transaction(transaction);
            if rule.condition.as_ref().is_some_and(|c| !c.eval(&view)) {
                continue;
            }
            match &rule.action {
                RequestAction::Allow => return Verdict::Pass,
                RequestAction::Deny(deny) => return deny.verdict(pages),
                RequestAction::SetHeader(action) => {
                    if let Some(value) = action.value(&view) {
                        action.set(request.headers_mut(), value);
                    }
                }
                RequestAction::Track(track) => {
                    if let Some(tracked) = track.begin(&view) {
                        transaction.tracking.track(track.slot(), tracked);
                    }
                }
                RequestAction::Count(count) => count.apply(&view),
            }
        }
        Verdict::Pass
    }
}
