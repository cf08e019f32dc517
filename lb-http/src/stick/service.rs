//! The service of a [`Stick`](super::Stick).

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use http::{Request, Response};
use tower_service::Service;

use super::{Stick, future::ResponseFuture, visit::Visit};

/// Looks for each client's server in tables, and remembers it there.
#[derive(Clone, Debug)]
pub struct StickService<S> {
    inner: S,
    stick: Stick,
}

impl<S> StickService<S> {
    pub(super) fn new(inner: S, stick: Stick) -> Self {
        Self { inner, stick }
    }

    /// The service inside.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The service inside, to change it.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// The service inside, alone.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S, B, RB> Service<Request<B>> for StickService<S>
where
    S: Service<Request<B>, Response = Response<RB>>,
{
    type Response = Response<RB>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let rules = &self.stick.rules;
        let visit = Visit::begin(rules, self.stick.even_if_down, &mut request);
        ResponseFuture::new(self.inner.call(request), Arc::clone(rules), visit)
    }
}
