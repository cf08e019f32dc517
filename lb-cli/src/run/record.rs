//! The record of one request, which becomes its log line when all is over.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Method, Request, Response, Uri, Version};
use http_body::{Body as HttpBody, Frame, SizeHint};
use lb_core::policy::Algorithm;
use lb_http::{
    BodyError, Broken, Client,
    exchange::{Exchange, Failure},
    proxy,
    server::Incoming,
};
use tokio::time::Instant;

use super::frontend::Site;
use crate::log::{self, Line, Termination};

/// What is known of a request before its response. Dropped without one, it was
/// given up by its client.
pub(super) struct Record {
    site: Arc<Site>,
    target: Option<usize>,
    client: Client,
    method: Method,
    uri: Uri,
    version: Version,
    exchange: Option<Exchange>,
    status: Option<u16>,
    termination: Termination,
}

impl Record {
    pub(super) fn new(
        site: &Arc<Site>,
        target: Option<usize>,
        client: Client,
        request: &Request<Incoming>,
    ) -> Self {
        Self {
            site: Arc::clone(site),
            target,
            client,
            method: request.method().clone(),
            uri: request.uri().clone(),
            version: request.version(),
            exchange: None,
            status: None,
            termination: Termination('C', 'H'),
        }
    }

    /// There is no backend for it.
    pub(super) fn without_server(mut self) -> Self {
        self.status = Some(503);
        self.termination = Termination::of(Some(Failure::NoServer));
        self
    }

    fn answered(&mut self, status: u16, exchange: Option<Exchange>) {
        self.status = Some(status);
        self.termination = Termination::of(exchange.as_ref().and_then(|e| e.failure));
        self.exchange = exchange;
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        if self.site.is_cut() {
            // What is still there by then did not end by itself.
            let state = if self.status.is_some() { 'D' } else { 'H' };
            self.termination = Termination('K', state);
        } else if let Some(broken) = self.client.broken()
            && self.termination == Termination::NORMAL
        {
            let who = match broken {
                Broken::Gone => 'C',
                Broken::Stalled => 'c',
            };
            self.termination = Termination(who, 'D');
        }
        if self.exchange.is_none()
            && let Some(abandoned) = self.client.take_abandoned()
        {
            self.termination.1 = match &*abandoned {
                Exchange {
                    dequeued: Some(_),
                    connected: None,
                    ..
                } => 'C',
                Exchange {
                    dequeued: Some(_), ..
                } => 'H',
                Exchange { dequeued: None, .. } => 'Q',
            };
            self.exchange = Some(*abandoned);
        }
        if self.client.broken().is_some() && self.client.bytes_out() == 0 {
            self.status = None;
        }
        let plan = &self.site.frontend.plan;
        let backend = self.target.map(|at| self.site.backend(at));
        let mut connections = self.site.connections();
        if let Some(backend) = backend {
            connections.backend = backend.pool.load().in_flight;
        }
        let server = self.exchange.as_ref().and_then(|e| e.server.as_ref());
        connections.server = server.map_or(0, |server| server.in_flight());
        let line = Line {
            client: self.client.peer_text(),
            began: self.client.began(),
            received: self.client.received(),
            ended: Instant::now(),
            frontend: plan.name(),
            backend: backend.map_or(plan.name(), |backend| backend.plan().name()),
            exchange: self.exchange.as_ref(),
            status: self.status,
            bytes: self.client.bytes_out(),
            termination: self.termination,
            connections,
            method: &self.method,
            uri: &self.uri,
            version: self.version,
        };
        log::line(|out, clock| line.write(out, clock));
    }
}

/// The body of every response; its end is the request's.
pub(super) struct Body {
    inner: Inner,
    record: Option<Record>,
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
    pub(super) fn page(page: Bytes, record: Option<Record>) -> Self {
        Self {
            inner: Inner::Page(page),
            record,
        }
    }

    pub(super) fn proxied(
        response: Response<proxy::Body<Incoming, Algorithm>>,
        mut record: Option<Record>,
    ) -> Response<Self> {
        let (mut parts, body) = response.into_parts();
        let exchange = parts.extensions.remove::<Exchange>();
        if let Some(record) = &mut record {
            record.answered(parts.status.as_u16(), exchange);
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
