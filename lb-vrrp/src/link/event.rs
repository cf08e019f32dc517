//! What the link tells.

use std::io;
use std::net::SocketAddr;

use thiserror::Error;

use super::protocol::Rejection;
use super::view::RouterView;
use crate::{Family, VirtualRouterId};

/// Something that happened on the link. A peer is named by the address it was configured with.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LinkEvent {
    /// The peer's process is there and has the key.
    Up {
        /// The peer.
        peer: SocketAddr,
    },
    /// What the peer says of its virtual routers, at first and whenever it changes.
    View {
        /// The peer.
        peer: SocketAddr,
        /// All of them.
        routers: Vec<RouterView>,
    },
    /// The peer's process is proved to have ended: the same as an advertisement of priority 0
    /// for every virtual router of which it was master.
    Gone {
        /// The peer.
        peer: SocketAddr,
        /// The proof.
        how: Proof,
        /// What it said last.
        routers: Vec<RouterView>,
    },
    /// The link is broken and proves nothing: the peer may be alive and master.
    Lost {
        /// The peer.
        peer: SocketAddr,
        /// What happened.
        why: Loss,
    },
    /// The peer, which is master, asks this node to take over now.
    TakeOver {
        /// The peer.
        peer: SocketAddr,
        /// Which virtual router.
        id: VirtualRouterId,
        /// And of which family.
        family: Family,
    },
    /// Somebody is not accepted, told once for each host and reason until a link to that host is
    /// up; [`PeerLink::rejections`](super::PeerLink::rejections) counts every one.
    Rejected {
        /// A peer's address where this node dialled, else the address the connection came from.
        from: SocketAddr,
        /// Why; it continues the sentence "peer 10.0.0.2: …".
        why: Rejection,
    },
}

/// How it is known that a process has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Proof {
    /// Its host refuses connections to its address: the host lives, and nobody listens.
    Refused,
    /// It said so.
    Goodbye,
    /// Another process, with the key, answers at its address.
    Replaced,
}

/// Why a link is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum Loss {
    /// It was silent for three seconds.
    #[error("it does not answer")]
    Silent,
    /// The connection was closed, and neither the same process nor a refusal followed.
    #[error("its connection was closed, and it cannot be asked why")]
    Closed,
    /// The system reports an error that says nothing of the process, such as no route.
    #[error("its connection failed: {0}")]
    Failed(io::ErrorKind),
}

/// How the link to a peer stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PeerState {
    /// Never heard of, or its process has ended.
    Absent,
    /// Connected, or on the point of finding out why no longer.
    Up,
    /// Not connected, and nothing is proved.
    Lost,
}
