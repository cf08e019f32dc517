//! The body of every response, which carries the record to the request's end.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::response::Parts;
use http_body::{Body as HttpBody, Frame, SizeHint};
use lb_core::policy::Algorithm;
use lb_http::{
    BodyError, Client,
    compression::{self, Encoder},
    exchange::Exchange,
    proxy,
    rules::Answer,
    server::Incoming,
    transaction::Transaction,
};

use super::Record;
use crate::log::{self, Captured, Termination};

/// The body of every response; its end is the request's.
pub(in crate::run) struct Body {
    inner: Inner,
    record: Option<Box<Record>>,
}

enum Inner {
    Plain(Source),
    /// In a box: few are.
    Compressed(Box<compression::Body<Source>>),
}

/// Where it comes from.
enum Source {
    Proxied(proxy::Body<Incoming, Algorithm>),
    Page(Bytes),
}

impl Body {
    pub(in crate::run) fn page(page: Bytes, record: Option<Box<Record>>) -> Self {
        Self {
            inner: Inner::Plain(Source::Page(page)),
            record,
        }
    }

    /// The body of a response of a backend, whose head is `head`.
    pub(in crate::run) fn proxied(
        head: &mut Parts,
        body: proxy::Body<Incoming, Algorithm>,
        mut record: Box<Record>,
    ) -> Self {
        let exchange = head.extensions.remove::<Exchange>();
        let captured = head.extensions.remove::<Captured>();
        record.answered(head.status.as_u16(), exchange);
        record.keep_junk(&mut head.extensions);
        if record
            .exchange
            .as_ref()
            .is_some_and(|e| e.failure.is_none())
        {
            let captures = &mut record.transaction.captures;
            match captured {
                Some(Captured(captured)) => captures.take_response_of(captured),
                None => {
                    let capture = record.site.frontend.plan.logging().capture();
                    log::capture_response(capture, &head.headers, captures);
                }
            }
        }
        Self {
            inner: Inner::Plain(Source::Proxied(body)),
            record: Some(record),
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

    /// The head is as the client will see it, but for what compression does to it.
    pub(in crate::run) fn begins(&mut self, head: &Parts) {
        if let Some(record) = &mut self.record {
            record.begins(head);
        }
    }

    /// Compresses what is to come.
    pub(in crate::run) fn compress(&mut self, encoder: Box<Encoder>) {
        let nothing = Inner::Plain(Source::Page(Bytes::new()));
        if let Some(record) = &mut self.record {
            record.compressed = Some(encoder.meter());
        }
        if let Inner::Plain(source) = std::mem::replace(&mut self.inner, nothing) {
            let body = compression::Body::compressed(source, encoder);
            self.inner = Inner::Compressed(Box::new(body));
        }
    }

    /// What has been kept for the request, for rules on its response.
    pub(in crate::run) fn take_transaction(&mut self) -> Transaction {
        let record = self.record.as_mut();
        record
            .map(|record| std::mem::take(&mut record.transaction))
            .unwrap_or_default()
    }

    /// Gives it back.
    pub(in crate::run) fn give_transaction(&mut self, mut transaction: Transaction) {
        if let Some(record) = &mut self.record {
            if !transaction.tracking.is_empty() {
                record.tracking_more(&mut transaction.tracking);
            }
            record.transaction = transaction;
        }
    }

    /// A rule puts a page in the response's place, whose head is returned.
    pub(in crate::run) fn replace(&mut self, answer: Answer) -> Parts {
        let (head, page) = answer.response.into_parts();
        self.inner = Inner::Plain(Source::Page(page));
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
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = compression::BodyError<BodyError>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let frame = match &mut self.inner {
            Inner::Plain(source) => ready!(Pin::new(source).poll_frame(cx))
                .map(|frame| frame.map_err(compression::BodyError::Inner)),
            Inner::Compressed(body) => ready!(Pin::new(body).poll_frame(cx)),
        };
        if let (Some(Err(compression::BodyError::Inner(error))), Some(record)) =
            (&frame, &mut self.record)
        {
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
            Inner::Plain(source) => source.is_end_stream(),
            Inner::Compressed(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.inner {
            Inner::Plain(source) => source.size_hint(),
            Inner::Compressed(body) => body.size_hint(),
        }
    }
}

impl HttpBody for Source {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match self.get_mut() {
            Self::Proxied(body) => Pin::new(body).poll_frame(cx),
            Self::Page(page) => {
                let page = std::mem::take(page);
                Poll::Ready((!page.is_empty()).then(|| Ok(Frame::data(page))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Proxied(body) => body.is_end_stream(),
            Self::Page(page) => page.is_empty(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Proxied(body) => body.size_hint(),
            Self::Page(page) => SizeHint::with_exact(page.len() as u64),
        }
    }
}
