//! The body of a response that a service or a rule has made.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use pin_project_lite::pin_project;

pin_project! {
    /// The service's own, or the page of a rule.
    #[derive(Debug)]
    pub struct Body<B> {
        #[pin]
        kind: Kind<B>,
    }
}

pin_project! {
    #[derive(Debug)]
    #[project = KindProj]
    enum Kind<B> {
        Service { #[pin] body: B },
        Page { page: Bytes },
    }
}

impl<B> Body<B> {
    pub(super) fn of_service(body: B) -> Self {
        Self {
            kind: Kind::Service { body },
        }
    }

    pub(super) fn page(page: Bytes) -> Self {
        Self {
            kind: Kind::Page { page },
        }
    }
}

impl<B: HttpBody<Data = Bytes>> HttpBody for Body<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        match self.project().kind.project() {
            KindProj::Service { body } => body.poll_frame(cx),
            KindProj::Page { page } => {
                let page = std::mem::take(page);
                Poll::Ready((!page.is_empty()).then(|| Ok(Frame::data(page))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Service { body } => body.is_end_stream(),
            Kind::Page { page } => page.is_empty(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Service { body } => body.size_hint(),
            Kind::Page { page } => SizeHint::with_exact(page.len() as u64),
        }
    }
}
