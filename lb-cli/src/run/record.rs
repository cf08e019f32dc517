//! The record of one request, which becomes its log line when all is over.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Extensions, Method, Request, Response, Uri, Version, response::Parts};
use http_body::{Body as HttpBody, Frame, SizeHint};
use lb_core::{policy::Algorithm, table::Event};
use lb_http::{
    BodyError, Broken, Client,
    exchange::{Exchange, Failure, Junk},
    fetch::{ResponseView, View},
    format::Kept,
    proxy,
    rules::Answer,
    server::{Hangup, Incoming},
    transaction::{LogLevel, Tracking, Transaction},
};
use tokio::time::Instant;

use super::{frontend::Site, tally::Traffic};
use crate::log::{self, Level, Line, LocalClock, Termination};

/// What is known of a request before its response. Dropped without one, it was
/// given up by its client.
pub(super) struct Record {
    site: Arc<Site>,
    by: By,
    client: Client,
    /// For the log, if there is one.
    asked: Option<Asked>,
    exchange: Option<Exchange>,
    /// The status that the client has seen.
    status: Option<u16>,
    /// There is a response, sent or not.
    answered: bool,
    termination: Termination,
    /// What rules and captures have kept.
    pub(super) transaction: Transaction,
    /// Samples of each layout, while they are there.
    kept: Vec<Kept>,
    /// The line is out (`logasap`).
    logged: bool,
    /// What it counts in.
    tracking: Tracking,
}

/// Who answers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// The backend of a route.
    Backend(usize),
    /// No backend is there for it.
    Nobody,
    /// The statistics page of the frontend.
    Stats,
    /// That of the backend of a route.
    StatsOf(usize),
}

impl By {
    /// The backend that the request has reached.
    const fn backend(self) -> Option<usize> {
        match self {
            Self::Backend(at) | Self::StatsOf(at) => Some(at),
            Self::Nobody | Self::Stats => None,
        }
    }
}

/// The request as it came, before rules change it.
pub(super) struct Asked {
    method: Method,
    uri: Uri,
    version: Version,
}

impl Asked {
    /// `None` where nobody wants to know.
    pub(super) fn of(site: &Site, request: &Request<Incoming>) -> Option<Self> {
        site.logs().then(|| Self {
            method: request.method().clone(),
            uri: request.uri().clone(),
            version: request.version(),
        })
    }
}

impl Record {
    pub(super) fn new(site: &Arc<Site>, by: By, client: Client, asked: Option<Asked>) -> Box<Self> {
        let came = site.since_start(client.received());
        let count = |traffic: &Traffic| {
            traffic.requests.add(1);
            traffic.last.raise(came);
        };
        count(site.traffic());
        match by {
            By::Backend(at) | By::StatsOf(at) => count(site.backend_traffic(at)),
            By::Stats => site.traffic().intercepted.add(1),
            By::Nobody => {}
        }
        // In a box: it changes hands a few times.
        Box::new(Self {
            site: Arc::clone(site),
            by,
            client,
            asked,
            exchange: None,
            status: None,
            answered: false,
            termination: Termination('C', 'H'),
            transaction: Transaction::new(),
            kept: Vec::new(),
            logged: false,
            tracking: Tracking::default(),
        })
    }

    /// Keeps for the line what its samples take of the request.
    pub(super) fn seeing(
        mut self: Box<Self>,
        request: &Request<Incoming>,
        transaction: &Transaction,
    ) -> Box<Self> {
        if self.site.frontend.plan.logging().has_samples() {
            let view = View::of(request).transaction(transaction);
            keep(&self.site, &mut self.kept, &view);
        }
        self
    }

    /// The head of the response goes to the client.
    fn begins(&mut self, head: &http::response::Parts) {
        let logging = self.site.frontend.plan.logging();
        if logging.has_samples() {
            let mut view = View::default().client(Some(&self.client));
            view.response = Some(ResponseView::new(head));
            view.transaction = Some(&self.transaction);
            keep(&self.site, &mut self.kept, &view);
        }
        if logging.asap() {
            self.log(Instant::now());
            self.logged = true;
        }
    }

    /// Counts, to its end, in what rules have chosen.
    pub(super) fn tracking(mut self: Box<Self>, transaction: &mut Transaction) -> Box<Self> {
        if !transaction.tracking.is_empty() {
            self.tracking = transaction.tracking.hand_over();
        }
        self
    }

    /// This process answers itself.
    pub(super) fn answered_here(mut self: Box<Self>, answer: &Answer) -> Box<Self> {
        self.answered(answer.response.status().as_u16(), None);
        if answer.failure == Failure::Rejected {
            self.status = None;
        }
        self.termination = Termination::of(Some(answer.failure));
        match (answer.failure, self.by) {
            (Failure::Denied | Failure::Tarpitted | Failure::Rejected, by) => {
                self.tracking.count(Event::Error, Instant::now());
                self.site.traffic().denied.add(1);
                if let By::Backend(at) = by {
                    self.site.backend_traffic(at).denied.add(1);
                }
            }
            (Failure::Local, By::Nobody | By::Backend(_)) => {
                self.site.traffic().intercepted.add(1);
            }
            _ => {}
        }
        self
    }

    /// Who asked.
    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// No rule changes the response's head any more.
    pub(super) fn goes_out_with(&mut self, head: &Parts) {
        if head.extensions.get::<Hangup>().is_none() {
            self.status = Some(head.status.as_u16());
        }
    }

    fn answered(&mut self, status: u16, exchange: Option<Exchange>) {
        self.status = Some(status);
        self.answered = true;
        self.termination = Termination::of(exchange.as_ref().and_then(|e| e.failure));
        self.exchange = exchange;
        self.count_errors(status);
        self.site.traffic().answered(status);
        let Some(at) = self.by.backend() else { return };
        // Whoever answers first of those who are there at a peak has seen it; a
        // request that has failed has left already.
        let traffic = self.site.backend_traffic(at);
        traffic.answered(status);
        let in_flight = self.site.backend(at).pool.load().in_flight;
        traffic.in_flight_max.raise(in_flight.max(1).into());
        if let Some(server) = self.exchange.as_ref().and_then(|e| e.server.as_ref())
            && let Some(traffic) = self.site.server_traffic(at, server.uid())
        {
            self.met(traffic);
            traffic
                .in_flight_max
                .raise(server.in_flight().max(1).into());
            if self
                .exchange
                .as_ref()
                .is_some_and(|e| e.responded.is_some())
            {
                traffic.answered(status);
            }
        }
    }

    /// What was no response is kept for `show errors`.
    fn keep_junk(&self, extensions: &mut Extensions) {
        let junk = |exchange: &&Exchange| exchange.failure == Some(Failure::InvalidResponse);
        if let Some(exchange) = self.exchange.as_ref().filter(junk)
            && let Some(at) = self.by.backend()
            && let Some(junk) = extensions.remove::<Junk>()
        {
            self.site.keep_junk(at, exchange, &self.client, junk);
        }
    }

    /// What servers answer, or fail to. Observed on HAProxy: one that cannot be reached counts nowhere.
    fn count_errors(&self, status: u16) {
        let Some(exchange) = self.exchange.as_ref().filter(|_| !self.tracking.is_empty()) else {
            return;
        };
        let event = match (exchange.failure, status) {
            (
                Some(Failure::ResponseTimeout | Failure::BadResponse | Failure::InvalidResponse),
                _,
            ) => Event::Failure,
            (Some(_), _) | (None, 501 | 505) => return,
            (None, 400..=499) => Event::Error,
            (None, 500..=599) => Event::Failure,
            (None, _) => return,
        };
        self.tracking.count(event, Instant::now());
    }

    /// A rule has put another response in the place of the server's.
    fn replaced(&mut self, failure: Failure, status: u16) {
        self.status = (failure != Failure::Rejected).then_some(status);
        self.termination = Termination::of(Some(failure));
        if failure != Failure::ResponseDenied {
            return;
        }
        self.site.traffic().denied_responses.add(1);
        let Some(at) = self.by.backend() else { return };
        self.site.backend_traffic(at).denied_responses.add(1);
        let server = self.exchange.as_ref().and_then(|e| e.server.as_ref());
        if let Some(traffic) = server.and_then(|s| self.site.server_traffic(at, s.uid())) {
            traffic.denied_responses.add(1);
        }
    }

    /// It has come to a server.
    fn met(&self, traffic: &Traffic) {
        traffic.requests.add(1);
        traffic
            .last
            .raise(self.site.since_start(self.client.received()));
    }

    /// Adds what is known only at the end.
    fn count(&self, ended: Instant) {
        let (bytes_in, bytes_out) = (self.client.bytes_in(), self.client.bytes_out());
        let volume = |traffic: &Traffic| {
            traffic.bytes_in.add(bytes_in);
            traffic.bytes_out.add(bytes_out);
        };
        volume(self.site.traffic());
        self.tracking.end(bytes_in, bytes_out, ended);
        let Some(at) = self.by.backend() else { return };
        let of_backend = self.site.backend_traffic(at);
        volume(of_backend);
        let exchange = self.exchange.as_ref();
        let server = exchange.and_then(|exchange| exchange.server.as_ref());
        let of_server = server.and_then(|server| self.site.server_traffic(at, server.uid()));
        if let Some(of_server) = of_server {
            volume(of_server);
            if !self.answered {
                self.met(of_server);
            }
        }
        let both = || [Some(of_backend), of_server].into_iter().flatten();
        for traffic in both() {
            match self.termination {
                Termination('C' | 'c', _) => traffic.client_aborts.add(1),
                Termination('S', 'D') => traffic.server_aborts.add(1),
                _ => {}
            }
        }
        let Some(exchange) = exchange else { return };
        if let Some(
            Failure::NoServer | Failure::QueueTimeout | Failure::Connect | Failure::ConnectTimeout,
        ) = exchange.failure
        {
            of_server.unwrap_or(of_backend).unserved.add(1);
        }
        of_backend.queue_max.raise(exchange.pool_queue.into());
        if let Some(of_server) = of_server {
            of_server.queue_max.raise(exchange.server_queue.into());
        }
        let Exchange {
            started,
            dequeued: Some(dequeued),
            connected: Some(connected),
            responded: Some(responded),
            ..
        } = exchange
        else {
            return;
        };
        for traffic in both().chain([self.site.traffic()]) {
            traffic.queued.took(*dequeued - *started);
            traffic.connecting.took(*connected - *dequeued);
            traffic.responding.took(*responded - *connected);
            traffic.whole.took(ended - *started);
        }
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        if self.site.is_cut() || self.client.is_killed() {
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
        let ended = Instant::now();
        self.count(ended);
        if !self.logged {
            self.log(ended);
        }
    }
}

impl Record {
    fn log(&self, ended: Instant) {
        let Some(asked) = &self.asked else { return };
        let Some(level) = level(self.transaction.log_level) else {
            return;
        };
        let plan = &self.site.frontend.plan;
        let backend = self.by.backend().map(|at| self.site.backend(at));
        let mut connections = self.site.connections();
        if let Some(backend) = backend {
            connections.backend = backend.pool.load().in_flight;
        }
        let server = self.exchange.as_ref().and_then(|e| e.server.as_ref());
        connections.server = server.map_or(0, |server| server.in_flight());
        let mut line = Line {
            client: self.client.peer(),
            client_text: self.client.peer_text(),
            local: self.client.local(),
            ready: self.client.ready(),
            began: self.client.began(),
            received: Some(self.client.received()),
            ended,
            now: LocalClock::now(),
            frontend: plan.name(),
            backend: backend.map_or(plan.name(), |backend| backend.plan().name()),
            exchange: self.exchange.as_ref(),
            by_stats: matches!(self.by, By::Stats | By::StatsOf(_)),
            status: self.status,
            bytes: self.client.bytes_out(),
            bytes_in: self.client.bytes_in(),
            termination: self.termination,
            connections,
            asked: Some(log::Asked {
                method: &asked.method,
                uri: &asked.uri,
                version: asked.version,
            }),
            captures: Some(&self.transaction.captures),
            // As the frontend logs.
            slots: (0, 0),
            asap: false,
            counters: (0, 0),
            view: View::default()
                .client(Some(&self.client))
                .transaction(&self.transaction),
        };
        self.site.write(&mut line, level, &self.kept);
    }
}

/// Takes what the samples of each layout find.
fn keep(site: &Site, kept: &mut Vec<Kept>, view: &View<'_>) {
    let outputs = site.frontend.plan.logging().outputs();
    kept.resize_with(outputs.len(), Kept::default);
    for (kept, output) in kept.iter_mut().zip(outputs) {
        if let Some(format) = output.layout.format() {
            format.keep(kept, view);
        }
    }
}

/// The level of a line; `None`: there is none.
fn level(wanted: Option<LogLevel>) -> Option<Level> {
    Some(match wanted {
        None | Some(LogLevel::Info) => Level::Info,
        Some(LogLevel::Emerg) => Level::Emerg,
        Some(LogLevel::Alert) => Level::Alert,
        Some(LogLevel::Crit) => Level::Crit,
        Some(LogLevel::Err) => Level::Err,
        Some(LogLevel::Warning) => Level::Warning,
        Some(LogLevel::Notice) => Level::Notice,
        Some(LogLevel::Debug) => Level::Debug,
        Some(LogLevel::Silent) => return None,
    })
}

/// The body of every response; its end is the request's.
pub(super) struct Body {
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
    pub(super) fn page(page: Bytes, record: Option<Box<Record>>) -> Self {
        Self {
            inner: Inner::Page(page),
            record,
        }
    }

    /// Who asked.
    pub(super) fn client(&self) -> Option<&Client> {
        self.record.as_deref().map(Record::client)
    }

    /// Is it a server's, and no page of this process?
    pub(super) fn is_of_server(&self) -> bool {
        let exchange = self.record.as_ref().and_then(|r| r.exchange.as_ref());
        exchange.is_some_and(|exchange| exchange.failure.is_none())
    }

    /// The response is as the client will see it.
    pub(super) fn begins(response: Response<Self>) -> Response<Self> {
        let (head, mut body) = response.into_parts();
        if let Some(record) = &mut body.record {
            record.begins(&head);
        }
        Response::from_parts(head, body)
    }

    /// What has been kept for the request, for rules on its response.
    pub(super) fn take_transaction(&mut self) -> Transaction {
        let record = self.record.as_mut();
        record
            .map(|record| std::mem::take(&mut record.transaction))
            .unwrap_or_default()
    }

    /// Gives it back.
    pub(super) fn give_transaction(&mut self, transaction: Transaction) {
        if let Some(record) = &mut self.record {
            record.transaction = transaction;
        }
    }

    /// A rule puts a page in the response's place, whose head is returned.
    pub(super) fn replace(&mut self, answer: Answer) -> Parts {
        let (head, page) = answer.response.into_parts();
        self.inner = Inner::Page(page);
        if let Some(record) = &mut self.record {
            record.replaced(answer.failure, head.status.as_u16());
        }
        head
    }

    /// No rule changes the head any more.
    pub(super) fn goes_out_with(&mut self, head: &Parts) {
        if let Some(record) = &mut self.record {
            record.goes_out_with(head);
        }
    }

    pub(super) fn proxied(
        response: Response<proxy::Body<Incoming, Algorithm>>,
        mut record: Option<Box<Record>>,
    ) -> Response<Self> {
        let (mut parts, body) = response.into_parts();
        let exchange = parts.extensions.remove::<Exchange>();
        if let Some(record) = &mut record {
            record.answered(parts.status.as_u16(), exchange);
            record.keep_junk(&mut parts.extensions);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_the_level_that_a_rule_gave_it() {
        assert_eq!(level(None), Some(Level::Info));
        assert_eq!(level(Some(LogLevel::Silent)), None);
        for word in [
            "emerg", "alert", "crit", "err", "warning", "notice", "info", "debug",
        ] {
            let found = level(LogLevel::parse(word)).unwrap();
            assert_eq!(found.as_str(), word);
        }
    }
}
