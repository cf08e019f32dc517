//! Attempts: a lease, a connection, an exchange, and what follows from a failure.

use std::{
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::Body as HttpBody;
use lb_core::{
    Lease, Policy, Server,
    health::Outcome,
    policy::Key,
    pool::Want,
    retry::{Cause, Next},
};
use tokio::time::{Instant, sleep};

use super::{ResponseFuture, State, TURN_AROUND};
use crate::{
    Upstream,
    exchange::{Failure, Junk},
    h1::fault,
    pool::{Connection, Exchange, ExchangeError, RequestBody, Sending},
    proxy::{Reuse, outgoing},
    server::ReadError,
    timer::Timer,
};

impl<B, P> ResponseFuture<B, P>
where
    P: Policy,
    B: HttpBody<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    pub(super) fn acquire(
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
    pub(super) fn now(&mut self) -> Instant {
        *self.now.get_or_insert_with(Instant::now)
    }

    pub(super) fn leased(&mut self, lease: Lease<Upstream, P>) -> State<B, P> {
        let now = self.now();
        self.report.dequeued.get_or_insert(now);
        self.report.connected = None;
        self.report.source = None;
        if let Some(bound) = self
            .bound
            .take_if(|bound| !Arc::ptr_eq(bound, lease.server()))
        {
            // Its queue was full, or it went DOWN while the request waited.
            bound.counters().redispatches();
            self.report.unbind();
            self.report.redispatched = true;
        }
        if let Some(client) = &self.client {
            client.is_served_by(lease.server().uid().into());
        }
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
    pub(super) fn may_resend(&self) -> bool {
        self.outgoing
            .as_ref()
            .is_some_and(|outgoing| outgoing.method.is_idempotent() && outgoing.upgrade.is_none())
    }

    pub(super) fn connected(
        &mut self,
        lease: Lease<Upstream, P>,
        connection: Box<Connection>,
        now: Instant,
    ) -> State<B, P> {
        let (Some(outgoing), Some(body)) = (&self.outgoing, self.body.take()) else {
            return State::Done;
        };
        self.report.connected = Some(now);
        if self.shared.tells_source {
            self.report.source = connection.source().map(Box::new);
        }
        let upstream = lease.server().target();
        let encoder = outgoing.encoder(&body);
        let plan = Sending {
            method: outgoing.method.clone(),
            await_continue: outgoing.awaits_continue(&body),
            body,
            encoder,
            timeout: self
                .overrides
                .as_ref()
                .and_then(|it| it.server)
                .unwrap_or(self.shared.timeouts.server),
            shut_down: upstream.shut_down(),
        };
        let exchange = Exchange::new(connection, plan, now, |head| {
            let client = self.client.as_ref();
            if let Some(version) = upstream.proxy_version() {
                outgoing::write_proxy_header(head, version, client);
            }
            outgoing.write(head, encoder, &self.shared, client, upstream);
        });
        State::Exchange { lease, exchange }
    }

    /// An attempt has failed before the client saw anything of a response.
    pub(super) fn failed(
        &mut self,
        lease: Lease<Upstream, P>,
        cause: Cause,
        failure: Failure,
    ) -> State<B, P> {
        let server = Arc::clone(lease.server());
        // The slot is free before it is asked for again.
        drop(lease);
        match cause {
            Cause::ConnectFailure => server.counters().connection_errors(),
            _ => server.counters().response_errors(),
        }
        self.observe(&server, cause.into());
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
        if next == Next::Elsewhere {
            // As HAProxy counts: once a request may go elsewhere, what its attempts took was
            // waiting; tried again on its server, they were part of connecting.
            self.report.dequeued = None;
        }
        match next {
            Next::GiveUp => self.answer(failure),
            Next::Elsewhere if self.shared.pool.snapshot().usable().len() > 1 => {
                server.counters().redispatches();
                self.report.redispatched = true;
                if self.bound.take().is_some() {
                    self.report.unbind();
                }
                self.acquire(None, Some(&server))
            }
            // A server that has just refused needs a moment; one that was given time does not.
            Next::SameServer | Next::Elsewhere if failure == Failure::Connect => State::Pause {
                sleep: Box::pin(sleep(TURN_AROUND.min(self.shared.timeouts.connect))),
                server,
            },
            Next::SameServer | Next::Elsewhere => self.acquire(Some(server), None),
        }
    }

    fn affordable(&self, cause: Cause) -> bool {
        let no_resend = self.overrides.as_ref().is_some_and(|it| it.no_resend);
        let resend = cause == Cause::ConnectFailure || !no_resend;
        resend
            && self.attempts.retries_on(cause)
            && self
                .shared
                .budget
                .as_ref()
                .is_none_or(|budget| budget.withdraw())
    }

    pub(super) fn exchange_failed(
        &mut self,
        lease: Lease<Upstream, P>,
        exchange: Box<Exchange<B>>,
        error: ExchangeError<B::Error>,
    ) -> State<B, P> {
        let reused = exchange.is_reused();
        let junk = match error {
            ExchangeError::Malformed => Some(Junk(fault::copy(exchange.unread()))),
            _ => None,
        };
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
            ExchangeError::CutShort => {
                self.failed(lease, Cause::JunkResponse, Failure::BadResponse)
            }
            ExchangeError::Malformed => {
                let mut state = self.failed(lease, Cause::JunkResponse, Failure::InvalidResponse);
                if let (State::Answered(response), Some(junk)) = (&mut state, junk) {
                    response.extensions_mut().insert(junk);
                }
                state
            }
            ExchangeError::Timeout => {
                self.failed(lease, Cause::ResponseTimeout, Failure::ResponseTimeout)
            }
        }
    }

    /// Finds the key to hash in the beginning of the body. A body that fails
    /// has none; the failure shows again when it is sent.
    pub(super) fn poll_key(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let (Some(body), Some(key)) = (&mut self.body, &self.shared.key) {
            let data = ready!(body.poll_peek(cx));
            let key = data.map_or(Key::None, |data| key.body_key(data));
            self.hash = self.shared.pool.digest(key);
        }
        Poll::Ready(())
    }

    pub(super) fn observe(&self, server: &Server<Upstream>, outcome: Outcome) {
        if let Some(observer) = &self.shared.observer {
            observer.observe(server, outcome);
        }
    }
}

/// What went wrong with the client's body, where this crate's server read it.
fn failure_of(error: &(dyn std::error::Error + Send + Sync + 'static)) -> Failure {
    match error.downcast_ref::<ReadError>() {
        Some(ReadError::Timeout) => Failure::ClientTimeout,
        Some(ReadError::TooLarge) => Failure::BodyTooLarge,
        Some(ReadError::Malformed(_)) => Failure::InvalidBody,
        _ => Failure::Client,
    }
}
