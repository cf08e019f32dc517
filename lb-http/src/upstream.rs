//! What stands behind a server of an HTTP pool.

use std::net::SocketAddr;

/// The address of a server and how to speak to it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Upstream {
    address: SocketAddr,
}

impl Upstream {
    /// A server at this address.
    pub fn new(address: SocketAddr) -> Self {
        Self { address }
    }

    /// Where it is.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}
