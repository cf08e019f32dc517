//! What fetches ask of the process around a request: `nbsrv`, `be_conn`, `fe_req_rate`, `srv_is_up`.

use std::fmt;

use lb_core::{
    Pool, Server,
    policy::Policy,
    server::{Administrative, Operational, PoolLoad, WEIGHT_SCALE},
};

use crate::Upstream;

/// The state of a backend at this moment.
pub trait BackendFacts: fmt::Debug + Send + Sync {
    /// Servers that can be used (`nbsrv`).
    fn usable(&self) -> usize;

    /// Requests that servers are working on (`be_conn`).
    fn in_flight(&self) -> u32;

    /// Requests that wait for a server (`queue`).
    fn queued(&self) -> u32;

    /// Requests that could still be taken without waiting (`connslots`, `be_conn_free`); `None` without a limit.
    fn free(&self) -> Option<u32>;

    /// New requests in the last second (`be_sess_rate`); `None` where nobody counts them.
    fn rate(&self) -> Option<u32> {
        None
    }

    /// One of its servers, by name.
    fn server(&self, name: &str) -> Option<ServerFacts>;
}

/// The state of a frontend at this moment.
pub trait FrontendFacts: fmt::Debug + Send + Sync {
    /// Client connections (`fe_conn`).
    fn connections(&self) -> u32;

    /// New requests in the last second (`fe_req_rate`).
    fn request_rate(&self) -> u32;

    /// New connections in the last second (`fe_sess_rate`).
    fn session_rate(&self) -> u32;
}

/// The state of a server at this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerFacts {
    /// Not DOWN and not in maintenance (`srv_is_up`).
    pub up: bool,
    /// Requests it is working on (`srv_conn`).
    pub in_flight: u32,
    /// Requests that wait for it (`srv_queue`).
    pub queued: u32,
    /// Requests it may still be given; `None` without a limit (`srv_conn_free`).
    pub free: Option<u32>,
    /// Its weight now, in its own units (`srv_weight`).
    pub weight: u32,
}

impl ServerFacts {
    /// What is true of `server`, in a pool under `load`.
    pub fn of<T>(server: &Server<T>, load: PoolLoad) -> Self {
        let in_flight = server.in_flight();
        let running = !matches!(server.operational_state(), Operational::Down);
        Self {
            up: running && server.administrative_state() != Administrative::Maint,
            in_flight,
            queued: server.queued(),
            free: server
                .limit(load)
                .map(|limit| limit.saturating_sub(in_flight)),
            weight: server.effective_weight() / WEIGHT_SCALE,
        }
    }
}

impl<P: Policy> BackendFacts for Pool<Upstream, P> {
    fn usable(&self) -> usize {
        self.snapshot().usable().len()
    }

    fn in_flight(&self) -> u32 {
        self.load().in_flight
    }

    fn queued(&self) -> u32 {
        Pool::queued(self)
    }

    fn free(&self) -> Option<u32> {
        let (snapshot, load) = (self.snapshot(), self.load());
        let free = |server: &std::sync::Arc<Server<Upstream>>| {
            let limit = server.limit(load)?;
            Some(limit.saturating_sub(server.in_flight()))
        };
        snapshot.usable().iter().map(free).sum()
    }

    fn server(&self, name: &str) -> Option<ServerFacts> {
        let snapshot = self.snapshot();
        let server = snapshot.by_name(name)?;
        Some(ServerFacts::of(server, self.load()))
    }
}
