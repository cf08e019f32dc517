//! Configuring a proxy.

use std::sync::Arc;

use http::HeaderValue;
use lb_core::{
    Policy, Pool,
    retry::{Budget, Retries},
};

use super::{Proxy, Reuse, Shared, Timeouts};
use crate::{Upstream, fetch::key::KeySource, headers::ForwardedFor, page::Pages};

/// A proxy to be; see [`Proxy::builder`].
pub struct Builder<P: Policy> {
    shared: Shared<P>,
}

impl<P: Policy> std::fmt::Debug for Builder<P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builder")
            .field("pool", &self.shared.pool)
            .finish_non_exhaustive()
    }
}

impl<P: Policy> Builder<P> {
    pub(super) fn new(pool: Pool<Upstream, P>) -> Self {
        Self {
            shared: Shared {
                pool,
                shard: 0,
                timeouts: Timeouts::default(),
                retries: Retries::default(),
                budget: None,
                reuse: Reuse::default(),
                server_close: false,
                tells_source: false,
                forwarded_for: None,
                via: Some(HeaderValue::from_static("lb")),
                pages: Arc::default(),
                key: None,
                observer: None,
            },
        }
    }

    /// Which of the servers' sets of idle connections it uses; each runtime
    /// needs one of its own ([`Upstream::pool`]).
    #[must_use]
    pub fn shard(mut self, shard: usize) -> Self {
        self.shared.shard = shard;
        self
    }

    /// How long it waits.
    #[must_use]
    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.shared.timeouts = timeouts;
        self
    }

    /// Whether an [`Exchange`](crate::exchange::Exchange) has the address of this side of the connection to the server
    /// (`%bi`, `%bp`), which costs a system call a request.
    #[must_use]
    pub fn tells_source(mut self, tells: bool) -> Self {
        self.shared.tells_source = tells;
        self
    }

    /// How often and why a request is tried again.
    #[must_use]
    pub fn retries(mut self, retries: Retries) -> Self {
        self.shared.retries = retries;
        self
    }

    /// A bound on retries, which several proxies may share.
    #[must_use]
    pub fn retry_budget(mut self, budget: Arc<Budget>) -> Self {
        self.shared.budget = Some(budget);
        self
    }

    /// Whether connections are used for more than one request.
    #[must_use]
    pub fn reuse(mut self, reuse: Reuse) -> Self {
        self.shared.reuse = reuse;
        self
    }

    /// Asks servers to close the connection after each response
    /// (`http-server-close`).
    #[must_use]
    pub fn server_close(mut self, close: bool) -> Self {
        self.shared.server_close = close;
        self
    }

    /// Tells servers the client's address (`option forwardfor`). It is known
    /// where the request has a [`Client`](crate::Client) in its extensions.
    #[must_use]
    pub fn forwarded_for(mut self, forwarded_for: ForwardedFor) -> Self {
        self.shared.forwarded_for = Some(forwarded_for);
        self
    }

    /// The name in the `Via` field of requests, a MUST of RFC 9110 §7.6.3;
    /// `None` leaves the field out.
    #[must_use]
    pub fn via(mut self, name: Option<HeaderValue>) -> Self {
        self.shared.via = name;
        self
    }

    /// The pages of its own responses.
    #[must_use]
    pub fn pages(mut self, pages: Arc<Pages>) -> Self {
        self.shared.pages = pages;
        self
    }

    /// What a hashing policy hashes (`balance uri`, `balance hdr(…)`, …).
    #[must_use]
    pub fn key(mut self, key: KeySource) -> Self {
        self.shared.key = Some(key);
        self
    }

    /// Builds it.
    pub fn build(self) -> Proxy<P> {
        Proxy {
            shared: Arc::new(self.shared),
        }
    }
}
