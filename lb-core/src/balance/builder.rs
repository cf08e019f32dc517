//! Declaring a balancer.

use std::{fmt, time::Duration};

use super::{
    Balancer, NoRetry,
    aim::{Keyed, Ranked},
};
use crate::{
    policy::{Key, Policy},
    pool::{self, BuildError, Pool, Priority},
    server::Server,
};

/// A balancer to be; see [`Balancer::builder`] and [`Balancer::over`].
///
/// `S` is where its servers come from: [`Declared`] here, or a [`Pool`].
#[derive(Clone, Debug)]
pub struct Builder<S, A = (), R = NoRetry> {
    servers: S,
    aim: A,
    strategy: R,
}

/// Servers that are being declared.
pub struct Declared<T, P> {
    pool: pool::Builder<T>,
    policy: P,
}

impl<T, P: Policy> Builder<Declared<T, P>> {
    pub(super) fn declare(policy: P) -> Self {
        Self {
            servers: Declared {
                pool: Pool::builder(),
                policy,
            },
            aim: (),
            strategy: NoRetry::default(),
        }
    }
}

impl<T, P: Policy, A, R> Builder<Declared<T, P>, A, R> {
    /// Adds a server.
    #[must_use]
    pub fn server(self, server: Server<T>) -> Self {
        self.edit(|pool| pool.with(server))
    }

    /// See [`pool::Builder::name`].
    #[must_use]
    pub fn name(self, name: impl Into<String>) -> Self {
        self.edit(|pool| pool.name(name))
    }

    /// See [`pool::Builder::all_backups`].
    #[must_use]
    pub fn all_backups(self) -> Self {
        self.edit(pool::Builder::all_backups)
    }

    /// See [`pool::Builder::allow_empty`].
    #[must_use]
    pub fn allow_empty(self) -> Self {
        self.edit(pool::Builder::allow_empty)
    }

    /// See [`pool::Builder::full_conn`].
    #[must_use]
    pub fn full_conn(self, load: u32) -> Self {
        self.edit(|pool| pool.full_conn(load))
    }

    /// How long a request waits for a server; 5 s unless given.
    #[must_use]
    pub fn queue_timeout(self, timeout: Duration) -> Self {
        self.edit(|pool| pool.queue_timeout(timeout))
    }

    fn edit(mut self, edit: impl FnOnce(pool::Builder<T>) -> pool::Builder<T>) -> Self {
        self.servers.pool = edit(self.servers.pool);
        self
    }

    /// Builds it.
    ///
    /// # Errors
    ///
    /// [`BuildError`] says which server is at fault.
    pub fn build(self) -> Result<Balancer<T, P, A, R>, BuildError> {
        let Declared { pool, policy } = self.servers;
        Ok(Balancer::new(pool.build(policy)?, self.aim, self.strategy))
    }
}

impl<T, P: Policy> Builder<Pool<T, P>> {
    pub(super) fn over(pool: Pool<T, P>) -> Self {
        Self {
            servers: pool,
            aim: (),
            strategy: NoRetry::default(),
        }
    }
}

impl<T, P: Policy, A, R> Builder<Pool<T, P>, A, R> {
    /// Builds it.
    pub fn build(self) -> Balancer<T, P, A, R> {
        Balancer::new(self.servers, self.aim, self.strategy)
    }
}

impl<S, A, R> Builder<S, A, R> {
    /// What a hashing policy hashes: `|request: &Request| Key::Bytes(…)`.
    pub fn key<Req, F>(self, key: F) -> Builder<S, Keyed<F, A>, R>
    where
        F: Fn(&Req) -> Key<'_>,
    {
        Builder {
            servers: self.servers,
            aim: Keyed {
                key,
                rest: self.aim,
            },
            strategy: self.strategy,
        }
    }

    /// Where in the queue a request stands, lower first.
    pub fn priority<Req, F>(self, priority: F) -> Builder<S, Ranked<F, A>, R>
    where
        F: Fn(&Req) -> Priority,
    {
        Builder {
            servers: self.servers,
            aim: Ranked {
                priority,
                rest: self.aim,
            },
            strategy: self.strategy,
        }
    }

    /// What counts as a failure, and whether the request is sent again after
    /// one: [`Resend`](super::Resend), for requests that can be cloned, or a
    /// [`Strategy`](super::Strategy) of yours.
    pub fn retry<Q>(self, strategy: Q) -> Builder<S, A, Q> {
        Builder {
            servers: self.servers,
            aim: self.aim,
            strategy,
        }
    }
}

impl<T, P> fmt::Debug for Declared<T, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Declared").finish_non_exhaustive()
    }
}
