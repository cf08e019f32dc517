use std::task::{Context, Poll};

use http::header::RETRY_AFTER;
use http::{HeaderValue, Request, Response, StatusCode};
use tower_service::Service;

use super::future::ResponseFuture;
use crate::driver::Mastery;

/// Calls the inner service while this node is master, and answers 503 while it is not.
#[derive(Clone, Debug)]
pub struct Gate<S> {
    inner: S,
    mastery: Mastery,
    retry_after: HeaderValue,
}

impl<S> Gate<S> {
    pub(super) const fn new(inner: S, mastery: Mastery, retry_after: HeaderValue) -> Self {
        Self {
            inner,
            mastery,
            retry_after,
        }
    }

    fn refusal<B: Default>(&self) -> Response<B> {
        let mut response = Response::new(B::default());
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        let headers = response.headers_mut();
        headers.insert(RETRY_AFTER, self.retry_after.clone());
        response
    }
}

impl<S, Q, B> Service<Request<Q>> for Gate<S>
where
    S: Service<Request<Q>, Response = Response<B>>,
    B: Default,
{
    type Response = Response<B>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, B>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Q>) -> Self::Future {
        if self.mastery.is_master() {
            ResponseFuture::inner(self.inner.call(request))
        } else {
            ResponseFuture::refused(self.refusal())
        }
    }
}
