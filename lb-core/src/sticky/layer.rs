//! Declaring what clients are known by, and how many for how long.

use std::{fmt, hash::Hash, sync::Arc, time::Duration};

use tokio::time::Instant;
use tower_layer::Layer;

use super::{StickyService, Table};
use crate::server::ServerUid;

/// Keeps requests of one key on one server: a [`Layer`] for a
/// [`Balancer`](crate::Balancer).
///
/// Clones, and all services made by them, share one table.
pub struct StickySession<F, K> {
    key: F,
    table: Arc<Table<K, ServerUid>>,
}

impl<F, K: Hash + Eq + 'static> StickySession<F, K> {
    /// Clients kept unless [`size`](Self::size) says how many.
    pub const DEFAULT_SIZE: usize = 100_000;

    /// Persistence by what `key` finds in a request; one without a key goes
    /// where the policy sends it.
    pub fn by<Req>(key: F) -> Self
    where
        F: Fn(&Req) -> Option<K>,
    {
        Self {
            key,
            table: Arc::new(Table::new(Self::DEFAULT_SIZE, None, Instant::now())),
        }
    }

    /// Keeps at most so many clients, at least one; a further one takes the
    /// place of one that has been away for long (`size`).
    #[must_use]
    pub fn size(self, size: usize) -> Self {
        let expire = self.table.expire();
        self.with(Table::new(size, expire, Instant::now()))
    }

    /// Forgets a client that has been away for so long; never, unless given
    /// (`expire`).
    #[must_use]
    pub fn expire(self, expire: Duration) -> Self {
        let size = self.table.size();
        self.with(Table::new(size, Some(expire), Instant::now()))
    }

    fn with(self, table: Table<K, ServerUid>) -> Self {
        Self {
            key: self.key,
            table: Arc::new(table),
        }
    }

    /// Which server each client is on.
    pub fn table(&self) -> &Arc<Table<K, ServerUid>> {
        &self.table
    }
}

impl<S, F: Clone, K> Layer<S> for StickySession<F, K> {
    type Service = StickyService<S, F, K>;

    fn layer(&self, inner: S) -> StickyService<S, F, K> {
        StickyService::new(inner, self.key.clone(), Arc::clone(&self.table))
    }
}

impl<F: Clone, K> Clone for StickySession<F, K> {
    fn clone(&self) -> Self {
        Self {
            key: self.key.clone(),
            table: Arc::clone(&self.table),
        }
    }
}

impl<F, K> fmt::Debug for StickySession<F, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StickySession")
            .field("table", &self.table)
            .finish_non_exhaustive()
    }
}
