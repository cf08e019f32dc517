//! Changing a running process: what each change means, for the statistics page and the admin socket alike.
//!
//! Words and refusals are HAProxy's, so that scripts made for its socket understand them. A change says what there is
//! to say about it, which is nothing for most.

mod clear;
mod dynamic;
mod frontend;
mod refusal;
mod server;
mod weight;

use std::sync::Arc;

use lb_core::Server;
use lb_http::Upstream;

pub(super) use clear::Cleared;
pub use refusal::Refusal;

use super::{RunningBackend, RunningFrontend, System};

/// What is said of a change that was made: nothing, for most.
pub(crate) type Said = Result<String, Refusal>;

/// A server of a running process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target<'s> {
    pub(crate) backend: &'s RunningBackend,
    pub(crate) server: &'s Arc<Server<Upstream>>,
}

impl System {
    /// The backend of this name.
    pub(crate) fn backend_named(
        &self,
        name: &str,
    ) -> Result<(usize, &Arc<RunningBackend>), Refusal> {
        self.backend(name).ok_or(Refusal::NoBackend)
    }

    /// The frontend of this name, and its place.
    pub(crate) fn frontend_named(
        &self,
        name: Option<&str>,
    ) -> Result<&Arc<RunningFrontend>, Refusal> {
        let name = name.ok_or(Refusal::FrontendExpected)?;
        let mut frontends = self.frontends().iter();
        let found = frontends.find(|frontend| frontend.plan().name() == name);
        found.ok_or(Refusal::NoFrontend)
    }

    /// Does something to the server of `backend/server`.
    pub(crate) fn with_server<R>(
        &self,
        path: Option<&str>,
        then: impl FnOnce(Target<'_>) -> Result<R, Refusal>,
    ) -> Result<R, Refusal> {
        let (_, backend, name) = self.server_path(path)?;
        let snapshot = backend.pool().snapshot();
        let server = snapshot.by_name(name).ok_or(Refusal::NoServer)?;
        then(Target { backend, server })
    }

    fn server_path<'p>(
        &self,
        path: Option<&'p str>,
    ) -> Result<(usize, &Arc<RunningBackend>, &'p str), Refusal> {
        let (backend, server) = path
            .and_then(|path| path.split_once('/'))
            .filter(|(_, server)| !server.is_empty())
            .ok_or(Refusal::PathExpected)?;
        let (at, backend) = self.backend_named(backend)?;
        Ok((at, backend, server))
    }
}
