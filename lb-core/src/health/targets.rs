//! The servers that a checker looks after.

use std::sync::Arc;

use crate::{
    policy::Policy,
    pool::Pool,
    server::{Administrative, Operational, Server},
};

/// A set of servers whose health someone else decides: a
/// [`Pool`], or what you have instead.
pub trait Targets<T>: Clone + Send + Sync + 'static {
    /// Its name, as in messages.
    fn name(&self) -> &str;

    /// All servers as they are now.
    fn servers(&self) -> Vec<Arc<Server<T>>>;

    /// Completes when a server has come, gone, or changed its state since this
    /// was called.
    fn changed(&self) -> impl Future<Output = ()> + Send;

    /// Requests that wait for any of the servers.
    fn queued(&self) -> u32;

    /// Sets what the checks found.
    fn set_operational(&self, server: &Arc<Server<T>>, state: Operational);

    /// Sets what an agent wants.
    fn set_administrative(&self, server: &Arc<Server<T>>, state: Administrative);

    /// Sets the weight that an agent wants.
    fn set_weight(&self, server: &Arc<Server<T>>, weight: u16);

    /// Scales the weight in use, 0 to 1.
    fn set_ramp(&self, server: &Arc<Server<T>>, ramp: f64);
}

impl<T: Send + Sync + 'static, P: Policy> Targets<T> for Pool<T, P> {
    fn name(&self) -> &str {
        self.name()
    }

    fn servers(&self) -> Vec<Arc<Server<T>>> {
        self.snapshot().all().to_vec()
    }

    fn changed(&self) -> impl Future<Output = ()> + Send {
        self.changed()
    }

    fn queued(&self) -> u32 {
        self.queued()
    }

    fn set_operational(&self, server: &Arc<Server<T>>, state: Operational) {
        self.set_operational(server, state);
    }

    fn set_administrative(&self, server: &Arc<Server<T>>, state: Administrative) {
        self.set_administrative(server, state);
    }

    fn set_weight(&self, server: &Arc<Server<T>>, weight: u16) {
        self.set_weight(server, weight);
    }

    fn set_ramp(&self, server: &Arc<Server<T>>, ramp: f64) {
        self.set_ramp(server, ramp);
    }
}
