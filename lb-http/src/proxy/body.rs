//! The body of a proxied response.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use lb_core::{Lease, Policy};

use crate::{
    Upstream,
    pool::{BodyError, Receiving},
};

/// Streams from the server's connection; holds the server's slot until the last
/// byte, and puts the connection back then.
pub struct Body<B, P: Policy> {
    inner: Inner<B, P>,
}

enum Inner<B, P: Policy> {
    Empty,
    /// A page of the proxy's own.
    Page(Bytes),
    Server {
        receiving: Receiving<B>,
        lease: Lease<Upstream, P>,
    },
}

impl<B, P: Policy> Body<B, P> {
    pub(super) fn empty() -> Self {
        Self {
            inner: Inner::Empty,
        }
    }

    pub(super) fn page(page: Bytes) -> Self {
        Self {
            inner: Inner::Page(page),
        }
    }
}

impl<B: HttpBody<Data = Bytes> + Unpin, P: Policy> Body<B, P> {
    pub(super) fn server(receiving: Receiving<B>, lease: Lease<Upstream, P>) -> Self {
        match receiving.is_done() {
            true => Self::empty(),
            false => Self {
                inner: Inner::Server { receiving, lease },
            },
        }
    }
}

impl<B: HttpBody<Data = Bytes> + Unpin, P: Policy> HttpBody for Body<B, P> {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        match &mut this.inner {
            Inner::Empty => Poll::Ready(None),
            Inner::Page(page) => {
                let page = std::mem::take(page);
                this.inner = Inner::Empty;
                Poll::Ready((!page.is_empty()).then(|| Ok(Frame::data(page))))
            }
            Inner::Server { receiving, lease } => {
                let frame = std::task::ready!(receiving.poll_frame(cx));
                if let Some(Err(_)) = &frame {
                    lease.server().counters().response_errors();
                }
                // The slot is free as soon as the last byte is here, not when
                // the client has taken it.
                if receiving.is_done() || !matches!(frame, Some(Ok(_))) {
                    this.inner = Inner::Empty;
                }
                Poll::Ready(frame)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.inner {
            Inner::Empty => true,
            Inner::Page(page) => page.is_empty(),
            Inner::Server { receiving, .. } => receiving.is_done(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.inner {
            Inner::Empty => SizeHint::with_exact(0),
            Inner::Page(page) => SizeHint::with_exact(page.len() as u64),
            Inner::Server { receiving, .. } => receiving.size_hint(),
        }
    }
}

impl<B, P: Policy> fmt::Debug for Body<B, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.inner {
            Inner::Empty => "Body::Empty",
            Inner::Page(_) => "Body::Page",
            Inner::Server { .. } => "Body::Server",
        })
    }
}
