//! Declaring a pool.

use std::{
    collections::{HashMap, HashSet},
    fmt,
    sync::{Arc, Mutex},
    time::Duration,
};

use arc_swap::ArcSwap;
use tokio::{sync::Notify, time::Instant};

use super::{Pool, Shared, Snapshot, Watched, queue::Queue, snapshot::Shape};
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
        let declared = self.succeeding(|_| None)?;
        let shape = Shape::new(policy, declared.all_backups, declared.queue_timeout);
        let snapshot = Snapshot::build(&Arc::new(shape), &declared.servers, None);
        Ok(Pool {
            shared: Arc::new(Shared {
                name: declared.name,
                interest: Watched::new(snapshot.shape().interest),
                epoch: Instant::now(),
                leases: AtomicU32::new(0),
                full_conn: AtomicU32::new(declared.full_conn),
                snapshot: ArcSwap::from_pointee(snapshot),
                queue: Queue::new(),
                members: Mutex::new(declared.servers),
                changed: Arc::new(Notify::new()),
            }),
        })
    }
}

/// What has been declared, found to be without a mistake.
pub(super) struct Sound<T> {
    pub(super) name: Box<str>,
    pub(super) servers: Vec<Arc<Server<T>>>,
    pub(super) all_backups: bool,
    pub(super) full_conn: u32,
    pub(super) queue_timeout: Duration,
}

impl<T> Builder<T> {
    /// Looks for mistakes; each server is a new declaration of the one that `before` finds for it.
    pub(super) fn succeeding<'b>(
        mut self,
        before: impl Fn(&Server<T>) -> Option<&'b Server<T>>,
    ) -> Result<Sound<T>, BuildError>
    where
        T: 'b,
    {
        if let Some(error) = self.failed {
            return Err(error);
        }
        if self.servers.is_empty() && !self.allow_empty {
            return Err(BuildError::Empty);
        }
        check(&self.servers)?;
        for server in &mut self.servers {
            if let Some(before) = before(server) {
                server.succeed(before);
            }
        }
        Ok(Sound {
            name: self.name.into_boxed_str(),
            servers: number(self.servers),
            all_backups: self.all_backups,
            full_conn: self.full_conn,
            queue_timeout: self.queue_timeout,
        })
    }
}

/// No two have one name or one number.
fn check<T>(servers: &[Server<T>]) -> Result<(), BuildError> {
    let mut names = HashSet::new();
    let mut taken = HashMap::new();
    for server in servers {
        if !names.insert(server.name()) {
            return Err(BuildError::DuplicateName(server.name().to_owned()));
        }
        let id = server.number();
        if id != 0
            && let Some(first) = taken.insert(id, server.name())
        {
            return Err(BuildError::DuplicateId {
                id,
                first: first.to_owned(),
                second: server.name().to_owned(),
            });
        }
    }
    Ok(())
}

/// Gives every server without a number its position, or, where that is taken,
/// the next number that is free.
fn number<T>(mut servers: Vec<Server<T>>) -> Vec<Arc<Server<T>>> {
    let taken: HashSet<u32> = servers.iter().map(Server::number).collect();
    let mut next = 1;
    for server in &mut servers {
        if server.number() == 0 {
            while taken.contains(&next) {
                next += 1;
            }
            server.set_number(next);
            next += 1;
        }
    }
    servers.into_iter().map(Arc::new).collect()
}
