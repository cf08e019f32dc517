//! One request on its way to a server, through every attempt.

mod answer;
mod attempt;

use std::{
    convert::Infallible,
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http::{Extensions, Request, Response};
use http_body::Body as HttpBody;
use lb_core::{
    Lease, Policy, Server,
    health::Outcome,
    pool::{Acquire, Unavailable},
    retry::{Attempts, Cause},
};
use lb_tcp::Connecting;
use tokio::time::{Instant, Sleep};

use super::{
    Body, Overrides, Shared,
    binding::{self, KeySearch},
    local,
    outgoing::Outgoing,
};
use crate::{
    Client, Upstream,
    exchange::{Exchange as Report, Failure, Prefer, StickTo},
    pool::{Connection, Event, Exchange, RequestBody},
    sticky::Alternatives,
    timer::Timer,
    tunnel::ClientUpgrade,
};

/// HAProxy's turn-around: how long a server that refused a connection is left
/// alone before the same one is tried again.
const TURN_AROUND: Duration = Duration::from_secs(1);

/// The future of [`Proxy`](super::Proxy).
#[must_use = "futures do nothing unless polled"]
pub struct ResponseFuture<B, P: Policy> {
    shared: Arc<Shared<P>>,
    state: State<B, P>,
    outgoing: Option<Outgoing>,
    body: Option<RequestBody<B>>,
    client: Option<Client>,
    upgrade: Option<ClientUpgrade>,
    bound: Option<Arc<Server<Upstream>>>,
    even_if_down: bool,
    hash: Option<u32>,
    attempts: Attempts,
    /// In a box: few requests have any.
    overrides: Option<Box<Overrides>>,
    /// A reused connection was closed under a request: the next must be new.
    fresh_only: bool,
    report: Report,
    /// The request's, emptied: the response needs some, too.
    extensions: Extensions,
    /// The time of this poll, once it has been asked for.
    now: Option<Instant>,
}

enum State<B, P: Policy> {
    /// Waits for the body's beginning: the key to hash is in it.
    Peek,
    /// Answered without a server.
    Answered(Box<Response<Bytes>>),
    Acquire(Acquire<Upstream, P>),
    Connect {
        lease: Lease<Upstream, P>,
        connecting: Connecting,
        timer: Timer,
    },
    Exchange {
        lease: Lease<Upstream, P>,
        exchange: Box<Exchange<B>>,
    },
    Pause {
        sleep: Pin<Box<Sleep>>,
        server: Arc<Server<Upstream>>,
    },
    Done,
}

impl<B, P> ResponseFuture<B, P>
where
    P: Policy,
    B: HttpBody<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    pub(in crate::proxy) fn new(shared: Arc<Shared<P>>, request: Request<B>) -> Self {
        let (mut parts, body) = request.into_parts();
        let client = parts.extensions.remove::<Client>();
        // This crate's server has just read the clock.
        let now = client.as_ref().and_then(Client::received_now);
        let now = now.unwrap_or_else(Instant::now);
        let mut report = Report::new(now);
        let upgrade = ClientUpgrade::of(client.as_ref(), &mut parts.extensions);
        let answer = local::forward_or_answer(&mut parts);
        let overrides = parts.extensions.remove().map(Box::new);
        let prefer = parts.extensions.remove::<Prefer>();
        let mut even_if_down = prefer.as_ref().is_some_and(|prefer| prefer.even_if_down);
        let bound = prefer.and_then(|prefer| {
            let others = parts.extensions.remove::<Alternatives>();
            let (bound, preference) = binding::bind(&shared, &prefer, others.as_ref());
            report.preference = preference;
            bound
        });
        let stick = parts.extensions.remove::<StickTo>();
        let bound = bound.or_else(|| {
            let stick = stick?;
            even_if_down = stick.even_if_down;
            let bound = binding::stick(&shared, &stick);
            report.by_table = bound.is_some();
            bound
        });
        let key = KeySearch::new(&shared, &parts, client.as_ref());
        if let Some(budget) = &shared.budget {
            budget.deposit();
        }
        let mut extensions = std::mem::take(&mut parts.extensions);
        extensions.clear();
        let outgoing = Outgoing::new(parts, upgrade.is_some());
        // Only what may be sent twice is kept for a second time.
        let keep = outgoing.method.is_idempotent() && shared.retries.causes.resend();
        let mut future = Self {
            state: State::Done,
            body: Some(RequestBody::new(body, keep)),
            outgoing: Some(outgoing),
            client,
            upgrade,
            bound,
            even_if_down,
            hash: key.hash,
            attempts: shared.retries.attempts(),
            overrides,
            fresh_only: false,
            report,
            extensions,
            now: Some(now),
            shared,
        };
        future.state = match answer {
            Some(response) => {
                future.report.failure = Some(Failure::Local);
                State::Answered(Box::new(response))
            }
            None if key.in_body => State::Peek,
            None => future.acquire(future.bound.clone(), None),
        };
        future
    }
}

impl<B, P> Future for ResponseFuture<B, P>
where
    P: Policy,
    B: HttpBody<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Output = Result<Response<Body<B, P>>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let polled = this.poll_response(cx);
        this.now = None;
        polled
    }
}

impl<B, P> ResponseFuture<B, P>
where
    P: Policy,
    B: HttpBody<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    fn poll_response(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Response<Body<B, P>>, Infallible>> {
        let this = self;
        loop {
            match &mut this.state {
                State::Answered(_) => {}
                State::Peek => {
                    ready!(this.poll_key(cx));
                    this.state = this.acquire(this.bound.clone(), None);
                    continue;
                }
                State::Acquire(acquire) => {
                    let outcome = ready!(Pin::new(&mut *acquire).poll(cx));
                    let (server_queue, pool_queue) = acquire.queues();
                    this.report.server_queue += server_queue;
                    this.report.pool_queue += pool_queue;
                    this.state = match outcome {
                        Ok(lease) => this.leased(lease),
                        Err(Unavailable::QueueTimeout) => this.answer(Failure::QueueTimeout),
                        Err(_) => this.answer(Failure::NoServer),
                    };
                    continue;
                }
                State::Connect {
                    connecting, timer, ..
                } => {
                    let failure = match Pin::new(connecting).poll(cx) {
                        Poll::Ready(Ok(stream)) => Ok(stream),
                        Poll::Ready(Err(_)) => Err(Failure::Connect),
                        Poll::Pending => {
                            ready!(timer.poll(cx));
                            Err(Failure::ConnectTimeout)
                        }
                    };
                    let State::Connect { lease, .. } = this.take_state() else {
                        continue;
                    };
                    this.state = match failure {
                        Ok(stream) => {
                            let now = this.now();
                            this.observe(lease.server(), Outcome::Connected);
                            this.connected(lease, Connection::new(stream, now), now)
                        }
                        Err(failure) => this.failed(lease, Cause::ConnectFailure, failure),
                    };
                    continue;
                }
                State::Exchange { exchange, .. } => {
                    let event = ready!(exchange.poll_event(cx));
                    if let Ok(Event::Informational(head)) = event {
                        this.inform(&head);
                        continue;
                    }
                    let State::Exchange { lease, exchange } = this.take_state() else {
                        continue;
                    };
                    this.state = match event {
                        Ok(Event::Final(head)) => match this.respond(lease, exchange, head) {
                            Ok(response) => return Poll::Ready(Ok(response)),
                            Err(state) => state,
                        },
                        Err(error) => this.exchange_failed(lease, exchange, error),
                        Ok(Event::Informational(_)) => continue,
                    };
                    continue;
                }
                State::Pause { sleep, server } => {
                    ready!(sleep.as_mut().poll(cx));
                    let server = Arc::clone(server);
                    this.state = this.acquire(Some(server), None);
                    continue;
                }
                State::Done => panic!("polled after completion"),
            }
            if let State::Answered(response) = this.take_state() {
                let mut response = response.map(Body::page);
                response.extensions_mut().insert(this.report.clone());
                return Poll::Ready(Ok(response));
            }
        }
    }
}

impl<B, P: Policy> ResponseFuture<B, P> {
    fn take_state(&mut self) -> State<B, P> {
        std::mem::replace(&mut self.state, State::Done)
    }
}

/// Whoever waited has given up: the client's connection keeps how far it came, for its log line.
impl<B, P: Policy> Drop for ResponseFuture<B, P> {
    fn drop(&mut self) {
        if matches!(self.state, State::Done) {
            return;
        }
        if let State::Acquire(acquire) = &self.state {
            let (server_queue, pool_queue) = acquire.queues();
            self.report.server_queue += server_queue;
            self.report.pool_queue += pool_queue;
        }
        if let Some(client) = &self.client {
            client.abandon(self.report.clone());
        }
    }
}

impl<B, P: Policy> fmt::Debug for ResponseFuture<B, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture")
            .field("report", &self.report)
            .finish_non_exhaustive()
    }
}
