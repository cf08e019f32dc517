//! What a machine is told beside advertisements and the time.

use std::net::IpAddr;

use super::{Effect, Tracker};
use crate::network::MacAddress;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The interface's state: at first and whenever it changes.
    Interface {
        /// Whether it is up and has a carrier.
        up: bool,
        /// The address to advertise from.
        source: Option<IpAddr>,
    },
    /// Something tracked has changed.
    Tracked {
        /// Which.
        tracker: Tracker,
        /// What it says now.
        effect: Effect,
    },
    /// Whether enough witnesses are reached; without this event they are.
    Witness {
        /// Whether they are.
        reachable: bool,
    },
    /// Another host says it has a virtual address: in answer to a probe, or by itself.
    Claimed {
        /// The address.
        address: IpAddr,
        /// Who says so.
        by: MacAddress,
    },
    /// An address that was set is gone, and not by this node's doing.
    Lost {
        /// The address.
        address: IpAddr,
    },
    /// More came than is read: what was not may have been the master's.
    Overrun,
    /// The peer link proved that the process which advertised from `source` is gone.
    PeerGone {
        /// Where its advertisements came from.
        source: IpAddr,
        /// Whether no other node that lives is before this one.
        next_in_line: bool,
    },
    /// The master asks this node, over the peer link, to take over now.
    TakeOver {
        /// Where its advertisements come from.
        from: IpAddr,
    },
    /// The operator wants another node to be master.
    HandOver,
}
