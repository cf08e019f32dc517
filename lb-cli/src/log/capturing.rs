//! `capture` where something changes responses before they are logged: the persistence cookie adds fields of its own, and
//! the log is to have those of the server.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use http::{Request, Response};
use lb_http::{exchange::Exchange, transaction::Captures};
use pin_project_lite::pin_project;
use tower_service::Service;

use super::capture_response;
use crate::config::model::Capture;

/// Captures what the proxy inside has received, in the extensions of its responses.
#[derive(Clone, Debug)]
pub struct Capturing<S> {
    inner: S,
    capture: Arc<Capture>,
}

/// What was captured of a response, in its extensions.
#[derive(Clone, Debug)]
pub struct Captured(pub Captures);

pin_project! {
    /// The future of [`Capturing`].
    pub struct ResponseFuture<F> {
        #[pin]
        inner: F,
        capture: Arc<Capture>,
    }
}

impl<S> Capturing<S> {
    /// Is anything of responses captured?
    pub fn is_needed(capture: &Capture) -> bool {
        !capture.response.is_empty() || capture.cookie.is_some()
    }

    /// Around a proxy.
    pub fn new(inner: S, capture: &Capture) -> Self {
        Self {
            inner,
            capture: Arc::new(capture.clone()),
        }
    }
}

impl<S, B, RB> Service<Request<B>> for Capturing<S>
where
    S: Service<Request<B>, Response = Response<RB>>,
{
    type Response = Response<RB>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        ResponseFuture {
            inner: self.inner.call(request),
            capture: self.capture.clone(),
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
        let exchange = response.extensions().get::<Exchange>();
        if exchange.is_some_and(|exchange| exchange.failure.is_none()) {
            let mut captures = Captures::default();
            capture_response(this.capture, response.headers(), &mut captures);
            response.extensions_mut().insert(Captured(captures));
        }
        Poll::Ready(Ok(response))
    }
}
