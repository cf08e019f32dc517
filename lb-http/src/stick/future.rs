//! The future of a [`StickService`](super::StickService).

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use http::Response;
use pin_project_lite::pin_project;

use super::{rule::Rule, visit::Visit};

pin_project! {
    /// The inner response; once it is there, the tables know who gave it.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<F> {
        #[pin]
        inner: F,
        rules: Arc<[Rule]>,
        visit: Visit,
    }
}

impl<F> ResponseFuture<F> {
    pub(super) fn new(inner: F, rules: Arc<[Rule]>, visit: Visit) -> Self {
        Self {
            inner,
            rules,
            visit,
        }
    }
}

impl<F, B, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<B>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let response = ready!(this.inner.poll(cx))?;
        this.visit.end(this.rules, &response);
        Poll::Ready(Ok(response))
    }
}
