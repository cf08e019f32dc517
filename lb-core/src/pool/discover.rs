//! tower's service discovery, in and out.
//!
//! [`Pool::drive`] follows a [`Discover`] stream, so that DNS, a registry or a
//! file watcher can feed a pool; [`Pool::discover`] is one, so that any tower
//! balancer can follow the health that a pool knows of.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    fmt,
    hash::Hash,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, ready},
};

use futures_core::Stream;
use pin_project_lite::pin_project;
use std::future::{Future, poll_fn};
use tokio::sync::futures::OwnedNotified;
use tower::discover::{Change, Discover};

use super::Pool;
use crate::{
    policy::Policy,
    server::{Server, ServerUid},
};

impl<T, P: Policy> Pool<T, P> {
    /// Follows `discover` until it ends: each key inserted becomes a server of
    /// that name, each key removed goes. A key inserted again replaces its
    /// server.
    ///
    /// # Errors
    ///
    /// The stream's error. The servers stay as they were when it failed, so the
    /// application can report it and drive a new stream.
    pub async fn drive<D>(&self, discover: D) -> Result<(), D::Error>
    where
        D: Discover<Service = T>,
        D::Key: fmt::Display + Hash,
    {
        let mut discover = pin!(discover);
        let mut known: HashMap<D::Key, ServerUid> = HashMap::new();
        while let Some(change) = poll_fn(|cx| discover.as_mut().poll_discover(cx)).await {
            match change? {
                Change::Insert(key, target) => {
                    let name = key.to_string();
                    let before = known.remove(&key).or_else(|| self.uid_of(&name));
                    match self.put(Server::new(name.clone(), target).affinity(name), before) {
                        Ok(server) => {
                            known.insert(key, server.uid());
                        }
                        Err(error) => tracing::warn!(%error, "discovered server left out"),
                    }
                }
                Change::Remove(key) => {
                    if let Some(server) = known.remove(&key) {
                        self.remove(server);
                    }
                }
            }
        }
        Ok(())
    }

    fn uid_of(&self, name: &str) -> Option<ServerUid> {
        self.snapshot().by_name(name).map(|server| server.uid())
    }

    /// The usable servers as a stream of changes: one that goes DOWN, drains or
    /// leaves is removed, one that comes back is inserted.
    pub fn discover(&self) -> Discovered<T, P> {
        Discovered {
            changed: self.changed(),
            pool: self.clone(),
            known: HashSet::new(),
            pending: VecDeque::new(),
            fresh: true,
        }
    }
}

pin_project! {
    /// A [`Discover`] over the usable servers of a pool; see [`Pool::discover`].
    pub struct Discovered<T, P: Policy> {
        #[pin]
        changed: OwnedNotified,
        pool: Pool<T, P>,
        known: HashSet<ServerUid>,
        pending: VecDeque<Change<ServerUid, Arc<Server<T>>>>,
        fresh: bool,
    }
}

impl<T, P: Policy> Stream for Discovered<T, P> {
    type Item = Result<Change<ServerUid, Arc<Server<T>>>, std::convert::Infallible>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        loop {
            if let Some(change) = this.pending.pop_front() {
                return Poll::Ready(Some(Ok(change)));
            }
            if !std::mem::take(this.fresh) {
                ready!(this.changed.as_mut().poll(cx));
                // Registered before the snapshot is read, so that a change in
                // between is not missed.
                this.changed.set(this.pool.changed());
            }
            let snapshot = this.pool.snapshot();
            let now: HashSet<_> = snapshot.usable().iter().map(|s| s.uid()).collect();
            let gone = this.known.difference(&now).copied().map(Change::Remove);
            let come = snapshot
                .usable()
                .iter()
                .filter(|server| !this.known.contains(&server.uid()))
                .map(|server| Change::Insert(server.uid(), Arc::clone(server)));
            this.pending.extend(gone.chain(come));
            *this.known = now;
        }
    }
}

impl<T, P: Policy> fmt::Debug for Discovered<T, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Discovered")
            .field("known", &self.known)
            .finish_non_exhaustive()
    }
}
