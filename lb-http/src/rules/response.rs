//! Rules on responses.

use http::response;
use lb_core::condition::Scope;

use super::{Answer, Rule, RuleError, action::ResponseAction, compile::compile};
use crate::{
    Client,
    exchange::Failure,
    fetch::{HttpVocabulary, ResponseView, View},
    page::Pages,
    transaction::Transaction,
};

/// `http-response` or `http-after-response` rules, in their order.
#[derive(Debug, Default)]
pub struct ResponseRules {
    rules: Box<[Rule<ResponseAction>]>,
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
        let rules = compile(texts, scope, ResponseAction::parse)?;
        Ok(Self { rules })
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
        for rule in &self.rules {
            let mut view = View::default().client(client).transaction(transaction);
            view.response = Some(ResponseView::new(head));
            if rule.condition.as_ref().is_some_and(|c| !c.eval(&view)) {
                continue;
            }
            match &rule.action {
                ResponseAction::Allow => return None,
                ResponseAction::Count(count) => count.apply(&view),
                ResponseAction::Deny(status) => {
                    return Some(Answer {
                        response: pages.response(*status),
                        failure: Failure::ResponseDenied,
                    });
                }
            }
        }
        None
    }
}
