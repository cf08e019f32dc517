//! What a link is opened with.

use std::io;
use std::net::SocketAddr;

use thiserror::Error;

use super::peer_link::PeerLink;
use super::protocol::{Key, KeyTooShort};

/// Builds [`Settings`]; see [`PeerLink::builder`].
#[derive(Clone, Debug, Default)]
pub struct Builder {
    bind: Option<SocketAddr>,
    peers: Vec<SocketAddr>,
    key: Option<Result<Key, KeyTooShort>>,
}

/// A link that can be opened: an address, at least one peer and a key.
#[derive(Clone, Debug)]
pub struct Settings {
    pub(super) bind: SocketAddr,
    pub(super) peers: Vec<SocketAddr>,
    pub(super) key: Key,
}

/// Why there is no such link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BuildError {
    /// No address to listen on.
    #[error("a peer link needs an address to listen on")]
    NoBind,
    /// No peer.
    #[error("a peer link needs a peer")]
    NoPeer,
    /// No key.
    #[error("a peer link needs a key")]
    NoKey,
    /// A key that could be guessed.
    #[error(transparent)]
    Key(#[from] KeyTooShort),
    /// A peer that nobody can connect to: no address, or port 0.
    #[error("{0} cannot be a peer's address")]
    Unusable(SocketAddr),
    /// A peer that is named twice.
    #[error("peer {0} is named twice")]
    Twice(SocketAddr),
    /// This node is named as its own peer.
    #[error("peer {0} is this node's own address")]
    Itself(SocketAddr),
}

/// The address to listen on cannot be had; `source()` says why.
#[derive(Debug, Error)]
#[error("cannot listen for peers on {address}")]
pub struct OpenError {
    /// The address.
    pub address: SocketAddr,
    source: io::Error,
}

impl Builder {
    /// The address to listen on, and to connect from unless it is the unspecified one.
    #[must_use]
    pub const fn bind(mut self, address: SocketAddr) -> Self {
        self.bind = Some(address);
        self
    }

    /// Adds a peer: the address it listens on.
    #[must_use]
    pub fn peer(mut self, address: SocketAddr) -> Self {
        self.peers.push(address);
        self
    }

    /// The key all nodes share, any text of at least 16 octets.
    #[must_use]
    pub fn key(mut self, text: impl AsRef<[u8]>) -> Self {
        self.key = Some(Key::new(text));
        self
    }

    /// Checks them; touches nothing.
    ///
    /// # Errors
    /// What is missing or contradicts itself.
    pub fn build(self) -> Result<Settings, BuildError> {
        let bind = self.bind.ok_or(BuildError::NoBind)?;
        if self.peers.is_empty() {
            return Err(BuildError::NoPeer);
        }
        for (at, &peer) in self.peers.iter().enumerate() {
            if peer.ip().is_unspecified() || peer.ip().is_multicast() || peer.port() == 0 {
                return Err(BuildError::Unusable(peer));
            }
            if self.peers[..at].contains(&peer) {
                return Err(BuildError::Twice(peer));
            }
            if peer == bind {
                return Err(BuildError::Itself(peer));
            }
        }
        Ok(Settings {
            bind,
            peers: self.peers,
            key: self.key.ok_or(BuildError::NoKey)??,
        })
    }
}

impl Settings {
    /// Listens, and begins to connect once the link is polled.
    ///
    /// # Errors
    /// The address is taken, or no interface has it (yet).
    ///
    /// # Panics
    /// Outside of a tokio runtime with I/O and time.
    pub fn open(self) -> Result<PeerLink, OpenError> {
        let address = self.bind;
        PeerLink::open(self).map_err(|source| OpenError { address, source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "sixteen octets..";

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn what_is_missing_or_contradicts_itself_is_an_error() {
        let own = address("10.0.0.1:5405");
        let peer = address("10.0.0.2:5405");
        let build = |builder: Builder| builder.build().unwrap_err();
        let bound = || Builder::default().bind(own);
        let keyed = || bound().key(KEY);
        assert_eq!(
            build(Builder::default().peer(peer).key(KEY)),
            BuildError::NoBind
        );
        assert_eq!(build(keyed()), BuildError::NoPeer);
        assert_eq!(build(bound().peer(peer)), BuildError::NoKey);
        assert!(matches!(
            build(bound().peer(peer).key("short")),
            BuildError::Key(_)
        ));
        assert_eq!(build(keyed().peer(own)), BuildError::Itself(own));
        assert_eq!(
            build(keyed().peer(peer).peer(peer)),
            BuildError::Twice(peer)
        );
        for unusable in ["10.0.0.2:0", "0.0.0.0:5405", "[::]:5405", "224.0.0.18:1"] {
            let unusable = address(unusable);
            assert_eq!(
                build(keyed().peer(unusable)),
                BuildError::Unusable(unusable)
            );
        }
        assert!(keyed().peer(peer).build().is_ok());
    }
}
