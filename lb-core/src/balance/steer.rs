//! How a layer above a balancer takes part in the choice of the server.
//!
//! A typed hint in place of an extension map: one word in, one word out.

use tower_service::Service;

use crate::server::ServerUid;

/// A service that can be asked for a server.
pub trait Steer<Req>: Service<Req, Future: Steered> {
    /// Like [`call`](Service::call), for a client that is bound to `server`: it
    /// is waited for if it is full; if it cannot be used, is no member, or its
    /// queue is full, the policy chooses.
    fn steer(&mut self, request: Req, server: ServerUid) -> Self::Future;
}

/// A future that tells where its request went.
pub trait Steered {
    /// The server of the last attempt so far; still known when the future has
    /// completed.
    fn server(&self) -> Option<ServerUid>;
}
