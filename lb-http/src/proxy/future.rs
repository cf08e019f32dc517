//! One request on its way to a server, through every attempt.

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
use http::{
    Extensions, HeaderValue, Method, Request, Response, StatusCode, Version,
    header::{CONNECTION, LOCATION, UPGRADE},
    request::Parts,
};
use http_body::Body as HttpBody;
use lb_core::{
    Lease, Policy, Server,
    health::Outcome,
    policy::Key,
    pool::{Acquire, Unavailable, Unbound, Want},
    retry::{Attempts, Cause, Next},
};
use lb_tcp::Connecting;
use tokio::time::{Instant, Sleep, sleep};

use super::{
    Body, Reuse, Shared, local,
    outgoing::{self, Outgoing},
};
use crate::{
    Client, Upstream,
    exchange::{Exchange as Report, Failure, Prefer, Preference},
    fetch::RequestView,
    h1::response::Head,
    pool::{Connection, Event, Exchange, ExchangeError, Home, Receiving, RequestBody, Sending},
    server::ReadError,
    sticky::Alternatives,
    timer::Timer,
    tunnel::{ClientUpgrade, Tunnel},
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
    pub(super) fn new(shared: Arc<Shared<P>>, request: Request<B>) -> Self {
        let (mut parts, body) = request.into_parts();
        let client = parts.extensions.remove::<Client>();
        // This crate's server has just read the clock.
        let now = client.as_ref().and_then(Client::received_now);
        let now = now.unwrap_or_else(Instant::now);
        let mut report = Report::new(now);
        let upgrade = ClientUpgrade::of(client.as_ref(), &mut parts.extensions);
        let answer = local::forward_or_answer(&mut parts);
        let prefer = parts.extensions.remove::<Prefer>();
        let even_if_down = prefer.as_ref().is_some_and(|prefer| prefer.even_if_down);
        let bound = prefer.and_then(|prefer| {
            let others = parts.extensions.remove::<Alternatives>();
            let (bound, preference) = bind(&shared, &prefer, others.as_ref());
            report.preference = preference;
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

    fn acquire(
        &self,
        server: Option<Arc<Server<Upstream>>>,
        avoid: Option<&Server<Upstream>>,
    ) -> State<B, P> {
        State::Acquire(self.shared.pool.acquire(Want {
            even_if_down: self.even_if_down && server.is_some(),
            server,
            hash: self.hash,
            avoid: avoid.map(Server::uid),
            ..Want::default()
        }))
    }

    /// The time, read once a poll.
    fn now(&mut self) -> Instant {
        *self.now.get_or_insert_with(Instant::now)
    }

    fn leased(&mut self, lease: Lease<Upstream, P>) -> State<B, P> {
        let now = self.now();
        // The last attempt counts: what earlier ones took is waiting, as in HAProxy.
        self.report.dequeued = Some(now);
        self.report.connected = None;
        self.report.server = Some(Arc::clone(lease.server()));
        let upstream = lease.server().target();
        if let Some(answer) = self.redirection(upstream) {
            return answer;
        }
        if self.may_reuse() && upstream.proxy_version().is_none() {
            let idle = upstream.idle(self.shared.shard);
            while let Some(connection) = idle.take() {
                if connection.is_usable(upstream.options(), now) {
                    return self.connected(lease, connection, now);
                }
            }
        }
        let mut timer = Timer::default();
        timer.set(now + self.shared.timeouts.connect);
        State::Connect {
            connecting: upstream.connect(),
            lease,
            timer,
        }
    }

    fn may_reuse(&self) -> bool {
        !self.fresh_only
            && match self.shared.reuse {
                Reuse::Never => false,
                Reuse::Aggressive | Reuse::Always => true,
                // A client whose connection has carried a request before knows
                // that it may be closed, and sends again.
                Reuse::Safe => {
                    self.may_resend() || self.client.as_ref().is_some_and(|c| c.requests() > 1)
                }
            }
    }

    /// May the request be sent a second time (RFC 9110 §9.2.2)?
    fn may_resend(&self) -> bool {
        self.outgoing
            .as_ref()
            .is_some_and(|outgoing| outgoing.method.is_idempotent() && outgoing.upgrade.is_none())
    }

    fn connected(
        &mut self,
        lease: Lease<Upstream, P>,
        connection: Box<Connection>,
        now: Instant,
    ) -> State<B, P> {
        let (Some(outgoing), Some(body)) = (&self.outgoing, self.body.take()) else {
            return State::Done;
        };
        self.report.connected = Some(now);
        let upstream = lease.server().target();
        let encoder = outgoing.encoder(&body);
        let plan = Sending {
            method: outgoing.method.clone(),
            await_continue: outgoing.awaits_continue(&body),
            body,
            encoder,
            timeout: self.shared.timeouts.server,
            shut_down: upstream.shut_down(),
        };
        let exchange = Exchange::new(connection, plan, now, |head| {
            let client = self.client.as_ref();
            if let Some(version) = upstream.proxy_version() {
                outgoing::write_proxy_header(head, version, client);
            }
            outgoing.write(head, encoder, &self.shared, client, upstream.address());
        });
        State::Exchange {
            lease,
            exchange: Box::new(exchange),
        }
    }

    /// An attempt has failed before the client saw anything of a response.
    fn failed(&mut self, lease: Lease<Upstream, P>, cause: Cause, failure: Failure) -> State<B, P> {
        let server = Arc::clone(lease.server());
        // The slot is free before it is asked for again.
        drop(lease);
        match cause {
            Cause::ConnectFailure => server.counters().connection_errors(),
            _ => server.counters().response_errors(),
        }
        self.observe(&server, outcome_of(cause));
        let resendable = match cause {
            Cause::ConnectFailure => true,
            _ => self.may_resend() && self.body.as_mut().is_some_and(RequestBody::rewind),
        };
        let next = match resendable && self.affordable(cause) {
            true => self.attempts.failed(cause, self.bound.is_some()),
            false => Next::GiveUp,
        };
        if next != Next::GiveUp {
            self.report.retries += 1;
            server.counters().retries();
        }
        match next {
            Next::GiveUp => self.answer(failure),
            Next::Elsewhere if self.shared.pool.snapshot().usable().len() > 1 => {
                server.counters().redispatches();
                self.report.redispatched = true;
                if self.bound.take().is_some() {
                    self.report.preference = Preference::Down;
                }
                self.acquire(None, Some(&server))
            }
            Next::SameServer | Next::Elsewhere => State::Pause {
                sleep: Box::pin(sleep(TURN_AROUND.min(self.shared.timeouts.connect))),
                server,
            },
        }
    }

    fn affordable(&self, cause: Cause) -> bool {
        self.attempts.retries_on(cause)
            && self
                .shared
                .budget
                .as_ref()
                .is_none_or(|budget| budget.withdraw())
    }

    /// The proxy's own response.
    fn answer(&mut self, failure: Failure) -> State<B, P> {
        self.report.failure = Some(failure);
        let response = self.shared.pages.response(status_of(failure));
        State::Answered(Box::new(response))
    }

    fn exchange_failed(
        &mut self,
        lease: Lease<Upstream, P>,
        exchange: Exchange<B>,
        error: ExchangeError<B::Error>,
    ) -> State<B, P> {
        let reused = exchange.is_reused();
        self.body = Some(exchange.into_body());
        match error {
            ExchangeError::Body(error) => {
                drop(lease);
                self.answer(failure_of(&*error.into()))
            }
            // The server closed an idle connection just as the request went
            // out. That says nothing about the server: try it at once, over a
            // new connection, and do not count it.
            ExchangeError::Closed
                if reused
                    && self.may_resend()
                    && self.body.as_mut().is_some_and(RequestBody::rewind) =>
            {
                self.fresh_only = true;
                self.leased(lease)
            }
            ExchangeError::ShutDown => {
                drop(lease);
                self.answer(Failure::ShutDown)
            }
            ExchangeError::Closed => self.failed(lease, Cause::EmptyResponse, Failure::BadResponse),
            ExchangeError::Malformed => {
                self.failed(lease, Cause::JunkResponse, Failure::BadResponse)
            }
            ExchangeError::Timeout => {
                self.failed(lease, Cause::ResponseTimeout, Failure::ResponseTimeout)
            }
        }
    }

    /// The final head has come.
    fn respond(
        &mut self,
        lease: Lease<Upstream, P>,
        exchange: Exchange<B>,
        mut head: Head,
    ) -> Result<Response<Body<B, P>>, State<B, P>> {
        let now = self.now();
        let status = head.parts.status;
        let cause = Cause::Status(status.as_u16());
        // Where nothing comes of another attempt, this response is the answer.
        let budget = self.shared.budget.as_ref();
        if self.attempts.retries_on(cause)
            && self.may_resend()
            && exchange.may_resend()
            && budget.is_none_or(|budget| budget.has_room())
        {
            self.body = Some(exchange.into_body());
            return Err(self.failed(lease, cause, Failure::BadResponse));
        }
        self.report.responded = Some(now);
        self.observe(lease.server(), Outcome::Response(status.as_u16()));
        let sent = self.report.connected.unwrap_or(now);
        lease.record_latency(now.saturating_duration_since(sent), now);
        let connect = self
            .outgoing
            .as_ref()
            .is_some_and(|outgoing| outgoing.method == Method::CONNECT);
        let tunnel = status == StatusCode::SWITCHING_PROTOCOLS || (connect && status.is_success());
        if tunnel {
            return self.switch_protocols(lease, exchange, head);
        }
        if status == StatusCode::UPGRADE_REQUIRED
            && let Some(protocol) = head.upgrade.take()
        {
            head.parts.headers.insert(UPGRADE, protocol);
            head.parts
                .headers
                .insert(CONNECTION, HeaderValue::from_static("upgrade"));
        }
        let reusable =
            head.reusable && !self.shared.server_close && self.shared.reuse != Reuse::Never;
        let home = reusable.then(|| Home {
            server: Arc::clone(lease.server()),
            shard: self.shared.shard,
        });
        let receiving = Receiving::new(exchange, &head, home, now);
        Ok(self.response(head, Body::server(receiving, lease)))
    }

    fn switch_protocols(
        &mut self,
        lease: Lease<Upstream, P>,
        exchange: Exchange<B>,
        mut head: Head,
    ) -> Result<Response<Body<B, P>>, State<B, P>> {
        let asked = self.outgoing.as_ref().and_then(|o| o.upgrade.as_ref());
        let is_connect = head.parts.status != StatusCode::SWITCHING_PROTOCOLS;
        let agreed = match (asked, &head.upgrade) {
            (Some(asked), Some(chosen)) => names_protocol(asked, chosen),
            (asked, _) => asked.is_some(),
        };
        let Some(upgrade) = self.upgrade.take().filter(|_| is_connect || agreed) else {
            drop(lease);
            return Err(self.answer(Failure::BadResponse));
        };
        if !is_connect {
            let protocol = head.upgrade.take().or_else(|| asked.cloned());
            head.parts
                .headers
                .insert(CONNECTION, HeaderValue::from_static("upgrade"));
            if let Some(protocol) = protocol {
                head.parts.headers.insert(UPGRADE, protocol);
            }
        }
        let timeouts = self.shared.timeouts;
        let tunnel = Tunnel::new(*exchange.into_connection(), lease, timeouts);
        if let Some(tunnel) = upgrade.hand_over(tunnel) {
            head.parts.extensions.insert(tunnel);
        }
        Ok(self.response(head, Body::empty()))
    }

    fn response(&mut self, mut head: Head, body: Body<B, P>) -> Response<Body<B, P>> {
        head.parts.version = Version::HTTP_11;
        let mut extensions = std::mem::take(&mut self.extensions);
        extensions.extend(head.parts.extensions);
        extensions.insert(self.report.clone());
        head.parts.extensions = extensions;
        Response::from_parts(head.parts, body)
    }

    /// A response in place of a connection, from servers that redirect.
    fn redirection(&mut self, upstream: &Upstream) -> Option<State<B, P>> {
        let prefix = upstream.redirection()?;
        let outgoing = self.outgoing.as_ref()?;
        if ![Method::GET, Method::HEAD].contains(&outgoing.method) {
            return None;
        }
        let location = [prefix.as_bytes(), outgoing.target().as_bytes()].concat();
        let location = HeaderValue::from_bytes(&location).ok()?;
        self.report.failure = Some(Failure::Redirected);
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = StatusCode::FOUND;
        response.headers_mut().insert(LOCATION, location);
        Some(State::Answered(Box::new(response)))
    }

    /// Finds the key to hash in the beginning of the body. A body that fails
    /// has none; the failure shows again when it is sent.
    fn poll_key(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let (Some(body), Some(key)) = (&mut self.body, &self.shared.key) {
            let data = ready!(body.poll_peek(cx));
            let key = data.map_or(Key::None, |data| key.body_key(data));
            self.hash = self.shared.pool.digest(key);
        }
        Poll::Ready(())
    }

    fn observe(&self, server: &Server<Upstream>, outcome: Outcome) {
        if let Some(observer) = &self.shared.observer {
            observer.observe(server, outcome);
        }
    }

    /// Sends an informational response on, where the client can take it.
    fn inform(&self, head: &Head) {
        let understands = self
            .outgoing
            .as_ref()
            .is_some_and(|outgoing| outgoing.version == Version::HTTP_11);
        if let Some(client) = self.client.as_ref().filter(|_| understands) {
            client.inform(head.parts.status, &head.parts.headers);
        }
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
                        Ok(Event::Final(head)) => match this.respond(lease, *exchange, head) {
                            Ok(response) => return Poll::Ready(Ok(response)),
                            Err(state) => state,
                        },
                        Err(error) => this.exchange_failed(lease, *exchange, error),
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

impl<B, P: Policy> fmt::Debug for ResponseFuture<B, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture")
            .field("report", &self.report)
            .finish_non_exhaustive()
    }
}

fn status_of(failure: Failure) -> StatusCode {
    match failure {
        Failure::NoServer
        | Failure::QueueTimeout
        | Failure::Connect
        | Failure::ConnectTimeout
        | Failure::ShutDown => StatusCode::SERVICE_UNAVAILABLE,
        Failure::ResponseTimeout => StatusCode::GATEWAY_TIMEOUT,
        Failure::BadResponse => StatusCode::BAD_GATEWAY,
        Failure::Client => StatusCode::BAD_REQUEST,
        Failure::ClientTimeout => StatusCode::REQUEST_TIMEOUT,
        Failure::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Failure::Local => StatusCode::OK,
        Failure::Redirected => StatusCode::FOUND,
    }
}

/// Did the client ask for the protocol that the server chose (RFC 9110 §7.8)?
fn names_protocol(asked: &HeaderValue, chosen: &HeaderValue) -> bool {
    let asked = asked.as_bytes().split(|&b| b == b',');
    let chosen = chosen.as_bytes().trim_ascii();
    asked
        .map(<[u8]>::trim_ascii)
        .any(|asked| asked.eq_ignore_ascii_case(chosen))
}

fn outcome_of(cause: Cause) -> Outcome {
    match cause {
        Cause::ConnectFailure => Outcome::ConnectFailed,
        Cause::EmptyResponse => Outcome::Closed,
        Cause::JunkResponse => Outcome::InvalidResponse,
        Cause::ResponseTimeout => Outcome::ReadTimeout,
        Cause::Status(code) => Outcome::Response(code),
    }
}

/// The server that the client is bound to, by the first of its values that
/// leads to one.
fn bind<P: Policy>(
    shared: &Shared<P>,
    prefer: &Prefer,
    others: Option<&Alternatives>,
) -> (Option<Arc<Server<Upstream>>>, Preference) {
    let mut preference = Preference::Unknown;
    let others = others.into_iter().flat_map(|others| &others.0);
    for value in std::iter::once(&prefer.affinity).chain(others) {
        match shared.pool.bound(value, prefer.even_if_down) {
            Ok(server) => return (Some(server), Preference::Honoured),
            Err(Unbound::Down) => preference = Preference::Down,
            Err(Unbound::Unknown) => {}
        }
    }
    (None, preference)
}

/// Where the hash of a request comes from.
struct KeySearch {
    hash: Option<u32>,
    in_body: bool,
}

impl KeySearch {
    fn new<P: Policy>(shared: &Shared<P>, parts: &Parts, client: Option<&Client>) -> Self {
        let Some(key) = &shared.key else {
            return Self {
                hash: None,
                in_body: false,
            };
        };
        let view = RequestView::new(parts).connection(
            client.and_then(|client| client.peer().inet()),
            client.and_then(|client| client.local().inet()),
        );
        let hash = key.with_key(&view, |key| shared.pool.digest(key));
        Self {
            hash,
            in_body: hash.is_none() && key.is_in_body(&parts.method),
        }
    }
}

/// What went wrong with the client's body, where this crate's server read it.
fn failure_of(error: &(dyn std::error::Error + Send + Sync + 'static)) -> Failure {
    match error.downcast_ref::<ReadError>() {
        Some(ReadError::Timeout) => Failure::ClientTimeout,
        Some(ReadError::TooLarge) => Failure::BodyTooLarge,
        _ => Failure::Client,
    }
}
