//! The reverse proxy: a tower service that sends a request to a server of a
//! pool and answers with that server's response.
//!
//! It is infallible: what goes wrong becomes a response with HAProxy's status
//! (503 no server, 504 server too slow, 502 bad answer, …). Every response
//! carries an [`Exchange`](crate::exchange::Exchange) in its extensions.
//!
//! The way of one request:
//!
//! 1. `Outgoing` takes the request's head apart: what belongs to the client's
//!    connection goes, `X-Forwarded-For` and `Via` come.
//! 2. A [`Lease`](lb_core::Lease) on a server, perhaps after a wait in the queue.
//! 3. An idle connection, or a new one.
//! 4. The exchange. A failure before the response leads back to 2, if
//!    [`Retries`] says so.
//! 5. The response streams through [`Body`], which holds the lease to its end.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use lb_core::{Pool, policy::RoundRobin};
//! use lb_http::{Proxy, Upstream};
//!
//! let pool: Pool<Upstream, _> = Pool::builder()
//!     .server("a", "127.0.0.1:9001")
//!     .server("b", "127.0.0.1:9002")
//!     .build(RoundRobin::new())?;
//! let proxy = Proxy::builder(pool).forwarded_for(Default::default()).build();
//!
//! use tower::ServiceExt;
//! let request = http::Request::get("/").body(http_body_util::Empty::new())?;
//! let response = proxy.oneshot(request).await?;
//! assert_eq!(response.status(), 503, "nobody listens there");
//! # Ok(()) }
//! ```

mod binding;
mod body;
mod builder;
mod future;
mod local;
mod outgoing;

use std::{
    convert::Infallible,
    fmt,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderValue, Request, Response};
use http_body::Body as HttpBody;
use lb_core::{
    Policy, Pool,
    health::{Observable, Observer},
    policy::RoundRobin,
    retry::{Budget, Retries},
};
use tower_service::Service;

pub use body::Body;
pub use builder::Builder;
pub use future::ResponseFuture;

use crate::{Upstream, fetch::key::KeySource, headers::ForwardedFor, page::Pages};

/// Whether a request may use a connection that carried another one before
/// (`http-reuse`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Reuse {
    /// Every request has a connection of its own.
    Never,
    /// Yes, where a connection that turns out to be closed does no harm: the
    /// request can be sent again, or is not the first on its client connection.
    #[default]
    Safe,
    /// Like `Always`; HAProxy tells apart connections that were reused before.
    Aggressive,
    /// Always.
    Always,
}

/// How long the proxy waits for a server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Timeouts {
    /// For a connection (`timeout connect`).
    pub connect: Duration,
    /// For the next bytes of a response (`timeout server`).
    pub server: Duration,
    /// For the next bytes of either side once protocols were switched
    /// (`timeout tunnel`).
    pub tunnel: Duration,
    /// For the rest, once the client has closed its half of a tunnel
    /// (`timeout client-fin`).
    pub client_fin: Duration,
    /// For the rest, once the server has closed its half of a tunnel
    /// (`timeout server-fin`).
    pub server_fin: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            server: Duration::from_secs(50),
            tunnel: Duration::from_secs(3600),
            client_fin: Duration::from_secs(30),
            server_fin: Duration::from_secs(30),
        }
    }
}

/// Request extension: what is different for this one request (`set-timeout`, `disable-l7-retry`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Overrides {
    /// In the place of [`Timeouts::server`].
    pub server: Option<Duration>,
    /// In the place of [`Timeouts::tunnel`].
    pub tunnel: Option<Duration>,
    /// It is sent again only where no connection could be had.
    pub no_resend: bool,
}

/// The service. Cloning is cheap and shares all of it.
pub struct Proxy<P: Policy = RoundRobin> {
    shared: Arc<Shared<P>>,
}

struct Shared<P: Policy> {
    pool: Pool<Upstream, P>,
    shard: usize,
    timeouts: Timeouts,
    retries: Retries,
    budget: Option<Arc<Budget>>,
    reuse: Reuse,
    /// Asks the server to close after each response (`http-server-close`).
    server_close: bool,
    tells_source: bool,
    forwarded_for: Option<ForwardedFor>,
    via: Option<HeaderValue>,
    pages: Arc<Pages>,
    key: Option<KeySource>,
    observer: Option<Observer>,
}

impl<P: Policy> Proxy<P> {
    /// A proxy with HAProxy's defaults in front of `pool`.
    pub fn new(pool: Pool<Upstream, P>) -> Self {
        Self::builder(pool).build()
    }

    /// A proxy to configure.
    pub fn builder(pool: Pool<Upstream, P>) -> Builder<P> {
        Builder::new(pool)
    }

    /// Its servers.
    pub fn pool(&self) -> &Pool<Upstream, P> {
        &self.shared.pool
    }
}

impl<P: Policy> Clone for Proxy<P> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

/// As [`HealthChecker`](lb_core::HealthChecker) does when it is layered over it.
/// Proxies made from this one before are not told.
impl<P: Policy> Observable for Proxy<P> {
    fn observed_by(self, observer: Observer) -> Self {
        let shared = &*self.shared;
        Self {
            shared: Arc::new(Shared {
                pool: shared.pool.clone(),
                retries: shared.retries.clone(),
                budget: shared.budget.clone(),
                forwarded_for: shared.forwarded_for.clone(),
                via: shared.via.clone(),
                pages: Arc::clone(&shared.pages),
                key: shared.key.clone(),
                observer: Some(observer),
                ..*shared
            }),
        }
    }
}

impl<P: Policy> fmt::Debug for Proxy<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy")
            .field("pool", &self.shared.pool)
            .finish_non_exhaustive()
    }
}

impl<P, B> Service<Request<B>> for Proxy<P>
where
    P: Policy,
    B: HttpBody<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = Response<Body<B, P>>;
    type Error = Infallible;
    type Future = ResponseFuture<B, P>;

    /// Always ready: which server a request gets is not known before it is
    /// there. Those that must wait do so in the pool's queue.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        ResponseFuture::new(Arc::clone(&self.shared), request)
    }
}
