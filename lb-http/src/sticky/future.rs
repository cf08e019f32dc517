//! The future of a [`StickyService`](super::StickyService).

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use http::Response;
use pin_project_lite::pin_project;

use super::{service::unix_time, settings::Settings, visit::Visit};

pin_project! {
    /// The inner response, with the cookie the client is to have from now on.
    #[derive(Debug)]
    pub struct ResponseFuture<F> {
        #[pin]
        inner: F,
        settings: Arc<Settings>,
        visit: Visit,
    }
}

impl<F> ResponseFuture<F> {
    pub(super) fn new(inner: F, settings: Arc<Settings>, visit: Visit) -> Self {
        Self {
            inner,
            settings,
            visit,
        }
    }
}

impl<F, RB, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<RB>, E>>,
{
    type Output = Result<Response<RB>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut response = ready!(this.inner.poll(cx))?;
        this.visit.end(this.settings, &mut response, unix_time);
        Poll::Ready(Ok(response))
    }
}
