//! The future of a [`CompressionService`](super::CompressionService).

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::Response;
use http_body::Body as HttpBody;
use pin_project_lite::pin_project;

use super::{Body, Coding, Compression};

pin_project! {
    /// The inner response, compressed where it is to be.
    #[derive(Debug)]
    pub struct ResponseFuture<F> {
        #[pin]
        inner: F,
        compression: Option<(Compression, Coding)>,
    }
}

impl<F> ResponseFuture<F> {
    pub(super) fn new(inner: F, compression: Option<(Compression, Coding)>) -> Self {
        Self { inner, compression }
    }
}

impl<F, RB, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<RB>, E>>,
    RB: HttpBody,
{
    type Output = Result<Response<Body<RB>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let response = ready!(this.inner.poll(cx))?;
        let (mut head, body) = response.into_parts();
        let encoder = this.compression.as_ref().and_then(|(compression, coding)| {
            compression.begin(*coding, &mut head, body.size_hint().exact())
        });
        let body = match encoder {
            Some(encoder) => Body::compressed(body, encoder),
            None => Body::plain(body),
        };
        Poll::Ready(Ok(Response::from_parts(head, body)))
    }
}
