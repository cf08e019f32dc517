//! A slot of a server, for as long as it is held.

use std::{fmt, sync::Arc, time::Duration};

use tokio::time::Instant;

use super::Pool;
use crate::{
    policy::{PeakEwma, Policy},
    server::Server,
};

/// The right to send one request to one server. Dropping it frees the slot and
/// hands it to whoever waits for it; hold it until the *response body* has
/// ended.
pub struct Lease<T, P: Policy> {
    pool: Pool<T, P>,
    server: Arc<Server<T>>,
}

impl<T, P: Policy> Lease<T, P> {
    /// For a slot that has been taken already.
    pub(super) fn new(pool: Pool<T, P>, server: Arc<Server<T>>) -> Self {
        Self { pool, server }
    }

    /// Whose slot it is.
    pub fn server(&self) -> &Arc<Server<T>> {
        &self.server
    }

    /// Does the policy steer by response times?
    pub(crate) fn records_latency(&self) -> bool {
        self.pool.steers_by_latency()
    }

    /// Tells a policy that steers by response times of one more.
    pub fn record_latency(&self, latency: Duration, now: Instant) {
        if self.pool.steers_by_latency() {
            let at = now.saturating_duration_since(self.pool.shared.epoch);
            self.server.latency().record(latency, at, PeakEwma::DECAY);
        }
    }
}

impl<T, P: Policy> Drop for Lease<T, P> {
    fn drop(&mut self) {
        self.pool.shared.release(&self.server);
    }
}

impl<T, P: Policy> fmt::Debug for Lease<T, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Lease").field(&self.server.name()).finish()
    }
}
