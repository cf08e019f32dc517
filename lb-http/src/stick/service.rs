//! The layer and its service.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use http::{Request, Response};
use tower_layer::Layer;
use tower_service::Service;

use super::{future::ResponseFuture, rule::Rule, visit::Visit};

/// Keeps clients on their server by tables: a [`Layer`] for a proxy that understands
/// [`StickTo`](crate::exchange::StickTo).
#[derive(Clone, Debug)]
pub struct Stick {
    rules: Arc<[Rule]>,
    even_if_down: bool,
}

impl Stick {
    /// Persistence by these rules. The first that knows a server which can be used decides; all that store do.
    pub fn by(rules: impl IntoIterator<Item = Rule>) -> Self {
        Self {
            rules: rules.into_iter().collect(),
            even_if_down: false,
        }
    }

    /// Sends clients to their server even when it is DOWN (`option persist`).
    #[must_use]
    pub fn persist_even_if_down(mut self) -> Self {
        self.even_if_down = true;
        self
    }
}

impl<S> Layer<S> for Stick {
    type Service = StickService<S>;

    fn layer(&self, inner: S) -> StickService<S> {
        StickService {
            inner,
            stick: self.clone(),
        }
    }
}

/// Looks for each client's server in tables, and remembers it there.
#[derive(Clone, Debug)]
pub struct StickService<S> {
    inner: S,
    stick: Stick,
}

impl<S> StickService<S> {
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
