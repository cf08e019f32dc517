//! The service of a [`Compression`].

use std::task::{Context, Poll};

use http::{Request, Response};
use http_body::Body as HttpBody;
use tower_service::Service;

use super::{Body, Compression, ResponseFuture};

/// Compresses the responses of the service inside.
#[derive(Debug, Clone)]
pub struct CompressionService<S> {
    inner: S,
    compression: Compression,
}

impl<S> CompressionService<S> {
    pub(super) fn new(inner: S, compression: Compression) -> Self {
        Self { inner, compression }
    }

    /// The service inside.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }
}

impl<S, B, RB> Service<Request<B>> for CompressionService<S>
where
    S: Service<Request<B>, Response = Response<RB>>,
    RB: HttpBody,
{
    type Response = Response<Body<RB>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let coding = self.compression.negotiate(&request);
        let compression = coding.map(|coding| (self.compression.clone(), coding));
        ResponseFuture::new(self.inner.call(request), compression)
    }
}
