//! The future of a [`Balancer`](super::Balancer).

use std::{
    fmt,
    future::Future,
    ops::ControlFlow::{self, Break, Continue},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep};
use tower_service::Service;

use super::{Limits, Shared, Strategy, error::BalanceError, steer::Steered};
use crate::{
    policy::Policy,
    pool::{Acquire, Lease, Priority, Want},
    retry::{Attempts, Cause, Next},
    server::{Server, ServerUid},
};

pin_project! {
    /// One request, through every attempt.
    #[project = FutureProj]
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<T, P, A, R, Req>
    where
        T: Service<Req>,
        P: Policy,
        R: Strategy<Req, T::Response, T::Error>,
    {
        shared: Arc<Shared<T, P, A, R>>,
        #[pin]
        state: StateOf<T, P, Req>,
        route: Route,
        attempts: Option<Attempts>,
        kept: R::Kept,
    }
}

type Output<T, Req> =
    Result<<T as Service<Req>>::Response, BalanceError<<T as Service<Req>>::Error>>;

type StateOf<T, P, Req> = State<T, P, Req, <T as Service<Req>>::Future>;

/// Where the request goes.
struct Route {
    hash: Option<u32>,
    priority: Priority,
    /// The server that persistence chose, until another one is had.
    bound: Option<ServerUid>,
    server: Option<ServerUid>,
}

pin_project! {
    #[project = StateProj]
    enum State<T, P: Policy, Req, F> {
        /// A server is being had.
        Choosing {
            acquire: Acquire<T, P>,
            request: Option<Req>,
        },
        /// Its service is getting ready.
        Readying {
            lease: Option<Lease<T, P>>,
            service: T,
            request: Option<Req>,
        },
        /// It is at work.
        Called {
            lease: Option<Lease<T, P>>,
            since: Instant,
            #[pin]
            future: F,
        },
        /// It failed, and is left alone before it is tried again.
        Pausing {
            server: Arc<Server<T>>,
            request: Option<Req>,
            #[pin]
            pause: Sleep,
        },
        Done,
    }
}

impl<T, P, A, R, Req> ResponseFuture<T, P, A, R, Req>
where
    T: Service<Req>,
    P: Policy,
    R: Strategy<Req, T::Response, T::Error>,
{
    pub(super) fn new(shared: Arc<Shared<T, P, A, R>>, want: Want<T>, request: Req) -> Self {
        let strategy = &shared.rules.strategy;
        let kept = strategy.keep(&request);
        let attempts = strategy.limits().map(Limits::attempts);
        let route = Route {
            hash: want.hash,
            priority: want.priority,
            bound: want.server.as_ref().map(|server| server.uid()),
            server: None,
        };
        Self {
            state: State::Choosing {
                acquire: shared.pool.acquire(want),
                request: Some(request),
            },
            shared,
            route,
            attempts,
            kept,
        }
    }
}

impl<T, P, A, R, Req> Future for ResponseFuture<T, P, A, R, Req>
where
    T: Service<Req> + Clone,
    P: Policy,
    R: Strategy<Req, T::Response, T::Error>,
{
    type Output = Output<T, Req>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let next = match this.state.as_mut().project() {
                StateProj::Choosing { acquire, request } => {
                    match ready!(Pin::new(acquire).poll(cx)) {
                        Ok(lease) => {
                            this.route.arrived(lease.server().uid());
                            State::Readying {
                                service: lease.server().target().clone(),
                                lease: Some(lease),
                                request: request.take(),
                            }
                        }
                        Err(error) => {
                            this.state.set(State::Done);
                            return Poll::Ready(Err(BalanceError::Unavailable(error)));
                        }
                    }
                }
                StateProj::Readying {
                    lease,
                    service,
                    request,
                } => match ready!(service.poll_ready(cx)) {
                    Ok(()) => State::Called {
                        since: Instant::now(),
                        future: service.call(request.take().expect("an attempt has one")),
                        lease: lease.take(),
                    },
                    Err(error) => {
                        let lease = lease.take();
                        match this.finish(lease, None, Err(error)) {
                            Continue(again) => again,
                            Break(output) => return Poll::Ready(output),
                        }
                    }
                },
                StateProj::Called {
                    lease,
                    since,
                    future,
                } => {
                    let result = ready!(future.poll(cx));
                    let (lease, since) = (lease.take(), *since);
                    match this.finish(lease, Some(since), result) {
                        Continue(again) => again,
                        Break(output) => return Poll::Ready(output),
                    }
                }
                StateProj::Pausing {
                    server,
                    request,
                    pause,
                } => {
                    ready!(pause.poll(cx));
                    let want = this.route.want(Some(Arc::clone(server)), None);
                    State::Choosing {
                        acquire: this.shared.pool.acquire(want),
                        request: request.take(),
                    }
                }
                StateProj::Done => panic!("polled after completion"),
            };
            this.state.set(next);
        }
    }
}

impl<T, P, A, R, Req> FutureProj<'_, T, P, A, R, Req>
where
    T: Service<Req>,
    P: Policy,
    R: Strategy<Req, T::Response, T::Error>,
{
    /// An attempt is over: with the result, or with another attempt.
    fn finish(
        &mut self,
        lease: Option<Lease<T, P>>,
        since: Option<Instant>,
        result: Result<T::Response, T::Error>,
    ) -> ControlFlow<Output<T, Req>, StateOf<T, P, Req>> {
        // The inner future goes before its slot does.
        self.state.set(State::Done);
        let lease = lease.expect("an attempt holds a lease");
        let cause = self.shared.rules.strategy.cause(&result);
        if let (None, Some(since), true) = (cause, since, lease.records_latency()) {
            let now = Instant::now();
            lease.record_latency(now.saturating_duration_since(since), now);
        }
        let server = Arc::clone(lease.server());
        self.shared.observe(&server, cause);
        // The slot is free before another is asked for.
        drop(lease);
        match cause.and_then(|cause| self.again(cause, server)) {
            Some(again) => Continue(again),
            None => Break(result.map_err(BalanceError::Inner)),
        }
    }

    fn again(&mut self, cause: Cause, server: Arc<Server<T>>) -> Option<StateOf<T, P, Req>> {
        let Shared { pool, rules, .. } = &**self.shared;
        let limits = rules.strategy.limits()?;
        let attempts = self.attempts.as_mut()?;
        if !attempts.retries_on(cause) || !limits.affords_another() {
            return None;
        }
        let request = rules.strategy.again(self.kept)?;
        let next = attempts.failed(cause, self.route.bound.is_some());
        server.counters().retries();
        // Elsewhere is nowhere if this is the only server.
        if next == Next::Elsewhere && pool.snapshot().usable().len() > 1 {
            server.counters().redispatches();
            self.route.bound = None;
            return Some(State::Choosing {
                acquire: pool.acquire(self.route.want(None, Some(server.uid()))),
                request: Some(request),
            });
        }
        Some(State::Pausing {
            server,
            request: Some(request),
            pause: sleep(limits.pause),
        })
    }
}

impl Route {
    fn arrived(&mut self, server: ServerUid) {
        self.bound = self.bound.filter(|bound| *bound == server);
        self.server = Some(server);
    }

    fn want<T>(&self, server: Option<Arc<Server<T>>>, avoid: Option<ServerUid>) -> Want<T> {
        Want {
            server,
            hash: self.hash,
            avoid,
            priority: self.priority,
            ..Want::default()
        }
    }
}

impl<T, P, A, R, Req> Steered for ResponseFuture<T, P, A, R, Req>
where
    T: Service<Req>,
    P: Policy,
    R: Strategy<Req, T::Response, T::Error>,
{
    fn server(&self) -> Option<ServerUid> {
        self.route.server
    }
}

impl<T, P, A, R, Req> fmt::Debug for ResponseFuture<T, P, A, R, Req>
where
    T: Service<Req>,
    P: Policy,
    R: Strategy<Req, T::Response, T::Error>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture")
            .field("pool", &self.shared.pool.name())
            .field("server", &self.route.server)
            .finish_non_exhaustive()
    }
}
