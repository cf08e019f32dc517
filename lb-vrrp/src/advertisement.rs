//! What a master says.

use std::net::IpAddr;

use crate::{Interval, Priority, Version, VirtualRouterId};

/// One VRRP ADVERTISEMENT, its only type of packet (RFC 9568 §5.2), without what belongs to the
/// wire alone: the checksum and the authentication are [`packet`](crate::packet)'s.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advertisement {
    /// The version it is written in.
    pub version: Version,
    /// Which virtual router it speaks for.
    pub id: VirtualRouterId,
    /// The sender's priority.
    pub priority: Priority,
    /// How often the sender advertises.
    pub interval: Interval,
    /// The virtual addresses, all of one family, 1 to 255; in IPv6 the first is link-local.
    pub addresses: Vec<IpAddr>,
}
