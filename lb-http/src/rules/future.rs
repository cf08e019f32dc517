//! The future of a [`RulesService`](super::RulesService).

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use http::{Response, response::Parts};
use http_body::Body as HttpBody;
use pin_project_lite::pin_project;
use tokio::time::{Sleep, sleep};

use super::{Answer, Body, ResponseRules, layer::Inner};
use crate::{
    Client,
    transaction::{Transaction, VariableScope},
};

pin_project! {
    /// Gives the service's response, or that of a rule.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<F> {
        #[pin]
        state: State<F>,
        rest: Rest,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<F> {
        Service { #[pin] future: F },
        Answer { answer: Option<Answer> },
        // In a box: few requests are held.
        Tarpit { sleep: Pin<Box<Sleep>>, answer: Option<Answer> },
    }
}

/// What rules on the response need.
struct Rest {
    rules: Arc<Inner>,
    client: Option<Client>,
    transaction: Transaction,
}

impl<F> ResponseFuture<F> {
    pub(super) fn of_service(
        future: F,
        rules: Arc<Inner>,
        client: Option<Client>,
        transaction: Transaction,
    ) -> Self {
        Self::new(State::Service { future }, rules, client, transaction)
    }

    pub(super) fn answer(
        answer: Answer,
        rules: Arc<Inner>,
        client: Option<Client>,
        transaction: Transaction,
    ) -> Self {
        let answer = Some(answer);
        Self::new(State::Answer { answer }, rules, client, transaction)
    }

    pub(super) fn tarpit(
        answer: Answer,
        rules: Arc<Inner>,
        client: Option<Client>,
        transaction: Transaction,
    ) -> Self {
        let (sleep, answer) = (Box::pin(sleep(rules.tarpit)), Some(answer));
        Self::new(State::Tarpit { sleep, answer }, rules, client, transaction)
    }

    fn new(
        state: State<F>,
        rules: Arc<Inner>,
        client: Option<Client>,
        transaction: Transaction,
    ) -> Self {
        let rest = Rest {
            rules,
            client,
            transaction,
        };
        Self { state, rest }
    }
}

impl<F, B, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: HttpBody<Data = bytes::Bytes>,
{
    type Output = Result<Response<Body<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let answer = match this.state.project() {
            StateProj::Service { future } => {
                let response = ready!(future.poll(cx))?;
                return Poll::Ready(Ok(this.rest.of_service(response)));
            }
            StateProj::Answer { answer } => answer.take(),
            StateProj::Tarpit { sleep, answer } => {
                ready!(sleep.as_mut().poll(cx));
                answer.take()
            }
        };
        let answer = answer.expect("a future is not polled after it is ready");
        let (head, page) = answer.response.into_parts();
        Poll::Ready(Ok(this.rest.of_all(head, Body::page(page))))
    }
}

impl Rest {
    fn of_service<B: HttpBody>(&mut self, response: Response<B>) -> Response<Body<B>> {
        self.transaction.forget(VariableScope::Request);
        let (mut head, body) = response.into_parts();
        match self.apply(|rules| &rules.response, &mut head) {
            None => self.of_all(head, Body::of_service(body)),
            Some(answer) => {
                let (head, page) = answer.response.into_parts();
                self.of_all(head, Body::page(page))
            }
        }
    }

    fn of_all<B>(&mut self, mut head: Parts, body: Body<B>) -> Response<Body<B>> {
        match self.apply(|rules| &rules.after_response, &mut head) {
            None => Response::from_parts(head, body),
            Some(answer) => answer.response.map(Body::page),
        }
    }

    fn apply(
        &mut self,
        list: impl FnOnce(&Inner) -> &ResponseRules,
        head: &mut Parts,
    ) -> Option<Answer> {
        let rules = list(&self.rules);
        if rules.is_empty() {
            return None;
        }
        let client = self.client.as_ref();
        rules.apply(head, client, &mut self.transaction, &self.rules.pages)
    }
}
