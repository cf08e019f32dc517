//! The service of a [`StickySession`](super::StickySession).

use std::{
    sync::Arc,
    task::{Context, Poll},
    time::SystemTime,
};

use http::{Request, Response};
use tower_service::Service;

use super::{future::ResponseFuture, settings::Settings, visit::Visit};

/// Follows and sets the persistence cookie around a proxy.
#[derive(Clone, Debug)]
pub struct StickyService<S> {
    inner: S,
    settings: Arc<Settings>,
}

impl<S> StickyService<S> {
    pub(super) fn new(inner: S, settings: Arc<Settings>) -> Self {
        Self { inner, settings }
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

impl<S, B, RB> Service<Request<B>> for StickyService<S>
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
        let visit = Visit::begin(&self.settings, &mut request, unix_time);
        ResponseFuture::new(self.inner.call(request), Arc::clone(&self.settings), visit)
    }
}

/// Seconds since 1970: cookies outlive the process and go to other balancers.
pub(super) fn unix_time() -> u64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |time| time.as_secs())
}
