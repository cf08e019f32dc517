//! [`Balancer`]: many tower services that appear as one.
//!
//! Behind each [`Server`] of a pool stands a tower service, of any request
//! type. A call
//!
//! 1. waits for a [`Lease`](crate::Lease) on a server that the policy chooses,
//!    perhaps in the pool's queue;
//! 2. clones that server's service, polls the clone until it is ready, and
//!    calls it;
//! 3. holds the lease until the inner future completes;
//! 4. after a failure, and if the [`Strategy`] says so, begins anew, as a rule
//!    with another server.
//!
//! `poll_ready` is always ready, because which server a request gets is not
//! known before the request is: back-pressure is the bounded wait in the queue.
//! That is also why there is no `Layer`: a balancer is where a stack ends and
//! its servers' stacks begin.
//!
//! Nothing is allocated for a request, unless the inner services do so when they
//! are cloned and called, or it has to wait in the queue.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use lb_core::{Balancer, Server, policy::LeastConn};
//! use tower::{ServiceExt, service_fn};
//!
//! async fn shout(word: &str) -> Result<String, std::io::Error> {
//!     Ok(word.to_uppercase())
//! }
//!
//! let balancer = Balancer::builder(LeastConn::new())
//!     .server(Server::new("a", service_fn(shout)).weight(2).max_conn(100))
//!     .server(Server::new("b", service_fn(shout)).backup())
//!     .build()?;
//!
//! assert_eq!(balancer.oneshot("hello").await?, "HELLO");
//! # Ok(()) }
//! ```

mod aim;
mod builder;
pub mod error;
pub mod future;
mod service;
mod steer;
mod strategy;

#[cfg(all(test, not(loom)))]
mod tests;

use std::{fmt, sync::Arc};

pub use aim::{Aim, Keyed, Ranked};
pub use builder::{Builder, Declared};
pub use error::BalanceError;
pub use steer::{Steer, Steered};
pub use strategy::{AnyError, Classify, Limits, NoRetry, Resend, Strategy};

use crate::{
    health::{Observable, Observer, Outcome},
    policy::{Policy, RoundRobin},
    pool::Pool,
    retry::Cause,
    server::Server,
};

/// A tower service over the services of a pool. Cloning is cheap and shares all
/// of it.
///
/// `A` says what a request wants of the pool ([`Aim`]), `R` whether it is sent
/// again after a failure ([`Strategy`]).
pub struct Balancer<T, P: Policy = RoundRobin, A = (), R = NoRetry> {
    shared: Arc<Shared<T, P, A, R>>,
}

struct Shared<T, P: Policy, A, R> {
    pool: Pool<T, P>,
    rules: Arc<Rules<A, R>>,
    observer: Option<Observer>,
}

struct Rules<A, R> {
    aim: A,
    strategy: R,
}

impl<T> Balancer<T> {
    /// A balancer to declare, server by server.
    pub fn builder<P: Policy>(policy: P) -> Builder<Declared<T, P>> {
        Builder::declare(policy)
    }
}

impl<T, P: Policy> Balancer<T, P> {
    /// A balancer over the servers of `pool`, which may have other users.
    pub fn from_pool(pool: Pool<T, P>) -> Self {
        Self::over(pool).build()
    }

    /// The same, to configure.
    pub fn over(pool: Pool<T, P>) -> Builder<Pool<T, P>> {
        Builder::over(pool)
    }
}

impl<T, P: Policy, A, R> Balancer<T, P, A, R> {
    fn new(pool: Pool<T, P>, aim: A, strategy: R) -> Self {
        Self {
            shared: Arc::new(Shared {
                pool,
                rules: Arc::new(Rules { aim, strategy }),
                observer: None,
            }),
        }
    }

    /// Its servers.
    pub fn pool(&self) -> &Pool<T, P> {
        &self.shared.pool
    }
}

impl<T, P: Policy, A, R> Shared<T, P, A, R> {
    /// Tells how an attempt went: `None` is well.
    fn observe(&self, server: &Server<T>, cause: Option<Cause>) {
        match cause {
            None => {}
            Some(Cause::ConnectFailure) => server.counters().connection_errors(),
            Some(_) => server.counters().response_errors(),
        }
        let Some(observer) = &self.observer else {
            return;
        };
        match cause {
            Some(cause) => observer.observe(server, cause.into()),
            None => {
                // Which layer counts is the checker's to know. Services answer
                // in types of their own: what is no failure is as good as 200.
                observer.observe(server, Outcome::Connected);
                observer.observe(server, Outcome::Response(200));
            }
        }
    }
}

/// As [`HealthChecker`](crate::HealthChecker) does when it is layered over it.
/// Balancers cloned from this one before are not told.
impl<T, P: Policy, A, R> Observable for Balancer<T, P, A, R> {
    fn observed_by(self, observer: Observer) -> Self {
        Self {
            shared: Arc::new(Shared {
                pool: self.shared.pool.clone(),
                rules: Arc::clone(&self.shared.rules),
                observer: Some(observer),
            }),
        }
    }
}

impl<T, P: Policy, A, R> Clone for Balancer<T, P, A, R> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<T, P: Policy, A, R> fmt::Debug for Balancer<T, P, A, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Balancer")
            .field("pool", &self.shared.pool)
            .finish_non_exhaustive()
    }
}
