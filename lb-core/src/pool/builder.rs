//! Declaring a pool.

use std::{
    collections::HashSet,
    fmt,
    sync::{Arc, Mutex},
    time::Duration,
};

use arc_swap::ArcSwap;
use tokio::{sync::Notify, time::Instant};

use super::{Pool, Shared, Snapshot, queue::Queue};
use crate::{policy::Policy, server::Server, sync::AtomicU32};

/// Why a pool cannot be built.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// Two servers have one name.
    #[error("two servers are named `{0}`")]
    DuplicateName(String),
    /// Two servers have one number.
    #[error("servers `{first}` and `{second}` both have id {id}")]
    DuplicateId {
        /// The number.
        id: u32,
        /// The server that has it.
        first: String,
        /// The server that wants it too.
        second: String,
    },
    /// What stands behind a server is not understood.
    #[error("server `{server}`: {reason}")]
    Target {
        /// Its name.
        server: String,
        /// What is wrong with it.
        reason: String,
    },
    /// There is no server.
    #[error("a pool needs a server; `allow_empty` lets it start without")]
    Empty,
}

/// A pool to be; see [`Pool::builder`].
#[derive(Debug)]
pub struct Builder<T> {
    name: String,
    servers: Vec<Server<T>>,
    all_backups: bool,
    allow_empty: bool,
    full_conn: u32,
    queue_timeout: Duration,
    failed: Option<BuildError>,
}

impl<T> Builder<T> {
    pub(super) fn new() -> Self {
        Self {
            name: String::new(),
            servers: Vec::new(),
            all_backups: false,
            allow_empty: false,
            full_conn: 0,
            // HAProxy's is that of `timeout connect`, whose default here is 5 s.
            queue_timeout: Duration::from_secs(5),
            failed: None,
        }
    }

    /// Names the pool, for messages and pages.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// A server with nothing but a name and what stands behind it; the name is
    /// its persistence value, too. [`build`](Self::build) fails if `target`
    /// cannot be understood.
    #[must_use]
    pub fn server<U>(mut self, name: impl Into<String>, target: U) -> Self
    where
        U: TryInto<T>,
        U::Error: fmt::Display,
    {
        let name = name.into();
        match target.try_into() {
            Ok(target) => self
                .servers
                .push(Server::new(name.clone(), target).affinity(name)),
            Err(reason) => {
                self.failed.get_or_insert(BuildError::Target {
                    server: name,
                    reason: reason.to_string(),
                });
            }
        }
        self
    }

    /// A server with weight, limits and the like.
    #[must_use]
    pub fn with(mut self, server: Server<T>) -> Self {
        self.servers.push(server);
        self
    }

    /// When no other server is left, all backups share the load and not the
    /// first only (`option allbackups`).
    #[must_use]
    pub fn all_backups(mut self) -> Self {
        self.all_backups = true;
        self
    }

    /// Lets the pool start without servers: they come at run time.
    #[must_use]
    pub fn allow_empty(mut self) -> Self {
        self.allow_empty = true;
        self
    }

    /// The load at which servers with a `min_conn` get their full `max_conn`
    /// (`fullconn`).
    #[must_use]
    pub fn full_conn(mut self, load: u32) -> Self {
        self.full_conn = load;
        self
    }

    /// How long a request waits for a slot; 5 s unless given (`timeout queue`).
    #[must_use]
    pub fn queue_timeout(mut self, timeout: Duration) -> Self {
        self.queue_timeout = timeout;
        self
    }

    /// Builds it.
    ///
    /// # Errors
    ///
    /// [`BuildError`] says which server is at fault.
    pub fn build<P: Policy>(self, policy: P) -> Result<Pool<T, P>, BuildError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        if self.servers.is_empty() && !self.allow_empty {
            return Err(BuildError::Empty);
        }
        let members = number(self.servers)?;
        let snapshot = Snapshot::build(&policy, &members, self.all_backups, None);
        Ok(Pool {
            shared: Arc::new(Shared {
                name: self.name.into_boxed_str(),
                interest: policy.interest(),
                policy,
                all_backups: self.all_backups,
                queue_timeout: self.queue_timeout,
                epoch: Instant::now(),
                leases: AtomicU32::new(0),
                full_conn: AtomicU32::new(self.full_conn),
                snapshot: ArcSwap::from_pointee(snapshot),
                queue: Queue::new(),
                members: Mutex::new(members),
                changed: Arc::new(Notify::new()),
            }),
        })
    }
}

/// Gives every server without a number its position, or, where that is taken,
/// the next number that is free.
fn number<T>(mut servers: Vec<Server<T>>) -> Result<Vec<Arc<Server<T>>>, BuildError> {
    let mut names = HashSet::new();
    let mut taken = std::collections::HashMap::new();
    for server in &servers {
        if !names.insert(server.name().to_owned()) {
            return Err(BuildError::DuplicateName(server.name().to_owned()));
        }
        let id = server.number();
        if id != 0
            && let Some(first) = taken.insert(id, server.name().to_owned())
        {
            return Err(BuildError::DuplicateId {
                id,
                first,
                second: server.name().to_owned(),
            });
        }
    }
    let mut next = 1;
    for server in &mut servers {
        if server.number() == 0 {
            while taken.contains_key(&next) {
                next += 1;
            }
            server.set_number(next);
            next += 1;
        }
    }
    Ok(servers.into_iter().map(Arc::new).collect())
}
