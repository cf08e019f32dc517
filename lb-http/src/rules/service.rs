//! The service of a [`RulesLayer`](super::RulesLayer).

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use http::{Request, Response};
use http_body::Body as HttpBody;
use tower_service::Service;

use super::{Body, Verdict, future::ResponseFuture, layer::Inner};
use crate::{Client, transaction::Transaction};

/// Applies rules before and behind a service.
#[derive(Clone, Debug)]
pub struct RulesService<S> {
    inner: S,
    rules: Arc<Inner>,
}

impl<S> RulesService<S> {
    pub(super) fn new(inner: S, rules: Arc<Inner>) -> Self {
        Self { inner, rules }
    }
}

impl<S, A, B> Service<Request<A>> for RulesService<S>
where
    S: Service<Request<A>, Response = Response<B>>,
    B: HttpBody<Data = bytes::Bytes>,
{
    type Response = Response<Body<B>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<A>) -> Self::Future {
        let rules = &self.rules;
        let mut transaction = Transaction::new();
        let pages = &rules.pages;
        let mut verdict = rules.request.apply(&mut request, &mut transaction, pages);
        // A section that does not wait has no such rules.
        while let Verdict::Wait(wait) = verdict {
            verdict = rules
                .request
                .resume(&wait, &mut request, &mut transaction, pages);
        }
        let client: Option<Client> = request.extensions().get().cloned();
        let rules = Arc::clone(rules);
        match verdict {
            Verdict::Pass | Verdict::Wait(_) => {
                let future = self.inner.call(request);
                ResponseFuture::of_service(future, rules, client, transaction)
            }
            Verdict::Answer(answer) => ResponseFuture::answer(answer, rules, client, transaction),
            Verdict::Tarpit(answer) => ResponseFuture::tarpit(answer, rules, client, transaction),
        }
    }
}
