//! Declaring a pool anew while it runs: HAProxy's reload, without a new process.

use std::{
    collections::HashMap,
    mem,
    sync::{Arc, PoisonError},
};

use super::{BuildError, Builder, Pool, Snapshot, snapshot::Shape};
use crate::{
    policy::Policy,
    server::{Server, ServerUid},
    sync::Ordering,
};

impl<T, P: Policy> Pool<T, P> {
    /// Makes the pool what `declared` and `policy` say, all at one moment for those who pick. Its name stays.
    ///
    /// A server of a name that is there already goes on, if `goes_on` says so of the one before and the new one: it keeps
    /// its identity, its state, its counters, and the requests that it is serving or that wait for it. What was changed
    /// at run time stays, too, unless its declaration is another one now. All others leave as by
    /// [`remove`](Self::remove).
    ///
    /// # Errors
    /// [`BuildError`]; the pool is as it was, then.
    pub fn redeclare(
        &self,
        declared: Builder<T>,
        policy: P,
        goes_on: impl Fn(&Server<T>, &Server<T>) -> bool,
    ) -> Result<(), BuildError> {
        let shared = &*self.shared;
        let gone = {
            let mut members = shared
                .members
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let before: HashMap<&str, &Arc<Server<T>>> = members
                .iter()
                .map(|server| (server.name(), server))
                .collect();
            let declared = declared.succeeding(|new| {
                let old = before.get(new.name())?;
                goes_on(old, new).then_some(&***old)
            })?;
            let uids: Vec<ServerUid> = declared.servers.iter().map(|s| s.uid()).collect();
            let shape = Shape::new(policy, declared.all_backups, declared.queue_timeout);
            shared.interest.set(shape.interest);
            shared
                .full_conn
                .store(declared.full_conn, Ordering::Relaxed);
            let previous = shared.snapshot.load();
            let next = Snapshot::build(&Arc::new(shape), &declared.servers, Some(&previous));
            shared.snapshot.store(Arc::new(next));
            let mut gone = mem::replace(&mut *members, declared.servers);
            gone.retain(|server| !uids.contains(&server.uid()));
            gone
        };
        shared.refresh_loads();
        shared.changed.notify_waiters();
        for server in &gone {
            shared.dismiss(server);
        }
        for server in self.snapshot().all() {
            if !server.takes_bound_clients() {
                shared.queue.evict(server);
            }
        }
        shared.serve_all();
        Ok(())
    }
}
