//! A frontend that runs.

use std::sync::{Arc, atomic::AtomicU64};

use lb_http::fetch::FrontendFacts;
use lb_tcp::{Address, Endpoint};
use tokio::sync::watch;

use super::super::{counts::Count, quota::Quota, rates::FrontendRates};
use crate::{plan::Frontend, stats};

/// Whether a frontend takes connections, as far as its operator is concerned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Gate {
    /// It does.
    Open,
    /// It does not, and may again (`disable frontend`).
    Paused,
    /// It never will (`shutdown frontend`).
    Shut,
}

/// A frontend that runs.
#[derive(Debug)]
pub struct RunningFrontend {
    pub(in crate::run) plan: Frontend,
    /// Places for connections of each of its sockets.
    pub(in crate::run) bind_permits: Vec<Option<Arc<Quota>>>,
    sockets: Vec<ListeningSocket>,
    pub(in crate::run) life: Arc<FrontendLife>,
}

/// An address that a frontend listens on.
#[derive(Clone, Debug)]
pub(in crate::run) struct ListeningSocket {
    /// As declared.
    pub(in crate::run) address: Address,
    /// With the port that the kernel chose.
    pub(in crate::run) local: Endpoint,
}

/// What goes on when a frontend is declared anew.
#[derive(Debug)]
pub(in crate::run) struct FrontendLife {
    pub(in crate::run) connections: Count,
    pub(in crate::run) permits: Quota,
    /// Whether it takes connections, as far as its operator is concerned.
    pub(in crate::run) gate: watch::Sender<Gate>,
    /// How many of its sockets cannot accept now.
    pub(in crate::run) refusing: watch::Sender<u32>,
    pub(in crate::run) rates: FrontendRates,
    /// Lines of its log, where a format numbers them.
    pub(in crate::run) lines: AtomicU64,
    page: stats::Page,
}

impl FrontendLife {
    pub(in crate::run) fn new(maxconn: Option<u32>) -> Self {
        Self {
            connections: Count::default(),
            permits: Quota::new(maxconn),
            gate: watch::Sender::new(Gate::Open),
            refusing: watch::Sender::new(0),
            rates: FrontendRates::default(),
            lines: AtomicU64::new(0),
            page: stats::Page::new(),
        }
    }
}

impl RunningFrontend {
    /// A frontend of this plan, on sockets in the order of its `bind`.
    pub(in crate::run) fn new(
        plan: Frontend,
        sockets: Vec<ListeningSocket>,
        bind_permits: Vec<Option<Arc<Quota>>>,
        life: Arc<FrontendLife>,
    ) -> Self {
        Self {
            plan,
            bind_permits,
            sockets,
            life,
        }
    }

    /// The plan it runs by.
    pub fn plan(&self) -> &Frontend {
        &self.plan
    }

    /// Client connections now, at most, and since the start.
    pub fn connections(&self) -> (u32, u32, u64) {
        let count = &self.life.connections;
        (count.now(), count.max(), count.total())
    }

    /// Client connections that it takes at a time; `None`: as many as the process.
    pub fn maxconn(&self) -> Option<u32> {
        self.life.permits.limit()
    }

    /// Whether it takes connections, as far as its operator is concerned.
    pub fn gate(&self) -> Gate {
        *self.life.gate.borrow()
    }

    /// Its connections and requests in the last second.
    pub fn rates(&self) -> &FrontendRates {
        &self.life.rates
    }

    /// The addresses it listens on, with the ports that the kernel chose.
    pub fn listening(&self) -> impl Iterator<Item = &Endpoint> {
        self.sockets.iter().map(|socket| &socket.local)
    }

    /// Its statistics page, if it has one.
    pub(in crate::run) fn page(&self) -> Option<&stats::Page> {
        self.plan.stats().map(|_| &self.life.page)
    }

    pub(in crate::run) fn sockets(&self) -> &[ListeningSocket] {
        &self.sockets
    }
}

impl FrontendFacts for RunningFrontend {
    fn connections(&self) -> u32 {
        self.life.connections.now()
    }

    fn request_rate(&self) -> u32 {
        super::narrow(self.rates().requests.now())
    }

    fn session_rate(&self) -> u32 {
        super::narrow(self.rates().connections.now())
    }
}
