//! What a check is given.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    time::Duration,
};

use super::Status;
use crate::server::Server;

/// The request of a check: the server to look at.
///
/// A check is a `tower::Service<Probe<T>>` that answers with a
/// [`Verdict`](super::Verdict). It sets no time-out of its own: the
/// [`HealthChecker`](super::HealthChecker) drops its future when the time is
/// over, and names the time-out after the last stage the check has
/// [`reached`](Self::reached).
pub struct Probe<T> {
    server: Arc<Server<T>>,
    timeout: Duration,
    stage: Arc<AtomicU8>,
}

/// How far a check has got.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Stage {
    /// It is connecting.
    #[default]
    Connect,
    /// The connection stands; TLS is being set up.
    Handshake,
    /// It is talking to the server.
    Exchange,
}

impl Stage {
    /// The status of a check whose time is over at this stage.
    pub fn timeout(self) -> Status {
        match self {
            Self::Connect => Status::L4Timeout,
            Self::Handshake => Status::L6Timeout,
            Self::Exchange => Status::L7Timeout,
        }
    }
}

impl<T> Probe<T> {
    /// A probe of this server.
    pub fn new(server: Arc<Server<T>>, timeout: Duration) -> Self {
        Self {
            server,
            timeout,
            stage: Arc::default(),
        }
    }

    /// The server.
    pub fn server(&self) -> &Arc<Server<T>> {
        &self.server
    }

    /// What stands behind it.
    pub fn target(&self) -> &T {
        self.server.target()
    }

    /// How long the check may take in all.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// The check has got so far.
    pub fn reached(&self, stage: Stage) {
        self.stage.store(stage as u8, Ordering::Relaxed);
    }

    /// How far the check has got.
    pub fn stage(&self) -> Stage {
        match self.stage.load(Ordering::Relaxed) {
            0 => Stage::Connect,
            1 => Stage::Handshake,
            _ => Stage::Exchange,
        }
    }
}

impl<T> Clone for Probe<T> {
    fn clone(&self) -> Self {
        Self {
            server: Arc::clone(&self.server),
            timeout: self.timeout,
            stage: Arc::clone(&self.stage),
        }
    }
}

impl<T> fmt::Debug for Probe<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Probe")
            .field("server", &self.server.name())
            .field("timeout", &self.timeout)
            .field("stage", &self.stage())
            .finish()
    }
}
