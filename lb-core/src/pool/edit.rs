//! Changing a pool at run time: one writer at a time, and readers see each
//! change whole.

use std::{
    mem,
    sync::{Arc, PoisonError},
};

use tokio::sync::futures::OwnedNotified;

use super::{BuildError, Pool, Shared, Snapshot};
use crate::{
    policy::Policy,
    server::{Administrative, Operational, Server, ServerUid},
    sync::Ordering,
};

impl<T, P: Policy> Pool<T, P> {
    /// Adds a server at the end.
    ///
    /// # Errors
    ///
    /// [`BuildError`] if its name or number is taken.
    pub fn insert(&self, server: Server<T>) -> Result<Arc<Server<T>>, BuildError> {
        self.put(server, None)
    }

    /// Adds a server, in place of `replaced` if that is a member: it takes over
    /// its number, too, and nobody finds the pool without either.
    pub(super) fn put(
        &self,
        mut server: Server<T>,
        replaced: Option<ServerUid>,
    ) -> Result<Arc<Server<T>>, BuildError> {
        let mut gone = None;
        let added = self.shared.publish(|members| {
            let at = members.iter().position(|o| Some(o.uid()) == replaced);
            let others = || members.iter().filter(|o| Some(o.uid()) != replaced);
            if others().any(|other| other.name() == server.name()) {
                return Err(BuildError::DuplicateName(server.name().to_owned()));
            }
            if server.number() == 0 {
                let free = |id: &u32| others().all(|other| other.number() != *id);
                let number = match at {
                    Some(at) => members[at].number(),
                    // There are fewer servers than numbers.
                    None => (1..).find(free).unwrap_or(u32::MAX),
                };
                server.set_number(number);
            }
            if let Some(other) = others().find(|o| o.number() == server.number()) {
                return Err(BuildError::DuplicateId {
                    id: server.number(),
                    first: other.name().to_owned(),
                    second: server.name().to_owned(),
                });
            }
            let server = Arc::new(server);
            match at {
                Some(at) => gone = Some(mem::replace(&mut members[at], Arc::clone(&server))),
                None => members.push(Arc::clone(&server)),
            }
            Ok(server)
        });
        if let Some(gone) = gone {
            self.shared.dismiss(&gone);
        }
        self.shared.serve_all();
        added
    }

    /// Takes a server out. Requests it is serving go on; those that wait for it
    /// pick again. It is in maintenance from then on, so that whoever still
    /// holds it does not send it anything.
    pub fn remove(&self, server: ServerUid) -> Option<Arc<Server<T>>> {
        let removed = self.shared.publish(|members| {
            let at = members.iter().position(|other| other.uid() == server)?;
            Some(members.remove(at))
        })?;
        self.shared.dismiss(&removed);
        self.shared.serve_all();
        Some(removed)
    }

    /// Sets what the checks found. Those who wait for a server that is now DOWN
    /// pick again; one that is now UP serves the queue at once.
    pub fn set_operational(&self, server: &Arc<Server<T>>, state: Operational) {
        self.shared.change(server, || {
            let before = server.state().set_operational(state);
            if before != Operational::Down && state == Operational::Down {
                server.counters().downs();
            }
        });
    }

    /// Sets what the operator wants.
    pub fn set_administrative(&self, server: &Arc<Server<T>>, state: Administrative) {
        self.shared.change(server, || {
            server.state().set_administrative(state);
        });
    }

    /// Sets the weight, 0 to 256, from now on in full.
    pub fn set_weight(&self, server: &Arc<Server<T>>, weight: u16) {
        self.shared
            .change(server, || server.set_weight(weight, 1.0));
    }

    /// Scales the weight in use by `ramp`, 0 to 1, as slow start does.
    pub fn set_ramp(&self, server: &Arc<Server<T>>, ramp: f64) {
        self.shared
            .change(server, || server.set_weight(server.user_weight(), ramp));
    }

    /// Sets how many requests a server may serve at a time; 0 is no limit.
    pub fn set_max_conn(&self, server: &Arc<Server<T>>, limit: u32) {
        self.shared.change(server, || server.set_max_conn(limit));
    }

    /// Sets the load at which dynamic limits reach their maximum.
    pub fn set_full_conn(&self, load: u32) {
        self.shared.full_conn.store(load, Ordering::Relaxed);
        self.shared.serve_all();
    }

    /// Completes when a server has come, gone, or changed its state or weight
    /// since this was called.
    pub fn changed(&self) -> OwnedNotified {
        Arc::clone(&self.shared.changed).notified_owned()
    }
}

impl<T, P: Policy> Shared<T, P> {
    /// Edits the members and publishes the result, all under the writer lock.
    /// The caller then lets go of those who wait for what has gone, and serves
    /// the queue.
    fn publish<R>(&self, edit: impl FnOnce(&mut Vec<Arc<Server<T>>>) -> R) -> R {
        let mut members = self.members.lock().unwrap_or_else(PoisonError::into_inner);
        let result = edit(&mut members);
        let before = self.snapshot.load();
        let next = Snapshot::build(before.shape(), &members, Some(&before));
        self.snapshot.store(Arc::new(next));
        drop(members);
        self.refresh_loads();
        self.changed.notify_waiters();
        result
    }

    /// Slots given back while a snapshot was built were told to the one before.
    pub(super) fn refresh_loads(&self) {
        if !self.interest.load() {
            return;
        }
        let snapshot = self.snapshot.load();
        let shape = snapshot.shape();
        if let Some(index) = snapshot.index() {
            for position in 0..snapshot.usable().len() {
                let usable = snapshot.usable();
                shape.policy.load_changed(index, usable, position);
            }
        }
    }

    fn change(&self, server: &Arc<Server<T>>, change: impl FnOnce()) {
        self.publish(|_| change());
        if !server.takes_bound_clients() {
            self.queue.evict(server);
        }
        self.serve_all();
    }

    pub(super) fn dismiss(&self, gone: &Arc<Server<T>>) {
        gone.state().set_administrative(Administrative::Maint);
        self.queue.evict(gone);
    }

    /// Hands out every free slot, after a change that may have made some: a
    /// server that came, a limit that rose, a backup now that the last other
    /// server went.
    pub(super) fn serve_all(&self) {
        for server in self.snapshot.load().all() {
            if self.queue.waiting() == 0 {
                return;
            }
            if self.has_slot(server) {
                self.serve_queue(server);
            }
        }
    }
}
