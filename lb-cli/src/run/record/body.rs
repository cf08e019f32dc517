//! The body of every response, which carries the record to the request's end.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Response, response::Parts};
use http_body::{Body as HttpBody, Frame, SizeHint};
use lb_core::policy::Algorithm;
use lb_http::{
    BodyError, Client, exchange::Exchange, proxy, rules::Answer, server::Incoming,
    transaction::Transaction,
};

use super::Record;
use crate::log::{self, Termination};

/// The body of every response; its end is the request's.
pub(in crate::run) struct Body {
    inner: Inner,
    record: Option<Box<Record>>,
}

#[expect(
    clippy::large_enum_variant,
    reason = "the large one is that of almost every response, and a box for each costs more"
)]
enum Inner {
    Proxied(proxy::Body<Incoming, Algorithm>),
    Page(Bytes),
}

impl Body {
    pub(in crate::run) fn page(page: Bytes, record: Option<Box<Record>>) -> Self {
        Self {
            inner: Inner::Page(page),
            record,
        }
    }

    /// Who asked.
    pub(in crate::run) fn client(&self) -> Option<&Client> {
        self.record.as_deref().map(Record::client)
    }

    /// Is it a server's, and no page of this process?
    pub(in crate::run) fn is_of_server(&self) -> bool {
        let exchange = self.record.as_ref().and_then(|r| r.exchange.as_ref());
        exchange.is_some_and(|exchange| exchange.failure.is_none())
    }

    /// The response is as the client will see it.
    pub(in crate::run) fn begins(response: Response<Self>) -> Response<Self> {
        let (head, mut body) = response.into_parts();
        if let Some(record) = &mut body.record {
            record.begins(&head);
        }
        Response::from_parts(head, body)
    }

    /// What has been kept for the request, for rules on its response.
    pub(in crate::run) fn take_transaction(&mut self) -> Transaction {
        let record = self.record.as_mut();
        record
            .map(|record| std::mem::take(&mut record.transaction))
            .unwrap_or_default()
    }

    /// Gives it back.
    pub(in crate::run) fn give_transaction(&mut self, transaction: Transaction) {
        if let Some(record) = &mut self.record {
            record.transaction = transaction;
        }
    }

    /// A rule puts a page in the response's place, whose head is returned.
    pub(in crate::run) fn replace(&mut self, answer: Answer) -> Parts {
        let (head, page) = answer.response.into_parts();
        self.inner = Inner::Page(page);
        if let Some(record) = &mut self.record {
            record.replaced(answer.failure, head.status.as_u16());
        }
        head
    }

    /// No rule changes the head any more.
    pub(in crate::run) fn goes_out_with(&mut self, head: &Parts) {
        if let Some(record) = &mut self.record {
            record.goes_out_with(head);
        }
    }

    pub(in crate::run) fn proxied(
        response: Response<proxy::Body<Incoming, Algorithm>>,
        mut record: Option<Box<Record>>,
    ) -> Response<Self> {
        let (mut parts, body) = response.into_parts();
        let exchange = parts.extensions.remove::<Exchange>();
        if let Some(record) = &mut record {
            record.answered(parts.status.as_u16(), exchange);
            if record
                .exchange
                .as_ref()
                .is_some_and(|e| e.failure.is_none())
            {
                let capture = record.site.frontend.plan.logging().capture();
                log::capture_response(capture, &parts.headers, &mut record.transaction.captures);
            }
        }
        let body = Self {
            inner: Inner::Proxied(body),
            record,
        };
        Response::from_parts(parts, body)
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let frame = match &mut self.inner {
            Inner::Proxied(body) => std::task::ready!(Pin::new(body).poll_frame(cx)),
            Inner::Page(page) => {
                let page = std::mem::take(page);
                (!page.is_empty()).then(|| Ok(Frame::data(page)))
            }
        };
        if let (Some(Err(error)), Some(record)) = (&frame, &mut self.record) {
            record.termination = match error {
                BodyError::Timeout => Termination('s', 'D'),
                BodyError::ShutDown => Termination('D', 'D'),
                BodyError::Request => Termination('C', 'D'),
                _ => Termination('S', 'D'),
            };
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        match &self.inner {
            Inner::Proxied(body) => body.is_end_stream(),
            Inner::Page(page) => page.is_empty(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.inner {
            Inner::Proxied(body) => body.size_hint(),
            Inner::Page(page) => SizeHint::with_exact(page.len() as u64),
        }
    }
}
