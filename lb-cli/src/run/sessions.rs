//! Connections of clients that are there now, for operators to look at and to end: `show sess`, `shutdown session`.
//!
//! A connection is entered once and leaves once. What its requests do is read from its [`Client`], where they leave some
//! atomics; nothing is entered for a request.

use std::{
    collections::HashMap,
    ops::Deref,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use lb_http::Client;
use lb_tcp::Endpoint;
use tokio::{task::AbortHandle, time::Instant};

use super::RunningFrontend;

/// Locks that workers share: so many that two seldom want the same.
const SHARDS: usize = 16;

/// All connections of clients. Clones are of the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sessions(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    entered: AtomicU64,
    shards: [Mutex<HashMap<u64, Arc<Session>>>; SHARDS],
}

/// One connection of a client.
#[derive(Debug)]
pub(crate) struct Session {
    id: u64,
    frontend: Arc<RunningFrontend>,
    bind: usize,
    peer: Endpoint,
    since: Instant,
    /// Once it speaks HTTP: the header of the PROXY protocol may come first.
    client: OnceLock<Client>,
    task: OnceLock<AbortHandle>,
}

/// A connection that is entered for as long as this is there.
#[derive(Debug)]
pub(super) struct Present {
    session: Arc<Session>,
    sessions: Sessions,
}

impl Sessions {
    /// A client at `peer` has come to a socket of this frontend.
    pub(super) fn enter(
        &self,
        frontend: &Arc<RunningFrontend>,
        bind: usize,
        peer: &Endpoint,
    ) -> (Present, Arc<Session>) {
        let id = self.0.entered.fetch_add(1, Ordering::Relaxed) + 1;
        let session = Arc::new(Session {
            id,
            frontend: Arc::clone(frontend),
            bind,
            peer: peer.clone(),
            since: Instant::now(),
            client: OnceLock::new(),
            task: OnceLock::new(),
        });
        self.shard(id).insert(id, Arc::clone(&session));
        let present = Present {
            session: Arc::clone(&session),
            sessions: self.clone(),
        };
        (present, session)
    }

    /// Those that are there, the oldest first.
    pub(crate) fn all(&self) -> Vec<Arc<Session>> {
        let mut all = Vec::new();
        for shard in &self.0.shards {
            all.extend(lock(shard).values().cloned());
        }
        all.sort_unstable_by_key(|session| session.id);
        all
    }

    /// The one of this number.
    pub(crate) fn find(&self, id: u64) -> Option<Arc<Session>> {
        self.shard(id).get(&id).cloned()
    }

    fn shard(&self, id: u64) -> MutexGuard<'_, HashMap<u64, Arc<Session>>> {
        lock(&self.0.shards[id as usize % SHARDS])
    }
}

/// A map that is whole at each step.
fn lock<T>(shard: &Mutex<T>) -> MutexGuard<'_, T> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Session {
    /// Its number: 1 is the first since the start.
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// Where it came in.
    pub(crate) fn frontend(&self) -> &Arc<RunningFrontend> {
        &self.frontend
    }

    /// By which of the frontend's sockets, from 0 on.
    pub(crate) fn bind(&self) -> usize {
        self.bind
    }

    /// Since when it is there.
    pub(crate) fn since(&self) -> Instant {
        self.since
    }

    /// Its other end: what a header of the PROXY protocol says, if there was one.
    pub(crate) fn peer(&self) -> &Endpoint {
        self.client().map_or(&self.peer, Client::peer)
    }

    /// What its requests do; `None` while the header of the PROXY protocol is waited for.
    pub(crate) fn client(&self) -> Option<&Client> {
        self.client.get()
    }

    /// Ends it at once; the request under way is logged as killed (`K`).
    pub(crate) fn kill(&self) {
        if let Some(client) = self.client() {
            client.kill();
        }
        if let Some(task) = self.task.get() {
            task.abort();
        }
    }

    /// HTTP begins on it, between these ends.
    pub(super) fn speaks_http(&self, peer: Endpoint, local: Endpoint) -> Client {
        let client = Client::of_connection(peer, local);
        self.client.get_or_init(|| client).clone()
    }

    /// What serves it, and is to be ended with it.
    pub(super) fn is_served_by(&self, task: AbortHandle) {
        // It is told once, by who has begun it.
        let _ = self.task.set(task);
    }
}

impl Deref for Present {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.session
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        let id = self.session.id;
        self.sessions.shard(id).remove(&id);
    }
}
